"""What the terminal can show: colour and width."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

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
