"""Which rules of plans certainly missed no run, told for all resources at once: only the others come to `PlanHistory`, with their jobs.

What this says of a group, `PlanHistory.judge` says of it. Every job is numbered, in one pass, by the run that it answers (an as-of join of the jobs with the
few runs of each calendar); of each resource and plan what is kept of a calendar is since which run all have been answered, and up to which. A group whose due
runs all lie between these missed none, whatever other jobs do not say: what is answered is answered. The bounds may only err the other way: a start window is
the shortest of any version of the plan, and a job of which the rule is unknown answers nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.columns import column_of
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.rewinding import RECORDING
from policycheck.engine.schedules.calendars import TOLERANCE, Calendar
from policycheck.engine.schedules.expected_runs import START_WINDOW, Group, GroupRuns, PlanFacts
from policycheck.engine.schedules.numbering import CALENDAR, PLAN, RULE, SCHEDULE, SERIES, Numbering, PlanRule, is_scheduled
from policycheck.engine.schedules.plan_jobs import MEMBERS, RuleSchedule
from policycheck.places import Place

COLUMNS = (ROW, SUBJECT, "CreationDate", "StartBy", "Account", "Region", RECORDING, *map(column_of, MEMBERS))
"""Of the frame of a list, what is read of a job."""
ANSWERED, NOT_DUE = GroupRuns(1), GroupRuns(0)
"""What came of a group that certainly missed nothing: some runs were due, or none was. How many is not told."""
MOST_CALENDARS = 4
"""Where a plan has more calendars for a resource, that resource is not screened: each of its jobs would be numbered in every one."""
_CREATED, _START_BY, _PLACED = "_created", "_start_by", "_placed"
_TIME, _KIND, _INDEX, _MOMENT, _STEP, _WINDOW = "_time", "_kind", "_index", "_moment", "_step", "_window"
_RUN, _JOB = 0, 1
"""At one time a run stands before the job that answers it."""


class _Segment(NamedTuple):
    """A time in which a group had one schedule."""

    schedule: int
    first: int
    """When its first job was created."""
    before: int | None
    """When the job before that was."""


@dataclass(slots=True)
class HeldGroup:
    """A group of a list."""

    number: tuple[int, int]
    """Of its subject and its rule."""
    group: Group
    firsts: dict[int, int] = field(default_factory=dict)
    """When the first job of each of its schedules was created."""
    surely: list[bool] = field(default_factory=list)
    """Whether each rule of policycheck certainly chooses a job of it,"""
    perhaps: list[bool] = field(default_factory=list)
    """and whether it may choose one."""


class PlanScreen:
    """The scheduled jobs of a list, in columns."""

    def __init__(self, masks: nw.LazyFrame[Any], frame: Frame, chosen: Sequence[str], backend: Backend) -> None:
        """
        Args:
            masks: COLUMNS of the list, and those of `chosen`.
            chosen: the columns that say whether rules choose a job.
        """
        self._masks, self._frame, self._chosen, self._backend = masks, frame, chosen, backend
        kept = [nw.col(ROW), nw.col(SUBJECT), nw.col("CreationDate").alias(_CREATED), nw.col("StartBy").alias(_START_BY), self._is_placed.alias(_PLACED)]
        self.numbering = Numbering(masks, frame, [*kept, *map(nw.col, chosen)], backend)
        self._jobs = self.numbering.jobs
        self._rules, self._schedules = list(self.numbering.rules), list(self.numbering.schedules)
        self._calendar_of = [self.numbering.calendars[schedule[:2]] for schedule in self._schedules]
        self._dues: dict[tuple[int, int], int] = {}

    @property
    def _nowhere(self) -> list[int]:
        """The subjects that do not say which resource they are."""
        return [number for number, (_, _, resource) in enumerate(self._frame.subjects) if resource is None]

    @property
    def _has_resource(self) -> nw.Expr:
        nowhere = self._nowhere
        return ~nw.col(SUBJECT).is_in(nowhere) if nowhere else nw.lit(True)

    @property
    def _is_placed(self) -> nw.Expr:
        """Whether a job says whose run it answers, and when. Never null."""
        return self._has_resource & ~nw.col("CreationDate").is_null() & ~nw.col("Account").is_null() & ~nw.col("Region").is_null()

    def vague_rows(self) -> list[tuple[Any, ...]]:
        """The rows of the jobs that may be scheduled ones and do not say whose run they answer; and of each whether rules choose it."""
        lacking = self._masks.filter(~(is_scheduled() & self._is_placed))
        return sorted(self._backend.rows(lacking.select(nw.col(ROW), *map(nw.col, self._chosen))))

    @cached_property
    def groups(self) -> dict[Group, HeldGroup]:
        """The groups of jobs that say whose run they answer."""
        flags = [flag for name in self._chosen for flag in _flags(name)]
        names = [SUBJECT, RULE, SCHEDULE, _CREATED, *(f"{name}_{flag}" for name in self._chosen for flag in ("surely", "perhaps"))]
        held = self._jobs.filter(nw.col(_PLACED)).group_by(SUBJECT, RULE, SCHEDULE).agg(nw.col(_CREATED).min(), *flags).select(*map(nw.col, names))
        found: dict[tuple[int, int], HeldGroup] = {}
        for subject, rule, schedule, first, *told in self._backend.rows(held):
            group = found.get((subject, rule))
            if group is None:
                (account, region, resource), named = self._frame.subjects[subject], self._rules[rule]
                key = Group((account, region), resource or "", named.plan, named.rule)
                group = found[subject, rule] = HeldGroup((subject, rule), key, {}, [False] * len(self._chosen), [False] * len(self._chosen))
            group.firsts[schedule] = first
            group.surely = [known or bool(flag) for known, flag in zip(group.surely, told[::2], strict=True)]
            group.perhaps = [known or bool(flag) for known, flag in zip(group.perhaps, told[1::2], strict=True)]
        return {group.group: group for group in found.values()}

    @cached_property
    def _calendars(self) -> list[Calendar | None]:
        """By number; None of one by which no job is known to have run at any time."""
        earliest = dict(self.numbering.first)
        # What a schedule would have promised before its first job is asked, too: from the group's first job on.
        told = self._jobs.filter(~nw.col(_CREATED).is_null() & self._has_resource).select(nw.col(SUBJECT), nw.col(RULE), nw.col(CALENDAR), nw.col(_CREATED))
        first = told.group_by(SUBJECT, RULE).agg(nw.col(_CREATED).min().alias("_first"))
        each = told.select(nw.col(SUBJECT), nw.col(RULE), nw.col(CALENDAR)).unique().join(first, on=[SUBJECT, RULE], how="inner")
        for calendar, moment in self._backend.rows(each.group_by(CALENDAR).agg(nw.col("_first").min()).select(nw.col(CALENDAR), nw.col("_first"))):
            earliest[calendar] = min(moment, earliest[calendar])
        until = self._frame.as_of + TOLERANCE
        found = enumerate(self.numbering.calendars)
        return [Calendar(RuleSchedule(*key, None), earliest[number], until) if number in earliest else None for number, key in found]

    @cached_property
    def _several(self) -> list[tuple[int, int, int]]:
        """Of subjects and plans that have several calendars, each of these."""
        by_plan: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for held in self.groups.values():
            plan = self._plan_of(held.number[1])
            by_plan[held.number[0], plan].update(self._calendar_of[schedule] for schedule in held.firsts)
        return [(*key, calendar) for key, found in by_plan.items() if 1 < len(found) <= MOST_CALENDARS for calendar in sorted(found)]

    def _plan_of(self, rule: int) -> int:
        named = self._rules[rule]
        return self.numbering.plans[named.place, named.plan]

    @cached_property
    def _ranked(self) -> nw.LazyFrame[Any]:
        """Each job with the run that it answers, in its own calendar (with its SERIES) and in the others of its resource and plan (with none)."""
        told = self._jobs.filter(~nw.col(_CREATED).is_null())
        columns = [nw.col(name) for name in (SUBJECT, PLAN, _CREATED, _START_BY, _PLACED)]
        time, none = (nw.col(_CREATED) + TOLERANCE).alias(_TIME), _number(-1)
        parts = [told.select(*columns, nw.col(SERIES), nw.col(CALENDAR), time, _number(_JOB).alias(_KIND), none.alias(_INDEX), none.alias(_MOMENT))]
        if self._several:
            names = (SUBJECT, PLAN, "_other")
            table = {name: (ColumnType.INTEGER, [row[index] for row in self._several]) for index, name in enumerate(names)}
            others = told.filter(nw.col(_PLACED)).join(self._backend.frame(table), on=[SUBJECT, PLAN], how="inner").filter(nw.col("_other") != nw.col(CALENDAR))
            beside = none.alias(SERIES), nw.col("_other").alias(CALENDAR)
            parts.append(others.select(*columns, *beside, time, _number(_JOB).alias(_KIND), none.alias(_INDEX), none.alias(_MOMENT)))
        runs = [(number, moment, index) for number, calendar in enumerate(self._calendars) if calendar for index, moment in enumerate(calendar.runs)]
        table = {name: (ColumnType.INTEGER, [run[place] for run in runs]) for place, name in enumerate((CALENDAR, _MOMENT, _INDEX))}
        no_job = [none.alias(SUBJECT), none.alias(PLAN), none.alias(_CREATED), none.alias(_START_BY), nw.lit(False).alias(_PLACED), none.alias(SERIES)]
        moments = self._backend.frame(table).select(
            *no_job, nw.col(CALENDAR), nw.col(_MOMENT).alias(_TIME), _number(_RUN).alias(_KIND), nw.col(_INDEX), nw.col(_MOMENT)
        )
        latest = {name: nw.col(name).cum_max().over(CALENDAR, order_by=[_TIME, _KIND]) for name in (_INDEX, _MOMENT)}
        both = nw.concat([*parts, moments], how="vertical").with_columns(**latest)
        return self._backend.persist(both.filter((nw.col(_KIND) == _JOB) & (nw.col(_INDEX) >= 0)))

    @cached_property
    def _start_windows(self) -> dict[tuple[PlanRule, RuleSchedule], int]:
        """How long a job of each rule has to start, by each of its schedules (step 4)."""
        own = self._ranked.filter((nw.col(SERIES) >= 0) & (nw.col(_START_BY) > nw.col(_MOMENT)))
        longest = own.group_by(SERIES).agg((nw.col(_START_BY) - nw.col(_MOMENT)).max().alias(_WINDOW)).select(nw.col(SERIES), nw.col(_WINDOW))
        told = dict(self._backend.rows(longest))
        return {key: told.get(number, START_WINDOW) for key, number in self.numbering.series.items()}

    @cached_property
    def _answered(self) -> dict[tuple[int, int, int], tuple[int, int]]:
        """By subject, plan and calendar: since which run, by its index, all were answered, and up to which."""
        shortest: dict[tuple[int, int], int] = {}
        for (rule, schedule), window in self._start_windows.items():
            key = self.numbering.plans[rule.place, rule.plan], self.numbering.calendars[schedule[:2]]
            shortest[key] = min(window, shortest.get(key, window))
        table = {name: (ColumnType.INTEGER, [key[place] for key in shortest]) for place, name in enumerate((PLAN, CALENDAR))}
        windows = self._backend.frame({**table, _WINDOW: (ColumnType.INTEGER, list(shortest.values()))})
        in_time = self._ranked.filter(nw.col(_PLACED)).join(windows, on=[PLAN, CALENDAR], how="inner")
        in_time = in_time.filter(nw.col(_CREATED) <= nw.col(_MOMENT) + nw.col(_WINDOW))
        told, index = (SUBJECT, PLAN, CALENDAR), nw.col(_INDEX)
        steps = in_time.with_columns((index - index.shift(1).over(*told, order_by=_INDEX)).alias(_STEP))
        hole = nw.when(nw.col(_STEP) > 1).then(index).max()
        found = steps.group_by(*told).agg(hole.alias("_hole"), index.min().alias("_first"), index.max().alias("_last"))
        rows = self._backend.rows(found.select(*map(nw.col, (*told, "_hole", "_first", "_last"))))
        return {(subject, plan, calendar): (first if hole is None else hole, last) for subject, plan, calendar, hole, first, last in rows}

    @cached_property
    def _segments(self) -> dict[tuple[int, int], list[_Segment]]:
        """Of groups that have several schedules, the first job of each time that they had one; nothing of those in which jobs of one moment differ."""
        several = [held.number for held in self.groups.values() if len(held.firsts) > 1]
        if not several:
            return {}
        table = {name: (ColumnType.INTEGER, [number[place] for number in several]) for place, name in enumerate((SUBJECT, RULE))}
        jobs = self._jobs.filter(nw.col(_PLACED)).join(self._backend.frame(table), on=[SUBJECT, RULE], how="inner")
        before = {f"_before{name}": nw.col(name).shift(1).over(SUBJECT, RULE, order_by=[_CREATED, ROW]) for name in (SCHEDULE, _CREATED)}
        changed = nw.col(f"_before{SCHEDULE}").is_null() | (nw.col(f"_before{SCHEDULE}") != nw.col(SCHEDULE))
        names = (SUBJECT, RULE, SCHEDULE, _CREATED, f"_before{_CREATED}")
        found: defaultdict[tuple[int, int], list[_Segment]] = defaultdict(list)
        for subject, rule, *told in self._backend.rows(jobs.with_columns(**before).filter(changed).select(*map(nw.col, names))):
            found[subject, rule].append(_Segment(*told))
        ordered = {key: sorted(segments, key=lambda segment: segment.first) for key, segments in found.items()}
        return {key: segments for key, segments in ordered.items() if all(segment.first != segment.before for segment in segments)}

    def judge(self, held: HeldGroup, start: int) -> GroupRuns | None:
        """What came of a group that certainly missed no run from `start` to as_of; None of one that may have."""
        subject, rule = held.number
        segments = self._segments.get(held.number, []) if len(held.firsts) > 1 else [_Segment(*next(iter(held.firsts.items())), None)]
        if not segments:
            return None
        as_of, due = self._frame.as_of, False
        for old, segment, following in zip([None, *segments[:-1]], segments, [*segments[1:], None], strict=True):
            number = self._calendar_of[segment.schedule]
            calendar = self._calendars[number]
            if calendar is None or calendar.problem:
                return None
            # From the job before it on, and up to the job after it: between schedules either may have promised a run.
            since = segment.first + TOLERANCE if old is None else self._since(rule, old, segment)
            asked = self._due(rule, segment.schedule, since, as_of if following is None else following.first, start)
            if asked:
                first, last = self._answered.get((subject, self._plan_of(rule), number), (len(calendar.runs), -1))
                if asked[0] < first or asked[-1] > last:
                    return None
            until = as_of if following is None or following.before is None else following.before
            due = due or bool(self._due(rule, segment.schedule, segment.first + TOLERANCE, until, start))
        due = due or any(self._is_due_between(rule, old, new, start) for old, new in pairwise(segments))
        return ANSWERED if due else NOT_DUE

    def _since(self, rule: int, old: _Segment, new: _Segment) -> int:
        """From when on the runs of a schedule are asked that another was before: the last job by that one answers the next run of this one (step 8)."""
        before = new.before or 0
        other, calendar = (self._calendars[self._calendar_of[segment.schedule]] for segment in (old, new))
        window = self._start_windows[self._rules[rule], self._schedules[new.schedule]]
        following = calendar.next_after(before) if calendar is not None else None
        if following is None or other is None or other.has(following):
            return before
        return following if before + TOLERANCE < following <= min(before + window, new.first) else before

    def _is_due_between(self, rule: int, old: _Segment, new: _Segment, start: int) -> bool:
        """Whether both schedules promised a run between the last job of the one and the first of the other, where all are answered."""
        told = []
        for segment in (old, new):
            calendar = self._calendars[self._calendar_of[segment.schedule]]
            runs = calendar.runs if calendar is not None else []
            told.append({runs[index] for index in self._due(rule, segment.schedule, new.before or 0, new.first, start)})
        return not told[0].isdisjoint(told[1])

    def _due(self, rule: int, schedule: int, since: int, until: int, start: int) -> range:
        """The indexes of the due runs of a calendar later than `since`, from `start` and up to `until` (step 5)."""
        number = self._calendar_of[schedule]
        calendar, window, as_of = self._calendars[number], self._start_windows[self._rules[rule], self._schedules[schedule]], self._frame.as_of
        runs = calendar.runs if calendar is not None else []
        if (number, window) not in self._dues:
            self._dues[number, window] = max(bisect_right(runs, as_of - window), bisect_right(runs, as_of) - 1)
        begin = max(bisect_right(runs, since), bisect_left(runs, start))
        return range(begin, max(begin, min(bisect_right(runs, until), self._dues[number, window])))

    def rows_of(self, groups: Collection[HeldGroup]) -> list[int]:
        """The rows of the jobs of the resources and plans of these groups, and of the newest jobs of each rule of these plans."""
        if not groups:
            return []
        pairs = sorted({(held.number[0], self._plan_of(held.number[1])) for held in groups})
        table = {name: (ColumnType.INTEGER, [pair[place] for pair in pairs]) for place, name in enumerate((SUBJECT, PLAN))}
        own = self._jobs.filter(nw.col(_PLACED)).join(self._backend.frame(table), on=[SUBJECT, PLAN], how="inner").select(nw.col(ROW))
        jobs = self._of_plans({plan for _, plan in pairs})
        newest = jobs.join(jobs.group_by(RULE).agg(nw.col(_CREATED).max().alias("_newest")), on=RULE, how="inner")
        rows = self._backend.rows(own) + self._backend.rows(newest.filter(nw.col(_CREATED) == nw.col("_newest")).select(nw.col(ROW)))
        return sorted({row for (row,) in rows})

    def rows_of_plan(self, place: Place, plan: str) -> list[int]:
        """The rows of all scheduled jobs of a plan."""
        number = self.numbering.plans.get((place, plan), -1)
        return sorted(row for (row,) in self._backend.rows(self._jobs.filter(nw.col(PLAN) == number).select(nw.col(ROW))))

    def _of_plans(self, plans: Collection[int]) -> nw.LazyFrame[Any]:
        """The jobs of some plans that say when they were created."""
        table = self._backend.frame({PLAN: (ColumnType.INTEGER, sorted(plans))})
        return self._jobs.filter(~nw.col(_CREATED).is_null()).join(table, on=PLAN, how="inner")

    def facts(self, groups: Collection[HeldGroup]) -> PlanFacts:
        """What all jobs show, for a history that is given the jobs of these groups."""
        calendars = {key: calendar for key, number in self.numbering.calendars.items() if (calendar := self._calendars[number]) is not None}
        windows = {(*rule, schedule): window for (rule, schedule), window in self._start_windows.items()}
        return PlanFacts(calendars, windows, list(self._versions({self._plan_of(held.number[1]) for held in groups})))

    def _versions(self, plans: set[int]) -> Iterator[tuple[tuple[Place, str], str | None, list[int]]]:
        if not plans:
            return
        keys, jobs = list(self.numbering.plans), self._of_plans(plans)
        newest: defaultdict[int, dict[str | None, int]] = defaultdict(dict)
        for plan, schedule, last in self._backend.rows(
            jobs.group_by(PLAN, SCHEDULE).agg(nw.col(_CREATED).max()).select(*map(nw.col, (PLAN, SCHEDULE, _CREATED)))
        ):
            version = self._schedules[schedule].version
            newest[plan][version] = max(last, newest[plan].get(version, last))
        several = [plan for plan, found in newest.items() if len(found) > 1 or None in found]
        yield from ((keys[plan], version, [last]) for plan, found in newest.items() for version, last in found.items() if plan not in several)
        if several:
            times: defaultdict[tuple[int, str | None], list[int]] = defaultdict(list)
            for plan, schedule, created in self._backend.rows(self._of_plans(several).select(*map(nw.col, (PLAN, SCHEDULE, _CREATED))).unique()):
                times[plan, self._schedules[schedule].version].append(created)
            yield from ((keys[plan], version, created) for (plan, version), created in times.items())


def _flags(name: str) -> tuple[nw.Expr, nw.Expr]:
    chosen = nw.col(name)
    surely, perhaps = (chosen.fill_null(unknown).cast(nw.Int64).max() for unknown in (False, True))
    return surely.alias(f"{name}_surely"), perhaps.alias(f"{name}_perhaps")


def _number(value: int) -> nw.Expr:
    return nw.lit(value).cast(nw.Int64)
