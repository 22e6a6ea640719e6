"""By which members the jobs of one list name those of another."""

from __future__ import annotations

from dataclasses import dataclass

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS

DEADLINE = "_deadline"
END = "_end"
"""Columns: by when a job must have been followed, and when it ended."""


@dataclass(frozen=True, slots=True)
class Link:
    """A member of the following job that names the job it follows, and the member of that job it names."""

    follower: str
    job: str
    placed: bool = False
    """An id names a job in one account and Region only; an ARN names one anywhere."""


_BY_ID = Link("CreatedByBackupJobId", "BackupJobId", placed=True)
LINKS: dict[tuple[str, str], tuple[Link, ...]] = {
    (BACKUP_JOBS.name, COPY_JOBS.name): (_BY_ID, Link("SourceRecoveryPointArn", "RecoveryPointArn")),
    (BACKUP_JOBS.name, RESTORE_JOBS.name): (Link("RecoveryPointArn", "RecoveryPointArn"),),
    (COPY_JOBS.name, COPY_JOBS.name): (Link("SourceRecoveryPointArn", "DestinationRecoveryPointArn"),),
    (COPY_JOBS.name, RESTORE_JOBS.name): (Link("RecoveryPointArn", "DestinationRecoveryPointArn"),),
}
"""By the list that is followed and the one that follows; of several links the first whose member a following job records counts."""
