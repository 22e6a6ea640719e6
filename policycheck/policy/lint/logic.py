"""Rules that cannot fail or cannot pass, and conditions that say nothing: what the satisfiability of conditions tells."""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.datasets import Kind
from policycheck.errors import Location
from policycheck.policy.conditions import And, Comparison, Condition, Not, Or, comparisons, fields_of, parts_of
from policycheck.policy.lint.finding import Place, Run
from policycheck.policy.lint.reading import all_comparisons, asked, chosen, place_of, shown, wants
from policycheck.policy.lint.satisfiability import equals, is_impossible
from policycheck.policy.model import AllMatch, Expectation, Following, NoData, NoneMatch, Policy, Rule
from policycheck.policy.operators import CLOCK_OPERATORS, OPERATORS, Operator, Part
from policycheck.text import clean_line

_NOTHING_MAY_BE = frozenset({NoData.PASS, NoData.SKIP, NoData.QUIET})
"""With these, a rule that everything violates still passes where there is nothing: `no job may be here`."""


def find_contradictory_population(run: Run) -> Iterator[Place]:
    """`where` can be true of no job."""
    for policy, rule in run.rules():
        if is_impossible(chosen(rule), rule.statement.list):
            where = rule.statement.where
            message = f"no {rule.statement.list.noun} can satisfy these conditions on {shown(chosen(rule))} together: the rule selects no job"
            yield Place(policy, _first(rule, where), message, "Remove one of them, or put the alternatives under any.", rule)


def find_contradictory_condition(run: Run) -> Iterator[Place]:
    """What is asked of a job can be true of none."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        dataset = requirement.list if isinstance(requirement, Following) else rule.statement.list
        if is_impossible(requirement.condition, dataset):
            always = "no job can violate it" if isinstance(requirement, NoneMatch) else "every job violates it" if isinstance(requirement, AllMatch) else ""
            message = f"no {dataset.noun} can satisfy what the rule requires of {shown(requirement.condition)}{f': {always}' if always else ''}"
            yield Place(policy, _first(rule, requirement.condition), message, "A job has one value for each field. For alternatives, use a list.", rule)


def find_rule_that_cannot_fail(run: Run) -> Iterator[Place]:
    """What is chosen can never violate."""
    for policy, rule in _sound_rules(run):
        dataset, condition = rule.statement.list, asked(rule)
        match rule.statement.requirement:
            case NoneMatch():
                empty = is_impossible(And((chosen(rule), condition)), dataset)
            case AllMatch():
                empty = is_impossible(And((chosen(rule), Not(condition))), dataset)
            case Expectation() if not wants(rule):
                empty = bool(fields_of(condition)) and is_impossible(And((chosen(rule), condition)), dataset)
            case _:
                empty = False
        if empty:
            message = f"the rule cannot fail: no {dataset.noun} it selects can violate it"
            yield Place(
                policy, _first(rule, condition), message, f"Look at {shown(And((chosen(rule), condition)))}: where and the requirement exclude it.", rule
            )


def find_rule_that_cannot_pass(run: Run) -> Iterator[Place]:
    """What is chosen always violates."""
    for policy, rule in _sound_rules(run):
        dataset, condition, requirement = rule.statement.list, asked(rule), rule.statement.requirement
        if "Duration" in fields_of(condition) or any(one.operator in CLOCK_OPERATORS for one in comparisons(condition)):
            # A job in progress violates only once it is past the limit, or did something at the wrong time.
            continue
        may_be_absent = rule.qualifiers.no_data in _NOTHING_MAY_BE
        match requirement:
            case NoneMatch(recovery=None) if not may_be_absent:
                empty = bool(fields_of(rule.statement.where)) and is_impossible(And((chosen(rule), Not(condition))), dataset)
            case AllMatch() if not may_be_absent:
                empty = is_impossible(And((chosen(rule), condition)), dataset)
            case Expectation() if wants(rule):
                empty = is_impossible(And((chosen(rule), condition)), dataset)
            case _:
                empty = False
        if empty:
            message = f"the rule cannot pass: no {dataset.noun} it selects can satisfy it"
            hint = f"Look at {shown(And((chosen(rule), condition)))}; to forbid such jobs, write: no jobs in vault legacy."
            yield Place(policy, _first(rule, condition), message, hint, rule)


def find_population_out_of_scope(run: Run) -> Iterator[Place]:
    """`where` names only accounts or Regions that the policy's scope leaves out."""
    for policy, rule in _sound_rules(run):
        scope, dataset = policy.scope, rule.statement.list
        for name, declared in (("Account", scope.accounts), ("Region", scope.regions)):
            if declared and is_impossible(And((chosen(rule), equals(name, *declared))), dataset):
                named = next(one for one in comparisons(rule.statement.where) if one.field == name)
                message = f"the rule selects jobs of {name} {_listed(named)} only, which are outside the scope: it selects no job"
                yield Place(policy, place_of(rule, named.location), message, f"Declare it under scope, or correct the {name}.", rule)


