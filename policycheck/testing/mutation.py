"""Rules changed on purpose, one thing at a time: a test that does not notice does not test that thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import assert_never

from policycheck.datasets import Dataset, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Or
from policycheck.policy.local_times import parse_local_time
from policycheck.policy.measures import SHAPES, Limit, Measure
from policycheck.policy.model import (
    RESOURCE,
    AllMatch,
    Calendar,
    Expectation,
    Following,
    JobChoice,
    NoData,
    NoneMatch,
    Policy,
    Qualifiers,
    Requirement,
    Rule,
    Statement,
)
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS, OPERATORS, ORDER_OPERATORS, Operator
from policycheck.policy.rendering import render
from policycheck.testing.document import PolicyTest
from policycheck.testing.runner import run_test


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one change, and the sentence it has now."""

    policy: Policy
    original: Rule
    rule: Rule
    number: int
    """Among the changes of its rule."""
    what: str

    @property
    def change(self) -> str:
        return f"{self.number}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What tests made of the mutants of some policies."""

    killed: int
    survivors: tuple[Mutant, ...]

    @property
    def total(self) -> int:
        return self.killed + len(self.survivors)


def judge_mutants(tests: Sequence[PolicyTest], backend: Backend) -> Verdicts:
    """Run every mutant of every rule of the policies that these tests are of; a mutant is killed by a test that its rule passes and it does not."""
    killed, survivors = 0, []
    policies = {test.policy.path: test.policy for test in tests}
    for path, policy in policies.items():
        of_policy = [test for test in tests if test.policy.path == path]
        for rule in policy.rules:
            # Tests that name the rule notice first.
            ordered = sorted(of_policy, key=lambda test: rule.id not in test.expected)
            for mutant in mutate(policy, rule):
                if any(not run_test(test, backend, [_applied(mutant, test)]).passed for test in ordered):
                    killed += 1
                else:
                    survivors.append(mutant)
    return Verdicts(killed, tuple(survivors))


def _applied(mutant: Mutant, test: PolicyTest) -> Rule:
    """The change, made to the rule as this test's parameters fill it in: the same change by number, since parameters alter values and not the shape."""
    own = next(rule for rule in test.policy.rules if rule.id == mutant.rule.id)
    if own.statement == mutant.original.statement:
        return mutant.rule
    return next(other.rule for other in mutate(test.policy, own) if other.number == mutant.number)


def mutate(policy: Policy, rule: Rule) -> Iterator[Mutant]:
    """The mutants of one rule, numbered in a fixed order."""
    number = 0
    for what, statement, qualifiers in _changes(rule):
        if (statement, qualifiers) == (rule.statement, rule.qualifiers):
            continue
        number += 1
        changed = replace(rule, statement=statement, qualifiers=qualifiers, sentence=render(statement, qualifiers))
        yield Mutant(policy, rule, changed, number, what)


def _changes(rule: Rule) -> Iterator[tuple[str, Statement, Qualifiers]]:
    statement, qualifiers = rule.statement, rule.qualifiers
    if statement.within is not None:
        for literal in _lengths(statement.within):
            yield f"within {literal.text}", replace(statement, within=literal), qualifiers
    for what, where in _condition_changes(statement.where, statement.list, _states_of_population(statement)):
        yield f"where: {what}", replace(statement, where=where), qualifiers
    for what, requirement in _requirement_changes(statement):
        yield what, replace(statement, requirement=requirement), qualifiers
    # A parent is the job of another resource: what counts once counts all where each resource is counted.
    requirement = statement.requirement
    counts_all = qualifiers.jobs is JobChoice.ALL or (isinstance(requirement, Expectation) and RESOURCE in requirement.per)
    jobs = JobChoice.TOP_LEVEL if counts_all else JobChoice.ALL
    if statement.list.composite:
        yield f"jobs {jobs}", statement, replace(qualifiers, jobs=jobs)
    # Nothing weakens a rule more than to pass where there was nothing to judge.
    no_data = NoData.FAIL if qualifiers.no_data is NoData.PASS else NoData.PASS
    yield f"no data: {no_data}", statement, replace(qualifiers, no_data=no_data)
    if qualifiers.clock is not None:
        yield "without clock", statement, replace(qualifiers, clock=None)


