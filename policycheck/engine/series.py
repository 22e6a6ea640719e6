"""What evaluations of the same rules at one instant after the other have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policycheck.engine.backends.interface import Backend
from policycheck.engine.frame import Recorded, read_columns
from policycheck.engine.steady import settle
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords
from policycheck.policy.conditions import Comparison, Condition, comparisons
from policycheck.policy.model import RESOURCE
from policycheck.result import Finding, RuleResult

Subject = tuple[str | None, str | None, str]
"""Account, Region and subject, as findings state them."""


@dataclass
class Series:
    """Evaluations of the same policies, the oldest instant first.

    What goes on is described once: a finding that was there at the instant before is the same object, and says what was seen when it began.
    """

    anew: frozenset[int] = frozenset()
    """The numbers of rules whose findings are described at each instant: those with waivers, which look at the jobs of findings, and those with a warning,
    which a subject may exceed before its limit."""
    _findings: dict[int, Mapping[Subject, Finding]] = field(default_factory=dict)
    """By the number of the rule, those of the instant before."""
    _occurring: tuple[Mapping[str, JobList], set[int]] = field(default_factory=lambda: ({}, set()))
    """Lists, and the rules of which every value occurs in them."""
    _asked: dict[str, dict[Comparison, None]] = field(default_factory=dict)
    """By list what rules compare."""
    _groups: dict[str, dict[tuple[str, ...], None]] = field(default_factory=dict)
    """By list the fields that rules group by."""
    _columns: dict[str, tuple[JobList, Recorded]] = field(default_factory=dict)
    _lists: Mapping[str, JobList] = field(default_factory=dict)
    _records: JobRecords | None = None

    def known(self, number: int) -> Mapping[Subject, Finding]:
        """The findings of a rule at the instant before, by their subjects."""
        return self._findings.get(number, {})

    def note(self, results: Mapping[int, RuleResult]) -> None:
        """Keep the findings of this instant, by the number of the rule."""
        self._findings = {
            number: {(found.account, found.region, found.subject): found for found in result.findings}
            for number, result in results.items()
            if result.findings and number not in self.anew
        }

    def occurring(self, lists: Mapping[str, JobList]) -> set[int]:
        """The rules of which every value was seen to occur in these lists at an earlier instant, by number; to be added to.

        What occurred once occurs at every later instant, as long as the lists are the same.
        """
        if not _are_same(lists, self._occurring[0]):
            self._occurring = dict(lists), set()
        return self._occurring[1]

    def ask(self, name: str, condition: Condition, per: tuple[str, ...] = ()) -> None:
        """Say what will be asked of a list at each instant, and by which fields its records are grouped."""
        self._asked.setdefault(name, {}).update(dict.fromkeys(comparisons(condition)))
        self._groups.setdefault(name, {})[per] = None

    def columns(self, job_list: JobList, fields: frozenset[str], backend: Backend, inventories: Mapping[str, Inventory]) -> Recorded:
        """The columns of a list with these fields; the same ones as long as the list is the same."""
        name = job_list.dataset.name
        of, found = self._columns.get(name, (None, None))
        if found is None or of is not job_list or not found.fields >= fields:
            asked = (one for one in self._asked.get(name, ()) if one.field in fields)
            groups = (per for per in self._groups.get(name, ()) if set(per) - {RESOURCE} <= fields)
            found = settle(read_columns(job_list, fields, backend, inventories), asked, groups, backend)
            self._columns[name] = job_list, found
        return found

    def records(self, lists: Mapping[str, JobList]) -> JobRecords:
        """The records of these lists; the same ones as long as the lists are."""
        if self._records is None or not _are_same(lists, self._lists):
            self._lists, self._records = dict(lists), JobRecords(lists)
        return self._records


def _are_same(lists: Mapping[str, JobList], others: Mapping[str, JobList]) -> bool:
    return lists.keys() == others.keys() and all(found is others[name] for name, found in lists.items())
