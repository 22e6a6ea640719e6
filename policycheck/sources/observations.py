"""From the records of several sources to jobs: which records show one job, and what it is by all of them (docs/verdicts.md, What has happened by as_of)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from policycheck.column_records import ColumnRecords, joined
from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.recordings import Recording, Recordings
from policycheck.records import objects
from policycheck.sources.precision import refine, second_of


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs of one list, and what became of the records that show them."""

    jobs: JobList
    repeated: int = 0
    """Records that show a job which another record shows."""
    shared_ids: int = 0
    """Ids that name more than one job."""


class _Key(NamedTuple):
    """What tells a job from others; None where a record does not say."""

    job_id: str | None
    created: int | None
    resource: str | None


def merge_sources(parts: Sequence[JobList]) -> Jobs:
    """One record a job, from the lists of all sources, which are of one dataset and at least one.

    What stays keeps its order; neither the order of the sources nor that of their records changes what it says.
    """
    dataset = parts[0].dataset
    encoded = _with_ids_of_their_own(parts)
    if encoded is not None:
        return Jobs(_concatenate(parts, encoded))
    parts = [replace(part, records=list(part.records)) if part.table is not None else part for part in parts]
    records = list(chain.from_iterable(part.records for part in parts))
    ids = list(map(attrgetter(dataset.id_field), records))
    if len(set(ids)) == len(ids) and None not in ids:
        return Jobs(_concatenate(parts, records))
    whole, coarse = (_concatenate(parts, records), set[int]()) if dataset.of_state else refine(_concatenate(parts, records))
    resources = map(attrgetter(dataset.resource_field), whole.records)
    # What there is has an ARN that nothing else has at its place; two places may protect one resource. When it was created tells nothing more.
    created = whole.numbered_places[1] if dataset.of_state else map(attrgetter("CreationDate"), whole.records)
    keys = [_Key(*key) for key in zip(ids, created, resources, strict=True)]
    shown: defaultdict[_Key, list[int]] = defaultdict(list)
    vague: list[int] = []
    for row, key in enumerate(keys):
        if None in key:
            vague.append(row)
        else:
            shown[key].append(row)
    source_of = [number for number, part in enumerate(parts) for _ in range(len(part))]
    doubtful = coarse | (_find_doubtful(whole, keys, shown, vague, source_of) if vague else set())
    merged = {rows[0]: _merge(whole, rows) for rows in shown.values() if len(rows) > 1}
    kept = sorted([*(rows[0] for rows in shown.values()), *vague])
    shared = sum(count > 1 for count in _count(key.job_id for key in shown).values())
    taken = replace(_take(whole, kept, merged, doubtful), repeats=_repeats(whole, kept, shown))
    return Jobs(taken, len(records) - len(kept), shared)


def _repeats(whole: JobList, kept: Sequence[int], shown: Mapping[_Key, Sequence[int]]) -> dict[int, int]:
    """By row of the jobs, how many records beside the first show it, in this list and in the lists that it comes from."""
    more = {rows[0]: len(rows) - 1 + sum(whole.repeats.get(row, 0) for row in rows) for rows in shown.values() if len(rows) > 1}
    more |= {row: count for row, count in whole.repeats.items() if row not in more}
    return {number: more[row] for number, row in enumerate(kept) if row in more}


def _count(names: Iterable[str | None]) -> Mapping[str | None, int]:
    counts: defaultdict[str | None, int] = defaultdict(int)
    for name in names:
        counts[name] += 1
    return counts


def _with_ids_of_their_own(parts: Sequence[JobList]) -> ColumnRecords | None:
    """The records of lists that are columns, as far as all are and each record has an id that no other has."""
    found = [part.records for part in parts if isinstance(part.records, ColumnRecords)]
    if len(found) < len(parts):
        return None
    whole = joined(found)
    ids = whole.column(parts[0].dataset.id_field)
    return whole if ids.null_count() == 0 and ids.n_unique() == len(ids) else None


def _concatenate(parts: Sequence[JobList], records: Sequence[Any]) -> JobList:
    """All records, each as its own source tells."""
    if len(parts) == 1:
        return parts[0]
    unusable: dict[int, frozenset[str]] = {}
    repeats: dict[int, int] = {}
    start = 0
    for part in parts:
        unusable |= {start + row: members for row, members in part.unusable.items()}
        repeats |= {start + row: count for row, count in part.repeats.items()}
        start += len(part)
    return JobList(parts[0].dataset, records, unusable, Recordings.joined(part.told for part in parts), repeats=repeats)


class _Merged(NamedTuple):
    record: Any
    recording: Recording
    unusable: frozenset[str]


