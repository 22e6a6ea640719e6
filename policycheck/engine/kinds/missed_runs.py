"""Rules about missed runs to verdicts: what plans' schedules promised, compared with the jobs that came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import narwhals as nw

from policycheck.answers import Answer, SubjectAnswer
from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.absence import Absence
from policycheck.engine.answers import ordered, weaken
from policycheck.engine.case import Case, Staying
from policycheck.engine.context import Context
from policycheck.engine.examined import newest_rank
from policycheck.engine.findings import clean_subject, describe_empty
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.job_trace import trace_jobs
from policycheck.engine.judgement import expectation, limit_of
from policycheck.engine.ladder import Standing, decide
from policycheck.engine.limits import spell_measured
from policycheck.engine.masks import chosen_mask
from policycheck.engine.measurement import Asked, Measurement, SampleJobs
from policycheck.engine.measures import Range
from policycheck.engine.notes import name_briefly
from policycheck.engine.outcomes import COULD, KEEPS, NOTHING, VIOLATES, RuleTrace, SubjectOutcome, SubjectTrace, place_key, sort_rows
from policycheck.engine.schedules.expected_runs import ExpectedRun, Group, GroupRuns, PlanHistory, group_of
from policycheck.engine.schedules.findings import MissedRun, PlanRecords, describe_missed
from policycheck.engine.schedules.numbering import is_scheduled
from policycheck.engine.schedules.plan_jobs import MEMBERS, PlanJob, plan_jobs
from policycheck.engine.schedules.plans import Chosen, Plans, chosen_column, read_plans, screen_plans, window_start
from policycheck.engine.schedules.reasons import describe_undecided, name_problems, name_runs, name_unknown_plans, name_unplaced
from policycheck.engine.schedules.screen import COLUMNS
from policycheck.engine.scope import evident_since
from policycheck.engine.trace import Tracer
from policycheck.engine.unknown import name_unknown
from policycheck.engine.verdict import judge_nothing, not_read, nothing_to_judge, rule_result, short_evidence
from policycheck.places import Place
from policycheck.policy.conditions import Operator, fields_of
from policycheck.policy.model import Expectation
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import iso, moment
from policycheck.result import RuleResult, UndecidedOf, Universe, Verdict
from policycheck.units import DAY, HOUR, MINUTE

SHORT = 2000
"""The jobs of a list with no more are read one by one: for these, a screen takes longer to say than all of them to judge."""
Resource = tuple[Place, str]
"""One subject: where it is, and its ARN."""


def fields_asked(case: Case) -> dict[str, set[str]]:
    """The fields that a rule's columns come from, by the list."""
    return {BACKUP_JOBS.name: fields_of(case.rule.statement.where) | set(MEMBERS)}


def judge_runs(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """Judge every rule that expects `missed_runs`, by the number of its case."""
    job_list = context.lists.get(BACKUP_JOBS.name)
    if job_list is None:
        return {case.number: not_read(case.rule, BACKUP_JOBS) for case in cases}
    if not cases:
        return {}
    frame = _frame(cases, context)
    masks = context.backend.persist(frame.columns.select(*map(nw.col, COLUMNS), **{chosen_column(case): chosen_mask(case, frame) for case in cases}))
    plans = (read_plans if len(job_list) <= SHORT else screen_plans)(cases, job_list, frame, masks, context)
    results = {}
    for case, chosen in zip(cases, plans.chosen, strict=True):
        absence = Absence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of)
        results[case.number] = _result(case, _measure(case, plans, chosen, frame.as_of, absence), plans.records, frame, masks, context)
    return results


def _frame(cases: Sequence[Case], context: Context) -> Frame:
    return context.facts.frame(BACKUP_JOBS.name, set().union(*(fields_asked(case)[BACKUP_JOBS.name] for case in cases)))


@dataclass(slots=True)
class _Tally:
    """What one rule's groups came to."""

    chosen: Chosen
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


