"""What the rows of a table say: each different thing once, and its number by row; of long tables without a copy of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from policycheck.long_tables import LongTable, Table, explained

if TYPE_CHECKING:
    import polars as pl

_LONG = 500_000
"""Rows from which on a table is gone through in pieces: a short one is done sooner in one."""


def distinct(rows: pl.LazyFrame, height: int) -> pl.DataFrame:
    """The different rows, in no order.

    Args:
        height: how many rows there are.
    """
    return collect(rows.unique(), height)


def collect(rows: pl.LazyFrame, height: int) -> pl.DataFrame:
    """What comes of a table of so many rows, where that is far fewer and in no order."""
    with explained():
        return rows.collect(engine="streaming") if height > _LONG else rows.collect()


def number(table: Table, keys: pl.DataFrame, name: str) -> pl.Series:
    """Of each row the number of what it says.

    Args:
        keys: the columns of the table, each different row once, and a column of numbers of this name.
    """
    import polars as pl

    on = [column for column in keys.columns if column != name]
    parts = table.pieces(on) if isinstance(table, LongTable) else table.select(on).iter_slices(_LONG)
    found = (part.join(keys, on=on, how="left", nulls_equal=True, maintain_order="left")[name] for part in parts)
    numbers = list(found)
    return pl.concat(numbers) if numbers else keys[name].clear()


def number_in_order(table: Table, name: str) -> pl.DataFrame:
    """Each different row of a table once, in the order in which they come first, and their number in a column of this name."""
    import polars as pl

    names: Sequence[str] = table.columns
    if table.height <= _LONG and not isinstance(table, LongTable):
        return table.unique(maintain_order=True).with_row_index(name)
    with explained():
        first = table.lazy().with_row_index("_first").group_by(names).agg(pl.col("_first").min()).collect(engine="streaming").sort("_first")
    return first.select(names).with_row_index(name)
