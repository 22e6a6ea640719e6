from __future__ import annotations

import subprocess
import sys

from policycheck.formats.cleaning import cleaned
from policycheck.formats.interface import Options
from policycheck.formats.registry import FORMATS
from policycheck.result import Result, Severity
from tests.formats.results import CASES, mixed, results
from tests.properties import examples
from tests.tables import each


def test_help_order_is_fixed() -> None:
    assert list(FORMATS) == ["text", "json", "junit", "sarif", "markdown", "github", "gitlab"]


def test_each_format_describes_itself() -> None:
    for name, entry in FORMATS.items():
        assert entry.name == name
        assert entry.description
        assert entry.file_suffix.startswith(".")
        assert "/" in entry.media_type


def test_importing_the_registry_loads_no_heavy_library() -> None:
    code = "import sys, policycheck.formats.registry; print(*sorted({'jinja2', 'markupsafe', 'junit_xml', 'rich', 'boto3', 'polars'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@each("name", FORMATS)
@each("case", CASES)
def test_display_options_change_no_machine_format(case: str, name: str) -> None:
    options = Options(color=True, width=60, show_passed=True, min_severity=Severity.CRITICAL)
    same = FORMATS[name].render(CASES[case]()) == FORMATS[name].render(CASES[case](), options)
    assert same or name in {"text", "markdown"}


@examples(results, few=6, many=100)
def test_any_result_renders_to_a_file_that_encodes_and_ends_with_one_newline(result: Result) -> None:
    for name, entry in FORMATS.items():
        text = entry.render(result)
        assert text.encode().endswith(b"\n"), name
        assert not text.endswith("\n\n"), name
        assert entry.render(result) == text, name


@examples(results, few=6, many=100)
def test_cleaning_a_clean_result_changes_nothing(result: Result) -> None:
    once = cleaned(result)
    assert cleaned(once) == once


def test_cleaning_keeps_a_clean_result_and_its_fingerprints() -> None:
    result = mixed()
    assert cleaned(result) == result
    assert [f.fingerprint for r in cleaned(result).rules for f in r.findings] == [f.fingerprint for r in result.rules for f in r.findings]
