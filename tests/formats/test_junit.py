from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from policycheck.formats import junit
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Verdict
from tests.formats.results import CASES, clean_run, empty, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

JUNIT = FORMATS["junit"]
STRICT = Options(junit_strict=True)


def parse(result: Result, options: Options | None = None) -> ET.Element:
    return ET.fromstring(JUNIT.render(result, options or Options()))


def cases(root: ET.Element) -> list[ET.Element]:
    return list(root.iter("testcase"))


@examples(results, few=4, many=100)
def test_every_finding_is_a_failing_case_whatever_its_text(result: Result) -> None:
    root = parse(result)
    violated = sum(len(rule.open_findings) or rule.verdict is Verdict.FAIL for rule in result.rules)
    assert len(list(root.iter("failure"))) == violated
    assert sum(int(suite.get("failures", "")) for suite in root) == violated
    assert sum(int(suite.get("tests", "")) for suite in root) == len(cases(root))
    for element in [*root.iter("failure"), *root.iter("error"), *root.iter("skipped")]:
        assert element.get("message", "").strip()
        assert (element.text or "").strip()


@examples(results, few=4, many=100)
def test_names_are_unique(result: Result) -> None:
    names = [(case.get("classname"), case.get("name")) for case in cases(parse(result))]
    assert len(names) == len(set(names))


@examples(results, few=4, many=100)
def test_what_could_not_be_judged_is_an_error(result: Result) -> None:
    root = parse(result)
    inconclusive = sum(rule.verdict is Verdict.INCONCLUSIVE for rule in result.rules)
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)
    assert len(list(root.iter("error"))) == inconclusive + (result.scope_uncovered or not judged)


def test_a_run_that_judged_nothing_is_no_empty_file() -> None:
    root = parse(empty())
    assert [case.get("name") for case in cases(root)] == ["evidence"]
    assert len(list(root.iter("error"))) == 1


def test_a_passing_rule_is_one_passing_case() -> None:
    root = parse(clean_run())
    assert [(case.get("classname"), case.get("name"), len(case)) for case in cases(root)] == [
        ("prod-backups", "no-failed-ec2", 0),
        ("prod-backups", "no-expired", 0),
    ]


def test_file_and_line_are_given_unless_strict() -> None:
    assert {(case.get("file"), case.get("line")) for case in cases(parse(clean_run()))} == {("policies/production.yaml", "12")}
    assert all(case.get("file") is None and case.get("line") is None for case in cases(parse(clean_run(), STRICT)))


def test_content_starts_with_the_place_of_the_rule() -> None:
    failure = next(parse(mixed()).iter("failure"))
    assert (failure.text or "").startswith("policies/production.yaml:12: 1 FAILED job, the last 3 h ago\n")
    assert failure.get("type") == "high"


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED])
@pytest.mark.parametrize("reason", ["", " \t\n"])
def test_an_empty_reason_never_becomes_a_pass(verdict: Verdict, reason: str) -> None:
    (case,) = [case for case in cases(parse(make_result(make_rule(verdict=verdict, reason=reason)))) if case.get("classname") == "prod-backups"]
    (element,) = case
    assert element.tag in {"failure", "error", "skipped"}
    assert element.get("message", "").strip()


def test_a_waived_finding_is_skipped_and_names_its_owner() -> None:
    skipped = [element.get("message") for element in parse(mixed()).iter("skipped")]
    assert "waived by platform@example.com until 2026-12-01: decommissioned on 2026-12-01" in skipped


def test_findings_past_the_cap_are_counted_in_a_failing_case() -> None:
    findings = tuple(make_finding(f"i-{number}") for number in range(1500))
    root = parse(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert len(list(root.iter("failure"))) == 1001
    assert cases(root)[-1].get("name") == "no-failed-ec2: more findings"
    assert [e.get("message") for e in cases(root)[-1]] == ["500 more findings of this rule are not listed here, 1,500 in all: see the JSON result"]


def test_a_document_too_large_lists_fewer_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MAX_BYTES", 100_000)
    findings = tuple(make_finding(f"i-{number}") for number in range(900))
    text = JUNIT.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert len(text.encode()) <= 100_000
    assert "900 in all" in text


def test_names_that_read_the_same_carry_the_fingerprint() -> None:
    long = "x" * 2000
    findings = make_finding(subject=f"{long}1"), make_finding(subject=f"{long}2")
    names = [case.get("name", "") for case in cases(parse(make_result(make_rule(verdict=Verdict.FAIL, findings=findings))))]
    assert names[1] == f"{names[0]} [{findings[1].fingerprint[:16]}]"


def test_a_long_message_is_cut() -> None:
    root = parse(make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(message="中" * 100_000),))))
    failure = next(root.iter("failure"))
    assert len(failure.get("message", "").encode()) <= 65_536
    assert len((failure.text or "").encode()) <= 65_536


def test_timestamp_is_utc_without_a_zone() -> None:
    as_of = datetime(2026, 11, 20, 1, 30, 0, 250_000, tzinfo=timezone(timedelta(hours=3)))
    root = parse(make_result(make_rule(), as_of=as_of))
    assert [suite.get("timestamp") for suite in root] == ["2026-11-19T22:30:00"]
    assert datetime.fromisoformat("2026-11-19T22:30:00+00:00") == as_of.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize("schema", ["junit-jenkins-10.xsd", "junit-windyroad.xsd"])
@pytest.mark.parametrize("case", CASES)
def test_strict_documents_fit_the_published_schemas(case: str, schema: str, schemas: Callable[[str], Path]) -> None:
    validator = etree.XMLSchema(file=schemas(schema))
    validator.assertValid(etree.fromstring(JUNIT.render(CASES[case](), STRICT).encode()))


def test_documents_with_file_and_line_fit_no_published_schema(schemas: Callable[[str], Path]) -> None:
    validator = etree.XMLSchema(file=schemas("junit-windyroad.xsd"))
    assert not validator.validate(etree.fromstring(JUNIT.render(mixed()).encode()))
