"""Tests run: missing and unexpected findings both fail."""

from __future__ import annotations

from policycheck.testing.runner import unfired_rules
from tests.testing.conftest import Run

FAILED = "jobs:\n  - {ResourceArn: i-1, State: FAILED}\n  - {ResourceArn: i-2}\n"


def lines(run: Run, text: str) -> list[str]:
    (outcome,) = run(text)
    return [line for difference in outcome.differences for line in difference.lines]


def test_a_test_passes_where_exactly_what_it_expects_is_found(run: Run) -> None:
    (outcome,) = run(f"{FAILED}expect: {{failed: {{verdict: fail, findings: [i-1]}}, role: pass}}\n")
    assert outcome.passed


def test_a_finding_that_is_missing_fails(run: Run) -> None:
    assert lines(run, f"{FAILED}expect: {{failed: {{verdict: fail, findings: [i-1, i-2]}}}}\n") == ["- finding     i-2"]


def test_a_finding_that_nobody_expects_fails(run: Run) -> None:
    (line,) = lines(run, FAILED.replace("i-2}", "i-2, State: EXPIRED}") + "expect: {failed: {verdict: fail, findings: [i-1]}}\n")
    assert line.startswith("+ unexpected  arn:aws:ec2:eu-west-1:111122223333:instance/i-2: ")


def test_a_rule_that_a_test_does_not_name_must_find_nothing(run: Run) -> None:
    (line,) = lines(run, f"{FAILED}expect: {{role: pass}}\n")
    assert line.startswith("+ unexpected  arn:aws:ec2:eu-west-1:111122223333:instance/i-1: ")


def test_another_verdict_is_told_with_its_reason(run: Run) -> None:
    assert lines(run, "jobs: [{ResourceType: RDS}]\nexpect: {failed: pass}\n") == [
        "- verdict     pass",
        "+ verdict     inconclusive: nothing to evaluate: the only backup job does not match",
    ]


def test_a_reason_and_a_cause_can_be_asked_for(run: Run) -> None:
    told = f"{FAILED}expect: {{failed: {{verdict: fail, findings: [i-1], reason: State FAILED, cause: kms_key}}}}\n"
    assert [line[:20] for line in lines(run, told)] == ["- cause       kms_ke", "+ cause       other "] or lines(run, told)[0].startswith("- cause")
    assert lines(run, f"{FAILED}expect: {{failed: {{verdict: fail, findings: [i-1], reason: something else}}}}\n")[0] == "- reason      ...something else..."


def test_the_end_of_an_arn_names_a_subject_and_no_other(run: Run) -> None:
    assert lines(run, "jobs: [{ResourceArn: i-11, State: FAILED}]\nexpect: {failed: {verdict: fail, findings: [i-1]}}\n")[0] == "- finding     i-1"


def test_a_rule_that_no_test_has_seen_fail_is_known(run: Run) -> None:
    outcomes = run(f"{FAILED}expect: {{failed: {{verdict: fail, findings: [i-1]}}, role: pass}}\n")
    assert [rule.id for _, rule in unfired_rules(outcomes)] == ["role"]


def test_lists_that_reach_back_too_little_are_no_pass(run: Run) -> None:
    assert lines(run, "covers: 12h\njobs: [{}]\nexpect: {failed: pass}\n")[0] == "- verdict     pass"
