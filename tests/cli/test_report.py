"""`policycheck report`: saved results in other formats; and --redact, of both commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policycheck.api import check as check_jobs
from policycheck.formats.registry import FORMATS
from tests.cli.conftest import AS_OF, Cli, job, save

ALL = tuple(f"{name}=NAME.{name}" for name in FORMATS if name != "text")
KEY = "a key that is long enough"


def outputs(stem: str, names: tuple[str, ...] = ALL) -> list[str]:
    return [part for name in names for part in ("--output", name.replace("NAME", stem))]


@pytest.fixture
def checked(cli: Cli, folder: Path) -> Cli:
    save(folder / "jobs.json", job(1), job(2, "FAILED", StatusMessage="Access denied."), job(3, "EXPIRED"))
    done = cli("check", "policy.yaml", "--jobs", "jobs.json", "--as-of", AS_OF, *outputs("checked"), "--output", "text", "--show-passed", "--verbose")
    (folder / "checked.text").write_bytes(done.out.encode())
    assert done.code == 1
    return cli


def test_a_report_is_the_bytes_that_the_check_wrote(checked: Cli, folder: Path) -> None:
    done = checked("report", "checked.json", *outputs("report"), "--output", "text", "--show-passed", "--verbose")
    assert (done.code, done.err, done.out) == (0, "", (folder / "checked.text").read_text(encoding="utf-8"))
    written = sorted(path.name.removeprefix("report.") for path in folder.glob("report.*"))
    assert {"coverage.csv", "reconciliation.csv"} < {*written}
    assert [name for name in written if (folder / f"checked.{name}").read_bytes() != (folder / f"report.{name}").read_bytes()] == []


def test_it_is_text_on_stdout_where_nothing_is_asked(checked: Cli) -> None:
    done = checked("report", "checked.json")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("FAIL: p, as of 2026-11-20T06:00:00Z: ")
    assert "3 |   - id: none-failed" in checked("report", "checked.json", "-v").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nothing.json",), 3, "cannot read the result: No such file or directory"),
        (("ok.json",), 3, "not a result of schema policycheck/result/2"),
        (("checked.json", "--output", "csvs"), 2, "Did you mean csv?"),
        (("checked.json", "--output", "json=checked.json"), 2, "--output would overwrite checked.json"),
        (("checked.json", "--output", "csv=a.csv", "--output", "json=a.coverage.csv"), 2, "two formats would write the same file"),
        (("checked.json", "--min-severity", "hig"), 2, "Did you mean high?"),
    ],
)
def test_a_mistake_is_told(arguments: tuple[str, ...], code: int, message: str, checked: Cli) -> None:
    done = checked("report", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_companion_overwrites_nothing_that_the_run_reads(cli: Cli, folder: Path) -> None:
    save(folder / "jobs.coverage.csv", job(1))
    done = cli("check", "policy.yaml", "--jobs", "jobs.coverage.csv", "--as-of", AS_OF, "--output", "csv=jobs.csv")
    assert done.code == 2
    assert "--output would overwrite jobs.coverage.csv" in done.err


def test_a_result_without_answers_is_not_listed_by_subject(cli: Cli, folder: Path) -> None:
    from datetime import datetime

    result = check_jobs("policy.yaml", "bad.json", as_of=datetime.fromisoformat(AS_OF))
    (folder / "short.json").write_text(FORMATS["json"].render(result), encoding="utf-8")
    done = cli("report", "short.json", "--output", "csv=a.csv", "--output", "text")
    assert (done.code, done.out) == (2, "")
    assert "the result has no answer for each subject, which csv shows" in done.err
    assert "answers=True" in done.err
    assert cli("report", "short.json", "--output", "markdown").code == 0


def test_redaction_is_the_same_now_and_later(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYCHECK_REDACT_KEY", KEY)
    checked = ("check", "policy.yaml", "--jobs", "bad.json", "--as-of", AS_OF)
    assert cli(*checked, "--output", "json=plain.json", "--quiet").code == 1
    now = cli(*checked, "--redact", "--output", "json=now.json", "--output", "text")
    later = cli("report", "plain.json", "--redact", "--output", "json=later.json", "--output", "text")
    assert (now.code, later.code, now.out) == (1, 0, later.out)
    assert (folder / "now.json").read_bytes() == (folder / "later.json").read_bytes()
    assert "111122223333" in (folder / "plain.json").read_text()
    assert not {text for text in ("111122223333", "i-2") if text in (folder / "now.json").read_text() + now.out}
    assert "redacted: account IDs, names and ARNs are pseudonyms" in now.out
    assert json.loads((folder / "now.json").read_text())["rules"][0]["findings"][0]["subject"].startswith("arn:aws:ec2:eu-west-1:")


def test_without_a_key_pseudonyms_are_of_one_run_and_a_short_key_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POLICYCHECK_REDACT_KEY", raising=False)
    checked = ("check", "policy.yaml", "--jobs", "bad.json", "--as-of", AS_OF, "--redact", "--output", "json")
    one, other = cli(*checked), cli(*checked)
    assert one.out != other.out
    assert "the pseudonyms are valid for this run only; set POLICYCHECK_REDACT_KEY" in one.err
    monkeypatch.setenv("POLICYCHECK_REDACT_KEY", "short")
    refused = cli(*checked)
    assert (refused.code, refused.out) == (2, "")
    assert "POLICYCHECK_REDACT_KEY has 5 characters, and at least 16 are needed" in refused.err


def test_the_run_file_asks_for_redaction(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICYCHECK_REDACT_KEY", KEY)
    (folder / "policycheck.yaml").write_text(f"policies: [policy.yaml]\nredact: true\nsources: {{jobs: [bad.json], as_of: {AS_OF}}}\n")
    done = cli("check", "--output", "csv")
    assert done.code == 1
    assert "111122223333" not in done.out
    (folder / "policycheck.yaml").write_text("policies: [policy.yaml]\nredact: perhaps\n")
    assert cli("check").code == 2
