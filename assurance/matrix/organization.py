"""A small organization of four accounts in two Regions, made from a seed: every list, some days of jobs, and at most one trouble.

Times are ISO 8601 as the AWS CLI prints them; the members of records are those that AWS records today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, PROTECTED_RESOURCES, RECOVERY_POINTS, RESTORE_JOBS, VAULTS

Record = dict[str, Any]
Lists = dict[str, list[Record]]
"""The records of each list, by the name of the dataset, newest first."""

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
ACCOUNTS = ("111122223333", "222233334444", "333344445555", "444455556666")
REGIONS = ("eu-west-1", "us-east-1")
PLACES = tuple((account, region) for account in ACCOUNTS for region in REGIONS)
DAYS = 4
_OLDER = range(DAYS, DAYS + 4)
"""Days on which the first resource alone has jobs: enough to tell what its usual duration is."""
_TYPES = {
    "EC2": ("ec2", "instance/{}"),
    "RDS": ("rds", "db:{}"),
    "EFS": ("elasticfilesystem", "file-system/{}"),
    "DynamoDB": ("dynamodb", "table/{}"),
}


@dataclass(frozen=True, slots=True)
class Organization:
    """What AWS would list, and the inventory of what must be backed up."""

    name: str
    """The trouble in it, or `sound`."""
    lists: Lists
    inventory: Sequence[Record]


@dataclass(frozen=True, slots=True)
class _Resource:
    account: str
    region: str
    kind: str
    name: str

    @property
    def arn(self) -> str:
        service, tail = _TYPES.get(self.kind, ("cloudformation", "stack/{}"))
        return f"arn:aws:{service}:{self.region}:{self.account}:{tail.format(self.name)}"

    @property
    def vault(self) -> str:
        return f"arn:aws:backup:{self.region}:{self.account}:backup-vault:prod"

    def point(self, day: int) -> str:
        return f"arn:aws:backup:{self.region}:{self.account}:recovery-point:{self.name}-{day}"


def _resources() -> list[_Resource]:
    kinds = list(_TYPES)
    return [_Resource(account, region, kinds[number % len(kinds)], f"main-{number}") for number, (account, region) in enumerate(PLACES)]


def _time(hours: float) -> str:
    """So long before as_of; no job was created at a whole second."""
    return (AS_OF - timedelta(hours=hours, milliseconds=-250)).isoformat()


def _backup(resource: _Resource, day: int, minutes: int) -> Record:
    """A nightly job: it was made at 02:00 UTC and ran for some minutes."""
    account, region = resource.account, resource.region
    plan = f"plan-{account[:4]}"
    age = 24 * day + 4
    return {
        "AccountId": account,
        "BackupJobId": f"{resource.name}-{day}",
        "BackupVaultName": "prod",
        "VaultType": "BACKUP_VAULT",
        "VaultLockState": "LOCKED",
        "BackupVaultArn": resource.vault,
        "RecoveryPointArn": resource.point(day),
        "RecoveryPointLifecycle": {"DeleteAfterDays": 40},
        "EncryptionKeyArn": f"arn:aws:kms:{region}:{account}:key/prod",
        "IsEncrypted": True,
        "ResourceArn": resource.arn,
        "ResourceName": resource.name,
        "ResourceType": resource.kind,
        "CreationDate": _time(age),
        "InitiationDate": _time(age - 0.1),
        "CompletionDate": _time(age - 0.1 - minutes / 60),
        "StartBy": _time(age - 8),
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "PercentDone": "100.0",
        "BackupSizeInBytes": 5 * 2**30 + minutes,
        "BytesTransferred": 2**20,
        "IamRoleArn": f"arn:aws:iam::{account}:role/service-role/AWSBackupDefaultServiceRole",
        "IsParent": False,
        "CreatedBy": {
            "BackupPlanId": plan,
            "BackupPlanArn": f"arn:aws:backup:{region}:{account}:backup-plan:{plan}",
            "BackupPlanName": "nightly",
            "BackupPlanVersion": "v1",
            "BackupRuleId": f"{plan}-rule",
            "BackupRuleName": "daily",
            "BackupRuleCron": "cron(0 2 ? * * *)",
            "BackupRuleTimezone": "Etc/UTC",
        },
    }


def _copy(job: Record, day: int) -> Record:
    """To the next account's air-gapped vault in the other Region, an hour after the backup was made."""
    other = ACCOUNTS[(ACCOUNTS.index(job["AccountId"]) + 1) % len(ACCOUNTS)]
    region = next(region for region in REGIONS if f":{region}:" not in job["BackupVaultArn"])
    age = 24 * day + 3
    kept = ("AccountId", "ResourceArn", "ResourceName", "ResourceType", "BackupSizeInBytes", "IamRoleArn", "CreatedBy", "IsParent")
    return {member: job[member] for member in kept if member in job} | {
        "CopyJobId": f"copy-{job['BackupJobId']}",
        "SourceBackupVaultArn": job["BackupVaultArn"],
        "SourceRecoveryPointArn": job["RecoveryPointArn"],
        "DestinationBackupVaultArn": f"arn:aws:backup:{region}:{other}:backup-vault:dr",
        "DestinationVaultType": "LOGICALLY_AIR_GAPPED_BACKUP_VAULT",
        "DestinationVaultLockState": "LOCKED",
        "DestinationRecoveryPointArn": f"arn:aws:backup:{region}:{other}:recovery-point:copy-{job['BackupJobId']}",
        "DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 90},
        "CreationDate": _time(age),
        "CompletionDate": _time(age - 0.5),
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "CreatedByBackupJobId": job["BackupJobId"],
    }


