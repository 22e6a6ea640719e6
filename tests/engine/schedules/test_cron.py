"""AWS cron expressions: AWS's own examples, every wildcard, what is refused, daylight saving time, and an oracle that asks each minute."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
from hypothesis import assume
from hypothesis import strategies as st

from policycheck.engine.schedules.cron import ScheduleError, expected_runs, parse_schedule
from policycheck.text import clean_line
from tests.properties import examples
from tests.tables import each

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
NEW_YORK = "America/New_York"


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def utc(text: str) -> int:
    """Microseconds of a moment written without a zone, which is UTC."""
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def spell(runs: list[int]) -> list[str]:
    return [(_EPOCH + timedelta(microseconds=run)).strftime("%Y-%m-%dT%H:%M:%S") for run in runs]


def runs(expression: str, start: str, end: str, timezone: str | None = None) -> list[str]:
    return spell(expected_runs(parse_schedule(expression), timezone, utc(start), utc(end)))


def days(expression: str, start: str, end: str) -> list[str]:
    """The dates of runs at 05:00 UTC, month and day."""
    found = runs(expression, f"{start}T00:00", f"{end}T23:59")
    assert all(run.endswith("T05:00:00") for run in found)
    return [run[5:10] for run in found]


# 2026-03-02 is a Monday.
AWS_EXAMPLES = [
    # EventBridge User Guide, "Cron expressions reference", the table of examples.
    ("cron(0 10 * * ? *)", "2026-03-01", "2026-03-02", "03-01T10:00 03-02T10:00"),
    ("cron(15 12 * * ? *)", "2026-03-01", "2026-03-02", "03-01T12:15 03-02T12:15"),
    ("cron(0 18 ? * MON-FRI *)", "2026-03-01", "2026-03-09", "03-02T18:00 03-03T18:00 03-04T18:00 03-05T18:00 03-06T18:00 03-09T18:00"),
    ("cron(0 8 1 * ? *)", "2026-01-15", "2026-04-15", "02-01T08:00 03-01T08:00 04-01T08:00"),
    # Below it, and in EventBridge Scheduler's User Guide.
    ("cron(0 12 * * ? *)", "2026-03-01", "2026-03-01", "03-01T12:00"),
    ("cron(5,35 14 * * ? *)", "2026-03-01", "2026-03-01", "03-01T14:05 03-01T14:35"),
    ("cron(15 10 ? * 6L 2019-2022)", "2022-10-01", "2023-03-01", "10-28T10:15 11-25T10:15 12-30T10:15"),
    ("cron(15 10 ? * 6L 2022-2023)", "2023-11-01", "2024-03-01", "11-24T10:15 12-29T10:15"),
    # AWS Backup's API reference: the default, and two without the wrapping.
    ("cron(0 5 ? * * *)", "2026-03-01", "2026-03-03", "03-01T05:00 03-02T05:00 03-03T05:00"),
    ("0 12 * * ? *", "2026-03-01", "2026-03-02", "03-01T12:00 03-02T12:00"),
]


@pytest.mark.parametrize(("expression", "first", "last", "expected"), AWS_EXAMPLES)
def test_examples_of_aws_run_when_aws_says(expression: str, first: str, last: str, expected: str) -> None:
    assert [run[5:16] for run in runs(expression, f"{first}T00:00", f"{last}T23:59")] == expected.split()


@pytest.mark.parametrize(
    ("expression", "count", "first", "second", "last"),
    [
        # Monday 2026-03-02 and the day after.
        ("cron(0/15 * * * ? *)", 2 * 96, "03-02T00:00", "03-02T00:15", "03-03T23:45"),
        ("cron(0/10 * ? * MON-FRI *)", 2 * 144, "03-02T00:00", "03-02T00:10", "03-03T23:50"),
        ("cron(0/5 8-17 ? * MON-FRI *)", 2 * 120, "03-02T08:00", "03-02T08:05", "03-03T17:55"),
        ("15 * ? * * *", 2 * 24, "03-02T00:15", "03-02T01:15", "03-03T23:15"),
    ],
)
def test_examples_of_aws_that_run_often(expression: str, count: int, first: str, second: str, last: str) -> None:
    found = [run[5:16] for run in runs(expression, "2026-03-02T00:00", "2026-03-03T23:59")]
    assert (len(found), found[0], found[1], found[-1]) == (count, first, second, last)


def test_hours_past_midnight_are_hours_of_each_day_named() -> None:
    # AWS of 0/30 20-2 ? * MON-FRI *: "... Run from 12:00 am to 2:00 am on Monday morning"; a day has its own hours, Saturday has none.
    found = runs("cron(0/30 20-2 ? * MON-FRI *)", "2026-03-01T00:00", "2026-03-08T23:59")
    night = ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30"]
    evening = ["20:00", "20:30", "21:00", "21:30", "22:00", "22:30", "23:00", "23:30"]
    assert found == [f"2026-03-0{day}T{at}:00" for day in range(2, 7) for at in night + evening]


@each(
    ("fields", "expected"),
    [
        # March 2026: the 1st is a SUN, the 31st a TUE.
        ("? * 1", "03-01 03-08 03-15 03-22 03-29"),
        ("? * 2", "03-02 03-09 03-16 03-23 03-30"),
        ("? * 7", "03-07 03-14 03-21 03-28"),
        ("? * mon", "03-02 03-09 03-16 03-23 03-30"),
        ("? * Sun,WED", "03-01 03-04 03-08 03-11 03-15 03-18 03-22 03-25 03-29"),
        ("? * FRI-MON", "03-01 03-02 03-06 03-07 03-08 03-09 03-13 03-14 03-15 03-16 03-20 03-21 03-22 03-23 03-27 03-28 03-29 03-30"),
        ("? * 6-SUN", "03-01 03-06 03-07 03-08 03-13 03-14 03-15 03-20 03-21 03-22 03-27 03-28 03-29"),
        ("? * L", "03-07 03-14 03-21 03-28"),
        ("? * 6L", "03-27"),
        ("? * friL", "03-27"),
        ("? * 3L", "03-31"),
        ("? * 2L,6L", "03-27 03-30"),
        ("? * 3#2", "03-10"),
        ("? * tue#2", "03-10"),
        ("? * 1#1", "03-01"),
        ("? * 3#5", "03-31"),
        ("? * 4#5", ""),
        ("L * ?", "03-31"),
        ("LW * ?", "03-31"),
        ("15,L * ?", "03-15 03-31"),
        ("1W * ?", "03-02"),
        ("7W * ?", "03-06"),
        ("8W * ?", "03-09"),
        ("10W * ?", "03-10"),
        ("1W,15W * ?", "03-02 03-16"),
        ("31 * ?", "03-31"),
        ("05 * ?", "03-05"),
        ("1,15,15 * ?", "03-01 03-15"),
        ("30-2 * ?", "03-01 03-02 03-30 03-31"),
        ("*/10 * ?", "03-01 03-11 03-21 03-31"),
        ("5/10 * ?", "03-05 03-15 03-25"),
        ("28-4/3 * ?", "03-03 03-28 03-31"),
        ("10 MAR ?", "03-10"),
        ("10 3 ?", "03-10"),
        ("10 Nov-mar ?", "03-10"),
        ("10 1/2 ?", "03-10"),
        ("10 2/2 ?", ""),
        ("10 APR-FEB ?", ""),
    ],
)
def test_days(fields: str, expected: str) -> None:
    assert days(f"cron(0 5 {fields} *)", "2026-03-01", "2026-03-31") == expected.split()


@pytest.mark.parametrize(
    ("fields", "month", "expected"),
    [
        ("1W AUG ?", "2026-08", "08-03"),  # the 1st is a SAT: on, not back into July
        ("31W MAY ?", "2026-05", "05-29"),  # the 31st is a SUN: back, not on into June
        ("LW MAY ?", "2026-05", "05-29"),
        ("LW FEB ?", "2026-02", "02-27"),  # the 28th is a SAT
        ("31W * ?", "2026-04", ""),  # no 31st to be near to
        ("L FEB ?", "2026-02", "02-28"),
        ("L FEB ?", "2028-02", "02-29"),
        ("29 FEB ?", "2028-02", "02-29"),
        ("29 FEB ?", "2026-02", ""),
        ("31 * ?", "2026-04", ""),
    ],
)
def test_days_at_the_edges_of_months(fields: str, month: str, expected: str) -> None:
    found = runs(f"cron(0 5 {fields} *)", f"{month}-01T00:00", "2029-01-01T00:00")
    assert [run[5:10] for run in found if run.startswith(month)] == expected.split()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("1/10 5", "05:01 05:11 05:21 05:31 05:41 05:51"),
        ("*/20 5", "05:00 05:20 05:40"),
        ("0/60 5", "05:00"),
        ("50-10/10 5", "05:00 05:10 05:50"),
        ("5,0-2 5", "05:00 05:01 05:02 05:05"),
        ("0 8-17/4", "08:00 12:00 16:00"),
        ("0 0/8,7", "00:00 07:00 08:00 16:00"),
        ("59 23", "23:59"),
    ],
)
def test_minutes_and_hours(fields: str, expected: str) -> None:
    assert [run[11:16] for run in runs(f"{fields} ? * * *", "2026-03-02T00:00", "2026-03-02T23:59:59")] == expected.split()


@pytest.mark.parametrize(
    ("year", "expected"),
    [("*", [2026, 2027, 2028]), ("2027", [2027]), ("2020-2027", [2026, 2027]), ("2026/2", [2026, 2028]), ("2026,2028", [2026, 2028]), ("2019-2022", [])],
)
def test_years(year: str, expected: list[int]) -> None:
    assert [int(run[:4]) for run in runs(f"0 0 1 JUN ? {year}", "2026-01-01T00:00", "2028-12-31T00:00")] == expected


@pytest.mark.parametrize("expression", ["cron(0 5 ? * MON *)", "0 5 ? * MON *", "  cron( 0  5 ?\t* mon * )  ", "CRON(0 5 ? * Mon *)", "00 05 ? * 2 *"])
def test_spellings_of_one_schedule(expression: str) -> None:
    assert runs(expression, "2026-03-01T00:00", "2026-03-10T00:00") == ["2026-03-02T05:00:00", "2026-03-09T05:00:00"]


@each(
    ("expression", "reason"),
    [
        ("", "six fields"),
        ("cron()", "six fields"),
        ("0 5 * * *", "six fields"),
        ("0 0 5 ? * * *", "six fields"),
        ("cron(0 5 ? * * *", '"CRON\\(0" does not fit the field minutes'),
        ("cron(cron(0 5 ? * * *))", "does not fit"),
        ("daily", "six fields"),
        ("0 5 ? * fr\u0131 *", "six fields"),
        ("\u0660 5 ? * * *", "six fields"),
        ("rate(1 day)", "is a rate"),
        (" Rate(12 hours)", "is a rate"),
        ("at(2026-03-01T00:00:00)", "six fields"),
        ("60 5 ? * * *", '"60" does not fit the field minutes: 0 to 59'),
        ("0 24 ? * * *", "field hours: 0 to 23"),
        ("0 5 0 * ? *", "field day of month: 1 to 31"),
        ("0 5 32 * ? *", "field day of month"),
        ("0 5 ? 0 * *", "field month: 1 to 12 or JAN to DEC"),
        ("0 5 ? 13 * *", "field month"),
        ("0 5 ? MARCH * *", "field month"),
        ("0 5 ? MON * *", "field month"),
        ("0 5 ? * 0 *", "field day of week: 1 to 7 or SUN to SAT"),
        ("0 5 ? * 8 *", "field day of week"),
        ("0 5 ? * MONDAY *", "field day of week"),
        ("0 5 ? * JAN *", "field day of week"),
        ("0 5 ? * * 1969", "field year: 1970 to 2199"),
        ("0 5 ? * * 2200", "field year"),
        ("0 5 ? * * 2027-2026", "backwards"),
        ("0 5 ? * * ?", "field year"),
        ("? 5 ? * * *", "field minutes"),
        ("-5 5 ? * * *", "field minutes"),
        ("/5 5 ? * * *", "field minutes"),
        ("0/0 5 ? * * *", "step outside 1 to 60"),
        ("0/90 5 ? * * *", "step outside 1 to 60"),
        ("0 0/25 ? * * *", "step outside 1 to 24"),
        ("0/5/5 5 ? * * *", "field minutes"),
        ("*-5 5 ? * * *", "field minutes"),
        ("5-* 5 ? * * *", "field minutes"),
        ("1-2-3 5 ? * * *", "field minutes"),
        ("0,,5 5 ? * * *", "field minutes"),
        ("0, 5 ? * * *", "field minutes"),
        ("00000000000000059 5 ? * * *", "field minutes"),
        ("1.5 5 ? * * *", "field minutes"),
        ("L 5 ? * * *", "field minutes"),
        ("0 5 * * * *", "must be \\?, and only one"),
        ("0 5 ? * ? *", "must be \\?, and only one"),
        ("0 5 1 * MON *", "must be \\?, and only one"),
        ("0 5 1,? * ? *", "field day of month"),
        ("0 5 L-3 * ? *", "does not document"),
        ("0 5 ? * 2-6/2 *", "AWS lists none there"),
        ("0 5 ? * */2 *", "AWS lists none there"),
        ("0,* 5 ? * * *", "has \\* in a list"),
        ("0 5 ? * MON,* *", "has \\* in a list"),
        ("0 5 */2,1 * ? *", "has \\* in a list"),
        ("0 5 W * ? *", "field day of month"),
        ("0 5 0W * ? *", "field day of month"),
        ("0 5 32W * ? *", "field day of month"),
        ("0 5 1-5W * ? *", "field day of month"),
        ("0 5 15L * ? *", "field day of month"),
        ("0 5 L/2 * ? *", "field day of month"),
        ("0 5 3#2 * ? *", "field day of month"),
        ("0 5 ? * 3#2,6#3 *", "takes no other"),
        ("0 5 ? * MON,3#2 *", "takes no other"),
        ("0 5 ? * 3#0 *", "outside 1 to 5"),
        ("0 5 ? * 3#6 *", "outside 1 to 5"),
        ("0 5 ? * 8#1 *", "field day of week"),
        ("0 5 ? * 3# *", "field day of week"),
        ("0 5 ? * 8L *", "field day of week"),
        ("0 5 ? * LW *", "field day of week"),
        ("0 5 ? * 2W *", "field day of week"),
        ("0 5 30 FEB ? *", "names no date that exists"),
        ("0 5 31 4,6,9,11 ? *", "names no date that exists"),
        ("0 5 29 2 ? 2026-2027", "names no date that exists"),
        ("0 5 31W 6 ? *", "names no date that exists"),
        ("0 5 ? 2 2#5 2026", "names no date that exists"),
    ],
)
def test_what_aws_does_not_take_or_does_not_explain_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(ScheduleError, match=reason):
        parse_schedule(expression)


def test_a_date_that_comes_seldom_is_a_date() -> None:
    assert runs("0 5 ? FEB MON#5 *", "2026-01-01T00:00", "2060-01-01T00:00") == ["2044-02-29T05:00:00"]
    assert runs("0 5 29 2 ? 2026/2", "2026-01-01T00:00", "2030-01-01T00:00") == ["2028-02-29T05:00:00"]


def test_a_message_is_one_short_clean_line() -> None:
    with pytest.raises(ScheduleError) as refused:
        parse_schedule("\x1b[31m\n0 \u202e5 ? * * *" + "x" * 10_000)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250


class TestDaylightSavingTime:
    """New York goes from 02:00 to 03:00 on 2026-03-08 (UTC-5 to UTC-4) and from 02:00 back to 01:00 on 2026-11-01."""

    def test_a_local_time_keeps_its_place_on_the_clock_across_both_changes(self) -> None:
        assert runs("cron(0 5 ? * * *)", "2026-03-07T00:00", "2026-03-10T00:00", NEW_YORK) == [
            "2026-03-07T10:00:00",
            "2026-03-08T09:00:00",
            "2026-03-09T09:00:00",
        ]
        assert runs("cron(0 5 ? * * *)", "2026-10-31T00:00", "2026-11-03T00:00", NEW_YORK) == [
            "2026-10-31T09:00:00",
            "2026-11-01T10:00:00",
            "2026-11-02T10:00:00",
        ]

    def test_a_skipped_time_is_not_expected(self) -> None:
        assert runs("cron(30 2 ? * * *)", "2026-03-07T00:00", "2026-03-10T00:00", NEW_YORK) == ["2026-03-07T07:30:00", "2026-03-09T06:30:00"]

    def test_the_time_skipped_to_is_expected_once(self) -> None:
        assert runs("cron(0 2,3 ? * * *)", "2026-03-08T05:00", "2026-03-08T23:00", NEW_YORK) == ["2026-03-08T07:00:00"]

    def test_a_time_beside_the_repeated_hour_is_expected_once(self) -> None:
        assert runs("cron(30 2 ? * * *)", "2026-11-01T00:00", "2026-11-02T00:00", NEW_YORK) == ["2026-11-01T07:30:00"]

    def test_a_repeated_time_is_expected_once_the_first_time_round(self) -> None:
        assert runs("cron(30 1 ? * * *)", "2026-10-31T00:00", "2026-11-03T00:00", NEW_YORK) == [
            "2026-10-31T05:30:00",
            "2026-11-01T05:30:00",
            "2026-11-02T06:30:00",
        ]

    def test_the_second_time_round_alone_has_no_run(self) -> None:
        assert runs("cron(30 1 ? * * *)", "2026-11-01T06:00", "2026-11-01T23:00", NEW_YORK) == []

    def test_an_hourly_schedule_has_23_runs_a_day_on_both_changes(self) -> None:
        assert len(runs("cron(0 * ? * * *)", "2026-03-08T05:00", "2026-03-09T03:59", NEW_YORK)) == 23
        # 25 hours on the clock, of which one is a repetition.
        assert len(runs("cron(0 * ? * * *)", "2026-11-01T04:00", "2026-11-02T04:59", NEW_YORK)) == 24

    def test_a_change_of_half_an_hour(self) -> None:
        # Lord Howe Island goes from 02:00 to 02:30 on 2026-10-04 (UTC+10:30 to UTC+11) and from 02:00 back to 01:30 on 2026-04-05.
        assert runs("cron(15,45 1-2 ? * * *)", "2026-10-03T12:00", "2026-10-04T12:00", "Australia/Lord_Howe") == [
            "2026-10-03T14:45:00",
            "2026-10-03T15:15:00",
            "2026-10-03T15:45:00",
        ]
        assert runs("cron(15,45 1-2 ? * * *)", "2026-04-04T12:00", "2026-04-05T12:00", "Australia/Lord_Howe") == [
            "2026-04-04T14:15:00",
            "2026-04-04T14:45:00",
            "2026-04-04T15:45:00",
            "2026-04-04T16:15:00",
        ]

    def test_a_change_within_an_hour(self) -> None:
        # Newfoundland went from 00:01 to 01:01 on 2011-03-13 (UTC-3:30 to UTC-2:30).
        assert runs("cron(0,30 0-1 ? * * *)", "2011-03-13T03:00", "2011-03-13T12:00", "America/St_Johns") == ["2011-03-13T03:30:00", "2011-03-13T04:00:00"]

    def test_a_day_that_a_country_skipped_has_no_run(self) -> None:
        # Samoa crossed the date line: 2011-12-30 did not happen.
        assert runs("cron(0 5 ? * * *)", "2011-12-28T00:00", "2012-01-01T00:00", "Pacific/Apia") == [
            "2011-12-28T15:00:00",
            "2011-12-29T15:00:00",
            "2011-12-30T15:00:00",
            "2011-12-31T15:00:00",
        ]

    def test_the_day_is_the_local_one(self) -> None:
        assert runs("cron(0 5 ? * MON *)", "2026-03-01T00:00", "2026-03-07T00:00", "Pacific/Kiritimati") == ["2026-03-01T15:00:00"]
        assert runs("cron(0 20 L * ? *)", "2026-03-01T00:00", "2026-04-05T00:00", "America/Los_Angeles") == [
            "2026-03-01T04:00:00",
            "2026-04-01T03:00:00",
        ]


@pytest.mark.parametrize("zone", [None, "UTC", "Etc/UTC", "Africa/Abidjan"])
def test_no_time_zone_is_utc(zone: str | None) -> None:
    assert runs("0 5 ? * * *", "2026-07-01T00:00", "2026-07-01T23:00", zone) == ["2026-07-01T05:00:00"]


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "America", "../../etc/passwd", "/etc/localtime", "localtime", "right/UTC", "zone.tab", "a" * 5000, "\x1b[31m"]
)
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ScheduleError, match="is no time zone known here") as refused:
        expected_runs(parse_schedule("0 5 ? * * *"), zone, 0, 1)
    assert len(str(refused.value)) < 200


def test_a_machine_without_time_zones_is_told_apart_and_still_reads_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = parse_schedule("0 5 ? * * *")
    for name in {"tzdata", *(module for module in sys.modules if module.startswith("tzdata."))}:
        monkeypatch.setitem(sys.modules, name, None)
    ZoneInfo.clear_cache()
    reset_tzpath([tmp_path])
    try:
        assert len(expected_runs(schedule, "UTC", utc("2026-07-01T00:00"), utc("2026-07-01T23:00"))) == 1
        with pytest.raises(ScheduleError, match="install the tzdata package"):
            expected_runs(schedule, "Europe/Berlin", 0, 1)
    finally:
        reset_tzpath()
        ZoneInfo.clear_cache()


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-02T05:00:00", "2026-03-03T05:00:00", 2),
        ("2026-03-02T05:00:00.000001", "2026-03-03T05:00:00", 1),
        ("2026-03-02T05:00:00", "2026-03-03T04:59:59.999999", 1),
        ("2026-03-02T05:00:00", "2026-03-02T05:00:00", 1),
        ("2026-03-02T05:00:01", "2026-03-02T05:00:00", 0),
        ("2026-03-03T05:00:00", "2026-03-02T05:00:00", 0),
    ],
)
def test_both_edges_are_in(start: str, end: str, expected: int) -> None:
    assert len(runs("0 5 ? * * *", start, end)) == expected


@pytest.mark.parametrize(("start", "end"), [(-(10**30), -(10**25)), (10**25, 10**30), (0, -1)])
def test_times_no_calendar_reaches_have_no_runs(start: int, end: int) -> None:
    assert expected_runs(parse_schedule("0 5 ? * * *"), NEW_YORK, start, end) == []


def test_times_from_before_1970_to_after_2199_are_cut_to_the_years_of_a_schedule() -> None:
    found = expected_runs(parse_schedule("0 5 1 1 ? *"), None, -(10**30), 10**30)
    assert spell([found[0], found[-1]]) == ["1970-01-01T05:00:00", "2199-01-01T05:00:00"]
    assert len(found) == 230


def test_more_runs_than_anyone_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.engine.schedules.cron.MAX_RUNS", 2_000)
    schedule = parse_schedule("* * ? * * *")
    assert len(expected_runs(schedule, None, 0, 60_000_000 * 1_999)) == 2_000
    with pytest.raises(ScheduleError, match="more than 2,000 runs"):
        expected_runs(schedule, None, 0, 60_000_000 * 2_000)


def test_a_month_of_runs_every_five_minutes_has_all_of_them() -> None:
    schedule = parse_schedule("cron(0/5 * ? * * *)")
    start = utc("2026-03-01T05:00")
    found = expected_runs(schedule, NEW_YORK, start, start + 30 * 86_400_000_000 - 1)
    assert len(found) == 30 * 288


# --- the oracle: every minute of a time in UTC, asked what the local clock shows

_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, names: tuple[str, ...] = ()) -> tuple[str, set[int]]:
    """A field as text, and the values it stands for."""

    def name(value: int) -> str:
        return draw(st.sampled_from([str(value), names[value - low], names[value - low].lower()])) if names else str(value)

    value = st.integers(low, high)
    # AWS lists no / for the day of week.
    shape = draw(st.sampled_from(["*", "one", "list", "range", *(["step", "stepped range"] if high != 7 else [])]))
    first, last, step = draw(value), draw(value), draw(st.integers(1, high - low + 1))
    # A range that runs past the end goes on at the start.
    walked = list(range(first, last + 1)) if first <= last else [*range(first, high + 1), *range(low, last + 1)]
    match shape:
        case "*":
            return "*", set(range(low, high + 1))
        case "one":
            return name(first), {first}
        case "list":
            return f"{name(first)},{name(last)}", {first, last}
        case "range":
            return f"{name(first)}-{name(last)}", set(walked)
        case "step":
            return f"{name(first)}/{step}", set(range(first, high + 1, step))
        case _:
            return f"{name(first)}-{name(last)}/{step}", set(walked[::step])


@st.composite
def schedules(draw: st.DrawFn) -> tuple[str, tuple[set[int], set[int], set[int], set[int], set[int]]]:
    minutes, hours = draw(fields(0, 59)), draw(fields(0, 23))
    # Every month most of the time: two days see little of a single one.
    months = draw(fields(1, 12, tuple(_MONTHS))) if draw(st.integers(0, 3)) == 0 else ("*", set(range(1, 13)))
    if draw(st.integers(0, 2)) == 0:
        of_month, of_week = draw(fields(1, 31)), ("?", set(range(1, 8)))
    else:
        of_month, of_week = ("?", set(range(1, 32))), draw(fields(1, 7, tuple(_WEEKDAYS)))
    text = f"cron({minutes[0]} {hours[0]} {of_month[0]} {months[0]} {of_week[0]} *)"
    return text, (minutes[1], hours[1], of_month[1], months[1], of_week[1])


ZONES = st.sampled_from(["UTC", NEW_YORK, "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"])
# Around changes of the clock in these zones, the turn of a year and of a leap February.
STARTS = st.sampled_from(["2026-03-07", "2026-10-31", "2026-03-28", "2026-10-24", "2026-04-04", "2026-10-03", "2026-12-30", "2028-02-27", "2026-06-14"])


@examples(schedule=schedules(), zone=ZONES, start=STARTS, shift=st.integers(0, 1439), few=12, many=300)
def test_runs_are_the_minutes_at_which_the_local_clock_shows_them(
    schedule: tuple[str, tuple[set[int], set[int], set[int], set[int], set[int]]], zone: str, start: str, shift: int
) -> None:
    text, (minutes, hours, of_month, months, of_week) = schedule
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC) + timedelta(minutes=shift)
    expected = []
    for ahead in range(2 * 1440):
        local = (begin + timedelta(minutes=ahead)).astimezone(ZoneInfo(zone))
        # fold: the clock shows this for the second time.
        if (
            local.minute in minutes
            and local.hour in hours
            and local.day in of_month
            and local.month in months
            and local.isoweekday() % 7 + 1 in of_week
            and not local.fold
        ):
            expected.append(microseconds(local))
    try:
        parsed = parse_schedule(text)
    except ScheduleError as error:
        assert "names no date that exists" in str(error)
        assert expected == []
        return
    assert expected_runs(parsed, zone, microseconds(begin), microseconds(begin + timedelta(minutes=2 * 1440 - 1))) == expected


EVERY_KIND = st.sampled_from(
    ["0 5 ? * * *", "0/7 * ? * MON-FRI *", "30 2 L * ? *", "15 20-2 LW * ? *", "0 1 15W,1 * ? *", "45 0/6 ? * 3#2 *", "30 1 ? * FRIL *", "59 23 29 FEB ? *"]
)


@examples(
    expression=EVERY_KIND,
    zone=ZONES,
    start=STARTS,
    lengths=st.lists(st.integers(0, 40 * 86_400), min_size=2, max_size=2),
    on_a_run=st.booleans(),
    few=18,
    many=400,
)
def test_runs_of_two_times_that_meet_are_the_runs_of_both(expression: str, zone: str, start: str, lengths: list[int], on_a_run: bool) -> None:
    schedule = parse_schedule(expression)
    a = utc(start)
    b = a + lengths[0] * 1_000_000
    c = b + lengths[1] * 1_000_000
    whole = expected_runs(schedule, zone, a, c)
    if on_a_run:
        assume(whole)
        b = whole[lengths[0] % len(whole)]
    assert expected_runs(schedule, zone, a, b) + expected_runs(schedule, zone, b + 1, c) == whole
    assert whole == sorted(set(whole))
    assert all(a <= run <= c for run in whole)


@examples(
    text=st.one_of(st.text(max_size=20), st.lists(st.text("0159*?,-/LW#MONJA", min_size=1, max_size=4), min_size=6, max_size=6).map(" ".join)), few=30, many=600
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        schedule = parse_schedule(text)
    except ScheduleError as error:
        assert clean_line(str(error)) == str(error)
    else:
        assert schedule.expression == text
