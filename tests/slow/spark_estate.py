"""A list in which one resource has far more jobs than any other, with what else is hard on an engine that spreads its work; and rules of every kind on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
_ACCOUNT, _REGION = "111122223333", "eu-west-1"
_DAYS = 14
"""So long every other resource has had a job a day."""
_ZONES = (UTC, *(datetime.fromisoformat(f"2026-11-20T00:00:00{offset}").tzinfo for offset in ("+05:45", "-08:00", "+13:00")))
_STATES = ("COMPLETED",) * 17 + ("FAILED", "ABORTED", "EXPIRED")
RULES = """
policy: skewed
scope: {accounts: ["111122223333"], regions: [eu-west-1]}
rules:
  - {id: none, rule: no FAILED jobs within 7d}
  - {id: recovered, rule: "no FAILED jobs within 7d unless recovered within 24h"}
  - {id: all, rule: "for EC2 jobs within 7d, every job must have IsEncrypted true"}
  - {id: matches, within: 7d, none: {StatusMessage: {matches: "(disk|volume) [0-9]{2}$"}}}
  - {id: local, rule: no jobs may run between 22:00 and 06:00 in Europe/Berlin}
  - {id: tag, within: 7d, none: {Tags.Env: prod}}
  - {id: other-case, within: 7d, none: {Tags.env: test}}
  - {id: count, rule: every resource must have at least 3 clean jobs within 7d}
  - {id: many-keys, per: [ResourceArn, BackupVaultName, ResourceType, CreatedBy.BackupPlanId], within: 7d, expect: {count: {of: {State: FAILED}, at_most: 1}}}
  - {id: share, per: BackupVaultName, within: 7d, expect: {share: {of: {State: COMPLETED}, at_least: 85%}}}
  - {id: of-subjects, rule: at least 95% of resources must have a clean job within 24h}
  - {id: newest, rule: every resource must have a clean job within 36h}
  - {id: latest, rule: the latest job of every resource must be clean within 30d}
  - {id: streak, rule: every resource must have at least 3 consecutive clean jobs within 7d}
  - {id: gap, rule: no resource may go longer than 26h without a clean job within 7d}
  - {id: calendar, rule: every resource must have a clean job on each of the last 7 days in Asia/Kathmandu}
  - {id: drop, rule: no clean job may be at least 50% smaller than the one before within 7d}
  - {id: growth, rule: no clean job may be at least 300% larger than the one before within 7d}
  - {id: slowdown, per: ResourceArn, within: 7d, expect: {slowdown: {at_most: 3x}}}
  - {id: runs, rule: no scheduled run may be missed within 7d}
  - {id: copied, rule: every clean job within 7d must be followed by a clean copy job within 6h}
  - {id: restored, rule: every vault must have a COMPLETED restore job within 90d}
  - {id: listed, per: ResourceArn, inventory: prod, within: 7d, expect: {count: {of: {State: COMPLETED}, at_least: 1}}}
"""


def write_skewed_estate(folder: Path, jobs: int, others: int = 40) -> list[str]:
    """Write the lists, an inventory and the rules.

    Args:
        jobs: of the one resource.
        others: how many other resources there are, with 14 jobs each.

    Returns:
        What `policycheck check` is told of them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "backups.json", "BackupJobs", _backups(jobs, others))
    _write(folder / "copies.json", "CopyJobs", _copies(others))
    _write(folder / "restores.json", "RestoreJobs", iter(()))
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    entries = [{"ResourceArn": _arn(number), "AccountId": _ACCOUNT, "Region": _REGION, "Tags": {"Env": "prod", "env": "live"}} for number in range(others + 2)]
    (folder / "inventory.json").write_text(json.dumps(entries), encoding="utf-8")
    lists = [str(folder / name) for name in ("backups.json", "copies.json", "restores.json")]
    told = [part for path in lists for part in ("--jobs", path)]
    covers = "2026-10-01..2026-11-20T06:00:00Z"
    return [str(folder / "rules.yaml"), *told, "--inventory", f"prod={folder / 'inventory.json'}", "--as-of", AS_OF.isoformat(), "--covers", covers]


