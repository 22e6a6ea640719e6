"""New subjects, first backups that still run, and jobs of any length: what age excuses, and what it does not (docs/groups-specification.md, New subjects)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.inventory import InventoryEntry
from policycheck.policy.measures import Measure
from policycheck.policy.model import AllMatch, NoneMatch, Policy, Qualifiers, Rule, Statement
from policycheck.result import RuleResult
from tests.backends import BACKEND
from tests.engine.expectations import CLEAN, FAILED, RUNNING, arn, at, clean, condition, covered, duration, expect, grouped_each
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, job_list

STEADY = [at(hours, "steady", **CLEAN) for hours in range(2, 700, 20)]
"""A resource that keeps every rule, so that a pass can be seen."""
RULES: dict[str, tuple[Measure, str, str | None]] = {
    "count": (Measure.COUNT, "at_least 5", "5d"),
    "most": (Measure.COUNT, "at_most 9", "5d"),
    "streak": (Measure.STREAK, "at_least 5", "5d"),
    "share": (Measure.SHARE, "at_least 100%", "5d"),
    "newest": (Measure.NEWEST, "at_most 24h", None),
    "latest": (Measure.LATEST, "", None),
    "gap": (Measure.LONGEST_GAP, "at_most 24h", "5d"),
}


def ok(hours: float, **changes: Any) -> Job:
    return at(hours, "new", **{**CLEAN, **changes})


def bad(hours: float, **changes: Any) -> Job:
    return at(hours, "new", **{**FAILED, **changes})


def runs(hours: float, due: float = -5, **changes: Any) -> Job:
    """Expected to have ended so many hours ago."""
    return at(hours, "new", **{**RUNNING, "ExpectedCompletionDate": (AS_OF - timedelta(hours=due)).timestamp(), **changes})


def rules(names: Iterable[str], jobs: list[Job], shown: float = 720, entry: bool = False) -> dict[str, RuleResult]:
    """The rules of these names, judged together."""
    requirements = []
    for measure, limit, within in (RULES[name] for name in names):
        of = condition("State", "COMPLETED") if measure in {Measure.SHARE, Measure.LATEST, Measure.STREAK} else clean()
        requirements.append((expect(measure, of, limit, inventory="all" if entry else None), within))
    named = {"all": [InventoryEntry(arn("new"), ACCOUNT, REGION), InventoryEntry(arn("steady"), ACCOUNT, REGION)]} if entry else None
    read = [covered(len(jobs), evidence=(AS_OF - timedelta(hours=shown), AS_OF))]
    return dict(zip(names, grouped_each(requirements, [*STEADY, *jobs], coverage=read, inventories=named), strict=True))


def rule(name: str, jobs: list[Job], shown: float = 720, entry: bool = False) -> RuleResult:
    return rules([name], jobs, shown, entry)[name]


P, F, U = "pending", "fail", "possible"
# Jobs of a resource, whether an inventory names it, how many hours back the list is evidence, and the rules that it does not keep for certain.
SUBJECTS: list[tuple[str, list[Job], bool, float, dict[str, str]]] = [
    ("new and went well", [ok(50), ok(30), ok(10)], False, 720, {"count": P, "streak": P}),
    ("new, one failed", [ok(50), bad(40), ok(30), ok(10)], False, 720, {"count": F, "streak": F, "share": F}),
    ("failing since its first job", [bad(hours) for hours in range(2, 100, 10)], False, 720,
     {"count": F, "streak": F, "share": F, "newest": F, "latest": F, "gap": F}),
    ("new, went well, one runs", [ok(50), ok(30), ok(10), runs(1)], False, 720, {"count": P, "streak": P}),
    ("new, one of unknown state", [ok(50), ok(30), at(20, "new", State=None), ok(10)], False, 720, {"count": U, "streak": U, "share": U, "latest": U}),
    ("new where the list does not reach a day further", [ok(50), ok(30), ok(10)], False, 74, {"count": U, "streak": U, "gap": U}),
    ("new where it reaches a moment further", [ok(50), ok(30), ok(10)], False, 74.001, {"count": P, "streak": P}),
    ("new in an inventory", [ok(50), ok(30), ok(10)], True, 720, {"count": F, "streak": F, "gap": F}),
    ("old, with too few", [ok(700), ok(50), ok(30), ok(10)], False, 720, {"count": F, "streak": F, "gap": F}),
    ("first job at the start of the window", [ok(120), ok(100), ok(80), ok(60)], False, 720,
     {"count": F, "streak": F, "newest": F, "gap": F}),
    ("its first backup runs", [runs(3)], False, 720, {"count": P, "streak": P, "newest": P, "latest": P, "share": U}),
    ("its first backup runs, in an inventory", [runs(3)], True, 720, {"count": P, "streak": P, "newest": P, "latest": P, "share": U, "gap": P}),
    ("its first backup has run for 12 days", [runs(288)], False, 720, {"count": P, "streak": P, "newest": P, "latest": P, "share": U, "gap": P}),
    ("its first backup is overdue", [runs(30, 1)], False, 720, {"count": F, "streak": F, "newest": F, "latest": U, "share": F, "gap": F}),
    ("whether its first backup is overdue nobody knows", [runs(30, ExpectedCompletionDate=None)], False, 720,
     {"count": U, "streak": U, "newest": U, "latest": U, "share": U, "gap": U}),
    ("it runs again, having failed", [bad(60), runs(3)], False, 720, {"count": F, "streak": F, "newest": F, "latest": F, "share": F, "gap": F}),
    ("it runs again, having gone well", [ok(60), runs(3)], False, 720, {"count": P, "streak": P, "newest": F, "gap": F}),
    ("two run", [runs(30), runs(3)], False, 720, {"count": P, "streak": P, "newest": P, "latest": P, "share": U, "gap": P}),
    ("one that runs does not say since when", [runs(30), runs(3, CreationDate=None)], False, 720,
     {"count": U, "streak": U, "newest": U, "latest": U, "share": U, "gap": U}),
]  # fmt: skip


def told(result: RuleResult) -> str:
    """What the rule says of the one subject beside the steady one."""
    if [finding.subject for finding in result.findings] == [arn("new")]:
        return F
    assert not result.findings
    if result.pending:
        assert (result.verdict, result.pending) == ("pass", 1)
        return P
    return "ok" if result.verdict == "pass" else U


@pytest.mark.parametrize(("_", "jobs", "entry", "shown", "expected"), SUBJECTS, ids=[case[0] for case in SUBJECTS])
def test_age_excuses_what_it_explains(_: str, jobs: list[Job], entry: bool, shown: float, expected: dict[str, str]) -> None:
    found = {name: told(result) for name, result in rules(RULES, jobs, shown, entry).items()}
    assert {name: what for name, what in found.items() if what != "ok"} == expected


def test_a_first_backup_that_runs_is_told_as_what_it_is() -> None:
    newest, latest = rule("newest", [runs(3)]), rule("latest", [runs(3)])
    assert [note.partition(" ")[0] for note in (*newest.notes, *latest.notes)] == [arn("new")] * 2


def test_a_first_backup_needs_a_list_that_shows_that_it_is_the_first() -> None:
    shown = {hours: told(rule("newest", [runs(30)], hours)) for hours in (700, 54.001, 54, 40)}
    assert shown == {700: P, 54.001: P, 54: U, 40: U}


# --- no job has a longest duration ---

DAYS = (12, 40, 100)


def everything(*jobs: Job) -> dict[str, RuleResult]:
    """The rules of all measures, and of jobs, on a list that covers two hundred days."""
    requirements: dict[str, tuple[Any, str | None]] = {
        name: (expect(measure, of, limit, ()), within) for name, (measure, limit, within) in RULES.items() for of in [condition("State", "COMPLETED")]
    }
    requirements |= {
        "none": (NoneMatch(condition("State", "FAILED")), "5d"),
        "all": (AllMatch(condition("State", "COMPLETED")), "5d"),
        "overdue": (NoneMatch(condition("Overdue", "true")), None),
    }
    rules = tuple(
        Rule(name, "p", Statement(requirement, within=duration(within)), Qualifiers(), "", Location("p.yaml"))
        for name, (requirement, within) in requirements.items()
    )
    read = [covered(len(jobs), days=200)]
    results = judge([Policy("p", "", "p.yaml", rules)], {"backup_jobs": job_list(jobs)}, read, AS_OF, BACKEND)
    return {result.id: result for result in results}


FEW = [at(hours, "steady", **CLEAN) for hours in range(2, 140, 20)]


@pytest.mark.parametrize("days", DAYS)
def test_a_job_in_progress_is_in_the_window_and_undecided_however_old(days: int) -> None:
    found = everything(*FEW, runs(days * 24.0))
    assert {name for name, result in found.items() if result.verdict != "pass"} == set()
    assert (found["share"].undecided, found["all"].undecided) == (1, 1)
    # Six of the short jobs end in the last five days.
    assert found["none"].examined == 6 + 1
    # Overdue goes by its own times alone.
    late = everything(*FEW, runs(days * 24.0, 1))
    assert {name for name, result in late.items() if result.verdict == "fail"} == {"all", "share", "overdue"}
    unknown = everything(*FEW, runs(days * 24.0, ExpectedCompletionDate=None))
    assert {name for name, result in unknown.items() if result.verdict == "inconclusive"} == {"all", "share", "overdue"}


@pytest.mark.parametrize("days", DAYS)
def test_a_job_that_does_not_say_when_it_ended_may_have_ended_in_any_window(days: int) -> None:
    found = everything(*FEW, at(days * 24.0, "long", **FAILED, **{"CompletionDate": None}))
    undecided = {name for name, result in found.items() if result.verdict == "inconclusive"}
    assert {name for name, result in found.items() if result.verdict == "fail"} == set()
    assert undecided == {"none", "all", "share", "latest"}


@pytest.mark.parametrize("days", DAYS)
@pytest.mark.parametrize(("ended", "verdict"), [(24, "fail"), (119, "fail"), (121, "pass")])
def test_a_long_job_is_in_the_window_in_which_it_ended(days: int, ended: int, verdict: str) -> None:
    end = (AS_OF - timedelta(hours=ended)).timestamp()
    assert everything(*FEW, at(days * 24.0, "long", **{**FAILED, "CompletionDate": end}))["none"].verdict == verdict
