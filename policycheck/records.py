"""Job records as msgspec structs, generated from `datasets`: decoded once, turned into columns by name.

A decoded record has one attribute a member and a nested struct where the API nests (`record.CreatedBy.BackupPlanId`). Times arrive as epoch seconds or
ISO 8601 text; `job_lists.JobList.of` turns each into whole microseconds since 1970 UTC, in place, so that nothing below ever meets a time zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec

from policycheck.dataset_types import PRESENT, SCAN_FINDINGS, STATE
from policycheck.datasets import Dataset, Kind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_DAY = (datetime(2019, 1, 16, tzinfo=UTC) - EPOCH) // MICROSECOND
"""When AWS Backup began (announced on 2019-01-16): no job can be older, and a program that has no time writes 0."""
EARLIEST, LATEST = 0, (datetime(2300, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND

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
        (nested.setdefault(head, {}) if tail else top)[tail or head] = (
            _TYPES.get(member.kind, str | None) if member.name != SCAN_FINDINGS else tuple[str, ...] | str | None
        )
        if tail:
            top.setdefault(head, None)
    for head, members in nested.items():
        top[head] = _define(f"{dataset.result_key}{head}", members) | None
    if not dataset.of_state:
        return _define(dataset.result_key, top)
    return _with_stand_ins(dataset, _define(dataset.result_key, top))


_LACKING = ("AccountId", "CreationDate", "CompletionDate", "StatusMessage", "ResourceType", "ParentJobId")
"""What is asked of each record, and a list of what there is may not have."""


def stand_ins(dataset: Dataset) -> tuple[str, ...]:
    """The attributes of this list's records that are none of its members; nothing reads or writes them as JSON."""
    return (*(name for name in _LACKING if name not in dataset.fields), *([STATE] if dataset.state_field == STATE else []))


def _with_stand_ins(dataset: Dataset, kind: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The same struct with attributes that JSON does not know: properties, which say what they stand for."""

    def lacking(_: object) -> None:
        return None

    def present(_: object) -> str:
        return PRESENT

    asked: dict[str, Callable[[Any], Any]] = {name: present if name == STATE else lacking for name in stand_ins(dataset)}
    asked |= {name: attrgetter(member) for name, member in dataset.stand_ins.items()}
    namespace = {name: property(ask) for name, ask in asked.items()}
    make: Any = type(kind)
    made: type[msgspec.Struct] = make(dataset.result_key, (kind,), namespace, kw_only=True, omit_defaults=True, gc=False)
    return made


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


def end_of(dataset: Dataset, record: Any) -> int | None:
    """When a job ended, in microseconds: CompletionDate, else StartBy where it EXPIRED; None in progress, and where the record does not say.

    `engine.frame.ended` says the same in columns (docs/verdicts.md, What has happened by as_of).
    """
    state = getattr(record, dataset.state_field)
    if state not in dataset.finished:
        return None
    if dataset.of_state:
        return record.CreationDate  # type: ignore[no-any-return]  # a struct made at run time
    if record.CompletionDate is not None or state != "EXPIRED":
        return record.CompletionDate  # type: ignore[no-any-return]  # a struct made at run time
    created, start_by = record.CreationDate, record.StartBy
    return start_by if created is not None and start_by is not None and start_by >= created else None


@cache
def objects(dataset: Dataset) -> tuple[str, ...]:
    """The members of a list that hold others (CreatedBy)."""
    return tuple(dict.fromkeys(member.name.partition(".")[0] for member in dataset.members if "." in member.name))


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
    names = time_members(dataset)
    if len(names) == 1:
        # Of one name alone, attrgetter gives no tuple.
        return lambda record: (getattr(record, names[0]),)
    return attrgetter(*names)


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
