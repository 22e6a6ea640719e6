"""What the sample organization's jobs left behind: the vaults, the recovery points in them, and the resources that have any.

Shapes are those of ListBackupVaults, ListRecoveryPointsByBackupVault and ListProtectedResources in the AWS Backup API model of 2018-11-15.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, PROTECTED_RESOURCES, RECOVERY_POINTS, VAULTS
from policycheck.emulator.estate import IRELAND, PRODUCTION
from policycheck.emulator.estate import VAULTS as KINDS_OF_VAULT

Record = Mapping[str, Any]
Place = tuple[str, str]
"""Account and Region."""

_CREATED = datetime(2024, 3, 1, 9, tzinfo=UTC)
_LOCK: Mapping[str, object] = {"Locked": True, "MinRetentionDays": 7, "MaxRetentionDays": 400, "LockDate": (_CREATED + timedelta(days=4)).timestamp()}
_OF_JOBS = ("BackupVaultName", "BackupVaultArn", "ResourceArn", "ResourceName", "ResourceType", "CreatedBy", "IamRoleArn", "EncryptionKeyArn", "IsParent")
_SCANNED = frozenset({"EC2", "EBS", "S3"})
"""Types whose recovery points are scanned for malware."""
_SILENT = timedelta(days=40)
"""How long ago the resource was backed up last that no job of the last 30 days names."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """Recovery points by place, and when."""

    as_of: datetime
    points: dict[Place, list[Record]]

    def put(self, place: Place, record: Record) -> None:
        """Keep it, unless its retention is over."""
        ends = datetime.fromtimestamp(record["CreationDate"], UTC) + timedelta(days=record["Lifecycle"]["DeleteAfterDays"])
        if ends > self.as_of:
            self.points[place].append(record)


def holdings(as_of: datetime, jobs: Mapping[str, Mapping[Place, Sequence[Record]]], *, healthy: bool) -> dict[str, dict[Place, list[Record]]]:
    """The lists of what there is at `as_of`, by dataset name and place.

    Args:
        jobs: the lists of backup and copy jobs.
        healthy: leave out the resource whose backups stopped.
    """
    places = list(jobs[BACKUP_JOBS.name])
    kept = _Kept(as_of, {place: [] for place in places})
    for place, records in jobs[BACKUP_JOBS.name].items():
        made = {job["BackupJobId"]: job["RecoveryPointArn"] for job in records if "RecoveryPointArn" in job}
        for job in records:
            if "RecoveryPointArn" in job:
                kept.put(place, _of_backup(job, made))
    for records in jobs[COPY_JOBS.name].values():
        for job in records:
            if "DestinationRecoveryPointArn" in job:
                _, _, _, region, account, _ = str(job["DestinationBackupVaultArn"]).split(":", 5)
                kept.put((account, region), _of_copy(job))
    if not healthy and (PRODUCTION, IRELAND) in kept.points:
        kept.put((PRODUCTION, IRELAND), _silent_point(as_of, jobs[BACKUP_JOBS.name][PRODUCTION, IRELAND]))
    return {
        PROTECTED_RESOURCES.name: {place: _resources(kept.points[place]) for place in places},
        VAULTS.name: {place: [_vault(place, name, kept.points[place]) for name in sorted(_vault_names(place, jobs))] for place in places},
        RECOVERY_POINTS.name: {place: sorted(kept.points[place], key=lambda point: -float(point["CreationDate"])) for place in places},
    }


def _of_backup(job: Record, made: Mapping[object, object]) -> dict[str, Any]:
    point = {name: job[name] for name in _OF_JOBS if name in job} | {
        "RecoveryPointArn": job["RecoveryPointArn"],
        "Status": "PARTIAL" if job["State"] == "PARTIAL" else "COMPLETED",
        "CreationDate": job["CreationDate"],
        "InitiationDate": job["InitiationDate"],
        "CompletionDate": job["CompletionDate"],
        "Lifecycle": job["RecoveryPointLifecycle"],
        "IsEncrypted": job.get("IsEncrypted", True),
        "VaultType": job["VaultType"],
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY",
    }
    optional: dict[str, object] = {"BackupSizeInBytes": job.get("BackupSizeInBytes"), "ParentRecoveryPointArn": made.get(job.get("ParentJobId"))}
    if job["ResourceType"] in _SCANNED:
        optional["AggregatedScanResult"] = {"FailedScan": False, "Findings": []}
    return point | {name: value for name, value in optional.items() if value is not None}


def _of_copy(job: Record) -> dict[str, Any]:
    arn = str(job["DestinationBackupVaultArn"])
    kept = ("ResourceArn", "ResourceName", "ResourceType", "CreatedBy", "IamRoleArn", "BackupSizeInBytes")
    return {name: job[name] for name in kept if name in job} | {
        "RecoveryPointArn": job["DestinationRecoveryPointArn"],
        "BackupVaultName": arn.rpartition(":")[2],
        "BackupVaultArn": arn,
        "SourceBackupVaultArn": job["SourceBackupVaultArn"],
        "Status": "COMPLETED",
        "CreationDate": job["CreationDate"],
        "CompletionDate": job["CompletionDate"],
        "Lifecycle": job["DestinationRecoveryPointLifecycle"],
        "EncryptionKeyArn": job["DestinationEncryptionKeyArn"],
        "IsEncrypted": True,
        "VaultType": job["DestinationVaultType"],
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY",
    }


def _silent_point(as_of: datetime, jobs: Iterable[Record]) -> Record:
    """The recovery point of an instance that no plan selects any more: it is kept for a year, and its job is no longer listed."""
    like = next(job for job in jobs if job["ResourceType"] == "EC2" and job["State"] == "COMPLETED" and job["BackupVaultName"] == "prod")
    created = (as_of.replace(second=0, microsecond=0) - _SILENT).timestamp()
    place = f"{IRELAND}:{PRODUCTION}"
    return _of_backup(like, {}) | {
        "RecoveryPointArn": f"arn:aws:ec2:{IRELAND}::image/ami-0b5e55ed0ldf0e575",
        "ResourceArn": f"arn:aws:ec2:{place}:instance/i-0b5e55ed0ldf0e575",
        "ResourceName": "forgotten-1",
        "CreationDate": created,
        "InitiationDate": created + 60,
        "CompletionDate": created + 1500,
        "Lifecycle": {"DeleteAfterDays": 365},
        "IsEncrypted": True,
        "AggregatedScanResult": {"FailedScan": False, "Findings": ["MALWARE"]},
    }


def _resources(points: Iterable[Record]) -> list[Record]:
    """Each resource that has a recovery point of its own here; a copy of another account's resource protects that one."""
    newest: dict[str, Record] = {}
    for point in points:
        arn = str(point["ResourceArn"])
        if "SourceBackupVaultArn" not in point and (arn not in newest or newest[arn]["CreationDate"] < point["CreationDate"]):
            newest[arn] = point
    return [
        {
            "ResourceArn": arn,
            "ResourceType": point["ResourceType"],
            "LastBackupTime": point["CreationDate"],
            "ResourceName": point["ResourceName"],
            "LastBackupVaultArn": point["BackupVaultArn"],
            "LastRecoveryPointArn": point["RecoveryPointArn"],
        }
        for arn, point in sorted(newest.items())
    ]


def _vault_names(place: Place, jobs: Mapping[str, Mapping[Place, Sequence[Record]]]) -> set[str]:
    named = {str(job["BackupVaultName"]) for job in jobs[BACKUP_JOBS.name][place]}
    copied = {str(job["DestinationBackupVaultArn"]) for records in jobs[COPY_JOBS.name].values() for job in records}
    account, region = place
    return named | {arn.rpartition(":")[2] for arn in copied if arn.startswith(f"arn:aws:backup:{region}:{account}:")}


def _vault(place: Place, name: str, points: Sequence[Record]) -> Record:
    account, region = place
    own = [point for point in points if point["BackupVaultName"] == name]
    kind = KINDS_OF_VAULT[name]
    key = next((point["EncryptionKeyArn"] for point in own), f"arn:aws:kms:{region}:{account}:key/aws-backup-{name.lower()}")
    return {
        "BackupVaultName": name,
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:{name}",
        "VaultType": kind["VaultType"],
        "VaultState": "AVAILABLE",
        "CreationDate": _CREATED.timestamp(),
        "EncryptionKeyArn": key,
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY",
        "NumberOfRecoveryPoints": len(own),
        **(_LOCK if kind["VaultLockState"] == "LOCKED" else {"Locked": False}),
    }