def _restore(job: Record, day: int) -> Record:
    """A trial restore, two hours after the backup was made."""
    age = 24 * day + 2
    kept = ("AccountId", "RecoveryPointArn", "BackupVaultArn", "BackupSizeInBytes", "IamRoleArn", "ResourceType")
    return {member: job[member] for member in kept} | {
        "RestoreJobId": f"restore-{job['BackupJobId']}",
        "SourceResourceArn": job["ResourceArn"],
        "RecoveryPointCreationDate": job["CreationDate"],
        "CreationDate": _time(age),
        "CompletionDate": _time(age - 0.5),
        "Status": "COMPLETED",
        "PercentDone": "100.00%",
        "CreatedResourceArn": job["ResourceArn"] + "-restored",
        "CreatedBy": {"RestoreTestingPlanArn": job["BackupVaultArn"].replace("backup-vault:prod", "restore-testing-plan:trial")},
        "ValidationStatus": "SUCCESSFUL",
        "DeletionStatus": "SUCCESSFUL",
    }


def _stack(day: int, minutes: int) -> list[Record]:
    """A composite job of the first place and its two children."""
    account, region = PLACES[0]
    parent = _backup(_Resource(account, region, "CloudFormation", "shop"), day, minutes) | {"IsParent": True}
    children = [_backup(_Resource(account, region, kind, f"shop-{kind}"), day, minutes) | {"ParentJobId": f"shop-{day}"} for kind in ("EC2", "DynamoDB")]
    return [parent, *children]


def _sound(chance: Random) -> Lists:
    backups = [_backup(resource, day, chance.randrange(20, 26)) for resource in _resources() for day in range(DAYS)]
    backups += [_backup(_resources()[0], day, 22) for day in _OLDER]
    stacks = [job for day in range(DAYS) for job in _stack(day, 22)]
    jobs = [*backups, *stacks]
    copies = [_copy(job, day) for day in range(DAYS) for job in jobs if job["BackupJobId"].endswith(f"-{day}")]
    restores = [_restore(job, day) for day in (0, 1, DAYS - 1) for job in jobs if job["BackupJobId"].endswith(f"-{day}")]
    held = [job for job in jobs if job["BackupJobId"][-1] in "01"]
    return {
        BACKUP_JOBS.name: jobs,
        COPY_JOBS.name: copies,
        RESTORE_JOBS.name: restores,
        VAULTS.name: [_vault(account, region) for account, region in PLACES],
        RECOVERY_POINTS.name: [_point(job) for job in held],
        PROTECTED_RESOURCES.name: [_protected(job) for job in held if job["BackupJobId"].endswith("-0")],
    }


def _vault(account: str, region: str) -> Record:
    return {
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:prod",
        "CreationDate": _time(24 * 400),
        "VaultType": "BACKUP_VAULT",
        "VaultState": "AVAILABLE",
        "EncryptionKeyArn": f"arn:aws:kms:{region}:{account}:key/prod",
        "EncryptionKeyType": "CUSTOMER_MANAGED_KMS_KEY",
        "NumberOfRecoveryPoints": 2,
        "Locked": True,
        "MinRetentionDays": 35,
        "MaxRetentionDays": 365,
        "LockDate": _time(24 * 300),
    }


