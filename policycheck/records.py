"""Job records as msgspec structs, generated from `datasets`: decoded once, turned into columns by name.

A decoded record has one attribute a member and a nested struct where the API nests (`record.CreatedBy.BackupPlanId`). Times arrive as epoch seconds or
ISO 8601 text; `JobList.of` turns each into whole microseconds since 1970 UTC, in place, so that nothing below ever meets a time zone. The `Recording` of a
record tells what a missing member means (docs/verdicts.md, Sources).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any

import msgspec

from policycheck.datasets import ALWAYS, Dataset, Field, Kind, Presence
from policycheck.losses import MESSAGE, lost_members, went_wrong

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_DAY = (datetime(2019, 1, 16, tzinfo=UTC) - EPOCH) // MICROSECOND
"""When AWS Backup began (announced on 2019-01-16): no job can be older, and a program that has no time writes 0."""
_EARLIEST, _LATEST = 0, (datetime(2300, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND

HAPPENED = ("CreationDate", "InitiationDate", "CompletionDate")
"""The members that say when something happened to a job; others say when something must."""

# A time on the wire is epoch seconds, whole or not; saved by a client it is ISO 8601 with an offset, "T" or a space between.
WireTime = datetime | float | int | None


class RecordError(ValueError):
    """A record that cannot be used: `index` counts from 0 in its list, `member` is the API's name."""

    def __init__(self, index: int, member: str, problem: str) -> None:
        super().__init__(f"record {index}: {member}: {problem}")
        self.index = index
        self.member = member
        self.problem = problem


# The model's `long`: 64 bits, signed.
_Long = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: dict[Kind, Any] = {
    Kind.TIME: WireTime,
    Kind.SIZE: _Long | None,
    Kind.INTEGER: _Long | None,
    Kind.BOOLEAN: bool | None,
}


@cache
def record_type(dataset: Dataset) -> type[msgspec.Struct]:
    """The struct one record of this list decodes into; every member optional, unknown ones ignored."""
    top: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        (nested.setdefault(head, {}) if tail else top)[tail or head] = _TYPES.get(member.kind, str | None)
        if tail:
            top.setdefault(head, None)
    for head, members in nested.items():
        top[head] = _define(f"{dataset.result_key}{head}", members) | None
    return _define(dataset.result_key, top)


@cache
def time_members(dataset: Dataset) -> tuple[str, ...]:
    """The names of the members that are times; none is nested."""
    return tuple(member.name for member in dataset.members if member.kind is Kind.TIME)


