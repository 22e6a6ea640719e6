"""Whether the list of the jobs that follow was read where, and when, one would have run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.links.definitions import DEADLINE, END
from policycheck.places import Place
from policycheck.records import micros
from policycheck.result import Coverage


def add_covered(columns: nw.LazyFrame[Any], place: tuple[str, str], coverage: Sequence[Coverage], backend: Backend, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether the other list was read where a following job would run, from the job's END to its DEADLINE. Never null.

    Args:
        place: the columns with that account and Region; where one is null, nothing is known to be covered.
        coverage: of the other list.
    """
    entries: defaultdict[Place, list[Coverage]] = defaultdict(list)
    for entry in coverage:
        entries[entry.account, entry.region].append(entry)
    # What several entries say of one place must hold by each.
    known = {where: found for where, found in entries.items() if None not in where and all(entry.speaks for entry in found)}
    times = [_common_times(found) for found in known.values()]
    table = backend.frame(
        {
            "_account": (ColumnType.TEXT, [account for account, _ in known]),
            "_region": (ColumnType.TEXT, [region for _, region in known]),
            "_from": (ColumnType.INTEGER, [first for first, *_ in times]),
            "_to": (ColumnType.INTEGER, [last for _, last, *_ in times]),
            "_evident_from": (ColumnType.INTEGER, [first for _, _, first, _ in times]),
            "_evident_to": (ColumnType.INTEGER, [last for _, _, _, last in times]),
        }
    )
    covered = (nw.col("_from") <= nw.col(END)) & (nw.col("_to") >= nw.col(DEADLINE))
    # A time that lies wholly in a margin was not read.
    covered = covered & (nw.col("_evident_to") >= nw.col(END)) & (nw.col("_evident_from") <= nw.col(DEADLINE))
    for (account, region), found in known.items():
        here = (nw.col(place[0]) == account) & (nw.col(place[1]) == region)
        for first, last in [gap for entry in found for gap in entry.gaps]:
            covered = covered & ~(here & (nw.col(END) < micros(last)) & (nw.col(DEADLINE) > micros(first)))
        for first, last in [hole for entry in found for hole in entry.holes]:
            covered = covered & ~(here & (nw.col(END) > micros(first)) & (nw.col(DEADLINE) < micros(last)))
    joined = columns.join(table, left_on=list(place), right_on=["_account", "_region"], how="left")
    return joined.with_columns(covered.fill_null(False).alias(name)).drop(["_from", "_to", "_evident_from", "_evident_to"])


def _common_times(entries: Sequence[Coverage]) -> tuple[int, int, int, int]:
    """From when to when all of these speak, and from when to when with evidence."""
    spans = [(entry.start, entry.end, entry.evident) for entry in entries]
    whole = [(start, end, *evident) for start, end, evident in spans if start is not None and end is not None and evident is not None]
    starts, ends, firsts, lasts = zip(*whole, strict=True)
    return micros(max(starts)), micros(min(ends)), micros(max(firsts)), micros(min(lasts))
