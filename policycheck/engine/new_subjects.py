"""Which groups are new, and whose first backup still runs (docs/groups-specification.md, New subjects)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from policycheck.datasets import BACKUP_JOBS
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.judgement import Edge
from policycheck.engine.list_view import ListView
from policycheck.engine.measures import Truth
from policycheck.engine.subjects import Group
from policycheck.places import Place
from policycheck.policy.model import RESOURCE
from policycheck.records import micros, moment
from policycheck.result import Coverage
from policycheck.units import DAY


@dataclass
class NewSubjects:
    """What the backup jobs of a run say of the age of one rule's groups."""

    case: Case
    view: ListView
    """The rule's own list."""
    backups: ListView | None
    """None where the rule does not need it."""
    context: Context

    @property
    def as_of(self) -> int:
        return micros(self.context.as_of)

    def edge(self, group: Group) -> Edge:
        """Where the window of a group begins."""
        case, length = self.case, self.case.window_length
        start = None if length is None else self.as_of - length
        if start is None or RESOURCE not in case.per or group.entry is not None or self.backups is None:
            return Edge(start)
        history, unplaced = self.backups.history(group.subject), self.backups.has_unplaced(group.subject)
        first = None if history is None else history.first
        if (history is None and not unplaced) or (first is not None and first <= start):
            return Edge(start)
        if history is None or first is None or history.undated or unplaced:
            # A job without a date, or without a place, may be the first.
            return Edge(start, None, self.as_of if first is None else first)
        return Edge(start, True if self._is_first(self.backups, group, first) else None, first)

    def first_runs(self, group: Group) -> Truth:
        """Whether the first backup of a resource still runs; None where it may."""
        if RESOURCE not in self.case.per or self.backups is None:
            return False
        histories = [self.backups.history(group.subject)] + ([] if self.view is self.backups else [self.view.history(group.subject)])
        first, *own = histories
        if first is None or first.first_runs is False or any(history is not None and history.first_runs is False for history in own):
            return False
        sure = first.first_runs and all(history is None or history.first_runs for history in own) and not self.view.may_have_ended(group.subject)
        dated = first.first is not None and not first.undated and not self.backups.has_unplaced(group.subject)
        return True if sure and dated and self._is_first(self.backups, group, first.first or 0) else None

    def _is_first(self, backups: ListView, group: Group, first: int) -> bool:
        """Whether the list of backup jobs shows that a resource had no job in the day before this one, nor any earlier that it could show."""
        return all(self._shows_first(place, first) for place in backups.places(group.subject))

    def _shows_first(self, place: Place, first: int) -> bool:
        entry = self._backup_coverage.get(place)
        if entry is None or entry.evident is None or not entry.complete:
            return False
        begins = entry.evident[0]
        return micros(begins) < first - DAY and entry.gap_in(begins, moment(first)) is None

    @cached_property
    def _backup_coverage(self) -> dict[Place, Coverage]:
        return {(entry.account, entry.region): entry for entry in self.context.coverage if entry.dataset == BACKUP_JOBS.name}
