"""How long a gate waits, and what contradicts waiting."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.errors import UsageError
from policycheck.gating.pace import parse_pace
from policycheck.settings.merging import Settings

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"poll": "30s"}, "--poll requires --wait"),
    ({"wait": "soon"}, "--wait soon"),
    ({"wait": "0s"}, "more than 0 and at most 7d"),
    ({"wait": "-5m"}, "--wait -5m"),
    ({"wait": "8d"}, "more than 0 and at most 7d"),
    ({"wait": "9999999999d"}, "--wait 9999999999d"),
    ({"wait": "5m", "poll": "0.5s"}, "at least 1s"),
    ({"wait": "5m", "as_of": "2026-03-01"}, "is fixed, but --wait evaluates as of now each time"),
    ({"wait": "5m", "jobs": ["ok.json"], "as_of": "now"}, "--wait requires jobs from AWS: a saved job list does not change"),
]


def test_what_contradicts_waiting_is_a_usage_error() -> None:
    for options, said in WRONG:
        with pytest.raises(UsageError) as caught:
            parse_pace(Settings(files=(), **options))
        assert said in caught.value.message


def test_a_pace_is_what_is_said() -> None:
    assert parse_pace(Settings(files=())) is None
    for options, expected in (({"wait": "30m"}, (1800, 30)), ({"wait": "7d", "poll": "1s"}, (604_800, 1)), ({"wait": "5m", "as_of": "now"}, (300, 30))):
        pace = parse_pace(Settings(files=(), **options))  # type: ignore[arg-type]  # options of text
        assert pace is not None
        assert (pace.wait.total_seconds(), pace.poll.total_seconds()) == expected
