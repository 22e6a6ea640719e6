"""The text report on stdout: one screen, and nothing left out unsaid."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from policycheck.causes import CAUSES
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.formats.text_screen import HEIGHT
from policycheck.job_records import SavedJob
from policycheck.reasons import Reason, ReasonKind
from policycheck.result import Breach, Finding, Result, RuleResult, Severity, Verdict
from tests.formats.results import AS_OF, CASES, clean_run, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

HEADS = re.compile(
    r"(FAIL|PASS|INCONCLUSIVE|Evidence|Not seen|Since the baseline|fail|inconclusive|waived|skipped|pass|passed|cause of|Next to breach|Waivers)\b"
)
LATER_HEADS = re.compile(r"(Sentences read|Exit code|\. held|Not shown)")


def render(result: Result, **changes: object) -> str:
    return FORMATS["text"].render(result, replace(Options(), **changes))  # type: ignore[arg-type]  # a test may set any member


def made_by(name: str) -> SavedJob:
    fields = {
        "BackupJobId": name,
        "State": "FAILED",
        "CreationDate": "2026-11-20T09:00:00Z",
        "ResourceName": "web-1",
        "BackupVaultName": "prod",
        "CreatedBy": {"BackupPlanId": "p-1", "BackupPlanName": "daily", "BackupRuleName": "nightly"},
        "StatusMessage": "Access denied",
    }
    return SavedJob(name, fields)


def violated(number: int, findings: int, severity: Severity = Severity.HIGH) -> RuleResult:
    name = f"rule-{number}"
    found = [make_finding(f"i-{number}-{index}", rule=name, severity=severity, cause="kms_key", jobs=(f"job-{index}",)) for index in range(findings)]
    return make_rule(id=name, title="", severity=severity, verdict=Verdict.FAIL, findings=tuple(found), fix="Do it.")


@pytest.mark.parametrize("rules", [1, 7, 8, 60])
@pytest.mark.parametrize("findings", [1, 3, 500])
def test_a_run_of_any_size_fits_a_terminal_of_24_lines_and_says_how_much_is_left(rules: int, findings: int) -> None:
    text = render(make_result(*(violated(number, findings) for number in range(rules)), *(make_rule(id=f"passes-{number}") for number in range(40))))
    rows = text.splitlines()
    assert len(rows) < HEIGHT
    assert max(map(len, rows)) <= 100
    assert rows[0].startswith(f"FAIL: prod-backups, as of 2026-11-20T12:00:00Z: {rules} of {rules + 40} rules failed, 40 passed; {rules * findings:,} resource")
    listed, unlisted = len(re.findall(r"^fail high", text, re.MULTILINE)), re.search(r"([\d,]+) rules? that failed", text)
    assert listed + (int(unlisted[1]) if unlisted else 0) == rules
    shown, more = len(re.findall(r"^  instance/", text, re.MULTILINE)), re.search(r"([\d,]+) more findings?", text)
    assert shown >= 1
    assert shown + (int(more[1].replace(",", "")) if more else 0) == rules * findings
    assert text.endswith("--verbose shows all of it.\n") == (bool(unlisted) or bool(more))


def test_a_finding_says_who_where_when_why_and_what_to_do() -> None:
    finding = make_finding("i-1", cause="kms_key", evidence=(made_by("job-1"),), account_name="shop")
    text = render(make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,))), width=200)
    assert "  web-1 (instance/i-1), 111122223333 (shop)/eu-west-1, vault prod, plan daily, rule nightly\n" in text
    assert "    2026-11-20T09:00:00Z no-failed-ec2: The KMS key cannot be used: 1 FAILED job, the last 3 h ago\n" in text
    assert f"    to do: {CAUSES['kms_key'].fix[:60]}" in text


def test_a_subject_and_its_jobs_are_shown_once_with_every_rule_they_violate() -> None:
    one, other = (make_rule(id=name, verdict=Verdict.FAIL, findings=(make_finding("i-1", rule=name),)) for name in ("one", "other"))
    text = render(make_result(one, other))
    assert text.count("instance/i-1") == 1
    assert "    one, other: 1 FAILED job" in text


def test_each_rule_has_a_finding_before_one_has_two() -> None:
    text = render(make_result(violated(1, 9), violated(2, 9, Severity.LOW)), width=200)
    assert text.index("instance/i-1-0") < text.index("instance/i-2-0")
    assert "instance/i-1-1" not in text[: text.index("instance/i-2-0")]


def test_a_cause_of_many_findings_is_one_line() -> None:
    assert "cause of 40 findings on 40 subjects: The KMS key cannot be used\n" in render(make_result(violated(1, 40)))


def test_what_could_not_be_evaluated_says_why_and_what_to_do() -> None:
    reasons = (Reason(ReasonKind.LIST_NOT_GIVEN, ("copy job", "--jobs")),)
    text = render(make_result(make_rule(id="copied", verdict=Verdict.INCONCLUSIVE, reasons=reasons)), width=120)
    assert re.search(r"^inconclusive  copied  .*cop", text, re.MULTILINE)
    assert re.search(r"^ +to do: Give that list, too", text, re.MULTILINE)
    assert "Exit code 3." in text


def test_a_clean_run_names_what_passed_and_what_breaches_next() -> None:
    breach = Breach(AS_OF + timedelta(hours=3), "db-1")
    text = render(make_result(make_rule(id="fresh", breach=breach)))
    assert text.startswith("PASS: prod-backups, as of 2026-11-20T12:00:00Z: 1 of 1 rule passed.\n")
    assert "\npassed: fresh (41 jobs)\n\nNext to breach:\n  - fresh breaches in 3 h" in text
    assert "Not shown" not in text


def test_a_claim_of_the_user_stands_beside_the_verdict() -> None:
    first = render(clean_run(), width=200).splitlines()[0]
    assert first == "PASS: prod-backups, as of 2026-11-20T12:00:00Z: 2 of 2 rules passed, on lists that the user asserts to be complete."


@pytest.mark.parametrize("case", sorted(CASES.keys() - {"hostile"}))
def test_every_verdict_has_its_line(case: str) -> None:
    result = CASES[case]()
    text = render(result, width=300)
    for rule in result.rules:
        assert rule.id in text


def test_what_cannot_be_seen_stands_on_the_first_screen() -> None:
    assert "\nNot seen: backup_jobs of 444455556666/us-east-1 is incomplete: AccessDeniedException on page 3; and 2 more\n" in render(mixed(), width=200)


@examples(results, few=6, many=200)
def test_nothing_at_the_left_edge_is_somebody_s_text(result: Result) -> None:
    for row in render(result).splitlines():
        assert not row or row.startswith(" ") or HEADS.match(row) or LATER_HEADS.match(row), row


def test_a_finding_without_a_job_has_the_fix_of_its_rule() -> None:
    finding: Finding = make_finding("i-1", jobs=(), message="no job in 36 h")
    text = render(make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,), fix="See that the plan selects it.")))
    assert "    no-failed-ec2: no job in 36 h\n    to do: See that the plan selects it.\n" in text
