"""DuckDB, the second engine (extra `duckdb`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import duckdb
import narwhals as nw

from policycheck.engine.backends.interface import ColumnType, Values

_TYPES = {ColumnType.TEXT: "VARCHAR", ColumnType.INTEGER: "BIGINT", ColumnType.BOOLEAN: "BOOLEAN"}


class DuckDBBackend:
    """See `Backend`. Its tables are in memory, in a database of their own, and go with it."""

    name = "duckdb"

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:")
        self._numbers = count()

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        made = ", ".join(f"unnest(${number}::{_TYPES[kind]}[]) AS {_quoted(name)}" for number, (name, (kind, _)) in enumerate(columns.items(), 1))
        return self._table(f"SELECT {made}", [values.to_list() if hasattr(values, "to_list") else list(values) for _, values in columns.values()])

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        return self._table(frame.to_native().sql_query())

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_null() | (nw.col(column) <= limit))

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_in(numbers))

    def look_up(self, frame: nw.LazyFrame[Any], table: Mapping[str, tuple[ColumnType, Values]], name: str) -> nw.LazyFrame[Any]:
        return self.persist(frame.join(self.frame(table), on=[other for other in table if other != name], how="left"))

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = frame.to_native().fetchall()
        return rows

    def _table(self, query: str, values: Sequence[Sequence[Any]] = ()) -> nw.LazyFrame[Any]:
        name = f"made_{next(self._numbers)}"
        self._connection.execute(f"CREATE TEMP TABLE {name} AS {query}", values)
        made: nw.LazyFrame[Any] = nw.from_native(self._connection.table(name))
        return made


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
