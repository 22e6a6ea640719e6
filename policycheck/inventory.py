"""Inventories: the resources that someone says exist, whether or not any job names them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from policycheck.places import ResourceKey


class InventoryEntry(Struct, frozen=True):
    """One resource. What the inventory does not say is None; text is cleaned."""

    arn: str
    account: str | None = None
    """As the inventory says, else from the ARN."""
    region: str | None = None
    name: str | None = None
    resource_type: str | None = None
    """As AWS Backup spells it (`EC2`)."""
    account_name: str | None = None
    tags: Mapping[str, str] = {}

    def lists(self, account: str | None, region: str | None) -> bool | None:
        """Whether a job on this ARN in this account and Region is of this resource; None where the job does not say what the entry states."""
        pairs = [(mine, theirs) for mine, theirs in ((self.account, account), (self.region, region)) if mine is not None]
        if any(theirs is not None and mine != theirs for mine, theirs in pairs):
            return False
        return None if any(theirs is None for _, theirs in pairs) else True


class Inventory(Struct, frozen=True):
    """One inventory, by the name that rules give it. It has at least one entry; no two entries have the same ARN, account and Region."""

    name: str
    source: str
    """Where it was read from, for reports."""
    entries: tuple[InventoryEntry, ...]
    notes: tuple[str, ...] = ()
    """What a reader of any report must know of how it was read, a clean phrase each: a resource that is listed twice, a second list."""


class Listing:
    """What some inventories say of the resources that jobs name."""

    def __init__(self, inventories: Mapping[str, Inventory]) -> None:
        self._by_arn: dict[str, list[tuple[str, InventoryEntry]]] = {}
        for name in sorted(inventories):
            for entry in inventories[name].entries:
                self._by_arn.setdefault(entry.arn, []).append((name, entry))
        self.names = frozenset(inventories)
        entries = [entry for inventory in inventories.values() for entry in inventory.entries]
        tagged, named = any(entry.tags for entry in entries), any(entry.account_name is not None for entry in entries)
        self.said = frozenset({*(["Tags"] if tagged else []), *(["AccountName"] if named else [])})
        """What any entry says: `Tags`, `AccountName`. What none does is unknown of all."""

    def is_in(self, resource: ResourceKey, name: str) -> bool | None:
        """Whether the inventory of that name lists the resource; None where that cannot be told."""
        return None if name not in self.names else self._any(resource, (pair for pair in self._found(resource) if pair[0] == name))

    def is_listed(self, resource: ResourceKey) -> bool | None:
        """Whether any inventory lists the resource; None where there is none to ask."""
        return self._any(resource, self._found(resource)) if self.names else None

    def is_told(self, resource: ResourceKey) -> bool:
        """Whether it is known which entries are of the resource, and there are any: what these lack it does not have."""
        found = [entry.lists(resource[0], resource[1]) for _, entry in self._found(resource)]
        return True in found and None not in found

    def tag(self, resource: ResourceKey, name: str) -> str | None:
        return next((entry.tags[name] for entry in self._entries(resource) if name in entry.tags), None)

    def account_name(self, resource: ResourceKey) -> str | None:
        return next((entry.account_name for entry in self._entries(resource) if entry.account_name is not None), None)

    def _found(self, resource: ResourceKey) -> Sequence[tuple[str, InventoryEntry]]:
        return self._by_arn.get(resource[2] or "", ())

    def _entries(self, resource: ResourceKey) -> Iterable[InventoryEntry]:
        """Those of the resource; none where it is unknown of any whether it is."""
        return (entry for _, entry in self._found(resource) if entry.lists(resource[0], resource[1])) if self.is_told(resource) else ()

    def _any(self, resource: ResourceKey, pairs: Iterable[tuple[str, InventoryEntry]]) -> bool | None:
        if resource[2] is None:
            return None
        answers = [entry.lists(resource[0], resource[1]) for _, entry in pairs]
        return True if True in answers else None if None in answers else False
