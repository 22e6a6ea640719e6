"""Why a rule came to its verdict: a value, which this module alone turns into words. No module reads the words back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from types import MappingProxyType

from policycheck.records import iso, moment
from policycheck.text import counted


class ReasonKind(StrEnum):
    """What a reason says. Behind each: its names, its numbers; times are microseconds since 1970 UTC."""

    TOLD = auto()
    """Words from elsewhere: a saved result's. (words)"""

    # Whether the evidence reaches
    ORGANIZATION_UNKNOWN = auto()
    PLACE_UNCOVERED = auto()  # (place, noun)
    PLACE_UNASKED = auto()  # (place, noun)
    ACCOUNT_SILENT = auto()  # (account)
    LIST_INCOMPLETE = auto()  # (place, why)
    LIST_CUT_OFF = auto()  # (place, why)
    TIME_UNSAID = auto()  # (place)
    STATE_UNDATED = auto()  # (place, noun)
    STATE_LATER = auto()  # (place, noun), (of when it is, as_of)
    STARTS_LATE = auto()  # (place), (first, start of the window)
    ENDS_BEFORE_WINDOW = auto()  # (place), (last, end of the window)
    ENDS_BEFORE_AS_OF = auto()  # (place), (last, as_of)
    TIME_MISSING = auto()  # (place), (first, last)
    SHOWS_NOTHING_SINCE = auto()  # (place), (last, start of the window)
    NOTHING_IN_SCOPE = auto()  # (noun)
    LIST_EMPTY = auto()  # (noun)
    PLACE_OF_SUBJECTS_UNREAD = auto()  # (noun, place), (subjects)
    LIST_NOT_GIVEN = auto()  # (noun, operation)
    INVENTORY_NOT_GIVEN = auto()  # (inventory)
    MORE = auto()  # (), (how many)

    # What is unknown of what was looked at
    COULD_VIOLATE = auto()  # (noun), (how many, of how many); because
    SHARE_UNKNOWN = auto()  # (least share, greatest share, limit); because
    MAY_BELONG = auto()  # (noun), (how many, of how many); because
    NONE_CERTAIN = auto()  # (), (how many may belong, or none); because
    FIELDS_UNKNOWN = auto()  # fields; (), (records)
    FIELDS_DROPPED = auto()  # fields, keep; (), (records)
    FIELDS_UNREPORTED = auto()  # fields, keep; (), (records or none)
    REPORT_OUTDATED = auto()  # fields; (), (records)
    RECORDS_DAMAGED = auto()  # fields; (), (records)
    FIELDS_UNSAID = auto()  # fields, keep; (noun)
    RECOVERY_UNKNOWN = auto()  # because
    RECOVERY_UNNAMED = auto()  # fields
    TIMES_UNKNOWN = auto()  # because
    OWNERS_UNKNOWN = auto()  # fields; (), (jobs, subjects)
    FIRST_MAY_RUN = auto()
    FIRST_UNKNOWN = auto()
    ABSENCE_UNKNOWN = auto()  # (noun), (start or none, end)
    MEMBERSHIP_UNKNOWN = auto()
    STRAY_JOBS = auto()  # fields; (noun), (jobs)
    NAMELESS_JOBS = auto()  # fields; (), (jobs)
    FOLLOWERS_UNREAD = auto()  # (noun, places...), (more places)
    FOLLOWER_UNCLEAR = auto()  # (noun); because
    SPELLED_OTHERWISE = auto()  # (what was meant...)

    # Scheduled runs
    PLAN_UNSAID = auto()  # (noun of scheduled jobs)
    RUNS_UNREAD = auto()  # (noun)
    RUNS_UNDECIDED = auto()  # (line)
    SCHEDULE_UNKNOWN = auto()  # (line)
    PLAN_UNKNOWN = auto()  # fields; (accounts), (jobs)
    RUN_UNPLACED = auto()  # (accounts), (jobs)
    NO_RUN_CERTAIN = auto()  # because
    RUNS_MAY_BELONG = auto()  # (), (jobs); because

    # Nothing to look at, or nothing decided
    NOTHING_TO_JUDGE = auto()  # because
    OUTSIDE_WINDOW = auto()  # (noun), (how many, of how many)
    NONE_MATCHES = auto()  # (noun), (of how many)
    NO_SCHEDULED_JOB = auto()  # (noun), (of how many)
    NO_RUN_DUE = auto()  # (window)
    NOTHING_TO_MEASURE = auto()  # (what a job must be), (how many, of how many subjects)
    ALL_IN_PROGRESS = auto()  # (), (jobs)
    IN_PROGRESS_ALONE = auto()  # (), (how many, of how many subjects)
    ALL_PENDING = auto()  # (why, where it is not their age), (subjects)
    ACCEPTED_UNSURE = auto()
    ALL_WAIVED = auto()  # (), (findings)

    # Over a period
    ON_STEPS = auto()  # (noun of a step), (how many, of how many, first, last); because


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason, with what it is about."""

    kind: ReasonKind
    names: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    """The fields that are unknown."""
    keep: tuple[str, ...] = ()
    """What a list must be saved with, so that they are known."""
    because: tuple[Reason, ...] = ()
    """Why this is so."""

    def __str__(self) -> str:
        return _WORDS[self.kind](self)

    def parts(self) -> Iterator[Reason]:
        """Itself, and what is behind it."""
        yield self
        for reason in self.because:
            yield from reason.parts()


Reasons = tuple[Reason, ...]


def told(text: str) -> Reasons:
    """A reason that is words already; none where there are none."""
    return (Reason(ReasonKind.TOLD, (text,)),) if text else ()


def spell_reasons(reasons: Iterable[Reason]) -> str:
    """All of them, in one line; empty where there is none."""
    return "; ".join(map(str, reasons))


def has_kind(reasons: Iterable[Reason], *kinds: ReasonKind) -> bool:
    """Whether one of them, or what is behind it, is of one of these kinds."""
    return any(part.kind in kinds for reason in reasons for part in reason.parts())


def cap_reasons(reasons: Sequence[Reason], most: int = 3) -> Reasons:
    """The first of them, and how many more there are."""
    more = len(reasons) - most
    return (*reasons[:most], Reason(ReasonKind.MORE, numbers=(more,))) if more > 0 else tuple(reasons)


def _behind(reason: Reason) -> str:
    return spell_reasons(reason.because)


def _with_cause(words: str, reason: Reason) -> str:
    return ": ".join(filter(None, [words, _behind(reason)]))


def _time(number: int) -> str:
    return iso(moment(number))


def _or(names: Iterable[str]) -> str:
    return " or ".join(names)


def _fields_unknown(reason: Reason) -> str:
    (records,) = reason.numbers
    are = f"{', '.join(reason.fields)} {'is' if len(reason.fields) == 1 else 'are'}" if reason.fields else "a field it needs is"
    return f"{are} unknown in {'its record' if records == 1 else 'their records'}"


def _owners(reason: Reason) -> str:
    jobs, subjects = reason.numbers
    says, owns = ("does not record its", "job") if jobs == 1 else ("do not record their", "jobs")
    return f"{counted(jobs, 'job')} {says} {_or(reason.fields)} and might be {'its' if subjects == 1 else 'their'} {owns}"


def _absence(reason: Reason) -> str:
    *start, end = reason.numbers
    since = f"from {_time(start[0])} " if start else ""
    return f"no complete list of {reason.names[0]}s shows {since}to {_time(end)} that there was no other job"


def _followers_unread(reason: Reason) -> str:
    noun, *places = reason.names
    more = f" and {reason.numbers[0]} more accounts and Regions" if reason.numbers else ""
    return f"no list of {noun}s covers {', '.join(places)}{more} from their end to their deadline"


def _outside_window(reason: Reason) -> str:
    elsewhere, read = reason.numbers
    return f"{elsewhere} of {counted(read, reason.names[0])} {'matches' if elsewhere == 1 else 'match'} outside the window, none in it"


def _none_matches(reason: Reason) -> str:
    (noun,), (read,) = reason.names, reason.numbers
    return f"the only {noun} does not match" if read == 1 else f"none of {counted(read, noun)} matches"


def _unread_place(reason: Reason) -> str:
    (noun, place), (subjects,) = reason.names, reason.numbers
    return f"no list of {noun}s covers {place}, where {counted(subjects, 'subject')} {'is' if subjects == 1 else 'are'}"


def _pending(reason: Reason) -> str:
    who = "the only subject is" if reason.numbers[0] == 1 else f"all {reason.numbers[0]:,} subjects are"
    why = reason.names[0] if reason.names else "new or with a first backup that still runs"
    return f"{who} pending, {why}, so nothing is decided yet"


def _progress(reason: Reason) -> str:
    return f"{'the only job is' if reason.numbers[0] == 1 else f'all {reason.numbers[0]:,} jobs are'} in progress, so nothing is decided yet"


def _unplaced(reason: Reason) -> str:
    (count,) = reason.numbers
    says = f"{count:,} scheduled {'job' if count == 1 else 'jobs'} ({reason.names[0]}) {'records' if count == 1 else 'record'}"
    return f"{says} no ResourceArn, Account, Region or CreationDate, so it is unknown which runs {'it answers' if count == 1 else 'they answer'}"


def _on_steps(reason: Reason) -> str:
    count, total, first, last = reason.numbers
    times = _time(first) if first == last else f"{_time(first)} to {_time(last)}"
    return f"on {count:,} of {counted(total, reason.names[0])} ({times}): {_behind(reason)}"


def _none_certain(reason: Reason) -> str:
    may = f", but {reason.numbers[0]:,} might" if reason.numbers else ""
    return f"no job certainly belongs to it{may}: {_behind(reason)}"


_K = ReasonKind
_WORDS: Mapping[ReasonKind, Callable[[Reason], str]] = MappingProxyType(
    {
        _K.TOLD: lambda r: r.names[0],
        _K.ORGANIZATION_UNKNOWN: lambda r: "the accounts of the organization are not known to this run",
        _K.PLACE_UNCOVERED: lambda r: f"{r.names[0]} is declared and no list of {r.names[1]}s covers it",
        _K.PLACE_UNASKED: lambda r: (
            f"{r.names[0]} is declared and no fetch of {r.names[1]}s read it (may_be_empty excuses only an account and Region that was read)"
        ),
        _K.ACCOUNT_SILENT: lambda r: f"{r.names[0]} is declared and has no job",
        _K.LIST_INCOMPLETE: lambda r: f"{r.names[0]} is incomplete: {r.names[1]}",
        _K.LIST_CUT_OFF: lambda r: f"{r.names[0]} is incomplete: {r.names[1]}",
        _K.TIME_UNSAID: lambda r: f"the time that the list of {r.names[0]} covers is unknown",
        _K.STATE_UNDATED: lambda r: (
            f"the time of the list of {r.names[1]}s of {r.names[0]} is unknown, and the list shows only that time: assert it with --covers FROM..TO"
        ),
        _K.STATE_LATER: lambda r: (
            f"the list of {r.names[1]}s of {r.names[0]} is of {_time(r.numbers[0])} and shows no other time, but the evaluation time is {_time(r.numbers[1])}"
        ),
        _K.STARTS_LATE: lambda r: f"{r.names[0]} is covered only from {_time(r.numbers[0])}, but the window begins at {_time(r.numbers[1])}",
        _K.ENDS_BEFORE_WINDOW: lambda r: f"{r.names[0]} is covered only to {_time(r.numbers[0])}, but the window ends at {_time(r.numbers[1])}",
        _K.ENDS_BEFORE_AS_OF: lambda r: f"{r.names[0]} is covered only to {_time(r.numbers[0])}, but the evaluation time is {_time(r.numbers[1])}",
        _K.TIME_MISSING: lambda r: f"{r.names[0]} is not covered from {_time(r.numbers[0])} to {_time(r.numbers[1])}: no list that was read covers this time",
        _K.SHOWS_NOTHING_SINCE: lambda r: f"{r.names[0]} shows nothing after {_time(r.numbers[0])}, before the window begins at {_time(r.numbers[1])}",
        _K.NOTHING_IN_SCOPE: lambda r: f"none of the {r.names[0]}s that were read is in an account and Region in scope",
        _K.LIST_EMPTY: lambda r: f"the list of {r.names[0]}s is empty",
        _K.PLACE_OF_SUBJECTS_UNREAD: _unread_place,
        _K.LIST_NOT_GIVEN: lambda r: f"this run has no list of {r.names[0]}s ({r.names[1]})",
        _K.INVENTORY_NOT_GIVEN: lambda r: f"this run has no inventory {r.names[0]}",
        _K.MORE: lambda r: f"and {r.numbers[0]:,} more",
        _K.COULD_VIOLATE: lambda r: f"{r.numbers[0]:,} of {counted(r.numbers[1], r.names[0])} could violate it: {_behind(r)}",
        _K.SHARE_UNKNOWN: lambda r: _with_cause(f"from {r.names[0]} to {r.names[1]} of the subjects keep it, but {r.names[2]} must", r),
        _K.MAY_BELONG: lambda r: f"{r.numbers[0]:,} of {counted(r.numbers[1], r.names[0])} might belong to it, but none certainly does: {_behind(r)}",
        _K.NONE_CERTAIN: _none_certain,
        _K.FIELDS_UNKNOWN: _fields_unknown,
        _K.FIELDS_DROPPED: lambda r: f"{_fields_unknown(r)}: fields were dropped from the list; save it with {', '.join(r.keep)}",
        _K.FIELDS_UNREPORTED: lambda r: (
            f"{_fields_unknown(r) if r.numbers else f'records do not record {_or(r.fields)}'}: job reports of AWS Backup do not record {', '.join(r.keep)}"
        ),
        _K.REPORT_OUTDATED: lambda r: f"{_fields_unknown(r)}: the newest job report that shows a job in progress is of an earlier time",
        _K.RECORDS_DAMAGED: lambda r: f"{_fields_unknown(r)}: it lacks fields that AWS always records; save the list again",
        _K.FIELDS_UNSAID: lambda r: f"records do not record {_or(r.fields)}: save the list of {r.names[0]}s with {', '.join(r.keep)}",
        _K.RECOVERY_UNKNOWN: lambda r: f"whether a later job recovered it is unknown: {_behind(r)}",
        _K.RECOVERY_UNNAMED: lambda r: f"a later job that does not record its {_or(r.fields)} might have recovered it",
        _K.TIMES_UNKNOWN: lambda r: _with_cause("the time or the subject of a job is unknown", r),
        _K.OWNERS_UNKNOWN: _owners,
        _K.FIRST_MAY_RUN: lambda r: "a backup job in progress that does not record its ResourceArn, Account or Region might be its first",
        _K.FIRST_UNKNOWN: lambda r: "whether the first backup job listed is its first is unknown",
        _K.ABSENCE_UNKNOWN: _absence,
        _K.MEMBERSHIP_UNKNOWN: lambda r: "whether it is a subject of the rule is unknown",
        _K.STRAY_JOBS: lambda r: f"{counted(r.numbers[0], r.names[0])} might belong to any subject or to none: no {_or(r.fields)} recorded",
        _K.NAMELESS_JOBS: lambda r: f"{counted(r.numbers[0], 'job')} might belong to a subject that no other job names: no {_or(r.fields)} recorded",
        _K.FOLLOWERS_UNREAD: _followers_unread,
        _K.FOLLOWER_UNCLEAR: lambda r: _with_cause(f"a {r.names[0]} that might follow lacks fields", r),
        _K.SPELLED_OTHERWISE: lambda r: f"a value does not occur in the evidence, but another spelling of it does: {'; '.join(r.names)}",
        _K.PLAN_UNSAID: lambda r: "a job of their plan does not record ResourceArn, Account, Region or CreationDate",
        _K.RUNS_UNREAD: lambda r: f"no complete list of {r.names[0]}s shows that no job came",
        _K.RUNS_UNDECIDED: lambda r: f"{r.names[0]} (not evaluated)",
        _K.SCHEDULE_UNKNOWN: lambda r: f"no schedule can be computed for {r.names[0]}",
        _K.PLAN_UNKNOWN: lambda r: (
            f"{counted(r.numbers[0], 'job')} ({r.names[0]}) might be scheduled, but {r.fields[0]} is unknown: "
            "keep CreatedBy.BackupPlanId and CreatedBy.BackupRuleId when you save a list"
        ),
        _K.RUN_UNPLACED: _unplaced,
        _K.NO_RUN_CERTAIN: lambda r: f"no other run was certainly due: {_behind(r)}",
        _K.RUNS_MAY_BELONG: lambda r: f"{counted(r.numbers[0], 'job')} might belong to it, but no run that was due certainly does: {_behind(r)}",
        _K.NOTHING_TO_JUDGE: lambda r: f"nothing to evaluate: {_behind(r)}",
        _K.OUTSIDE_WINDOW: _outside_window,
        _K.NONE_MATCHES: _none_matches,
        _K.NO_SCHEDULED_JOB: lambda r: f"none of {counted(r.numbers[0], r.names[0])} is a scheduled job that matches",
        _K.NO_RUN_DUE: lambda r: f"no scheduled run was due within {r.names[0]}",
        _K.NOTHING_TO_MEASURE: lambda r: f"{r.numbers[0]:,} of {counted(r.numbers[1], 'subject')} without a {r.names[0]} job in the window",
        _K.ALL_IN_PROGRESS: _progress,
        _K.IN_PROGRESS_ALONE: lambda r: f"{r.numbers[0]:,} of {counted(r.numbers[1], 'subject')} with jobs in progress alone, so nothing is decided yet",
        _K.ALL_PENDING: _pending,
        _K.ACCEPTED_UNSURE: lambda r: "with the waived subjects, the share is kept only if the undecided subjects keep it",
        _K.ALL_WAIVED: lambda r: "its only finding is waived" if r.numbers[0] == 1 else f"all {r.numbers[0]:,} findings are waived",
        _K.ON_STEPS: _on_steps,
    }
)
