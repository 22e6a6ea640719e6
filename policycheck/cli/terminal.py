"""What the terminal can show, and the streams: colour, width, and documents written to stdout."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TextIO

from policycheck.errors import UsageError

WIDTH = 100
"""Columns where there is no terminal."""


def colored(stream: TextIO, *, no_color: bool) -> bool:
    """NO_COLOR before FORCE_COLOR and CLICOLOR_FORCE, those before TERM=dumb, that before asking the stream."""
    if no_color or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def terminal_width(stream: TextIO) -> int:
    """The terminal's columns; a fixed width in pipes and files, so that the same input gives the same bytes."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if stream.isatty() else WIDTH


def write_document(content: bytes) -> None:
    """Write a whole document to stdout. A reader that has gone is no failure of ours: the rest is dropped, and the exit code stays what it is.

    Raises:
        UsageError: stdout cannot be written to (the disk is full).
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()
    except OSError as error:
        silence_stdout()
        raise UsageError(f"cannot write to standard output: {error.strerror or error}") from None


def silence_stdout() -> None:
    """Let what is still buffered go nowhere: Python would complain once more at exit, and change the exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def open_closed_streams() -> None:
    """Put the null device where a standard stream was closed (`<&-`, `>&-`, some schedulers): Python has None there."""
    # Kept open for as long as the process lives.
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
