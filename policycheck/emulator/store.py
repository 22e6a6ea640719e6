"""The jobs an emulator serves, kept apart by account, Region and list; pure: no server, no moto.

Safe to use from several threads.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from policycheck.datasets import BACKUP_JOBS, DATASETS, Dataset
from policycheck.emulator import files, started
from policycheck.emulator.clock import Clock
from policycheck.emulator.errors import ApiError
from policycheck.emulator.estate import ACCOUNTS
from policycheck.emulator.filters import predicates
from policycheck.emulator.members import Member
from policycheck.emulator.wire import Record, SortKey, normalise

if TYPE_CHECKING:
    from policycheck.emulator.organization import Organization

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "us-east-1"
HORIZON = timedelta(days=30)
"""ListBackupJobs lists the jobs created in the last 30 days (API reference); the other two lists document no limit."""
LARGEST_PAGE = 1000


@dataclass(slots=True)
class _Shelf:
    """The jobs of one list, account and Region: the keys sorted, the records by id."""

    keys: list[SortKey] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)

    def put(self, records: Iterable[Record]) -> None:
        for record in records:
            self.records[record.key.job_id] = record
        self.keys = sorted(record.key for record in self.records.values())

    def swap(self, record: Record) -> None:
        if self.records[record.key.job_id].key != record.key:
            self.put([record])
        else:
            self.records[record.key.job_id] = record

    def after(self, position: SortKey | None) -> Iterator[Record]:
        first = 0 if position is None else bisect_right(self.keys, position)
        return (self.records[self.keys[index].job_id] for index in range(first, len(self.keys)))


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: the records, and whether there are more."""

    records: Sequence[Record]
    more: bool


