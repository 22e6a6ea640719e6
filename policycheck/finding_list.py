"""The findings of a rule, as a sequence: a few in memory; very many in a temporary file, where they are read again by whoever tells them."""

from __future__ import annotations

import os
import pickle
import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from operator import attrgetter
from typing import Any, NamedTuple, overload

from policycheck.comparison import FindingState
from policycheck.errors import EngineError
from policycheck.finding import Finding
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecord, ListedJob
from policycheck.severity import Severity

MOST_IN_MEMORY = 10_000
"""Findings of one rule that are held in memory. A finding takes about 2 kB there, and 50 bytes if it is in a file."""


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
    kind = FindingKind(finding.severity, finding.cause, finding.state, finding.waiver is not None, finding.subject.startswith("arn:"))
    subject = finding.account, finding.region, finding.subject
    return FindingMark(kind, subject_mark(*subject), hash((*subject, finding.jobs or finding.rule)))


def subject_mark(account: str | None, region: str | None, subject: str) -> int:
    """A number for a subject. It has 64 bits: of a million subjects two have the same with a probability of 1 in 30 million."""
    return hash((account, region, subject))


def gather(findings: Iterable[Finding], order: Callable[[], Sequence[int]] | None = None) -> Sequence[Finding]:
    """The findings as a sequence. If there are more than MOST_IN_MEMORY, no two of them are held in memory at once.

    Args:
        order: once all were taken, their numbers as they were taken, in the order that the sequence has; None: as they were taken.

    Raises:
        EngineError: the temporary file cannot be written.
    """
    coming = iter(findings)
    few = list(islice(coming, MOST_IN_MEMORY + 1))
    if len(few) <= MOST_IN_MEMORY:
        return tuple(few) if order is None else tuple(few[number] for number in order())
    store = _Store()
    while few:
        store.add(few)
        few = list(islice(coming, _TOGETHER))
    return FindingList(store, range(len(store.ends)) if order is None else array("q", order()))


def order_subjects(subjects: Sequence[tuple[str | None, str | None, str]]) -> list[int]:
    """The numbers of subjects, sorted by account, Region and subject."""
    places = [(account or "", region or "", subject) for account, region, subject in subjects]
    return sorted(range(len(places)), key=places.__getitem__)


