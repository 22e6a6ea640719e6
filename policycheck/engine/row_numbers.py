"""Records numbered by what they say: those that say the same have the same number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.frame import SUBJECT


def number_rows(columns: nw.LazyFrame[Any], names: Sequence[str], number: str, backend: Backend) -> tuple[nw.LazyFrame[Any], Sequence[tuple[Any, ...]]]:
    """The frame with the number of what each record says, and what that is, by number; sorted, what is missing last.

    Args:
        names: the columns: SUBJECT, which has no nulls, and texts.
        number: the column that is added.
    """
    found = sorted(backend.rows(columns.select(*map(nw.col, names)).unique()), key=lambda row: [(part is None, part) for part in row])
    # No null is equal to any other where frames are joined.
    table: dict[str, tuple[ColumnType, list[Any]]] = {number: (ColumnType.INTEGER, list(range(len(found))))}
    for index, name in enumerate(names):
        if name == SUBJECT:
            table[name] = (ColumnType.INTEGER, [row[index] for row in found])
            continue
        missing, text = f"_missing_{index}", f"_text_{index}"
        columns = columns.with_columns(nw.col(name).is_null().alias(missing), nw.col(name).fill_null("").alias(text))
        table[missing] = ColumnType.BOOLEAN, [row[index] is None for row in found]
        table[text] = ColumnType.TEXT, [row[index] or "" for row in found]
    on = [name for name in table if name != number]
    return backend.look_up(columns, table, number).drop(*(name for name in on if name != SUBJECT)), found
