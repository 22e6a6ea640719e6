"""`--framework`, `--select` and `--ignore`, as the controls table tells them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

CONTROLLED = """\
policy: p
rules:
  - {id: a, rule: no FAILED jobs within 24h, controls: {soc2: [A1.2]}}
  - {id: b, rule: no EXPIRED jobs within 24h, controls: {soc2: [A1.2], hipaa: ["164.308(a)(7)(i)"]}}
"""


@pytest.fixture
def controlled(folder: Path) -> str:
    (folder / "controlled.yaml").write_text(CONTROLLED, encoding="utf-8")
    (folder / "other.yaml").write_text(CONTROLLED.replace("policy: p", "policy: q").replace("A1.2", "A1.3"), encoding="utf-8")
    return "controlled.yaml"


def test_a_run_says_what_it_was_narrowed_to_and_what_it_left_out(check: Cli, controlled: str) -> None:
    saved = json.loads(check("ok.json", "--framework", "soc2", "--ignore", "b", "-o", "json", policy=controlled).out)
    assert saved["frameworks"] == ["soc2"]
    assert saved["left_out"] == [{"policy": "p", "id": "b", "controls": {"soc2": ["A1.2"], "hipaa": ["164.308(a)(7)(i)"]}}]


def test_a_control_of_which_a_rule_was_left_out_does_not_pass(check: Cli, controlled: str) -> None:
    whole = check("ok.json", "--framework", "soc2", "-o", "markdown", policy=controlled).out
    assert "` a ` pass, ` b ` pass | pass | asserted |" in whole
    narrowed = check("ok.json", "--framework", "soc2", "--select", "a", "-o", "markdown", policy=controlled).out
    assert "` a ` pass 1 rule left out of this run | inconclusive | not shown |" in narrowed
    assert "HIPAA" not in narrowed


def test_rules_of_a_policy_of_which_none_is_left_are_told_too(cli: Cli, controlled: str) -> None:
    arguments = ("check", controlled, "other.yaml", "--jobs", "ok.json", "--as-of", "2026-11-20T06:00:00Z", "--select", "p/a", "-o", "json")
    assert [(rule["policy"], rule["id"]) for rule in json.loads(cli(*arguments).out)["left_out"]] == [("p", "b"), ("q", "a"), ("q", "b")]
