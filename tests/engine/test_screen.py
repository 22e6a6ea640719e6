"""What the screen of a measure calls clean, its judgement calls clean: with and without the screen, everything that a rule says is the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.datasets import RECOVERY_POINTS
from policycheck.engine import groups
from policycheck.engine.evaluate import judge
from policycheck.engine.screen import screen
from policycheck.errors import Location
from policycheck.policy.measures import SHAPES, Measure, Window
from policycheck.policy.model import EVERY_JOB, JobChoice, NoData, Policy, Qualifiers, Rule, Statement
from policycheck.result import Coverage, RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.expectations import EACH, at, clean, condition, covered, duration, expect, on_days
from tests.engine.lists import AS_OF, Job, ago, job_list
from tests.properties import examples

FAILED = condition("State", "FAILED")
STATES: tuple[dict[str, Any], ...] = (
    {"State": "COMPLETED", "MessageCategory": "SUCCESS"},
    {"State": "COMPLETED", "MessageCategory": "SUCCESS"},
    {"State": "FAILED", "MessageCategory": "AccessDenied", "StatusMessage": "Access denied"},
    {"State": "RUNNING", "CompletionDate": None},
)
REQUIREMENTS = (
    [
        (expect(measure, of, f"{operator} {limit}", per), "48h")
        for measure, limits in ((Measure.COUNT, "12"), (Measure.STREAK, "12"), (Measure.SHARE, ("50%", "80%")))
        for operator in ("at_least", "at_most", "more_than", "less_than")
        for limit in limits
        for of in (clean(), FAILED)
        for per in (EACH, (), ("ResourceType",), ("ResourceArn", "BackupVaultName"))
    ]
    + [
        (expect(measure, of, limit, per), within)
        for per in (EACH, (), ("Account", "Region"))
        for of in (clean(), FAILED)
        for measure, limit, within in (
            (Measure.NEWEST, "at_most 24h", None),
            (Measure.NEWEST, "less_than 5h", None),
            (Measure.LONGEST_GAP, "at_most 26h", "48h"),
            (Measure.LONGEST_GAP, "less_than 40h", "48h"),
            (Measure.LATEST, "", "48h"),
        )
    ]
    + [
        (on_days(limit, last, zone=zone, per=per, of=of), None)
        for per in (EACH, (), ("ResourceType",))
        for of in (clean(), FAILED)
        for limit, last, zone in ((1, 1, "UTC"), (2, 3, "Asia/Tokyo"))
    ]
)
COMPARING = [
    (expect(measure, of, limit, per), within)
    for per in (EACH, ("ResourceArn", "BackupVaultName"))
    for measure, of, limit in (
        (Measure.SIZE_DROP, clean(), "at_most 50%"),
        (Measure.SIZE_DROP, clean(), "less_than 60%"),
        (Measure.SIZE_GROWTH, clean(), "at_most 150%"),
        (Measure.SIZE_GROWTH, FAILED, "less_than 100%"),
        (Measure.SLOWDOWN, clean(), "at_most 2x"),
        (Measure.SLOWDOWN, EVERY_JOB, "less_than 2x"),
        (Measure.SLOWDOWN, EVERY_JOB, "at_most 1x"),
    )
    for within in (None, "48h")
]
RULES = [
    Rule(
        f"r{number}",
        "p",
        Statement(requirement, EVERY_JOB, duration(within)),
        Qualifiers(jobs=list(JobChoice)[number % len(JobChoice)], no_data=list(NoData)[number % len(NoData)]),
        "",
        Location("p.yaml"),
    )
    for number, (requirement, within) in enumerate([*REQUIREMENTS, *COMPARING])
]
HEALTHY = {
    Measure.SIZE_DROP: "at_most 50%",
    Measure.SIZE_GROWTH: "at_most 50%",
    Measure.SLOWDOWN: "at_most 2x",
    Measure.COUNT: "at_least 2",
    Measure.SHARE: "at_least 95%",
    Measure.STREAK: "at_most 0",
    Measure.NEWEST: "at_most 26h",
    Measure.LONGEST_GAP: "at_most 26h",
}
GONE = ("", "", "", "", "State", "CreationDate", "CompletionDate", "MessageCategory", "ResourceArn", "ResourceType", "BackupVaultName", "ParentJobId")


@st.composite
def estates(draw: st.DrawFn) -> list[Job]:
    jobs: list[Job] = []
    for number in range(draw(st.integers(1, 9))):
        hours = draw(st.sampled_from((1, 2, 4, 4, 20, 25, 47, 49, 200)))
        members = {**draw(st.sampled_from(STATES)), "ResourceType": draw(st.sampled_from(["EC2", "RDS"])), "BackupJobId": f"j{number}"}
        members["BackupSizeInBytes"] = draw(st.sampled_from((0, 40, 100, 100, 2**53 + 1)))
        if number and not draw(st.integers(0, 4)):
            members["ParentJobId"] = f"j{draw(st.integers(0, number - 1))}"
        known = at(hours, draw(st.sampled_from(["i-1", "i-2", "i-3"])), **members)
        jobs.append({name: value for name, value in known.items() if name != draw(st.sampled_from(GONE))})
    return jobs


def results(jobs: list[Job], rules: list[Rule], *, answers: bool = True) -> tuple[RuleResult, ...]:
    return judge([Policy("p", "", "p.yaml", tuple(rules))], {"backup_jobs": job_list(jobs)}, [covered(len(jobs))], AS_OF, BACKEND, answers=answers)


@examples(estates(), st.lists(st.sampled_from(RULES), min_size=8, max_size=8, unique_by=lambda rule: rule.id), few=5, many=600)
def test_a_screen_changes_nothing_that_a_rule_says(monkeypatch: pytest.MonkeyPatch, jobs: list[Job], rules: list[Rule]) -> None:
    screened, thinned = results(jobs, rules), results(jobs, rules, answers=False)
    with monkeypatch.context() as patch:
        patch.setattr(groups, "screen", lambda cases, *_: {case.number: {} for case in cases})
        measured = results(jobs, rules)
    # Where nobody asks what each subject came to, most clean groups are only counted.
    assert list(thinned) == [replace(result, answers=()) for result in measured]
    assert [without_bounds(one, one) for one in screened] == [without_bounds(one, other) for one, other in zip(measured, screened, strict=True)]


def without_bounds(result: RuleResult, screened: RuleResult) -> RuleResult:
    """The result without what was measured of groups of which the screen tells no more than that they keep to the limit: the length of a gap or a streak."""
    pairs = zip(result.answers, screened.answers, strict=True)
    told = (answer._replace(measured="", margin="") if other.measured.startswith("at ") else answer for answer, other in pairs)
    return replace(result, answers=tuple(told))


POINT_RULES = [
    Rule(f"h{number}", "p", Statement(requirement, EVERY_JOB, duration(within), "recovery_points"), Qualifiers(), "", Location("p.yaml"))
    for number, (requirement, within) in enumerate(
        (expect(measure, condition("Status", "COMPLETED", dataset=RECOVERY_POINTS), limit, per), within)
        for per in ((), ("BackupVaultArn",), ("ResourceType",))
        for measure, limit, within in (
            (Measure.COUNT, "at_least 2", None),
            (Measure.SHARE, "at_least 80%", "48h"),
            (Measure.NEWEST, "at_most 24h", None),
            (Measure.LONGEST_GAP, "at_most 26h", "48h"),
            (Measure.LATEST, "", None),
            (Measure.STREAK, "at_most 1", "48h"),
        )
    )
]


@st.composite
def points(draw: st.DrawFn) -> list[Job]:
    made: list[Job] = []
    for number in range(draw(st.integers(1, 9))):
        known = {
            "RecoveryPointArn": f"p{number}",
            "BackupVaultArn": f"arn:aws:backup:eu-west-1:111122223333:backup-vault:v{number % 2}",
            "ResourceArn": f"i-{number % 3}",
            "ResourceType": draw(st.sampled_from(["EC2", "RDS"])),
            "Status": draw(st.sampled_from(["COMPLETED", "COMPLETED", "AVAILABLE", "PARTIAL", "EXPIRED", "CREATING"])),
            "CreationDate": ago(hours=draw(st.sampled_from((1, 2, 20, 25, 47, 49, 2000)))),
        }
        if number and not draw(st.integers(0, 4)):
            known["ParentRecoveryPointArn"] = f"p{draw(st.integers(0, number - 1))}"
        gone = draw(st.sampled_from(("", "", "", "Status", "CreationDate", "BackupVaultArn", "ResourceType")))
        made.append({name: value for name, value in known.items() if name != gone})
    return made


@examples(points(), few=8, many=400)
def test_a_screen_changes_nothing_of_lists_of_what_there_is(monkeypatch: pytest.MonkeyPatch, found: list[Job]) -> None:
    coverage = [Coverage("recovery_points", "111122223333", "eu-west-1", AS_OF, AS_OF, len(found))]

    def judged() -> tuple[RuleResult, ...]:
        lists = {"recovery_points": job_list(found, RECOVERY_POINTS)}
        return judge([Policy("p", "", "p.yaml", tuple(POINT_RULES))], lists, coverage, AS_OF, BACKEND, answers=True)

    screened = judged()
    with monkeypatch.context() as patch:
        patch.setattr(groups, "screen", lambda cases, *_: {case.number: {} for case in cases})
        measured = judged()
    assert [without_bounds(one, one) for one in screened] == [without_bounds(one, other) for one, other in zip(measured, screened, strict=True)]


@pytest.mark.parametrize("measure", [measure for measure in Measure if measure is not Measure.MISSED_RUNS])
def test_healthy_groups_are_clean_by_the_screen_of_every_measure(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the property above is about something, and healthy resources are never measured job by job."""
    healthy: list[Job] = [at(hours, name, MessageCategory="SUCCESS", BackupSizeInBytes=100) for name in ("i-1", "i-2") for hours in range(4, 180, 24)]
    requirement = expect(measure, FAILED if measure is Measure.STREAK else clean(), HEALTHY.get(measure, ""), EACH)
    if measure is Measure.CALENDAR:
        requirement = on_days(3, 3)
    within = duration(None if SHAPES[measure].window is Window.REFUSED else "48h")
    rule = Rule("r", "p", Statement(requirement, EVERY_JOB, within), Qualifiers(), "", Location("p.yaml"))
    found: list[int] = []

    def count(*arguments: Any) -> Any:
        clean_keys = screen(*arguments)
        found.extend(map(len, clean_keys.values()))
        return clean_keys

    monkeypatch.setattr(groups, "screen", count)
    monkeypatch.setattr(groups, "judge_group", None)
    (result,) = results(healthy, [rule])
    assert (result.verdict, result.subjects, found) == (Verdict.PASS, 2, [2])


