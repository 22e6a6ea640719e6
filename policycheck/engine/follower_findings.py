"""Jobs that nobody followed in time to findings: one a subject, saying what did follow, and by how much it missed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.compile import compile_condition
from policycheck.engine.findings import Subject, age_key, clean_subject, describe_jobs, newest_row, record_cause
from policycheck.engine.frame import ROW, Frame
from policycheck.engine.links import Link
from policycheck.engine.notes import name_briefly
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords
from policycheck.policy.conditions import And, Comparison
from policycheck.policy.model import Following, Rule
from policycheck.records import iso, moment
from policycheck.result import Finding
from policycheck.text import clean_line, spell_duration, truncate

NOT_FOLLOWED = "not_followed"
OTHER = "other"
_MESSAGE_LIMIT = 200
_SECOND = 1_000_000


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
) -> tuple[Finding, ...]:
    """One finding a subject, sorted by account, Region and resource."""
    by_subject: defaultdict[Subject, dict[int, Unfollowed]] = defaultdict(dict)
    for job in violations:
        by_subject[clean_subject(*frame.subjects[job.subject])][job.row] = job
    newest = {subject: newest_row(job_list, list(jobs)) for subject, jobs in by_subject.items()}
    followers = find_followers(rule, job_list, list(newest.values()), other, backend)
    findings = []
    for subject, jobs in by_subject.items():
        row = newest[subject]
        message = _message(rule, frame, jobs[row], job_list, len(jobs), followers.get(row, []), other)
        findings.append(describe_jobs(rule, job_list, subject, list(jobs), message, _cause_of(followers.get(row, []), other), records))
    return tuple(sorted(findings, key=lambda finding: (finding.account or "", finding.region or "", finding.subject)))


def find_followers(rule: Rule, job_list: JobList, rows: Sequence[int], other: OtherList, backend: Backend) -> Mapping[int, list[Follower]]:
    """The jobs that certainly follow each of these, the newest first."""
    wanted: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row in rows:
        # A job of an unknown place is not here: where it may have been followed, nothing is covered.
        for link in other.links:
            if name := getattr(job_list.records[row], link.job):
                wanted[_key(link, name, job_list, row)].append(row)
    following: dict[int, list[int]] = {}
    for row, record in enumerate(other.job_list.records) if rows else ():
        named = next((link for link in other.links if getattr(record, link.follower)), None)
        key = named and _key(named, getattr(record, named.follower), other.job_list, row)
        if key and key in wanted:
            following[row] = wanted[key]
    if not following:
        return {}
    requirement = rule.statement.requirement
    assert isinstance(requirement, Following)
    state, matches = nw.col(other.frame.dataset.state_field), compile_condition(requirement.condition, other.frame)
    chosen = other.frame.columns.filter(nw.col(ROW).is_in(sorted(following)))
    judged = backend.rows(chosen.select(nw.col(ROW), state.alias("_state"), nw.col("CompletionDate"), matches.alias("_matches")))
    found: defaultdict[int, list[Follower]] = defaultdict(list)
    for row, *values in sorted(judged, key=lambda values: age_key(other.job_list, values[0]), reverse=True):
        for followed in following[row]:
            if _may_follow(job_list, followed, other, row):
                found[followed].append(Follower(row, other.job_list.records[row], *values))
    return found


def _may_follow(job_list: JobList, followed: int, other: OtherList, row: int) -> bool:
    """No job follows itself, nor one that was created after it."""
    created, later = job_list.records[followed].CreationDate, other.job_list.records[row].CreationDate
    itself = job_list is other.job_list and followed == row
    return not itself and (created is None or later is None or later >= created)


def _key(link: Link, name: str, job_list: JobList, row: int) -> tuple[Link, str, tuple[str | None, ...]]:
    return link, name, job_list.places()[row] if link.placed else ()


def _failed(follower: Follower, other: OtherList) -> bool:
    return follower.state in other.frame.dataset.finished and follower.state != "COMPLETED"


def _cause_of(followers: Sequence[Follower], other: OtherList) -> str:
    """Of the newest job that followed and failed, what AWS said; else that nobody followed."""
    failed = next((follower for follower in followers if _failed(follower, other)), None)
    cause = record_cause(failed.record, failed.state) if failed else None
    return NOT_FOLLOWED if cause in {None, OTHER} else cause


def _message(rule: Rule, frame: Frame, job: Unfollowed, job_list: JobList, count: int, followers: Sequence[Follower], other: OtherList) -> str:
    """`backup job completed 9 h before as_of; no COMPLETED copy job by 2026-11-20T03:00:00Z (within 6h); nearest: copy job X FAILED`."""
    requirement = rule.statement.requirement
    assert isinstance(requirement, Following)
    noun = frame.dataset.noun if count == 1 else f"{count:,} {frame.dataset.noun}s, the newest"
    state = getattr(job_list.records[job.row], frame.dataset.state_field)
    ended = f"{noun} {'completed' if state == 'COMPLETED' else state} {spell_duration(frame.as_of - job.end)} before as_of"
    matching = "" if _asks_state_alone(requirement, other) else " that matches"
    wanted = f"no COMPLETED {requirement.list.noun}{matching} by {iso(moment(job.deadline))} (within {requirement.within.text})"
    return clean_line("; ".join([ended, wanted, _seen(followers, job.deadline, other)]))


def _asks_state_alone(requirement: Following, other: OtherList) -> bool:
    condition = requirement.condition
    return condition == And() or (isinstance(condition, Comparison) and condition.field == other.frame.dataset.state_field)


def _seen(followers: Sequence[Follower], deadline: int, other: OtherList) -> str:
    noun = other.frame.dataset.noun
    if not followers:
        return f"no {noun} followed it"
    # Which came nearest: one that matched and was late, the least late first; else the newest.
    late = [follower for follower in followers if follower.matches is True and follower.state == "COMPLETED" and follower.completed is not None]
    nearest = min(late, key=lambda follower: follower.completed or 0) if late else followers[0]
    more = f", and {len(followers) - 1:,} more" if len(followers) > 1 else ""
    name = name_briefly(getattr(nearest.record, other.frame.dataset.id_field) or "without an id")
    return f"nearest: {noun} {name} {_outcome(nearest, deadline, other)}{more}"


def _outcome(follower: Follower, deadline: int, other: OtherList) -> str:
    if follower.state == "COMPLETED" and follower.completed is not None:
        if follower.completed > deadline:
            late = follower.completed - deadline
            when = f"{spell_duration(late) if late >= _SECOND else 'less than 1 s'} late"
        else:
            when = "in time"
        return f"COMPLETED {when}" + ("" if follower.matches else " and does not match")
    told = follower.record.StatusMessage if _failed(follower, other) else None
    said = f" ({truncate(clean_line(told), _MESSAGE_LIMIT).rstrip('.')})" if told else ""
    return f"{follower.state or 'is in an unknown state'}{said}"
