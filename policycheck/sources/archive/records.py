"""The records of an archive: columns of what a run reads; a whole record is decoded from its JSON, in its file, where somebody asks for it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from policycheck.column_records import ColumnRecords, column_types, normalise
from policycheck.datasets import Dataset, Kind
from policycheck.long_tables import PIECE, LongTable, Table, write_pieces
from policycheck.records import objects, record_type
from policycheck.sources.archive.job_files import JobFiles
from policycheck.sources.archive.schema import RECORD

if TYPE_CHECKING:
    import polars as pl

_FILES_HELD = 4
"""Files whose texts are held: jobs that are shown together stand side by side."""
_SAID_OFTEN = 4
"""Rows that say a text, on average, from which on one copy of it pays."""
_TEXTS_HELD = 100_000
"""Texts that are held of jobs of which somebody said that they will be shown: a kilobyte each."""


class Known(NamedTuple):
    """What is known of records beside their columns; see `ColumnRecords`."""

    recorded: frozenset[str]
    complete: frozenset[str] = frozenset()
    ids: pl.Series | None = None


class ArchiveRecords(ColumnRecords):
    """Records that are rows of an archive's files."""

    def __init__(self, table: Table, known: Known, files: JobFiles, numbers: pl.Series, unknown: Mapping[int, frozenset[str]] | None = None) -> None:
        """
        Args:
            numbers: of each record, the number of its row over all of `files`, in their order.
            unknown: by row, the members that are not known any more.
        """
        self._unknown = unknown or {}
        super().__init__(files.dataset, table, known.recorded)
        self.complete, self.ids = known.complete - frozenset().union(*self._unknown.values()), known.ids
        self._files, self._numbers = files, numbers
        self._ends = list(accumulate(files.files["rows"]))
        self._texts = lru_cache(maxsize=_FILES_HELD)(self._read_texts)
        self._held: dict[int, str] = {}

    def take(self, rows: Sequence[int]) -> list[Any]:
        texts = [self._text(self._numbers[row]) for row in rows]
        records: list[Any] = msgspec.json.decode(f"[{','.join(texts)}]", type=list[record_type(self.dataset)])  # type: ignore[misc]  # a type made at run time
        for record, row in zip(records, rows, strict=True):
            for name in self._unknown.get(row, ()):
                setattr(record, name, None)
        return normalise(self.dataset, records, empty_texts=True)

    def hold(self, rows: Iterable[int]) -> None:
        asked = list(dict.fromkeys(rows))[:_TEXTS_HELD]
        wanted = sorted(asked)
        numbers = self._numbers.gather(wanted)
        self._held = {}
        # Texts are long, and whole files of them are read.
        for together in _near(numbers):
            self._held |= dict(zip(together, self._files.rows([RECORD], together)[RECORD], strict=True))
        self._expect(asked)

    def _text(self, number: int) -> str:
        if (held := self._held.get(number)) is not None:
            return held
        index = bisect_right(self._ends, number)
        text: str = self._texts(index)[number - (self._ends[index - 1] if index else 0)]
        return text

    def _read_texts(self, index: int) -> pl.Series:
        return self._files.only(self._files.files[index : index + 1]).scan([RECORD])[RECORD]

    def read_columns(self, names: Sequence[str]) -> Table:
        read = partial(read_members, self._files, names)
        if isinstance(self.table, LongTable):
            pieces = ((start, self._numbers[start : start + PIECE]) for start in range(0, len(self._numbers), PIECE))
            return write_pieces(without_members(read(numbers), unknown_from(self._unknown, start)) for start, numbers in pieces)
        return without_members(said_once(read(self._numbers)), self._unknown)


def _near(numbers: pl.Series) -> Iterator[pl.Series]:
    """Numbers of rows, in their order, those together that are of the same piece."""
    for piece in (numbers // PIECE).unique(maintain_order=True):
        yield numbers.filter(numbers // PIECE == piece)


class HeldRecords(ColumnRecords):
    """Records that are objects: a few, merged of what several fetches saw."""

    def __init__(self, dataset: Dataset, records: Sequence[Any], recorded: frozenset[str], names: Sequence[str]) -> None:
        self.dataset, self._records = dataset, list(records)
        super().__init__(dataset, self.read_columns(names), recorded)

    def take(self, rows: Sequence[int]) -> list[Any]:
        return [self._records[row] for row in rows]

    def read_columns(self, names: Sequence[str]) -> pl.DataFrame:
        import polars as pl

        types, held = column_types(self.dataset, names), frozenset(objects(self.dataset))
        return pl.DataFrame([pl.Series(name, [_value(record, name, held) for record in self._records], types[name]) for name in names])


def _value(record: Any, name: str, held: frozenset[str]) -> object:
    head, _, tail = name.partition(".")
    value = getattr(record, head)
    if name in held:
        return value is not None
    return getattr(value, tail) if tail and value is not None else value


def read_members(files: JobFiles, names: Sequence[str], numbers: pl.Series) -> pl.DataFrame:
    """`member_columns` of these rows of files."""
    return member_columns(files.dataset, files.rows(list(dict.fromkeys(name.partition(".")[0] for name in names)), numbers), names)


def member_columns(dataset: Dataset, rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The columns of members, and of objects that hold members, as `ColumnRecords.table` has them; times in microseconds, as they were sent."""
    import polars as pl

    held = frozenset(objects(dataset))
    found: list[pl.Expr] = []
    for name in names:
        head, _, tail = name.partition(".")
        if name in held:
            found.append(pl.col(name).is_not_null().alias(name))
        elif tail:
            found.append(pl.col(head).struct.field(tail).alias(name))
        elif dataset.fields[name].kind is Kind.TIME:
            found.append(pl.col(name).cast(pl.Int64))
        else:
            found.append(pl.col(name))
    return rows.select(found)


def said_once(table: pl.DataFrame) -> pl.DataFrame:
    """The same columns with one copy of each text that many rows say: each file of an archive brings its own, which is most of what they take."""
    import polars as pl

    found: list[pl.Series] = []
    for name, kind in table.schema.items():
        if kind == pl.String:
            texts = table[name].unique().drop_nulls()
            if 0 < len(texts) * _SAID_OFTEN < table.height:
                found.append(texts.gather(table[name].cast(pl.Enum(texts)).to_physical()).rename(name))
    return table.with_columns(found)


def unknown_from(unknown: Mapping[int, frozenset[str]], start: int) -> Mapping[int, frozenset[str]]:
    """The same by row, where rows are counted from this one on."""
    return {row - start: members for row, members in unknown.items() if row >= start}


def without_members(table: pl.DataFrame, unknown: Mapping[int, frozenset[str]]) -> pl.DataFrame:
    """The same columns without these members of some rows."""
    import polars as pl

    rows: dict[str, list[int]] = {}
    for row, members in unknown.items():
        for name in members:
            if name in table.columns:
                rows.setdefault(name, []).append(row)
    return table.with_columns(pl.when(~pl.int_range(pl.len()).is_in(found)).then(pl.col(name)).alias(name) for name, found in rows.items())
