"""The first line of reports for people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policycheck.answers import Answer, SubjectAnswer
from policycheck.finding import Finding
from policycheck.formats.summary import headline
from policycheck.result import Universe, Verdict
from tests.formats.results import make_finding, make_result, make_rule

VAULT = make_finding(subject="arn:aws:backup:eu-west-1:111122223333:backup-vault:prod")
TOGETHER = make_finding(subject="all", account=None, region=None)
ANSWER = SubjectAnswer("111122223333", "eu-west-1", "arn:aws:ec2:eu-west-1:111122223333:instance/c", Answer.PASS)
GROUP = make_finding(subject="111122223333", region=None)


@pytest.mark.parametrize(
    ("findings", "resources", "told"),
    [
        ((make_finding("a"), make_finding("a"), make_finding("b")), 58, "; 2 of 58 resources violate a rule."),
        ((make_finding("a"),), 1, "; 1 of 1 resource violates a rule."),
        ((make_finding("a"), VAULT, GROUP), 58, "; 1 of 58 resources and 2 other subjects violate a rule."),
        ((make_finding("a"), TOGETHER), 58, "; 1 of 58 resources violates a rule."),
        ((TOGETHER,), 58, "."),
        ((VAULT,), 58, "; 1 subject violates a rule."),
        ((make_finding("a"),), 0, "; 1 resource violates a rule."),
        ((), 1, "; 0 of 1 resources violate a rule."),
        ((), 0, "."),
    ],
)
def test_the_headline_counts_resources_and_other_subjects(findings: tuple[Finding, ...], resources: int, told: str) -> None:
    rule = make_rule(verdict=Verdict.FAIL, findings=findings)
    for rules in ((rule,), (replace(rule, answers=(ANSWER,)),)):
        assert headline(make_result(*rules, resources=resources)) == f"1 of 1 rule failed{told}"


def test_resources_of_an_inventory_are_not_counted_among_those_that_jobs_name() -> None:
    rule = make_rule(verdict=Verdict.FAIL, findings=(make_finding("a"),), universe=Universe("inventory prod", None, 3, inventory=True))
    assert headline(make_result(rule, resources=58)) == "1 of 1 rule failed; 1 of 3 resources violates a rule."
    assert headline(make_result(rule, make_rule(), resources=58)) == "1 of 2 rules failed, 1 passed; 1 resource violates a rule."
