"""Reading the lists of many accounts and Regions at once: at most four threads, one session, and nothing left behind when somebody stops it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Protocol

from policycheck.datasets import Dataset
from policycheck.errors import PolicycheckError
from policycheck.job_lists import JobList
from policycheck.sources.aws_errors import SignatureError
from policycheck.sources.connection import AwsSession, account_of_role
from policycheck.sources.observations import merge_sources
from policycheck.sources.pages import Cancelled, Page, guard, list_pages
from policycheck.sources.raw import PageStore, RawPage

THREADS = 4
"""More do not help: past four, Python's lock is the limit; and AWS Backup gives an account 50 requests a second."""
# How long an interrupted run waits for its threads; they are daemons, so that none outlives the process.
_PATIENCE = 0.1
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """One identity in one Region."""

    role_arn: str | None
    region: str

    @property
    def label(self) -> str:
        """What errors and progress call it."""
        account = account_of_role(self.role_arn) if self.role_arn else None
        return f"{account}/{self.region}" if account else self.region


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask of one list, the same in every place."""

    dataset: Dataset
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two clocks at one moment: this machine's, and AWS's by the Date of an answer."""

    machine: datetime
    aws: datetime

    @property
    def apart(self) -> timedelta:
        return abs(self.machine - self.aws)


@dataclass(slots=True)
class ReadList:
    """One list of one place: what was read of it, and the error that ended it early."""

    jobs: JobList
    error: PolicycheckError | None = None
    first_date: datetime | None = None
    """AWS's clock when the first page was answered, and the last."""
    last_date: datetime | None = None
    clocks: Clocks | None = None
    """Both clocks where they were furthest apart; None: no answer had a Date."""


@dataclass(slots=True)
class ReadPlace:
    """What was read in one place, by dataset name; a list that was never begun is absent."""

    place: Place
    lists: dict[str, ReadList] = field(default_factory=dict)

    @property
    def errors(self) -> list[PolicycheckError]:
        return [part.error for part in self.lists.values() if part.error is not None]

    @property
    def failed(self) -> bool:
        """Nothing was read to its end."""
        return len(self.errors) == len(self.lists)


class Sink(Protocol):
    """Where the jobs of a fetch go that holds none itself. Called from several threads."""

    def narrow(self, place: Place, request: Request) -> Request:
        """What to ask of this list there, of all that the request would give."""
        ...

    def take(self, place: Place, dataset: Dataset, page: Page) -> list[Any]:
        """Take the jobs of a page; back come those records that the fetch itself is to know, to tell whose jobs it read."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is: `operation` and `place` of the page just read, all jobs and pages so far, places done of all."""

    operation: str
    place: str
    jobs: int
    pages: int
    done: int
    places: int


@dataclass(frozen=True, slots=True)
class _PageRead:
    operation: str
    place: str
    jobs: int


_Message = _PageRead | ReadPlace | BaseException


