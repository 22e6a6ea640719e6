"""AWS cron expressions, and the runs they promise: six fields, Quartz's dialect as AWS writes it, read in a time zone.

Sources: "Cron expressions reference" of the Amazon EventBridge User Guide (fields, wildcards, limits, examples), to which AWS Backup's API refers for
`ScheduleExpression`; "Schedule types" of the EventBridge Scheduler User Guide (daylight saving time). What they leave open, and what its readers take
in two ways, is refused with a `ScheduleError`, so that no run is expected, and none is excused, on a guess.

No library is used: the general ones read weekday 2 as TUE, and those written for AWS's dialect know UTC only, fail on `LW`, and find no run at all where
the day of week is `L`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import assert_never

from policycheck.policy.calendars import UnknownZone, find_zone
from policycheck.text import clean_line, truncate
from policycheck.units import DAY, MINUTE

MAX_RUNS = 1_000_000
"""More runs than this are not computed; a run an hour, the most AWS Backup does, makes as many in 114 years."""

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)

_WRAPPED = re.compile(r"cron\(([^()]*)\)", re.IGNORECASE)
_VALUES = re.compile(r"(?P<first>\*|[0-9]{1,4}|[A-Z]{3})(?:-(?P<last>[0-9]{1,4}|[A-Z]{3}))?(?:/(?P<step>[0-9]{1,4}))?")
_NEAREST = re.compile(r"([0-9]{1,4})W")
_LAST = re.compile(r"([0-9]{1,4}|[A-Z]{3})L")
_NTH = re.compile(r"([0-9]{1,4}|[A-Z]{3})#([0-9]{1,4})")


class ScheduleError(ValueError):
    """The runs of a schedule cannot be computed; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class DaysOfMonth:
    """These days of a month, where it has them."""

    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class NearestWeekday:
    """`15W`: the day from Monday to Friday that is nearest to this one, in the same month; none where the month lacks this day."""

    day: int


@dataclass(frozen=True, slots=True)
class LastDay:
    """`L`: the last day of a month; `LW`: its last from Monday to Friday."""

    weekday: bool


@dataclass(frozen=True, slots=True)
class DaysOfWeek:
    """These days of every week, as AWS counts them: 1 is SUN, 7 is SAT."""

    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class NthOfMonth:
    """`3#2`: the second TUE of a month; `6L` (None): its last FRI."""

    weekday: int
    number: int | None


Days = DaysOfMonth | NearestWeekday | LastDay | DaysOfWeek | NthOfMonth
"""What one value of the day of month or the day of week names."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A cron expression that was read. A run is due at each of `hours` and `minutes` of each day that any of `days` names in `months` and `years`."""

    expression: str
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[Days, ...]
    months: frozenset[int]
    years: frozenset[int]

    def days_in(self, year: int, month: int) -> list[int]:
        """The days of this month on which runs are due, in order."""
        if year not in self.years or month not in self.months:
            return []
        return sorted({day for days in self.days for day in _days_in(days, year, month)})


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field of the expression may hold. `names` are those of its values from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    wraps: bool = True
    steps: bool = True

    @property
    def size(self) -> int:
        return self.high - self.low + 1