def _write(path: Path, key: str, records: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"{key}": [')
        for number, record in enumerate(records):
            file.write(("," if number else "") + json.dumps(record))
        file.write("]}")


def _arn(number: int) -> str:
    return f"arn:aws:ec2:{_REGION}:{_ACCOUNT}:instance/i-{number:017x}"


def _backups(jobs: int, others: int) -> Iterator[dict[str, Any]]:
    step = timedelta(days=30) / max(jobs, 1)
    for number in range(jobs):
        yield _backup(number, 0, AS_OF - timedelta(minutes=90) - number * step)
    for number in range(others * _DAYS):
        yield _backup(jobs + number, 1 + number % others, AS_OF - timedelta(minutes=100 + 1440 * (number // others), seconds=number % 560))


def _backup(number: int, resource: int, created: datetime) -> dict[str, Any]:
    state, ended = _STATES[number % len(_STATES)], created + timedelta(minutes=20 + number % 37)
    job = {
        "BackupJobId": f"job-{number:08}",
        "AccountId": _ACCOUNT,
        "BackupVaultName": f"vault-{resource % 3}",
        "BackupVaultArn": f"arn:aws:backup:{_REGION}:{_ACCOUNT}:backup-vault:vault-{resource % 3}",
        "RecoveryPointArn": f"arn:aws:ec2:{_REGION}::image/ami-{number:08}",
        "ResourceArn": _arn(resource),
        "ResourceType": "EC2",
        "CreationDate": created.astimezone(_ZONES[number % len(_ZONES)]).isoformat(),
        "StartBy": (created + timedelta(hours=8)).isoformat(),
        "State": state,
        "PercentDone": "100.0",
        "IamRoleArn": f"arn:aws:iam::{_ACCOUNT}:role/backup",
        "BackupSizeInBytes": (10 + number % 3) * 2**30,
        # In no record: null throughout. ParentJobId is a column that is not there.
        "StatusMessage": None,
    }
    if state != "EXPIRED":
        job["CompletionDate"] = ended.astimezone(_ZONES[number % len(_ZONES)]).isoformat()
        job["MessageCategory"] = "SUCCESS" if state == "COMPLETED" else "AccessDenied"
    if resource % 2:
        job["CreatedBy"] = {
            "BackupPlanId": "plan",
            "BackupRuleId": f"rule-{resource % 4}",
            "BackupRuleCron": "cron(0 4 ? * * *)",
            "BackupRuleTimezone": "Asia/Kolkata",
        }
        job["IsEncrypted"] = True
    return job


def _copies(others: int) -> Iterator[dict[str, Any]]:
    for number in range(0, others * _DAYS, 3):
        created = AS_OF - timedelta(minutes=40 + 1440 * (number // others))
        yield {
            "CopyJobId": f"copy-{number:08}",
            "AccountId": _ACCOUNT,
            "SourceBackupVaultArn": f"arn:aws:backup:{_REGION}:{_ACCOUNT}:backup-vault:vault-0",
            "SourceRecoveryPointArn": f"arn:aws:ec2:{_REGION}::image/ami-{number:08}",
            "DestinationBackupVaultArn": f"arn:aws:backup:eu-central-1:{_ACCOUNT}:backup-vault:copies",
            "ResourceArn": _arn(1 + number % others),
            "ResourceType": "EC2",
            "CreationDate": created.isoformat(),
            "CompletionDate": (created + timedelta(minutes=30)).isoformat(),
            "State": "FAILED" if number % 7 == 0 else "COMPLETED",
            "IamRoleArn": f"arn:aws:iam::{_ACCOUNT}:role/backup",
            "MessageCategory": "AccessDenied" if number % 7 == 0 else "SUCCESS",
        }
