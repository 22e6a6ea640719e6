"""What can be said, as a person looks it up: families of sentences, one canonical example each, and how people type it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from policycheck.policy.binding import Parameters
from policycheck.policy.canonical import canonical
from policycheck.policy.reader.pattern import Pattern
from policycheck.policy.reader.patterns import PATTERNS
from policycheck.policy.reader.reading import read


class Sayable(Struct, frozen=True):
    """One way of saying something."""

    family: str
    typed: str
    sentences: Sequence[str]
    """What it is read as; several where it is asked which is meant."""
    is_accepted: bool
    """Whether it is read as the one, rather than refused with these."""


def sayable(words: Sequence[str] = ()) -> list[Sayable]:
    """What can be said, by family; of that, what has all of these words in it, in any case."""
    found: dict[tuple[str, ...], Sayable] = {}
    for pattern in PATTERNS:
        one = _shown(pattern)
        said = " ".join([one.family, *pattern.examples, *one.sentences]).lower()
        if all(_stem(word) in said for word in words):
            found.setdefault((one.family, *one.sentences), one)
    return list(found.values())


def _stem(word: str) -> str:
    """Of copies and of jobs, what one of them has in it."""
    return word.lower().removesuffix("s").removesuffix("ie")


def _shown(pattern: Pattern) -> Sayable:
    example = pattern.examples[0]
    reading = read(example, lambda sentence: canonical(sentence, Parameters({})))
    return Sayable(pattern.family, example, [one.sentence for one in reading.meanings], bool(reading.accepted))
