"""The whole records of the jobs that findings are about: each once a run, turned into fields only when a report writes them."""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from policycheck.column_records import ColumnRecords
from policycheck.datasets import Kind
from policycheck.job_lists import JobList
from policycheck.records import api_fields, encode_fields
from policycheck.text import clean, clean_line

Fields = Mapping[str, Any]
"""A record as the API spells it: JSON values, text cleaned."""
_ENCODER = msgspec.json.Encoder(order="sorted")


class JobRecord(Mapping[str, Any]):
    """One job: a mapping of its API fields. Two are equal that have the same key and the same fields."""

    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key
        """What names it in a result, and no other job there: its id, where no other job of the run has the same."""

    @property
    @abstractmethod
    def fields(self) -> Fields:
        """All of them, missing members left out, text cleaned."""

    @abstractmethod
    def encode(self) -> bytes:
        """The fields as JSON in UTF-8, keys sorted."""

    @abstractmethod
    def cleaned(self) -> JobRecord:
        """The same with every text in it cleaned; itself where that changes nothing."""

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, JobRecord):
            return self is other or (self.key == other.key and self.fields == other.fields)
        return self.fields == other

    __hash__ = None  # type: ignore[assignment]  # as of any mapping

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key!r}, {dict(self.fields)!r})"


class SavedJob(JobRecord):
    """A job as a saved result has it."""

    __slots__ = ("_fields",)

    def __init__(self, key: str, fields: Fields) -> None:
        super().__init__(key)
        self._fields = fields

    @property
    def fields(self) -> Fields:
        return self._fields

    def encode(self) -> bytes:
        return _ENCODER.encode(self._fields)

    def cleaned(self) -> SavedJob:
        key, fields = clean(self.key), clean_json(self._fields)
        return self if key == self.key and fields == self._fields else SavedJob(key, fields)


class ListedJob(JobRecord):
    """A job of a list that the run has read. Its fields are made anew whenever they are asked for: thousands of jobs cost only what their records do."""

    __slots__ = ("job_list", "row")

    def __init__(self, key: str, job_list: JobList, row: int) -> None:
        super().__init__(key)
        self.job_list, self.row = job_list, row

    @property
    def fields(self) -> Fields:
        fields: Fields = clean_fields(api_fields(self.job_list.dataset, self.job_list.records[self.row]))
        return fields

    def encode(self) -> bytes:
        try:
            encoded = encode_fields(self.job_list.dataset, self.job_list.records[self.row])
        except UnicodeEncodeError:  # half a surrogate pair, which cleaning replaces
            return _ENCODER.encode(self.fields)
        # Printable ASCII without an escape is clean, so that most records need no look at each of their texts.
        return encoded if encoded.isascii() and b"\\" not in encoded and b"\x7f" not in encoded else _ENCODER.encode(self.fields)

    def cleaned(self) -> ListedJob:
        return self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ListedJob) and other.job_list is self.job_list and other.row == self.row and other.key == self.key:
            return True
        return super().__eq__(other)

    __hash__ = None  # as of any mapping


class WrappedJob(JobRecord):
    """Another way to tell a job; what its fields are made from is read together with that of others."""

    __slots__ = ("job",)

    def __init__(self, key: str, job: JobRecord) -> None:
        super().__init__(key)
        self.job = job

    def encode(self) -> bytes:
        return _ENCODER.encode(self.fields)


_TOGETHER = 2_000
"""Jobs whose records are read at once."""


def encode_jobs(jobs: Iterable[JobRecord]) -> Iterator[bytes]:
    """The fields of each as JSON, as `encode` gives them; of a list whose records are elsewhere many are read together."""
    coming = iter(jobs)
    while some := list(islice(coming, _TOGETHER)):
        wanted: dict[int, tuple[JobList, list[int]]] = {}
        for job in some:
            listed = job.job if isinstance(job, WrappedJob) else job
            if isinstance(listed, ListedJob):
                wanted.setdefault(id(listed.job_list), (listed.job_list, []))[1].append(listed.row)
        for job_list, rows in wanted.values():
            job_list.hold(rows)
        yield from (job.encode() for job in some)


class Told(NamedTuple):
    """What findings on the same jobs have in common, whatever their rules."""

    jobs: tuple[str, ...]
    """Ids, sorted."""
    evidence: tuple[JobRecord, ...]
    rows: tuple[int, ...]
    identity: Mapping[str, str | None]