def _take(whole: JobList, kept: Sequence[int], merged: Mapping[int, _Merged], doubtful: set[int]) -> JobList:
    records: list[Any] = []
    recordings: list[Recording] = []
    unusable: dict[int, frozenset[str]] = {}
    told = whole.told
    for number, row in enumerate(kept):
        record, recording, wrong = merged.get(row) or (whole.records[row], told[row], whole.unusable.get(row, frozenset()))
        records.append(record)
        recordings.append(recording)
        if wrong:
            unusable[number] = wrong
    return JobList(whole.dataset, records, unusable, recordings, frozenset(number for number, row in enumerate(kept) if row in doubtful))


# --- of several observations, the best; of what these say, all ---


def _merge(whole: JobList, rows: Sequence[int]) -> _Merged:
    best = _best(whole.dataset, whole.records, rows)
    observed = [whole.records[row] for row in best]
    record, wrong = observed[0], frozenset[str]()
    if any(other != record for other in observed):
        record, wrong = _agree(whole.dataset, observed)
    # What cannot be in one and is in none of the others is not known to be missing.
    lost = frozenset().union(*(whole.unusable.get(row, frozenset()) for row in best))
    wrong |= {member for member in lost if getattr(record, member) is None}
    return _Merged(record, _recording(whole, best).but(wrong), wrong)


def _recording(whole: JobList, rows: Sequence[int]) -> Recording:
    """What any of the observations tells of what the job lacks; of the parts of an object, those that have it."""
    told = [whole.told[row] for row in rows]
    kept = {
        member
        for row, recording in zip(rows, told, strict=True)
        for member in recording.kept
        if "." not in member or getattr(whole.records[row], member.partition(".")[0]) is not None
    }
    is_whole, is_report = any(one.whole for one in told), all(one.report for one in told)
    return Recording(frozenset().union(*(one.told for one in told)), frozenset(kept), is_whole, max(one.until for one in told), is_report)


def _best(dataset: Dataset, records: Sequence[Any], rows: Sequence[int]) -> list[int]:
    """The observations that none of the others is later than."""
    state = attrgetter(dataset.state_field)
    finished = [row for row in rows if state(records[row]) in dataset.finished]
    if finished and dataset.of_state:
        return finished
    if finished:
        last = max((records[row].CompletionDate for row in finished if records[row].CompletionDate is not None), default=None)
        return [row for row in finished if records[row].CompletionDate in (None, last)]
    ranks = {row: (_progress(dataset, state(records[row])), _percent(getattr(records[row], "PercentDone", None))) for row in rows}
    return [row for row in rows if ranks[row] == max(ranks.values())]


def _progress(dataset: Dataset, state: str | None) -> int:
    """How far a job in this state is: the API lists states in the order in which jobs go through them."""
    return dataset.states.index(state) if state in dataset.in_progress else -1


def _percent(told: object) -> float:
    try:
        return float(str(told))
    except ValueError:
        return 0.0


def _agree(dataset: Dataset, records: Sequence[Any]) -> tuple[Any, frozenset[str]]:
    """The record with every member that any of these has, and the members in which they differ, which it lacks."""
    disagreed: set[str] = set()
    values: dict[str, Any] = {}
    passed_over = _passed_over(dataset, records)
    for name in records[0].__struct_fields__:
        said = [getattr(record, name) for index, record in enumerate(records) if (index, name) not in passed_over]
        values[name], differs = _one_of(name, said)
        disagreed |= differs
    if dataset.of_state:
        return type(records[0])(**values), frozenset(disagreed)
    if values["CompletionDate"] is not None and values[dataset.state_field] not in dataset.finished:
        values["CompletionDate"] = None
        disagreed.add("CompletionDate")
    begun, completed = values.get("InitiationDate"), values["CompletionDate"]
    if begun is not None and completed is not None and begun > completed:
        values["InitiationDate"] = None
        disagreed.add("InitiationDate")
    return type(records[0])(**values), frozenset(disagreed)


def _one_of(name: str, said: Sequence[Any]) -> tuple[Any, set[str]]:
    """What all that is said comes to: the value, or for an object its parts; and what differs."""
    told = [value for value in said if value is not None]
    if not told or all(value == told[0] for value in told):
        return (told[0] if told else None), set()
    if not hasattr(told[0], "__struct_fields__"):
        return None, {name}
    parts = {tail: _one_of(f"{name}.{tail}", [getattr(value, tail) for value in told]) for tail in told[0].__struct_fields__}
    return type(told[0])(**{tail: value for tail, (value, _) in parts.items()}), set().union(*(differs for _, differs in parts.values()))


