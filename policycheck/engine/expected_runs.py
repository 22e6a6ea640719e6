"""Scheduled runs: which ones the jobs of a backup plan show to be promised, which of these were due, and which no job answered.

Whole microseconds since 1970 UTC throughout; no dataframe and no clock. `docs/groups.md` (Missed runs) fixes what is meant; the numbers below are its steps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from policycheck.engine.schedule import ScheduleError, expected_runs, parse_schedule

TOLERANCE = 60_000_000
"""A job may be created this long before the run it answers."""
START_WINDOW = 8 * 3_600_000_000
"""How long a job has to start, where no job of the rule tells: AWS Backup's own default."""
_DAY = 86_400_000_000

Place = tuple[str | None, str | None]
"""Account and Region; an unknown one is a place of its own."""


class RuleSchedule(NamedTuple):
    """When a rule of a plan runs, as a job it made recorded it."""

    cron: str | None
    timezone: str
    version: str | None
    """Of the plan."""


class PlanJob(NamedTuple):
    """A job that a plan made, created by as_of or at a time nobody recorded."""

    row: int
    """Its index in the list."""
    id: str
    place: Place
    resource: str | None
    plan: str
    rule: str | None
    schedule: RuleSchedule
    created: int | None
    start_by: int | None


class Group(NamedTuple):
    """What is promised runs of its own: one rule of a plan, for one resource."""

    place: Place
    resource: str
    plan: str
    rule: str


class Run(NamedTuple):
    """A moment at which a schedule starts jobs."""

    moment: int
    schedule: RuleSchedule


class GroupRuns(NamedTuple):
    """What came of one group's runs."""

    due: int
    missed: tuple[Run, ...]
    """In order."""
    doubtful: tuple[Run, ...]
    """Those that a job which does not say its resource, its place or its time may have answered."""
    gaps: tuple[tuple[int, int], ...]
    """Times of which nothing is known, since the schedule changed in them, and in which a run of the old or the new one falls."""
    problems: tuple[str, ...]
    """Why the runs of a part of its time cannot be computed, a clean line each; empty where all can."""


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
    start: int
    """When its first job was created."""
    end: int


