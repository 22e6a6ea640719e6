"""Composite jobs: which children a count or a share leaves out, since their parent stands for them (docs/groups-specification.md, Composite jobs)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.case import Case
from policycheck.engine.frame import ROW
from policycheck.engine.measures import Truth
from policycheck.job_lists import JobList
from policycheck.policy.model import RESOURCE, JobChoice

_LEFT_OUT = "_left_out"
_SURELY, _PERHAPS = 2, 1

Values = tuple[Any, ...]
"""Of the `per` fields, None where unknown."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A record, as a rule sees it."""

    row: int
    counted: Truth
    """Whether it is in the population."""
    matching: Truth
    group: Values


def leave_out_children(masks: nw.LazyFrame[Any], cases: Iterable[Case], job_list: JobList, backend: Backend) -> tuple[nw.LazyFrame[Any], Mapping[int, int]]:
    """The masks with populations and measures that count a composite job once, and how many children each rule certainly left out, by its number.

    Args:
        masks: of these rules; all have a measure.
    """
    once = [case for case in cases if case.rule.qualifiers.jobs is JobChoice.ONCE and RESOURCE not in case.per]
    if not once:
        return masks, {}
    children, lacking = job_list.children
    unsure = set(lacking)
    left_out: dict[int, int] = {}
    if not unsure and not children:
        return masks, left_out
    ids = job_list.column(job_list.dataset.fields[job_list.dataset.id_field])
    wanted = frozenset(children.values())
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, job_id in enumerate(ids):
        if job_id in wanted:
            rows_of[job_id].append(row)
    nameless = {row for row, job_id in enumerate(ids) if job_id is None}
    looked_at = None if unsure else sorted({*children, *nameless, *(row for rows in rows_of.values() for row in rows)})
    for case in once:
        chosen = masks if looked_at is None else masks.filter(nw.col(ROW).is_in(looked_at))
        found = backend.rows(chosen.select(*map(nw.col, (ROW, case.population, case.matching, *case.per))))
        records = {row: _Record(row, counted, matching, tuple(group)) for row, counted, matching, *group in found}
        truths = _Family(records, children, rows_of, nameless).judge()
        if unsure:
            truths |= _judge_unsure(records, unsure & set(records), truths, ids)
        left_out[case.number] = sum(truth is True and records[row].counted is True for row, truth in truths.items())
        masks = _without(masks, case, truths, backend)
    return masks, left_out


@dataclass(frozen=True, slots=True)
class _Family:
    """Children and those that may be their parents, as one rule sees them."""

    records: Mapping[int, _Record]
    children: Mapping[int, str]
    """By row, the id of the parent."""
    rows_of: Mapping[str, Sequence[int]]
    nameless: set[int]
    """The rows without an id: any of them may be a parent that no other row is."""

    def judge(self) -> dict[int, Truth]:
        """Whether each child is left out, for those that are or may be."""
        truths: dict[int, Truth] = {}
        for row in self.children:
            if row in self.records and (truth := self._is_left_out(row)) is not False:
                truths[row] = truth
        return truths

    def _is_left_out(self, row: int) -> Truth:
        parents = [other for other in self._parents(row) if other in self.records]
        standing = [_stands_for(self.records[other], self.records[row]) for other in parents]
        may = [other for other in self.nameless if other != row and other in self.records and _stands_for(self.records[other], self.records[row]) is not False]
        if True not in standing and None not in standing:
            return None if may else False
        # One id of several jobs does not say which is the parent; and in a circle no child has one.
        return True if standing == [True] and not self._is_in_circle(row) else None

    def _parents(self, row: int) -> list[int]:
        return [other for other in self.rows_of.get(self.children[row], ()) if other != row]

    def _is_in_circle(self, row: int) -> bool:
        seen, todo = set[int](), self._parents(row)
        while todo:
            other = todo.pop()
            if other == row:
                return True
            if other not in seen:
                seen.add(other)
                todo += self._parents(other) if other in self.children else []
        return False


def _stands_for(parent: _Record, child: _Record) -> Truth:
    """Whether a parent is counted in the child's group and answers alike."""
    parts = [parent.counted, _alike(parent.matching, child.matching), *map(_alike, parent.group, child.group)]
    return False if False in parts else None if None in parts else True


def _alike(one: object, other: object) -> Truth:
    return None if one is None or other is None else one == other


def _judge_unsure(records: Mapping[int, _Record], unsure: set[int], children: Mapping[int, Truth], ids: Sequence[str | None]) -> dict[int, Truth]:
    """Of records that do not say whether they are children: None where another record may stand for them.

    Of a group's records that answer alike one counts for certain, where none that says what it is answers so too: a parent is no child of its children.

    Args:
        children: what is left out, or may be, of those that say whose children they are.
    """
    counts: defaultdict[Values, dict[Truth, int]] = defaultdict(lambda: {True: 0, False: 0, None: 0})
    settled: set[tuple[Values, Truth]] = set()
    vague = [record for record in records.values() if None in record.group and record.counted is not False]
    for record in records.values():
        if record.counted is not False:
            counts[record.group][record.matching] += 1
        if record.row not in unsure and record.counted and children.get(record.row, False) is False:
            settled.add((record.group, record.matching))
    truths: dict[int, Truth] = {}
    first: dict[tuple[Values, Truth], tuple[bool, str, int]] = {}
    for row in sorted(unsure):
        record = records[row]
        if record.counted is False:
            continue
        among = counts[record.group]
        others = (sum(among.values()) if record.matching is None else among[record.matching] + among[None]) - 1
        near = records.values() if None in record.group else vague
        if others > 0 or any(other.row != row and _stands_for(other, record) is not False for other in near):
            truths[row] = None
            key = record.group, record.matching
            if record.counted and record.matching is not None and None not in record.group and key not in settled:
                candidate = ids[row] is None, ids[row] or "", row
                first[key] = min(first.get(key, candidate), candidate)
    for _, _, row in first.values():
        del truths[row]
    return truths


def _without(masks: nw.LazyFrame[Any], case: Case, truths: Mapping[int, Truth], backend: Backend) -> nw.LazyFrame[Any]:
    """The masks in which these rows are out of the population of a rule, or may be."""
    if not truths:
        return masks
    table = backend.frame(
        {
            ROW: (ColumnType.INTEGER, list(truths)),
            _LEFT_OUT: (ColumnType.INTEGER, [_SURELY if truth else _PERHAPS for truth in truths.values()]),
        }
    )
    code = nw.col(_LEFT_OUT).fill_null(0)
    stays = nw.when(code == 0).then(nw.lit(True)).otherwise(nw.when(code == _SURELY).then(nw.lit(False)))
    names = (case.population, case.measured)
    changed = ((nw.col(name) & stays).alias(name) for name in names)
    return masks.join(table, on=ROW, how="left").with_columns(*changed, stays.alias(case.stays)).drop(_LEFT_OUT)
