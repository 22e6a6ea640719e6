"""What a list does not show: whether that means that it did not happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from policycheck.datasets import DATASETS
from policycheck.engine.scope import Excuses, in_scope
from policycheck.places import Place
from policycheck.policy.model import Scope
from policycheck.records import micros, moment
from policycheck.result import Basis, Coverage


class Absence:
    """Where a job that one list lacks is known not to have happened in a window (docs/groups-specification.md, Absence)."""

    def __init__(self, scope: Scope, coverage: Sequence[Coverage], dataset: str, length: int | None, as_of: datetime) -> None:
        """
        Args:
            coverage: of every list of the run.
            length: microseconds that the window reaches back from as_of; None: no window, and only its end counts.
        """
        self._scope, self._as_of, self._excuses = scope, as_of, Excuses(scope, coverage, dataset)
        # What there is now is all that a list of what there is can show: no window reaches further back.
        self._start = None if length is None or DATASETS[dataset].of_state else moment(micros(as_of) - length)
        self._entries = [entry for entry in coverage if entry.dataset == dataset and in_scope(scope, entry.account, entry.region)]
        self._by_place: dict[Place, list[Coverage]] = {}
        for entry in self._entries:
            self._by_place.setdefault((entry.account, entry.region), []).append(entry)
        self._missing = self._excuses.missing_places()
        self._shown: dict[Place, bool] = {}
        self._read: dict[Place, bool] = {}

    def is_read(self, place: Place) -> bool:
        """Whether the list was read at a place at all, as far as the place is stated, or is excused there."""
        if place not in self._read:
            self._read[place] = any(map(_has_jobs, self._entries_of(place))) or self._excuses.excuse(*place)
        return self._read[place]

    def is_shown(self, place: Place) -> bool:
        """Whether the list is complete from the window's start to as_of wherever the place may be, as far as it is stated."""
        if place not in self._shown:
            self._shown[place] = self._is_complete(place, self._start, self._as_of)
        return self._shown[place]

    def is_whole(self, place: Place, start: datetime, end: datetime) -> bool:
        """Whether the list certainly lacks no job created between two that it has, wherever the place may be. A list is cut at one moment: what is later than
        a job that it has, it has, but for its gaps."""
        entries = self._entries_of(place)
        fine = all(entry.complete and entry.start is not None and entry.gap_in(start, end) is None for entry in entries)
        return bool(entries) and fine and self._is_known(place)

    def has_gap(self, place: Place) -> bool:
        """Whether the list may lack a job created between two that it has."""
        entries = self._entries_of(place)
        fine = all(entry.complete and entry.start is not None and not entry.gaps and not entry.holes for entry in entries)
        return not entries or not fine or not self._is_known(place)

    def _entries_of(self, place: Place) -> Sequence[Coverage]:
        """The lists of a place, as far as it is stated."""
        return [entry for entry in self._entries if states_place(place, entry)] if None in place else self._by_place.get(place, ())

    def _is_complete(self, place: Place, start: datetime | None, end: datetime) -> bool:
        entries = self._entries_of(place)
        return bool(entries) and self._is_known(place) and all(entry.reaches(start, end) for entry in entries)

    def _is_known(self, place: Place) -> bool:
        """Whether every place that this one may be was read."""
        unread = any(all(mine in (None, theirs) or theirs is None for mine, theirs in zip(place, other, strict=True)) for other in self._missing)
        return not unread and not (self._scope.organization and place[0] is None)


def _has_jobs(entry: Coverage) -> bool:
    """A file without a job from a place says nothing of it."""
    return bool(entry.jobs) or entry.basis is Basis.OBSERVED


def states_place(place: Place, entry: Coverage) -> bool:
    """Whether a list is of a place, as far as the place is stated."""
    return place[0] in (None, entry.account) and place[1] in (None, entry.region)
