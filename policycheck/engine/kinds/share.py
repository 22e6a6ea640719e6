"""`share`: the matching part of a group's decided jobs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import Screen, count_open, count_where
from policycheck.engine.judgement import Judgement, Rows, Setting, expectation, limit_of, nothing_in, out_of_limit
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import Number, Range, Truth, is_lower
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation


class Share(GroupedMeasure):
    """See `GroupMeasure`."""

    leaves_out_progress = True
    counted_jobs = "decided"

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population)

    def columns(self, case: Case) -> list[str]:
        return [case.matching]

    def screen(self, case: Case) -> Screen:
        measured, matching = nw.col(case.measured), nw.col(case.matching)
        return Screen({"open": count_open(case, case.matching), "matching": count_where(measured & matching), "decided": count_where(measured)})

    def bounded(self, case: Case, bounds: Sequence[Any], as_of: int) -> Range | None:
        matching, decided = bounds
        return Range(share := Fraction(matching, decided), share) if decided else None

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        requirement = expectation(case)
        value = measure_share((job[2], job[3]) for job in jobs)
        if value is None:
            return nothing_in(case, group, setting.edge)
        wanted = not is_lower(limit_of(requirement)[0])
        rows = tuple(job[1] for job in jobs if job[2] and job[3] is wanted)
        return Judgement(group, setting.edge, out_of_limit(value, requirement), value, rows, decided=sum(job[2] is True for job in jobs))

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _OtherJobs(case, jobs, job_list, as_of)

    def excuses_first(self, requirement: Expectation) -> bool:
        return False

    def asks_for_jobs(self, requirement: Expectation) -> bool:
        return is_lower(limit_of(requirement)[0])

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        matching = judged.decided - len(judged.rows) if is_lower(limit_of(account.requirement)[0]) else len(judged.rows)
        share = f"{float(Fraction(matching, judged.decided) * 100):.2f}".rstrip("0").rstrip(".")
        return f"{share}% ({matching:,} of {judged.decided:,}) {account.name_jobs('jobs')}, {account.bound('')}"

    def spell(self, value: Number) -> str:
        return f"{float(Fraction(value) * 100):.4f}".rstrip("0").rstrip(".") + "%"

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} of whose {asked.noun}s {asked.limit} have {asked.what}"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        return SampleJobs(is_lower(limit_of(requirement)[0]) is keeps)

    def is_mendable(self, requirement: Expectation) -> bool:
        operator, limit = limit_of(requirement)
        # A share of all, or of none, is lost with the first job; any other can be made up for.
        return limit != (1 if is_lower(operator) else 0)

    def tell_staying(self, staying: Staying) -> str:
        return staying.tell_job() if staying.sure else ""


class _OtherJobs(BestCase):
    """Those that may match; of an upper bound those that may not."""

    @property
    def _is_upper(self) -> bool:
        return not is_lower(limit_of(self.requirement)[0])

    @cached_property
    def favourable(self) -> Rows:
        return [job for job in self.jobs if job[3] is not self._is_upper]

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        more, upper = len(self.favourable), self._is_upper
        value = measure_share(((job[2], job[3]) for job in own), may_match=0 if upper else more, may_fail=more if upper else 0)
        return value is not None and self.is_kept_by(value.least if upper else value.most)


def measure_share(jobs: Iterable[tuple[Truth, Truth]], *, may_match: int = 0, may_fail: int = 0) -> Range | None:
    """The matching part of the decided jobs; None where no job is decided, nor may be.

    Where nothing is left to divide by, any share is open.

    Args:
        jobs: (whether it is in the population and decided, whether it matches).
        may_match: how many other jobs may be decided and may match,
        may_fail: and how many may not.
    """
    sure = matching = not_matching = 0
    any_job = bool(may_match or may_fail)
    for decided, match in jobs:
        if decided is False:
            continue
        any_job = True
        if decided:
            sure += 1
            matching += match is True
            not_matching += match is False
        else:
            may_match += match is not False
            may_fail += match is not True
    if not any_job:
        return None
    low, high = sure + may_fail, sure + may_match
    return Range(
        Fraction(matching, low) if low else Fraction(0),
        Fraction(sure - not_matching + may_match, high) if high else Fraction(1),
    )


KIND = Share()
