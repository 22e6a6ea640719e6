"""Job lists of an ordinary estate: daily backups of thirty days of each resource, of which one in a hundred has failed today; and of four months of each, of
which one in a hundred has failed on any day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import count, islice
from pathlib import Path
from typing import Any

from benchmarks.jobs import AS_OF
from policycheck.datasets import BACKUP_JOBS

DAYS = 30
QUARTER = 120
"""Days of a quarter, and of the windows before it."""
_FAILS = 100
_PLACES = ("eu-west-1", "us-east-1")
_TYPES = ("EC2", "EBS", "RDS", "S3")
_ACCOUNT = 200_000_000_000
_IN_ACCOUNT = 2000


def write_estate(path: Path, number: int) -> None:
    """Write one answer of list-backup-jobs with this many jobs, as the AWS CLI v2 prints times; the same number gives the same bytes."""
    _write(path, islice(_jobs(), number))


def _write(path: Path, jobs: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{{"{BACKUP_JOBS.result_key}": [')
        for index, job in enumerate(jobs):
            stream.write((",\n" if index else "\n") + json.dumps(job))
        stream.write("\n]}\n")


def write_quarter(path: Path, number: int) -> None:
    """Write the same with four months of each resource; one job in a hundred failed."""
    _write(
        path, islice((_job(resource, day, failed=(resource * 7919 + day * 104_729) % _FAILS == 0) for resource in count() for day in range(QUARTER)), number)
    )


def _jobs() -> Iterator[dict[str, Any]]:
    for resource in count():
        for day in range(DAYS):
            yield _job(resource, day, failed=day == 0 and resource % _FAILS == 0)


def _job(resource: int, day: int, *, failed: bool) -> dict[str, Any]:
    account, region = str(_ACCOUNT + resource // _IN_ACCOUNT), _PLACES[resource % len(_PLACES)]
    created = AS_OF - timedelta(days=day, hours=3, seconds=resource % 3600)
    vault = f"arn:aws:backup:{region}:{account}:backup-vault:prod"
    told = {"StatusMessage": "Access denied", "MessageCategory": "AccessDenied"} if failed else {"MessageCategory": "SUCCESS"}
    return {
        "AccountId": account,
        "BackupJobId": f"{resource:08x}-{day:04x}-4000-8000-{resource:012x}",
        "BackupVaultName": "prod",
        "BackupVaultArn": vault,
        "RecoveryPointArn": f"arn:aws:ec2:{region}::snapshot/snap-{resource * QUARTER + day:017x}",
        "ResourceArn": f"arn:aws:ec2:{region}:{account}:instance/i-{resource:017x}",
        "CreationDate": created.isoformat(),
        "CompletionDate": (created + timedelta(hours=1)).isoformat(),
        "State": "FAILED" if failed else "COMPLETED",
        **told,
        "PercentDone": "100.0",
        "BackupSizeInBytes": 1_000_000 + resource,
        "IamRoleArn": f"arn:aws:iam::{account}:role/service-role/AWSBackupDefaultServiceRole",
        "CreatedBy": {
            "BackupPlanId": "9b4f1c52-7a30-4c0e-8f5d-2e6b7a1d3c4f",
            "BackupPlanArn": f"arn:aws:backup:{region}:{account}:backup-plan:9b4f1c52-7a30-4c0e-8f5d-2e6b7a1d3c4f",
            "BackupPlanVersion": "MDkyYjQ1",
            "BackupRuleId": "1f0e7c86-5d3b-4a2e-9c8d-7b6a5f4e3d2c",
        },
        "StartBy": (created + timedelta(hours=8)).isoformat(),
        "ResourceType": _TYPES[resource % len(_TYPES)],
        "IsParent": False,
        "ResourceName": f"host-{resource}",
        "InitiationDate": (created + timedelta(minutes=5)).isoformat(),
        "IsEncrypted": True,
        "VaultType": "BACKUP_VAULT",
    }
