"""A rule over the steps of a period: a sign a step, and how many steps there are of each verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from policycheck.period import Period
from policycheck.result import WORST_FIRST, Result, RuleResult, Verdict

SIGNS = {Verdict.PASS: ".", Verdict.FAIL: "F", Verdict.WAIVED: "W", Verdict.INCONCLUSIVE: "?", Verdict.SKIPPED: "-"}
"""What stands for a verdict in a strip of text."""
MEANINGS = {
    Verdict.PASS: "held",
    Verdict.FAIL: "failed",
    Verdict.WAIVED: "violated and waived",
    Verdict.INCONCLUSIVE: "not enough evidence",
    Verdict.SKIPPED: "skipped",
}
_MOST_CELLS = 120
CELLS = {Verdict.PASS: "c", Verdict.FAIL: "f", Verdict.WAIVED: "m", Verdict.INCONCLUSIVE: "u", Verdict.SKIPPED: "none"}
"""The class of a verdict's cell in HTML."""


@dataclass(frozen=True, slots=True)
class Strip:
    """One rule."""

    rule: RuleResult
    verdicts: tuple[Verdict, ...]
    """Of each cell, the worst of its steps."""
    counts: Counter[Verdict]
    """Steps by verdict."""

    @property
    def text(self) -> str:
        return "".join(SIGNS[verdict] for verdict in self.verdicts)


def strips(result: Result, most: int = _MOST_CELLS) -> list[Strip]:
    """The strips of all rules, in their order; none where the result is of one instant.

    Args:
        most: cells a strip; of more steps several make one cell.
    """
    if result.period is None:
        return []
    each = steps_a_cell(result.period, most)
    return [_strip(rule, each) for rule in result.rules]


def steps_a_cell(period: Period, most: int = _MOST_CELLS) -> int:
    """How many steps make one cell."""
    return -(-len(period.instants) // most)


def _strip(rule: RuleResult, each: int) -> Strip:
    verdicts = [span.verdict for span in rule.spans for _ in range(span.span.steps)]
    cells = (min(verdicts[start : start + each], key=WORST_FIRST.index) for start in range(0, len(verdicts), each))
    return Strip(rule, tuple(cells), Counter(verdicts))


def cell_heads(period: Period, most: int = _MOST_CELLS) -> list[tuple[str, int]]:
    """What stands over the cells: each month, and how many cells it has."""
    first = period.instants[:: steps_a_cell(period, most)]
    return [(month, len(list(group))) for month, group in groupby(f"{instant:%Y-%m}" for instant in first)]


def legend(found: list[Strip]) -> str:
    """`. held, F failed`: of the verdicts that there are."""
    seen = {verdict for one in found for verdict in one.counts}
    return ", ".join(f"{SIGNS[verdict]} {MEANINGS[verdict]}" for verdict in SIGNS if verdict in seen)


def strip_lines(result: Result) -> Iterator[tuple[str, str]]:
    """Each rule that did not hold on every step: what it came to, and its strip."""
    for one in strips(result, 10**9):
        if one.counts[Verdict.PASS] < sum(one.counts.values()):
            told = ", ".join(f"{MEANINGS[verdict]} {one.counts[verdict]:,}" for verdict in SIGNS if one.counts[verdict])
            yield f"{one.rule.id} ({told})", one.text
