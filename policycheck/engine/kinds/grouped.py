"""How measures of groups are evaluated, all together: `engine.groups` does it."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.engine import groups
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.group_measure import GroupMeasure, NumberOfJobs
from policycheck.engine.outcomes import RuleTrace
from policycheck.result import RuleResult


class GroupedMeasure(GroupMeasure):
    """A measure of groups of jobs."""

    family = "groups"

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return groups.fields_asked(case)

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return groups.judge_groups(cases, context)

    def trace(self, case: Case, context: Context) -> RuleTrace:
        from policycheck.engine.group_trace import GroupTrace

        return GroupTrace(case, context)


class GroupedNumber(NumberOfJobs, GroupedMeasure):
    """One that grows by jobs."""
