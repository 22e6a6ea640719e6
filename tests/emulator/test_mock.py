"""The emulator inside a process, as boto3 sees it; and moto, which must still lack what the emulator adds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from moto import mock_aws
from moto.backup.responses import BackupResponse

from policycheck.datasets import DATASETS
from policycheck.emulator.faults import JOB_OPERATIONS
from policycheck.emulator.filters import FILTERS
from policycheck.emulator.mock import mock_backup
from policycheck.emulator.store import Store
from policycheck.emulator.wire import members_of
from tests.emulator.jobs import MANAGEMENT, MEMBER, NOW, REGION, ClientOf, job, jobs

MODEL = botocore.session.Session().get_service_model("backup")
UNDERSCORED = {
    "ListBackupJobs": "list_backup_jobs",
    "DescribeBackupJob": "describe_backup_job",
    "StartBackupJob": "start_backup_job",
    "ListCopyJobs": "list_copy_jobs",
    "ListRestoreJobs": "list_restore_jobs",
    "ListProtectedResources": "list_protected_resources",
    "ListRecoveryPointsByBackupVault": "list_recovery_points_by_backup_vault",
}


NOT_READ = {"CalculatedLifecycle", "LastComputed"}
"""Times in objects, which no rule reads."""


def test_moto_itself_still_lacks_these_operations(client_of: ClientOf) -> None:
    """When this fails, moto has some of them: drop that part of the emulator."""
    assert {*UNDERSCORED, "ListBackupVaults"} == JOB_OPERATIONS
    assert [name for name in UNDERSCORED.values() if hasattr(BackupResponse, name)] == []
    with mock_aws(), pytest.raises(ClientError, match="Not yet implemented"):
        client_of().list_backup_jobs()


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=list(DATASETS))
def test_records_have_the_members_and_lists_the_filters_of_the_model(dataset: Any) -> None:
    operation = MODEL.operation_model(dataset.operation)
    shape = operation.output_shape.members[dataset.result_key].member
    assert members_of(dataset).top == set(shape.members) - NOT_READ
    assert members_of(dataset).times == {name for name, member in shape.members.items() if member.type_name == "timestamp"}
    for name, inner in members_of(dataset).nested.items():
        assert inner == set(shape.members[name].members) - NOT_READ
    whose = {"ByAccountId"} if dataset.other_accounts else set()
    assert {"MaxResults", "NextToken", *whose, *FILTERS[dataset.name]} == set(operation.input_shape.members) - {"ByShared", "BackupVaultAccountId"}


def test_a_job_arrives_with_its_milliseconds_and_its_64_bits(store: Store, client_of: ClientOf) -> None:
    created = NOW - timedelta(milliseconds=1)
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, CreationDate=created, BackupSizeInBytes=2**63 - 1, StatusMessage='é\n"\u2028')])
    with mock_backup(store):
        found = client_of().list_backup_jobs()["BackupJobs"][0]
    assert (found["CreationDate"], found["BackupSizeInBytes"], found["StatusMessage"]) == (created, 2**63 - 1, 'é\n"\u2028')


def test_pages_and_filters_work_as_in_the_api(store: Store, client_of: ClientOf) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [*jobs(25), job(99, State="FAILED")])
    with mock_backup(store) as service:
        client = client_of()
        pages = list(client.get_paginator("list_backup_jobs").paginate(MaxResults=10, ByCreatedAfter=NOW - timedelta(minutes=12)))
        failed = client.list_backup_jobs(ByState="FAILED", ByAccountId="*")["BackupJobs"]
    assert [len(page["BackupJobs"]) for page in pages] == [10, 2]
    assert [found["BackupJobId"] for found in failed] == ["job-00099"]
    assert [asked.parameters.get("MaxResults") for asked in service.requests] == [10, 10, None]


@pytest.mark.parametrize("parameters", [{"MaxResults": 1001}, {"NextToken": ""}, {"NextToken": "made-up"}, {"ByState": "DONE"}])
def test_what_the_api_refuses_is_refused(store: Store, client_of: ClientOf, parameters: dict[str, Any]) -> None:
    with mock_backup(store), pytest.raises(ClientError) as caught:
        client_of().list_backup_jobs(**parameters)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_a_token_used_with_other_filters_is_refused(store: Store, client_of: ClientOf) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", jobs(3))
    with mock_backup(store):
        client = client_of()
        token = client.list_backup_jobs(MaxResults=1)["NextToken"]
        assert len(client.list_backup_jobs(MaxResults=5, NextToken=token)["BackupJobs"]) == 2
        with pytest.raises(ClientError, match="NextToken"):
            client.list_backup_jobs(NextToken=token, ByState="COMPLETED")


def test_a_started_job_is_listed_and_described(store: Store, client_of: ClientOf) -> None:
    with mock_backup(store):
        client = client_of()
        answer = client.start_backup_job(
            BackupVaultName="prod", ResourceArn=f"arn:aws:dynamodb:{REGION}:{MANAGEMENT}:table/t", IamRoleArn=f"arn:aws:iam::{MANAGEMENT}:role/r"
        )
        store.clock.advance(timedelta(minutes=1))
        described = client.describe_backup_job(BackupJobId=answer["BackupJobId"])
        listed = client.list_backup_jobs()["BackupJobs"]
    assert (answer["CreationDate"], answer["IsParent"]) == (NOW, False)
    assert (described["State"], described["RecoveryPointArn"]) == ("COMPLETED", answer["RecoveryPointArn"])
    assert [found["State"] for found in listed] == ["COMPLETED"]


def test_a_job_that_is_not_there_is_not_found(store: Store, client_of: ClientOf) -> None:
    with mock_backup(store), pytest.raises(ClientError) as caught:
        client_of().describe_backup_job(BackupJobId="none")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_copy_and_restore_jobs_are_listed(store: Store, client_of: ClientOf) -> None:
    store.add(MANAGEMENT, REGION, "copy_jobs", [{"CopyJobId": "c", "CreationDate": NOW, "ChildJobsInState": {"FAILED": 1}}])
    store.add(MANAGEMENT, REGION, "restore_jobs", [{"RestoreJobId": "r", "CreationDate": NOW}])
    with mock_backup(store):
        client = client_of()
        assert client.list_copy_jobs()["CopyJobs"][0]["ChildJobsInState"] == {"FAILED": 1}
        assert client.list_restore_jobs()["RestoreJobs"][0]["RestoreJobId"] == "r"


def test_an_assumed_role_acts_in_its_account(store: Store, client_of: ClientOf) -> None:
    for account in (MANAGEMENT, MEMBER):
        store.add(account, REGION, "backup_jobs", [job(1, AccountId=account)])
    with mock_backup(store):
        unknown = client_of(account="unknown", service="sts")
        assert unknown.get_caller_identity()["Account"] == MANAGEMENT
        keys = unknown.assume_role(RoleArn=f"arn:aws:iam::{MEMBER}:role/audit", RoleSessionName="audit")["Credentials"]
        seen = [
            [found["AccountId"] for found in client_of(account=key).list_backup_jobs()["BackupJobs"]]
            for key in (keys["AccessKeyId"], MEMBER, MANAGEMENT, "unknown")
        ]
    assert seen == [[MEMBER], [MEMBER], [MANAGEMENT], [MANAGEMENT]]


def test_vaults_are_moto_s_own(store: Store, client_of: ClientOf) -> None:
    with mock_backup(store):
        client = client_of()
        client.create_backup_vault(BackupVaultName="prod")
        assert [vault["BackupVaultName"] for vault in client.list_backup_vaults()["BackupVaultList"]] == ["prod"]


def test_nothing_of_it_stays_in_moto(store: Store, client_of: ClientOf) -> None:
    with mock_aws():
        with mock_backup(store):
            client_of().list_backup_jobs()
        with pytest.raises(ClientError, match="Not yet implemented"):
            client_of().list_backup_jobs()


@pytest.mark.parametrize(
    ("fault", "seen"), [("throttling", "ThrottlingException"), ("denied", "AccessDeniedException"), ("503", "ServiceUnavailableException")]
)
def test_refusals_reach_the_client(store: Store, client_of: ClientOf, fault: str, seen: str) -> None:
    with mock_backup(store, faults=[f"ListBackupJobs:1={fault}"]):
        client = client_of()
        with pytest.raises(ClientError) as caught:
            client.list_backup_jobs()
        assert client.list_backup_jobs()["BackupJobs"] == []
    assert caught.value.response["Error"]["Code"] == seen


@pytest.mark.parametrize("fault", ["truncated", "cut", "html"])
def test_a_damaged_body_reaches_the_client_as_a_page_without_its_list(store: Store, client_of: ClientOf, fault: str) -> None:
    with mock_backup(store, faults=[f"ListBackupJobs:1={fault}", "ListBackupJobs:1=latency:0.01"]):
        answer = client_of().list_backup_jobs()
    assert "BackupJobs" not in answer


def test_a_closed_connection_reaches_the_client(store: Store, client_of: ClientOf) -> None:
    with mock_backup(store, faults=["*:*=closed"]), pytest.raises(ConnectionClosedError):
        client_of().list_backup_jobs()


def test_the_example_of_the_documentation_works(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    # boto3 waits up to a second before it tries again.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    names: dict[str, Any] = {}
    exec(compile(example, "docs/emulator.md", "exec"), names)
    names["test_a_failed_backup_is_noticed"]()
