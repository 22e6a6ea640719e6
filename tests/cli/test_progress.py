"""What a fetch tells while it runs: a bar on a terminal, a rare line in a log."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from policycheck.cli import progress as module
from policycheck.cli.progress import Bar, LogLines, Painter, bar_line, show_progress
from policycheck.sources.places import Progress, Reading
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
    [(True, "xterm", False, Painter), (True, "dumb", False, LogLines), (False, "xterm", False, LogLines), (True, "xterm", True, None), (False, "", True, None)],
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
        progress(ALONE)
        raise KeyboardInterrupt
    assert stream.getvalue().endswith("ListBackupJobs\r\x1b[K")


def test_a_terminal_that_has_gone_ends_nothing() -> None:
    class Gone(Terminal):
        def write(self, _text: str) -> int:
            raise OSError

    Bar(Gone(), Clock())(MIDWAY)
    assert module.LOG_SECONDS > module.REPAINT_SECONDS


@contextmanager
def terminal(lines: int, columns: int) -> Iterator[list[bytes]]:
    """A pseudo terminal as standard error; what was written to it, once the block has ended."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    written: list[bytes] = []
    with pytest.MonkeyPatch.context() as patch, os.fdopen(slave, "w", encoding="utf-8") as stream:
        patch.setattr(sys, "stderr", stream)
        patch.setenv("TERM", "xterm")
        patch.delenv("COLUMNS", raising=False)
        patch.delenv("LINES", raising=False)
        yield written
        stream.flush()
        written.append(b"".join(_available(master)))
    os.close(master)


def _available(master: int) -> Iterator[bytes]:
    while select.select([master], [], [], 0)[0]:
        yield os.read(master, 65536)


def frames(written: bytes) -> list[list[str]]:
    """The lines of each picture that a terminal showed."""
    pictures = re.split(r"(?:\r?\x1b\[2K|\x1b\[1A|\r\x1b\[K)+", written.decode())
    plain = [re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", picture) for picture in pictures]
    return [[line.rstrip() for line in picture.splitlines() if line.strip()] for picture in plain if picture.strip()]


def test_eight_hundred_places_are_a_total_and_the_bars_that_a_terminal_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPAINT_SECONDS", 0)
    active = {f"{number:012} (team \x1b[31m[red]{number}[/red])/eu-west-1": Reading("ListBackupJobs", 1000 * number, number) for number in range(20)}
    first, second = list(active)[:2]
    with terminal(lines=14, columns=90) as written, show_progress(quiet=False) as progress:
        assert progress is not None
        progress(Progress("ListBackupJobs", first, 12345, 13, 3, 800, active))
        del active[first]
        progress(Progress("ListBackupJobs", second, 22345, 23, 4, 800, active))
    before, *_, after = frames(written[0])
    assert "3 of 800 places, 12,345 jobs; 10 more at once" in before[0]
    assert "4 of 800 places, 22,345 jobs; 9 more at once" in after[0]
    assert len(before) == len(after) == 11
    assert all(len(line) < 90 for line in (*before, *after))
    assert any(line.startswith("000000000000") for line in before) and not any(line.startswith("000000000000") for line in after)
    assert any("000000000010" in line for line in after)
    assert b"\x1b[31m" not in written[0]
    # The cursor is shown again, and the bars are gone.
    assert written[0].decode().rindex("\x1b[?25h") > written[0].decode().rindex("\x1b[?25l")


def test_a_pipe_is_told_nothing_of_a_short_fetch(capfd: pytest.CaptureFixture[str]) -> None:
    with show_progress(quiet=False) as progress:
        assert progress is not None
        progress(MIDWAY)
    assert capfd.readouterr() == ("", "")
