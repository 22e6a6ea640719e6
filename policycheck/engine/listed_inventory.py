"""The list of protected resources as an inventory: the resources that AWS Backup has a backup of, whether or not any job in hand names them."""

from __future__ import annotations

from policycheck.inventory import Inventory, InventoryEntry
from policycheck.job_lists import JobList
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.text import clean, clean_line


def inventory_of_list(resources: JobList) -> Inventory:
    """An entry each resource of a list that is de-duplicated. A record without an ARN is none: see `nameless`."""
    dataset = resources.dataset
    columns = (resources.values(name) for name in (dataset.resource_field, "ResourceType", "ResourceName"))
    entries: dict[tuple[str, str | None, str | None], InventoryEntry] = {}
    for (account, region), arn, kind, name in zip(resources.places(), *columns, strict=True):
        if arn is not None:
            entries[arn, account, region] = InventoryEntry(
                clean(arn), account and clean_line(account), region and clean_line(region), name and clean_line(name), kind and clean_line(kind)
            )
    return Inventory(dataset.name, dataset.operation, tuple(entries.values()))


def nameless(resources: JobList) -> Reasons:
    """Why the list may have more entries than its inventory; nothing where each record says which resource it is."""
    dataset = resources.dataset
    count = resources.values(dataset.resource_field).count(None)
    return (Reason(ReasonKind.NAMELESS_JOBS, numbers=(count,), fields=(dataset.resource_field,)),) if count else ()
