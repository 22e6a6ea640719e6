"""What became of the groups of a rule."""

from __future__ import annotations

from policycheck.answers import Answer
from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement
from policycheck.reasons import Reason, ReasonKind, Reasons


def answer_of(item: Judgement) -> Answer:
    """What one group came to."""
    if item.pending:
        return Answer.PENDING
    if item.waiting or item.found is None:
        return Answer.UNDECIDED
    if item.found:
        return Answer.FAIL
    return Answer.NOTHING if item.nothing else Answer.PASS


def all_pending(case: Case, count: int) -> Reasons:
    """That every subject is pending."""
    why = measure_of(case).pending_for
    return (Reason(ReasonKind.ALL_PENDING, (why,) if why else (), (count,)),)


def nothing_to_measure(case: Case, count: int, groups: int) -> Reason:
    """How many of the groups have nothing to measure."""
    return Reason(ReasonKind.NOTHING_TO_MEASURE, (measure_of(case).counted_jobs,), (count, groups))
