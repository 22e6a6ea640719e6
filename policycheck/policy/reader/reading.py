"""What a sentence that is not canonical means: one canonical sentence, several, or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from msgspec import Struct, structs

from policycheck.policy.conditions import nearest
from policycheck.policy.reader.beyond import find_beyond
from policycheck.policy.reader.lexicon import DESCRIPTIONS, known_words, phrases
from policycheck.policy.reader.parts import is_prose, is_unknown, matcher
from policycheck.policy.reader.pattern import Pattern
from policycheck.policy.reader.patterns import PATTERNS
from policycheck.policy.reader.saying import Said, say, spelled
from policycheck.policy.reader.times import LAST, duration
from policycheck.policy.reader.words import Sentence
from policycheck.text import clean_line

Check = Callable[[str], str]
"""The canonical form of a sentence, or nothing where the language refuses it."""


class Refusal(Struct, frozen=True):
    """Why a sentence is not accepted, and what to write."""

    message: str
    hint: str
    span: tuple[int, int] | None = None
    """Offsets of the word that is meant; None: the whole sentence."""
    proposals: Sequence[str] = ()
    """The canonical sentences of the hint."""
    is_sure: bool = True
    """Whether the sentence is far from a canonical one: the grammar, which stops at its first word that does not fit, would not help."""
    is_unknown: bool = False
    """Whether it is about a word of which nothing is known."""


class Reading(Struct, frozen=True):
    """What a sentence may mean."""

    meanings: Sequence[Said]
    misspelt: Sequence[tuple[str, str]] = ()
    """Words that are in no phrase, with the known word they were taken for."""
    span: tuple[int, int] | None = None
    """Where the first of them stands."""
    nothing: Refusal | None = None
    """Where it means nothing: why, as far as the reader knows better than the grammar."""

    @property
    def accepted(self) -> str:
        """The canonical sentence, where there is one meaning and every word of it was typed."""
        only = self.meanings[0] if len(self.meanings) == 1 else None
        return only.sentence if only is not None and not only.assumed and not self.misspelt else ""

    @property
    def refusal(self) -> Refusal | None:
        """Why it is not accepted although it is nearly understood; None where it is accepted, or nothing is known of it."""
        if not self.meanings or self.accepted:
            return self.nothing
        proposals = [one.sentence for one in self.meanings]
        hint = f"Write {spelled(self.meanings)}"
        if self.misspelt:
            word, near = self.misspelt[0]
            return Refusal(f"'{clean_line(word)}' is not known; did you mean {near}?", hint, self.span, proposals)
        if len(self.meanings) == 1:
            return Refusal(clean_line(self.meanings[0].assumed), hint, None, proposals)
        return Refusal(f"the sentence can mean {_NUMBERS.get(len(self.meanings), len(self.meanings))} things", hint, None, proposals)


_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def read(text: str, check: Check) -> Reading:
    """What a sentence means.

    One that is canonical but for how it writes numbers means itself. Any other means what the patterns say that use all of its words; where there are none,
    those that would
    if a misspelt word were spelled right.
    """
    canonical = check(_respell(text))
    if canonical:
        return Reading([Said(canonical, "")])
    sentence = Sentence(text)
    if not sentence.is_short:
        return Reading(())
    found, nearest_pattern, reached = _meanings(sentence, check)
    if found:
        return Reading(found)
    corrected, misspelt = _corrected(sentence)
    # A word that says what no rule can say is spelled right, however near another one is.
    found = _meanings(Sentence(corrected), check)[0] if misspelt and find_beyond(sentence.text) is None else []
    if found:
        first = next(span for word, span in zip(sentence.words, sentence.spans, strict=True) if word == misspelt[0][0])
        return Reading(found, misspelt, first)
    return Reading((), nothing=_why_nothing(sentence, nearest_pattern, reached))


def _meanings(sentence: Sentence, check: Check) -> tuple[list[Said], Pattern, int]:
    """What a sentence means, the pattern that reads it farthest, and how far."""
    found: dict[str, Said] = {}
    nearest_pattern, farthest = PATTERNS[0], 0
    reader = matcher(sentence)
    for pattern in PATTERNS:
        ways = reader.find(pattern.reads)
        if reader.reached > farthest:
            nearest_pattern, farthest = pattern, reader.reached
        for slots in ways:
            for meaning in pattern.meanings:
                for said in say(meaning, slots):
                    canonical = check(said.sentence)
                    if canonical and (canonical not in found or found[canonical].assumed):
                        found[canonical] = structs.replace(said, sentence=canonical)
    return list(found.values()), nearest_pattern, farthest


# --- why it means nothing ---


def _why_nothing(sentence: Sentence, pattern: Pattern, reached: int) -> Refusal | None:
    """What a person needs to know of a sentence that nothing reads; None where the grammar knows better, since it is canonical but for a word or two."""
    beyond = find_beyond(sentence.text)
    if beyond is not None:
        row, span = beyond
        return Refusal(row.why, row.hint or (f"The nearest rule is a different one: {row.nearest}" if row.nearest else "No rule can express it."), span)
    unknown = [position for position in range(len(sentence)) if is_unknown(sentence, position)]
    prose = [position for position in range(len(sentence)) if is_prose(sentence, position)]
    if not unknown and not prose:
        return None
    is_sure = len(unknown) + len(prose) > 1 or any(sentence.folded[position] in DESCRIPTIONS for position in unknown)
    hint = f"A sentence of this kind: {pattern.examples[0]}. {_ALL_KINDS}" if reached > 1 else _ALL_KINDS
    if not unknown and reached >= len(sentence):
        return Refusal("no rule has this form", hint, is_sure=is_sure)
    position = unknown[0] if unknown else reached
    word = clean_line(sentence.words[position])
    return Refusal(
        f"unknown words: '{word}'" if unknown else f"'{word}' has no place in this sentence",
        hint,
        sentence.spans[position],
        is_sure=is_sure,
        is_unknown=bool(unknown),
    )


_ALL_KINDS = "To list all sentences, run policycheck rules."


# --- canonical but for how a number is written ---

_QUOTED = re.compile(r'("(?:[^"]|"")*")')
_AMOUNT = re.compile(r"(?i)(?<![\w.$-])(?<!vault )(?<!plan )(?<!region )(?<!account )(?<!inventory )(\d{1,9}(?:\.\d+)?)[ -]([A-Za-z]+|%)(?![\w.])", re.ASCII)
_SIZES = re.compile(r"(?:[kKMGTP]i?)?B")
_BACK = re.compile(rf"\b(?:{'|'.join(sorted((phrase for phrase in phrases(LAST) if ' ' in phrase), key=len, reverse=True))})(?= \d)", re.ASCII | re.IGNORECASE)
_DEADLINES = re.compile(r"\b(?:followed|recovered)\b", re.ASCII | re.IGNORECASE)


def _respell(text: str) -> str:
    """With `24 hours` as `24h`, `1 GiB` as `1GiB`, `5 percent` as `5%`, and `in the last` as `within` where that can be no deadline; quoted texts stay."""
    pieces = _QUOTED.split(text)
    looks_back = not _DEADLINES.search(text)
    return "".join(piece if index % 2 else _AMOUNT.sub(_join, _BACK.sub("within", piece) if looks_back else piece) for index, piece in enumerate(pieces))


def _join(amount: re.Match[str]) -> str:
    number, unit = amount[1], amount[2]
    if unit.lower() in {"%", "percent", "pct"}:
        return f"{number}%"
    return number + unit if _SIZES.fullmatch(unit) else duration(number, unit.lower()) or amount[0]


# --- misspelt ---


def _corrected(sentence: Sentence) -> tuple[str, list[tuple[str, str]]]:
    """The sentence with the known word in the place of each that is nearly one."""
    pieces, misspelt, done = [], [], 0
    for word, folded, (start, end) in zip(sentence.words, sentence.folded, sentence.spans, strict=True):
        near = _misspelt(folded)
        if near:
            pieces += [sentence.text[done:start], near]
            misspelt.append((word, near))
            done = end
    return "".join([*pieces, sentence.text[done:]]), misspelt


_SHORTEST = 4
_LONG = 8


@cache
def _misspelt(word: str) -> str:
    """The known word of which this is a misspelling: a slip of the fingers away, and no word of its own that is made from it."""
    if len(word) < _SHORTEST or not word.isalpha() or word in known_words():
        return ""
    if len(word) == _SHORTEST:
        # Of four letters, one that is another may be chance; two that are swapped are a slip.
        return next((known for known in _long_words() if sorted(known) == sorted(word) and _slips(word, known) == 1), "")
    near = nearest(word, _long_words())
    return near if near and _slips(word, near) <= 1 + (len(word) >= _LONG) else ""


def _slips(one: str, other: str) -> int:
    """How many letters are left out, put in, changed or swapped with the next (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, known in enumerate(other, 1):
            cost = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (letter != known))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == known:
                cost = min(cost, rows[i - 2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


@cache
def _long_words() -> tuple[str, ...]:
    return tuple(sorted(word for word in known_words() if len(word) >= _SHORTEST and word.isalpha()))
