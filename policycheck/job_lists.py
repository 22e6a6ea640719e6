"""The records of one list, made usable, and what it means that one lacks a member (docs/verdicts.md, Sources)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, compress
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from policycheck import row_keys
from policycheck.column_records import ColumnRecords, drop_empty_texts, joined
from policycheck.dataset_types import SCAN_FINDINGS
from policycheck.datasets import ALWAYS, Dataset, Field, Presence
from policycheck.job_places import number_places, place_records, spread_places
from policycheck.job_times import read_times
from policycheck.long_tables import PIECE, LongColumn, LongTable, Table, write_pieces
from policycheck.losses import MESSAGE, lost_members, went_wrong
from policycheck.places import Place, ResourceKey
from policycheck.recordings import Recording, Recordings
from policycheck.records import HAPPENED, objects, stand_ins

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class JobList:
    """The records of one list, times normalised, in the order they were read (which means nothing).

    They are one source's, unless `recordings` says otherwise.
    """

    dataset: Dataset
    records: Sequence[Any]
    unusable: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By row, the members that said what cannot be (a time before AWS Backup, an end before the beginning), and are missing now."""
    recordings: Sequence[Recording] | None = None
    """By row; None: what the records as one source show (`told`)."""
    doubtful: frozenset[int] = frozenset()
    """The rows that may show a job which another row shows, too."""
    dropped: frozenset[str] = frozenset()
    """Members that a record had and that count for nothing there: the end of a job that is in progress."""
    behind: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """By row, the members it lacks that may have stood behind the end of the text: YAML that is cut off at the end of a line is whole YAML."""
    repeats: Mapping[int, int] = field(default_factory=dict)
    """By row, how many records beside the first showed this job, where any did."""

    @classmethod
    def of(cls, dataset: Dataset, records: Sequence[Any], *, empty_texts: bool = True) -> JobList:
        """Take over freshly decoded records: their times become microseconds, empty texts and times that cannot be become missing, in place.

        Args:
            empty_texts: whether there may be any.

        Raises:
            RecordError: a time without an offset, or one outside 1970 to 2300 (milliseconds taken for seconds, say).
        """
        if empty_texts:
            drop_empty_texts(dataset, records)
        times = read_times(dataset, records)
        for member, values in times.columns.items():
            for record, value in zip(records, values, strict=True):
                setattr(record, member, value)
        return cls(dataset, records, times.unusable, dropped=times.dropped)

    @property
    def table(self) -> Table | None:
        """The columns of records that are columns first; None where records are objects."""
        return self.records.table if isinstance(self.records, ColumnRecords) else None

    def load(self, names: Iterable[str]) -> None:
        """Say which members will be asked for, so that records that are columns are read once for all of them."""
        if isinstance(self.records, ColumnRecords):
            self.records.load(names)

    @classmethod
    def joined(cls, parts: Sequence[JobList]) -> JobList:
        """The pages of one source as one list. There is at least one, all of one dataset, and none is merged."""
        if len(parts) == 1:
            return parts[0]
        columns = [part.records for part in parts if isinstance(part.records, ColumnRecords)]
        start = 0
        unusable: dict[int, frozenset[str]] = {}
        behind: dict[int, frozenset[str]] = {}
        for part in parts:
            unusable |= {start + row: members for row, members in part.unusable.items()}
            behind |= {start + row: members for row, members in part.behind.items()}
            start += len(part)
        records = joined(columns) if len(columns) == len(parts) else list(chain.from_iterable(part.records for part in parts))
        return cls(parts[0].dataset, records, unusable, dropped=frozenset().union(*(part.dropped for part in parts)), behind=behind)

    def created(self, row: int) -> int | None:
        """CreationDate of one record, in microseconds."""
        if isinstance(self.table, LongTable):
            created: int | None = self.table.value("CreationDate", row)
            return created
        found: int | None = self.records.column("CreationDate")[row] if isinstance(self.records, ColumnRecords) else self.records[row].CreationDate
        return found

    def hold(self, rows: Iterable[int]) -> None:
        """Say which records will be asked for one by one, so that they are read together."""
        if isinstance(self.records, ColumnRecords):
            self.records.hold(rows)

    def chosen(self, rows: Sequence[int]) -> JobList:
        """These rows as a list of their own, each with what is known of it here."""
        return JobList(
            self.dataset,
            self.records.take(rows) if isinstance(self.records, ColumnRecords) else [self.records[row] for row in rows],
            {number: self.unusable[row] for number, row in enumerate(rows) if row in self.unusable},
            [self.told[row] for row in rows],
            frozenset(number for number, row in enumerate(rows) if row in self.doubtful),
            self.dropped,
        )

    @property
    def told(self) -> Sequence[Recording]:
        """What a missing member means, by row."""
        return self._told if self.recordings is None else self.recordings

    @cached_property
    def _told(self) -> Sequence[Recording]:
        base, others = self._tellings
        return Recordings.alike(base, len(self), others)

    @cached_property
    def _tellings(self) -> tuple[Recording, Mapping[int, Recording]]:
        """What it means that a record of this one source lacks a member; and, by row, where it means something else."""
        recorded = self.recorded
        always = {member.name for member in self.dataset.members if member.presence is ALWAYS}
        whole = always <= recorded
        known = {f.name for f in self.dataset.members if f.name in recorded or (whole and f.presence in {Presence.BY_MEANING, Presence.WHEN_ENDED})}
        # What stands in for a member is known to be missing as that is; what stands for nothing, always.
        known |= {name for name in stand_ins(self.dataset) if self.dataset.stand_ins.get(name) in {None, *known}}
        told_of = frozenset(known | (recorded & set(objects(self.dataset))))
        every = frozenset((*(member.name for member in self.dataset.members), *stand_ins(self.dataset)))
        base = Recording(told_of, every if whole else told_of, whole, self._until)
        others: dict[int, Recording] = {}
        if MESSAGE in self.dataset.fields and (MESSAGE not in recorded or self.behind):
            silent = base.but(frozenset({MESSAGE}))
            ends = self._ends()
            wrong = {end for end in set(ends) if went_wrong(self.dataset, *end)}
            unseen = range(len(ends)) if MESSAGE not in recorded else [row for row, members in self.behind.items() if MESSAGE in members]
            others |= {row: silent for row in unseen if ends[row] in wrong} if wrong else {}
        damaged = Recording(frozenset(), frozenset(), False, self._until)
        others |= dict.fromkeys(self._lacking(always & recorded) | self.cut_off.keys(), damaged)
        others |= {row: others.get(row, base).but(members) for row, members in self.unusable.items()}
        return base, others

    def numbered_recordings(self) -> tuple[dict[Recording, int], Sequence[int]]:
        """What a missing member means, each thing with a number; and the number of each record's."""
        found = self.told if isinstance(self.told, Recordings) else Recordings.of(self.told)
        return {one: number for number, one in enumerate(found.kinds)}, found.numbers

    def _ends(self) -> list[tuple[str | None, str | None]]:
        """State and MessageCategory, by row."""
        categories = self.values("MessageCategory") if "MessageCategory" in self.dataset.fields else [None] * len(self)
        return list(zip(self.values(self.dataset.state_field), categories, strict=True))

    @cached_property
    def cut_off(self) -> Mapping[int, tuple[str, ...]]:
        """By row, the members by which a record at the end of a text shows that it was cut off."""
        found = {row: lost_members(self.dataset, self.records, row, members, self.recorded) for row, members in self.behind.items()}
        return {row: members for row, members in found.items() if members}

    @cached_property
    def recorded(self) -> frozenset[str]:
        """The members, and the objects that hold members, that at least one record has; a state that the API does not know is none."""
        if isinstance(self.records, ColumnRecords):
            return self.records.recorded | self.dropped
        held = {head: [value for value in map(attrgetter(head), self.records) if value is not None] for head in objects(self.dataset)}
        found = {head for head, values in held.items() if values} | self.dropped
        for member in self.dataset.members:
            head, _, tail = member.name.rpartition(".")
            values = map(attrgetter(tail), held[head] if head else self.records)
            known = self.dataset.states if member.name == self.dataset.state_field else None
            if any(value is not None if known is None else value in known for value in values):
                found.add(member.name)
        return frozenset(found)

    @property
    def _until(self) -> int:
        if self.dataset.of_state:
            return 0
        members = [member for member in HAPPENED if member in self.dataset.fields]
        if self.table is not None:
            return max((int(str(newest)) for member in members if (newest := self.table[member].max()) is not None), default=0)
        return max((time for member in members for time in self.values(member) if time is not None), default=0)

    def _lacking(self, names: Iterable[str]) -> set[int]:
        """The rows that lack one of these members."""
        rows: set[int] = set()
        for name in names:
            if name == self.dataset.state_field and not self._states_known:
                known = frozenset(self.dataset.states)
                rows.update(row for row, value in enumerate(self.values(name)) if value not in known)
            elif name != self.dataset.state_field and self.has_gaps(name):
                rows.update(row for row, value in enumerate(self.values(name)) if value is None)
        return rows

    @cached_property
    def _states_known(self) -> bool:
        """Whether each record has a state, and one that the API knows."""
        return {state for (state,) in self.distinct(self.dataset.state_field)} <= frozenset(self.dataset.states)

    def has_gaps(self, name: str) -> bool:
        """Whether a record lacks this member."""
        if isinstance(self.records, ColumnRecords):
            return name not in self.records.complete and self.records.column(name).null_count() > 0
        return None in self.values(name)

    def exist(self) -> Sequence[bool | None] | pl.Series:
        """Of each record whether it shows a job which no other record does; None where another may."""
        if isinstance(self.table, LongTable):
            import polars as pl

            sure = pl.repeat(True, len(self), dtype=pl.Boolean, eager=True)
            return sure.scatter(sorted(self.doubtful), None) if self.doubtful else sure
        exist: list[bool | None] = [True] * len(self)
        for row in self.doubtful:
            exist[row] = None
        return exist

    def known_missing(self, row: int, member: str) -> bool:
        """Whether a member that a record lacks is known to be missing there; of CompletionDate, as far as its state says so."""
        return member in self.told[row].told

    def __len__(self) -> int:
        return len(self.records)

    def column(self, field: Field) -> list[Any]:
        """The recorded values of one member, None where missing, in record order."""
        return self.values(field.name)

    def values(self, name: str) -> list[Any]:
        """`column`, by the member's name."""
        if isinstance(self.records, ColumnRecords):
            return self.records.column(name).to_list()
        head, _, tail = name.partition(".")
        values = list(map(attrgetter(head), self.records))
        if name == SCAN_FINDINGS:
            return [None if value is None else _one_text(value.Findings) for value in values]
        if tail:
            return [None if value is None else getattr(value, tail) for value in values]
        return values

    def series(self, name: str) -> Sequence[Any] | pl.Series | LongColumn:
        """`values`, as a column of a dataframe library where there is one; of a long list one that was not read."""
        if not isinstance(self.records, ColumnRecords):
            return self.values(name)
        self.records.load([name])
        return self.records.table.column(name) if isinstance(self.records.table, LongTable) else self.records.table[name]

    def states(self) -> Sequence[Any] | pl.Series | LongColumn:
        """The states, as `series`. One that the API does not know tells nothing: it is unknown, as if it were missing."""
        known = frozenset(self.dataset.states)
        if self._states_known:
            return self.series(self.dataset.state_field)
        return [value if value in known else None for value in self.values(self.dataset.state_field)]

    def distinct(self, *names: str) -> set[tuple[Any, ...]]:
        """All combinations of the values of these members that records have."""
        if isinstance(self.records, ColumnRecords):
            self.records.load(names)
            return set(row_keys.distinct(self.records.table.lazy().select(*names), len(self)).rows())
        return set(zip(*map(self.values, names), strict=True))

    def count_values(self, name: str, as_of: int) -> Counter[Any]:
        """How many of the records that are not of after as_of, in microseconds, have each value of a member; missing ones are not counted."""
        if isinstance(self.records, ColumnRecords):
            import polars as pl

            self.records.load([name])
            happened = self.records.table.lazy().filter(pl.col("CreationDate").is_null() | (pl.col("CreationDate") <= as_of), pl.col(name).is_not_null())
            return Counter(dict(row_keys.collect(happened.group_by(name).agg(pl.len()), len(self)).rows()))
        happened_ = [created is None or created <= as_of for created in self.values("CreationDate")]
        return Counter(value for value in compress(self.values(name), happened_) if value is not None)

    def count_alike(self, names: Sequence[str], as_of: int) -> dict[int, int]:
        """Of the records that are not of after as_of, in microseconds, and say the same in these members: one row, and how many they are."""
        if isinstance(self.records, ColumnRecords):
            import polars as pl

            self.records.load(names)
            happened = self.records.table.lazy().with_row_index("_row").filter(pl.col("CreationDate").is_null() | (pl.col("CreationDate") <= as_of))
            alike = row_keys.collect(happened.group_by(names).agg(pl.col("_row").min(), pl.len()), len(self))
            return dict(alike.select("_row", "len").sort("_row").rows())
        counts: Counter[int] = Counter()
        first: dict[tuple[Any, ...], int] = {}
        for row, (created, said) in enumerate(zip(self.values("CreationDate"), zip(*map(self.values, names), strict=True), strict=True)):
            if created is None or created <= as_of:
                counts[first.setdefault(said, row)] += 1
        return counts

    def places(self) -> Sequence[Place]:
        """(Account, Region) of each record: AccountId, else the vault's ARN, else the resource's; None where nothing says. Found out once a list."""
        return self._places

    def count_places(self) -> Counter[Place]:
        """How many records are of each place."""
        places, numbers = self.numbered_places
        counts = dict(numbers.value_counts().rows()) if self.table is not None else Counter(numbers)  # type: ignore[attr-defined]  # a column
        return Counter({places[number]: count for number, count in counts.items()})

    @cached_property
    def _places(self) -> Sequence[Place]:
        if self.table is not None:
            places, numbers = self.numbered_places
            return list(map(places.__getitem__, numbers))
        return place_records(zip(*map(self.values, self._placing), strict=True))

    @property
    def _placing(self) -> tuple[str, str, str]:
        """The members that tell where a job is."""
        return "AccountId", self.dataset.vault_field, self.dataset.resource_field

    @cached_property
    def numbered_places(self) -> tuple[Sequence[Place], Sequence[int]]:
        """The places of records, each once; and the number of each record's."""
        if self.table is not None:
            return number_places(self.table, *self._placing)  # type: ignore[return-value]  # a column is a sequence in all but name
        numbers: dict[Place, int] = {}
        found = [numbers.setdefault(place, len(numbers)) for place in self.places()]
        return tuple(numbers), found

    def place_columns(self) -> tuple[Sequence[str | None] | pl.Series | LongColumn, Sequence[str | None] | pl.Series | LongColumn]:
        """The accounts and the Regions of records, as `series`."""
        places, numbers = self.numbered_places
        if self.table is not None:
            return spread_places(places, numbers, self.table)
        return [places[number][0] for number in numbers], [places[number][1] for number in numbers]

    @cached_property
    def numbered_subjects(self) -> tuple[Sequence[ResourceKey], Sequence[int]]:
        """(Account, Region, resource) of records, each once in the order in which they come; and the number of each record's."""
        places, placed = self.numbered_places
        name = self.dataset.resource_field
        if self.table is not None:
            import polars as pl

            said = _beside(pl.Series("_place", placed, pl.UInt32), self.table, name)
            keys = row_keys.number_in_order(said, "_number")
            told = row_keys.number(said, keys, "_number")
            return tuple((*places[place], resource) for _, place, resource in keys.select("_number", "_place", name).rows()), told  # type: ignore[return-value]  # as above
        numbers: dict[ResourceKey, int] = {}
        found = [numbers.setdefault((*places[place], resource), len(numbers)) for place, resource in zip(placed, self.values(name), strict=True)]
        return tuple(numbers), found

    @cached_property
    def types_said(self) -> Mapping[tuple[str, str], int]:
        """Each ARN with each type that a record says of it, and when the oldest of these was created (0: one does not say)."""
        names = self.dataset.resource_field, "ResourceType", "CreationDate"
        if isinstance(self.records, ColumnRecords):
            import polars as pl

            self.records.load(names)
            said = self.records.table.lazy().select(names).drop_nulls(names[:2]).group_by(names[:2]).agg(pl.col(names[2]).fill_null(0).min())
            return {(resource, kind): created for resource, kind, created in row_keys.collect(said, len(self)).rows()}
        found: dict[tuple[str, str], int] = {}
        for resource, kind, created in zip(*map(self.values, names), strict=True):
            if resource is not None and kind is not None:
                found[resource, kind] = min(created or 0, found.get((resource, kind), created or 0))
        return found

    @cached_property
    def children(self) -> tuple[Mapping[int, str], frozenset[int]]:
        """By row the ParentJobId of jobs that have one; and the rows of those that lack it, and may have one."""
        if isinstance(self.records, ColumnRecords):
            import polars as pl

            self.records.load(["ParentJobId"])
            said = self.records.table.lazy().select("ParentJobId").with_row_index("_row").filter(pl.col("ParentJobId").is_not_null())
            children: dict[int, str] = dict(row_keys.collect(said, len(self)).rows())
        else:
            children = {row: parent for row, parent in enumerate(self.values("ParentJobId")) if parent is not None}
        kinds, numbers = self.numbered_recordings()
        lacking = {number for kind, number in kinds.items() if "ParentJobId" not in kind.told}
        return children, frozenset(row for row, number in enumerate(numbers) if number in lacking and row not in children) if lacking else frozenset()

    def has(self, head: str) -> Sequence[bool] | pl.Series:
        """Whether each record carries the nested member `head` at all (an empty one counts)."""
        if isinstance(self.records, ColumnRecords):
            return self.records.column(head)
        return [value is not None for value in map(attrgetter(head), self.records)]


def _beside(told: pl.Series, table: Table, name: str) -> Table:
    """A column beside one of a table."""
    import polars as pl

    if isinstance(table, LongTable):
        pieces = (pl.DataFrame([told[start : start + PIECE]]) for start in range(0, len(told), PIECE))
        return write_pieces(pieces).beside(table.only([name]))
    return pl.DataFrame([told, table[name]])


def _one_text(words: tuple[str, ...] | str | None) -> str | None:
    """The words of a list as one text; none of them is none."""
    return (words if isinstance(words, str | None) else ", ".join(words)) or None
