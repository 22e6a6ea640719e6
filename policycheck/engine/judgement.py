"""What a measure says of one group, and what it is told of the group beside its jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from msgspec import Struct, structs

from policycheck.engine.case import Case
from policycheck.engine.measures import NEVER, Number, Range, Truth, violates
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Operator
from policycheck.policy.model import Expectation, NoData


def _always(start: int, end: int) -> bool:
    return True


class Edge(Struct, frozen=True, gc=False):
    """Where the window of a group begins, and whether the group is new in it."""

    start: int | None
    """Of the window; None: no window."""
    new: Truth = False
    first: int | None = None
    """CreationDate of its first backup job, where it is or may be new."""


class Judgement(Struct, frozen=True, gc=False):
    """What a measure says of one group. There may be a million; a struct is made several times as fast as a dataclass."""

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
    missing: tuple[int, ...] = ()
    """Of `calendar`: when the days began that have no job, in favour of the group."""
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
    soft: Judgement | None = None
    """What its softer limit makes of a group that does not certainly violate the limit, where it may violate that; None: it certainly does not."""

    against: tuple[int, ...] = ()
    """Of measures that compare jobs: the row of the newest that violates, and what it is compared with."""
    tallied: tuple[int, ...] = ()
    """What the measure counted for its notes."""
    is_whole: Callable[[int, int], bool] = _always
    """See `Setting`."""

    @property
    def found(self) -> Truth:
        """Whether there is something to find: it violates the limit, or the softer one."""
        if self.violation is True or (self.soft is not None and self.soft.violation is True):
            return True
        return None if self.violation is None or self.soft is not None else False


Rows = Sequence[tuple[Any, ...]]
"""(number of the key, row, whether the measure looks at it, and what the measure needs beside that: see the `columns` of its kind)."""


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
    is_whole: Callable[[int, int], bool] = _always
    """Whether the list certainly lacks no job of the group created between two moments (microseconds)."""


def expectation(case: Case) -> Expectation:
    """What a rule on groups requires."""
    requirement = case.rule.statement.requirement
    if not isinstance(requirement, Expectation):
        raise AssertionError(f"rule {case.rule.id} is not about groups")
    return requirement


def limit_of(requirement: Expectation) -> tuple[Operator, Number]:
    """The operator and the bound value of its limit."""
    value = requirement.limit.value if requirement.limit is not None else None
    if requirement.operator is None or value is None or isinstance(value, str):
        raise AssertionError(f"{requirement.measure} without a limit")
    return requirement.operator, value


def limits_of(requirement: Expectation) -> Iterator[tuple[Operator, Number]]:
    """Its limit, and the softer one."""
    yield limit_of(requirement)
    if requirement.warning is not None:
        yield limit_of(replace(requirement, limit=requirement.warning))


def softest_limit(requirement: Expectation) -> Number:
    """The value of its softer limit, or of its limit where it has none."""
    return list(limits_of(requirement))[-1][1]


def out_of_limit(value: Range, requirement: Expectation) -> Truth:
    """Whether a measured value violates."""
    return violates(value, *limit_of(requirement))


def judge_new(judgement: Judgement, setting: Setting) -> Judgement:
    """What its age explains of a subject that does not keep a lower bound: nothing, where one of its jobs did not go well."""
    if judgement.violation is False or setting.edge.new is False or setting.unwell:
        return judgement
    if setting.edge.new and setting.unwell is False and judgement.value is not None and judgement.value.least > 0:
        return structs.replace(judgement, violation=False, pending=True)
    return structs.replace(judgement, violation=None, possible_for="edge" if setting.edge.new is None else "jobs")


def judge_untried(judgement: Judgement, setting: Setting) -> Judgement:
    """What its age explains of a subject that has no job in another list, at any time: that none came since its first backup, where nothing went wrong.

    Where it is unknown whether it is new it is not excused: that is all that a list of backup jobs shows which begins late.
    """
    never = judgement.value is not None and judgement.value.least >= NEVER
    if judgement.violation is False or setting.edge.new is not True or setting.unwell or not never:
        return judgement
    if setting.unwell is False:
        return structs.replace(judgement, violation=False, pending=True)
    return structs.replace(judgement, violation=None, possible_for="jobs")


def newest_match(jobs: Rows, job_list: JobList) -> tuple[int, ...]:
    """The row of the newest definite match, if any; of equals the id that sorts last."""
    newest = max((job[3] for job in jobs if job[2] and job[3] is not None), default=None)
    if newest is None:
        return ()
    rows = [job[1] for job in jobs if job[2] and job[3] == newest]
    return (rows[0] if len(rows) == 1 else max(rows, key=lambda row: job_id(job_list, row)),)


def nothing_in(case: Case, group: Group, edge: Edge) -> Judgement:
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
