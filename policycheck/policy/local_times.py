"""Days of the week and times of day in a time zone: what the operator `local_time` compares a time with.

on Saturday or Sunday in Europe/Berlin
between 08:00 and 18:00 in Europe/Berlin
on Monday to Friday after 18:00 in America/New_York

Hours begin at the first minute and end before the last one, so that 18:00 is not between 08:00 and 18:00. The zone is required: a day without one is another
day in each office.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from policycheck.policy.literals import BadValue
from policycheck.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, tzinfo

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = tuple(range(len(DAYS)))
DAY_MINUTES = 24 * 60
WEEK_MINUTES = len(DAYS) * DAY_MINUTES
EXAMPLE = "on Saturday or Sunday in Europe/Berlin"
_OFFSET = re.compile(r"(?:utc|gmt)?\s*[+-]\s*\d{1,2}(?::?\d\d)?", re.IGNORECASE)
_MACHINE_ZONES = ("localtime", "posixrules", "Factory", "posix/", "right/")
"""Names of files beside the zones: the machine's own zone, and clocks that count leap seconds."""

_TIME = r"\d{1,2}:\d{2}"
_TEXT = re.compile(
    rf"(?:on\s+(?P<days>\S+(?:\s+(?:or|to)\s+\S+)*?)\s+)?"
    rf"(?:between\s+(?P<start>{_TIME})\s+and\s+(?P<end>{_TIME})\s+|before\s+(?P<before>{_TIME})\s+|after\s+(?P<after>{_TIME})\s+)?"
    r"in\s+(?P<zone>\S+)",
    re.ASCII,
)
_NO_ZONE = re.compile(r"(?:on|between|before|after)\s+(?:(?!\sin\s).)+", re.ASCII)


class LocalTime(Struct, frozen=True):
    """Hours of some days of the week, by the clocks of one time zone."""

    zone: str
    """The name of the tz database."""
    days: tuple[int, ...] = EVERY_DAY
    """0 is Monday; on which the hours begin."""
    start: int = 0
    """Minutes of the day,"""
    end: int = DAY_MINUTES
    """and the minute before which they end; where it is not after the start, on the next day."""

    def __str__(self) -> str:
        return " ".join(filter(None, [self._spell_days(), self._spell_hours(), f"in {self.zone}"]))

    def _spell_days(self) -> str:
        if self.days == EVERY_DAY:
            return ""
        first, last = self.days[0], self.days[-1]
        if len(self.days) > 2 and last - first + 1 == len(self.days):
            return f"on {DAYS[first]} to {DAYS[last]}"
        return f"on {' or '.join(DAYS[day] for day in self.days)}"

    def _spell_hours(self) -> str:
        if (self.start, self.end) == (0, DAY_MINUTES):
            return ""
        if self.start == 0:
            return f"before {_spell_minutes(self.end)}"
        return f"after {_spell_minutes(self.start)}" if self.end == DAY_MINUTES else f"between {_spell_minutes(self.start)} and {_spell_minutes(self.end)}"

    def holds(self, moment: datetime) -> bool:
        """Whether an aware time lies in these hours."""
        local = moment.astimezone(find_zone(self.zone))
        minute = (local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute) % self.period
        return any(first <= minute < last for first, last in self.spans())

    def mutants(self) -> Iterator[LocalTime]:
        """What a mutation makes of it: a day less or no days, and hours that begin later, end earlier or are left out."""
        whole = (self.start, self.end) == (0, DAY_MINUTES)
        if self.days != EVERY_DAY:
            if len(self.days) > 1:
                yield from (replace(self, days=tuple(day for day in self.days if day != left)) for left in self.days)
            if not whole:
                yield replace(self, days=EVERY_DAY)
                yield replace(self, start=0, end=DAY_MINUTES)
        later, earlier = self.start + 60, self.end - 60
        may_wrap = self.days == EVERY_DAY
        if self.start and later < DAY_MINUTES and later != self.end and (may_wrap or later < self.end):
            yield replace(self, start=later)
        if self.end != DAY_MINUTES and earlier > 0 and earlier != self.start and (may_wrap or earlier > self.start):
            yield replace(self, end=earlier)

    @property
    def period(self) -> int:
        """After how many minutes the hours come again: a day, or a week."""
        return DAY_MINUTES if self.days == EVERY_DAY else WEEK_MINUTES

    def spans(self) -> tuple[tuple[int, int], ...]:
        """The minutes of its period that it holds, from 00:00, or Monday 00:00: (first, the one after the last), in order, none touching another."""
        if self.days == EVERY_DAY:
            return ((self.start, self.end),) if self.start < self.end else ((0, self.end), (self.start, DAY_MINUTES))
        found: list[tuple[int, int]] = []
        for day in self.days:
            start, end = day * DAY_MINUTES + self.start, day * DAY_MINUTES + self.end
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, end))
        return tuple(found)


