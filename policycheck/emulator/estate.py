"""What the sample organization is made of, and what goes wrong in it: data, and the schedules behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset

Scalar = str | int | float | bool

PRODUCTION, STAGING = "111122223333", "444455556666"
ACCOUNTS: Mapping[str, str] = {PRODUCTION: "production", STAGING: "staging"}
IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
REGIONS = (IRELAND, VIRGINIA)

# ListBackupJobs lists no job that is older.
HORIZON = timedelta(days=30)
DAY = timedelta(days=1)
GIB = 2**30
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
DEFAULT_ROLE = "service-role/AWSBackupDefaultServiceRole"
OPERATOR_ROLE = "ops/backup-operator"
SERVICE_LINKED_ROLE = "aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"
ROLES = {PRODUCTION: "backup/AWSBackupProduction", STAGING: DEFAULT_ROLE}
VAULTS = {
    "prod": {"VaultType": "BACKUP_VAULT", "VaultLockState": "LOCKED"},
    "dr": {"VaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT", "VaultLockState": "LOCKED"},
    "Default": {"VaultType": "BACKUP_VAULT", "VaultLockState": "UNLOCKED"},
}


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """A type of resource: the ends of its ARNs, what AWS Backup reports as its size, and how long a backup takes."""

    resource: str
    recovery_point: str
    minutes: int
    gib: int | None
    """None where AWS records no size."""
    whole: bool = True
    """The size is the provisioned one, not what this run moved."""


POINT = "backup:{region}:{account}:recovery-point:{id}"
KINDS = {
    "EC2": ResourceKind("ec2:{region}:{account}:instance/i-{hex}", "ec2:{region}::image/ami-{hex}", 25, 80),
    "EBS": ResourceKind("ec2:{region}:{account}:volume/vol-{hex}", "ec2:{region}::snapshot/snap-{hex}", 15, 200),
    "RDS": ResourceKind("rds:{region}:{account}:db:{name}", "rds:{region}:{account}:snapshot:awsbackup:job-{id}", 20, 0),
    "Aurora": ResourceKind("rds:{region}:{account}:cluster:{name}", "rds:{region}:{account}:cluster-snapshot:awsbackup:job-{id}", 12, None),
    "DynamoDB": ResourceKind("dynamodb:{region}:{account}:table/{name}", POINT, 8, 6, whole=False),
    "EFS": ResourceKind("elasticfilesystem:{region}:{account}:file-system/fs-{hex}", POINT, 40, 12, whole=False),
    "S3": ResourceKind("s3:::{name}-{account}-{region}", POINT, 45, 30, whole=False),
    "CloudFormation": ResourceKind("cloudformation:{region}:{account}:stack/{name}/{id}", "backup:{region}:{account}:recovery-point:composite:{id}", 50, None),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a backup plan; without a plan, backups that somebody started by hand."""

    plan: str
    name: str
    every: timedelta
    last: timedelta
    """How long before as_of it ran last."""
    vault: str
    days: int
    """Until a recovery point is deleted."""
    lifecycle: Mapping[str, Scalar] = field(default_factory=dict)
    zone: str = "Etc/UTC"
    offset: timedelta = timedelta()
    window: timedelta = timedelta(hours=8)
    """A job that has not started by then expires."""

    def runs(self, anchor: datetime) -> Iterator[datetime]:
        """The runs since the horizon, newest first."""
        run = anchor - self.last
        while run > anchor - HORIZON:
            yield run
            run -= self.every

    def cron(self, anchor: datetime) -> str:
        """The schedule as AWS writes it: minute, hour, day of month, month, day of week, year."""
        run = (anchor - self.last).astimezone(timezone(self.offset))
        hours = sorted({(run - step * self.every).hour for step in range(DAY // self.every or 1)})
        weekday = "*" if self.every <= DAY else WEEKDAYS[run.weekday()]
        return f"cron({run.minute} {','.join(map(str, hours))} ? * {weekday} *)"


def hours(count: int) -> timedelta:
    return timedelta(hours=count)


# Arizona keeps no daylight saving time: this is the one named zone whose local times need no time zone data.
PHOENIX, PHOENIX_OFFSET = "America/Phoenix", hours(-7)
NIGHTLY = Rule("production", "nightly", DAY, hours(2), "prod", 35)
DATABASES = Rule("production-databases", "twice-daily", hours(12), hours(3), "prod", 35)
COLD: Mapping[str, Scalar] = {"MoveToColdStorageAfterDays": 30, "OptInToArchiveForSupportedResources": True}
ARCHIVE = Rule("production-archive", "weekly", 7 * DAY, hours(28), "dr", 365, COLD)
STAGING_NIGHTLY = Rule("staging", "nightly", DAY, hours(7), "Default", 14, {}, PHOENIX, PHOENIX_OFFSET)
STAGING_DATABASES = Rule("staging-databases", "twice-daily", hours(12), hours(3), "Default", 14)
BY_HAND = Rule("", "", 10 * DAY, 5 * DAY, "Default", 35)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Resources that exist in both Regions of an account and are backed up alike."""

    account: str
    rule: Rule
    kind: str
    names: str
    copied_to: str = ""
    """The account whose vault `dr` gets a copy: the own one in the other Region, another one in the same Region."""
    tested: timedelta | None = None
    """How often a recovery point is restored on trial."""
    members: tuple[tuple[str, str], ...] = ()
    """Kind and name of what a stack is made of."""


FLEETS = (
    Fleet(PRODUCTION, NIGHTLY, "EC2", "web-1 web-2 app-1 windows-1", tested=7 * DAY),
    Fleet(PRODUCTION, NIGHTLY, "EBS", "web-1-data app-1-data ledger-data"),
    Fleet(PRODUCTION, NIGHTLY, "EFS", "home shared"),
    Fleet(PRODUCTION, NIGHTLY, "S3", "invoices"),
    Fleet(PRODUCTION, NIGHTLY, "DynamoDB", "carts customers"),
    Fleet(PRODUCTION, NIGHTLY, "CloudFormation", "shop", members=(("EC2", "shop-front"), ("DynamoDB", "shop-orders"))),
    Fleet(PRODUCTION, DATABASES, "RDS", "orders", copied_to=PRODUCTION, tested=DAY),
    Fleet(PRODUCTION, DATABASES, "Aurora", "catalog"),
    Fleet(PRODUCTION, DATABASES, "DynamoDB", "sessions"),
    Fleet(PRODUCTION, ARCHIVE, "EFS", "archive"),
    Fleet(PRODUCTION, BY_HAND, "EC2", "web-1"),
    Fleet(STAGING, STAGING_NIGHTLY, "EC2", "web-1 web-2 api", tested=7 * DAY),
    Fleet(STAGING, STAGING_NIGHTLY, "EBS", "web-1-data scratch"),
    Fleet(STAGING, STAGING_NIGHTLY, "EFS", "home"),
    Fleet(STAGING, STAGING_NIGHTLY, "S3", "uploads"),
    Fleet(STAGING, STAGING_NIGHTLY, "DynamoDB", "carts"),
    Fleet(STAGING, STAGING_DATABASES, "RDS", "orders", copied_to=PRODUCTION, tested=DAY),
    Fleet(STAGING, STAGING_DATABASES, "Aurora", "catalog"),
    Fleet(STAGING, BY_HAND, "EC2", "web-1"),
)


@dataclass(frozen=True, slots=True)
class Incident:
    """What became of some runs of one resource; runs count from 0, the newest."""

    account: str
    region: str
    resource: str
    runs: Sequence[int]
    state: str | None
    """None: the run left no job at all."""
    category: str = ""
    message: str = ""
    dataset: Dataset = BACKUP_JOBS
    role: str = ""
    """Path and name, where it is not the account's usual one."""
    members: Mapping[str, Scalar] = field(default_factory=dict)
    """What else it records, over what it would have."""
    without: tuple[str, ...] = ()
    ended: timedelta | None = None
    """How long before as_of, if not after the usual time."""


# Jobs in progress and in time.
ORDINARY = (
    Incident(PRODUCTION, VIRGINIA, "catalog", [0], "RUNNING"),
    Incident(STAGING, IRELAND, "catalog", [0], "PENDING"),
    Incident(STAGING, VIRGINIA, "catalog", [0], "CREATED"),
    Incident(STAGING, IRELAND, "orders", [0], "RUNNING", dataset=COPY_JOBS),
    Incident(STAGING, VIRGINIA, "orders", [0], "RUNNING", dataset=RESTORE_JOBS),
)

HOSTILE = "\x1b[2J\x1b[1;32mall backups passed\x1b[0m <script>alert('x')</script> [log in](javascript:alert(1)) | `rm -rf` |\n# PASS\n::error::\u202e ]]>"
NO_GRANT = "Access denied: the role AWSBackupProduction is not authorized to perform kms:CreateGrant on the volume's key."
VSS_ERROR = "Windows VSS Backup Job Error encountered, trying for regular backup."

NOT_VALID = {"ValidationStatus": "FAILED", "ValidationStatusMessage": "12 of 40 tables are empty."}

TROUBLE = (
    Incident(PRODUCTION, IRELAND, "web-1", [0, 1], "FAILED", "AccessDenied", NO_GRANT),
    Incident(PRODUCTION, IRELAND, "windows-1", [1, 5], "COMPLETED", "VSSError", VSS_ERROR),
    Incident(PRODUCTION, IRELAND, "windows-1", [3], "FAILED", "VSSError", "The Windows VSS snapshot timed out and no backup was made."),
    Incident(PRODUCTION, VIRGINIA, "carts", [0, 4], "FAILED", "Throttling", "Rate exceeded: too many requests to DynamoDB."),
    Incident(STAGING, IRELAND, "web-2", [0], "FAILED", "ResourceNotFound", "The instance does not exist any more: it was not found."),
    Incident(STAGING, VIRGINIA, "home", [1], "EXPIRED", "Expired", "The backup job expired: it did not start within its start window."),
    Incident(PRODUCTION, VIRGINIA, "home", [0, 8], "FAILED", "", "The file system was being changed by another operation."),
    Incident(PRODUCTION, VIRGINIA, "app-1", [2], "ABORTED", "Aborted", "The backup job was stopped by a user."),
    Incident(PRODUCTION, IRELAND, "shared", [0], "ABORTED", "Aborted", "Backup job failed because there was a running job for the same resource."),
    Incident(PRODUCTION, IRELAND, "shared", [1], "RUNNING"),
    Incident(PRODUCTION, IRELAND, "shop", [0], "PARTIAL", "PartialFailure", "1 of 2 child backup jobs failed."),
    Incident(PRODUCTION, IRELAND, "shop-orders", [0], "FAILED", "Throttling", "Rate exceeded: too many requests to DynamoDB."),
    Incident(PRODUCTION, IRELAND, "ledger-data", range(3), None),
    Incident(PRODUCTION, VIRGINIA, "web-2", [0], "PENDING"),
    Incident(PRODUCTION, VIRGINIA, "web-2", [1], "FAILED", "InternalError", "The snapshot did not complete in time.", ended=timedelta(minutes=10)),
    Incident(PRODUCTION, VIRGINIA, "app-1-data", range(3), "COMPLETED", role=OPERATOR_ROLE),
    Incident(PRODUCTION, IRELAND, "carts", [0], "COMPLETED", role=SERVICE_LINKED_ROLE),
    Incident(STAGING, IRELAND, "api", [0], "FAILED", "InvalidParameters", HOSTILE),
    Incident(STAGING, VIRGINIA, "scratch", [0], "COMPLETED", members={"IsEncrypted": False}, without=("EncryptionKeyArn",)),
    Incident(PRODUCTION, IRELAND, "orders", [4], "FAILED", "AccessDenied", "Access denied: the policy of the destination vault.", COPY_JOBS),
    Incident(PRODUCTION, VIRGINIA, "orders", [2], "FAILED", message="The subnet group of the restored database does not exist.", dataset=RESTORE_JOBS),
    Incident(STAGING, IRELAND, "orders", [4], "COMPLETED", dataset=RESTORE_JOBS, members=NOT_VALID),
)
