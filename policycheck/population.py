"""The population of a run: which records were read, what became of each of them, and what is known of its subjects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class InputFile(NamedTuple):
    """A file that jobs were read from."""

    name: str
    sha256: str
    """Of its bytes as they were read, 64 hex digits."""


class Covered(StrEnum):
    """Whether a list speaks for a day."""

    WHOLE = "whole"
    PART = "part"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What became of the records of one list, account, Region and day: records = jobs + repeated; jobs = evaluated + out_of_scope + unusable."""

    dataset: str
    account: str | None
    region: str | None
    day: str | None
    """Of CreationDate, UTC: 2026-11-20; None: their records do not say it."""
    records: int
    repeated: int
    """Records that show a job which another record shows, too."""
    jobs: int
    evaluated: int
    """Jobs that certainly are in the population of a rule, or left undecided or pending by one."""
    out_of_scope: int
    """Jobs that certainly no rule is about: its conditions, its window, the declared scope or as_of leave them out."""
    unusable: int
    """Jobs of which it is unknown whether a rule is about them, since their records do not say enough, and no rule certainly is."""
    covered: Covered
    """Whether a complete list speaks for the day, margins left out."""
    repeated_jobs: tuple[str, ...] = ()
    """The ids of the first jobs that several records show, at most 20."""


class NewestJob(NamedTuple):
    """The newest job that a rule looked at, of a subject or several; as it was evaluated."""

    key: str
    """What names it in a result, and no other job there."""
    id: str
    """Empty where its record has none."""
    state: str | None
    """At as_of."""
    created: str
    """ISO 8601, UTC; empty where its record does not say."""


class Resource(NamedTuple):
    """What lists and inventories say of a resource that is a subject: of several jobs the newest."""

    account: str | None
    region: str | None
    subject: str
    resource_type: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Population:
    """Found out where a format shows what each subject came to; else empty."""

    reconciliation: tuple[Reconciliation, ...] = ()
    """Sorted by list, account, Region and day, unknown ones first; days that are covered and without a record are included."""
    newest_jobs: tuple[NewestJob, ...] = ()
    """Those that answers name, sorted by key."""
    resources: tuple[Resource, ...] = ()
    """Sorted by account, Region and subject."""
    account_names: Mapping[str, str] = field(default_factory=dict)
    """What inventories call accounts."""
    inputs: tuple[InputFile, ...] = ()
    """The files that jobs were read from, in their order; none of a fetch."""
