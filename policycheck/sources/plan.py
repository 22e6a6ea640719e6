"""What to fetch for some policies: which lists, from when on, and how far AWS may narrow them without changing a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from policycheck.datasets import DATASETS, DEFAULT, HORIZON, RESOURCE_TYPES
from policycheck.policy.conditions import Comparison, Literal, Operator, parts_of
from policycheck.policy.model import AllMatch, Expectation, Following, NoData, NoneMatch, Policy, Rule

# The documented types with a space in them break the pattern that the API's model has for ByResourceType.
_TYPES = {name.lower(): name for name in RESOURCE_TYPES if " " not in name}


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What to ask for, in every account and Region."""

    datasets: tuple[str, ...]
    """Names of lists, in the order of `datasets.DATASETS`."""
    created_after: datetime | None = None
    """Jobs created earlier are not asked for; None: whatever AWS lists. Never without `longest_job`, whose claim it rests on."""
    longest_job: timedelta | None = None
    """What the user claims: no job takes longer from its creation to its end. None: nothing is claimed, since AWS sets no limit that holds for every job."""
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dataset name, request parameters (ByResourceType, ByBackupVaultName) and the one value each is narrowed to."""
    reaches: Mapping[str, datetime] = field(default_factory=dict)
    """For lists without a horizon, by dataset name: from when on rules look at them, where that is more than 30 days back."""
    declared_regions: frozenset[str] = frozenset()
    """Regions a policy's scope declares: one that is not enabled is a failure."""


def plan_fetch(policies: Sequence[Policy], as_of: datetime, longest_job: timedelta | None = None, *, since: datetime | None = None) -> FetchPlan:
    """The plan for some policies at an aware instant: the whole of each list, unless a narrower one cannot change a verdict.

    `since` is the first instant that is evaluated, of several up to as_of; None: as_of is the only one.

    It is narrowed only when every rule is `none` or `all`. By a vault or a type where every rule of a list asks for the same single one in `where`; what a rule
    forbids or demands never narrows. By time where the user claims that no job takes longer than `longest_job` and every rule has a window: from `longest_job`
    before the longest window. A rule with `no_data: quiet` looks outside its window, and a declared account needs a job of any kind: then there is no window,
    and no vault or type, to narrow by.
    """
    rules = _rules(policies)
    names = {name for rule in rules for name in rule.statement.lists_needed} or {DEFAULT.name}
    names |= {each.dataset for name in names if (each := DATASETS[name].each) is not None}
    reaches = [_reach(rule) for rule in rules]
    narrow = _all_narrow(rules)
    windowed = narrow and all(reach is not None and rule.qualifiers.no_data is not NoData.QUIET for rule, reach in zip(rules, reaches, strict=True))
    first = since or as_of
    return FetchPlan(
        datasets=tuple(name for name in DATASETS if name in names),
        created_after=first - max(filter(None, reaches)) - longest_job if windowed and longest_job is not None else None,
        longest_job=longest_job if windowed else None,
        filters={name: found for name in DATASETS if (found := allowed_filters(policies, name))},
        reaches=_far_reaches(rules, first, as_of),
        declared_regions=frozenset(region for policy in policies for region in policy.scope.regions),
    )


def reach_back(policies: Sequence[Policy], as_of: datetime) -> datetime | None:
    """The earliest time at which a job that had ended before it changes no verdict of these policies; None: there is none.

    Where every rule judges jobs by themselves, in a window, that is where the longest window begins, with the time that is allowed for a recovery. Other rules
    take their subjects from the jobs of a list, a rule with `no_data: quiet` looks outside its window, and a declared account needs a job of any kind: then it
    is at least the 30 days before as_of, as far as AWS itself lists jobs.
    """
    rules = _rules(policies)
    reaches = [_reach(rule) for rule in rules]
    known = [reach for reach in reaches if reach is not None]
    if not rules or len(known) < len(reaches):
        return None
    narrow = _all_narrow(rules) and not any(rule.qualifiers.no_data is NoData.QUIET for rule in rules)
    whole = not narrow or any(policy.scope.accounts for policy in policies)
    return as_of - max([*known, *([HORIZON] if whole else [])])


def allowed_filters(policies: Sequence[Policy], dataset: str) -> dict[str, str]:
    """The request parameters that leave out of one list nothing that any rule of these policies needs, with their values."""
    rules = _rules(policies)
    if not _all_narrow(rules) or any(policy.scope.accounts or policy.scope.organization for policy in policies):
        return {}
    return _filters([rule for rule in rules if rule.statement.dataset == dataset])


def _rules(policies: Sequence[Policy]) -> list[Rule]:
    return [rule for policy in policies for rule in policy.rules]


def _all_narrow(rules: Sequence[Rule]) -> bool:
    return bool(rules) and all(map(_narrows, rules))


def _narrows(rule: Rule) -> bool:
    """Whether a rule judges each job by itself: a rule on groups of jobs needs all of them."""
    match rule.statement.requirement:
        case NoneMatch() | AllMatch():
            return True
        case Expectation() | Following():
            return False
        case _:
            assert_never(rule.statement.requirement)


def _reach(rule: Rule) -> timedelta | None:
    """How long before as_of a job may have ended that the rule looks at; None: without end."""
    within = _duration(rule.statement.window)
    if within is None:
        return None
    match rule.statement.requirement:
        case NoneMatch(recovery=allowance) | Following(within=allowance):
            return within + (_duration(allowance) or timedelta())
        case _:
            return within


def _duration(literal: Literal | None) -> timedelta | None:
    return timedelta(microseconds=int(literal.value)) if literal is not None and literal.value is not None else None


def _far_reaches(rules: Sequence[Rule], first: datetime, as_of: datetime) -> dict[str, datetime]:
    """For each list without a horizon, from when on its rules look at the first instant, where that is more than 30 days before as_of."""
    reaches: dict[str, timedelta] = {}
    for rule in rules:
        reach = _reach(rule)
        for name in rule.statement.lists_needed:
            if DATASETS[name].horizon is not None or DATASETS[name].of_state:
                continue
            reaches[name] = max(HORIZON, reach or HORIZON, reaches.get(name, HORIZON))
    return {name: first - reach for name, reach in reaches.items() if first - reach < as_of - HORIZON}


def _filters(rules: Sequence[Rule]) -> dict[str, str]:
    """The request parameters that every one of these rules of one list allows."""
    if not rules:
        return {}
    found: dict[str, str] = {}
    for name, parameter in rules[0].statement.list.filters.items():
        values = {_single(rule, name) for rule in rules}
        value = values.pop() if len(values) == 1 else None
        if value and (value := _TYPES.get(value.lower()) if name == "ResourceType" else value):
            found[parameter] = value
    return found


def _single(rule: Rule, name: str) -> str | None:
    """The one value of a field that the rule's population has; None where there are others, or no such condition."""
    for part in parts_of(rule.statement.where):
        match part:
            case Comparison(field=field_name, operator=Operator.IS, literals=(literal,)) if field_name == name:
                return literal.text
            case _:
                pass
    return None
