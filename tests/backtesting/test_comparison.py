"""Two versions of a policy over one period."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest

from policycheck.backtesting.comparison import Difference, compare
from policycheck.backtesting.steps import evaluate_period
from policycheck.period import Period, Span
from policycheck.policy.load import load_policies
from policycheck.result import Result
from policycheck.sources.saved import read_saved
from tests.backends import BACKEND
from tests.backtesting.estate import END, POLICY, write_estate

DAY = timedelta(days=1)
PERIOD = Period(END - 8 * DAY, END, DAY)


@pytest.fixture
def found(tmp_path: Path) -> Result:
    return evaluated(tmp_path, POLICY)


def evaluated(folder: Path, policy: str) -> Result:
    write_estate(folder)
    (folder / "p.yaml").write_text(policy, encoding="utf-8")
    policies = load_policies([(folder / "p.yaml", "p.yaml")], {})
    evidence = read_saved([str(folder / "jobs.json")], as_of=END, covers=None, stdin=io.BytesIO(), policies=policies)
    return evaluate_period(policies, evidence, PERIOD, fail_on=None, backend=BACKEND)


def at(*days: int) -> tuple[Span, ...]:
    """One step each, so many days before the end."""
    return tuple(Span(END - day * DAY, END - day * DAY, 1) for day in days)


def rule(difference: Difference, name: str) -> tuple[tuple[Span, ...], ...]:
    return next((one.stricter, one.looser, one.unknown) for one in difference.rules if one.id == name)


def test_a_version_is_the_same_as_itself_where_the_evidence_is_enough(found: Result) -> None:
    difference = compare(found, found)
    assert [one.id for one in difference.rules if one.same] == ["failed", "newest", "aborted"]
    assert rule(difference, "far") == ((), (), (Span(END - 8 * DAY, END - 6 * DAY, 3),))


def test_stricter_and_looser_are_told_by_subject_and_step(found: Result, tmp_path: Path) -> None:
    stricter = evaluated(tmp_path, POLICY.replace("within 30h", "within 26h").replace("no FAILED jobs", "no EXPIRED jobs"))
    difference = compare(stricter, found)
    # db failed 6 and 3 days before the end, web 6 days: 26 h are over then, 30 h were not.
    assert rule(difference, "newest") == (at(6, 3), (), ())
    assert rule(difference, "failed")[1] == (*at(6), Span(END - 3 * DAY, END - 2 * DAY, 2))
    assert sum(span.steps for span in difference.total.stricter) == 2
    other_way = compare(found, stricter)
    assert (other_way.total.stricter, other_way.total.looser) == (difference.total.looser, difference.total.stricter)


def test_where_one_version_has_not_enough_evidence_the_other_is_not_called_stricter(tmp_path: Path) -> None:
    day, week = (evaluated(tmp_path, POLICY.replace("no EXPIRED jobs within 5d", f"no FAILED jobs within {window}")) for window in ("24h", "5d"))
    stricter, _, unknown = rule(compare(day, week), "far")
    assert stricter == ()
    # Without evidence for five days, what is found six days before the end is found by both.
    assert sum(span.steps for span in unknown) == 2


def test_rules_of_one_version_alone_are_named_and_counted(found: Result, tmp_path: Path) -> None:
    fewer = evaluated(tmp_path, "\n".join(line for line in POLICY.splitlines() if "id: failed" not in line))
    difference = compare(fewer, found)
    assert (difference.added, difference.removed) == ((), ("failed",))
    assert sum(span.steps for span in difference.total.looser) == 3
