"""The lists policycheck can judge: their members, types, units and derived fields; the one place that knows them.

Source of names, types and enumerations: the AWS Backup API model of 2018-11-15 as botocore 1.44 ships it, operations ListBackupJobs, ListCopyJobs and
ListRestoreJobs. Source of what may be missing: the API reference and lists saved by real clients (every member is optional in the model).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """How a field's value is compared and how an author writes it."""

    TEXT = "text"  # compared exactly
    WORD = "word"  # open vocabulary with conflicting documented spellings: compared case-insensitively
    ENUM = "enum"  # closed vocabulary, checked when a policy is loaded
    ARN = "arn"
    ACCOUNT = "account"  # 12 digits
    TIME = "time"  # microseconds since 1970 UTC; written as ISO 8601, or as an age
    DURATION = "duration"  # microseconds; written 90s 90m 24h 7d 2w
    SIZE = "size"  # bytes; written 500MB 10GiB or a plain number
    INTEGER = "integer"
    BOOLEAN = "boolean"
    NAME = "name"  # a name of the user's own, compared by equality alone


class Presence(Enum):
    """What it means that a member is missing from a record."""

    ALWAYS = "AWS always records it, whatever the client: missing is unknown, and a list that lacks it was reduced"
    ALWAYS_SINCE = "AWS always records it, and the oldest clients drop it: missing is unknown"
    BY_MEANING = "left out where it does not apply: missing is known, but in a reduced list that lacks it throughout"
    WHEN_ENDED = "recorded once a job has ended: missing is known in progress or EXPIRED, but in a reduced list that lacks it throughout; else unknown"
    SINCE = "older clients drop it: unknown if the whole list lacks it, else missing is known"
    DERIVED = "computed; says for itself when it is unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: `name` is the API's own, dotted where nested (`CreatedBy.BackupPlanId`)."""

    name: str
    kind: Kind
    presence: Presence
    values: tuple[str, ...] = ()
    doc: str = ""

    @property
    def derived(self) -> bool:
        return self.presence is Presence.DERIVED


TAGS = "Tags."
"""What the name of an inventory's tag begins with."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One list of jobs: how the API names it, its members and the fields derived from them."""

    name: str
    """The word in policies: backup_jobs."""
    noun: str
    """The words in sentences and reports: backup job."""
    operation: str
    """ListBackupJobs."""
    result_key: str
    """The key of the list in an answer: BackupJobs."""
    id_field: str
    state_field: str
    """State, or Status in restore jobs."""
    resource_field: str
    """The member that names the resource: ResourceArn, or SourceResourceArn in restore jobs."""
    vault_field: str
    """The member whose ARN says in which account and Region the job ran."""
    in_progress: frozenset[str]
    fields: Mapping[str, Field] = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name

    def field(self, name: str) -> Field | None:
        """The field of that exact name, tags of an inventory (`Tags.Environment`) among them; None if there is none."""
        try:
            return self.fields[name]
        except KeyError:
            return None

    @property
    def states(self) -> tuple[str, ...]:
        return self.fields[self.state_field].values

    @property
    def finished(self) -> tuple[str, ...]:
        """The states no job leaves again."""
        return tuple(state for state in self.states if state not in self.in_progress)

    @property
    def members(self) -> tuple[Field, ...]:
        """The fields AWS records, in the API's order; derived ones left out."""
        return tuple(f for f in self.fields.values() if not f.derived)


class _Fields(dict[str, Field]):
    """The fields of a list by name. Tags of an inventory are fields of every list; what they are called is not known here."""

    def __missing__(self, name: str) -> Field:
        if name.startswith(TAGS) and len(name) > len(TAGS):
            return Field(name, Kind.TEXT, Presence.DERIVED, doc=_DOCS["Tags"])
        raise KeyError(name)


