"""The parts of patterns: what fills their slots."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from policycheck.policy import vocabulary
from policycheck.policy.reader.calendars import CALENDAR_PARTS
from policycheck.policy.reader.hours import when
from policycheck.policy.reader.lexicon import ARTICLES, DESCRIPTIONS, NUMBERS, RESOURCE_NOUNS, known_words, names_too, phrases, told_words
from policycheck.policy.reader.matching import Found, Matcher, Part, Slots, filled
from policycheck.policy.reader.times import LAST, LONGER_UNITS, UNITS, WITHIN, duration
from policycheck.policy.reader.words import Sentence
from policycheck.regions import REGIONS

ALL = " | "
"""Joins the values of a slot."""
_GLUED_LENGTH = re.compile(r"(\d{1,9}(?:\.\d+)?)-?([a-z]+)", re.ASCII)
_SIZE = re.compile(r"\d+(?:\.\d+)?(?:[kmgtp]i?)?b", re.ASCII | re.IGNORECASE)
_SIZE_UNIT = re.compile(r"(?:[kmgtp]i?)?b", re.ASCII | re.IGNORECASE)
_SHARE = re.compile(r"\d+(?:\.\d+)?%", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_LOOKS_LIKE_A_NAME = re.compile(r".*[\d_\"$].*")


def matcher(sentence: Sentence) -> Matcher:
    """What finds patterns in a sentence."""
    return Matcher(sentence, _PARTS, _ASIDES, _NOUNS)


def _fill(slots: Slots, name: str, found: Iterator[tuple[int, str]]) -> Found:
    for end, value in found:
        more = filled(slots, name, value)
        if more is not None:
            yield end, more


# --- numbers and times ---


def lengths(sentence: Sentence, start: int) -> Iterator[tuple[int, str]]:
    """`24h`, `24 hours`, `a day`, `two weeks`."""
    if start >= len(sentence):
        return
    word = sentence.folded[start]
    if vocabulary.is_parameter(sentence.words[start]):
        yield start + 1, sentence.words[start]
    glued = _GLUED_LENGTH.fullmatch(word)
    if glued and (said := duration(glued[1], glued[2])):
        yield start + 1, said
    number = NUMBERS.get(word) or (word if _NUMBER.fullmatch(word) else "1" if word in {"a", "an"} else "")
    if number and start + 1 < len(sentence) and (said := duration(number, sentence.folded[start + 1])):
        yield start + 2, said


def _length(sentence: Sentence, start: int, slots: Slots) -> Found:
    return _fill(slots, "length", lengths(sentence, start))


def _size(sentence: Sentence, start: int, slots: Slots) -> Found:
    words = sentence.words[start : start + 2]
    found = [(start + 1, words[0])] if words and _SIZE.fullmatch(words[0]) else []
    if len(words) > 1 and _NUMBER.fullmatch(words[0]) and _SIZE_UNIT.fullmatch(words[1]):
        found.append((start + 2, "".join(words)))
    return _fill(slots, "size", iter(found))


def _share(sentence: Sentence, start: int, slots: Slots) -> Found:
    word, behind = next(iter(sentence.words[start : start + 1]), ""), sentence.folded[start + 1 : start + 3]
    found = [(start + 1, word)] if _SHARE.fullmatch(word) else []
    if _NUMBER.fullmatch(word):
        found += [(start + 2, f"{word}%")] if behind[:1] in (["percent"], ["%"], ["pct"]) else []
        found += [(start + 3, f"{word}%")] if behind == ["per", "cent"] else []
    return _fill(slots, "share", iter(found))


_FACTOR = re.compile(r"(\d+(?:\.\d+)?)x", re.ASCII)


def _factor(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`2x`, `2 times`, `twice`; `three times`."""
    word, behind = next(iter(sentence.folded[start : start + 1]), ""), sentence.folded[start + 1 : start + 2]
    found = [(start + 1, word)] if _FACTOR.fullmatch(word) else []
    found += [(end, f"{number}x") for end, number in sentence.tagged(start, "ONCE") if number != "1"]
    number = NUMBERS.get(word) or (word if re.fullmatch(r"\d+(\.\d+)?", word, re.ASCII) else "")
    found += [(start + 2, f"{number}x")] if number and behind in (["times"], ["x"]) else []
    return _fill(slots, "factor", iter(found))


def _number(sentence: Sentence, start: int, slots: Slots) -> Found:
    word = next(iter(sentence.words[start : start + 1]), "")
    number = NUMBERS.get(word.lower()) or (word if _NUMBER.fullmatch(word) or vocabulary.is_parameter(word) else "")
    return _fill(slots, "number", iter([(start + 1, number)] if number else []))


