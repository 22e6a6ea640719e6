"""Rules about missed runs to verdicts: what plans' schedules promised, compared with the jobs that came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.absence import Absence
from policycheck.engine.context import Context
from policycheck.engine.expected_runs import Group, GroupRuns, Place, PlanHistory, PlanJob, RuleSchedule
from policycheck.engine.findings import describe_empty
from policycheck.engine.frame import ROW, Frame, build_frame
from policycheck.engine.masks import Case, chosen_mask
from policycheck.engine.notes import cap_notes, name_briefly
from policycheck.engine.run_findings import MissedRun, PlanRecords, describe_missed
from policycheck.engine.scope import in_scope
from policycheck.engine.unknown import name_unknown
from policycheck.engine.verdict import counted, decide_empty, not_read, rule_result, short_evidence
from policycheck.policy.conditions import Operator, fields_of
from policycheck.policy.model import Expectation
from policycheck.records import JobList, iso, micros, moment
from policycheck.result import RuleResult, Universe, Verdict

Resource = tuple[Place, str]
"""One subject: where it is, and its ARN."""


def judge_runs(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """Judge every rule that expects `missed_runs`, by the number of its case."""
    job_list = context.lists.get(BACKUP_JOBS.name)
    if job_list is None:
        return {case.number: not_read(case.rule, BACKUP_JOBS) for case in cases}
    if not cases:
        return {}
    fields = sorted(set().union(*(fields_of(case.rule.statement.where) for case in cases)))
    frame = build_frame(job_list, fields, micros(context.as_of), context.backend, context.inventories)
    masks = context.backend.persist(frame.columns.select(nw.col(ROW), **{case.chosen: chosen_mask(case, frame) for case in cases}))
    rows = context.backend.rows(masks.select(nw.col(ROW), *(nw.col(case.chosen) for case in cases)))
    jobs = plan_jobs(job_list, [row for row, *_ in rows])
    history = PlanHistory(jobs, frame.as_of)
    records = PlanRecords(job_list, jobs)
    results = {}
    for index, case in enumerate(cases, start=1):
        chosen = {values[0]: values[index] for values in rows if values[index] is not False}
        scheduled = [(job, chosen[job.row]) for job in jobs if job.rule is not None and job.row in chosen]
        tally = _measure(case, history, scheduled, frame.as_of, Absence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of))
        results[case.number] = _result(case, tally, records, frame, masks, context)
    return results


def plan_jobs(job_list: JobList, rows: Iterable[int]) -> list[PlanJob]:
    """The jobs that plans made. What is read of a job here is what no later time takes back."""
    places = job_list.places()
    jobs = []
    for row in rows:
        record = job_list.records[row]
        plan = record.CreatedBy
        if plan is not None and plan.BackupPlanId is not None:
            timezone = "UTC" if plan.BackupRuleTimezone is None else plan.BackupRuleTimezone
            schedule = RuleSchedule(plan.BackupRuleCron, timezone, plan.BackupPlanVersion)
            when = record.CreationDate, record.StartBy
            jobs.append(PlanJob(row, record.BackupJobId or "", places[row], record.ResourceArn, plan.BackupPlanId, plan.BackupRuleId, schedule, *when))
    return jobs


@dataclass(slots=True)
class _Tally:
    """What one rule's groups came to."""

    examined: int = 0
    unplaced: int = 0
    """Scheduled jobs that may be chosen and do not say their resource, their place or their time."""
    unsure: list[int] = field(default_factory=list)
    """The rows of scheduled jobs of which it is unknown whether the rule chooses them."""
    groups: dict[Group, GroupRuns] = field(default_factory=dict)
    sure: set[Group] = field(default_factory=set)
    missed: defaultdict[Resource, list[MissedRun]] = field(default_factory=lambda: defaultdict(list))
    """What each resource definitely missed."""
    unread: set[Place] = field(default_factory=set)
    """Where no complete list shows that a job did not come."""
    perhaps: defaultdict[Resource, int] = field(default_factory=lambda: defaultdict(int))
    """How many runs more each may have missed."""

    @property
    def undecided(self) -> int:
        return sum(bool(runs.problems) for runs in self.groups.values())


def _measure(case: Case, history: PlanHistory, chosen: Sequence[tuple[PlanJob, bool | None]], as_of: int, absence: Absence) -> _Tally:
    """The runs of every group of a rule.

    Args:
        chosen: the scheduled jobs that the rule chooses (True) or may choose (None).
        absence: of backup jobs, in the rule's window.
    """
    tally = _Tally()
    start = as_of - (case.window_length or 0)
    for job, surely in chosen:
        if surely is None:
            tally.unsure.append(job.row)
        tally.examined += surely is True and job.created is not None and job.created >= start
        if job.resource is None or job.created is None or None in job.place:
            tally.unplaced += 1
            continue
        group = Group(job.place, job.resource, job.plan, job.rule or "")
        if group not in tally.groups:
            tally.groups[group] = history.judge(group, start)
        if surely:
            tally.sure.add(group)
    for group, runs in tally.groups.items():
        subject = group.place, group.resource
        tally.perhaps[subject] += len(runs.doubtful)
        if not absence.is_shown(group.place):
            tally.unread.add(group.place)
        if group in tally.sure and group.place not in tally.unread:
            tally.missed[subject] += [MissedRun(run, group) for run in runs.missed]
        else:
            tally.perhaps[subject] += len(runs.missed)
    return tally


