"""The notes of a result: what a reader must know beside the reason, a line each, and never more lines than anyone reads."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.text import clean_line, truncate

MOST_NOTES = 20


def cap_notes(lines: Sequence[str], rest: str) -> tuple[str, ...]:
    """The first lines, and how many more there are: `and 3 more are pending`, where `rest` is `are pending`."""
    more = len(lines) - MOST_NOTES
    return (*lines[:MOST_NOTES], f"and {more:,} more {rest}") if more > 0 else tuple(lines)


def name_briefly(text: str) -> str:
    """A name that a job list gave, for the middle of a sentence."""
    return truncate(clean_line(text), 80) or '""'
