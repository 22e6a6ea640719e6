"""Where the pages of a fetch go: what is new becomes rows of the archive, some ten thousand at a time, so that no list is ever held as a whole."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any

import msgspec

from policycheck.datasets import DATASETS, Dataset
from policycheck.records import end_of, micros, record_type
from policycheck.sources.archive.schema import Observed, job_rows
from policycheck.sources.archive.tables import Archive
from policycheck.sources.identity import CALLER, Identity
from policycheck.sources.pages import Page, whole_text
from policycheck.sources.places import Place, Request

BUFFERED = 50_000
"""Rows that are held before they are written."""
_SECOND = timedelta(seconds=1)
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(slots=True)
class PlaceRead:
    """What was read of one list in one place."""

    parameters: dict[str, object]
    since: datetime | None
    """From when on was asked, where that is not all that AWS lists."""
    pages: int = 0
    jobs: int = 0
    added: int = 0
    accounts: dict[str | None, int] = field(default_factory=dict)
    """Jobs by account."""
    digests: list[str] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None
    open_since: int | None = None
    """When the oldest job in progress was created, in microseconds."""


PlaceKey = tuple[Identity, str, str]
"""Who asks, Region, dataset."""


class ArchiveSink:
    """Takes the pages of a fetch (`places.Sink`)."""

    def __init__(
        self,
        archive: Archive,
        fetch: str,
        since: Callable[[Identity, str, Dataset], datetime | None],
        known: Callable[[str, Dataset], set[bytes]],
        now: Callable[[], datetime],
    ) -> None:
        """
        Args:
            since: from when on to ask for a list, by who asks, Region and list.
            known: the digests of the records that the archive has of a Region's list.
        """
        self._archive, self._fetch, self._since, self._load, self._now = archive, fetch, since, known, now
        self._lock = Lock()
        self._known: dict[tuple[str, str], set[bytes]] = {}
        self._waiting: dict[str, list[Observed]] = {}
        self.read: dict[PlaceKey, PlaceRead] = {}
        self.versions: dict[str, int] = {}
        """By dataset, the version of its table with all that was written."""

    def narrow(self, place: Place, request: Request) -> Request:
        since = self._since(place.identity, place.region, request.dataset)
        if since is not None:
            request = Request(request.dataset, {**request.parameters, "ByCreatedAfter": since.replace(microsecond=0) - _SECOND})
        with self._lock:
            self.read[place.identity, place.region, request.dataset.name] = PlaceRead(dict(request.parameters), since)
        return request

    def take(self, place: Place, dataset: Dataset, page: Page) -> list[Any]:
        texts = _texts(dataset, page)
        at = page.date or self._now()
        with self._lock:
            known = self._known_of(place.region, dataset)
            read = self.read[place.identity, place.region, dataset.name]
            _note(read, page)
            samples: list[Any] = []
            for row, (record, text, (account, _)) in enumerate(zip(page.jobs.records, texts, page.jobs.places(), strict=True)):
                if account not in read.accounts:
                    samples.append(record)
                read.accounts[account] = read.accounts.get(account, 0) + 1
                self._take(place.region, dataset, read, known, record, text, at, page.jobs.unusable.get(row))
            read.jobs += len(texts)
            if sum(map(len, self._waiting.values())) >= BUFFERED:
                self._write()
        return samples

    def _known_of(self, region: str, dataset: Dataset) -> set[bytes]:
        key = region, dataset.name
        if key not in self._known:
            self._known[key] = self._load(region, dataset)
        return self._known[key]

    def _take(
        self, region: str, dataset: Dataset, read: PlaceRead, known: set[bytes], record: Any, text: bytes, at: datetime, unusable: frozenset[str] | None
    ) -> None:
        ended = _ended_by(dataset, record, at)
        if ended is None and record.CreationDate is not None:
            read.open_since = min(filter(None, (read.open_since, record.CreationDate)))
        digest = hashlib.blake2b(text, digest_size=16).digest()
        # Of a job in progress each sight is kept, so that one that is not listed any more is known as such.
        if digest in known and ended is not None:
            return
        known.add(digest)
        read.added += 1
        odd = _odd_times(dataset, text, unusable) if unusable else {}
        self._waiting.setdefault(dataset.name, []).append(Observed(record, text.decode(), digest, region, at, ended, odd))

    def add(self, region: str, dataset: Dataset, record: Any, text: bytes, at: datetime | None) -> None:
        """Take a job that is in no page."""
        moment = at or self._now()
        digest = hashlib.blake2b(text, digest_size=16).digest()
        with self._lock:
            found = Observed(record, text.decode(), digest, region, moment, _ended_by(dataset, record, moment), {})
            self._waiting.setdefault(dataset.name, []).append(found)

    def flush(self) -> None:
        """Write what waits. Raises ArchiveError."""
        with self._lock:
            self._write()
            for key in self.read:
                if key[2] not in self.versions:
                    # A list without a new job has a table all the same: that it is there is what its fetches rest on.
                    self.versions[key[2]] = self._archive.create(key[2]).version()

    def _write(self) -> None:
        for name, found in self._waiting.items():
            self.versions[name] = self._archive.append(name, job_rows(DATASETS[name], found, self._fetch))
        self._waiting = {}

    def place_of(self, dataset: str, account: str | None, region: str) -> tuple[Identity, PlaceRead | None]:
        """By whom the jobs of an account were read, and what was read."""
        here = [(identity, read) for (identity, where, name), read in self.read.items() if (where, name) == (region, dataset)]
        own = [(identity, read) for identity, read in here if identity.account is not None and identity.account == account]
        told = [(identity, read) for identity, read in here if account in read.accounts]
        found = own or told or here
        return found[0] if found else (CALLER, None)


def _note(read: PlaceRead, page: Page) -> None:
    read.pages += 1
    read.digests.append(hashlib.sha256(page.body).hexdigest())
    read.first = read.first or page.date
    read.last = page.date or read.last


def _ended_by(dataset: Dataset, record: Any, at: datetime) -> int | None:
    """When a job had certainly ended, in microseconds: its end where that is known, else when it was seen to have."""
    if getattr(record, dataset.state_field) not in dataset.finished:
        return None
    found = end_of(dataset, record)
    return found if found is not None else micros(at)


@cache
def _raw_answer(dataset: Dataset) -> type[msgspec.Struct]:
    return msgspec.defstruct(f"{dataset.operation}Texts", [(dataset.result_key, list[msgspec.Raw])], gc=False)


def _texts(dataset: Dataset, page: Page) -> Sequence[bytes]:
    """The JSON of each record of a page, as it was sent; without halves of surrogate pairs, which no UTF-8 holds."""
    if _HALF_PAIR.search(page.body):
        records = whole_text(json.loads(page.body))
        assert isinstance(records, dict)
        return [msgspec.json.encode(record) for record in records[dataset.result_key]]
    decoded = msgspec.json.decode(page.body, type=_raw_answer(dataset))
    return [bytes(raw) for raw in getattr(decoded, dataset.result_key)]


def _odd_times(dataset: Dataset, text: bytes, members: frozenset[str]) -> dict[str, int]:
    """What these times say that cannot all be, in microseconds."""
    record = msgspec.json.decode(text, type=record_type(dataset))
    found: dict[str, int] = {}
    for member in members:
        value = getattr(record, member, None)
        if isinstance(value, datetime):
            found[member] = micros(value)
        elif isinstance(value, int | float):
            found[member] = round(value * 1_000_000)
    return found
