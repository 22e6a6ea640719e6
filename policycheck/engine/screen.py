"""Groups that certainly keep to a rule: told for all of them at once, so that only the rest is measured job by job.

A screen may only err on the other side: what it calls clean, the judgement calls clean, whatever the group's age and whatever else may be its own. It is
told by bounds that hold for any of that: nothing that the measure looks at is unknown, and the worst value keeps to the limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case
from policycheck.engine.group_measure import Clean, measure_of

CleanKeys = Mapping[int, Clean]
"""By the number of each clean key."""


Bounds = Mapping[int, Sequence[Any]]
"""By the number of each key what `bounds_of` asks of it, in its order."""


def bounds_of(cases: Sequence[Case]) -> Mapping[str, nw.Expr]:
    """What the screens of these rules ask of each key, to be found out in the pass that counts its jobs."""
    return {f"_{name}_{case.number}": bound for case in cases for name, bound in measure_of(case).screen(case).bounds.items()}


def screen(cases: Sequence[Case], bounds: Bounds, keyed: nw.LazyFrame[Any], key: str, as_of: int, backend: Backend) -> dict[int, CleanKeys]:
    """The clean keys of each rule, by its number.

    Args:
        cases: rules on groups told by the same fields.
        bounds: of these rules.
        keyed: the masks of their list, with the number of its group in the column `key`.
        as_of: microseconds.
    """
    found: dict[int, CleanKeys] = {}
    start = 0
    for case in cases:
        measure, screened = measure_of(case), measure_of(case).screen(case)
        end = start + len(screened.bounds)
        told: Iterable[tuple[int, Sequence[Any]]] = ((number, row[start:end]) for number, row in bounds.items())
        if screened.between is not None:
            told = ((number, (*bounds[number][start:end], *times)) for number, *times in _times_between(keyed.filter(screened.between), key, backend))
        if screened.beside is not None:
            so_far = dict(told)
            told = ((number, (*so_far[number], *found_beside)) for number, *found_beside in backend.rows(screened.beside(keyed, key)))
        # Many groups have the same bounds.
        find = lru_cache(maxsize=None)(partial(measure.find_clean, case, as_of=as_of))
        clean = ((number, find(bounds_of_key[1:])) for number, bounds_of_key in told if not bounds_of_key[0])
        found[case.number] = {number: told_clean for number, told_clean in clean if told_clean is not None}
        start = end
    return found


def _times_between(jobs: nw.LazyFrame[Any], key: str, backend: Backend) -> list[tuple[Any, ...]]:
    """Of each key the longest time from one of its jobs to the next, and when the first and the last were created."""
    created = nw.col("CreationDate")
    step = (created - created.shift(1).over(key, order_by="CreationDate")).alias("_step")
    found = jobs.select(nw.col(key), created).with_columns(step).group_by(key)
    names = ("_step", "_first", "_last")
    return backend.rows(found.agg(nw.col("_step").max(), created.min().alias("_first"), created.max().alias("_last")).select(nw.col(key, *names)))
