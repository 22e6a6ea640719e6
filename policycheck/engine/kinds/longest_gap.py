"""`longest_gap`: the longest time of a group without a matching job."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import sub
from typing import Any

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount, Span
from policycheck.engine.group_measure import Screen, count_open
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, limit_of, newest_match, out_of_limit, softest_limit
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import Number, Range, Truth
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation
from policycheck.records import iso, moment
from policycheck.text import spell_duration
from policycheck.units import DAY, round_down


class LongestGap(GroupedMeasure):
    """See `GroupMeasure`."""

    may_be_filled = True

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population) & nw.col(case.matching)

    def columns(self, case: Case) -> list[str]:
        return ["CreationDate"]

    def screen(self, case: Case) -> Screen:
        return Screen({"open": count_open(case, "CreationDate")}, between=nw.col(case.measured))

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        step, first, last = bounds
        return Range(0, max(step or 0, first - (as_of - (case.window_length or 0)), as_of - last))

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        edge, requirement = setting.edge, expectation(case)
        if edge.start is None:
            raise AssertionError("a gap needs a window")
        earliest = edge.first if edge.new and edge.first is not None else edge.start
        latest = edge.first if edge.new is not False and edge.first is not None else edge.start
        seen = [(job[2], job[3]) for job in jobs]
        value, gap = _measure(seen, earliest, latest, as_of)
        violation = out_of_limit(value, requirement)
        if violation is False:
            return Judgement(group, edge, violation, value)
        sure_of_edge = latest == earliest or out_of_limit(measure_gap(seen, latest, latest, as_of), requirement) is not False
        reason = "" if violation or sure_of_edge else "edge"
        return Judgement(group, edge, violation, value, newest_match(jobs, job_list), gap=gap, possible_for=reason)

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _Filling(case, jobs, job_list, as_of)

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        first, last = judged.gap or (0, 0)
        ends = "as_of" if last == account.as_of else iso(moment(last))
        told = f"longest time without a {account.name_jobs('job')} {spell_duration(last - first)} ({iso(moment(first))} to {ends})"
        return f"{told}, {account.bound(account.apart(last - first))}"

    def span_told(self, judged: Judgement) -> Span:
        return judged.gap or (0, 0)

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        first, last = self.span_told(judged)
        return [job for job in jobs if job.created is not None and first < job.created <= last]

    def spell(self, value: Number) -> str:
        return spell_duration(int(value))

    def tells_age(self, requirement: Expectation) -> bool:
        return True

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} with {asked.limit} between two {asked.noun}s with {asked.what}, from the start of the window to as_of"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        limit = int(softest_limit(requirement) if keeps else limit_of(requirement)[1])
        window, spacing = window or limit, round_down(limit // 2)
        times, reach = window // spacing + 2, window + spacing + 3 * DAY
        return SampleJobs(True, spacing * times, spacing, times, reach) if keeps else SampleJobs(True, window + DAY, reach=reach)

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return "" if staying.may_be_filled() else f"the gap of {staying.finding.subject} is still in the window when time is up"


class _Filling(BestCase):
    """Jobs that may stand in a gap."""

    @cached_property
    def _times(self) -> Sequence[int]:
        return sorted(job[3] for job in self.favourable if job[3] is not None)

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        """Whether they leave no gap that is too long. One without CreationDate stands for jobs at any time."""
        if len(self._times) < len(self.favourable):
            return self.is_kept_by(0)
        edge = judgement.edge
        start = edge.first if edge.new is not False and edge.first is not None else edge.start
        last = start if start is not None else self.as_of
        for time in (*sorted(job[3] for job in own if job[2] is not False and job[3] is not None and job[3] >= last), self.as_of):
            while not self.is_kept_by(time - last):
                reached = self._last_within(last, time)
                if reached is None:
                    return False
                last = reached
            last = time
        return True

    def _last_within(self, start: int, end: int) -> int | None:
        """The last of their times after one moment, and before another, that is no longer after it than the limit has it."""
        _, limit = limit_of(self.requirement)
        # A gap as long as the limit may be too long.
        until = min(start + int(limit) if self.is_kept_by(limit) else start + int(limit) - 1, end)
        index = bisect_right(self._times, until) - 1
        return self._times[index] if index >= 0 and self._times[index] > start else None


def longest_gap(times: Iterable[int], start: int, end: int) -> tuple[int, int]:
    """The longest time between two neighbours of start, the times in between, and end; the first of equals."""
    if end <= start:
        return start, start
    ordered = sorted(times)
    points = [start, *ordered[bisect_left(ordered, start) : bisect_right(ordered, end)], end]
    steps = list(map(sub, points[1:], points))
    longest = steps.index(max(steps))
    return points[longest], points[longest + 1]


def measure_gap(jobs: Sequence[tuple[Truth, int | None]], earliest: int, latest: int, end: int) -> Range:
    """The longest time without a matching job.

    Args:
        jobs: (whether it is in the window and matches, CreationDate).
        earliest: where the gap may begin, against the group.
        latest: where it may begin in its favour; not before `earliest`.
        end: as_of.
    """
    return _measure(jobs, earliest, latest, end)[0]


def _measure(jobs: Sequence[tuple[Truth, int | None]], earliest: int, latest: int, end: int) -> tuple[Range, tuple[int, int]]:
    """`measure_gap`; and where the gap is that the group's favour leaves, of the jobs that say when they were created."""
    may = [created for match, created in jobs if match is not False and created is not None]
    sure = [created for match, created in jobs if match and created is not None]
    most = longest_gap(sure, earliest, end)
    least = most if earliest == latest and len(sure) == len(may) else longest_gap(may, latest, end)
    undated = any(created is None and match is not False for match, created in jobs)
    return Range(0 if undated else least[1] - least[0], most[1] - most[0]), least


KIND = LongestGap()
