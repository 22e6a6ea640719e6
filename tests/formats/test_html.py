"""The HTML report: one file that fetches nothing, shows what there is, says what it leaves out, and reads without colours. Browsers are asked in tests/slow."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from lxml import html as lxml_html

from policycheck.formats import trends
from policycheck.formats.html import MAX_BYTES, _style
from policycheck.formats.registry import FORMATS
from policycheck.history import AgeLimit, CauseDays, DayOutcome, History, ResourceDays
from policycheck.job_records import SavedJob
from policycheck.result import Result, Verdict
from policycheck.units import DAY
from tests.formats.results import AS_OF, CASES, clean_run, empty, make_coverage, make_finding, make_result, make_rule, mixed, results
from tests.properties import examples
from tests.tables import each

HTML = FORMATS["html"]
TEMPLATES = Path(__file__).parents[2] / "templates"
CSS = (TEMPLATES / "report" / "report.css").read_text(encoding="utf-8")


def tree(result: Result) -> lxml_html.HtmlElement:
    return lxml_html.document_fromstring(HTML.render(result))


def text(element: lxml_html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def section(result: Result, name: str) -> lxml_html.HtmlElement:
    return tree(result).get_element_by_id(name)


def rows(element: lxml_html.HtmlElement) -> list[list[str]]:
    return [[text(cell) for cell in row.xpath("./td|./th")] for row in element.xpath(".//tbody/tr")]


@each("name", CASES)
def test_nothing_is_fetched_and_nothing_runs(name: str) -> None:
    document = HTML.render(CASES[name]())
    made = lxml_html.document_fromstring(document)
    assert not made.xpath("//script|//link|//img|//iframe|//object|//embed|//form|//base|//*[@style]|//@src|//@*[starts-with(name(), 'on')]")
    policy = made.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    style = str(made.xpath("string(//style)"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"url\(|@import|expression", style)


def test_the_first_page_has_verdict_evidence_and_rules_worst_first() -> None:
    made = tree(mixed())
    header = text(made.xpath("//header")[0])
    assert "✕ FAIL 2 of 6 rules failed, 1 inconclusive, 1 waived, 1 skipped, 1 passed; 3 resources violate a rule." in header
    assert "Production backups; evaluated as of 2026-11-20T12:00:00Z (UTC) by policycheck 1.2.3." in header
    told = "439 jobs (backup jobs, copy jobs) of 2 accounts in 2 Regions, 2026-10-21T12:00:00Z to 2026-11-20T12:00:00Z"
    assert f"{told}; in part fetched by policycheck, in part asserted by the user to be complete." in header
    assert "1 of 4 lists is incomplete and 2 things could not be seen: see what this run could not see." in header
    listed = rows(made.get_element_by_id("rules"))
    assert [(row[0], row[1]) for row in listed] == [
        ("✕ fail", "high"), ("✕ fail", "medium"), ("? inconclusive", "low"), ("◇ waived", "high"), ("\u2013 skipped", "high")
    ]  # fmt: skip
    assert "1 finding: newest clean job is 41 h old, limit 36 hTo do: Check that the plan still selects the instance." in listed[1][3]
    assert "✓ pass no-expired (41 jobs)" in text(made.get_element_by_id("rules"))


@each(
    ("result", "said"),
    [
        (clean_run(), "✓ PASS 2 of 2 rules passed, on lists that the user asserts to be complete."),
        (empty(), "? INCONCLUSIVE no rule was evaluated."),
        (replace(clean_run(), scope_uncovered=True), "? INCONCLUSIVE 2 of 2 rules passed, the declared scope is not covered."),
        (replace(clean_run(), coverage=(make_coverage(complete=False),)), "✓ PASS 2 of 2 rules passed, on what was read: lists are incomplete."),
    ],
)
def test_nothing_looks_better_than_it_is(result: Result, said: str) -> None:
    assert said in text(tree(result).xpath("//header")[0])


def test_a_finding_can_be_acted_on_without_the_console() -> None:
    fields = {
        "State": "FAILED", "CreationDate": "2026-11-20T09:00:00Z", "ResourceName": "web-1", "BackupVaultName": "prod", "StatusMessage": "Access denied",
        "CreatedBy": {"BackupPlanName": "daily", "BackupRuleId": "r1"},
    }  # fmt: skip
    finding = make_finding(cause="kms_key", account_name="shop", evidence=(SavedJob("j", fields), SavedJob("k", {"CreationDate": "2026-11-19T09:00:00Z"})))
    found = section(make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,))), "findings")
    assert "The KMS key cannot be used (1 finding). Make sure that the key is enabled" in text(found)
    assert rows(found) == [[
        "web-1arn:aws:ec2:eu-west-1:111122223333:instance/i-0abcEC2",
        "111122223333 (shop)eu-west-1vault prodplan daily, rule r1",
        "1 FAILED job, the last 3 h agoFAILED, created 2026-11-20T09:00:00Z, 3 h beforeAccess deniedjob 6E2C0F1A-0000-4000-8000-000000000001",
    ]]  # fmt: skip


def test_what_one_job_says_is_not_said_of_a_group() -> None:
    job = SavedJob("j", {"State": "FAILED", "CreationDate": "2026-11-20T09:00:00Z", "ResourceName": "web-1", "BackupVaultName": "prod"})
    group = make_finding(subject="all", account=None, region=None, evidence=(job,), jobs=("j",), resource_type=None)
    (row,) = rows(section(make_result(make_rule(verdict=Verdict.FAIL, findings=(group,))), "findings"))
    assert row == ["all", "-", "1 FAILED job, the last 3 h agoFAILED, created 2026-11-20T09:00:00Z, 3 h beforejob j"]


def test_days_are_signs_with_a_line_where_the_objective_stands() -> None:
    days = section(mixed(), "days")
    (first, second) = rows(days)
    assert first == ["instance/i-0abc111122223333 eu-west-1", "✓", "✓", "!", "✓", "○", "✕", "✕", "3 d ago"]
    assert second == ["invoices444455556666 Region unknown", "?", "?", "?", "✓", "·", "…", "?", "3 d ago"]
    # 36 h before 2026-11-20T12:00 is the start of the 19th.
    assert [text(cell) for cell in days.xpath(".//thead//th[@class='line']")] == ["19"]
    assert "RPO 36 h (prod-backups/rpo-rds): the newest job must be created after 2026-11-19T00:00:00Z. A heavy line stands before that day." in text(days)
    assert "which is before the first day shown" in text(days)
    assert "These are the worst 2 of 212 resources; 210 more resources are not shown. 1 job without CreationDate stand on no day." in text(days)


def test_every_outcome_has_a_sign_of_its_own_and_a_legend() -> None:
    row = ResourceDays(None, None, "group", tuple(DayOutcome))
    history = History(AS_OF.replace(hour=0) - timedelta(days=6), 7, 1, (row,), (AgeLimit("p", "r", 400 * DAY),), (), 0)
    days = section(make_result(history=history), "days")
    signs = rows(days)[0][1:-1]
    assert len(set(signs)) == len(DayOutcome)
    assert all(any(text(item).startswith(f"{sign} {sign} ") for item in days.xpath(".//ul[@class='legend']/li")) for sign in signs)


def test_numbers_over_days_stand_in_a_table_whether_or_not_there_is_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    with_picture = section(mixed(), "causes")
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    trends._draw.cache_clear()
    without = section(mixed(), "causes")
    assert (len(with_picture.xpath(".//svg")), len(without.xpath(".//svg"))) == (1, 0)
    assert rows(with_picture) == rows(without)
    assert rows(without)[-7] == ["kms_key", "0", "0", "1", "0", "0", "2", "0", "3"]


def test_a_picture_has_no_text_that_an_installed_font_could_move() -> None:
    drawn = trends.stacked_bars([[1, 0, 3], [0, 2, 0]])
    assert set(re.findall(r"<(\w+)", drawn)) == {"svg", "g", "path"}
    assert [drawn.count(f'fill="{color}"') for color in trends.COLORS[:2]] == [2, 1]
    assert "style" not in drawn


def bars(kinds: int) -> History:
    causes = tuple(CauseDays(f"cause-{number}", (1,)) for number in range(kinds))
    return History(AS_OF.replace(hour=0), 1, 1, (), (), causes)


@each(("kinds", "series"), [(1, 1), (trends.SERIES, trends.SERIES), (trends.SERIES + 3, trends.SERIES)])
def test_causes_beyond_those_that_colours_tell_apart_are_one(kinds: int, series: int) -> None:
    causes = section(make_result(history=bars(kinds)), "causes")
    assert len(causes.xpath(".//*[contains(@class, 'swatch')]")) == series
    assert ("other causes" in text(causes)) is (kinds > series)
    assert len(rows(causes)) == kinds


def test_a_large_report_says_how_many_findings_it_leaves_out() -> None:
    findings = tuple(make_finding(f"i-{number:05}", message="x" * 450, cause=f"cause-{number % 3}") for number in range(10_000))
    document = HTML.render(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    assert 1_000_000 < len(document.encode()) <= MAX_BYTES
    shown = document.count('<tr><th scope="row"><b>instance/')
    told = re.findall(r"Showing ([\d,]+) of ([\d,]+) findings of this cause", document)
    left = sum(int(total.replace(",", "")) - int(listed.replace(",", "")) for listed, total in told)
    assert shown > 1000
    assert shown + left == 10_000
    assert "10,000 findings" in document


def test_many_rules_are_cut_in_whole_rows_and_counted() -> None:
    made = make_result(*(make_rule(id=f"r{number}", verdict=Verdict.FAIL, findings=(make_finding(),)) for number in range(1200)))
    document = HTML.render(made)
    assert len(document.encode()) <= MAX_BYTES
    assert "1,200 of 1,200 rules failed" in document
    assert "of 1,200 rules; the JSON result has them all." in document


def test_counts_add_up_to_those_of_the_result() -> None:
    result = mixed()
    listed = section(result, "findings").xpath(".//tbody/tr")
    waived = section(result, "waivers").xpath(".//details//tbody/tr")
    assert (len(listed), len(waived)) == (result.summary.findings, result.summary.findings_waived)
    assert len(rows(section(result, "all"))) == result.summary.rules


@examples(results, few=3, many=100)
def test_counts_of_any_result_add_up_to_its_summary(result: Result) -> None:
    made, summary = tree(result), result.summary
    listed = [len(made.get_element_by_id("findings").xpath(".//tbody/tr")), len(made.get_element_by_id("waivers").xpath(".//details//tbody/tr"))]
    assert listed == [summary.findings, summary.findings_waived]
    badges = [text(badge).rpartition(" ")[2] for badge in made.get_element_by_id("all").xpath(".//tbody//span[contains(@class, 'badge')]")]
    verdicts = {"pass": "passed", "fail": "failed", "waived": "waived", "inconclusive": "inconclusive", "skipped": "skipped"}
    assert {name: badges.count(verdict) for verdict, name in verdicts.items()} == {name: getattr(summary, name) for name in verdicts.values()}


def test_what_was_left_out_of_the_run_and_what_it_was_made_from_is_told() -> None:
    assert "1 rule of these policies was left out of this run: prod-backups/restored." in text(section(mixed(), "all"))
    result = mixed()
    hashed = replace(result, policies=(replace(result.policies[0], sha256="ab" * 32),))
    assert rows(section(hashed, "inputs"))[0] == ["policy", "policies/production.yaml", "ab" * 32]
    assert rows(section(hashed, "inputs"))[1] == ["backup jobs", "ListBackupJobs", "not recorded"]


@each("url", ["javascript:alert(1)", "https://x.example/\"onclick='a'", "https://x.example/ y", "http://[::1]/", "ftp://x.example/"])
def test_what_is_no_plain_link_is_text(url: str) -> None:
    found = section(make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),), url=url)), "findings")
    assert not found.xpath(".//a")
    assert url in text(found)


# Colours


def palettes() -> Iterator[dict[str, str]]:
    """The custom properties of each scheme, by name."""
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL):
        yield dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", block))


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_every_text_has_contrast_in_every_scheme() -> None:
    found = list(palettes())
    assert len(found) == 3  # light, dark, print
    for colors in found:
        pairs = [(name, ground) for name in ("ink", "soft", "accent") for ground in ("ground", "panel")]
        pairs += [(f"{name}-ink", name) for name in ("fail", "pass", "warn", "odd", "open")] + [("ink", "hatch")]
        assert [(pair, contrast(colors[pair[0]], colors[pair[1]])) for pair in pairs if contrast(colors[pair[0]], colors[pair[1]]) < 4.5] == []
        assert [name for name in ("s1", "s2", "s3", "s4", "s5", "s6") if contrast(colors[name], colors["ground"]) < 3] == []


def test_colours_of_pictures_are_those_of_the_style_sheet() -> None:
    light = next(palettes())
    assert tuple(light[f"s{number}"] for number in range(1, trends.SERIES + 1)) == trends.COLORS
    style = _style()[0]
    assert all(f'[fill="{color}"]' in style for color in trends.COLORS)
    # No line of it may be taken for a command of a CI runner.
    assert "\n" not in style and "::" not in style.replace("details::details-content", "") and unescape(style) == style
