"""Polars, the embedded default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import polars as pl

from policycheck.engine.backends.interface import ColumnType, Values

_TYPES = {ColumnType.TEXT: pl.String, ColumnType.INTEGER: pl.Int64, ColumnType.BOOLEAN: pl.Boolean}


class PolarsBackend:
    """See `Backend`."""

    name = "polars"

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        given: Mapping[str, tuple[ColumnType, Any]] = columns
        series = [pl.Series(name, values, dtype=_TYPES[kind], strict=True) for name, (kind, values) in given.items()]
        frame: nw.LazyFrame[Any] = nw.from_native(pl.DataFrame(series).lazy())
        return frame

    def persist(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        persisted: nw.LazyFrame[Any] = nw.from_native(frame.to_native().collect().lazy())
        return persisted

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        # A slice shares the memory of the whole, where a filter would copy every text.
        whole = frame.to_native().collect()
        sliced: nw.LazyFrame[Any] = nw.from_native(whole.head((whole[column].is_null() | (whole[column] <= limit)).sum()).lazy())
        return sliced

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_in(numbers))

    def look_up(self, frame: nw.LazyFrame[Any], table: Mapping[str, tuple[ColumnType, Values]], name: str) -> nw.LazyFrame[Any]:
        # A join of the whole frame would copy every text.
        native, on = frame.to_native(), [other for other in table if other != name]
        found = native.select(on).join(self.frame(table).to_native(), on=on, how="left", maintain_order="left").select(name).collect()
        wider: nw.LazyFrame[Any] = nw.from_native(native.with_columns(found[name]))
        return wider

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = frame.to_native().collect().rows()
        return rows
