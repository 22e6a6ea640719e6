"""What rules are judged on, whatever their kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from policycheck.engine.backends.interface import Backend
from policycheck.engine.examined import Examined
from policycheck.engine.facts import Facts
from policycheck.engine.listed_inventory import inventory_of_list
from policycheck.engine.series import Series, Subject
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords
from policycheck.policy.model import LISTED_INVENTORY
from policycheck.records import micros
from policycheck.result import Coverage, Finding


@dataclass(frozen=True)
class Context:
    """The evidence of one run, the instant it is judged at, and the engine that computes."""

    lists: Mapping[str, JobList]
    """By dataset name, de-duplicated; a dataset that was not read is absent."""
    coverage: Sequence[Coverage]
    """What was read of each list in each account and Region."""
    as_of: datetime
    """The aware instant that ages and windows are measured from."""
    backend: Backend
    inventories: Mapping[str, Inventory]
    """By the names that rules give them."""
    answers: bool = False
    """Whether rules list what each of their subjects came to."""
    series: Series | None = None
    """The evaluations that this one is one of; None: it is the only one."""

    def inventory(self, name: str) -> Inventory | None:
        """The inventory of that name, or the list of AWS Backup that stands in the place of one; None where the run has none."""
        return self._listed if name == LISTED_INVENTORY else self.inventories.get(name)

    @cached_property
    def _listed(self) -> Inventory | None:
        resources = self.lists.get(LISTED_INVENTORY)
        return None if resources is None else inventory_of_list(resources)

    @cached_property
    def facts(self) -> Facts:
        """The lists as frames."""
        return Facts(self.lists, micros(self.as_of), self.backend, self.inventories, self.series)

    @cached_property
    def examined(self) -> Examined:
        """What rules looked at, where their subjects' answers are asked for."""
        return Examined(self.lists, self.records, self.backend)

    @cached_property
    def records(self) -> JobRecords:
        """The whole records that findings are about."""
        return JobRecords(self.lists) if self.series is None else self.series.records(self.lists)

    def known(self, number: int) -> Mapping[Subject, Finding] | None:
        """The findings of a rule that were there at the instant before, and are not described again; None: there is no instant before."""
        return None if self.series is None else self.series.known(number)
