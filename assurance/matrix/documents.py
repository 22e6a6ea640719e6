"""The lists of an organization as documents: plain ones, as `aws backup list-...` prints them, and ones that state their coverage (docs/listing.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from assurance.matrix.organization import AS_OF, PLACES, Lists, Record
from policycheck.datasets import DATASETS, JOB_LISTS

Document = dict[str, Any]
_HORIZON = timedelta(days=30)


def plain(dataset: str, records: Sequence[Record]) -> Document:
    """The answer of one list."""
    return {DATASETS[dataset].result_key: list(records)}


def stated(dataset: str, records: Sequence[Record]) -> Document:
    """The same with what it covers: every account and Region, whole, up to as_of."""
    counts = dict.fromkeys(PLACES, 0)
    for record in records:
        counts[place_of(dataset, record)] += 1
    lists = [
        {
            "operation": DATASETS[dataset].operation,
            "account": account,
            "region": region,
            "filters": {},
            "from": (AS_OF - _HORIZON if dataset in JOB_LISTS else AS_OF).isoformat(),
            "to": AS_OF.isoformat(),
            "pages": 1,
            "jobs": count,
            "complete": True,
        }
        for (account, region), count in counts.items()
    ]
    return {**plain(dataset, records), "Coverage": {"schema": "policycheck/coverage/1", "lists": lists}}


def stating(dataset: str, records: Sequence[Record], complete: Sequence[Record]) -> Document:
    """Records of a list with what the complete list states: what somebody makes of a saved list by taking something out of it."""
    return {**plain(dataset, records), "Coverage": stated(dataset, complete)["Coverage"]}


def place_of(dataset: str, record: Record) -> tuple[str, str]:
    """The account and Region whose list has the record."""
    vault = record.get(DATASETS[dataset].vault_field) or record[DATASETS[dataset].resource_field]
    _, _, _, region, account, *_ = vault.split(":")
    return account, region


def encode(document: Document | Sequence[Any]) -> bytes:
    """As the AWS CLI prints it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=4)


def documents_of(lists: Lists, *, with_coverage: bool) -> Mapping[str, Document]:
    """The documents of all lists by dataset. Lists of what there is say nothing of a moment unless they state it, so plain ones are of jobs alone."""
    make = stated if with_coverage else plain
    return {dataset: make(dataset, records) for dataset, records in lists.items() if with_coverage or dataset in JOB_LISTS}
