"""Whether a condition can be true of any record at all: a small sound reasoner. What it calls impossible is never true; of the rest it says nothing.

A condition is brought into alternatives of literals: comparisons that must be true, or must be false. A true one needs a recorded value that passes; a false
one a recorded value that does not, or a member that is known to be missing. What is unknown makes neither. In each alternative the literals of one field
narrow what its value may be: a set of values, an interval, or texts that must begin, end or hold something. Only where nothing is left of any field of every
alternative is the condition impossible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import assert_never

from policycheck.datasets import Dataset, Field, Kind, Presence
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Or
from policycheck.policy.lint.texts import texts_contradict
from policycheck.policy.literals import Value
from policycheck.policy.local_times import WEEK_MINUTES, parse_local_time
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS, Operator, interval_of

_MOST_ALTERNATIVES = 256
"""More of them are not looked at: nothing is said of such a condition."""

_OTHER = "(another value)"
_UNRECORDED = "(an outcome that was not recorded)"
_IN_PROGRESS_OVERDUE = ("CREATED", "PENDING", "RUNNING")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A comparison that must be true, or one that must be false."""

    comparison: Comparison
    true: bool


_Alternative = tuple[_Asked, ...]


def is_impossible(condition: Condition, dataset: Dataset) -> bool:
    """Whether no record of the list makes this bound condition true. False says nothing."""
    alternatives = list(islice(_alternatives(condition, true=True), _MOST_ALTERNATIVES + 1))
    return len(alternatives) <= _MOST_ALTERNATIVES and all(_contradicts(alternative, dataset) for alternative in alternatives)


def equals(name: str, *texts: str) -> Comparison:
    """A bound comparison of a text field with any of these."""
    return Comparison(name, Operator.IS, tuple(Literal(text, value=text) for text in texts))


def recorded(name: str, *, there: bool = True) -> Comparison:
    """A bound comparison: whether the field is present."""
    return Comparison(name, Operator.PRESENT, (Literal("true" if there else "false", value=there),))


def _alternatives(condition: Condition, *, true: bool) -> Iterator[_Alternative]:
    """The alternatives in which the condition is true, or is false."""
    match condition:
        case Comparison():
            yield (_Asked(condition, true),)
        case Not(part=part):
            yield from _alternatives(part, true=not true)
        case And(parts=parts) if true:
            yield from _joined(parts, true=True)
        case Or(parts=parts) if not true:
            yield from _joined(parts, true=False)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from _alternatives(part, true=true)
        case _:
            assert_never(condition)


def _joined(parts: Sequence[Condition], *, true: bool) -> Iterator[_Alternative]:
    # Of each part only so many are made that one too many shows.
    choices = [list(islice(_alternatives(part, true=true), _MOST_ALTERNATIVES + 1)) for part in parts]
    for chosen in product(*choices):
        yield tuple(asked for alternative in chosen for asked in alternative)


def _contradicts(alternative: _Alternative, dataset: Dataset) -> bool:
    by_field: dict[str, list[_Asked]] = {}
    for asked in (*alternative, *_follows(alternative, dataset)):
        by_field.setdefault(asked.comparison.field, []).append(asked)
    return any(_field_contradicts(dataset.fields[name], asked, dataset) for name, asked in by_field.items())


def _follows(alternative: _Alternative, dataset: Dataset) -> Iterator[_Asked]:
    """What an outcome, or being overdue, says of the members it is derived from (docs/verdicts.md, Derived fields)."""
    outcome = [asked for asked in alternative if asked.comparison.field == "Outcome"]
    if outcome:
        left = _left("Outcome", outcome, dataset)
        if None not in left:
            yield _Asked(equals(dataset.state_field, "COMPLETED"), True)
        if left == {None}:
            yield _Asked(equals(dataset.state_field, "COMPLETED"), False)
        if left in ({"clean"}, {"with_issues"}):
            yield _Asked(equals("MessageCategory", "SUCCESS"), left == {"clean"})
            yield _Asked(recorded("MessageCategory"), True)
    overdue = [asked for asked in alternative if asked.comparison.field == "Overdue"]
    if overdue and _left("Overdue", overdue, dataset) == {True}:
        yield _Asked(equals(dataset.state_field, *_IN_PROGRESS_OVERDUE), True)


def _field_contradicts(field: Field, asked: Sequence[_Asked], dataset: Dataset) -> bool:
    match field.kind:
        case Kind.ENUM | Kind.BOOLEAN:
            return not _left(field.name, asked, dataset)
        case Kind.NAME:
            return _names_contradict(asked, Operator.IS)
        case Kind.TEXT | Kind.WORD | Kind.ARN | Kind.ACCOUNT:
            missing, values = _split(field, asked)
            texts = [(one.comparison, one.true) for one in values]
            return not missing and (texts_contradict(texts, folded=field.kind is Kind.WORD) or _names_contradict(values, Operator.IN_INVENTORY))
        case Kind.TIME | Kind.SPAN | Kind.DURATION | Kind.SIZE | Kind.INTEGER:
            missing, values = _split(field, asked)
            if not missing and (_spans_contradict if field.kind is Kind.SPAN else _hours_contradict)(values):
                return True
            values = [one for one in values if one.comparison.operator not in CLOCK_OPERATORS]
            return not missing and (_numbers_contradict(values, ages=False) or _numbers_contradict(values, ages=True))
        case _:
            assert_never(field.kind)


