"""What a record would have to say for a rule to be decided."""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from operator import or_
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.frame import LISTED, ROW, Frame, inventory_column

# Enough to name the members; a list of an old client lacks them in every record.
_MOST_ROWS = 1000


def name_unknown(fields: Collection[str], frame: Frame, masks: nw.LazyFrame[Any], column: str, backend: Backend) -> str:
    """`State is unknown in its record`: the members that are unknown where `column` of the masks is null.

    Args:
        fields: what the rule reads beside the state.
    """
    undecided = backend.rows(masks.filter(nw.col(column).is_null()).select(nw.col(ROW)).head(_MOST_ROWS))
    unknown = {name: expression for name in sorted({frame.dataset.state_field, *fields}) if (expression := _unknown(name, frame)) is not None}
    chosen = frame.columns.filter(nw.col(ROW).is_in([row for (row,) in undecided]))
    (counts,) = backend.rows(chosen.select(*(expression.cast(nw.Int64).sum().alias(name) for name, expression in unknown.items())))
    missing = [name for name, count in zip(unknown, counts, strict=True) if count]
    told = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'}" if missing else "a member it needs is"
    return f"{told} unknown in {'its record' if len(undecided) == 1 else 'their records'}"


def _unknown(name: str, frame: Frame) -> nw.Expr | None:
    """Whether a null is unknown; None where it never is."""
    if name == "in_inventory":
        listed = [LISTED, *map(inventory_column, sorted(frame.inventories))]
        return reduce(or_, (nw.col(column).is_null() for column in listed))
    known = frame.known_missing(frame.dataset.fields[name])
    if isinstance(known, bool):
        return None if known else nw.col(name).is_null()
    return nw.col(name).is_null() & ~known.fill_null(False)
