"""What the terminal can show, and the streams: colour, width, and documents written to stdout."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TextIO

from policycheck.errors import UsageError

WIDTH = 100
"""Columns where there is no terminal, or one that does not say."""
WIDEST = 200
"""Longer lines are not read more easily."""


def colored(stream: TextIO, *, no_color: bool) -> bool:
    """NO_COLOR before FORCE_COLOR and CLICOLOR_FORCE, those before TERM=dumb, that before asking the stream."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def terminal_width(stream: TextIO) -> int:
    """The columns of the terminal that `stream` is, COLUMNS before what it says itself, at most WIDEST.

    A fixed width in pipes and files, so that the same input gives the same bytes.
    """
    if not stream.isatty():
        return WIDTH
    told = os.environ.get("COLUMNS", "")
    columns = int(told) if told.isascii() and told.isdigit() else 0
    if not columns:
        # Not shutil's: it asks standard output alone, which may be a file while the stream is a terminal.
        with contextlib.suppress(OSError, ValueError):
            columns = os.get_terminal_size(stream.fileno()).columns
    return min(columns, WIDEST) or WIDTH


def table_width(stream: TextIO) -> int:
    """The columns of the terminal that `stream` is; 80 where it is none, which the AWS CLI takes for its tables."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def copy_document(document: IO[bytes]) -> None:
    """Copy a whole document to stdout, a piece at a time; as `write_document`."""
    while piece := document.read(_PIECE):
        write_document(piece)


_PIECE = 1024**2


def write_document(content: bytes | Iterable[bytes]) -> None:
    """Write a document, whole or in pieces, to stdout. A reader that has gone is no failure of ours: the rest is dropped, and the exit code stays what it is.

    Raises:
        UsageError: stdout cannot be written to (the disk is full).
    """
    try:
        sys.stdout.flush()
        for piece in [content] if isinstance(content, bytes) else content:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise UsageError(f"cannot write to standard output: {error.strerror or error}") from None


def is_kept(path: Path | None) -> bool:
    """Whether what is written to `path`, or to stdout, stays in a file. A pipe, a terminal or `/dev/stdout` may be a CI runner's log."""
    try:
        if path is None:
            return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
        return not path.exists() or path.is_file() or path.is_dir()
    except (OSError, ValueError):  # a stdout without a descriptor; a name that no file can have, which writing will say
        return path is not None


def silence_stdout() -> None:
    """Let what is still buffered go nowhere: Python would complain once more at exit, and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Put the null device where a standard stream was closed (`<&-`, `>&-`, some schedulers): Python has None there."""
    # Kept open for as long as the process lives, so no `with` (SIM115) closes them.
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
