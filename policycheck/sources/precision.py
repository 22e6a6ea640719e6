"""Clients that cut times to whole seconds: the records of theirs that show a job which another client's records show with milliseconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.records import HAPPENED, time_members

_SECOND = 1_000_000


def second_of(time: int | None) -> int | None:
    """A time in microseconds without the part of a second."""
    return None if time is None else time - time % _SECOND


def refine(jobs: JobList) -> tuple[JobList, set[int]]:
    """The records with the times of their jobs, and the rows that may show one of several.

    A record whose CreationDate is a whole second shows the job of the records with its id, its resource and one CreationDate within that second; each of its
    times that is a whole second is then that of the job, as far as one of those records says it within that second. Where they have several CreationDates, ids
    were redacted, and it may show any of these jobs or another one.
    """
    rows: defaultdict[tuple[str, int, str], list[int]] = defaultdict(list)
    for row, record in enumerate(jobs.records):
        job_id, created, resource = (getattr(record, name) for name in (jobs.dataset.id_field, "CreationDate", jobs.dataset.resource_field))
        if job_id is not None and created is not None and resource is not None:
            rows[job_id, created // _SECOND, resource].append(row)
    records, unusable, doubtful = list(jobs.records), dict(jobs.unusable), set[int]()
    changed: dict[int, frozenset[str]] = {}
    for found in rows.values():
        coarse = [row for row in found if not records[row].CreationDate % _SECOND]
        fine = [row for row in found if records[row].CreationDate % _SECOND]
        if not coarse or not fine:
            continue
        if len({records[row].CreationDate for row in fine}) > 1:
            doubtful.update(coarse)
            continue
        known = [records[row] for row in fine]
        for row in coarse:
            records[row], changed[row] = _refined(jobs.dataset, records[row], known)
    if not changed:
        return jobs, doubtful
    unusable |= {row: unusable.get(row, frozenset()) | wrong for row, wrong in changed.items() if wrong}
    told = [recording.but(changed[row]) if row in changed else recording for row, recording in enumerate(jobs.told)]
    return replace(jobs, records=records, unusable=unusable, recordings=told), doubtful


def _refined(dataset: Dataset, record: Any, fine: Sequence[Any]) -> tuple[Any, frozenset[str]]:
    """A record with the times that others say more exactly, and which of them contradict these."""
    times: dict[str, int | None] = {name: getattr(record, name) for name in time_members(dataset)}
    for name, own in times.items():
        if own is not None and not own % _SECOND:
            times[name] = max([own, *(time for other in fine if second_of(time := getattr(other, name)) == own and time is not None)])
    created = times["CreationDate"]
    assert created is not None  # a whole second, as refine found
    wrong = [name for name in HAPPENED if (time := times.get(name)) is not None and time < created]
    begun, ended = times.get("InitiationDate"), times["CompletionDate"]
    if begun is not None and ended is not None and begun > ended and "InitiationDate" not in wrong:
        wrong.append("InitiationDate")
    return msgspec.structs.replace(record, **{**times, **dict.fromkeys(wrong)}), frozenset(wrong)
