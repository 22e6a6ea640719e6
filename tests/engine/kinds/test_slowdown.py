"""`slowdown`: how long a job took beside the earlier clean jobs of its resource, whatever is unknown of them."""

from __future__ import annotations

from typing import Any

from policycheck.policy.measures import Measure
from policycheck.policy.model import EVERY_JOB
from policycheck.result import RuleResult
from tests.engine.expectations import FAILED, arn, at, clean, expect, grouped, said
from tests.engine.lists import Job, ago
from tests.tables import each

SLOW = expect(Measure.SLOWDOWN, EVERY_JOB, "at_most 2x")
MAYBE: Job = {"MessageCategory": None}
USUAL = (100, 124, 148, 172, 196)


def took(hours: float, minutes: float | None, **changes: Any) -> Job:
    """A clean job that took so long; None: it does not say when it ended."""
    ended = None if minutes is None else ago(hours=hours - minutes / 60)
    return at(hours, **{"MessageCategory": "SUCCESS", "CompletionDate": ended, **changes})


def history(*minutes: float, **changes: Any) -> list[Job]:
    return [took(100 + 24 * number, long, **{**changes, "BackupJobId": f"h{number}"}) for number, long in enumerate(minutes)]


def slow(*jobs: Job, within: str | None = "24h", **more: Any) -> RuleResult:
    return grouped(SLOW, [*jobs], within=within, **more)


@each(
    ("jobs", "verdict"),
    [
        ([*history(60, 60, 60, 60, 60), took(9, 120)], "pass"),
        ([*history(60, 60, 60, 60, 60), took(9, 121)], "fail"),
        # The median: one long night does not move it, and of an even number it lies between the two in the middle.
        ([*history(60, 60, 60, 600, 600), took(9, 121)], "fail"),
        ([*history(60, 60, 60, 80, 600, 600), took(9, 140)], "pass"),
        ([*history(60, 60, 60, 80, 600, 600), took(9, 141)], "fail"),
        # Too few: four, and one that is not clean is none.
        ([*history(60, 60, 60, 60), took(9, 500)], "inconclusive"),
        ([*history(60, 60, 60, 60), took(99, 60, **FAILED), took(9, 500)], "inconclusive"),
        # A job that failed is asked, and so is one in progress, by its time so far.
        ([*history(60, 60, 60, 60, 60), took(9, 121, **FAILED)], "fail"),
        ([*history(60, 60, 60, 60, 60), took(3, None, State="RUNNING")], "fail"),
        ([*history(60, 60, 60, 60, 60), took(1, None, State="RUNNING")], "pass"),
        # An EXPIRED job never ran.
        ([*history(60, 60, 60, 60, 60), took(9, None, State="EXPIRED")], "inconclusive"),
        # What is unknown: its own duration, one of an earlier job, and whether an earlier one is clean.
        ([*history(60, 60, 60, 60, 60), took(9, None)], "inconclusive"),
        ([*history(60, 60, 60, 60, 60), took(98, None), took(9, 121)], "fail"),
        ([*history(60, 60, 60, 600, 600), took(98, None), took(9, 121)], "inconclusive"),
        ([*history(60, 60, 60, 60, 60), took(98, 600, **MAYBE), took(9, 121)], "fail"),
        ([*history(60, 60, 60, 600, 600), took(98, 600, **MAYBE), took(9, 121)], "inconclusive"),
        ([*history(60, 60, 60, 60), took(98, 60, **MAYBE), took(9, 121)], "inconclusive"),
        ([*history(60, 60, 60, 60), took(98, 60, **MAYBE), took(9, 60)], "inconclusive"),
        # Created at the same moment, and at none.
        ([*history(60, 60, 60, 60), took(9, 60, BackupJobId="x"), took(9, 500, BackupJobId="y")], "inconclusive"),
        ([*history(60, 60, 60, 60), took(98, 60, CreationDate=None, InitiationDate=ago(hours=98)), took(9, 500)], "inconclusive"),
        ([*history(0, 0, 0, 0, 0), took(9, 0)], "pass"),
        ([*history(0, 0, 0, 0, 0), took(9, 1)], "fail"),
    ],
)
def test_a_job_is_held_against_the_median_of_the_clean_ones_before_it(jobs: list[Job], verdict: str) -> None:
    assert slow(*jobs).verdict.value == verdict


def test_a_resource_with_too_few_earlier_jobs_is_pending_and_named() -> None:
    other = [took(hours, 60, ResourceArn=arn("i-2")) for hours in (*USUAL, 9)]
    result = slow(*history(60, 60), took(9, 500), *other)
    assert (result.verdict.value, result.pending) == ("pass", 1)
    assert result.notes == (
        f"{arn('i-1')} has 2 clean jobs before the jobs in the window: pending until there are 5",
        "1 job of 1 subject pending: fewer than 5 clean jobs before it",
    )
    alone = slow(*history(60, 60), took(9, 500))
    assert alone.reason == "the only subject is pending, with too few earlier clean jobs, so nothing is decided yet"


def test_a_finding_tells_the_newest_job_what_is_usual_and_by_how_much_it_is_over() -> None:
    (finding,) = slow(*history(60, 60, 60, 60, 60), took(20, 600), took(9, 150)).findings
    assert finding.jobs == ("i-1@20", "i-1@9")
    when = ago(hours=9).replace("+00:00", "Z")
    told = f"job i-1@9 ({when}) took 2 h 30 m, 2.5x the usual 1 h (the median of 6 earlier clean jobs): at most 2x, 30 m over; so did 1 other job"
    assert finding.message == told


def test_the_rule_may_ask_clean_jobs_alone() -> None:
    asked = expect(Measure.SLOWDOWN, clean(), "less_than 2x")
    jobs = [*history(60, 60, 60, 60, 60), took(9, 500, **FAILED)]
    assert grouped(asked, jobs, within="24h").verdict == "inconclusive"
    assert grouped(asked, [*jobs, took(8, 120)], within="24h").verdict == "fail"


def test_jobs_that_do_not_say_whose_they_are_may_tell_what_is_usual() -> None:
    lost = [took(90 + number, 600, ResourceArn=None, InitiationDate=ago(hours=90 + number), BackupJobId=f"l{number}") for number in range(6)]
    assert said(slow(*history(60, 60, 60, 60, 60), took(9, 121), *lost)) == ("inconclusive", [])
    assert said(slow(*history(60, 60, 60, 60, 60), took(29, 1400), *lost, within="30h")) == ("fail", ["i-1"])