def _measure(case: Case, plans: Plans, chosen: Chosen, as_of: int, absence: Absence) -> _Tally:
    """The runs of every group of a rule.

    Args:
        absence: of backup jobs, in the rule's window.
    """
    start = window_start(case, as_of)
    tally = _Tally(chosen, {group: plans.judge(group, start) for group in chosen.groups}, {group for group, surely in chosen.groups.items() if surely})
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
    unknown = Reason(ReasonKind.PLAN_UNSAID)
    if tally.unread:
        unknown = Reason(ReasonKind.RUNS_UNREAD, (BACKUP_JOBS.noun,))
    if not tally.sure >= tally.groups.keys():
        unknown = name_unknown(fields_of(rule.statement.where), frame, masks.filter(is_scheduled()), chosen_column(case), context.backend)
    subjects = {(group.place, group.resource) for group in tally.groups}
    short = short_evidence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of, len(records.job_list))
    standing = Standing(
        len(definite),
        unknown=lambda: _name_open(case, tally, short, possible, unknown, records, partial(_count_unsure, case, masks, context)),
        nothing=lambda: _nothing(case, tally, len(records.job_list)),
    )
    verdict, reasons = decide(standing)
    due = [group for group, runs in tally.groups.items() if runs.due]
    findings = describe_missed(rule, definite, due, records)
    if verdict is Verdict.FAIL and not findings:
        findings = (describe_empty(rule, reasons),)
    answers = _answers(case, tally, set(possible), _newest_chosen(case, frame, masks, context)) if context.answers else ()
    return rule_result(
        rule,
        verdict,
        reasons,
        beneath=decide(replace(standing, violations=0)) if definite else None,
        examined=tally.chosen.examined,
        subjects=len(subjects),
        undecided=sum(not runs.is_decided for runs in tally.groups.values()),
        undecided_of=UndecidedOf.SCHEDULES,
        possible=len(possible),
        universe=Universe(f"{BACKUP_JOBS.noun}s", evident_since(case.scope, context.coverage, BACKUP_JOBS.name), len(subjects)),
        notes=describe_undecided(tally.groups, records),
        findings=findings,
        answers=weaken(answers) if short else answers,
        missed=tuple(((*place, resource), one.run.moment) for (place, resource), runs in tally.missed.items() for one in runs) if context.answers else (),
    )


def _newest_chosen(case: Case, frame: Frame, masks: nw.LazyFrame[Any], context: Context) -> dict[tuple[str | None, str | None, str | None], str]:
    """The key of the newest scheduled job of each resource that a rule certainly chooses; the jobs it looks at are noted."""
    name, chosen = BACKUP_JOBS.name, nw.col(chosen_column(case)) & is_scheduled()
    inside = chosen & (nw.col("CreationDate") >= window_start(case, frame.as_of))
    context.examined.add(name, masks, [inside])
    ranked = context.examined.with_ranks(masks, name).group_by(SUBJECT).agg(newest_rank(chosen).alias("_newest"))
    rows = context.backend.rows(ranked.select(nw.col(SUBJECT), nw.col("_newest")))
    return {frame.subjects[subject]: context.examined.name_newest(name, rank) for subject, rank in rows}


def _answers(case: Case, tally: _Tally, possible: Collection[Resource], newest: Mapping[Any, str]) -> tuple[SubjectAnswer, ...]:
    """Of each resource that a plan's schedule is about."""
    groups: defaultdict[Resource, list[GroupRuns]] = defaultdict(list)
    for group, runs in tally.groups.items():
        groups[group.place, group.resource].append(runs)
    told = []
    for subject, all_runs in groups.items():
        place, resource = subject
        missed, open_runs = len(tally.missed[subject]), tally.perhaps[subject] + tally.undecided[subject]
        undecided = subject in possible or not all(runs.is_decided for runs in all_runs)
        answer = Answer.PASS if any(runs.due for runs in all_runs) else Answer.NOTHING
        answer = Answer.FAIL if _violates(case, missed) else Answer.UNDECIDED if undecided else answer
        count = Range(missed, missed + open_runs)
        measured = ("", "") if answer is Answer.NOTHING else spell_measured(count, *limit_of(expectation(case)), "{:,}".format)
        told.append(SubjectAnswer(*clean_subject(*place, resource), answer, *measured, newest.get((*place, resource), "")))
    return ordered(told)


def _violates(case: Case, missed: int) -> bool:
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation) and requirement.limit is not None and isinstance(requirement.limit.value, int)
    return missed >= requirement.limit.value if requirement.operator is Operator.LESS_THAN else missed > requirement.limit.value


def _count_unsure(case: Case, masks: nw.LazyFrame[Any], context: Context) -> int:
    """Of how many scheduled jobs it is unknown whether a rule chooses them."""
    ((count,),) = context.backend.rows(masks.filter(is_scheduled() & nw.col(chosen_column(case)).is_null()).select(nw.len()))
    return int(count)


