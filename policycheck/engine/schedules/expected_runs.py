"""Scheduled runs: which ones the jobs of a backup plan show to be promised, which of these were due, and which no job answered.

Whole microseconds since 1970 UTC throughout; no dataframe and no clock.
`docs/groups-specification.md` (Missed runs) fixes what is meant; the numbers below are its steps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from policycheck.engine.schedules.calendars import TOLERANCE, Calendar
from policycheck.engine.schedules.plan_jobs import PlanJob, RuleSchedule
from policycheck.places import Place
from policycheck.units import HOUR

START_WINDOW = 8 * HOUR
"""How long a job has to start, where no job of the rule tells: AWS Backup's own default."""


class Group(NamedTuple):
    """What is promised runs of its own: one rule of a plan, for one resource."""

    place: Place
    resource: str
    plan: str
    rule: str


def group_of(job: PlanJob) -> Group | None:
    """The group of a scheduled job; None of one that does not say all of its plan, rule, resource, place and time."""
    if job.plan is None or job.rule is None or job.resource is None or job.created is None or None in job.place:
        return None
    return Group(job.place, job.resource, job.plan, job.rule)


class Run(NamedTuple):
    """A moment at which a schedule starts jobs."""

    moment: int
    schedule: RuleSchedule


class GroupRuns(NamedTuple):
    """What came of one group's runs; all of them in order."""

    due: int
    missed: tuple[Run, ...] = ()
    doubtful: tuple[Run, ...] = ()
    """Those that a job which does not say its resource, its place, its time or its plan may have answered."""
    changed: tuple[Run, ...] = ()
    """Unanswered ones that one schedule promised and the next did not, or that a version between the two may not have: undecided."""
    ended: tuple[Run, ...] = ()
    """Unanswered ones that the newest version seen in the group promised, after a newer version of the plan had come: undecided."""
    problems: tuple[str, ...] = ()
    """Why the runs of a part of its time cannot be computed, a clean line each; empty where all can."""

    @property
    def undecided(self) -> int:
        """How many runs may have been missed, since nobody knows whether they were promised."""
        return len(self.changed) + len(self.ended)

    @property
    def is_decided(self) -> bool:
        """Whether every run of it was evaluated."""
        return not self.problems and not self.undecided


class ExpectedRun(NamedTuple):
    """One run of a group, and the jobs that answer it."""

    run: Run
    window: int
    """How long after it a job may answer, in microseconds."""
    due: bool
    """Whether that time has passed."""
    answers: tuple[int, ...]
    """When the jobs were created that answer it."""


class _Segment(NamedTuple):
    """A time in which a group had one schedule."""

    schedule: RuleSchedule
    first: int
    """When its first job was created."""
    last: int


@dataclass(slots=True)
class _Times:
    """When some jobs were created."""

    created: list[int] = field(default_factory=list)
    is_open: bool = False
    """Whether one of them does not say."""

    def add(self, created: int | None) -> None:
        if created is None:
            self.is_open = True
        else:
            self.created.append(created)

    def has_between(self, first: int, last: int) -> bool:
        """Whether one was, or may have been, created later than `first` and before `last`."""
        index = bisect_right(self.created, first)
        return self.is_open or (index < len(self.created) and self.created[index] < last)


@dataclass(slots=True)
class _Found:
    due: int = 0
    missed: list[Run] = field(default_factory=list)
    doubtful: list[Run] = field(default_factory=list)
    changed: list[Run] = field(default_factory=list)
    ended: list[Run] = field(default_factory=list)


