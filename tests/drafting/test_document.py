"""A draft's text: scalars that read back as they were, comments that stay comments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from policycheck.drafting.document import comment, scalar
from policycheck.text import clean
from tests.properties import examples


def read(text: str) -> object:
    return YAML(typ="base", pure=True).load(text)


@examples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60).filter(lambda text: clean(text) == text), few=18, many=500)
def test_a_scalar_reads_back_as_the_text_it_was(text: str) -> None:
    assert read(f"key: {scalar(text)}\n") == {"key": text}
    assert "##[" not in scalar(text)


@pytest.mark.parametrize(
    "text", ["no", "Yes", "null", "a: b", "a #b", "ends:", "- a", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "`a`", "'a'", '"a"', "a\tb", "7"]
)
def test_what_yaml_would_read_as_something_else_stands_in_quotes(text: str) -> None:
    assert scalar(text).startswith('"')
    assert read(f"key: {scalar(text)}\n") == {"key": text}


@pytest.mark.parametrize("text", ["no FAILED jobs within ${window}", "24h", "${daily_limit}", "Read the job's StatusMessage; start one by hand."])
def test_what_reads_well_without_quotes_has_none(text: str) -> None:
    assert scalar(text) == text


@given(st.text(max_size=400))
def test_a_comment_is_comment_lines_whatever_it_quotes(text: str) -> None:
    assert all(line.startswith("  # ") for line in comment(text, "  ").split("\n") if line)
