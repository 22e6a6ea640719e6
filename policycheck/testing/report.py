"""What came of the tests: text for people, JUnit XML for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from policycheck.policy.model import Policy, Rule
from policycheck.testing.mutation import Verdicts
from policycheck.testing.runner import Outcome
from policycheck.text import clean, clean_line


def render_text(outcomes: Sequence[Outcome], unfired: Sequence[tuple[Policy, Rule]], mutants: Verdicts | None, untested: Sequence[str] = ()) -> str:
    """Failed tests with their differences, rules no test has seen fail, mutants no test killed, policies without tests, and a line of counts."""
    lines: list[str] = []
    for outcome in outcomes:
        if not outcome.passed:
            lines += [*_failed(outcome), ""]
    if unfired:
        lines.append("no test makes these rules fail, so nothing shows that they can:")
        lines += [f"  {policy.path}:{rule.location.line}: {rule.id}: {rule.sentence}" for policy, rule in unfired]
        lines.append("")
    if mutants is not None:
        lines += [*_mutants(mutants), ""]
    lines += [f"no tests: {clean_line(path)}" for path in untested]
    lines.append(count_line(outcomes))
    return "".join(f"{clean(line).rstrip()}\n" for line in lines)


def count_line(outcomes: Sequence[Outcome]) -> str:
    """`3 tests: 2 passed, 1 failed`."""
    failed = sum(not outcome.passed for outcome in outcomes)
    tests = "1 test" if len(outcomes) == 1 else f"{len(outcomes):,} tests"
    return f"{tests}: {len(outcomes) - failed:,} passed, {failed:,} failed"


def _failed(outcome: Outcome) -> Iterator[str]:
    test = outcome.test
    yield f"FAIL {test.location.path}:{test.location.line}: {test.name}"
    for difference in outcome.differences:
        rule = next(rule for rule in test.policy.rules if rule.id == difference.rule)
        yield f"  {rule.id}: {rule.sentence}"
        yield from (f"    {clean_line(line)}" if "\n" in line else f"    {line}" for line in difference.lines)


def _mutants(mutants: Verdicts) -> Iterator[str]:
    share = f"{mutants.killed / mutants.total:.1%}" if mutants.total else "none"
    yield f"mutants: {mutants.killed:,} of {mutants.total:,} killed ({share})"
    for mutant in mutants.survivors:
        yield f"  survived  {mutant.policy.path}:{mutant.original.location.line}: {mutant.original.id}: {mutant.change.partition(': ')[2]}"
        yield f"            {mutant.rule.sentence}"


def render_junit(outcomes: Sequence[Outcome]) -> str:
    """A suite a file, a case a test."""
    from junit_xml import TestCase, TestSuite, to_xml_report_string

    suites: dict[str, list[Any]] = {}
    for outcome in outcomes:
        test = outcome.test
        case = TestCase(clean_line(test.name) or "test", classname=clean_line(test.location.path), file=clean_line(test.location.path), line=test.location.line)
        if not outcome.passed:
            rules = ", ".join(difference.rule for difference in outcome.differences)
            case.add_failure_info(message=f"not as expected: {clean_line(rules)}", output="\n".join(map(clean, _failed(outcome))))
        suites.setdefault(test.location.path, []).append(case)
    made = [TestSuite(clean_line(path), cases) for path, cases in suites.items()]
    text: str = to_xml_report_string(made, prettyprint=True)
    return text
