"""Tests made of samples: every rule is seen to fail and to pass, by tests that hold with the whole policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck.engine.backends.registry import open_engine
from policycheck.explaining.sampled_tests import write_tests
from policycheck.policy.load import load_policies
from policycheck.result import Verdict
from policycheck.testing.document import load_tests
from policycheck.testing.runner import run_tests, unfired_rules

POLICIES = {
    "scope": "scope: {accounts: [111122223333, 444455556666], regions: [us-east-1, eu-west-1]}\n",
    "no scope": "",
    "elsewhere": "scope: {regions: [ap-south-1]}\n",
}
RULES = """\
rules:
  - {id: ended-well, rule: 'no FAILED, ABORTED, EXPIRED or PARTIAL jobs within 24h'}
  - {id: ec2-too, rule: 'no FAILED EC2 jobs in vault prod within 24h'}
  - {id: fresh, rule: 'every RDS resource must have a clean job within 26h'}
  - {id: copied, rule: 'every COMPLETED job must be followed by a COMPLETED copy job within 6h'}
"""


@pytest.mark.parametrize("scope", POLICIES)
def test_every_rule_is_seen_to_fail_and_to_pass_beside_the_others(scope: str, tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"policy: p\n{POLICIES[scope]}{RULES}", encoding="utf-8")
    (policy,) = load_policies([(path, "p.yaml")], {})
    tests = tmp_path / "p.test.yaml"
    tests.write_text(write_tests(policy, open_engine()), encoding="utf-8")
    outcomes = run_tests(load_tests([(tests, "p.test.yaml")]), open_engine())
    assert [outcome.test.name for outcome in outcomes if not outcome.passed] == []
    assert unfired_rules(outcomes) == []
    passed = {name for outcome in outcomes for name, expected in outcome.test.expected.items() if expected.verdict is Verdict.PASS}
    assert passed == {rule.id for rule in policy.rules}
