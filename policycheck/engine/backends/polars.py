"""Polars, the embedded default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import polars as pl

from policycheck import long_tables
from policycheck.engine.backends.interface import ColumnType, Values
from policycheck.long_tables import PIECE, LongColumn, LongTable, explained, write_pieces, write_rows

_TYPES = {ColumnType.TEXT: pl.String, ColumnType.INTEGER: pl.Int64, ColumnType.BOOLEAN: pl.Boolean}


class PolarsBackend:
    """See `Backend`. Frames that are longer than `long_tables.LIMIT`, and what comes of them, are in temporary files, which go with it."""

    name = "polars"

    def __init__(self) -> None:
        self._long: list[LongTable] = []
        """What frames are read from."""

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        given: Mapping[str, tuple[ColumnType, Any]] = columns
        if any(isinstance(values, LongColumn) or len(values) > long_tables.LIMIT for _, values in given.values()):
            return self._long_frame(given)
        series = [pl.Series(name, values, _TYPES[kind], strict=True) for name, (kind, values) in given.items()]
        frame: nw.LazyFrame[Any] = nw.from_native(pl.DataFrame(series).lazy())
        return frame

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        native = frame.to_native()
        if self._long and wide:
            return frame
        persisted: nw.LazyFrame[Any] = nw.from_native(self._kept(write_rows(native)) if self._long else native.collect().lazy())
        return persisted

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        if self._long:
            return frame.filter(nw.col(column).is_null() | (nw.col(column) <= limit))
        # A slice shares the memory of the whole, where a filter would copy every text.
        whole = frame.to_native().collect()
        sliced: nw.LazyFrame[Any] = nw.from_native(whole.head((whole[column].is_null() | (whole[column] <= limit)).sum()).lazy())
        return sliced

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_in(numbers))

    def look_up(self, frame: nw.LazyFrame[Any], table: Mapping[str, tuple[ColumnType, Values]], name: str) -> nw.LazyFrame[Any]:
        native, on = frame.to_native(), [other for other in table if other != name]
        if self._long:
            numbers = native.select(on).join(self.frame(table).to_native(), on=on, how="left", maintain_order="left").select(name)
            beside: nw.LazyFrame[Any] = nw.from_native(pl.concat([native, self._kept(write_rows(numbers))], how="horizontal"))
            return beside
        # A join of the whole frame would copy every text.
        found = native.select(on).join(self.frame(table).to_native(), on=on, how="left", maintain_order="left").select(name).collect()
        wider: nw.LazyFrame[Any] = nw.from_native(native.with_columns(found[name]))
        return wider

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        native = frame.to_native()
        if self._long:
            with explained():
                rows: list[tuple[Any, ...]] = native.collect(engine="streaming").rows()
        else:
            rows = native.collect().rows()
        return rows

    def _long_frame(self, columns: Mapping[str, tuple[ColumnType, Any]]) -> nw.LazyFrame[Any]:
        """Columns of long tables are read where they stand; the others are written beside them."""
        others = {name: column for name, column in columns.items() if not isinstance(column[1], LongColumn)}
        frames = [self._kept(write_pieces(_pieces(others)))] if others else []
        standing: dict[int, tuple[LongTable, list[pl.Expr]]] = {}
        for name, (kind, values) in columns.items():
            if isinstance(values, LongColumn):
                _, found = standing.setdefault(id(values.table), (values.table, []))
                found.append(pl.col(values.name).cast(_TYPES[kind]).alias(name))
        for table, found in standing.values():
            frames.append(self._kept(table).select(found))
        frame: nw.LazyFrame[Any] = nw.from_native(pl.concat(frames, how="horizontal").select(*columns))
        return frame

    def _kept(self, table: LongTable) -> pl.LazyFrame:
        self._long.append(table)
        return table.lazy()


def _pieces(columns: Mapping[str, tuple[ColumnType, Any]]) -> Iterator[pl.DataFrame]:
    height = len(next(iter(columns.values()))[1])
    for start in range(0, height, PIECE):
        yield pl.DataFrame([pl.Series(name, values[start : start + PIECE], _TYPES[kind], strict=True) for name, (kind, values) in columns.items()])
