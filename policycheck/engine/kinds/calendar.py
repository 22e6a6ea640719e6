"""`calendar`: on how many of the last days, weeks or months a group has a matching job. A job's day is that of its CreationDate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount
from policycheck.engine.group_measure import Screen, count_open
from policycheck.engine.judgement import Edge, Judgement, Rows, Setting, expectation, limit_of, newest_match
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import Number, Range, Truth
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.calendars import CalendarUnit, Period, end_of_period, past_periods
from policycheck.policy.model import Calendar, Expectation
from policycheck.units import DAY

_MOST_NAMED = 10
_SPACING = {CalendarUnit.DAYS: DAY, CalendarUnit.WEEKS: 7 * DAY, CalendarUnit.MONTHS: 28 * DAY}
"""How far apart jobs may be of which there is one in each."""


class CalendarMeasure(GroupedMeasure):
    """See `GroupMeasure`."""

    may_be_filled = True

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population) & nw.col(case.matching)

    def columns(self, case: Case) -> list[str]:
        return ["CreationDate"]

    def screen(self, case: Case) -> Screen:
        # The number of the period that a job is in, counted from the oldest; one of the period that runs is in none.
        created, periods = nw.col("CreationDate"), _periods(case)
        within = (nw.col(case.measured) & (created < periods[-1].end)).fill_null(False)
        number = sum(((created >= period.start).cast(nw.Int64) for period in periods), start=nw.lit(0))
        numbers = nw.when(within).then(number)
        return Screen(
            {"open": count_open(case, "CreationDate"), "periods": numbers.n_unique(), "none": nw.when(within).then(nw.lit(0)).otherwise(nw.lit(1)).max()}
        )

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        # What is in no period is counted as one more.
        return Range(bounds[0] - bounds[1], bounds[0] - bounds[1])

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        edge, found = setting.edge, _find(_periods(case), ((job[2], job[3]) for job in jobs))
        periods, limit = _periods(case), int(limit_of(expectation(case))[1])
        allowed = len(periods) - limit
        value = Range(len(found.sure), min(len(periods), len(found.possible) + found.undated))
        missing = found.missing(periods, _first_due(periods, edge))
        if len(missing) - found.undated > allowed:
            told = tuple(periods[number].start for number in missing)
            return Judgement(group, edge, True, value, newest_match(jobs, job_list), missing=told)
        if value.least >= limit:
            return Judgement(group, edge, False, value)
        due = {number for number in range(len(periods)) if number >= _first_due(periods, edge)}
        is_kept = len(due - found.sure) <= allowed
        if is_kept and edge.new:
            # What keeps it from the limit is that it was not there yet.
            return Judgement(group, edge, False, value, pending=True)
        return Judgement(group, edge, None, value, possible_for="edge" if is_kept and edge.new is None else "")

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _MoreDays(case, jobs, job_list, as_of)

    def pending_until(self, case: Case, first: int) -> int:
        calendar = _calendar(case)
        return end_of_period(calendar.unit, calendar.zone.text, first, int(limit_of(expectation(case))[1]) - 1)

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        calendar, most = _calendar(account.case), account.favourable(judged)
        missing = [period.name for period in _periods(account.case) if period.start in judged.missing]
        named = ", ".join(missing[:_MOST_NAMED]) + (f" and {len(missing) - _MOST_NAMED:,} more" if len(missing) > _MOST_NAMED else "")
        bound = account.bound(account.distance(most))
        return f"a {account.name_jobs('job')} on {most:,} of {calendar.words}, {bound}; none on {named}"

    def listed_rows(self, account: GroupAccount, judged: Judgement) -> Sequence[int]:
        """Those that went wrong on a day without one that did not."""
        finished = account.view.job_list.dataset.finished
        return [job.row for job in self._of_missing(account, judged) if job.state in finished and job.matching is False]

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        return self._of_missing(account, judged)

    def _of_missing(self, account: GroupAccount, judged: Judgement) -> list[ChosenJob]:
        lacking = [period for period in _periods(account.case) if period.start in judged.missing]
        jobs = [job for key in judged.group.keys for job in account.chosen_jobs.get(key, ()) if job.created is not None]
        return [job for job in jobs if any(period.start <= (job.created or 0) < period.end for period in lacking)]

    def spell(self, value: Number) -> str:
        return f"{int(value):,}"

    def spell_measured(self, case: Case, judged: Judgement, *, exact: bool) -> tuple[str, str]:
        measured, margin = super().spell_measured(case, judged, exact=exact)
        return f"{measured} {_calendar(case).count_words(measured)}" if measured else "", margin

    def tells_age(self, requirement: Expectation) -> bool:
        return True

    def describe_failure(self, asked: Asked) -> str:
        limit = asked.limit.replace("less than", "fewer than")
        excused = "the current one is not due yet, and those before the first backup job of a new resource do not count"
        return f"{asked.one} with a {asked.noun} with {asked.what} on {limit}; {excused}"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        assert requirement.calendar is not None
        spacing, window = _SPACING[requirement.calendar.unit], window or 0
        times, reach = window // spacing + 1, window + 3 * DAY
        return SampleJobs(True, spacing * times, spacing, times, reach) if keeps else SampleJobs(True, window + DAY, reach=reach)

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        # When a day leaves what is looked at depends on its zone's midnight: waiting may help.
        return ""


class _Found(NamedTuple):
    """The numbers of the periods that have a matching job."""

    sure: set[int]
    possible: set[int]
    undated: int
    """Jobs that may match and do not say when they were created: each may be of any period."""

    def missing(self, periods: Sequence[Period], first: int) -> list[int]:
        """The periods from the first due one on that have none, in favour of the group."""
        return [number for number in range(first, len(periods)) if number not in self.possible]


class _MoreDays(BestCase):
    """They may be of days without one."""

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        periods, limit = _periods(self.case), int(limit_of(self.requirement)[1])
        found = _find(periods, [*((job[2], job[3]) for job in own), *((None, time) for time in self._times)])
        return len(found.missing(periods, _first_due(periods, judgement.edge))) - found.undated <= len(periods) - limit

    @cached_property
    def _times(self) -> Sequence[int | None]:
        """One of each period, and those without a date."""
        dated = {number: job[3] for job in self.favourable if job[3] is not None and (number := _number(_periods(self.case), job[3])) is not None}
        return [*dated.values(), *(None for job in self.favourable if job[3] is None)]


def _calendar(case: Case) -> Calendar:
    calendar = expectation(case).calendar
    assert calendar is not None
    return calendar


def _periods(case: Case) -> tuple[Period, ...]:
    """The last days, weeks or months that are over, the oldest first."""
    calendar = _calendar(case)
    assert case.as_of is not None
    return past_periods(calendar.unit, int(calendar.last.value or 0), calendar.zone.text, case.as_of)


def _number(periods: Sequence[Period], created: int) -> int | None:
    return next((number for number, period in enumerate(periods) if period.start <= created < period.end), None)


def _find(periods: Sequence[Period], jobs: Iterable[tuple[Truth, int | None]]) -> _Found:
    """The periods of matching jobs.

    Args:
        jobs: (whether it is in the population and matches, CreationDate).
    """
    sure, possible, undated = set[int](), set[int](), 0
    for match, created in jobs:
        if match is False:
            continue
        if created is None:
            undated += 1
        elif (number := _number(periods, created)) is not None:
            possible.add(number)
            if match:
                sure.add(number)
    return _Found(sure, possible, undated)


def _first_due(periods: Sequence[Period], edge: Edge) -> int:
    """The first period that is asked of a group, in its favour: of a new one, that of its first backup job."""
    if edge.new is False or edge.first is None:
        return 0
    return sum(period.end <= edge.first for period in periods)


KIND = CalendarMeasure()
