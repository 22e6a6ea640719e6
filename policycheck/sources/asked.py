"""Which members of a list the rules and waivers of a run read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policycheck.datasets import Dataset
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import Expectation, Following, Policy


def members_read(policies: Sequence[Policy], dataset: Dataset) -> frozenset[str]:
    """The members of a list from which all fields come that these policies name, objects that hold members among them; some that none reads, too."""
    found: set[str] = set()
    for name in _fields_named(policies):
        if name in dataset.fields:
            found.update(dataset.sources(name) if dataset.fields[name].derived else (name,))
        if name == "Retention" and dataset.lifecycle is not None:
            found.add(dataset.lifecycle)
    return frozenset(found)


def _fields_named(policies: Sequence[Policy]) -> Iterator[str]:
    for policy in policies:
        for rule in policy.rules:
            statement, requirement = rule.statement, rule.statement.requirement
            yield from fields_of(statement.where) | fields_of(requirement.condition)
            if rule.qualifiers.clock:
                yield rule.qualifiers.clock
            if isinstance(requirement, Expectation):
                yield from requirement.per
            if isinstance(requirement, Following):
                for link in requirement.list.follows[statement.dataset]:
                    yield from (link.follower, link.job)
        for grant in policy.waivers:
            yield from fields_of(grant.match) if grant.match is not None else ()
