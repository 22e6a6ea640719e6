"""Lists that are too long for memory come to what short ones come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck import long_tables
from policycheck.engine.backends import polars
from tests.random_estate import write_random_estate


@pytest.mark.parametrize("seed", range(2))
def test_a_long_list_comes_to_what_a_short_one_does(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    estate = write_random_estate(tmp_path, seed)
    monkeypatch.setattr(long_tables, "LIMIT", 1_000_000)
    expected = estate.check()
    monkeypatch.setattr(long_tables, "LIMIT", 1)
    monkeypatch.setattr(polars, "PIECE", 7)
    assert estate.check() == expected
