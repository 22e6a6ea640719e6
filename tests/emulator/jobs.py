"""Jobs, accounts and a moment for the emulator's tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MANAGEMENT, MEMBER = "111111111111", "222222222222"
REGION = "eu-west-1"

ClientOf = Callable[..., Any]


def job(number: int, **members: Any) -> dict[str, Any]:
    """A backup job created `number` minutes before now; members named here replace its own."""
    return {
        "BackupJobId": f"job-{number:05}",
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{MANAGEMENT}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{MANAGEMENT}:volume/vol-{number}",
        "ResourceType": "EBS",
        "State": "COMPLETED",
        "CreationDate": NOW - timedelta(minutes=number),
        **members,
    }


def jobs(count: int) -> list[dict[str, Any]]:
    return [job(number) for number in range(count)]
