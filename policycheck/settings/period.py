"""The period that options name."""

from __future__ import annotations

from datetime import datetime, timedelta

from policycheck.errors import UsageError
from policycheck.period import MOST_STEPS, Period
from policycheck.policy.literals import parse_duration, parse_moment
from policycheck.text import clean_line, spell_duration

_DAY = timedelta(days=1)
_LEAST_STEP = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)


def parse_period(start: str | None, end: datetime, every: str | None) -> Period | None:
    """The period from `start` (a time, or a duration back from its end) to `end`; None where there is none.

    Raises:
        UsageError: one of them cannot be, or there are too many steps.
    """
    if start is None:
        if every is not None:
            raise UsageError("--every requires a period, --from", hint="Add --from, such as --from 90d.")
        return None
    step = _DAY if every is None else _parse_step(every)
    begin = _parse_start(start, end)
    if begin > end:
        raise UsageError(f"--from {clean_line(start)}: the period begins after it ends", hint="Name an earlier --from, or a later --to.")
    if (end - begin) // step + 2 > MOST_STEPS:
        length = spell_duration((end - begin) // _MICROSECOND)
        raise UsageError(f"the period of {length} has more than {MOST_STEPS:,} steps of {spell_duration(step // _MICROSECOND)}", hint="Name a longer --every.")
    return Period(begin, end, step)


def _parse_start(text: str, end: datetime) -> datetime:
    try:
        return end - timedelta(microseconds=parse_duration(text))
    except (ValueError, OverflowError):
        pass
    try:
        return parse_moment(text)
    except ValueError as error:
        raise UsageError(f"--from {clean_line(text)}: {error}", hint="--from 2026-10-01, or so long before the end: --from 90d") from None


def _parse_step(text: str) -> timedelta:
    try:
        step = timedelta(microseconds=parse_duration(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--every {clean_line(text)}: {error}", hint="--every 1d") from None
    if step < _LEAST_STEP:
        raise UsageError(f"--every {clean_line(text)}: a step is at least a minute")
    return step
