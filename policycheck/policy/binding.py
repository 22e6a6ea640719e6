"""Statements as they are judged: every parameter filled in, every literal typed, and what only shows then."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import assert_never

from msgspec import Struct

from policycheck.datasets import TAGS, Kind
from policycheck.errors import Diagnostic, Location
from policycheck.policy.calendars import MOST_PERIODS, NO_ZONE_DATA, UnknownZone, find_zone, zone_names
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, bind, fields_of, nearest
from policycheck.policy.document import Document
from policycheck.policy.literals import BadValue, Value, parse_duration, parse_inventory_name
from policycheck.policy.measures import SHAPES, WITH_WARNING, Limit, Measure, Window, limit_problem, parse_limit
from policycheck.policy.model import LISTED_INVENTORY, RESOURCE, AllMatch, Expectation, Following, NoneMatch, Requirement, Statement, SubjectShare
from policycheck.policy.operators import LOWER_BOUNDS
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
            self._report(window.location, f"{dataset.noun}s have no CreationDate, so they cannot be in a window", f"Compare a time: {times} newer than 24h.")
        if isinstance(requirement, Expectation) and requirement.inventory is not None and requirement.inventory.text == LISTED_INVENTORY:
            said = sorted(name for name in fields_of(statement.where) if name.startswith(TAGS) or name in {"AccountName", "in_inventory"})
            if said:
                self._report(requirement.inventory.location, f"{LISTED_INVENTORY} says no {said[0]} of a resource", "Name an inventory that does.")

    def _expectation(self, asked: Expectation, within: Literal | None) -> Expectation:
        if asked.inventory is not None:
            asked = replace(asked, inventory=self._typed(asked.inventory, parse_inventory_name))
        if asked.limit is None or asked.operator is None:
            return self._shared(asked)
        operator, measure = asked.operator, asked.measure

        def value_of(text: str) -> Value:
            if SHAPES[measure].limit is Limit.DURATION:
                return _window_value(text)
            value = parse_limit(text, measure)
            if problem := limit_problem(operator, value, SHAPES[measure].limit):
                raise ValueError(problem)
            return value

        asked = replace(asked, limit=self._typed(asked.limit, value_of))
        self._check_gap(asked, within)
        return self._warned(self._shared(self._calendar(asked)), value_of)

    def _shared(self, asked: Expectation) -> Expectation:
        """The share of the subjects that must keep to the limit."""
        if asked.share is None:
            return asked
        share, place = asked.share, asked.share.limit.location
        operator = share.operator

        def share_of(text: str) -> Value:
            value = parse_limit(text, Measure.SHARE)
            if problem := limit_problem(operator, value, Limit.SHARE):
                raise ValueError(problem)
            return value

        if not asked.per:
            self._report(place, "a share of the subjects requires per: without it all jobs are one group", f"Add per: {RESOURCE}")
        elif not SHAPES[asked.measure].of_share:
            able = ", ".join(measure for measure, shape in SHAPES.items() if shape.of_share)
            self._report(place, f"share_of_subjects cannot be combined with {asked.measure}", f"It can be combined with {able}.")
        return replace(asked, share=SubjectShare(operator, self._typed(share.limit, share_of)))

    def _warned(self, asked: Expectation, value_of: Callable[[str], Value]) -> Expectation:
        """The softer limit."""
        if asked.warning is None:
            return asked
        place = asked.warning.location
        if SHAPES[asked.measure].limit not in WITH_WARNING:
            self._report(place, f"a warning cannot be combined with {asked.measure}", "Write a second rule of severity low with the softer limit.")
            return asked
        if asked.share is not None:
            self._report(place, "a warning cannot be combined with share_of_subjects", "Write a second rule of severity low with the softer limit.")
            return asked
        warning, limit = self._typed(asked.warning, value_of), asked.limit
        if limit is not None and limit.value is not None and warning.value is not None:
            lower = asked.operator in LOWER_BOUNDS
            if not (warning.value > limit.value if lower else warning.value < limit.value):  # type: ignore[operator]  # both are what the limit is
                side = "more" if lower else "less"
                message = f"the warning limit {clean_line(warning.text)} is not stricter than the limit {clean_line(limit.text)}: it could not warn before"
                self._report(place, message, f"Warn at {side} than {clean_line(limit.text)}.")
        return replace(asked, warning=warning)

    def _calendar(self, asked: Expectation) -> Expectation:
        """Which days are counted, and that there are as many as are asked for."""
        calendar, limit = asked.calendar, asked.limit
        if calendar is None or limit is None:
            return asked
        calendar = replace(calendar, last=self._typed(calendar.last, _number_of_periods), zone=self._typed(calendar.zone, _zone_name))
        last = calendar.last.value
        if isinstance(limit.value, int) and isinstance(last, int) and limit.value > last:
            message = f"{clean_line(limit.text)} of the last {clean_line(calendar.last.text)} {calendar.unit}: the rule could not pass"
            self._report(limit.location, message, f"Ask for at most {last} of {last}.")
        return replace(asked, calendar=calendar)

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
            self._report(literal.location, f"{clean_line(text)}: a parameter replaces a whole value", "Put the whole value into the parameter.")
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
            self._report(location, f"the parameter {name} names another one", "The value of a parameter is used as written.")
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
        raise BadValue("is not a duration", as_sentence(str(error)), predicate=True) from None
    if value == 0:
        raise ValueError("a window must be longer than 0")
    return value


def _number_of_periods(text: str) -> int:
    number = int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
    if not 0 < number <= MOST_PERIODS:
        raise ValueError(f"a number of days, weeks or months is from 1 to {MOST_PERIODS}")
    return number


def _zone_name(text: str) -> str:
    try:
        find_zone(text)
    except UnknownZone as error:
        if error.without_data:
            raise ValueError(NO_ZONE_DATA) from None
        same = text.lower().replace(" ", "_")
        near = next((name for name in zone_names() if same in {name.lower(), name.rpartition("/")[2].lower()}), None) or nearest(text, zone_names())
        hint = f"Did you mean {near}?" if near else "Write a name of the IANA time zone database: Europe/Berlin, UTC."
        raise BadValue("is not a time zone", hint, predicate=True) from None
    return text