def map_text(function: Callable[[Finding], Finding], findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings as a function makes them that changes nothing of their marks."""
    if isinstance(findings, FindingList):
        return findings.seen_through(function)
    made = tuple(map(function, findings))
    return findings if all(one is other for one, other in zip(made, findings, strict=True)) else made


def choose(findings: Sequence[Finding], keep: Callable[[FindingKind], bool]) -> Sequence[Finding]:
    """Those of some kinds, in their order."""
    if isinstance(findings, FindingList):
        return findings.chosen(keep)
    return tuple(finding for finding in findings if keep(mark_finding(finding).kind))


def order_by_kind(findings: Sequence[Finding], key: Callable[[FindingKind], Any]) -> Sequence[Finding]:
    """The findings sorted by what they are; equal ones stay in their order."""
    if isinstance(findings, FindingList):
        return findings.ordered(key)
    return tuple(sorted(findings, key=lambda finding: key(mark_finding(finding).kind)))


def marks(findings: Sequence[Finding]) -> Iterator[FindingMark]:
    """The marks of findings, in their order."""
    return findings.marks() if isinstance(findings, FindingList) else map(mark_finding, findings)


def count_kinds(findings: Sequence[Finding]) -> Counter[FindingKind]:
    """How many findings of each kind there are."""
    return findings.count_kinds() if isinstance(findings, FindingList) else Counter(mark_finding(finding).kind for finding in findings)


_SHARED = ("rule", "policy", "severity", "account", "region", "cause", "resource_type", "waiver", "account_name", "state")
"""What many findings have in common, held once."""
_OWN = tuple(member.name for member in fields(Finding) if member.name not in {*_SHARED, "evidence"})
_TOGETHER = 1000
_HINT = "Set TMPDIR to a folder with space."
_shared_of, _own_of = attrgetter(*_SHARED), attrgetter(*_OWN)


class _Store:
    """A temporary file of findings, which is gone when nothing refers to it, or when the process ends."""

    def __init__(self) -> None:
        try:
            # Without a name, so that nobody else reads it and nothing is left.
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it is closed when it is collected
        except OSError as error:
            raise EngineError(f"no temporary file can be made for the findings of a rule: {error.strerror or error}", hint=_HINT) from error
        self.ends = array("q")
        """Where each ends in the file."""
        self._shared: dict[tuple[Any, ...], int] = {}
        self._shared_values: list[tuple[Any, ...]] = []
        self._lists: list[JobList] = []
        self._kinds: dict[FindingKind, int] = {}
        self.kinds: list[FindingKind] = []
        self.kind_numbers = array("L")
        self.subjects = array("q")
        self.jobs = array("q")

    def add(self, findings: Iterable[Finding]) -> None:
        """Write findings behind those that there are."""
        end = self.ends[-1] if self.ends else 0
        written = []
        for finding in findings:
            own = pickle.dumps((self._number(_shared_of(finding)), _own_of(finding), self._told(finding.evidence)), pickle.HIGHEST_PROTOCOL)
            end += len(own)
            self.ends.append(end)
            written.append(own)
            self._mark(mark_finding(finding))
        try:
            content = memoryview(b"".join(written))
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            raise EngineError(f"{len(self.ends):,} findings of a rule do not fit into a temporary file: {error.strerror or error}", hint=_HINT) from error

    def _number(self, shared: tuple[Any, ...]) -> int:
        number = self._shared.setdefault(shared, len(self._shared))
        if number == len(self._shared_values):
            self._shared_values.append(shared)
        return number

    def _told(self, evidence: Sequence[JobRecord]) -> Any:
        """Jobs of lists that the run has as (number of the list, key, row); others as they are."""
        if not all(type(job) is ListedJob for job in evidence):
            return evidence
        return [(self._number_of(job.job_list), job.key, job.row) for job in evidence if isinstance(job, ListedJob)]

    def _number_of(self, job_list: JobList) -> int:
        number = next((number for number, known in enumerate(self._lists) if known is job_list), len(self._lists))
        if number == len(self._lists):
            self._lists.append(job_list)
        return number

    def _mark(self, mark: FindingMark) -> None:
        number = self._kinds.setdefault(mark.kind, len(self._kinds))
        if number == len(self.kinds):
            self.kinds.append(mark.kind)
        self.kind_numbers.append(number)
        self.subjects.append(mark.subject)
        self.jobs.append(mark.jobs)

    def read(self, position: int) -> Finding:
        """The finding that was added as this one, counted from 0."""
        start = self.ends[position - 1] if position else 0
        # This process wrote it, and nobody else can.
        number, own, evidence = pickle.loads(os.pread(self._file.fileno(), self.ends[position] - start, start))
        if isinstance(evidence, list):
            evidence = tuple([ListedJob(key, self._lists[of], row) for of, key, row in evidence])
        return Finding(**dict(zip(_SHARED, self._shared_values[number], strict=True)), **dict(zip(_OWN, own, strict=True)), evidence=evidence)


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

    def chosen(self, keep: Callable[[FindingKind], bool]) -> FindingList:
        """See `choose`."""
        kept = [keep(kind) for kind in self._store.kinds]
        if all(kept):
            return self
        numbers = self._store.kind_numbers
        return FindingList(self._store, array("q", (position for position in self._positions if kept[numbers[position]])), self._through)

    def ordered(self, key: Callable[[FindingKind], Any]) -> FindingList:
        """See `order_by_kind`."""
        keys = [key(kind) for kind in self._store.kinds]
        if len(set(keys)) <= 1:
            return self
        numbers = self._store.kind_numbers
        return FindingList(self._store, array("q", sorted(self._positions, key=lambda position: keys[numbers[position]])), self._through)

    def marks(self) -> Iterator[FindingMark]:
        """See `marks`."""
        store = self._store
        return (FindingMark(store.kinds[store.kind_numbers[at]], store.subjects[at], store.jobs[at]) for at in self._positions)

    def count_kinds(self) -> Counter[FindingKind]:
        """See `count_kinds`."""
        numbers = Counter(map(self._store.kind_numbers.__getitem__, self._positions))
        return Counter({self._store.kinds[number]: count for number, count in numbers.items()})
