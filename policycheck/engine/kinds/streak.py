"""`streak`: the longest run of consecutive jobs of a group that match."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import PROGRESS, Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import Screen, count_open, count_where
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, job_id, judge_new, limit_of, out_of_limit
from policycheck.engine.kinds.grouped import GroupedNumber
from policycheck.engine.measurement import Asked
from policycheck.engine.measures import Range, Truth, is_lower, keeps
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation


class Streak(GroupedNumber):
    """See `GroupMeasure`."""

    may_be_filled = True

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population)

    def columns(self, case: Case) -> list[str]:
        return [case.matching, PROGRESS, "CreationDate"]

    def screen(self, case: Case) -> Screen:
        measured, matching = nw.col(case.measured), nw.col(case.matching)
        return Screen({"open": count_open(case, case.matching), "matching": count_where(measured & matching)})

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        # How many match in a row is at most how many match.
        return Range(0, bounds[0])

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        # Of records alike in time and id the one that does not match stands first, so that their order means nothing.
        ordered = sorted(jobs, key=lambda job: (job[5] is None, job[5] or 0))
        if len({job[5] for job in ordered}) < len(ordered):
            ordered.sort(key=lambda job: (job[5] is None, job[5] or 0, job_id(job_list, job[1]), (False, None, True).index(job[3]), job[2] is None))
        asked, requirement = case.asks_outcome, expectation(case)
        seen = [StreakJob(job[2], job[3], job[4] if asked else False, job[5] is not None) for job in ordered]
        value = measure_streak(seen)
        lower = is_lower(limit_of(requirement)[0])
        rows = () if lower else tuple(ordered[position][1] for position in longest_run(seen) if seen[position][:3] == (True, True, False))
        judgement = Judgement(group, setting.edge, out_of_limit(value, requirement), value, rows)
        return judge_new(judgement, setting) if lower else judgement

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _Between(case, jobs, job_list, as_of)

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        run = account.favourable(judged)
        return f"longest run of {account.name_jobs('jobs')} is {run:,}, {account.bound(account.distance(run))}"

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} whose longest run of consecutive {asked.noun}s with {asked.what} is {asked.limit}"

    def tell_staying(self, staying: Staying) -> str:
        requirement = staying.rule.statement.requirement
        assert isinstance(requirement, Expectation)
        unbroken = staying.sure == staying.jobs and not keeps(staying.sure, *limit_of(requirement)) and not staying.may_be_filled()
        return staying.tell_jobs() if unbroken else ""


_Place = tuple[int, str]
"""Where a job stands in the order of a streak: CreationDate and id."""


class _Between(BestCase):
    """Jobs that may stand between a group's own: those that may match, and of an upper bound those that may not."""

    @property
    def _is_upper(self) -> bool:
        return not is_lower(limit_of(self.requirement)[0])

    @cached_property
    def favourable(self) -> Rows:
        return [job for job in self.jobs if job[3] is not self._is_upper and not (self.case.asks_outcome and job[4])]

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        return judgement.value is not None and self.is_kept_by(self._shortest_run(own) if self._is_upper else self._longest_run(own))

    @cached_property
    def _places(self) -> Sequence[_Place]:
        return sorted((job[5], job_id(self.job_list, job[1])) for job in self.favourable if job[5] is not None)

    def _ordered(self, own: Rows) -> list[tuple[_Place, Any]]:
        dated = [((job[5], job_id(self.job_list, job[1])), job) for job in own if job[5] is not None and not (self.case.asks_outcome and job[4])]
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
        undated = sum(job[5] is None and job[3] is not False and not (self.case.asks_outcome and job[4]) for job in own)
        return max(most, run + len(self._places) - begin) + undated + len(self.favourable) - len(self._places)

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
        undated = sum(job[5] is None and job[3] is not True and not (self.case.asks_outcome and job[4]) for job in own)
        return left_after(undated + len(self.favourable) - len(self._places), runs)

    def _may_be_passed_over(self, job: Any) -> bool:
        return self.case.asks_outcome and job[4] is not False


class StreakJob(NamedTuple):
    """A job of the population, as a streak sees it."""

    belongs: Truth
    """Whether it is in the population; never False."""
    match: Truth
    passed_over: Truth
    """Whether it is in progress where that decides nothing yet."""
    dated: bool


def measure_streak(jobs: Sequence[StreakJob]) -> Range:
    """The longest run of consecutive matching jobs.

    Args:
        jobs: the dated ones in order of CreationDate, then id; those without a CreationDate stand wherever that favours.
    """
    runs, run = [0], 0
    most = extra = breakers = high = 0
    for belongs, match, passed_over, dated in jobs:
        if passed_over:
            continue
        if not dated:
            extra += match is not False
            breakers += match is not True
            continue
        if match is not True:
            runs.append(run)
            run = 0
        elif belongs and passed_over is False:
            run += 1
        if match is not False:
            high += 1
        elif belongs and passed_over is False:
            most, high = max(most, high), 0
    return Range(left_after(breakers, [*runs, run]), max(most, high) + extra)


def left_after(breakers: int, runs: Sequence[int]) -> int:
    """The longest run that is left once this many jobs that do not match were put where they break most."""
    low, high = min(1, max(runs)), max(runs)
    while low < high:
        middle = (low + high) // 2
        # A run of n falls into parts of at most m by ceil(n / m) - 1 breaks.
        if sum((run - 1) // middle for run in runs if run) <= breakers:
            high = middle
        else:
            low = middle + 1
    return low


def longest_run(jobs: Sequence[StreakJob]) -> range:
    """The positions from the first to the last job of the longest run of definite matches, the latest of equals; between them may stand jobs passed over."""
    best, start, count, most, last = range(0), 0, 0, 0, 0
    for position, (belongs, match, passed_over, dated) in enumerate(jobs):
        if not dated or passed_over:
            continue
        if match is not True:
            count = 0
        elif belongs and passed_over is False:
            start = start if count else position
            count, last = count + 1, position
            if count >= most:
                best, most = range(start, last + 1), count
    return best


KIND = Streak()
