"""The moments at which a rule of a plan runs, computed once and asked by index."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import lru_cache

from policycheck.engine.schedules.cron import ScheduleError, expected_runs, parse_schedule
from policycheck.engine.schedules.plan_jobs import RuleSchedule
from policycheck.units import DAY

TOLERANCE = 60_000_000
"""A job may be created this long before the run it answers, in microseconds."""


class Calendar:
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

    def next_after(self, time: int) -> int | None:
        """The first run later than this time."""
        index = bisect_right(self.runs, time)
        return self.runs[index] if index < len(self.runs) else None

    def has(self, moment: int) -> bool:
        """Whether a run is at this moment."""
        index = bisect_left(self.runs, moment)
        return index < len(self.runs) and self.runs[index] == moment


def _compute_runs(schedule: RuleSchedule, earliest: int, latest: int) -> list[int]:
    if schedule.cron is None:
        raise ScheduleError("no BackupRuleCron is recorded")
    back = 40 * DAY
    while True:
        start = max(earliest - back, 0)
        runs = _runs_between(schedule.cron, schedule.timezone, start, latest)
        if start == 0 or (runs and runs[0] < earliest):
            return runs
        # A yearly schedule has its last run far back.
        back *= 4


def _runs_between(cron: str, timezone: str, start: int, end: int) -> list[int]:
    try:
        runs = _whole_days(cron, timezone, start // DAY, end // DAY)
    except ScheduleError:
        # There may be too many in whole days, and few enough in between.
        return expected_runs(parse_schedule(cron), timezone, start, end)
    return list(runs[bisect_left(runs, start) : bisect_right(runs, end)])


# The steps of a period ask for the same days again, and the plans of many accounts have one schedule.
@lru_cache(maxsize=1024)
def _whole_days(cron: str, timezone: str, first: int, last: int) -> tuple[int, ...]:
    return tuple(expected_runs(parse_schedule(cron), timezone, first * DAY, (last + 1) * DAY - 1))