def _point(job: Record) -> Record:
    kept = "RecoveryPointArn BackupVaultName BackupVaultArn ResourceArn ResourceName ResourceType CreationDate InitiationDate CompletionDate BackupSizeInBytes"
    names = [*kept.split(), "EncryptionKeyArn", "IsEncrypted", "IamRoleArn", "IsParent", "VaultType"]
    return {name: job[name] for name in names} | {"Status": "COMPLETED", "Lifecycle": {"DeleteAfterDays": 40}, "StorageClass": "WARM"}


def _protected(job: Record) -> Record:
    return {
        "ResourceArn": job["ResourceArn"],
        "ResourceType": job["ResourceType"],
        "ResourceName": job["ResourceName"],
        "LastBackupTime": job["CompletionDate"],
        "LastBackupVaultArn": job["BackupVaultArn"],
        "LastRecoveryPointArn": job["RecoveryPointArn"],
    }


# --- what goes wrong, one thing at a time ---

Trouble = Callable[[Lists, Random], None]


def _end(state: str, category: str, message: str) -> Trouble:
    """A nightly job of the last days ends so; it leaves nothing behind."""

    def change(lists: Lists, chance: Random) -> None:
        job = _nightly(lists, chance, days=(0, 1))
        job |= {"State": state, "MessageCategory": category, "StatusMessage": message, "PercentDone": "0.0"}
        for member in ("RecoveryPointArn", "BackupSizeInBytes", "BytesTransferred", *(["CompletionDate", "InitiationDate"] if state == "EXPIRED" else [])):
            job.pop(member)
        if state == "EXPIRED":
            # Its start window was over by as_of: no list of that time says that a job expired that can still start.
            job["StartBy"] = (datetime.fromisoformat(job["CreationDate"]) + timedelta(hours=1)).isoformat()
        _leave_nothing(lists, job)

    return change


def _give(dataset: str, ends: str = "", **members: Any) -> Trouble:
    """One record of a list has other values; `ends` is how its id does. EFS is left out: AWS Backup records no size of it that could be compared."""

    def change(lists: Lists, chance: Random) -> None:
        key = DATASETS[dataset].id_field
        among = [record for record in lists[dataset] if record[key].endswith(ends) and "shop" not in record[key] and record.get("ResourceType") != "EFS"]
        chance.choice(among).update(members)

    return change


def _take(dataset: str, ends: str) -> Trouble:
    """One record is not in its list: a copy or a restore that was never made."""

    def change(lists: Lists, chance: Random) -> None:
        key = DATASETS[dataset].id_field
        lists[dataset].remove(chance.choice([record for record in lists[dataset] if record[key].endswith(ends) and "shop" not in record[key]]))

    return change


def _nightly(lists: Lists, chance: Random, days: Sequence[int]) -> Record:
    day = chance.choice(days)
    found: Record = chance.choice([job for job in lists["backup_jobs"] if job["BackupJobId"].endswith(f"-{day}") and job["BackupJobId"].startswith("main")])
    return found


def _leave_nothing(lists: Lists, job: Record) -> None:
    name = job["BackupJobId"]
    lists["copy_jobs"] = [copy for copy in lists["copy_jobs"] if copy["CreatedByBackupJobId"] != name]
    lists["restore_jobs"] = [restore for restore in lists["restore_jobs"] if restore["RestoreJobId"] != f"restore-{name}"]


def _stop(lists: Lists, chance: Random) -> None:
    """A resource has no job since two days."""
    name = _nightly(lists, chance, days=(0,))["ResourceArn"]
    for job in [job for job in lists["backup_jobs"] if job["ResourceArn"] == name and job["BackupJobId"][-1] in "012"]:
        lists["backup_jobs"].remove(job)
        _leave_nothing(lists, job)


def _fall_silent(lists: Lists, chance: Random) -> None:
    """An account has no job since two days, and no copy and no restore."""
    account = chance.choice(ACCOUNTS)
    for job in [job for job in lists["backup_jobs"] if job["AccountId"] == account and job["BackupJobId"][-1] in "012"]:
        lists["backup_jobs"].remove(job)
        _leave_nothing(lists, job)


def _fall_silent_everywhere(lists: Lists, chance: Random) -> None:
    """So has nobody."""
    for name in ("backup_jobs", "copy_jobs", "restore_jobs"):
        lists[name] = [job for job in lists[name] if job[DATASETS[name].id_field][-1] not in "01"]


