"""What a measure could say of a group if jobs that do not say whose they are were its own: whether the group keeps its rule with those that favour it.

The jobs are shared by many groups: what they say is sorted once, and one group costs little more than its own jobs (docs/groups.md, Jobs of unknown groups).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any, assert_never

from policycheck.engine.group_judgement import Judgement, Rows, job_id, limit_of
from policycheck.engine.masks import Case
from policycheck.engine.measures import NEVER, is_lower, keeps, left_after, measure_share
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation, Measure

_Place = tuple[int, str]
"""Where a job stands in the order of a streak: CreationDate and id."""


class BestCase:
    """Jobs that may be of a group."""

    def __init__(self, case: Case, rows: Rows, job_list: JobList, as_of: int) -> None:
        """
        Args:
            rows: as `judge_group` has them.
        """
        requirement = case.rule.statement.requirement
        assert isinstance(requirement, Expectation)
        self._case, self._requirement, self._all, self._job_list, self._as_of = case, requirement, rows, job_list, as_of

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """The rows of those that can favour a group."""
        return tuple(job[1] for job in self._favourable)

    @cached_property
    def _favourable(self) -> Rows:
        """Those that may match; of an upper bound those that may not."""
        wanted = not self._is_upper
        match self._requirement.measure:
            case Measure.COUNT | Measure.NEWEST | Measure.LONGEST_GAP:
                return self._all
            case Measure.SHARE | Measure.LATEST:
                return [job for job in self._all if job[3] is not (not wanted)]
            case Measure.STREAK:
                return [job for job in self._all if job[3] is not (not wanted) and not (self._case.asks_outcome and job[4])]
            case Measure.MISSED_RUNS:
                raise AssertionError("missed runs are judged from schedules")
            case _:
                assert_never(self._requirement.measure)

    @property
    def _is_upper(self) -> bool:
        measure = self._requirement.measure
        return measure in {Measure.COUNT, Measure.SHARE, Measure.STREAK} and not is_lower(limit_of(self._requirement)[0])

    def can_keep(self, judgement: Judgement, own: Rows) -> bool:
        """Whether a group that violates would not, with any of these jobs.

        Args:
            own: the jobs that its measure looked at.
        """
        if not self._favourable:
            return False
        if self._requirement.measure is Measure.LATEST:
            return self._may_end_last(own)
        if self._requirement.measure is Measure.LONGEST_GAP:
            return self._fills(judgement, own)
        if self._requirement.measure is Measure.SHARE:
            more = len(self._favourable)
            value = measure_share(((job[2], job[3]) for job in own), may_match=0 if self._is_upper else more, may_fail=more if self._is_upper else 0)
            return value is not None and self._keeps(value.least if self._is_upper else value.most)
        value = judgement.value
        if value is None:
            return False
        if self._requirement.measure is Measure.NEWEST:
            return self._keeps(min(value.least, self._newest_age))
        if self._requirement.measure is Measure.STREAK:
            return self._keeps(self._shortest_run(own) if self._is_upper else self._longest_run(own))
        return not self._is_upper and self._keeps(value.most + len(self._favourable))

    def _keeps(self, value: Any) -> bool:
        return keeps(value, *limit_of(self._requirement))

    @cached_property
    def _newest_age(self) -> int:
        """A job without CreationDate may be as new as as_of."""
        return min((0 if job[3] is None else self._as_of - job[3] for job in self._favourable), default=NEVER)

    def _may_end_last(self, own: Rows) -> bool:
        last = max((job[4] for job in own if job[2] and job[4] is not None), default=None)
        return last is None or self._last_end is None or self._last_end >= last

    @cached_property
    def _last_end(self) -> int | None:
        """When the last of them ended; None where one may have ended at any time."""
        ends = [job[4] for job in self._favourable]
        return None if None in ends else max(ends)

    @cached_property
    def _times(self) -> Sequence[int]:
        return sorted(job[3] for job in self._favourable if job[3] is not None)

    def _fills(self, judgement: Judgement, own: Rows) -> bool:
        """Whether they leave no gap that is too long. One without CreationDate stands for jobs at any time."""
        if len(self._times) < len(self._favourable):
            return self._keeps(0)
        edge = judgement.edge
        start = edge.first if edge.new is not False and edge.first is not None else edge.start
        last = start if start is not None else self._as_of
        for time in (*sorted(job[3] for job in own if job[2] is not False and job[3] is not None and job[3] >= last), self._as_of):
            while not self._keeps(time - last):
                reached = self._last_within(last, time)
                if reached is None:
                    return False
                last = reached
            last = time
        return True

    def _last_within(self, start: int, end: int) -> int | None:
        """The last of their times after one moment, and before another, that is no longer after it than the limit has it."""
        _, limit = limit_of(self._requirement)
        # A gap as long as the limit may be too long.
        until = min(start + int(limit) if self._keeps(limit) else start + int(limit) - 1, end)
        index = bisect_right(self._times, until) - 1
        return self._times[index] if index >= 0 and self._times[index] > start else None

    @cached_property
    def _places(self) -> Sequence[_Place]:
        return sorted((job[5], job_id(self._job_list, job[1])) for job in self._favourable if job[5] is not None)

    def _ordered(self, own: Rows) -> list[tuple[_Place, Any]]:
        dated = [((job[5], job_id(self._job_list, job[1])), job) for job in own if job[5] is not None and not (self._case.asks_outcome and job[4])]
        return sorted(dated, key=lambda pair: (pair[0], (False, None, True).index(pair[1][3])))

    def _longest_run(self, own: Rows) -> int:
        """With all of them that may match where they stand."""
        most = run = begin = 0
        for place, job in self._ordered(own):
            if job[3] is not False:
                run += 1
            elif job[2] and not self._may_be_passed_over(job):
                end = bisect_left(self._places, place)
                most, run, begin = max(most, run + end - begin), 0, end
        undated = sum(job[5] is None and job[3] is not False and not (self._case.asks_outcome and job[4]) for job in own)
        return max(most, run + len(self._places) - begin) + undated + len(self._favourable) - len(self._places)

    def _shortest_run(self, own: Rows) -> int:
        """Broken by all of them that may not match."""
        runs, begin = [0], 0
        for place, job in self._ordered(own):
            end = bisect_right(self._places, place)
            if job[3] is not True or end > begin:
                runs.append(0)
            if job[3] and job[2] and not self._may_be_passed_over(job):
                runs[-1] += 1
            begin = end
        undated = sum(job[5] is None and job[3] is not True and not (self._case.asks_outcome and job[4]) for job in own)
        return left_after(undated + len(self._favourable) - len(self._places), runs)

    def _may_be_passed_over(self, job: Any) -> bool:
        return self._case.asks_outcome and job[4] is not False
