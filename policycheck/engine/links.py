"""Which job of another list follows a job, and whether it came in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf
from typing import Any

import narwhals as nw

from policycheck import datasets
from policycheck.datasets import DATASETS
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.completions import Completions
from policycheck.engine.frame import EXISTS, ROW, Frame
from policycheck.policy.conditions import Condition
from policycheck.records import micros
from policycheck.result import Coverage

DEADLINE = "_deadline"
END = "_end"

Link = datasets.Link


LINKS: dict[tuple[str, str], tuple[Link, ...]] = {(followed, name): links for name, dataset in DATASETS.items() for followed, links in dataset.follows.items()}
"""By the list that is followed and the one that follows; of several links the first whose member a following job records counts."""


def add_followed(
    columns: nw.LazyFrame[Any], own: Frame, links: Sequence[Link], following: Frame, condition: Condition, backend: Backend, name: str, *, same_list: bool
) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether a job was followed; null is unknown.

    Args:
        columns: of the jobs, with the column DEADLINE.
        own: the frame that these come from.
        following: the list of the jobs that follow.
        condition: what these must match, beside having COMPLETED.
        same_list: whether the jobs themselves are in that list; none follows itself.
    """
    truth = compile_condition(condition, following) & (nw.col(following.dataset.state_field) == "COMPLETED") & nw.col(EXISTS)
    by_id = following.told(links[0].follower)
    told_column = nw.lit(by_id) if isinstance(by_id, bool) else by_id
    names = [ROW, "_truth", "_told", "CreationDate", "CompletionDate", "Account", "Region", *(link.follower for link in links)]
    candidates = following.columns.with_columns(_truth=truth, _told=told_column).filter(nw.col("_truth").fill_null(True)).select(*map(nw.col, names))
    followers = Followers(links)
    for row, sure, named, created, completed, *place in backend.rows(candidates):
        followers.add(row, sure, created, completed, (place[0], place[1]), place[2:], told=named)
    told = own.told(links[-1].job)
    known = nw.lit(told) if isinstance(told, bool) else told
    jobs = columns.select(*map(nw.col, (ROW, "CreationDate", DEADLINE, "Account", "Region")), known.alias("_known"), *(nw.col(link.job) for link in links))
    found = [
        (row, followers.follow(row if same_list else None, created, deadline, (account, region), named, known=known))
        for row, created, deadline, account, region, known, *named in backend.rows(jobs)
    ]
    table = backend.frame({ROW: (ColumnType.INTEGER, [row for row, _ in found]), name: (ColumnType.BOOLEAN, [followed for _, followed in found])})
    return columns.join(table, on=ROW, how="left")


_Place = tuple[str | None, str | None]


class Followers:
    """The jobs of another list that may follow, by what they name; what one does not say makes it unknown whether it follows."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links
        self._sure: defaultdict[tuple[int, str, _Place | None], Completions] = defaultdict(Completions)
        self._perhaps: defaultdict[tuple[int, str | None], defaultdict[_Place | None, Completions]] = defaultdict(lambda: defaultdict(Completions))
        self._nameless = Completions()
        self._by_point = Completions()
        """All that name a recovery point."""
        self._vague: defaultdict[_Place, Completions] = defaultdict(Completions)
        """Those of which the id that they name was dropped, by their place."""

    def add(
        self, row: int, sure: bool | None, created: int | None, completed: int | None, place: _Place, named: Sequence[str | None], *, told: bool = True
    ) -> None:
        """One job that matches (True) or may (None), in the order of the links with what it names; an empty text names nothing.

        Args:
            told: whether an id that it does not name is known not to be there.
        """
        earliest, latest = inf if created is None else created, -inf if completed is None else completed
        if self._links[0].placed and not named[0] and not told:
            self._vague[place].add(earliest, latest, row)
        number = next((number for number, name in enumerate(named) if name), None)
        if number is None:
            self._nameless.add(earliest, latest, row)
            return
        if not self._links[number].placed:
            self._by_point.add(earliest, latest, row)
        name, where = named[number] or "", place if self._links[number].placed else None
        if sure and created is not None and completed is not None:
            self._sure[number, name, where].add(created, completed, row)
        self._perhaps[number, name][where].add(earliest, latest, row)
        if self._links[number].placed:
            # A job without an id may be the one that is named.
            self._perhaps[number, None][where].add(earliest, latest, row)

    def follow(self, row: int | None, created: int | None, deadline: int | None, place: _Place, named: Sequence[str | None], *, known: bool) -> bool | None:
        """Whether a job was followed; None where it may have been.

        Args:
            row: its own, where it is in the same list.
            named: its id or its recovery point, in the order of the links.
            known: whether a recovery point that it lacks is known not to be there; then nothing is linked to the job by one.
        """
        since, until = -inf if created is None else created, inf if deadline is None else deadline
        for number, (link, name) in enumerate(zip(self._links, named, strict=True)):
            where = place if link.placed else None
            dated = created is not None and deadline is not None and not (link.placed and None in place)
            if name and dated and (number, name, where) in self._sure and self._sure[number, name, where].any_by(until, since, row):
                return True
        for number, (link, name) in enumerate(zip(self._links, named, strict=True)):
            if not name and not link.placed:
                continue
            for where, times in self._perhaps.get((number, name or None), {}).items():
                if (where is None or _may_be(where, place)) and times.any_by(until, since, row):
                    return None
        if any(_may_be(where, place) and times.any_by(until, since, row) for where, times in self._vague.items()):
            return None
        linked = bool(named[-1]) or not known
        may = linked and (self._nameless.any_by(until, since, row) or (not named[-1] and self._by_point.any_by(until, since, row)))
        return None if may else False


def _may_be(place: _Place, other: _Place) -> bool:
    return all(one is None or two is None or one == two for one, two in zip(place, other, strict=True))


def add_covered(columns: nw.LazyFrame[Any], place: tuple[str, str], coverage: Sequence[Coverage], backend: Backend, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether the other list was read where a following job would run, from the job's END to its DEADLINE. Never null.

    Args:
        place: the columns with that account and Region; where one is null, nothing is known to be covered.
        coverage: of the other list.
    """
    entries: defaultdict[tuple[str | None, str | None], list[Coverage]] = defaultdict(list)
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
