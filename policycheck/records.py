"""Job records as msgspec structs, generated from `datasets`: decoded once, turned into columns by name.

A decoded record has one attribute a member and a nested struct where the API nests (`record.CreatedBy.BackupPlanId`). Times arrive as epoch seconds or
ISO 8601 text; `JobList.of` turns each into whole microseconds since 1970 UTC, in place, so that nothing below ever meets a time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from policycheck.datasets import Dataset, Field, Kind, Presence

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_EARLIEST, _LATEST = 0, (datetime(2300, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND

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


@dataclass(frozen=True)
class JobList:
    """The records of one list, times normalised, in the order they were read (which means nothing)."""

    dataset: Dataset
    records: Sequence[Any]

    @classmethod
    def of(cls, dataset: Dataset, records: Sequence[Any]) -> JobList:
        """Take over freshly decoded records: their times become microseconds, in place.

        Raises:
            RecordError: a time without an offset, or one outside 1970 to 2300 (milliseconds taken for seconds, say).
        """
        for member in time_members(dataset):
            _normalise_times(member, records)
        return cls(dataset, records)

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

    def known_missing(self, row: int, member: str) -> bool:
        """Whether a missing member is known to be missing in this record."""
        # STAND-IN: presence by source replaces it. Today's rule, for members that AWS leaves out where they do not apply.
        return self.dataset.fields[member].presence is Presence.BY_MEANING

    def has(self, head: str) -> list[bool]:
        """Whether each record carries the nested member `head` at all (an empty one counts)."""
        return [value is not None for value in map(attrgetter(head), self.records)]


@lru_cache(maxsize=100_000)
def _place(account: str | None, *arns: str | None) -> tuple[str | None, str | None]:
    # arn:partition:service:region:account:resource; S3 buckets, say, leave Region and account empty.
    parts = [(arn or "").split(":", 5) for arn in arns]
    whole = [part for part in parts if len(part) == 6]
    return account or next((part[4] for part in whole if part[4]), None), next((part[3] for part in whole if part[3]), None)


def _normalise_times(member: str, records: Iterable[Any]) -> None:
    for index, record in enumerate(records):
        value = getattr(record, member)
        if value is None:
            continue
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise RecordError(index, member, f"{value.isoformat()} has no offset from UTC")
            number = (value - EPOCH) // MICROSECOND
        else:
            number = round(value * 1_000_000)
        if not _EARLIEST <= number < _LATEST:
            raise RecordError(index, member, f"{value} is not a time from 1970 to 2300; numbers are seconds since 1970")
        setattr(record, member, number)


def api_fields(dataset: Dataset, record: Any) -> dict[str, Any]:
    """The record as the API spells it, missing members left out, times ISO 8601 UTC with Z."""
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for member in time_members(dataset):
        if member in fields:
            fields[member] = iso(moment(fields[member]))
    return fields


def iso(value: datetime) -> str:
    """ISO 8601 in UTC with Z; milliseconds where there are any."""
    value = value.astimezone(UTC)
    spec = "milliseconds" if value.microsecond else "seconds"
    return value.isoformat(timespec=spec).replace("+00:00", "Z")
