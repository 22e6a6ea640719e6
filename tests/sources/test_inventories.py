"""Inventories as people keep them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from policycheck.errors import EvidenceError, UsageError
from policycheck.inventory import InventoryEntry
from policycheck.sources.inventories import parse_inventory, read_inventories, read_inventory
from tests.tables import each

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
    "resource explorer": f'{{"Resources": [{{"Arn": "{INSTANCE}", "OwningAccountId": "111122223333", "Region": "eu-west-1", '
    f'"ResourceType": "ec2:instance", "Service": "ec2", "Properties": []}}], '
    f'"Count": {{"Complete": true, "TotalResources": 1}}, "ViewArn": "arn:aws:resource-explorer-2:eu-west-1:111122223333:view/all/1"}}',
    "config with its query": f'{{"Results": ["{{\\"arn\\": \\"{INSTANCE}\\"}}"], "QueryInfo": {{"SelectFields": [{{"Name": "arn"}}]}}}}',
    "boto3": f'{{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}"}}], "ResponseMetadata": {{"HTTPStatusCode": 200, "RetryAttempts": 0}}}}',
    "account with hyphens": f"arn,account\n{INSTANCE},1111-2222-3333\n",
    "a page without resources": f'[{{"ResourceTagMappingList": []}}, {{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}"}}]}}]',
    "two keys that agree": f'[{{"arn": "{INSTANCE}", "type": "EC2", "resourceType": "AWS::EC2::Instance", "region": "Ireland", "AwsRegion": "eu-west-1"}}]',
    "a word for the type": f"arn,type\n{INSTANCE},Instance\n",
}
REFUSED = {
    "": "is empty",
    "[]": "it lists no resource",
    "arn,name\n": "it lists no resource",
    f'["{INSTANCE}"': "is not a complete JSON document:",
    '["i-1"]': "entry 1 has no ARN: i-1",
    '[{"name": "web"}]': "entry 1 has no ARN: name web",
    f'[{{"arn": "{INSTANCE}", "account": 11122223333}}]': "11122223333 is not an account ID of 12 digits",
    f'{{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}"}}], "PaginationToken": "x"}}': "is incomplete: it has a PaginationToken",
    f'{{"Results": [{{"ResourceArn": "{INSTANCE}"}}], "NextToken": "x"}}': "is incomplete: it has a NextToken",
    f'{{"Results": [{{"ResourceArn": "{INSTANCE}"}}], "next_token": "x"}}': "is incomplete: it has a next_token",
    f'{{"Resources": [{{"arn": "{INSTANCE}"}}], "paginationToken": "x"}}': "is incomplete: it has a paginationToken",
    f'{{"Resources": [{{"arn": "{INSTANCE}"}}], "IsTruncated": true}}': "is incomplete: it has IsTruncated: True",
    f"resources:\n- arn: {INSTANCE}\nis_truncated: true\n": "is incomplete: it has is_truncated: true",
    f'[{{"arn": "{INSTANCE}", "name": "a"}}, {{"arn": "{INSTANCE}", "name": "b"}}]': "twice with different values",
    f'[{{"arn": "{INSTANCE}", "arn": "{DATABASE}"}}]': "a key appears twice",
    f"arn,name\n{INSTANCE},a,b\n": "a row of another length than its header, in line 2",
    f'arn,name\n{INSTANCE},"web\n{DATABASE},db"\n': "has an ARN behind a line break in one cell, before line 3",
    f"arn,ResourceArn\n{INSTANCE},{DATABASE}\n": "has a column twice",
    f'arn,name\n{INSTANCE},"a\n': "is not a complete CSV file:",
    "name,type\nweb,EC2\n": "is neither a list of resources",
    "[[]]": "entry 1 is neither an ARN nor an object",
    f'[{{"arn": "{INSTANCE}", "tags": {{"A": true}}}}]': "entry 1: a tag is not a text",
    f'[{{"arn": "{INSTANCE}", "tags": [{{"Value": "x"}}]}}]': "a tag has no Key",
    f"- &a {INSTANCE}\n- *a\n": "anchor or alias",
    f"- {DATABASE}\n- {INSTANCE}": "might be cut off",
    f"- {{arn: {DATABASE}}}\n- arn: {INSTANCE}\n  type: EC": "might be cut off",
    f"- {DATABASE}\n- arn: {INSTANCE}\n  ": "might be cut off: it ends in a line of blanks",
}


LISTED = f'"Resources": [{{"arn": "{INSTANCE}"}}]'
INCOMPLETE = {
    "NextToken": '"x"',
    "nextToken": '"x"',
    "PaginationToken": '"x"',
    "next_page_token": '"x"',
    "NextMarker": '"x"',
    "IsTruncated": "true",
    "truncated": '"yes"',
    "partial": "true",
    "HasMoreResults": "true",
    "Complete": "false",
    "complete": '"No"',
    "Error": '"denied"',
    "Errors": '[{"Code": "AccessDenied"}]',
    "errorMessage": '"slow down"',
    "QueryErrors": '[{"ErrorCode": "X"}]',
    "UnprocessedResources": "[1]",
    "failed_accounts": '["111122223333"]',
    "HTTPStatusCode": "503",
    "TotalResources": "2",
    "total_count": '"17"',
}
WHOLE_AFTER_ALL = {
    "NextToken": '""',
    "PaginationToken": "null",
    "IsTruncated": "false",
    "Complete": "true",
    "Errors": "[]",
    "Error": "null",
    "HTTPStatusCode": "200",
    "TotalResources": "1",
    "generated": '"2026-11-20"',
}
DEEP = {
    "beside the list": "{{{rows}, {member}}}",
    "in a member beside the list": '{{{rows}, "Meta": {{"x": {{{member}}}}}}}',
    "around the list": '{{"Answer": {{{rows}}}, {member}}}',
    "in one of several pages": '[{{{rows}}}, {{"Resources": [], {member}}}]',
}


@each("place", DEEP)
@each("key", INCOMPLETE)
def test_an_inventory_that_says_it_is_incomplete_is_refused_at_any_depth(key: str, place: str) -> None:
    text = DEEP[place].format(rows=LISTED, member=f'"{key}": {INCOMPLETE[key]}')
    with pytest.raises(EvidenceError, match=r"is incomplete|failed request"):
        parse_inventory("prod", "x.json", text.encode())


@pytest.mark.parametrize("key", WHOLE_AFTER_ALL)
def test_an_inventory_that_says_it_is_whole_is_read(key: str) -> None:
    for place in DEEP.values():
        assert len(parse_inventory("prod", "x.json", place.format(rows=LISTED, member=f'"{key}": {WHOLE_AFTER_ALL[key]}').encode()).entries) == 1


SECOND = {
    "two lists in one answer": f'{{"Results": [{{"ResourceArn": "{INSTANCE}"}}], "Resources": [{{"arn": "{DATABASE}"}}]}}',
    "a list for each Region": f'{{"Ireland": ["{INSTANCE}"], "Frankfurt": ["{DATABASE}"]}}',
    "lists in lists": f'{{"111122223333": {{"eu-west-1": {{"ec2": ["{INSTANCE}"], "rds": ["{DATABASE}"]}}}}}}',
    "pages": f'[{{"ResourceTagMappingList": [{{"ResourceARN": "{INSTANCE}"}}]}}, {{"ResourceTagMappingList": [{{"ResourceARN": "{DATABASE}"}}]}}]',
    "documents": f"resources: [{INSTANCE}]\n---\nresources: [{DATABASE}]\n",
    "a list and an entry": f'{{"Resources": ["{INSTANCE}"], "more": {{"Identifier": {{"arn": "{DATABASE}"}}}}}}',
}


@pytest.mark.parametrize("form", SECOND)
def test_every_list_of_a_file_is_read(form: str) -> None:
    assert {entry.arn for entry in parse_inventory("prod", "x", SECOND[form].encode()).entries} == {INSTANCE, DATABASE}


def test_several_lists_are_told() -> None:
    assert parse_inventory("prod", "x", SECOND["two lists in one answer"].encode()).notes == (
        "2 lists in its file, and all were read: Results (1), Resources (1)",
    )


STRAY = {
    f'{{{LISTED}, "db": "{DATABASE}"}}': DATABASE,
    f'{{{LISTED}, "{DATABASE}": {{"type": "RDS"}}}}': DATABASE,
    f'{{{LISTED}, "db": {{"type": "RDS", "name": "orders"}}}}': "type RDS, name orders",
    f'{{{LISTED}, "columns": ["arn", "type"]}}': "2 entries cannot be read: entry 2 has no ARN: arn; entry 3 has no ARN: type",
    f'["{INSTANCE}", {{"foo": {{"bar": 1}}}}]': "entry 2 has no ARN",
    f"arn\n{INSTANCE} {DATABASE}\n": "several ARNs",
    f"arn,type\n{INSTANCE},EC2\n\narn,type\n{DATABASE},RDS\n": "entry 2 has no ARN: arn",
    f'[{{"arn": "{INSTANCE}", "ResourceArn": "{DATABASE}"}}]': "has two values for its arn",
    f'[{{"arn": "{INSTANCE}", "type": "EC2", "resource_type": "EBS"}}]': "has two values for its type",
}


@pytest.mark.parametrize("text", STRAY)
def test_what_could_be_an_entry_is_never_passed_over(text: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        parse_inventory("prod", "x", text.encode())
    assert STRAY[text] in caught.value.message


CONTRADICTIONS = {
    "type,EBS": ("EBS", "EC2"),
    "type,RDS DB instance": ("RDS DB instance", "EC2"),
    "type,AWS::Lambda::Function": ("AWS::Lambda::Function", "EC2"),
    "type,EC3": ("EC3 is not a known resource type", "EC2"),
    "region,us-east-1": ("us-east-1", "eu-west-1"),
    "region,Frankfurt": ("Frankfurt", "eu-west-1"),
    "region,Irland": ("Irland is not a Region", INSTANCE),
    "region,eu-west-1a": ("eu-west-1a is not a Region", INSTANCE),
    "account,444455556666": ("444455556666", "111122223333"),
    "account,shop": ("shop is not an account ID", INSTANCE),
    "account,11122223333": ("11122223333 is not an account ID", INSTANCE),
}


@pytest.mark.parametrize("said", CONTRADICTIONS)
def test_a_column_that_contradicts_the_arn_or_is_not_known_names_both(said: str) -> None:
    column, _, value = said.partition(",")
    with pytest.raises(EvidenceError) as caught:
        parse_inventory("prod", "x.csv", f"arn,{column}\n{INSTANCE},{value}\n".encode())
    assert all(part in caught.value.message for part in (*CONTRADICTIONS[said], INSTANCE))
    assert caught.value.hint


def test_other_words_for_type_region_and_account_are_read() -> None:
    text = f"arn;type;region;account\n{INSTANCE};EC2 Instance;Europe (Ireland);1111 2222 3333\narn:aws:s3:::logs;S3 buckets;EU WEST 1;111122223333\n"
    instance, bucket = parse_inventory("prod", "x.csv", text.encode()).entries
    assert (instance.resource_type, instance.region, instance.account) == ("EC2", "eu-west-1", "111122223333")
    assert (bucket.resource_type, bucket.region, bucket.account) == ("S3", "eu-west-1", "111122223333")


def test_what_is_listed_twice_or_of_another_services_type_is_named() -> None:
    function = "arn:aws:lambda:eu-west-1:111122223333:function:f"
    found = parse_inventory("prod", "x.json", f'["{INSTANCE}", "{INSTANCE}", {{"arn": "{function}", "resourceType": "AWS::Lambda::Function"}}]'.encode())
    assert [entry.arn for entry in found.entries] == [INSTANCE, function]
    assert found.notes == (
        f"{INSTANCE} is listed more than once, and counted once",
        f"{function} is of type AWS::Lambda::Function, which AWS Backup does not use: rules on a type do not select it",
    )


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


def test_a_csv_file_whose_last_line_does_not_end_is_read_and_named() -> None:
    text = f"arn,type\n{DATABASE},RDS\n{INSTANCE},EC2"
    (note,) = parse_inventory("prod", "x", text.encode()).notes
    assert note == "its last line has no line break: if the file was cut off there, entries are missing"
    assert parse_inventory("prod", "x", f"{text}\n".encode()).notes == parse_inventory("prod", "x", f"{text}\r\n".encode()).notes == ()


def test_yaml_that_ends_in_a_value_that_is_whole_is_read() -> None:
    for text in (f"- {{arn: {INSTANCE}, type: EC2}}", f'- "{INSTANCE}"'):
        assert [entry.arn for entry in parse_inventory("prod", "x", text.encode()).entries] == [INSTANCE]


CUT = {
    "json": f'[{{"arn": "{INSTANCE}", "type": "EC2"}}, {{"arn": "{DATABASE}", "type": "RDS", "tags": {{"Env": "prod"}}}}]',
    "yaml": f"- arn: {INSTANCE}\n  type: EC2\n- arn: {DATABASE}\n  tags:\n    Env: prod\n  type: RDS\n",
    "yaml list": f"- {INSTANCE}\n- {DATABASE}\n",
    "csv": f"arn,type,tags.Env\n{INSTANCE},EC2,\n{DATABASE},RDS,prod\n",
}


@pytest.mark.parametrize("form", CUT)
def test_an_inventory_that_is_cut_off_within_a_line_is_refused_or_named(form: str) -> None:
    text = CUT[form]
    silent = []
    for length in range(1, len(text) - 1):
        try:
            found = parse_inventory("prod", "x", text[:length].encode())
        except EvidenceError:
            continue
        if not text[:length].endswith("\n") and not found.notes:
            silent.append(text[:length])
    assert silent == []
