"""The same lists again and again: only what may have changed is asked for, and merged with what was read before.

A job that has ended does not change any more: its record is the same in every later answer. So what a fetch need not ask for again are the jobs created before
the oldest one that was still in progress, and before the last fetch less `OVERLAP`. Lists whose statuses move on after the end are the exception (of restore
jobs ValidationStatus and DeletionStatus, API reference): they are read whole each time, as are lists of what there is. So is whatever leaves a doubt: a list
that was not read to its end, a record without an id or CreationDate, a clock that went back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from policycheck.datasets import Dataset
from policycheck.errors import FetchError
from policycheck.job_lists import JobList
from policycheck.records import iso, micros, moment
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.places import Place, Progress, ReadList, ReadPlace, Request, local_clock
from policycheck.sources.plan import FetchPlan

OVERLAP = timedelta(minutes=15)
"""How long before the last answer jobs are asked for again: whether a list shows a job at once after its creation is not documented, and clocks differ."""
_SECOND = timedelta(seconds=1)
_AFTER = "ByCreatedAfter"


@dataclass(frozen=True, slots=True)
class _Memory:
    """One list of all places, as it was when all of it was last read to its end."""

    request: Request
    """What the whole list was asked for by."""
    parts: Mapping[Place, ReadList]
    oldest_open: datetime | None
    """CreationDate of the oldest job that may still change; None: no such job."""
    answered: datetime
    """The earliest moment at which a place began to answer."""

    @property
    def since(self) -> datetime:
        """Jobs created earlier have ended, and were seen."""
        return min(filter(None, (self.oldest_open, self.answered - OVERLAP)))


@dataclass(slots=True)
class JobWatch:
    """The lists of one connection, fetched again and again. Not safe to use from several threads.

    `now` is this machine's clock.
    """

    connection: Connection
    now: Callable[[], datetime] = local_clock
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def fetch(
        self, plan: FetchPlan, *, as_of: datetime, progress: Callable[[Progress], None] | None = None, whole: bool = False
    ) -> tuple[FetchedEvidence, bool]:
        """The lists of a plan as of now, and whether all of them were read whole.

        What comes back is what `fetch_jobs` gives, with its coverage; where lists were merged, `not_seen` says so. A fetch that fails leaves what is known as
        it is, so that the next one asks for all that it missed.

        Args:
            whole: ask for everything, whatever is known.

        Raises:
            FetchError, UsageError: as `fetch_jobs`.
        """
        fetch = _Fetch({} if whole else self._memories)
        evidence = fetch_jobs(self.connection, plan, as_of=as_of, progress=progress, keep_pages=False, now=self.now, kept=fetch)
        self._memories = {**self._memories, **fetch.learned}
        merged = [memory for name, memory in fetch.used.items() if name in plan.datasets]
        notes = tuple(
            f"merged: {memory.request.dataset.noun}s created before {iso(memory.since)} had ended when they were last read, and were not asked for again"
            for memory in merged
        )
        return replace(evidence, not_seen=(*evidence.not_seen, *notes)), not merged


@dataclass(slots=True)
class _Fetch:
    """One fetch: what is known before, what of it is used, and what is known afterwards."""

    known: Mapping[str, _Memory]
    used: dict[str, _Memory] = field(default_factory=dict)
    learned: dict[str, _Memory] = field(default_factory=dict)
    _asked: dict[str, Request] = field(default_factory=dict)
    _start: datetime | None = None

    def narrow(self, requests: Sequence[Request], start: datetime) -> Sequence[Request]:
        self._start = start
        self._asked = {request.dataset.name: request for request in requests}
        return [self._narrow(request, start) for request in requests]

    def _narrow(self, request: Request, start: datetime) -> Request:
        memory = self.known.get(request.dataset.name)
        if memory is None or not _holds(memory, request) or memory.answered > start + OVERLAP:
            return request
        since = memory.since.replace(microsecond=0) - _SECOND
        asked = request.parameters.get(_AFTER)
        if isinstance(asked, datetime) and asked >= since:
            return request
        self.used[request.dataset.name] = memory
        return Request(request.dataset, {**request.parameters, _AFTER: since})

    def merge(self, read: Sequence[ReadPlace]) -> list[ReadPlace]:
        for part in read:
            for name, found in part.lists.items():
                memory = self.used.get(name)
                if memory is not None and part.place in memory.parts:
                    found.jobs = self._merged(memory.parts[part.place].jobs, found.jobs, self._asked[name])
                elif memory is not None and found.error is None:
                    found.error = FetchError("this account and Region was not read before: older jobs are missing", place=part.place.label)
        for name, request in self._asked.items():
            memory = _remember(request, {part.place: part.lists[name] for part in read if name in part.lists}, len(read), self._start)
            if memory is not None:
                self.learned[name] = memory
        return list(read)

    def _merged(self, before: JobList, now: JobList, request: Request) -> JobList:
        """What is listed now, and of what was listed before all that a whole list would still show."""
        dataset = now.dataset
        after = request.parameters.get(_AFTER)
        # What was created at that very moment was not created after it.
        floor = micros(after) + 1 if isinstance(after, datetime) else micros(self._start - dataset.horizon) if dataset.horizon and self._start else 0
        seen = set(_keys(now))
        kept = [row for row, key in enumerate(_keys(before)) if key not in seen and before.records[row].CreationDate >= floor]
        return JobList.joined([now, before.chosen(kept)])


def _holds(memory: _Memory, request: Request) -> bool:
    """Whether what is known is all that the request could give: the same filters, and no later start."""
    before, now = dict(memory.request.parameters), dict(request.parameters)
    first, second = before.pop(_AFTER, None), now.pop(_AFTER, None)
    if before != now:
        return False
    return first is None or (isinstance(first, datetime) and isinstance(second, datetime) and first <= second)


def _remember(request: Request, parts: Mapping[Place, ReadList], places: int, start: datetime | None) -> _Memory | None:
    """What a list can be known by from now on; None where a later list may hold what this one does not tell."""
    dataset = request.dataset
    if dataset.later_words or dataset.of_state or len(parts) < places or any(part.error is not None for part in parts.values()):
        return None
    records = [record for part in parts.values() for record in part.jobs.records]
    if start is None or any(not getattr(record, dataset.id_field) or record.CreationDate is None for record in records):
        return None
    opened = [record.CreationDate for record in records if not is_settled(dataset, record)]
    answered = min((part.first_date or start for part in parts.values()), default=start)
    return _Memory(request, dict(parts), moment(min(opened)) if opened else None, answered)


def is_settled(dataset: Dataset, record: Any) -> bool:
    """Whether a job has ended for good. One in a state that the API does not know has not."""
    return getattr(record, dataset.state_field) in dataset.finished


def _keys(jobs: JobList) -> list[tuple[object, ...]]:
    ids = (getattr(record, jobs.dataset.id_field) for record in jobs.records)
    return [(job_id, *place) for job_id, place in zip(ids, jobs.places(), strict=True)]
