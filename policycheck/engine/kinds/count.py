"""`count`: how many jobs of a group match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import ChosenJob, GroupAccount
from policycheck.engine.group_measure import Screen, count_open, count_where
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, judge_new, limit_of, out_of_limit
from policycheck.engine.kinds.grouped import GroupedNumber
from policycheck.engine.measurement import Asked
from policycheck.engine.measures import Range, Truth, is_lower, keeps
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation


class Count(GroupedNumber):
    """See `GroupMeasure`."""

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population) & nw.col(case.matching)

    def columns(self, case: Case) -> list[str]:
        return []

    def screen(self, case: Case) -> Screen:
        return Screen({"open": count_open(case), "count": count_where(nw.col(case.measured))})

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        return Range(bounds[0], bounds[0])

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        requirement = expectation(case)
        value = measure_count(job[2] for job in jobs)
        violation = out_of_limit(value, requirement)
        if not is_lower(limit_of(requirement)[0]):
            return Judgement(group, setting.edge, violation, value, tuple(job[1] for job in jobs if job[2]))
        return judge_new(Judgement(group, setting.edge, violation, value), setting)

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _MoreJobs(case, jobs, job_list, as_of)

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        count = account.favourable(judged)
        within = f" within {window.text}" if (window := account.case.rule.statement.within) else ""
        return f"{count:,} {account.name_jobs('job' if count == 1 else 'jobs')}{within}, {account.bound(account.distance(count))}"

    def blamed_jobs(self, account: GroupAccount, judged: Judgement, jobs: Sequence[ChosenJob]) -> Sequence[ChosenJob]:
        if judged.rows:
            return super().blamed_jobs(account, judged, jobs)
        return [job for job in jobs if job.created is not None]

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} with {asked.limit} {asked.noun}s of these that have {asked.what}".replace("less than", "fewer than")

    def tells_age(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def tell_staying(self, staying: Staying) -> str:
        requirement = staying.rule.statement.requirement
        assert isinstance(requirement, Expectation)
        return staying.tell_jobs() if not keeps(staying.sure, *limit_of(requirement)) else ""


class _MoreJobs(BestCase):
    """They may match; none of them makes a count less."""

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        lower = is_lower(limit_of(self.requirement)[0])
        return lower and judgement.value is not None and self.is_kept_by(judgement.value.most + len(self.favourable))


def measure_count(matches: Iterable[Truth]) -> Range:
    """How many jobs match.

    Args:
        matches: of each job, whether it is in the population and matches.
    """
    least = most = 0
    for match in matches:
        if match is not False:
            most += 1
            least += match is True
    return Range(least, most)


KIND = Count()
