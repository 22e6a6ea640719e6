"""Outcomes as a table to read and as JSON to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.timing import MEGABYTE, Outcome, Ratio

_HEAD = ("measure", "against", "ratio of wall time", "target", "reached", "ratio of CPU time", "wall s", "CPU s", "peak MB", "bytes a finding")


def as_table(outcomes: Sequence[Outcome]) -> str:
    """A Markdown table; a ratio is its median, then the least and the greatest of all pairs."""
    rows = [_HEAD, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _row(outcome: Outcome) -> tuple[str, ...]:
    target, reached = outcome.measure.target, outcome.reached
    return (
        outcome.measure.name,
        outcome.measure.against,
        _spell(outcome.wall),
        "" if target is None else f"{target:.2f}".removesuffix("0"),
        {True: "yes", False: "no", None: ""}[reached],
        _spell(outcome.cpu),
        " / ".join(f"{median(seconds):.2f}" for seconds in ([p.subject.wall for p in outcome.pairs], [p.baseline.wall for p in outcome.pairs])),
        " / ".join(f"{median(seconds):.2f}" for seconds in ([p.subject.cpu for p in outcome.pairs], [p.baseline.cpu for p in outcome.pairs])),
        " / ".join(f"{max(sizes) / MEGABYTE:.0f}" for sizes in ([p.subject.memory for p in outcome.pairs], [p.baseline.memory for p in outcome.pairs])),
        "" if outcome.size is None else f"{outcome.size:.0f}",
    )


def _spell(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} ({ratio.least:.2f}..{ratio.greatest:.2f})"


def as_json(outcome: Outcome) -> dict[str, object]:
    """Every number of one measure: seconds, bytes and ratios."""
    return {
        "name": outcome.measure.name,
        "against": outcome.measure.against,
        "target": outcome.measure.target,
        "reached": outcome.reached,
        "wall_ratio": asdict(outcome.wall),
        "cpu_ratio": asdict(outcome.cpu),
        "bytes_a_finding": outcome.size,
        "pairs": [asdict(pair) for pair in outcome.pairs],
    }