def _define(name: str, members: dict[str, Any]) -> type[msgspec.Struct]:
    return msgspec.defstruct(name, [(member, kind, None) for member, kind in members.items()], kw_only=True, omit_defaults=True, gc=False)


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970 UTC of an aware datetime."""
    return (moment - EPOCH) // MICROSECOND


def moment(value: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + value * MICROSECOND


@dataclass(frozen=True, slots=True)
class Recording:
    """What it means that a record lacks a member."""

    told: frozenset[str]
    """Members, and objects that hold members, that are known to be missing where they are (CompletionDate: while the job's state says so)."""
    kept: frozenset[str]
    """Members that nobody dropped: where one is missing, AWS gave none, or the client was too old to know it."""
    whole: bool
    """Whether nobody dropped members of its source, or of the record."""
    until: int = 0
    """The newest time at which its source shows that something happened, in microseconds: it was saved later than that."""

    @property
    def damaged(self) -> bool:
        """Whether the record lost members which all others of its source have."""
        return not self.kept and not self.whole

    def but(self, unusable: frozenset[str]) -> Recording:
        """The same of a record of which these members say what cannot be."""
        return Recording(self.told - unusable, self.kept - unusable, self.whole, self.until) if unusable else self


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

    @classmethod
    def of(cls, dataset: Dataset, records: Sequence[Any], *, empty_texts: bool = True) -> JobList:
        """Take over freshly decoded records: their times become microseconds, empty texts and times that cannot be become missing, in place.

        Args:
            empty_texts: whether there may be any.

        Raises:
            RecordError: a time without an offset, or one outside 1970 to 2300 (milliseconds taken for seconds, say).
        """
        unusable: defaultdict[int, set[str]] = defaultdict(set)
        for member in time_members(dataset):
            _normalise_times(member, records, unusable)
        if empty_texts:
            _drop_empty_texts(dataset, records)
        dropped = _drop_contradictions(dataset, records, unusable)
        return cls(dataset, records, {row: frozenset(members) for row, members in unusable.items()}, dropped=dropped)

    @classmethod
    def joined(cls, parts: Sequence[JobList]) -> JobList:
        """The pages of one source as one list. There is at least one, all of one dataset, and none is merged."""
        if len(parts) == 1:
            return parts[0]
        records: list[Any] = []
        unusable: dict[int, frozenset[str]] = {}
        behind: dict[int, frozenset[str]] = {}
        for part in parts:
            unusable |= {len(records) + row: members for row, members in part.unusable.items()}
            behind |= {len(records) + row: members for row, members in part.behind.items()}
            records += part.records
        return cls(parts[0].dataset, records, unusable, dropped=frozenset().union(*(part.dropped for part in parts)), behind=behind)

    def chosen(self, rows: Sequence[int]) -> JobList:
        """These rows as a list of their own, each with what is known of it here."""
        return JobList(
            self.dataset,
            [self.records[row] for row in rows],
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
        recorded = self.recorded
        always = {member.name for member in self.dataset.members if member.presence is ALWAYS}
        whole = always <= recorded
        known = {f.name for f in self.dataset.members if f.name in recorded or (whole and f.presence in {Presence.BY_MEANING, Presence.WHEN_ENDED})}
        told_of = frozenset(known | (recorded & set(objects(self.dataset))))
        base = Recording(told_of, frozenset(member.name for member in self.dataset.members) if whole else told_of, whole, self._until)
        told = [base] * len(self.records)
        if MESSAGE not in recorded or self.behind:
            silent = base.but(frozenset({MESSAGE}))
            ends = self._ends()
            wrong = {end for end in set(ends) if went_wrong(self.dataset, *end)}
            unseen = range(len(ends)) if MESSAGE not in recorded else [row for row, members in self.behind.items() if MESSAGE in members]
            for row in unseen if wrong else ():
                if ends[row] in wrong:
                    told[row] = silent
        damaged = Recording(frozenset(), frozenset(), False, self._until)
        for row in self._lacking(always & recorded) | self.cut_off.keys():
            told[row] = damaged
        for row, members in self.unusable.items():
            told[row] = told[row].but(members)
        return told

    def _ends(self) -> list[tuple[str | None, str | None]]:
        """State and MessageCategory, by row."""
        categories = map(attrgetter("MessageCategory"), self.records) if "MessageCategory" in self.dataset.fields else [None] * len(self.records)
        return list(zip(map(attrgetter(self.dataset.state_field), self.records), categories, strict=True))

    @cached_property
    def cut_off(self) -> Mapping[int, tuple[str, ...]]:
        """By row, the members by which a record at the end of a text shows that it was cut off."""
        found = {row: lost_members(self.dataset, self.records, row, members, self.recorded) for row, members in self.behind.items()}
        return {row: members for row, members in found.items() if members}

    @cached_property
    def recorded(self) -> frozenset[str]:
        """The members, and the objects that hold members, that at least one record has; a state that the API does not know is none."""
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
        members = [member for member in HAPPENED if member in self.dataset.fields]
        return max((time for member in members for time in map(attrgetter(member), self.records) if time is not None), default=0)

    def _lacking(self, names: Iterable[str]) -> set[int]:
        """The rows that lack one of these members."""
        rows: set[int] = set()
        for name in names:
            read = attrgetter(name)
            known = frozenset(self.dataset.states)
            if name == self.dataset.state_field:
                rows.update(row for row, record in enumerate(self.records) if read(record) not in known)
            elif None in map(read, self.records):
                rows.update(row for row, record in enumerate(self.records) if read(record) is None)
        return rows

    def known_missing(self, row: int, member: str) -> bool:
        """Whether a member that a record lacks is known to be missing there; of CompletionDate, as far as its state says so."""
        return member in self.told[row].told

    def __len__(self) -> int:
        return len(self.records)

    def column(self, field: Field) -> list[Any]:
        """The recorded values of one member, None where missing, in record order."""
        head, _, tail = field.name.partition(".")
        values = list(map(attrgetter(head), self.records))
        if tail:
            return [None if value is None else getattr(value, tail) for value in values]
        return values

    def places(self) -> Sequence[tuple[str | None, str | None]]:
        """(Account, Region) of each record: AccountId, else the vault's ARN, else the resource's; None where nothing says. Found out once a list."""
        return self._places

    @cached_property
    def _places(self) -> tuple[tuple[str | None, str | None], ...]:
        dataset = self.dataset
        members = ("AccountId", dataset.vault_field, dataset.resource_field)
        said: dict[tuple[str | None, str | None], tuple[str | None, str | None]] = {}
        places = []
        for account, vault, resource in zip(*(map(attrgetter(member), self.records) for member in members), strict=True):
            # Few vaults hold all jobs, so that most records cost one look-up; the resource is asked only where account and vault leave something open.
            place = said.get((account, vault))
            if place is None:
                place = said[account, vault] = _place(account, vault)
            places.append(_place(account, vault, resource) if None in place else place)
        return tuple(places)

    def has(self, head: str) -> list[bool]:
        """Whether each record carries the nested member `head` at all (an empty one counts)."""
        return [value is not None for value in map(attrgetter(head), self.records)]


@lru_cache(maxsize=100_000)
def _place(account: str | None, *arns: str | None) -> tuple[str | None, str | None]:
    # arn:partition:service:region:account:resource; S3 buckets, say, leave Region and account empty.
    parts = [(arn or "").split(":", 5) for arn in arns]
    whole = [part for part in parts if len(part) == 6]
    return account or next((part[4] for part in whole if part[4]), None), next((part[3] for part in whole if part[3]), None)


def end_of(dataset: Dataset, record: Any) -> int | None:
    """When a job ended, in microseconds: CompletionDate, else StartBy where it EXPIRED; None in progress, and where the record does not say.

    `engine.frame.ended` says the same in columns (docs/verdicts.md, What has happened by as_of).
    """
    state = getattr(record, dataset.state_field)
    if state not in dataset.finished:
        return None
    if record.CompletionDate is not None or state != "EXPIRED":
        return record.CompletionDate  # type: ignore[no-any-return]  # a struct made at run time
    created, start_by = record.CreationDate, record.StartBy
    return start_by if created is not None and start_by is not None and start_by >= created else None


@cache
def objects(dataset: Dataset) -> tuple[str, ...]:
    """The members of a list that hold others (CreatedBy)."""
    return tuple(dict.fromkeys(member.name.partition(".")[0] for member in dataset.members if "." in member.name))


def _normalise_times(member: str, records: Sequence[Any], unusable: Mapping[int, set[str]]) -> None:
    values = list(map(attrgetter(member), records))
    if _normalise_all(member, records, values):
        return
    for index, (record, value) in enumerate(zip(records, values, strict=True)):
        if value is None:
            continue
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise RecordError(index, member, f"{value.isoformat()} has no offset from UTC")
            number = (value - EPOCH) // MICROSECOND
        else:
            number = round(value * 1_000_000)
        if number < FIRST_DAY:
            if number < _EARLIEST:
                raise RecordError(index, member, f"{value} is not a time from 1970 to 2300; numbers are seconds since 1970")
            unusable[index].add(member)
            setattr(record, member, None)
            continue
        if number >= _LATEST:
            raise RecordError(index, member, f"{value} is not a time from 1970 to 2300; numbers are seconds since 1970")
        setattr(record, member, number)


def _normalise_all(member: str, records: Sequence[Any], values: Sequence[Any]) -> bool:
    """Make microseconds of times that are all as they should be, or missing; whether they were."""
    if set(map(type, values)) <= {NoneType}:
        return True
    if not set(map(type, values)) <= {datetime, NoneType}:
        return False
    if None in {value.tzinfo for value in values if value is not None}:
        return False
    numbers = [None if value is None else (value - EPOCH) // MICROSECOND for value in values]
    told = [number for number in numbers if number is not None]
    if min(told) < FIRST_DAY or max(told) >= _LATEST:
        return False
    for record, number in zip(records, numbers, strict=True):
        if number is not None:
            setattr(record, member, number)
    return True


@cache
def _text_members(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    """(object, member) of every member that is text; no object: ("", member)."""
    texts = {Kind.TEXT, Kind.WORD, Kind.ENUM, Kind.ARN, Kind.ACCOUNT}
    return tuple((head, tail) for head, _, tail in (member.name.rpartition(".") for member in dataset.members if member.kind in texts))


def _drop_empty_texts(dataset: Dataset, records: Sequence[Any]) -> None:
    for head, member in _text_members(dataset):
        holders = [held for record in records if (held := getattr(record, head)) is not None] if head else records
        if "" in map(attrgetter(member), holders):
            for holder in holders:
                if getattr(holder, member) == "":
                    setattr(holder, member, None)


def _drop_contradictions(dataset: Dataset, records: Sequence[Any], unusable: Mapping[int, set[str]]) -> frozenset[str]:
    """Make times missing that cannot all be true: which one is wrong, the record does not say. Back comes what of a job in progress counts for nothing."""
    dropped: set[str] = set()
    finished, initiated = frozenset(dataset.finished), "InitiationDate" in dataset.fields
    columns = [list(map(attrgetter(name), records)) for name in ("CreationDate", "CompletionDate", dataset.state_field)]
    begins = list(map(attrgetter("InitiationDate"), records)) if initiated else [None] * len(records)
    for index, (created, completed, state, begun) in enumerate(zip(*columns, begins, strict=True)):
        if completed is None:
            if begun is None or created is None or begun >= created:
                continue
        elif created is not None and created <= completed and state in finished and (begun is None or created <= begun <= completed):
            continue
        wrong = _contradicting(created, begun, completed, ended=state in finished)
        if completed is not None and state not in finished and "CreationDate" not in wrong:
            dropped.add("CompletionDate")
        for member in wrong:
            setattr(records[index], member, None)
            unusable[index].add(member)
    return frozenset(dropped)


def _contradicting(created: int | None, begun: int | None, completed: int | None, *, ended: bool) -> list[str]:
    """The members of times that cannot all be true."""
    if completed is not None and created is not None and completed < created:
        return ["CreationDate", "CompletionDate"]
    wrong = ["CompletionDate"] if completed is not None and not ended else []
    if begun is not None and ((created is not None and begun < created) or (completed is not None and begun > completed)):
        wrong.append("InitiationDate")
    return wrong


def api_fields(dataset: Dataset, record: Any) -> dict[str, Any]:
    """The record as the API spells it, missing members left out, times ISO 8601 UTC with Z."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for member in time_members(dataset):
        if member in fields:
            fields[member] = spell_time(fields[member])
    return fields


def encode_fields(dataset: Dataset, record: Any) -> bytes:
    """`api_fields` as JSON in UTF-8, keys sorted.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    told = zip(time_members(dataset), _read_times(dataset)(record), strict=True)
    times = {member: spell_time(value) for member, value in told if value is not None}
    return _SORTING.encode(msgspec.structs.replace(record, **times))


_SORTING = msgspec.json.Encoder(order="sorted")


@cache
def _read_times(dataset: Dataset) -> Callable[[Any], tuple[int | None, ...]]:
    return attrgetter(*time_members(dataset))


def spell_time(value: int) -> str:
    """`iso(moment(value))`, for the many times of many records."""
    seconds, fraction = divmod(value, 1_000_000)
    minutes, second = divmod(seconds, 60)
    return f"{_spell_minute(minutes)}:{second:02}.{fraction // 1000:03}Z" if fraction else f"{_spell_minute(minutes)}:{second:02}Z"


@lru_cache(maxsize=100_000)
def _spell_minute(minutes: int) -> str:
    return (EPOCH + timedelta(minutes=minutes)).isoformat(timespec="minutes")[:16]


def iso(value: datetime) -> str:
    """ISO 8601 in UTC with Z; milliseconds where there are any."""
    value = value.astimezone(UTC)
    spec = "milliseconds" if value.microsecond else "seconds"
    return value.isoformat(timespec=spec).replace("+00:00", "Z")
