"""Job reports of AWS Backup on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.datasets import BACKUP_JOBS
from tests.cli.conftest import Cli
from tests.samples import sample
from tests.sources.job_reports import DAY, daily

END = datetime(2026, 11, 20, tzinfo=UTC)
POLICY = "policy: p\nrules:\n  - {id: failed, rule: no FAILED jobs within 24h}\n  - {id: clean, rule: no jobs with issues within 24h}\n"


@pytest.fixture
def reports(folder: Path) -> Path:
    """A folder with two days of reports of one account and Region, in the folders in which AWS puts them."""
    jobs = sample(END).jobs(BACKUP_JOBS)["444455556666", "eu-west-1"]
    for name, text in daily(BACKUP_JOBS, jobs, END - 2 * DAY, 2, "CSV"):
        path = folder / "bucket" / "Backup" / "444455556666" / "eu-west-1" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(text)
    (folder / "rules.yaml").write_text(POLICY)
    return folder


def test_a_check_says_what_reports_do_not(reports: Path, cli: Cli) -> None:
    done = cli("check", "rules.yaml", "--jobs", "bucket", "--as-of", END.isoformat(), "--fail-on", "never", "--output", "json")
    result = json.loads(done.out)
    assert {rule["id"]: rule["verdict"] for rule in result["rules"]} == {"failed": "fail", "clean": "inconclusive"}
    assert "job reports of AWS Backup do not record MessageCategory" in result["rules"][1]["reason"]
    assert [(entry["from"], entry["to"], entry["basis"]) for entry in result["coverage"]] == [("2026-11-18T00:00:00Z", "2026-11-20T00:00:00Z", "asserted")]
    assert result["not_seen"][0].startswith("asserted: 2 files (bucket/Backup/444455556666/eu-west-1/2026/11/18/report.csv, ")


def test_rules_are_drafted_from_reports_and_jobs_explained(reports: Path, cli: Cli) -> None:
    drafted = cli("init", "--jobs", "bucket", "--as-of", END.isoformat())
    assert (drafted.code, "- id: no-failed-jobs" in drafted.out) == (0, True)
    explained = cli("explain", "clean", "rules.yaml", "--jobs", "bucket", "--as-of", END.isoformat())
    assert "job reports of AWS Backup do not record MessageCategory" in explained.out


def test_s3_needs_a_bucket_and_takes_no_option_but_a_profile(reports: Path, cli: Cli) -> None:
    done = cli("check", "rules.yaml", "--jobs", "s3://", "--as-of", END.isoformat())
    assert (done.code, done.err.splitlines()[0]) == (2, "error: s3://: no bucket is named")
    done = cli("check", "rules.yaml", "--jobs", "s3://lists/x", "--as-of", END.isoformat(), "--region", "eu-west-1")
    assert (done.code, "--profile" in done.err) == (2, True)
