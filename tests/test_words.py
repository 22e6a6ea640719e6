"""Texts for users say things in the field's words: tests/cases/words.yaml has those that they do not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.words import Place, literals, others, packs, pages, words


def complaints(places: Iterable[Place]) -> Iterator[str]:
    """A line for each place of a word that stands in a file more often than the list allows."""
    texts = list(places)
    for word in words():
        found = [(place, number) for place in texts if (number := word.found(place.text))]
        counts: Counter[str] = Counter()
        for place, number in found:
            counts[place.path] += number
        for place, _ in found:
            if counts[place.path] > word.left.get(place.path, 0):
                yield f"{place.path}:{place.line}: {word.word}; write: {word.instead} | {place.text.strip()[:160]}"


@pytest.mark.parametrize("texts", [pages, packs, others, literals], ids=lambda texts: texts.__name__)
def test_no_text_uses_a_word_of_the_list(texts: Callable[[], Iterator[Place]]) -> None:
    assert list(complaints(texts())) == []


def test_a_word_is_found_in_prose_and_not_in_code() -> None:
    assert [line.split(":")[:2] for line in complaints([Place("a.md", 3, "The rule is judged."), Place("b.md", 4, "fixed")])] == [["a.md", "3"]]


def test_the_list_names_only_files_in_which_the_word_stands() -> None:
    texts = [*pages(), *packs(), *others(), *literals()]
    gone = [
        f"{word.word}: {path}"
        for word in words()
        for path in word.left
        if not any(word.found(place.text) for place in texts if place.path == path)
    ]  # fmt: skip
    assert gone == []
