from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from policycheck.baseline import compare
from policycheck.formats import sarif
from policycheck.formats.interface import Options, clean_result
from policycheck.formats.registry import FORMATS
from policycheck.formats.sarif_runs import MAX_RUNS, plan_upload
from policycheck.period import Span
from policycheck.result import LeftOutRule, Result, RuleResult, Severity, Verdict, VerdictSpan
from tests.formats.results import AS_OF, CASES, HOSTILE, compared, empty, make_coverage, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

SARIF = FORMATS["sarif"]
Json = dict[str, Any]


def log_of(result: Result, options: Options | None = None) -> Json:
    log: Json = json.loads(SARIF.render(result, options or Options()))
    return log


def runs_of(result: Result, options: Options | None = None) -> dict[str, Json]:
    """The runs by what they are called, behind `policycheck/`."""
    return {run["automationDetails"]["id"].removeprefix("policycheck/"): run for run in log_of(result, options)["runs"]}


def run_of(result: Result, options: Options | None = None) -> Json:
    """The only run."""
    (run,) = log_of(result, options)["runs"]
    return dict(run)


def left_out(result: Result) -> list[str]:
    names: list[str] = log_of(result).get("properties", {}).get("policycheck/leftOut", [])
    return names


def notes_of(run: Json) -> list[str]:
    return [note["message"]["text"] for note in run["invocations"][0]["toolExecutionNotifications"]]


def whole(result: Result) -> Result:
    """The same run on lists that are complete."""
    return replace(result, coverage=tuple(replace(entry, complete=True) for entry in result.coverage))


def many(*rules: RuleResult) -> tuple[RuleResult, ...]:
    """These rules, and so many that pass that each cannot have a run of its own."""
    return (*rules, *(make_rule(id=f"pass-{number:02}") for number in range(MAX_RUNS)))


@examples(results, few=4, many=100)
def test_every_result_has_what_github_needs_whatever_its_text(result: Result) -> None:
    parts = plan_upload(clean_result(result), "").parts
    runs = log_of(result)["runs"]
    assert 1 <= len(runs) <= MAX_RUNS
    assert [len(run["results"]) for run in runs] == [sum(len(r.open_findings) or r.verdict is Verdict.FAIL for r in part.rules) for part in parts]
    assert sum(len(part.rules) + len(part.absent) for part in parts) == len(result.rules)
    rules = [rule for run in runs for rule in run["tool"]["driver"]["rules"]]
    for known, entry in [(run["tool"]["driver"]["rules"], entry) for run in runs for entry in run["results"]]:
        assert known[entry["ruleIndex"]]["id"] == entry["ruleId"]
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


def test_each_rule_is_a_run_of_its_own_category_and_those_that_found_nothing_are_listed() -> None:
    runs = runs_of(whole(mixed()))
    names = ["copied", "no-expired", "no-failed-ec2", "rpo-rds", "s3"]
    assert list(runs) == [f"prod-backups/{name}/" for name in names]
    assert [[rule["id"] for rule in run["tool"]["driver"]["rules"]] for run in runs.values()] == [[f"prod-backups/{name}"] for name in names]
    assert next(iter(runs_of(whole(mixed()), Options(category="evidence/check")))) == "prod-backups/evidence/check/copied/"


def test_an_inconclusive_rule_leaves_out_its_own_run_alone_and_is_a_notification() -> None:
    result = whole(mixed())
    assert left_out(result) == ["prod-backups/iam-role"]
    first, *others = runs_of(result).values()
    assert notes_of(first)[0].startswith("prod-backups/iam-role is inconclusive: the coverage of 444455556666/us-east-1 ends")
    assert sum(len(run["results"]) for run in others) == result.summary.findings


STEP = Span(AS_OF, AS_OF, 1)


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({}, []),
        ({"verdict": Verdict.INCONCLUSIVE}, ["prod-backups/a"]),
        ({"verdict": Verdict.FAIL, "findings": (make_finding(rule="a"),)}, []),
        ({"verdict": Verdict.FAIL, "findings": (make_finding(rule="a"),), "possible": 1}, ["prod-backups/a"]),
        ({"verdict": Verdict.FAIL, "findings": (make_finding(rule="a"),), "spans": (VerdictSpan(Verdict.INCONCLUSIVE, STEP),)}, ["prod-backups/a"]),
        ({"verdict": Verdict.FAIL, "findings": (make_finding(rule="a"),), "spans": (VerdictSpan(Verdict.FAIL, STEP),)}, []),
    ],
)
def test_a_rule_that_is_not_evaluated_in_full_closes_no_alert(changes: dict[str, Any], lacks: list[str]) -> None:
    assert left_out(make_result(make_rule(id="a", **changes), make_rule(id="b"))) == lacks


def test_what_fails_on_incomplete_lists_is_left_out_and_what_passes_on_them_is_not() -> None:
    failed = make_rule(id="a", verdict=Verdict.FAIL, findings=(make_finding(rule="a"),))
    incomplete = (make_coverage(), make_coverage(region="us-east-1", complete=False))
    assert left_out(make_result(failed, make_rule(id="b"), coverage=incomplete)) == ["prod-backups/a"]
    assert left_out(make_result(failed, make_rule(id="b"), coverage=incomplete, scope_uncovered=True)) == ["prod-backups/a", "prod-backups/b"]


