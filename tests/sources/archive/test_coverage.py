"""What fetches cover together, and how far back a run reads."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from policycheck.sources.archive.fetches import FetchRow, covered
from policycheck.sources.plan import reach_back
from tests.properties import examples
from tests.sources.archive.conftest import DAY, write_policy
from tests.sources.loopback import ACCOUNT, NOW, REGION

HOUR = timedelta(hours=1)
ROW = FetchRow(
    fetch="f", dataset="backup_jobs", account=ACCOUNT, region=REGION, asker="a", caller=None, source="", parameters="{}", covers_from=NOW, covers_to=NOW,
    complete=True, error="", started=NOW, answered=NOW, finished=NOW, open_since=None, listed_open_since=None, pages=1, jobs=0, added=0, table_version=1,
    page_digests="", tool="",
)  # fmt: skip
_KINDS = st.sampled_from(("complete", "failed", "lost"))


def row(start: int, end: int, kind: str) -> FetchRow:
    """Of some hours after `NOW`."""
    return replace(ROW, covers_from=NOW + start * HOUR, covers_to=NOW + end * HOUR, complete=kind == "complete", lost=kind == "lost")


@examples(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8), _KINDS), max_size=8), st.integers(0, 30), few=60, many=2_000)
def test_an_hour_is_covered_where_the_last_word_on_it_is_a_complete_fetch(told: list[tuple[int, int, str]], until: int) -> None:
    rows = [row(start, start + length, kind) for start, length, kind in told]
    found = covered(rows, NOW + until * HOUR)
    assert all(before[1] < after[0] for before, after in pairwise(found))
    for hour in range(until):
        last = [kind for start, length, kind in told if start <= hour < start + length and kind != "failed"]
        middle = NOW + (hour + 0.5) * HOUR
        assert any(start < middle < end for start, end in found) == (bool(last) and last[-1] == "complete")


def test_the_last_fetch_speaks_for_five_minutes_more() -> None:
    rows = [row(0, 2, "complete")]
    assert covered(rows, NOW + 2 * HOUR + timedelta(minutes=5)) == [(NOW, NOW + 2 * HOUR + timedelta(minutes=5))]
    assert covered(rows, NOW + 2 * HOUR + timedelta(minutes=6)) == [(NOW, NOW + 2 * HOUR)]
    assert covered(rows, NOW - HOUR) == []


REACHES = {
    ("no FAILED jobs within 24h",): DAY,
    ("no FAILED jobs within 24h", "no ABORTED jobs within 7d"): 7 * DAY,
    ("no FAILED jobs within 24h unless recovered within 2d",): 3 * DAY,
    ("every resource must have a COMPLETED job within 3d",): 30 * DAY,
    ("every resource must have a COMPLETED job within 90d", "no FAILED jobs within 1d"): 90 * DAY,
    ("no FAILED jobs", "no ABORTED jobs within 1d"): None,
}


@pytest.mark.parametrize("rules", REACHES, ids=" and ".join)
def test_a_run_reads_back_to_what_its_rules_look_at(rules: tuple[str, ...], tmp_path: Path) -> None:
    reach = REACHES[rules]
    assert reach_back(write_policy(tmp_path / "policy.yaml", *rules), NOW) == (None if reach is None else NOW - reach)