def _several(sentence: Sentence, start: int, slots: Slots) -> Found:
    """A number of more than one, which is said otherwise."""
    return ((end, more) for end, more in _number(sentence, start, slots) if more["number"] not in {"0", "1"})


_BEFORE = {phrase: looks_back for cell, looks_back in ((LAST, True), (WITHIN, False)) for phrase in phrases(cell)}


def _window(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`in the last 7 days`, `this week`, `within 24h`; the last may be a deadline as well."""
    for end, more in _fill(slots, "window", iter(sentence.tagged(start, "BACK"))):
        yield end, {**more, "looks_back": "true"}
    for size in range(1, 4):
        looks_back = _BEFORE.get(" ".join(sentence.folded[start : start + size])) if start + size < len(sentence) else None
        if looks_back is not None:
            for end, more in _fill(slots, "window", lengths(sentence, start + size)):
                yield end, {**more, "looks_back": "true"} if looks_back else more


def _frequency(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`daily`, `every 24 hours`."""
    yield from _fill(slots, "frequency", iter(sentence.tagged(start, "FREQUENCY")))
    if sentence.folded[start : start + 1] in (["every"], ["each"]):
        yield from _fill(slots, "frequency", lengths(sentence, start + 1))


def _per(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`per resource`, `per vault`."""
    for after, _ in sentence.tagged(start, "PER"):
        # Jobs are counted by what they name, which a list of all vaults or of all protected resources is not needed for.
        named = ((end, value.removeprefix("backup ").removeprefix("protected ")) for end, value in sentence.tagged(after, "SUBJECT"))
        yield from _fill(slots, "per", named)


# --- names ---


def _names_at(sentence: Sentence, start: int, *, of_a_place: bool = False) -> Iterator[tuple[int, tuple[str, ...]]]:
    """One name, or several joined by `or`: `prod`, `prod or dr`, `prod, dr or archive`."""
    for position in sentence.starts(start):
        name = _name(sentence, position, of_a_place=of_a_place)
        if name is None:
            continue
        yield position + 1, (name,)
        for end, _ in sentence.tagged(position + 1, "OR"):
            for last, more in _names_at(sentence, end, of_a_place=of_a_place):
                yield last, (name, *more)
        if sentence.is_listed(position):
            for last, more in _names_at(sentence, position + 1, of_a_place=of_a_place):
                # A comma alone joins no names: what follows may be a clause of its own.
                if len(more) > 1:
                    yield last, (name, *more)


def _name(sentence: Sentence, position: int, *, of_a_place: bool = False) -> str | None:
    """A word to which nobody gave a meaning, a text in quotes, or a parameter."""
    if position >= len(sentence):
        return None
    word = sentence.words[position]
    if vocabulary.is_parameter(word) or (word[0] == '"' and len(word) > 1):
        return word
    if word[0] == "'":
        return vocabulary.quoted(word[1:-1])
    known = word.lower() in known_words() | DESCRIPTIONS or word.lower() in UNITS
    if (known and not (of_a_place and word.lower() in names_too())) or (_NUMBER.fullmatch(word) and not _ACCOUNT.fullmatch(word)):
        return None
    return word if vocabulary.is_plain(word) else None


def _names(slot: str) -> Part:
    def part(sentence: Sentence, start: int, slots: Slots) -> Found:
        return _fill(slots, slot, ((end, ALL.join(found)) for end, found in _names_at(sentence, start, of_a_place=True)))

    return part


def _places(sentence: Sentence, start: int) -> Iterator[tuple[int, Slots]]:
    """`vault prod or dr`, `default vault`; of `prod vault`, that the name is guessed."""
    for end, value in sentence.tagged(start, "DEFAULT_VAULT"):
        yield end, {"vault": value}
    for after, place in sentence.tagged(start, "PLACE"):
        for end, found in _names_at(sentence, after, of_a_place=True):
            yield end, {place: ALL.join(found)}
    name = _name(sentence, start)
    for end, found in _names_at(sentence, start) if name else ():
        # A Region's code and an account's number say what they are.
        kinds = {"Region" if one in REGIONS else "account" if _ACCOUNT.fullmatch(one) else "" for one in found}
        if len(kinds) == 1 and "" not in kinds:
            yield end, {kinds.pop(): ALL.join(found)}
    for end, place in sentence.tagged(start + 1, "PLACE") if name else ():
        yield end, {place: name or "", **_guess(name or "")}


def _guess(name: str) -> Slots:
    """A plain word before its noun may say of which kind a vault is; a hint may take it for its name."""
    return {} if _LOOKS_LIKE_A_NAME.fullmatch(name) else {"guessed": name}


def _place(prefix: str = "") -> Part:
    """Where something is, goes to, comes from or is not: the slot has that for a prefix."""

    def part(sentence: Sentence, start: int, slots: Slots) -> Found:
        for position in sentence.starts(start):
            for end, found in _places(sentence, position):
                own = {name if name == "guessed" else f"{prefix}{name}": value for name, value in found.items()}
                if not own.keys() & slots.keys():
                    yield end, {**slots, **own}

    return part


def _inventory(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`inventory prod`, `the prod inventory`."""
    for position in sentence.starts(start):
        for after, _ in sentence.tagged(position, "INVENTORY"):
            name = _name(sentence, after, of_a_place=True)
            yield from _fill(slots, "inventory", iter([(after + 1, name)] if name else []))
        name = _name(sentence, position)
        for end, _ in sentence.tagged(position + 1, "INVENTORY") if name and "guessed" not in slots else ():
            yield from _fill({**slots, **_guess(name or "")}, "inventory", iter([(end, name or "")]))


_TAG_KEY = re.compile(r"[\w.:/+@-]+", re.ASCII)


def _tag(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`Environment=prod`, `Environment = "prod"`, `Environment: prod or dev`."""
    if start + 2 >= len(sentence) or sentence.words[start + 1] not in {"=", "==", ":"}:
        return
    key = sentence.words[start]
    value = sentence.words[start + 2]
    if not (_TAG_KEY.fullmatch(key) or key[0] == '"') or not (vocabulary.is_plain(value) or vocabulary.is_parameter(value) or value[0] == '"'):
        return
    found = [(start + 3, value)]
    for after, _ in sentence.tagged(start + 3, "OR"):
        found += [(end, ALL.join([value, *more])) for end, more in _names_at(sentence, after)]
    for end, told in found:
        yield from _fill(slots, "tag", iter([(end, f"{key} {told}")]))


_OF_CALENDARS = frozenset({"each", "last", "on"})
"""Canonical sentences say these of days alone; everywhere else people do."""


@cache
def _canonical_words() -> frozenset[str]:
    """The words of canonical sentences, in small letters."""
    words = [
        *vocabulary.KEYWORDS,
        *vocabulary.STATES,
        *vocabulary.TYPES,
        *vocabulary.FIELDS,
        *vocabulary.PLACES,
        *vocabulary.SUBJECTS,
        *vocabulary.KINDS,
        "jobs",
    ]
    return frozenset(word.lower() for phrase in [*words, *vocabulary.PHRASES] for word in phrase.split()) - _OF_CALENDARS


@cache
def _field_names() -> frozenset[str]:
    return frozenset(name.lower() for name in vocabulary.FIELDS)


def is_prose(sentence: Sentence, position: int) -> bool:
    """Whether people say this word, and canonical sentences do not."""
    folded = sentence.folded[position]
    if folded in {"backup", "backups"}:
        return sentence.folded[position + 1 : position + 2] not in (["job"], ["jobs"])
    return folded in told_words() and folded not in _canonical_words() and folded not in ARTICLES


def is_unknown(sentence: Sentence, position: int) -> bool:
    """Whether nobody gave this word a meaning, and it stands where no name does."""
    word, folded = sentence.words[position], sentence.folded[position]
    if folded in known_words() | _canonical_words() | ARTICLES or folded in UNITS or folded in LONGER_UNITS or folded in NUMBERS or not word[0].isalpha():
        return False
    if folded in DESCRIPTIONS:
        return folded not in vocabulary.ABSENCES
    if folded in {"true", "false"} or folded.startswith("tags.") or sentence.folded[max(position - 1, 0)] in _field_names():
        return False
    before, behind = sentence.words[max(position - 1, 0) : position], sentence.words[position + 1 : position + 2]
    is_named = any(sentence.tagged(position - 1, tag) for tag in ("PLACE", "INVENTORY", "ROLE", "CONTAIN")) or before in (["="], ["or"], ["and"])
    return not is_named and behind != ["="] and not (position and sentence.is_listed(position - 1))


# --- nouns ---


def _types(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`EC2`, `RDS or EBS`, with or without what its resources are called: `RDS databases`; or that alone: `databases`."""
    for end, found in _type_list(sentence, start):
        for last, more in _fill(slots, "types", iter([(end, ALL.join(found))])):
            yield last, more
            for behind, cell in sentence.tagged(last, "RESOURCES_OF"):
                if set(found) <= {*_types_called(cell)}:
                    yield behind, more
    for position in sentence.starts(start):
        for end, cell in sentence.tagged(position, "RESOURCES_OF"):
            if meant := RESOURCE_NOUNS[cell][0]:
                # `choices` where there are several: which is meant is asked.
                yield from _fill(slots, "types" if ALL not in meant else "choices", iter([(end, meant)]))


def _types_called(cell: str) -> Iterator[str]:
    for names in RESOURCE_NOUNS[cell]:
        yield from phrases(names)


def _type_list(sentence: Sentence, start: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    for position in sentence.starts(start):
        for end, name in sentence.tagged(position, "TYPE"):
            yield end, (name,)
            for after in _joins(sentence, end):
                for last, more in _type_list(sentence, after):
                    yield last, (name, *more)


def _joins(sentence: Sentence, end: int) -> list[int]:
    """Where the next of a list begins; `and` joins what a rule says of each of them."""
    return [after for tag in ("OR", "AND") for after, _ in sentence.tagged(end, tag)] + ([end] if sentence.is_listed(end - 1) else [])


def _bads(sentence: Sentence, start: int, slots: Slots) -> Found:
    """`failed`, `failed, expired or aborted`."""
    return _fill(slots, "outcome", ((end, ALL.join(found)) for end, found in _bad_list(sentence, start)))


def _bad_list(sentence: Sentence, start: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    for position in sentence.starts(start):
        for end, state in sentence.tagged(position, "BAD"):
            yield end, (state,)
            for after in _joins(sentence, end):
                for last, more in _bad_list(sentence, after):
                    if "with_issues" not in (state, *more):
                        yield last, (state, *more)


def _issues(sentence: Sentence, start: int, slots: Slots) -> Found:
    there = sentence.folded[start : start + 1] in (["issues"], ["warnings"])
    return _fill(slots, "outcome", iter([(start + 1, "with_issues")] if there else []))


def _flag(tag: str, slot: str) -> Part:
    def part(sentence: Sentence, start: int, slots: Slots) -> Found:
        return _fill(slots, slot, ((end, "true") for end, _ in sentence.tagged(start, tag)))

    return part


def _tagged(tag: str, slot: str) -> Part:
    def part(sentence: Sentence, start: int, slots: Slots) -> Found:
        return _fill(slots, slot, iter(sentence.tagged(start, tag)))

    return part


def _except_types(sentence: Sentence, start: int, slots: Slots) -> Found:
    return _fill(slots, "not_types", ((end, ALL.join(found)) for end, found in _type_list(sentence, start)))


_BEHIND = "(IN place | (NOT IN | OUTSIDE) elsewhere | WITH? TAGGED tag | IN inventory)"
_EXCEPTION = "(EXCEPT (IN | FROM)? elsewhere | EXCEPT other_types)"
"""Stands last: `except EC2 in vault prod` would leave out less than `in vault prod except EC2`."""
_BEHIND_JOBS = (
    f"({_BEHIND} | FROM from_place | TO to_place | (OF | FOR | WITH) RESOURCE_TYPE? types | (BY | WITH) ROLE role_names"
    " | WITH issues | THAT? HAVE? (bads | GOOD | FAIL) | (IN | WITH) STATE OF? (bads | GOOD)"
    " | without_encryption)"
)
_NOUNS: Mapping[str, tuple[str, str]] = {
    "jobs": ("job_", f"(bads | GOOD | unencrypted)? types? (bads | GOOD)? kind {_BEHIND_JOBS}? {_BEHIND_JOBS}? {_BEHIND_JOBS}? {_BEHIND_JOBS}? {_EXCEPTION}?"),
    "subject": ("subject_", f"(types thing? | thing) {_BEHIND}? {_BEHIND}? {_BEHIND}? {_EXCEPTION}?"),
    "in_job_place": ("job_", "(IN place | TO to_place)"),
    "from_job_place": ("job_", "FROM from_place"),
}
"""`failed EC2 backups in vault prod`, `jobs with status failed or expired`, `RDS database in inventory prod`. Slots are their own and
have the prefix of the noun."""
_PARTS: Mapping[str, Part] = {
    "length": _length, "size": _size, "share": _share, "factor": _factor, "number": _number,
    "several": _several, "names": _names("names"), "role_names": _names("role"),
    "types": _types, "bads": _bads, "tag": _tag, "inventory": _inventory,
    "issues": _issues, "place": _place(), "from_place": _place("from_"), "to_place": _place("to_"), "elsewhere": _place("not_"), "other_types": _except_types,
    "unencrypted": _flag("UNENCRYPTED", "unencrypted"), "without_encryption": _flag("WITHOUT_ENCRYPTION", "unencrypted"), "kind": _tagged("JOBS", "kind"),
    "thing": _tagged("SUBJECT", "thing"), "when": when,
    **CALENDAR_PARTS,
}  # fmt: skip
_ASIDES: Sequence[Part] = [_window, _frequency, _per]
