"""Recovery: whether a clean job of the same resource and vault followed a failed one before its deadline."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from policycheck.datasets import Dataset
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import EXISTS, ROW, Frame, ended
from policycheck.policy.conditions import Comparison, Literal, Operator

_CLEAN = Comparison("Outcome", Operator.IS, (Literal("clean", value="clean"),))


def vault_member(dataset: Dataset) -> str:
    """The member whose vault a recovery must share."""
    return "BackupVaultArn" if "BackupVaultArn" in dataset.fields else "DestinationBackupVaultArn"


def fields_needed(dataset: Dataset) -> set[str]:
    """The fields that recovery reads beside the rule's own."""
    return {"Outcome", dataset.resource_field, vault_member(dataset)}


def deadline_in_window(frame: Frame, allowance: int, length: int | None) -> nw.Expr:
    """Whether a job's deadline has come, in the window where there is one. A job in progress has none.

    Args:
        allowance: microseconds from a job's end to its deadline.
        length: the window's, in microseconds; None: all of the coverage.
    """
    deadline = ended(frame.dataset) + allowance
    come = deadline <= frame.as_of
    if length is not None:
        come = come & (deadline >= frame.as_of - length)
    return ~frame.in_progress() & come


def deadline_to_come(frame: Frame, allowance: int) -> nw.Expr:
    """Whether a job has ended and its deadline is still to come."""
    return ~frame.in_progress() & (ended(frame.dataset) + allowance > frame.as_of)


def add_recovered(columns: nw.LazyFrame[Any], frame: Frame, matching: nw.Expr, allowance: int, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether the job was recovered, for jobs that `matching` does not rule out; null is unknown."""
    dataset = frame.dataset
    keys = [dataset.resource_field, vault_member(dataset)]
    named = ~nw.col(keys[0]).is_null() & ~nw.col(keys[1]).is_null()
    # Of a record that may be another's, it is unknown whether it recovers anything.
    clean = compile_condition(_CLEAN, frame) & nw.col(EXISTS)
    failed = columns.filter(matching.fill_null(True) & named).select(
        nw.col(ROW), *map(nw.col, keys), nw.col("CreationDate").alias("_created"), (ended(dataset) + allowance).alias("_deadline")
    )
    later = columns.filter(clean.fill_null(True)).select(
        nw.col(ROW).alias("_other"),
        *map(nw.col, keys),
        nw.col("CreationDate").alias("_later"),
        nw.col("CompletionDate").alias("_completed"),
        clean.alias("_clean"),
    )
    recovers = nw.col("_clean") & (nw.col("_later") > nw.col("_created")) & (nw.col("_completed") <= nw.col("_deadline"))
    pairs = failed.join(later, on=keys, how="inner").filter(nw.col(ROW) != nw.col("_other")).select(nw.col(ROW), recovers.alias("_recovers"))
    return add_any(columns, pairs, "_recovers", ~named, name)


def add_any(columns: nw.LazyFrame[Any], pairs: nw.LazyFrame[Any], truth: str, unsure: nw.Expr, name: str) -> nw.LazyFrame[Any]:
    """The frame with a column `name`: whether the truth of any of a job's pairs is true; null where one is unknown and none is true.

    Args:
        pairs: with ROW, the job's, and the column `truth`.
        unsure: whether there may be a pair that `pairs` does not show.
    """
    flags = pairs.group_by(ROW).agg(
        nw.col(truth).fill_null(False).cast(nw.Int64).max().alias("_surely"), nw.col(truth).is_null().cast(nw.Int64).max().alias("_perhaps")
    )
    surely, perhaps = nw.col("_surely").fill_null(0) == 1, (nw.col("_perhaps").fill_null(0) == 1) | unsure
    any_ = nw.when(surely).then(nw.lit(True)).otherwise(nw.when(~perhaps).then(nw.lit(False)))
    return columns.join(flags, on=ROW, how="left").with_columns(any_.alias(name)).drop(["_surely", "_perhaps"])
