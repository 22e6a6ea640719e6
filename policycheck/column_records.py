"""Records that are columns first: whatever a run reads of a long list is a column, and a whole record is made where somebody asks for it."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import accumulate, chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, overload

from policycheck.datasets import ALWAYS, Dataset, Kind
from policycheck.job_times import read_times
from policycheck.long_tables import LongTable, Table, beside, stack
from policycheck.records import objects, time_members

if TYPE_CHECKING:
    import polars as pl

MANY = 2_000
"""From how many records on columns pay: below, all of them as objects cost less than the library that columns need."""
BATCH = 200
"""Records made at once: they stay in the processor's second cache, which halves what decoding takes (*measured*)."""

PLAIN = r"^[!-~]+$"
"""Texts of printable characters, which cleaning leaves as they are."""
_STEP = 8
"""How far apart records are that somebody asks for one after the other."""


class Unusual(Exception):
    """A list that the careful way has to read, which makes all records and says what is wrong."""


class ColumnRecords(Sequence[Any]):
    """Records by row, each made anew whenever it is asked for: two of one row are equal, and not the same."""

    def __init__(self, dataset: Dataset, table: Table, recorded: frozenset[str]) -> None:
        self.dataset = dataset
        self.table = table
        """A column a member that a run reads, `dotted.names` too: texts, whole numbers, booleans, times in microseconds; null where missing. Of an object that
        holds members, whether it is there."""
        self.recorded = recorded
        """The members, and the objects that hold members, that at least one record has; a state that the API does not know is none."""
        self.complete: frozenset[str] = frozenset()
        """Members that every record is known to have, though their columns may not be at hand."""
        self.ids: pl.Series | None = None
        """Of each record a number that no other id has, if each has one in printable characters; None: not known."""
        self._expected: Mapping[int, int] = {}
        self._expected_rows: Sequence[int] = ()
        self._made: Mapping[int, Any] = {}
        self._made_before: Mapping[int, Any] = {}
        self._one = lru_cache(maxsize=1024)(self.take_one)
        self._last = -_STEP - 1
        self._near: range = range(0)
        self._near_records: list[Any] = []
        self._ahead = _STEP

    @abstractmethod
    def take(self, rows: Sequence[int]) -> list[Any]:
        """The records of these rows, as `job_lists.JobList.of` leaves them."""

    def take_one(self, row: int) -> Any:
        """The record of this row."""
        return self.take([row])[0]

    @abstractmethod
    def read_columns(self, names: Sequence[str]) -> Table:
        """The columns of these members, and objects that hold members, as `table` has them."""

    def __len__(self) -> int:
        return self.table.height

    @overload
    def __getitem__(self, row: int) -> Any: ...

    @overload
    def __getitem__(self, row: slice) -> list[Any]: ...

    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            return self.take(range(*row.indices(len(self))))
        number = row if row >= 0 else row + len(self)
        if not 0 <= number < len(self):
            raise IndexError(row)
        if number in self._expected:
            return self._take_expected(number)
        if number in self._near:
            return self._near_records[number - self._near.start]
        if 0 < number - self._last <= _STEP:
            # Who asks for one record after the other is given them as cheaply as who asks for all; who asks for a few is not made to wait for many.
            self._ahead = min(2 * self._ahead, BATCH) if self._last == self._near.stop - 1 else _STEP
            self._near = range(number, min(number + self._ahead, len(self)))
            self._near_records = self.take(self._near)
            self._last = self._near.stop - 1
            return self._near_records[0]
        self._last = number
        return self._one(number)

    def __iter__(self) -> Iterator[Any]:
        for start in range(0, len(self), BATCH):
            yield from self.take(range(start, min(start + BATCH, len(self))))

    def hold(self, rows: Iterable[int]) -> None:
        """Say which records will be asked for one by one from now on, in about this order, where reading them together costs less; it changes nothing else."""

    def _expect(self, rows: Iterable[int]) -> None:
        """Make these some at a time, in this order, when the first of them is asked for."""
        self._expected_rows = list(dict.fromkeys(rows))
        self._expected = {row: place for place, row in enumerate(self._expected_rows)}
        self._made = self._made_before = {}

    def _take_expected(self, row: int) -> Any:
        # Who describes one thing after the other asks for the records of one several times, and these may be the last of some and the first of the next.
        for made in (self._made, self._made_before):
            if row in made:
                return made[row]
        place = self._expected[row]
        together = sorted(self._expected_rows[place : place + BATCH])
        self._made_before, self._made = self._made, dict(zip(together, self.take(together), strict=True))
        return self._made[row]

    def ids_tell(self) -> bool:
        """Whether each record has an id of its own, in printable characters."""
        if self.ids is not None:
            return self.ids.n_unique() == len(self.ids)
        ids = self.column(self.dataset.id_field)
        return ids.null_count() == 0 and ids.n_unique() == len(ids) and bool(ids.str.contains(PLAIN).all())

    def column(self, name: str) -> pl.Series:
        """The values of one member."""
        if name not in self.table.columns:
            self.load([name])
        return self.table[name]

    def load(self, names: Iterable[str]) -> None:
        """Take the columns of these members, too, all in one pass; those that are there cost nothing, and what is no member is passed over."""
        missing = [name for name in dict.fromkeys(readable(self.dataset, names)) if name not in self.table.columns]
        if missing:
            self.table = beside(self.table, self.read_columns(missing))


