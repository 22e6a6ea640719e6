"""The AWS CLI itself against the emulator: every filter and every paging option of list-backup-jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from tests.emulator.jobs import MANAGEMENT, MEMBER, NOW, REGION, job, jobs

pytestmark = pytest.mark.slow

WANTED = {
    "ResourceArn": "arn:aws:s3:::bucket",
    "State": "FAILED",
    "BackupVaultName": "dr",
    "ResourceType": "Storage Gateway",
    "ParentJobId": "parent",
    "MessageCategory": "AccessDenied",
    "CompletionDate": NOW,
}


@pytest.fixture
def endpoint(store: Store) -> Iterator[Endpoint]:
    store.add(MANAGEMENT, REGION, "backup_jobs", [*jobs(9), job(100, BackupJobId="wanted", **WANTED)])
    store.add(MEMBER, REGION, "backup_jobs", [job(5, BackupJobId="theirs")])
    with serve(store) as running:
        yield running


def aws(endpoint: Endpoint, *options: str, command: str = "list-backup-jobs", refused: bool = False) -> Any:
    program = shutil.which("aws")
    assert program, "the AWS CLI is a development dependency"
    run = subprocess.run(
        [program, "backup", command, "--output", "json", *options],
        env={**os.environ, **endpoint.environment, "AWS_PAGER": ""},
        capture_output=True,
        check=False,
        timeout=60,
    )
    # Version 1 of the CLI ends with 255 where version 2 ends with 254.
    assert bool(run.returncode) is refused, run.stderr.decode()
    return run.stderr.decode() if refused else json.loads(run.stdout)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--by-resource-arn", "arn:aws:s3:::bucket"], ["wanted"]),
        (["--by-state", "FAILED"], ["wanted"]),
        (["--by-backup-vault-name", "dr"], ["wanted"]),
        (["--by-created-before", (NOW - timedelta(minutes=99)).isoformat()], ["wanted"]),
        (["--by-created-after", str(int((NOW - timedelta(minutes=1)).timestamp()))], ["job-00000"]),
        (["--by-resource-type", "Storage Gateway"], ["wanted"]),
        (["--by-account-id", MEMBER], ["theirs"]),
        (["--by-account-id", "*", "--by-created-before", (NOW - timedelta(minutes=8)).isoformat()], ["wanted"]),
        (["--by-complete-after", (NOW - timedelta(seconds=1)).isoformat()], ["wanted"]),
        (["--by-complete-before", (NOW + timedelta(seconds=1)).isoformat()], ["wanted"]),
        (["--by-parent-job-id", "parent"], ["wanted"]),
        (["--by-message-category", "AccessDenied"], ["wanted"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_filter(endpoint: Endpoint, options: list[str], ids: list[str]) -> None:
    assert [found["BackupJobId"] for found in aws(endpoint, *options)["BackupJobs"]] == ids


def test_paging_options(endpoint: Endpoint) -> None:
    assert len(aws(endpoint, "--page-size", "3")["BackupJobs"]) == 10
    assert [asked.parameters["MaxResults"] for asked in endpoint.requests] == [3] * 4
    first = aws(endpoint, "--page-size", "3", "--max-items", "4")
    rest = aws(endpoint, "--starting-token", first["NextToken"])
    ids = [found["BackupJobId"] for page in (first, rest) for found in page["BackupJobs"]]
    assert ids == [*(f"job-0000{number}" for number in range(9)), "wanted"]
    assert "NextToken" in aws(endpoint, "--no-paginate", "--max-results", "2")


def test_other_commands_and_refusals(endpoint: Endpoint) -> None:
    assert aws(endpoint, command="list-copy-jobs") == {"CopyJobs": []}
    assert aws(endpoint, command="list-restore-jobs") == {"RestoreJobs": []}
    assert aws(endpoint, "--backup-job-id", "wanted", command="describe-backup-job")["State"] == "FAILED"
    assert "InvalidParameterValueException" in aws(endpoint, "--by-state", "DONE", refused=True)
