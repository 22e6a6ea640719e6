"""How often plans run: from the schedules their jobs record, or, where they record none, from the jobs themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from policycheck.drafting.profile import Job, Plan, PlanRule, Profile, group, percentile95
from policycheck.engine.schedules.cron import ScheduleError, expected_runs, parse_schedule
from policycheck.units import DAY, HOUR

_BEFORE, _AFTER = 30 * DAY, 400 * DAY
"""How long before and after as_of runs are looked at: a year and more, so that both changes of the clock are among them."""
_TOO_FEW = 3
"""Fewer jobs of a resource than this say nothing of a rhythm."""


@dataclass(frozen=True, slots=True, order=True)
class Rhythm:
    """The longest time between two runs, in microseconds, by the clock on the wall and in truth: where clocks go back, a daily plan leaves 25 hours."""

    nominal: int
    longest: int

    @property
    def name(self) -> str:
        """A word for ids: daily, weekly, monthly, every-12h, every-3d."""
        if self.nominal % DAY == 0:
            days = self.nominal // DAY
            return {1: "daily", 7: "weekly"}.get(days, "monthly" if 28 <= days <= 31 else f"every-{days}d")
        hours = -(-self.nominal // HOUR)
        return "hourly" if hours == 1 else f"every-{hours}h"


@dataclass(frozen=True, slots=True)
class PlanRhythm:
    """A plan, how often it runs, and where that is known from."""

    plan: Plan
    rhythm: Rhythm
    schedules: tuple[PlanRule, ...]
    """The rules it follows from, sorted; none where it was told from the jobs."""
    jobs: Sequence[Job]


@dataclass(frozen=True, slots=True)
class Unclear:
    """A plan whose rhythm cannot be told, and why."""

    plan: Plan
    reason: str


def plan_rhythms(profile: Profile) -> tuple[list[PlanRhythm], list[Unclear]]:
    """The rhythm of every plan that made jobs.

    The runs of all rules of a plan are taken together: where rules overlap, AWS Backup starts one job alone, and what every resource of the plan is promised
    is the next run of any of them.
    """
    told: list[PlanRhythm] = []
    unclear: list[Unclear] = []
    for plan, jobs in sorted(profile.by_plan.items(), key=lambda pair: (pair[0].name or "", pair[0].id, str(pair[0].place))):
        rules = _current_rules(jobs, profile.as_of)
        if not any(len(made) >= 2 for made in group(jobs, lambda job: job.resource).values()):
            unclear.append(Unclear(plan, "no resource of it has two jobs yet"))
        elif rules and all(rule.cron is not None for rule in rules):
            try:
                rhythm = _scheduled([(rule.cron or "", rule.timezone) for rule in rules], profile.as_of)
            except ScheduleError as error:
                unclear.append(Unclear(plan, str(error)))
            else:
                told.append(PlanRhythm(plan, rhythm, tuple(rules), jobs))
        elif (gap := _observed(profile, jobs)) is not None:
            told.append(PlanRhythm(plan, Rhythm(gap, gap), (), jobs))
        else:
            unclear.append(Unclear(plan, f"its jobs record no schedule, and no resource of it has {_TOO_FEW} good jobs to tell one from"))
    return told, unclear


def _current_rules(jobs: Sequence[Job], as_of: int) -> list[PlanRule]:
    """The rules of a plan, each as its newest job recorded it; those that no longer run are left out, unless none does."""
    newest: dict[str | None, Job] = {}
    for job in sorted(jobs, key=lambda job: job.created or 0):
        if job.rule is not None:
            newest[job.rule.id] = job
    rules = sorted({job.rule for job in newest.values() if job.rule is not None}, key=lambda rule: (rule.cron or "", rule.timezone, rule.id or ""))
    running = {job.rule for job in newest.values() if _runs_still(job, as_of)}
    return [rule for rule in rules if rule in running] or rules


def _runs_still(job: Job, as_of: int) -> bool:
    if job.rule is None or job.rule.cron is None or job.created is None:
        return True
    try:
        interval = _scheduled([(job.rule.cron, job.rule.timezone)], as_of).longest
    except ScheduleError:
        return True
    return job.created >= as_of - 2 * interval - DAY


def _scheduled(schedules: Iterable[tuple[str, str]], as_of: int) -> Rhythm:
    """The rhythm of some schedules together; raises ScheduleError where they cannot be computed."""
    pairs = sorted(set(schedules))
    start, end = as_of // DAY * DAY - _BEFORE, as_of // DAY * DAY + _AFTER
    return Rhythm(_longest([_runs(cron, None, start, end) for cron, _ in pairs]), _longest([_runs(cron, zone, start, end) for cron, zone in pairs]))


@cache
def _runs(cron: str, timezone: str | None, start: int, end: int) -> Sequence[int]:
    return tuple(expected_runs(parse_schedule(cron), timezone, start, end))


def _longest(calendars: Sequence[Sequence[int]]) -> int:
    runs = sorted(set().union(*calendars))
    if len(runs) < 2:
        raise ScheduleError("it runs less than twice in 430 days")
    return max(later - earlier for earlier, later in pairwise(runs))


def _observed(profile: Profile, jobs: Iterable[Job]) -> int | None:
    """The 95th percentile of the times between good jobs of the same resource, to the nearest hour; None where there are too few."""
    gaps: list[int] = []
    for made in group(filter(profile.is_good, jobs), lambda job: job.resource).values():
        created = sorted(job.created for job in made if job.created is not None)
        if len(created) >= _TOO_FEW:
            gaps += [later - earlier for earlier, later in pairwise(created)]
    # Jobs start seconds late: 24 h 0 m 7 s is a day.
    return round(percentile95(gaps) / HOUR) * HOUR or HOUR if gaps else None