_MINUTES = _Field("minutes", 0, 59)
_HOURS = _Field("hours", 0, 23)
_DAYS_OF_MONTH = _Field("day of month", 1, 31)
_MONTHS = _Field("month", 1, 12, tuple("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()))
_DAYS_OF_WEEK = _Field("day of week", 1, 7, tuple("SUN MON TUE WED THU FRI SAT".split()), steps=False)
_YEARS = _Field("year", 1970, 2199, wraps=False)


def parse_schedule(expression: str) -> Schedule:
    """Read a cron expression as AWS does: minutes, hours, day of month, month, day of week, year.

    The fields may stand in `cron(...)` or alone: AWS Backup's API reference writes both (`cron(0 5 ? * * *)`, `15 * ? * * *`). Names may be in any case.
    `rate(...)` is refused: AWS Backup documents cron expressions only, and a rate counts from a start that no job tells.

    Raises:
        ScheduleError: it is no cron expression of AWS's, AWS does not say what it means, or no date can ever match it.
    """
    words = _split(expression)
    minutes, hours, month, year = (
        frozenset().union(*(_values(term, field) for term in word.split(",")))
        for word, field in ((words[0], _MINUTES), (words[1], _HOURS), (words[3], _MONTHS), (words[5], _YEARS))
    )
    schedule = Schedule(
        expression=expression,
        minutes=tuple(sorted(minutes)),
        hours=tuple(sorted(hours)),
        days=_days(words[2], words[4]),
        months=month,
        years=year,
    )
    if not any(schedule.days_in(y, m) for y in sorted(year) for m in sorted(month)):
        raise ScheduleError(f"{_quote(expression)} names no date that exists")
    return schedule


def expected_runs(schedule: Schedule, timezone: str | None, start: int, end: int) -> list[int]:
    """The moments at which the schedule starts runs, from `start` to `end`, both included, in order.

    As EventBridge Scheduler documents it, a local time that the change to daylight saving time skips has no run, and one that the change back repeats
    has one, the first time round.

    Args:
        timezone: an IANA name, as in `CreatedBy.BackupRuleTimezone`; None is UTC.
        start: microseconds since 1970-01-01 UTC, like `end` and the result.

    Raises:
        ScheduleError: the time zone is not known on this machine, or there are more than `MAX_RUNS` runs.
    """
    zone = _find_zone(timezone)
    runs: list[int] = []
    for day in _local_days(schedule, start, end):
        runs.extend(run for run in _runs_on(schedule, zone, day) if start <= run <= end)
        if len(runs) > MAX_RUNS:
            raise ScheduleError(f"{_quote(schedule.expression)} has more than {MAX_RUNS:,} runs in this time")
    return runs


def _local_days(schedule: Schedule, start: int, end: int) -> Iterator[date]:
    """The days of the schedule, in local time, whose runs can lie between two moments."""
    # No local time is a whole day away from UTC.
    first, last = (date(1970, 1, 1).toordinal() + moment // DAY + margin for moment, margin in ((start, -1), (end, 1)))
    earliest = date.fromordinal(min(max(first, date(_YEARS.low, 1, 1).toordinal()), date.max.toordinal()))
    latest = date.fromordinal(max(min(last, date(_YEARS.high, 12, 31).toordinal()), 1))
    for year in range(earliest.year, latest.year + 1):
        for month in range(1, 13):
            for day in schedule.days_in(year, month):
                if earliest <= (found := date(year, month, day)) <= latest:
                    yield found


def _runs_on(schedule: Schedule, zone: tzinfo, day: date) -> Iterator[int]:
    for hour in schedule.hours:
        begin = datetime(day.year, day.month, day.day, hour)
        offset = begin.replace(tzinfo=zone).utcoffset()
        # Where no clock changes in the hour, one offset holds for all of it: looking at each minute costs twenty times as much.
        if offset == begin.replace(minute=59, fold=1, tzinfo=zone).utcoffset():
            base = (begin - (offset or timedelta()) - _EPOCH) // _MICROSECOND
            yield from (base + minute * MINUTE for minute in schedule.minutes)
        else:
            yield from (run for minute in schedule.minutes if (run := _moment(begin.replace(minute=minute), zone)) is not None)


def _moment(local: datetime, zone: tzinfo) -> int | None:
    """When a local time comes first; None where the clock skips it, which shows in its not coming back from UTC."""
    utc = local.replace(tzinfo=zone).astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != local:
        return None
    return (utc.replace(tzinfo=None) - _EPOCH) // _MICROSECOND


def _find_zone(name: str | None) -> tzinfo:
    try:
        return UTC if name is None else find_zone(name)
    except UnknownZone as error:
        raise ScheduleError(str(error) if error.without_data else f"{_quote(name or '')} is {error}") from None


def _days_in(days: Days, year: int, month: int) -> Iterator[int]:
    weekday_of_first, length = monthrange(year, month)  # Monday is 0
    match days:
        case DaysOfMonth(named):
            yield from (day for day in named if day <= length)
        case NearestWeekday(day):
            if day <= length:
                yield _nearest_weekday(day, weekday_of_first, length)
        case LastDay(weekday):
            yield _nearest_weekday(length, weekday_of_first, length) if weekday else length
        case DaysOfWeek(named):
            yield from (day for day in range(1, length + 1) if _aws_weekday(day, weekday_of_first) in named)
        case NthOfMonth(weekday, number):
            found = [day for day in range(1, length + 1) if _aws_weekday(day, weekday_of_first) == weekday]
            if number is None:
                yield found[-1]
            elif number <= len(found):
                yield found[number - 1]
        case _:
            assert_never(days)


def _aws_weekday(day: int, weekday_of_first: int) -> int:
    return (weekday_of_first + day) % 7 + 1


def _nearest_weekday(day: int, weekday_of_first: int, length: int) -> int:
    match _aws_weekday(day, weekday_of_first):
        case 7:
            return day - 1 if day > 1 else day + 2
        case 1:
            return day + 1 if day < length else day - 2
        case _:
            return day


def _split(expression: str) -> list[str]:
    """The six fields, in upper case."""
    text = expression.strip()
    if text[:5].lower() == "rate(":
        raise ScheduleError(f"{_quote(expression)} is a rate; AWS Backup documents only cron expressions, and a rate has no known start")
    wrapped = _WRAPPED.fullmatch(text)
    words = (wrapped[1] if wrapped else text).upper().split()
    if len(words) != 6 or not text.isascii():
        raise ScheduleError(f"{_quote(expression)} is not a cron expression of six fields: minutes, hours, day of month, month, day of week, year")
    if listed := next((word for word in words if "," in word and any(term.startswith("*") for term in word.split(","))), None):
        raise ScheduleError(f"{_quote(listed)} has * in a list, which AWS does not document")
    return words


def _values(term: str, field: _Field) -> frozenset[int]:
    """The values of `5`, `MON`, `1-5`, `*`, `0/15`, `8-17/2`; a range may run past the end of the field (`20-2`, `FRI-MON`)."""
    parts = _VALUES.fullmatch(term)
    if parts is None or (parts["first"] == "*" and parts["last"] is not None):
        raise _refuse(term, field)
    if parts["step"] is not None and not field.steps:
        raise ScheduleError(f"{_quote(term)} in the field {field.name} has a step; AWS lists none there")
    first = field.low if parts["first"] == "*" else _value(parts["first"], field)
    last = first if parts["step"] is None and parts["first"] != "*" else field.high
    if parts["last"] is not None:
        last = _value(parts["last"], field)
    if last < first and not field.wraps:
        raise ScheduleError(f"the {field.name} {_quote(term)} runs backwards")
    step = int(parts["step"] or 1)
    if not 1 <= step <= field.size:
        raise ScheduleError(f"{_quote(term)} in the field {field.name} has a step outside 1 to {field.size}")
    distance = (last - first) % field.size
    return frozenset(field.low + (first - field.low + ahead) % field.size for ahead in range(0, distance + 1, step))


def _value(word: str, field: _Field) -> int:
    if word in field.names:
        return field.low + field.names.index(word)
    if not word.isdecimal() or not field.low <= (value := int(word)) <= field.high:
        raise _refuse(word, field)
    return value


def _days(of_month: str, of_week: str) -> tuple[Days, ...]:
    if (of_month == "?") == (of_week == "?"):
        raise ScheduleError(f"one of day of month ({_quote(of_month)}) and day of week ({_quote(of_week)}) must be ?, and only one")
    if of_week == "?":
        return tuple(_parse_day_of_month(term) for term in of_month.split(","))
    terms = of_week.split(",")
    if "#" in of_week and len(terms) > 1:
        raise ScheduleError(f"the day of week {_quote(of_week)} has more than one value; beside # AWS takes no other")
    return tuple(_parse_day_of_week(term) for term in terms)


def _parse_day_of_month(term: str) -> Days:
    if term in {"L", "LW"}:
        return LastDay(weekday=term == "LW")
    if nearest := _NEAREST.fullmatch(term):
        return NearestWeekday(_value(nearest[1], _DAYS_OF_MONTH))
    if term.startswith("L-"):
        raise ScheduleError(f"AWS does not document the day of month {_quote(term)}, which schedulers interpret in two ways")
    return DaysOfMonth(_values(term, _DAYS_OF_MONTH))


def _parse_day_of_week(term: str) -> Days:
    if term == "L":
        return DaysOfWeek(frozenset({7}))
    if last := _LAST.fullmatch(term):
        return NthOfMonth(_value(last[1], _DAYS_OF_WEEK), None)
    if nth := _NTH.fullmatch(term):
        number = int(nth[2])
        if not 1 <= number <= 5:
            raise ScheduleError(f"the day of week {_quote(term)} has a number outside 1 to 5 after #")
        return NthOfMonth(_value(nth[1], _DAYS_OF_WEEK), number)
    return DaysOfWeek(_values(term, _DAYS_OF_WEEK))


def _refuse(word: str, field: _Field) -> ScheduleError:
    names = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
    return ScheduleError(f"{_quote(word)} does not fit the field {field.name}: {field.low} to {field.high}{names}")


def _quote(text: str) -> str:
    return f'"{truncate(clean_line(text), 80)}"'
