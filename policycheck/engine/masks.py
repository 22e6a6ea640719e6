"""Rules to masks: a column for each question about a record, true, false or null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

import narwhals as nw

from policycheck.engine.case import END, IN_TIME, PARENT, PROGRESS, Case
from policycheck.engine.columns import column_of
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import EXISTS, ROW, SUBJECT, Frame
from policycheck.engine.recovery import deadline_in_window
from policycheck.engine.rewinding import ended
from policycheck.policy.conditions import Condition
from policycheck.policy.model import EVERY_JOB, JobChoice, Scope

_OPEN = "_open"
EVERY_RECORD = frozenset({JobChoice.ALL, JobChoice.ONCE})
"""The choices that leave no record of a composite job out; what counts once for all is decided in each group."""


def add_masks(columns: nw.LazyFrame[Any], cases: Sequence[Case], frame: Frame, more: Mapping[str, nw.Expr] | None = None) -> nw.LazyFrame[Any]:
    """Each rule's columns: who violates, who is in the population, who would be without the window, who is undecided.

    In four steps, so that what several masks need is said once: for a short list, saying it takes longer than computing it.

    Args:
        more: other columns to add, by name.
    """
    timely = {IN_TIME: frame.in_time()} if any(case.excuses_new for case in cases) else {}
    columns = columns.with_columns(**{PROGRESS: frame.in_progress(), END: ended(frame.dataset)}, **timely)
    shared = {case.window: window_mask(case, frame, nw.col(PROGRESS), nw.col(END)) for case in cases}
    measured = [case for case in cases if case.of_groups]
    if any(case.leaves_out_progress for case in cases):
        overdue = nw.col("Overdue") if "Overdue" in frame.dataset.fields else nw.lit(False)
        shared[_OPEN] = nw.col(PROGRESS) & ~overdue
    chosen = {name: chosen_mask(case, frame) for name, case in {case.chosen: case for case in reversed(cases)}.items()}
    populations = {name: mask for case in cases for name, mask in _population_masks(case, frame).items()}
    of_kinds = {name: mask for case in cases for name, mask in case.kind.masks(case, frame).items()}
    kept = [ROW, SUBJECT, *chosen, *populations]
    if measured:
        kept += ["CreationDate", frame.dataset.state_field, PROGRESS, END, *sorted({column_of(name) for case in measured for name in case.others})]
        kept += [frame.numbered[per][0] for per in dict.fromkeys(case.per for case in measured) if per in frame.numbered]
    return columns.with_columns(**shared, **chosen).with_columns(**populations).select(*map(nw.col, dict.fromkeys(kept)), **of_kinds, **(more or {}))


def listed_mask(where: Condition, scope: Scope, frame: Frame) -> nw.Expr:
    """What a `where` and the scope choose, at any time and of all kinds of jobs."""
    mask = nw.col(EXISTS)
    if scope.accounts or scope.regions:
        mask = scope_mask(scope) & mask
    return mask if where == EVERY_JOB else compile_condition(where, frame) & mask


def chosen_mask(case: Case, frame: Frame) -> nw.Expr:
    """What `where`, `jobs` and the scope choose, whatever the window."""
    mask = listed_mask(case.rule.statement.where, case.scope, frame)
    jobs = case.rule.qualifiers.jobs
    return mask if jobs in EVERY_RECORD else mask & jobs_mask(jobs, frame)


def has_parent(frame: Frame) -> nw.Expr:
    """Whether a record is a child of a composite job; null where a reduced list does not say."""
    told = frame.told(PARENT)
    none = nw.lit(False) if told is True else nw.when(nw.lit(False) | told).then(nw.lit(False))
    return nw.when(~nw.col(PARENT).is_null()).then(nw.lit(True)).otherwise(none)


def jobs_mask(jobs: JobChoice, frame: Frame) -> nw.Expr:
    """Which records of composite jobs a rule looks at; what counts once for all is decided in each group."""
    match jobs:
        case JobChoice.TOP_LEVEL:
            return ~has_parent(frame)
        case JobChoice.MEMBERS:
            return has_parent(frame)
        case JobChoice.ALL | JobChoice.ONCE:
            return nw.lit(True)
        case _:
            assert_never(jobs)


def _population_masks(case: Case, frame: Frame) -> dict[str, nw.Expr]:
    inside = nw.col(case.chosen) & nw.col(case.window)
    masks = {case.population: inside}
    if case.recovery is not None:
        masks[case.elsewhere] = nw.col(case.chosen) & ~frame.in_progress()
    if case.of_groups:
        masks |= {case.matching: compile_condition(case.rule.statement.requirement.condition, frame)}
    if case.leaves_out_progress:
        masks |= {case.population: inside & ~nw.col(_OPEN), case.undecided: inside & nw.col(_OPEN)}
    return masks


def scope_mask(scope: Scope) -> nw.Expr:
    """What the declared scope does not rule out. Never null."""
    mask = nw.lit(True)
    if scope.accounts:
        mask = mask & (nw.col("Account").is_null() | nw.col("Account").is_in(list(scope.accounts)))
    if scope.regions:
        mask = mask & (nw.col("Region").is_null() | nw.col("Region").is_in(list(scope.regions)))
    return mask


def window_mask(case: Case, frame: Frame, progress: nw.Expr | None = None, end: nw.Expr | None = None) -> nw.Expr:
    """Whether a record is in the window of a rule.

    Args:
        progress, end: the columns that say whether a job is in progress and when it ended, where there are such.
    """
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
    if case.by_creation or frame.dataset.of_state:
        return nw.col("CreationDate") >= start
    progress = frame.in_progress() if progress is None else progress
    # Null where its record does not say when a job ended, however old it is. A job in progress has not.
    ended_since = nw.when(progress).then(nw.lit(False)).otherwise((ended(frame.dataset) if end is None else end) >= start)
    return (nw.col("CreationDate") >= start) | ended_since | progress
