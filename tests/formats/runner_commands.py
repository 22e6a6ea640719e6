"""What a GitHub Actions runner makes of a line: a reading of actions/runner's ActionCommand.cs, written apart from policycheck's escaping.

The runner tries the form `::name properties::data` first, after white space at the start is trimmed, then `##[name properties]data` anywhere in the line. What
neither form makes of it is printed as it is. (It looks for the markers by culture, which may pass over invisible characters, but cuts by their plain length:
a marker with one inside leaves a rest that names no command.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REGISTERED = frozenset(
    """
    add-mask add-matcher add-path debug echo endgroup error group internal-set-repo-path notice remove-matcher save-state set-env set-output
    stop-commands warning
    """.split()
)
# .NET's Char.IsWhiteSpace: the separators of Unicode, the controls from tab to carriage return, and next line.
_WHITE_SPACE = "\t\n\v\f\r\x85 \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_OLD = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


@dataclass(frozen=True, slots=True)
class Command:
    name: str
    data: str
    properties: Mapping[str, str] = field(default_factory=dict)


def lines(text: str) -> list[str]:
    """As .NET reads a stream of lines: they end with CR, LF or both."""
    return re.split(r"\r\n|\r|\n", text)


def commands(text: str, *, registered: frozenset[str] | None = None) -> list[Command]:
    """The commands in what a step printed. Without `registered` any name is one: `stop-commands` makes its token a command."""
    return [command for line in lines(text) if (command := parse(line, registered=registered))]


def parse(line: str, *, registered: frozenset[str] | None = None) -> Command | None:
    """The command that the runner takes this line for, or None for plain text."""
    return next((command for command in (_new_form(line), _old_form(line)) if command and _known(command, registered)), None)


def _known(command: Command, registered: frozenset[str] | None) -> bool:
    return bool(command.name) if registered is None else command.name.lower() in registered


def _new_form(line: str) -> Command | None:
    text = line.lstrip(_WHITE_SPACE)
    if not text.startswith("::"):
        return None
    head, separator, data = text[2:].partition("::")
    if not separator:
        return None
    name, _, rest = head.partition(" ")
    return Command(name, _unescape(data, _DATA), dict(_properties(rest.strip(_WHITE_SPACE), ",", _PROPERTY)))


def _old_form(line: str) -> Command | None:
    _, marker, rest = line.partition("##[")
    head, bracket, data = rest.partition("]")
    if not marker or not bracket:
        return None
    name, _, properties = head.partition(" ")
    return Command(name, _unescape(data, _OLD), dict(_properties(properties, ";", _OLD)))


def _properties(text: str, separator: str, escapes: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    for part in text.split(separator):
        name, equals, value = part.lstrip("=").partition("=")
        if name and equals and value:
            yield name, _unescape(value, escapes)


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for escaped, plain in escapes:
        text = text.replace(escaped, plain)
    return text
