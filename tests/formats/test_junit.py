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
from tests.formats.results import CASES, clean_run, compared, empty, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

JUNIT = FORMATS["junit"]
STRICT = Options(junit_strict=True)


def parse(result: Result, options: Options | None = None) -> ET.Element:
    return ET.fromstring(JUNIT.render(result, options or Options()))


def cases(root: ET.Element) -> list[ET.Element]:
    return list(root.iter("testcase"))


@examples(results, few=4, many=100)
def test_every_rule_is_one_case_and_fails_where_the_rule_does_whatever_its_text(result: Result) -> None:
    root = parse(result)
    violated = sum(rule.verdict is Verdict.FAIL for rule in result.rules)
    assert len([case for case in cases(root) if case.get("classname") != "policycheck" or case.get("name") != "evidence"]) == len(result.rules)
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


def test_the_failure_tells_place_and_findings() -> None:
    failure = next(parse(mixed()).iter("failure"))
    first, *others = (failure.text or "").splitlines()
    assert first == "policies/production.yaml:12: 2 findings, 1 more waived: Failed EC2 backups"
    assert "- arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc (111122223333/eu-west-1): 1 FAILED job, the last 3 h ago; cause: kms_key; jobs: " in "\n".join(
        others
    )
    assert failure.get("type") == "high"


def test_a_case_has_the_same_identity_whatever_came_of_its_rule() -> None:
    failing = (make_finding(),)
    made = [make_rule(verdict=verdict, findings=failing if verdict is Verdict.FAIL else ()) for verdict in Verdict]
    told = [[dict(case.attrib) for case in cases(parse(make_result(rule, make_rule(id="other"))))] for rule in made]
    assert all(one == told[0] for one in told)
    assert (told[0][0]["classname"], told[0][0]["name"]) == ("prod-backups", "no-failed-ec2")


def test_the_file_counts_from_the_top_of_the_checkout() -> None:
    options = Options(root="/checkout", folder="sub")
    assert {case.get("file") for case in cases(parse(clean_run(), options))} == {"sub/policies/production.yaml"}


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIPPED])
@pytest.mark.parametrize("reason", ["", " \t\n"])
def test_an_empty_reason_never_becomes_a_pass(verdict: Verdict, reason: str) -> None:
    (case,) = [case for case in cases(parse(make_result(make_rule(verdict=verdict, reason=reason)))) if case.get("classname") == "prod-backups"]
    (element,) = case
    assert element.tag in {"failure", "error", "skipped"}
    assert element.get("message", "").strip()


def test_a_waived_rule_passes_and_says_by_whom_and_why() -> None:
    (case,) = [case for case in cases(parse(mixed())) if case.get("name") == "copied"]
    assert [element.tag for element in case] == ["system-out"]
    assert (case[0].text or "").startswith("waived by platform@example.com until 2026-12-01: decommissioned on 2026-12-01; found: arn:")
    # The published schemas know no output of a case: it stands in that of its suite.
    strict = parse(mixed(), STRICT)
    assert [element for case in cases(strict) for element in case if element.tag == "system-out"] == []
    assert "waived by platform@example.com until 2026-12-01" in (strict[0].findtext("system-out") or "")


def test_findings_that_do_not_fit_are_counted() -> None:
    findings = tuple(make_finding(f"i-{number}") for number in range(1500))
    (failure,) = parse(make_result(make_rule(verdict=Verdict.FAIL, findings=findings))).iter("failure")
    text = failure.text or ""
    assert len(text) <= junit.MAX_MESSAGE
    shown = text.count("\n- arn:")
    assert text.endswith(f"\nand {1500 - shown:,} more findings, 1,500 in all: see the JSON result")


def test_a_document_too_large_lists_fewer_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junit, "MAX_BYTES", 100_000)
    findings = tuple(make_finding(f"i-{number}") for number in range(900))
    text = JUNIT.render(make_result(*(make_rule(id=f"r{number}", verdict=Verdict.FAIL, findings=findings) for number in range(20))))
    assert len(text.encode()) <= 100_000
    assert text.count("900 in all") == 20


def test_rules_of_one_name_are_two_cases() -> None:
    assert [case.get("name") for case in cases(parse(make_result(make_rule(), make_rule())))] == ["no-failed-ec2", "no-failed-ec2 [1]"]


def test_what_the_baseline_saw_and_this_run_cannot_see_is_an_error() -> None:
    root = parse(compared())
    (case,) = [case for case in cases(root) if case.get("classname") == "policycheck"]
    assert (case.get("name"), [element.tag for element in case]) == ("baseline", ["error"])
    assert "backup_jobs of 111122223333/ap-south-1" in (case[0].text or "")
    assert "- new: arn:aws:ec2:eu-west-1:444455556666:instance/i-0def01234567890" in (next(root.iter("failure")).text or "")


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
