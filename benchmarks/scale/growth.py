"""How time and memory grow with one quantity: what is measured at several sizes, and the line through it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.timing import MEGABYTE, Sample


@dataclass(frozen=True, slots=True)
class Growth:
    """A command measured at several sizes of one quantity, all else alike."""

    quantity: str
    """What grows: `jobs, a month`."""
    unit: int
    """What slopes are told for: a million jobs."""
    samples: Sequence[tuple[int, Sample]]
    """Size and what it took, at two sizes at least."""

    @property
    def seconds(self) -> float:
        """Processor time for each unit more, in seconds, by least squares."""
        return slope([(size / self.unit, sample.cpu) for size, sample in self.samples])

    @property
    def megabytes(self) -> float:
        """Peak memory for each unit more, in megabytes."""
        return slope([(size / self.unit, sample.memory / MEGABYTE) for size, sample in self.samples])

    @property
    def exponent(self) -> float:
        """The power of the size that processor time grows with: 1 is linear."""
        return slope([(math.log(size), math.log(sample.cpu)) for size, sample in self.samples])


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The slope of the line of least squares through points with two different abscissas at least."""
    middle = sum(x for x, _ in points) / len(points)
    height = sum(y for _, y in points) / len(points)
    return sum((x - middle) * (y - height) for x, y in points) / sum((x - middle) ** 2 for x, _ in points)


def as_table(growths: Sequence[Growth]) -> str:
    """A Markdown table, a row each."""
    head = "| grows | sizes | CPU s | peak MB | for each | CPU s more | MB more | exponent of CPU |"
    return "\n".join([head, "|" + "---|" * 8, *map(_row, growths)])


def _row(growth: Growth) -> str:
    sizes = ", ".join(f"{size:,}" for size, _ in growth.samples)
    seconds = ", ".join(f"{sample.cpu:.2f}" for _, sample in growth.samples)
    memory = ", ".join(f"{sample.memory / MEGABYTE:,.0f}" for _, sample in growth.samples)
    told = f"{growth.seconds:.2f} | {growth.megabytes:,.0f} | {growth.exponent:.2f}"
    return f"| {growth.quantity} | {sizes} | {seconds} | {memory} | {growth.unit:,} | {told} |"
