"""Jobs that nobody followed in time to findings: one a subject, saying what did follow, and by how much it missed."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.dataset_types import Link
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.findings import Subject, age_key, clean_subject, describe_jobs, newest_row, record_cause
from policycheck.engine.frame import ROW, Frame
from policycheck.engine.notes import name_briefly
from policycheck.finding_list import are_many, gather, order_subjects
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords
from policycheck.policy.conditions import And, Comparison
from policycheck.policy.model import Following, Rule
from policycheck.records import iso, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean_line, spell_duration, truncate
from policycheck.units import SECOND

NOT_FOLLOWED = "not_followed"
OTHER = "other"
_MESSAGE_LIMIT = 200


class Unfollowed(NamedTuple):
    """A job that violates."""

    row: int
    subject: int
    """Its number in the frame."""
    end: int
    deadline: int


class Follower(NamedTuple):
    """A job that follows another, as it was judged."""

    row: int
    record: Any
    state: str | None
    completed: int | None
    matches: bool | None
    """What the rule's condition says of it."""


@dataclass(frozen=True, slots=True)
class OtherList:
    """The list of the jobs that follow, and how they name what they follow."""

    frame: Frame
    job_list: JobList
    links: Sequence[Link]


def describe_unfollowed(
    rule: Rule, frame: Frame, job_list: JobList, violations: Sequence[Unfollowed], other: OtherList, records: JobRecords, backend: Backend
) -> Sequence[Finding]:
    """One finding a subject, sorted by account, Region and resource."""
    by_subject: defaultdict[Subject, dict[int, Unfollowed]] = defaultdict(dict)
    for job in violations:
        by_subject[clean_subject(*frame.subjects[job.subject])][job.row] = job
    newest = {subject: newest_row(job_list, list(jobs)) for subject, jobs in by_subject.items()}
    linked = LinkedJobs(rule, job_list, list(newest.values()), other, backend)

    def describe() -> Iterator[Finding]:
        subjects = iter(by_subject.items())
        while some := list(islice(subjects, _TOGETHER)):
            job_list.hold(row for _, jobs in some for row in list(jobs)[:EVIDENCE_LIMIT])
            for subject, jobs in some:
                row = newest[subject]
                seen = linked.seen(row)
                message = _message(rule, frame, jobs[row], job_list, len(jobs), seen, other)
                yield describe_jobs(rule, job_list, subject, list(jobs), message, _cause_of(seen), records)
            if are_many(len(by_subject)):
                records.forget(job_list.dataset.name)

    return gather(describe(), lambda: order_subjects(by_subject))


_TOGETHER = 10_000
"""Subjects that are described at once."""


_Late = tuple[int, int]
"""When one that matches completed, and its index."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What certainly follows one job."""

    count: int
    newest: Follower | None
    failed: Follower | None
    """The newest that failed."""
    first: Follower | None
    """Of those that match and completed, the one that completed first."""


class LinkedJobs:
    """The jobs that certainly follow some others, however many of them share a name."""

    def __init__(self, rule: Rule, job_list: JobList, rows: Sequence[int], other: OtherList, backend: Backend) -> None:
        self._job_list, self._other = job_list, other
        # A job of an unknown place is not here: where it may have been followed, nothing is covered.
        keys = [{_key(link, name, job_list, row) for link in other.links if (name := getattr(job_list.records[row], link.job))} for row in rows]
        self._keys = dict(zip(rows, keys, strict=True))
        requirement = rule.statement.requirement
        assert isinstance(requirement, Following)
        found = _judged(requirement, frozenset().union(*keys), other, backend)
        self._all = sorted((follower for _, follower in found), key=lambda follower: age_key(other.job_list, follower.row), reverse=True)
        numbers = {follower.row: number for number, follower in enumerate(self._all)}
        by_key: defaultdict[_Key, list[int]] = defaultdict(list)
        for key, follower in found:
            by_key[key].append(numbers[follower.row])
        self._named = {key: _Named(sorted(named), self._all, other) for key, named in by_key.items()}

    def of(self, row: int) -> list[Follower]:
        """Those of one job, the newest first."""
        since, itself = self._since(row), self._itself(row)
        indexes = sorted(index for named in self._named_by(row) for index in named.after(since))
        return [self._all[index] for index in indexes if self._all[index].row != itself]

    def seen(self, row: int) -> Seen:
        """What is to be said of those of one job: told without looking at each."""
        since, itself = self._since(row), self._itself(row)
        told = _together([named.seen(since, itself) for named in self._named_by(row)])
        newest, failed = (self._all[min(indexes)] if indexes else None for indexes in (told.newest, told.failed))
        return Seen(told.number, newest, failed, self._all[min(told.first)[1]] if told.first else None)

    def _named_by(self, row: int) -> list[_Named]:
        return [self._named[key] for key in self._keys[row] if key in self._named]

    def _since(self, row: int) -> int | None:
        """None follows that was created before the job."""
        created: int | None = self._job_list.records[row].CreationDate
        return created

    def _itself(self, row: int) -> int | None:
        """No job follows itself."""
        return row if self._job_list is self._other.job_list else None