def _requirement_changes(statement: Statement) -> Iterator[tuple[str, Requirement]]:
    requirement = statement.requirement
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            states = _states_of_population(statement)
            yield from ((what, replace(requirement, condition=changed)) for what, changed in _condition_changes(condition, statement.list, states))
            if recovery is not None:
                yield "without recovery", replace(requirement, recovery=None)
                yield from ((f"recovery {literal.text}", replace(requirement, recovery=literal)) for literal in _lengths(recovery))
        case AllMatch(condition=condition):
            states = statement.list.states
            yield from ((what, replace(requirement, condition=changed)) for what, changed in _condition_changes(condition, statement.list, states))
        case Expectation():
            yield from _expectation_changes(requirement, statement.list)
        case Following(condition=condition, within=within):
            yield from ((what, replace(requirement, condition=changed)) for what, changed in _follower_changes(condition, requirement.list))
            yield from ((f"followed within {literal.text}", replace(requirement, within=literal)) for literal in _lengths(within))
        case _:
            assert_never(requirement)


def _expectation_changes(requirement: Expectation, dataset: Dataset) -> Iterator[tuple[str, Requirement]]:
    # A job in progress is neither the latest nor part of a streak of states.
    shape = SHAPES[requirement.measure]
    states = dataset.finished if shape.finished_alone else dataset.states
    yield from ((f"of: {what}", replace(requirement, condition=changed)) for what, changed in _condition_changes(requirement.condition, dataset, states))
    for field in requirement.per:
        if shape.each_resource and field == RESOURCE:
            continue  # What is compared are jobs of one resource.
        rest = tuple(other for other in requirement.per if other != field)
        # Without resources there is nothing that an inventory could list.
        yield f"not per {field}", replace(requirement, per=rest, inventory=requirement.inventory if RESOURCE in rest else None)
    yield from _subject_changes(requirement)
    limit, operator = requirement.limit, requirement.operator
    if limit is None or operator is None:
        return
    if requirement.calendar is not None:
        yield from _calendar_changes(requirement, requirement.calendar)
    if shape.limit is Limit.DURATION:
        limits = list(_lengths(limit))
    elif shape.limit is Limit.SHARE:
        limits = [_share(limit, Fraction(1, 100)), _share(limit, Fraction(-1, 100))]
    elif shape.limit in {Limit.PERCENTAGE, Limit.FACTOR}:
        limits = list(_parts(limit, shape.limit))
    else:
        count = int(limit.value or 0)
        most = requirement.calendar.last.value if requirement.calendar is not None else None
        limits = [Literal(str(other), value=other) for other in (count - 1, count + 1) if other >= 0 and not (isinstance(most, int) and other > most)]
    yield from ((f"limit {literal.text}", replace(requirement, limit=literal)) for literal in limits)
    # A whole number's edge is the next number, which stands above.
    mutant = OPERATORS[operator].mutant
    if mutant and shape.limit is not Limit.NUMBER:
        yield f"{mutant.words} {limit.text}", replace(requirement, operator=mutant)


def _subject_changes(requirement: Expectation) -> Iterator[tuple[str, Requirement]]:
    """Of how many subjects it is asked, and from when on it warns."""
    if requirement.warning is not None:
        yield "without warning", replace(requirement, warning=None)
        yield from ((f"warning at {literal.text}", replace(requirement, warning=literal)) for literal in _lengths(requirement.warning))
    if (share := requirement.share) is None:
        return
    yield "of every subject", replace(requirement, share=None)
    for step in (Fraction(1, 100), Fraction(-1, 100)):
        limit = _share(share.limit, step)
        yield f"{limit.text} of the subjects", replace(requirement, share=replace(share, limit=limit))


def _calendar_changes(requirement: Expectation, calendar: Calendar) -> Iterator[tuple[str, Requirement]]:
    """One day less or more, as long as there are as many as are asked for."""
    last, least = int(calendar.last.value or 0), int((requirement.limit.value if requirement.limit else 0) or 0)
    for number in (last - 1, last + 1):
        if number >= max(least, 1):
            yield f"the last {number} {calendar.unit}", replace(requirement, calendar=replace(calendar, last=Literal(str(number), value=number)))


def _share(limit: Literal, step: Fraction) -> Literal:
    value = Fraction(limit.value or 0)
    other = value + step if 0 <= value + step <= 1 else value - step
    return Literal(f"{float(other * 100):g}%", value=other)


