"""`policycheck check --from` and `policycheck backtest`, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.backtesting.estate import write_estate
from tests.cli.conftest import Cli, Outcome
from tests.policy.goldens import assert_equals_golden

GOLDEN = Path(__file__).parents[1] / "golden"
PERIOD = ("--from", "8d", "--to", "2026-11-20T06:00:00Z")


@pytest.fixture
def estate(cli: Cli, folder: Path) -> Cli:
    """A command on the small estate of ten days."""
    arguments = write_estate(folder)

    def call(command: str, *more: str) -> Outcome:
        return cli(command, *arguments, *more)

    return call


def test_a_period_is_reported_day_by_day(estate: Cli) -> None:
    outcome = estate("check", *PERIOD, "--quiet", "--show-passed")
    assert outcome.code == 1
    assert_equals_golden(outcome.out, GOLDEN / "period.txt")


def test_the_summary_of_a_period_has_a_row_a_rule(estate: Cli) -> None:
    assert_equals_golden(estate("check", *PERIOD, "--quiet", "--output", "markdown").out, GOLDEN / "period.md")


def test_a_saved_period_renders_as_the_check_did(estate: Cli, cli: Cli, folder: Path) -> None:
    outputs = [part for name in ("json=r.json", "html=r.html", "markdown=r.md", "sarif=r.sarif", "junit=r.xml", "csv=r.csv") for part in ("--output", name)]
    estate("check", *PERIOD, "--quiet", *outputs)
    for name, file in (("json", "r.json"), ("html", "r.html"), ("markdown", "r.md"), ("junit", "r.xml")):
        assert cli("report", "r.json", "--output", name, "--quiet").out == (folder / file).read_text(encoding="utf-8")
    saved = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert saved["period"] == {"from": "2026-11-12T06:00:00Z", "to": "2026-11-20T06:00:00Z", "every_seconds": 86400, "steps": 9}
    (failed, *_) = saved["rules"]
    assert [one["verdict"] for one in failed["period"] for _ in range(one["steps"])] == ["pass"] * 2 + ["fail", "pass", "pass", "fail", "fail", "pass", "pass"]
    assert [one["steps"] for one in failed["findings"][0]["period"]] == [1, 2]
    # Each subject that has a finding fails in the CSV, whatever it is at the end.
    rows = (folder / "r.csv").read_text(encoding="utf-8").splitlines()
    assert sum(",fail," in row for row in rows) == saved["summary"]["findings"]


def test_a_period_is_compared_with_an_earlier_one(estate: Cli, cli: Cli) -> None:
    assert estate("check", "--from", "7d", "--to", "2026-11-19T06:00:00Z", "-q", "--output", "json=last.json").code == 1
    outcome = estate("check", *PERIOD, "--baseline", "last.json", "--fail-on-new", "--output", "json=now.json", "--output", "text")
    # A rule is inconclusive on three days, as it was then: that is no finding, and not enough either.
    assert outcome.code == 3
    assert "Since the baseline (last.json, as of 2026-11-19T06:00:00Z): 0 new findings, 3 unchanged, 0 gone." in outcome.out
    assert "3 old findings stay, none that counts is new (--fail-on-new), and the evidence is insufficient." in " ".join(outcome.out.split())
    assert cli("report", "now.json").out == outcome.out


def shortened(saved: dict[str, Any]) -> None:
    saved["rules"][0]["period"].pop()


def moved(saved: dict[str, Any]) -> None:
    saved["rules"][0]["findings"][0]["period"][0]["from"] = "2026-11-13T07:00:00Z"


def dropped(saved: dict[str, Any]) -> None:
    del saved["period"]


@pytest.mark.parametrize("change", [shortened, moved, dropped])
def test_a_saved_period_that_was_changed_is_refused(change: Any, estate: Cli, cli: Cli, folder: Path) -> None:
    estate("check", *PERIOD, "--quiet", "--output", "json=r.json")
    saved = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    change(saved)
    (folder / "r.json").write_text(json.dumps(saved), encoding="utf-8")
    outcome = cli("report", "r.json", "--output", "text")
    assert outcome.code == 3
    assert "the saved result cannot be used" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "2026-11-20T06:00:00Z"), "--to requires the beginning of the period, --from"),
        (("--as-of", "now", "--every", "1d"), "--every requires a period, --from"),
        (("--from", "8d", "--to", "now", "--as-of", "now"), "--to and --as-of exclude each other"),
        (("--from", "2026-12-01", "--to", "2026-11-20T06:00:00Z"), "--from 2026-12-01: the period begins after it ends"),
        (("--from", "x", "--to", "2026-11-20T06:00:00Z"), "--from x: "),
        (("--from", "8d", "--to", "2026-11-20T06:00:00Z", "--every", "30s"), "--every 30s: a step is at least a minute"),
        (("--from", "8d", "--to", "2026-11-20T06:00:00Z", "--every", "1m"), "has more than 5,000 steps of 1 m"),
        (("--from", "8d", "--to", "2026-11-20T06:00:00Z", "--bundle", "b.zip"), "--bundle and --from exclude each other: a bundle holds one evaluation"),
    ],
)
def test_a_period_that_cannot_be_is_refused(arguments: tuple[str, ...], message: str, estate: Cli) -> None:
    outcome = estate("check", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_backtest_answers_and_gates_nothing(estate: Cli, folder: Path) -> None:
    (folder / "old.yaml").write_text((folder / "p.yaml").read_text(encoding="utf-8").replace("within 30h", "within 26h"), encoding="utf-8")
    outcome = estate("backtest", *PERIOD, "--quiet", "--against", "old.yaml")
    assert outcome.code == 0
    assert_equals_golden(outcome.out, GOLDEN / "backtest.txt")
    document = json.loads(estate("backtest", *PERIOD, "--quiet", "--against", "old.yaml", "--output", "json").out)
    assert [(rule["id"], rule["steps"]["fail"], rule["changes"]) for rule in document["rules"]] == [
        ("failed", 3, 4), ("newest", 1, 2), ("aborted", 0, 0), ("far", 0, 1),
    ]  # fmt: skip
    assert [span["steps"] for span in document["difference"]["total"]["looser"]] == [1, 1]
    assert document["difference"]["total"]["stricter"] == []


def test_a_backtest_without_evidence_for_any_rule_is_no_answer(estate: Cli) -> None:
    outcome = estate("backtest", "--from", "8d", "--to", "2026-06-20T06:00:00Z", "--quiet")
    assert outcome.code == 3
    assert "would have failed on 0 of 9 days; not enough evidence on 9" in outcome.out


def test_a_backtest_needs_a_beginning(estate: Cli) -> None:
    assert "a backtest requires the beginning of a period" in estate("backtest").err
