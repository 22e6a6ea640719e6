"""Rules about missed runs to verdicts: what plans' schedules promised, compared with the jobs that came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.absence import Absence
from policycheck.engine.answers import ordered, weaken
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.expected_runs import Group, GroupRuns, PlanHistory, group_of
from policycheck.engine.findings import clean_subject, describe_empty
from policycheck.engine.frame import ROW, Frame
from policycheck.engine.masks import chosen_mask
from policycheck.engine.plan_jobs import Place, PlanJob, plan_jobs
from policycheck.engine.run_findings import MissedRun, PlanRecords, describe_missed
from policycheck.engine.run_reasons import describe_undecided, name_problems, name_runs, name_unknown_plans, name_unplaced
from policycheck.engine.scope import in_scope
from policycheck.engine.unknown import name_unknown
from policycheck.engine.verdict import decide_empty, not_read, rule_result, short_evidence
from policycheck.policy.conditions import Operator, fields_of
from policycheck.policy.model import Expectation
from policycheck.reasons import spell_reasons, told
from policycheck.result import Answer, RuleResult, SubjectAnswer, UndecidedOf, Universe, Verdict
from policycheck.text import counted

Resource = tuple[Place, str]
"""One subject: where it is, and its ARN."""


def judge_runs(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """Judge every rule that expects `missed_runs`, by the number of its case."""
    job_list = context.lists.get(BACKUP_JOBS.name)
    if job_list is None:
        return {case.number: not_read(case.rule, BACKUP_JOBS) for case in cases}
    if not cases:
        return {}
    frame = context.facts.frame(BACKUP_JOBS.name, set().union(*(fields_of(case.rule.statement.where) for case in cases)))
    masks = context.backend.persist(frame.columns.select(nw.col(ROW), **{case.chosen: chosen_mask(case, frame) for case in cases}))
    rows = context.backend.rows(masks.select(nw.col(ROW), *(nw.col(case.chosen) for case in cases)))
    jobs = plan_jobs(job_list, [row for row, *_ in rows])
    history = PlanHistory(jobs, frame.as_of)
    records = PlanRecords(job_list, jobs)
    results = {}
    for index, case in enumerate(cases, start=1):
        chosen = {values[0]: values[index] for values in rows if values[index] is not False}
        own = [(job, chosen[job.row]) for job in jobs if job.row in chosen]
        tally = _measure(case, history, own, frame.as_of, Absence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of))
        results[case.number] = _result(case, tally, records, frame, masks, context)
    return results


@dataclass(slots=True)
class _Tally:
    """What one rule's groups came to."""

    examined: int = 0
    unplaced: list[PlanJob] = field(default_factory=list)
    """Scheduled jobs that may be chosen and do not say their resource, their place or their time."""
    unknown: list[PlanJob] = field(default_factory=list)
    """Jobs that may be chosen and may be scheduled ones, of a plan or a rule that is unknown."""
    unsure: list[int] = field(default_factory=list)
    """The rows of scheduled jobs of which it is unknown whether the rule chooses them."""
    groups: dict[Group, GroupRuns] = field(default_factory=dict)
    sure: set[Group] = field(default_factory=set)
    missed: defaultdict[Resource, list[MissedRun]] = field(default_factory=lambda: defaultdict(list))
    """What each resource definitely missed."""
    unread: set[Place] = field(default_factory=set)
    """Where no complete list shows that a job did not come."""
    perhaps: defaultdict[Resource, int] = field(default_factory=lambda: defaultdict(int))
    """How many runs more each may have missed: undecided ones aside."""
    undecided: defaultdict[Resource, int] = field(default_factory=lambda: defaultdict(int))
    """How many runs each may have missed of which nobody knows whether they were promised."""


