"""What the columns of AWS Backup's job reports are called, and which field of the API each of them is.

Source: the sample reports of "Choosing your report template" in the AWS Backup Developer Guide (BACKUP_JOB_REPORT, COPY_JOB_REPORT, RESTORE_JOB_REPORT; the
names of 2021, `reportTimePeriod`, and those of 2025, `reportTimePeriodStart` and more). The guide shows JSON alone: it does not say how the columns of CSV
reports are spelled. So names are compared by their letters: backupJobId, backup_job_id and "Backup Job ID" are one column.

What a report of copy or restore jobs says of a vault, a key or a lifecycle is not taken over: the guide does not say of which vault, the source's or the
destination's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from policycheck.datasets import DATASETS, Dataset
from policycheck.records import objects
from policycheck.sources.members import letters

ACCOUNT, REGION, STATE = "accountid", "region", "jobstatus"
PERIOD, PERIOD_START, PERIOD_END = "reporttimeperiod", "reporttimeperiodstart", "reporttimeperiodend"

_RENAMED: Mapping[str, str] = {
    "backupplanarn": "CreatedBy.BackupPlanArn",
    "backupplanname": "CreatedBy.BackupPlanName",
    "backupruleid": "CreatedBy.BackupRuleId",
    "backuprulename": "CreatedBy.BackupRuleName",
    "backupruleschedule": "CreatedBy.BackupRuleCron",
    "backupruletimezone": "CreatedBy.BackupRuleTimezone",
    "isparentjob": "IsParent",
    "startwindowend": "StartBy",
    "vaultlockstatus": "VaultLockState",
    "deleteafterdays": "RecoveryPointLifecycle.DeleteAfterDays",
    "movetocoldafterdays": "RecoveryPointLifecycle.MoveToColdStorageAfterDays",
    "enablearchive": "RecoveryPointLifecycle.OptInToArchiveForSupportedResources",
    "backupoptions": "BackupOptions",
}
"""The columns whose names are not those of the fields, in reports of the lists that have the field."""

_KNOWN = frozenset(
    "reporttimeperiod reporttimeperiodstart reporttimeperiodend region jobruntime initiationdate startwindowend backupoptions vaulttype vaultlockstatus "
    "isencrypted encryptionkeyarn deleteafterdays movetocoldafterdays enablearchive resourcename backupplanarn backupplanname backupruleid backuprulename "
    "backupruleschedule backupruletimezone backupvaultname".split()
)
"""Columns of AWS's reports that are no field, or are not taken over."""

OTHER_REPORTS: Mapping[str, str] = {"controlname": "a compliance report", "scanjobid": "a scan job report"}
"""Other reports of AWS Backup Audit Manager, by a column that each of their rows has; their rows are no jobs of a list."""


@cache
def fields_by_column(dataset: Dataset) -> Mapping[str, str]:
    """The field of each column, by the letters of the column; nested ones dotted."""
    same = {letters(member.name): member.name for member in dataset.members if "." not in member.name}
    held = {member.name for member in dataset.members} | set(objects(dataset))
    return {**same, **{column: name for column, name in _RENAMED.items() if name in held}, STATE: dataset.state_field}


@cache
def ids_by_column() -> Mapping[str, Dataset]:
    """The list whose jobs a row with this column is of."""
    return {letters(dataset.id_field): dataset for dataset in DATASETS.values() if dataset.id_field.endswith("JobId")}


def is_known(dataset: Dataset, column: str) -> bool:
    """Whether AWS documents a column of these letters, or a field of the list is called so."""
    return column in _KNOWN or column in fields_by_column(dataset) or column in ids_by_column()