def find_dead_alternative(run: Run) -> Iterator[Place]:
    """One of several values or alternatives that the rest of the rule excludes."""
    for policy, rule in _sound_rules(run):
        if isinstance(rule.statement.requirement, Following):
            conditions = [(rule.statement.where, chosen(rule))]
        else:
            # What is asked is asked of what is chosen; what is chosen stands for itself.
            conditions = [(rule.statement.where, chosen(rule)), (asked(rule), And((chosen(rule), asked(rule))))]
        for condition, whole in conditions:
            if not is_impossible(whole, rule.statement.list):
                yield from _dead_parts(policy, rule, condition, whole)


def _dead_parts(policy: Policy, rule: Rule, condition: Condition, whole: Condition) -> Iterator[Place]:
    for part in parts_of(condition):
        if isinstance(part, Or):
            choices: list[tuple[Condition, str, Location]] = [(one, f"the alternative on {shown(one)}", _first(rule, one)) for one in part.parts]
        elif isinstance(part, Comparison) and part.operator is Operator.IS and len(part.literals) > 1 and part.field != "Outcome":
            choices = [
                (Comparison(part.field, part.operator, (literal,)), f"{part.field} {clean_line(literal.text)}", place_of(rule, literal.location))
                for literal in part.literals
            ]
        else:
            continue
        for choice, what, location in choices:
            if is_impossible(And((whole, choice)), rule.statement.list):
                message = f"{what} can never match: the rest of the rule excludes it"
                yield Place(policy, location, message, "Remove it, or widen what excludes it.", rule)


def find_repeated_value(run: Run) -> Iterator[Place]:
    """A list that names one value twice."""
    for policy, rule in run.rules():
        for comparison in all_comparisons(rule):
            seen: set[object] = set()
            for literal in comparison.literals:
                value = _folded(rule, comparison, literal.value)
                if value in seen:
                    message = f"{comparison.field} is compared with {clean_line(literal.text)} twice"
                    yield Place(policy, place_of(rule, literal.location), message, "Did you mean another value?", rule)
                seen.add(value)


def _folded(rule: Rule, comparison: Comparison, value: object) -> object:
    requirement = rule.statement.requirement
    lists = [rule.statement.list, *([requirement.list] if isinstance(requirement, Following) else [])]
    column = next((found for dataset in lists if (found := dataset.field(comparison.field))), None)
    word = column is not None and column.kind is Kind.WORD and OPERATORS[comparison.operator].part is not Part.PATTERN
    return value.lower() if word and isinstance(value, str) else value


def _sound_rules(run: Run) -> Iterator[tuple[Policy, Rule]]:
    """The rules without a contradiction in one of their parts: that is a finding of its own."""
    for policy, rule in run.rules():
        requirement = rule.statement.requirement
        dataset = requirement.list if isinstance(requirement, Following) else rule.statement.list
        if not is_impossible(chosen(rule), rule.statement.list) and not is_impossible(requirement.condition, dataset):
            yield policy, rule


def _first(rule: Rule, condition: Condition) -> Location:
    """Where a condition begins."""
    return place_of(rule, *(comparison.location for comparison in comparisons(condition)))


def _listed(comparison: Comparison) -> str:
    return clean_line(", ".join(literal.text for literal in comparison.literals))
