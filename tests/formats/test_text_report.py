from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policycheck.errors import Location
from policycheck.formats.interface import Options
from policycheck.formats.layout import caret, pad, wrap
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity, Verdict
from policycheck.text import clean, display_width
from tests.formats.results import SOURCE_LINES, clean_run, empty, make_coverage, make_finding, make_result, make_rule, mixed, results

TEXT = FORMATS["text"]
SGR = re.compile(r"\x1b\[[0-9;]*m")


def last_line(result: Result) -> str:
    return TEXT.render(result).splitlines()[-1]


@given(results, st.integers(0, 200), st.booleans())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_text_of_a_result_steers_a_terminal_or_a_runner(result: Result, width: int, color: bool) -> None:
    sources = {(rule.location.path, rule.location.line): rule.sentence for rule in result.rules}
    text = TEXT.render(result, Options(color=color, width=width, show_passed=True, source_lines=sources))
    plain = SGR.sub("", text)
    assert color or plain == text
    assert not [character for character in plain if unicodedata.category(character) == "Cc" and character != "\n"]
    assert clean(plain) == plain
    assert "##[" not in plain
    assert not any(row.lstrip().startswith("::") for row in plain.split("\n"))


@given(results)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_colour_adds_nothing_but_colour(result: Result) -> None:
    assert SGR.sub("", TEXT.render(result, Options(color=True))) == TEXT.render(result)


def test_colour_is_used_when_asked_for() -> None:
    assert "\x1b[1;31merror[no-failed-ec2]: \x1b[0m" in TEXT.render(mixed(), Options(color=True))


def test_a_failed_rule_shows_its_line_with_carets_and_the_sentence() -> None:
    text = TEXT.render(mixed(), Options(source_lines=SOURCE_LINES))
    assert text.startswith(
        "error[no-failed-ec2]: Failed EC2 backups: 2 findings, 1 more waived (high); 41 jobs examined\n"
        "  --> policies/production.yaml:12:5\n"
        "   |\n"
        "12 |   - id: no-failed-ec2\n"
        "   |     ^^^^^^^^^^^^^^^^^ no FAILED EC2 jobs in vault prod within 24h\n"
    )


def test_without_its_line_the_sentence_stands_alone() -> None:
    assert "   = rule: no FAILED EC2 jobs in vault prod within 24h\n" in TEXT.render(mixed())


def test_the_last_line_counts_everything() -> None:
    assert last_line(mixed()) == (
        "5 findings (2 waived) in 3 of 6 rules, 439 jobs; open: 2 high, 1 medium; "
        "rules: 1 passed, 2 failed, 1 waived, 1 inconclusive, 1 skipped; 1 deadline pending; 2 jobs undecided"
    )


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (mixed(), "Fail: 2 of 6 rules are violated. Exit code 1."),
        (empty(), "Inconclusive: nothing was judged, since there was no rule to judge. Exit code 3."),
        (make_result(make_rule(verdict=Verdict.SKIPPED)), "Inconclusive: nothing was judged: the only rule was skipped. Exit code 3."),
        (make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="x")), "Inconclusive: 1 of 1 rule could not be judged on this evidence. Exit code 3."),
        (
            make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="x"), fail_on=Severity.CRITICAL),
            "Inconclusive: 1 of 1 rule could not be judged on this evidence. Exit code 3.",
        ),
        (
            make_result(make_rule(), make_rule(id="other", verdict=Verdict.INCONCLUSIVE, reason="x"), fail_on=Severity.CRITICAL),
            "Inconclusive: 1 of 2 rules could not be judged on this evidence. Exit code 0, because no such rule is at or above --fail-on critical.",
        ),
        (
            make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=None),
            "Fail: 1 of 1 rule is violated. Exit code 0, because no such rule is at or above --fail-on never.",
        ),
        (
            make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=None, scope_uncovered=True),
            "Fail: 1 of 1 rule is violated. Exit code 3: no violated rule is at or above --fail-on never, and the evidence is not enough.",
        ),
        (make_result(make_rule()), "Pass: 1 of 1 rule passed. Exit code 0."),
        (
            make_result(make_rule(), scope_uncovered=True),
            "Not a pass: 1 of 1 rule passed on what was read, but the declared scope is not covered. Exit code 3.",
        ),
        (
            make_result(make_rule(), coverage=(make_coverage(complete=False), make_coverage(region="us-east-1"))),
            "Pass on what was read: 1 of 1 rule passed, but 1 list of 2 is not complete. Exit code 0.",
        ),
        (
            clean_run(),
            "Pass on asserted coverage: 2 of 2 rules passed. That the lists read are complete is the user's claim; it was not observed. Exit code 0.",
        ),
    ],
)
def test_the_verdict_is_said_in_words(result: Result, verdict: str) -> None:
    assert TEXT.render(result, Options(width=300)).splitlines()[-2] == verdict


