"""The words of what is asked of jobs beside those before them: smaller, larger, longer than usual."""

from __future__ import annotations

from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation
from policycheck.policy.operators import Operator
from policycheck.policy.phrases import Phrase, spell_value


def none_compared(requirement: Expectation, of: Phrase) -> str:
    """`no clean job more than 50% smaller than the one before`"""
    taking = "taking " if requirement.measure is Measure.SLOWDOWN else ""
    return f"no {of.noun('job')} {taking}{excess(requirement)}"


def excess(requirement: Expectation) -> str:
    """What is over the limit: `more than 2x the usual duration`; where the limit itself is, `at least 2x`."""
    assert requirement.limit is not None
    bound = "at least" if requirement.operator is Operator.LESS_THAN else "more than"
    return f"{bound} {spell_value(requirement.limit)} {_THAN[requirement.measure]}"


MAY_NOT = {Measure.SIZE_DROP: "be", Measure.SIZE_GROWTH: "be", Measure.SLOWDOWN: "take"}
"""What stands behind `no job may`."""
_THAN = {
    Measure.SIZE_DROP: "smaller than the one before",
    Measure.SIZE_GROWTH: "larger than the one before",
    Measure.SLOWDOWN: "the usual duration",
}
