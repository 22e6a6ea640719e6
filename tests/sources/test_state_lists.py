"""Saved lists of what there is: read by their keys, evidence of one moment alone, and never clean where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.api import check
from policycheck.datasets import DATASETS, PROTECTED_RESOURCES, RECOVERY_POINTS, VAULTS, Dataset
from policycheck.errors import JobFileError, PolicyError, UsageError
from policycheck.formats.json_result import FORMAT as JSON
from policycheck.formats.text_report import FORMAT as TEXT
from policycheck.result import Result, Verdict
from policycheck.sources.inventories import read_inventories
from tests.tables import each

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
NOW = (AS_OF, AS_OF)
ACCOUNT, REGION = "111122223333", "eu-west-1"
VAULT_ARN = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:"
Record = dict[str, Any]


def vault(name: str = "prod", **more: object) -> Record:
    made = {
        "BackupVaultName": name,
        "BackupVaultArn": VAULT_ARN + name,
        "VaultType": "BACKUP_VAULT",
        "CreationDate": "2024-03-01T09:00:00+00:00",
        "NumberOfRecoveryPoints": 3,
        "Locked": True,
    }
    return without({**made, **more})


def point(number: int = 1, hours: float = 3, **more: object) -> Record:
    made = {
        "RecoveryPointArn": f"arn:aws:ec2:{REGION}::image/ami-{number}",
        "BackupVaultName": "prod",
        "BackupVaultArn": VAULT_ARN + "prod",
        "ResourceArn": arn(number),
        "ResourceType": "EC2",
        "Status": "COMPLETED",
        "CreationDate": (AS_OF - timedelta(hours=hours)).isoformat(),
        "Lifecycle": {"DeleteAfterDays": 35},
        "IsEncrypted": True,
    }
    return without({**made, **more})


def resource(number: int = 1, hours: float = 3, **more: object) -> Record:
    made = {
        "ResourceArn": arn(number),
        "ResourceType": "EC2",
        "LastBackupTime": (AS_OF - timedelta(hours=hours)).isoformat(),
        "LastBackupVaultArn": VAULT_ARN + "prod",
    }
    return without({**made, **more})


def arn(number: int) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-{number}"


def without(record: Mapping[str, Any]) -> Record:
    return {name: value for name, value in record.items() if value is not None}


MAKE: Mapping[str, Callable[..., Record]] = {VAULTS.name: vault, RECOVERY_POINTS.name: point, PROTECTED_RESOURCES.name: resource}


def run(folder: Path, rule: str, lists: Mapping[str, Sequence[Record]], covers: tuple[datetime, datetime] | None = NOW) -> Result:
    """One rule on saved lists, each in a file of its own."""
    policy = folder / "policy.yaml"
    policy.write_text(f"policy: p\nrules:\n  - {{id: r, rule: {json.dumps(rule)}}}\n", encoding="utf-8")
    for name, records in lists.items():
        (folder / f"{name}.json").write_text(json.dumps({DATASETS[name].result_key: list(records)}), encoding="utf-8")
    return check(policy, [folder / f"{name}.json" for name in lists], as_of=AS_OF, covers=covers)


def said(result: Result) -> tuple[Verdict, list[str], str]:
    """Verdict, subjects found, and reason."""
    (rule,) = result.rules
    return rule.verdict, [finding.subject for finding in rule.findings], rule.reason


LOCKED = "every backup vault must have Locked true"
ENCRYPTED = "every recovery point must have IsEncrypted true"
LATELY = "every protected resource must have LastBackupTime newer than 26h"
RESTORABLE = "every resource in inventory protected_resources must have a COMPLETED recovery point within 26h"
INFECTED = "no recovery points with AggregatedScanResult.Findings containing MALWARE"

JUDGED: list[tuple[str, dict[str, list[Record]], Verdict, list[str]]] = [
    (LOCKED, {"vaults": [vault(), vault("dev", Locked=False)]}, Verdict.FAIL, [VAULT_ARN + "dev"]),
    (LOCKED, {"vaults": [vault(), vault("dev")]}, Verdict.PASS, []),
    ("at most 0 backup vaults with Locked false per vault", {"vaults": [vault("a", Locked=False), vault("b")]}, Verdict.FAIL, [VAULT_ARN + "a"]),
    (ENCRYPTED, {"recovery_points": [point(1), point(2, IsEncrypted=False)]}, Verdict.FAIL, [arn(2)]),
    ("no recovery points in vault prod with Retention less than 35d", {"recovery_points": [point(Lifecycle={"DeleteAfterDays": 34})]}, Verdict.FAIL, [arn(1)]),
    ("no EXPIRED recovery points", {"recovery_points": [point(1, Status="EXPIRED")]}, Verdict.FAIL, [arn(1)]),
    ("no recovery points with Status PARTIAL within 7d", {"recovery_points": [point(1, 200, Status="PARTIAL"), point(2)]}, Verdict.PASS, []),
    (INFECTED, {"recovery_points": [point(1, AggregatedScanResult={"Findings": ["MALWARE"]}), point(2)]}, Verdict.FAIL, [arn(1)]),
    (INFECTED, {"recovery_points": [point(1, AggregatedScanResult={"Findings": []}), point(2)]}, Verdict.PASS, []),
    (LATELY, {"protected_resources": [resource(1), resource(2, 27)]}, Verdict.FAIL, [arn(2)]),
    (LATELY, {"protected_resources": [resource(1)]}, Verdict.PASS, []),
    (RESTORABLE, {"protected_resources": [resource(1), resource(2)], "recovery_points": [point(1), point(2, 30)]}, Verdict.FAIL, [arn(2)]),
    (RESTORABLE, {"protected_resources": [resource(1), resource(9)], "recovery_points": [point(1)]}, Verdict.FAIL, [arn(9)]),
    (RESTORABLE, {"protected_resources": [resource(1)], "recovery_points": [point(1), point(2, 30)]}, Verdict.PASS, []),
]  # fmt: skip


@each(("rule", "lists", "verdict", "found"), JUDGED, ids=lambda row: row[0])
def test_a_rule_on_what_there_is_is_judged_as_of_the_list(
    rule: str, lists: dict[str, list[Record]], verdict: Verdict, found: list[str], tmp_path: Path
) -> None:
    assert said(run(tmp_path, rule, lists))[:2] == (verdict, found)


UNKNOWN: list[tuple[str, dict[str, list[Record]], str]] = [
    (RESTORABLE, {"protected_resources": [resource()], "recovery_points": [point(hours=-5000)]}, "CreationDate is unknown"),
    ("at least 1 COMPLETED recovery point within 7d", {"recovery_points": [point(hours=-1)]}, "CreationDate is unknown"),
    ("no recovery points with LastRestoreTime older than 90d", {"recovery_points": [point(LastRestoreTime="2027-06-16T00Z")]}, "LastRestoreTime is unknown"),
    (LATELY, {"protected_resources": [resource(hours=-1)]}, "LastBackupTime is unknown"),
    (LOCKED, {"vaults": [vault(Locked=None)]}, "Locked is unknown"),
    (LOCKED, {"vaults": [vault(Locked=None), vault("dev")]}, "Locked is unknown"),
    (ENCRYPTED, {"recovery_points": [point(IsEncrypted=None)]}, "IsEncrypted is unknown"),
    ("every backup vault must have MinRetentionDays at least 7", {"vaults": [vault()]}, "MinRetentionDays is unknown"),
    (INFECTED, {"recovery_points": [point()]}, "AggregatedScanResult.Findings is unknown"),
    ("no EXPIRED recovery points", {"recovery_points": [point(Status="MISLAID"), point(2)]}, "Status is unknown"),
    ("no recovery points with Retention less than 35d", {"recovery_points": [point(Lifecycle=None, IsEncrypted=None)]}, "Retention is unknown"),
    (LATELY, {"protected_resources": [resource(LastBackupTime=None)]}, "LastBackupTime is unknown"),
    (RESTORABLE, {"protected_resources": [resource()], "recovery_points": [point(1, 2, Status=None), point(2)]}, "1 of 1 subject could violate it"),
    (RESTORABLE, {"protected_resources": [resource(1), resource(2, ResourceArn=None)], "recovery_points": [point()]}, "no ResourceArn recorded"),
    (RESTORABLE, {"recovery_points": [point()]}, "this run has no list of protected resources (ListProtectedResources)"),
    (RESTORABLE, {"protected_resources": [], "recovery_points": [point()]}, "the list of protected resources is empty"),
    (LOCKED, {"vaults": []}, "the list of backup vaults is empty"),
]  # fmt: skip


@each(("rule", "lists", "reason"), UNKNOWN, ids=lambda row: f"{row[0]}: {row[2]}")
def test_what_is_unknown_is_no_pass(rule: str, lists: dict[str, list[Record]], reason: str, tmp_path: Path) -> None:
    verdict, found, why = said(run(tmp_path, rule, lists))
    assert (verdict, found) == (Verdict.INCONCLUSIVE, [])
    assert reason in why


RULES = {VAULTS.name: LOCKED, RECOVERY_POINTS.name: ENCRYPTED, PROTECTED_RESOURCES.name: LATELY}
BAD: Mapping[str, Record] = {VAULTS.name: {"Locked": False}, RECOVERY_POINTS.name: {"IsEncrypted": False}, PROTECTED_RESOURCES.name: {"hours": 2000}}
HOUR = timedelta(hours=1)
MOMENTS: list[tuple[str, tuple[datetime, datetime] | None, str]] = [
    (
        "nobody says when it was made",
        None,
        "the time of the list of",
    ),
    ("it was made later", (AS_OF + HOUR, AS_OF + 2 * HOUR), "shows no other time"),
    ("it was made before", (AS_OF - 2 * HOUR, AS_OF - HOUR), "is covered only to 2026-11-20T05:00:00Z"),
]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("bad", [False, True])
@pytest.mark.parametrize(("covers", "reason"), [row[1:] for row in MOMENTS], ids=[row[0] for row in MOMENTS])
def test_a_list_of_another_moment_is_evidence_of_nothing_good_or_bad(
    name: str, bad: bool, covers: tuple[datetime, datetime] | None, reason: str, tmp_path: Path
) -> None:
    record = MAKE[name](**(BAD[name] if bad else {}))
    verdict, found, why = said(run(tmp_path, RULES[name], {name: [record]}, covers))
    assert (verdict, found) == (Verdict.INCONCLUSIVE, [])
    assert reason in why


def test_clocks_may_differ_by_minutes(tmp_path: Path) -> None:
    minutes = timedelta(minutes=4)
    assert said(run(tmp_path, LOCKED, {"vaults": [vault()]}, (AS_OF + minutes, AS_OF + minutes)))[0] is Verdict.PASS
    assert said(run(tmp_path, LOCKED, {"vaults": [vault()]}, (AS_OF - minutes, AS_OF - minutes)))[0] is Verdict.PASS


def test_times_of_the_records_say_nothing_of_when_the_list_was_made(tmp_path: Path) -> None:
    newest = vault(CreationDate=AS_OF.isoformat())
    assert said(run(tmp_path, LOCKED, {"vaults": [newest]}, None))[0] is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("dataset", [VAULTS, RECOVERY_POINTS, PROTECTED_RESOURCES], ids=str)
def test_a_list_that_says_that_it_goes_on_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text(json.dumps({dataset.result_key: [MAKE[dataset.name]()], "NextToken": "more"}), encoding="utf-8")
    (tmp_path / "p.yaml").write_text(f"policy: p\nrules:\n  - {{id: r, rule: {RULES[dataset.name]}}}\n", encoding="utf-8")
    with pytest.raises(JobFileError, match=f"{dataset.result_key} ends with a NextToken"):
        check(tmp_path / "p.yaml", path, as_of=AS_OF, covers=NOW)


def test_the_same_record_in_two_files_counts_once_and_two_that_contradict_each_other_are_unknown(tmp_path: Path) -> None:
    assert said(run(tmp_path, "there must be at least 2 backup vaults with Locked true", {"vaults": [vault(), vault()]}))[0] is Verdict.FAIL
    assert said(run(tmp_path, LOCKED, {"vaults": [vault(), vault(Locked=False)]}))[0] is Verdict.INCONCLUSIVE
    twice = [resource(1, 3), resource(1, 30)]
    assert said(run(tmp_path, LATELY, {"protected_resources": twice}))[0] is Verdict.INCONCLUSIVE


def test_a_resource_that_two_places_protect_is_two(tmp_path: Path) -> None:
    """A copy in another account or Region protects it there, too."""
    there = resource(1, 30, LastBackupVaultArn=VAULT_ARN.replace(REGION, "us-east-1") + "dr")
    result = run(tmp_path, LATELY, {"protected_resources": [resource(1), there]})
    assert [(finding.region, finding.subject) for finding in result.rules[0].findings] == [("us-east-1", arn(1))]


def test_a_composite_recovery_point_counts_once(tmp_path: Path) -> None:
    parent = point(1, ResourceType="CloudFormation", IsParent=True)
    children = [point(number, ParentRecoveryPointArn=parent["RecoveryPointArn"], IsParent=False) for number in (2, 3)]
    assert said(run(tmp_path, "there must be at most 1 recovery point with IsEncrypted true", {"recovery_points": [parent, *children]}))[0] is Verdict.PASS


REFUSED = {
    "every protected resource within 7d must have ResourceName present": "protected resources have no CreationDate",
    "every resource in inventory protected_resources must have a protected resource with ResourceType EC2 within 26h": "have no CreationDate",
    "no clean recovery points": "recovery points have no outcome",
    "no AVAILABLE backup vaults": "backup vaults have no state",
    "every resource must have at least 1 backup vault with Locked true": "backup vaults have no field ResourceArn",
    "for jobs, every recovery point must have IsEncrypted true": "a sentence is about one list",
    "every clean job must be followed by a COMPLETED recovery point within 6h": "recovery points do not follow backup jobs",
    "every resource in inventory protected_resources with Tags.env prod must have a clean job within 26h": "protected_resources says no Tags.env",
    "no backup vaults with ParentJobId present": "backup vaults have no field ParentJobId",
    "no backup vaults with _State PRESENT": "has no place in this sentence",
}


@each(("rule", "message"), REFUSED.items(), ids=lambda row: row[0])
def test_what_such_a_list_cannot_say_is_refused(rule: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        run(tmp_path, rule, {"vaults": [vault()]})
    assert any(message in found.message for found in caught.value.diagnostics), caught.value.diagnostics


HOSTILE = "::set-output name=x::\x1b[2J\u202e<script>\ud83d\udca5"


@pytest.mark.parametrize("name", RULES)
def test_hostile_text_is_cleaned_and_stand_ins_are_in_no_report(name: str, tmp_path: Path) -> None:
    texts = {"BackupVaultName": HOSTILE} if name != PROTECTED_RESOURCES.name else {"ResourceName": HOSTILE}
    result = run(tmp_path, RULES[name], {name: [MAKE[name](**BAD[name], **texts)]})
    assert said(result)[0] is Verdict.FAIL
    for form in (TEXT, JSON):
        shown = form.render(result)
        assert "_State" not in shown
        assert not {"\x1b", "\u202e"} & set(shown)
    (evidence,) = result.rules[0].findings[0].evidence
    assert set(evidence) <= {member.name.partition(".")[0] for member in DATASETS[name].members}
    assert "_State" not in json.dumps(dict(evidence)) and "\x1b" not in json.dumps(dict(evidence))


def test_no_inventory_takes_the_name_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(f"arn\n{arn(1)}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="AWS Backup's own list"):
        read_inventories([f"protected_resources={tmp_path / 'mine.csv'}"])


def test_a_vault_is_no_job_of_a_declared_account(tmp_path: Path) -> None:
    """An account must have a job somewhere, or have lost its backups without a trace."""
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"policy: p\nscope: {{accounts: ['{ACCOUNT}']}}\nrules:\n  - {{id: jobs, rule: no FAILED jobs, no_data: pass}}\n  - {{id: held, rule: {LOCKED}}}\n",
        encoding="utf-8",
    )
    answers = {"BackupVaultList": [vault()], "BackupJobs": []}
    jobs, held = check(policy, answers, as_of=AS_OF, covers=NOW).rules
    assert (jobs.verdict, held.verdict) == (Verdict.INCONCLUSIVE, Verdict.PASS)