class JoinedRecords(ColumnRecords):
    """Those of several sources, one after the other; at least one, all of one dataset."""

    def __init__(self, parts: Sequence[ColumnRecords]) -> None:
        import polars as pl

        names = list(dict.fromkeys(name for part in parts for name in part.table.columns))
        for part in parts:
            part.load(names)
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))
        table = stack([part.table.only(names) if isinstance(part.table, LongTable) else part.table.select(names) for part in parts])
        super().__init__(parts[0].dataset, table, frozenset[str]().union(*(part.recorded for part in parts)))
        self.complete = frozenset.intersection(*(part.complete for part in parts))
        ids = [part.ids for part in parts if part.ids is not None]
        self.ids = pl.concat(ids) if len(ids) == len(parts) else None

    def hold(self, rows: Iterable[int]) -> None:
        self._expect(rows)
        by_part: dict[int, list[int]] = {}
        for row in self._expected_rows:
            by_part.setdefault(bisect_right(self._ends, row), []).append(row)
        for index, part in enumerate(self._parts):
            part.hold([row - self._start(index) for row in by_part.get(index, ())])

    def take(self, rows: Sequence[int]) -> list[Any]:
        by_part: dict[int, list[int]] = {}
        for row in rows:
            by_part.setdefault(bisect_right(self._ends, row), []).append(row)
        if len(by_part) > 1 and list(rows) != sorted(rows):
            return [self[row] for row in rows]
        return list(chain.from_iterable(self._parts[index].take([row - self._start(index) for row in found]) for index, found in by_part.items()))

    def _start(self, index: int) -> int:
        return self._ends[index] - len(self._parts[index])

    def read_columns(self, names: Sequence[str]) -> Table:
        return stack([part.read_columns(names) for part in self._parts])


def joined(parts: Sequence[ColumnRecords]) -> ColumnRecords:
    """The records of several sources as one; at least one, all of one dataset."""
    return parts[0] if len(parts) == 1 else JoinedRecords(parts)


@cache
def needed_members(dataset: Dataset) -> tuple[str, ...]:
    """What evidence needs of every list, whatever a run reads."""
    always = [member.name for member in dataset.members if member.presence is ALWAYS]
    return tuple(name for name in dict.fromkeys((dataset.id_field, *told_members(dataset), *always)) if name in dataset.fields)


@cache
def told_members(dataset: Dataset) -> tuple[str, ...]:
    """Those of them whose values are read, and not only whether a record has them; without the id, which a record tells."""
    names = ("AccountId", "ResourceType", "ParentJobId", "MessageCategory", dataset.state_field, dataset.resource_field, dataset.vault_field)
    return tuple(name for name in dict.fromkeys((*names, *time_members(dataset))) if name in dataset.fields)


def readable(dataset: Dataset, names: Iterable[str]) -> list[str]:
    """Those of these names that are members, or objects that hold members."""
    held = frozenset((*(member.name for member in dataset.members), *objects(dataset)))
    return [name for name in names if name in held]


def column_types(dataset: Dataset, names: Iterable[str]) -> Mapping[str, Any]:
    """What the columns of these members, and objects that hold members, are made of."""
    import polars as pl

    types = {Kind.TIME: pl.Int64, Kind.SIZE: pl.Int64, Kind.INTEGER: pl.Int64, Kind.BOOLEAN: pl.Boolean}
    held = frozenset(objects(dataset))
    return {name: pl.Boolean if name in held else types.get(dataset.fields[name].kind, pl.String) for name in names}


def without_empty_texts(table: pl.DataFrame) -> pl.DataFrame:
    """The same columns in which empty texts are missing."""
    import polars as pl

    empty = [name for name, kind in table.schema.items() if kind == pl.String and bool((table[name].str.len_bytes() == 0).any())]
    return table.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in empty) if empty else table


def normalise(dataset: Dataset, records: list[Any], *, empty_texts: bool) -> list[Any]:
    """Freshly decoded records of whose times it is known that they are times: what cannot be becomes missing, in place."""
    if empty_texts:
        drop_empty_texts(dataset, records)
    for member, values in read_times(dataset, records).columns.items():
        for record, value in zip(records, values, strict=True):
            setattr(record, member, value)
    return records


@cache
def _text_members(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    """(object, member) of every member that is text; no object: ("", member)."""
    texts = {Kind.TEXT, Kind.WORD, Kind.ENUM, Kind.ARN, Kind.ACCOUNT}
    return tuple((head, tail) for head, _, tail in (member.name.rpartition(".") for member in dataset.members if member.kind in texts))


def drop_empty_texts(dataset: Dataset, records: Sequence[Any]) -> None:
    """Make empty texts missing, in place."""
    for head, member in _text_members(dataset):
        holders = [held for record in records if (held := getattr(record, head)) is not None] if head else records
        if "" in map(attrgetter(member), holders):
            for holder in holders:
                if getattr(holder, member) == "":
                    setattr(holder, member, None)
