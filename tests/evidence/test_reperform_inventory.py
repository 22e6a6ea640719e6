"""Inventories of the second implementation, case by case from docs/groups-specification.md."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.evidence.reperform import InputError
from tests.evidence.documents import NO, RESOURCE, RESTORE, Json, at, changed, found, job, judge, said

A, B = "111122223333", "444455556666"
R2, R3 = RESOURCE + "2", RESOURCE + "3"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"
CLEAN: Json = {"Outcome": "clean"}


def entry(arn: str = RESOURCE, **changes: Any) -> Json:
    members = {"arn": arn, "account": A, "region": "eu-west-1", "type": "EC2", "name": "web", "account_name": "Prod", "tags": {"env": "prod"}, **changes}
    return {name: value for name, value in members.items() if value is not None}


def truth(conditions: Json, record: Json, inventories: dict[str, list[Json]] | None) -> bool | None:
    result = judge([record], none=conditions, inventories=inventories)
    return True if result["verdict"] == "fail" else None if result["possible"] else False


@pytest.mark.parametrize(
    ("conditions", "expected"),  # of a job of the entry in prod; dr lists another resource
    [
        ({"in_inventory": "prod"}, True),
        ({"in_inventory": "dr"}, False),
        ({"in_inventory": ["dr", "prod"]}, True),
        ({"in_inventory": "gone"}, None),
        ({"in_inventory": ["gone", "prod"]}, True),
        ({"in_inventory": ["gone", "dr"]}, None),
        ({"in_inventory": {"present": "true"}}, True),
        ({"in_inventory": {"present": "false"}}, False),
        ({"EncryptionKeyArn": {"in_inventory": "keys"}}, True),
        ({"EncryptionKeyArn": {"in_inventory": ["dr", "keys"]}}, True),
        ({"EncryptionKeyArn": {"in_inventory": "dr"}}, False),
        ({"EncryptionKeyArn": {"in_inventory": ["gone", "dr"]}}, None),
        ({"not": {"EncryptionKeyArn": {"in_inventory": "dr"}}}, True),
        ({"Tags.env": "prod"}, True),
        ({"Tags.env": {"starts_with": "pr"}}, True),
        ({"Tags.env": "Prod"}, False),
        ({"Tags.owner": "me"}, False),
        ({"not": {"Tags.owner": "me"}}, True),
        ({"Tags.owner": {"present": "false"}}, True),
        ({"AccountName": "Prod"}, True),
        ({"AccountName": {"matches": "^P"}}, True),
    ],
)
def test_a_record_carries_what_the_inventories_say_of_its_resource(conditions: Json, expected: bool | None) -> None:
    record = job(EncryptionKeyArn=KEY)
    assert truth(conditions, record, {"prod": [entry()], "dr": [entry(R2)], "keys": [{"arn": KEY}]}) is expected
    assert truth(conditions, record, None) is None  # a run without an inventory knows none of them


def test_a_resource_in_no_inventory() -> None:
    stranger, inventories = job(ResourceArn=R3), {"prod": [entry()], "dr": [entry(R2)]}
    assert truth({"in_inventory": "prod"}, stranger, inventories) is False
    assert truth({"in_inventory": {"present": "false"}}, stranger, inventories) is True
    assert truth({"Tags.env": "prod"}, stranger, inventories) is None
    assert truth({"AccountName": {"present": "true"}}, stranger, inventories) is None


def test_a_record_without_a_resource_may_be_of_any() -> None:
    for conditions in ({"in_inventory": "prod"}, {"in_inventory": {"present": "true"}}, {"Tags.env": "prod"}, {"AccountName": "Prod"}):
        assert truth(conditions, job(ResourceArn=None), {"prod": [entry()]}) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": B}, False),
        ({"region": "us-east-1"}, False),
        ({"account": None, "region": None}, True),
    ],
)
def test_a_job_belongs_to_an_entry_as_far_as_that_states_its_place(changes: Json, expected: bool) -> None:
    assert truth({"in_inventory": "prod"}, job(), {"prod": [entry(**changes)]}) is expected
    lost = job(AccountId=None, BackupVaultArn=None, ResourceArn="arn:aws:s3:::b")
    wanted = expected if changes.get("account", "") is None else None
    assert truth({"in_inventory": "prod"}, lost, {"prod": [entry("arn:aws:s3:::b", **changes)]}) is wanted


def test_values_come_from_the_first_inventory_by_name_that_has_them() -> None:
    inventories = {"z": [entry(tags={"env": "z", "owner": "z"}, account_name="Z")], "a": [entry(tags={"env": "a"}, account_name=None)]}
    for conditions in ({"Tags.env": "a"}, {"Tags.owner": "z"}, {"AccountName": "Z"}):
        assert truth(conditions, job(), inventories) is True
    assert truth({"AccountName": {"present": "false"}}, job(), {"a": [*inventories["a"], entry(R3)]}) is True
    assert truth({"AccountName": {"present": "false"}}, job(), {"a": inventories["a"]}) is None  # nobody recorded any


def test_an_entry_that_may_be_of_the_resource_leaves_its_values_unknown() -> None:
    bucket, nowhere = "arn:aws:s3:::b", {"account": None, "region": None}
    lost = job(AccountId=None, BackupVaultArn=None, ResourceArn=bucket)
    assert truth({"Tags.env": "b"}, lost, {"b": [entry(bucket, tags={"env": "b"}, **nowhere)]}) is True
    assert truth({"Tags.env": "b"}, lost, {"a": [entry(bucket)], "b": [entry(bucket, tags={"env": "b"}, **nowhere)]}) is None


def rule(jobs: list[Json], entries: list[Json] | None, *, expect: Json | None = None, **keys: Any) -> Json:
    asked = expect or {"newest": {"of": CLEAN, "at_most": "24h"}}
    inventories = None if entries is None else {"prod": entries}
    return judge(jobs, expect=asked, per=["ResourceArn"], inventory="prod", inventories=inventories, **keys)


def test_the_subjects_are_the_entries() -> None:
    jobs = [job(), job(BackupJobId="j2", ResourceArn=R2, State="FAILED")]
    result = rule(jobs, [entry(), entry(R3)])
    assert (said(result), result["examined"], found(result)) == (("fail", 2, 0), 1, {R3: []})
    assert result["findings"][0] == {"account": A, "region": "eu-west-1", "subject": R3, "jobs": [], "waived": False}
    assert said(rule(jobs, [entry()])) == ("pass", 1, 0)
    assert said(rule(jobs, [entry(), entry(R2)])) == ("fail", 2, 0)
    there = job(BackupJobId="j3", AccountId=B, ResourceArn=R3)
    assert said(rule([*jobs, there], [entry(account=B)])) == ("fail", 1, 0)  # the job ran in another account
    assert said(rule(jobs, [entry(account=B)])) == ("inconclusive", 1, 1)  # where nobody looked
    assert said(rule(jobs, [entry(account=None, region=None)])) == ("pass", 1, 0)


def test_a_rule_whose_inventory_is_not_there_is_inconclusive() -> None:
    for no_data in ("pass", "skip", "fail", "quiet", "inconclusive"):
        assert said(rule([job()], None, no_data=no_data)) == ("inconclusive", 0, 0)


@pytest.mark.parametrize(
    ("where", "expected"),  # the entry is RDS, in Prod, tagged env=prod; of a second one only the ARN is known
    [
        ({}, ("fail", 2, 0)),
        ({"ResourceType": "rds"}, ("fail", 2, 1)),
        ({"ResourceType": "EC2"}, ("inconclusive", 1, 1)),
        ({"ResourceName": "web"}, ("fail", 2, 1)),
        ({"ResourceName": {"starts_with": "x"}}, ("inconclusive", 1, 1)),
        ({"AccountName": "Prod"}, ("fail", 1, 0)),  # some entry has one, so that this one is known to have none
        ({"Tags.env": "prod"}, ("fail", 1, 0)),
        ({"Tags.env": "test"}, ("inconclusive", 0, 0)),
        ({"Account": B}, ("inconclusive", 1, 1)),
        ({"Region": "eu-west-1"}, ("fail", 2, 1)),
        ({"in_inventory": "prod"}, ("fail", 2, 0)),
        ({"in_inventory": "gone"}, ("inconclusive", 2, 2)),
        ({"not": {"in_inventory": {"present": "true"}}}, ("inconclusive", 0, 0)),
        ({"State": "COMPLETED"}, ("fail", 2, 0)),  # not a condition on a resource
        ({"any": [{"ResourceType": "EC2"}, {"State": "COMPLETED"}]}, ("fail", 2, 0)),
        ({"any": [{"ResourceType": "EC2", "State": "COMPLETED"}]}, ("inconclusive", 1, 1)),  # an `any` of one is that one
        ({"not": {"not": {"ResourceType": "EC2", "State": "COMPLETED"}}}, ("inconclusive", 1, 1)),
        ({"not": {"ResourceType": "RDS", "State": "COMPLETED"}}, ("fail", 2, 0)),
        ({"ResourceArn": R2}, ("fail", 1, 0)),
    ],
)
def test_where_chooses_entries_by_what_they_say(where: Json, expected: tuple[str, int, int]) -> None:
    assert said(rule([job()], [entry(R2, type="RDS"), {"arn": R3}], where=where)) == expected


def test_only_entries_in_scope_are_subjects() -> None:
    jobs = [job()]
    assert said(rule(jobs, [entry(), entry(R2, account=B)], scope={"accounts": [A]})) == ("pass", 1, 0)
    assert said(rule(jobs, [entry(), entry(R2, account=None)], scope={"accounts": [A]})) == ("fail", 2, 0)
    assert said(rule(jobs, [entry(account=B)], scope={"accounts": [A]}, no_data="skip")) == ("skipped", 0, 0)


def test_a_job_that_may_belong_to_an_entry_is_never_passed_over() -> None:
    count: Json = {"count": {"of": {"State": "FAILED"}, "at_most": "0"}}
    assert said(rule([job(), job(BackupJobId="j2", ResourceArn=None, State="FAILED")], [entry()], expect=count)) == ("inconclusive", 1, 0)
    lost = job(BackupJobId="j2", AccountId=None, BackupVaultArn=None, ResourceArn="arn:aws:s3:::b", State="FAILED")
    assert said(rule([job(), lost], [entry(), entry("arn:aws:s3:::b")], expect=count)) == ("inconclusive", 2, 1)
    assert said(rule([job(), lost], [entry()], expect=count)) == ("pass", 1, 0)  # of no entry, wherever it ran


def test_an_inventory_needs_no_backup_jobs_but_its_own_list() -> None:
    restore = changed(RESTORE, {"CreationDate": at(-10)})
    asked: Json = {"newest": {"of": {"Status": "COMPLETED"}, "at_most": "24h"}}
    assert said(rule([restore], [entry()], expect=asked, dataset="restore_jobs")) == ("pass", 1, 0)
    assert said(rule([restore], [entry(), entry(R2)], expect=asked, dataset="restore_jobs")) == ("fail", 2, 0)


def test_a_place_of_the_inventory_that_nobody_read_is_short_evidence() -> None:
    none_failed: Json = {"count": {"of": {"State": "FAILED"}, "at_most": "0"}}
    far = entry(R2, region="us-east-1")
    assert said(rule([job()], [entry(), far], expect=none_failed)) == ("inconclusive", 2, 0)
    assert said(rule([job()], [entry(), far], expect=none_failed, scope={"may_be_empty": [f"{A}/us-east-1"]})) == ("pass", 2, 0)
    assert said(rule([job()], [entry(), entry(R2)], expect=none_failed)) == ("pass", 2, 0)


def test_no_resource_of_an_inventory_is_new() -> None:
    count: Json = {"count": {"of": CLEAN, "at_least": "2"}}
    assert said(rule([job()], [entry()], expect=count, within="24h")) == ("fail", 1, 0)
    assert judge([job()], expect=count, per=["ResourceArn"], within="24h")["pending"] == 1


@pytest.mark.parametrize("no_data", ["pass", "skip", "fail", "quiet", "inconclusive"])
def test_an_inventory_without_subjects_takes_no_data(no_data: str) -> None:
    expected = {"pass": "pass", "skip": "skipped", "fail": "fail"}.get(no_data, "inconclusive")
    assert rule([job()], [entry()], where=NO, no_data=no_data)["verdict"] == expected


@pytest.mark.parametrize(
    "inventories",
    [
        [0],
        {"prod": {}},
        {"prod": [{}]},
        {"prod": [{"arn": 1}]},
        {"prod": [{"arn": ""}]},
        {"prod": [entry(tags={"a": 1})]},
        {"prod": [entry() | {"owner": "x"}]},
        {"prod": ["arn"]},
    ],
)
def test_an_inventory_that_is_not_understood_is_refused(inventories: Any) -> None:
    with pytest.raises(InputError):
        judge([], none={"State": "FAILED"}, inventories=inventories)


@pytest.mark.parametrize(
    "conditions", [{"in_inventory": {"contains": "p"}}, {"in_inventory": {"at_least": "p"}}, {"Tags.": "x"}, {"tags.env": "x"}, {"Tags.env": {"at_least": "1"}}]
)
def test_an_inventory_field_takes_its_own_operators(conditions: Json) -> None:
    with pytest.raises(InputError):
        judge([], none=conditions)
