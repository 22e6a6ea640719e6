"""Calendar days, ISO weeks and months of a time zone: which are over at a moment, and when each began and ended.

A period begins at midnight of its first day in its zone. Where the clock skips midnight, that is the moment at which it is put forward; where midnight comes
twice, it is the first. Offsets are Python's (zoneinfo), whatever an engine knows of time zones.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from policycheck.units import DAY, HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MACHINE_ZONES = ("localtime", "posixrules", "posix/", "right/")
"""Names of files beside the zones: the machine's own zone, and clocks that count leap seconds."""
MOST_PERIODS = 400
UTC_ZONE = "UTC"
"""The zone of a rule that names none."""


class CalendarUnit(StrEnum):
    """The units of a calendar; the words of the structured form and of sentences. A week is an ISO week, from Monday on."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"

    @property
    def one(self) -> str:
        return self.value[:-1]


_SHORTEST = {CalendarUnit.DAYS: DAY, CalendarUnit.WEEKS: 7 * DAY, CalendarUnit.MONTHS: 28 * DAY}
_LONGEST = {CalendarUnit.DAYS: DAY, CalendarUnit.WEEKS: 7 * DAY, CalendarUnit.MONTHS: 31 * DAY}


class UnknownZone(ValueError):
    """A name that is no time zone here: none is known if `without_data`."""

    def __init__(self, *, without_data: bool) -> None:
        self.without_data = without_data
        super().__init__(NO_ZONE_DATA if without_data else "no time zone known here")


NO_ZONE_DATA = "this machine has no time zone data: install the tzdata package"


class Period(NamedTuple):
    """A day, week or month: from its start, microseconds, to its end, which is the start of the next."""

    start: int
    end: int
    name: str
    """2026-11-20, 2026-W47 or 2026-11."""


def find_zone(name: str) -> tzinfo:
    """The time zone of a name; raises UnknownZone."""
    if name in {"UTC", "Etc/UTC"}:
        return UTC
    from zoneinfo import ZoneInfo

    if not name.startswith(_MACHINE_ZONES):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            # KeyError: not found. ValueError: a path outside the data, or no zone in the file. OSError: a directory (`America`), a name too long.
            pass
    raise UnknownZone(without_data=not _has_zones())


def _has_zones() -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo("Etc/UTC")
    except (KeyError, OSError):
        return False
    return True


@cache
def zone_names() -> tuple[str, ...]:
    """Every time zone known here, sorted."""
    from zoneinfo import available_timezones

    return tuple(sorted(available_timezones()))


def shortest_reach(unit: CalendarUnit, count: int) -> int:
    """Microseconds that so many past periods reach back at least."""
    return count * _SHORTEST[unit] - HOUR


def longest_reach(unit: CalendarUnit, count: int) -> int:
    """Microseconds that so many past periods, and the one that runs, reach back at most."""
    return (count + 1) * _LONGEST[unit] + HOUR


@lru_cache(maxsize=1000)
def past_periods(unit: CalendarUnit, count: int, zone: str, as_of: int) -> tuple[Period, ...]:
    """The last periods that are over at a moment (microseconds), the oldest first. The one that runs is not among them."""
    local = find_zone(zone)
    today = (_EPOCH + timedelta(microseconds=as_of)).astimezone(local).date()
    return tuple(_period(unit, _moved(unit, _first_day(unit, today), -back), local) for back in range(count, 0, -1))


def end_of_period(unit: CalendarUnit, zone: str, moment: int, later: int) -> int:
    """When the period ends that is so many after the one of a moment."""
    local = find_zone(zone)
    day = (_EPOCH + timedelta(microseconds=moment)).astimezone(local).date()
    return _period(unit, _moved(unit, _first_day(unit, day), later), local).end


def _first_day(unit: CalendarUnit, day: date) -> date:
    match unit:
        case CalendarUnit.DAYS:
            return day
        case CalendarUnit.WEEKS:
            return day - timedelta(days=day.weekday())
        case CalendarUnit.MONTHS:
            return day.replace(day=1)


def _moved(unit: CalendarUnit, first: date, by: int) -> date:
    """The first day of the period so many later."""
    match unit:
        case CalendarUnit.DAYS:
            return first + timedelta(days=by)
        case CalendarUnit.WEEKS:
            return first + timedelta(weeks=by)
        case CalendarUnit.MONTHS:
            months = first.year * 12 + first.month - 1 + by
            return date(months // 12, months % 12 + 1, 1)


def _period(unit: CalendarUnit, first: date, zone: tzinfo) -> Period:
    return Period(_midnight(first, zone), _midnight(_moved(unit, first, 1), zone), _name(unit, first))


def _midnight(day: date, zone: tzinfo) -> int:
    return (datetime.combine(day, time(), zone).astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


def _name(unit: CalendarUnit, first: date) -> str:
    match unit:
        case CalendarUnit.DAYS:
            return first.isoformat()
        case CalendarUnit.WEEKS:
            year, week, _ = first.isocalendar()
            return f"{year}-W{week:02}"
        case CalendarUnit.MONTHS:
            return f"{first:%Y-%m}"