def _split(field: Field, asked: Sequence[_Asked]) -> tuple[bool, list[_Asked]]:
    """(whether a missing member satisfies all, what is asked of a recorded value); where none may be recorded, both are as empty as can be."""
    presence = [one for one in asked if one.comparison.operator is Operator.PRESENT]
    values = [one for one in asked if one.comparison.operator is not Operator.PRESENT]
    wanted = {bool(one.comparison.values[0]) is one.true for one in presence}
    missing = field.presence not in {Presence.ALWAYS, Presence.ALWAYS_SINCE} and True not in wanted and not any(one.true for one in values)
    if False in wanted:
        # Nothing recorded will do: an empty list of values, asked to hold one.
        return missing, [_Asked(Comparison(field.name, Operator.IS, ()), True)]
    return missing, values


def _left(name: str, asked: Sequence[_Asked], dataset: Dataset) -> set[object]:
    """What is left of a field with few values; None: the member is missing."""
    field = dataset.fields[name]
    left: set[object]
    if field.kind is Kind.BOOLEAN:
        left = {True, False}
    elif name == "Outcome":
        left = {"clean", "with_issues", _UNRECORDED}
    else:
        # A state the API does not name is unknown; any other enumeration may grow.
        left = {*field.values} if name == dataset.state_field else {*field.values, _OTHER}
    if field.presence not in {Presence.ALWAYS, Presence.ALWAYS_SINCE}:
        left.add(None)
    for one in asked:
        left &= {value for value in left if _passes(value, one)}
    return left


def _passes(value: object, asked: _Asked) -> bool:
    comparison = asked.comparison
    if comparison.operator is Operator.PRESENT:
        return ((value is not None) is bool(comparison.values[0])) is asked.true
    if value is None:
        return not asked.true
    if value == _UNRECORDED:
        # It is one of the two: true where both are asked for, or `unknown`; false of nothing.
        return asked.true and ("unknown" in comparison.values or {"clean", "with_issues"} <= set(comparison.values))
    return (value in comparison.values) is asked.true


def _names_contradict(asked: Sequence[_Asked], operator: Operator) -> bool:
    """What a field says may be in several inventories: only names that are asked for and refused at once contradict.

    Args:
        operator: which asks for names.
    """
    wanted = [set(one.comparison.values) for one in asked if one.true and one.comparison.operator is operator]
    refused = {value for one in asked if not one.true and one.comparison.operator is operator for value in one.comparison.values}
    present = {bool(one.comparison.values[0]) is one.true for one in asked if one.comparison.operator is Operator.PRESENT}
    return len(present) > 1 or any(names <= refused for names in wanted) or (False in present and bool(wanted))


def _numbers_contradict(asked: Sequence[_Asked], *, ages: bool) -> bool:
    """Whether no whole number passes: of the value itself, or of a time as so many microseconds after as_of (never both: where as_of is, nobody knows)."""
    low: int | None = None
    high: int | None = None
    allowed: set[int] | None = None
    refused: set[int] = set()
    for one in asked:
        operator = one.comparison.operator
        if (operator in AGE_OPERATORS) is not ages:
            continue
        if operator is Operator.IS:
            values = {_number(value) for value in one.comparison.values}
            if one.true:
                allowed = values if allowed is None else allowed & values
            else:
                refused |= values
            continue
        at_least, at_most = interval_of(operator, _number(one.comparison.values[0]), true=one.true)
        low = at_least if low is None else low if at_least is None else max(low, at_least)
        high = at_most if high is None else high if at_most is None else min(high, at_most)
    if allowed is not None:
        return not any((low is None or value >= low) and (high is None or value <= high) and value not in refused for value in allowed)
    if low is None or high is None:
        return False
    return low > high or (high - low < len(refused) and all(value in refused for value in range(low, high + 1)))


def _hours_contradict(asked: Sequence[_Asked]) -> bool:
    """Whether no minute of a week passes, by the clocks of one zone; what two zones ask of one time is not compared."""
    minutes: dict[str, set[int]] = {}
    for zone, held, true in _hours(asked):
        left = minutes.setdefault(zone, set(range(WEEK_MINUTES)))
        minutes[zone] = left & held if true else left - held
    return any(not left for left in minutes.values())


def _spans_contradict(asked: Sequence[_Asked]) -> bool:
    """Whether a time from one instant to another must touch hours all of which it must not touch; it may touch several hours."""
    hours, refused = list(_hours(asked)), dict[str, set[int]]()
    for zone, held, true in hours:
        if not true:
            refused.setdefault(zone, set()).update(held)
    return any(true and held <= refused.get(zone, set()) for zone, held, true in hours)


def _hours(asked: Sequence[_Asked]) -> Iterator[tuple[str, set[int], bool]]:
    """Of each comparison with hours their zone, their minutes in a week, and whether it must be true."""
    for one in asked:
        if one.comparison.operator in CLOCK_OPERATORS:
            hours = parse_local_time(str(one.comparison.values[0]))
            held = {minute + since for since in range(0, WEEK_MINUTES, hours.period) for first, last in hours.spans() for minute in range(first, last)}
            yield hours.zone, held, one.true


def _number(value: Value) -> int:
    return int(value)
