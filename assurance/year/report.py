"""What a simulated year came to, printed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from assurance.year.agreement import Sample
from assurance.year.calendars import DAY, MINUTE, moment
from assurance.year.evaluation import Findings
from assurance.year.healthy import Healthy
from assurance.year.organization import Organization
from assurance.year.trial import Outcome, Trial
from policycheck.result import Verdict

_MOST = 20


def print_healthy(organization: Organization, healthy: Healthy, every: int, months: Sequence[tuple[int, int]]) -> None:
    """Findings of the healthy organization, what was waived and why, and what stayed undecided."""
    accounts, days = len({place.account for place in organization.places}), sum(end - first for first, end in months) // DAY
    size = f"{accounts} accounts, {len(organization.places)} places, {len(organization.resources)} resources, {days} days"
    print(f"healthy: {size}")
    _print_findings(healthy.jobs, f"{healthy.jobs.steps:,} evaluations of job lists, one every {every} h")
    _print_findings(healthy.held, f"{healthy.held.steps:,} evaluations of what there is")


def _print_findings(findings: Findings, evaluated: str) -> None:
    print(f"{evaluated}, {len({rule for rule, _ in findings.verdicts})} rules: {len(findings.open)} findings")
    for one in findings.open[:_MOST]:
        print(f"  {one.rule} {one.account}/{one.region} {one.subject} [{one.cause}] {moment(one.first)} to {moment(one.last)}: {one.message}")
    for (reason, rule), number in sorted(Counter((one.waived, one.rule) for one in findings.found if one.waived).items()):
        print(f"  waived by the owner, {reason}: {rule} {number}")
    for (rule, verdict), steps in sorted(findings.verdicts.items()):
        if verdict is Verdict.INCONCLUSIVE:
            print(f"  inconclusive: {rule} at {steps:,} steps: {findings.reasons.get(rule, '')}")


def print_samples(samples: Sequence[Sample], *, healthy: bool = True) -> None:
    """Where a period and the lists of the instant do not agree."""
    differing, awaited = (sum(map(bool, told)) for told in ((one.differing for one in samples), (one.awaited for one in samples)))
    print(f"instants compared with what AWS listed then: {len(samples)}, {differing} differ, {awaited} until a late job is listed")
    for one in samples:
        for line in one.differing:
            print(f"  {line}")
        for line in one.awaited:
            print(f"  a job is not listed yet: {line}")
        if healthy and one.findings:
            print(f"  {moment(one.at)}: {one.findings} findings on the lists of the instant")


def print_trial(trial: Trial) -> None:
    """Recall, false alarms, and how long after the breach a fault was found, by kind."""
    share = f" ({trial.faults_found / trial.faults:.1%})" if trial.faults else ""
    print(f"faults: {trial.faults_found:,} of {trial.faults:,} found by the first evaluation after each breach{share}, {len(trial.outcomes):,} breaches")
    print(f"false alarms among them: {len(trial.false_alarms)}; {trial.steps:,} evaluations, one every hour")
    by_kind: defaultdict[str, list[Outcome]] = defaultdict(list)
    for one in trial.outcomes:
        by_kind[one.kind].append(one)
    for kind, outcomes in sorted(by_kind.items()):
        faults = {one.place for one in outcomes}
        missed = {one.place for one in outcomes if one.found is None}
        delays = sorted(one.delay / MINUTE for one in outcomes if one.found is not None)
        told = f", delay {delays[0]:.0f} to {delays[-1]:.0f} min, median {median(delays):.0f}" if delays else ""
        print(f"  {kind}: {len(faults) - len(missed)} of {len(faults)}{told}; {', '.join(sorted({one.breach.rule for one in outcomes}))}")


def print_misses(trial: Trial) -> None:
    """What was not found, or found too late, too early or for another cause; and what was found that is no fault."""
    for one in trial.missed()[:_MOST]:
        instead = "; ".join(f"[{found.cause}] {moment(found.first)}" for found in one.instead[:3])
        print(f"  missed: {one.kind}: {one.breach.rule} {one.breach.subject} [{one.breach.cause}] {moment(one.breach.at)}; found: {instead or 'nothing'}")
    for alarm in trial.false_alarms[:_MOST]:
        print(f"  false alarm: {alarm.rule} {alarm.account}/{alarm.region} {alarm.subject} [{alarm.cause}] {moment(alarm.first)}: {alarm.message}")