def _spell_minutes(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@cache
def parse_local_time(text: str) -> LocalTime:
    """What `on Saturday or Sunday in Europe/Berlin` means; raises BadValue."""
    match = _TEXT.fullmatch(" ".join(text.split()))
    if match is None or (match["days"] is None and match["start"] is None and match["before"] is None and match["after"] is None):
        if _NO_ZONE.fullmatch(text):
            raise BadValue("a day or a time of day requires a time zone", "Add it at the end: in Europe/Berlin, or in UTC.")
        raise BadValue("is not a day or time of day in a time zone", f"Write: {EXAMPLE}, or between 08:00 and 18:00 in UTC.", predicate=True)
    days = EVERY_DAY if match["days"] is None else _parse_days(match["days"])
    start, end = 0, DAY_MINUTES
    if match["start"] is not None:
        start, end = _parse_minutes(match["start"]), _parse_minutes(match["end"])
    elif match["before"] is not None:
        end = _parse_minutes(match["before"])
    elif match["after"] is not None:
        start = _parse_minutes(match["after"])
    if start in {DAY_MINUTES, end} or end == 0:
        raise BadValue("these hours contain no time of day", "The second time is excluded; 24:00 is the end of a day: between 22:00 and 24:00.")
    hours_said = any(match[name] is not None for name in ("start", "before", "after"))
    if hours_said and (start, end) == (0, DAY_MINUTES):
        raise BadValue("these hours are the whole day", "Omit them, or change them.")
    if match["days"] is not None and end < start:
        # The hours after midnight could be those of the named day, or of the next one.
        raise BadValue("these hours continue into the next day", "With days, write two rules: one until 24:00, and one for the hours after midnight.")
    find_zone(match["zone"])
    return LocalTime(match["zone"], days, start, end)


def spell_local_time(text: str) -> str:
    """As sentences write it; what cannot be read, or holds a parameter, stands as it is written."""
    try:
        return str(parse_local_time(text))
    except BadValue:
        return text


def _parse_days(text: str) -> tuple[int, ...]:
    first, *rest = text.split()
    days, words = [_parse_day(first)], rest
    while words:
        joiner, day = words[0], _parse_day(words[1])
        if joiner == "to":
            days += [(days[-1] + step) % len(DAYS) for step in range(1, (day - days[-1]) % len(DAYS) + 1)]
        else:
            days.append(day)
        words = words[2:]
    found = tuple(sorted(set(days)))
    if found == EVERY_DAY:
        raise BadValue("these are all days of the week", "Omit the days, or name fewer.")
    return found


def _parse_day(word: str) -> int:
    folded = word.capitalize()
    if folded not in DAYS:
        raise BadValue(f"{clean_line(word)} is not a day of the week", f"The days are {', '.join(DAYS)}.")
    return DAYS.index(folded)


def _parse_minutes(text: str) -> int:
    hours, minutes = map(int, text.split(":"))
    found = hours * 60 + minutes
    if minutes > 59 or found > DAY_MINUTES:
        raise BadValue(f"{text} is not a time of day", "Times of day are from 00:00 to 24:00.")
    return found


@cache
def find_zone(name: str) -> tzinfo:
    """The time zone of that name in the tz database; raises BadValue."""
    from datetime import UTC
    from difflib import get_close_matches
    from zoneinfo import ZoneInfo

    if name == "UTC":
        return UTC
    if not name.startswith(_MACHINE_ZONES):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            # KeyError: not found. ValueError: a path outside the data, or no zone in the file. OSError: a directory (`America`), a name too long.
            pass
    if not _zone_names():
        raise BadValue("this machine has no time zone data", "Install the tzdata package.")
    if _OFFSET.fullmatch(name):
        raise BadValue(f"{clean_line(name)} is not a time zone", "Name a place that keeps this time, such as Europe/Berlin or America/New_York.")
    folded = {zone.lower(): zone for zone in _zone_names() if not zone.startswith(_MACHINE_ZONES)}
    near = next((folded[zone] for zone in get_close_matches(name.lower(), folded, n=1, cutoff=0.7)), "")
    raise BadValue(f"{clean_line(name)} is not a time zone", f"Did you mean {near}?" if near else "Use a name such as Europe/Berlin, America/New_York or UTC.")


@cache
def _zone_names() -> frozenset[str]:
    from zoneinfo import available_timezones

    return frozenset(available_timezones())
