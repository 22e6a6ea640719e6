"""Rules to masks: a column for each question about a record, true, false or null."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import narwhals as nw

from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.recovery import LONGEST_JOB, deadline_in_window, deadline_to_come
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import AllMatch, Expectation, Following, JobChoice, NoneMatch, Rule, Scope

_OPEN = "_open"


@dataclass(frozen=True, slots=True)
class Case:
    """A rule with what its policy declares, and the number that names its columns."""

    number: int
    rule: Rule
    scope: Scope

    @property
    def violation(self) -> str:
        return f"violation_{self.number}"

    @property
    def population(self) -> str:
        return f"population_{self.number}"

    @property
    def chosen(self) -> str:
        """What `where`, `jobs` and the scope choose, whatever the window."""
        return f"chosen_{self.number}"

    @property
    def elsewhere(self) -> str:
        """What could have been in the population in another window; a job in progress has no deadline in any."""
        return self.chosen if self.recovery is None else f"elsewhere_{self.number}"

    @property
    def window(self) -> str:
        """Rules of one window share its column."""
        return f"window_{self.window_length}_{self.rule.qualifiers.clock}_{self.recovery}"

    @property
    def undecided(self) -> str:
        return f"undecided_{self.number}"

    @property
    def recovered(self) -> str:
        return f"recovered_{self.number}"

    @property
    def pending(self) -> str:
        return f"pending_{self.number}"

    @property
    def recovery(self) -> int | None:
        """Microseconds that a job has to be recovered; None: it is not asked about."""
        requirement = self.rule.statement.requirement
        if not isinstance(requirement, NoneMatch) or requirement.recovery is None or requirement.recovery.value is None:
            return None
        return int(requirement.recovery.value)

    @property
    def window_length(self) -> int | None:
        """Microseconds that the window reaches back from as_of; None: no window."""
        within = self.rule.statement.within
        return int(within.value) if within is not None and within.value is not None else None

    @property
    def leaves_out_progress(self) -> bool:
        """Whether a job in progress is undecided: it has no outcome yet that `all` could ask about."""
        asked = fields_of(self.rule.statement.requirement.condition)
        return isinstance(self.rule.statement.requirement, AllMatch) and bool(asked & {"State", "Status", "Outcome"})


def add_masks(columns: nw.LazyFrame[Any], cases: Sequence[Case], frame: Frame) -> nw.LazyFrame[Any]:
    """Each rule's columns: who violates, who is in the population, who would be without the window, who is undecided.

    In three steps, so that what several masks need is said once: for a short list, saying it takes longer than computing it.
    """
    shared = {case.window: _window_mask(case, frame) for case in cases}
    if any(case.leaves_out_progress for case in cases):
        overdue = nw.col("Overdue") if "Overdue" in frame.dataset.fields else nw.lit(False)
        shared[_OPEN] = frame.in_progress() & ~overdue & (nw.col("CreationDate") >= frame.as_of - LONGEST_JOB)
    chosen = {case.chosen: chosen_mask(case, frame) for case in cases}
    populations = {name: mask for case in cases for name, mask in _population_masks(case, frame).items()}
    violations = {name: mask for case in cases for name, mask in _violation_masks(case, frame).items()}
    kept = map(nw.col, (ROW, SUBJECT, *chosen, *populations))
    return columns.with_columns(**shared, **chosen).with_columns(**populations).select(*kept, **violations)


def chosen_mask(case: Case, frame: Frame) -> nw.Expr:
    """What `where`, `jobs` and the scope choose, whatever the window."""
    mask = compile_condition(case.rule.statement.where, frame) & _scope_mask(case.scope)
    match case.rule.qualifiers.jobs:
        case JobChoice.TOP_LEVEL:
            return mask & nw.col("ParentJobId").is_null()
        case JobChoice.MEMBERS:
            return mask & ~nw.col("ParentJobId").is_null()
        case JobChoice.ALL:
            return mask
        case _:
            assert_never(case.rule.qualifiers.jobs)


def _population_masks(case: Case, frame: Frame) -> dict[str, nw.Expr]:
    inside = nw.col(case.chosen) & nw.col(case.window)
    masks = {case.population: inside}
    if case.recovery is not None:
        masks[case.elsewhere] = nw.col(case.chosen) & ~frame.in_progress()
    if case.leaves_out_progress:
        masks |= {case.population: inside & ~nw.col(_OPEN), case.undecided: inside & nw.col(_OPEN)}
    return masks


def _violation_masks(case: Case, frame: Frame) -> dict[str, nw.Expr]:
    population = nw.col(case.population)
    match case.rule.statement.requirement:
        case NoneMatch(condition=condition):
            violation = compile_condition(condition, frame, settled=False)
            if case.recovery is None:
                return {case.violation: population & violation}
            may_recover = ~nw.col(case.recovered).fill_null(False)
            pending = nw.col(case.chosen) & violation & deadline_to_come(frame, case.recovery) & may_recover
            return {case.violation: population & violation & ~nw.col(case.recovered), case.pending: pending}
        case AllMatch(condition=condition):
            return {case.violation: population & ~compile_condition(condition, frame, settled=True)}
        case Expectation() | Following():
            raise AssertionError("judged in groups, or with another list")
        case _:
            assert_never(case.rule.statement.requirement)


def _scope_mask(scope: Scope) -> nw.Expr:
    mask = nw.lit(True)
    if scope.accounts:
        mask = mask & (nw.col("Account").is_null() | nw.col("Account").is_in(list(scope.accounts)))
    if scope.regions:
        mask = mask & (nw.col("Region").is_null() | nw.col("Region").is_in(list(scope.regions)))
    return mask


def _window_mask(case: Case, frame: Frame) -> nw.Expr:
    length = case.window_length
    if case.recovery is not None:
        return deadline_in_window(frame, case.recovery, length)
    if length is None:
        return nw.lit(True)
    start = frame.as_of - length
    clock = case.rule.qualifiers.clock
    if clock:
        inside = (nw.col(clock) >= start) & (nw.col(clock) <= frame.as_of)
        known = frame.known_missing(frame.dataset.fields[clock])
        if known is False:
            return inside
        return nw.when(nw.col(clock).is_null() & known).then(nw.lit(False)).otherwise(inside)
    return (nw.col("CreationDate") >= start) | _ended_since(frame, start) | frame.in_progress()


def _ended_since(frame: Frame, start: int) -> nw.Expr:
    """Whether a job ended at `start` or later; null where its record does not say. A job in progress has not."""
    dataset = frame.dataset
    state, completed = nw.col(dataset.state_field), nw.col("CompletionDate")
    ended = completed >= start
    if "StartBy" in dataset.fields:
        ended = nw.when(completed.is_null() & (state == "EXPIRED")).then(nw.col("StartBy") >= start).otherwise(ended)
    finished = state.is_in([name for name in dataset.finished if name != "EXPIRED"])
    long_ago = completed.is_null() & finished & (nw.col("CreationDate") < start - LONGEST_JOB)
    return nw.when(long_ago | frame.in_progress()).then(nw.lit(False)).otherwise(ended)
