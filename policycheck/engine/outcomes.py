"""What became of the jobs and subjects of a rule, and why: what a trace tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from policycheck.engine.findings import age_key
from policycheck.engine.measures import Truth
from policycheck.job_lists import JobList
from policycheck.text import clean_line

VIOLATES, COULD, KEEPS, OUTSIDE, MAYBE = "violates", "could violate", "does not violate", "not judged", "may be judged"
NOTHING = "nothing to measure"
"""What became of a job or of a subject."""


class Step(Struct, frozen=True):
    """One question about a job."""

    asked: str
    """In words; one clean line."""
    truth: Truth
    seen: str = ""
    """The value it was asked of; empty where it was asked of other questions' answers."""
    steps: tuple[Step, ...] = ()


class JobTrace(Struct, frozen=True):
    """One job of a subject."""

    id: str
    created: int | None
    """Microseconds."""
    state: str | None
    outcome: str
    steps: tuple[Step, ...]


class SubjectOutcome(Struct, frozen=True):
    """One subject of a rule, and what became of it."""

    account: str | None
    region: str | None
    subject: str
    outcome: str
    jobs: tuple[int, ...]
    """The rows of its jobs, the newest first."""
    decisive: int | None = None
    """The row of the newest job that this outcome comes from, where one job's outcome decides."""


class SubjectTrace(Struct, frozen=True):
    """Why a subject passed or failed."""

    subject: SubjectOutcome
    measured: tuple[str, ...]
    """What was measured of it as a whole, a line each."""
    jobs: tuple[JobTrace, ...]
    """The newest first."""
    listed: tuple[str, ...] = ()
    """All its jobs with what the measure makes of each, or the runs that were expected of it, a line each."""


class RuleTrace(Protocol):
    """What one rule makes of every subject."""

    job_list: JobList

    def subjects(self) -> Sequence[SubjectOutcome]:
        """All of them, sorted by account, Region and subject."""

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        """Why this became of it, with the steps of these of its jobs."""


def job_outcome(population: Truth, violation: Truth) -> str:
    """What became of one job."""
    if violation is not False:
        return VIOLATES if violation else COULD
    return KEEPS if population else MAYBE if population is None else OUTSIDE


def place_key(subject: SubjectOutcome) -> tuple[str, str, str]:
    """What sorts subjects."""
    return subject.account or "", subject.region or "", subject.subject


def sort_rows(job_list: JobList, rows: Sequence[int]) -> tuple[int, ...]:
    """The newest first."""
    return tuple(sorted(rows, key=lambda row: age_key(job_list, row), reverse=True))


def name_job(job_list: JobList, row: int) -> str:
    """The id of a job."""
    return clean_line(getattr(job_list.records[row], job_list.dataset.id_field) or "") or f"(no {job_list.dataset.id_field})"
