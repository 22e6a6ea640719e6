"""Sentences against patterns: all ways in which every word of a sentence has its place in a pattern.

A pattern is a row of elements. A word in capitals is a tag of the lexicon; one in small letters is a part (`parts`): `jobs`, `subject`, `length`, ..., which
fill slots; `?` makes an element optional and `(A | B)` gives a choice. Between elements may stand what is true of the whole sentence: a window, a frequency,
`per resource`. A slot is filled once. Nothing is skipped but articles, so that what matches uses every word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from policycheck.policy.reader.words import Sentence

Slots = Mapping[str, str]
Found = Iterator[tuple[int, Slots]]
Part = Callable[[Sentence, int, Slots], Found]

SLOT_OF = {
    "BAD": "outcome", "GOOD": "outcome", "FAIL": "outcome", "FAILURES": "outcome", "BACKUP_FAILURES": "outcome",
    "ANOTHER": "another", "AT_MOST_WANTED": "field", "AT_LEAST_WANTED": "field",
    "NAMED": "field", "LOCKED": "lock", "IMMUTABLE": "lock", "MESSAGE": "category", "MESSAGE_TEXT": "pattern", "CONTAIN": "contain", "ONCE": "number",
    "DEFAULT_VAULT": "vault", "EXCEED": "order",
    **dict.fromkeys("MORE LONGER LARGER LESS SHORTER SMALLER LEAST NOT_SHORTER NOT_SMALLER MOST NOT_LONGER NOT_LARGER".split(), "order"),
}  # fmt: skip
"""The tags whose value fills a slot."""


def filled(slots: Slots, name: str, value: str) -> Slots | None:
    """With one slot more; None where it is filled already."""
    return None if name in slots else {**slots, name: value}


# A pattern: a tuple of elements; an element: its alternatives, each a tuple of elements or a name, and whether it may be absent.
_Element = tuple[tuple["str | tuple[_Element, ...]", ...], bool]


class Matcher:
    """One sentence, the parts of patterns, and what may stand between elements.

    A noun phrase is read once, whichever pattern asks for it: `nouns` are the patterns of parts whose slots are their own, behind a prefix.
    """

    def __init__(self, sentence: Sentence, parts: Mapping[str, Part], asides: Sequence[Part], nouns: Mapping[str, tuple[str, str]]) -> None:
        self._sentence = sentence
        self._parts = parts
        self._nouns = nouns
        self._asides_at = [[found for part in asides for found in part(sentence, start, {})] for start in range(len(sentence) + 1)]
        self._read: dict[tuple[str, int], list[tuple[int, Slots]]] = {}
        self._farthest: dict[tuple[str, int], int] = {}
        self.reached = 0
        """How far the last pattern has read the sentence."""

    def find(self, pattern: str) -> list[Slots]:
        """Every way to fill the slots of a pattern with all words of the sentence."""
        self.reached = 0
        ways = self._sequence(_elements(pattern), self._sentence.first, {})
        whole = [slots for end, behind in ways for last, slots in self._asides(end, behind) if last == len(self._sentence)]
        return list({tuple(sorted(slots.items())): slots for slots in whole}.values())

    def _sequence(self, elements: Sequence[_Element], start: int, slots: Slots) -> Found:
        self.reached = max(self.reached, start)
        if not elements:
            yield start, slots
            return
        (choices, optional), rest = elements[0], elements[1:]
        for position, more in self._asides(start, slots):
            if optional:
                yield from self._sequence(rest, position, more)
            for choice in choices:
                inner = self._sequence(choice, position, more) if isinstance(choice, tuple) else self._single(choice, position, more)
                for end, own in inner:
                    yield from self._sequence(rest, end, own)

    def _asides(self, start: int, slots: Slots) -> Found:
        """Here, and behind each window, frequency or `per` that may stand here."""
        yield start, slots
        for end, more in self._asides_at[start]:
            if not more.keys() & slots.keys():
                yield from self._asides(end, {**slots, **more})

    def _single(self, name: str, start: int, slots: Slots) -> Found:
        if name in self._nouns:
            yield from self._noun(name, start, slots)
            return
        part = self._parts.get(name)
        for position in self._sentence.starts(start):
            if part is not None:
                yield from part(self._sentence, position, slots)
                continue
            for end, value in self._sentence.tagged(position, name):
                more = filled(slots, SLOT_OF[name], value) if name in SLOT_OF and value else slots
                if more is not None:
                    yield end, more

    def _noun(self, name: str, start: int, slots: Slots) -> Found:
        """A noun phrase from this word on: what it says of the whole sentence is said once."""
        if (name, start) not in self._read:
            prefix, pattern = self._nouns[name]
            read: list[tuple[int, Slots]] = []
            reached = self.reached
            for position in self._sentence.starts(start):
                for end, found in self._sequence(_elements(pattern), position, {}):
                    read.append((end, {name if name in OF_SENTENCES else f"{prefix}{name}": value for name, value in found.items()}))
            self._farthest[name, start], self.reached = self.reached, reached
            self._read[name, start] = read
        self.reached = max(self.reached, self._farthest[name, start])
        for end, own in self._read[name, start]:
            if not own.keys() & slots.keys():
                yield end, {**slots, **own}


OF_SENTENCES = frozenset({"window", "looks_back", "frequency", "per", "guessed"})
"""The slots that are not a noun's own."""


@cache
def _elements(pattern: str) -> tuple[_Element, ...]:
    found, rest = _parse(re.findall(r"[()|?]|\w+", pattern))
    if rest:
        raise ValueError(f"{pattern}: {rest}")
    return found


def _parse(words: list[str]) -> tuple[tuple[_Element, ...], list[str]]:
    found: list[_Element] = []
    while words and words[0] not in {")", "|"}:
        first, words = words[0], words[1:]
        choices: list[str | tuple[_Element, ...]] = [first]
        if first == "(":
            choices, closing = [], "|"
            while closing != ")":
                inner, words = _parse(words)
                choices.append(inner)
                closing, words = words[0], words[1:]
        optional = words[:1] == ["?"]
        words = words[optional:]
        found.append((tuple(choices), optional))
    return tuple(found), words