def _result(case: Case, tally: _Tally, records: PlanRecords, frame: Frame, masks: nw.LazyFrame[Any], context: Context) -> RuleResult:
    rule = case.rule
    definite = {subject: missed for subject, missed in tally.missed.items() if _violates(case, len(missed))}
    possible = [subject for subject, more in tally.perhaps.items() if subject not in definite and _violates(case, len(tally.missed[subject]) + more)]
    unknown = "a job of their plan says no ResourceArn, no Account, no Region or no CreationDate"
    if tally.unread:
        unknown = f"no complete list of {BACKUP_JOBS.noun}s shows that no job came"
    if not tally.sure >= tally.groups.keys():
        unsure = masks.filter(nw.col(ROW).is_in(tally.unsure))
        unknown = name_unknown(fields_of(rule.statement.where), frame, unsure, case.chosen, context.backend)
    subjects = {(group.place, group.resource) for group in tally.groups}
    if short := short_evidence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of, len(records.job_list)):
        beneath = Verdict.INCONCLUSIVE, short
    elif possible:
        beneath = Verdict.INCONCLUSIVE, f"{len(possible):,} of {counted(len(subjects), 'resource')} could violate it: {unknown}"
    else:
        beneath = _decide(case, tally, unknown, len(records.job_list))
    verdict, reason = (Verdict.FAIL, "") if definite else beneath
    due = {group: runs.due for group, runs in tally.groups.items() if runs.due}
    findings = describe_missed(rule, definite, due, records)
    if verdict is Verdict.FAIL and not findings:
        findings = (describe_empty(rule, reason),)
    return rule_result(
        rule,
        verdict,
        reason,
        beneath=beneath if definite else None,
        examined=tally.examined,
        subjects=len(subjects),
        undecided=tally.undecided,
        possible=len(possible),
        universe=_universe(case, context, len(subjects)),
        notes=_notes(tally.groups, records),
        findings=findings,
    )


def _violates(case: Case, missed: int) -> bool:
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation) and requirement.limit is not None and isinstance(requirement.limit.value, int)
    return missed >= requirement.limit.value if requirement.operator is Operator.LESS_THAN else missed > requirement.limit.value


def _decide(case: Case, tally: _Tally, unknown: str, read: int) -> tuple[Verdict, str]:
    """What it means that nothing violates, and nothing is known that could."""
    due = [group for group, runs in tally.groups.items() if runs.due]
    if tally.unplaced:
        says = "scheduled job says" if tally.unplaced == 1 else "scheduled jobs say"
        return Verdict.INCONCLUSIVE, f"{tally.unplaced:,} {says} no ResourceArn, Account, Region or CreationDate, so that it is unknown whose runs are answered"
    problems = list(dict.fromkeys(problem for runs in tally.groups.values() for problem in runs.problems))
    if tally.undecided and (tally.undecided == len(tally.groups) or not due):
        which = "no schedule can be computed" if tally.undecided == len(tally.groups) else "no other run was due"
        return Verdict.INCONCLUSIVE, f"{which}: {problems[0]}" + (f"; and {counted(len(problems) - 1, 'other reason')}" if len(problems) > 1 else "")
    if any(group in tally.sure for group in due):
        return Verdict.PASS, ""
    if due:
        return Verdict.INCONCLUSIVE, f"{counted(len(tally.unsure), 'job')} may belong to it, and no run that was due certainly does: {unknown}"
    within = case.rule.statement.within
    verdict, _ = decide_empty(case.rule, 0, read)
    if tally.groups:
        return verdict, f"nothing to judge: no scheduled run was due within {within.text if within else ''}"
    listed = f"none of {counted(read, BACKUP_JOBS.noun)} is a scheduled job that matches" if read else f"the list of {BACKUP_JOBS.noun}s is empty"
    return verdict, f"nothing to judge: {listed}"


def _universe(case: Case, context: Context, subjects: int) -> Universe:
    starts = (
        entry.start
        for entry in context.coverage
        if entry.dataset == BACKUP_JOBS.name and entry.start is not None and in_scope(case.scope, entry.account, entry.region)
    )
    return Universe(f"{BACKUP_JOBS.noun}s", min(starts, default=None), subjects)


def _notes(groups: Mapping[Group, GroupRuns], records: PlanRecords) -> tuple[str, ...]:
    """What was not judged: a line for each rule of a plan and each reason, since a plan has many resources."""
    gaps: defaultdict[tuple[Place, str, str], list[tuple[int, int]]] = defaultdict(list)
    undecided: defaultdict[tuple[Place, str, str, str], int] = defaultdict(int)
    for group, runs in groups.items():
        gaps[group.place, group.plan, group.rule] += runs.gaps
        for problem in runs.problems:
            undecided[group.place, group.plan, group.rule, problem] += 1
    lines = []
    for (place, plan, rule), times in gaps.items():
        for first, last in _merged(times):
            between = f"{iso(moment(first))} and {iso(moment(last))}"
            lines.append(f"not judged: runs between {between} while the schedule of {_rule_of_plan(records, place, plan, rule)} changed")
    for (place, plan, rule, problem), count in undecided.items():
        lines.append(f"undecided: {_rule_of_plan(records, place, plan, rule)}, {counted(count, 'resource')}: {problem}")
    return cap_notes(sorted(lines), "schedules were not judged")


def _rule_of_plan(records: PlanRecords, place: Place, plan: str, rule: str) -> str:
    where = "/".join(name_briefly(part) for part in place if part is not None)
    return f"plan {records.plan_name(place, plan)}, rule {records.rule_name(place, plan, rule)}" + (f" ({where})" if where else "")


def _merged(times: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Times that overlap as one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(times):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        else:
            merged.append((first, last))
    return merged
