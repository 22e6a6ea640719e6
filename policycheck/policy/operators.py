"""The operators of conditions: how a field is compared.

All that policycheck knows of an operator stands here: its word, its row in `OPERATORS`, and in the row's family what it has in common with others. What it
computes is the engine's (`engine/operators.py`). Grammar, keywords, schema, lint, samples, mutation and the reference ask this table, so that a new operator is
its word and its row here, and its line in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from policycheck.datasets import Field, Kind
from policycheck.policy.literals import Value, parse_duration, parse_inventory_name, parse_value
from policycheck.policy.local_times import parse_local_time
from policycheck.policy.regex import parse_pattern

TEXT_KINDS = frozenset({Kind.TEXT, Kind.WORD, Kind.ARN, Kind.ACCOUNT})


class Operator(StrEnum):
    """How a field is compared; the words of the structured form."""

    IS = "is"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    MORE_THAN = "more_than"
    LESS_THAN = "less_than"
    OLDER_THAN = "older_than"
    NEWER_THAN = "newer_than"
    PRESENT = "present"
    LOCAL_TIME = "local_time"
    IN_INVENTORY = "in_inventory"

    @property
    def words(self) -> str:
        """The operator as messages name it: `starts with`."""
        return self.value.replace("_", " ")


# Families


class Family(Struct, frozen=True):
    """What several operators have in common."""

    kinds: frozenset[Kind]
    """The fields they apply to."""
    misfit: Callable[[str, Field], tuple[str, str]]
    """The operator's words and a field it does not apply to: why, and what to write instead."""
    parse: Callable[[str, Field], Value]
    """What a value beside them means; raises BadValue or ValueError."""
    schema: Mapping[str, Any] | None
    """One value, as JSON Schema; None: what the field's own values are."""
    lists: bool = False
    """Whether they take a list of values, any of which will do; a sentence can then negate them (`must not contain a or b`)."""


_ORDERED = frozenset({Kind.TIME, Kind.DURATION, Kind.SIZE, Kind.INTEGER})


def spell_orders() -> str:
    """`at least, at most, more than or less than`"""
    *words, last = (definition.test for definition in OPERATORS.values() if definition.family is ORDER)
    return f"{', '.join(words)} or {last}"


def _parse_text(text: str, _field: Field) -> Value:
    if not text:
        raise ValueError("every text contains the empty text")
    return text


def _parse_pattern(text: str, _field: Field) -> Value:
    parse_pattern(text)
    return text


def _no_text(words: str, field: Field) -> tuple[str, str]:
    if field.kind is Kind.ENUM:
        return f"{field.name} is compared by value: {words} does not apply", f"The values are {', '.join(field.values)}."
    return f"{field.name} is not a text: {words} does not apply", "It is true or false." if field.kind is Kind.BOOLEAN else f"Compare it with {spell_orders()}."


def _no_order(words: str, field: Field) -> tuple[str, str]:
    return f"{field.name} has no order: {words} does not apply", "Compare it with a value or a list of values."


def _no_time(words: str, field: Field) -> tuple[str, str]:
    return f"{field.name} is not a time: {words} does not apply", f"Compare it with {spell_orders()}." if field.kind is Kind.DURATION else ""


def _no_clock(words: str, field: Field) -> tuple[str, str]:
    return f"{field.name} is not a time: {words} does not apply", "Days and times of day apply to CreationDate, CompletionDate and other times."


def _no_arn(words: str, field: Field) -> tuple[str, str]:
    return f"{field.name} is not an ARN: {words} does not apply", "An inventory lists ARNs: EncryptionKeyArn in inventory customer_keys, for example."


def _of_span(words: str, field: Field) -> tuple[str, str]:
    return f"{field.name} is a period of time: {words} does not apply", f"Compare its local time: with {field.name} on Saturday or Sunday in Europe/Berlin"


def _applies_to_all(words: str, field: Field) -> tuple[str, str]:
    raise AssertionError(f"{words} applies to {field.name}, as to every field")


_SCALAR = {"type": ["string", "number", "boolean"]}
_SOME_TEXT = {"type": "string", "minLength": 1}

EQUALITY = Family(frozenset(Kind) - {Kind.SPAN}, _of_span, lambda text, field: parse_value(text, field.kind), None, lists=True)
TEXTS = Family(TEXT_KINDS, _no_text, _parse_text, _SOME_TEXT, lists=True)
PATTERNS = replace(TEXTS, parse=_parse_pattern)
ORDER = Family(_ORDERED, _no_order, lambda text, field: parse_value(text, field.kind), _SCALAR)
AGE = Family(frozenset({Kind.TIME}), _no_time, lambda text, _field: parse_duration(text), _SOME_TEXT)
CLOCK = Family(frozenset({Kind.TIME, Kind.SPAN}), _no_clock, lambda text, _field: str(parse_local_time(text)), _SOME_TEXT)
LISTING = Family(frozenset({Kind.ARN}), _no_arn, lambda text, _field: parse_inventory_name(text), _SOME_TEXT, lists=True)
PRESENCE = Family(frozenset(Kind), _applies_to_all, lambda text, _field: parse_value(text, Kind.BOOLEAN), {"type": "boolean"})


