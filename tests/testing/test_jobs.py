"""Jobs of tests: what is written stands as written, the rest is what AWS would have recorded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset, Presence
from policycheck.policy.document import Entries, parse_document
from policycheck.testing.jobs import read_jobs
from tests.engine.lists import AS_OF


def records(text: str, dataset: Dataset = BACKUP_JOBS) -> list[dict[str, Any]]:
    document = parse_document(f"jobs: {text}\n", "t.yaml")
    assert isinstance(document.root, Entries)
    found = read_jobs(document.root.get("jobs"), dataset, AS_OF, document)
    assert not document.diagnostics
    return found


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=str)
def test_a_job_of_which_nothing_is_said_has_every_member_that_aws_always_records(dataset: Dataset) -> None:
    (record,) = records("[{}]", dataset)
    always = [field.name for field in dataset.members if field.presence is Presence.ALWAYS]
    assert [name for name in always if name not in record] == []


@pytest.mark.parametrize(
    ("state", "has", "lacks"),
    [
        ("COMPLETED", "CompletionDate MessageCategory RecoveryPointArn InitiationDate", "ExpectedCompletionDate"),
        ("FAILED", "CompletionDate InitiationDate", "MessageCategory RecoveryPointArn"),
        ("EXPIRED", "StartBy", "CompletionDate InitiationDate MessageCategory"),
        ("RUNNING", "InitiationDate ExpectedCompletionDate", "CompletionDate"),
        ("CREATED", "StartBy", "InitiationDate CompletionDate"),
    ],
)
def test_a_state_brings_the_members_that_go_with_it(state: str, has: str, lacks: str) -> None:
    (record,) = records(f"[{{State: {state}}}]")
    assert [name for name in has.split() if name not in record] == []
    assert [name for name in lacks.split() if name in record] == []


def test_times_are_absolute_or_so_long_before_as_of() -> None:
    first, second = records("[{CreationDate: -26h}, {CreationDate: 2026-11-19T05:00:00+01:00}]")
    assert first["CreationDate"] == AS_OF - timedelta(hours=26)
    assert second["CreationDate"] == datetime.fromisoformat("2026-11-19T04:00:00Z")


def test_an_arn_is_made_of_a_name_the_type_and_the_place() -> None:
    (record,) = records("[{ResourceArn: orders, ResourceType: RDS, Account: 444455556666, Region: us-east-1, BackupVaultName: dr}]")
    assert record["ResourceArn"] == "arn:aws:rds:us-east-1:444455556666:db:orders"
    assert record["BackupVaultArn"] == "arn:aws:backup:us-east-1:444455556666:backup-vault:dr"
    assert record["AccountId"] == "444455556666"


def test_jobs_are_of_different_resources_unless_said_otherwise() -> None:
    assert len({record["ResourceArn"] for record in records("[{}, {}, {}]")}) == 3
    assert len({record["BackupJobId"] for record in records("[{}, {}, {}]")}) == 3


def test_a_repeated_job_is_of_one_resource_and_each_is_later() -> None:
    found = records("[{ResourceArn: i-1, CreationDate: -72h, repeat: {every: 24h, times: 3}, StartBy: -64h}]")
    assert [AS_OF - record["CreationDate"] for record in found] == [timedelta(hours=hours) for hours in (72, 48, 24)]
    assert [AS_OF - record["StartBy"] for record in found] == [timedelta(hours=hours) for hours in (64, 40, 16)]
    assert len({record["ResourceArn"] for record in found}) == 1
    assert len({record["BackupJobId"] for record in found}) == 3


def test_members_can_be_taken_away_whole_or_in_part() -> None:
    first, second = records("[{without: [CreatedBy, StartBy]}, {without: [CreatedBy.BackupPlanId]}]")
    assert "CreatedBy" not in first
    assert "StartBy" not in first
    assert "BackupPlanId" not in second["CreatedBy"]
    assert second["CreatedBy"]["BackupRuleId"] == "rule-1"


def test_members_are_nested_as_the_api_nests_them_or_dotted() -> None:
    nested, dotted = records("[{CreatedBy: {BackupRuleCron: 'cron(0 5 ? * * *)'}}, {CreatedBy.BackupRuleCron: 'cron(0 5 ? * * *)'}]")
    assert nested["CreatedBy"] == dotted["CreatedBy"]


def test_copy_and_restore_jobs_have_vaults_and_recovery_points() -> None:
    (copy,) = records("[{CreatedByBackupJobId: j1}]", COPY_JOBS)
    (restore,) = records("[{Status: COMPLETED, SourceResourceArn: i-1}]", RESTORE_JOBS)
    assert copy["CreatedByBackupJobId"] == "j1"
    assert copy["DestinationBackupVaultArn"].endswith(":dr")
    assert restore["SourceResourceArn"].endswith("instance/i-1")
