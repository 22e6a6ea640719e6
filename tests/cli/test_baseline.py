"""`--baseline` as a user meets it: what a run says, its exit code, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, job, save

KEY = "k" * 32


@pytest.fixture
def baseline(folder: Path, check: Cli) -> Path:
    """The result of bad.json, in which i-2 failed; worse.json has i-3, too, and no.json lists another account alone."""
    save(folder / "worse.json", job(1), job(2, "FAILED"), job(3, "FAILED"))
    save(folder / "no.json", job(9, AccountId="444455556666"))
    assert check("bad.json", "-q", "-o", "json=last.json").code == 1
    return folder / "last.json"


def compared(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["baseline"]
    return told


@pytest.mark.parametrize(
    ("jobs", "options", "code", "line"),
    [
        ("bad.json", (), 1, "0 new findings, 1 unchanged, 0 gone"),
        ("bad.json", ("--fail-on-new",), 0, "0 new findings, 1 unchanged, 0 gone; 1 old finding stays, and none that counts is new (--fail-on-new)"),
        ("worse.json", ("--fail-on-new",), 1, "1 new finding, 1 unchanged, 0 gone"),
        ("ok.json", (), 0, "0 new findings, 0 unchanged, 1 gone"),
        ("no.json", ("--fail-on", "never"), 3, "0 new findings, 0 unchanged, 0 gone, 1 not seen; this run does not cover everything that the baseline covered"),
        ("bad.json", ("--ignore", "none-failed", "--fail-on-new"), 3, "1 not seen; this run does not cover everything that the baseline covered"),
    ],
)
def test_a_run_says_what_is_new_since_the_baseline(check: Cli, baseline: Path, jobs: str, options: tuple[str, ...], code: int, line: str) -> None:
    outcome = check(jobs, "--baseline", "last.json", "-o", "json=now.json", *options)
    assert outcome.code == code, outcome.err
    assert "policycheck: Since the baseline (last.json, as of 2026-11-20T06:00:00Z): " in outcome.err
    assert line in outcome.err
    assert compared(baseline.with_name("now.json"))["source"] == "last.json"


def test_the_text_report_marks_what_is_new(check: Cli, baseline: Path) -> None:
    out = check("worse.json", "--baseline", baseline.name, "--fail-on-new", "--verbose").out
    assert "error[none-failed]: 2 findings, 1 new (high)" in out
    assert out.index("instance/i-3  new: ") < out.index("instance/i-2")
    assert "warning[none-failed]: 1 finding, none new (high)" in check("bad.json", "--baseline", baseline.name, "--fail-on-new", "-v").out


def test_a_saved_comparison_is_rendered_again_and_saved_results_are_compared(cli: Cli, check: Cli, baseline: Path) -> None:
    first = check("worse.json", "--baseline", baseline.name, "--fail-on-new", "-o", "json=now.json", "-o", "text").out
    assert cli("report", "now.json").out == first
    check("worse.json", "-o", "json=plain.json")
    again = cli("report", "plain.json", "--baseline", baseline.name).out
    assert "1 new finding, 1 unchanged, 0 gone" in again


def test_the_run_file_names_the_baseline_from_its_own_folder(cli: Cli, baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "policies: [policy.yaml]\nsources: {jobs: [bad.json], as_of: 2026-11-20T06:00:00Z}\nbaseline: last.json\nfail_on_new: true\ncategory: nightly/prod\n"
    (baseline.parent / "policycheck.yaml").write_text(text, encoding="utf-8")
    (baseline.parent / "sub").mkdir()
    monkeypatch.chdir(baseline.parent / "sub")
    outcome = cli("check", "-o", "sarif")
    assert outcome.code == 0, outcome.err
    runs = json.loads(outcome.out)["runs"]
    assert [run["automationDetails"]["id"] for run in runs] == [f"policycheck/p/nightly/prod/{name}/" for name in ("none-expired", "none-failed")]
    assert [entry["baselineState"] for run in runs for entry in run["results"]] == ["unchanged"]
    monkeypatch.setenv("POLICYCHECK_CATEGORY", "of-the-environment")
    assert "policycheck/p/nightly/prod/" in cli("check", "-q", "-o", "sarif").out
    assert "policycheck/p/mine/" in cli("check", "-q", "-o", "sarif", "--category", "mine").out


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--baseline", "nowhere.json"), 3, "nowhere.json: cannot read the baseline: No such file or directory"),
        (("--baseline", "policy.yaml"), 3, "policy.yaml: the baseline cannot be used: not a saved result"),
        (("--baseline", "cut.json"), 3, "cut.json: the baseline cannot be used"),
        (("--baseline", "edited.json"), 3, "rule none-failed has findings that are not waived, and the verdict pass"),
        (("--baseline", "old.json"), 3, "schema policycheck/result/1 of an earlier version"),
        (("--baseline", "other.json"), 2, "the baseline is of other policies: it evaluated q, and this run evaluates p"),
        (("--baseline", "later.json"), 2, "the baseline is of a later time (2026-11-20T07:00:00Z) than this run"),
        (("--baseline", "redacted.json"), 2, "the baseline is redacted: pseudonyms cannot be compared with names"),
        (("--baseline", "last.json", "-o", "json=last.json"), 2, "--output would overwrite last.json, which this run reads"),
        (("--baseline", "period.json"), 2, "the baseline is of a period, and this run is of one instant"),
        (("--category", "a[b"), 2, "--category: 'a[b' cannot be a category"),
    ],
)
def test_what_is_no_baseline_is_refused_with_what_to_do(cli: Cli, check: Cli, baseline: Path, options: tuple[str, ...], code: int, said: str) -> None:
    content, folder = baseline.read_text(encoding="utf-8"), baseline.parent
    (folder / "cut.json").write_text(content[:500], encoding="utf-8")
    (folder / "edited.json").write_text(content.replace('"verdict":"fail"', '"verdict":"pass"'), encoding="utf-8")
    (folder / "old.json").write_text(content.replace("policycheck/result/2", "policycheck/result/1"), encoding="utf-8")
    (folder / "q.yaml").write_text((folder / "policy.yaml").read_text(encoding="utf-8").replace("policy: p", "policy: q"), encoding="utf-8")
    check("bad.json", "-q", "-o", "json=other.json", policy="q.yaml")
    check("bad.json", "-q", "--redact", "-o", "json=redacted.json")
    check("bad.json", "-q", "--from", "2d", "-o", "json=period.json")
    cli("check", "policy.yaml", "--jobs", "bad.json", "--as-of", "2026-11-20T07:00:00Z", "-q", "-o", "json=later.json")
    outcome = check("bad.json", *options)
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err
    assert "= help: " in outcome.err
    assert "Traceback" not in outcome.err


def test_a_redacted_baseline_is_compared_by_pseudonyms_of_the_same_key(check: Cli, baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYCHECK_REDACT_KEY", KEY)
    check("bad.json", "-q", "--redact", "-o", "json=redacted.json")
    check("bad.json", "-q", "--from", "2d", "-o", "json=period.json")
    for name in ("redacted.json", "last.json"):
        outcome = check("worse.json", "--redact", "--baseline", name, "-o", "json=now.json")
        assert "1 new finding, 1 unchanged, 0 gone" in outcome.err
        assert "111122223333" not in baseline.with_name("now.json").read_text(encoding="utf-8")
    policy = baseline.with_name("policy.yaml")
    policy.write_text(policy.read_text(encoding="utf-8") + "# secret 111122223333\n", encoding="utf-8")
    for name in ("redacted.json", "last.json"):
        gone = check("ok.json", "--redact", "--baseline", name, "-o", "text", "--show-passed").out
        assert "1 gone" in gone
        assert "i-2" not in gone
        assert "- id: none-failed" not in gone, "lines of policies are not shown"


def test_a_gate_takes_no_baseline(cli: Cli, baseline: Path) -> None:
    outcome = cli("check", "policy.yaml", "--wait", "1m", "--region", "eu-west-1", "--baseline", baseline.name)
    assert (outcome.code, "--baseline and --wait exclude each other" in outcome.err) == (2, True)


def test_without_a_baseline_every_finding_fails_the_run(check: Cli, baseline: Path) -> None:
    outcome = check("bad.json", "--fail-on-new")
    assert (outcome.code, "--fail-on-new has no baseline" in outcome.err) == (1, True)


@pytest.mark.slow
def test_a_bundle_holds_the_run_alone(cli: Cli, check: Cli, baseline: Path) -> None:
    assert check("bad.json", "--baseline", baseline.name, "--fail-on-new", "--bundle", "b.zip").code == 0
    assert cli("verify", "b.zip").code == 0
