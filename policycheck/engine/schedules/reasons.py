"""Why it is undecided whether scheduled runs were missed, in words: for the reason of a verdict, and for its notes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policycheck.engine.notes import cap_notes, name_briefly
from policycheck.engine.schedules.expected_runs import Group, GroupRuns, Run
from policycheck.engine.schedules.findings import PlanRecords
from policycheck.engine.schedules.plan_jobs import PlanJob
from policycheck.places import Place
from policycheck.reasons import Reason, ReasonKind, Reasons, cap_reasons
from policycheck.records import iso, moment
from policycheck.text import counted

_MOST_NAMED = 3


def describe_undecided(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> tuple[str, ...]:
    """What was not evaluated: a line for each rule of a plan and each reason, since a plan has many resources."""
    lines = [f"not evaluated: {line}" for line in _undecided_runs(groups, records)] + [f"undecided: {line}" for line in _problems(groups, records)]
    return cap_notes(lines, "schedules were not evaluated")


def name_runs(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> Reasons:
    """The runs that are undecided."""
    return cap_reasons([Reason(ReasonKind.RUNS_UNDECIDED, (line,)) for line in _undecided_runs(groups, records)])


def name_problems(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> Reasons:
    """The schedules that cannot be computed."""
    return cap_reasons([Reason(ReasonKind.SCHEDULE_UNKNOWN, (line,)) for line in _problems(groups, records)])


def name_unknown_plans(jobs: Sequence[PlanJob]) -> Iterator[Reason]:
    """The jobs that may be scheduled ones."""
    for member, lacking in (("CreatedBy.BackupPlanId", [job for job in jobs if job.plan is None]), ("CreatedBy.BackupRuleId", [j for j in jobs if j.plan])):
        if lacking:
            yield Reason(ReasonKind.PLAN_UNKNOWN, (_accounts(lacking),), (len(lacking),), fields=(member,))


def name_unplaced(jobs: Sequence[PlanJob]) -> Reasons:
    """The scheduled jobs that do not say whose run they answer."""
    return (Reason(ReasonKind.RUN_UNPLACED, (_accounts(jobs),), (len(jobs),)),) if jobs else ()


def _accounts(jobs: Iterable[PlanJob]) -> str:
    """`account 111122223333: 3, account unknown: 1`; the number is left out where there is one account."""
    counts = Counter("account unknown" if job.place[0] is None else f"account {name_briefly(job.place[0])}" for job in jobs)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(_cap([f"{account}: {count:,}" for account, count in sorted(counts.items())]))


def _undecided_runs(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> list[str]:
    changed: defaultdict[tuple[Place, str, str], list[tuple[Run, str]]] = defaultdict(list)
    ended: defaultdict[tuple[Place, str, str], list[tuple[Run, str]]] = defaultdict(list)
    for group, runs in groups.items():
        changed[group.place, group.plan, group.rule] += [(run, group.resource) for run in runs.changed]
        ended[group.place, group.plan, group.rule] += [(run, group.resource) for run in runs.ended]
    lines = [f"{_spell_runs(runs)} while the schedule of {_rule_of_plan(records, *rule)} changed" for rule, runs in changed.items() if runs]
    lines += [f"{_spell_runs(runs)} after a newer version of {_rule_of_plan(records, *rule)}" for rule, runs in ended.items() if runs]
    return sorted(lines)


def _spell_runs(runs: Sequence[tuple[Run, str]]) -> str:
    """`4 runs of 2 resources from 2026-11-14T03:00:00Z to 2026-11-17T03:00:00Z`."""
    moments = sorted(run.moment for run, _ in runs)
    resources = {resource for _, resource in runs}
    first, last = iso(moment(moments[0])), iso(moment(moments[-1]))
    of = f" of {len(resources):,} resources" if len(resources) > 1 else ""
    return f"{counted(len(runs), 'run')}{of} " + (f"at {first}" if first == last else f"from {first} to {last}")


def _problems(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> list[str]:
    undecided: Counter[tuple[Place, str, str, str]] = Counter()
    for group, runs in groups.items():
        for problem in runs.problems:
            undecided[group.place, group.plan, group.rule, problem] += 1
    lines = []
    for (place, plan, rule, problem), count in undecided.items():
        lines.append(f"{_rule_of_plan(records, place, plan, rule)}, {counted(count, 'resource')}: {problem}")
    return sorted(lines)


def _rule_of_plan(records: PlanRecords, place: Place, plan: str, rule: str) -> str:
    where = "/".join(name_briefly(part) for part in place if part is not None)
    return f"plan {records.plan_name(place, plan)}, rule {records.rule_name(place, plan, rule)}" + (f" ({where})" if where else "")


def _cap(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_NAMED
    return [*lines[:_MOST_NAMED], f"and {more:,} more"] if more > 0 else lines
