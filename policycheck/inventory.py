"""Inventories: the resources that someone says exist, whether or not any job names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One resource. What the inventory does not say is None; text is cleaned."""

    arn: str
    account: str | None = None
    """As the inventory says, else from the ARN."""
    region: str | None = None
    name: str | None = None
    resource_type: str | None = None
    """As AWS Backup spells it (`EC2`)."""
    account_name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """One inventory, by the name that rules give it. It has at least one entry; no two entries have the same ARN, account and Region."""

    name: str
    source: str
    """Where it was read from, for reports."""
    entries: tuple[InventoryEntry, ...]
