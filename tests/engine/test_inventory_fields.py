"""Conditions on what an inventory says: in_inventory, tags and account names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from policycheck.engine.compile import compile_condition
from policycheck.engine.evaluate import judge
from policycheck.engine.frame import ROW, build_frame
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.conditions import fields_of
from policycheck.records import micros
from policycheck.result import Coverage, Verdict
from tests.backends import BACKEND
from tests.engine.lists import AS_OF, INSTANCE, condition, job, job_list, load

OTHER = "arn:aws:ec2:eu-west-1:111122223333:instance/i-2"
JOBS = [job(), job(BackupJobId="j2", ResourceArn=OTHER), job(BackupJobId="j3", ResourceArn=None)]
PROD = Inventory("prod", "prod.csv", (InventoryEntry(INSTANCE, "111122223333", "eu-west-1", tags={"Env": "prod"}, account_name="shop"),))
DR = Inventory("dr", "dr.csv", (InventoryEntry(OTHER),))


def _truth(text: str, folder: Path, inventories: Mapping[str, Inventory]) -> list[bool | None]:
    wanted = condition(text, folder)
    frame = build_frame(job_list(JOBS), sorted(fields_of(wanted)), micros(AS_OF), BACKEND, inventories)
    return [value for _, value in sorted(BACKEND.rows(frame.columns.select(ROW, compile_condition(wanted, frame).alias("truth"))))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in_inventory: prod", [True, False, None]),
        ("in_inventory: [prod, dr]", [True, True, None]),
        ("in_inventory: nowhere", [None, None, None]),
        ("in_inventory: [prod, nowhere]", [True, None, None]),
        ("not: {in_inventory: prod}", [False, True, None]),
        ("in_inventory: {present: true}", [True, True, None]),
        ("in_inventory: {present: false}", [False, False, None]),
        ("Tags.Env: prod", [True, False, None]),
        ("Tags.Env: {present: false}", [False, True, None]),
        ("not: {Tags.Env: prod}", [False, True, None]),
        ("AccountName: shop", [True, False, None]),
    ],
)
def test_an_inventory_says_what_it_lists_and_a_job_without_a_resource_is_unknown(text: str, expected: list[bool | None], tmp_path: Path) -> None:
    assert _truth(text, tmp_path, {"prod": PROD, "dr": DR}) == expected


def test_a_tag_of_a_resource_that_no_inventory_lists_is_unknown(tmp_path: Path) -> None:
    assert _truth("Tags.Env: prod", tmp_path, {"prod": PROD}) == [True, None, None]
    assert _truth("Tags.Env: {present: false}", tmp_path, {"prod": PROD}) == [False, None, None]


@pytest.mark.parametrize("text", ["in_inventory: prod", "in_inventory: {present: false}", "Tags.Env: prod", "AccountName: {present: true}"])
def test_a_run_without_an_inventory_knows_nothing_of_it(text: str, tmp_path: Path) -> None:
    assert _truth(text, tmp_path, {}) == [None, None, None]


@pytest.mark.parametrize(
    ("rule", "inventories", "verdict", "told"),
    [
        ("none: {in_inventory: {present: false}}", {"prod": PROD}, Verdict.FAIL, "in_inventory none"),
        ("all: {in_inventory: dr}", {"prod": PROD, "dr": DR}, Verdict.FAIL, "in_inventory prod"),
        ("all: {Tags.Env: prod, in_inventory: prod}", {"prod": PROD}, Verdict.FAIL, "Tags.Env missing, in_inventory none"),
        ("none: {in_inventory: nowhere}", {"prod": PROD}, Verdict.INCONCLUSIVE, "a field it needs is unknown"),
        ("none: {in_inventory: prod}", {}, Verdict.INCONCLUSIVE, "in_inventory is unknown"),
    ],
)
def test_a_rule_may_ask_it_of_every_job(rule: str, inventories: dict[str, Inventory], verdict: Verdict, told: str, tmp_path: Path) -> None:
    jobs = [job()] if "dr" in inventories else [job(ResourceArn=OTHER)]
    coverage = [Coverage("backup_jobs", "111122223333", "eu-west-1", AS_OF - timedelta(days=60), AS_OF, 1)]
    (result,) = judge(
        load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n", tmp_path), {"backup_jobs": job_list(jobs)}, coverage, AS_OF, BACKEND, inventories=inventories
    )
    assert result.verdict is verdict
    assert told in "".join(finding.message for finding in result.findings) + result.reason
