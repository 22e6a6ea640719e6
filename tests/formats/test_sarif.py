from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from policycheck.formats import sarif
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity, Verdict
from tests.formats.results import CASES, HOSTILE, empty, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

SARIF = FORMATS["sarif"]
Json = dict[str, Any]


def run_of(result: Result, options: Options | None = None) -> Json:
    log: Json = json.loads(SARIF.render(result, options or Options()))
    (run,) = log["runs"]
    return dict(run)


@examples(results, few=4, many=100)
def test_every_result_has_what_github_needs_whatever_its_text(result: Result) -> None:
    run = run_of(result)
    rules = run["tool"]["driver"]["rules"]
    expected = sum(len(r.open_findings) or r.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE} for r in result.rules)
    assert len(run["results"]) == expected
    assert len(rules) == len(result.rules)
    for entry in run["results"]:
        assert rules[entry["ruleIndex"]]["id"] == entry["ruleId"]
        text = entry["message"]["text"]
        assert text.strip()
        assert "](" not in text
        assert not re.search(r"\{\d", text)
        location = entry["locations"][0]["physicalLocation"]
        uri = location["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", uri)
        assert not uri.startswith("/")
        assert ".." not in uri.split("/")
        region = location["region"]
        assert (region["startLine"], region["startColumn"]) < (region["endLine"], region["endColumn"])
        assert min(region.values()) >= 1
        assert re.fullmatch("[0-9a-f]{64}", entry["partialFingerprints"]["primaryLocationLineHash"])
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 10
        assert 0 < float(rule["properties"]["security-severity"]) <= 10


@pytest.mark.parametrize("schema", ["sarif-2.1.0-oasis.json", "sarif-2.1.0-codeql-action.json"])
@pytest.mark.parametrize("case", CASES)
def test_documents_fit_the_published_schemas(case: str, schema: str, schemas: Callable[[str], Path]) -> None:
    rules = json.loads(schemas(schema).read_bytes())
    validator = jsonschema.validators.validator_for(rules)(rules, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in validator.iter_errors(json.loads(SARIF.render(CASES[case]())))] == []


def test_rules_are_sorted_and_those_that_found_nothing_are_listed() -> None:
    identifiers = [rule["id"] for rule in run_of(mixed())["tool"]["driver"]["rules"]]
    assert identifiers == sorted(identifiers)
    assert "prod-backups/no-expired" in identifiers


def test_fingerprints_are_those_of_the_findings() -> None:
    found = {entry["partialFingerprints"]["primaryLocationLineHash"] for entry in run_of(mixed())["results"] if entry["kind"] == "fail"}
    assert found == {finding.fingerprint for rule in mixed().rules for finding in rule.open_findings}


def test_a_waived_finding_is_left_out() -> None:
    assert "i-0fff" not in SARIF.render(mixed())


def test_the_resource_is_a_logical_location_and_never_a_file() -> None:
    failed = next(entry for entry in run_of(mixed())["results"] if entry["kind"] == "fail")
    (location,) = failed["locations"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "policies/production.yaml"},
        "region": {"startLine": 12, "startColumn": 5, "endLine": 12, "endColumn": 22},
    }


def test_an_inconclusive_rule_is_a_review_and_a_notification() -> None:
    run = run_of(mixed())
    (review,) = [entry for entry in run["results"] if entry["kind"] == "review"]
    assert review["ruleId"] == "prod-backups/iam-role"
    assert "level" not in review
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    first = invocation["toolExecutionNotifications"][0]
    assert (first["level"], first["associatedRule"]["id"]) == ("error", "prod-backups/iam-role")


def test_a_run_that_judged_nothing_was_no_success() -> None:
    (invocation,) = run_of(empty())["invocations"]
    assert not invocation["executionSuccessful"]
    assert invocation["exitCode"] == 3
    assert "nothing was judged" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_scope_that_is_not_covered_was_no_success() -> None:
    (invocation,) = run_of(make_result(make_rule(), scope_uncovered=True))["invocations"]
    assert not invocation["executionSuccessful"]
    assert "not covered" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_rule_violated_without_a_subject_is_one_result() -> None:
    (entry,) = run_of(make_result(make_rule(verdict=Verdict.FAIL, reason="no job at all, and no_data is fail")))["results"]
    assert entry["message"]["text"] == "no job at all, and no_data is fail"


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "2.0"),
        (Severity.INFO, "note", "0.1"),
    ],
)
def test_severity_becomes_level_and_score(severity: Severity, level: str, score: str) -> None:
    run = run_of(make_result(make_rule(severity=severity, verdict=Verdict.FAIL, findings=(make_finding(severity=severity),))))
    assert run["results"][0]["level"] == level
    assert run["tool"]["driver"]["rules"][0]["properties"]["security-severity"] == score


def test_a_help_address_is_given_only_where_it_is_one() -> None:
    def help_of(url: str) -> object:
        return run_of(make_result(make_rule(url=url)))["tool"]["driver"]["rules"][0].get("helpUri")

    assert help_of("https://example.com/a?b=c#d") == "https://example.com/a?b=c#d"
    assert [help_of(url) for url in ("javascript:alert(1)", "https://a b", "", f"https://{HOSTILE}", "http://example.com")] == [None] * 5


def test_more_findings_than_are_kept_become_one_result_a_rule_largest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 500)

    def rule(name: str, count: int) -> Any:
        return make_rule(id=name, verdict=Verdict.FAIL, findings=tuple(make_finding(f"i-{n}", rule=name) for n in range(count)))

    result = make_result(rule("large", 400), rule("middle", 300), rule("small", 100))
    text = SARIF.render(result)
    run = run_of(result)
    counts = {name: sum(entry["ruleId"] == f"prod-backups/{name}" for entry in run["results"]) for name in ("large", "middle", "small")}
    assert counts == {"large": 1, "middle": 300, "small": 100}
    assert "400 subjects violate this rule" in text
    notes = [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]
    assert notes == ["More than 500 findings: 1 rule has one result for all its subjects"]


def test_exactly_what_is_kept_is_not_aggregated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    findings = tuple(make_finding(f"i-{n}") for n in range(3))
    assert len(run_of(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))["results"]) == 3
