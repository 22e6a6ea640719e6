"""The records of a long list as the JSON they stand in, with columns of what a run reads: a whole record is decoded where somebody asks for it.

A list of a million jobs is one gigabyte of JSON, and three as objects. Its records are decoded some hundred at a time, their columns are taken, and they are
forgotten; what is shown of a job in a finding is decoded again. Nothing is taken for granted on this way: a list with anything unusual in it is left to the
careful one, which decodes everything and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from policycheck.column_records import BATCH, ColumnRecords, Unusual, column_types, drop_empty_texts, needed_members, normalise, readable, without_empty_texts
from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.job_times import read_time_columns, set_times
from policycheck.records import RecordError, objects, record_type

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 10
"""Batches whose values become columns at once."""
_MERGED = 50
"""Blocks that become one."""
_QUOTE = b'"'


class EncodedRecords(ColumnRecords):
    """Records that are JSON."""

    def __init__(self, dataset: Dataset, table: pl.DataFrame, recorded: frozenset[str], texts: Sequence[Any]) -> None:
        super().__init__(dataset, table, recorded)
        self.texts = texts
        """The JSON of each record; may be exchanged for the same texts held elsewhere."""

    def take(self, rows: Sequence[int]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            near = isinstance(batch, range) and batch.step == 1
            text = _joined(self.texts[batch[0] : batch[-1] + 1] if near else [self.texts[row] for row in batch])
            found += normalise(self.dataset, _decoder(self.dataset).decode(text), empty_texts=b'""' in text)
        return found

    def take_one(self, row: int) -> Any:
        text = self.texts[row]
        record = _record_decoder(self.dataset).decode(text)
        if b'""' in bytes(text):
            drop_empty_texts(self.dataset, [record])
        set_times(self.dataset, record)
        return record

    def read_columns(self, names: Sequence[str]) -> pl.DataFrame:
        columns = _Columns(self.dataset, names)
        for start in range(0, len(self), BATCH):
            columns.add(_Batch(self.dataset, _decoder(self.dataset).decode(_joined(self.texts[start : start + BATCH]))))
        return columns.finish()


def read_encoded(dataset: Dataset, texts: Sequence[Any], wanted: Collection[str], marks: int) -> JobList:
    """The records of one list.

    Args:
        texts: the JSON text of each record, as bytes or msgspec.Raw.
        wanted: members that the run will read, beside those that evidence needs.
        marks: the quotation marks that these texts hold if they are all there is.

    Raises:
        Unusual: anything that the careful way has to look at: a member unknown, twice, null or of another type, a time that cannot be told, more between
            the records than a list has.
    """
    columns = _Columns(dataset, dict.fromkeys((*needed_members(dataset), *readable(dataset, wanted))))
    recorded = _Recorded(dataset)
    unusable: dict[int, frozenset[str]] = {}
    dropped: frozenset[str] = frozenset()
    buffer = bytearray()
    decoder, encoder = _decoder(dataset), msgspec.json.Encoder()
    try:
        for start in range(0, len(texts), BATCH):
            text = _joined(texts[start : start + BATCH])
            # As `json_text.holds_all`: what is passed over leaves the two marks of its name.
            if b"\\" in text and b"\\u0022" in text:
                raise Unusual
            records = decoder.decode(text)
            encoder.encode_into(records, buffer)
            marks -= buffer.count(_QUOTE)
            batch = _Batch(dataset, records)
            times = read_time_columns(dataset, batch.top)
            if times.unusable:
                unusable |= {start + row: members for row, members in times.unusable.items()}
                dropped |= times.dropped
            batch.top |= times.columns
            columns.add(batch)
            recorded.add(batch)
    except (msgspec.DecodeError, RecordError, OverflowError):
        raise Unusual from None
    if marks:
        raise Unusual
    return JobList(dataset, EncodedRecords(dataset, columns.finish(), frozenset(recorded.found), texts), unusable, dropped=dropped)


def _joined(texts: Sequence[Any]) -> bytes:
    return b"[" + b",".join(texts) + b"]"


@cache
def _decoder(dataset: Dataset) -> msgspec.json.Decoder[list[Any]]:
    return msgspec.json.Decoder(list[record_type(dataset)])  # type: ignore[misc]  # a type made at run time


@cache
def _record_decoder(dataset: Dataset) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(record_type(dataset))


class _Batch:
    """Some records as columns. Empty texts are among the values; in times and states they cannot be, or mean nothing."""

    def __init__(self, dataset: Dataset, records: Sequence[Any]) -> None:
        names = record_type(dataset).__struct_fields__
        self.top: dict[str, Sequence[Any]] = dict(zip(names, zip(*map(msgspec.structs.astuple, records), strict=True), strict=True))
        """By member, and by object that holds members."""
        self._held: dict[str, list[Any]] = {}

    def held(self, head: str) -> list[Any]:
        """The objects of this name that there are."""
        if head not in self._held:
            self._held[head] = [value for value in self.top[head] if value is not None]
        return self._held[head]


class _Columns:
    """Columns of members, filled some hundred records at a time."""

    def __init__(self, dataset: Dataset, names: Iterable[str]) -> None:
        self._objects = frozenset(objects(dataset))
        self._names = [(name, *name.partition(".")[::2]) for name in names]
        self._types = column_types(dataset, [name for name, _, _ in self._names])
        self._values: dict[str, list[Any]] = {name: [] for name, _, _ in self._names}
        self._blocks: list[pl.DataFrame] = []
        self._whole: list[pl.DataFrame] = []
        self._batches = 0

    def add(self, batch: _Batch) -> None:
        """Take the values of these records."""
        for name, head, tail in self._names:
            values = batch.top[head]
            if tail:
                values = [None if value is None else getattr(value, tail) for value in values]
            elif name in self._objects:
                values = [value is not None for value in values]
            self._values[name] += values
        self._batches += 1
        if self._batches == _BLOCK:
            self._close()

    def _close(self) -> None:
        import polars as pl

        self._blocks.append(pl.DataFrame([pl.Series(name, values, self._types[name]) for name, values in self._values.items()]))
        self._values = {name: [] for name in self._values}
        self._batches = 0
        if len(self._blocks) == _MERGED:
            self._merge()

    def _merge(self) -> None:
        """Make one of many small blocks, of which every question to a column would have to ask each."""
        import polars as pl

        if self._blocks:
            self._whole.append(pl.concat(self._blocks, rechunk=True))
            self._blocks = []

    def finish(self) -> pl.DataFrame:
        """All of them, in the order they came; empty texts are missing."""
        import polars as pl

        if self._batches or not (self._blocks or self._whole):
            self._close()
        self._merge()
        table = pl.concat(self._whole, rechunk=False) if len(self._whole) > 1 else self._whole[0]
        return without_empty_texts(table)


class _Recorded:
    """Which members, and objects that hold members, at least one record has."""

    def __init__(self, dataset: Dataset) -> None:
        self._states, self._state = frozenset(dataset.states), dataset.state_field
        self._open = [(name, *name.partition(".")[::2]) for name in (*objects(dataset), *(member.name for member in dataset.members))]
        self.found: set[str] = set()

    def add(self, batch: _Batch) -> None:
        """Look at these records; what was found is not sought again."""
        found = {name for name, head, tail in self._open if self._has(batch, head, tail)}
        if found:
            self.found |= found
            self._open = [one for one in self._open if one[0] not in found]

    def _has(self, batch: _Batch, head: str, tail: str) -> bool:
        values = list(map(attrgetter(tail), batch.held(head))) if tail else batch.top[head]
        if head == self._state:
            return not self._states.isdisjoint(values)
        return values.count(None) < len(values) and any(value is not None and value != "" for value in values)
