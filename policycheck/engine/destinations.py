"""Where copy jobs copy to, in columns."""

from __future__ import annotations

from collections.abc import Collection

from policycheck.engine.backends.interface import ColumnType, Values
from policycheck.job_lists import JobList
from policycheck.places import arn_place


def destinations(job_list: JobList, fields: Collection[str]) -> dict[str, tuple[ColumnType, Values]]:
    """Where copy jobs copy to, and whether that is another account or Region than the source vault's; null where an ARN does not say."""
    asked = [name for name in ("DestinationAccount", "DestinationRegion", "CrossAccount", "CrossRegion") if name in fields]
    if not asked:
        return {}
    sources, destinations = (
        [arn_place(arn) for arn in job_list.column(job_list.dataset.fields[name])] for name in (job_list.dataset.vault_field, "DestinationBackupVaultArn")
    )
    columns: dict[str, tuple[ColumnType, Values]] = {}
    for name in asked:
        part = 0 if name.endswith("Account") else 1
        pairs = [(source[part], destination[part]) for source, destination in zip(sources, destinations, strict=True)]
        if name.startswith("Cross"):
            columns[name] = (ColumnType.BOOLEAN, [None if None in pair else pair[0] != pair[1] for pair in pairs])
        else:
            columns[name] = (ColumnType.TEXT, [destination for _, destination in pairs])
    return columns