def _table(*groups: tuple[Presence, Kind, str], enums: Mapping[str, tuple[str, ...]]) -> Mapping[str, Field]:
    fields = _Fields()
    for presence, kind, names in groups:
        for name in names.split():
            fields[name] = Field(name, kind, presence, enums.get(name, ()), _DOCS.get(name, ""))
    for name, kind in (("AccountName", Kind.TEXT), ("in_inventory", Kind.NAME)):
        fields[name] = Field(name, kind, Presence.DERIVED, doc=_DOCS[name])
    return MappingProxyType(fields)


_DOCS = {
    "Account": "AccountId, else the account in BackupVaultArn, else in ResourceArn.",
    "Region": "The Region in BackupVaultArn, else in ResourceArn.",
    "IamRoleName": "The last path segment of IamRoleArn.",
    "Duration": "CompletionDate - InitiationDate (CreationDate where that is not recorded); in progress, the time so far.",
    "Elapsed": "CompletionDate - CreationDate: the start window is included.",
    "StartDelay": "InitiationDate - CreationDate.",
    "Outcome": "clean: COMPLETED with MessageCategory SUCCESS; with_issues: COMPLETED with another; unknown: COMPLETED without one, which is judged both ways.",
    "Overdue": "CREATED or PENDING past StartBy, RUNNING past ExpectedCompletionDate.",
    "Retention": "DeleteAfterDays of a recorded lifecycle; for ever where it has none.",
    "CrossAccount": "The destination vault is in another account than the source vault.",
    "CrossRegion": "The destination vault is in another Region than the source vault.",
    "DestinationAccount": "The account in DestinationBackupVaultArn.",
    "DestinationRegion": "The Region in DestinationBackupVaultArn.",
    "ResourceArn": "The resource that was backed up.",
    "BackupVaultName": "The vault's name; in restore jobs the last part of BackupVaultArn.",
    "Tags": "A tag of the resource, from an inventory.",
    "AccountName": "The name of the account, from an inventory.",
    "in_inventory": "The names of the inventories that list the resource; compared by equality, true where any of them is meant.",
}

_VAULT_TYPES = ("BACKUP_VAULT", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", "RESTORE_ACCESS_BACKUP_VAULT")
_CREATED_BY_ARNS = "CreatedBy.BackupPlanArn"
_CREATED_BY = "CreatedBy.BackupPlanId CreatedBy.BackupPlanVersion CreatedBy.BackupRuleId"
_CREATED_BY_SINCE = "CreatedBy.BackupPlanName CreatedBy.BackupRuleName CreatedBy.BackupRuleCron CreatedBy.BackupRuleTimezone"

ALWAYS, ALWAYS_SINCE, BY_MEANING, WHEN_ENDED, SINCE, DERIVED = Presence

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
    fields=_table(
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
    fields=_table(
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
    fields=_table(
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
        enums={
            "Status": ("PENDING", "RUNNING", "COMPLETED", "ABORTED", "FAILED"),
            "ValidationStatus": ("FAILED", "SUCCESSFUL", "TIMED_OUT", "VALIDATING"),
            "DeletionStatus": ("DELETING", "FAILED", "SUCCESSFUL"),
        },
    ),
)

DATASETS: Mapping[str, Dataset] = MappingProxyType({d.name: d for d in (BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS)})
BY_RESULT_KEY: Mapping[str, Dataset] = MappingProxyType({d.result_key: d for d in DATASETS.values()})

HORIZON = timedelta(days=30)
"""ListBackupJobs lists the jobs of the last 30 days (API reference). The lists of copy and restore jobs document no limit."""

RESOURCE_TYPES: tuple[str, ...] = (
    "Aurora", "CloudFormation", "DocumentDB", "DynamoDB", "EBS", "EC2", "EFS", "EKS", "FSx", "Neptune", "RDS", "Redshift", "Redshift Serverless", "S3",
    "SAP HANA on Amazon EC2", "Storage Gateway", "Timestream", "VirtualMachine",
)  # fmt: skip
"""What the ListBackupJobs reference lists, and the two types added since; an open vocabulary: any other is a quoted string in a sentence."""
