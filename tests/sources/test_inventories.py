"""Inventories as people keep them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from policycheck.errors import EvidenceError, UsageError
from policycheck.inventory import InventoryEntry
from policycheck.sources.inventories import read_inventories, read_inventory

INSTANCE = "arn:aws:ec2:eu-west-1:111122223333:instance/i-1"
DATABASE = "arn:aws:rds:eu-west-1:011122223333:db:orders"
ENTRY = InventoryEntry(DATABASE, "011122223333", "eu-west-1", "orders", "RDS", "shop", {"Env": "1.10", "Owner": ""})
WHOLE = {
    "csv": f"arn,name,account name,tag:Env,tags.Owner\n{DATABASE},orders,shop,1.10,\n",
    "semicolons and CRLF": f"Resource ARN;Name;AccountName;tag:Env;tag:Owner\r\n{DATABASE};orders;shop;1.10;\r\n",
    "tabs": f"arn\tname\taccount_name\ttag:Env\ttag:Owner\n{DATABASE}\torders\tshop\t1.10\t\n",
    "json": f'[{{"arn": "{DATABASE}", "name": "orders", "account_name": "shop", "tags": {{"Env": "1.10", "Owner": ""}}}}]',
    "yaml": f"- arn: {DATABASE}\n  name: orders\n  account: 011122223333\n  account_name: shop\n  tags: {{Env: 1.10, Owner: ''}}\n",
}
ARNS = {
    "json list": f'["{INSTANCE}"]',
    "yaml list": f"- {INSTANCE}\n",
    "csv column": f"ResourceArn\n{INSTANCE}\n",
    "tagging api": f'{{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}", "Tags": []}}], "PaginationToken": ""}}',
    "protected resources": f'{{"Results": [{{"ResourceArn": "{INSTANCE}", "ResourceType": "EC2", "LastBackupTime": "2026-11-19T05:00:00Z"}}]}}',
    "config query": f'{{"Results": ["{{\\"arn\\": \\"{INSTANCE}\\", \\"resourceType\\": \\"AWS::EC2::Instance\\"}}"]}}',
    "whole": f'{{"Resources": [{{"arn": "{INSTANCE}"}}], "IsTruncated": false, "nextToken": null}}',
    "twice the same": f'["{INSTANCE}", "{INSTANCE}"]',
}
REFUSED = {
    "": "is empty",
    "[]": "it lists no resource",
    "arn,name\n": "it lists no resource",
    f'["{INSTANCE}"': "no whole JSON",
    '["i-1"]': "entry 1 has no ARN: i-1",
    '[{"name": "web"}]': "entry 1 has no ARN: nothing",
    f'[{{"arn": "{INSTANCE}", "account": 11122223333}}]': "11122223333 is no account id of 12 digits",
    f'{{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}"}}], "PaginationToken": "x"}}': "is incomplete: it has a PaginationToken",
    f'{{"Results": [{{"ResourceArn": "{INSTANCE}"}}], "NextToken": "x"}}': "is incomplete: it has a NextToken",
    f'{{"Results": [{{"ResourceArn": "{INSTANCE}"}}], "next_token": "x"}}': "is incomplete: it has a next_token",
    f'{{"Resources": [{{"arn": "{INSTANCE}"}}], "paginationToken": "x"}}': "is incomplete: it has a paginationToken",
    f'{{"Resources": [{{"arn": "{INSTANCE}"}}], "IsTruncated": true}}': "is incomplete: it has IsTruncated: True",
    f"resources:\n- arn: {INSTANCE}\nis_truncated: true\n": "is incomplete: it has is_truncated: true",
    f'[{{"arn": "{INSTANCE}", "name": "a"}}, {{"arn": "{INSTANCE}", "name": "b"}}]': "says different things of it",
    f'[{{"arn": "{INSTANCE}", "arn": "{DATABASE}"}}]': "a key stands twice",
    f"arn,name\n{INSTANCE},a,b\n": "a row of another length than its header, in line 2",
    f"arn,ResourceArn\n{INSTANCE},{DATABASE}\n": "has a column twice",
    f'arn,name\n{INSTANCE},"a\n': "is no whole CSV file",
    "name,type\nweb,EC2\n": "is neither a list of resources",
    "[[]]": "entry 1 is neither an ARN nor an object",
    f'[{{"arn": "{INSTANCE}", "tags": {{"A": true}}}}]': "entry 1: a tag is no text",
    f'[{{"arn": "{INSTANCE}", "tags": [{{"Value": "x"}}]}}]': "a tag has no Key",
    f"- &a {INSTANCE}\n- *a\n": "anchor or alias",
}


def _write(folder: Path, text: str) -> str:
    path = folder / "inventory"
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


@pytest.mark.parametrize("form", WHOLE)
def test_every_form_says_the_same_of_a_resource(form: str, tmp_path: Path) -> None:
    assert read_inventory("prod", _write(tmp_path, WHOLE[form])).entries == (ENTRY,)


@pytest.mark.parametrize("form", ARNS)
def test_an_arn_tells_account_region_and_an_unambiguous_type(form: str, tmp_path: Path) -> None:
    (entry,) = read_inventory("prod", _write(tmp_path, ARNS[form])).entries
    assert (entry.arn, entry.account, entry.region, entry.resource_type) == (INSTANCE, "111122223333", "eu-west-1", "EC2")


@pytest.mark.parametrize("text", REFUSED)
def test_what_could_shorten_an_inventory_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError) as caught:
        read_inventory("prod", _write(tmp_path, text))
    assert REFUSED[text] in caught.value.message
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_a_cluster_may_be_of_several_types_and_is_of_none(tmp_path: Path) -> None:
    text = '["arn:aws:rds:eu-west-1:111122223333:cluster:orders", "arn:aws:s3:::bucket"]'
    cluster, bucket = read_inventory("prod", _write(tmp_path, text)).entries
    assert cluster.resource_type is None
    assert (bucket.account, bucket.region, bucket.resource_type) == (None, None, "S3")


def test_a_packed_inventory_is_read(tmp_path: Path) -> None:
    path = tmp_path / "inventory.csv.gz"
    path.write_bytes(gzip.compress(f"arn\n{INSTANCE}\n".encode()))
    assert len(read_inventory("prod", str(path)).entries) == 1


def test_text_is_cleaned_where_it_enters(tmp_path: Path) -> None:
    (entry,) = read_inventory("prod", _write(tmp_path, f'[{{"arn": "{INSTANCE}", "name": "a\\u001b[31m\\nb", "tags": {{"A\\u202e": "c\\u0007"}}}}]')).entries
    assert (entry.name, dict(entry.tags)) == ("a\ufffd[31m b", {"A\ufffd": "c\ufffd"})


def test_a_file_that_is_not_there_is_missing_evidence() -> None:
    with pytest.raises(EvidenceError, match="cannot read the inventory"):
        read_inventories(["prod=no/such/file.csv"])


@pytest.mark.parametrize("argument", ["prod", "=a.csv", "prod=", "a b=a.csv", "-x=a.csv"])
def test_an_argument_is_name_and_path(argument: str) -> None:
    with pytest.raises(UsageError, match="NAME=PATH"):
        read_inventories([argument])


def test_a_name_given_twice_is_a_mistake(tmp_path: Path) -> None:
    path = _write(tmp_path, f'["{INSTANCE}"]')
    with pytest.raises(UsageError, match="given twice"):
        read_inventories([f"prod={path}", f"prod={path}"])
