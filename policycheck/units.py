"""Lengths of time: whole microseconds, as every time and duration inside is."""

from __future__ import annotations

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def round_down(length: int) -> int:
    """A length that reads well, no longer than this one: whole hours, minutes or seconds, where there are any, and not nothing."""
    return max(next((length // size * size for size in (HOUR, MINUTE, SECOND) if length >= size), length), 1)
