"""Output forms against the formatters of the AWS CLI itself, on documents that hypothesis makes up."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from awscli.formatter import JSONFormatter, TableFormatter
from awscli.text import format_text
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from policycheck.errors import UsageError
from policycheck.listing.forms.interface import Layout
from policycheck.listing.forms.registry import FORMS
from policycheck.listing.forms.text_lines import lines
from policycheck.listing.forms.yaml_document import dump
from tests.properties import examples

NAMES = st.sampled_from(["State", "AccountId", "Size", "CreatedBy", "Tags", "Zoë"])
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("aä日 -", max_size=6) | st.sampled_from([0.5, 1600721892.929, 1e20])
FLAT = st.dictionaries(NAMES, SCALARS, max_size=4)
RECORDS = st.dictionaries(NAMES, SCALARS | FLAT | st.lists(SCALARS, max_size=3) | st.lists(FLAT, max_size=2), max_size=5)
FEW = settings(max_examples=25)
PAGES = st.lists(st.lists(RECORDS, max_size=3), min_size=1, max_size=3)


def written(form: str, pages: list[list[dict[str, Any]]], token: str | None = None, **layout: Any) -> str:
    sink = BytesIO()
    writer = FORMS[form](Layout("BackupJobs", "NextToken", "ListBackupJobs", **layout), sink)
    for page in pages:
        writer.write(page, None)
    writer.finish(token, {})
    return sink.getvalue().decode()


def document(pages: list[list[dict[str, Any]]], token: str | None) -> dict[str, Any]:
    return {"BackupJobs": [job for page in pages for job in page], **({} if token is None else {"NextToken": token})}


def awscli(kind: Any, value: Any, **more: Any) -> str:
    stream = StringIO()
    kind(SimpleNamespace(query=None, color="off"), **more)("ListBackupJobs", value, stream)
    return stream.getvalue()


@FEW
@given(PAGES, st.none() | st.just("token"))
def test_json_is_the_document_of_the_aws_cli(pages: list[list[dict[str, Any]]], token: str | None) -> None:
    whole = document(pages, token)
    assert json.loads(written("json", pages, token)) == json.loads(awscli(JSONFormatter, whole)) == whole


def test_json_has_the_aws_cli_s_very_bytes() -> None:
    pages: list[list[dict[str, Any]]] = [[{"A": 1, "B": {"C": [1, "ä"], "D": {}}}], [], [{"E": []}]]
    assert written("json", pages, "t") == awscli(JSONFormatter, document(pages, "t"))
    assert written("json", [[]]) == awscli(JSONFormatter, document([[]], None))


@FEW
@given(RECORDS | st.lists(RECORDS, max_size=3) | st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=4) | SCALARS)
def test_text_has_the_lines_of_the_aws_cli(value: Any) -> None:
    stream = StringIO()
    format_text(value, stream)
    assert "".join(f"{line}\n" for line in lines(value)) == stream.getvalue()


@FEW
@given(PAGES, st.none() | st.just("token"))
def test_a_table_has_the_cells_of_the_aws_cli(pages: list[list[dict[str, Any]]], token: str | None) -> None:
    assert written("table", pages, token) == awscli(TableFormatter, document(pages, token))


def test_rows_of_different_length_are_no_table() -> None:
    with pytest.raises(UsageError, match="different numbers of cells"):
        written("table", [[]], query=lambda _: [[1, 2], [3]])


@FEW
@given(PAGES, st.none() | st.just("token"))
def test_yaml_reads_back_as_the_document(pages: list[list[dict[str, Any]]], token: str | None) -> None:
    assert YAML(typ="safe", pure=True).load(written("yaml", pages, token)) == document(pages, token)


SPECIAL = ["", "~", "null", "yes", "1_000", "0o17", "1e3", ".inf", "2026-01-01", "=", "<<", "- a", "a: b", "# a", "a #b", "'", '"', "x" * 200, "word " * 60]
STRANGE = st.text(max_size=12) | st.text("a \n\t'\"#:-\x85\u2028\ufeff\U0001f600\x1bé", max_size=12) | st.sampled_from(SPECIAL)
SHARED: list[Any] = [["a"], {"b": []}]
DOCUMENTS = st.recursive(
    STRANGE | SCALARS | st.floats(allow_nan=False) | st.integers() | st.sampled_from(SHARED),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRANGE, inner, max_size=4),
    max_leaves=12,
)


@examples(st.lists(DOCUMENTS, max_size=3) | st.dictionaries(STRANGE, DOCUMENTS, max_size=3), few=12, many=300)
def test_yaml_is_what_the_library_writes_and_reads_back(value: Any) -> None:
    """With tags made once, as with a tag for each node, which the AWS CLI 2 has; strange texts, long ones and objects that stand in two places included."""
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = False
    stream = StringIO()
    yaml.dump(value, stream)
    assert dump(value) == stream.getvalue()
    assert YAML(typ="safe", pure=True).load(dump(value)) == value


def test_yaml_is_libyaml_s() -> None:
    """The emitter in Python would break the line after the colon."""
    assert dump({"a": "x" * 200}) == f"a: {'x' * 200}\n"


def test_a_lone_surrogate_is_escaped() -> None:
    assert dump(["\ud83d"]) == '- "\\uD83D"\n'


def test_a_yaml_stream_is_an_answer_for_each_page() -> None:
    found = written("yaml-stream", [[{"A": 1}], [{"A": 2}]])
    assert YAML(typ="safe", pure=True).load(found) == [{"BackupJobs": [{"A": 1}]}, {"BackupJobs": [{"A": 2}]}]


def test_an_empty_object_prints_nothing_as_in_the_aws_cli() -> None:
    assert [written(form, [[]], query=lambda _: {}) for form in ("json", "yaml", "table")] == ["", "", ""]
