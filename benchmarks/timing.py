"""Whole processes, timed in pairs: A B A B, so that a machine that slows down slows both."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measures import Measure

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Command:
    """One process to run: its arguments, its whole environment, and the exit codes that mean it did its work."""

    arguments: Sequence[str]
    environment: dict[str, str]
    accepted: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process took: seconds by the clock, seconds of processor time (user and system, all threads), and its largest resident size in bytes."""

    wall: float
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One run of the subject and the run of its baseline right after it."""

    subject: Sample
    baseline: Sample


@dataclass(frozen=True, slots=True)
class Ratio:
    """Subject by baseline over all pairs: the median of the ratios of the pairs (not the ratio of two medians), the least and the greatest."""

    median: float
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A measure and its pairs."""

    measure: Measure
    pairs: Sequence[Pair]
    size: float | None = None
    """Bytes of JSON a finding, where the measure tells them."""

    @property
    def wall(self) -> Ratio:
        return ratio(self.pairs, lambda sample: sample.wall)

    @property
    def cpu(self) -> Ratio:
        return ratio(self.pairs, lambda sample: sample.cpu)

    @property
    def reached(self) -> bool | None:
        """Whether the ratio by the clock, or of processor time if that is what the measure is held to, is within the target; None where there is no target."""
        held = self.cpu if self.measure.by_cpu else self.wall
        return None if self.measure.target is None else held.median <= self.measure.target


def ratio(pairs: Sequence[Pair], quantity: Callable[[Sample], float]) -> Ratio:
    """The ratios of one quantity, pair by pair; at least one pair is needed."""
    ratios = [quantity(pair.subject) / quantity(pair.baseline) for pair in pairs]
    return Ratio(median(ratios), min(ratios), max(ratios))


def compare(subject: Command, baseline: Command, runs: int) -> list[Pair]:
    """Run both once to warm the caches of files and bytecode, then in turn, `runs` times each."""
    run(subject)
    run(baseline)
    return [Pair(run(subject), run(baseline)) for _ in range(runs)]


def run(command: Command) -> Sample:
    """Run one process to its end, its output thrown away.

    Raises:
        RuntimeError: it ended with a code that is not accepted, so its time means nothing.
    """
    started = time.perf_counter()
    with subprocess.Popen(
        command.arguments, env=command.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in command.accepted:
        raise RuntimeError(f"exit code {process.returncode} of: {' '.join(command.arguments)}")
    # Linux counts ru_maxrss in kilobytes of 1024 bytes.
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
