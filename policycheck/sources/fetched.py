"""What a fetch asked and was answered, as a record to keep: with the answers as received it gives the same evidence again, observed coverage included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from policycheck.datasets import DATASETS
from policycheck.errors import EvidenceError, FetchError, PolicycheckError
from policycheck.job_lists import JobList
from policycheck.records import iso
from policycheck.result import Coverage
from policycheck.sources.connection import ORGANIZATION
from policycheck.sources.interface import Evidence
from policycheck.sources.observations import merge_sources
from policycheck.sources.observed import Watch, cover
from policycheck.sources.organization import unread_accounts
from policycheck.sources.pages import read_page
from policycheck.sources.places import ReadList, join_pages

_BY_ACCOUNT = "ByAccountId"


class FetchedList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One list of one identity in one Region."""

    dataset: str
    operation: str
    """ListBackupJobs."""
    role_arn: str | None
    """The role that asked; None: the caller itself."""
    profile: str | None = None
    """The profile whose credentials asked, or assumed the role; None: those of the environment."""
    region: str
    source: str
    """What reports call it: the operation, and the host where it is none of AWS's own."""
    parameters: Mapping[str, str]
    """What was asked, beside the number of jobs a page and the token of the next one; times ISO 8601 UTC."""
    since: datetime | None
    """From when on it was asked for, by the claim of a longest job; None: whatever AWS lists."""
    reach: datetime
    """From when on it speaks where AWS documents no limit."""
    accounts: tuple[str | None, ...]
    """Whose jobs it can hold."""
    rest_unread: bool = False
    """Other accounts were asked for and are not in this list."""
    pages: int = 0
    first_date: datetime | None = None
    """AWS's clock when the first page was answered, and the last."""
    last_date: datetime | None = None
    error: str = ""
    """Why it is not complete; empty where it is."""
    error_place: str = ""


class FetchRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fetch."""

    started: datetime
    """This machine's clock."""
    as_of: datetime
    caller: str | None
    """The ARN of whoever asked, as AWS says; None: it did not say, or was not asked."""
    lists: tuple[FetchedList, ...]
    not_seen: tuple[str, ...]
    warnings: tuple[str, ...]
    names: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What accounts are called."""
    members: tuple[str, ...] | None = None
    """The accounts of the organization, where all of them were asked for and AWS told."""


def spell_parameters(parameters: Mapping[str, object]) -> dict[str, str]:
    """The parameters of a request as they are kept."""
    return {name: iso(value) if isinstance(value, datetime) else str(value) for name, value in sorted(parameters.items())}


def cover_list(fetched: FetchedList, found: ReadList, started: datetime, as_of: datetime, members: Collection[str] | None) -> list[Coverage]:
    """What one list covers.

    Args:
        members: the active accounts of the organization; None: not known.
    """
    watch = Watch(
        dataset=DATASETS[fetched.dataset],
        region=fetched.region,
        source=fetched.source,
        since=fetched.since,
        reach=fetched.reach,
        started=started,
        as_of=as_of,
    )
    rest = [unread_accounts(fetched.dataset, fetched.region, fetched.source)] if fetched.rest_unread else []
    first, *others = cover(watch, found, frozenset(fetched.accounts))
    if fetched.parameters.get(_BY_ACCOUNT) == ORGANIZATION:
        # One entry names them for all: a large organization would have them thousands of times.
        first = replace(first, silent=tuple(sorted(set(members or ()) - set(fetched.accounts))))
    return [first, *others, *rest]


def sort_coverage(entries: Collection[Coverage]) -> tuple[Coverage, ...]:
    """In the order of evidence."""
    return tuple(sorted(entries, key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")))


def name_accounts(coverage: Collection[Coverage], names: Mapping[str, str]) -> tuple[Coverage, ...]:
    """The same with what accounts are called."""
    return tuple(replace(entry, account_name=names.get(entry.account or "")) for entry in coverage)


def merge_lists(name: str, parts: Sequence[JobList]) -> JobList:
    """The lists of all places as one; each place is a source of its own."""
    return merge_sources(parts).jobs if parts else JobList(DATASETS[name], ())


@dataclass(frozen=True, slots=True)
class KeptPage:
    """One answer as received."""

    name: str
    """For errors."""
    body: bytes


def replay(record: FetchRecord, pages: Callable[[int], Sequence[KeptPage]]) -> Evidence:
    """The evidence that a fetch gave, of its answers as received.

    Args:
        pages: the answers of a list of the record, by its number from 0, in order.

    Raises:
        EvidenceError: an answer is not what AWS Backup gives, or there are more or fewer than were received.
    """
    lists: dict[str, list[JobList]] = {}
    coverage: list[Coverage] = []
    for number, fetched in enumerate(record.lists):
        dataset = DATASETS.get(fetched.dataset)
        if dataset is None or dataset.operation != fetched.operation:
            raise EvidenceError("the record of the fetch names a list that does not exist", place=fetched.operation)
        kept = pages(number)
        if len(kept) != fetched.pages:
            raise EvidenceError(f"{fetched.operation} in {fetched.region}: there are {len(kept)} answers, and {fetched.pages} were received")
        jobs = join_pages(dataset, [read_page(dataset, page.body, page.name) for page in kept])
        error: PolicycheckError | None = FetchError(fetched.error, place=fetched.error_place) if fetched.error else None
        found = ReadList(jobs, error, fetched.first_date, fetched.last_date)
        lists.setdefault(dataset.name, []).append(jobs)
        coverage += cover_list(fetched, found, record.started, record.as_of, record.members)
    merged = {name: merge_lists(name, lists[name]) for name in DATASETS if name in lists}
    members = None if record.members is None else frozenset(record.members)
    return Evidence(merged, name_accounts(sort_coverage(coverage), record.names), record.not_seen, record.warnings, members=members)
