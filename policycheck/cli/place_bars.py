"""The progress of a fetch from several accounts and Regions: a bar for all of them, and one for each that is being read, as many as there is room for."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from policycheck.cli.terminal import terminal_width
from policycheck.text import clean_line

if TYPE_CHECKING:
    from rich.progress import TaskID

    from policycheck.sources.places import Progress

MOST_PLACES = 12
"""Places that are shown at once; of more the last line says how many they are."""
_SPARE_LINES = 4
"""Lines of the terminal that stay as they are."""
_LABEL, _BAR = 40, 16
"""Columns of the names of places, and of bars."""


class PlaceBars:
    """Bars on a terminal, painted when told and gone in the end. Rich is imported with the first."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._console = Console(file=stream, force_terminal=True, no_color=True, highlight=False, markup=False, emoji=False, width=terminal_width(stream) - 1)
        label = TextColumn("{task.description}", markup=False)
        self._bars = Progress(
            label, BarColumn(_BAR), TextColumn("{task.fields[told]}", markup=False), console=self._console, transient=True, auto_refresh=False
        )
        self._total = self._bars.add_task("Fetching", told="")
        self._places: dict[str, TaskID] = {}
        self._room = max(1, min(MOST_PLACES, _lines(stream) - _SPARE_LINES))

    def show(self, progress: Progress) -> None:
        """Paint how far the fetch is. A terminal that has gone ends nothing."""
        self._show_places(progress)
        hidden = len(progress.active) - len(self._places)
        more = f"; {hidden:,} more at once" if hidden > 0 else ""
        told = f"{progress.done:,} of {progress.places:,} places, {progress.jobs:,} jobs{more}"
        self._bars.update(self._total, total=progress.places, completed=progress.done, told=told)
        with suppress(OSError):
            if self._bars.live.is_started:
                self._bars.refresh()
            else:
                self._bars.start()

    def _show_places(self, progress: Progress) -> None:
        for place in [place for place in self._places if place not in progress.active]:
            self._bars.remove_task(self._places.pop(place))
        for place, reading in progress.active.items():
            if place not in self._places and len(self._places) < self._room:
                # How much there is to come of a place nobody knows: its bar only moves.
                self._places[place] = self._bars.add_task(_cut(clean_line(place)), total=None, told="")
            if place in self._places:
                pages = f"{reading.pages:,} {'page' if reading.pages == 1 else 'pages'}"
                self._bars.update(self._places[place], told=f"{reading.operation} {pages}, {reading.jobs:,} jobs" if reading.operation else "")

    def clear(self) -> None:
        """Take the bars away."""
        with suppress(OSError):
            self._bars.stop()


def _lines(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).lines
    except (OSError, ValueError):
        return 0


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 3]}..."
