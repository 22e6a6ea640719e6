"""Long tables are counted and numbered in pieces as short ones are in one."""

from __future__ import annotations

import polars as pl
import pytest

from policycheck import row_keys

TABLE = pl.DataFrame({"resource": [None, "b", "a", "b", None, "c", "a"], "place": [1, 2, 1, 2, 1, 1, 3]})


@pytest.mark.parametrize("longest", [2, 1000])
def test_rows_have_the_numbers_of_what_they_say(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_keys, "_LONG", longest)
    keys = row_keys.number_in_order(TABLE, "number")
    assert keys["number"].to_list() == [0, 1, 2, 3, 4]
    assert keys.select("resource", "place").rows() == [(None, 1), ("b", 2), ("a", 1), ("c", 1), ("a", 3)]
    assert row_keys.number(TABLE, keys, "number").to_list() == [0, 1, 2, 1, 0, 3, 4]
    assert set(row_keys.distinct(TABLE.lazy(), len(TABLE)).rows()) == set(TABLE.rows())


@pytest.mark.parametrize("longest", [1, 1000])
def test_an_empty_table_has_no_numbers(longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_keys, "_LONG", longest)
    keys = row_keys.number_in_order(TABLE.clear(), "number")
    assert len(keys) == 0
    assert row_keys.number(TABLE.clear(), keys, "number").to_list() == []