def _name_open(
    case: Case, tally: _Tally, short: Reasons, possible: Sequence[Resource], unknown: Reason, records: PlanRecords, unsure: Callable[[], int]
) -> Reasons:
    """Why runs may have been missed, or may have been due: all that contributes.

    Args:
        short: why the evidence does not reach.
        possible: what could violate the rule.
        unknown: what nobody knows of these, where it is not whether their runs were promised.
        unsure: how many jobs the rule may or may not choose.
    """
    reasons = list(short)
    if possible:
        subjects = {(group.place, group.resource) for group in tally.groups}
        undecided = {group: runs for group, runs in tally.groups.items() if (group.place, group.resource) in set(possible)}
        why = (unknown,) if any(tally.perhaps[subject] for subject in possible) else ()
        reasons.append(Reason(ReasonKind.COULD_VIOLATE, ("resource",), (len(possible), len(subjects)), because=(*why, *name_runs(undecided, records))))
    reasons += [*name_unknown_plans(tally.chosen.unknown), *name_unplaced(tally.chosen.unplaced), *name_problems(tally.groups, records)]
    due = [group for group, runs in tally.groups.items() if runs.due]
    if reasons or any(group in tally.sure for group in due):
        return tuple(reasons)
    if any(runs.undecided for runs in tally.groups.values()):
        return (Reason(ReasonKind.NO_RUN_CERTAIN, because=name_runs(tally.groups, records)),)
    return (Reason(ReasonKind.RUNS_MAY_BELONG, numbers=(unsure(),), because=(unknown,)),) if due else ()


def _nothing(case: Case, tally: _Tally, read: int) -> tuple[Verdict, Reasons] | None:
    """What it comes to that no run was due; None where one was."""
    if any(runs.due for runs in tally.groups.values()):
        return None
    within = case.rule.statement.within
    if tally.groups:
        why = Reason(ReasonKind.NO_RUN_DUE, (within.text if within else "",))
    else:
        why = Reason(ReasonKind.NO_SCHEDULED_JOB if read else ReasonKind.LIST_EMPTY, (BACKUP_JOBS.noun,), (read,) if read else ())
    return judge_nothing(case.rule, quiet=False), nothing_to_judge(why)


