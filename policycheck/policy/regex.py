"""The regular expressions of `matches`: what every engine, and Python, read alike or can be told to (docs/verdicts.md, "Comparisons").

Python's `re`, Rust's regex (Polars), RE2 (DuckDB) and Java (Spark) differ in escapes, classes, word boundaries, and in what `$` and `.` are. An expression is
parsed here, once, when a policy is loaded, and spelled for each so that it means the same everywhere. What cannot be spelled for all is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from policycheck.policy.literals import BadValue

MOST_REPEATS = 1000
"""RE2 and Rust refuse a bound, or nested bounds multiplied, above it."""
MOST_DEPTH = 50

_DIGIT, _WORD, _SPACE = "0-9", "0-9A-Z_a-z", r"\t\n\x0b\x0c\r "
_SETS = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
"""ASCII alone: Python and Rust mean Unicode, each another version of it, and RE2 and Java mean ASCII."""
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r"}
_META = frozenset(r"\.^$*+?()[]{}|")
_META_IN_SET = frozenset(r"\[]^-&~|")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;=?@[\\]^`{|}~ ")
"""Not `<`, `>` and `_`: word boundaries to Rust, an error to RE2."""
_DOUBLED = frozenset("&-~|")
"""What two of, side by side in a set, combines sets somewhere."""
_END = r"\z"
_PLAIN = {"^": (["^"], 0), "$": ([_END], 0), ".": ([r"[^\n]"], 1)}
_REPEAT = re.compile(r"\{([0-9]+)(?:(,)([0-9]+)?)?\}", re.ASCII)
_WRITE_SETS = "Write [0-9], [A-Za-z], [A-Za-z0-9_] or the like."

_ESCAPES: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys("bB", ("engines differ on what a word is", "Write what may stand there: (^|[^A-Za-z0-9_])prod([^A-Za-z0-9_]|$).")),
    "A": ("not every engine knows it", "Write ^, which is the start of the text."),
    **dict.fromkeys("zZ", ("engines differ on it", "Write $, which is the end of the text.")),
    "G": ("not every engine knows it", "Write ^, which is the start of the text."),
    **dict.fromkeys("pP", ("engines differ on classes of Unicode", _WRITE_SETS)),
    **dict.fromkeys("QE", ("not every engine knows it", "Put a backslash before each of . ^ $ * + ? ( ) [ { | that is meant as it is.")),
    **dict.fromkeys("uUN", ("not every engine knows it", "Write the character itself.")),
    **dict.fromkeys("hHRvfaec", ("engines differ on it", r"Write \s, \t, \n or \r, or the character as \x and two hex digits.")),
    **dict.fromkeys("<>", ("engines differ on it", "Write it without the backslash.")),
    "_": ("engines differ on it", "Write _ without the backslash."),
    "k": ("nothing can refer to a group", "Use several conditions."),
    "0": ("engines read octal numbers differently", r"Write \x and two hex digits."),
    **dict.fromkeys("123456789", ("nothing can refer to a group, and engines read octal numbers differently", "Use several conditions.")),
}  # fmt: skip
_GROUPS = (
    (("?=", "?!", "?<=", "?<!"), "look-around does not run in linear time", "Use several conditions, combined with any: and not:."),
    (("?P=", "?P>", "?&", "?R"), "nothing can refer to a group", "Use several conditions."),
    (("?P<", "?<", "?'"), "groups have no names here", "Write a plain group: ( )."),
    (("?>",), "atomic groups do not run on every engine", "Write a plain group: ( )."),
    (("?#",), "an expression holds no comment", "Put it into the policy, after #."),
    (("?(", "?|"), "not every engine knows this group", "Write the alternatives out: (A|B)."),
)


class PatternError(BadValue):
    """What is wrong with an expression, and what to write instead."""


class Pattern(Struct, frozen=True):
    """An expression that was parsed."""

    engines: str
    """As Rust, RE2 and Java are to search for it."""
    python: str
    """As `re.search` is to, without flags."""


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Pattern:
    """Read an expression; raises PatternError."""
    if not text:
        raise PatternError("an empty expression is found everywhere", "Omit the condition, or check that the field is present.")
    tokens = _Parser(text).parse()
    return Pattern("".join(tokens), "".join(r"\Z" if token == _END else token for token in tokens))


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0

    def parse(self) -> list[str]:
        tokens, size = self._branches()
        if self._at < len(self._text):
            raise self._error("the ) closes nothing", r"Write \) for the character.")
        if size > MOST_REPEATS:
            raise self._too_large()
        return tokens

    def _peek(self, ahead: int = 0) -> str:
        return self._text[self._at + ahead : self._at + ahead + 1]

    def _error(self, message: str, hint: str, at: int | None = None) -> PatternError:
        return PatternError(
            f"not a regular expression that every engine reads the same way: {message} (character {(self._at if at is None else at) + 1})", hint
        )

    def _too_large(self) -> PatternError:
        return self._error(f"its repeats, written out, are more than {MOST_REPEATS:,} characters", "Repeat less: engines refuse more.")

    def _branches(self) -> tuple[list[str], int]:
        """Alternatives, up to a ) or the end: the tokens, and how many characters they are, written out."""
        tokens, size = self._sequence()
        while self._peek() == "|":
            self._at += 1
            more, others = self._sequence()
            tokens, size = [*tokens, "|", *more], size + others
        return tokens, size

    def _sequence(self) -> tuple[list[str], int]:
        tokens: list[str] = []
        total = 0
        while self._peek() not in {"", "|", ")"}:
            start = self._at
            atom, size = self._atom()
            repeat, factor = self._repeat(anchor=self._text[start] in "^$")
            tokens += [*atom, repeat]
            total += size * factor
            if total > MOST_REPEATS:
                raise self._too_large()
        return tokens, total

    def _repeat(self, *, anchor: bool) -> tuple[str, int]:
        """A repeat after an atom, without its laziness, which a search cannot tell; and how many copies it is."""
        found = self._quantifier()
        if found is None:
            return "", 1
        if anchor:
            raise self._error("an anchor is repeated", "Omit the repeat.")
        if self._peek() == "?":
            self._at += 1
        if self._peek() == "+" or self._quantifier(peek=True) is not None:
            possessive = self._peek() == "+"
            hint = "Write one repeat." if not possessive else "Write one repeat: possessive ones do not run on every engine."
            raise self._error("a repeat is repeated", hint)
        return found

    def _quantifier(self, *, peek: bool = False) -> tuple[str, int] | None:
        character, start = self._peek(), self._at
        if character and character in "*+?":
            self._at += not peek
            return character, 1
        if character != "{":
            return None
        found = _REPEAT.match(self._text, start)
        if found is None:
            raise self._error("the { begins no repeat", r"Write \{ for the character; a repeat is {2}, {2,} or {0,3}.")
        least, comma, most = found.groups()
        low = int(least[:9])
        high = int(most[:9]) if most else max(low, 1) if comma else low
        if max(low, high) > MOST_REPEATS:
            raise self._error(f"more than {MOST_REPEATS:,} repeats", "Repeat less: engines refuse more.")
        if high < low:
            raise self._error("the repeat ends before it begins", f"Write {{{high},{low}}}.")
        self._at = start if peek else found.end()
        return f"{{{low}{',' if comma else ''}{high if most else ''}}}", high

    def _atom(self) -> tuple[list[str], int]:
        character = self._peek()
        match character:
            case "(":
                return self._group()
            case "[":
                return [self._set()], 1
            case "\\":
                return [self._escape()], 1
            case "*" | "+" | "?" | "{":
                raise self._error(f"the {character} repeats nothing", rf"Write \{character} for the character.")
            case _:
                self._at += 1
                return _PLAIN.get(character) or ([_spell(character)], 1)

    def _group(self) -> tuple[list[str], int]:
        start = self._at
        self._at += 1
        if self._peek() == "?":
            self._open_group(start)
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._error(f"groups are nested more than {MOST_DEPTH} deep", "Write fewer.", start)
        tokens, size = self._branches()
        if self._peek() != ")":
            raise self._error("the ( is never closed", r"Write \( for the character.", start)
        self._at += 1
        self._depth -= 1
        return ["(?:", *tokens, ")"], max(size, 1)

    def _open_group(self, start: int) -> None:
        rest = self._text[self._at :]
        if rest.startswith("?:"):
            self._at += 2
            return
        for openings, message, hint in _GROUPS:
            if rest.startswith(openings):
                raise self._error(message, hint, start)
        raise self._error("flags do not mean the same everywhere", "Write both cases out: [Pp]rod; for any character, line feeds too, (.|\\n).", start)

    def _escape(self) -> str:
        """A character, or one of the sets, after a backslash."""
        character = self._peek(1)
        if character in {"D", "W", "S"}:
            self._at += 2
            return f"[^{_SETS[character.lower()]}]"
        if character and character in _SETS:
            self._at += 2
            return f"[{_SETS[character]}]"
        return _spell(self._escaped())

    def _escaped(self) -> str:
        """The one character that an escape means."""
        character, start = self._peek(1), self._at
        if character in _CONTROLS or character in _PUNCTUATION:
            self._at += 2
            return _CONTROLS.get(character, character)
        if character == "x":
            digits = self._text[start + 2 : start + 4]
            if not re.fullmatch("[0-9A-Fa-f]{2}", digits, re.ASCII):
                raise self._error(r"engines differ on it: \x takes two hex digits", "Write the character itself.")
            self._at += 4
            return chr(int(digits, 16))
        if not character:
            raise self._error("it ends in a backslash", r"Write \\ for the character.")
        message, hint = _ESCAPES.get(character, ("not every engine knows this escape", "Write it without the backslash."))
        raise self._error(f"\\{character}: {message}", hint)

    def _set(self) -> str:
        """[...] as one token."""
        start = self._at
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        items: list[str] = []
        first = True
        while (character := self._peek()) != "]" or first:
            if not character:
                raise self._error("the [ is never closed", r"Write \[ for the character.", start)
            items.append(self._item(first=first))
            first = False
        self._at += 1
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _item(self, *, first: bool) -> str:
        """A character, an escape or a range of a set."""
        if self._peek() == "\\" and (character := self._peek(1)) and character in "dwsDWS":
            if character.isupper():
                raise self._error(rf"\{character} in a set", r"Turn the set around: [^...] with \d, \w or \s.")
            self._at += 2
            if self._peek() == "-" and self._peek(1) != "]":
                raise self._error(rf"a range of \{character}", r"Write \- for the character.")
            return _SETS[character]
        low = self._member(first=first)
        if self._peek() != "-" or self._peek(1) == "]":
            return _spell(low, in_set=True)
        start = self._at
        self._at += 1
        if self._peek() == "\\" and self._peek(1) in {*"dwsDWS"}:
            raise self._error("a range to a set", r"Write \- for the character.", start)
        high = self._member(first=False, in_range=True)
        if ord(high) < ord(low):
            raise self._error("the range ends before it begins", r"Turn it around, or write \- for the character.", start)
        if self._peek() == "-" and self._peek(1) != "]":
            raise self._error("a - after a range", r"Write \- for the character.")
        return f"{_spell(low, in_set=True)}-{_spell(high, in_set=True)}"

    def _member(self, *, first: bool, in_range: bool = False) -> str:
        character = self._peek()
        if character == "\\":
            return self._escaped()
        if character == "[":
            self._refuse_nested()
        if character in {"]", ""}:
            raise self._error("a ] that opens the set" if character else "the set is never closed", r"Write \] for the character.")
        if character in _DOUBLED and self._peek(1) == character:
            raise self._error(f"{character * 2} in a set, which combines sets to some engines", rf"Write \{character} once, or the characters one by one.")
        if character == "-" and not first and (in_range or self._peek(1) != "]"):
            raise self._error("a - within a set", r"Write \- for the character.")
        self._at += 1
        return character

    def _refuse_nested(self) -> None:
        mark = self._peek(1)
        if mark and mark in ":.=":
            raise self._error(f"[{mark} in a set: classes of POSIX are not read alike", f"{_WRITE_SETS[:-1]}, without the second brackets.")
        raise self._error("a set within a set", r"Write \[ for the character, or the characters one by one.")


def _spell(character: str, *, in_set: bool = False) -> str:
    if character in "\t\n\r":
        return {"\t": r"\t", "\n": r"\n", "\r": r"\r"}[character]
    if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0:
        return f"\\x{ord(character):02x}"
    return f"\\{character}" if character in (_META_IN_SET if in_set else _META) else character
