"""Job records as the API sends them: which members there are, how times are written, and the JSON of each, made once.

Source: the AWS Backup API model of 2018-11-15, by way of `policycheck.datasets`; the one member no policy reads (`ChildJobsInState`) is named here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from policycheck.datasets import COPY_JOBS, Dataset, Kind
from policycheck.emulator.clock import seconds, to_ms

_OPEN_MAPS = frozenset({"BackupOptions", "ChildJobsInState"})
"""Members that are maps in the model: any key."""


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one list's records: `top` by name, and for a structure the names inside it."""

    top: frozenset[str]
    nested: Mapping[str, frozenset[str]]
    times: frozenset[str]


@cache
def members_of(dataset: Dataset) -> Members:
    """What a record of this list may hold."""
    nested: dict[str, set[str]] = {}
    top: set[str] = {"ChildJobsInState"} if dataset == COPY_JOBS else set()
    times: set[str] = set()
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        top.add(head)
        if tail and head not in _OPEN_MAPS:
            nested.setdefault(head, set()).add(tail)
        if member.kind is Kind.TIME:
            times.add(head)
    return Members(frozenset(top), {head: frozenset(names) for head, names in nested.items()}, frozenset(times))


class SortKey(NamedTuple):
    """Newest first, then by id and account: the order of every list. A job without CreationDate comes last."""

    age: int
    """-CreationDate in milliseconds; 1 where there is none."""
    job_id: str
    account: str


@dataclass(frozen=True, slots=True)
class Record:
    """One job, ready to be sent."""

    key: SortKey
    fields: Mapping[str, object]
    text: str = field(repr=False)

    @property
    def created_ms(self) -> int | None:
        return None if self.key.age > 0 else -self.key.age

    @classmethod
    def of(cls, dataset: Dataset, account: str, fields: Mapping[str, object]) -> Record:
        """The record of normalised members (`normalise`). Raises ValueError without an id."""
        job_id = fields.get(dataset.id_field)
        if not isinstance(job_id, str) or not job_id:
            raise ValueError(f"a {dataset.noun} needs {dataset.id_field}")
        created = time_ms(fields, "CreationDate")
        key = SortKey(1 if created is None else -created, job_id, account)
        return cls(key, fields, json.dumps(fields, separators=(",", ":"), allow_nan=False))


def normalise(dataset: Dataset, record: Mapping[str, object], *, drop_unknown: bool) -> dict[str, object]:
    """The record with times in epoch seconds to the millisecond and without members that are null.

    Times may be epoch seconds, ISO 8601 text with an offset, or aware datetimes. A member the model does not have is dropped, or (not `drop_unknown`)
    a ValueError, because a seed with a misspelt member would test nothing. Raises ValueError for a time that is none of these.
    """
    known = members_of(dataset)
    kept: dict[str, object] = {}
    for name, value in record.items():
        if value is None:
            continue
        if name not in known.top:
            _refuse(dataset, name, drop_unknown)
        elif name in known.times:
            kept[name] = _seconds(name, value)
        elif isinstance(value, Mapping):
            kept[name] = _nested(dataset, name, value, known.nested.get(name), drop_unknown)
        else:
            kept[name] = value
    return kept


def _nested(dataset: Dataset, name: str, value: Mapping[str, object], known: frozenset[str] | None, drop_unknown: bool) -> dict[str, object]:
    kept: dict[str, object] = {}
    for inner, inner_value in value.items():
        if known is not None and inner not in known:
            _refuse(dataset, f"{name}.{inner}", drop_unknown)
        elif inner_value is not None:
            kept[inner] = inner_value
    return kept


def _refuse(dataset: Dataset, name: str, drop_unknown: bool) -> None:
    if not drop_unknown:
        raise ValueError(f"a {dataset.noun} has no member {name!r}")


def _seconds(name: str, value: object) -> float | int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # Nor is a number beyond the year 5000: milliseconds of it, most likely.
        if not abs(value) < 1e11:
            raise ValueError(f"{name}: not a time: {value!r}")
        return seconds(round(value * 1000))
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{name}: not a time: {value!r}") from None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{name}: not a time with a time zone: {value!r}")
    return seconds(to_ms(value.astimezone(UTC)))


def time_ms(fields: Mapping[str, object], name: str) -> int | None:
    """A normalised time in whole milliseconds since 1970; None where the record lacks it."""
    value = fields.get(name)
    return round(value * 1000) if isinstance(value, int | float) else None


def arn_part(arn: object, index: int) -> str:
    """Part `index` of an ARN (3 the Region, 4 the account), or nothing."""
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    return parts[index] if len(parts) == 6 else ""


def place_of(dataset: Dataset, fields: Mapping[str, object]) -> tuple[str, str]:
    """The account and Region a job ran in, from AccountId, the vault's ARN and the resource's ARN, in that order; "" where none tells."""
    arns = (fields.get(dataset.vault_field), fields.get(dataset.resource_field))
    account = fields.get("AccountId")
    accounts = (account if isinstance(account, str) else "", *(arn_part(arn, 4) for arn in arns))
    return next(filter(None, accounts), ""), next(filter(None, (arn_part(arn, 3) for arn in arns)), "")


def partition_of(region: str) -> str:
    """The partition in ARNs of a Region: aws, aws-cn or aws-us-gov."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
