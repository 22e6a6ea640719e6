"""The second AWS Backup: that it is one, that it is hard to list, and that it owes nothing to policycheck."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import botocore.session
import pytest

from tests.listing.combinations import KEYS
from tests.listing.documents import read_json, read_table, read_text, read_yaml_stream
from tests.listing.generated import MANAGEMENT, PLACES, REGION, lists_of
from tests.listing.second_backup import OPERATIONS, UNKNOWN_MEMBER, SecondBackup, serve_second_backup

HERE = Path(__file__).parent
MODEL = botocore.session.get_session().get_service_model("backup")
NAMES = {"/backup-jobs": "ListBackupJobs", "/copy-jobs": "ListCopyJobs", "/restore-jobs": "ListRestoreJobs"}


@pytest.fixture(scope="module")
def served() -> Iterator[SecondBackup]:
    with serve_second_backup() as running:
        yield running


def get(served: SecondBackup, path: str = "/backup-jobs/", **query: str) -> dict[str, Any]:
    with urlopen(f"{served.url}{path}?{urlencode(query)}") as answer:
        document: dict[str, Any] = json.loads(answer.read())
    return document


def pages(served: SecondBackup, path: str = "/backup-jobs/", **query: str) -> Iterator[dict[str, Any]]:
    token: str | None = ""
    while token is not None:
        page = get(served, path, **query, **({"nextToken": token} if token else {}))
        yield page
        token = page["NextToken"]


@pytest.mark.parametrize("module", ["second_backup.py", "generated.py"])
def test_it_imports_nothing_of_policycheck_moto_or_botocore(module: str) -> None:
    tree = ast.parse((HERE / module).read_text(encoding="utf-8"))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.split(".")[0] in {"policycheck", "moto", "boto3", "botocore"}}


@pytest.mark.parametrize("path", OPERATIONS)
def test_it_takes_the_queries_of_the_model(path: str) -> None:
    operation = MODEL.operation_model(NAMES[path])
    key, filters = OPERATIONS[path]
    assert operation.http["requestUri"].rstrip("/") == path
    assert set(operation.output_shape.members) == {key, "NextToken"}
    assert {shape.serialization["name"] for shape in operation.input_shape.members.values()} == {*filters, "nextToken", "maxResults", "accountId"}


@pytest.mark.parametrize("path", OPERATIONS)
def test_its_records_have_every_member_of_the_model_and_one_more(path: str, served: SecondBackup) -> None:
    key = OPERATIONS[path][0]
    members = {name for page in pages(served, path) for record in page[key] for name in record}
    assert members == {*MODEL.operation_model(NAMES[path]).output_shape.members[key].member.members, UNKNOWN_MEMBER}


def test_its_pages_are_whole_half_and_empty(served: SecondBackup) -> None:
    sizes = [len(page["BackupJobs"]) for page in pages(served, maxResults="8")]
    assert sizes[:4] == [8, 4, 0, 8]
    assert sum(sizes) == 40


def test_its_tokens_need_quoting_and_serve_the_request_they_were_given_for(served: SecondBackup) -> None:
    token = get(served, maxResults="8")["NextToken"]
    assert {"+", "/"} & set(token)
    for query in ({"nextToken": "nonsense"}, {"nextToken": token, "state": "FAILED"}, {"nextToken": ""}, {"maxResults": "1001"}, {"state": "DONE"}):
        with pytest.raises(HTTPError) as refused:
            get(served, **query)
        refused.value.close()
        assert refused.value.headers["x-amzn-ErrorType"].startswith("InvalidParameterValueException")


def test_its_values_are_those_that_are_easily_spoiled(served: SecondBackup) -> None:
    records = [record for page in pages(served) for record in page["BackupJobs"]]
    times = [record["CreationDate"] for record in records]
    assert {type(time) for time in times} == {int, float}
    assert any(record.get("BackupSizeInBytes", 0) and record["BackupSizeInBytes"] > 2**53 for record in records if record.get("BackupSizeInBytes"))
    assert any(value is None for record in records for value in record.values())
    assert any(not name.isascii() for record in records for name in [record.get("ResourceName") or ""])


def test_the_same_seed_gives_the_same_jobs() -> None:
    assert lists_of(*PLACES[0], seed=1, count=5) == lists_of(MANAGEMENT, REGION, seed=1, count=5) != lists_of(*PLACES[0], seed=2, count=5)
    assert set(lists_of(*PLACES[0], seed=1, count=1)) == set(KEYS.values())


# What makes two answers differ


def test_whole_and_decimal_numbers_differ() -> None:
    assert read_json('{"a": 1}') != read_json('{"a": 1.0}')
    assert read_json('{"a": 9007199254740993}') != read_json('{"a": 9007199254740992}')
    assert read_json('{"a": true}') != read_json('{"a": 1}')
    assert read_yaml_stream("a: 1\n---\nb: '1'\n") == [read_json('{"a": 1}'), read_json('{"b": "1"}')]


def test_cells_differ_by_their_text_and_their_place() -> None:
    assert read_text("A\tb c\nD") == [["A", "b c"], ["D"]]
    assert read_table("+---+----+\n|| a |  b ||\n|+---+|\n") == read_table("|a|b|\n") == [["a", "b"]]
    assert read_table("|a||b|") != read_table("|a|b|")
