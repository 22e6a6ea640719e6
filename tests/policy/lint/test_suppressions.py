"""Suppressions: what they cover, what they need, and that one that does nothing is found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.policy.lint.finding import LintFinding, Run
from policycheck.policy.lint.registry import CHECKS
from policycheck.policy.lint.runner import choose_codes, lint
from policycheck.policy.literals import BadValue
from policycheck.policy.load import load_policies

CODES = ["PC101", "PC107", "PC109", "PC901", "PC902"]
FAILED = "no FAILED jobs"


def found(lines: Sequence[str], folder: Path, codes: Sequence[str] = CODES) -> list[LintFinding]:
    path = folder / "policy.yaml"
    path.write_text("".join(f"{line}\n" for line in ["policy: p", "rules:", *lines]), encoding="utf-8")
    return list(lint(Run(load_policies([(path, "policy.yaml")], {}), datetime(2026, 11, 20, tzinfo=UTC)), codes, {}))


def told(findings: Sequence[LintFinding]) -> dict[str, str | None]:
    return {finding.code: finding.suppressed for finding in findings}


def test_at_the_id_it_covers_the_whole_rule(tmp_path: Path) -> None:
    lines = ["  - id: r  # policycheck: ignore[PC101, PC107] judged elsewhere", f"    rule: {FAILED}"]
    assert told(found(lines, tmp_path)) == {"PC101": "judged elsewhere", "PC107": "judged elsewhere"}


def test_alone_above_the_id_it_covers_the_whole_rule(tmp_path: Path) -> None:
    lines = ["  # policycheck: ignore[PC101,PC107] judged elsewhere", "  - id: r", f"    rule: {FAILED}"]
    assert told(found(lines, tmp_path)) == {"PC101": "judged elsewhere", "PC107": "judged elsewhere"}


def test_at_another_line_it_covers_what_is_found_there(tmp_path: Path) -> None:
    lines = ["  - id: r", f"    rule: {FAILED}  # policycheck: ignore[PC101] judged elsewhere"]
    assert told(found(lines, tmp_path)) == {"PC101": "judged elsewhere", "PC107": None}


def test_it_covers_no_other_rule_and_no_other_code(tmp_path: Path) -> None:
    lines = ["  - id: r  # policycheck: ignore[PC107] judged elsewhere", f"    rule: {FAILED}", "  - id: s", f"    rule: {FAILED} in vault a"]
    assert [(finding.rule, finding.code) for finding in found(lines, tmp_path) if finding.suppressed is None] == [
        ("r", "PC101"),
        ("s", "PC107"),
        ("s", "PC101"),
    ]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# policycheck: ignore[PC101]", "gives no reason: it has no effect"),
        ("# policycheck: ignore judged elsewhere", "names no code: it has no effect"),
        ("# policycheck: ignore[] judged elsewhere", "names no code: it has no effect"),
        ("# policycheck: ignore[PC999, PC101] judged elsewhere", "names PC999, which is not a code"),
    ],
)
def test_a_malformed_one_is_found(comment: str, message: str, tmp_path: Path) -> None:
    findings = found([f"  - id: r  {comment}", f"    rule: {FAILED} within 24h"], tmp_path)
    (malformed,) = [finding for finding in findings if finding.code == "PC901"]
    assert malformed.message.endswith(message)
    assert malformed.location.column == len("  - id: r  ") + 1
    assert told(findings)["PC101"] == ("judged elsewhere" if "PC999" in comment else None)


def test_what_suppresses_nothing_is_found_for_each_code_that_was_looked_for(tmp_path: Path) -> None:
    lines = ["  - id: r  # policycheck: ignore[PC101, PC109, PC107] judged elsewhere", f"    rule: {FAILED} within 24h"]
    assert [finding.message for finding in found(lines, tmp_path) if finding.code == "PC902"] == [
        "the suppression of PC107 suppresses nothing",
        "the suppression of PC109 suppresses nothing",
    ]
    assert [finding.code for finding in found(lines, tmp_path, ["PC101", "PC902"])] == ["PC101"]


def test_a_value_that_looks_like_one_is_none(tmp_path: Path) -> None:
    lines = ["  - id: r", f"    rule: {FAILED} within 24h", "    why: 'see # policycheck: ignore[PC101] there'"]
    assert told(found(lines, tmp_path)) == {"PC101": None}


def test_it_cannot_suppress_that_it_is_malformed(tmp_path: Path) -> None:
    lines = ["  - id: r  # policycheck: ignore[PC901,PC999] quiet", f"    rule: {FAILED} within 24h"]
    assert told(found(lines, tmp_path))["PC901"] is None


@pytest.mark.parametrize(
    ("select", "ignore", "chosen"),
    [
        ([], ["PC1", "PC2", "PC3", "PC4", "PC5", "PC9"], {code for code in CHECKS if code.startswith("PC0")}),
        (["PC101", "PC20"], ["PC204"], {"PC101", "PC201", "PC202", "PC203", "PC205"}),
        ([], [], set(CHECKS)),
        (["PC"], ["failed-alone"], set(CHECKS) - {"PC101"}),
    ],
)
def test_codes_are_chosen_by_themselves_or_their_beginnings(select: list[str], ignore: list[str], chosen: set[str]) -> None:
    assert choose_codes(select, ignore) == chosen


@pytest.mark.parametrize(
    ("select", "ignore", "message", "hint"),
    [
        (["PC999"], [], "there is no check PC999", "docs/lint/README.md lists them."),
        ([], ["failed-alon"], "there is no check failed-alon", "Did you mean failed-alone?"),
        (["P"], [], "there is no check P", "docs/lint/README.md lists them."),
        (["PC1"], ["PC1"], "the selection leaves nothing to check", ""),
    ],
)
def test_a_choice_that_chooses_nothing_is_refused(select: list[str], ignore: list[str], message: str, hint: str) -> None:
    with pytest.raises(ValueError) as caught:
        choose_codes(select, ignore)
    told = BadValue.of(caught.value)
    assert (told.message, told.hint) == (message, hint)
