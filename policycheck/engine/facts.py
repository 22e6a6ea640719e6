"""The lists of a run as frames: one a list, with the columns that this run's rules read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from policycheck.engine.backends.interface import Backend
from policycheck.engine.frame import Frame, build_frame, frame_at
from policycheck.engine.series import Series
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList


@dataclass
class Facts:
    """Frames that are made once, however many kinds of rules ask for them."""

    lists: Mapping[str, JobList]
    as_of: int
    """Microseconds since 1970."""
    backend: Backend
    inventories: Mapping[str, Inventory]
    series: Series | None = None
    """The evaluations whose frames have columns in common."""
    _fields: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By list: what is asked of it."""
    _frames: dict[str, tuple[frozenset[str], Frame]] = field(default_factory=dict)

    def expect(self, name: str, fields: Collection[str]) -> None:
        """Say what will be asked of a list, so that its frame is made once."""
        self._fields[name].update(fields)

    def frame(self, name: str, fields: Collection[str]) -> Frame:
        """The frame of a list, with the columns of these fields and perhaps others."""
        self.expect(name, fields)
        held, frame = self._frames.get(name, (None, None))
        if frame is None or held is None or not held.issuperset(fields):
            held = frozenset(self._fields[name])
            if self.series is None:
                frame = build_frame(self.lists[name], held, self.as_of, self.backend, self.inventories)
            else:
                frame = frame_at(self.series.columns(self.lists[name], held, self.backend, self.inventories), self.as_of, self.backend)
            self._frames[name] = held, frame
        return frame

    def count_resources(self) -> int:
        """How many resources the lists that were asked for have records of, each once."""
        known = [{key for key in frame.subjects if key[2] is not None} for _, frame in self._frames.values()]
        return len(set().union(*known))
