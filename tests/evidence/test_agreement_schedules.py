"""The engine and `reperform.py` read the same cron expressions, or both refuse them, and find the same runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import strategies as st

from policycheck.engine.schedules.cron import ScheduleError, expected_runs, parse_schedule
from policycheck.evidence.reperform import CronError
from policycheck.evidence.reperform import Schedule as OtherSchedule
from tests.properties import examples
from tests.tables import each

DAY = 86_400_000_000
# A year before a change of the clock in Berlin to a year after it.
START = 1_585_443_600_000_000 - 365 * DAY
END = START + 730 * DAY
FEW = 4
"""So many runs a day are compared for two years; of more, the days are, and the runs of a week around the change."""

_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()


def _values(low: int, high: int, names: Sequence[str] = (), odd: Sequence[str] = ()) -> st.SearchStrategy[str]:
    """A field: what AWS lists for it, and now and then what it does not."""
    number = st.integers(low, high).map(str) | (st.sampled_from([*names, *(name.lower() for name in names)]) if names else st.nothing())
    span = st.tuples(number, number).map("-".join)
    step = st.tuples(st.just("*") | number | span, st.integers(0, high - low + 3).map(str)).map("/".join)
    term = number | number | span | step | st.sampled_from(["*", *odd])
    wrong = st.sampled_from(["?", "L", "W", "#", "", "-", "/5", "5-", "1-2-3", "1/2/3", "*-5", str(low - 1), str(high + 1), "00005", "1.5", "\u0661", "X"])
    return term | term | st.lists(term, min_size=2, max_size=3).map(",".join) | wrong


_few_minutes = st.sampled_from(["0", "30", "0/30", "59", "15,45"])
_minutes = _few_minutes | _few_minutes | _few_minutes | _values(0, 59)
_hours = st.sampled_from(["5", "2", "0/12", "1-3", "22-2"]) | _values(0, 23)
_days_of_month = _values(1, 31, odd=["L", "LW", "15W", "31W", "1W", "L-3", "WL"])
_months = st.just("*") | _values(1, 12, _MONTHS)
_days_of_week = _values(1, 7, _WEEKDAYS, ["L", "6L", "FRIL", "2#1", "MON#5", "2#6", "3W"])
_years = st.just("*") | st.just("*") | st.just("2019-2021") | _values(1970, 2199, odd=["2020", "2020/2"])
_forms = st.sampled_from(["cron({})"] * 6 + ["{}", " cron( {} ) ", "CRON({})", "rate({})", "cron({}", "cron({} *)"])


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Six fields, mostly with `?` where it must stand, mostly in `cron(...)`."""
    of_month, of_week = draw(_days_of_month), draw(_days_of_week)
    of_month, of_week = draw(st.sampled_from([(of_month, "?"), ("?", of_week)] * 4 + [(of_month, of_week), ("?", "?")]))
    text = " ".join([draw(_minutes), draw(_hours), of_month, draw(_months), of_week, draw(_years)])
    return draw(_forms).format(text)


ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Nowhere/Here", "localtime", "posix/UTC", ""])


HARD = [
    ("cron(0 5 ? * 2/2 *)", None),
    ("cron(0 5 L-3 * ? *)", None),
    ("cron(0 5 30 FEB ? *)", None),
    ("cron(0 5 * * ? 2021-2020)", None),
    ("cron(30 2 ? * * *)", "Europe/Berlin"),
]


@examples(expressions(), ZONES, few=18, many=500)
def test_both_refuse_an_expression_or_find_the_same_runs(expression: str, zone: str | None) -> None:
    compare(expression, zone)


@each(("expression", "zone"), HARD)
def test_both_refuse_a_hard_expression_or_find_the_same_runs(expression: str, zone: str | None) -> None:
    compare(expression, zone)


def compare(expression: str, zone: str | None) -> None:
    """Both refuse the expression, or find the same runs."""
    other: OtherSchedule | None
    try:
        other = OtherSchedule(expression, zone)
    except CronError:
        other = None
    try:
        schedule = parse_schedule(expression)
        around = expected_runs(schedule, zone, START + 362 * DAY, START + 369 * DAY)
    except ScheduleError:
        assert other is None
        return
    assert other is not None
    assert around == other.between(START + 362 * DAY - 1, START + 369 * DAY)
    days = (date(2019, 1, 1) + timedelta(days=ahead) for ahead in range(3 * 365 + 1))
    assert [day for day in days if other.runs_on(day)] == [
        date(year, month, day) for year in (2019, 2020, 2021) for month in range(1, 13) for day in schedule.days_in(year, month)
    ]
    if len(schedule.hours) * len(schedule.minutes) <= FEW:
        assert expected_runs(schedule, zone, START, END) == other.between(START - 1, END)


@each("expression", ["cron(0 5 ? * * *)", "cron(0 0/12 * * ? *)", "0 5 LW * ? *", "cron(30 2 ? * SUN-MON *)", "cron(0 5 ? * 6#3 *)"])
def test_what_plans_have_is_refused_by_neither(expression: str) -> None:
    assert expected_runs(parse_schedule(expression), None, START, END) == OtherSchedule(expression, None).between(START - 1, END)
