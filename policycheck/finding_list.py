"""The findings of a rule, as a sequence: a few in memory; very many in a temporary file, where they are read again by whoever tells them."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import compress, islice
from operator import attrgetter
from threading import Lock
from typing import Any, NamedTuple, overload

from policycheck.comparison import FindingState
from policycheck.errors import EngineError
from policycheck.finding import Finding
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecord, ListedJob, SavedJob
from policycheck.severity import Severity

MOST_IN_MEMORY = 10_000
"""Findings of one rule that are held in memory. A finding takes about 2 kB there, and 30 bytes if it is in a file."""


class FindingKind(NamedTuple):
    """What counts of findings are made of."""

    severity: Severity
    cause: str | None
    state: FindingState | None
    waived: bool
    of_resource: bool
    """Whether its subject is an ARN."""


class FindingMark(NamedTuple):
    """What is known of a finding without its text."""

    kind: FindingKind
    subject: int
    """The same for findings on one account, Region and subject, and for no others,"""
    jobs: int
    """and likewise for those on the same jobs of it."""


def mark_finding(finding: Finding) -> FindingMark:
    """The mark of one finding."""
    subject = finding.account, finding.region, finding.subject
    return FindingMark(_kind(finding), subject_mark(*subject), hash((*subject, finding.jobs or finding.rule)))


def _kind(finding: Finding) -> FindingKind:
    return FindingKind(finding.severity, finding.cause, finding.state, finding.waiver is not None, finding.subject.startswith("arn:"))


def subject_mark(account: str | None, region: str | None, subject: str) -> int:
    """A number for a subject. It has 64 bits: of a million subjects two have the same with a probability of 1 in 30 million."""
    return hash((account, region, subject))


def are_many(count: int) -> bool:
    """Whether so many findings of a rule are not held in memory."""
    return count > MOST_IN_MEMORY


def gather(findings: Iterable[Finding], order: Callable[[], Sequence[int]] | None = None, *, held: bool = False) -> Sequence[Finding]:
    """The findings as a sequence. If there are more than MOST_IN_MEMORY, no more than that are held in memory at once.

    Args:
        order: once all were taken, their numbers as they were taken, in the order that the sequence has; None: as they were taken.
        held: whether somebody else holds them all in memory anyway.

    Raises:
        EngineError: the temporary file cannot be written.
    """
    coming = iter(findings)
    few = list(coming if held else islice(coming, MOST_IN_MEMORY + 1))
    if held or not are_many(len(few)):
        return tuple(few) if order is None else tuple([few[number] for number in order()])
    store = _Store()
    while few:
        store.add(few)
        few = list(islice(coming, _TOGETHER))
    return FindingList(store, range(len(store)) if order is None else array("q", order()))


def order_subjects(subjects: Iterable[tuple[str | None, str | None, str]]) -> list[int]:
    """The numbers of subjects, sorted by account, Region and subject."""
    places = [(account or "", region or "", subject) for account, region, subject in subjects]
    return sorted(range(len(places)), key=places.__getitem__)


def map_text(function: Callable[[Finding], Finding], findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings as a function makes them that changes nothing of their kinds, and nothing by which their subjects and jobs are told apart."""
    if isinstance(findings, FindingList):
        return findings.seen_through(function)
    made = tuple(map(function, findings))
    return findings if all(one is other for one, other in zip(made, findings, strict=True)) else made


