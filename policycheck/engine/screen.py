"""Groups that certainly keep to a rule: told for all of them at once, so that only the rest is measured job by job.

A screen may only err on the other side: what it calls clean, the judgement calls clean, whatever the group's age and whatever else may be its own. It is
told by bounds that hold for any of that: nothing that the measure looks at is unknown, and the worst value keeps to the limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.group_measure import Clean, measure_of

CleanKeys = Mapping[int, Clean]
"""By the number of each clean key."""


def screen(cases: Sequence[Case], keyed: nw.LazyFrame[Any], key: str, as_of: int, backend: Backend) -> dict[int, CleanKeys]:
    """The clean keys of each rule, by its number.

    Args:
        cases: rules on groups told by the same fields.
        keyed: the masks of their list, with the number of its group in the column `key`.
        as_of: microseconds.
    """
    screens = [(case, measure_of(case).screen(case)) for case in cases]
    found: dict[int, CleanKeys] = {}
    bounds = {f"_{name}_{case.number}": bound for case, screened in screens for name, bound in screened.bounds.items()}
    rows = backend.rows(keyed.group_by(key).agg(**bounds).select(nw.col(key), *map(nw.col, bounds))) if bounds else []
    start = 1
    for case, screened in screens:
        end = start + len(screened.bounds)
        told = {row[0]: row[start:end] for row in rows}
        if screened.between is not None:
            told = {number: (*told[number], *times) for number, *times in _times_between(keyed.filter(screened.between), key, backend)}
        clean = {number: measure_of(case).find_clean(case, said, as_of) for number, (unknown, *said) in told.items() if not unknown}
        found[case.number] = {number: told_clean for number, told_clean in clean.items() if told_clean is not None}
        start = end
    return found


def _times_between(jobs: nw.LazyFrame[Any], key: str, backend: Backend) -> list[tuple[Any, ...]]:
    """Of each key the longest time from one of its jobs to the next, and when the first and the last were created."""
    created = nw.col("CreationDate")
    step = (created - created.shift(1).over(key, order_by="CreationDate")).alias("_step")
    found = jobs.select(nw.col(key), created).with_columns(step).group_by(key)
    names = ("_step", "_first", "_last")
    return backend.rows(found.agg(nw.col("_step").max(), created.min().alias("_first"), created.max().alias("_last")).select(nw.col(key, *names)))
