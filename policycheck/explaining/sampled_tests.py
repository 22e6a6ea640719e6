"""A file of tests for a policy, made from samples: each rule is seen to find a job list that violates it, and to pass one that does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from policycheck.engine.backends.interface import Backend
from policycheck.explaining.explanation import write_yaml
from policycheck.explaining.samples import AS_OF, Entry, as_node, find_sample
from policycheck.pipeline import run
from policycheck.policy.document import Document, Entries
from policycheck.policy.model import Policy
from policycheck.records import iso
from policycheck.result import RuleResult, Severity, Verdict
from policycheck.testing.document import read_evidence
from policycheck.testing.schema import LISTS

_SAYS = {Verdict.FAIL: "finds what violates it", Verdict.PASS: "passes what does not violate it"}


def write_tests(policy: Policy, backend: Backend) -> str:
    """The text of NAME.test.yaml for a policy; empty if no rule has a sample.

    A test is judged with all rules of the policy: it expects the findings of each, since a test fails for a finding that it does not expect.
    """
    tests = [test for rule in policy.rules for wanted in _SAYS for test in _tests(policy, rule.id, wanted, backend)]
    if not tests:
        return ""
    head = "# Made by `policycheck init` from samples of each rule. Add the jobs that matter to you: policycheck test shows what a change of a rule changes.\n"
    return head + write_yaml({"as_of": iso(AS_OF), "tests": tests})


def _tests(policy: Policy, rule_id: str, wanted: Verdict, backend: Backend) -> Iterator[Entry]:
    """One test, or none where no sample was found that the whole policy judges as the rule alone does."""
    rule = next(rule for rule in policy.rules if rule.id == rule_id)
    sample = find_sample(policy, rule, backend, wanted)
    if sample is None:
        return
    # An account of the scope without a job is no pass: the jobs of a sample that passes are those of every account.
    entry = _in_every_account(sample.entry, policy.scope.accounts) if wanted is Verdict.PASS else sample.entry
    results = _judge(policy, entry, AS_OF, backend)
    if results.get(rule_id) is None or results[rule_id].verdict is not wanted:
        return
    expected = {name: _expectation(result) for name, result in results.items() if name == rule_id or result.open_findings}
    yield {"name": f"{rule_id} {_SAYS[wanted]}", **entry, "expect": expected}


def _in_every_account(entry: Mapping[str, Any], accounts: Sequence[str]) -> Entry:
    if len(accounts) < 2:
        return dict(entry)
    return {key: [job | {"Account": account} for account in accounts for job in value] if key in LISTS else value for key, value in entry.items()}


def _judge(policy: Policy, entry: Mapping[str, Any], as_of: datetime, backend: Backend) -> dict[str, RuleResult]:
    """What each rule of the policy makes of a sample; empty where the policy's own scope leaves no such test."""
    node = as_node(entry)
    assert isinstance(node, Entries)
    document = Document("sample", [], node)
    evidence = read_evidence(node, node, policy, as_of, document)
    if document.diagnostics:
        return {}
    return {result.id: result for result in run([policy], evidence, as_of=as_of, fail_on=Severity.INFO, backend=backend).rules}


def _expectation(result: RuleResult) -> object:
    if result.verdict is not Verdict.FAIL:
        return str(result.verdict)
    return {"verdict": "fail", "findings": sorted({finding.subject for finding in result.open_findings})}
