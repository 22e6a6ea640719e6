"""Policy files with the canonical sentence in the place of what was typed; everything else in them stays as it is, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from policycheck.errors import Location
from policycheck.policy.model import Policy, Rule, Typed

_BREAK = re.compile(r"\r\n|\r|\n")
_PLAIN = re.compile(r"[A-Za-z][^\x00-\x1f#:\\]*(?<! )")
"""What may stand without quotes in a mapping that is a block."""
_FLOW = re.compile(r"[\[\]{},]")
_BLOCK_STYLES = ("|", ">", "&", "*", "!")


class Rewritten(Struct, frozen=True):
    """One sentence that was, or was not, rewritten."""

    rule: Rule
    typed: Typed
    why_not: str = ""
    """Why it stays as it is; empty where it was rewritten."""


def raw_value(source_line: str, place: Location) -> str:
    """A value as it stands in its line, quotes included; empty where it is not on one line."""
    return source_line[place.column - 1 : place.end_column - 1] if place.line == place.end_line else ""


def spell_value(text: str, raw: str) -> str:
    """A sentence as the value that stands for `raw`, in its style of quotes; quoted where it needs to be."""
    if raw.startswith('"'):
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    # A comma in what stands there tells that it stands in no flow mapping, where it would end the value.
    if not raw.startswith("'") and _PLAIN.fullmatch(text) and ("," in raw or not _FLOW.search(text)):
        return text
    return "'" + text.replace("'", "''") + "'"


def rewrite(policy: Policy, content: str) -> tuple[str, list[Rewritten]]:
    """The text of a policy's file with canonical sentences.

    Args:
        policy: as it was loaded from this text.
        content: the file, line endings and byte-order mark as they are.

    Returns:
        The new text, and every sentence that was typed, in the order of the file.
    """
    starts, told = _line_starts(content), []
    pieces, done = [], 0
    typed = {rule.typed.location: rule for rule in policy.rules if rule.typed is not None}
    for location in sorted(typed):
        rule = typed[location]
        assert rule.typed is not None
        start, end = starts[location.line - 1] + location.column - 1, starts[location.end_line - 1] + location.end_column - 1
        raw = content[start:end]
        if raw.startswith(_BLOCK_STYLES):
            told.append(Rewritten(rule, rule.typed, "it is in a block of its own or after an anchor: write it by hand"))
            continue
        value = spell_value(rule.typed.canonical, raw if location.line == location.end_line else "'")
        pieces += [content[done:start], value]
        done = end
        told.append(Rewritten(rule, rule.typed))
    return "".join([*pieces, content[done:]]), told


def _line_starts(content: str) -> Sequence[int]:
    first = len("\ufeff") if content.startswith("\ufeff") else 0
    return [first, *(match.end() for match in _BREAK.finditer(content))]