def test_a_failure_below_fail_on_is_a_warning() -> None:
    result = make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=Severity.CRITICAL)
    assert TEXT.render(result).startswith("warning[no-failed-ec2]: ")


def test_passed_rules_are_listed_on_request_only() -> None:
    assert "no-expired" not in TEXT.render(mixed())
    assert "pass[no-expired]: nothing found; 41 jobs examined\n" in TEXT.render(mixed(), Options(show_passed=True))


def test_rules_left_out_for_their_severity_stay_counted() -> None:
    text = TEXT.render(mixed(), Options(min_severity=Severity.HIGH))
    assert "rpo-rds" not in text
    assert "2 rules below severity high not shown, but counted." in text
    assert text.splitlines()[-1] == last_line(mixed())


def test_many_findings_are_capped_and_counted() -> None:
    findings = tuple(make_finding(f"i-{number:03}") for number in range(50))
    text = TEXT.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert text.count("instance/i-") == 20
    assert "   = and 30 more: see the JSON result\n" in text


def test_subjects_are_aligned_and_told_by_their_place_where_there_are_several() -> None:
    findings = make_finding("i-1"), make_finding("i-12345")
    text = TEXT.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert "   = instance/i-1      1 FAILED job" in text
    assert "   = instance/i-12345  1 FAILED job" in text
    several = TEXT.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings), coverage=(make_coverage(), make_coverage(region="us-east-1"))))
    assert "   = 111122223333/eu-west-1 instance/i-1      1 FAILED job" in several


def test_a_reason_is_said_once() -> None:
    assert TEXT.render(make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="page 3  timed out"))).count("timed out") == 1


def test_a_gap_in_the_evidence_is_shown() -> None:
    text = TEXT.render(mixed(), Options(width=200))
    assert "  backup_jobs: 419 jobs from 2 accounts and 2 Regions; all reach 2026-10-21T12:00:00Z to 2026-11-19T00:00:00Z; 1 of 3 lists NOT complete" in text
    assert "  not complete: backup_jobs 444455556666/us-east-1: AccessDeniedException on page 3\n" in text


@pytest.mark.parametrize(
    ("source", "location", "shown", "carets"),
    [
        ("  - id: x", Location("p", 1, 5, 1, 10), "  - id: x", "    ^^^^^"),
        ("\t- id: x\n", Location("p", 1, 2, 1, 3), "    - id: x", "    ^"),
        ("中文: x", Location("p", 1, 2, 1, 3), "中文: x", "  ^^"),
        ("abc", Location("p", 1, 2, 3, 1), "abc", " ^^"),
        ("abc", Location("p", 1, 3), "abc", "  ^"),
        ("abc", Location("p", 1, 99, 1, 120), "abc", "   ^"),
        ("", Location("p", 1, 1, 1, 5), "", "^"),
        ("abcdefghijkl", Location("p", 1, 1, 1, 13), "abcdefg…", "^^^^^^^^"),
        ("a\x1b[2Jb", Location("p", 1, 1, 1, 2), "a\ufffd[2Jb", "^"),
    ],
)
def test_carets_stand_under_the_location(source: str, location: Location, shown: str, carets: str) -> None:
    assert caret(source, location, 8 if len(source) > 10 else 80) == (shown, carets)


@given(st.lists(st.text("ab中", min_size=1, max_size=9), min_size=1).map(" ".join), st.integers(10, 30), st.integers(0, 5))
def test_wrapping_keeps_every_word_and_the_width(text: str, width: int, hang: int) -> None:
    lines = list(wrap(text, width, first=hang, hang=hang))
    assert " ".join(lines) == text
    assert all(display_width(row) + hang <= width or " " not in row for row in lines)


def test_padding_counts_columns() -> None:
    assert pad("中", 4) == "中  "
    assert pad("abc", 2) == "abc"