def _measure(case: Case, history: PlanHistory, chosen: Sequence[tuple[PlanJob, bool | None]], as_of: int, absence: Absence) -> _Tally:
    """The runs of every group of a rule.

    Args:
        chosen: the jobs of plans that the rule chooses (True) or may choose (None).
        absence: of backup jobs, in the rule's window.
    """
    tally = _Tally()
    start = as_of - (case.window_length or 0)
    for job, surely in chosen:
        if not job.is_scheduled:
            tally.unknown.append(job)
            continue
        if surely is None:
            tally.unsure.append(job.row)
        tally.examined += surely is True and job.created is not None and job.created >= start
        group = group_of(job)
        if group is None:
            tally.unplaced.append(job)
            continue
        if group not in tally.groups:
            tally.groups[group] = history.judge(group, start)
        if surely:
            tally.sure.add(group)
    for group, runs in tally.groups.items():
        subject = group.place, group.resource
        tally.perhaps[subject] += len(runs.doubtful)
        tally.undecided[subject] += runs.undecided
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
    possible = [
        subject
        for subject in {(group.place, group.resource) for group in tally.groups}
        if subject not in definite and _violates(case, len(tally.missed[subject]) + tally.perhaps[subject] + tally.undecided[subject])
    ]
    unknown = "a job of their plan says no ResourceArn, no Account, no Region or no CreationDate"
    if tally.unread:
        unknown = f"no complete list of {BACKUP_JOBS.noun}s shows that no job came"
    if not tally.sure >= tally.groups.keys():
        unsure = masks.filter(nw.col(ROW).is_in(tally.unsure))
        unknown = str(name_unknown(fields_of(rule.statement.where), frame, unsure, case.chosen, context.backend))
    subjects = {(group.place, group.resource) for group in tally.groups}
    short = spell_reasons(short_evidence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of, len(records.job_list)))
    beneath = _decide(case, tally, [short] if short else [], possible, unknown, records)
    verdict, reason = (Verdict.FAIL, "") if definite else beneath
    due = {group: runs.due for group, runs in tally.groups.items() if runs.due}
    findings = describe_missed(rule, definite, due, records)
    if verdict is Verdict.FAIL and not findings:
        findings = (describe_empty(rule, told(reason)),)
    answers = _answers(tally, definite, set(possible)) if context.answers else ()
    return rule_result(
        rule,
        verdict,
        told(reason),
        beneath=(beneath[0], told(beneath[1])) if definite else None,
        examined=tally.examined,
        subjects=len(subjects),
        undecided=sum(not runs.is_decided for runs in tally.groups.values()),
        undecided_of=UndecidedOf.SCHEDULES,
        possible=len(possible),
        universe=_universe(case, context, len(subjects)),
        notes=describe_undecided(tally.groups, records),
        findings=findings,
        answers=weaken(answers) if short else answers,
    )


def _answers(tally: _Tally, definite: Collection[Resource], possible: Collection[Resource]) -> tuple[SubjectAnswer, ...]:
    """Of each resource that a plan's schedule is about."""
    groups: defaultdict[Resource, list[GroupRuns]] = defaultdict(list)
    for group, runs in tally.groups.items():
        groups[group.place, group.resource].append(runs)
    told = []
    for (place, resource), all_runs in groups.items():
        answer = Answer.PASS if any(runs.due for runs in all_runs) else Answer.NOTHING
        if (place, resource) in possible or not all(runs.is_decided for runs in all_runs):
            answer = Answer.UNDECIDED
        told.append(SubjectAnswer(*clean_subject(*place, resource), Answer.FAIL if (place, resource) in definite else answer))
    return ordered(told)


def _violates(case: Case, missed: int) -> bool:
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation) and requirement.limit is not None and isinstance(requirement.limit.value, int)
    return missed >= requirement.limit.value if requirement.operator is Operator.LESS_THAN else missed > requirement.limit.value


def _decide(case: Case, tally: _Tally, reasons: list[str], possible: Sequence[Resource], unknown: str, records: PlanRecords) -> tuple[Verdict, str]:
    """What it means that nothing violates definitely.

    Args:
        reasons: why it is inconclusive already.
        possible: what could violate it.
        unknown: what nobody knows of these, where it is not whether their runs were promised.
    """
    if possible:
        subjects = {(group.place, group.resource) for group in tally.groups}
        undecided = {group: runs for group, runs in tally.groups.items() if (group.place, group.resource) in set(possible)}
        why = [unknown] if any(tally.perhaps[subject] for subject in possible) else []
        reasons.append(f"{len(possible):,} of {counted(len(subjects), 'resource')} could violate it: {'; '.join([*why, *name_runs(undecided, records)])}")
    reasons += [*name_unknown_plans(tally.unknown), *name_unplaced(tally.unplaced), *name_problems(tally.groups, records)]
    due = [group for group, runs in tally.groups.items() if runs.due]
    if not reasons and any(group in tally.sure for group in due):
        return Verdict.PASS, ""
    if not reasons and any(runs.undecided for runs in tally.groups.values()):
        reasons.append(f"no other run was certainly due: {'; '.join(name_runs(tally.groups, records))}")
    if not reasons and due:
        reasons.append(f"{counted(len(tally.unsure), 'job')} may belong to it, and no run that was due certainly does: {unknown}")
    if reasons:
        return Verdict.INCONCLUSIVE, "; ".join(reasons)
    read, within = len(records.job_list), case.rule.statement.within
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
