"""Which entries of an inventory a rule is about: the part of `where` that can be asked of a resource without a job."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import narwhals as nw

from policycheck.datasets import TAGS, Dataset, Field
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.case import Case
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.frame import LISTED, ROW, Frame, inventory_column
from policycheck.engine.measures import Truth
from policycheck.engine.notes import cap_notes
from policycheck.engine.scope import in_scope
from policycheck.inventory import InventoryEntry, Listing
from policycheck.policy.conditions import And, Condition, fields_of, parts_of
from policycheck.policy.model import Expectation
from policycheck.text import clean_line

_OF_RESOURCES = frozenset({"ResourceType", "Account", "Region", "ResourceArn", "ResourceName", "AccountName", "in_inventory"})


def of_resources(where: Condition) -> Condition:
    """The parts of a conjunction that name nothing but what a resource itself has."""
    return And(tuple(part for part in parts_of(where) if all(name in _OF_RESOURCES or name.startswith(TAGS) for name in fields_of(part))))


class _EntriesFrame(Frame):
    """A row each entry. What it does not say is unknown, but for tags and names of accounts where any inventory has some."""

    __slots__ = ()

    def known_missing(self, field: Field) -> bool:
        return field.name.partition(".")[0] in self.said


def choose_entries(where: Condition, entries: Sequence[InventoryEntry], listing: Listing, dataset: Dataset, backend: Backend) -> list[Truth]:
    """Whether `where`, as far as it is about resources, chooses each entry; None where the entry does not say.

    Args:
        listing: all inventories of the run: what `in_inventory` asks, and whether any of them says tags.
        dataset: the list whose fields `where` names.
    """
    condition = of_resources(where)
    if condition == And() or not entries:
        return [True] * len(entries)
    names = sorted(fields_of(condition))
    columns: dict[str, tuple[ColumnType, list[Any]]] = {ROW: (ColumnType.INTEGER, list(range(len(entries))))}
    for name in names:
        if name != "in_inventory":
            columns[name] = (ColumnType.TEXT, [entry_value(entry, name) for entry in entries])
    if "in_inventory" in names:
        resources = [(entry.account, entry.region, entry.arn) for entry in entries]
        # Each is an entry of one.
        columns[LISTED] = (ColumnType.BOOLEAN, [True] * len(entries))
        columns |= {inventory_column(name): (ColumnType.BOOLEAN, list(map(partial(listing.is_in, name=name), resources))) for name in sorted(listing.names)}
    frame = _EntriesFrame(dataset, 0, backend.frame(columns), (), said=listing.said, inventories=listing.names)
    return [chosen for _, chosen in sorted(backend.rows(frame.columns.select(nw.col(ROW), compile_condition(condition, frame).alias("chosen"))))]


def entry_notes(case: Case, context: Context) -> tuple[str, ...]:
    """The entries of a rule's inventory that it does not judge, or may not be about, by name: those outside the scope, and those that do not state enough."""
    requirement = case.rule.statement.requirement
    inventory = context.inventory(requirement.inventory.text) if isinstance(requirement, Expectation) and requirement.inventory else None
    if inventory is None:
        return ()
    where, name = case.rule.statement.where, clean_line(inventory.name)
    outside = [entry for entry in inventory.entries if not in_scope(case.scope, entry.account, entry.region)]
    inside = [entry for entry in inventory.entries if in_scope(case.scope, entry.account, entry.region)]
    chosen = choose_entries(where, inside, Listing(context.inventories), case.rule.statement.list, context.backend)
    unsure = [entry for entry, truth in zip(inside, chosen, strict=True) if truth is None]
    asked = sorted(fields_of(of_resources(where)))
    far = [f"{entry.arn} of inventory {name} is outside the declared scope ({_spell_place(entry)}) and was not evaluated" for entry in outside]
    vague = [f"{entry.arn} of inventory {name} might be in scope or not: it does not state its {_lacking(entry, asked)}" for entry in unsure]
    return (
        *_headed(
            far, f"{len(far):,} of {len(inventory.entries):,} entries of inventory {name} are outside the declared scope", "are outside the declared scope"
        ),
        *_headed(vague, f"{len(vague):,} of {len(inventory.entries):,} entries of inventory {name} do not state enough", "do not state enough"),
    )


def _headed(lines: Sequence[str], head: str, rest: str) -> tuple[str, ...]:
    return (*([head] if len(lines) > 1 else []), *cap_notes(lines, rest))


def _spell_place(entry: InventoryEntry) -> str:
    return "/".join(part for part in (entry.account, entry.region) if part)


def _lacking(entry: InventoryEntry, asked: Sequence[str]) -> str:
    return " or ".join(name for name in asked if entry_value(entry, name) is None) or "account or Region"


def entry_value(entry: InventoryEntry, name: str) -> str | None:
    """What an entry says of a field that resources have; None where it does not say."""
    match name:
        case "ResourceType":
            return entry.resource_type
        case "Account":
            return entry.account
        case "Region":
            return entry.region
        case "ResourceArn":
            return entry.arn
        case "ResourceName":
            return entry.name
        case "AccountName":
            return entry.account_name
        case _:
            return entry.tags.get(name.removeprefix(TAGS)) if name.startswith(TAGS) else None
