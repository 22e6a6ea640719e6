from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

from policycheck.formats.cleaning import cleaned
from policycheck.formats.interface import Options, clean_result
from policycheck.formats.pieces import PIECE
from policycheck.formats.registry import FORMATS
from policycheck.job_records import SavedJob
from policycheck.result import Result, Severity, Verdict
from tests.formats.results import CASES, make_finding, make_job, make_result, make_rule, mixed, results
from tests.properties import examples
from tests.tables import each


def test_help_order_is_fixed() -> None:
    assert list(FORMATS) == ["text", "json", "junit", "sarif", "markdown", "comment", "html", "github", "gitlab", "csv", "ocsf", "oscal", "in-toto"]


def test_each_format_describes_itself() -> None:
    for name, entry in FORMATS.items():
        assert entry.name == name
        assert entry.description
        assert entry.file_suffix.startswith(".")
        assert "/" in entry.media_type


def test_importing_the_registry_loads_no_format_and_formats_load_no_heavy_library() -> None:
    code = """
import sys
from policycheck.formats.registry import FORMATS
print(*sorted(name for name in sys.modules if name.startswith("policycheck.formats.")))
list(FORMATS.values())
print(*sorted({"altair", "jinja2", "markupsafe", "junit_xml", "rich", "boto3", "polars", "vl_convert"} & set(sys.modules)))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == ["policycheck.formats.lazy policycheck.formats.registry", ""]


@each("name", FORMATS)
@each("case", CASES)
def test_display_options_change_no_machine_format(case: str, name: str) -> None:
    options = Options(color=True, width=60, show_passed=True, min_severity=Severity.CRITICAL)
    same = FORMATS[name].render(CASES[case]()) == FORMATS[name].render(CASES[case](), options)
    assert same or name in {"text", "markdown", "comment"}


@examples(results, few=4, many=100)
def test_any_result_renders_to_a_file_that_encodes_and_ends_with_one_newline(result: Result) -> None:
    for name, entry in FORMATS.items():
        text = entry.render(result)
        assert text.encode().endswith(b"\n"), name
        assert not text.endswith("\n\n"), name
        assert entry.render(result) == text, name


@examples(results, few=5, many=100)
def test_pieces_are_whole_lines_that_can_be_defused_one_by_one(result: Result) -> None:
    for name, entry in FORMATS.items():
        pieces = list(entry.pieces(clean_result(result)))
        assert [piece[-1:] for piece in pieces] == ["\n"] * len(pieces), name
        assert "".join(map(entry.printed, pieces)) == entry.printed(entry.render(result)), name


@each("name", ["json", "gitlab", "sarif"])
def test_a_document_of_many_findings_comes_in_pieces(name: str) -> None:
    findings = tuple(make_finding(f"i-{number:04}", jobs=(f"j{number}",), evidence=(make_job(f"j{number}"),)) for number in range(1000))
    result = clean_result(make_result(make_rule(verdict=Verdict.FAIL, findings=findings)))
    sizes = [len(piece) for piece in FORMATS[name].pieces(result)]
    assert len(sizes) > 5
    assert max(sizes) < 4 * PIECE
    loaded = json.loads("".join(FORMATS[name].pieces(result)))
    assert len({"json": lambda: loaded["jobs"], "gitlab": lambda: loaded, "sarif": lambda: loaded["runs"][0]["results"]}[name]()) == 1000


def test_formats_that_list_subjects_or_files_ask_for_answers() -> None:
    assert [name for name, entry in FORMATS.items() if entry.shows_answers] == ["json", "html", "csv", "in-toto"]


def test_cleaning_makes_no_copy_of_what_is_clean() -> None:
    result = mixed()
    assert all(found is kept for found, kept in zip(cleaned(result).rules[0].findings, result.rules[0].findings, strict=True))
    dirty = make_finding(evidence=(SavedJob("j", {"State": "\x1b"}),))
    assert cleaned(dirty).evidence == (SavedJob("j", {"State": "\ufffd"}),)


@each("changes", [{name: "\x1b"} for name in ("subject", "message", "account", "region", "cause", "resource_type", "account_name", "rule", "policy")]
      + [{"jobs": ("\x1b",)}, {"details": ("\x1b",)}, {"identity": {"\x1b": None}}, {"identity": {"a": "\x1b"}}])  # fmt: skip
def test_every_text_of_a_finding_is_cleaned(changes: dict[str, object]) -> None:
    assert "\x1b" not in str(cleaned(replace(make_finding(), **changes)))  # type: ignore[arg-type]  # any member


@examples(results, few=4, many=100)
def test_cleaning_a_clean_result_changes_nothing(result: Result) -> None:
    once = cleaned(result)
    assert cleaned(once) == once


def test_cleaning_keeps_a_clean_result_and_its_fingerprints() -> None:
    result = mixed()
    assert cleaned(result) == result
    assert [f.fingerprint for r in cleaned(result).rules for f in r.findings] == [f.fingerprint for r in result.rules for f in r.findings]
