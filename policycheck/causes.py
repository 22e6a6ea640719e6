"""Why a finding is there, in classes a person can act on: what each is called, and what mends it. Data alone; `engine.causes` tells which it is.

Facts about AWS Backup, and where they come from (its Developer Guide, unless another source is named):
- what counts as a reason, and AWS's own wordings of most of them: "AWS Backup console dashboards", section "Reasons for problematic jobs";
- a job that cannot start is tried again until its start window is over, then EXPIRED; one that runs past its completion window is cancelled: BackupRuleInput
  (StartWindowMinutes, CompletionWindowMinutes) in the API reference;
- a failed job is not tried again: AWS re:Post Knowledge Center, "backup-failed-job";
- a VSS snapshot that fails leaves a crash-consistent backup, or none: "Create Windows VSS backups"; AWS Backup does not install the VSS components: Amazon
  EC2 User Guide, "Create VSS snapshots using AWS Backup";
- S3 needs Versioning: "Amazon S3 backups";
- a vault's lock fails jobs whose retention lies outside MinRetentionDays to MaxRetentionDays: PutBackupVaultLockConfiguration in the API reference;
- what copies across accounts need: re:Post, "backup-troubleshoot-cross-account-copy" and "backup-cross-account-copy-error";
- one backup of a resource at a time, further ones wait: Amazon Timestream Developer Guide, "Quota and limits"; request rates: AWS General Reference,
  "AWS Backup endpoints and quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_GUIDE = "https://docs.aws.amazon.com/aws-backup/latest/devguide/"
_HELP = "https://repost.aws/knowledge-center/"


@dataclass(frozen=True, slots=True)
class Cause:
    """One class of cause."""

    id: str
    """In every report, `Finding.cause`; stable."""
    title: str
    """What happened, for a heading: no full stop."""
    fix: str
    """What to do, in a sentence or two."""
    url: str = ""
    """Where AWS documents it."""


_TABLE = (
    Cause(
        "access_denied",
        "Access denied",
        "Grant the job's IAM role the action the message names (AWSBackupServiceRolePolicyForBackup, and for S3 AWSBackupServiceRolePolicyForS3Backup, hold "
        "what backups need) and let AWS Backup assume it; a copy also needs backup:CopyIntoBackupVault in the destination vault's access policy.",
        f"{_GUIDE}access-control.html",
    ),
    Cause(
        "kms_key",
        "The KMS key cannot be used",
        "See that the key is enabled and not pending deletion, and that its key policy lets the backup role use it, kms:CreateGrant included; "
        "for a copy to another account the source key's policy must allow that account.",
        f"{_HELP}backup-cross-account-copy-error",
    ),
    Cause(
        "unshareable_key",
        "Encrypted with a key that cannot be shared",
        "Encrypt the resource, or the source vault, with a customer managed KMS key: what an AWS managed key encrypts cannot be copied to another account.",
        f"{_HELP}backup-troubleshoot-cross-account-copy",
    ),
    Cause(
        "cross_account",
        "Copying between these accounts is not allowed",
        "Turn on cross-account backup in the organization's management account, and see that both accounts belong to the same organization.",
        f"{_HELP}backup-troubleshoot-cross-account-copy",
    ),
    Cause(
        "start_window",
        "Not started within the start window",
        "Lengthen the rule's start window (StartWindowMinutes), or spread the schedules: a resource is backed up once at a time, and further jobs wait.",
        f"{_HELP}aws-backup-troubleshoot-scheduled-backup-plans",
    ),
    Cause(
        "completion_window",
        "Not completed in time",
        "Lengthen the rule's completion window (CompletionWindowMinutes), or its start window where the job never began to run; for databases keep the "
        "schedule clear of the service's own backups.",
        f"{_GUIDE}API_BackupRule.html",
    ),
    Cause(
        "maintenance_window",
        "Too close to the database's own backup or maintenance window",
        "Move the plan's schedule, or the database's backup and maintenance windows, so that they do not meet.",
    ),
    Cause(
        "vss",
        "No application-consistent Windows backup (VSS)",
        "Install AwsVssComponents on the instance, and see that its SSM Agent runs and its instance profile allows VSS snapshots. "
        "A job that completed all the same left a crash-consistent backup only.",
        f"{_GUIDE}windows-backups.html",
    ),
    Cause(
        "s3_versioning",
        "S3 Versioning is not enabled",
        "Enable Versioning on the bucket: AWS Backup cannot back up a bucket without it.",
        f"{_GUIDE}s3-backups.html",
    ),
    Cause(
        "throttled",
        "Throttled by AWS",
        "Spread the schedules of plans that start together, and see what else calls the service at that time; AWS Backup does not retry a failed job.",
        "https://docs.aws.amazon.com/general/latest/gr/bk.html",
    ),
    Cause(
        "quota",
        "A quota or limit is reached",
        "Remove what is no longer needed (old snapshots, images, tags), spread the jobs, or ask for a higher quota of the service the message names.",
        f"{_GUIDE}aws-backup-limits.html",
    ),
    Cause(
        "vault_retention",
        "Retention refused by the vault's lock",
        "Set the rule's retention between the vault's MinRetentionDays and MaxRetentionDays, or name another vault: a lock fails every job outside them.",
        f"{_GUIDE}vault-lock.html",
    ),
    Cause(
        "resource_busy",
        "The resource was busy or in the wrong state",
        "Move the schedule to when the resource is available and no other backup of it runs, or start a job by hand now; "
        "AWS Backup does not retry a failed job.",
    ),
    Cause(
        "resource_gone",
        "Something the job needs does not exist",
        "If the resource was deleted on purpose, take it out of the plan's selection. "
        "Otherwise bring back what the message names: resource, vault, role or recovery point.",
    ),
    Cause(
        "unsupported",
        "Not supported",
        "See AWS Backup's feature availability for this resource type and Region; leave the feature out, or protect the resource by its own service's means.",
        f"{_GUIDE}backup-feature-availability.html",
    ),
    Cause(
        "invalid_parameters",
        "A parameter of the job is invalid",
        "Correct what the message names in the plan, the selection or the request that started the job.",
    ),
    Cause(
        "internal_error",
        "An error inside AWS",
        "Start a job by hand and wait for the next scheduled one; where it keeps failing, open a case with AWS Support and give the job's id.",
    ),
    Cause("cancelled", "Stopped by a user", "Find who called StopBackupJob in CloudTrail, and start a new job if the backup is still needed."),
    Cause(
        "aborted",
        "Stopped before it ended",
        "The job does not say why: CloudTrail shows whether a user called StopBackupJob. Start a new job if the backup is still needed.",
    ),
    Cause(
        "partial",
        "Some child jobs of a composite backup failed",
        "Look at the jobs whose ParentJobId is this job: each says its own cause.",
    ),
    Cause(
        "completed_with_issues",
        "Completed with issues",
        "Read the job's StatusMessage: a recovery point exists, and something is missing from it.",
        f"{_GUIDE}eventbridge.html",
    ),
    Cause("overdue", "Overdue", "See whether the job still runs; stop it and start another, or lengthen the window that its plan gives it."),
    Cause(
        "missed_run",
        "A scheduled run left no job",
        "See that the plan still selects the resource, that its role exists, and that its resource type is opted in.",
    ),
    Cause(
        "plan_silent",
        "A plan makes no job any more",
        "See whether the plan was deleted, emptied or moved; every resource of it has missed its runs since.",
    ),
    Cause(
        "not_followed",
        "No copy or restore followed in time",
        "See that the plan's rule still copies, or that the restore testing plan still selects the resource; start the job by hand meanwhile.",
    ),
    Cause(
        "no_job",
        "No job in that time, of any state",
        "If the resource was deleted, take it out of what must be protected; if not, see whether a plan (of restores: a restore testing plan) still "
        "selects it, and whether its schedule is rarer than the rule's limit. Job lists cannot tell which.",
        f"{_HELP}aws-backup-troubleshoot-scheduled-backup-plans",
    ),
    Cause("other", "Another cause", "Read the job's StatusMessage; AWS Backup does not retry a failed job."),
)
CAUSES: Mapping[str, Cause] = MappingProxyType({cause.id: cause for cause in _TABLE})
"""Every class, by id."""
