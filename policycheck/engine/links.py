"""Which job of another list follows a job, and whether it came in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import ROW, Frame
from policycheck.engine.recovery import add_any
from policycheck.policy.conditions import Condition
from policycheck.records import micros
from policycheck.result import Basis, Coverage

DEADLINE = "_deadline"
END = "_end"


@dataclass(frozen=True, slots=True)
class Link:
    """A member of the following job that names the job it follows, and the member of that job it names."""

    follower: str
    job: str
    placed: bool = False
    """An id names a job in one account and Region only; an ARN names one anywhere."""


_BY_ID = Link("CreatedByBackupJobId", "BackupJobId", placed=True)
LINKS: dict[tuple[str, str], tuple[Link, ...]] = {
    (BACKUP_JOBS.name, COPY_JOBS.name): (_BY_ID, Link("SourceRecoveryPointArn", "RecoveryPointArn")),
    (BACKUP_JOBS.name, RESTORE_JOBS.name): (Link("RecoveryPointArn", "RecoveryPointArn"),),
    (COPY_JOBS.name, COPY_JOBS.name): (Link("SourceRecoveryPointArn", "DestinationRecoveryPointArn"),),
    (COPY_JOBS.name, RESTORE_JOBS.name): (Link("RecoveryPointArn", "DestinationRecoveryPointArn"),),
}
"""By the list that is followed and the one that follows; of several links the first whose member a following job records counts."""


def add_followed(columns: nw.LazyFrame[Any], links: Sequence[Link], following: Frame, condition: Condition, backend: Backend, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether a job was followed; null is unknown.

    Whoever follows in time, the one that completed first does; so one row a key is enough, however many jobs name the same one.

    Args:
        columns: of the jobs, with the column DEADLINE.
        following: the list of the jobs that follow.
        condition: what these must match, beside having COMPLETED.
    """
    truth = compile_condition(condition, following) & (nw.col(following.dataset.state_field) == "COMPLETED")
    candidates = following.columns.with_columns(_truth=truth).filter(nw.col("_truth").fill_null(True))
    pairs: list[nw.LazyFrame[Any]] = []
    for link in links:
        named = ~_unnamed(link.follower)
        pairs.append(_pairs(columns, link, candidates.filter(named)))
        candidates = candidates.filter(~named)
    completed = nw.col("CompletionDate")
    ((count, dated, earliest),) = backend.rows(candidates.select(nw.len(), completed.count().alias("_dated"), completed.min()))
    unsure: nw.Expr = nw.lit(False)
    if count:
        # These name no job, so each of them may follow any job that can be named.
        in_time = nw.col(DEADLINE).is_null() | nw.lit(dated < count)
        unsure = ~_unnamed(links[-1].job) & (in_time if earliest is None else in_time | (nw.col(DEADLINE) >= earliest))
    return add_any(columns, nw.concat(pairs), "_follows", unsure.fill_null(True), name)


def _unnamed(member: str) -> nw.Expr:
    """An empty text names nothing, as little as a missing one."""
    return nw.col(member).is_null() | (nw.col(member) == "")


def _first_completions(candidates: nw.LazyFrame[Any], keys: Sequence[str]) -> nw.LazyFrame[Any]:
    """For each key, when the first surely matching and the first possibly matching job completed, and whether one does not say."""
    completed = nw.col("CompletionDate")
    marked = candidates.with_columns(_sure=nw.when(nw.col("_truth")).then(completed), _undated=completed.is_null().cast(nw.Int64))
    return marked.group_by(*keys).agg(nw.col("_sure").min(), completed.min().alias("_maybe"), nw.col("_undated").max())


def _pairs(columns: nw.LazyFrame[Any], link: Link, candidates: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """(ROW, `_follows`): every job with what is known of those that name it."""
    keys = [link.follower, "Account", "Region"] if link.placed else [link.follower]
    first = _first_completions(candidates, keys).rename({key: f"_by_{key}" for key in keys})
    jobs = columns.select(nw.col(ROW), nw.col(DEADLINE), nw.col(link.job).alias("_named"), nw.col("Account"), nw.col("Region"))
    joined = jobs.filter(~_unnamed("_named")).join(first, left_on="_named", right_on=f"_by_{link.follower}", how="inner")
    linked: nw.Expr = nw.lit(True)
    if link.placed:
        linked = (nw.col("Account") == nw.col("_by_Account")) & (nw.col("Region") == nw.col("_by_Region"))
        joined = joined.filter(linked.fill_null(True))
    surely = linked & (nw.col("_sure") <= nw.col(DEADLINE))
    perhaps = (nw.col("_undated") == 1) | (nw.col("_maybe") <= nw.col(DEADLINE)) | nw.col(DEADLINE).is_null()
    follows = nw.when(surely).then(nw.lit(True)).otherwise(nw.when(~perhaps).then(nw.lit(False)))
    return joined.select(nw.col(ROW), follows.alias("_follows"))


def add_covered(columns: nw.LazyFrame[Any], place: tuple[str, str], coverage: Sequence[Coverage], backend: Backend, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether the other list was read where a following job would run, from the job's END to its DEADLINE. Never null.

    Args:
        place: the columns with that account and Region; where one is null, nothing is known to be covered.
        coverage: of the other list.
    """
    reached: dict[tuple[str, str], tuple[int, int]] = {}
    refused: set[tuple[str | None, str | None]] = set()
    for entry in coverage:
        where = entry.account, entry.region
        if not entry.complete or not (entry.jobs or entry.basis is Basis.OBSERVED) or entry.start is None or entry.end is None:
            refused.add(where)
        elif entry.account is not None and entry.region is not None:
            # What several entries say of one place must hold by each.
            start, end = micros(entry.start), micros(entry.end)
            first, last = reached.get((entry.account, entry.region), (start, end))
            reached[entry.account, entry.region] = max(first, start), min(last, end)
    known = [(where, times) for where, times in reached.items() if where not in refused]
    table = backend.frame(
        {
            "_account": (ColumnType.TEXT, [account for (account, _), _ in known]),
            "_region": (ColumnType.TEXT, [region for (_, region), _ in known]),
            "_from": (ColumnType.INTEGER, [first for _, (first, _) in known]),
            "_to": (ColumnType.INTEGER, [last for _, (_, last) in known]),
        }
    )
    covered = ((nw.col("_from") <= nw.col(END)) & (nw.col("_to") >= nw.col(DEADLINE))).fill_null(False)
    joined = columns.join(table, left_on=list(place), right_on=["_account", "_region"], how="left")
    return joined.with_columns(covered.alias(name)).drop(["_from", "_to"])