class PlanHistory:
    """All jobs that plans made, and what they show of the plans' schedules."""

    def __init__(self, jobs: Iterable[PlanJob], as_of: int) -> None:
        self._as_of = as_of
        self._groups: defaultdict[Group, list[PlanJob]] = defaultdict(list)
        self._by_schedule: defaultdict[tuple[Place, str, str, RuleSchedule], list[PlanJob]] = defaultdict(list)
        self._created: defaultdict[tuple[Place, str, str], list[int]] = defaultdict(list)
        self._earliest: dict[tuple[str | None, str], int] = {}
        self._vague: defaultdict[str, list[PlanJob]] = defaultdict(list)
        """By plan, the jobs that do not say all of their place, their resource and their time."""
        self._calendars: dict[tuple[str | None, str], _Calendar] = {}
        self._start_windows: dict[tuple[Place, str, str, RuleSchedule], int] = {}
        for job in jobs:
            self._add(job)
        for created in self._created.values():
            created.sort()

    def _add(self, job: PlanJob) -> None:
        if job.resource is None or job.created is None or None in job.place:
            self._vague[job.plan].append(job)
        if job.created is None:
            return
        if job.resource is not None:
            self._created[job.place, job.resource, job.plan].append(job.created)
        if job.rule is not None:
            cron = job.schedule[:2]
            self._earliest[cron] = min(job.created, self._earliest.get(cron, job.created))
            self._by_schedule[job.place, job.plan, job.rule, job.schedule].append(job)
            if job.resource is not None:
                self._groups[Group(job.place, job.resource, job.plan, job.rule)].append(job)

    def judge(self, group: Group, start: int) -> GroupRuns:
        """The runs of a group that has a job, from `start` to as_of."""
        due = 0
        missed: list[Run] = []
        doubtful: list[Run] = []
        vague = [job for job in self._vague[group.plan] if _may_be_of(job, group)]
        problems: dict[str, None] = {}
        segments = self._segments(group)
        for segment in segments:
            calendar = self._calendar(segment.schedule)
            if calendar.problem:
                problems[calendar.problem] = None
                continue
            first, stop = self._due(group, segment, calendar, start)
            due += max(stop - first, 0)
            answered = self._answered(group, segment, calendar, first, stop)
            unanswered = [index for index in range(first, stop) if index not in answered]
            open_ = self._perhaps_answered(group, segment, calendar, vague)
            missed += [Run(calendar.runs[index], segment.schedule) for index in unanswered if open_ is not None and index not in open_]
            doubtful += [Run(calendar.runs[index], segment.schedule) for index in unanswered if open_ is None or index in open_]
        return GroupRuns(due, tuple(missed), tuple(doubtful), tuple(self._gaps(segments, start)), tuple(problems))

    def _perhaps_answered(self, group: Group, segment: _Segment, calendar: _Calendar, vague: Iterable[PlanJob]) -> set[int] | None:
        """The indexes of the calendar's runs that a vague job may answer; None: any."""
        window = self._start_window(group, segment.schedule)
        found = set()
        for job in vague:
            if job.created is None:
                return None
            index = calendar.latest(job.created)
            if index is not None and job.created <= calendar.runs[index] + window:
                found.add(index)
        return found

    def runs(self, group: Group, start: int) -> Iterator[ExpectedRun]:
        """Every run that is expected of a group from `start` to as_of, with what answers it: what `judge` counts, one by one."""
        for segment in self._segments(group):
            calendar, window = self._calendar(segment.schedule), self._start_window(group, segment.schedule)
            first, stop = self._due(group, segment, calendar, start)
            created = self._created[group.place, group.resource, group.plan]
            for index in range(first, bisect_right(calendar.runs, segment.end)):
                run = calendar.runs[index]
                near = created[bisect_left(created, run - TOLERANCE) : bisect_right(created, run + window)]
                answers = tuple(moment for moment in near if calendar.latest(moment) == index)
                yield ExpectedRun(Run(run, segment.schedule), window, index < stop, answers)

    def _segments(self, group: Group) -> list[_Segment]:
        """Step 2."""
        segments: list[_Segment] = []
        # The schedule breaks a tie between jobs without an id, so that the order of the list never matters.
        jobs = [(job.created or 0, job.id, job.schedule) for job in self._groups[group]]
        for created, _, schedule in sorted(jobs, key=lambda job: (job[0], job[1], [part or "" for part in job[2]])):
            if segments and segments[-1].schedule == schedule:
                segments[-1] = segments[-1]._replace(end=created)
            else:
                segments.append(_Segment(schedule, created, created))
        segments[-1] = segments[-1]._replace(end=self._as_of)
        return segments

    def _due(self, group: Group, segment: _Segment, calendar: _Calendar, start: int) -> tuple[int, int]:
        """Steps 3 and 4: the indexes from and before which the calendar's runs are expected of the segment, and due."""
        first = max(bisect_right(calendar.runs, segment.start + TOLERANCE), bisect_left(calendar.runs, start))
        closed = bisect_right(calendar.runs, self._as_of - self._start_window(group, segment.schedule))
        # A job answers the latest run: once the next has come, nothing answers this one, however long its start window is.
        passed = bisect_right(calendar.runs, self._as_of) - 1
        return first, min(bisect_right(calendar.runs, segment.end), max(closed, passed))

    def _start_window(self, group: Group, schedule: RuleSchedule) -> int:
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

    def _answered(self, group: Group, segment: _Segment, calendar: _Calendar, first: int, stop: int) -> set[int]:
        """Step 5: the indexes of the calendar's runs that a job of the plan answers."""
        if first >= stop:
            return set()
        window = self._start_window(group, segment.schedule)
        created = self._created[group.place, group.resource, group.plan]
        near = created[bisect_left(created, calendar.runs[first] - TOLERANCE) : bisect_right(created, calendar.runs[stop - 1] + window)]
        answers = ((calendar.latest(moment), moment) for moment in near)
        return {run for run, moment in answers if run is not None and moment <= calendar.runs[run] + window}

    def _gaps(self, segments: list[_Segment], start: int) -> Iterable[tuple[int, int]]:
        for before, after in pairwise(segments):
            calendars = (self._calendar(before.schedule), self._calendar(after.schedule))
            if any(calendar.has_run(max(before.end + 1, start), after.start - 1) for calendar in calendars):
                yield before.end, after.start

    def _calendar(self, schedule: RuleSchedule) -> _Calendar:
        key = schedule.cron, schedule.timezone
        if key not in self._calendars:
            self._calendars[key] = _Calendar(schedule, self._earliest[key], self._as_of + TOLERANCE)
        return self._calendars[key]


def _may_be_of(job: PlanJob, group: Group) -> bool:
    """Whether a job of the plan may be of the group's resource; one that does not say its place says no resource either."""
    if any(said not in (None, part) for said, part in zip(job.place, group.place, strict=True)):
        return False
    return job.resource in (None, group.resource) or None in job.place


class _Calendar:
    """The runs of one cron expression in one time zone: all from `earliest` to `latest`, and some before, the last one before it among them."""

    def __init__(self, schedule: RuleSchedule, earliest: int, latest: int) -> None:
        self.runs: list[int] = []
        self.problem = ""
        """Why they cannot be computed."""
        try:
            self.runs = _compute_runs(schedule, earliest, latest)
        except ScheduleError as error:
            self.problem = str(error)

    def latest(self, created: int) -> int | None:
        """The index of the run that a job created then answers."""
        index = bisect_right(self.runs, created + TOLERANCE) - 1
        return index if index >= 0 else None

    def has_run(self, first: int, last: int) -> bool:
        """Whether a run lies in this time, both edges included."""
        index = bisect_right(self.runs, last) - 1
        return index >= 0 and self.runs[index] >= first


def _compute_runs(schedule: RuleSchedule, earliest: int, latest: int) -> list[int]:
    if schedule.cron is None:
        raise ScheduleError("no BackupRuleCron is recorded")
    parsed = parse_schedule(schedule.cron)
    back = 40 * _DAY
    while True:
        start = max(earliest - back, 0)
        runs = expected_runs(parsed, schedule.timezone, start, latest)
        if start == 0 or (runs and runs[0] < earliest):
            return runs
        # A yearly schedule has its last run far back.
        back *= 4
