"""Times and durations that options and the run file name."""

from __future__ import annotations

from datetime import datetime, timedelta

from policycheck.policy.literals import parse_duration, parse_moment

NOW = "now"
_LONGEST_CLAIM = timedelta(days=365)


def parse_interval(text: str) -> tuple[datetime, datetime]:
    """FROM..TO; raises ValueError."""
    start, separator, end = text.partition("..")
    if not separator:
        raise ValueError("it takes two times, FROM..TO")
    interval = parse_moment(start), parse_moment(end)
    if interval[0] > interval[1]:
        raise ValueError("it ends before it begins")
    return interval


def parse_longest_job(text: str) -> timedelta:
    """A claim that no job takes longer; raises ValueError."""
    longest = timedelta(microseconds=parse_duration(text))
    if not timedelta() < longest <= _LONGEST_CLAIM:
        raise ValueError(f"it is more than 0 and at most {_LONGEST_CLAIM.days}d")
    return longest
