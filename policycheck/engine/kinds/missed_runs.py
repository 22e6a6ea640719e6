"""`missed_runs`: how many runs that a plan's schedule promised no job answered."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case, Kind, Staying
from policycheck.engine.context import Context
from policycheck.engine.runs import judge_runs
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import Expectation
from policycheck.result import RuleResult


class MissedRuns(Kind):
    """See `Kind`."""

    by_creation = True

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return {BACKUP_JOBS.name: fields_of(case.rule.statement.where)}

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return judge_runs(cases, context)

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return f"the runs that {staying.finding.subject} missed are still in the window when time is up"


KIND = MissedRuns()
