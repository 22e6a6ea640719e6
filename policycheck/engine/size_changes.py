"""By how much jobs of one resource differ in size from the one before: measured for every job that may be of it and every order that may have been theirs.

What is measured is kept both ways (docs/groups-specification.md, Jobs compared with those before them). A way through the jobs takes all
that certainly match and any of those that may; only two neighbors on such a way are compared. `least` is what the best
way has at its worst step, `most` what any way may have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from fractions import Fraction
from itertools import groupby, pairwise, permutations
from typing import NamedTuple

from policycheck.engine.measures import NEVER, Number, Range, Truth

_MOST_ALIKE = 4
"""So many jobs of one CreationDate are tried in every order; of more of them anything is possible."""
_MOST_UNSURE = 100
"""So many jobs in a row that may match are tried one by one; of more of them anything is possible."""


class Change(Enum):
    """What is looked for."""

    DROP = "smaller"
    GROWTH = "larger"

    @property
    def worst(self) -> Number:
        """By how much a size of which nothing is known may differ."""
        return Fraction(1) if self is Change.DROP else NEVER

    def between(self, before: int, size: int) -> Number:
        """By what part of the one before a size is smaller, or larger; 0 where it is not."""
        apart = before - size if self is Change.DROP else size - before
        if apart <= 0:
            return 0
        return Fraction(apart, before) if before else NEVER


class SizedJob(NamedTuple):
    """A job, as it is compared."""

    row: int
    match: Truth
    """Whether it is one of the group that matches, at any time of the coverage; never False."""
    inside: Truth
    """Whether it is in the window: then it is compared with the one before."""
    created: int | None
    size: int | None
    sized: Truth
    """Whether its size can be compared: False where its type reports none; None where that is unknown, or where its type does and it does not."""


class Step(NamedTuple):
    """From one job to the next, and by how much its size changes at least, whatever is unknown."""

    before: SizedJob
    job: SizedJob
    change: Number


class Compared(NamedTuple):
    """What was found out of one group."""

    value: Range
    """The greatest change; 0 where nothing was compared."""
    steps: Sequence[Step] = ()
    """The jobs in the window whose size certainly changed, with the one before that they differ least from, in the order of their CreationDate."""
    compared: int = 0
    """How many jobs certainly were compared with the one before,"""
    first: int = 0
    """how many have none before them,"""
    unsized: int = 0
    """and of how many, or of the one before them, the size says nothing."""


def compare_sizes(jobs: Iterable[SizedJob], change: Change, is_whole: Callable[[int, int], bool]) -> Compared:
    """What certainly, and what possibly, is the greatest change of a size from one job to the next.

    Args:
        is_whole: whether the list certainly lacks no job created between two moments.
    """
    seen = list(jobs)
    if any(job.created is None for job in seen):
        # It may stand between any two.
        return Compared(Range(0, change.worst if len(seen) > 1 else 0))
    walk = _Walk(change, is_whole)
    for _, layer in groupby(sorted(seen, key=lambda job: (job.created or 0, job.row)), lambda job: job.created):
        walk.take(list(layer))
    return walk.result()


class _Walk:
    """The ways through the jobs, from the first to the last."""

    def __init__(self, change: Change, is_whole: Callable[[int, int], bool]) -> None:
        self._change, self._is_whole = change, is_whole
        self._lasts: list[tuple[SizedJob, Number]] = []
        """The jobs that may be the last so far, each with what its best way has at its worst step."""
        self._widest: list[SizedJob] = []
        """Of these, those from which the next step may be the greatest."""
        self._none_yet = True
        """Whether there may be no job so far."""
        self._most: Number = 0
        self._open = False
        """Whether there were more jobs of one moment than are tried."""
        self._compared = self._first = self._unsized = 0
        self._notable: list[Step] = []

    def take(self, layer: Sequence[SizedJob]) -> None:
        """The jobs of the next CreationDate."""
        for job in layer:
            others = [other for other in layer if other is not job]
            self._count(job, others)
            self._most = max([self._most, *(self._step(before, job)[1] for before in (*self._widest, *others))])
            if job.match and job.inside:
                self._note(job, others)
        self._open = self._open or len(layer) > _MOST_ALIKE
        orders = [(job,) for job in layer] if len(layer) == 1 or self._open else _orders(layer)
        lasts: dict[int, tuple[SizedJob, Number]] = {}
        for order in orders:
            worst = self._enter(order[0])
            for before, job in pairwise(order):
                worst = max(worst, self._step(before, job)[0])
            last = order[-1]
            if last.row not in lasts or worst < lasts[last.row][1]:
                lasts[last.row] = (last, worst)
        if any(job.match for job in layer):
            self._lasts, self._widest, self._none_yet = [], [], False
        self._lasts += lasts.values()
        self._widest = self._extremes([*self._widest, *layer])
        if len(self._lasts) > _MOST_UNSURE:
            self._open, self._lasts = True, self._lasts[-_MOST_UNSURE:]

    def result(self) -> Compared:
        least = 0 if self._none_yet or self._open else min((worst for _, worst in self._lasts), default=0)
        value = Range(least, self._most)
        return Compared(value, tuple(self._notable), self._compared, self._first, self._unsized)

    def _enter(self, job: SizedJob) -> Number:
        """What the best way to a job has at its worst step."""
        ways: list[Number] = [0] if self._none_yet else []
        return min([*ways, *(max(worst, self._step(last, job)[0]) for last, worst in self._lasts)])

    def _step(self, before: SizedJob, job: SizedJob) -> tuple[Number, Number]:
        """The least and the greatest change from one job to the next."""
        if job.inside is False or before.sized is False or job.sized is False:
            return 0, 0
        if before.size is None or job.size is None or not self._is_whole(before.created or 0, job.created or 0):
            return 0, self._change.worst
        change = self._change.between(before.size, job.size)
        return (change if job.inside and before.sized and job.sized else 0), change

    def _count(self, job: SizedJob, others: Sequence[SizedJob]) -> None:
        """Whether a job certainly was compared, and why not."""
        if not job.match or not job.inside:
            return
        before = [*(last for last, _ in self._lasts), *others]
        if not before:
            self._first += 1
        elif job.sized is False or all(last.sized is False for last in before):
            self._unsized += 1
        elif not self._none_yet and not self._open and job.sized and all(last.sized for last in before):
            self._compared += 1

    def _note(self, job: SizedJob, others: Sequence[SizedJob]) -> None:
        """A job whose size certainly changed."""
        if self._none_yet:
            return
        before = [*(last for last, _ in self._lasts), *others]
        change, nearest = min(((self._step(last, job)[0], last) for last in before), key=lambda pair: pair[0])
        if change:
            self._notable.append(Step(nearest, job, change))

    def _extremes(self, jobs: Sequence[SizedJob]) -> list[SizedJob]:
        """Of jobs that may stand before another the few from which a step may be the greatest: by what is unknown of them, by time, and by size."""
        comparable = [job for job in jobs if job.sized is not False]
        sizes = sorted((job for job in comparable if job.size is not None), key=lambda job: job.size or 0)
        unknown = next((job for job in comparable if job.size is None), None)
        return [job for job in (*comparable[:1], *sizes[:1], *sizes[-1:], unknown) if job is not None]


def _orders(layer: Sequence[SizedJob]) -> list[tuple[SizedJob, ...]]:
    """Every order of all that certainly match and of any of the others."""
    sure = {job.row for job in layer if job.match}
    fewest = max(len(sure), 1)
    return [order for size in range(fewest, len(layer) + 1) for order in permutations(layer, size) if sure <= {job.row for job in order}]
