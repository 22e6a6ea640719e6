"""Near misses: values of rules that occur nowhere, while one like them does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.datasets import DATASETS, Dataset, Kind
from policycheck.engine.evaluate import judge
from policycheck.engine.nearness import _distance, _forms
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.result import Coverage, RuleResult, Verdict
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, INSTANCE, REGION, Job, job, job_list, load

ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AWSBackupDefaultServiceRole"
DATA = {
    "BackupVaultName": "Prod Vault",
    "ResourceName": "web-1",
    "MessageCategory": "AccessDenied",
    "IamRoleArn": ROLE,
    "StatusMessage": "Access denied by the key",
    "CreatedBy": {"BackupPlanName": "daily", "BackupPlanId": "p-1"},
}


def judged(rule: str, folder: Path, jobs: Sequence[Job] = (job(**DATA),), extra: str = "", inventories: dict[str, Inventory] | None = None) -> RuleResult:
    policies = load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n{extra}", folder)
    coverage = [Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, len(jobs))]
    (result,) = judge(policies, {"backup_jobs": job_list(jobs)}, coverage, AS_OF, BACKEND, inventories=inventories)
    return result


NEAR = {
    "{BackupVaultName: prod vault}": 'vault "prod vault"; the list has "Prod Vault" (1 job)',
    "{BackupVaultName: Prod-Vaults}": '"Prod Vault" (1 job)',
    "{BackupVaultName: [dr, prod_vault]}": 'vault "prod_vault"; the list has "Prod Vault"',
    "{not: {BackupVaultName: PROD VAULT}}": '"Prod Vault" (1 job)',
    "{BackupVaultName: 'arn:aws:backup:eu-west-1:111122223333:backup-vault:Prod Vault'}": '"Prod Vault" (1 job)',
    "{MessageCategory: access denied}": '"AccessDenied" (1 job)',
    "{StatusMessage: {contains: access Denied}}": 'status message "access Denied"; the list has "Access denied" (1 job)',
    "{StatusMessage: {starts_with: AccessDenied}}": '"Access denied by the key" (1 job)',
    "{StatusMessage: {ends_with: THE KEY}}": '"the key" (1 job)',
    "{ResourceName: {starts_with: WEB_}}": '"web-1" (1 job)',
    f"{{IamRoleArn: '{ROLE.replace('service-role/', '')}'}}": f'"{ROLE}" (1 job)',
    "{IamRoleArn: {contains: ':role/AWSBackupDefault'}}": f'"{ROLE}" (1 job)',
    "{IamRoleName: service-role/AWSBackupDefaultServiceRole}": '"AWSBackupDefaultServiceRole" (1 job)',
    "{CreatedBy.BackupPlanName: dailies}": 'plan "dailies"; the list has "daily" (1 job)',
}


@pytest.mark.parametrize("condition", NEAR)
@pytest.mark.parametrize("form", ["where: {}, none: {{State: FAILED}}, no_data: pass", "none: {}", "expect: {{count: {{of: {}, at_most: 5}}}}"])
def test_a_value_that_is_spelled_otherwise_makes_a_rule_inconclusive_and_is_named(condition: str, form: str, tmp_path: Path) -> None:
    result = judged(form.format(condition), tmp_path)
    if condition.startswith("{not") and form.startswith("none"):
        assert (result.verdict, NEAR[condition] in " ".join(result.notes)) == (Verdict.FAIL, True)
    else:
        assert result.verdict is Verdict.INCONCLUSIVE
        assert NEAR[condition] in result.reason


PLAIN = [
    "{BackupVaultName: legacy}",
    "{BackupVaultName: Prod Vault}",
    "{MessageCategory: ACCESSDENIED}",
    "{ResourceType: ec2}",
    "{ResourceType: EBS}",
    "{Region: eu-west-2}",
    "{StatusMessage: {contains: [Access Denied, Access denied]}}",
    "{StatusMessage: {contains: quota}}",
    "{ResourceName: web-2}",
    "{IamRoleArn: {contains: /aws-service-role/}}",
    "{ResourceName: web-a}",
    "{CreatedBy.BackupRuleName: Daily}",
    "{any: [{BackupVaultName: Prod Vault}, {BackupVaultName: prod vault}]}",
]


@pytest.mark.parametrize("condition", PLAIN)
def test_a_value_that_occurs_or_is_like_none_changes_nothing(condition: str, tmp_path: Path) -> None:
    result = judged(f"none: {{State: FAILED, any: [{condition}]}}", tmp_path)
    assert (result.verdict, result.notes) == (Verdict.PASS, ())


SLIPS = {
    "{ResourceType: EC3}": '"EC2"',
    "{Account: 111122223332}": f'"{ACCOUNT}"',
    "{BackupVaultName: Prod Valut}": '"Prod Vault"',
    "{Region: eu-wset-1}": '"eu-west-1"',
    "{CreatedBy.BackupPlanName: dayly}": '"daily"',
    "{CreatedBy.BackupPlanName: adily}": '"daily"',
}


@pytest.mark.parametrize("condition", SLIPS)
def test_a_letter_or_two_off_is_a_note_and_no_verdict(condition: str, tmp_path: Path) -> None:
    result = judged(f"none: {condition}", tmp_path)
    assert result.verdict is Verdict.PASS
    assert any(f"did you mean {SLIPS[condition]} (1 job)?" in note for note in result.notes)


def test_a_letter_off_a_word_of_four_is_a_note(tmp_path: Path) -> None:
    result = judged("none: {BackupVaultName: prob}", tmp_path, [job(BackupVaultName="prod")])
    assert result.verdict is Verdict.PASS
    assert any('did you mean "prod" (1 job)?' in note for note in result.notes)


def test_a_rule_that_fails_says_it_and_is_inconclusive_once_its_findings_are_waived(tmp_path: Path) -> None:
    rule = "none: {any: [{State: FAILED}, {BackupVaultName: prod vault}]}"
    waiver = "waivers:\n  - {rule: r, match: any, reason: x, owner: o, granted: 2026-11-20, expires: 2026-12-20}\n"
    failed = job(**{**DATA, "State": "FAILED"})
    result = judged(rule, tmp_path, [failed])
    assert (result.verdict, result.notes) == (Verdict.FAIL, ('vault "prod vault"; the list has "Prod Vault" (1 job)',))
    assert judged(rule, tmp_path, [failed], waiver).verdict is Verdict.INCONCLUSIVE


def test_names_of_inventories_and_what_their_entries_say_are_looked_at(tmp_path: Path) -> None:
    entry = InventoryEntry(INSTANCE, ACCOUNT, REGION, "never-seen", "EC2", "Shop", {"Environment": "Production"})
    prod = {"prod": Inventory("prod", "x", (entry,))}
    of = "per: ResourceArn, inventory: {}, where: {}, expect: {{count: {{of: {{State: FAILED}}, at_most: 5}}}}, no_data: pass"
    assert 'inventory "Prod"; the run has "prod"' in judged(of.format("Prod", "{ResourceType: EC2}"), tmp_path, inventories=prod).reason
    assert judged(of.format("prod", "{ResourceName: never-seen}"), tmp_path, inventories=prod).verdict is Verdict.PASS
    for condition, told in {
        "{ResourceName: never_seen}": '"never-seen" (1 entry)',
        "{Tags.Environment: production}": '"Production" (1 job)',
        "{Tags.environment: {present: true}}": 'tag "environment"; inventories have "Environment" (1 entry)',
        "{AccountName: SHOP}": '"Shop" (1 job)',
        "{Region: eu west 1}": '"eu-west-1" (1 job)',
    }.items():
        result = judged(of.format("prod", condition), tmp_path, inventories=prod)
        assert result.verdict is Verdict.INCONCLUSIVE
        assert told in result.reason
    for rule in ("where: {in_inventory: PROD}, none: {State: FAILED}", "none: {in_inventory: PROD}"):
        assert 'inventory "PROD"; the run has "prod"' in judged(rule, tmp_path, inventories=prod).reason


def _texts(dataset: Dataset) -> list[str]:
    return [field.name for field in dataset.fields.values() if field.kind is Kind.TEXT and not field.derived and "." not in field.name]


@pytest.mark.parametrize(("name", "member"), [(dataset.name, member) for dataset in DATASETS.values() for member in _texts(dataset)])
def test_every_text_of_every_list_is_looked_at(name: str, member: str, tmp_path: Path) -> None:
    dataset = DATASETS[name]
    ids: dict[str, Any] = {
        dataset.id_field: "j",
        dataset.state_field: "COMPLETED",
        "AccountId": ACCOUNT,
        dataset.vault_field: f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:v",
    }
    policies = load(f"policy: p\nrules:\n  - {{id: r, dataset: {name}, none: {{{member}: Some-Name}}}}\n", tmp_path)
    coverage = [Coverage(name, ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, 1)]
    (result,) = judge(policies, {name: job_list([{**ids, member: "some name"}], dataset)}, coverage, AS_OF, BACKEND)
    assert (result.verdict, '"some name" (1 job)' in result.reason) == (Verdict.INCONCLUSIVE, True)


@given(st.lists(st.text("abcxyz", min_size=2, max_size=6), min_size=1, max_size=3), st.sampled_from([" ", "-", "_", "  "]), st.booleans())
def test_case_and_marks_between_words_never_matter(words: list[str], mark: str, upper: bool) -> None:
    other = mark.join(words)
    assert _forms("-".join(words)) & _forms(other.upper() if upper else other)


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [("prod", "prod", 0), ("prod", "prdo", 1), ("prod", "pro", 1), ("prod", "xprod", 1), ("abcd", "badc", 2), ("prod", "test", 3), ("a", "abcd", 3)],
)
def test_letters_that_are_wrong_left_out_added_or_swapped_are_counted_up_to_two(left: str, right: str, distance: int) -> None:
    assert _distance(left, right, 2) == _distance(right, left, 2) == distance
