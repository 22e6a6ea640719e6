"""Whether any of many jobs was created after one moment and had completed by another."""

from __future__ import annotations

from bisect import bisect_left


class Completions:
    """When jobs alike were created and completed; of any number the one that completed first after a moment is found at once."""

    def __init__(self) -> None:
        self._found: list[tuple[float, float, int]] = []
        self._created: list[float] = []
        self._first: list[list[tuple[float, int]]] = []

    def add(self, created: float, completed: float, row: int) -> None:
        """One job; infinity is a creation after any moment, minus infinity a completion before any."""
        self._found.append((created, completed, row))

    def any_by(self, deadline: float, created: float, but: int | None) -> bool:
        """Whether one other than `but` was created at `created` or later and completed by the deadline."""
        if len(self._created) < len(self._found):
            self._found.sort()
            self._created = [time for time, _, _ in self._found]
            # From each on, the two that completed first: one may be `but`.
            self._first = [[]] * len(self._found)
            first: list[tuple[float, int]] = []
            for index in reversed(range(len(self._found))):
                first = sorted([*first, self._found[index][1:]])[:2]
                self._first[index] = first
        index = bisect_left(self._created, created)
        return index < len(self._first) and any(completed <= deadline and row != but for completed, row in self._first[index])
