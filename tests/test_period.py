"""Periods: which instants are evaluated, and how stretches of them are told."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policycheck.period import Period, Span, spans_of

DAY = timedelta(days=1)
START = datetime(2026, 10, 1, 6, tzinfo=UTC)


@given(st.integers(0, 10_000_000), st.integers(60, 1_000_000))
def test_the_first_and_the_last_instant_are_evaluated_and_no_step_is_longer_than_asked(length: int, every: int) -> None:
    period = Period(START, START + timedelta(seconds=length), timedelta(seconds=every))
    instants = period.instants
    assert (instants[0], instants[-1]) == (period.start, period.end)
    assert len(set(instants)) == len(instants)
    assert all(timedelta() < after - before <= period.every for before, after in itertools.pairwise(instants))


@given(st.sets(st.integers(0, 20)))
def test_stretches_are_the_steps_they_came_from(numbers: set[int]) -> None:
    instants = [START + number * DAY for number in range(21)]
    spans = spans_of(sorted(numbers), instants)
    assert [instants.index(span.start) + step for span in spans for step in range(span.steps)] == sorted(numbers)
    assert all(after.start - before.end > DAY for before, after in itertools.pairwise(spans))


def test_steps_are_called_by_their_day_where_no_other_has_the_same() -> None:
    whole, broken = Period(START, START + 2 * DAY, DAY), Period(START, START + 2 * DAY + timedelta(hours=1), DAY)
    assert whole.spell_span(Span(START, START + DAY, 2)) == "2026-10-01 to 2026-10-02 (2 days)"
    assert broken.spell_span(Span(START, START, 1)) == "2026-10-01T06:00:00Z (1 day)"
    assert str(broken) == "2026-10-01T06:00:00Z to 2026-10-03T07:00:00Z, 4 steps, one every 24 h"
    assert [Period(START, START, timedelta(hours=hours)).noun for hours in (1, 6, 24, 168)] == ["hour", "step", "day", "week"]
