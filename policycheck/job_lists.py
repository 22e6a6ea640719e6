"""The records of one list, made usable, and what it means that one lacks a member (docs/verdicts.md, Sources)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property, lru_cache
from operator import attrgetter
from types import NoneType
from typing import Any

from policycheck.datasets import ALWAYS, Dataset, Field, Kind, Presence
from policycheck.losses import MESSAGE, lost_members, went_wrong
from policycheck.records import EARLIEST, EPOCH, FIRST_DAY, HAPPENED, LATEST, MICROSECOND, RecordError, objects, time_members


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
            if number < EARLIEST:
                raise RecordError(index, member, f"{value} is not a time from 1970 to 2300; numbers are seconds since 1970")
            unusable[index].add(member)
            setattr(record, member, None)
            continue
        if number >= LATEST:
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
    if min(told) < FIRST_DAY or max(told) >= LATEST:
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
