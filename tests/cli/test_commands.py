"""The commands beside `check`, and the help of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from policycheck.cli.app import build_app
from policycheck.formats.registry import FORMATS
from policycheck.policy.catalogue import shipped_packs
from tests.cli.conftest import ROOT, Cli

GROUP = typer.main.get_command(build_app())
COMMANDS = sorted(getattr(GROUP, "commands", {}))


def options(command: str) -> Iterator[str]:
    for parameter in getattr(GROUP, "commands", {})[command].params:
        yield from parameter.opts if parameter.opts[0].startswith("-") else [parameter.metavar]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_documents_every_option(command: str, cli: Cli) -> None:
    outcome = cli(command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: policycheck {command} ")
    assert "[[" not in outcome.out
    for option in options(command):
        assert option in outcome.out
    for parameter in getattr(GROUP, "commands", {})[command].params:
        assert parameter.help, parameter.name


def test_help_names_every_command(cli: Cli) -> None:
    outcome = cli("--help")
    assert {"check", "lint", "schema", "demo"} <= set(COMMANDS)
    assert outcome.code == 0
    assert all(f"  {command} " in outcome.out for command in COMMANDS)


def test_help_of_check_names_the_exit_codes(cli: Cli) -> None:
    text = " ".join(cli("check", "--help").out.split())
    assert "Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or insufficient; 4 a bug" in text


def test_help_of_check_names_every_format(cli: Cli) -> None:
    """By hand, in the registry's order: to ask the registry would cost every command the time of loading it."""
    assert f"Formats: {', '.join(FORMATS)}." in " ".join(cli("check", "--help").out.split())


# lint


def test_lint_says_that_nothing_is_wrong(cli: Cli) -> None:
    assert cli("lint", "policy.yaml", "--select", "PC0") == (0, "1 policy, 2 rules: no errors, no warnings\n", "")
    assert cli("lint", "policy.yaml", "first-steps", "--select", "PC0").out == "2 policies, 4 rules: no errors, no warnings\n"


@pytest.mark.parametrize("pack", shipped_packs())
def test_shipped_packs_have_no_mistakes(pack: str, cli: Cli) -> None:
    assert cli("lint", pack).code == 0


def test_lint_shows_every_mistake_of_every_file(cli: Cli, folder: Path) -> None:
    (folder / "a.yaml").write_text("policy: a\nrules:\n  - {id: x, rule: no FALED jobs}\n  - {id: y, rule: no jobs in vault}\n")
    (folder / "b.yaml").write_text("policy: b\nrules:\n  - {id: z, all: {Stat: DONE}}\n")
    outcome = cli("lint", "a.yaml", "policy.yaml", "b.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert [line for line in outcome.err.splitlines() if line.startswith("  --> ")] == ["  --> a.yaml:3:22", "  --> a.yaml:4:35", "  --> b.yaml:3:19"]
    assert outcome.err.endswith("3 errors in policy files; nothing was evaluated\n")


def test_lint_refuses_a_pattern_that_engines_read_differently(cli: Cli, folder: Path) -> None:
    """What `check` refuses, `lint` refuses."""
    (folder / "pattern.yaml").write_text("policy: p\nrules:\n  - {id: a, none: {ResourceName: {matches: 'orders\\Z'}}}\n")
    linted, checked = cli("lint", "pattern.yaml"), cli("check", "pattern.yaml", "--jobs", "ok.json", "--as-of", "now")
    assert linted.code == checked.code == 2
    assert linted.err == checked.err
    assert linted.err.startswith(
        "error: orders\\Z: not a regular expression that every engine reads the same way: \\Z: engines differ on it (character 7)\n  --> pattern.yaml:3:"
    )


def test_lint_refuses_one_policy_under_two_names(cli: Cli, folder: Path) -> None:
    (folder / "copy.yaml").write_text((folder / "policy.yaml").read_text())
    outcome = cli("lint", "policy.yaml", "copy.yaml")
    assert outcome.code == 2
    assert "the policy id p is used twice in this run" in outcome.err


# schema


def test_schema_is_the_documented_one(cli: Cli) -> None:
    outcome = cli("schema")
    assert (outcome.code, outcome.err) == (0, "")
    schema = json.loads(outcome.out)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema == json.loads((ROOT / "docs/policy.schema.json").read_text(encoding="utf-8"))


# demo

PLANTED = {"no-failed-jobs", "no-failed-ec2", "no-partial-composites", "iam-role-name", "completed-without-issues", "nothing-overdue", "done-in-time"}


def test_demo_finds_what_was_planted(cli: Cli, folder: Path) -> None:
    outcome = cli("demo", "--directory", "sample", "--as-of", "2026-11-20T06:00:00Z")
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (folder / "sample").iterdir()} == {
        "accounts.yaml",
        "jobs",
        "junit.xml",
        "results.sarif",
        "summary.md",
        "report.html",
        "result.json",
        "archive",
        "archive.yaml",
    }
    document = json.loads((folder / "sample/result.json").read_text(encoding="utf-8"))
    assert {rule["id"] for rule in document["rules"] if rule["verdict"] == "fail"} == PLANTED
    assert {rule["verdict"] for rule in document["rules"]} == {"pass", "fail"}
    assert document["exit_code"] == 1
    assert set(re.findall(r"^fail \w+ +(\S+) ", outcome.out, re.MULTILINE)) == PLANTED
    assert "Try next: policycheck check demo" in outcome.err
    gap = "111122223333/eu-west-1 is not covered from 2026-10-11T06:00:00Z to 2026-10-22T06:00:00Z"
    assert f"inconclusive: no jobs in vault legacy within 45d: {gap}" in outcome.err
    again = cli("check", "demo", "--jobs", "sample/jobs", "--as-of", "2026-11-20T06:00:00Z", "--output", "json")
    told = {(rule["id"], finding["subject"]) for rule in json.loads(again.out)["rules"] for finding in rule["findings"]}
    assert told == {(rule["id"], finding["subject"]) for rule in document["rules"] for finding in rule["findings"]}


def test_demo_into_a_folder_that_cannot_be(cli: Cli) -> None:
    outcome = cli("demo", "--directory", "policy.yaml/x")
    assert outcome.code == 2
    assert "has a bug" not in outcome.err
