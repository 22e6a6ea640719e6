"""How people say times: units, frequencies, and what stands before a length of time that looks back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UNITS: Mapping[str, str] = {
    **dict.fromkeys("s sec secs second seconds".split(), "s"),
    **dict.fromkeys("m min mins minute minutes".split(), "m"),
    **dict.fromkeys("h hr hrs hour hours".split(), "h"),
    **dict.fromkeys("d day days night nights".split(), "d"),
    **dict.fromkeys("w week weeks".split(), "w"),
}
"""The units of a duration."""
LONGER_UNITS: Mapping[str, int] = {"month": 30, "months": 30, "quarter": 90, "quarters": 90, "year": 365, "years": 365, "fortnight": 14}
"""In days, as AWS counts retention."""
FREQUENCIES: Mapping[str, str] = {
    "1h": "hourly | every hour | each hour | per hour | an hour | once an hour | once per hour",
    "24h": "daily | every day | each day | per day | a day | once a day | once per day | once daily | at least once a day"
    " | at least once per day | at least daily"
    " | nightly | every night | each night | per night | every single day",
    "7d": "weekly | every week | each week | per week | a week | once a week | once per week | at least once a week | at least once per week | at least weekly",
    "30d": "monthly | every month | each month | per month | a month | once a month | once per month | at least once a month"
    " | at least once per month | at least monthly",
    "90d": "quarterly | every quarter | each quarter | per quarter | once a quarter | once per quarter | at least once a quarter | at least quarterly",
    "365d": "yearly | annually | every year | each year | per year | a year | once a year | once per year | at least once a year | at least yearly",
}

_LAST = (
    "in the last {0} | in the past {0} | over the last {0} | over the past {0} | during the last {0} | during the past {0}"
    " | within the last {0} | within the past {0} | for the last {0}"
)
BACK: Mapping[str, Sequence[str]] = {
    _LAST.format("hour"): ["1h"],
    _LAST.format("day"): ["24h"],
    f"{_LAST.format('week')} | this week | last week": ["7d"],
    f"{_LAST.format('month')} | this month | last month": ["30d"],
    f"{_LAST.format('quarter')} | this quarter | last quarter": ["90d"],
    "today | last night | overnight": ["24h"],
    # From this time yesterday, or from the beginning of yesterday.
    "since yesterday": ["24h", "48h"],
}
"""What looks back, and how far."""

LAST = (
    "within the last | within the past | within the previous | in the last | in the past | in the previous | in last | in past | over the last | over the past"
    " | over the previous | during the last | during the past | during the previous | for the last | for the past | the last | the past | last"
)
"""What stands before a length of time that looks back."""
WITHIN = "within | in | inside"
"""What stands before a length of time that looks back, or forward: a deadline."""


def duration(number: str, unit: str) -> str:
    """`24h` of `24` and `hours`; empty where that is no length of time."""
    if unit in UNITS:
        known = {("1", "d"): "24h", ("1", "w"): "7d"}
        return known.get((number, UNITS[unit]), f"{number}{UNITS[unit]}")
    return f"{int(number) * LONGER_UNITS[unit]}d" if unit in LONGER_UNITS and number.isdigit() else ""