# Operators


class Part(StrEnum):
    """Which part of a text an operator compares."""

    WHOLE = "whole"
    START = "start"
    END = "end"
    ANY = "any"
    PATTERN = "pattern"
    """What a pattern finds; it says for itself whether case matters."""


Interval = tuple[int | None, int | None]
"""The least and the greatest whole number that passes; None: no such end."""


class Definition(Struct, frozen=True):
    """One operator."""

    family: Family
    test: str = ""
    """Behind `with` and a field: `containing`. Empty, as below: sentence.lark spells it."""
    verb: str = ""
    """Behind `must`: `contain`."""
    mutant: Operator | None = None
    """What a mutation of a rule puts in its place: the operator that an author is likely to mean instead, or one that lets more or less through."""
    part: Part | None = None
    """Of texts."""
    holds: Callable[[str, str], bool] | None = None
    """Whether a text passes beside a value, case apart; None: not a text, or only the engine can tell."""
    interval: Callable[[int], Interval] | None = None
    """The whole numbers that pass, beside a value; of an age, times as microseconds after as_of."""
    broken: str = ""
    """Of the limit of a measure: what is not within it."""

    def applies(self, kind: Kind) -> bool:
        """Whether a field of this kind can be compared so."""
        return kind in self.family.kinds


def _order(words: str, mutant: Operator, interval: Callable[[int], Interval], broken: str) -> Definition:
    return Definition(ORDER, words, f"be {words}", mutant, interval=interval, broken=broken)


def _age(words: str, mutant: Operator, interval: Callable[[int], Interval]) -> Definition:
    return Definition(AGE, words, f"be {words}", mutant, interval=interval)


OPERATORS: Mapping[Operator, Definition] = MappingProxyType(
    {
        Operator.IS: Definition(EQUALITY, part=Part.WHOLE, holds=str.__eq__),
        Operator.CONTAINS: Definition(TEXTS, "containing", "contain", Operator.STARTS_WITH, Part.ANY, str.__contains__),
        Operator.STARTS_WITH: Definition(TEXTS, "starting with", "start with", Operator.CONTAINS, Part.START, str.startswith),
        Operator.ENDS_WITH: Definition(TEXTS, "ending with", "end with", Operator.CONTAINS, Part.END, str.endswith),
        Operator.MATCHES: Definition(PATTERNS, "matching", "match", Operator.CONTAINS, Part.PATTERN),
        Operator.AT_LEAST: _order("at least", Operator.MORE_THAN, lambda value: (value, None), "less than {}"),
        Operator.AT_MOST: _order("at most", Operator.LESS_THAN, lambda value: (None, value), "more than {}"),
        Operator.MORE_THAN: _order("more than", Operator.AT_LEAST, lambda value: (value + 1, None), "{} or less"),
        Operator.LESS_THAN: _order("less than", Operator.AT_MOST, lambda value: (None, value - 1), "{} or more"),
        Operator.OLDER_THAN: _age("older than", Operator.NEWER_THAN, lambda age: (None, -age - 1)),
        Operator.NEWER_THAN: _age("newer than", Operator.OLDER_THAN, lambda age: (1 - age, None)),
        Operator.PRESENT: Definition(PRESENCE),
        # Its words are those of its value, and sentence.lark spells them: on Saturday in Europe/Berlin.
        Operator.LOCAL_TIME: Definition(CLOCK),
        Operator.IN_INVENTORY: Definition(LISTING, "in inventory", "be in inventory"),
    }
)

TEXT_OPERATORS = frozenset(operator for operator, definition in OPERATORS.items() if definition.part not in {None, Part.WHOLE})
ORDER_OPERATORS = frozenset(operator for operator, definition in OPERATORS.items() if definition.family is ORDER)
CLOCK_OPERATORS = frozenset(operator for operator, definition in OPERATORS.items() if definition.family is CLOCK)
AGE_OPERATORS = frozenset(operator for operator, definition in OPERATORS.items() if definition.family is AGE)


def interval_of(operator: Operator, value: int, *, true: bool) -> Interval:
    """The whole numbers that pass, or those that do not; of an operator with an interval that is open at one end."""
    interval = OPERATORS[operator].interval
    if interval is None:
        raise AssertionError(f"{operator} has no interval")
    least, most = interval(value)
    if true:
        return least, most
    return (None if most is None else most + 1), (None if least is None else least - 1)


LOWER_BOUNDS = tuple(operator for operator in Operator if operator in ORDER_OPERATORS and interval_of(operator, 0, true=True)[0] is not None)
UPPER_BOUNDS = tuple(operator for operator in Operator if operator in ORDER_OPERATORS and interval_of(operator, 0, true=True)[1] is not None)
"""What the limit of a measure may be, beside LOWER_BOUNDS."""
