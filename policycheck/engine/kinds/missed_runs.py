"""`missed_runs`: how many runs that a plan's schedule promised no job answered."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case, Staying
from policycheck.engine.context import Context
from policycheck.engine.measurement import Asked, Measurement, SampleJobs
from policycheck.engine.runs import judge_runs
from policycheck.policy.conditions import Operator, fields_of
from policycheck.policy.model import Expectation
from policycheck.result import RuleResult
from policycheck.units import DAY, HOUR, MINUTE


class MissedRuns(Measurement):
    """See `Kind`."""

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return {BACKUP_JOBS.name: fields_of(case.rule.statement.where)}

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return judge_runs(cases, context)

    def describe_failure(self, asked: Asked) -> str:
        return f"one resource with {asked.limit} scheduled runs that were due in the window and that no job of its plan answered"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        missed = int(requirement.limit.value or 0) if requirement.limit is not None else 0
        missed += requirement.operator is Operator.AT_MOST
        window = window or DAY
        period, cron, offset = next(
            (schedule for schedule in ((DAY, "cron(0 5 ? * * *)", HOUR), (HOUR, "cron(0 * ? * * *)", 0)) if window >= (missed + 2) * schedule[0]),
            (5 * MINUTE, "cron(0/5 * ? * * *)", 0),
        )
        runs = window // period + 1
        created = runs * period + offset
        told: dict[str, str | int] = {"CreatedBy.BackupRuleCron": cron, "StartBy": created - period // 24}
        return SampleJobs(True, created, period, runs + 1 if keeps else 1, created + 3 * DAY, told)

    def is_mendable(self, requirement: Expectation) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return f"the runs that {staying.finding.subject} missed are still in the window when time is up"


KIND = MissedRuns()
