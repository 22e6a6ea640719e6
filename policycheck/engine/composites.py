"""Composite jobs: which children a count or a share leaves out, since their parent stands for them (docs/groups.md, Composite jobs)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.frame import ROW
from policycheck.engine.masks import PARENT, Case
from policycheck.engine.measures import Truth
from policycheck.policy.model import RESOURCE, JobChoice
from policycheck.records import JobList

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
    parents = job_list.column(job_list.dataset.fields[PARENT])
    told = job_list.told
    unsure = {row for row, parent in enumerate(parents) if parent is None and PARENT not in told[row].told}
    children = {row: parent for row, parent in enumerate(parents) if parent is not None}
    left_out: dict[int, int] = {}
    if not unsure and not children:
        return masks, left_out
    ids = job_list.column(job_list.dataset.fields[job_list.dataset.id_field])
    wanted = frozenset(children.values())
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, job_id in enumerate(ids):
        if job_id in wanted:
            rows_of[job_id].append(row)
    looked_at = None if unsure else sorted({*children, *(row for rows in rows_of.values() for row in rows)})
    for case in once:
        chosen = masks if looked_at is None else masks.filter(nw.col(ROW).is_in(looked_at))
        found = backend.rows(chosen.select(*map(nw.col, (ROW, case.population, case.matching, *case.per))))
        records = {row: _Record(row, counted, matching, tuple(group)) for row, counted, matching, *group in found}
        truths = _judge_children(records, children, rows_of)
        if unsure:
            truths |= _judge_unsure(records, unsure & set(records), ids)
        left_out[case.number] = sum(truth is True and records[row].counted is True for row, truth in truths.items())
        masks = _without(masks, case, truths, backend)
    return masks, left_out


def _judge_children(records: Mapping[int, _Record], children: Mapping[int, str], rows_of: Mapping[str, Sequence[int]]) -> dict[int, Truth]:
    """Whether each child is left out, for those that are or may be."""
    truths: dict[int, Truth] = {}
    for row, parent in children.items():
        if row in records:
            standing = [_stands_for(records[other], records[row]) for other in rows_of.get(parent, ()) if other != row and other in records]
            if True in standing or None in standing:
                truths[row] = True if True in standing else None
    return truths


def _stands_for(parent: _Record, child: _Record) -> Truth:
    """Whether a parent is counted in the child's group and answers alike."""
    parts = [parent.counted, _alike(parent.matching, child.matching), *map(_alike, parent.group, child.group)]
    return False if False in parts else None if None in parts else True


def _alike(one: object, other: object) -> Truth:
    return None if one is None or other is None else one == other


def _judge_unsure(records: Mapping[int, _Record], unsure: set[int], ids: Sequence[str | None]) -> dict[int, Truth]:
    """Of records that do not say whether they are children: None where another record of the group may stand for them.

    Of a group's records that answer alike one counts for certain, where none that says what it is answers so too: a parent is no child of its children.
    """
    counts: defaultdict[Values, dict[Truth, int]] = defaultdict(lambda: {True: 0, False: 0, None: 0})
    settled: set[tuple[Values, Truth]] = set()
    for record in records.values():
        if record.counted is not False:
            counts[record.group][record.matching] += 1
        if record.row not in unsure and record.counted:
            settled.add((record.group, record.matching))
    vague = any(None in group for group in counts)
    truths: dict[int, Truth] = {}
    first: dict[tuple[Values, Truth], tuple[str, int]] = {}
    for row in sorted(unsure):
        record = records[row]
        among = counts[record.group]
        others = sum(among.values()) if record.matching is None else among[record.matching] + among[None]
        if record.counted is not False and others - 1 + vague > 0:
            truths[row] = None
            key = record.group, record.matching
            if record.counted and record.matching is not None and key not in settled:
                first[key] = min(first.get(key, (ids[row] or "", row)), (ids[row] or "", row))
    for _, row in first.values():
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
    return masks.join(table, on=ROW, how="left").with_columns(*((nw.col(name) & stays).alias(name) for name in names)).drop(_LEFT_OUT)
