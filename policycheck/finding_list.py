"""The findings of a rule, as a sequence: a few in memory; very many in a temporary file, where they are read again by whoever tells them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import compress, islice
from typing import Any, overload

from policycheck.finding import Finding
from policycheck.finding_file import FindingFile, FindingKind, FindingMark, Marked, kind_of, mark_finding, subject_mark

MOST_IN_MEMORY = 10_000
"""Findings of one rule that are held in memory. A finding takes about 2 kB there, and 36 bytes if it is in a file."""


def are_many(count: int) -> bool:
    """Whether so many findings of a rule are not held in memory."""
    return count > MOST_IN_MEMORY


_TOGETHER = 1000
"""Findings that are written at once."""


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
    store = FindingFile()
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


def retell(function: Callable[[Finding], Finding], findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings as a function makes them, which may change their subjects, too; sorted by account, Region and subject.

    Raises:
        EngineError: the temporary file cannot be written.
    """
    if not isinstance(findings, FindingList):
        return tuple(sorted(map(function, findings), key=lambda found: (found.account or "", found.region or "", found.subject)))
    told = findings.retold(function)
    if told is not None:
        return told
    # What they are counted by is another.
    made = list[tuple[str | None, str | None, str]]()

    def noted(finding: Finding) -> Finding:
        found = function(finding)
        made.append((found.account, found.region, found.subject))
        return found

    return gather(map(noted, findings), lambda: order_subjects(made))


def open_of(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Those that no waiver accepts, in their order."""
    if isinstance(findings, FindingList):
        return findings.chosen(lambda kind: not kind.waived)
    return tuple([finding for finding in findings if finding.waiver is None])


def choose(findings: Sequence[Finding], keep: Callable[[FindingKind], bool]) -> Sequence[Finding]:
    """Those of some kinds, in their order."""
    if isinstance(findings, FindingList):
        return findings.chosen(keep)
    return tuple([finding for finding in findings if keep(kind_of(finding))])


def order_by_kind(findings: Sequence[Finding], key: Callable[[FindingKind], Any]) -> Sequence[Finding]:
    """The findings sorted by what they are; equal ones stay in their order."""
    if isinstance(findings, FindingList):
        return findings.ordered(key)
    return tuple(sorted(findings, key=lambda finding: key(kind_of(finding))))


def marks(findings: Sequence[Finding]) -> Iterator[FindingMark]:
    """The marks of findings, in their order."""
    return findings.marks() if isinstance(findings, FindingList) else map(mark_finding, findings)


def count_kinds(findings: Sequence[Finding]) -> Counter[FindingKind]:
    """How many findings of each kind there are."""
    return findings.count_kinds() if isinstance(findings, FindingList) else Counter(map(kind_of, findings))


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


class FindingList(Sequence[Finding]):
    """Findings of which none is in memory: each is made anew whenever it is asked for."""

    def __init__(
        self, store: FindingFile, positions: Sequence[int], through: tuple[Callable[[Finding], Finding], ...] = (), marked: Marked | None = None
    ) -> None:
        """
        Args:
            positions: in the store, in the order of this list.
            through: what each is made by when it is read, one after the other.
            marked: the marks of all in the store, where these are not its own.
        """
        self._store, self._positions, self._through, self._marked = store, positions, through, marked or store.marked
        self._chosen: dict[tuple[bool, ...], FindingList] = {}

    def _of(self, positions: Sequence[int]) -> FindingList:
        return FindingList(self._store, positions, self._through, self._marked)

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
            return self._of(self._positions[index])
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

    @property
    def are_clean_as_stored(self) -> bool:
        """Whether all text of them certainly is clean, but for what functions make of it."""
        return self._store.is_clean

    @property
    def is_seen_through(self) -> bool:
        """Whether they are told as functions make them."""
        return bool(self._through)

    def seen_through(self, function: Callable[[Finding], Finding]) -> FindingList:
        """See `map_text`."""
        return FindingList(self._store, self._positions, (*self._through, function), self._marked)

    def retold(self, function: Callable[[Finding], Finding]) -> FindingList | None:
        """See `retell`. None: a function changes by what one is counted."""
        told, size = self.seen_through(function), len(self._store)
        marked = Marked(array("q", bytes(8 * size)), array("q", bytes(8 * size)))
        made = []
        for position, number in zip(self._positions, self._numbers(), strict=True):
            found = told._read(position)
            kind, marked.subjects[position], marked.jobs[position] = mark_finding(found)
            if kind != self._store.kinds[number]:
                return None
            made.append((found.account, found.region, found.subject))
        return FindingList(self._store, self._positions, told._through, marked).in_order(order_subjects(made))

    def in_order(self, numbers: Iterable[int]) -> FindingList:
        """The same findings in another order, by their numbers in this one."""
        return self._of(array("q", map(self._positions.__getitem__, numbers)))

    def chosen(self, keep: Callable[[FindingKind], bool]) -> FindingList:
        """See `choose`."""
        kept = tuple([keep(kind) for kind in self._store.kinds])
        if all(kept):
            return self
        # Every report asks for the same ones, several times.
        if kept not in self._chosen:
            self._chosen[kept] = self._of(array("q", compress(self._positions, map(kept.__getitem__, self._numbers()))))
        return self._chosen[kept]

    def ordered(self, key: Callable[[FindingKind], Any]) -> FindingList:
        """See `order_by_kind`."""
        keys = [key(kind) for kind in self._store.kinds]
        if len(set(keys)) <= 1:
            return self
        numbers = self._store.numbers
        return self._of(array("q", sorted(self._positions, key=lambda position: keys[numbers[position]])))

    def _numbers(self) -> Iterator[int]:
        return map(self._store.numbers.__getitem__, self._positions)

    def marks(self) -> Iterator[FindingMark]:
        """See `marks`."""
        store, marked = self._store, self._marked
        return (FindingMark(store.kinds[store.numbers[at]], marked.subjects[at], marked.jobs[at]) for at in self._positions)

    def count_kinds(self) -> Counter[FindingKind]:
        """See `count_kinds`."""
        return self._counts.copy()

    @cached_property
    def _counts(self) -> Counter[FindingKind]:
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
