"""The times of freshly decoded records in whole microseconds, without those that cannot be (docs/verdicts.md, Sources)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from policycheck.datasets import Dataset
from policycheck.records import EARLIEST, EPOCH, FIRST_DAY, LATEST, MICROSECOND, RecordError, time_members

Column = list[int | None]


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The times of some records, a column a member, in the order of the records."""

    columns: Mapping[str, Column]
    """Microseconds since 1970 UTC; None where missing, or what cannot be."""
    unusable: Mapping[int, frozenset[str]]
    """By row, the members that said what cannot be."""
    dropped: frozenset[str]
    """Members that a record had and that count for nothing there: the end of a job that is in progress."""


def read_times(dataset: Dataset, records: Sequence[Any]) -> JobTimes:
    """The times of records as they were decoded, which stay as they are.

    Raises:
        RecordError: a time without an offset, or one outside 1970 to 2300 (milliseconds taken for seconds, say).
        OverflowError: a number that is no time at all.
    """
    return read_time_columns(dataset, {name: list(map(attrgetter(name), records)) for name in (*time_members(dataset), dataset.state_field)})


def read_time_columns(dataset: Dataset, values: Mapping[str, Sequence[Any]]) -> JobTimes:
    """The same of columns: the values of each time and of the state, as they were decoded."""
    unusable: defaultdict[int, set[str]] = defaultdict(set)
    columns = {member: _to_micros(member, values[member], unusable) for member in time_members(dataset)}
    dropped = _drop_contradictions(dataset, columns, values[dataset.state_field], unusable)
    return JobTimes(columns, {row: frozenset(members) for row, members in unusable.items()}, dropped)


def set_times(dataset: Dataset, record: Any) -> None:
    """Give one freshly decoded record, in place, the times that `read_times` has of it."""
    unusable: defaultdict[int, set[str]] = defaultdict(set)
    for member in time_members(dataset):
        value = getattr(record, member)
        if value is not None:
            setattr(record, member, _one_time(member, 0, value, unusable))
    if dataset.of_state:
        return
    ended = getattr(record, dataset.state_field) in _finished(dataset)
    for member in _contradicting(record.CreationDate, getattr(record, "InitiationDate", None), record.CompletionDate, ended=ended):
        setattr(record, member, None)


def _to_micros(member: str, values: Sequence[Any], unusable: Mapping[int, set[str]]) -> Column:
    known = [value for value in values if value is not None] if None in values else values
    if not known:
        return list(values)
    try:
        # Times are datetimes with an offset nearly always: a number or a time without one raises TypeError here.
        numbers = [(value - EPOCH) // MICROSECOND for value in known]
    except TypeError:
        return [None if value is None else _one_time(member, index, value, unusable) for index, value in enumerate(values)]
    if min(numbers) < FIRST_DAY or max(numbers) >= LATEST:
        return [None if value is None else _one_time(member, index, value, unusable) for index, value in enumerate(values)]
    if known is values:
        return numbers
    told = iter(numbers)
    return [None if value is None else next(told) for value in values]


def _one_time(member: str, index: int, value: datetime | float, unusable: Mapping[int, set[str]]) -> int | None:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise RecordError(index, member, f"{value.isoformat()} has no offset from UTC")
        number = (value - EPOCH) // MICROSECOND
    else:
        number = round(value * 1_000_000)
    if not EARLIEST <= number < LATEST:
        raise RecordError(index, member, f"{value} is not a time from 1970 to 2300; numbers are seconds since 1970")
    if number < FIRST_DAY:
        unusable[index].add(member)
        return None
    return number


def _drop_contradictions(dataset: Dataset, columns: Mapping[str, Column], states: Sequence[str | None], unusable: Mapping[int, set[str]]) -> frozenset[str]:
    """Make times missing that cannot all be true: which one is wrong, the record does not say. Back comes what of a job in progress counts for nothing."""
    if dataset.of_state:
        return frozenset()  # In which order AWS writes the times of a recovery point is not documented.
    dropped: set[str] = set()
    finished = _finished(dataset)
    begins = columns.get("InitiationDate") or [None] * len(states)
    for index, (created, completed, state, begun) in enumerate(zip(columns["CreationDate"], columns["CompletionDate"], states, begins, strict=True)):
        if completed is None:
            if begun is None or created is None or begun >= created:
                continue
        elif created is not None and created <= completed and state in finished and (begun is None or created <= begun <= completed):
            continue
        wrong = _contradicting(created, begun, completed, ended=state in finished)
        if completed is not None and state not in finished and "CreationDate" not in wrong:
            dropped.add("CompletionDate")
        for member in wrong:
            columns[member][index] = None
            unusable[index].add(member)
    return frozenset(dropped)


@cache
def _finished(dataset: Dataset) -> frozenset[str]:
    return frozenset(dataset.finished)


def _contradicting(created: int | None, begun: int | None, completed: int | None, *, ended: bool) -> list[str]:
    """The members of times that cannot all be true."""
    if completed is not None and created is not None and completed < created:
        return ["CreationDate", "CompletionDate"]
    wrong = ["CompletionDate"] if completed is not None and not ended else []
    if begun is not None and ((created is not None and begun < created) or (completed is not None and begun > completed)):
        wrong.append("InitiationDate")
    return wrong
