"""One rule explained: what it says and means, samples that fail and pass, its waivers and tests, and what it compiles to."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policycheck.datasets import Dataset, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import fields_read
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import Frame, build_frame
from policycheck.engine.kinds.registry import open_case
from policycheck.engine.masks import window_mask
from policycheck.engine.recovery import deadline_in_window
from policycheck.errors import PolicyError
from policycheck.explaining.meaning import Lines, describe_doubt, describe_failure, describe_needs, describe_no_data, describe_population
from policycheck.explaining.samples import AS_OF, Sample, find_sample
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Operator, comparisons, fields_of
from policycheck.policy.model import EVERY_JOB, AllMatch, Expectation, Following, NoneMatch, Policy, Rule, WaiverGrant
from policycheck.policy.statements import structured_rule
from policycheck.records import micros
from policycheck.result import Verdict
from policycheck.testing.catalogue import tests_of
from policycheck.testing.document import load_tests
from policycheck.testing.runner import run_test
from policycheck.text import clean


@dataclass(frozen=True, slots=True)
class SeenTest:
    """A test that names the rule."""

    name: str
    place: str
    expected: Verdict
    verdict: Verdict
    """What the rule's verdict was when the test ran."""
    passed: bool


@dataclass(frozen=True, slots=True)
class Tests:
    """What the tests beside a policy say of one rule."""

    files: int
    naming: tuple[SeenTest, ...]
    fired: bool
    """Whether any test has seen the rule fail, naming it or not."""
    problem: str = ""
    """Why the tests could not be read."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that can be said of a rule without any evidence."""

    policy: Policy
    rule: Rule
    structured: str
    """YAML: the key `rules` of a policy, with this one."""
    population: Lines
    failure: tuple[str, ...]
    needs: tuple[str, ...]
    doubt: tuple[str, ...]
    no_data: str
    failing: Sample | None
    passing: Sample | None
    waivers: tuple[WaiverGrant, ...]
    tests: Tests
    expressions: tuple[tuple[str, str], ...]
    """(what it decides, the expression as Narwhals writes it)."""


def explain(policy: Policy, rule: Rule, path: Path, backend: Backend) -> Explanation:
    """Explain one rule.

    Args:
        path: the policy's file; its tests stand beside it.

    Raises:
        PolicyError: a pattern the engine cannot search for.
    """
    return Explanation(
        policy=policy,
        rule=rule,
        structured=write_yaml({"rules": [{"id": rule.id, **structured_rule(rule.statement, rule.qualifiers)}]}),
        population=describe_population(rule, policy.scope),
        failure=tuple(describe_failure(rule)),
        needs=tuple(describe_needs(rule)),
        doubt=tuple(describe_doubt(rule)),
        no_data=describe_no_data(rule),
        failing=find_sample(policy, rule, backend, Verdict.FAIL),
        passing=find_sample(policy, rule, backend, Verdict.PASS),
        waivers=tuple(grant for grant in policy.waivers if grant.rule == rule.id),
        tests=_find_tests(policy, rule, path, backend),
        expressions=tuple(compile_rule(policy, rule, backend)),
    )


def _find_tests(policy: Policy, rule: Rule, path: Path, backend: Backend) -> Tests:
    files = tests_of(path, policy.path)
    try:
        tests = load_tests(files)
    except PolicyError as error:
        first = error.diagnostics[0]
        return Tests(len(files), (), False, f"{first.location}: {first.message}")
    naming, fired = [], False
    for test in tests:
        # Alone, with the test's own parameters; a test file may name another policy.
        own = [other for other in test.policy.rules if other.id == rule.id and test.policy.id == policy.id]
        if not own:
            continue
        outcome = run_test(test, backend, own)
        verdict = dict(outcome.verdicts)[rule.id]
        fired |= verdict is Verdict.FAIL
        if rule.id in test.expected:
            passed = not any(difference.rule == rule.id for difference in outcome.differences)
            naming.append(SeenTest(test.name, str(test.location), test.expected[rule.id].verdict, verdict, passed))
    return Tests(len(files), tuple(naming), fired)


def compile_rule(policy: Policy, rule: Rule, backend: Backend) -> Iterable[tuple[str, str]]:
    """What the engine evaluates for a rule, as Narwhals writes it; times are microseconds, as_of that of the samples."""
    statement, case = rule.statement, open_case(0, rule, policy.scope, micros(AS_OF))
    requirement = statement.requirement
    frame = _empty_frame(statement.list, fields_read(case), rule, backend)
    if statement.where != EVERY_JOB:
        yield "where", _written(compile_condition(statement.where, frame))
    match requirement:
        case NoneMatch() if case.recovery is not None:
            yield "window", _written(deadline_in_window(frame, case.recovery, case.window_length))
        case Following(within=within):
            yield "window", _written(deadline_in_window(frame, int(within.value or 0), case.window_length))
        case NoneMatch() | AllMatch() | Expectation():
            if case.window_length is not None:
                yield "window", _written(window_mask(case, frame))
    if requirement.condition == EVERY_JOB:
        return
    if isinstance(requirement, Following):
        frame = _empty_frame(requirement.list, fields_of(requirement.condition), rule, backend)
    settled = {NoneMatch: False, AllMatch: True}.get(type(requirement))
    name = {NoneMatch: "none", AllMatch: "all", Following: "followed_by"}.get(type(requirement), "of")
    yield name, _written(compile_condition(requirement.condition, frame, settled=settled))


def _written(expression: Any) -> str:
    return clean(repr(expression))


def _empty_frame(dataset: Dataset, fields: Iterable[str], rule: Rule, backend: Backend) -> Frame:
    conditions = (rule.statement.where, rule.statement.requirement.condition)
    asked = [comparison for condition in conditions for comparison in comparisons(condition)]
    compared = [one for one in asked if one.operator is Operator.IN_INVENTORY or (one.operator is Operator.IS and _is_name(one.field, dataset))]
    named = [str(value) for comparison in compared for value in comparison.values]
    inventories: Mapping[str, Inventory] = {name: Inventory(name, "", ()) for name in named}
    return build_frame(JobList.of(dataset, []), sorted(fields), micros(AS_OF), backend, inventories)


def _is_name(field: str, dataset: Dataset) -> bool:
    known = dataset.field(field)
    return known is not None and known.kind is Kind.NAME


def write_yaml(value: Sequence[Any] | Mapping[str, Any]) -> str:
    """Plain values as YAML, the innermost on one line."""
    from ruamel.yaml import YAML

    yaml = YAML()
    # Neither all on one line nor none: what holds scalars alone is.
    yaml.default_flow_style = None
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.BytesIO()
    yaml.dump(_unquoted(value), stream)
    return stream.getvalue().decode()


def _unquoted(value: Any) -> Any:
    """The same text where a policy is read, which keeps every scalar as it is written: small numbers and truth values need no quotes."""
    match value:
        case Mapping():
            return {_quoted(key): _unquoted(item) for key, item in value.items()}
        case list() | tuple():
            return [_unquoted(item) for item in value]
        case "true" | "false":
            return value == "true"
        case str() if re.fullmatch("0|[1-9][0-9]{0,5}", value):
            return int(value)
        case str():
            return _quoted(value)
        case _:
            return value


def _quoted(text: str) -> str:
    """The same text in quotes where ruamel.yaml would write none that its own reader needs: `{a: :0}` does not read back."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    return DoubleQuotedScalarString(text) if text.startswith((":", "?")) else text