def _keep_at_home(lists: Lists, chance: Random) -> None:
    """A copy stays in its account and Region, and for a week."""
    copy = chance.choice([copy for copy in lists["copy_jobs"] if copy["CopyJobId"].endswith("-1")])
    copy |= {"DestinationBackupVaultArn": copy["SourceBackupVaultArn"] + "-dr", "DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 7}}


def _make_points_stale(lists: Lists, chance: Random) -> None:
    """The newest recovery point of a resource was deleted."""
    gone = chance.choice([point for point in lists["recovery_points"] if point["RecoveryPointArn"].endswith("-0")])
    lists["recovery_points"].remove(gone)


def _hang(lists: Lists, chance: Random) -> None:
    """A job still runs, past the time it was expected to end."""
    job = _nightly(lists, chance, days=(0, 1))
    for member in ("CompletionDate", "MessageCategory", "RecoveryPointArn"):
        job.pop(member)
    job |= {"State": "RUNNING", "PercentDone": "7.0", "ExpectedCompletionDate": _time(2)}
    _leave_nothing(lists, job)


def _lose_child(lists: Lists, chance: Random) -> None:
    """A child of a composite job failed, and its parent is PARTIAL."""
    for job in lists["backup_jobs"]:
        if job["BackupJobId"] == "shop-EC2-0":
            job |= {"State": "FAILED", "MessageCategory": "AccessDenied", "StatusMessage": "Access denied"}
        if job["BackupJobId"] == "shop-0":
            job |= {"State": "PARTIAL", "MessageCategory": "AccessDenied", "StatusMessage": "A child job failed"}


TROUBLES: Mapping[str, Trouble] = {
    "failed": _end("FAILED", "AccessDenied", "Access denied trying to call AWS Backup service"),
    "aborted": _end("ABORTED", "ABORTED", "The job was stopped"),
    "expired": _end("EXPIRED", "EXPIRED", "The job did not start in time"),
    "stopped": _stop,
    "overdue": _hang,
    "child": _lose_child,
    "issues": _give("backup_jobs", "-0", MessageCategory="AccessDenied", StatusMessage="Windows VSS was denied"),
    "role": _give("backup_jobs", "-1", IamRoleArn="arn:aws:iam::111122223333:role/admin"),
    "open": _give("backup_jobs", "-1", VaultLockState="UNLOCKED", IsEncrypted=False),
    "short": _give("backup_jobs", "-1", RecoveryPointLifecycle={"DeleteAfterDays": 7}),
    "small": _give("backup_jobs", "-0", BackupSizeInBytes=2**20),
    "large": _give("backup_jobs", "-0", BackupSizeInBytes=2**40),
    "slow": _give("backup_jobs", "main-0-0", CompletionDate=_time(0.1)),
    "late": _give("backup_jobs", "-0", InitiationDate=_time(2.4), CompletionDate=_time(2.1)),
    "unplanned": _give("backup_jobs", "-1", CreatedBy={}),
    "silent-account": _fall_silent,
    "silent": _fall_silent_everywhere,
    "uncopied": _take("copy_jobs", "-1"),
    "copy-failed": _give("copy_jobs", "-1", State="FAILED", MessageCategory="AccessDenied", StatusMessage="Access denied"),
    "copy-stays": _keep_at_home,
    "unrestored": _take("restore_jobs", "-1"),
    "restore-slow": _give("restore_jobs", "-1", CompletionDate=_time(20)),
    "points-stale": _make_points_stale,
    "restore-failed": _give("restore_jobs", "-1", Status="FAILED", ValidationStatus="FAILED", StatusMessage="Access denied"),
    "vault-open": _give("vaults", Locked=False),
    "point-open": _give("recovery_points", IsEncrypted=False, Lifecycle={"DeleteAfterDays": 7}),
    "unprotected": _give("protected_resources", LastBackupTime=_time(24 * 20)),
}
"""What goes wrong, by name."""

SOUND = "sound"
NAMES = (SOUND, *TROUBLES)


def make(name: str, seed: int) -> Organization:
    """The organization with one trouble, or none; the same seed makes the same one. Raises KeyError for a trouble there is not."""
    chance = Random(f"{seed}/{name}")
    lists = _sound(chance)
    inventory = [
        {"ResourceArn": job["ResourceArn"], "AccountId": job["AccountId"], "ResourceType": job["ResourceType"], "Tags": {"tier": "gold"}}
        for job in lists["backup_jobs"]
        if job["BackupJobId"].endswith("-0")
    ]
    if name != SOUND:
        TROUBLES[name](lists, chance)
    for dataset, records in lists.items():
        records.sort(key=lambda record: (record.get("CreationDate") or record["LastBackupTime"], record[DATASETS[dataset].id_field]), reverse=True)
    return Organization(name, lists, inventory)