def _passed_over(dataset: Dataset, records: Sequence[Any]) -> set[tuple[int, str]]:
    """What was said while a later word was still to come, and another record has it."""
    found: set[tuple[int, str]] = set()
    for name, (message, undecided) in dataset.later_words.items():
        said = [getattr(record, name) for record in records]
        if any(value not in (None, undecided) for value in said):
            found |= {(index, member) for index, value in enumerate(said) if value in (None, undecided) for member in (name, message)}
    return found


# --- records that do not say enough to tell whether they show a job of their own ---


def _find_doubtful(whole: JobList, keys: Sequence[_Key], shown: Mapping[_Key, Sequence[int]], vague: Sequence[int], source_of: Sequence[int]) -> set[int]:
    """The vague records that may show a job which a certain record, or a vague one that says more, shows."""
    known = _Shown()
    for key, rows in shown.items():
        known.note(key, {source_of[row] for row in rows})
    doubtful: set[int] = set()
    for row in sorted(vague, key=lambda row: _says(whole, row)):
        if known.may_show(keys[row], source_of[row]):
            doubtful.add(row)
        known.note(keys[row], {source_of[row]})
    return doubtful


_When = tuple[int | None, str | None]
"""CreationDate in whole seconds, since a client may have cut it to them, and resource."""


class _Shown:
    """The jobs that records show so far, by what may be another record's job."""

    def __init__(self) -> None:
        self._by_id: defaultdict[str, list[_When]] = defaultdict(list)
        self._named = _Sources()
        self._nameless = _Sources()

    def note(self, key: _Key, sources: set[int]) -> None:
        when = second_of(key.created), key.resource
        if key.job_id is not None:
            self._by_id[key.job_id].append(when)
        (self._nameless if key.job_id is None else self._named).note(when, sources)

    def may_show(self, key: _Key, source: int) -> bool:
        """Whether one of them may be this record's: by its id; or without one, in another source, since one source lists a job once."""
        when = second_of(key.created), key.resource
        if key.job_id is not None:
            return any(_may_agree(when, other) for other in self._by_id[key.job_id]) or self._nameless.has_other(when, source)
        return self._named.has_other(when, source) or self._nameless.has_other(when, source)


class _Sources:
    """Which sources show a job of a time and a resource, as far as they say."""

    def __init__(self) -> None:
        self._by_both: defaultdict[_When, set[int]] = defaultdict(set)
        self._by_created: defaultdict[int | None, set[int]] = defaultdict(set)
        self._by_resource: defaultdict[str | None, set[int]] = defaultdict(set)
        self._all: set[int] = set()

    def note(self, when: _When, sources: set[int]) -> None:
        for found in (self._by_both[when], self._by_created[when[0]], self._by_resource[when[1]], self._all):
            found.update(sources)

    def has_other(self, when: _When, source: int) -> bool:
        """Whether a source other than this one may show such a job."""
        created, resource = when
        if created is None and resource is None:
            found = [self._all]
        elif resource is None:
            found = [self._by_created.get(one, set()) for one in (created, None)]
        elif created is None:
            found = [self._by_resource.get(one, set()) for one in (resource, None)]
        else:
            found = [self._by_both.get((one, two), set()) for one in (created, None) for two in (resource, None)]
        return any(sources - {source} for sources in found)


def _may_agree(one: _When, other: _When) -> bool:
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in zip(one, other, strict=True))


def _says(whole: JobList, row: int) -> tuple[object, ...]:
    """What says more comes first; of records that say as much, the one whose JSON text does; of these, the one less of whose silence is told."""
    said, told = _members(whole.dataset, whole.records[row]), whole.told[row]
    lost = sorted(whole.unusable.get(row, ()))
    return (
        -len(said),
        json.dumps(said, sort_keys=True),
        len(told.told),
        sorted(told.told),
        lost,
        sorted(told.kept),
        told.whole,
        told.until,
        msgspec.json.encode(whole.records[row]),
    )


def _members(dataset: Dataset, record: Any) -> dict[str, object]:
    """The recorded members by dotted name; of an object without any, that it is there."""
    found: dict[str, object] = {}
    for member in dataset.members:
        head, _, tail = member.name.rpartition(".")
        holder = getattr(record, head) if head else record
        value = None if holder is None else getattr(holder, tail)
        if value is not None and (member.name != dataset.state_field or value in dataset.states):
            found[member.name] = value
    for head in objects(dataset):
        if getattr(record, head) is not None and not any(name.startswith(f"{head}.") for name in found):
            found[head] = {}
    return found
