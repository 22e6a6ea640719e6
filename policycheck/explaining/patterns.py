"""A text that a regular expression finds: the shortest way through the pattern, as far as plain groups, sets and repeats go."""

from __future__ import annotations

import re

_CLASSES = {"d": "1", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "n": "\n", "t": "\t"}
_EDGES = frozenset("AZzbB")
_REPEAT = re.compile(r"\{(\d+)(?:,\d*)?\}\??|[*+?]\??")
_GROUP = re.compile(r"\?(?:P?<\w+>|[aiLmsux-]*:|[aiLmsux-]+(?=\)))")
_SET = re.compile(r"\[(\^?)(\]?(?:\\.|[^\]\\])*)\]", re.DOTALL)
_OTHERS = "xa0-_ Z9~"


def text_of(pattern: str) -> str:
    """A text in which the pattern is likely to be found; whoever asks makes sure."""
    return _Reader(pattern).branches()


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._pattern, self._at = pattern, 0

    def branches(self) -> str:
        """The first alternative; the others are read over."""
        first = self._sequence()
        while self._take("|"):
            self._sequence()
        return first

    def _take(self, character: str) -> bool:
        found = self._pattern.startswith(character, self._at)
        self._at += found
        return found

    def _sequence(self) -> str:
        made = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            made += self._repeated(self._atom())
        return made

    def _repeated(self, atom: str) -> str:
        repeat = _REPEAT.match(self._pattern, self._at)
        if repeat is None:
            return atom
        self._at = repeat.end()
        return atom * int(repeat[1]) if repeat[1] else atom if repeat[0].startswith("+") else ""

    def _atom(self) -> str:
        character = self._pattern[self._at]
        if character == "[" and (found := _SET.match(self._pattern, self._at)):
            self._at = found.end()
            return next((one for one in [*_members(found[2]), *_OTHERS] if re.search(found[0], one)), "")
        self._at += 1
        match character:
            case "(":
                if group := _GROUP.match(self._pattern, self._at):
                    self._at = group.end()
                inner = self.branches()
                self._take(")")
                return inner
            case "\\" if self._at < len(self._pattern):
                escaped = self._pattern[self._at]
                self._at += 1
                return "" if escaped in _EDGES else _CLASSES.get(escaped, escaped)
            case "^" | "$":
                return ""
            case ".":
                return "x"
            case _:
                return character


def _members(body: str) -> str:
    return "".join(_CLASSES.get(escaped, escaped) if escaped else plain for escaped, plain in re.findall(r"\\(.)|([^\\])", body, re.DOTALL))
