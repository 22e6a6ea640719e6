"""What every source hands on: the lists, what they cover, and what was not seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.population import InputFile
from policycheck.result import Coverage


@dataclass(frozen=True, slots=True)
class Evidence:
    """The job lists of one run, de-duplicated, and what they speak for."""

    lists: Mapping[str, JobList]
    """By dataset name, in the order of `datasets.DATASETS`. A dataset that was never read is absent; one that was read and is empty is an empty list."""
    coverage: tuple[Coverage, ...]
    """One for each dataset, account and Region; sorted by these three, unknown ones first."""
    not_seen: tuple[str, ...]
    """What the source could not see, a sentence each; every report shows them."""
    warnings: tuple[str, ...] = ()
    """What a user should look at now, a sentence each, for stderr."""
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    """By the names that rules give them."""
    members: frozenset[str] | None = None
    """The active accounts of the organization, where the source knows them."""
    inputs: tuple[InputFile, ...] = ()
    """The files that jobs were read from, where their hashes were asked for."""
    at: Callable[[datetime], Evidence] | None = field(default=None, compare=False, repr=False)
    """What the same records come to at another instant, nothing being read or fetched again; inventories are left out, as they were when this was made."""
