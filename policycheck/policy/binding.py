"""Statements as they are judged: every parameter filled in, every literal typed, and what only shows then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from msgspec import Struct

from policycheck.datasets import TAGS, Kind
from policycheck.errors import Diagnostic, Location
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, bind, fields_of, nearest
from policycheck.policy.document import Document
from policycheck.policy.literals import BadValue, Value, parse_duration, parse_inventory_name
from policycheck.policy.measures import SHAPES, Limit, Window, limit_problem, parse_limit
from policycheck.policy.model import LISTED_INVENTORY, AllMatch, Expectation, Following, NoneMatch, Requirement, Statement
from policycheck.text import as_sentence, clean_line

OPTION = "--param"
"""Where a diagnostic points that is about a value given with it."""


class Parameters(Struct):
    """The parameters of one file, and which of them the command line set."""

    values: Mapping[str, str]
    overridden: frozenset[str] = frozenset()


class Binder:
    """Binds the statements of one file."""

    def __init__(self, document: Document, parameters: Parameters) -> None:
        self._document = document
        self._parameters = parameters
        self._places: dict[str, Location] = {}
        """By the option a value came from, where it is used first."""
        self._broken: set[Location] = set()

    def bind(self, statement: Statement) -> Statement:
        """The statement with every literal typed; each mistake is reported once."""
        dataset = statement.list
        self._check_times(statement)
        where = bind(self._filled(statement.where), dataset, self._report)
        within = self._window(statement.within)
        requirement: Requirement
        match statement.requirement:
            case NoneMatch(condition=condition, recovery=recovery):
                requirement = NoneMatch(bind(self._filled(condition), dataset, self._report), self._window(recovery))
            case AllMatch(condition=condition):
                requirement = AllMatch(bind(self._filled(condition), dataset, self._report))
            case Expectation(condition=condition):
                requirement = self._expectation(replace(statement.requirement, condition=bind(self._filled(condition), dataset, self._report)), within)
            case Following(dataset=name, condition=condition, within=allowance):
                condition = bind(self._filled(condition), statement.requirement.list, self._report)
                requirement = Following(name, condition, self._typed(allowance, _window_value))
            case _:
                assert_never(statement.requirement)
        return Statement(requirement, where, within, statement.dataset)

    def _check_times(self, statement: Statement) -> None:
        """What cannot be asked of a list of what there is."""
        dataset, requirement = statement.list, statement.requirement
        window = statement.window
        if not dataset.dated and window is not None:
            times = " or ".join(field.name for field in dataset.members if field.kind is Kind.TIME)
            self._report(window.location, f"{dataset.noun}s have no CreationDate, so that no window holds them", f"Compare a time: {times} newer than 24h.")
        if isinstance(requirement, Expectation) and requirement.inventory is not None and requirement.inventory.text == LISTED_INVENTORY:
            said = sorted(name for name in fields_of(statement.where) if name.startswith(TAGS) or name in {"AccountName", "in_inventory"})
            if said:
                self._report(requirement.inventory.location, f"{LISTED_INVENTORY} says no {said[0]} of a resource", "Name an inventory that does.")

    def _expectation(self, asked: Expectation, within: Literal | None) -> Expectation:
        if asked.inventory is not None:
            asked = replace(asked, inventory=self._typed(asked.inventory, parse_inventory_name))
        if asked.limit is None or asked.operator is None:
            return asked
        operator, measure = asked.operator, asked.measure

        def value_of(text: str) -> Value:
            if SHAPES[measure].limit is Limit.DURATION:
                return _window_value(text)
            value = parse_limit(text, measure)
            if problem := limit_problem(operator, value):
                raise ValueError(problem)
            return value

        asked = replace(asked, limit=self._typed(asked.limit, value_of))
        self._check_gap(asked, within)
        return asked

    def _check_gap(self, asked: Expectation, within: Literal | None) -> None:
        """What is measured within a window is never longer: with a limit as long, whatever jobs are missing would pass."""
        shape = SHAPES[asked.measure]
        is_part = shape.limit is Limit.DURATION and shape.window is Window.NEEDED
        if not is_part or asked.limit is None or asked.limit.value is None or within is None or within.value is None:
            return
        limit, window = int(asked.limit.value), int(within.value)
        if limit > window or (limit == window and asked.operator is Operator.AT_MOST):
            set_here = within if within.location.path in self._places and asked.limit.location.path not in self._places else asked.limit
            self._report(
                set_here.location,
                f"no gap within {clean_line(within.text)} is longer than {clean_line(asked.limit.text)}: the rule could not fail",
                "The window must be longer than the gap: within 28d.",
            )

    # Values

    def _window(self, literal: Literal | None) -> Literal | None:
        return None if literal is None else self._typed(literal, _window_value)

    def _typed(self, literal: Literal, value_of: Callable[[str], Value]) -> Literal:
        literal = self._fill(literal)
        if "${" in literal.text:
            return literal  # It is reported.
        try:
            return replace(literal, value=value_of(literal.text))
        except ValueError as error:
            problem = BadValue.of(error)
            self._report(literal.location, problem.of_value(clean_line(literal.text) or '""'), problem.hint)
            return literal

    def _filled(self, condition: Condition) -> Condition:
        match condition:
            case Comparison(operator=Operator.LOCAL_TIME, literals=(literal,)) if "${" in literal.text:
                return replace(condition, literals=(self._filled_within(literal),))
            case Comparison(literals=literals):
                return replace(condition, literals=tuple(self._fill(literal) for literal in literals))
            case And(parts=parts):
                return And(tuple(self._filled(part) for part in parts))
            case Or(parts=parts):
                return Or(tuple(self._filled(part) for part in parts))
            case Not(part=part):
                return Not(self._filled(part))
            case _:
                assert_never(condition)

    def _filled_within(self, literal: Literal) -> Literal:
        """A local time with every word of it that is a parameter filled in: `before ${closing} in ${zone}`."""
        words = [self._fill(Literal(word, literal.location)) if word.startswith("${") else Literal(word) for word in literal.text.split()]
        places = [word.location for word in words if word.location.path and word.location != literal.location]
        return replace(literal, text=" ".join(word.text for word in words), location=places[0] if places else literal.location)

    def _fill(self, literal: Literal) -> Literal:
        text, values = literal.text, self._parameters.values
        if "${" not in text:
            return literal
        name = text[2:-1]
        if not (text.startswith("${") and text.endswith("}")) or "${" in name or "}" in name:
            self._report(literal.location, f"{clean_line(text)}: a parameter stands for a whole value", "Put the whole value into the parameter.")
            return replace(literal, text="")
        if name not in values:
            near = nearest(name, values)
            self._report(literal.location, f"there is no parameter {clean_line(name)}", f"Did you mean {near}?" if near else "Declare it under params:")
            return literal
        location = literal.location
        if name in self._parameters.overridden:
            location = Location(f"{OPTION} {name}")
            self._places.setdefault(location.path, literal.location)
        if "${" in values[name]:
            self._report(location, f"the parameter {name} names another one", "The value of a parameter is taken as it stands.")
            self._broken.add(location)
            return replace(literal, text="", location=location)
        return replace(literal, text=values[name], location=location)

    def _report(self, location: Location, message: str, hint: str) -> None:
        """A mistake in the file, or in a value of the command line: no line of the file shows that, so the place it is used at is told."""
        if location in self._broken:
            return
        if location.path not in self._places:
            self._document.report(location, message, hint)
            return
        mistake = Diagnostic(location, message, " ".join(filter(None, [hint, f"It is used at {self._places[location.path]}."])))
        if mistake not in self._document.diagnostics:
            self._document.diagnostics.append(mistake)


def _window_value(text: str) -> int:
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise BadValue("is no duration", as_sentence(str(error)), predicate=True) from None
    if value == 0:
        raise ValueError("a window of no length holds nothing")
    return value