class _Reading:
    """A calendar and a start window, and the jobs of one group that answer its runs, or may."""

    def __init__(self, calendar: Calendar, window: int, created: Sequence[int], perhaps: Sequence[_Times], as_of: int) -> None:
        self.calendar, self.window = calendar, window
        self._created, self._perhaps = created, perhaps
        closed = bisect_right(calendar.runs, as_of - window)
        # A job answers the latest run: once the next has come, nothing answers this one, however long its start window is.
        passed = bisect_right(calendar.runs, as_of) - 1
        self.due = max(closed, passed)
        """The index before which runs are due."""

    def between(self, first: int, last: int, start: int) -> tuple[range, list[int]]:
        """The indexes of the due runs later than `first`, from `start` and up to `last`; and of those that no job answers (steps 5 and 6)."""
        runs = self.calendar.runs
        begin = max(bisect_right(runs, first), bisect_left(runs, start))
        due = range(begin, max(min(bisect_right(runs, last), self.due), begin))
        if not due:
            return due, []
        near = self._created[bisect_left(self._created, runs[due[0]] - TOLERANCE) : bisect_right(self._created, runs[due[-1]] + self.window)]
        answers = ((self.calendar.latest(moment), moment) for moment in near)
        answered = {run for run, moment in answers if run is not None and moment <= runs[run] + self.window}
        return due, [index for index in due if index not in answered]

    def answers(self, index: int, created: Sequence[int] | None = None) -> tuple[int, ...]:
        """When the jobs were created, of these or of the resource's, that answer one run."""
        created = self._created if created is None else created
        run = self.calendar.runs[index]
        near = created[bisect_left(created, run - TOLERANCE) : bisect_right(created, run + self.window)]
        return tuple(moment for moment in near if self.calendar.latest(moment) == index)

    def is_doubtful(self, index: int) -> bool:
        return any(times.is_open or self.answers(index, times.created) for times in self._perhaps)


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """What all jobs of plans show together, for a history that is not given all of them."""

    calendars: Mapping[tuple[str | None, str], Calendar]
    """By cron and time zone."""
    start_windows: Mapping[tuple[Place, str, str, RuleSchedule], int]
    """By place, plan, rule and schedule."""
    versions: Iterable[tuple[tuple[Place, str], str | None, Sequence[int]]]
    """Of places and plans and a version of each, when jobs were created: where it is the only one and is known, the newest is enough."""


