"""`fetch` and `archive`, and a check over an archive, as a person sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policycheck.emulator.server import Endpoint
from policycheck.errors import ExitCode
from tests.cli.conftest import Cli
from tests.cli.test_aws import Serve, serve_sample  # noqa: F401 - a fixture
from tests.sources.conftest import no_aws  # noqa: F401 - a fixture

FETCH = ("fetch", "--archive", "kept", "--region", "eu-west-1", "--region", "us-east-1")
_Served = Callable[..., AbstractContextManager[Endpoint]]


@pytest.fixture
def endpoint(serve_sample: Serve) -> Iterator[Endpoint]:  # noqa: F811
    with serve_sample() as served:
        yield served


@pytest.mark.slow
@pytest.mark.usefixtures("endpoint")
def test_what_is_fetched_is_checked_shown_and_compacted(cli: Cli, folder: Path) -> None:
    first = cli(*FETCH)
    assert (first.code, first.out) == (0, "")
    assert first.err.startswith("policycheck: kept: 1,") and first.err.endswith("new rows; 6 of 6 lists read completely\n")
    assert cli(*FETCH, "--quiet") == (0, "", "")
    (folder / "policy.yaml").write_text("policy: p\nrules: [{id: a, rule: no EXPIRED jobs within 1h}]\n", encoding="utf-8")
    checked = cli("check", "policy.yaml", "--jobs", "kept", "--as-of", "now", "--verbose")
    assert checked.code == ExitCode.OK, checked.out
    assert "complete, observed; source kept" in " ".join(checked.out.split())
    assert "archive: kept: read " in " ".join(checked.out.split())
    status = cli("archive", "status", "kept")
    assert status.code == 0
    assert status.out.startswith("kept: 2 fetches\nbackup jobs: 1,")
    assert "\nbackup jobs 111122223333/eu-west-1: covered 20" in status.out
    compacted = cli("archive", "compact", "kept")
    assert compacted.out.splitlines()[-2].startswith("fetches: 2 files, now 1;")
    next((folder / "kept" / "backup_jobs").glob("Region=us-east-1/*/*.parquet")).write_bytes(b"x")
    damaged = cli("archive", "status", "kept")
    assert damaged.code == ExitCode.EVIDENCE
    assert "damaged: kept/backup_jobs/Region=us-east-1/" in damaged.out
    broken = cli("archive", "compact", "kept")
    assert (broken.code, broken.out) == (ExitCode.EVIDENCE, "")
    repaired = cli(*FETCH, "--repair")
    assert repaired.code == 0
    assert "policycheck: repair: kept/backup_jobs/Region=us-east-1/" in repaired.err
    assert cli("archive", "status", "kept").code == 0


def test_a_list_that_cannot_be_read_is_named_and_the_exit_code_is_3(serve_sample: Serve, cli: Cli) -> None:  # noqa: F811
    with serve_sample("ListCopyJobs:*=denied"):
        outcome = cli("fetch", "--archive", "kept", "--region", "eu-west-1")
    assert outcome.code == ExitCode.EVIDENCE
    assert outcome.err.count("error: the copy jobs of 111122223333/eu-west-1 were not read: ") == 1
    assert "2 of 3 lists read completely" in outcome.err


@pytest.mark.usefixtures("endpoint")
def test_policies_say_which_lists_and_regions_are_fetched(cli: Cli, folder: Path) -> None:
    scope = "scope: {accounts: ['111122223333'], regions: [us-east-1]}"
    (folder / "policy.yaml").write_text(f"policy: p\n{scope}\nrules: [{{id: a, rule: no FAILED copy jobs within 1d}}]\n", encoding="utf-8")
    outcome = cli("fetch", "policy.yaml", "--archive", "kept")
    assert (outcome.code, outcome.err.rsplit(";", 1)[1]) == (0, " 1 of 1 lists read completely\n")
    assert "copy jobs 111122223333/us-east-1: covered" in cli("archive", "status", "kept").out


def test_mistakes_end_with_a_line_and_a_hint(cli: Cli, folder: Path) -> None:
    (folder / "list").mkdir()
    (folder / "list" / "jobs.json").write_text("{}", encoding="utf-8")
    cases = {
        ("archive", "polish", "kept"): (2, "there is no action polish of archives"),
        ("archive", "status", "nowhere"): (3, "nowhere: is not an archive: it has no table of fetches"),
        ("archive", "compact", "list"): (3, "list: is not an archive"),
        ("archive", "status", "s3://"): (2, "s3://: no bucket is named"),
        ("fetch",): (2, "Missing option '--archive'"),
    }
    for arguments, (code, said) in cases.items():
        outcome = cli(*arguments)
        assert (outcome.code, outcome.out, said in outcome.err) == (code, "", True), outcome.err
        assert "Traceback" not in outcome.err


@pytest.mark.usefixtures("endpoint")
def test_an_archive_is_checked_alone_and_without_a_claim(cli: Cli) -> None:
    assert cli("fetch", "policy.yaml", "--archive", "kept", "--region", "eu-west-1").code == 0
    beside = cli("check", "policy.yaml", "--jobs", "kept", "--jobs", "ok.json", "--as-of", "now")
    assert (beside.code, "kept is an archive, and an archive cannot be combined with other lists" in beside.err) == (2, True)
    claimed = cli("check", "policy.yaml", "--jobs", "kept", "--as-of", "now", "--covers", "2026-10-20..2026-11-20")
    assert (claimed.code, "--covers is for saved job lists" in claimed.err) == (2, True)
    timeless = cli("check", "policy.yaml", "--jobs", "kept")
    assert (timeless.code, "--as-of is required: a saved job list does not record when it was saved" in timeless.err) == (2, True)


@pytest.mark.slow
@pytest.mark.usefixtures("endpoint")
def test_a_period_over_an_archive_says_what_a_check_of_each_day_says(cli: Cli, folder: Path) -> None:
    assert cli(*FETCH, "--quiet").code == 0
    rules = "- {id: a, rule: no FAILED or EXPIRED jobs within 24h}\n- {id: b, rule: every resource must have a clean job within 30h}\n"
    (folder / "policy.yaml").write_text(f"policy: p\nrules:\n{rules}", encoding="utf-8")
    end = datetime.now(UTC).replace(microsecond=0)
    arguments = ("check", "policy.yaml", "--jobs", "kept", "--quiet", "--output", "json")
    whole = json.loads(cli(*arguments, "--from", "4d", "--to", end.isoformat()).out)
    days = [json.loads(cli(*arguments, "--as-of", (end - timedelta(days=day)).isoformat()).out) for day in (4, 3, 2, 1, 0)]
    for number, rule in enumerate(whole["rules"]):
        assert [span["verdict"] for span in rule["period"] for _ in range(span["steps"])] == [day["rules"][number]["verdict"] for day in days]
        assert {found["fingerprint"] for found in rule["findings"]} == {found["fingerprint"] for day in days for found in day["rules"][number]["findings"]}
    assert {day["rules"][0]["verdict"] for day in days} == {"fail", "pass"}
