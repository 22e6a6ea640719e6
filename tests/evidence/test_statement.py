"""The in-toto Statement of a bundle: what passed, failed and is a warning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import AS_OF, Cli, cli, folder  # noqa: F401 - fixtures
from tests.evidence.bundles import unpacked

RULES = {
    "ok": "{id: ok, rule: no EXPIRED jobs within 24h}",
    "bad": "{id: bad, rule: no FAILED jobs within 24h}",
    "unknown": "{id: unknown, rule: no FAILED jobs within 30d}",
    "skipped": "{id: skipped, rule: no FAILED RDS jobs within 24h, no_data: skip}",
}
CASES = [
    (["ok"], "PASSED", (["p/ok"], [], [])),
    (["ok", "skipped"], "WARNED", (["p/ok"], ["p/skipped"], [])),
    (["ok", "bad"], "FAILED", (["p/ok"], [], ["p/bad"])),
    (["ok", "unknown"], "FAILED", (["p/ok"], [], ["p/unknown"])),
]


@pytest.mark.parametrize(("rules", "result", "tests"), CASES)
def test_the_predicate_says_what_passed_and_an_inconclusive_rule_has_not(
    rules: list[str],
    result: str,
    tests: tuple[list[str], ...],
    cli: Cli,  # noqa: F811
    folder: Path,  # noqa: F811
) -> None:
    (folder / "p.yaml").write_text("policy: p\nrules:\n" + "".join(f"  - {RULES[name]}\n" for name in rules), encoding="utf-8")
    cli("check", "p.yaml", "--jobs", "bad.json", "--as-of", AS_OF, "--bundle", "evidence.zip", "--quiet")
    files = unpacked(folder / "evidence.zip")
    statement = json.loads(files["statement.json"])
    predicate = statement["predicate"]
    assert predicate == json.loads(files["predicate.json"])
    assert (statement["_type"], statement["predicateType"]) == ("https://in-toto.io/Statement/v1", "https://in-toto.io/attestation/test-result/v0.1")
    assert [subject["name"] for subject in statement["subject"]] == ["lists/0001-bad.json"]
    assert [one["uri"] for one in predicate["configuration"]] == ["policies/0001-p.yaml"]
    assert predicate["result"] == result
    assert (predicate["passedTests"], predicate["warnedTests"], predicate["failedTests"]) == tests
