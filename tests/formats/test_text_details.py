from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.errors import Location
from policycheck.formats.interface import Options
from policycheck.formats.layout import Page, caret, pad, wrap
from policycheck.formats.registry import FORMATS
from policycheck.formats.words import by_cause
from policycheck.result import Finding, Result, Severity, Verdict, Waiver
from policycheck.text import clean, display_width
from tests.formats.results import SOURCE_LINES, clean_run, make_coverage, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

TEXT = FORMATS["text"]
SGR = re.compile(r"\x1b\[[0-9;]*m")


def render(result: Result, options: Options = Options(verbose=True)) -> str:  # noqa: B008 - it is immutable
    return TEXT.render(result, options)


def last_line(result: Result) -> str:
    return render(result, Options(verbose=True, width=300)).splitlines()[-1]


@examples(results, st.integers(0, 200), st.booleans(), few=4, many=100)
def test_no_text_of_a_result_steers_a_terminal_or_a_runner(result: Result, width: int, color: bool) -> None:
    sources = {(rule.location.path, rule.location.line): rule.sentence for rule in result.rules}
    text = render(result, Options(verbose=True, color=color, width=width, show_passed=True, source_lines=sources))
    plain = SGR.sub("", text)
    assert color or plain == text
    assert not [character for character in plain if unicodedata.category(character) == "Cc" and character != "\n"]
    assert clean(plain) == plain
    assert "##[" not in plain
    assert not any(row.lstrip().startswith("::") for row in plain.split("\n"))


@examples(results, few=4, many=100)
def test_colour_adds_nothing_but_colour(result: Result) -> None:
    assert SGR.sub("", render(result, Options(verbose=True, color=True))) == render(result)


def test_colour_is_used_when_asked_for() -> None:
    assert "\x1b[1;31merror[no-failed-ec2]: \x1b[0m" in render(mixed(), Options(verbose=True, color=True))


def test_a_failed_rule_shows_its_line_with_carets_and_the_sentence() -> None:
    text = render(mixed(), Options(verbose=True, source_lines=SOURCE_LINES))
    assert (
        "\n\nerror[no-failed-ec2]: Failed EC2 backups: 2 findings, 1 more waived (high); 41 jobs examined\n"
        "  --> policies/production.yaml:12:5\n"
        "   |\n"
        "12 |   - id: no-failed-ec2\n"
        "   |     ^^^^^^^^^^^^^^^^^ no FAILED EC2 jobs in vault prod within 24h\n"
    ) in text


def test_without_its_line_the_sentence_stands_alone() -> None:
    assert "   = rule: no FAILED EC2 jobs in vault prod within 24h\n" in render(mixed())


def test_the_last_line_counts_everything() -> None:
    assert last_line(mixed()) == (
        "5 findings (2 waived) in 3 of 6 rules, 439 jobs; open: 2 high, 1 medium; "
        "rules: 1 passed, 2 failed, 1 waived, 1 inconclusive, 1 skipped; 1 subject pending; 2 jobs undecided"
    )


def test_a_failure_below_fail_on_is_a_warning() -> None:
    result = make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=Severity.CRITICAL)
    assert "\n\nwarning[no-failed-ec2]: " in render(result)


def test_passed_rules_are_listed_on_request_only() -> None:
    assert "pass[no-expired]" not in render(mixed())
    assert "pass[no-expired]: nothing found; 41 jobs examined\n" in render(mixed(), Options(verbose=True, show_passed=True))


def test_rules_left_out_for_their_severity_stay_counted() -> None:
    text = render(mixed(), Options(verbose=True, min_severity=Severity.HIGH, width=300))
    assert "rpo-rds" not in text
    assert "2 rules below severity high not shown, but counted." in text
    assert text.splitlines()[-1] == last_line(mixed())


def test_many_findings_are_capped_and_counted() -> None:
    findings = tuple(make_finding(f"i-{number:03}") for number in range(50))
    text = render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert text.count("instance/i-") == 20
    assert "   = and 30 more: see the JSON result\n" in text


def failed(*findings: Finding, **changes: object) -> Result:
    return make_result(make_rule(verdict=Verdict.FAIL, findings=findings), **changes)


def test_subjects_are_aligned() -> None:
    text = render(failed(make_finding("i-1"), make_finding("i-12345")))
    assert "   = instance/i-1      1 FAILED job" in text
    assert "   = instance/i-12345  1 FAILED job" in text


def test_subjects_stand_under_their_place_where_there_are_several() -> None:
    findings = make_finding("i-1"), make_finding("i-12345"), make_finding("i-2", account="444455556666")
    rows = render(failed(*findings, coverage=(make_coverage(), make_coverage(region="us-east-1"))), Options(verbose=True, width=200)).splitlines()
    begin = rows.index("   = 111122223333/eu-west-1")
    starts = ["   =   instance/i-1      1", "   =   instance/i-12345  1", "   = 444455556666/eu-west-1", "   =   instance/i-2      1"]
    assert all(row.startswith(start) for row, start in zip(rows[begin + 1 :], starts, strict=False))


def test_a_text_stands_below_its_subject_where_there_is_no_room_beside_it() -> None:
    assert "   = instance/i-1\n         1 FAILED job" in render(failed(make_finding("i-1")), Options(verbose=True, width=50))
    assert "   = instance/i-1  1 FAILED job" in render(failed(make_finding("i-1")), Options(verbose=True, width=80))