class JobRecords:
    """The jobs of a run's lists by list and row, each as one `JobRecord` however many findings are about it.

    A job is named by its id. Where jobs share one (two places, two lists, ids that somebody took out), or have none, each is named by list, account, Region and
    id, and numbered where that is not enough.
    """

    def __init__(self, lists: Mapping[str, JobList]) -> None:
        self._lists = lists
        self._made: dict[str, dict[int, ListedJob]] = {name: {} for name in lists}
        self._alone: dict[str, dict[int, Told]] = {name: {} for name in lists}
        self._shared: set[str] = set()
        self._ids: dict[str, list[Any]] = {}

    def share_values(self, name: str) -> None:
        """Let the records of a list have one object of what they say alike (vaults, roles, plans), which is half of what a long list takes."""
        if name not in self._shared:
            self._shared.add(name)
            found = self._lists[name]
            if found.table is not None:
                return  # Records that are made anew share nothing, and are not kept.
            for member in dict.fromkeys(member.name.partition(".")[0] for member in found.dataset.members if member.kind in _REPEATED):
                _share(member, found.records)

    def tell(self, name: str, rows: Sequence[int], identity: Callable[[], Mapping[str, str | None]], limit: int) -> Told:
        """The jobs of a resource; of one job alone once, so that further rules which it violates cost next to nothing.

        Args:
            name: of their list.
            rows: of the jobs; a job is of one resource only.
            identity: what tells the resource.
            limit: of the records.
        """
        if len(rows) > 1:
            return self._tell(name, rows, identity(), limit)
        found = self._alone[name].get(rows[0])
        if found is None:
            found = self._alone[name][rows[0]] = self._tell(name, rows, identity(), limit)
        return found

    def _tell(self, name: str, rows: Sequence[int], identity: Mapping[str, str | None], limit: int) -> Told:
        listed, field = self._lists[name].records, self._lists[name].dataset.id_field
        ordered = rows if len(rows) == 1 else sorted(rows, key=lambda row: (getattr(listed[row], field) or "", listed[row].CreationDate or 0))
        jobs = tuple([job_id for row in ordered if (job_id := clean_line(getattr(listed[row], field) or ""))])
        return Told(jobs, tuple([self.of(name, row) for row in ordered[:limit]]), tuple(rows), identity)

    def forget(self, name: str) -> None:
        """Let go of what was told of the jobs of a list, since it is of very many."""
        self._made[name].clear()
        self._alone[name].clear()

    def key(self, name: str, row: int) -> str:
        """The key of the job of this row, without its record."""
        if name not in self._ids:
            self._ids[name] = self._lists[name].values(self._lists[name].dataset.id_field)
        return (self._special and self._special.get((name, row))) or clean_line(self._ids[name][row])

    def of(self, name: str, row: int) -> JobRecord:
        """The job of this row of the list of that name."""
        made = self._made[name]
        found = made.get(row)
        if found is None:
            job_list = self._lists[name]
            key = (self._special and self._special.get((name, row))) or clean_line(getattr(job_list.records[row], job_list.dataset.id_field))
            found = made[row] = ListedJob(key, job_list, row)
        return found

    @cached_property
    def _special(self) -> Mapping[tuple[str, int], str]:
        """The keys of jobs that their ids do not tell, by list and row."""
        if _ids_tell(self._lists.values()):
            return {}
        ids = {name: [clean_line(told or "") for told in found.values(found.dataset.id_field)] for name, found in self._lists.items()}
        different = set(chain.from_iterable(ids.values()))
        if "" not in different and len(different) == sum(map(len, ids.values())):
            return {}
        by_id: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, told in ids.items():
            for row, job_id in enumerate(told):
                by_id[job_id].append((name, row))
        taken = {job_id for job_id, jobs in by_id.items() if job_id and len(jobs) == 1}
        unclear = [(self._place(job_id, *job), *job) for job_id, jobs in by_id.items() if job_id not in taken for job in jobs]
        keys: dict[tuple[str, int], str] = {}
        numbers: defaultdict[str, int] = defaultdict(int)
        # By what the records say, so that the order in which lists were read means nothing.
        for place, name, row in sorted(unclear, key=lambda job: (job[0], ListedJob("", self._lists[job[1]], job[2]).encode())):
            key = ""
            while not key or key in taken:
                numbers[place] += 1
                key = place if numbers[place] == 1 else f"{place}#{numbers[place]}"
            taken.add(key)
            keys[name, row] = key
        return keys

    def _place(self, job_id: str, name: str, row: int) -> str:
        job_list = self._lists[name]
        account, region = job_list.places()[row]
        parts = (name, account or "(no account)", region or "(no Region)", job_id or f"(no {job_list.dataset.id_field})")
        return "/".join(map(clean_line, parts))


def _ids_tell(lists: Collection[JobList]) -> bool:
    """Whether the records of one list that is columns have ids of their own, which cleaning leaves as they are; that much is told in columns."""
    found = next(iter(lists), None)
    if found is None or any(len(other) for other in lists if other is not found):
        return False
    return isinstance(found.records, ColumnRecords) and found.records.ids_tell()


_REPEATED = frozenset({Kind.TEXT, Kind.WORD, Kind.ENUM, Kind.ARN, Kind.ACCOUNT})
_DIFFERENT = 10
"""A member repeats little of which more than one value in so many is different."""


def _share(member: str, records: Sequence[Any]) -> None:
    values = list(map(attrgetter(member), records))
    told = {_content(value): value for value in values if value is not None}
    if len(told) * _DIFFERENT <= len(records):
        for record, value in zip(records, values, strict=True):
            if value is not None:
                setattr(record, member, told[_content(value)])


def _content(value: Any) -> Any:
    """What can be compared of a text, or of an object that holds members."""
    return value if isinstance(value, str) else msgspec.structs.astuple(value)


def clean_fields(value: Any) -> Any:
    """The fields of a record with all their text cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_line(key): clean_fields(item) for key, item in value.items()}
    return value


def clean_json(value: Any) -> Any:
    """Any JSON value with all its text cleaned; a float that JSON cannot hold becomes its name."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(key): clean_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [clean_json(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value
