"""What the engine asks of a dataframe engine beside Narwhals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Protocol

import narwhals as nw


class ColumnType(Enum):
    """Times and durations are whole microseconds, so that no engine's own time type is ever met."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"


class Column(Protocol):
    """A column of a dataframe library, which an engine may take as it is."""

    def to_list(self) -> list[Any]: ...


Values = Sequence[Any] | Column


class Backend(Protocol):
    """One dataframe engine."""

    name: str

    def frame(self, columns: Mapping[str, tuple[ColumnType, Values]]) -> nw.LazyFrame[Any]:
        """A lazy frame of these columns, all of one length; None is null."""

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        """The same frame, computed once however often it is read from here on.

        Args:
            wide: who reads it reads a few of its columns, of which each comes of a few; where writing all of them would cost more than computing those again,
                it may be computed each time.
        """

    def until(self, frame: nw.LazyFrame[Any], column: str, limit: int) -> nw.LazyFrame[Any]:
        """The rows of a persisted frame, sorted by this column with nulls first, where it is null or at most the limit."""

    def among(self, frame: nw.LazyFrame[Any], column: str, numbers: Sequence[int]) -> nw.LazyFrame[Any]:
        """The rows in which this column is one of these numbers, of which there may be many."""

    def look_up(self, frame: nw.LazyFrame[Any], table: Mapping[str, tuple[ColumnType, Values]], name: str) -> nw.LazyFrame[Any]:
        """A frame with one column of a table more: that of the row which says the same in the others. There is one such row, and nulls are in neither.

        The column is computed once, as by `persist`, and the rest of the frame as often as it was before.
        """

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        """The rows as plain values."""
