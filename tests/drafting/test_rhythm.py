"""How often plans run, told from what their jobs record."""

from __future__ import annotations

import pytest

from policycheck.drafting.profile import percentile95, read_profile
from policycheck.drafting.rhythm import Rhythm, plan_rhythms
from policycheck.units import DAY, HOUR
from tests.drafting.drafts import AS_OF, daily, evidence


@pytest.mark.parametrize(
    ("cron", "timezone", "name", "longest"),
    [
        ("cron(0 3 ? * * *)", "Etc/UTC", "daily", DAY),
        ("cron(0 3 ? * * *)", "Europe/Berlin", "daily", DAY + HOUR),
        ("cron(0 3 ? * * *)", "Asia/Kolkata", "daily", DAY),
        ("cron(0 3 ? * * *)", "Australia/Lord_Howe", "daily", DAY + HOUR // 2),
        ("cron(0 0/4 ? * * *)", "Etc/UTC", "every-4h", 4 * HOUR),
        ("cron(0 * ? * * *)", "Etc/UTC", "hourly", HOUR),
        ("cron(0 3,15 * * ? *)", "Etc/UTC", "every-12h", 12 * HOUR),
        ("cron(0 3 ? * MON-FRI *)", "Etc/UTC", "every-3d", 3 * DAY),
        ("cron(0 3 ? * SUN *)", "Etc/UTC", "weekly", 7 * DAY),
        ("cron(0 3 1 * ? *)", "Etc/UTC", "monthly", 31 * DAY),
        ("cron(0 3 L * ? *)", "Etc/UTC", "monthly", 31 * DAY),
    ],
)
def test_a_schedule_tells_the_longest_time_between_two_runs(cron: str, timezone: str, name: str, longest: int) -> None:
    profile = read_profile(evidence(daily(plan={"BackupRuleCron": cron, "BackupRuleTimezone": timezone})), AS_OF)
    ((told,), unclear) = plan_rhythms(profile)
    assert (told.rhythm.name, told.rhythm.longest, unclear) == (name, longest, [])


def test_a_rule_that_no_longer_runs_does_not_count() -> None:
    old = [job | {"CreatedBy": job["CreatedBy"] | {"BackupRuleId": "rule-0", "BackupRuleCron": "cron(0 * ? * * *)"}} for job in daily(days=25)[15:]]
    (told,), _ = plan_rhythms(read_profile(evidence([*daily(days=14), *old]), AS_OF))
    assert told.rhythm == Rhythm(DAY, DAY)


def test_a_plan_that_fell_silent_is_still_promised_its_runs() -> None:
    (told,), _ = plan_rhythms(read_profile(evidence(daily(days=25)[15:]), AS_OF))
    assert told.rhythm == Rhythm(DAY, DAY)


def test_a_schedule_of_one_run_a_year_is_told_to_be_unclear() -> None:
    told, (unclear,) = plan_rhythms(read_profile(evidence(daily(plan={"BackupRuleCron": "cron(0 3 1 1 ? 2027)"})), AS_OF))
    assert (told, unclear.reason) == ([], "it runs less than twice in 430 days")


@pytest.mark.parametrize(("values", "expected"), [([7], 7), (range(1, 20), 19), (range(1, 21), 19), (range(1, 101), 95), ([3, 1, 2], 3)])
def test_the_95th_percentile_is_one_of_the_values_by_nearest_rank(values: list[int], expected: int) -> None:
    assert percentile95(values) == expected


def test_no_value_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile95([])
