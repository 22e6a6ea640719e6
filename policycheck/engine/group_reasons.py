"""What became of the groups of a rule, in words."""

from __future__ import annotations

from policycheck.engine.group_judgement import Judgement
from policycheck.engine.masks import Case
from policycheck.engine.measures import is_lower
from policycheck.engine.verdict import counted
from policycheck.policy.conditions import Operator
from policycheck.policy.model import Expectation, Measure
from policycheck.result import Answer


def _operator(case: Case) -> Operator | None:
    requirement = case.rule.statement.requirement
    return requirement.operator if isinstance(requirement, Expectation) else None


def answer_of(item: Judgement) -> Answer:
    if item.pending:
        return Answer.PENDING
    if item.waiting or item.violation is None:
        return Answer.UNDECIDED
    if item.violation:
        return Answer.FAIL
    return Answer.NOTHING if item.nothing else Answer.PASS


def all_new(count: int) -> str:
    who = "the only subject is" if count == 1 else f"all {count:,} subjects are"
    return f"{who} pending, new or with a first backup that still runs: nothing is decided yet"


def needs_every_subject(case: Case) -> bool:
    """Whether a subject without a job in the window could keep the rule from passing: else only what is in the window counts."""
    operator = _operator(case)
    return case.measure not in {Measure.COUNT, Measure.STREAK} or (operator is not None and is_lower(operator))


def is_met_by_nothing(case: Case) -> bool:
    """Whether no job at all is few enough."""
    operator = _operator(case)
    return case.measure in {Measure.COUNT, Measure.STREAK} and operator is not None and not is_lower(operator)


def nothing_to_measure(case: Case, count: int, groups: int) -> str:
    what = "a decided job" if case.measure is Measure.SHARE else "a finished job"
    return f"{count:,} of {counted(groups, 'subject')} without {what} in the window"
