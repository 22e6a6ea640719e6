"""What became of the groups of a rule, in words."""

from __future__ import annotations

from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement
from policycheck.engine.verdict import counted
from policycheck.result import Answer


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


def nothing_to_measure(case: Case, count: int, groups: int) -> str:
    return f"{count:,} of {counted(groups, 'subject')} without a {measure_of(case).counted_jobs} job in the window"
