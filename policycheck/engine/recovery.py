"""Recovery: whether a clean job of the same resource and vault followed a failed one before its deadline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from math import inf
from typing import Any

import narwhals as nw

from policycheck.datasets import BACKUP_JOBS, Dataset
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.completions import Completions
from policycheck.engine.frame import EXISTS, ROW, Frame
from policycheck.engine.rewinding import ended
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Comparison, Literal, Operator
from policycheck.reasons import Reason, ReasonKind

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


_Clues = tuple[str | None, ...]
"""What a job says of what a recovery shares with it, None where it does not: its resource, its vault, its type; and of a backup job its account, its Region and
its vault's name (a copy to the same vault may come from elsewhere)."""


def _agree(one: _Clues, other: _Clues) -> bool:
    """Whether two jobs say the same, as far as both say."""
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in zip(one, other, strict=True))


class Recoveries:
    """The jobs of one list that may have recovered others."""

    def __init__(self, frame: Frame, job_list: JobList, backend: Backend) -> None:
        self._frame, self._job_list, self._backend = frame, job_list, backend

    @cached_property
    def _keys(self) -> list[str]:
        return [self._frame.dataset.resource_field, vault_member(self._frame.dataset)]

    @cached_property
    def _clean(self) -> nw.Expr:
        # Of a record that may be another's, it is unknown whether it recovers anything.
        return compile_condition(_CLEAN, self._frame) & nw.col(EXISTS)

    def add_recovered(self, columns: nw.LazyFrame[Any], matching: nw.Expr, allowance: int, name: str) -> nw.LazyFrame[Any]:
        """The frame with a column `name`: whether the job was recovered, for jobs that `matching` does not rule out; null is unknown.

        The column `perhaps(name)` says whether a job that does not say its resource or its vault may have recovered it.
        """
        keys = self._keys
        named = ~nw.col(keys[0]).is_null() & ~nw.col(keys[1]).is_null()
        deadline = (ended(self._frame.dataset) + allowance).alias("_deadline")
        failed = columns.filter(matching.fill_null(True) & named).select(nw.col(ROW), *map(nw.col, keys), nw.col("CreationDate"), deadline)
        columns = self._add_perhaps(columns, failed, perhaps(name))
        told = self._recovered(columns, failed)
        table = self._backend.frame({ROW: (ColumnType.INTEGER, list(told)), "_surely": (ColumnType.BOOLEAN, list(told.values()))})
        surely = nw.col("_surely").fill_null(False)
        unsure = ~nw.col("_surely").is_null() | ~named | nw.col(perhaps(name))
        recovered = nw.when(surely).then(nw.lit(True)).otherwise(nw.when(~unsure).then(nw.lit(False)))
        return columns.join(table, on=ROW, how="left").with_columns(recovered.alias(name)).drop("_surely")

    def _recovered(self, columns: nw.LazyFrame[Any], failed: nw.LazyFrame[Any]) -> dict[int, bool]:
        """Which of these jobs were recovered by one that says its resource and its vault: certainly (True) or possibly."""
        asked = self._backend.rows(failed)
        if not asked:
            return {}
        names = ("CreationDate", "CompletionDate", *self._keys)
        later = columns.filter(self._clean.fill_null(True)).select(nw.col(ROW), self._clean.alias("_clean"), *map(nw.col, names))
        alike = failed.select(*map(nw.col, self._keys)).unique()
        surely: defaultdict[tuple[str, str], Completions] = defaultdict(Completions)
        possibly: defaultdict[tuple[str, str], Completions] = defaultdict(Completions)
        order = (ROW, "_clean", *names)
        for row, clean, created, completed, resource, vault in self._backend.rows(later.join(alike, on=self._keys, how="inner").select(*map(nw.col, order))):
            if clean and created is not None and completed is not None:
                surely[resource, vault].add(created, completed, row)
            possibly[resource, vault].add(inf if created is None else created, -inf if completed is None else completed, row)
        told: dict[int, bool] = {}
        for row, resource, vault, created, deadline in asked:
            # A recovery was created later: by a microsecond at least.
            since, until, key = -inf if created is None else created + 1, inf if deadline is None else deadline, (resource, vault)
            if created is not None and deadline is not None and key in surely and surely[key].any_by(until, since, row):
                told[row] = True
            elif key in possibly and possibly[key].any_by(until, since, row):
                told[row] = False
        return told

    def _add_perhaps(self, columns: nw.LazyFrame[Any], failed: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """The frame with a column `name`, never null: whether a job that does not say its resource or its vault may have recovered a job."""
        if not self._nameless:
            return columns.with_columns(nw.lit(False).alias(name))
        rows = [row for row, _, _, created, deadline in self._backend.rows(failed) if self._may_be_recovered(row, created, deadline)]
        table = self._backend.frame({ROW: (ColumnType.INTEGER, rows), name: (ColumnType.BOOLEAN, [True] * len(rows))})
        return columns.join(table, on=ROW, how="left").with_columns(nw.col(name).fill_null(False))

    def _may_be_recovered(self, row: int, created: int | None, deadline: int | None) -> bool:
        own = self._clues(row)
        # A recovery was created later: by a microsecond at least.
        since, until = -inf if created is None else created + 1, inf if deadline is None else deadline
        return any(_agree(found, own) and times.any_by(until, since, None) for found, times in self._nameless.items())

    @cached_property
    def _nameless(self) -> Mapping[_Clues, Completions]:
        """The jobs that are clean, or may be, and do not say what a recovery must share."""
        found: defaultdict[_Clues, Completions] = defaultdict(Completions)
        for row, created, completed in self._backend.rows(self._select_nameless(ROW, "CreationDate", "CompletionDate")):
            found[self._clues(row)].add(inf if created is None else created, -inf if completed is None else completed, row)
        return found

    def _select_nameless(self, *names: str) -> nw.LazyFrame[Any]:
        lacking = nw.col(self._keys[0]).is_null() | nw.col(self._keys[1]).is_null()
        return self._frame.columns.filter(lacking & self._clean.fill_null(True)).select(*map(nw.col, names))

    def _clues(self, row: int) -> _Clues:
        record, dataset = self._job_list.records[row], self._frame.dataset
        resource, vault = (getattr(record, key) for key in self._keys)
        beside: tuple[str | None, ...] = ()
        if dataset is BACKUP_JOBS:
            beside = (*self._job_list.places()[row], (vault or "").rpartition(":")[2] or record.BackupVaultName)
        return (resource, vault, record.ResourceType and record.ResourceType.lower(), *beside)

    def name_lacking(self) -> Reason:
        """What later jobs do not say that may have recovered others."""
        lacking = [key for key in self._keys if any(value is None for (value,) in self._backend.rows(self._select_nameless(key).unique()))]
        return Reason(ReasonKind.RECOVERY_UNNAMED, fields=tuple(lacking))


def perhaps(recovered: str) -> str:
    """The column that says whether a job may be recovered by one that does not say enough, by the name of the column that says whether it was recovered."""
    return f"{recovered}_perhaps"
