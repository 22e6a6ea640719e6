"""One group of jobs, one measure: whether it violates, and what a finding says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from policycheck.engine.masks import END, PROGRESS, Case
from policycheck.engine.measures import (
    FinishedJob,
    Number,
    Range,
    StreakJob,
    Truth,
    is_lower,
    longest_gap,
    longest_run,
    measure_count,
    measure_gap,
    measure_latest,
    measure_newest,
    measure_share,
    measure_streak,
    violates,
)
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Operator
from policycheck.policy.model import Expectation, Measure, NoData


@dataclass(frozen=True, slots=True)
class Edge:
    """Where the window of a group begins, and whether the group is new in it."""

    start: int | None
    """Of the window; None: no window."""
    new: Truth = False
    first: int | None = None
    """CreationDate of its first backup job, where it is or may be new."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a measure says of one group."""

    group: Group
    edge: Edge
    violation: Truth
    value: Range | None = None
    """None: of `latest`, or nothing to measure."""
    rows: tuple[int, ...] = ()
    """The jobs that a finding lists."""
    decided: int = 0
    """Of `share`: how many jobs certainly count."""
    newest: int | None = None
    """Of `newest`: the job that certainly matches and was created last."""
    gap: tuple[int, int] | None = None
    """Of `longest_gap`: the longest, in favour of the group."""
    nothing: bool = False
    """There was nothing to measure,"""
    passed_over: bool = False
    """and `no_data` says to go on."""
    waiting: bool = False
    """All that could be measured is still in progress."""
    pending: bool = False
    """It is new and went well, or its first backup still runs: it cannot meet the rule yet."""
    first_runs: bool = False
    """Pending since its first backup still runs."""
    possible_for: str = ""
    """Why it possibly violates: what is unknown of its `jobs`, its `edge`, what the `coverage` lacks, whether it is a `group` of the rule, or whether `others`
    are its own that do not say whose they are, or a `first` backup that runs is."""
    others: tuple[int, ...] = ()
    """The rows of these others."""


Rows = Sequence[tuple[Any, ...]]
"""(number of the key, row, whether the measure looks at it, and what the measure needs beside that: see `_measure`)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a group is judged in."""

    edge: Edge
    shown: bool
    """Whether a job that the list lacks is known not to have happened where the group is."""
    waiting: bool
    """Whether a job of it is undecided, or may be."""
    unwell: Truth = False
    """Whether a job of it ended and does not match, of a rule that excuses new subjects."""
    first_runs: Truth = False
    """Whether its first backup still runs."""


def judge_group(case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
    """Measure one group.

    Args:
        jobs: those of its jobs that the measure looks at, or may: (key, row, certainly or None), and after these `share`: whether it matches; `newest` and
            `longest_gap`: CreationDate; `latest`: whether it matches, its end, CreationDate; `streak`: whether it matches, whether it is in progress,
            CreationDate.
        as_of: microseconds.
    """
    judgement = _excuse(case, _measure(case, group, jobs, setting, as_of, job_list), setting)
    if judgement.nothing and setting.waiting:
        return Judgement(group, setting.edge, False, waiting=True)
    if judgement.violation is not False and not judgement.possible_for:
        if judgement.violation and group.sure and _is_undoable(case) and not setting.shown:
            return replace(judgement, violation=None, possible_for="coverage")
        reason = "jobs" if group.sure else "group"
        return replace(judgement, violation=judgement.violation if group.sure else None, possible_for=reason)
    return judgement


def excuses_first(requirement: Expectation) -> bool:
    """Whether a subject whose first backup still runs may not keep a rule yet."""
    return requirement.measure in {Measure.NEWEST, Measure.LATEST, Measure.LONGEST_GAP} or (
        requirement.measure in {Measure.COUNT, Measure.STREAK} and is_lower(limit_of(requirement)[0])
    )


def _excuse(case: Case, judgement: Judgement, setting: Setting) -> Judgement:
    """What is left of a violation where the first backup of the subject still runs: nothing can have ended yet."""
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation)
    if not excuses_first(requirement) or setting.first_runs is False or (judgement.violation is False and not judgement.nothing):
        return judgement
    if setting.first_runs:
        return Judgement(judgement.group, judgement.edge, False, judgement.value, pending=True, first_runs=True)
    return replace(judgement, violation=None, possible_for="edge") if judgement.violation is not False else judgement


