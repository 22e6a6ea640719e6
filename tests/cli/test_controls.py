"""`--framework`, `--select` and `--ignore`, as the controls table tells them."""

from __future__ import annotations

import json
import zipfile
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


MATRIX = """\
framework: acme
title: Acme standard
controls:
  - {id: BK-1, title: Back up daily, must_show: a clean backup, rules: [a]}
  - {id: BK-2, title: Use one role, rules: [p/b, other/gone]}
  - {id: BK-3, title: Keep a register, beyond: the register, automatable: false}
  - {id: BK-4, title: Restore quarterly}
"""
OURS = "framework,id,title,rules\nsoc2,CC9.9,In our own words,a;b\n"


@pytest.fixture
def matrices(folder: Path, controlled: str) -> str:
    (folder / "acme.yaml").write_text(MATRIX, encoding="utf-8")
    (folder / "soc2.csv").write_text(OURS, encoding="utf-8")
    return controlled


def test_a_matrix_of_ones_own_lists_every_control_with_its_verdict(check: Cli, matrices: str) -> None:
    saved = json.loads(check("ok.json", "--controls", "acme.yaml", "-o", "json", policy=matrices).out)
    acme = [row for row in saved["controls"] if row["framework"] == "acme"]
    assert [matrix["title"] for matrix in saved["matrices"]] == ["Acme standard"]
    assert [(one["id"], one["verdict"], one["shown"], one["rules"], one["missing"]) for one in acme] == [
        ("BK-1", "pass", ["asserted"], ["p/a"], []),
        # Nothing is known of a rule that is in no policy.
        ("BK-2", "inconclusive", ["not shown"], ["p/b"], ["other/gone"]),
        ("BK-3", "no rule", ["not automatable"], [], []),
        ("BK-4", "no rule", ["not shown"], [], []),
    ]
    assert acme[0]["must_show"] == "a clean backup"
    # The rule names the control, as if its policy did.
    assert saved["rules"][0]["controls"] == {"acme": ["BK-1"], "soc2": ["A1.2"]}


@pytest.mark.parametrize("output", ["markdown", "html"])
def test_reports_for_people_show_the_matrix(check: Cli, matrices: str, output: str) -> None:
    text = check("ok.json", "--controls", "acme.yaml", "-o", output, policy=matrices).out
    for said in ("Acme standard", "Back up daily", "Must show", "a clean backup", "other/gone", "Restore quarterly", "the register"):
        assert said in text


def test_a_matrix_takes_the_place_of_the_shipped_one_of_its_framework(check: Cli, matrices: str) -> None:
    text = check("ok.json", "--controls", "soc2.csv", "--framework", "soc2", "-o", "markdown", policy=matrices).out
    assert "| ` CC9.9 ` | ` In our own words ` | ` a ` pass, ` b ` pass | pass | asserted | - |" in text
    assert "| ` A1.2 ` | not in this matrix |" in text
    assert "A1.3" not in text


def test_a_run_is_narrowed_to_a_matrix_and_the_run_file_names_it(cli: Cli, matrices: str, folder: Path) -> None:
    (folder / "policycheck.yaml").write_text(f"policies: [{matrices}]\ncontrols: [acme.yaml]\nframeworks: [acme]\n", encoding="utf-8")
    saved = json.loads(cli("check", "--jobs", "ok.json", "--as-of", "2026-11-20T06:00:00Z", "-o", "json").out)
    assert {row["framework"] for row in saved["controls"]} == {"acme"}
    assert [rule["id"] for rule in saved["rules"]] == ["a", "b"]


def test_a_saved_result_has_the_matrix_and_is_held_to_it(check: Cli, cli: Cli, matrices: str, folder: Path) -> None:
    whole = check("ok.json", "--controls", "acme.yaml", "-o", "html=a.html", "-o", "json=r.json", policy=matrices)
    assert whole.code == 0
    cli("report", "r.json", "-o", "html=b.html")
    assert (folder / "a.html").read_bytes() == (folder / "b.html").read_bytes()
    text = (folder / "r.json").read_text(encoding="utf-8")
    (folder / "r.json").write_text(text.replace('"verdict":"inconclusive"', '"verdict":"pass"'), encoding="utf-8")
    assert "verdict is" in cli("report", "r.json", "-o", "markdown").err


def test_a_bundle_holds_the_matrix_and_is_evaluated_with_it(check: Cli, cli: Cli, matrices: str, folder: Path) -> None:
    check("ok.json", "--controls", "acme.yaml", "--controls", "soc2.csv", "--bundle", "b.zip", "-q", policy=matrices)
    assert cli("verify", "b.zip").code == 0
    with zipfile.ZipFile(folder / "b.zip") as bundle:
        assert {name for name in bundle.namelist() if name.startswith("controls/")} == {"controls/0001-acme.yaml", "controls/0002-soc2.csv"}


def test_a_report_does_not_overwrite_a_matrix(check: Cli, matrices: str) -> None:
    answer = check("ok.json", "--controls", "acme.yaml", "-o", "json=acme.yaml", policy=matrices)
    assert (answer.code, "acme.yaml" in answer.err) == (2, True)
