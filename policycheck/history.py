"""What became of resources day by day, for reports that show it; no verdict comes from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DayOutcome(StrEnum):
    """What became of a resource on one day, by the worst of the jobs that were created on it; the letter that stands for it."""

    FAILED = "f"
    MISSED = "m"
    """A scheduled run was certainly missed."""
    ISSUES = "i"
    """Completed with issues."""
    OPEN = "o"
    """In progress, or of an outcome that the record does not tell."""
    UNCOVERED = "u"
    """No complete list covers the day, so that what is not seen may have happened."""
    NONE = "n"
    """No job."""
    CLEAN = "c"


@dataclass(frozen=True, slots=True)
class ResourceDays:
    """One resource, and what became of it on each day, the oldest first."""

    account: str | None
    region: str | None
    subject: str
    days: tuple[DayOutcome, ...]


@dataclass(frozen=True, slots=True)
class AgeLimit:
    """How old the newest job may be, as a rule says: a recovery point objective."""

    policy: str
    rule: str
    micros: int


@dataclass(frozen=True, slots=True)
class CauseDays:
    """How many jobs went wrong by one cause (an id of `causes.CAUSES`), a number a day, the oldest first."""

    cause: str
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What became of resources day by day (UTC), by their backup jobs; and what went wrong in all lists."""

    start: datetime
    """Midnight of the first day."""
    days: int
    resources: int
    """All that backup jobs name, and those that findings name without any; `rows` holds the worst of them."""
    rows: tuple[ResourceDays, ...] = ()
    """The worst first."""
    limits: tuple[AgeLimit, ...] = ()
    """The longest first."""
    causes: tuple[CauseDays, ...] = ()
    """The most jobs first."""
    undated: int = 0
    """Jobs that stand on no day, since their records have no CreationDate."""