class RunTrace:
    """Of rules about missed runs."""

    def __init__(self, case: Case, context: Context) -> None:
        self._case, self._context = case, context
        self.job_list = context.lists[BACKUP_JOBS.name]
        self._frame = _frame([case], context)
        masks = self._frame.columns.select(nw.col(ROW), chosen_mask(case, self._frame).alias(chosen_column(case)))
        self._chosen = dict(context.backend.rows(masks))
        self._jobs = plan_jobs(self.job_list, list(self._chosen))
        self._history = PlanHistory(self._jobs, self._frame.as_of)
        self._absence = Absence(case.scope, context.coverage, BACKUP_JOBS.name, case.window_length, context.as_of)
        self._groups: defaultdict[tuple[str | None, str | None, str], dict[Group, bool]] = defaultdict(dict)
        for job in self._jobs:
            chosen = self._chosen[job.row]
            if (group := group_of(job)) is not None and chosen is not False:
                known = self._groups[(*group.place, group.resource)]
                known[group] = known.get(group, False) or chosen is True
        self._subjects = sorted((self._outcome(triple) for triple in self._groups), key=place_key)

    @property
    def _start(self) -> int:
        return window_start(self._case, self._frame.as_of)

    def _runs(self, group: Group) -> list[ExpectedRun]:
        return list(self._history.runs(group, self._start))

    def _counts(self, groups: Mapping[Group, bool]) -> tuple[int, int, int]:
        """How many runs were definitely missed, how many more may have been, and how many were due."""
        missed = perhaps = due = 0
        for group, sure in groups.items():
            judged = self._history.judge(group, self._start)
            due += judged.due
            perhaps += len(judged.doubtful) + judged.undecided
            shown = sure and self._absence.is_shown(group.place)
            missed, perhaps = (missed + len(judged.missed), perhaps) if shown else (missed, perhaps + len(judged.missed))
        return missed, perhaps, due

    def _outcome(self, triple: tuple[str | None, str | None, str]) -> SubjectOutcome:
        missed, perhaps, due = self._counts(self._groups[triple])
        over, may = (_violates(self._case, count) for count in (missed, missed + perhaps))
        # However few runs can be computed: how many the others are is unknown.
        may |= any(self._history.judge(group, self._start).problems for group in self._groups[triple])
        told = VIOLATES if over else COULD if may else KEEPS if due else NOTHING
        account, region, subject = clean_subject(*triple)
        rows = [job.row for job in self._jobs if (*job.place, job.resource) == triple]
        return SubjectOutcome(account, region, subject, told, sort_rows(self.job_list, rows))

    def subjects(self) -> Sequence[SubjectOutcome]:
        return self._subjects

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        case = self._case
        triple = next(known for known in self._groups if clean_subject(*known) == (subject.account, subject.region, subject.subject))
        missed, perhaps, due = self._counts(self._groups[triple])
        requirement = case.rule.statement.requirement
        assert isinstance(requirement, Expectation) and requirement.operator and requirement.limit
        measured = [f"missed runs: {missed:,} of {due:,} due" + (f", and {perhaps:,} more might have been missed" if perhaps else "")]
        measured.append(f"limit: {requirement.operator.replace('_', ' ')} {requirement.limit.value:,}")
        runs = [line for group in self._groups[triple] for line in self._told(group)]
        tracer = Tracer(self._frame)
        questions = [*tracer.condition("where", case.rule.statement.where), *tracer.choice(case.rule.qualifiers.jobs, case.scope)]
        chosen = [tracer.column("chosen", chosen_mask(case, self._frame), questions)]
        steps = tracer.answers(chosen, self._frame.columns, rows, self._context.backend)
        outcomes = {row: {True: "chosen", None: "may be chosen", False: "not chosen"}[self._chosen[row]] for row in rows}
        jobs = trace_jobs(self._frame, self.job_list, rows, steps, outcomes, self._context)
        return SubjectTrace(subject, tuple(measured), tuple(jobs), tuple(runs))

    def _told(self, group: Group) -> Iterator[str]:
        by_time: defaultdict[int, list[PlanJob]] = defaultdict(list)
        for job in self._jobs:
            if (job.place, job.resource, job.plan) == (group.place, group.resource, group.plan) and job.created is not None:
                by_time[job.created].append(job)
        judged = self._history.judge(group, self._start)
        head = f"plan {name_briefly(group.plan)}, rule {name_briefly(group.rule)}"
        for expected in self._runs(group):
            when, schedule = iso(moment(expected.run.moment)), expected.run.schedule
            names = ", ".join(name_briefly(job.id or "(no BackupJobId)") for time in expected.answers for job in by_time[time])
            window = f"start window to {iso(moment(expected.run.moment + expected.window))}"
            told = f"answered by {names}" if names else "not due yet: its start window is open" if not expected.due else "missed"
            if expected.run in judged.changed:
                told = "not evaluated: the schedule changed around it"
            elif expected.run in judged.ended:
                told = "not evaluated: the plan has a newer version"
            perhaps = ", unless a job that does not record its plan, resource, account, Region or time is its job" if expected.run in judged.doubtful else ""
            yield f"{when}: {told}{perhaps} ({head}, {name_briefly(schedule.cron or '')} in {name_briefly(schedule.timezone)}, {window})"
        yield from (f"undecided: {head}: {problem}" for problem in judged.problems)


class MissedRuns(Measurement):
    """See `Kind`."""

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return fields_asked(case)

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return judge_runs(cases, context)

    def trace(self, case: Case, context: Context) -> RuleTrace:
        return RunTrace(case, context)

    def describe_failure(self, asked: Asked) -> str:
        return f"one resource with {asked.limit} scheduled runs that were due in the window and have no job of its plan"

    def describe_subjects(self, asked: str) -> str:
        return "every resource that a scheduled job of a backup plan names"

    def describe_window(self, reach: str) -> str:
        return f"runs {reach} whose start window has passed"

    def describe_doubt(self) -> Iterator[str]:
        yield "the schedule of a rule cannot be computed from what its jobs record (BackupRuleCron, BackupRuleTimezone)"
        yield "runs without a job are around a change of the schedule or after a newer version of the plan, and would exceed the limit if they were missed"
        yield "a job might be scheduled, because its list was saved without CreatedBy"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        missed = int(requirement.limit.value or 0) if requirement.limit is not None else 0
        missed += requirement.operator is Operator.AT_MOST
        window = window or DAY
        period, cron, offset = next(
            (schedule for schedule in ((DAY, "cron(0 5 ? * * *)", HOUR), (HOUR, "cron(0 * ? * * *)", 0)) if window >= (missed + 2) * schedule[0]),
            (5 * MINUTE, "cron(0/5 * ? * * *)", 0),
        )
        runs = window // period + 1
        created = runs * period + offset
        told: dict[str, str | int] = {"CreatedBy.BackupRuleCron": cron, "StartBy": created - period // 24}
        return SampleJobs(True, created, period, runs + 1 if keeps else 1, created + 3 * DAY, told)

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return f"the runs that {staying.finding.subject} missed are still in the window when the gate ends"


KIND = MissedRuns()
