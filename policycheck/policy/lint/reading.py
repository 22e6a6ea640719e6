"""What checks ask of a rule."""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.errors import Location
from policycheck.policy.conditions import And, Comparison, Condition, Not, Or, comparisons, fields_of, parts_of
from policycheck.policy.lint.satisfiability import recorded
from policycheck.policy.measures import SHAPES, Limit
from policycheck.policy.model import AllMatch, Expectation, Following, JobChoice, Rule
from policycheck.policy.operators import LOWER_BOUNDS, Operator
from policycheck.text import clean_line

OUTCOME_FIELDS = frozenset({"State", "Status", "Outcome", "MessageCategory"})
"""What a rule names that judges how jobs end."""
FRESHNESS = frozenset(measure for measure, shape in SHAPES.items() if shape.limit is Limit.DURATION)
"""The measures whose limit is a length of time."""


def chosen(rule: Rule) -> Condition:
    """What every record of the rule's population satisfies: `where`, the choice of `jobs`, and a clock that is recorded."""
    parts: list[Condition] = [rule.statement.where]
    if rule.qualifiers.jobs in {JobChoice.TOP_LEVEL, JobChoice.MEMBERS}:
        parts.append(recorded("ParentJobId", there=rule.qualifiers.jobs is JobChoice.MEMBERS))
    if rule.qualifiers.clock:
        parts.append(recorded(rule.qualifiers.clock))
    return And(tuple(parts))


def asked(rule: Rule) -> Condition:
    """What the rule asks of its own list; of a rule on following jobs, nothing."""
    requirement = rule.statement.requirement
    return And() if isinstance(requirement, Following) else requirement.condition


def own_conditions(rule: Rule) -> Condition:
    """Every condition on the rule's own list, in one."""
    return And((rule.statement.where, asked(rule)))


def all_comparisons(rule: Rule) -> Iterator[Comparison]:
    """Every comparison of a rule, those on following jobs among them."""
    yield from comparisons(rule.statement.where)
    yield from comparisons(rule.statement.requirement.condition)


def judges_outcomes(rule: Rule) -> bool:
    """Whether the rule judges how jobs of its list end."""
    requirement = rule.statement.requirement
    if isinstance(requirement, Following) or (isinstance(requirement, Expectation) and SHAPES[requirement.measure].each_resource):
        # Which jobs are compared is no judgement of how they end.
        return False
    return bool(fields_of(rule.statement.requirement.condition) & OUTCOME_FIELDS)


def wants(rule: Rule) -> bool:
    """Whether the rule asks for jobs that match, rather than for their absence."""
    requirement = rule.statement.requirement
    match requirement:
        case AllMatch() | Following():
            return True
        case Expectation(measure=measure) if SHAPES[measure].wants_jobs:
            return True
        case Expectation(operator=operator):
            return operator in LOWER_BOUNDS
        case _:
            return False


def positive(condition: Condition) -> Iterator[Comparison]:
    """The comparisons that are asked for, none that stands under a `not`."""
    match condition:
        case Comparison():
            yield condition
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from positive(part)
        case Not(part=Not(part=part)):
            yield from positive(part)
        case Not():
            return


def required(condition: Condition, name: str) -> tuple[str, ...]:
    """The values of which a conjunction lets a field have one, in its own spelling; none where it does not say."""
    for part in parts_of(condition):
        if isinstance(part, Comparison) and part.field == name and part.operator is Operator.IS:
            return tuple(literal.text for literal in part.literals)
        if isinstance(part, And) and (found := required(part, name)):
            return found
    return ()


def place_of(rule: Rule, *locations: Location) -> Location:
    """The first of these that is a place in the rule's own file, else the rule's own: a value may come from the command line."""
    return next((location for location in locations if location.path == rule.location.path), rule.location)


def shown(condition: Condition) -> str:
    """A condition in few words, for a message: its fields."""
    names = list(dict.fromkeys(comparison.field for comparison in comparisons(condition)))
    return clean_line(names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing")
