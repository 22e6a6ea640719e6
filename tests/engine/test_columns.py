"""What columns are called: every engine can tell them apart."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from policycheck.datasets import DATASETS
from policycheck.engine.columns import column_of, spell


def test_no_two_fields_of_a_list_have_columns_that_differ_by_case_alone() -> None:
    for dataset in DATASETS.values():
        columns = [column_of(name) for name in dataset.fields]
        assert len({column.lower() for column in columns}) == len(columns)
        assert [column for column in columns if not re.fullmatch(r"\w+", column, re.ASCII)] == []


@given(st.text(), st.text())
def test_tags_are_told_apart_whatever_their_names_are(one: str, other: str) -> None:
    columns = [column_of(f"Tags.{name}") for name in (one, other)]
    assert (columns[0].lower() == columns[1].lower()) is (one == other)
    assert all(re.fullmatch(r"\w+", column, re.ASCII) for column in columns)


@given(st.text())
def test_what_is_a_column_already_stays_as_it_is(name: str) -> None:
    assert column_of(column_of(f"Tags.{name}")) == column_of(f"Tags.{name}")
    assert column_of(f"_in_{spell(name)}") == f"_in_{spell(name)}"
