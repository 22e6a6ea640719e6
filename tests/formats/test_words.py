"""The words that every report has in common: what a rule counts, and what to do where it could not be evaluated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policycheck.formats.words import count_line, evidence_help, notes
from policycheck.reasons import Reason, ReasonKind
from policycheck.result import UndecidedOf, Universe
from tests.formats.results import mixed


def test_what_is_pending_or_undecided_is_told_by_what_the_rule_counts() -> None:
    made = mixed()
    first, second, *_ = (replace(rule, pending=0, undecided=0, universe=None) for rule in made.rules)
    jobs = replace(first, pending=1, undecided=2)
    schedules = replace(second, pending=3, undecided=1, undecided_of=UndecidedOf.SCHEDULES, universe=Universe("backup jobs", None, 5))
    assert {"2 jobs in progress, undecided", "1 deadline pending"} <= set(notes(jobs))
    assert {"1 schedule, undecided", "3 subjects pending"} <= set(notes(schedules))
    assert count_line(replace(made, rules=(jobs, schedules))).endswith("; 1 deadline pending; 3 subjects pending; 2 jobs undecided; 1 schedule undecided")


@pytest.mark.parametrize(
    ("reason", "help_text"),
    [
        (Reason(ReasonKind.FIELDS_DROPPED, numbers=(1,), fields=("State",), keep=("State",)), "--query"),
        (Reason(ReasonKind.FIELDS_UNSAID, ("backup job",), fields=("Outcome",), keep=("MessageCategory",)), "--query"),
        (Reason(ReasonKind.FIELDS_UNREPORTED, numbers=(1,), fields=("Outcome",), keep=("MessageCategory",)), "job reports leave out"),
        (Reason(ReasonKind.FIELDS_UNREPORTED, fields=("Outcome",), keep=("MessageCategory",)), "policycheck list-backup-jobs"),
        (Reason(ReasonKind.REPORT_OUTDATED, numbers=(1,), fields=("State",)), "end of the newest"),
        (Reason(ReasonKind.FIELDS_UNKNOWN, numbers=(1,), fields=("MessageCategory",)), "old client"),
        (Reason(ReasonKind.LIST_CUT_OFF, ("1/r", "the list may be cut off: its last record has no State")), "--output json"),
        (Reason(ReasonKind.COULD_VIOLATE, ("job",), (1, 2), because=(Reason(ReasonKind.FIELDS_UNKNOWN, numbers=(1,), fields=("State",)),)), "old client"),
    ],
)
def test_help_says_what_is_so(reason: Reason, help_text: str) -> None:
    assert help_text in evidence_help((reason,))
