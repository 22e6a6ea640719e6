"""Tests run: what each rule made of its list, held against what was expected. Missing and unexpected findings both fail a test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policycheck.engine.backends.interface import Backend
from policycheck.pipeline import run
from policycheck.policy.model import Policy, Rule, WaiverGrant
from policycheck.result import Finding, RuleResult, Severity, Verdict
from policycheck.testing.document import Expectation, PolicyTest


@dataclass(frozen=True, slots=True)
class Difference:
    """Where one rule did not do what a test expects; the lines begin with `-` for what is missing and `+` for what is there instead."""

    rule: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test that ran."""

    test: PolicyTest
    differences: tuple[Difference, ...]
    verdicts: tuple[tuple[str, Verdict], ...]
    """By rule id, in rule order."""

    @property
    def passed(self) -> bool:
        return not self.differences


def run_test(test: PolicyTest, backend: Backend, rules: Sequence[Rule] | None = None) -> Outcome:
    """Judge the test's lists and compare.

    Args:
        rules: judged in place of the policy's own.
    """
    policy = test.policy if rules is None else replace(test.policy, rules=tuple(rules), waivers=_of(test.policy, rules))
    result = run([policy], test.evidence, as_of=test.as_of, fail_on=Severity.INFO, backend=backend)
    differences = [Difference(rule.id, lines) for rule in result.rules if (lines := tuple(_compare(rule, test.expected.get(rule.id))))]
    return Outcome(test, tuple(differences), tuple((rule.id, rule.verdict) for rule in result.rules))


def _of(policy: Policy, rules: Sequence[Rule]) -> tuple[WaiverGrant, ...]:
    names = {rule.id for rule in rules}
    return tuple(grant for grant in policy.waivers if grant.rule in names)


def unfired_rules(outcomes: Sequence[Outcome]) -> list[tuple[Policy, Rule]]:
    """The rules that no test has seen fail, of every policy that has a test: nobody knows that they can."""
    fired = {(outcome.test.policy.path, name) for outcome in outcomes for name, verdict in outcome.verdicts if verdict is Verdict.FAIL}
    policies = {outcome.test.policy.path: outcome.test.policy for outcome in outcomes}
    return [(policy, rule) for policy in policies.values() for rule in policy.rules if (policy.path, rule.id) not in fired]


def _compare(rule: RuleResult, expected: Expectation | None) -> Iterator[str]:
    if expected is None:
        # What a test does not speak of must at least not be found.
        yield from (f"+ unexpected  {_told(finding)}" for finding in rule.open_findings)
        return
    if rule.verdict is not expected.verdict:
        yield f"- verdict     {expected.verdict}"
        yield f"+ verdict     {rule.verdict}{f': {rule.reason}' if rule.reason else ''}"
    yield from _compare_subjects(expected.findings, rule.open_findings, "finding")
    yield from _compare_subjects(expected.waived, [finding for finding in rule.findings if finding.waiver is not None], "waived")
    texts = [rule.reason, *rule.notes, *(finding.message for finding in rule.findings)]
    if expected.reason is not None and not any(expected.reason in text for text in texts):
        yield f"- reason      ...{expected.reason}..."
        yield from (f"+ reason      {text}" for text in texts if text)
    for finding in rule.findings if expected.cause is not None else ():
        if finding.cause != expected.cause:
            yield f"- cause       {expected.cause}  ({finding.subject})"
            yield f"+ cause       {finding.cause or 'none'}  ({finding.subject})"


def _compare_subjects(wanted: Sequence[str], found: Sequence[Finding], word: str) -> Iterator[str]:
    left = list(found)
    for text in wanted:
        match = next((finding for finding in left if _is_meant(text, finding.subject)), None)
        if match is None:
            yield f"- {word:<11} {text}"
        else:
            left.remove(match)
    yield from (f"+ {word if word != 'finding' else 'unexpected':<11} {_told(finding)}" for finding in left)


def _is_meant(text: str, subject: str) -> bool:
    """A subject may be named by the end of its ARN."""
    return subject == text or subject.endswith((f"/{text}", f":{text}"))


def _told(finding: Finding) -> str:
    return f"{finding.subject}: {finding.message}"


def run_tests(tests: Sequence[PolicyTest], backend: Backend) -> tuple[Outcome, ...]:
    """Every test, in order. Raises PolicyError where the engine cannot search for a pattern."""
    return tuple(run_test(test, backend) for test in tests)
