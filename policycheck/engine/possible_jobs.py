"""Violations that a job could undo which does not say whose it is: they are possible only (docs/groups-specification.md, Jobs of unknown groups)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec import structs

from policycheck.engine.case import Case
from policycheck.engine.group_measure import measure_of
from policycheck.engine.judgement import Judgement, Rows
from policycheck.engine.list_view import ListView
from policycheck.engine.subjects import Group
from policycheck.engine.unknown_groups import FirstBackups, UnknownGroups, types_by_resource
from policycheck.policy.model import RESOURCE, Expectation
from policycheck.reasons import Reason, ReasonKind


@dataclass
class PossibleJobs:
    """The jobs that do not say whose they are, as one rule asks them: nothing is computed before a group violates."""

    case: Case
    view: ListView
    """The rule's own list."""
    backups: ListView | None
    """That of the backup jobs, where it is asked."""
    as_of: int

    def weigh(self, judgement: Judgement, own: Rows) -> Judgement:
        """The judgement, or one that is not definite.

        Args:
            own: the jobs of the group that its measure looked at.
        """
        requirement = self.case.rule.statement.requirement
        if judgement.violation is not True or not self.case.per or not isinstance(requirement, Expectation):
            return judgement
        best = self._unknown.best_case(judgement.group)
        if best is not None and best.can_keep(judgement, own):
            return structs.replace(judgement, violation=None, possible_for="others", others=best.rows)
        if measure_of(self.case).excuses_first(requirement) and self._may_run_first(judgement.group):
            return structs.replace(judgement, violation=None, possible_for="first")
        return judgement

    def reasons(self, judgements: Sequence[Judgement]) -> Iterator[Reason]:
        """What these jobs do not say, of the groups that possibly violate."""
        undone = [item.others for item in judgements if item.possible_for == "others"]
        if undone:
            # Many groups share one tuple of rows.
            rows = {row for shared in {id(shared): shared for shared in undone}.values() for row in shared}
            yield Reason(ReasonKind.OWNERS_UNKNOWN, numbers=(len(rows), len(undone)), fields=tuple(self._unknown.lacking(rows)))
        if any(item.possible_for == "first" for item in judgements):
            yield Reason(ReasonKind.FIRST_MAY_RUN)

    def _may_run_first(self, group: Group) -> bool:
        """Whether the first backup of a resource that no backup job names may run."""
        if RESOURCE not in self.case.per or self.backups is None or self.backups.places(group.subject):
            return False
        own = None if self.view is self.backups else self.view.history(group.subject)
        return (own is None or own.first_runs is not False) and self._first_backups(self.backups).may_be_of(group)

    @cached_property
    def _unknown(self) -> UnknownGroups:
        return UnknownGroups(self.case, self.view, self._types, self.as_of)

    def _first_backups(self, backups: ListView) -> FirstBackups:
        if self._running is None:
            self._running = FirstBackups(self.case, backups, self._types)
        return self._running

    _running: FirstBackups | None = None

    @cached_property
    def _types(self) -> Mapping[str, frozenset[str]]:
        # Another rule of the run may have asked for the backup jobs.
        asked = self.backups if RESOURCE in self.case.per else None
        return types_by_resource([self.view] if asked is None or asked is self.view else [self.view, asked])
