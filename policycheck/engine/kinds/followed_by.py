"""`followed_by`: every job is followed by a job of another list in time."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.engine.case import Case, Kind, Staying
from policycheck.engine.context import Context
from policycheck.engine.following import fields_asked, judge_following
from policycheck.policy.model import Following
from policycheck.result import RuleResult


class FollowedBy(Kind):
    """See `Kind`."""

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return fields_asked(case)

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return judge_following(cases, context)

    def is_mendable(self, requirement: Following) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return staying.tell_job() if staying.sure else ""


KIND = FollowedBy()
