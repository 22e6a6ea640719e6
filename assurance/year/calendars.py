"""When schedules run, told from the clocks of a time zone. It knows nothing of the engine's reading of cron expressions, which it is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
"""Microseconds, the unit of every time here."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def instant(text: str) -> int:
    """Microseconds since 1970 of an ISO time with an offset."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The same as a time in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


class Every(Enum):
    """How often a schedule runs."""

    HOUR = "hourly"
    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


@dataclass(frozen=True)
class Calendar:
    """A schedule by the clocks of a zone."""

    every: Every
    hour: int
    minute: int
    zone: str
    weekday: int = 6
    """Of a weekly one; Monday is 0."""

    @property
    def cron(self) -> str:
        """The schedule as AWS writes it."""
        match self.every:
            case Every.HOUR:
                return f"cron({self.minute} * * * ? *)"
            case Every.DAY:
                return f"cron({self.minute} {self.hour} * * ? *)"
            case Every.WEEK:
                return f"cron({self.minute} {self.hour} ? * {_WEEKDAYS[self.weekday]} *)"
            case Every.MONTH:
                return f"cron({self.minute} {self.hour} 1 * ? *)"

    def moments(self, start: int, end: int) -> list[int]:
        """The runs from `start` on and before `end`, in order."""
        first, last = moment(start).date() - timedelta(days=2), moment(end).date() + timedelta(days=2)
        return sorted({found for day in _days(first, last) for found in _of_day(self, day) if start <= found < end})


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)


@cache
def _of_day(calendar: Calendar, day: date) -> tuple[int, ...]:
    if (calendar.every is Every.WEEK and day.weekday() != calendar.weekday) or (calendar.every is Every.MONTH and day.day != 1):
        return ()
    hours = range(24) if calendar.every is Every.HOUR else (calendar.hour,)
    found = (_local(day, hour, calendar.minute, calendar.zone) for hour in hours)
    return tuple(one for one in found if one is not None)


def _local(day: date, hour: int, minute: int, zone: str) -> int | None:
    """The instant of a local time: the first of two where clocks go back; none where they skip it."""
    clock = ZoneInfo(zone)
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=clock)
    back = local.astimezone(UTC).astimezone(clock)
    if (back.hour, back.minute) != (hour, minute):
        return None
    return (local.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