def _is_undoable(case: Case) -> bool:
    """Whether jobs that nobody listed could undo a violation; a count that is over its limit stays over it."""
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation)
    return requirement.measure not in {Measure.COUNT, Measure.STREAK} or is_lower(limit_of(requirement)[0])


def _measure(case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
    edge = setting.edge
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation)
    match requirement.measure:
        case Measure.COUNT:
            return _count(requirement, group, jobs, setting)
        case Measure.SHARE:
            return _share(case, requirement, group, jobs, edge)
        case Measure.NEWEST:
            value = measure_newest(((job[2], job[3]) for job in jobs), as_of)
            violation = _violates(value, requirement)
            return Judgement(group, edge, violation, value, newest=next(iter(_newest(jobs, job_list)), None) if violation else None)
        case Measure.LATEST:
            return _latest(case, group, jobs, edge, job_list)
        case Measure.STREAK:
            return _streak(case, requirement, group, jobs, setting, job_list)
        case Measure.LONGEST_GAP:
            return _gap(requirement, group, jobs, edge, as_of, job_list)
        case Measure.MISSED_RUNS:
            raise AssertionError("missed runs are judged from schedules")
        case _:
            assert_never(requirement.measure)


def limit_of(requirement: Expectation) -> tuple[Operator, Number]:
    """The operator and the bound value of its limit."""
    value = requirement.limit.value if requirement.limit is not None else None
    if requirement.operator is None or value is None or isinstance(value, str):
        raise AssertionError(f"{requirement.measure} without a limit")
    return requirement.operator, value


def _violates(value: Range, requirement: Expectation) -> Truth:
    return violates(value, *limit_of(requirement))


def _count(requirement: Expectation, group: Group, jobs: Rows, setting: Setting) -> Judgement:
    edge = setting.edge
    value = measure_count(job[2] for job in jobs)
    violation = _violates(value, requirement)
    if not is_lower(limit_of(requirement)[0]):
        return Judgement(group, edge, violation, value, tuple(job[1] for job in jobs if job[2]))
    return _judge_new(Judgement(group, edge, violation, value), setting)


def _judge_new(judgement: Judgement, setting: Setting) -> Judgement:
    """What its age explains of a subject that does not keep a lower bound: nothing, where one of its jobs did not go well."""
    if judgement.violation is False or setting.edge.new is False or setting.unwell:
        return judgement
    if setting.edge.new and setting.unwell is False and judgement.value is not None and judgement.value.least > 0:
        return replace(judgement, violation=False, pending=True)
    return replace(judgement, violation=None, possible_for="edge" if setting.edge.new is None else "jobs")


def _share(case: Case, requirement: Expectation, group: Group, jobs: Rows, edge: Edge) -> Judgement:
    value = measure_share((job[2], job[3]) for job in jobs)
    if value is None:
        return _nothing(case, group, edge)
    wanted = not is_lower(limit_of(requirement)[0])
    rows = tuple(job[1] for job in jobs if job[2] and job[3] is wanted)
    return Judgement(group, edge, _violates(value, requirement), value, rows, decided=sum(job[2] is True for job in jobs))


def _latest(case: Case, group: Group, jobs: Rows, edge: Edge, job_list: JobList) -> Judgement:
    # Of the jobs whose end is certain only the last ones can decide.
    last = max((job[4] for job in jobs if job[2] and job[4] is not None), default=None)
    jobs = [job for job in jobs if not job[2] or job[4] is None or job[4] == last]
    latest = measure_latest([FinishedJob(job[2], job[3], job[4], job[5], job_id(job_list, job[1])) for job in jobs])
    if latest is None:
        return _nothing(case, group, edge)
    return Judgement(group, edge, latest.violation, rows=tuple(jobs[position][1] for position in latest.candidates))


