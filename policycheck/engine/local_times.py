"""Times by the clocks of a zone, in columns: no engine's own time zones are asked, so that all give the same answer.

Python's zone says once a rule when its offset from UTC changes; an offset is then a sum over these changes. Where a job runs across one, each part of it is
looked at with the offset of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, reduce
from operator import add, or_

import narwhals as nw

from policycheck.policy.literals import Value
from policycheck.policy.local_times import DAYS, LocalTime, find_zone, parse_local_time

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 24 * 60 * _MINUTE
_FIRST = 1_547_596_800 * _SECOND
"""2019-01-16, when AWS Backup began: offsets of times before it are not asked, and no time of a job is before it."""
_AHEAD = 400 * _DAY
"""How long after as_of a start window or an expected end may lie."""
_NEVER = 2**60
_EPOCH_IN_WEEK = 3 * _DAY
"""1970-01-01 was a Thursday; weeks begin on Monday."""


@cache
def offsets(zone_name: str, until: int) -> tuple[tuple[int, int], ...]:
    """When a zone's offset from UTC changes, from 2019 on: (from when in microseconds since 1970, the offset in microseconds), the earliest first."""
    zone = find_zone(zone_name)
    found = [(_FIRST, _offset(_FIRST, zone))]
    for day in range(_FIRST, until, _DAY):
        low, high = day, day + _DAY
        if _offset(high, zone) == found[-1][1]:
            continue
        before = found[-1][1]
        while high - low > _SECOND:
            middle = (low + high) // (2 * _SECOND) * _SECOND
            low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
        found.append((high, _offset(high, zone)))
    return tuple(found)


def _offset(moment: int, zone: tzinfo) -> int:
    offset = (_EPOCH + timedelta(microseconds=moment)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


def lies_in(column: nw.Expr, values: Sequence[Value], as_of: int) -> nw.Expr:
    """Whether a time lies in the hours of any of these values; null where there is none, or none that a zone's offset is known of."""
    return reduce(or_, (_lies_in(column, parse_local_time(str(value)), as_of) for value in values))


def touches(start: nw.Expr, end: nw.Expr, values: Sequence[Value], as_of: int) -> nw.Expr:
    """Whether any part of the time from `start` to `end`, which it does not hold, lies in the hours of any of these values.

    Null where neither what is known of it decides.
    """
    return reduce(or_, (_touches(start, end, parse_local_time(str(value)), as_of) for value in values))


def spell_local(moment: int, local: LocalTime) -> str:
    """`Saturday 03:00`: a time as the zone's clocks show it."""
    shown = (_EPOCH + timedelta(microseconds=moment)).astimezone(find_zone(local.zone))
    return f"{DAYS[shown.weekday()]} {shown:%H:%M}"


def _lies_in(time: nw.Expr, local: LocalTime, as_of: int) -> nw.Expr:
    inside = _inside(_shown(time, offsets(local.zone, as_of + _AHEAD), local.period * _MINUTE), _hours(local))
    return nw.when((time >= _FIRST) & (time < as_of + _AHEAD)).then(inside)


def _touches(start: nw.Expr, end: nw.Expr, local: LocalTime, as_of: int) -> nw.Expr:
    changes, hours, period = offsets(local.zone, as_of + _AHEAD), _hours(local), local.period * _MINUTE
    shown = _shown(start, changes, period)
    waits = [nw.when(shown <= first).then(first - shown).otherwise(first + period - shown) for first, _ in hours]
    wait = nw.min_horizontal(*waits) if len(waits) > 1 else waits[0]
    # Up to the next change of the offset; what comes after it is looked at below.
    until = _stepped(start, [moment for moment, _ in changes[1:]] + [_NEVER], changes)
    found = _inside(shown, hours) | ((wait < end - start) & (wait < until - start))
    for number, (change, offset) in enumerate(changes[1:], 1):
        later = change + _wait(change + offset, hours, period)
        if later < (changes[number + 1][0] if number + 1 < len(changes) else _NEVER):
            found = found | ((start < change) & (end > later))
    return nw.when((start >= _FIRST) & (start < as_of + _AHEAD)).then(found)


def _hours(local: LocalTime) -> list[tuple[int, int]]:
    return [(first * _MINUTE, last * _MINUTE) for first, last in local.spans()]


def _inside(shown: nw.Expr, hours: Sequence[tuple[int, int]]) -> nw.Expr:
    return reduce(or_, ((shown >= first) & (shown < last) for first, last in hours))


def _shown(time: nw.Expr, changes: Sequence[tuple[int, int]], period: int) -> nw.Expr:
    """How long after midnight, or after Monday 00:00, the clocks show."""
    return (time + _stepped(time, [offset + _EPOCH_IN_WEEK for _, offset in changes], changes)) % period


def _stepped(time: nw.Expr, values: Sequence[int], changes: Sequence[tuple[int, int]]) -> nw.Expr:
    """The value of the change that was the last at this time."""
    steps = [(time >= change).cast(nw.Int64) * (value - before) for (change, _), value, before in zip(changes[1:], values[1:], values[:-1], strict=True)]
    return reduce(add, steps, nw.lit(values[0]))


def _wait(moment: int, hours: Sequence[tuple[int, int]], period: int) -> int:
    """How long after this time, as the clocks show it, the next of these hours begins; 0 in one."""
    shown = (moment + _EPOCH_IN_WEEK) % period
    if any(first <= shown < last for first, last in hours):
        return 0
    return min((first - shown) % period for first, _ in hours)
