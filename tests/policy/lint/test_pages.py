"""Every check has a page, and every page's examples are run: the bad one gives exactly this code, the good one does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from policycheck.policy.lint.registry import CHECKS
from tests.cli.conftest import Cli, cli, folder
from tests.policy.lint.pages import FOLDER, HEADINGS, PAGES, examples, headings
from tests.tables import each

__all__ = ["cli", "folder"]


def found(files: Mapping[str, str], folder: Path, cli: Cli) -> list[dict[str, object]]:
    """What lint says of these files, errors and warnings of any code, and everything of the page's own."""
    for file in folder.iterdir():
        file.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    policies = [] if "policycheck.yaml" in files else ["policy.yaml"]
    outcome = cli("lint", *policies, "--as-of", "2026-11-20T06:00:00Z", "--output", "json", "--fail-on", "never")
    assert outcome.code == 0, outcome.err
    findings: list[dict[str, object]] = json.loads(outcome.out)["findings"]
    return [finding for finding in findings if finding["suppressed"] is None]


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    assert [page.stem for page in PAGES] == sorted(CHECKS)


@each("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_fixed_headings_and_names_its_check(page: Path) -> None:
    check = CHECKS[page.stem]
    assert headings(page) == HEADINGS
    assert page.read_text(encoding="utf-8").startswith(f"# {check.code}: {check.name} ({check.level})\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_bad_example_gives_exactly_this_code_and_the_good_one_does_not(page: Path, folder: Path, cli: Cli) -> None:
    bad, good = examples(page)
    counted = [finding for finding in found(bad, folder, cli) if finding["level"] != "info" or finding["code"] == page.stem]
    assert {finding["code"] for finding in counted} == {page.stem}
    counted = [finding for finding in found(good, folder, cli) if finding["level"] != "info" or finding["code"] == page.stem]
    assert counted == []


def test_the_index_lists_every_check() -> None:
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [code for code in CHECKS if f"[{code}]({code}.md)" not in index] == []
