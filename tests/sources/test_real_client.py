"""The AWS CLI itself, against the same endpoint: with each filter and each paging option, policycheck lists the same jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from policycheck.datasets import JOB_LISTS, Dataset
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.errors import FetchError
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.containers import read_pages
from policycheck.sources.pages import guard, list_pages
from policycheck.sources.plan import FetchPlan
from policycheck.sources.session import AwsSession
from tests.sources.loopback import ACCOUNT, NOW, OTHER, REGION, job

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("aws")]

JOBS = 30
VAULT = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:dr"


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


@pytest.fixture(scope="module")
def served() -> Iterator[Endpoint]:
    store = Store(Clock(NOW), management=ACCOUNT)
    states = ["COMPLETED", "FAILED", "RUNNING"]
    categories = ["SUCCESS", "AccessDenied"]
    store.add(
        ACCOUNT,
        REGION,
        "backup_jobs",
        [
            job(
                number,
                State=states[number % 3],
                ResourceType=["EBS", "EC2"][number % 2],
                BackupVaultName=["prod", "dr"][number % 2],
                MessageCategory=categories[number % 2],
                ResourceName="Größe 漢字 🙂",
                ParentJobId=f"parent-{number % 4}",
            )
            for number in range(JOBS)
        ],
    )
    store.add(OTHER, REGION, "backup_jobs", [job(number, account=OTHER) for number in range(4)])
    copies = [
        {"CopyJobId": f"c{number}", "DestinationBackupVaultArn": VAULT, "State": states[number % 3], "CreationDate": ago(days=number)} for number in range(9)
    ]
    store.add(ACCOUNT, REGION, "copy_jobs", copies)
    restores = [{"RestoreJobId": f"r{number}", "Status": states[number % 3], "ResourceType": "EBS", "CreationDate": ago(days=number)} for number in range(9)]
    store.add(ACCOUNT, REGION, "restore_jobs", restores)
    with serve(store) as running:
        yield running


def aws_cli(served: Endpoint, dataset: Dataset, *options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "awscli", "backup", f"list-{dataset.noun.replace(' ', '-')}s", "--endpoint-url", served.url, "--region", REGION]
    done = subprocess.run([*command, "--output", "json", *options], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONUTF8": "1"})
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def records_of_cli(answer: dict[str, Any], dataset: Dataset) -> list[Any]:
    """Without the token of a list that was cut short on purpose."""
    return [record for page in read_pages(json.dumps({dataset.result_key: answer[dataset.result_key]}).encode()) for record in page.jobs.records]


def records_of_ours(served: Endpoint, dataset: Dataset, **parameters: object) -> list[Any]:
    with closing(AwsSession(Connection(endpoint_url=served.url)).backup_client(REGION)) as client:
        guard(client)
        return [record for page in list_pages(client, dataset, parameters) for record in page.jobs.records]


BACKUP, COPY, RESTORE = JOB_LISTS.values()
FILTERS: list[tuple[Dataset, Sequence[str], dict[str, object], int]] = [
    (BACKUP, [], {}, JOBS),
    (BACKUP, ["--by-state", "FAILED"], {"ByState": "FAILED"}, 10),
    (BACKUP, ["--by-resource-arn", job(7)["ResourceArn"]], {"ByResourceArn": job(7)["ResourceArn"]}, 1),
    (BACKUP, ["--by-backup-vault-name", "dr"], {"ByBackupVaultName": "dr"}, 15),
    (BACKUP, ["--by-created-before", ago(minutes=9.5).isoformat()], {"ByCreatedBefore": ago(minutes=9.5)}, 20),
    (BACKUP, ["--by-created-after", ago(minutes=9.5).isoformat()], {"ByCreatedAfter": ago(minutes=9.5)}, 10),
    (BACKUP, ["--by-complete-after", ago(minutes=9.5).isoformat()], {"ByCompleteAfter": ago(minutes=9.5)}, 11),
    (BACKUP, ["--by-complete-before", ago(minutes=9.5).isoformat()], {"ByCompleteBefore": ago(minutes=9.5)}, 19),
    (BACKUP, ["--by-resource-type", "EC2"], {"ByResourceType": "EC2"}, 15),
    (BACKUP, ["--by-account-id", OTHER], {"ByAccountId": OTHER}, 4),
    (BACKUP, ["--by-account-id", "*"], {"ByAccountId": "*"}, JOBS + 4),
    (BACKUP, ["--by-parent-job-id", "parent-1"], {"ByParentJobId": "parent-1"}, 8),
    (BACKUP, ["--by-message-category", "SUCCESS"], {"ByMessageCategory": "SUCCESS"}, 15),
    (BACKUP, ["--by-state", "COMPLETED", "--by-resource-type", "EBS"], {"ByState": "COMPLETED", "ByResourceType": "EBS"}, 5),
    (COPY, ["--by-destination-vault-arn", VAULT], {"ByDestinationVaultArn": VAULT}, 9),
    (COPY, ["--by-created-after", ago(days=3.5).isoformat()], {"ByCreatedAfter": ago(days=3.5)}, 4),
    (RESTORE, ["--by-status", "FAILED"], {"ByStatus": "FAILED"}, 3),
]


@pytest.mark.parametrize(("dataset", "options", "parameters", "count"), FILTERS, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_filter_lists_what_the_aws_cli_lists(served: Endpoint, dataset: Dataset, options: Sequence[str], parameters: dict[str, object], count: int) -> None:
    theirs = records_of_cli(aws_cli(served, dataset, *options), dataset)
    assert records_of_ours(served, dataset, **parameters) == theirs
    assert len(theirs) == count


@pytest.mark.parametrize("options", [["--page-size", "7"], ["--page-size", "1000"], ["--max-items", "1000"]], ids=" ".join)
def test_a_paging_option_that_ends_nothing_early_lists_every_job(served: Endpoint, options: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", 4)
    assert records_of_ours(served, BACKUP) == records_of_cli(aws_cli(served, BACKUP, *options), BACKUP)


def test_options_that_end_a_list_early_are_short_where_policycheck_is_not(served: Endpoint) -> None:
    every = records_of_ours(served, BACKUP)
    begun = aws_cli(served, BACKUP, "--max-items", "11")
    rest = aws_cli(served, BACKUP, "--starting-token", begun["NextToken"])
    assert records_of_cli(begun, BACKUP) + records_of_cli(rest, BACKUP) == every
    single = aws_cli(served, BACKUP, "--no-paginate", "--max-results", "11")
    assert records_of_cli(single, BACKUP) == every[:11]
    assert single["NextToken"]


def test_a_fetch_brings_what_the_aws_cli_lists(served: Endpoint) -> None:
    plan = FetchPlan(tuple(JOB_LISTS))
    evidence = fetch_jobs(Connection(regions=(REGION,), endpoint_url=served.url), plan, as_of=NOW, now=lambda: NOW)
    for name, dataset in JOB_LISTS.items():
        assert evidence.lists[name].records == records_of_cli(aws_cli(served, dataset), dataset)


@pytest.mark.usefixtures("pauses")
def test_a_web_page_in_the_middle_makes_the_aws_cli_short_and_policycheck_fail() -> None:
    store = Store(Clock(NOW), management=ACCOUNT, page_size=10)
    store.add(ACCOUNT, REGION, "backup_jobs", [job(number) for number in range(JOBS)])
    with serve(store, faults=["ListBackupJobs:2-=html"]) as served:
        assert len(aws_cli(served, BACKUP)["BackupJobs"]) == 10
    with serve(store, faults=["ListBackupJobs:2-=html"]) as served, pytest.MonkeyPatch.context() as patch, pytest.raises(FetchError, match="web page"):
        patch.setattr("policycheck.sources.pages.PAGE_SIZE", 10)
        records_of_ours(served, BACKUP)
