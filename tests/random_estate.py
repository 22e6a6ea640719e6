"""Estates of random accounts, names and jobs, as files: for what must hold of any run from end to end."""

from __future__ import annotations

import json
import random
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from policycheck.api import check
from policycheck.result import Result

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
_STATES = ("COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "EXPIRED", "RUNNING", "ABORTED")
_RULES = """
policy: random
scope: {{accounts: [{accounts}]}}
rules:
  - {{id: no-failed, rule: no FAILED jobs within 7d, severity: high, controls: {{soc2: [A1.2, CC7.5]}}}}
  - {{id: no-old, rule: no EXPIRED jobs within 2d, fix: Look at the start window.}}
  - {{id: vaults, rule: "vault must be one of {vault}, elsewhere"}}
  - {{id: newest, rule: every resource must have a COMPLETED job within 36h}}
  - {{id: count, per: ResourceArn, within: 7d, expect: {{count: {{of: {{State: COMPLETED}}, at_least: 3}}}}}}
  - {{id: share, per: BackupVaultName, within: 7d, expect: {{share: {{of: {{State: COMPLETED}}, at_least: 50%}}}}}}
  - {{id: latest, per: ResourceArn, within: 7d, expect: {{latest: {{of: {{State: COMPLETED}}}}}}}}
  - {{id: places, per: [Account, Region], within: 1d, expect: {{count: {{of: {{State: COMPLETED}}, at_least: 1}}}}}}
  - {{id: listed, per: ResourceArn, inventory: prod, within: 7d, expect: {{count: {{of: {{State: COMPLETED}}, at_least: 1}}}}}}
  - {{id: copied, rule: every COMPLETED job within 7d must be followed by a COMPLETED copy job within 6h}}
  - {{id: restored, rule: every COMPLETED job within 7d must be followed by a COMPLETED restore job within 6h}}
  - {{id: runs, rule: no scheduled run may be missed within 7d}}
waivers:
  - {{rule: no-failed, match: {{Account: "{waived}"}}, reason: known, owner: {owner}, granted: 2026-11-01, expires: 2026-12-01}}
"""


@dataclass(frozen=True, slots=True)
class Estate:
    """Files of an estate, and what of it nobody outside may learn."""

    policy: Path
    jobs: list[Path]
    inventory: Path
    records: int
    """In all files."""
    secrets: frozenset[str]
    """Account ids, names and what ARNs name."""

    def check(self, **more: Any) -> Result:
        return check(self.policy, [*self.jobs], as_of=AS_OF, inventories={"prod": self.inventory}, answers=True, **more)


def write_random_estate(folder: Path, seed: int) -> Estate:
    """Make one; the same seed makes the same files."""
    rng = random.Random(seed)

    def word() -> str:
        return rng.choice(string.ascii_lowercase) + "".join(rng.choices(string.ascii_lowercase + string.digits, k=11))

    accounts = ["".join(rng.choices(string.digits, k=12)) for _ in range(3)]
    vaults, names = [word() for _ in range(2)], [word() for _ in range(9)]
    secrets = {*accounts, *vaults, *names}
    resources = []
    for name in names:
        account, region, tail = rng.choice(accounts), rng.choice(["eu-west-1", "us-east-1"]), word()
        secrets.add(tail)
        kind, arn = rng.choice(
            [
                ("EC2", f"arn:aws:ec2:{region}:{account}:instance/{tail}"),
                ("RDS", f"arn:aws:rds:{region}:{account}:db:{tail}"),
                ("S3", f"arn:aws:s3:::{tail}"),
            ]
        )
        resources.append((name, account, region, kind, arn, rng.choice(vaults)))
    jobs = [_job(rng, number, *rng.choice(resources)) for number in range(rng.randrange(20, 60))]
    # A second file repeats some of the first.
    again = [jobs[number] for number in sorted(rng.sample(range(len(jobs)), 4))]
    owner, account_name, role, plan, plan_id = word(), word(), word(), word(), word()
    secrets |= {owner, account_name, role, plan, plan_id}
    for job in jobs:
        job["IamRoleArn"] = f"arn:aws:iam::{job['AccountId']}:role/team/{role}"
        if rng.random() < 0.6:
            job["CreatedBy"] = {
                "BackupPlanId": plan_id,
                "BackupPlanArn": f"arn:aws:backup:eu-west-1:{job['AccountId']}:backup-plan:{plan_id}",
                "BackupPlanName": plan,
                "BackupRuleId": f"{plan_id}-daily",
                "BackupRuleCron": "cron(0 5 ? * * *)",
                "BackupRuleTimezone": "Etc/UTC",
            }
    copies = [_copy(number, job) for number, job in enumerate(jobs) if job["State"] == "COMPLETED" and rng.random() < 0.7]
    folder.mkdir(exist_ok=True)
    paths = [folder / "one.json", folder / "two.json", folder / "copies.json"]
    for path, key, part in zip(paths, ("BackupJobs", "BackupJobs", "CopyJobs"), (jobs, again, copies), strict=True):
        path.write_text(json.dumps({key: part}), encoding="utf-8")
    policy, inventory = folder / "policy.yaml", folder / "inventory.json"
    told = _RULES.format(accounts=", ".join(f'"{one}"' for one in accounts), vault=vaults[0], waived=accounts[0], owner=owner)
    policy.write_text(told, encoding="utf-8")
    entries = [
        {"ResourceArn": one[4], "ResourceType": one[3], "Name": one[0], "AccountId": one[1], "AccountName": account_name, "Region": one[2]} for one in resources
    ]
    inventory.write_text(json.dumps(entries), encoding="utf-8")
    return Estate(policy, paths, inventory, len(jobs) + len(again) + len(copies), frozenset(secrets))


def _copy(number: int, job: dict[str, Any]) -> dict[str, Any]:
    """The copy of a backup to another Region, an hour after it ended."""
    vault = job["BackupVaultArn"]
    ended = datetime.fromisoformat(job["CompletionDate"])
    return {
        "CopyJobId": f"copy-{number:04}",
        "AccountId": job["AccountId"],
        "SourceBackupVaultArn": vault,
        "SourceRecoveryPointArn": job["RecoveryPointArn"],
        "DestinationBackupVaultArn": vault.replace("eu-west-1", "eu-central-1").replace("us-east-1", "eu-central-1"),
        "ResourceArn": job["ResourceArn"],
        "ResourceType": job["ResourceType"],
        "IamRoleArn": job["IamRoleArn"],
        "State": "COMPLETED",
        "CreationDate": (ended + timedelta(minutes=1)).isoformat(),
        "CompletionDate": min(ended + timedelta(minutes=10), AS_OF).isoformat(),
    }


def _job(rng: random.Random, number: int, name: str, account: str, region: str, kind: str, arn: str, vault: str) -> dict[str, Any]:
    created = AS_OF - timedelta(minutes=rng.randrange(60, 60 * 24 * 9))
    state = rng.choice(_STATES)
    job = {
        "BackupJobId": f"job-{number:04}",
        "AccountId": account,
        "BackupVaultName": vault,
        "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:{vault}",
        "ResourceArn": arn,
        "ResourceName": name,
        "ResourceType": kind,
        "State": state,
        "CreationDate": created.isoformat(),
        "StartBy": (created + timedelta(hours=8)).isoformat(),
        "PercentDone": "100.0",
        "RecoveryPointArn": f"arn:aws:backup:{region}:{account}:recovery-point:point-{number:04}",
    }
    if state == "RUNNING":
        return {**job, "ExpectedCompletionDate": (AS_OF + timedelta(hours=1)).isoformat()}
    told = {"StatusMessage": f"Access denied to {arn} ({name}) in account {account}: vault {vault}."} if state == "FAILED" else {}
    return {**job, **told, "CompletionDate": min(created + timedelta(minutes=50), AS_OF).isoformat()}
