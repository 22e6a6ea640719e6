"""What a fetch tells while it runs: a bar on a terminal, a rare line in a log."""

from __future__ import annotations

import io
import sys

import pytest

from policycheck.cli import progress as module
from policycheck.cli.progress import Bar, LogLines, bar_line, show_progress
from policycheck.sources.places import Progress
from policycheck.text import display_width

MIDWAY = Progress("ListBackupJobs", "111122223333/eu-west-1", jobs=12345, pages=13, done=3, places=8)
ALONE = Progress("ListBackupJobs", "eu-west-1", jobs=1000, pages=1, done=0, places=1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TERM", raising=False)


def test_the_bar_shows_the_places_that_are_done() -> None:
    assert bar_line(MIDWAY, 200) == "Fetching [######----------] 3 of 8 places, 12,345 jobs; 111122223333/eu-west-1 ListBackupJobs"
    done = Progress("ListBackupJobs", "a", jobs=1, pages=1, done=8, places=8)
    assert bar_line(done, 200).startswith("Fetching [################] 8 of 8 places")


def test_one_place_has_no_bar() -> None:
    assert bar_line(ALONE, 79) == "Fetching 1,000 jobs; eu-west-1 ListBackupJobs"


@pytest.mark.parametrize("width", [0, 10, 59, 79, 199])
def test_the_line_fits_and_is_clean(width: int) -> None:
    hostile = Progress("ListBackupJobs", "\x1b[2J\n\u4e2d" * 40, jobs=1, pages=1, done=0, places=2)
    assert "111122223333/eu-west-1" in bar_line(MIDWAY, 79)
    for progress in (MIDWAY, ALONE, hostile):
        line = bar_line(progress, width)
        assert display_width(line) <= width
        assert line.isprintable()


def test_the_bar_is_one_line_painted_again_and_gone_in_the_end() -> None:
    stream, clock = Terminal(), Clock()
    bar = Bar(stream, clock)
    bar(MIDWAY)
    bar(ALONE)
    clock.now += 1
    bar(ALONE)
    bar.clear()
    assert stream.getvalue() == f"\r\x1b[K{bar_line(MIDWAY, 79)}\r\x1b[K{bar_line(ALONE, 79)}\r\x1b[K"


def test_a_bar_that_was_never_painted_leaves_nothing() -> None:
    stream = Terminal()
    Bar(stream, Clock()).clear()
    assert stream.getvalue() == ""


def test_a_log_has_a_line_each_half_minute() -> None:
    stream, clock = io.StringIO(), Clock()
    log = LogLines(stream, clock)
    for _ in range(65):
        clock.now += 1
        log(MIDWAY)
    assert stream.getvalue() == "policycheck: fetching: 3 of 8 places, 12,345 jobs\n" * 2


@pytest.mark.parametrize(
    ("terminal", "term", "quiet", "kind"),
    [(True, "xterm", False, Bar), (True, "dumb", False, LogLines), (False, "xterm", False, LogLines), (True, "xterm", True, None), (False, "", True, None)],
)
def test_who_is_told_what(terminal: bool, term: str, quiet: bool, kind: type[object] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(sys, "stderr", Terminal() if terminal else io.StringIO())
    with show_progress(quiet=quiet) as progress:
        assert (None if progress is None else type(progress)) is kind


def test_an_interrupted_fetch_leaves_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(KeyboardInterrupt), show_progress(quiet=False) as progress:
        assert progress is not None
        progress(MIDWAY)
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("eu-west-1\r\x1b[K")


def test_a_terminal_that_has_gone_ends_nothing() -> None:
    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise OSError

    Bar(Gone(), Clock())(MIDWAY)
    assert module.LOG_SECONDS > module.REPAINT_SECONDS
