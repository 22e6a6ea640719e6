"""The words that every report has in common: what a rule counts, and what to do where it could not be evaluated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policycheck.formats.words import count_line, evidence_help, examined, notes, verdict_sentence
from policycheck.reasons import Reason, ReasonKind
from policycheck.result import Result, Severity, UndecidedOf, Universe, Verdict
from tests.formats.results import clean_run, empty, make_coverage, make_finding, make_result, make_rule, mixed


@pytest.mark.parametrize(
    ("lists", "count", "told"),
    [
        ((), 41, "41 jobs"),
        (("backup_jobs", "copy_jobs"), 1, "1 job"),
        (("vaults",), 2, "2 backup vaults"),
        (("recovery_points",), 1_200, "1,200 recovery points"),
        (("protected_resources", "recovery_points"), 2, "2 records"),
    ],
)
def test_what_a_rule_examined_is_called_what_its_lists_have(lists: tuple[str, ...], count: int, told: str) -> None:
    assert examined(make_rule(lists=lists, examined=count)) == told


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


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (mixed(), "Fail: 2 of 6 rules are violated. Exit code 1."),
        (empty(), "Inconclusive: nothing was evaluated: there is no rule. Exit code 3."),
        (make_result(make_rule(verdict=Verdict.SKIPPED)), "Inconclusive: nothing was evaluated: the only rule was skipped. Exit code 3."),
        (make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="x")), "Inconclusive: 1 of 1 rule could not be evaluated on this evidence. Exit code 3."),
        (
            make_result(make_rule(verdict=Verdict.INCONCLUSIVE, reason="x"), fail_on=Severity.CRITICAL),
            "Inconclusive: 1 of 1 rule could not be evaluated on this evidence. Exit code 3.",
        ),
        (
            make_result(make_rule(), make_rule(id="other", verdict=Verdict.INCONCLUSIVE, reason="x"), fail_on=Severity.CRITICAL),
            "Inconclusive: 1 of 2 rules could not be evaluated on this evidence. Exit code 0, because no such rule is at or above --fail-on critical.",
        ),
        (
            make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=None),
            "Fail: 1 of 1 rule is violated. Exit code 0, because no such rule is at or above --fail-on never.",
        ),
        (
            make_result(make_rule(verdict=Verdict.FAIL, findings=(make_finding(),)), fail_on=None, scope_uncovered=True),
            "Fail: 1 of 1 rule is violated. Exit code 3: no violated rule is at or above --fail-on never, and the evidence is insufficient.",
        ),
        (make_result(make_rule()), "Pass: 1 of 1 rule passed. Exit code 0."),
        (
            make_result(make_rule(), scope_uncovered=True),
            "Not a pass: 1 of 1 rule passed on what was read, but the declared scope is not covered. Exit code 3.",
        ),
        (
            make_result(make_rule(), coverage=(make_coverage(complete=False), make_coverage(region="us-east-1"))),
            "Pass on what was read: 1 of 1 rule passed, but 1 list of 2 is not complete. Exit code 0.",
        ),
        (
            clean_run(),
            "Pass on asserted coverage: 2 of 2 rules passed. The user asserts that the lists are complete; policycheck did not observe it. Exit code 0.",
        ),
    ],
)
def test_the_verdict_is_said_in_words(result: Result, verdict: str) -> None:
    assert verdict_sentence(result) == verdict
