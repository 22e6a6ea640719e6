"""Errors as a person reads them: place, message, the line with a caret, a hint. On stderr."""

from __future__ import annotations

import contextlib
import sys
import traceback

from policycheck.errors import Diagnostic, PolicycheckError, PolicyError
from policycheck.text import clean, clean_line, display_width, truncate

_MOST = 50
"""Diagnostics shown; a file with more of them is not a policy at all."""
_LONGEST = 2000
"""Characters of a line; what is longer quotes something that nobody reads."""
_SOURCE = 160
"""Characters of a source line."""


def show_error(error: PolicycheckError) -> None:
    """Print one error and all that is in it."""
    if isinstance(error, PolicyError):
        for diagnostic in error.diagnostics[:_MOST]:
            _write(render_diagnostic(diagnostic))
        if len(error.diagnostics) > _MOST:
            _write(f"and {len(error.diagnostics) - _MOST:,} more")
        _write(f"{error.message}; nothing was evaluated")
        return
    place = f"{clean_line(error.place)}: " if error.place and clean_line(error.place) not in error.message else ""
    _write(f"error: {place}{clean(error.message)}")
    if error.hint:
        _write(f"  = help: {clean_line(error.hint)}")


def show_warning(message: str) -> None:
    """Print one warning."""
    _write(f"warning: {clean_line(message)}")


def show_note(message: str) -> None:
    """Print one line of talk."""
    _write(clean_line(message))


def show_traceback(error: BaseException) -> None:
    """Print where a bug is; its message may quote anything."""
    _write(clean("".join(traceback.format_exception(error))).rstrip("\n"))


def render_diagnostic(diagnostic: Diagnostic) -> str:
    """error: message, --> place, the source line with a caret, = help."""
    location = diagnostic.location
    # An option has no lines.
    place = location.path if location.path.startswith("--") else str(location)
    lines = [f"error: {clean_line(diagnostic.message)}", f"  --> {clean_line(place)}"]
    if diagnostic.source_line:
        lines += draw_caret(diagnostic.source_line, location.line, location.column, location.end_column if location.end_line == location.line else 0)
    if diagnostic.hint:
        lines.append(f"   = help: {clean_line(diagnostic.hint)}")
    return "\n".join(lines)


def draw_caret(source: str, line: int, column: int, end_column: int) -> list[str]:
    """The source line under its number, and a caret under the columns meant (an end of 0: to the end of the line)."""
    source = clean(source).replace("\t", " ").rstrip()
    gutter = " " * len(str(line))
    start = min(max(column - 1, 0), len(source))
    end = max(min(end_column - 1, len(source)) if end_column else len(source), start)
    if len(source) > _SOURCE:
        source, start, end = _cut(source, start, end)
    under = " " * display_width(source[:start]) + "^" * max(display_width(source[start:end]), 1)
    return [f"{gutter} |", f"{line} | {source}", f"{gutter} | {under}"]


def _cut(source: str, start: int, end: int) -> tuple[str, int, int]:
    """The part of a long line that holds its columns from `start` on, and where in it they are."""
    first = max(min(start - _SOURCE // 4, len(source) - _SOURCE), 0)
    last = first + _SOURCE
    shown = ("…" if first else "") + source[first + bool(first) : last - (last < len(source))] + ("…" if last < len(source) else "")
    return shown, start - first, min(end, last) - first


def _write(text: str) -> None:
    from policycheck.formats.escape import defuse_commands

    # Nobody reads it, or it cannot be read: the exit code still says what happened.
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(f"{truncate(defuse_commands(line), _LONGEST)}\n" for line in text.split("\n")))
        sys.stderr.flush()