class Store:
    """Job lists by account and Region, and the clock they are seen by.

    `clock`: real time unless given. `horizon`: how far back ListBackupJobs lists; None lists everything. `page_size`: MaxResults of a request that does
    not say, 1-1000 (AWS documents none). `management`: the organization's management account, which may list other accounts' jobs; the first account
    added unless given, and the account of unknown credentials. `start_outcome`: what becomes of jobs that are started; assign it between starts.
    `disabled_regions`: the opt-in Regions that are not enabled in any account: there the credentials are not known; assign it before the first request.
    `organization`: names and states of its accounts, and accounts without jobs; every account with jobs is a member, named or not.
    """

    def __init__(self, clock: Clock | None = None, *, management: str = "", horizon: timedelta | None = HORIZON, page_size: int = LARGEST_PAGE) -> None:
        if not 1 <= page_size <= LARGEST_PAGE:
            raise ValueError(f"a page holds 1 to {LARGEST_PAGE} jobs, not {page_size}")
        self.clock = clock or Clock()
        self.horizon = horizon
        self.page_size = page_size
        self.start_outcome = started.StartOutcome()
        self.disabled_regions: frozenset[str] = frozenset()
        self.organization: tuple[Member, ...] = ()
        self._management = management
        self._shelves: dict[tuple[str, str, str], _Shelf] = {}
        self._lock = RLock()
        self._due: list[tuple[int, int, tuple[str, str, str], str, Mapping[str, object]]] = []
        self._idempotent: dict[tuple[str, str, str], Mapping[str, object]] = {}
        self._starts = 0

    @classmethod
    def of_files(
        cls,
        paths: Iterable[Path],
        *,
        account: str = "",
        region: str = "",
        clock: Clock | None = None,
        management: str = "",
        horizon: timedelta | None = None,
        page_size: int = LARGEST_PAGE,
    ) -> Store:
        """The lists of saved answers: JSON as the AWS CLI and boto3 write it. Members the model does not have are left out.

        `account` and `region` are for jobs whose ARNs do not tell. `horizon` is off unless given: a saved list would otherwise age out of sight.
        Raises JobFileError for a file that is unreadable, no job list, or does not say where a job ran.
        """
        store = cls(clock, management=management, horizon=horizon, page_size=page_size)
        for (job_account, job_region, name), records in files.read(paths, account=account, region=region).items():
            store.add(job_account, job_region, name, records)
        return store

    @classmethod
    def of_organization(
        cls,
        organization: Organization,
        clock: Clock | None = None,
        *,
        horizon: timedelta | None = HORIZON,
        page_size: int = LARGEST_PAGE,
    ) -> Store:
        """The lists of a sample organization; its first account manages it. The clock goes on from the organization's `as_of` unless given."""
        store = cls(clock or Clock(organization.as_of, running=True), horizon=horizon, page_size=page_size)
        store.organization = tuple(Member(account, name) for account, name in ACCOUNTS.items())
        for dataset in DATASETS.values():
            for (account, region), records in organization.jobs(dataset).items():
                store.add(account, region, dataset.name, records)
        return store

    def add(self, account: str, region: str, dataset_name: str, records: Iterable[Mapping[str, object]]) -> None:
        """Put jobs into a list (`backup_jobs`, `copy_jobs`, `restore_jobs`); one with an id that is there replaces it. An empty list makes the account known.

        Times are epoch seconds, ISO 8601 text with an offset, or aware datetimes. Raises ValueError for an unknown list, a member the API does not have,
        a job without its id, or a time that is none.
        """
        dataset = DATASETS.get(dataset_name)
        if dataset is None:
            raise ValueError(f"no list is called {dataset_name!r}: use one of {', '.join(DATASETS)}")
        ready = [Record.of(dataset, account, normalise(dataset, record, drop_unknown=False)) for record in records]
        with self._lock:
            self._shelves.setdefault((account, region, dataset.name), _Shelf()).put(ready)

    def change(self, account: str, region: str, dataset_name: str, job_id: str, members: Mapping[str, object]) -> None:
        """Give members of a job new values, None to remove one. Raises KeyError where there is no such job, ValueError as `add`."""
        dataset, key = DATASETS[dataset_name], (account, region, dataset_name)
        with self._lock:
            shelf = self._shelves[key]
            fields = normalise(dataset, {**shelf.records[job_id].fields, **members}, drop_unknown=False)
            shelf.swap(Record.of(dataset, account, fields))

    def change_state(self, account: str, region: str, dataset: Dataset, before: str, after: str) -> int:
        """Move every job of one list from one state to another, as of now; how many there were."""
        now = self.clock.now_ms()
        end = started.ended(after, now, "SUCCESS" if after == "COMPLETED" else "") if after in dataset.finished else {"State": after}
        members = {dataset.state_field if name == "State" else name: value for name, value in end.items()}
        if "MessageCategory" not in dataset.fields:
            members.pop("MessageCategory", None)
        with self._lock:
            shelf = self._shelf(account, region, dataset)
            moving = [job_id for job_id, record in shelf.records.items() if record.fields.get(dataset.state_field) == before]
            for job_id in moving:
                self.change(account, region, dataset.name, job_id, members)
        return len(moving)

    def holds(self, dataset_name: str) -> bool:
        """Whether there is a list of this dataset, if only an empty one."""
        with self._lock:
            return any(name == dataset_name for _, _, name in self._shelves)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts there are jobs of, in the order they were added."""
        with self._lock:
            return tuple(dict.fromkeys(account for account, _, _ in self._shelves))

    @property
    def members(self) -> tuple[Member, ...]:
        """The accounts of the organization: those that `organization` names, and the management account and all with jobs."""
        named = {member.account: member for member in self.organization}
        return tuple(named.get(account) or Member(account) for account in dict.fromkeys((*named, self.management, *self.accounts)))

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions there are jobs in, in the order they were added."""
        with self._lock:
            return tuple(dict.fromkeys(region for _, region, _ in self._shelves))

    @property
    def management(self) -> str:
        """The account that may list the jobs of others."""
        return self._management or next(iter(self.accounts), DEFAULT_ACCOUNT)

    @property
    def default_region(self) -> str:
        """The Region for those who have no other to name: the first there are jobs in."""
        return next(iter(self.regions), DEFAULT_REGION)

    def page(self, dataset: Dataset, account: str, region: str, parameters: Mapping[str, object], *, after: SortKey | None, limit: int) -> Page:
        """At most `limit` jobs after a position, newest first, seen by `account` in `region`.

        ByAccountId names whose jobs: `*` all that the caller may see. The management account may see every account's, any other its own only: asked for
        another's it gets an empty list (AWS does not document what it answers). Raises ApiError for a filter that cannot be.
        """
        tests = predicates(dataset, parameters)
        with self._lock:
            self._settle()
            shelves = [self._shelf(owner, region, dataset) for owner in self._visible(account, parameters.get("ByAccountId"))]
            oldest = self.clock.now_ms() - self.horizon // timedelta(milliseconds=1) if self.horizon is not None and dataset is BACKUP_JOBS else None
            candidates = heapq.merge(*(shelf.after(after) for shelf in shelves), key=lambda record: record.key)
            found: list[Record] = []
            for record in candidates:
                if oldest is not None and record.created_ms is not None and record.created_ms < oldest:
                    continue
                if _passes(tests, record.fields):
                    if len(found) == limit:
                        return Page(found, more=True)
                    found.append(record)
            return Page(found, more=False)

    def describe(self, account: str, region: str, job_id: str) -> dict[str, object]:
        """The members DescribeBackupJob answers: the job's own, and of a parent how many children it has. Raises ApiError (ResourceNotFoundException)."""
        with self._lock:
            self._settle()
            shelf = self._shelf(account, region, BACKUP_JOBS)
            if job_id not in shelf.records:
                raise ApiError("ResourceNotFoundException", f"Failed reading Backup job with provided jobID: {job_id}")
            fields = dict(shelf.records[job_id].fields)
            if fields.get("IsParent") is True:
                states = Counter(str(r.fields.get("State")) for r in shelf.records.values() if r.fields.get("ParentJobId") == job_id)
                fields |= {"NumberOfChildJobs": states.total(), "ChildJobsInState": dict(sorted(states.items()))}
            return fields

    def start(self, account: str, region: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Start a job: the members StartBackupJob answers. The same IdempotencyToken gives the same job. Raises ApiError as `started.start`."""
        with self._lock:
            token = (account, region, str(parameters.get("IdempotencyToken") or ""))
            if token[2] and token in self._idempotent:
                return self._idempotent[token]
            job_id = str(uuid5(NAMESPACE_URL, f"{account}/{region}/{self._starts + 1}"))
            begun = started.start(parameters, job_id=job_id, account=account, region=region, now_ms=self.clock.now_ms(), outcome=self.start_outcome)
            self._starts += 1
            self.add(account, region, BACKUP_JOBS.name, [begun.job])
            for order, change in enumerate(begun.changes):
                heapq.heappush(self._due, (change.at_ms, self._starts * 2 + order, (account, region, BACKUP_JOBS.name), job_id, change.members))
            if token[2]:
                self._idempotent[token] = begun.answer
            return begun.answer

    def _settle(self) -> None:
        """Apply what has become of started jobs by now."""
        now = self.clock.now_ms()
        while self._due and self._due[0][0] <= now:
            _, _, (account, region, name), job_id, members = heapq.heappop(self._due)
            self.change(account, region, name, job_id, members)

    def _shelf(self, account: str, region: str, dataset: Dataset) -> _Shelf:
        return self._shelves.get((account, region, dataset.name)) or _Shelf()

    def _visible(self, caller: str, wanted: object) -> tuple[str, ...]:
        if wanted is None:
            return (caller,)
        seen = dict.fromkeys((caller, *self.accounts)) if caller == self.management else {caller: None}
        return tuple(account for account in seen if wanted in ("*", account))


def _passes(tests: Sequence[Callable[[Mapping[str, object]], bool]], fields: Mapping[str, object]) -> bool:
    return all(test(fields) for test in tests)
