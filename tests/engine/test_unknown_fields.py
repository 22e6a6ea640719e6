"""Of lists from which fields were dropped, the reason of every kind of rule names the fields to keep."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset
from policycheck.engine.evaluate import judge
from policycheck.result import Coverage, RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, REGION, VAULT, ago, job, job_list, load

COPY: dict[str, Any] = {
    "CopyJobId": "c1",
    "AccountId": ACCOUNT,
    "SourceBackupVaultArn": VAULT,
    "SourceRecoveryPointArn": "arn:aws:backup:x:y:recovery-point:1",
    "DestinationBackupVaultArn": VAULT,
    "ResourceArn": job()["ResourceArn"],
    "ResourceType": "EC2",
    "IamRoleArn": "r",
    "State": "COMPLETED",
    "CreationDate": ago(hours=1.5),
    "CompletionDate": ago(hours=1.2),
    "CreatedByBackupJobId": "j1",
}
RESTORE: dict[str, Any] = {
    "RestoreJobId": "r1",
    "AccountId": ACCOUNT,
    "BackupVaultArn": VAULT,
    "RecoveryPointArn": COPY["SourceRecoveryPointArn"],
    "Status": "COMPLETED",
    "CreationDate": ago(hours=1.5),
    "CompletionDate": ago(hours=1.2),
}
BACKUPS = [
    job(BackupJobId="j1", RecoveryPointArn=RESTORE["RecoveryPointArn"]),
    job(BackupJobId="j2", State="FAILED", CreationDate=ago(hours=4), CompletionDate=ago(hours=3.5)),
    job(BackupJobId="j3", CreationDate=ago(hours=60), InitiationDate=ago(hours=60), CompletionDate=ago(hours=59)),
]
FOLLOWED = "within: 2d, where: {State: COMPLETED}, followed_by: {dataset: copy_jobs, within: 1h}"
RESTORED = "within: 2d, where: {State: COMPLETED}, followed_by: {dataset: restore_jobs, within: 1h}"
# The rule, the fields that one of the lists lost, and of which list.
LOST: list[tuple[str, str, Dataset]] = [
    ("jobs: top_level, none: {State: FAILED}", "ParentJobId", BACKUP_JOBS),
    ("expect: {count: {of: {State: COMPLETED}, at_least: 2}}", "ParentJobId", BACKUP_JOBS),
    ("expect: {share: {of: {State: COMPLETED}, at_least: 60%}}", "ParentJobId", BACKUP_JOBS),
    ("expect: {latest: {of: {State: COMPLETED}}}, per: [ResourceArn]", "CompletionDate", BACKUP_JOBS),
    ("none: {State: FAILED}, unless_recovered_within: 2h", "MessageCategory", BACKUP_JOBS),
    ("dataset: copy_jobs, all: {CrossRegion: true}", "DestinationBackupVaultArn", COPY_JOBS),
    ("dataset: copy_jobs, none: {CrossAccount: true}", "DestinationBackupVaultArn", COPY_JOBS),
    ("dataset: copy_jobs, none: {DestinationRegion: us-east-1}", "DestinationBackupVaultArn", COPY_JOBS),
    ("dataset: copy_jobs, expect: {count: {of: {State: COMPLETED}, at_least: 1}}, per: [DestinationRegion]", "DestinationBackupVaultArn", COPY_JOBS),
    (FOLLOWED, "CreatedByBackupJobId SourceRecoveryPointArn", COPY_JOBS),
    (FOLLOWED, "CompletionDate", COPY_JOBS),
    (RESTORED, "RecoveryPointArn", RESTORE_JOBS),
    (RESTORED, "RecoveryPointArn", BACKUP_JOBS),
]


def judged(rule: str, lost: str, of: Dataset, folder: Path) -> RuleResult:
    """The rule's result where a list lost a field, and IamRoleArn, which is always recorded: it is reduced."""
    everything = {BACKUP_JOBS: BACKUPS, COPY_JOBS: [COPY], RESTORE_JOBS: [RESTORE]}
    kept = {
        dataset: [{name: value for name, value in record.items() if dataset is not of or name not in {*lost.split(), "IamRoleArn"}} for record in records]
        for dataset, records in everything.items()
    }
    coverage = [Coverage(name, ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, 1) for name in DATASETS]
    lists = {dataset.name: job_list(records, dataset) for dataset, records in kept.items()}
    (result,) = judge(load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n", folder), lists, coverage, AS_OF, BACKEND)
    return result


@pytest.mark.parametrize(("rule", "lost", "of"), LOST, ids=[f"{lost} of {of}: {rule[:40]}" for rule, lost, of in LOST])
def test_the_reason_names_the_field_to_keep(rule: str, lost: str, of: Dataset, tmp_path: Path) -> None:
    result = judged(rule, lost, of, tmp_path)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert all(name in result.reason for name in lost.split())
