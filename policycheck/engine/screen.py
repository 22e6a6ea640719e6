"""Which groups of jobs certainly keep to a rule: told for all of them at once, so that only the rest is measured job by job.

A screen may only err on the other side: what it calls clean, `group_judgement` calls clean, whatever the group's age and whatever else may be its own. It is
told by bounds that hold for any of that: nothing that the measure looks at is unknown, and the worst value keeps to the limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, assert_never

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.masks import END, Case
from policycheck.engine.measures import Range, keeps
from policycheck.policy.conditions import Operator
from policycheck.policy.model import Expectation, Measure

Clean = Mapping[int, Range | None]
"""By the number of each clean key its value, where that is known: of `newest`."""


def screen(cases: Sequence[Case], keyed: nw.LazyFrame[Any], key: str, as_of: int, backend: Backend) -> dict[int, Clean]:
    """The clean keys of each rule, by its number.

    Args:
        cases: rules on groups told by the same fields.
        keyed: the masks of their list, with the number of its group in the column `key`.
        as_of: microseconds.
    """
    screens = [(case, screened) for case in cases if (screened := _screen_of(case)) is not None]
    found: dict[int, Clean] = {case.number: {} for case in cases}
    bounds = {f"_{name}_{case.number}": bound for case, screened in screens for name, bound in screened.bounds.items()}
    rows = backend.rows(keyed.group_by(key).agg(**bounds).select(nw.col(key), *map(nw.col, bounds))) if bounds else []
    start = 1
    for case, screened in screens:
        end = start + len(screened.bounds)
        told = {row[0]: row[start:end] for row in rows}
        if screened.between is not None:
            told = {number: (*told[number], *times) for number, *times in _times_between(keyed.filter(screened.between), key, backend)}
        found[case.number] = _clean(case, screened, told, as_of)
        start = end
    return found


def _times_between(jobs: nw.LazyFrame[Any], key: str, backend: Backend) -> list[tuple[Any, ...]]:
    """Of each key the longest time from one of its jobs to the next, and when the first and the last were created."""
    created = nw.col("CreationDate")
    step = (created - created.shift(1).over(key, order_by="CreationDate")).alias("_step")
    found = jobs.select(nw.col(key), created).with_columns(step).group_by(key)
    names = ("_step", "_first", "_last")
    return backend.rows(found.agg(nw.col("_step").max(), created.min().alias("_first"), created.max().alias("_last")).select(nw.col(key, *names)))


@dataclass(frozen=True, slots=True)
class _Screen:
    """How the groups of one rule are told to be clean."""

    operator: Operator | None
    limit: int | Fraction | None
    bounds: Mapping[str, nw.Expr]
    """Of each key; the first is how many of its jobs leave something open."""
    between: nw.Expr | None = None
    """Of `longest_gap`, the jobs between which the gaps are."""


def _screen_of(case: Case) -> _Screen | None:
    """None where nothing but the judgement can tell."""
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Expectation) and requirement.measure is not None
    value = requirement.limit.value if requirement.limit is not None else None
    limit = None if value is None or isinstance(value, str) else value
    measured, matching, created = nw.col(case.measured), nw.col(case.matching), nw.col("CreationDate")
    looked_at = measured.fill_null(True)
    undated = _count(measured.is_null() | (looked_at & created.is_null()))
    open_match = _count(measured.is_null() | (looked_at & matching.is_null()))
    matches = _count(measured & matching)
    match requirement.measure:
        case Measure.COUNT:
            bounds = {"open": _count(measured.is_null()), "count": _count(measured)}
        case Measure.SHARE:
            bounds = {"open": open_match, "matching": matches, "decided": _count(measured)}
        case Measure.STREAK:
            bounds = {"open": open_match, "matching": matches}
        case Measure.NEWEST:
            bounds = {"open": undated, "newest": nw.when(measured).then(created).max()}
        case Measure.LATEST:
            open_end = _count(measured.is_null() | (looked_at & (matching.is_null() | nw.col(END).is_null())))
            bounds = {"open": open_end, "good": _last_end(measured & matching), "bad": _last_end(measured & ~matching)}
        case Measure.LONGEST_GAP:
            return _Screen(requirement.operator, limit, {"open": undated}, measured)
        case Measure.MISSED_RUNS:
            return None
        case _:
            assert_never(requirement.measure)
    return _Screen(requirement.operator, limit, bounds)


def _count(mask: nw.Expr) -> nw.Expr:
    return mask.fill_null(False).cast(nw.Int64).sum()


def _last_end(mask: nw.Expr) -> nw.Expr:
    return nw.when(mask).then(nw.col(END)).max()


def _clean(case: Case, screened: _Screen, told: Mapping[int, Sequence[Any]], as_of: int) -> Clean:
    """The keys that are clean by their bounds."""
    clean: dict[int, Range | None] = {}
    for key, (unknown, *bounds) in told.items():
        if unknown:
            continue
        if case.measure is Measure.LATEST:
            good, bad = bounds
            if good is not None and (bad is None or bad < good):
                clean[key] = None
            continue
        value = _bounded(case, bounds, as_of)
        if value is None or screened.operator is None or screened.limit is None:
            continue
        if all(keeps(end, screened.operator, screened.limit) for end in value):
            clean[key] = value if case.measure is Measure.NEWEST else None
    return clean


def _bounded(case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
    """The least and the greatest value that a group of these bounds can have; None where there is nothing to measure."""
    match case.measure:
        case Measure.COUNT:
            return Range(bounds[0], bounds[0])
        case Measure.SHARE:
            matching, decided = bounds
            return Range(share := Fraction(matching, decided), share) if decided else None
        case Measure.STREAK:
            # How many match in a row is at most how many match.
            return Range(0, bounds[0])
        case Measure.NEWEST:
            return None if bounds[0] is None else Range(as_of - bounds[0], as_of - bounds[0])
        case Measure.LONGEST_GAP:
            step, first, last = bounds
            start = as_of - (case.window_length or 0)
            longest = max(step or 0, first - start, as_of - last)
            return Range(0, longest)
        case _:
            return None
