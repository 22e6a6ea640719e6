"""Jobs started through the emulator: what StartBackupJob accepts, and what becomes of the job as the clock goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from policycheck.datasets import BACKUP_JOBS
from policycheck.emulator.clock import seconds
from policycheck.emulator.errors import ApiError
from policycheck.emulator.wire import arn_part, partition_of

_START_WINDOW_MINUTES = 8 * 60
_COMPLETE_WINDOW_MINUTES = 7 * 24 * 60
"""The defaults AWS documents: a start window of 8 hours, a completion window of 7 days."""

_RESOURCE_TYPES = {
    "ec2:instance": "EC2",
    "ec2:volume": "EBS",
    "rds:db": "RDS",
    "rds:cluster": "Aurora",
    "dynamodb": "DynamoDB",
    "elasticfilesystem": "EFS",
    "fsx": "FSx",
    "s3": "S3",
    "redshift": "Redshift",
    "redshift-serverless": "Redshift Serverless",
    "storagegateway": "Storage Gateway",
    "timestream": "Timestream",
    "cloudformation": "CloudFormation",
    "backup-gateway": "VirtualMachine",
    "ssm-sap": "SAP HANA on Amazon EC2",
    "eks": "EKS",
}
_ARN_AT_START = frozenset({"EFS", "DynamoDB"})
"""StartBackupJob returns RecoveryPointArn for these only (API reference)."""


@dataclass(frozen=True, slots=True)
class StartOutcome:
    """What becomes of a job that is started: when it runs, when it ends and how. Times count from its creation.

    A job that would start after its start window (StartWindowMinutes, 8 hours if not given) becomes EXPIRED at the window's end instead.
    """

    runs_after: timedelta = timedelta(seconds=5)
    ends_after: timedelta = timedelta(seconds=60)
    state: str = "COMPLETED"
    message_category: str = "SUCCESS"
    status_message: str = ""
    size: int = 1_073_741_824
    """BackupSizeInBytes of a job that completes."""

    def __post_init__(self) -> None:
        if self.state not in BACKUP_JOBS.finished:
            raise ValueError(f"a job cannot end as {self.state}: use one of {', '.join(BACKUP_JOBS.finished)}")
        if not timedelta() <= self.runs_after <= self.ends_after:
            raise ValueError("a job runs after it is created and ends after it runs")


@dataclass(frozen=True, slots=True)
class Change:
    """What a job's members become, from `at_ms` on."""

    at_ms: int
    members: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Start:
    """A job as it is created, its answer, and its future."""

    job: Mapping[str, object]
    answer: Mapping[str, object]
    changes: tuple[Change, ...]


def start(parameters: Mapping[str, object], *, job_id: str, account: str, region: str, now_ms: int, outcome: StartOutcome) -> Start:
    """The job StartBackupJob creates. Any vault name will do.

    Raises ApiError: MissingParameterValueException without vault, resource or role; InvalidParameterValueException for a resource AWS Backup does not
    support, a role that is no ARN, or windows that are not positive.
    """
    vault, resource, role = (_required(parameters, name) for name in ("BackupVaultName", "ResourceArn", "IamRoleArn"))
    resource_type = resource_type_of(resource)
    if arn_part(role, 2) != "iam":
        raise ApiError.invalid(f"Invalid IAM role ARN: {role}")
    start_by = now_ms + _minutes(parameters, "StartWindowMinutes", _START_WINDOW_MINUTES) * 60_000
    complete_by = now_ms + _minutes(parameters, "CompleteWindowMinutes", _COMPLETE_WINDOW_MINUTES) * 60_000
    partition = partition_of(region)
    recovery_point = f"arn:{partition}:backup:{region}:{account}:recovery-point:{job_id}"
    job: dict[str, object] = {
        "AccountId": account,
        "BackupJobId": job_id,
        "BackupVaultName": vault,
        "BackupVaultArn": f"arn:{partition}:backup:{region}:{account}:backup-vault:{vault}",
        "VaultType": "BACKUP_VAULT",
        "ResourceArn": resource,
        "ResourceType": resource_type,
        "CreationDate": seconds(now_ms),
        "StartBy": seconds(start_by),
        "State": "CREATED",
        "PercentDone": "0.0",
        "IamRoleArn": role,
        "IsParent": False,
    }
    job |= {member: parameters[name] for name, member in (("Lifecycle", "RecoveryPointLifecycle"), ("BackupOptions", "BackupOptions")) if parameters.get(name)}
    answer: dict[str, object] = {"BackupJobId": job_id, "CreationDate": seconds(now_ms), "IsParent": False}
    if resource_type in _ARN_AT_START:
        answer["RecoveryPointArn"] = job["RecoveryPointArn"] = recovery_point
    return Start(job, answer, _future(outcome, now_ms, start_by, complete_by, recovery_point))


def _future(outcome: StartOutcome, now_ms: int, start_by: int, complete_by: int, recovery_point: str) -> tuple[Change, ...]:
    runs_at, ends_at = (now_ms + after // timedelta(milliseconds=1) for after in (outcome.runs_after, outcome.ends_after))
    if runs_at > start_by:
        return (Change(start_by, {"State": "EXPIRED", "CompletionDate": seconds(start_by)}),)
    runs: dict[str, object] = {"State": "RUNNING", "InitiationDate": seconds(runs_at), "ExpectedCompletionDate": seconds(complete_by)}
    ends = ended(outcome.state, ends_at, outcome.message_category, outcome.status_message)
    if outcome.state in ("COMPLETED", "PARTIAL"):
        ends |= {"RecoveryPointArn": recovery_point, "BackupSizeInBytes": outcome.size, "BytesTransferred": outcome.size, "IsEncrypted": True}
    return Change(runs_at, runs), Change(ends_at, ends)


def ended(state: str, at_ms: int, category: str, message: str = "") -> dict[str, object]:
    """The members that record the end of a job."""
    members: dict[str, object] = {"State": state, "CompletionDate": seconds(at_ms)}
    if category:
        members["MessageCategory"] = category
    if message:
        members["StatusMessage"] = message
    if state == "COMPLETED":
        members["PercentDone"] = "100.0"
    return members


def resource_type_of(arn: str) -> str:
    """The ResourceType of a resource's ARN. Raises ApiError (InvalidParameterValueException) where AWS Backup has none."""
    service, kind = arn_part(arn, 2), arn_part(arn, 5).replace("/", ":").partition(":")[0]
    found = _RESOURCE_TYPES.get(f"{service}:{kind}") or _RESOURCE_TYPES.get(service)
    if found is None:
        raise ApiError.invalid(f"Invalid ARN: {arn} names no resource AWS Backup supports")
    return found


def _required(parameters: Mapping[str, object], name: str) -> str:
    value = parameters.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError.missing(name)
    return value


def _minutes(parameters: Mapping[str, object], name: str, default: int) -> int:
    value = parameters.get(name, default)
    if not isinstance(value, int) or value <= 0:
        raise ApiError.invalid(f"{name} is not a positive number of minutes: {value}")
    return value
