"""The words of a typed sentence, and what of the lexicon begins at each."""

from __future__ import annotations

import re

from policycheck.policy.reader.lexicon import ARTICLES, SKIPPED, lexicon, longest_phrase

_TOKEN = re.compile(r"""\$\{[^}\s]*\}|"(?:[^"]|"")*"|'[^']*'(?![\w])|[<>]=?|==?|!=|[^\s,;:<>="]+(?::+[^\s,;:<>="]+)*|[,;:"]""")
MOST_WORDS = 60
"""A sentence of more is no rule that somebody typed."""


class Sentence:
    """A typed sentence: its words, without commas and a full stop at the end."""

    def __init__(self, text: str) -> None:
        self.text = text
        ended = text.rstrip()
        ended = ended[:-1] if ended.endswith((".", "!")) else ended
        found = [match for match in _TOKEN.finditer(ended) if match[0] != ","]
        self.spans = [match.span() for match in found]
        self.words = [match[0] for match in found]
        self.folded = [word.lower().replace("\u2019", "'") for word in self.words]
        self._tags: dict[tuple[int, str], list[tuple[int, str]]] = {}
        for start in range(len(self.words)):
            for size in range(1, min(longest_phrase(), len(self.words) - start) + 1):
                for tag, value in lexicon().get(tuple(self.folded[start : start + size]), ()):
                    self._tags.setdefault((start, tag), []).append((start + size, value))
        self.first = max([0, *(end for end, _ in self.tagged(0, "OPENING"))])
        """Where it begins, behind `make sure that`."""

    def __len__(self) -> int:
        return len(self.words)

    @property
    def is_short(self) -> bool:
        return 0 < len(self) <= MOST_WORDS

    def tagged(self, start: int, tag: str) -> list[tuple[int, str]]:
        """Where phrases of this tag end that begin here, and what they stand for."""
        return self._tags.get((start, tag), [])

    def is_listed(self, position: int) -> bool:
        """Whether a comma stands between this word and the next."""
        return position + 1 < len(self) and "," in self.text[self.spans[position][1] : self.spans[position + 1][0]]

    def starts(self, start: int) -> list[int]:
        """Here, and behind what is skipped here."""
        found = [start]
        for position in found:
            if self._is_skipped(position) and position + 1 not in found:
                found.append(position + 1)
        return found

    def _is_skipped(self, position: int) -> bool:
        """Whether an article stands here; behind `vault`, or before a comma, it is a name."""
        if position >= len(self) or self.is_listed(position) or self.tagged(position - 1, "PLACE"):
            return False
        return bool(self.tagged(position, SKIPPED)) or (position > self.first and self.folded[position] in ARTICLES)
