"""Which jobs the rules of a run looked at, told while they are evaluated: for the population of its result (`policycheck.population`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import itemgetter
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.frame import ROW
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords

RANK = "_rank"
"""The place of a job in its list by CreationDate, then by id; the newest has the greatest."""
UNKNOWN, EXAMINED = 1, 2


class Examined:
    """What the rules of a run looked at so far, by list."""

    def __init__(self, lists: Mapping[str, JobList], records: JobRecords, backend: Backend) -> None:
        self._lists, self._records, self._backend = lists, records, backend
        self._levels: dict[str, bytearray] = {name: bytearray(len(found)) for name, found in lists.items()}
        self._ranks: dict[str, tuple[Sequence[int], nw.LazyFrame[Any]]] = {}
        self._named: defaultdict[str, dict[int, str]] = defaultdict(dict)

    def add(self, name: str, masks: nw.LazyFrame[Any], populations: Iterable[nw.Expr]) -> None:
        """Note of each job of a list whether it is in a population, of some rules together.

        Args:
            masks: of the list, with its ROW.
            populations: true, false or null (unknown).
        """
        told = [nw.when(mask.is_null()).then(nw.lit(UNKNOWN)).otherwise(nw.when(mask).then(nw.lit(EXAMINED)).otherwise(nw.lit(0))) for mask in populations]
        if not told:
            return
        most = reduce(lambda one, other: nw.when(one >= other).then(one).otherwise(other), told) if len(told) < 3 else nw.max_horizontal(*told)
        levels = self._levels[name]
        for row, level in self._backend.rows(masks.select(nw.col(ROW), most.alias("_level")).filter(nw.col("_level") > 0)):
            levels[row] = max(levels[row], level)

    def levels(self, name: str) -> bytes:
        """Of each row of a list: 0, UNKNOWN or EXAMINED."""
        return bytes(self._levels[name])

    def with_ranks(self, masks: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
        """The masks of a list with the column RANK."""
        return masks.join(self._rank(name)[1], on=ROW, how="left")

    def name_newest(self, name: str, rank: int | None) -> str:
        """The key of the job of this rank, which the result will tell of; empty where there is none."""
        if rank is None or rank < 0:
            return ""
        row = self._rank(name)[0][rank]
        known = self._named[name]
        if row not in known:
            known[row] = self._records.key(name, row)
        return known[row]

    @property
    def named(self) -> Mapping[str, Mapping[int, str]]:
        """By list and row, the keys of the jobs that answers name."""
        return self._named

    def by_age(self, name: str) -> Sequence[int]:
        """The rows of a list, the oldest first."""
        return self._rank(name)[0]

    def _rank(self, name: str) -> tuple[Sequence[int], nw.LazyFrame[Any]]:
        if name not in self._ranks:
            job_list = self._lists[name]
            ids, created = job_list.values(job_list.dataset.id_field), job_list.values("CreationDate")
            keys = sorted(((time or 0, job_id or "", row) for row, (time, job_id) in enumerate(zip(created, ids, strict=True))))
            rows = list(map(itemgetter(2), keys))
            table = {ROW: (ColumnType.INTEGER, rows), RANK: (ColumnType.INTEGER, list(range(len(rows))))}
            self._ranks[name] = rows, self._backend.frame(table)
        return self._ranks[name]


def newest_rank(population: nw.Expr) -> nw.Expr:
    """The rank of the newest job that certainly is in a population, of jobs that are aggregated; -1 where none is."""
    return nw.when(population.fill_null(False)).then(nw.col(RANK)).otherwise(nw.lit(-1)).max()
