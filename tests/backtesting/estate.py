"""A small estate over ten days: what failed when is known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

END = datetime(2026, 11, 20, 6, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"
POLICY = """
policy: p
scope: {accounts: ["111122223333"], regions: [eu-west-1]}
rules:
  - {id: failed, rule: no FAILED jobs within 24h, severity: high}
  - {id: newest, rule: every resource must have a clean job within 30h}
  - {id: aborted, rule: no ABORTED jobs within 24h}
  - {id: far, rule: no EXPIRED jobs within 5d}
"""
FAILED = {"db": {2, 3, 6}, "web": {6}}
"""How many days before the end the job of each failed; 10 days of each are in the list."""


def write_estate(folder: Path) -> list[str]:
    """The policy and the list; the arguments that name them."""
    jobs = [_job(name, day) for name in FAILED for day in range(10)]
    (folder / "jobs.json").write_text(json.dumps({"BackupJobs": jobs}), encoding="utf-8")
    (folder / "p.yaml").write_text(POLICY, encoding="utf-8")
    return ["p.yaml", "--jobs", "jobs.json"]


def _job(name: str, day: int) -> dict[str, Any]:
    created = END - timedelta(days=day, hours=3)
    failed = day in FAILED[name]
    told = {"StatusMessage": "Access denied", "MessageCategory": "AccessDenied"} if failed else {"MessageCategory": "SUCCESS"}
    return {
        "AccountId": ACCOUNT,
        "BackupJobId": f"{name}-{day}",
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}",
        "ResourceType": "EC2",
        "CreationDate": created.isoformat(),
        "CompletionDate": (created + timedelta(hours=1)).isoformat(),
        "StartBy": (created + timedelta(hours=8)).isoformat(),
        "State": "FAILED" if failed else "COMPLETED",
        "PercentDone": "100.0",
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/AWSBackupDefaultServiceRole",
        **told,
    }
