"""Job reports as AWS Backup Audit Manager writes them, made of the jobs of an API list."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from policycheck.datasets import Dataset

Row = dict[str, Any]
DAY = timedelta(days=1)
WRITTEN_AFTER = timedelta(hours=3)
"""How long after the end of its time a report is written: AWS says between 1 and 5 AM UTC."""

_NAMES: Mapping[str, str] = {
    "State": "jobStatus",
    "Status": "jobStatus",
    "StartBy": "startWindowEnd",
    "VaultLockState": "vaultLockStatus",
    "IsParent": "isParentJob",
    "CreatedBy.BackupRuleCron": "backupRuleSchedule",
    "CreatedBy.BackupRuleTimezone": "backupRuleTimezone",
    "RecoveryPointLifecycle.DeleteAfterDays": "deleteAfterDays",
    "RecoveryPointLifecycle.MoveToColdStorageAfterDays": "moveToColdAfterDays",
    "RecoveryPointLifecycle.OptInToArchiveForSupportedResources": "enableArchive",
}
COLUMNS: Mapping[str, Sequence[str]] = {
    "backup_jobs": (
        "BackupJobId State ResourceType ResourceArn ResourceName CreatedBy.BackupPlanArn CreatedBy.BackupRuleId InitiationDate CreatedBy.BackupPlanName "
        "CreatedBy.BackupRuleName CreatedBy.BackupRuleCron CreatedBy.BackupRuleTimezone StartBy BackupOptions IsParent ParentJobId CreationDate CompletionDate "
        "RecoveryPointArn BackupSizeInBytes BackupVaultName BackupVaultArn VaultType VaultLockState IsEncrypted EncryptionKeyArn "
        "RecoveryPointLifecycle.DeleteAfterDays RecoveryPointLifecycle.MoveToColdStorageAfterDays "
        "RecoveryPointLifecycle.OptInToArchiveForSupportedResources IamRoleArn"
    ).split(),
    "copy_jobs": (
        "CopyJobId State ResourceType ResourceArn ResourceName CreatedBy.BackupPlanName CreatedBy.BackupRuleName CreatedBy.BackupRuleCron "
        "CreatedBy.BackupRuleTimezone IsParent ParentJobId CreationDate CompletionDate BackupSizeInBytes SourceRecoveryPointArn SourceBackupVaultArn "
        "DestinationRecoveryPointArn DestinationBackupVaultArn IamRoleArn"
    ).split(),
    "restore_jobs": (
        "RestoreJobId Status RecoveryPointArn IsParent ParentJobId SourceResourceArn BackupVaultArn CreationDate CompletionDate BackupSizeInBytes PercentDone "
        "ResourceType IamRoleArn"
    ).split(),
}
"""The fields that reports have, in the order of their columns (`report_columns` names the source)."""


def column(member: str) -> str:
    """The column of a field: backupJobId."""
    name = _NAMES.get(member, member.rpartition(".")[2])
    return name[0].lower() + name[1:]


def spell(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(value: object) -> datetime | None:
    """A time as the API or a client has it."""
    if value is None:
        return None
    return datetime.fromtimestamp(value, UTC) if isinstance(value, int | float) else datetime.fromisoformat(str(value))


def rows(dataset: Dataset, jobs: Iterable[Mapping[str, Any]], start: datetime, end: datetime, written_after: timedelta = WRITTEN_AFTER) -> Iterator[Row]:
    """The rows of the report of one time: what ended in it, and what was active, as it was when the report was written."""
    written = end + written_after
    for job in jobs:
        created, ended = moment_of(job["CreationDate"]), moment_of(job.get("CompletionDate"))
        assert created is not None
        if job[dataset.state_field] == "EXPIRED" and ended is None:
            ended = moment_of(job["StartBy"])
        if created < end and (ended is None or ended > start):
            yield row(dataset, _then(dataset, job, written, ended), start, end)


def _then(dataset: Dataset, job: Mapping[str, Any], written: datetime, ended: datetime | None) -> Mapping[str, Any]:
    if ended is None or ended <= written:
        return job
    begun = moment_of(job.get("InitiationDate"))
    waits = job[dataset.state_field] == "EXPIRED" or (begun is not None and begun > written)
    left_out = {"CompletionDate", *(["InitiationDate"] if waits else [])}
    return {**{key: value for key, value in job.items() if key not in left_out}, dataset.state_field: "PENDING" if waits else "RUNNING"}


def row(dataset: Dataset, job: Mapping[str, Any], start: datetime, end: datetime) -> Row:
    arn = str(job[dataset.vault_field]).split(":")
    found: Row = {"reportTimePeriodStart": spell(start), "reportTimePeriodEnd": spell(end), "accountId": job["AccountId"], "region": arn[3]}
    for member in COLUMNS[dataset.name]:
        head, _, tail = member.partition(".")
        value = job.get(head)
        value = (value or {}).get(tail) if tail else value
        if head.endswith("Date") or head == "StartBy":
            value = None if value is None else spell(moment_of(value) or start)
        found[column(member)] = {} if member == "BackupOptions" and value is None else value
    return found


def as_json(found: Sequence[Row]) -> bytes:
    return json.dumps({"reportItems": list(found)}, indent=2).encode()


def as_csv(found: Sequence[Row], end: str = "\n") -> bytes:
    """As a CSV writer of any language has it: quoted where needed, nothing where there is no value, objects as JSON."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=end)
    writer.writerow(found[0])
    writer.writerows([_cell(value) for value in one.values()] for one in found)
    return stream.getvalue().encode()


def _cell(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else json.dumps(value) if isinstance(value, dict) else value


FORMS: Mapping[str, Callable[[Sequence[Row]], bytes]] = {"JSON": as_json, "CSV": as_csv}


def daily(
    dataset: Dataset, jobs: Sequence[Mapping[str, Any]], first: datetime, days: int, form: str = "JSON", written_after: timedelta = WRITTEN_AFTER
) -> Iterator[tuple[str, bytes]]:
    """Reports of some days of whole organizations or one place; a day without a job has a file without rows, which is left out here."""
    for day in range(days):
        found = list(rows(dataset, jobs, first + day * DAY, first + (day + 1) * DAY, written_after))
        if found:
            yield f"{first + day * DAY:%Y/%m/%d}/report.{form.lower()}", FORMS[form](found)
