"""When schedules of the simulation run, by the clocks of a zone."""

from __future__ import annotations

from assurance.year.calendars import DAY, HOUR, Calendar, Every, instant, moment
from tests.tables import each


@each(
    ("calendar", "start", "days", "expected"),
    [
        (Calendar(Every.DAY, 2, 30, "Europe/Berlin"), "2026-03-28", 3, ["28 01:30", "30 00:30"]),  # clocks skip 02:30
        (Calendar(Every.DAY, 2, 30, "Europe/Berlin"), "2026-10-24", 3, ["24 00:30", "25 00:30", "26 01:30"]),  # and come to it twice
        (Calendar(Every.DAY, 23, 0, "America/New_York"), "2026-10-31", 3, ["31 03:00", "01 03:00", "02 04:00"]),
        (Calendar(Every.WEEK, 4, 5, "Australia/Sydney"), "2026-04-01", 14, ["04 18:05", "11 18:05"]),
        (Calendar(Every.MONTH, 0, 0, "Etc/UTC"), "2026-01-15", 60, ["01 00:00", "01 00:00"]),
    ],
)
def test_a_schedule_runs_by_the_clocks_of_its_zone(calendar: Calendar, start: str, days: int, expected: list[str]) -> None:
    first = instant(f"{start}T00:00:00+00:00")
    assert [f"{moment(run):%d %H:%M}" for run in calendar.moments(first, first + days * DAY)] == expected


def test_an_hourly_schedule_runs_once_in_the_hour_that_comes_twice() -> None:
    first = instant("2026-10-25T00:00:00+00:00")
    runs = Calendar(Every.HOUR, 0, 15, "Europe/Berlin").moments(first, first + 4 * HOUR)
    assert [f"{moment(run):%H:%M}" for run in runs] == ["00:15", "02:15", "03:15"]
