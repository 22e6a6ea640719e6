"""The records of a frame that a program holds, or of a Parquet file that it scans: its columns are taken as they are, where they are what AWS's members are.

Whatever is not (a member in another spelling, a time without an offset, numbers in place of texts) is left to the careful way, which reads the frame as it
reads the JSON of a saved list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from policycheck.column_records import ColumnRecords, Unusual, column_types, needed_members, normalise, readable, without_empty_texts
from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.job_times import read_time_columns
from policycheck.records import RecordError, WireTime, objects, record_type, time_members

if TYPE_CHECKING:
    import polars as pl

Nest = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Makes a record of a row: no member where there is no value, `CreatedBy.BackupPlanId` in CreatedBy."""


class FrameRecords(ColumnRecords):
    """Records that are rows of a frame."""

    def __init__(self, dataset: Dataset, table: pl.DataFrame, recorded: frozenset[str], frame: pl.DataFrame, nest: Nest) -> None:
        super().__init__(dataset, table, recorded)
        self._frame, self._nest = frame, nest

    def take(self, rows: Sequence[int]) -> list[Any]:
        found = list(map(self._nest, self._frame[list(rows)].iter_rows(named=True)))
        records: list[Any] = msgspec.convert(found, list[record_type(self.dataset)])  # type: ignore[misc]  # a type made at run time
        return normalise(self.dataset, records, empty_texts=True)

    def read_columns(self, names: Sequence[str]) -> pl.DataFrame:
        return _table(self.dataset, self._frame, names)


def read_frame(dataset: Dataset, frame: pl.DataFrame, wanted: Collection[str], nest: Nest) -> JobList:
    """The records of one list.

    Args:
        frame: a column a member; of an object that holds members a column of structs, or a column for each of them by its dotted name.
        wanted: members that the run will read, beside those that evidence needs.

    Raises:
        Unusual: a column that is no member, or is not what the member is; a time that cannot be told.
    """
    import polars as pl

    held = frozenset(objects(dataset))
    tops = frozenset(member.name.partition(".")[0] for member in dataset.members)
    for name in frame.columns:
        head, _, tail = name.partition(".")
        if head not in tops or (tail and (head in frame.columns or name not in dataset.fields)):
            raise Unusual
        if name in held:
            kind = frame.schema[name]
            if not isinstance(kind, pl.Struct) or any(f"{name}.{field.name}" not in dataset.fields for field in kind.fields):
                raise Unusual
    names = dict.fromkeys((*needed_members(dataset), *readable(dataset, wanted)))
    try:
        values = {name: _times(_column(frame, name)) for name in time_members(dataset)}
        values[dataset.state_field] = _typed(dataset, frame, dataset.state_field).to_list()
        times = read_time_columns(dataset, values)
        everything = _table(dataset, frame, [name for name in (*held, *(member.name for member in dataset.members)) if name not in times.columns])
    except (msgspec.ValidationError, RecordError, OverflowError, pl.exceptions.PolarsError):
        raise Unusual from None
    everything = everything.with_columns(pl.Series(name, column, pl.Int64) for name, column in times.columns.items())
    table = everything.select(*names)
    return JobList(dataset, FrameRecords(dataset, table, _recorded(dataset, everything), frame, nest), times.unusable, dropped=times.dropped)


def _recorded(dataset: Dataset, table: pl.DataFrame) -> frozenset[str]:
    held = frozenset(objects(dataset))
    found = {name for name in table.columns if bool(table[name].any() if name in held else table[name].null_count() < table.height)}
    if not table[dataset.state_field].is_in(list(dataset.states)).any():
        found.discard(dataset.state_field)
    return frozenset(found)


def _table(dataset: Dataset, frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    import polars as pl

    return without_empty_texts(pl.DataFrame([_typed(dataset, frame, name).alias(name) for name in names]))


def _typed(dataset: Dataset, frame: pl.DataFrame, name: str) -> pl.Series:
    """One member; of an object that holds members, whether it is there."""
    import polars as pl

    if name in objects(dataset):
        if name in frame.columns:
            return frame[name].is_not_null()
        parts = [pl.col(column).is_not_null() for column in frame.columns if column.startswith(f"{name}.")]
        return frame.select(pl.any_horizontal(*parts).alias(name))[name] if parts else pl.Series(name, [False] * frame.height, pl.Boolean)
    column, wanted = _column(frame, name), column_types(dataset, [name])[name]
    kind = column.dtype
    texts = wanted == pl.String and kind in (pl.String, pl.Categorical, pl.Enum)
    if not (texts or kind in (pl.Null, wanted) or (wanted == pl.Int64 and kind.is_integer())):
        raise Unusual
    return column.cast(wanted, strict=True)


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    """The column of a member as it is; nulls where there is none."""
    import polars as pl

    head, _, tail = name.partition(".")
    if name in frame.columns:
        return frame[name]
    if tail and head in frame.columns:
        kind = frame.schema[head]
        if isinstance(kind, pl.Struct) and any(field.name == tail for field in kind.fields):
            return frame[head].struct.field(tail)
    return pl.Series(name, [None] * frame.height, pl.Null)


def _times(column: pl.Series) -> list[Any]:
    """Times as JSON would give them: datetimes with an offset, or numbers."""
    import polars as pl

    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None or kind.time_unit == "ns":
            raise Unusual
        return column.to_list()
    if kind == pl.String:
        return msgspec.convert(column.to_list(), list[WireTime])
    if kind == pl.Null or kind.is_integer():
        return column.to_list()
    if kind.is_float():
        return column.fill_nan(None).to_list()
    raise Unusual