@st.composite
def histories(draw: st.DrawFn) -> list[Job]:
    """A week of two resources, from day to day alike but for a few sizes, durations and fields."""
    jobs: list[Job] = []
    for name in ("i-1", "i-2"):
        steady = draw(st.booleans())
        for number in range(draw(st.integers(5, 10))):
            hours = 4 + 24 * number
            size, minutes = (100, 60) if steady else (draw(st.sampled_from((0, 40, 90, 100, 100))), draw(st.sampled_from((10, 50, 60, 60, 130))))
            members: dict[str, Any] = {**draw(st.sampled_from((STATES[0],) * 9 + STATES)), "BackupSizeInBytes": size}
            members["ResourceType"] = draw(st.sampled_from(("EC2",) * 6 + ("RDS", "EFS")))
            if members.get("CompletionDate", "") is not None:
                members["CompletionDate"] = ago(hours=hours - minutes / 60)
            known = at(hours, name, **members)
            gone = "" if steady else draw(st.sampled_from(("",) * 20 + GONE + ("BackupSizeInBytes",)))
            jobs.append({member: value for member, value in known.items() if member != gone})
    return jobs


@examples(histories(), few=6, many=150)
def test_a_screen_changes_nothing_of_jobs_that_are_compared(monkeypatch: pytest.MonkeyPatch, jobs: list[Job]) -> None:
    screened = results(jobs, RULES[len(REQUIREMENTS) :])
    with monkeypatch.context() as patch:
        patch.setattr(groups, "screen", lambda cases, *_: {case.number: {} for case in cases})
        measured = results(jobs, RULES[len(REQUIREMENTS) :])
    assert [without_bounds(one, one) for one in screened] == [without_bounds(one, other) for one, other in zip(measured, screened, strict=True)]
