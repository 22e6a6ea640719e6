"""A period that rules are evaluated over, step by step, and the stretches of it on which something held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policycheck.records import iso
from policycheck.text import counted, spell_duration

MOST_STEPS = 5000
"""Steps of one period at most: a year of hours is 8,784, and a report of that many says nothing to anybody."""
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_NOUNS = {timedelta(hours=1): "hour", _DAY: "day", timedelta(weeks=1): "week"}


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant to another, both evaluated, and one step after the other between them."""

    start: datetime
    end: datetime
    every: timedelta

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The instants that are evaluated, the oldest first: each step from `start` on, and `end`."""
        found = [self.start + number * self.every for number in range((self.end - self.start) // self.every + 1)]
        return (*found, self.end) if found[-1] < self.end else tuple(found)

    @property
    def noun(self) -> str:
        """What a step is called."""
        return _NOUNS.get(self.every, "step")

    def __str__(self) -> str:
        every = spell_duration(self.every // _MICROSECOND)
        return f"{iso(self.start)} to {iso(self.end)}, {counted(len(self.instants), 'step')}, one every {every}"

    def spell(self, instant: datetime) -> str:
        """An instant of the period; its day alone where no other step is of the same day."""
        last = self.end - (self.end - self.start) % self.every
        alone = self.every % _DAY == timedelta() and (last == self.end or last.date() != self.end.date())
        return instant.date().isoformat() if alone else iso(instant)

    def spell_span(self, span: Span) -> str:
        """`2026-08-03 to 2026-08-05 (3 days)`"""
        steps = counted(span.steps, self.noun)
        return f"{self.spell(span.start)} ({steps})" if span.steps == 1 else f"{self.spell(span.start)} to {self.spell(span.end)} ({steps})"


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive steps of a period."""

    start: datetime
    """The first of them,"""
    end: datetime
    """and the last: nothing is known of the time between it and the next step."""
    steps: int


def spans_of(numbers: Iterable[int], instants: Sequence[datetime]) -> tuple[Span, ...]:
    """The stretches that these steps make, by their numbers in ascending order."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return tuple(Span(instants[first], instants[last], last - first + 1) for first, last in runs)