@pytest.mark.parametrize(
    ("messages", "shown", "required"),
    [
        (["State FAILED; x; State must not be FAILED", "State FAILED; y; State must not be FAILED"], ["State FAILED; x", "State FAILED; y"], True),
        (["State FAILED; x; State must not be FAILED"], ["State FAILED; x; State must not be FAILED"], False),
        (["a; one", "b; other"], ["a; one", "b; other"], False),
        (["all the same", "all the same"], ["all the same", "all the same"], False),
        (["a; ", "b; "], ["a;", "b;"], False),
    ],
)
def test_what_all_findings_require_is_said_once(messages: list[str], shown: list[str], required: bool) -> None:
    text = render(failed(*(make_finding(f"i-{number}", message=message, jobs=()) for number, message in enumerate(messages))), Options(verbose=True, width=200))
    for number, seen in enumerate(shown):
        assert f"   = instance/i-{number}  {seen}\n" in text
    assert ("   = each: State must not be FAILED\n" in text) is required


def caused(*findings: tuple[str | None, Severity, str, bool]) -> Result:
    """A rule a severity; a finding is (cause, severity, resource, waived)."""
    waiver = Waiver("r", "o", "2026-11-01", "2026-12-01")
    made = [
        make_rule(
            id=f"rule-{severity}",
            severity=severity,
            verdict=Verdict.FAIL,
            findings=tuple(
                make_finding(name, rule=f"rule-{severity}", severity=severity, cause=cause, waiver=waiver if waived else None)
                for cause, level, name, waived in findings
                if level is severity
            ),
        )
        for severity in Severity
    ]
    return make_result(*(rule for rule in made if rule.findings))


def test_causes_are_counted_worst_and_most_first_without_what_is_waived() -> None:
    result = caused(
        ("throttled", Severity.LOW, "i-1", False),
        ("throttled", Severity.LOW, "i-2", False),
        ("quota", Severity.LOW, "i-3", False),
        (None, Severity.CRITICAL, "i-4", False),
        ("kms_key", Severity.HIGH, "i-5", False),
        ("kms_key", Severity.LOW, "i-5", False),
        ("kms_key", Severity.LOW, "i-6", True),
        ("vss", Severity.HIGH, "i-7", True),
        ("other", Severity.LOW, "i-8", False),
        ("other", Severity.LOW, "i-9", False),
        ("of_another_version", Severity.LOW, "i-8", False),
    )
    assert [(count.id, str(count.severity), count.findings, count.subjects) for count in by_cause(result.rules)] == [
        ("kms_key", "high", 2, 1),
        ("throttled", "low", 2, 2),
        ("of_another_version", "low", 1, 1),
        ("quota", "low", 1, 1),
        ("other", "low", 2, 2),
        ("", "critical", 1, 1),
    ]
    text = render(result, Options(verbose=True, width=200))
    assert "\nBy cause (9 open findings):\n  2 findings, 1 subject   [kms_key] The KMS key cannot be used (high)\n    = help: Make sure that the key" in text
    assert "\n  1 finding, 1 subject    [of_another_version] (low)\n" in text
    assert "\n  1 finding, 1 subject    no cause recorded (critical)\n\nRead, as of" in text


def test_without_a_cause_there_is_no_section() -> None:
    assert by_cause(caused((None, Severity.HIGH, "i-1", False), ("vss", Severity.HIGH, "i-2", True)).rules) == []
    assert "By cause" not in render(clean_run())


def test_a_long_url_begins_further_left_rather_than_break() -> None:
    url = "https://docs.aws.amazon.com/" + "x" * 46
    result = make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),), url=url))
    assert f"\n      {url}\n" in render(result, Options(verbose=True, width=80))


def test_a_reason_is_said_once() -> None:
    block = render(make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="page 3  timed out"))).partition("\ninconclusive[")[2]
    assert block.count("timed out") == 1


def test_a_gap_in_the_evidence_is_shown() -> None:
    text = render(mixed(), Options(verbose=True, width=200))
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


@examples(st.lists(st.text("ab中", min_size=1, max_size=9), min_size=1).map(" ".join), st.integers(10, 30), st.integers(0, 5), few=18, many=500)
def test_wrapping_keeps_every_word_and_the_width(text: str, width: int, hang: int) -> None:
    lines = list(wrap(text, width, first=hang, hang=hang))
    assert " ".join(lines) == text
    assert all(display_width(row) + hang <= width or " " not in row for row in lines)


@given(st.lists(st.text("ab中-/", min_size=1, max_size=40), min_size=1), st.integers(40, 60), st.integers(0, 30))
def test_no_word_is_broken_and_no_line_is_longer_than_it_must_be(words: list[str], width: int, indent: int) -> None:
    page = Page(width=width, color=False)
    page.add_wrapped("  = ", "see " + " ".join(words), indent=indent)
    rows = page.text().removesuffix("\n").split("\n")
    assert " ".join(row.strip() for row in rows).removeprefix("= ") == "see " + " ".join(words)
    assert all(display_width(row) <= width or " " not in row.strip() for row in rows)


def test_padding_counts_columns() -> None:
    assert pad("中", 4) == "中  "
    assert pad("abc", 2) == "abc"
