"""Whether a job of another list follows a job in time: of all jobs in columns, and of those that the screen does not tell one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import inf
from typing import Any

import narwhals as nw

from policycheck.dataset_types import Link
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.completions import Completions
from policycheck.engine.frame import EXISTS, ROW, Frame
from policycheck.engine.links.definitions import DEADLINE
from policycheck.engine.links.screen import TRUTH, followed_rows
from policycheck.places import Place
from policycheck.policy.conditions import Condition

_TOLD, _KNOWN, _SURELY, _NAMED = "_told", "_known", "_surely", "_named"


def add_followed(
    columns: nw.LazyFrame[Any],
    asked: nw.Expr | None,
    own: Frame,
    links: Sequence[Link],
    following: Frame,
    condition: Condition,
    backend: Backend,
    name: str,
    *,
    same_list: bool,
    screened: bool,
) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether a job was followed; null is unknown, and where it is not asked.

    Args:
        columns: of the jobs, with the column DEADLINE.
        asked: of which jobs it matters, never null; None: of all.
        own: the frame that these come from.
        following: the list of the jobs that follow.
        condition: what these must match, beside having COMPLETED.
        same_list: whether the jobs themselves are in that list; none follows itself.
        screened: whether those that were certainly followed are told by the screen; it changes nothing but the time that it takes.
    """
    candidates = _candidates(links, following, condition, backend)
    members = {link.job for link in links} | ({link.follower for link in links} if same_list else set())
    is_told = own.told(links[-1].job)
    known = (nw.lit(is_told) if isinstance(is_told, bool) else is_told).alias(_KNOWN)
    chosen = columns if asked is None else columns.filter(asked)
    jobs = chosen.select(*map(nw.col, (ROW, "CreationDate", DEADLINE, "Account", "Region")), known, *map(nw.col, sorted(members)))
    if screened:
        surely = followed_rows(jobs, links, candidates, same_list=same_list).with_columns(nw.lit(True).alias(_SURELY))
        jobs = backend.persist(jobs.join(surely, on=ROW, how="left"))
        rest = jobs.filter(nw.col(_SURELY).is_null())
    else:
        jobs = rest = backend.persist(jobs.with_columns(nw.lit(False).alias(_SURELY)))
    found = _follow(rest, links, candidates, backend, same_list=same_list, narrowed=screened)
    table = backend.frame({ROW: (ColumnType.INTEGER, [row for row, _ in found]), name: (ColumnType.BOOLEAN, [followed for _, followed in found])})
    followed = nw.when(nw.col(_SURELY).fill_null(False)).then(nw.lit(True)).otherwise(nw.col(name))
    told = jobs.join(table, on=ROW, how="left").select(nw.col(ROW), followed.alias(name))
    return columns.join(told, on=ROW, how="left")


def _candidates(links: Sequence[Link], following: Frame, condition: Condition, backend: Backend) -> nw.LazyFrame[Any]:
    """The jobs that match and have COMPLETED, or may."""
    truth = compile_condition(condition, following) & (nw.col(following.dataset.state_field) == "COMPLETED") & nw.col(EXISTS)
    by_id = following.told(links[0].follower)
    told = nw.lit(by_id) if isinstance(by_id, bool) else by_id
    names = [ROW, TRUTH, _TOLD, "CreationDate", "CompletionDate", "Account", "Region", *(link.follower for link in links)]
    return backend.persist(following.columns.with_columns(**{TRUTH: truth, _TOLD: told}).filter(nw.col(TRUTH).fill_null(True)).select(*map(nw.col, names)))


def _follow(
    jobs: nw.LazyFrame[Any], links: Sequence[Link], candidates: nw.LazyFrame[Any], backend: Backend, *, same_list: bool, narrowed: bool
) -> list[tuple[int, bool | None]]:
    """Whether each of these jobs was followed, one by one.

    Args:
        narrowed: whether only the candidates are read that may follow any of them.
    """
    asked = backend.rows(jobs.select(*map(nw.col, (ROW, "CreationDate", DEADLINE, "Account", "Region", _KNOWN)), *(nw.col(link.job) for link in links)))
    if not asked:
        return []
    # A job without an id may be any that is named, and one that may have a recovery point any that is named by one.
    if narrowed and not any(_is_open(links, row[5], row[6:]) for row in asked):
        candidates = _naming(candidates, links, jobs)
    followers = Followers(links)
    for row, sure, told, created, completed, *place in backend.rows(candidates):
        followers.add(row, sure, created, completed, (place[0], place[1]), place[2:], told=told)
    return [
        (row, followers.follow(row if same_list else None, created, deadline, (account, region), named, known=known))
        for row, created, deadline, account, region, known, *named in asked
    ]


def _is_open(links: Sequence[Link], known: bool, named: Sequence[str | None]) -> bool:
    """Whether others may be linked to a job than those that name what it says, and those that do not say what they name."""
    return (not known and not named[-1]) or any(link.placed and not name for link, name in zip(links, named, strict=True))


def _naming(candidates: nw.LazyFrame[Any], links: Sequence[Link], jobs: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Those that name one of these jobs, and those that do not say what they name."""
    names, silent = candidates.collect_schema().names(), nw.lit(True)
    wanted: nw.Expr = nw.lit(False)
    for number, link in enumerate(links):
        flag = f"{_NAMED}_{number}"
        said = jobs.select(nw.col(link.job).alias(link.follower)).unique().with_columns(nw.lit(True).alias(flag))
        candidates = candidates.join(said, on=link.follower, how="left")
        wanted, silent = wanted | ~nw.col(flag).is_null(), silent & (nw.col(link.follower).fill_null("") == "")
    vague = (nw.col(links[0].follower).fill_null("") == "") & ~nw.col(_TOLD) if links[0].placed else nw.lit(False)
    return candidates.filter(wanted | silent | vague).select(*map(nw.col, names))


class Followers:
    """The jobs of another list that may follow, by what they name; what one does not say makes it unknown whether it follows."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links
        self._sure: defaultdict[tuple[int, str, Place | None], Completions] = defaultdict(Completions)
        self._perhaps: defaultdict[tuple[int, str | None], defaultdict[Place | None, Completions]] = defaultdict(lambda: defaultdict(Completions))
        self._nameless = Completions()
        self._by_point = Completions()
        """All that name a recovery point."""
        self._vague: defaultdict[Place, Completions] = defaultdict(Completions)
        """Those of which the id that they name was dropped, by their place."""

    def add(
        self, row: int, sure: bool | None, created: int | None, completed: int | None, place: Place, named: Sequence[str | None], *, told: bool = True
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

    def follow(self, row: int | None, created: int | None, deadline: int | None, place: Place, named: Sequence[str | None], *, known: bool) -> bool | None:
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


def _may_be(place: Place, other: Place) -> bool:
    return all(one is None or two is None or one == two for one, two in zip(place, other, strict=True))
