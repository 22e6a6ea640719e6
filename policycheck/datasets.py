"""The lists policycheck can judge: their members, types, units and derived fields; the one place that knows them.

A list is one row: what reads files, rules, reports and AWS knows of it only what stands there. Rows are checked when this module is imported, so that a wrong
one is an error that names the list and the member, and nothing that looks like evidence.

Source of names, types and enumerations: the AWS Backup API model of 2018-11-15 as botocore 1.44 ships it, operations ListBackupJobs, ListCopyJobs,
ListRestoreJobs, ListProtectedResources, ListBackupVaults and ListRecoveryPointsByBackupVault. Source of what may be missing: the API reference and lists saved
by real clients (every member is optional in the model).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from policycheck.dataset_checks import listed
from policycheck.dataset_types import (
    ALWAYS,
    ALWAYS_SINCE,
    BY_MEANING,
    DERIVED,
    SCAN_FINDINGS,
    SINCE,
    STATE,
    TAGS,
    WHEN_ENDED,
    Dataset,
    DatasetError,
    Each,
    Field,
    Kind,
    Link,
    Presence,
    table,
)

__all__ = [
    "ALWAYS",
    "BACKUP_JOBS",
    "BY_RESULT_KEY",
    "COPY_JOBS",
    "DATASETS",
    "DEFAULT",
    "HORIZON",
    "JOB_LISTS",
    "PROTECTED_RESOURCES",
    "RECOVERY_POINTS",
    "RESOURCE_TYPES",
    "RESTORE_JOBS",
    "TAGS",
    "VAULTS",
    "Dataset",
    "DatasetError",
    "Field",
    "Kind",
    "Link",
    "Presence",
]


_VAULT_TYPES = ("BACKUP_VAULT", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", "RESTORE_ACCESS_BACKUP_VAULT")
_CREATED_BY_ARNS = "CreatedBy.BackupPlanArn"
_CREATED_BY = "CreatedBy.BackupPlanId CreatedBy.BackupPlanVersion CreatedBy.BackupRuleId"
_CREATED_BY_SINCE = "CreatedBy.BackupPlanName CreatedBy.BackupRuleName CreatedBy.BackupRuleCron CreatedBy.BackupRuleTimezone"

HORIZON = timedelta(days=30)
"""ListBackupJobs lists the jobs of the last 30 days (API reference). The lists of copy and restore jobs document no limit."""

BACKUP_JOBS = Dataset(
    name="backup_jobs",
    noun="backup job",
    operation="ListBackupJobs",
    result_key="BackupJobs",
    id_field="BackupJobId",
    state_field="State",
    resource_field="ResourceArn",
    vault_field="BackupVaultArn",
    in_progress=frozenset({"CREATED", "PENDING", "RUNNING", "ABORTING"}),
    bad_ends=("EXPIRED", "ABORTED", "PARTIAL"),
    horizon=HORIZON,
    of_organization=True,
    scheduled=True,
    filters={"ResourceType": "ByResourceType", "BackupVaultName": "ByBackupVaultName"},
    fields=table(
        (ALWAYS_SINCE, Kind.ACCOUNT, "AccountId"),
        (ALWAYS, Kind.TEXT, "BackupJobId BackupVaultName"),
        (ALWAYS, Kind.ARN, "BackupVaultArn"),
        (SINCE, Kind.ENUM, "VaultType"),
        (SINCE, Kind.WORD, "VaultLockState"),
        (BY_MEANING, Kind.ARN, "RecoveryPointArn"),
        (SINCE, Kind.INTEGER, "RecoveryPointLifecycle.MoveToColdStorageAfterDays RecoveryPointLifecycle.DeleteAfterDays"),
        (SINCE, Kind.BOOLEAN, "RecoveryPointLifecycle.OptInToArchiveForSupportedResources"),
        (SINCE, Kind.WORD, "RecoveryPointLifecycle.DeleteAfterEvent"),
        (BY_MEANING, Kind.ARN, "EncryptionKeyArn"),
        (SINCE, Kind.BOOLEAN, "IsEncrypted"),
        (ALWAYS, Kind.ARN, "ResourceArn"),
        (BY_MEANING, Kind.TEXT, "ResourceName"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (SINCE, Kind.TIME, "InitiationDate"),
        (WHEN_ENDED, Kind.TIME, "CompletionDate"),
        (BY_MEANING, Kind.TIME, "ExpectedCompletionDate"),
        (ALWAYS, Kind.TIME, "StartBy"),
        (ALWAYS, Kind.ENUM, "State"),
        (BY_MEANING, Kind.TEXT, "StatusMessage"),
        (SINCE, Kind.WORD, "MessageCategory"),
        (ALWAYS, Kind.TEXT, "PercentDone"),
        (BY_MEANING, Kind.SIZE, "BackupSizeInBytes BytesTransferred"),
        (ALWAYS, Kind.ARN, "IamRoleArn"),
        (BY_MEANING, Kind.TEXT, _CREATED_BY),
        (BY_MEANING, Kind.ARN, _CREATED_BY_ARNS),
        (SINCE, Kind.TEXT, _CREATED_BY_SINCE),
        (BY_MEANING, Kind.WORD, "BackupOptions.WindowsVSS"),
        (BY_MEANING, Kind.WORD, "BackupType"),
        (BY_MEANING, Kind.TEXT, "ParentJobId"),
        (SINCE, Kind.BOOLEAN, "IsParent"),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region IamRoleName"),
        (DERIVED, Kind.DURATION, "Duration Elapsed StartDelay Retention"),
        (DERIVED, Kind.SPAN, "Running"),
        (DERIVED, Kind.ENUM, "Outcome"),
        (DERIVED, Kind.BOOLEAN, "Overdue"),
        enums={
            "State": ("CREATED", "PENDING", "RUNNING", "ABORTING", "ABORTED", "COMPLETED", "FAILED", "EXPIRED", "PARTIAL"),
            "VaultType": _VAULT_TYPES,
            "Outcome": ("clean", "with_issues", "unknown"),
        },
    ),
)

COPY_JOBS = Dataset(
    name="copy_jobs",
    noun="copy job",
    operation="ListCopyJobs",
    result_key="CopyJobs",
    id_field="CopyJobId",
    state_field="State",
    resource_field="ResourceArn",
    vault_field="SourceBackupVaultArn",
    in_progress=frozenset({"CREATED", "RUNNING"}),
    bad_ends=("PARTIAL",),
    follows={
        "backup_jobs": (Link("CreatedByBackupJobId", "BackupJobId", placed=True), Link("SourceRecoveryPointArn", "RecoveryPointArn")),
        "copy_jobs": (Link("SourceRecoveryPointArn", "DestinationRecoveryPointArn"),),
    },
    filters={"ResourceType": "ByResourceType"},
    fields=table(
        (ALWAYS_SINCE, Kind.ACCOUNT, "AccountId"),
        (ALWAYS, Kind.TEXT, "CopyJobId"),
        (ALWAYS, Kind.ARN, "SourceBackupVaultArn SourceRecoveryPointArn DestinationBackupVaultArn"),
        (SINCE, Kind.ENUM, "DestinationVaultType"),
        (SINCE, Kind.WORD, "DestinationVaultLockState"),
        (BY_MEANING, Kind.ARN, "DestinationRecoveryPointArn DestinationEncryptionKeyArn"),
        (SINCE, Kind.INTEGER, "DestinationRecoveryPointLifecycle.MoveToColdStorageAfterDays DestinationRecoveryPointLifecycle.DeleteAfterDays"),
        (SINCE, Kind.BOOLEAN, "DestinationRecoveryPointLifecycle.OptInToArchiveForSupportedResources"),
        (SINCE, Kind.WORD, "DestinationRecoveryPointLifecycle.DeleteAfterEvent"),
        (ALWAYS, Kind.ARN, "ResourceArn"),
        (BY_MEANING, Kind.TEXT, "ResourceName"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (WHEN_ENDED, Kind.TIME, "CompletionDate"),
        (ALWAYS, Kind.ENUM, "State"),
        (BY_MEANING, Kind.TEXT, "StatusMessage"),
        (SINCE, Kind.WORD, "MessageCategory"),
        (BY_MEANING, Kind.SIZE, "BackupSizeInBytes"),
        (ALWAYS, Kind.ARN, "IamRoleArn"),
        (BY_MEANING, Kind.TEXT, _CREATED_BY),
        (BY_MEANING, Kind.ARN, _CREATED_BY_ARNS),
        (SINCE, Kind.TEXT, _CREATED_BY_SINCE),
        (BY_MEANING, Kind.TEXT, "CreatedByBackupJobId ParentJobId CompositeMemberIdentifier"),
        (SINCE, Kind.BOOLEAN, "IsParent"),
        (BY_MEANING, Kind.INTEGER, "NumberOfChildJobs"),
        (DERIVED, Kind.ACCOUNT, "Account DestinationAccount"),
        (DERIVED, Kind.TEXT, "Region DestinationRegion IamRoleName"),
        (DERIVED, Kind.DURATION, "Duration Elapsed Retention"),
        (DERIVED, Kind.SPAN, "Running"),
        (DERIVED, Kind.ENUM, "Outcome"),
        (DERIVED, Kind.BOOLEAN, "CrossAccount CrossRegion"),
        enums={
            "State": ("CREATED", "RUNNING", "COMPLETED", "FAILED", "PARTIAL"),
            "DestinationVaultType": _VAULT_TYPES,
            "Outcome": ("clean", "with_issues", "unknown"),
        },
    ),
)

RESTORE_JOBS = Dataset(
    name="restore_jobs",
    noun="restore job",
    operation="ListRestoreJobs",
    result_key="RestoreJobs",
    id_field="RestoreJobId",
    state_field="Status",
    resource_field="SourceResourceArn",
    vault_field="BackupVaultArn",
    in_progress=frozenset({"PENDING", "RUNNING"}),
    bad_ends=("ABORTED",),
    follows={
        "backup_jobs": (Link("RecoveryPointArn", "RecoveryPointArn"),),
        "copy_jobs": (Link("RecoveryPointArn", "DestinationRecoveryPointArn"),),
    },
    later_words={"ValidationStatus": ("ValidationStatusMessage", "VALIDATING"), "DeletionStatus": ("DeletionStatusMessage", "DELETING")},
    filters={"ResourceType": "ByResourceType"},
    vault_elsewhere=True,
    fields=table(
        (ALWAYS_SINCE, Kind.ACCOUNT, "AccountId"),
        (ALWAYS, Kind.TEXT, "RestoreJobId"),
        (ALWAYS, Kind.ARN, "RecoveryPointArn"),
        (ALWAYS_SINCE, Kind.ARN, "SourceResourceArn BackupVaultArn"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (WHEN_ENDED, Kind.TIME, "CompletionDate"),
        (ALWAYS, Kind.ENUM, "Status"),
        (BY_MEANING, Kind.TEXT, "StatusMessage"),
        (ALWAYS, Kind.TEXT, "PercentDone"),
        (BY_MEANING, Kind.SIZE, "BackupSizeInBytes"),
        (ALWAYS, Kind.ARN, "IamRoleArn"),
        (BY_MEANING, Kind.INTEGER, "ExpectedCompletionTimeMinutes"),
        (BY_MEANING, Kind.ARN, "CreatedResourceArn"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (SINCE, Kind.TIME, "RecoveryPointCreationDate"),
        (SINCE, Kind.BOOLEAN, "IsParent"),
        (BY_MEANING, Kind.TEXT, "ParentJobId"),
        (BY_MEANING, Kind.ARN, "CreatedBy.RestoreTestingPlanArn"),
        (BY_MEANING, Kind.ENUM, "ValidationStatus DeletionStatus"),
        (BY_MEANING, Kind.TEXT, "ValidationStatusMessage DeletionStatusMessage"),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region IamRoleName BackupVaultName"),
        (DERIVED, Kind.ARN, "ResourceArn"),
        (DERIVED, Kind.DURATION, "Duration Elapsed"),
        (DERIVED, Kind.SPAN, "Running"),
        enums={
            "Status": ("PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"),
            "ValidationStatus": ("FAILED", "SUCCESSFUL", "TIMED_OUT", "VALIDATING"),
            "DeletionStatus": ("DELETING", "FAILED", "SUCCESSFUL"),
        },
    ),
)


# What there is, and not what happened. That a vault is gone, or a recovery point, these lists cannot say: they speak of the moment of the call alone.
_KEY_TYPES = ("AWS_OWNED_KMS_KEY", "CUSTOMER_MANAGED_KMS_KEY")

PROTECTED_RESOURCES = Dataset(
    name="protected_resources",
    noun="protected resource",
    operation="ListProtectedResources",
    result_key="Results",
    id_field="ResourceArn",
    state_field=STATE,
    resource_field="ResourceArn",
    vault_field="LastBackupVaultArn",
    in_progress=frozenset(),
    of_state=True,
    other_accounts=False,
    stand_ins={"CreationDate": "LastBackupTime"},
    fields=table(
        (ALWAYS, Kind.ARN, "ResourceArn"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (ALWAYS, Kind.TIME, "LastBackupTime"),
        (BY_MEANING, Kind.TEXT, "ResourceName"),
        (SINCE, Kind.ARN, "LastBackupVaultArn LastRecoveryPointArn"),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region BackupVaultName"),
        enums={},
    ),
)

VAULTS = Dataset(
    name="vaults",
    noun="backup vault",
    operation="ListBackupVaults",
    result_key="BackupVaultList",
    id_field="BackupVaultArn",
    state_field=STATE,
    resource_field="BackupVaultArn",
    vault_field="BackupVaultArn",
    in_progress=frozenset(),
    of_state=True,
    other_accounts=False,
    fields=table(
        (ALWAYS, Kind.TEXT, "BackupVaultName"),
        (ALWAYS, Kind.ARN, "BackupVaultArn"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (SINCE, Kind.ENUM, "VaultType VaultState"),
        (BY_MEANING, Kind.ARN, "EncryptionKeyArn"),
        (SINCE, Kind.ENUM, "EncryptionKeyType"),
        (BY_MEANING, Kind.TEXT, "CreatorRequestId"),
        (ALWAYS, Kind.INTEGER, "NumberOfRecoveryPoints"),
        (ALWAYS_SINCE, Kind.BOOLEAN, "Locked"),
        (SINCE, Kind.INTEGER, "MinRetentionDays MaxRetentionDays"),
        (SINCE, Kind.TIME, "LockDate"),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region"),
        enums={"VaultType": _VAULT_TYPES, "VaultState": ("CREATING", "AVAILABLE", "FAILED"), "EncryptionKeyType": _KEY_TYPES},
    ),
)

RECOVERY_POINTS = Dataset(
    name="recovery_points",
    noun="recovery point",
    operation="ListRecoveryPointsByBackupVault",
    result_key="RecoveryPoints",
    id_field="RecoveryPointArn",
    state_field="Status",
    resource_field="ResourceArn",
    vault_field="BackupVaultArn",
    in_progress=frozenset({"CREATING"}),
    well=frozenset({"COMPLETED", "AVAILABLE"}),
    of_state=True,
    other_accounts=False,
    each=Each("vaults", "BackupVaultName", "BackupVaultName"),
    stand_ins={"ParentJobId": "ParentRecoveryPointArn"},
    # Two times and a list in objects (CalculatedLifecycle, AggregatedScanResult.LastComputed and .Findings) are read by no rule yet but for Findings.
    fields=table(
        (ALWAYS, Kind.ARN, "RecoveryPointArn"),
        (ALWAYS, Kind.TEXT, "BackupVaultName"),
        (ALWAYS, Kind.ARN, "BackupVaultArn"),
        (BY_MEANING, Kind.ARN, "SourceBackupVaultArn"),
        (ALWAYS, Kind.ARN, "ResourceArn"),
        (BY_MEANING, Kind.TEXT, "ResourceName"),
        (ALWAYS, Kind.WORD, "ResourceType"),
        (ALWAYS, Kind.TIME, "CreationDate"),
        (SINCE, Kind.TIME, "InitiationDate"),
        (BY_MEANING, Kind.TIME, "CompletionDate LastRestoreTime"),
        (ALWAYS, Kind.ENUM, "Status"),
        (BY_MEANING, Kind.TEXT, "StatusMessage"),
        (BY_MEANING, Kind.SIZE, "BackupSizeInBytes"),
        (BY_MEANING, Kind.INTEGER, "Lifecycle.MoveToColdStorageAfterDays Lifecycle.DeleteAfterDays"),
        (SINCE, Kind.BOOLEAN, "Lifecycle.OptInToArchiveForSupportedResources"),
        (SINCE, Kind.WORD, "Lifecycle.DeleteAfterEvent"),
        (BY_MEANING, Kind.ARN, "EncryptionKeyArn"),
        (ALWAYS, Kind.BOOLEAN, "IsEncrypted"),
        (SINCE, Kind.ENUM, "EncryptionKeyType"),
        (BY_MEANING, Kind.ARN, "IamRoleArn"),
        (BY_MEANING, Kind.TEXT, _CREATED_BY),
        (BY_MEANING, Kind.ARN, _CREATED_BY_ARNS),
        (SINCE, Kind.TEXT, _CREATED_BY_SINCE),
        (BY_MEANING, Kind.ARN, "ParentRecoveryPointArn"),
        (BY_MEANING, Kind.TEXT, "CompositeMemberIdentifier"),
        (SINCE, Kind.BOOLEAN, "IsParent"),
        (SINCE, Kind.ENUM, "VaultType IndexStatus"),
        (SINCE, Kind.TEXT, "IndexStatusMessage"),
        (SINCE, Kind.BOOLEAN, "AggregatedScanResult.FailedScan"),
        (SINCE, Kind.WORD, SCAN_FINDINGS),
        (DERIVED, Kind.ACCOUNT, "Account"),
        (DERIVED, Kind.TEXT, "Region IamRoleName"),
        (DERIVED, Kind.DURATION, "Retention"),
        enums={
            "Status": ("COMPLETED", "PARTIAL", "DELETING", "EXPIRED", "AVAILABLE", "STOPPED", "CREATING"),
            "EncryptionKeyType": _KEY_TYPES,
            "VaultType": _VAULT_TYPES,
            "IndexStatus": ("PENDING", "ACTIVE", "FAILED", "DELETING"),
        },
    ),
)


DATASETS: Mapping[str, Dataset] = listed(BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, PROTECTED_RESOURCES, VAULTS, RECOVERY_POINTS)
JOB_LISTS: Mapping[str, Dataset] = MappingProxyType({name: one for name, one in DATASETS.items() if not one.of_state})
"""Those of what happened."""
DEFAULT = next(iter(DATASETS.values()))
"""The list that is meant where a rule names none, and whose jobs tell which resources there are."""
BY_RESULT_KEY: Mapping[str, Dataset] = MappingProxyType({d.result_key: d for d in DATASETS.values()})

SIZES_OF_CHANGES = ("EFS",)
"""The types whose BackupSizeInBytes says what was transferred, and not how large the backup is."""
TYPES_WITHOUT_SIZES = ("Aurora", "CloudFormation", "DocumentDB", "EKS", "FSx", "Neptune", "RDS")
"""The types whose jobs record no BackupSizeInBytes, or 0 (RDS); of composite jobs (CloudFormation, EKS) the sizes are their children's. AWS documents none
of it: it was seen in real lists."""
RESOURCE_TYPES: tuple[str, ...] = (
    "Aurora", "CloudFormation", "DocumentDB", "DynamoDB", "EBS", "EC2", "EFS", "EKS", "FSx", "Neptune", "RDS", "Redshift", "Redshift Serverless", "S3",
    "SAP HANA on Amazon EC2", "Storage Gateway", "Timestream", "VirtualMachine",
)  # fmt: skip
"""What the ListBackupJobs reference lists, and the two types added since; an open vocabulary: any other is a quoted string in a sentence."""

_NAMING = frozenset({"ResourceName", "BackupVaultName", "BackupPlanName", "BackupRuleName", "BackupPlanId", "BackupRuleId", "IamRoleName", "AccountName"})


def is_naming(name: str) -> bool:
    """Whether the values of a member, a derived field or a tag are names that their owner gave, or ids that only the owner's account knows."""
    return name.rpartition(".")[2] in _NAMING or name.startswith(TAGS)
