from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from policycheck.errors import Location
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity, Verdict
from tests.formats.results import CASES, clean_run, empty, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

GITLAB = FORMATS["gitlab"]
Json = dict[str, Any]

# GitLab's documentation, "Code Quality report format": these members and no other, all required.
SCHEMA: Json = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "pattern": r"\S"},
            "check_name": {"type": "string", "pattern": r"\S"},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\.?/)(?!\.\./)\S"},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}


def entries(result: Result) -> list[Json]:
    text = GITLAB.render(result)
    document: list[Json] = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    assert text == json.dumps(document, sort_keys=True, indent=2) + "\n"
    return document


@examples(results, few=4, many=100)
def test_every_problem_is_one_entry_whatever_its_text(result: Result) -> None:
    document = entries(result)
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)
    problems = sum(len(rule.open_findings) or rule.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE} for rule in result.rules)
    assert len(document) == problems + result.scope_uncovered + (not judged)
    assert len({entry["fingerprint"] for entry in document}) == len(document)


@pytest.mark.parametrize("case", CASES)
def test_the_list_is_empty_only_for_a_run_without_a_problem(case: str) -> None:
    result = CASES[case]()
    assert (entries(result) == []) is (result.verdict is Verdict.PASS)


def test_a_finding_stands_at_its_rule_under_its_own_fingerprint() -> None:
    result = mixed()
    entry = entries(result)[1]
    assert entry == {
        "description": "arn:aws:ec2:eu-west-1:444455556666:instance/i-0def01234567890 (444455556666/eu-west-1): 2 FAILED jobs, the last 9 h ago",
        "check_name": "prod-backups/no-failed-ec2",
        "fingerprint": result.rules[0].findings[1].fingerprint,
        "severity": "critical",
        "location": {"path": "policies/production.yaml", "lines": {"begin": 12}},
    }


def test_severities_keep_their_order() -> None:
    rules = [make_rule(id=severity, severity=severity, verdict=Verdict.FAIL, reason="none") for severity in Severity]
    assert [entry["severity"] for entry in entries(make_result(*rules))] == ["blocker", "critical", "major", "minor", "info"]


def test_an_inconclusive_rule_is_as_severe_as_the_rule() -> None:
    (entry,) = entries(make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="eu-west-1 was not read", severity=Severity.CRITICAL)))
    assert entry["severity"] == "blocker"
    assert entry["description"] == "Inconclusive: eu-west-1 was not read"


def test_a_rule_that_changes_from_found_to_inconclusive_is_a_new_entry() -> None:
    failed = make_rule(verdict=Verdict.FAIL, findings=(make_finding(),))
    unsure = make_rule(verdict=Verdict.INCONCLUSIVE)
    assert entries(make_result(failed))[0]["fingerprint"] != entries(make_result(unsure))[0]["fingerprint"]


def test_a_waived_finding_is_left_out() -> None:
    assert "i-0fff" not in GITLAB.render(mixed())


def test_a_run_that_judged_nothing_and_a_scope_not_covered_are_entries() -> None:
    (nothing,) = entries(empty())
    assert (nothing["check_name"], nothing["severity"]) == ("policycheck/evidence", "blocker")
    assert nothing["description"].startswith("Inconclusive: nothing was evaluated")
    (uncovered,) = entries(replace(clean_run(), scope_uncovered=True))
    assert uncovered["location"] == {"path": "policies/production.yaml", "lines": {"begin": 1}}
    assert "scope is not covered" in uncovered["description"]
    assert uncovered["fingerprint"] != nothing["fingerprint"]


def test_subjects_that_read_the_same_once_cleaned_are_two_entries_and_stay_so() -> None:
    findings = tuple(make_finding(subject=subject) for subject in ("a\x00", "a\x01"))
    result = make_result(make_rule(verdict=Verdict.FAIL, findings=findings))
    first, second = (entry["fingerprint"] for entry in entries(result))
    assert first != second
    assert [first, second] == [entry["fingerprint"] for entry in entries(result)]


def test_the_example_pipeline_publishes_what_its_command_writes() -> None:
    text = (Path(__file__).parents[2] / "examples" / "ci" / "gitlab.yml").read_text(encoding="utf-8")
    job = YAML(typ="safe", pure=True).load(text)["policycheck"]
    command = job["script"][-1]
    written = dict(re.findall(r"--add-output (\w+)=(\S+)", command))
    assert set(written) <= set(FORMATS)
    assert job["artifacts"]["reports"] == {"codequality": written["gitlab"], "junit": written["junit"]}
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["paths"] == [written["json"]]


def test_a_long_description_is_cut() -> None:
    (entry,) = entries(make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(message="x" * 5000),))))
    assert len(entry["description"]) == 1000


@pytest.mark.parametrize("path", ["/home/someone/policies/a.yaml", "../a.yaml", "./policies/a.yaml", "policies//a.yaml"])
def test_paths_are_relative_and_plain(path: str) -> None:
    (entry,) = entries(make_result(make_rule(verdict=Verdict.INCONCLUSIVE, location=Location(path, 3))))
    assert re.fullmatch(r"(policies|outside-the-repository)/a\.yaml", entry["location"]["path"])