def _parts(literal: Literal, kind: Limit) -> Iterator[Literal]:
    """A percentage, or a factor, a tenth more and a tenth less."""
    value = Fraction(literal.value or 0)
    for other in (value * Fraction(9, 10), value * Fraction(11, 10)):
        text = f"{float(other):g}x" if kind is Limit.FACTOR else f"{float(other * 100):g}%"
        yield Literal(text, value=other)


def _lengths(literal: Literal) -> Iterator[Literal]:
    """Half of a duration, and twice as much."""
    value = int(literal.value or 0)
    for length in (value // 2, value * 2):
        if length:
            yield Literal(f"{length // 1_000_000}s", value=length)


def _states_of_population(statement: Statement) -> Sequence[str]:
    """The states of the jobs a rule looks at. Some look at jobs that have ended alone: there another state in progress changes nothing."""
    match statement.requirement:
        case Following() | Expectation(measure=Measure.LATEST):
            return statement.list.finished
        case NoneMatch(recovery=recovery) if recovery is not None:
            return statement.list.finished
        case _:
            return statement.list.states


def _follower_changes(condition: Condition, dataset: Dataset) -> Iterator[tuple[str, Condition]]:
    """As of any condition, but for what changes nothing: a job that follows must have COMPLETED, whether the rule says so or not."""
    without = None
    if isinstance(condition, And):
        completed = Comparison(dataset.state_field, Operator.IS, (Literal("COMPLETED", value="COMPLETED"),))
        without = And(tuple(part for part in condition.parts if part != completed))
    for what, changed in _condition_changes(condition, dataset, ()):
        if changed != without:
            yield what, changed


def _condition_changes(condition: Condition, dataset: Dataset, states: Sequence[str]) -> Iterator[tuple[str, Condition]]:
    """Changes of a condition.

    Args:
        states: the states that a job the condition is asked of can be in.
    """
    match condition:
        case Comparison():
            yield from _comparison_changes(condition, dataset, states)
        case And(parts=parts):
            for index, part in enumerate(parts):
                rest = parts[:index] + parts[index + 1 :]
                yield f"without part {index + 1}", And(rest)
                yield from ((what, And((*parts[:index], changed, *parts[index + 1 :]))) for what, changed in _condition_changes(part, dataset, states))
        case Or(parts=parts):
            for index, part in enumerate(parts):
                rest = parts[:index] + parts[index + 1 :]
                yield f"without alternative {index + 1}", rest[0] if len(rest) == 1 else Or(rest)
                yield from ((what, Or((*parts[:index], changed, *parts[index + 1 :]))) for what, changed in _condition_changes(part, dataset, states))
        case Not(part=part):
            yield "not removed", part
            yield from ((what, Not(changed)) for what, changed in _condition_changes(part, dataset, states))
        case _:
            assert_never(condition)


def _comparison_changes(comparison: Comparison, dataset: Dataset, states: Sequence[str]) -> Iterator[tuple[str, Condition]]:
    literals, operator, name = comparison.literals, comparison.operator, comparison.field
    yield f"not {name}", Not(comparison)
    if len(literals) > 1:
        for index, literal in enumerate(literals):
            yield f"{name} without {literal.text}", replace(comparison, literals=literals[:index] + literals[index + 1 :])
    kind = dataset.fields[name].kind
    # A whole number's edge is the next number, which stands below.
    mutant = OPERATORS[operator].mutant
    if mutant and kind not in {Kind.INTEGER, Kind.SIZE}:
        yield f"{name} {mutant.words}", replace(comparison, operator=mutant)
    if operator is Operator.IS and kind is Kind.ENUM:
        values = states if name == dataset.state_field else dataset.fields[name].values
        for value in (value for value in values if all(literal.text != value for literal in literals)):
            yield f"{name} or {value}", replace(comparison, literals=(*literals, Literal(value, value=value)))
    elif operator in CLOCK_OPERATORS:
        yield from (
            (f"{name} {other}", replace(comparison, literals=(Literal(str(other), value=str(other)),)))
            for other in parse_local_time(str(literals[0].value)).mutants()
        )
    elif operator in AGE_OPERATORS or (operator in ORDER_OPERATORS and kind is Kind.DURATION):
        yield from ((f"{name} {literal.text}", replace(comparison, literals=(literal,))) for literal in _lengths(literals[0]))
    elif operator in ORDER_OPERATORS and kind in {Kind.INTEGER, Kind.SIZE}:
        for number in (int(literals[0].value or 0) - 1, int(literals[0].value or 0) + 1):
            yield f"{name} {number}", replace(comparison, literals=(Literal(str(number), value=number),))
