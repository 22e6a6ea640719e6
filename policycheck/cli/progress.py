"""How far a fetch is: bars on a terminal, a line now and then in a log, nothing where a fetch is short or nobody is to be told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from policycheck.cli.diagnostics import show_note
from policycheck.cli.terminal import terminal_width
from policycheck.text import clean_line, display_width

if TYPE_CHECKING:
    from policycheck.cli.place_bars import PlaceBars
    from policycheck.sources.places import Progress

REPAINT_SECONDS = 0.1
LOG_SECONDS = 30.0
_BAR = 16
"""Columns between the brackets."""
_START_OF_LINE = "\r\x1b[K"
"""Carriage return, and Erase in Line (ECMA-48, 8.3.41): what stood there is gone."""


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """What to call after each page; None where nobody is to be told."""
    if quiet:
        yield None
        return
    if not _is_painted(sys.stderr):
        yield LogLines(sys.stderr, time.monotonic)
        return
    painter = Painter(sys.stderr, time.monotonic)
    try:
        yield painter
    finally:
        painter.clear()


class Painter:
    """What a terminal shows: one line for a fetch from one place, a bar each for several."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, from anywhere."""
        self._stream, self._clock = stream, clock
        self._bar = Bar(stream, clock)
        self._bars: PlaceBars | None = None
        self._painted: float | None = None

    def __call__(self, progress: Progress) -> None:
        if progress.places == 1:
            self._bar(progress)
            return
        now = self._clock()
        if self._painted is not None and now - self._painted < REPAINT_SECONDS:
            return
        self._painted = now
        if self._bars is None:
            from policycheck.cli.place_bars import PlaceBars

            self._bars = PlaceBars(self._stream)
        self._bars.show(progress)

    def clear(self) -> None:
        self._bar.clear()
        if self._bars is not None:
            self._bars.clear()


class Bar:
    """One line, painted again and again, and gone in the end: what is printed afterwards begins where it stood."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, from anywhere."""
        self._stream, self._clock = stream, clock
        self._painted: float | None = None

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if self._painted is None or now - self._painted >= REPAINT_SECONDS:
            self._painted = now
            # The last column stays free: some terminals go to the next line once it is written to.
            self._write(_START_OF_LINE + bar_line(progress, terminal_width(self._stream) - 1))

    def clear(self) -> None:
        if self._painted is not None:
            self._write(_START_OF_LINE)

    def _write(self, text: str) -> None:
        _write(self._stream, text)


class LogLines:
    """Whole lines for a log that is read later: one each 30 s, so that a short fetch leaves none and a long one shows that it lives."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        """`clock` gives seconds, from anywhere."""
        self._stream, self._clock = stream, clock
        self._told = clock()

    def __call__(self, progress: Progress) -> None:
        now = self._clock()
        if now - self._told >= LOG_SECONDS:
            self._told = now
            _write(self._stream, f"policycheck: fetching: {_counts(progress)}\n")


class StatusLine:
    """What a run waits for: a line of a terminal that is gone once the waiting is over; in a log a line that stays."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._painted = False

    def show(self, text: str) -> None:
        if not _is_painted(self._stream):
            show_note(f"policycheck: {text}")
            return
        self._painted = True
        _write(self._stream, _START_OF_LINE + _cut(clean_line(text[:1].upper() + text[1:]), terminal_width(self._stream) - 1))

    def __enter__(self) -> StatusLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._painted:
            _write(self._stream, _START_OF_LINE)


def _is_painted(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def bar_line(progress: Progress, width: int) -> str:
    """`Fetching [####------------] 2 of 8 places, 12,345 jobs; 111122223333/eu-west-1 ListBackupJobs`, cut to `width` columns.

    Of a single place nobody knows how much is to come: no bar.
    """
    filled = _BAR * progress.done // progress.places if progress.places else 0
    bar = f"[{'#' * filled}{'-' * (_BAR - filled)}] " if progress.places > 1 else ""
    return _cut(clean_line(f"Fetching {bar}{_counts(progress)}; {progress.place} {progress.operation}"), width)


def _cut(text: str, width: int) -> str:
    while display_width(text) > width:
        text = text[:-1]
    return text.rstrip()


def _counts(progress: Progress) -> str:
    places = f"{progress.done:,} of {progress.places:,} places, " if progress.places > 1 else ""
    return f"{places}{progress.jobs:,} jobs"


def _write(stream: TextIO, text: str) -> None:
    # Talk that cannot be written must not end a run: the reader of stderr may have gone.
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        pass
