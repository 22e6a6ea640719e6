from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt

from policycheck.causes import CAUSES
from policycheck.formats import markdown
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity, Verdict, Waiver
from tests.formats.results import CASES, clean_run, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples

MARKDOWN = FORMATS["markdown"]
OURS = {"h2", "h3", "h4", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code"}
GFM = MarkdownIt("gfm-like")


def outside_code(document: str) -> str:
    return re.sub(r"<code>[^<]*</code>", "", document)


@examples(results, few=4, many=100)
def test_no_text_of_a_result_is_markup(result: Result) -> None:
    document = GFM.render(MARKDOWN.render(result, Options(show_passed=True)))
    assert set(re.findall(r"</?([a-z0-9]+)", document)) <= OURS
    assert not re.search(r"@[a-z]|https?:|www\.|&lt;|#\d", outside_code(document))


@pytest.mark.parametrize("case", CASES)
def test_every_table_row_has_the_cells_its_head_has(case: str) -> None:
    document = GFM.render(MARKDOWN.render(CASES[case](), Options(show_passed=True)))
    for table in re.findall(r"<table>.*?</table>", document, re.DOTALL):
        head = len(re.findall("<th[ >]", table))
        assert [len(re.findall("<td[ >]", row)) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)[1:]] == [head] * (table.count("<tr>") - 1)
    assert "|---" not in document


def test_a_string_that_no_filter_made_safe_cannot_be_printed() -> None:
    environment = markdown._environment()
    with pytest.raises(TypeError, match="without a filter"):
        environment.from_string("{{ text }}").render(text="x")


def test_long_tables_say_how_much_they_show() -> None:
    findings = tuple(make_finding(f"i-{number}") for number in range(700))
    text = MARKDOWN.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert "Showing 500 of 700 findings" in text
    assert len(re.findall("instance/i-", text)) == 500


def test_a_large_result_fits_a_step_summary_in_whole_rows() -> None:
    waiver = Waiver("r" * 400, "o", "2026-01-01", "2026-02-01")
    findings = tuple(make_finding(f"i-{number}", message="中|" * 400, waiver=waiver if number % 2 else None) for number in range(400))
    rules = tuple(make_rule(id=f"rule-{number}", verdict=Verdict.FAIL, findings=findings) for number in range(30))
    text = MARKDOWN.render(make_result(*rules, not_seen=("x" * 2000,) * 2000))
    assert len(text.encode()) <= 900_000
    document = GFM.render(text)
    assert len(re.findall("<th", document)) >= 9
    # Findings are left out before rules.
    assert len(re.findall(r"^#### ` rule-\d+ ` \(high\): 200 findings", text, re.MULTILINE)) == 30
    assert re.search(r"Showing \d+ of 200 findings", text)
    assert re.search(r"Showing \d+ of 6,000 waived findings", text)
    assert re.search(r"Showing \d+ of 2,000 things not seen", text)


@pytest.mark.parametrize(("name", "limit"), [("comment", 65_000), ("markdown", 900_000)])
def test_findings_are_left_out_from_the_end_of_the_lowest_severity(name: str, limit: int) -> None:
    many = tuple(make_finding(f"i-{number:04}", message="x" * 400) for number in range(450))
    low, high = (
        make_rule(id=severity, severity=severity, verdict=Verdict.FAIL, findings=tuple(replace(found, rule=severity) for found in findings))
        for severity, findings in ((Severity.LOW, many * 5), (Severity.HIGH, many[:20]))
    )
    text = FORMATS[name].render(make_result(low, high))
    assert (0.98 * limit < len(text) <= limit) if name == "comment" else "Showing 500 of" in text
    assert set(re.findall(r"</?([a-z0-9]+)", GFM.render(text))) <= OURS
    # The verdict and all of the worst rule, then as much as fits of the other.
    assert "**2 of 2 rules failed" in text
    high_part, low_part = text.split("#### ` low `")
    assert high_part.count("| ` arn:") == 20
    shown = low_part.count("| ` arn:")
    assert f"Showing {shown:,} of 2,250 findings; the JSON result has them all." in low_part


def test_a_comment_on_a_clean_run_is_one_line() -> None:
    assert FORMATS["comment"].render(clean_run()).count("\n") == 1
    assert FORMATS["comment"].render(make_result(make_rule(verdict=Verdict.SKIPPED))).count("\n") > 5


def test_worst_failures_come_first() -> None:
    text = MARKDOWN.render(mixed())
    assert text.index("` no-failed-ec2 ` (high)") < text.index("` rpo-rds ` (medium)")


def test_passed_rules_stand_in_one_line_with_what_they_examined() -> None:
    assert "\n\nPassed: ` no-expired ` (41 jobs).\n\n" in MARKDOWN.render(mixed())


def test_rules_left_out_for_their_severity_stay_counted() -> None:
    text = MARKDOWN.render(mixed(), Options(min_severity=Severity.HIGH))
    assert "rpo-rds" not in text
    assert "2 rules below the least severity to show: counted above, not listed." in text
    assert "**2 of 6 rules failed, 1 inconclusive, 1 waived, 1 skipped, 1 passed; 3 resources violate a rule.**" in text


def test_every_cause_is_a_row_whose_words_are_no_markup() -> None:
    findings = tuple(make_finding(f"i-{number}", cause=name) for number, name in enumerate([*CAUSES, "of | another", None]))
    document = GFM.render(MARKDOWN.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings))))
    assert set(re.findall(r"</?([a-z0-9]+)", document)) <= OURS
    table = re.findall(r"<table>.*?</table>", document.partition("<h3>Causes</h3>")[2], re.DOTALL)[0]
    rows = [[html.unescape(re.sub("<.*?>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", row)] for row in table.split("<tr>")[2:]]
    causes = {row[3]: row for row in rows}
    assert set(causes) == {*CAUSES, "of | another", "-"}
    for name, cause in CAUSES.items():
        assert causes[name] == ["1", "1", "high", name, cause.title, cause.fix, cause.url or "-"]
    assert causes["of | another"][4:] == ["-", "-", "-"]
    assert rows[-1] == ["1", "1", "high", "-", "no cause recorded", "-", "-"]


def test_a_waiver_shows_who_when_and_why() -> None:
    row = next(row for row in MARKDOWN.render(mixed()).splitlines() if "i-0fff" in row)
    for part in ("decommissioned on 2026-12-01", "platform@example.com", "2026-11-18", "OPS-1234"):
        assert f"` {part} `" in row


def test_incomplete_coverage_stands_first_and_in_bold() -> None:
    rows = [row for row in MARKDOWN.render(mixed()).splitlines() if row.startswith("| ` backup_jobs `")]
    assert "**no:** ` AccessDeniedException on page 3 `" in rows[0]
