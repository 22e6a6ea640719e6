from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path

from policycheck.answers import Answer, SubjectAnswer
from policycheck.formats.interface import DEFAULTS, clean_result
from policycheck.formats.population_csv import COLUMNS, cell
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Verdict
from tests.formats.results import make_finding, make_result, make_rule, mixed
from tests.tables import each

CSV = FORMATS["csv"]


def rows(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(CSV.render(result), newline=""), strict=True))


@each("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert not cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@each(("text", "told"), [("a,b", "a,b"), ('say "no"', 'say "no"'), ("a\nb", "a b"), ("1 - 2", "1 - 2"), (None, ""), ("", "")])
def test_other_text_is_kept_on_one_line(text: str | None, told: str) -> None:
    assert cell(text) == told
    made = make_result(make_rule(answers=(SubjectAnswer("1", "r", text or "x", Answer.PASS),)))
    assert rows(made)[0]["subject"] == (told or "x")


def test_lines_end_as_rfc_4180_says_and_begin_with_the_columns() -> None:
    document = CSV.render(mixed())
    assert document.startswith(",".join(COLUMNS) + "\r\n")
    assert document.count("\n") == document.count("\r\n")


def test_a_subject_has_its_answer_its_job_and_what_is_known_of_it() -> None:
    found = next(row for row in rows(mixed()) if row["subject"].endswith(":orders"))
    assert (found["account_name"], found["resource_type"], found["resource_name"]) == ("production", "RDS", "orders")
    assert (found["answer"], found["measured"], found["limit"], found["margin"]) == ("pass", "26 h", "at most 36h", "10 h within")
    assert (found["newest_job_state"], found["newest_job_created"]) == ("COMPLETED", "2026-11-19T10:00:00Z")
    waived = next(row for row in rows(mixed()) if row["answer"] == "waived")
    assert (waived["controls"], waived["waiver_owner"], waived["waiver_expires"]) == ("nist-800-53 CP-9; soc2 A1.2", "platform@example.com", "2026-12-01")


@each(("verdict", "answer"), [(Verdict.PASS, "nothing"), (Verdict.SKIPPED, "nothing"), (Verdict.INCONCLUSIVE, "undecided")])
def test_a_rule_without_subjects_has_a_row(verdict: Verdict, answer: str) -> None:
    (row,) = rows(make_result(make_rule(verdict=verdict)))
    assert (row["subject"], row["answer"], row["verdict"]) == ("", answer, str(verdict))


def test_a_finding_on_nobody_that_was_evaluated_has_a_row() -> None:
    finding = make_finding(subject="(no jobs)", account=None, region=None)
    (row,) = rows(make_result(make_rule(verdict=Verdict.FAIL, findings=(finding,))))
    assert (row["subject"], row["answer"]) == ("(no jobs)", "fail")


def test_what_is_beside_it_is_named_after_it() -> None:
    assert CSV.companion_paths(Path("out/report.csv")) == {
        "coverage": Path("out/report.coverage.csv"),
        "reconciliation": Path("out/report.reconciliation.csv"),
    }
    assert CSV.companion_paths(Path("report.txt"))["coverage"] == Path("report.txt.coverage.csv")
    assert FORMATS["json"].companion_paths(Path("a.json")) == {}


def test_coverage_and_reconciliation_say_what_the_result_says() -> None:
    result = clean_result(mixed())
    coverage, days = (list(csv.DictReader(StringIO("".join(write(result, DEFAULTS)), newline=""))) for write in CSV.companions.values())
    assert [(row["list"], row["jobs"], row["complete"], row["basis"]) for row in coverage] == [
        ("backup_jobs", "412", "yes", "observed"),
        ("backup_jobs", "0", "yes", "observed"),
        ("backup_jobs", "7", "no", "observed"),
        ("copy_jobs", "20", "yes", "asserted"),
    ]
    assert coverage[3]["sha256"] == "c0" * 32
    assert coverage[3]["gaps"] == "2026-10-31T12:00:00Z/2026-11-02T12:00:00Z"
    assert [(row["day"], row["records"], row["repeated"], row["jobs"], row["covered"]) for row in days] == [
        ("2026-11-18", "14", "2", "12", "whole"),
        ("2026-11-19", "6", "0", "6", "part"),
    ]