@dataclass(slots=True)
class Reader:
    """Reads places. `now` is this machine's clock."""

    session: AwsSession
    requests: Sequence[Request]
    pages: PageStore | None
    now: Callable[[], datetime]
    alone: bool = False
    """There is one place: its first error ends the run, so nothing is asked after it."""
    sink: Sink | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)

    def read(self, places: Sequence[Place], progress: Callable[[Progress], None]) -> list[ReadPlace]:
        """What is in these places, in their order. `progress` is called in this thread.

        A list that cannot be read ends with its error, and the others go on. Interrupted (KeyboardInterrupt, or an exception of `progress`), no further request
        is sent, and the call ends at once; a thread that waits for an answer is left to end with it, or with the process.
        """
        found: dict[Place, ReadPlace] = {}
        jobs = pages = 0
        # Closed at once where `progress` raises, so that no thread asks for more.
        with closing(self._messages(places)) as messages:
            for message in messages:
                if isinstance(message, ReadPlace):
                    found[message.place] = message
                else:
                    jobs, pages = jobs + message.jobs, pages + 1
                    progress(Progress(message.operation, message.place, jobs, pages, len(found), len(places)))
        return [found[place] for place in places]

    def _messages(self, places: Sequence[Place]) -> Generator[_PageRead | ReadPlace, None, None]:
        if len(places) == 1:
            # In this thread an interrupt ends even a wait for an answer.
            yield from self._read_place(places[0])
            return
        todo: queue.SimpleQueue[Place] = queue.SimpleQueue()
        done: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        for place in places:
            todo.put(place)
        names = (f"policycheck-fetch-{number}" for number in count(1))
        threads = [threading.Thread(target=self._work, args=(todo, done), name=next(names), daemon=True) for _ in places[:THREADS]]
        try:
            for thread in threads:
                thread.start()
            yield from self._received(done, len(places))
            for thread in threads:
                thread.join()
        finally:
            self._cancelled.set()
            for thread in threads:
                thread.join(_PATIENCE / THREADS)

    @staticmethod
    def _received(done: queue.SimpleQueue[_Message], expected: int) -> Iterator[_PageRead | ReadPlace]:
        while expected:
            try:
                # Without a limit some systems wait through an interrupt.
                message = done.get(timeout=_POLL)
            except queue.Empty:
                continue
            if isinstance(message, BaseException):
                raise message
            expected -= isinstance(message, ReadPlace)
            yield message

    def _work(self, todo: queue.SimpleQueue[Place], done: queue.SimpleQueue[_Message]) -> None:
        while not self._cancelled.is_set():
            try:
                place = todo.get_nowait()
            except queue.Empty:
                return
            try:
                for message in self._read_place(place):
                    done.put(message)
            except Cancelled:
                return
            except BaseException as error:
                # A bug in a thread is a bug of the run: it is raised where the run waits.
                done.put(error)
                return

    def _read_place(self, place: Place) -> Iterator[_PageRead | ReadPlace]:
        read = ReadPlace(place)
        try:
            client = self.session.backup_client(place.region, place.role_arn)
        except PolicycheckError as error:
            read.lists = {request.dataset.name: ReadList(JobList(request.dataset, ()), error) for request in self.requests}
            for part in read.lists.values():
                self._note_refusal(part, error)
            yield read
            return
        with closing(client):
            guard(client, self._cancelled.is_set)
            for request in self.requests:
                yield from self._read_list(client, place, request, read)
                if self.alone and read.errors:
                    break
        yield read

    def _read_list(self, client: Any, place: Place, request: Request, read: ReadPlace) -> Iterator[_PageRead]:
        if self.sink is not None:
            request = self.sink.narrow(place, request)
        dataset, records = request.dataset, list[Any]()
        part = read.lists[dataset.name] = ReadList(JobList(dataset, records))
        try:
            for number, page in enumerate(list_pages(client, dataset, request.parameters, place.label), start=1):
                self._note_date(part, page.date)
                records += page.jobs.records if self.sink is None else self.sink.take(place, dataset, page)
                if self.pages is not None:
                    kept = RawPage(dataset.name, dataset.operation, None, place.region, number, request.parameters, page.date, page.request_id, page.body)
                    self.pages.keep(kept, place.role_arn)
                yield _PageRead(dataset.operation, place.label, len(page.jobs))
        except PolicycheckError as error:
            part.error = error
            self._note_refusal(part, error)
        part.jobs = merge_sources([part.jobs]).jobs

    def _note_date(self, part: ReadList, date: datetime | None) -> None:
        if date is None:
            return
        part.first_date = part.first_date or date
        part.last_date = date
        self._note_clocks(part, date)

    def _note_refusal(self, part: ReadList, error: PolicycheckError) -> None:
        """AWS refuses what a clock that is off has signed: then the refusal alone has a Date."""
        if isinstance(error, SignatureError) and error.date is not None:
            self._note_clocks(part, error.date)

    def _note_clocks(self, part: ReadList, date: datetime) -> None:
        clocks = Clocks(self.now(), date)
        if part.clocks is None or clocks.apart > part.clocks.apart:
            part.clocks = clocks


def local_clock() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)
