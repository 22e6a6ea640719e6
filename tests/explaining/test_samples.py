"""Samples: whatever is printed violates, or passes, when a test of it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from policycheck.explaining.explanation import write_yaml
from policycheck.explaining.patterns import text_of
from policycheck.explaining.samples import Sample, find_sample
from policycheck.policy.model import Policy, Rule, Scope, Statement
from policycheck.policy.statements import structured_rule
from policycheck.result import Verdict
from policycheck.testing.document import load_tests
from policycheck.testing.runner import run_test
from tests.backends import BACKEND
from tests.explaining.explained import RULES, load, write_policy
from tests.policy.policies import as_yaml
from tests.policy.sentences import ACCEPTED
from tests.policy.strategies import statements
from tests.properties import examples


def scope_key(scope: Scope) -> dict[str, Any]:
    keys = {"accounts": list(scope.accounts), "regions": list(scope.regions), "may_be_empty": list(scope.may_be_empty)}
    return {"scope": {name: value for name, value in keys.items() if value}} if scope.declared else {}


def run_printed(sample: Sample, rule: Rule, folder: Path) -> Verdict:
    """The verdict of a test file that holds the sample as it is printed."""
    keys = {"policy": "p", **scope_key(sample.scope), "rules": [{"id": "r", **structured_rule(rule.statement, rule.qualifiers)}]}
    (folder / "p.yaml").write_text(as_yaml(keys), encoding="utf-8")
    text = f"as_of: 2026-11-20T06:00:00Z\n{write_yaml(sample.entry)}expect: {{r: inconclusive}}\n"
    (folder / "p.test.yaml").write_text(text, encoding="utf-8")
    (test,) = load_tests([(folder / "p.test.yaml", "p.test.yaml")])
    return dict(run_test(test, BACKEND).verdicts)["r"]


@examples(statement=statements(), few=1, many=60)
def test_a_sample_is_what_it_is_said_to_be(statement: Statement, tmp_path: Path) -> None:
    path = tmp_path / "q.yaml"
    path.write_text(f"policy: q\nrules: [{as_yaml({'id': 'r', **structured_rule(statement)})}]\n", encoding="utf-8")
    policy, rules = load(path)
    for wanted in (Verdict.FAIL, Verdict.PASS):
        sample = find_sample(policy, rules["r"], BACKEND, wanted)
        assert sample is None or run_printed(sample, rules["r"], tmp_path) is wanted


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Policy, dict[str, Rule]]:
    """A policy with rules of every kind."""
    return load(write_policy(tmp_path_factory.mktemp("explained")))


@pytest.mark.parametrize("name", [name for name in RULES if name != "cannot-fail"])
def test_rules_of_every_kind_have_samples_of_both_kinds(name: str, explained: tuple[Policy, dict[str, Rule]], tmp_path: Path) -> None:
    policy, rules = explained
    for wanted in (Verdict.FAIL, Verdict.PASS):
        sample = find_sample(policy, rules[name], BACKEND, wanted)
        assert sample is not None
        assert run_printed(sample, rules[name], tmp_path) is wanted


def test_a_rule_that_cannot_fail_has_no_sample_that_does(explained: tuple[Policy, dict[str, Rule]]) -> None:
    policy, rules = explained
    assert find_sample(policy, rules["cannot-fail"], BACKEND, Verdict.FAIL) is None
    assert find_sample(policy, rules["cannot-fail"], BACKEND, Verdict.PASS) is not None


UNGIVABLE = {
    'every EC2 resource and vault in inventory "prod and dr" in Region eu-west-1 not in account 123456789012 must have more than 6 clean jobs within 8d'
}
"""No inventory of a run can be called so."""
NOT_SOUGHT_FAIL = {"no FAILED jobs with CreationDate before 06:00 in UTC and not (CompletionDate on Monday in UTC) within 7d"}
NOT_SOUGHT_PASS = {
    'IAM role must not be in inventory admins or "old roles"',
    "every resource must have at least 3 clean jobs with CreationDate on Sunday in Asia/Tokyo within 30d",
}
"""They have samples that the search does not try: two hours of one job that depend on each other, jobs of several weeks, several inventories."""
NEVER_FAIL = {
    *UNGIVABLE,
    *NOT_SOUGHT_FAIL,
    "vault must be present",
    "no jobs with vault a and vault b and CreationDate at least 2026-11-01 and CreationDate less than 2026-12-01",
    "at least 99% of clean RDS jobs in Region eu-west-1 or us-east-1 must be COMPLETED within 30d",
    "every FAILED job with issues must be followed by a restore job in Region eu-west-1 with ValidationStatus SUCCESSFUL within 7d",
}
"""A vault is always recorded, so that a job without one is unknown; the others contradict themselves."""
NEVER_PASS = {
    *UNGIVABLE,
    *NOT_SOUGHT_PASS,
    "every resource with State FAILED must have at least 1 clean job",
    'status message must be ""',
    "every FAILED job with issues must be followed by a restore job in Region eu-west-1 with ValidationStatus SUCCESSFUL within 7d",
}


@pytest.mark.slow
def test_every_sentence_of_the_language_has_samples_but_for_those_that_are_named(tmp_path: Path) -> None:
    lacking: dict[Verdict, set[str]] = {Verdict.FAIL: set(), Verdict.PASS: set()}
    for row in ACCEPTED:
        if "${" in row.sentence:
            continue
        policy = policy_of(row.sentence, tmp_path)
        for wanted, sentences in lacking.items():
            if find_sample(policy, policy.rules[0], BACKEND, wanted) is None:
                sentences.add(policy.rules[0].sentence)
    assert lacking == {Verdict.FAIL: NEVER_FAIL, Verdict.PASS: NEVER_PASS}


def policy_of(sentence: str, folder: Path) -> Policy:
    path = folder / "p.yaml"
    path.write_text(as_yaml({"policy": "p", "rules": [{"id": "r", "rule": sentence}]}), encoding="utf-8")
    return load(path)[0]


@pytest.mark.parametrize("text", ["@", "@-1h", "listed in admins", "~x", "-1h", "arn:"])
def test_a_text_is_a_text_however_it_begins(text: str, tmp_path: Path) -> None:
    for sentence in (f'no jobs with vault "{text}"', f'no jobs with ResourceName "{text}"'):
        policy = policy_of(sentence, tmp_path)
        sample = find_sample(policy, policy.rules[0], BACKEND, Verdict.FAIL)
        assert sample is not None
        assert run_printed(sample, policy.rules[0], tmp_path) is Verdict.FAIL


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^prod-", "prod-"),
        (r"^prod-\d+$", "prod-1"),
        ("a|b", "a"),
        ("(?i)Prod(?:-x)?", "Prod"),
        ("[0-9a-f]{8}", "00000000"),
        ("[^x]y", "ay"),
        (r"\.json\b", ".json"),
        ("(ab)+c*", "ab"),
        ("(?P<n>a|b).z", "axz"),
        ("", ""),
    ],
)
def test_a_text_is_made_that_a_pattern_finds(pattern: str, text: str) -> None:
    assert text_of(pattern) == text
