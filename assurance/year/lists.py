"""The lists of an organization's jobs: as columns of what every job came to, and as AWS lists them at one instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import polars as pl

from assurance.year.calendars import DAY, moment
from assurance.year.jobs import Backup, Copy, Restore, Simulator, copy_destination
from assurance.year.organization import Resource, vault_arn

HORIZON = 30 * DAY
"""ListBackupJobs lists the jobs of so long; the other lists document no end."""
Row = dict[str, Any]
Spoil = Callable[[Backup], Backup | None]
"""What a fault does to a backup job: another one, or none at all."""
SpoilRestore = Callable[[Restore], Restore | None]
_Job = TypeVar("_Job", Backup, Restore)
_TIMES = ("CreationDate", "InitiationDate", "CompletionDate", "ExpectedCompletionDate", "StartBy")
_IDS = {"BackupJobs": "BackupJobId", "CopyJobs": "CopyJobId", "RestoreJobs": "RestoreJobId"}
_STATES = {"BackupJobs": "State", "CopyJobs": "State", "RestoreJobs": "Status"}
_AFTERWARDS = ("CompletionDate", "MessageCategory", "StatusMessage", "BackupSizeInBytes", "ValidationStatus", "DeletionStatus")
"""What a job does not have before it ended."""
_LISTED = "listed"
"""When AWS lists a job first, microseconds."""


@dataclass(frozen=True)
class Lists:
    """Frames with a column a member of the three lists, by their result keys; sorted by CreationDate."""

    frames: Mapping[str, pl.DataFrame]

    def created(self, start: int, end: int) -> Lists:
        """Those of jobs created from `start` on and before `end`."""
        first, last = moment(start), moment(end)
        return Lists({name: frame.filter((pl.col("CreationDate") >= first) & (pl.col("CreationDate") < last)) for name, frame in self.frames.items()})

    def given(self) -> list[pl.DataFrame]:
        """The frames as a user gives them: those with jobs, without what AWS does not list."""
        return [frame.drop(_LISTED) for frame in self.frames.values() if frame.height]

    def at(self, instant: int) -> dict[str, list[Row]]:
        """The answers of AWS at an instant: jobs in progress as they were then, and none that is not listed yet, or no more."""
        found: dict[str, list[Row]] = {}
        for name, frame in self.frames.items():
            first = instant - HORIZON if name == "BackupJobs" else 0
            rows = frame.filter((pl.col("CreationDate") >= moment(first)) & (pl.col(_LISTED) <= instant)).drop(_LISTED).iter_rows(named=True)
            found[name] = [_nested(_as_it_was(name, row, instant)) for row in rows]
        return found

    def late(self) -> list[tuple[int, int]]:
        """From when to when each job that is listed late is missing."""
        frame = self.frames["BackupJobs"].with_columns(pl.col("CreationDate").dt.epoch("us").alias("created"))
        return frame.filter(pl.col(_LISTED) > pl.col("created")).select("created", _LISTED).rows()

    def is_late(self, instant: int) -> bool:
        """Whether a backup job was created before an instant and is listed after it."""
        return any(created < instant < listed for created, listed in self.late())

    def punctual(self) -> Lists:
        """The same jobs, each listed as soon as it is created."""
        return Lists({name: frame.with_columns(pl.col("CreationDate").dt.epoch("us").alias(_LISTED)) for name, frame in self.frames.items()})


def simulate(
    simulator: Simulator,
    resources: Iterable[Resource],
    start: int,
    end: int,
    spoils: Mapping[str, list[Spoil]] | None = None,
    restores_spoiled: Mapping[str, list[SpoilRestore]] | None = None,
) -> Lists:
    """The lists of all jobs of these resources between two instants.

    Args:
        spoils, restores_spoiled: what faults do, by ARN.
    """
    rows: dict[str, list[Row]] = {name: [] for name in _IDS}
    for resource in resources:
        for job in simulator.backups(resource, start, end):
            if (spoiled := _apply(job, (spoils or {}).get(resource.arn, ()))) is not None:
                _add(rows, spoiled, resource)
        for test in simulator.restores(resource, start, end):
            if (tried := _apply(test, (restores_spoiled or {}).get(resource.arn, ()))) is not None:
                rows["RestoreJobs"].append(_restore_row(tried))
    return Lists({name: _frame(name, found) for name, found in rows.items()})


def _apply(job: _Job, spoils: Iterable[Callable[[_Job], _Job | None]]) -> _Job | None:
    left: _Job | None = job
    for spoil in spoils:
        left = spoil(left) if left is not None else None
    return left


def _add(rows: dict[str, list[Row]], job: Backup, resource: Resource) -> None:
    rows["BackupJobs"].append(_backup_row(job, resource))
    rows["CopyJobs"] += (_copy_row(copy, job) for copy in job.copies)
    for child in job.children:
        _add(rows, child, child.resource)


def _frame(name: str, rows: list[Row]) -> pl.DataFrame:
    columns = _SCHEMAS[name]
    return pl.DataFrame([[row.get(column) for column in columns] for row in rows], schema=columns, orient="row").sort("CreationDate", _IDS[name])


def _time(micros: int | None) -> Any:
    return None if micros is None else moment(micros)


def _backup_row(job: Backup, resource: Resource) -> Row:
    region, account = resource.region, resource.account
    row = {
        "AccountId": account,
        "BackupJobId": job.id,
        "BackupVaultName": job.vault,
        "BackupVaultArn": vault_arn(resource.account, resource.region, job.vault),
        "VaultType": "BACKUP_VAULT",
        "VaultLockState": job.locked,
        "RecoveryPointArn": job.point if job.state in ("COMPLETED", "PARTIAL", "RUNNING") else None,
        "RecoveryPointLifecycle.DeleteAfterDays": job.days,
        "EncryptionKeyArn": f"arn:aws:kms:{region}:{account}:key/{account}-backup" if job.encrypted else None,
        "IsEncrypted": job.encrypted,
        "ResourceArn": resource.arn,
        "ResourceName": f"{resource.name}-2" if job.created >= resource.renamed else resource.name,
        "ResourceType": resource.type,
        "CreationDate": moment(job.created),
        "InitiationDate": _time(job.started),
        "CompletionDate": _time(job.ended),
        "ExpectedCompletionDate": moment(job.expected),
        "StartBy": moment(job.start_by),
        "State": job.state,
        "StatusMessage": job.message or None,
        "MessageCategory": job.category if job.ended is not None else None,
        "PercentDone": "100.0" if job.state == "COMPLETED" else "0.0",
        "BackupSizeInBytes": job.size if job.state == "COMPLETED" else None,
        "IamRoleArn": f"arn:aws:iam::{account}:role/{job.role}",
        "BackupOptions.WindowsVSS": "enabled" if resource.vss else None,
        "ParentJobId": job.parent or None,
        "IsParent": bool(job.children),
        _LISTED: max(job.listed, job.created),
    }
    return row | _created_by(job)


def _created_by(job: Backup) -> Row:
    if job.plan is None or job.rule is None or job.version is None:
        return {}
    return {
        "CreatedBy.BackupPlanId": job.plan.id,
        "CreatedBy.BackupPlanArn": job.plan.arn,
        "CreatedBy.BackupPlanName": job.plan.name,
        "CreatedBy.BackupPlanVersion": f"{job.plan.id[:8]}-{job.version.token}",
        "CreatedBy.BackupRuleId": job.rule.id,
        "CreatedBy.BackupRuleName": job.rule.name,
        "CreatedBy.BackupRuleCron": job.cron or job.rule.calendar.cron,
        "CreatedBy.BackupRuleTimezone": job.rule.calendar.zone,
    }


def _copy_row(copy: Copy, job: Backup) -> Row:
    resource = job.resource
    row = {
        "AccountId": resource.account,
        "CopyJobId": copy.id,
        "SourceBackupVaultArn": vault_arn(resource.account, resource.region, job.vault),
        "SourceRecoveryPointArn": copy.source_point,
        "DestinationBackupVaultArn": copy_destination(),
        "DestinationVaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT",
        "DestinationVaultLockState": "LOCKED",
        "DestinationRecoveryPointArn": f"{copy.source_point}-copy" if copy.state == "COMPLETED" else None,
        "DestinationRecoveryPointLifecycle.DeleteAfterDays": copy.days,
        "ResourceArn": resource.arn,
        "ResourceName": resource.name,
        "ResourceType": resource.type,
        "CreationDate": moment(copy.created),
        "CompletionDate": _time(copy.ended),
        "State": copy.state,
        "StatusMessage": copy.message or None,
        "MessageCategory": copy.category if copy.ended is not None else None,
        "BackupSizeInBytes": job.size,
        "IamRoleArn": f"arn:aws:iam::{resource.account}:role/{job.role}",
        "CreatedByBackupJobId": copy.of_backup or None,
        "IsParent": bool(job.children),
        _LISTED: copy.created,
    }
    return row | (_created_by(job) if copy.of_backup else {})


def _restore_row(test: Restore) -> Row:
    resource = test.resource
    ended = test.status == "COMPLETED"
    return {
        "AccountId": resource.account,
        "RestoreJobId": test.id,
        "RecoveryPointArn": test.point,
        "SourceResourceArn": resource.arn,
        "BackupVaultArn": vault_arn(resource.account, resource.region),
        "CreationDate": moment(test.created),
        "CompletionDate": moment(test.ended),
        "Status": test.status,
        "StatusMessage": test.message or None,
        "PercentDone": "100.00%" if ended else "0.00%",
        "IamRoleArn": f"arn:aws:iam::{resource.account}:role/service-role/AWSBackupDefaultServiceRole",
        "CreatedResourceArn": f"{resource.arn}-test" if ended else None,
        "ResourceType": resource.type,
        "CreatedBy.RestoreTestingPlanArn": f"arn:aws:backup:{resource.region}:{resource.account}:restore-testing-plan:tests",
        "ValidationStatus": test.validation if ended else None,
        "DeletionStatus": "SUCCESSFUL" if ended else None,
        _LISTED: test.created,
    }


def _as_it_was(name: str, row: Row, instant: int) -> Row:
    """A job as AWS listed it at an instant."""
    state, now = _STATES[name], moment(instant)
    ended, started = row["CompletionDate"], row.get("InitiationDate")
    if ended is not None and ended <= now:
        return row
    left = {member: value for member, value in row.items() if member not in _AFTERWARDS}
    waits = name == "BackupJobs" and (started is None or started > now)
    if waits:
        left.pop("InitiationDate")
    return left | {state: "PENDING" if waits else "RUNNING"} | ({"PercentDone": "0.0"} if "PercentDone" in row else {})


def _nested(row: Row) -> Row:
    """A record as boto3 gives it."""
    record: Row = {}
    for name, value in row.items():
        head, _, tail = name.partition(".")
        if value is None:
            continue
        if tail:
            record.setdefault(head, {})[tail] = value
        else:
            record[name] = value
    return record


def _schema(texts: str, *, numbers: str = "", truths: str = "", times: str = "CreationDate CompletionDate") -> dict[str, Any]:
    return {
        **dict.fromkeys(texts.split(), pl.String),
        **dict.fromkeys(numbers.split(), pl.Int64),
        **dict.fromkeys(truths.split(), pl.Boolean),
        **dict.fromkeys(times.split(), pl.Datetime("us", "UTC")),
        _LISTED: pl.Int64,
    }


_PLAN = " ".join(f"CreatedBy.Backup{part}" for part in "PlanId PlanArn PlanName PlanVersion RuleId RuleName RuleCron RuleTimezone".split())
_SCHEMAS = {
    "BackupJobs": _schema(
        "AccountId BackupJobId BackupVaultName BackupVaultArn VaultType VaultLockState RecoveryPointArn EncryptionKeyArn ResourceArn ResourceName ResourceType "
        f"State StatusMessage MessageCategory PercentDone IamRoleArn BackupOptions.WindowsVSS ParentJobId {_PLAN}",
        numbers="RecoveryPointLifecycle.DeleteAfterDays BackupSizeInBytes",
        truths="IsEncrypted IsParent",
        times=" ".join(_TIMES),
    ),
    "CopyJobs": _schema(
        "AccountId CopyJobId SourceBackupVaultArn SourceRecoveryPointArn DestinationBackupVaultArn DestinationVaultType DestinationVaultLockState "
        f"DestinationRecoveryPointArn ResourceArn ResourceName ResourceType State StatusMessage MessageCategory IamRoleArn CreatedByBackupJobId {_PLAN}",
        numbers="DestinationRecoveryPointLifecycle.DeleteAfterDays BackupSizeInBytes",
        truths="IsParent",
    ),
    "RestoreJobs": _schema(
        "AccountId RestoreJobId RecoveryPointArn SourceResourceArn BackupVaultArn Status StatusMessage PercentDone IamRoleArn CreatedResourceArn ResourceType "
        "CreatedBy.RestoreTestingPlanArn ValidationStatus DeletionStatus"
    ),
}
