"""Jobs out of a seed, as AWS Backup sends them: few or all members, null for some that are absent, times as whole and as decimal seconds, any script.

Written for the comparison with the AWS CLI alone; it shares nothing with the emulator's sample organization. Names of members are those of botocore's model of
the API (data/backup/2018-11-15).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANAGEMENT, OTHER = "111122223333", "444455556666"
REGION, FARTHER_REGION = "eu-west-1", "us-east-2"
PLACES = [(MANAGEMENT, REGION), (MANAGEMENT, FARTHER_REGION), (OTHER, REGION)]

Record = dict[str, Any]
Lists = Mapping[str, Sequence[Record]]
"""Records by the key of their answer: BackupJobs, CopyJobs, RestoreJobs."""

_NAMES = ["volume 7", "Größe", "漢字 データ", "🙂 émoji", "שלום", "tab\there", 'quote"d', "back\\slash", "a|b", "", "  spaced  ", "e\u0301 combined", "x" * 120]
_MESSAGES = [
    "Backup job expired before completion",
    'Access denied: "kms:Decrypt", on key 1/2',
    "line one\nline two",
    "Unable to perform VSS: エラー\tコード 7",
    "100% <b>done</b> & more",
    "{{ template }} ${VAR} `tick`",
]
_TYPES = ["EBS", "EC2", "RDS", "S3", "EFS", "SAP HANA on Amazon EC2", "Storage Gateway", "VirtualMachine"]
_CATEGORIES = ["SUCCESS", "AccessDenied", "INVALIDPARAMETERS", "InvalidParameters"]
_BACKUP_STATES = "CREATED PENDING RUNNING ABORTING ABORTED COMPLETED FAILED EXPIRED PARTIAL".split()
_COPY_STATES = "CREATED RUNNING COMPLETED FAILED PARTIAL".split()
_RESTORE_STATES = "PENDING RUNNING COMPLETED ABORTED FAILED".split()
_SIZES = [0, 1, 71, 8_589_934_592, 2**53 - 1, 2**53 + 1, 2**63 - 1]
_NULL, _ABSENT = 0.08, 0.3
"""How often a member is sent as null, and how often it is not sent at all."""


def lists_of(account: str, region: str, *, seed: int, count: int) -> dict[str, list[Record]]:
    """`count` jobs of each list, in no order; the same arguments give the same jobs."""
    rng = Random(f"{seed} {account} {region}")
    place = _Place(rng, account, region)
    return {
        "BackupJobs": [place.backup_job(number) for number in range(count)],
        "CopyJobs": [place.copy_job(number) for number in range(count)],
        "RestoreJobs": [place.restore_job(number) for number in range(count)],
    }


class _Place:
    def __init__(self, rng: Random, account: str, region: str) -> None:
        self._rng = rng
        self._account = account
        self._region = region

    def backup_job(self, number: int) -> Record:
        rng, vault = self._rng, self._vault()
        always = {"BackupJobId": self._id(), "State": _BACKUP_STATES[number % len(_BACKUP_STATES)], **self._times()}
        sometimes = {
            **self._common(number),
            "BackupVaultName": vault.rpartition(":")[2],
            "BackupVaultArn": vault,
            "VaultType": rng.choice(["BACKUP_VAULT", "LOGICALLY_AIR_GAPPED_BACKUP_VAULT"]),
            "VaultLockState": rng.choice(["LOCKED", "UNLOCKED", "COMPLIANCE"]),
            "RecoveryPointArn": f"arn:aws:ec2:{self._region}::snapshot/snap-{number:017x}",
            "RecoveryPointLifecycle": self._lifecycle(),
            "EncryptionKeyArn": f"arn:aws:kms:{self._region}:{self._account}:key/{self._id()}",
            "IsEncrypted": rng.random() < 0.5,
            "ExpectedCompletionDate": self._time(),
            "StartBy": self._time(),
            "InitiationDate": self._time(),
            "PercentDone": rng.choice(["0.0", "37.5", "100.0"]),
            "BytesTransferred": rng.choice(_SIZES),
            "BackupOptions": rng.choice([{}, {"WindowsVSS": "enabled"}, {"WindowsVSS": "disabled"}]),
            "BackupType": rng.choice(["SNAPSHOT", "CONTINUOUS"]),
            "CreatedBy": self._plan(),
            "ResourceName": _NAMES[number % len(_NAMES)],
            "MessageCategory": rng.choice(_CATEGORIES),
        }
        return self._sent(always, sometimes)

    def copy_job(self, number: int) -> Record:
        rng = self._rng
        always = {"CopyJobId": self._id(), "State": _COPY_STATES[number % len(_COPY_STATES)], **self._times()}
        sometimes = {
            **self._common(number),
            "SourceBackupVaultArn": self._vault(),
            "SourceRecoveryPointArn": self._recovery_point(number % 5),
            "DestinationBackupVaultArn": self._vault(),
            "DestinationVaultType": "BACKUP_VAULT",
            "DestinationVaultLockState": "LOCKED",
            "DestinationRecoveryPointArn": self._recovery_point(number),
            "DestinationEncryptionKeyArn": f"arn:aws:kms:{self._region}:{self._account}:key/{self._id()}",
            "DestinationRecoveryPointLifecycle": self._lifecycle(),
            "CreatedBy": self._plan(),
            "CreatedByBackupJobId": self._id(),
            "CompositeMemberIdentifier": self._id(),
            "NumberOfChildJobs": rng.choice(_SIZES),
            "ChildJobsInState": rng.choice([{}, {"COMPLETED": 3}, {"FAILED": 1, "RUNNING": 2**53 + 1}]),
            "ResourceName": _NAMES[number % len(_NAMES)],
            "MessageCategory": rng.choice(_CATEGORIES),
        }
        return self._sent(always, sometimes)

    def restore_job(self, number: int) -> Record:
        rng = self._rng
        always = {"RestoreJobId": self._id(), "Status": _RESTORE_STATES[number % len(_RESTORE_STATES)], **self._times()}
        common = self._common(number)
        del common["ResourceArn"]
        sometimes = {
            **common,
            "RecoveryPointArn": self._recovery_point(number),
            "SourceResourceArn": self._resource(number),
            "BackupVaultArn": self._vault(),
            "PercentDone": rng.choice(["0.00%", "100.00%"]),
            "ExpectedCompletionTimeMinutes": rng.choice([0, 5, 2**53 + 1]),
            "CreatedResourceArn": self._resource(number + 1),
            "RecoveryPointCreationDate": self._time(),
            "CreatedBy": rng.choice([{}, {"RestoreTestingPlanArn": self._testing_plan(number % 3)}]),
            "ValidationStatus": rng.choice(["FAILED", "SUCCESSFUL", "TIMED_OUT", "VALIDATING"]),
            "ValidationStatusMessage": rng.choice(_MESSAGES),
            "DeletionStatus": rng.choice(["DELETING", "FAILED", "SUCCESSFUL"]),
            "DeletionStatusMessage": rng.choice(_MESSAGES),
        }
        return self._sent(always, sometimes)

    def _common(self, number: int) -> Record:
        """What all three kinds have."""
        rng = self._rng
        return {
            "AccountId": self._account,
            "ResourceArn": self._resource(number % 7),
            "ResourceType": _TYPES[number % len(_TYPES)],
            "StatusMessage": rng.choice(_MESSAGES),
            "BackupSizeInBytes": rng.choice(_SIZES),
            "IamRoleArn": f"arn:aws:iam::{self._account}:role/service-role/AWSBackupDefaultServiceRole",
            "ParentJobId": f"parent-{number % 4}",
            "IsParent": rng.random() < 0.2,
        }

    def _times(self) -> Record:
        created = self._time()
        return {"CreationDate": created} | ({"CompletionDate": created + self._rng.choice([0, 30, 30.5])} if self._rng.random() < 0.8 else {})

    def _time(self) -> float | int:
        """Whole seconds, or decimals that end with tenths, milliseconds (what AWS promises), or none at all (`.0`)."""
        seconds = int((NOW - timedelta(seconds=self._rng.randrange(28 * 86_400))).timestamp())
        return self._rng.choice([seconds, float(seconds), seconds + 0.5, round(seconds + self._rng.randrange(1000) / 1000, 3)])

    def _lifecycle(self) -> Record:
        return self._rng.choice(
            [{}, {"DeleteAfterDays": 35}, {"MoveToColdStorageAfterDays": 30, "DeleteAfterDays": 120, "OptInToArchiveForSupportedResources": True}]
        )

    def _plan(self) -> Record:
        plan = self._id()
        short = {"BackupPlanId": plan, "BackupPlanArn": f"arn:aws:backup:{self._region}:{self._account}:backup-plan:{plan}"}
        rule = {"BackupPlanName": "täglich", "BackupPlanVersion": "MmY5ZDNjMGU", "BackupRuleId": self._id(), "BackupRuleName": "daily 5"}
        return self._rng.choice([short, short | rule | {"BackupRuleCron": "cron(0 5 ? * * *)", "BackupRuleTimezone": "Europe/Berlin"}])

    def _vault(self) -> str:
        return f"arn:aws:backup:{self._region}:{self._account}:backup-vault:{self._rng.choice(['prod', 'dr', 'Default'])}"

    def _resource(self, number: int) -> str:
        return f"arn:aws:ec2:{self._region}:{self._account}:volume/vol-{number:017x}"

    def _recovery_point(self, number: int) -> str:
        return f"arn:aws:backup:{self._region}:{self._account}:recovery-point:{number:08x}"

    def _testing_plan(self, number: int) -> str:
        return f"arn:aws:backup:{self._region}:{self._account}:restore-testing-plan:plan-{number}"

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4)).upper()

    def _sent(self, always: Record, sometimes: Record) -> Record:
        """In an order of its own: AWS promises none for the members of an object."""
        record = dict(always)
        for name, value in sometimes.items():
            fate = self._rng.random()
            if fate < _NULL:
                record[name] = None
            elif fate > _NULL + _ABSENT:
                record[name] = value
        members = list(record.items())
        self._rng.shuffle(members)
        return dict(members)
