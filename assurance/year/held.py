"""What there is at an instant: vaults, recovery points and protected resources, as they follow from the jobs; and what the shipped packs find of it.

No period asks these rules: their lists speak of the moment of the call. So they are evaluated at single instants.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from assurance.year.calendars import moment
from assurance.year.evaluation import Findings, evaluate_instant
from assurance.year.jobs import copy_destination
from assurance.year.lists import HORIZON, Lists, Row
from assurance.year.organization import BACKUP_ACCOUNT, Organization, Place, vault_arn
from assurance.year.owner import is_of_state

_OF_BACKUPS = (
    "AccountId RecoveryPointArn BackupVaultName BackupVaultArn VaultType ResourceArn ResourceName ResourceType CreationDate InitiationDate CompletionDate "
    "EncryptionKeyArn IsEncrypted IamRoleArn BackupSizeInBytes IsParent"
).split()

ELSEWHERE = "audit-manager/air-gapped"
"""A rule that asks for a recovery point in the account and Region of each resource. The copies here are in another account, so that no check of it can pass."""


def hold(organization: Organization, lists: Lists, at: int) -> dict[str, list[Row]]:
    """The answers of AWS at an instant, by result key.

    Args:
        lists: of all jobs; a recovery point of an earlier one is not listed.
    """
    places = [place for place in organization.places if place.opened <= at < place.closed]
    points = [*_points(lists, at), *_copied(lists, at)]
    return {
        "BackupVaultList": [*_vaults(places, lists, at), _air_gapped()],
        "RecoveryPoints": points,
        "Results": _protected(points, {place.account for place in places}),
    }


def find_held(organization: Organization, lists: Lists, at: int) -> Findings:
    """What the packs find of what there is at an instant; each finding from that instant to itself."""
    jobs = lists.created(at - HORIZON, at).at(at)
    answers = [{name: rows} for name, rows in ({"BackupJobs": jobs["BackupJobs"]} | hold(organization, lists, at)).items() if rows]
    findings = Findings()
    findings.add_instant(evaluate_instant(organization, answers, at, chosen=lambda rule: is_of_state(rule) and rule != ELSEWHERE), at)
    return findings


def _vaults(places: list[Place], lists: Lists, at: int) -> Iterator[Row]:
    """The vault of each place. Whether it is locked says its newest job."""
    newest = lists.frames["BackupJobs"].filter(pl.col("CreationDate") <= moment(at)).group_by("BackupVaultArn").agg(pl.col("VaultLockState").last())
    locked = dict(newest.iter_rows())
    for place in places:
        arn = vault_arn(place.account, place.region)
        yield _vault(arn, "BACKUP_VAULT", place.opened, locked=locked.get(arn, "LOCKED") == "LOCKED")


def _air_gapped() -> Row:
    return _vault(copy_destination(), "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", 0, locked=True)


def _vault(arn: str, kind: str, created: int, *, locked: bool) -> Row:
    return {
        "BackupVaultName": arn.rpartition(":")[2],
        "BackupVaultArn": arn,
        "CreationDate": moment(created),
        "VaultType": kind,
        "VaultState": "AVAILABLE",
        "NumberOfRecoveryPoints": 1,
        "Locked": locked,
    }


def _points(lists: Lists, at: int) -> Iterator[Row]:
    """Of backups. A continuous one has a single recovery point, created by the first job and kept up to date by the others."""
    days, frame = "RecoveryPointLifecycle.DeleteAfterDays", lists.frames["BackupJobs"].filter(pl.col("RecoveryPointArn").is_not_null())
    created = pl.col("CreationDate").min().over("RecoveryPointArn")
    for row in _kept(frame.with_columns(created.alias("first")), days, at).unique("RecoveryPointArn", keep="last").iter_rows(named=True):
        point = {name: row[name] for name in _OF_BACKUPS if row[name] is not None}
        status = "AVAILABLE" if ":continuous:" in row["RecoveryPointArn"] else "COMPLETED"
        yield point | {"CreationDate": row["first"], "Status": status, "Lifecycle": {"DeleteAfterDays": row[days]}}


def _copied(lists: Lists, at: int) -> Iterator[Row]:
    """Of copies: in the vault and the account that they went to."""
    days, vault = "DestinationRecoveryPointLifecycle.DeleteAfterDays", copy_destination()
    for row in _kept(lists.frames["CopyJobs"], days, at).iter_rows(named=True):
        yield {
            "AccountId": BACKUP_ACCOUNT,
            "RecoveryPointArn": f"{vault.partition(':backup-vault:')[0]}:recovery-point:{row['CopyJobId']}",
            "BackupVaultName": vault.rpartition(":")[2],
            "BackupVaultArn": vault,
            "VaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT",
            "SourceBackupVaultArn": row["SourceBackupVaultArn"],
            "ResourceArn": row["ResourceArn"],
            "ResourceName": row["ResourceName"],
            "ResourceType": row["ResourceType"],
            "CreationDate": row["CreationDate"],
            "CompletionDate": row["CompletionDate"],
            "IsEncrypted": True,
            "IamRoleArn": row["IamRoleArn"],
            "IsParent": row["IsParent"],
            "Status": "COMPLETED",
            "Lifecycle": {"DeleteAfterDays": row[days]},
        }


def _kept(frame: pl.DataFrame, days: str, at: int) -> pl.DataFrame:
    """The jobs that completed, and whose recovery point was not deleted yet; the oldest first."""
    ended = pl.col("State").is_in(["COMPLETED", "PARTIAL"]) & (pl.col("CompletionDate") <= moment(at))
    return frame.filter(ended & (pl.col("CreationDate") + pl.duration(days=pl.col(days)) > moment(at)))


def _protected(points: list[Row], accounts: set[str]) -> list[Row]:
    """Resources with a recovery point, by the newest one in their own account."""
    newest: dict[str, Row] = {}
    for point in points:
        held = newest.get(point["ResourceArn"])
        if point["AccountId"] in accounts and (held is None or held["CompletionDate"] < point["CompletionDate"]):
            newest[point["ResourceArn"]] = point
    return [
        {
            "ResourceArn": arn,
            "ResourceType": point["ResourceType"],
            "ResourceName": point["ResourceName"],
            "LastBackupTime": point["CompletionDate"],
            "LastBackupVaultArn": point["BackupVaultArn"],
            "LastRecoveryPointArn": point["RecoveryPointArn"],
        }
        for arn, point in newest.items()
    ]
