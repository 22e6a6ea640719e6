"""Which jobs were certainly followed: told for all of them at once, so that only the rest is compared job by job.

What this calls followed, `Followers` calls followed: the job says when it was created and has a deadline; and some job certainly matches, names it, says both
of its times, came no earlier and completed in time. Of those that name the same thing, sorted by when they were created, the first end from each on is kept: so
a name that thousands of jobs share costs a sort, and not their pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from policycheck.dataset_types import Link
from policycheck.engine.frame import ROW
from policycheck.engine.links.definitions import DEADLINE

TRUTH = "_truth"
"""Of a job that may follow: whether it matches and has COMPLETED."""
_NEVER = 2**62
_JOB, _FOLLOWER = 0, 1
"""Of one moment a job stands before what follows it: what was created with it came no earlier."""
_LINK, _NAME, _CREATED, _FIRST, _KIND = "_link", "_name", "_created", "_first", "_kind"
_PLACE = ("Account", "Region")


def followed_rows(jobs: nw.LazyFrame[Any], links: Sequence[Link], candidates: nw.LazyFrame[Any], *, same_list: bool) -> nw.LazyFrame[Any]:
    """The rows (ROW) of the jobs that were certainly followed, each once.

    Args:
        jobs: with their DEADLINE and the members that they are named by.
        candidates: the jobs that may follow, with TRUTH and the members that name what they follow.
        same_list: whether the jobs are in the list of those that follow; then they have the members that name what these follow, too.
    """
    parts = []
    for number, link in enumerate(links):
        parts += [_named(jobs, number, link, same_list=same_list), _naming(candidates, number, links)]
    first = nw.col(_FIRST).cum_min(reverse=True).over(_LINK, _NAME, *_PLACE, order_by=[_CREATED, _KIND])
    both = nw.concat(parts, how="vertical").with_columns(first.alias(_FIRST))
    return both.filter((nw.col(_KIND) == _JOB) & (nw.col(_FIRST) <= nw.col(DEADLINE))).select(nw.col(ROW)).unique()


def _named(jobs: nw.LazyFrame[Any], number: int, link: Link, *, same_list: bool) -> nw.LazyFrame[Any]:
    """The jobs that one of the links can name, as they stand among those that follow."""
    known = _says(link.job) & ~nw.col("CreationDate").is_null() & ~nw.col(DEADLINE).is_null() & _is_placed(link)
    if same_list:
        # Which of two completes first is told here, and not which of those that are not the job itself.
        known = known & (nw.col(link.job) != nw.col(link.follower)).fill_null(True)
    columns = [nw.col(ROW), *_key(number, link, link.job), nw.col(DEADLINE), _number(_NEVER).alias(_FIRST), _number(_JOB).alias(_KIND)]
    return jobs.filter(known).select(*columns)


def _naming(candidates: nw.LazyFrame[Any], number: int, links: Sequence[Link]) -> nw.LazyFrame[Any]:
    """The jobs that certainly follow what they name by one of the links: the first member that says anything counts."""
    link = links[number]
    known = nw.col(TRUTH).fill_null(False) & ~nw.col("CreationDate").is_null() & ~nw.col("CompletionDate").is_null() & _is_placed(link)
    for earlier in links[:number]:
        known = known & ~_says(earlier.follower)
    columns = [_number(-1).alias(ROW), *_key(number, link, link.follower), _number(0).alias(DEADLINE), nw.col("CompletionDate").alias(_FIRST)]
    return candidates.filter(known & _says(link.follower)).select(*columns, _number(_FOLLOWER).alias(_KIND))


def _key(number: int, link: Link, member: str) -> list[nw.Expr]:
    places = [nw.col(name) if link.placed else nw.lit("").alias(name) for name in _PLACE]
    return [_number(number).alias(_LINK), nw.col(member).alias(_NAME), *places, nw.col("CreationDate").alias(_CREATED)]


def _number(value: int) -> nw.Expr:
    return nw.lit(value).cast(nw.Int64)


def _says(member: str) -> nw.Expr:
    """Whether a record says it; an empty text names nothing. Never null."""
    return (nw.col(member) != "").fill_null(False)


def _is_placed(link: Link) -> nw.Expr:
    """Whether a record says what the link asks of its place. Never null."""
    return ~nw.col("Account").is_null() & ~nw.col("Region").is_null() if link.placed else nw.lit(True)
