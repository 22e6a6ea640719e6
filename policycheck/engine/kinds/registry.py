"""The kinds by what a rule requires. A new measure is its file, named as policies name it; a new form of requirement has a line here, too."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import assert_never

from policycheck.engine.case import Case, Kind
from policycheck.engine.measurement import Measurement
from policycheck.policy.conditions import Condition
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Policy, Requirement, Rule, Scope


def open_case(number: int, rule: Rule, scope: Scope, as_of: int | None = None) -> Case:
    """A rule as it is evaluated by itself.

    Args:
        as_of: microseconds; None: it is not evaluated.
    """
    return Case(number, rule, scope, kind_of(rule.statement.requirement), number, number, as_of)


def open_cases(policies: Sequence[Policy], as_of: int) -> list[Case]:
    """The rules of all policies as they are evaluated together as of a moment (microseconds), in their order."""
    chosen: dict[tuple[str, Condition, Scope], int] = {}
    matched: dict[tuple[str, Condition], int] = {}
    cases = []
    for number, (policy, rule) in enumerate((one, rule) for one in policies for rule in one.rules):
        statement = rule.statement
        alike = chosen.setdefault((statement.dataset, statement.where, policy.scope), number)
        same = matched.setdefault((statement.dataset, statement.requirement.condition), number)
        cases.append(Case(number, rule, policy.scope, kind_of(statement.requirement), alike, same, as_of))
    return cases


def kind_of(requirement: Requirement) -> Kind:
    """The kind of a rule; the modules of other kinds are not imported."""
    match requirement:
        case NoneMatch():
            return _kind("none_all", "NONE")
        case AllMatch():
            return _kind("none_all", "ALL")
        case Expectation(measure=measure):
            return _kind(measure.value, "KIND")
        case Following():
            return _kind("followed_by", "KIND")
        case _:
            assert_never(requirement)


def measurement_of(requirement: Expectation) -> Measurement:
    """What a rule measures."""
    kind = kind_of(requirement)
    assert isinstance(kind, Measurement)
    return kind


@cache
def _kind(module: str, name: str) -> Kind:
    kind: Kind = getattr(import_module(f"policycheck.engine.kinds.{module}"), name)
    return kind