class _Told(NamedTuple):
    """What is said of some followers: how many they are, and the indexes that the newest, the newest that failed and the first to complete are among."""

    number: int
    newest: list[int]
    failed: list[int]
    first: list[_Late]


def _together(told: Sequence[_Told]) -> _Told:
    numbers, newest, failed, first = zip(*told, strict=True) if told else ((), (), (), ())
    return _Told(sum(numbers), list(chain(*newest)), list(chain(*failed)), list(chain(*first)))


class _Named:
    """The jobs that name one thing, the newest first: what is said of those created since some moment is told by how many these are."""

    def __init__(self, indexes: Sequence[int], followers: Sequence[Follower], other: OtherList) -> None:
        self._followers, self._indexes = followers, indexes
        self._ages = [-created for index in indexes if (created := followers[index].record.CreationDate) is not None]
        # One that does not say when it was created may have been created at any time; these stand at the end.
        dated = len(self._ages)
        self._parts = [_Part(part, followers, other) for part in (indexes[:dated], indexes[dated:])]

    def _length(self, since: int | None) -> int:
        return len(self._ages) if since is None else bisect_right(self._ages, -since)

    def after(self, since: int | None) -> Sequence[int]:
        return [*self._indexes[: self._length(since)], *self._indexes[len(self._ages) :]]

    def seen(self, since: int | None, itself: int | None) -> _Told:
        """Of these but for one job."""
        dated, undated = self._parts
        return _together([dated.seen(self._length(since), itself), undated.seen(len(self._indexes) - len(self._ages), itself)])


class _Part:
    """Some of them, in order."""

    def __init__(self, indexes: Sequence[int], followers: Sequence[Follower], other: OtherList) -> None:
        self._indexes, self._followers = indexes, followers
        self._places = {followers[index].row: place for place, index in enumerate(indexes)}
        self._failed = [place for place, index in enumerate(indexes) if _failed(followers[index], other)]
        self._first: list[list[_Late]] = [[]]
        for index in indexes:
            follower = followers[index]
            completed = follower.completed if follower.matches is True and follower.state == "COMPLETED" else None
            # Two, of which one may be the job itself.
            self._first.append(self._first[-1] if completed is None else sorted([*self._first[-1], (completed, index)])[:2])

    def seen(self, length: int, itself: int | None) -> _Told:
        """Of the first so many but for one job."""
        place = self._places.get(itself) if itself is not None else None
        own = place if place is not None and place < length else None
        but = None if own is None else self._indexes[own]
        newest = [index for index in self._indexes[: min(length, 2)] if index != but][:1]
        failed = [self._indexes[at] for at in self._failed[:2] if at < length and at != own][:1]
        return _Told(length - (own is not None), newest, failed, [pair for pair in self._first[length] if pair[1] != but])


_Key = tuple[Link, str, tuple[str | None, ...]]


