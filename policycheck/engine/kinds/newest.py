"""`newest`: how old a group's newest matching job is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount
from policycheck.engine.group_findings import spell_subject
from policycheck.engine.group_measure import Screen, count_open
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, judge_untried, limit_of, newest_match, out_of_limit, softest_limit
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import NEVER, Number, Range, Truth
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation
from policycheck.records import moment
from policycheck.result import Breach
from policycheck.text import spell_duration
from policycheck.units import MINUTE, round_down


class Newest(GroupedMeasure):
    """See `GroupMeasure`."""

    # How old the newest is, is told even where that is far too old.
    looks_past_window = True
    tells_breach = True

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.chosen) & nw.col(case.matching)

    def columns(self, case: Case) -> list[str]:
        return ["CreationDate"]

    def screen(self, case: Case) -> Screen:
        return Screen({"open": count_open(case, "CreationDate"), "newest": nw.when(nw.col(case.measured)).then(nw.col("CreationDate")).max()})

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        return None if bounds[0] is None else Range(as_of - bounds[0], as_of - bounds[0])

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        value = measure_newest(((job[2], job[3]) for job in jobs), as_of)
        violation = out_of_limit(value, expectation(case))
        judged = Judgement(group, setting.edge, violation, value, newest=next(iter(newest_match(jobs, job_list)), None) if violation else None)
        return judge_untried(judged, setting) if case.excuses_new else judged

    def excuses_new(self, requirement: Expectation, *, elsewhere: bool) -> bool:
        return elsewhere

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _NewerJob(case, jobs, job_list, as_of)

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        if judged.newest is None:
            since = account.covered_from(judged.group.subject)
            told, bound = f"no {account.name_jobs('job')} since {since}" if since else f"no {account.name_jobs('job')}", account.bound("")
            return "; ".join(filter(None, [f"{told}, {bound}", account.states_since(judged, -1, "jobs")]))
        created = account.view.job_list.created(judged.newest) or 0
        age = account.as_of - created
        told = f"newest {account.name_jobs('job')} is {spell_duration(age)} old, {account.bound(account.apart(age))}"
        return "; ".join(filter(None, [told, account.states_since(judged, created, "since then")]))

    def listed_rows(self, account: GroupAccount, judged: Judgement) -> Sequence[int]:
        """Those that went wrong since the newest that did not."""
        jobs = account.chosen_jobs(judged)
        if judged.newest is not None:
            since = account.view.job_list.created(judged.newest) or 0
            jobs = [job for job in jobs if job.created is not None and job.created > since]
        finished = account.view.job_list.dataset.finished
        return [job.row for job in jobs if job.state in finished and job.matching is False]

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        since = (account.view.job_list.created(judged.newest) or 0) if judged.newest is not None else -1
        return [job for job in jobs if job.created is not None and job.created > since]

    def spell(self, value: Number) -> str:
        return "no such job" if value >= NEVER else spell_duration(int(value))

    def breach(self, case: Case, judgements: Sequence[Judgement], as_of: int) -> Breach | None:
        """The subject whose newest job is the oldest, and when it will be older than the limit."""
        length = case.window_length
        ages = [(-item.value.most, item.group.values) for item in judgements if item.value is not None and item.value.most < NEVER]
        if length is None or not ages:
            return None
        age, values = min(ages, key=lambda pair: (pair[0], tuple(value or "" for value in pair[1])))
        return Breach(moment(as_of + int(age) + length), spell_subject(case.per, values))

    def describe_window(self, reach: str) -> str:
        return f"{super().describe_window(reach)}; the newest job is sought in the whole coverage"

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} whose newest {asked.noun} with {asked.what} was created {asked.limit} before as_of, or that has none"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        half = round_down(int(limit_of(requirement)[1]) // 2)
        age = round_down(int(softest_limit(requirement)) // 2) if keeps else int(limit_of(requirement)[1]) + max(half, MINUTE)
        return SampleJobs(True, age, reach=2 * age)

    def is_mendable(self, requirement: Expectation) -> bool:
        return True

    def tell_staying(self, staying: Staying) -> str:
        return ""


class _NewerJob(BestCase):
    """One of them may be newer. One without CreationDate may be as new as as_of."""

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        return judgement.value is not None and self.is_kept_by(min(judgement.value.least, self._newest_age))

    @cached_property
    def _newest_age(self) -> int:
        return min((0 if job[3] is None else self.as_of - job[3] for job in self.favourable), default=NEVER)


def measure_newest(jobs: Iterable[tuple[Truth, int | None]], as_of: int) -> Range:
    """The age of the newest matching job; NEVER where none matches.

    Args:
        jobs: (whether it matches, CreationDate). A job without CreationDate may be as new as as_of.
    """
    sure = may = -1
    for match, created in jobs:
        if match is False:
            continue
        may = max(may, as_of if created is None else created)
        if match and created is not None:
            sure = max(sure, created)
    return Range(*(NEVER if time < 0 else as_of - time for time in (may, sure)))


KIND = Newest()
