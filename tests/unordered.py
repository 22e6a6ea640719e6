"""A dataframe engine that promises no order of rows, as distributed ones do not: what rests on one is told by chance elsewhere, and here for certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import ColumnType, Values
from policycheck.engine.backends.polars import PolarsBackend


class UnorderedBackend(PolarsBackend):
    """Polars, whose rows come in another order each time that a frame is kept."""

    name = "unordered"

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        return self.persist(super().frame(columns))

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        self._seed += 1
        kept: nw.LazyFrame[Any] = nw.from_native(frame.to_native().collect().sample(fraction=1, shuffle=True, seed=self._seed).lazy())
        return kept

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        return frame.filter(nw.col(column).is_null() | (nw.col(column) <= limit))

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        return self.persist(super().among(frame, column, numbers))