def test_a_file_of_which_nothing_may_be_uploaded_says_so() -> None:
    log = log_of(make_result(make_rule(verdict=Verdict.INCONCLUSIVE)))
    assert [run["automationDetails"]["id"] for run in log["runs"]] == ["policycheck/prod-backups/"]
    assert log["properties"]["policycheck/withheld"] == "no rule could be evaluated in full, and there is no baseline"


def test_many_rules_share_the_run_of_their_policy_which_one_of_them_withholds() -> None:
    failed, unsure = make_rule(id="a", verdict=Verdict.FAIL, findings=(make_finding(rule="a"),)), make_rule(id="b", verdict=Verdict.INCONCLUSIVE)
    good = log_of(make_result(*many(failed), make_rule(id="c", policy="q")))
    assert [run["automationDetails"]["id"] for run in good["runs"]] == ["policycheck/prod-backups/", "policycheck/q/"]
    assert "properties" not in good
    bad = log_of(make_result(*many(failed, unsure)))
    assert bad["properties"]["policycheck/withheld"].startswith("1 rule of 22 could not be evaluated in full (prod-backups/b)")
    # The file is whole all the same, for other readers.
    assert [entry["kind"] for entry in bad["runs"][0]["results"]] == ["fail", "review"]


def test_rules_that_were_left_out_count_as_rules_and_leave_a_notification() -> None:
    """Which category an alert is in does not hang on what a run selects."""
    left = tuple(LeftOutRule("prod-backups", f"left-{number}") for number in range(MAX_RUNS))
    (run,) = log_of(make_result(make_rule(), left_out=left))["runs"]
    assert run["automationDetails"]["id"] == "policycheck/prod-backups/"
    assert notes_of(run)[0] == "prod-backups/left-0 was left out of this run (--select, --ignore, --framework): nothing is said of it"


@pytest.mark.parametrize("rules", [0, MAX_RUNS])
def test_with_a_baseline_what_cannot_be_seen_is_carried_and_nothing_is_withheld(rules: int) -> None:
    failed = make_rule(id="a", verdict=Verdict.FAIL, findings=(make_finding("i-1", rule="a"), make_finding("i-2", rule="a")))
    more = tuple(make_rule(id=f"pass-{number:02}") for number in range(rules))
    then = make_result(failed, make_rule(id="b"), *more)
    unsure = make_result(
        replace(failed, verdict=Verdict.INCONCLUSIVE, findings=()), make_rule(id="b", verdict=Verdict.FAIL, findings=(make_finding(rule="b"),)), *more
    )
    log = log_of(compare(unsure, then))
    results = [entry for run in log["runs"] for entry in run["results"]]
    assert sorted((entry["ruleId"], entry["baselineState"]) for entry in results) == [
        ("prod-backups/a", "unchanged"), ("prod-backups/a", "unchanged"), ("prod-backups/b", "new"),
    ]  # fmt: skip
    assert {entry["partialFingerprints"]["primaryLocationLineHash"] for entry in results} >= {found.fingerprint for found in failed.findings}
    assert "properties" not in log
    # What the baseline could not see itself cannot be carried.
    blind = make_result(replace(failed, verdict=Verdict.INCONCLUSIVE, findings=()), make_rule(id="b"), *more)
    assert log_of(compare(unsure, blind))["properties"]["policycheck/leftOut" if not rules else "policycheck/withheld"]
    assert {finding.fingerprint for finding in failed.findings} <= {
        entry["partialFingerprints"]["primaryLocationLineHash"] for run in log_of(compare(unsure, compare(unsure, then)))["runs"] for entry in run["results"]
    }, "a baseline carries what it could not see"


def test_what_is_gone_since_the_baseline_opens_no_alert() -> None:
    text = SARIF.render(compared())
    assert "gone since the baseline: prod-backups/no-failed-ec2 arn:aws:ec2:eu-west-1:111122223333:instance/i-0aaa" in text
    assert not any("i-0aaa" in json.dumps(run["results"]) for run in json.loads(text)["runs"])


def test_fingerprints_are_those_of_the_findings() -> None:
    found = {entry["partialFingerprints"]["primaryLocationLineHash"] for run in log_of(whole(mixed()))["runs"] for entry in run["results"]}
    assert found == {finding.fingerprint for rule in mixed().rules for finding in rule.open_findings}


def test_a_waived_finding_is_left_out() -> None:
    assert "i-0fff" not in SARIF.render(mixed())


def test_the_resource_is_a_logical_location_and_never_a_file() -> None:
    failed = runs_of(whole(mixed()))["prod-backups/no-failed-ec2/"]["results"][0]
    (location,) = failed["locations"]
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc"
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "policies/production.yaml"},
        "region": {"startLine": 12, "startColumn": 5, "endLine": 12, "endColumn": 22},
    }


def test_an_inconclusive_rule_among_many_is_a_review_and_a_notification() -> None:
    run = run_of(replace(mixed(), rules=many(*mixed().rules)))
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
    assert "nothing was evaluated" in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_a_scope_that_is_not_covered_was_no_success() -> None:
    run = run_of(make_result(make_rule(), scope_uncovered=True))
    assert not run["invocations"][0]["executionSuccessful"]
    assert any("the declared scope is not covered" in text for text in notes_of(run))


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

    result = make_result(*many(rule("large", 400), rule("middle", 300), rule("small", 100)))
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
