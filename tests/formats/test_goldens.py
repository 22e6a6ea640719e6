"""Every format of every kind of run, whole, as files a person can read.

`POLICYCHECK_UPDATE_GOLDENS=1 pytest tests/formats` writes them anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.text import display_width
from tests.formats.results import CASES, SOURCE_LINES
from tests.test_cases import judge, read_case

GOLDEN = Path(__file__).parents[1] / "golden"
OPTIONS = Options(source_lines=SOURCE_LINES)
NAMES = {(case, name): GOLDEN / f"{case}-{name}{FORMATS[name].file_suffix}" for case in CASES for name in FORMATS}
VERBOSE = {case: GOLDEN / f"{case}-verbose.txt" for case in CASES}
CHECKS = Path(__file__).parents[1] / "cases" / "checks"
WIDTHS = (60, 80, 200)
KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE_ARN = "arn:aws:iam::111122223333:role/teams/platform/operations/backup-operator-of-everything"


@pytest.mark.parametrize(("case", "name"), NAMES)
def test_report_equals_its_golden_file(case: str, name: str) -> None:
    compare(FORMATS[name].render(CASES[case](), OPTIONS), NAMES[case, name])


@pytest.mark.parametrize("case", CASES)
def test_all_of_the_text_report_equals_its_golden_file(case: str) -> None:
    compare(FORMATS["text"].render(CASES[case](), replace(OPTIONS, verbose=True)), VERBOSE[case])


@pytest.mark.parametrize("width", WIDTHS)
def test_report_of_a_run_reads_well_at_every_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole run, from job lists: what stands in the golden files was looked at in terminals of these widths."""
    monkeypatch.chdir(CHECKS / "causes")
    policy = Path("policy.yaml").read_text(encoding="utf-8").splitlines()
    options = Options(width=width, verbose=True, show_passed=True, source_lines={("policy.yaml", number): text for number, text in enumerate(policy, start=1)})
    made = FORMATS["text"].render(judge(Path(), read_case(Path())), options)
    compare(made, GOLDEN / f"causes-text-{width}.txt")
    # What is longer is one word that someone will copy.
    long = [row.removeprefix("  = ").split() for row in made.splitlines() if display_width(row) > width]
    assert all(len(words) == 1 for words in long), long
    assert KEY_ARN in made
    assert ROLE_ARN in made


def compare(made: str, path: Path) -> None:
    if os.environ.get("POLICYCHECK_UPDATE_GOLDENS"):
        path.write_text(made, encoding="utf-8", newline="\n")
    kept = path.read_bytes().decode() if path.exists() else ""
    difference = difflib.unified_diff(kept.splitlines(), made.splitlines(), str(path.name), "rendered now", lineterm="")
    assert made == kept, "\n".join(["POLICYCHECK_UPDATE_GOLDENS=1 pytest tests/formats accepts what is rendered now:", *difference])


def test_no_golden_file_is_left_over() -> None:
    # Other folders' goldens have names of their own.
    kept = {path for case in CASES for path in GOLDEN.glob(f"{case}-*")}
    assert kept == {*NAMES.values(), *VERBOSE.values()}
