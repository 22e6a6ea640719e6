"""Lists as a whole, whatever their source: one record a job, and what a list of plain files covers (docs/verdicts.md)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from policycheck.datasets import Dataset
from policycheck.records import JobList, micros, moment
from policycheck.result import Basis, Coverage

STRETCH = timedelta(hours=25)
"""How far a list is taken to speak beyond its oldest and newest time: a daily job's next run is at most that far away, the hour of a clock change included."""

Place = tuple[str | None, str | None]
"""Account and Region, None where unknown."""


def deduplicate(job_list: JobList) -> tuple[JobList, int]:
    """One record for each job id of a resource in an account and Region, and how many records were dropped; records without an id are all kept.

    A record in a finished state wins over any other, then the later CompletionDate, then the later InitiationDate, then the one whose JSON text (its
    members by dotted name, sorted, times as microseconds) sorts last. What stays keeps its order. A list without duplicates is returned as it is.
    """
    dataset, records = job_list.dataset, job_list.records
    ids = list(map(attrgetter(dataset.id_field), records))
    # An empty id names nothing, as a missing one.
    named = [job_id for job_id in ids if job_id]
    if len(set(named)) == len(named):
        return job_list, 0
    # Two places never share a job, and two resources neither: one id in both is two jobs, and none may hide the other.
    resources = list(map(attrgetter(dataset.resource_field), records))
    positions: defaultdict[tuple[str, Place, str | None], list[int]] = defaultdict(list)
    for index, (job_id, place, resource) in enumerate(zip(ids, job_list.places(), resources, strict=True)):
        if job_id:
            positions[job_id, place, resource].append(index)
    dropped: set[int] = set()
    for group in positions.values():
        if len(group) > 1:
            kept = max(group, key=lambda index: _rank(dataset, records[index]))
            dropped.update(index for index in group if index != kept)
    return JobList(dataset, [record for index, record in enumerate(records) if index not in dropped]), len(dropped)


def _rank(dataset: Dataset, record: Any) -> tuple[object, ...]:
    return (
        getattr(record, dataset.state_field) in dataset.finished,
        _or_never(record.CompletionDate),
        _or_never(getattr(record, "InitiationDate", None)),
        json.dumps(_members(dataset, record), sort_keys=True),
        # Two states the API does not know both count as missing, and still need an order of their own.
        msgspec.json.encode(record),
    )


def _members(dataset: Dataset, record: Any) -> dict[str, object]:
    """The recorded members by dotted name; of a nested one, that it is there."""
    found: dict[str, object] = {}
    for member in dataset.members:
        head, _, tail = member.name.partition(".")
        value = getattr(record, head)
        if tail and value is not None:
            found[head], value = {}, getattr(value, tail)
        if value is not None and (member.name != dataset.state_field or value in dataset.states):
            found[member.name] = value
    return found


def _or_never(time: int | None) -> int:
    """A missing time is earlier than every recorded one (those are 0 or more)."""
    return -1 if time is None else time


