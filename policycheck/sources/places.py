"""Reading the lists of many accounts and Regions at once: few threads, one session a profile, and nothing left behind when somebody stops it."""

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
from policycheck.sources.identity import Identity
from policycheck.sources.observations import merge_sources
from policycheck.sources.pacing import Pacer, Tally
from policycheck.sources.pages import Cancelled, Page, guard, list_pages
from policycheck.sources.raw import PageStore, RawPage
from policycheck.sources.session import AwsSession, is_aws
from policycheck.text import clean_line

THREADS = 20
"""Places that are read at once. A page takes AWS tenths of a second, and decoding it a hundredth: that many wait for most of the time."""
# How long an interrupted run waits for its threads; they are daemons, so that none outlives the process.
_PATIENCE = 0.1
_POLL = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """One identity in one Region."""

    identity: Identity
    region: str

    @property
    def label(self) -> str:
        """What errors and progress call it: `111122223333 (shop)/eu-west-1`, `profile audit/eu-west-1`, or the Region alone."""
        return "/".join(filter(None, (self.identity.label, self.region)))


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
    pages: int = 0
    """Answers that were read."""


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


@dataclass(slots=True)
class Reading:
    """How far one place is: the list that is being read, and all jobs and pages so far."""

    operation: str = ""
    jobs: int = 0
    pages: int = 0


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
    active: Mapping[str, Reading] = field(default_factory=dict)
    """By what they are called, the places that are being read, in the order they were begun. It changes as the fetch goes on."""


@dataclass(frozen=True, slots=True)
class _Begun:
    place: str


@dataclass(frozen=True, slots=True)
class _PageRead:
    operation: str
    place: str
    jobs: int


_Message = _Begun | _PageRead | ReadPlace | BaseException


@dataclass(slots=True)
class Reader:
    """Reads places. `now` is this machine's clock."""

    session: AwsSession
    requests: Sequence[Request]
    pages: PageStore | None
    now: Callable[[], datetime]
    alone: bool = False
    """There is one place: its first error ends the run, so nothing is asked after it."""
    tallies: dict[Place, Tally] = field(default_factory=dict)
    """What was sent in each place so far."""
    sink: Sink | None = None
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _pacer: Pacer = field(init=False)

    def __post_init__(self) -> None:
        # Whoever is held back is woken where the run ends.
        self._pacer = Pacer(pause=self._cancelled.wait)

    def read(self, places: Sequence[Place], progress: Callable[[Progress], None]) -> list[ReadPlace]:
        """What is in these places, in their order. `progress` is called in this thread.

        A list that cannot be read ends with its error, and the others go on. Interrupted (KeyboardInterrupt, or an exception of `progress`), no further request
        is sent, and the call ends at once; a thread that waits for an answer is left to end with it, or with the process.
        """
        found: dict[Place, ReadPlace] = {}
        active: dict[str, Reading] = {}
        jobs = pages = 0
        # Closed at once where `progress` raises, so that no thread asks for more.
        with closing(self._messages(places)) as messages:
            for message in messages:
                match message:
                    case ReadPlace():
                        found[message.place] = message
                        active.pop(message.place.label, None)
                    case _Begun():
                        active[message.place] = Reading()
                    case _PageRead():
                        jobs, pages = jobs + message.jobs, pages + 1
                        one = active.setdefault(message.place, Reading())
                        one.operation, one.jobs, one.pages = message.operation, one.jobs + message.jobs, one.pages + 1
                        progress(Progress(message.operation, message.place, jobs, pages, len(found), len(places), active))
        return [found[place] for place in places]

    def _messages(self, places: Sequence[Place]) -> Generator[_Begun | _PageRead | ReadPlace, None, None]:
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
    def _received(done: queue.SimpleQueue[_Message], expected: int) -> Iterator[_Begun | _PageRead | ReadPlace]:
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

    def _read_place(self, place: Place) -> Iterator[_Begun | _PageRead | ReadPlace]:
        read = ReadPlace(place)
        yield _Begun(place.label)
        try:
            client = self.session.backup_client(place.region, place.identity)
        except PolicycheckError as error:
            read.lists = {request.dataset.name: ReadList(JobList(request.dataset, ()), error) for request in self.requests}
            for part in read.lists.values():
                self._note_refusal(part, error)
            yield read
            return
        with closing(client):
            guard(client, self._cancelled.is_set)
            lane = self._pacer.lane(place, published=is_aws(str(client.meta.endpoint_url)))
            self._pacer.attach(client, lane, self._tally(place))
            for request in self.requests:
                yield from self._read_list(client, place, request, read)
                if self.alone and read.errors:
                    break
        yield read

    def _read_list(self, client: Any, place: Place, request: Request, read: ReadPlace) -> Iterator[_PageRead]:
        if self.sink is not None:
            request = self.sink.narrow(place, request)
        dataset, pages, tally = request.dataset, list[JobList](), self._tally(place)
        part = read.lists[dataset.name] = ReadList(JobList(dataset, ()))
        for label, parameters in self._calls(place, request, read, part):
            try:
                for page in list_pages(client, dataset, parameters, label):
                    self._note_date(part, page.date)
                    pages.append(page.jobs if self.sink is None else JobList(dataset, self.sink.take(place, dataset, page)))
                    part.pages += 1
                    if self.pages is not None:
                        asked = (dataset.name, dataset.operation, None, place.region, part.pages, parameters)
                        self.pages.keep(RawPage(*asked, page.date, page.request_id, page.body, place.identity))
                    tally.pages, tally.jobs = tally.pages + 1, tally.jobs + len(page.jobs)
                    yield _PageRead(dataset.operation, place.label, len(page.jobs))
            except PolicycheckError as error:
                # One vault more or less does not change what the others hold; which one is missing, the first error names.
                part.error = part.error or error
                self._note_refusal(part, error)
        part.jobs = join_pages(dataset, pages)
        # Found out here, while other threads wait for AWS, and kept: what a missing field means, and where each job ran.
        part.jobs.told, part.jobs.places()

    def _tally(self, place: Place) -> Tally:
        return self.tallies.setdefault(place, Tally())

    def _calls(self, place: Place, request: Request, read: ReadPlace, part: ReadList) -> Iterator[tuple[str, Mapping[str, object]]]:
        """What to ask for one list, and what errors call it: once, or once for each record of another list that was read before."""
        each = request.dataset.each
        if each is None:
            yield place.label, request.parameters
            return
        others = read.lists[each.dataset]
        part.error, part.first_date, part.last_date = others.error, others.first_date, others.last_date
        for name in sorted(filter(None, others.jobs.values(each.member))):
            yield f"{place.label}, {each.member} {clean_line(name)}", {**request.parameters, each.parameter: name}

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


def join_pages(dataset: Dataset, pages: Sequence[JobList]) -> JobList:
    """The jobs of one list of one place: its pages are one source, and overlap where jobs move between them."""
    return merge_sources([JobList.joined(pages)]).jobs if pages else JobList(dataset, ())


def local_clock() -> datetime:
    """This machine's clock."""
    return datetime.now(UTC)
