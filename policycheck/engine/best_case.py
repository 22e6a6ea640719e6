"""What a measure could say of a group if jobs that do not say whose they are were its own: whether the group keeps its rule with those that favour it.

The jobs are shared by many groups: what they say is sorted once, and one group costs little more than its own jobs
(docs/groups-specification.md, Jobs of unknown groups).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from policycheck.engine.case import Case
from policycheck.engine.judgement import Judgement, Rows, limit_of
from policycheck.engine.measures import keeps
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation


class BestCase(ABC):
    """Jobs that may be of a group."""

    def __init__(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> None:
        """
        Args:
            jobs: as `judge_group` has them.
        """
        requirement = case.rule.statement.requirement
        assert isinstance(requirement, Expectation)
        self.case, self.requirement, self.jobs, self.job_list, self.as_of = case, requirement, jobs, job_list, as_of

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """The rows of those that can favour a group."""
        return tuple(job[1] for job in self.favourable)

    @cached_property
    def favourable(self) -> Rows:
        """Those that can favour a group: all of them, unless the measure has it otherwise."""
        return self.jobs

    def can_keep(self, judgement: Judgement, own: Rows) -> bool:
        """Whether a group that violates would not, with any of these jobs.

        Args:
            own: the jobs that its measure looked at.
        """
        return bool(self.favourable) and self.keeps_with(judgement, own)

    @abstractmethod
    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        """The same where there are such jobs."""

    def is_kept_by(self, value: Any) -> bool:
        """Whether a value keeps to the limit."""
        return keeps(value, *limit_of(self.requirement))
