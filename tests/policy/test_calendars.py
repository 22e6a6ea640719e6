"""Days, weeks and months of a zone: where they begin and end, and which are over."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import strategies as st

from policycheck.policy.calendars import CalendarUnit, UnknownZone, end_of_period, find_zone, longest_reach, past_periods, shortest_reach
from policycheck.records import iso, micros, moment
from tests.properties import examples


def at(text: str) -> int:
    return micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("unit", "count", "zone", "as_of", "names", "start", "end"),
    [
        ("days", 2, "UTC", "2026-11-20T06:00", "2026-11-18 2026-11-19", "2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("days", 1, "UTC", "2026-11-20T00:00", "2026-11-19", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("days", 1, "UTC", "2026-11-19T23:59:59.999999", "2026-11-18", "2026-11-18T00:00:00Z", "2026-11-19T00:00:00Z"),
        # Summer time: a day of 23 hours, and one of 25.
        ("days", 1, "Europe/Berlin", "2026-03-30T06:00", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
        ("days", 1, "Europe/Berlin", "2026-10-26T06:00", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        # The clock skips midnight: the day begins at one.
        ("days", 1, "America/Sao_Paulo", "2018-11-05T12:00", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"),
        ("days", 1, "Pacific/Kiritimati", "2026-11-20T10:00", "2026-11-20", "2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z"),
        # ISO weeks begin on Monday; the first of a year may begin in December.
        ("weeks", 2, "UTC", "2026-01-09T12:00", "2025-W52 2026-W01", "2025-12-22T00:00:00Z", "2026-01-05T00:00:00Z"),
        ("months", 3, "UTC", "2026-02-28T12:00", "2025-11 2025-12 2026-01", "2025-11-01T00:00:00Z", "2026-02-01T00:00:00Z"),
    ],
)
def test_periods_that_are_over(unit: str, count: int, zone: str, as_of: str, names: str, start: str, end: str) -> None:
    periods = past_periods(CalendarUnit(unit), count, zone, at(as_of))
    assert (" ".join(period.name for period in periods), iso(moment(periods[0].start)), iso(moment(periods[-1].end))) == (names, start, end)


def test_the_period_some_after_the_one_of_a_moment_ends() -> None:
    assert iso(moment(end_of_period(CalendarUnit.DAYS, "Europe/Berlin", at("2026-10-24T23:00"), 0))) == "2026-10-25T23:00:00Z"
    assert iso(moment(end_of_period(CalendarUnit.MONTHS, "UTC", at("2026-11-20T06:00"), 2))) == "2027-02-01T00:00:00Z"


@pytest.mark.parametrize("name", ["", "Berlin", "Mars/Olympus", "localtime", "../UTC", "America"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZone):
        find_zone(name)


@examples(
    st.sampled_from(CalendarUnit),
    st.integers(1, 40),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Beirut", "Africa/Cairo"]),
    st.datetimes(datetime(2019, 1, 16), datetime(2040, 1, 1)),
    few=30,
    many=2000,
)
def test_periods_follow_each_other_and_are_as_long_as_told(unit: CalendarUnit, count: int, zone: str, as_of: datetime) -> None:
    now = micros(as_of.replace(tzinfo=UTC))
    periods = past_periods(unit, count, zone, now)
    assert len(periods) == count
    assert all(one.end == other.start and one.start < one.end for one, other in pairwise(periods))
    assert shortest_reach(unit, count) <= now - periods[0].start <= longest_reach(unit, count)
    assert periods[-1].end <= now < end_of_period(unit, zone, now, 0)
    # A moment is of the day that the zone's own clock shows.
    middle = moment(periods[0].start + (periods[0].end - periods[0].start) // 2).astimezone(find_zone(zone))
    if unit is CalendarUnit.DAYS:
        assert middle.date().isoformat() == periods[0].name
    assert moment(periods[0].end - 1).astimezone(find_zone(zone)).date() < moment(periods[0].end).astimezone(find_zone(zone)).date()