def assert_coverage(
    lists: Mapping[str, JobList], as_of: datetime, covers: tuple[datetime, datetime] | None, sources: Mapping[str, Sequence[tuple[str, JobList]]]
) -> tuple[Coverage, ...]:
    """What lists from plain files cover, by the assertion of whoever names them: one entry for each dataset, account and Region.

    The interval reaches from the oldest to the newest CreationDate, InitiationDate or CompletionDate not after as_of, stretched by `STRETCH` and widened to
    `covers`; it is (None, None) where nothing dates it. A record created after as_of is left out: it is no job, and shows no place. `sources` holds, by
    dataset, each file's name and the list read from it.
    """
    entries: list[Coverage] = []
    for name, job_list in lists.items():
        named = _source_names(sources.get(name, ()))
        for (account, region), records in _by_place(job_list, micros(as_of)).items():
            start, end = _reach(job_list.dataset, records, micros(as_of))
            rewound = _count_rewound(job_list.dataset, records, micros(as_of))
            reason = f"reconstructed: {rewound} {'job' if rewound == 1 else 'jobs'} ended after as_of" if rewound else ""
            first, last = _widen(start, end, covers)
            source = named if isinstance(named, str) else named[account, region]
            entries.append(Coverage(name, account, region, first, last, len(records), basis=Basis.ASSERTED, source=source, reason=reason))
    return tuple(sorted(entries, key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")))


def _by_place(job_list: JobList, as_of: int) -> dict[Place, list[Any]]:
    places: defaultdict[Place, list[Any]] = defaultdict(list)
    for place, record in zip(job_list.places(), job_list.records, strict=True):
        created = record.CreationDate
        if created is None or created <= as_of:
            places[place].append(record)
    return places


def _source_names(sources: Sequence[tuple[str, JobList]]) -> str | dict[Place, str]:
    """The name of the only file, or what to call the files that hold each place."""
    if len(sources) == 1:
        return sources[0][0]
    holders: defaultdict[Place, list[str]] = defaultdict(list)
    for name, job_list in sources:
        for place in set(job_list.places()):
            holders[place].append(name)
    return {place: names[0] if len(names) == 1 else f"{len(names)} files" for place, names in holders.items()}


def _reach(dataset: Dataset, records: list[Any], as_of: int) -> tuple[int | None, int | None]:
    """The oldest and the newest time at which these records did something by as_of, in microseconds."""
    edges: list[int] = []
    for member in ("CreationDate", "InitiationDate", "CompletionDate"):
        if member in dataset.fields:
            times = [time for time in map(attrgetter(member), records) if time is not None and time <= as_of]
            if times:
                edges += (min(times), max(times))
    return min(edges, default=None), max(edges, default=None)


def _count_rewound(dataset: Dataset, records: list[Any], as_of: int) -> int:
    """Jobs the list shows as ended that had not ended by as_of."""
    later = [record for record in records if record.CompletionDate is not None and record.CompletionDate > as_of]
    count = sum(getattr(record, dataset.state_field) in dataset.finished for record in later)
    if "StartBy" in dataset.fields and "EXPIRED" in dataset.states:
        expired = (record for record in records if record.State == "EXPIRED" and record.CompletionDate is None)
        count += sum(record.StartBy is not None and record.StartBy > as_of for record in expired)
    return count


def _widen(start: int | None, end: int | None, covers: tuple[datetime, datetime] | None) -> tuple[datetime, datetime] | tuple[None, None]:
    if start is None or end is None:
        return covers or (None, None)
    first, last = moment(start) - STRETCH, moment(end) + STRETCH
    if covers is None:
        return first, last
    if covers[1] < first or covers[0] > last:
        # Nobody speaks for the time between: what is covered is the later of the two.
        return max((first, last), covers)
    return min(first, covers[0]), max(last, covers[1])


def describe_duplicates(dataset: Dataset, dropped: int) -> str:
    """The warning for records that were dropped."""
    return f"{dropped} {'record repeats' if dropped == 1 else 'records repeat'} a {dataset.id_field}; one of each was kept"


def describe_future(job_list: JobList, as_of: datetime) -> str:
    """A warning where jobs were created after as_of; else nothing."""
    limit = micros(as_of)
    count = sum(time is not None and time > limit for time in map(attrgetter("CreationDate"), job_list.records))
    noun = job_list.dataset.noun
    return f"{count} {f'{noun} was' if count == 1 else f'{noun}s were'} created after as_of and left out" if count else ""


def describe_state(job_list: JobList) -> str:
    """A warning where two jobs or more all share one state, as a list made with a filter does; else nothing."""
    dataset = job_list.dataset
    states = set(map(attrgetter(dataset.state_field), job_list.records))
    if len(job_list) < 2 or len(states) != 1 or None in states:
        return ""
    option = f"--by-{dataset.state_field.lower()}"
    return (
        f"all {len(job_list)} {dataset.noun}s are {states.pop()}: if the list was made with {option}, it cannot show any other {dataset.state_field}; "
        f"list again without {option}"
    )
