"""Whether an inventory's entry is what a rule is about: the part of `where` that can be asked of a resource without a job."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from policycheck.datasets import BACKUP_JOBS, TAGS, Kind
from policycheck.engine.measures import Truth
from policycheck.inventory import InventoryEntry, Listing
from policycheck.policy.conditions import And, Comparison, Condition, Not, Operator, Or, fields_of, parts_of

_OF_RESOURCES = frozenset({"ResourceType", "Account", "Region", "ResourceArn", "ResourceName", "AccountName", "in_inventory"})


def of_resources(where: Condition) -> Condition:
    """The parts of a conjunction that name nothing but what a resource itself has."""
    return And(tuple(part for part in parts_of(where) if all(name in _OF_RESOURCES or name.startswith(TAGS) for name in fields_of(part))))


def choose_entry(where: Condition, entry: InventoryEntry, listing: Listing) -> Truth:
    """Whether `where`, as far as it is about resources, chooses an entry; None where the entry does not say.

    Args:
        listing: all inventories of the run: what `in_inventory` asks, and whether any of them says tags.
    """
    return _holds(of_resources(where), entry, listing)


def _holds(condition: Condition, entry: InventoryEntry, listing: Listing) -> Truth:
    match condition:
        case Comparison(field="in_inventory"):
            return _listed(condition, entry, listing)
        case Comparison(field=name):
            said = name.partition(".")[0] in listing.said
            return _compare(condition, _value(name, entry), known_missing=said)
        case And(parts=parts):
            return _all(_holds(part, entry, listing) for part in parts)
        case Or(parts=parts):
            return _any(_holds(part, entry, listing) for part in parts)
        case Not(part=part):
            return _not(_holds(part, entry, listing))
        case _:
            assert_never(condition)


def _all(truths: Iterable[Truth]) -> Truth:
    seen = set(truths)
    return False if False in seen else None if None in seen else True


def _any(truths: Iterable[Truth]) -> Truth:
    return _not(_all(map(_not, truths)))


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _value(name: str, entry: InventoryEntry) -> str | None:
    if name.startswith(TAGS):
        return entry.tags.get(name.removeprefix(TAGS))
    return {
        "ResourceType": entry.resource_type,
        "Account": entry.account,
        "Region": entry.region,
        "ResourceArn": entry.arn,
        "ResourceName": entry.name,
        "AccountName": entry.account_name,
    }[name]


def _compare(comparison: Comparison, value: str | None, *, known_missing: bool) -> Truth:
    if comparison.operator is Operator.PRESENT and (value is not None or known_missing):
        return bool(comparison.values[0]) is (value is not None)
    if value is None:
        return False if known_missing else None
    wanted = [str(value) for value in comparison.values]
    known = BACKUP_JOBS.field(comparison.field)
    if known is not None and known.kind is Kind.WORD and comparison.operator is not Operator.MATCHES:
        value, wanted = value.lower(), [text.lower() for text in wanted]
    match comparison.operator:
        case Operator.IS:
            return value in wanted
        case Operator.CONTAINS:
            return any(text in value for text in wanted)
        case Operator.STARTS_WITH:
            return any(map(value.startswith, wanted))
        case Operator.ENDS_WITH:
            return any(map(value.endswith, wanted))
        case Operator.MATCHES:
            return any(re.search(text, value) for text in wanted)
        case _:
            raise AssertionError(f"{comparison.operator} is not asked of {comparison.field}")


def _listed(comparison: Comparison, entry: InventoryEntry, listing: Listing) -> Truth:
    """Whether an inventory of these names lists the resource."""
    if comparison.operator is Operator.PRESENT:
        # It is an entry of one.
        return bool(comparison.values[0])
    return _any(listing.is_in((entry.account, entry.region, entry.arn), str(name)) for name in comparison.values)
