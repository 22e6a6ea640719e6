"""`policycheck packs`, and what every shipped pack must hold: reasons, tests that see each rule fail and pass, and a place in the documentation."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from policycheck.policy.catalogue import shipped_packs
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.result import Verdict
from policycheck.testing.catalogue import find_tests
from policycheck.testing.document import load_tests
from policycheck.testing.runner import run_tests, unfired_rules
from tests.backends import BACKEND
from tests.cli.conftest import AS_OF, ROOT, Cli

PACKS = shipped_packs()
WHOLE = ("audit-manager", "aws-backup-baseline", "ransomware-resilience", "recovery-objectives", "restore-testing")
"""The packs that are judged by; the others show how."""
PAGE = (ROOT / "docs" / "packs.md").read_text(encoding="utf-8")
CONTROL = re.compile(r"[A-Z0-9][A-Za-z0-9.()-]*")


@cache
def load(name: str) -> Policy:
    (policy,) = load_policies([(PACKS[name], f"policies/{name}.yaml")], {})
    return policy


def test_packs_lists_each_with_its_rules_and_title(cli: Cli) -> None:
    outcome = cli("packs")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"$ policycheck packs\n{outcome.out}```\n" in PAGE
    lines = outcome.out.splitlines()
    assert [line.split()[0] for line in lines] == list(PACKS)
    for line in lines:
        policy = load(line.split()[0])
        assert line.endswith(f"{len(policy.rules)} rules  {policy.title}")
        assert len(line) <= 120


def test_a_pack_is_printed_as_it_ships_and_is_a_policy(cli: Cli, tmp_path: Path) -> None:
    outcome = cli("packs", "recovery-objectives")
    assert outcome.out.encode() == PACKS["recovery-objectives"].read_bytes()
    (tmp_path / "mine.yaml").write_text(outcome.out, encoding="utf-8")
    assert cli("lint", str(tmp_path / "mine.yaml")).code == 0


def test_the_tests_of_a_pack_are_printed_and_run_beside_a_copy_of_it(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(cli("packs", "first-steps").out, encoding="utf-8")
    (tmp_path / "mine.test.yaml").write_text(cli("packs", "first-steps", "--tests").out, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert cli("test", "mine.yaml").code == 0


def test_packs_as_json_hold_the_sentences_that_reports_print(cli: Cli) -> None:
    every: list[dict[str, Any]] = json.loads(cli("packs", "--output", "json").out)
    assert [pack["name"] for pack in every] == list(PACKS)
    one = json.loads(cli("packs", "recovery-objectives", "-o", "json").out)
    assert one == next(pack for pack in every if pack["name"] == "recovery-objectives")
    assert one["lists"] == ["backup_jobs", "copy_jobs", "restore_jobs"]
    first = one["rules"][0]
    assert (first["id"], first["sentence"], first["severity"]) == ("rpo", "every resource must have a clean job within 36h, warning at 34h", "critical")
    assert first["controls"]["soc2"] == ["A1.2"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["packs", "recovery-objective"], "there is no shipped pack recovery-objective\n  = help: Did you mean recovery-objectives?"),
        (["packs", "x\x1b[2J"], "there is no shipped pack x"),
        (["packs", "policies"], "there is no shipped pack policies"),
        (["packs", "--output", "xml"], "there is no format xml of packs"),
        (["packs", "--tests"], "--tests requires the name of a pack"),
        (["packs", "demo", "--tests", "-o", "json"], "tests are printed as they are"),
    ],
)
def test_a_mistake_is_one_message(arguments: list[str], says: str, cli: Cli) -> None:
    outcome = cli(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err
    assert "\x1b" not in outcome.err


@pytest.mark.slow
def test_every_rule_of_every_pack_is_seen_to_fail_and_not_to_fail() -> None:
    backend = BACKEND
    outcomes = run_tests(load_tests(find_tests(list(PACKS))), backend)
    assert [outcome.test.name for outcome in outcomes if not outcome.passed] == []
    assert [f"{policy.id}/{rule.id}" for policy, rule in unfired_rules(outcomes)] == []
    seen: dict[tuple[str, str], set[Verdict]] = defaultdict(set)
    for outcome in outcomes:
        for rule, expected in outcome.test.expected.items():
            seen[outcome.test.policy.id, rule].add(expected.verdict)
    rules = {(load(name).id, rule.id) for name in PACKS for rule in load(name).rules}
    # Tests name the verdicts; one that stands in no `expect` was seen by nobody.
    assert {rule: {Verdict.FAIL, Verdict.PASS} - seen[rule] for rule in rules if not {Verdict.FAIL, Verdict.PASS} <= seen[rule]} == {}


@pytest.mark.parametrize("name", WHOLE)
def test_every_rule_says_why_and_what_to_do_and_argues_its_severity(name: str) -> None:
    for rule in load(name).rules:
        assert rule.title, rule.id
        assert re.search(rf"\b{str(rule.severity).capitalize()}(,| rather than)", rule.why), f"{rule.id}: why argues the severity"
        assert rule.fix.endswith("."), rule.id
        assert rule.url.startswith("https://docs.aws.amazon.com/aws-backup/latest/devguide/"), rule.id
        assert rule.tags, rule.id
        assert all(CONTROL.fullmatch(control) for ids in rule.controls.values() for control in ids), rule.id


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_passes_on_nothing(name: str, cli: Cli, tmp_path: Path) -> None:
    """Not even with an empty list that is claimed to be whole."""
    (tmp_path / "jobs.json").write_text('{"BackupJobs": []}', encoding="utf-8")
    outcome = cli("check", name, "--jobs", str(tmp_path / "jobs.json"), "--as-of", AS_OF, "--covers", f"2026-01-01..{AS_OF}", "--output", "json")
    verdicts = {rule["verdict"] for rule in json.loads(outcome.out)["rules"]}
    assert outcome.code == 3
    assert verdicts <= {"inconclusive", "skipped"}


@pytest.mark.parametrize("name", WHOLE)
def test_the_page_documents_every_rule_and_parameter(name: str) -> None:
    section = PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", section, re.MULTILINE))
    assert rows == {rule.id: str(rule.severity) for rule in load(name).rules}
    source = PACKS[name].read_text(encoding="utf-8").partition("\nparams:\n")[2].partition("\nrules:\n")[0]
    declared = dict(re.findall(r"^  (\w+): (\S+)", source, re.MULTILINE))
    assert dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", section, re.MULTILINE)) == declared


def test_a_folder_that_has_the_name_of_a_pack_does_not_stand_before_it(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first-steps").mkdir()
    (tmp_path / "first-steps" / "mine.yaml").write_text("policy: mine\nrules:\n  - {id: own, rule: no FAILED jobs within 24h}\n", encoding="utf-8")
    pack = cli("explain", "no-failed-ec2", "first-steps")
    assert pack.code == 0
    assert "policycheck: first-steps is read as the shipped pack; write ./first-steps for the folder of that name" in pack.err
    for name in ("./first-steps", "first-steps/", str(tmp_path / "first-steps")):
        folder = cli("explain", "own", name)
        assert (folder.code, folder.err) == (0, "")
    assert "0 failed" in cli("test", "first-steps").out
    (tmp_path / "policycheck.yaml").write_text("policies: [first-steps]\n", encoding="utf-8")
    assert cli("explain", "no-failed-ec2").code == 0
    (tmp_path / "policycheck.yaml").write_text("policies: [first-steps/]\n", encoding="utf-8")
    assert cli("explain", "own").code == 0
    assert "./first-steps has no tests" in cli("test").err