class PlanHistory:
    """The jobs that plans made, and what they show of the plans' schedules."""

    def __init__(self, jobs: Iterable[PlanJob], as_of: int, facts: PlanFacts | None = None) -> None:
        """
        Args:
            jobs: all of them; with `facts`, those of the resources and plans that are asked about, and all that do not say enough.
        """
        self._as_of = as_of
        self._groups: defaultdict[Group, list[PlanJob]] = defaultdict(list)
        self._by_schedule: defaultdict[tuple[Place, str, str, RuleSchedule], list[PlanJob]] = defaultdict(list)
        self._created: defaultdict[tuple[Place, str, str], list[int]] = defaultdict(list)
        self._earliest: dict[tuple[str | None, str], int] = {}
        self._perhaps: defaultdict[tuple[Place, str | None, str | None], _Times] = defaultdict(_Times)
        """By place, plan (None: unknown) and resource (None: any), the jobs that may answer and do not certainly."""
        self._versions: defaultdict[tuple[Place, str | None], defaultdict[str | None, _Times]] = defaultdict(lambda: defaultdict(_Times))
        """By place and plan, each unknown too: when the jobs of each version of the plan were created."""
        self._calendars: dict[tuple[str | None, str], Calendar] = {}
        self._start_windows: dict[tuple[Place, str, str, RuleSchedule], int] = {}
        for job in jobs:
            self._add(job)
        if facts is not None:
            self._calendars |= facts.calendars
            self._start_windows |= facts.start_windows
            for key, version, created in facts.versions:
                self._versions[key][version].created += created
        for jobs_of_group in self._groups.values():
            first = min(job.created or 0 for job in jobs_of_group)
            for schedule in {job.schedule for job in jobs_of_group}:
                # What a schedule would have promised before its first job is asked, too: from the group's first job on.
                self._earliest[schedule[:2]] = min(first, self._earliest[schedule[:2]])
        for created in self._created.values():
            created.sort()
        for times in (*self._perhaps.values(), *(times for versions in self._versions.values() for times in versions.values())):
            times.created.sort()

    def _add(self, job: PlanJob) -> None:
        place, plan, schedule, created = job.place, job.plan, job.schedule, job.created
        # One that does not say its place says no resource either.
        resource = None if None in place else job.resource
        self._versions[place, plan][schedule.version].add(created)
        if plan is None or resource is None or created is None:
            self._perhaps[place, plan, resource].add(created)
        if created is None or plan is None:
            return
        if job.resource is not None:
            self._created[place, job.resource, plan].append(created)
        if job.rule is not None:
            cron = schedule[:2]
            self._earliest[cron] = min(created, self._earliest.get(cron, created))
            self._by_schedule[place, plan, job.rule, schedule].append(job)
            if job.resource is not None:
                self._groups[Group(place, job.resource, plan, job.rule)].append(job)

    def judge(self, group: Group, start: int) -> GroupRuns:
        """The runs of a group that has a job, from `start` to as_of."""
        found = _Found()
        segments = self._segments(group)
        readings = [self._reading(group, segment) for segment in segments]
        ended = self._end_of_version(group, segments[-1])
        for index, (segment, reading) in enumerate(zip(segments, readings, strict=True)):
            if index:
                self._judge_gap(group, segments[index - 1 : index + 1], readings[index - 1 : index + 1], start, found)
            is_last = index == len(segments) - 1
            due, unanswered = reading.between(segment.first + TOLERANCE, self._as_of if is_last else segment.last, start)
            found.due += len(due)
            for number in unanswered:
                run = Run(reading.calendar.runs[number], segment.schedule)
                if is_last and ended is not None and run.moment > ended:
                    found.ended.append(run)
                    found.due -= 1
                else:
                    (found.doubtful if reading.is_doubtful(number) else found.missed).append(run)
        problems = dict.fromkeys(self._problems(segments, readings, start))
        return GroupRuns(found.due, tuple(found.missed), tuple(found.doubtful), tuple(found.changed), tuple(found.ended), tuple(problems))

    def _judge_gap(self, group: Group, segments: Sequence[_Segment], readings: Sequence[_Reading], start: int, found: _Found) -> None:
        """Step 8: what two segments promised between the last job of the one and the first of the other."""
        (old, new), (first, last) = readings, (segments[0].last, segments[1].first)
        if old.calendar.problem or new.calendar.problem:
            return
        (due_old, open_old), (due_new, open_new) = (reading.between(first, last, start) for reading in readings)
        promised, wanted = ({reading.calendar.runs[index]: index for index in indexes} for reading, indexes in ((old, open_old), (new, open_new)))
        both = promised.keys() & wanted.keys()
        met = [{reading.calendar.runs[index] for index in due} for reading, due in ((old, due_old), (new, due_new))]
        found.due += len((met[0] - promised.keys()) & (met[1] - wanted.keys()))
        versions = [segment.schedule.version for segment in segments]
        if both and self._has_version_between(group, versions, first, last):
            found.changed += [Run(moment, segments[1].schedule) for moment in sorted(both)]
        else:
            found.due += len(both)
            for moment in sorted(both):
                doubtful = old.is_doubtful(promised[moment]) or new.is_doubtful(wanted[moment])
                (found.doubtful if doubtful else found.missed).append(Run(moment, segments[1].schedule))
        alone = promised.keys() ^ wanted.keys()
        # The last job of the old schedule answers the new one's next run, as the new one's first job answers the run before it.
        following = new.calendar.next_after(first + TOLERANCE)
        if following is not None and following <= first + new.window and not old.calendar.has(following):
            alone.discard(following)
        found.changed += [Run(moment, segments[moment in wanted].schedule) for moment in alone]
        found.changed.sort()

    def _has_version_between(self, group: Group, versions: Sequence[str | None], first: int, last: int) -> bool:
        """Whether the plan made, or may have made, a job in this time by neither of these versions."""
        return any(
            times.has_between(first, last)
            for key in _may_be_of(group)
            for version, times in self._versions.get(key, {}).items()
            if version is None or version not in versions
        )

    def _end_of_version(self, group: Group, segment: _Segment) -> int | None:
        """Step 9: the last moment at which the plan's version of this segment was certainly in force; None where no newer one can have come."""
        version, end = segment.schedule.version, segment.last
        if version is not None:
            end = self._versions[group.place, group.plan][version].created[-1]
        later = (
            bool(times.is_open or (times.created and times.created[-1] > end))
            for key in _may_be_of(group)
            for other, times in self._versions.get(key, {}).items()
            if version is None or other != version
        )
        return end if any(later) else None

    def _problems(self, segments: Sequence[_Segment], readings: Sequence[_Reading], start: int) -> Iterator[str]:
        """Step 10: why parts of the group's time that reach into the window cannot be computed."""
        following = [segment.first for segment in segments[1:]] + [self._as_of]
        for reading, until in zip(readings, following, strict=True):
            if reading.calendar.problem and until >= start:
                yield reading.calendar.problem

    def runs(self, group: Group, start: int) -> Iterator[ExpectedRun]:
        """Every run that may be expected of a group from `start` to as_of, in order, with what answers it: what `judge` counts, one by one."""
        found: list[ExpectedRun] = []
        segments = self._segments(group)
        readings = [self._reading(group, segment) for segment in segments]
        for index, (segment, reading) in enumerate(zip(segments, readings, strict=True)):
            runs, until = reading.calendar.runs, self._as_of if index == len(segments) - 1 else segment.last
            for number in range(max(bisect_right(runs, segment.first + TOLERANCE), bisect_left(runs, start)), bisect_right(runs, until)):
                found.append(ExpectedRun(Run(runs[number], segment.schedule), reading.window, number < reading.due, reading.answers(number)))
        judged = self.judge(group, start)
        told = {one.run for one in found}
        windows = {segment.schedule: reading.window for segment, reading in zip(segments, readings, strict=True)}
        between = (run for run in (*judged.missed, *judged.doubtful, *judged.changed) if run not in told)
        found += [ExpectedRun(run, windows[run.schedule], True, ()) for run in between]
        yield from sorted(found, key=lambda one: one.run.moment)

    def _segments(self, group: Group) -> list[_Segment]:
        """Step 3."""
        segments: list[_Segment] = []
        # The schedule breaks a tie between jobs without an id, so that the order of the list never matters.
        jobs = [(job.created or 0, job.id, job.schedule) for job in self._groups[group]]
        for created, _, schedule in sorted(jobs, key=lambda job: (job[0], job[1], [part or "" for part in job[2]])):
            if segments and segments[-1].schedule == schedule:
                segments[-1] = segments[-1]._replace(last=created)
            else:
                segments.append(_Segment(schedule, created, created))
        return segments

    def _reading(self, group: Group, segment: _Segment) -> _Reading:
        created = self._created[group.place, group.resource, group.plan]
        anyone = [(*key, None) for key in _may_be_of(group)]
        keys = [*anyone, (group.place, group.plan, group.resource), (group.place, None, group.resource)]
        perhaps = [self._perhaps[key] for key in keys if key in self._perhaps]
        return _Reading(self._calendar(segment.schedule), self._start_window(group, segment.schedule), created, perhaps, self._as_of)

    def _start_window(self, group: Group, schedule: RuleSchedule) -> int:
        """Step 4."""
        key = group.place, group.plan, group.rule, schedule
        if key not in self._start_windows:
            calendar = self._calendar(schedule)
            lengths = []
            for job in self._by_schedule[key]:
                run = calendar.latest(job.created) if job.created is not None else None
                if job.start_by is not None and run is not None and job.start_by > calendar.runs[run]:
                    lengths.append(job.start_by - calendar.runs[run])
            self._start_windows[key] = max(lengths, default=START_WINDOW)
        return self._start_windows[key]

    def _calendar(self, schedule: RuleSchedule) -> Calendar:
        key = schedule.cron, schedule.timezone
        if key not in self._calendars:
            self._calendars[key] = Calendar(schedule, self._earliest[key], self._as_of + TOLERANCE)
        return self._calendars[key]


def _may_be_of(group: Group) -> Iterator[tuple[Place, str | None]]:
    """The places and plans that jobs state which are, or may be, of the group's plan."""
    account, region = group.place
    for known in (account, None):
        for place in ((known, region), (known, None)):
            yield place, group.plan
            yield place, None
