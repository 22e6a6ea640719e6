"""Every format of every kind of run, whole, as files a person can read.

`POLICYCHECK_UPDATE_GOLDENS=1 pytest tests/formats` writes them anew; the difference is then reviewed like code.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest

from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from tests.formats.results import CASES, SOURCE_LINES

GOLDEN = Path(__file__).parents[1] / "golden"
OPTIONS = Options(source_lines=SOURCE_LINES)
NAMES = {(case, name): GOLDEN / f"{case}-{name}{FORMATS[name].file_suffix}" for case in CASES for name in FORMATS}


@pytest.mark.parametrize(("case", "name"), NAMES)
def test_report_equals_its_golden_file(case: str, name: str) -> None:
    path = NAMES[case, name]
    made = FORMATS[name].render(CASES[case](), OPTIONS)
    if os.environ.get("POLICYCHECK_UPDATE_GOLDENS"):
        path.write_text(made, encoding="utf-8", newline="\n")
    kept = path.read_bytes().decode() if path.exists() else ""
    difference = difflib.unified_diff(kept.splitlines(), made.splitlines(), str(path.name), "rendered now", lineterm="")
    assert made == kept, "\n".join(["POLICYCHECK_UPDATE_GOLDENS=1 pytest tests/formats accepts what is rendered now:", *difference])


def test_no_golden_file_is_left_over() -> None:
    # Other folders' goldens have names of their own.
    kept = {path for case in CASES for path in GOLDEN.glob(f"{case}-*")}
    assert kept == set(NAMES.values())
