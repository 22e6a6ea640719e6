"""How long jobs of one resource take beside its earlier clean ones: measured for every job that may be of it and every order that may have been theirs.

What is measured is kept both ways (docs/groups-specification.md, Jobs compared with those before them): `least` by the longest usual duration
that the unknown leaves open, `most` by the shortest.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from policycheck.engine.measures import NEVER, Number, Range, Truth

FEWEST = 5
"""So many earlier clean jobs a usual duration is told from."""


class TimedJob(NamedTuple):
    """A job, as it is compared and compared with."""

    row: int
    match: Truth
    """Whether it is one of the group that the rule asks about, at any time of the coverage."""
    clean: Truth
    """Whether it is one of the group by which what is usual is told."""
    inside: Truth
    """Whether it is in the window."""
    created: int | None
    duration: int | None
    lasted: Truth
    """Whether it has a duration; None where it has one, or may, and nobody recorded it."""
    so_far: Truth = False
    """Whether that is the time so far."""

    @property
    def is_asked(self) -> bool:
        """Whether it may be one that the rule is about."""
        return self.match is not False and self.inside is not False and self.lasted is not False


class Slow(NamedTuple):
    """A job in the window, and what is usual."""

    job: TimedJob
    times: Number
    """How many times the usual duration it certainly took."""
    usual: int
    """The longest that it may be,"""
    earlier: int
    """of so many earlier jobs."""


class Timed(NamedTuple):
    """What was found out of one group."""

    value: Range
    """How many times the usual duration the slowest job took; 0 where none was compared."""
    slow: Sequence[Slow]
    """The jobs in the window that certainly were compared, in the order of their CreationDate."""
    pending: int
    """How many jobs in the window have, or may have, too few before them,"""
    most_earlier: int
    """and how many the last of these certainly has."""


def compare_durations(jobs: Iterable[TimedJob]) -> Timed:
    """What certainly, and what possibly, is the longest time that a job took, in usual durations."""
    seen = list(jobs)
    undated = [job for job in seen if job.created is None]
    walk = _Walk(undated)
    dated = sorted((job for job in seen if job.created is not None), key=lambda job: (job.created or 0, job.row))
    for _, layer in groupby(dated, lambda job: job.created):
        walk.take(list(layer))
    for job in undated:
        if job.is_asked:
            walk.ask(job, _Earlier([], 0, [other.duration for other in seen if other is not job and other.clean is not False]))
    return walk.result()


class _Earlier(NamedTuple):
    """The durations of clean jobs before one: of those that certainly are, in order; how many more of these are unknown; of those that may be."""

    sure: list[int]
    unknown: int
    others: Sequence[int | None]

    @property
    def fewest(self) -> int:
        return len(self.sure) + self.unknown

    @property
    def most(self) -> int:
        return self.fewest + len(self.others)

    def usual(self, *, longest: bool) -> Number:
        """The median, with those of the others that make it the longest, or the shortest."""
        worst = NEVER if longest else 0
        # A resource may have many thousand jobs before each of as many.
        chosen = list(self.sure) if self.unknown or self.others else self.sure
        for _ in range(self.unknown):
            insort(chosen, worst)
        for value in sorted((worst if other is None else other for other in self.others), reverse=longest):
            middle = _median(chosen) if len(chosen) >= FEWEST else None
            if middle is not None and (value <= middle if longest else value >= middle):
                break
            insort(chosen, value)
        return _median(chosen)


class _Walk:
    """The jobs from the first to the last."""

    def __init__(self, undated: Sequence[TimedJob]) -> None:
        self._sure: list[int] = []
        self._unknown = 0
        self._others = [job.duration for job in undated if job.clean is not False]
        self._least: Number = 0
        self._most: Number = 0
        self._slow: list[Slow] = []
        self._pending = self._most_earlier = 0

    def take(self, layer: Sequence[TimedJob]) -> None:
        """The jobs of the next CreationDate: each may have been created before the others."""
        for job in layer:
            if job.is_asked:
                alike = [other.duration for other in layer if other is not job and other.clean is not False]
                self.ask(job, _Earlier(self._sure, self._unknown, [*self._others, *alike]))
        for job in layer:
            if job.clean and job.duration is not None:
                insort(self._sure, job.duration)
            elif job.clean:
                self._unknown += 1
            elif job.clean is None:
                self._others.append(job.duration)

    def ask(self, job: TimedJob, earlier: _Earlier) -> None:
        """One job and those before it."""
        certain = bool(job.match and job.inside and job.lasted)
        if earlier.fewest < FEWEST:
            self._pending += 1
            self._most_earlier = max(self._most_earlier, earlier.fewest)
        if earlier.most < FEWEST:
            return
        self._most = max(self._most, _times(job.duration, earlier.usual(longest=False)))
        if certain and earlier.fewest >= FEWEST:
            usual = earlier.usual(longest=True)
            times = _times(job.duration, usual)
            self._least = max(self._least, times)
            self._slow.append(Slow(job, times, int(usual), earlier.fewest))

    def result(self) -> Timed:
        return Timed(Range(self._least, self._most), self._slow, self._pending, self._most_earlier)


def _median(ordered: Sequence[int]) -> Number:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else Fraction(ordered[middle - 1] + ordered[middle], 2)


def _times(duration: int | None, usual: Number) -> Number:
    if duration is None:
        return NEVER
    if usual == 0:
        return NEVER if duration else 0
    return Fraction(duration) / usual