def _streak(case: Case, requirement: Expectation, group: Group, jobs: Rows, setting: Setting, job_list: JobList) -> Judgement:
    # Of records alike in time and id the one that does not match stands first, so that their order means nothing.
    ordered = sorted(jobs, key=lambda job: (job[5] is None, job[5] or 0))
    if len({job[5] for job in ordered}) < len(ordered):
        ordered.sort(key=lambda job: (job[5] is None, job[5] or 0, job_id(job_list, job[1]), (False, None, True).index(job[3]), job[2] is None))
    asked = case.asks_outcome
    seen = [StreakJob(job[2], job[3], job[4] if asked else False, job[5] is not None) for job in ordered]
    value = measure_streak(seen)
    rows: tuple[int, ...] = ()
    if not is_lower(limit_of(requirement)[0]):
        rows = tuple(ordered[position][1] for position in longest_run(seen) if seen[position][:3] == (True, True, False))
    judgement = Judgement(group, setting.edge, _violates(value, requirement), value, rows)
    return _judge_new(judgement, setting) if is_lower(limit_of(requirement)[0]) else judgement


def _gap(requirement: Expectation, group: Group, jobs: Rows, edge: Edge, as_of: int, job_list: JobList) -> Judgement:
    if edge.start is None:
        raise AssertionError("a gap needs a window")
    earliest = edge.first if edge.new and edge.first is not None else edge.start
    latest = edge.first if edge.new is not False and edge.first is not None else edge.start
    seen = [(job[2], job[3]) for job in jobs]
    value = measure_gap(seen, earliest, latest, as_of)
    violation = _violates(value, requirement)
    if violation is False:
        return Judgement(group, edge, violation, value)
    gap = longest_gap((created for match, created in seen if match is not False and created is not None), latest, as_of)
    sure_of_edge = latest == earliest or _violates(measure_gap(seen, latest, latest, as_of), requirement) is not False
    reason = "" if violation or sure_of_edge else "edge"
    return Judgement(group, edge, violation, value, _newest(jobs, job_list), gap=gap, possible_for=reason)


def _newest(jobs: Rows, job_list: JobList) -> tuple[int, ...]:
    """The row of the newest definite match, if any; of equals the id that sorts last."""
    newest = max((job[3] for job in jobs if job[2] and job[3] is not None), default=None)
    if newest is None:
        return ()
    return (max((job[1] for job in jobs if job[2] and job[3] == newest), key=lambda row: job_id(job_list, row)),)


def _nothing(case: Case, group: Group, edge: Edge) -> Judgement:
    """What `no_data` makes of a group that has nothing to measure."""
    match case.rule.qualifiers.no_data:
        case NoData.INCONCLUSIVE:
            return Judgement(group, edge, False, nothing=True)
        case NoData.PASS | NoData.SKIP:
            return Judgement(group, edge, False, nothing=True, passed_over=True)
        case NoData.QUIET:
            return Judgement(group, edge, False, nothing=True, passed_over=group.quiet)
        case NoData.FAIL:
            return Judgement(group, edge, True, nothing=True)
        case _:
            assert_never(case.rule.qualifiers.no_data)


def job_id(job_list: JobList, row: int) -> str:
    """The id of a record; empty where it has none."""
    return getattr(job_list.records[row], job_list.dataset.id_field) or ""


def columns_of(case: Case) -> list[str]:
    """The columns that hold what a measure needs of each job beside whether it looks at it: see `judge_group`."""
    match case.measure:
        case Measure.COUNT:
            return []
        case Measure.SHARE:
            return [case.matching]
        case Measure.NEWEST | Measure.LONGEST_GAP:
            return ["CreationDate"]
        case Measure.LATEST:
            return [case.matching, END, "CreationDate"]
        case Measure.STREAK:
            return [case.matching, PROGRESS, "CreationDate"]
        case Measure.MISSED_RUNS | None:
            raise AssertionError("missed runs are judged from schedules")
        case other:
            assert_never(other)