def make_anew(function: Callable[[Finding], Finding], findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings as a function makes them, which is asked once of each, in their order.

    Raises:
        EngineError: the temporary file cannot be written.
    """
    return gather(map(function, findings), held=not isinstance(findings, FindingList))


def sort_findings(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Sorted by account, Region and subject."""
    if isinstance(findings, FindingList):
        return findings.in_order(order_subjects((found.account, found.region, found.subject) for found in findings))
    return tuple(sorted(findings, key=lambda found: (found.account or "", found.region or "", found.subject)))


def choose(findings: Sequence[Finding], keep: Callable[[FindingKind], bool]) -> Sequence[Finding]:
    """Those of some kinds, in their order."""
    if isinstance(findings, FindingList):
        return findings.chosen(keep)
    return tuple([finding for finding in findings if keep(_kind(finding))])


def order_by_kind(findings: Sequence[Finding], key: Callable[[FindingKind], Any]) -> Sequence[Finding]:
    """The findings sorted by what they are; equal ones stay in their order."""
    if isinstance(findings, FindingList):
        return findings.ordered(key)
    return tuple(sorted(findings, key=lambda finding: key(_kind(finding))))


def marks(findings: Sequence[Finding]) -> Iterator[FindingMark]:
    """The marks of findings, in their order."""
    return findings.marks() if isinstance(findings, FindingList) else map(mark_finding, findings)


def count_kinds(findings: Sequence[Finding]) -> Counter[FindingKind]:
    """How many findings of each kind there are."""
    return findings.count_kinds() if isinstance(findings, FindingList) else Counter(map(_kind, findings))


def places_of(findings: Sequence[Finding]) -> set[tuple[str | None, str | None]]:
    """The accounts and Regions of findings."""
    return {(found.account, found.region) for found in (findings.one_alike() if isinstance(findings, FindingList) else findings)}


class FindingIndex:
    """The findings of a rule by their subjects: of several on one subject the last."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._numbers: dict[int, int] = {}
        self._more: dict[int, list[int]] = {}
        """Of marks that several findings have, all others before the last."""
        for number, mark in enumerate(marks(findings)):
            known = self._numbers.get(mark.subject)
            if known is not None:
                self._more.setdefault(mark.subject, []).append(known)
            self._numbers[mark.subject] = number

    def find(self, account: str | None, region: str | None, subject: str) -> Finding | None:
        """The finding on this subject."""
        mark = subject_mark(account, region, subject)
        last = self._numbers.get(mark)
        for number in () if last is None else (last, *reversed(self._more.get(mark, ()))):
            found = self._findings[number]
            if (found.account, found.region, found.subject) == (account, region, subject):
                return found
        return None


_SHARED = ("rule", "policy", "severity", "account", "region", "cause", "resource_type", "waiver", "account_name", "state")
"""What many findings have in common, held once."""
_OWN = tuple(member.name for member in fields(Finding) if member.name not in {*_SHARED, "evidence"})
_TOGETHER = 1000
_HINT = "Set TMPDIR to a folder with space."
_shared_of, _own_of = attrgetter(*_SHARED), attrgetter(*_OWN)


_Told = tuple[int, str, int] | SavedJob


class _Store:
    """A temporary file of findings, which is gone when nothing refers to it, or when the process ends."""

    def __init__(self) -> None:
        try:
            # Without a name, so that nobody else reads it and nothing is left.
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed when it is collected
        except OSError as error:
            raise EngineError(f"no temporary file can be made for the findings of a rule: {error.strerror or error}", hint=_HINT) from error
        self._reading = Lock()
        self._ends = array("q")
        """Where each ends in the file."""
        self.numbers = array("I")
        """What each has in common with others, as a number."""
        self.subjects = array("q")
        self.jobs = array("q")
        """The marks of each."""
        self.kinds: list[FindingKind] = []
        """By the number of what is common."""
        self._common: dict[tuple[Any, ...], int] = {}
        self._values: list[tuple[Any, ...]] = []
        self._lists: list[JobList] = []

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, findings: Iterable[Finding]) -> None:
        """Write findings behind those that there are."""
        end = self._ends[-1] if self._ends else 0
        written = []
        for finding in findings:
            own = pickle.dumps((_own_of(finding), list(map(self._told, finding.evidence))), pickle.HIGHEST_PROTOCOL)
            end += len(own)
            self._ends.append(end)
            written.append(own)
            mark = mark_finding(finding)
            self.numbers.append(self._number(finding, mark.kind))
            self.subjects.append(mark.subject)
            self.jobs.append(mark.jobs)
        try:
            content = memoryview(b"".join(written))
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise EngineError(f"the findings of a rule do not fit into a temporary file: {error.strerror or error}", hint=_HINT) from error

    def _number(self, finding: Finding, kind: FindingKind) -> int:
        values = _shared_of(finding)
        number = self._common.setdefault((values, kind), len(self._common))
        if number == len(self._values):
            self._values.append(values)
            self.kinds.append(kind)
        return number

    def _told(self, job: JobRecord) -> _Told:
        """A job of a list that the run has as (number of the list, key, row); another one whole."""
        if type(job) is not ListedJob:
            return job if isinstance(job, SavedJob) else SavedJob(job.key, dict(job.fields))
        number = next((number for number, known in enumerate(self._lists) if known is job.job_list), len(self._lists))
        if number == len(self._lists):
            self._lists.append(job.job_list)
        return number, job.key, job.row

    def _job(self, told: _Told) -> JobRecord:
        return ListedJob(told[1], self._lists[told[0]], told[2]) if isinstance(told, tuple) else told

    def read(self, position: int) -> Finding:
        """The finding that was added as this one, counted from 0."""
        start = self._ends[position - 1] if position else 0
        try:
            with self._reading:
                self._file.seek(start)
                content = self._file.read(self._ends[position] - start)
        except OSError as error:
            raise EngineError(f"the temporary file of the findings of a rule cannot be read: {error.strerror or error}", hint=_HINT) from error
        # This process wrote it, and nobody else can.
        own, evidence = pickle.loads(content)
        shared = zip(_SHARED, self._values[self.numbers[position]], strict=True)
        return Finding(**dict(shared), **dict(zip(_OWN, own, strict=True)), evidence=tuple([self._job(told) for told in evidence]))


class FindingList(Sequence[Finding]):
    """Findings of which none is in memory: each is made anew whenever it is asked for."""

    def __init__(self, store: _Store, positions: Sequence[int], through: tuple[Callable[[Finding], Finding], ...] = ()) -> None:
        self._store, self._positions, self._through = store, positions, through

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[Finding]:
        return map(self._read, self._positions)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Finding]: ...
    def __getitem__(self, index: int | slice) -> Finding | Sequence[Finding]:
        if isinstance(index, slice):
            return FindingList(self._store, self._positions[index], self._through)
        return self._read(self._positions[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # what it holds is compared, and is too much to hash

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process does not have the file.
        return tuple, (list(self),)

    def __repr__(self) -> str:
        return f"<{len(self):,} findings>"

    def _read(self, position: int) -> Finding:
        finding = self._store.read(position)
        for function in self._through:
            finding = function(finding)
        return finding

    def seen_through(self, function: Callable[[Finding], Finding]) -> FindingList:
        """See `map_text`."""
        return FindingList(self._store, self._positions, (*self._through, function))

    def in_order(self, numbers: Iterable[int]) -> FindingList:
        """The same findings in another order, by their numbers in this one."""
        return FindingList(self._store, array("q", map(self._positions.__getitem__, numbers)), self._through)

    def chosen(self, keep: Callable[[FindingKind], bool]) -> FindingList:
        """See `choose`."""
        kept = [keep(kind) for kind in self._store.kinds]
        if all(kept):
            return self
        return FindingList(self._store, array("q", compress(self._positions, map(kept.__getitem__, self._numbers()))), self._through)

    def ordered(self, key: Callable[[FindingKind], Any]) -> FindingList:
        """See `order_by_kind`."""
        keys = [key(kind) for kind in self._store.kinds]
        if len(set(keys)) <= 1:
            return self
        numbers = self._store.numbers
        return FindingList(self._store, array("q", sorted(self._positions, key=lambda position: keys[numbers[position]])), self._through)

    def _numbers(self) -> Iterator[int]:
        return map(self._store.numbers.__getitem__, self._positions)

    def marks(self) -> Iterator[FindingMark]:
        """See `marks`."""
        store = self._store
        return (FindingMark(store.kinds[store.numbers[at]], store.subjects[at], store.jobs[at]) for at in self._positions)

    def count_kinds(self) -> Counter[FindingKind]:
        """See `count_kinds`."""
        counts: Counter[FindingKind] = Counter()
        for number, count in Counter(self._numbers()).items():
            counts[self._store.kinds[number]] += count
        return counts

    def one_alike(self) -> Iterator[Finding]:
        """One finding of those that have an account, a Region and all else in common that many have."""
        known: set[int] = set()
        for position, number in zip(self._positions, self._numbers(), strict=True):
            if number not in known:
                known.add(number)
                yield self._read(position)