def _judged(requirement: Following, keys: frozenset[_Key], other: OtherList, backend: Backend) -> list[tuple[_Key, Follower]]:
    """The jobs that name one of these, by the first member of theirs that names any."""
    if not keys:
        return []
    matches, columns = compile_condition(requirement.condition, other.frame), other.frame.columns
    wanted: nw.Expr = nw.lit(False)
    for number, link in enumerate(other.links):
        flag = f"_wanted_{number}"
        names = sorted({name for named_by, name, _ in keys if named_by == link})
        table = backend.frame({link.follower: (ColumnType.TEXT, names), flag: (ColumnType.BOOLEAN, [True] * len(names))})
        columns = columns.join(table, on=link.follower, how="left")
        wanted = wanted | ~nw.col(flag).is_null()
    state = nw.col(other.frame.dataset.state_field).alias("_state")
    found = []
    for row, *values in sorted(backend.rows(columns.filter(wanted).select(nw.col(ROW), state, nw.col("CompletionDate"), matches.alias("_matches")))):
        record = other.job_list.records[row]
        link = next(link for link in other.links if getattr(record, link.follower))
        key = _key(link, getattr(record, link.follower), other.job_list, row)
        if key in keys:
            found.append((key, Follower(row, record, *values)))
    return found


def _key(link: Link, name: str, job_list: JobList, row: int) -> _Key:
    return link, name, job_list.places()[row] if link.placed else ()


def _failed(follower: Follower, other: OtherList) -> bool:
    return follower.state in other.frame.dataset.finished and follower.state != "COMPLETED"


def _cause_of(seen: Seen) -> str:
    """Of the newest job that followed and failed, what AWS said; else that nobody followed."""
    cause = record_cause(seen.failed.record, seen.failed.state) if seen.failed else None
    return NOT_FOLLOWED if cause in {None, OTHER} else cause


def _message(rule: Rule, frame: Frame, job: Unfollowed, job_list: JobList, count: int, seen: Seen, other: OtherList) -> str:
    """`backup job completed 9 h before as_of; no COMPLETED copy job by 2026-11-20T03:00:00Z (within 6h); nearest: copy job X FAILED`."""
    requirement = rule.statement.requirement
    assert isinstance(requirement, Following)
    noun = frame.dataset.noun if count == 1 else f"{count:,} {frame.dataset.noun}s, the newest"
    state = getattr(job_list.records[job.row], frame.dataset.state_field)
    ended = f"{noun} {'completed' if state == 'COMPLETED' else state} {spell_duration(frame.as_of - job.end)} before as_of"
    matching = "" if _asks_state_alone(requirement, other) else " that matches"
    wanted = f"no COMPLETED {requirement.list.noun}{matching} by {iso(moment(job.deadline))} (within {requirement.within.text})"
    return clean_line("; ".join([ended, wanted, _seen(seen, job.deadline, other)]))


def _asks_state_alone(requirement: Following, other: OtherList) -> bool:
    condition = requirement.condition
    return condition == And() or (isinstance(condition, Comparison) and condition.field == other.frame.dataset.state_field)


def _seen(seen: Seen, deadline: int, other: OtherList) -> str:
    noun = other.frame.dataset.noun
    # Which came nearest: one that matched and was late, the least late first; else the newest.
    nearest = seen.first or seen.newest
    if nearest is None:
        return f"no {noun} followed it"
    more = f", and {seen.count - 1:,} more" if seen.count > 1 else ""
    name = name_briefly(getattr(nearest.record, other.frame.dataset.id_field) or "without an id")
    return f"nearest: {noun} {name} {_outcome(nearest, deadline, other)}{more}"


def _outcome(follower: Follower, deadline: int, other: OtherList) -> str:
    if follower.state == "COMPLETED" and follower.completed is not None:
        if follower.completed > deadline:
            late = follower.completed - deadline
            when = f"{spell_duration(late) if late >= SECOND else 'less than 1 s'} late"
        else:
            when = "in time"
        return f"COMPLETED {when}" + ("" if follower.matches else " and does not match")
    told = follower.record.StatusMessage if _failed(follower, other) else None
    said = f" ({truncate(clean_line(told), _MESSAGE_LIMIT).rstrip('.')})" if told else ""
    return f"{follower.state or 'is in an unknown state'}{said}"
