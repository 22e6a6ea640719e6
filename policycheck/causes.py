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
        "Grant the job's IAM role the action that the message names (AWSBackupServiceRolePolicyForBackup, and for S3 "
        "AWSBackupServiceRolePolicyForS3Backup, contain what backups need) and let AWS Backup assume it; "
        "a copy also needs backup:CopyIntoBackupVault in the destination vault's access policy.",
        f"{_GUIDE}access-control.html",
    ),
    Cause(
        "kms_key",
        "The KMS key cannot be used",
        "Make sure that the key is enabled and not pending deletion, and that its key policy lets the backup role use it, including kms:CreateGrant; "
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
        "Turn on cross-account backup in the organization's management account, and make sure that both accounts belong to the same organization.",
        f"{_HELP}backup-troubleshoot-cross-account-copy",
    ),
    Cause(
        "start_window",
        "Not started within the start window",
        "Lengthen the backup rule's start window (StartWindowMinutes), or spread the schedules: jobs of one resource wait for each other.",
        f"{_HELP}aws-backup-troubleshoot-scheduled-backup-plans",
    ),
    Cause(
        "completion_window",
        "Not completed in time",
        "Lengthen the backup rule's completion window (CompletionWindowMinutes), or its start window if the job never started; for databases keep the "
        "schedule clear of the service's own backups.",
        f"{_GUIDE}API_BackupRule.html",
    ),
    Cause(
        "maintenance_window",
        "Too close to the database's own backup or maintenance window",
        "Move the plan's schedule, or the database's backup and maintenance windows, so that they do not overlap.",
    ),
    Cause(
        "vss",
        "No application-consistent Windows backup (VSS)",
        "Install AwsVssComponents on the instance, and make sure that its SSM Agent runs and its instance profile allows VSS snapshots. "
        "If the job completed anyway, its backup is only crash-consistent.",
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
        "Spread the schedules of plans that start at the same time, and find out what else calls the service then. AWS Backup does not retry a failed job.",
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
        "Retention rejected by Vault Lock",
        "Set the backup rule's retention between the vault's MinRetentionDays and MaxRetentionDays, or use another vault. Jobs outside these limits fail.",
        f"{_GUIDE}vault-lock.html",
    ),
    Cause(
        "resource_busy",
        "The resource was busy or in the wrong state",
        "Move the schedule to a time when the resource is available and not being backed up, or start an on-demand backup now. "
        "AWS Backup does not retry a failed job.",
    ),
    Cause(
        "resource_gone",
        "Something the job needs does not exist",
        "If the resource was deleted on purpose, remove it from the plan's selection. "
        "Otherwise restore what the message names: resource, vault, role or recovery point.",
    ),
    Cause(
        "unsupported",
        "Not supported",
        "Check AWS Backup's feature availability for this resource type and Region. Do not use the feature, or protect the resource with its own service.",
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
        "Start an on-demand backup and wait for the next scheduled run. If it keeps failing, open a case with AWS Support and give the job ID.",
    ),
    Cause("cancelled", "Stopped by a user", "Find the caller of StopBackupJob in CloudTrail, and start a new job if the backup is still needed."),
    Cause(
        "aborted",
        "Stopped before it ended",
        "The job does not record why. CloudTrail shows whether a user called StopBackupJob. Start a new job if the backup is still needed.",
    ),
    Cause(
        "partial",
        "Some child jobs of a composite backup failed",
        "Check the jobs whose ParentJobId is this job. Each has its own cause.",
    ),
    Cause(
        "completed_with_issues",
        "Completed with issues",
        "Read the job's StatusMessage. A recovery point exists, but something is missing from it.",
        f"{_GUIDE}eventbridge.html",
    ),
    Cause("overdue", "Overdue", "Check whether the job still runs. Stop it and start another, or lengthen the window in its plan."),
    Cause(
        "missed_run",
        "A scheduled run left no job",
        "Make sure that the plan still selects the resource, that its role exists, and that its resource type is opted in.",
    ),
    Cause(
        "plan_silent",
        "A plan no longer creates jobs",
        "Check whether the plan was deleted, emptied or moved. All its resources have missed their runs since.",
    ),
    Cause(
        "not_followed",
        "No copy or restore followed in time",
        "Make sure that the backup rule still copies, or that the restore testing plan still selects the resource. Meanwhile, start the job on demand.",
    ),
    Cause(
        "no_job",
        "No job in any state",
        "If the resource was deleted, remove it from the resources to protect. If not, check whether a plan (for restores: a restore testing plan) still "
        "selects it, and whether its schedule is rarer than the rule's limit. Job lists cannot tell which.",
        f"{_HELP}aws-backup-troubleshoot-scheduled-backup-plans",
    ),
    Cause("other", "Another cause", "Read the job's StatusMessage; AWS Backup does not retry a failed job."),
)
CAUSES: Mapping[str, Cause] = MappingProxyType({cause.id: cause for cause in _TABLE})
"""Every class, by id."""
