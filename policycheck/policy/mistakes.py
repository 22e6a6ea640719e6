"""What a sentence that does not parse was probably meant to say: the parser knows the place and what could stand there, the rest is guessed from the words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policycheck.datasets import RESOURCE_TYPES
from policycheck.policy import vocabulary
from policycheck.policy.conditions import nearest
from policycheck.policy.leading_jobs import expected_words
from policycheck.policy.operators import spell_orders
from policycheck.text import clean_line, truncate

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

_SHOWN = 60
_REPEATED = 160


@dataclass(frozen=True, slots=True)
class Mistake:
    """Offsets into the sentence (the end exclusive), what is wrong, what to write instead."""

    start: int
    end: int
    message: str
    hint: str = ""


def explain(sentence: str, error: UnexpectedInput) -> Mistake:
    """The mistake behind a parser error."""
    token = getattr(error, "token", None)
    start = error.pos_in_stream if error.pos_in_stream is not None and error.pos_in_stream >= 0 else len(sentence)
    accepted = sorted(str(name) for name in getattr(error, "accepts", None) or getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    stopped, (start, expected) = start, expected_words(sentence, start, accepted)
    chunk = next(iter(sentence[start:].split(maxsplit=1)), "")
    if not chunk or (start == stopped and getattr(token, "type", "") == "$END"):
        return Mistake(len(sentence), len(sentence) + 1, "the sentence ends too early", _spell_kind(sentence.split(), expected) or _list_expected(expected))
    # A quoted value is one word; a comma ends a word but is one where nothing else stands.
    word = max(str(token or "") if sentence.startswith(str(token), start) else "", chunk.rstrip(",") or ",", key=len)
    spot = _Spot(sentence, start, word, expected)
    found = next((mistake for guess in _GUESSES if (mistake := guess(spot)) is not None), None)
    return found or spot.misfit(_suggest(spot))


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a sentence stopped making sense."""

    sentence: str
    start: int
    word: str
    expected: Sequence[str]

    @property
    def before(self) -> str:
        return self.sentence[: self.start].rstrip()

    @property
    def previous(self) -> str:
        """The word before, as written; empty at the start and after a comma."""
        words = self.before.split()
        return words[-1] if words and not words[-1].endswith(",") else ""

    @property
    def following(self) -> str:
        """The word after, as written; empty at the end."""
        return next(iter(self.sentence[self.start + len(self.word) :].split(maxsplit=1)), "")

    @property
    def is_short(self) -> bool:
        """Whether a hint may repeat the sentence: it is one short line of printable characters."""
        return len(self.sentence) <= _REPEATED and clean_line(self.sentence) == self.sentence

    def misfit(self, hint: str) -> Mistake:
        return Mistake(self.start, self.start + len(self.word), f"{_shown(self.word)} does not fit here", hint)


def _shown(word: str) -> str:
    return f"'{truncate(clean_line(word), _SHOWN)}'"


_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_TIME_UNITS = {word: unit for unit, word in {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}.items()}
_SHORT_UNITS = {"s": "s", "sec": "s", "secs": "s", "m": "m", "min": "m", "mins": "m", "h": "h", "hr": "h", "hrs": "h", "d": "d", "w": "w"}
_SIZE_UNIT = re.compile(r"(?:[kKMGTP]i?)?B")
_PERCENT = re.compile(r"%|(?:percent|per\s+cent|pct)\b", re.ASCII | re.IGNORECASE)
_IN_TIME = re.compile(r"(\d{1,9})\s*([a-z]+)(?![^\s,])", re.ASCII | re.IGNORECASE)
_A_DURATION = "A duration is one number and one unit: 90s, 90m, 24h, 7d or 2w."


def _guess_split_unit(spot: _Spot) -> Mistake | None:
    """24 hours, 1 GiB, 24 parsecs."""
    if not _NUMBER.fullmatch(spot.previous):
        return None
    number, word = spot.previous, spot.word.lower()
    start = spot.start - (len(spot.sentence[: spot.start]) - len(spot.before)) - len(number)
    end = spot.start + len(spot.word)
    unit = _TIME_UNITS.get(word.removesuffix("s")) or _SHORT_UNITS.get(word)
    written = _shown(f"{number} {spot.word}")
    if spot.previous.isascii() and (percent := _PERCENT.match(spot.sentence, spot.start)):
        return Mistake(start, percent.end(), f"{_shown(f'{number} {percent[0]}')}: a share is one word", f"Did you mean {number}%?")
    if unit:
        return Mistake(start, end, f"{written} is two words", f"Did you mean {number}{unit}?")
    if _SIZE_UNIT.fullmatch(spot.word):
        return Mistake(start, end, f"{written} is two words", f"Did you mean {number}{spot.word}?")
    if spot.before.lower().split()[-2:-1] == ["within"] and spot.word[:1].isalpha() and not _is_known(spot.word):
        return Mistake(start, end, f"{written} is not a duration", _A_DURATION)
    return None


def _guess_window(spot: _Spot) -> Mistake | None:
    """In 24h, in 7 days."""
    found = _IN_TIME.match(spot.sentence, spot.start) if spot.previous.lower() == "in" and "PLACE" in spot.expected else None
    if found is None:
        return None
    word = found[2].lower()
    unit = _TIME_UNITS.get(word.removesuffix("s")) or _SHORT_UNITS.get(word)
    return spot.misfit(f"A window is written: within {found[1]}{unit}") if unit else None


def _guess_comparison(spot: _Spot) -> Mistake | None:
    if spot.word.lower() == "than" and spot.before.lower().split()[-2:-1] == ["go"]:
        return spot.misfit("Write: may go longer than 26h without a clean job.")
    if spot.word.lower() == "than" or spot.word.strip("<>=") == "":
        return spot.misfit(f"Compare with {spell_orders()}." if spot.word not in {"=", "=="} else "Write must be.")
    return None


def _guess_field(spot: _Spot) -> Mistake | None:
    """start delay, IAM role name, message category: a field's name taken apart."""
    if spot.word.startswith("Tags") and "NAME" in spot.expected:
        return spot.misfit('A tag is written Tags.Environment; quote a key that is not one word: Tags."Cost Center".')
    words = list(_WORD.finditer(spot.sentence))
    here = next((index for index, word in enumerate(words) if word.start() <= spot.start < word.end()), None)
    if here is None or not ("NAME" in spot.expected or _is_field(words[here - 1][0] if here else "")):
        return None
    spans = [(first, last) for first in range(max(here - 2, 0), here + 1) for last in range(here, min(here + 3, len(words))) if first < last]
    for first, last in sorted(spans, key=lambda span: span[0] - span[1]):
        name = _field_named("".join(word[0] for word in words[first : last + 1]))
        if name:
            start, end = words[first].start(), words[last].end()
            return Mistake(start, end, f"there is no field {_shown(spot.sentence[start:end])}", f"Did you mean {name}?")
    return None


_WORD = re.compile(r"[^\s,]+")
_LAST_PARTS = {name.rpartition(".")[2].lower(): name for name in reversed(vocabulary.FIELDS)}


def _field_named(joined: str) -> str:
    """The field whose name, or the end of it, these letters spell."""
    folded = joined.lower()
    ends = [part for part in _LAST_PARTS if part.endswith(folded)]
    return _LAST_PARTS[min(ends, key=len)] if ends and len(folded) > 5 else ""


def _is_field(word: str) -> bool:
    return word in vocabulary.FIELDS or any(word.lower() == phrase.lower().split()[-1] for phrase in vocabulary.PHRASES)


_QUOTES = "'\u2018\u2019\u201c\u201d\u201e\u00ab`"


def _guess_quotes(spot: _Spot) -> Mistake | None:
    if spot.word[0] in _QUOTES:
        return spot.misfit('A value is quoted with straight double quotes: "prod".')
    if spot.word[0] == '"' and spot.sentence.count('"', spot.start) == 1:
        return Mistake(spot.start, len(spot.sentence), "the quoted value is not closed", 'Close it with ". Inside it, double a double quote.')
    return None


def _guess_parameter(spot: _Spot) -> Mistake | None:
    return spot.misfit("A parameter replaces a whole value: put the whole value into it.") if "${" in spot.word else None


def _guess_order(spot: _Spot) -> Mistake | None:
    """Words that are known, where they do not belong."""
    word, expected = spot.word, spot.expected
    long_type = next((name for name in RESOURCE_TYPES if " " in name and name.split()[0].lower() == word.lower()), "")
    if long_type and "TYPE" in expected:
        return spot.misfit(f'A name of several words needs double quotes: "{long_type}".')
    if word.lower() == "overdue":
        return spot.misfit("Write: no job may be overdue")
    if not spot.before and (word.upper() in vocabulary.STATES or word.lower() in {"clean", "job", "jobs"} or word in vocabulary.TYPES):
        return spot.misfit("A rule begins with 'no', 'every', 'at least', 'at most', 'the latest', 'for' or a field: no FAILED jobs within 24h")
    if word.upper() in vocabulary.STATES and "JOB" in expected:
        return spot.misfit("Put the state before the resource type: no FAILED EC2 jobs")
    if word.lower() in {"the", "last", "past", "previous"} and "PLACE" in expected:
        return spot.misfit("A window is written: within 24h")
    if word.lower() in {"in", "with", "not"} and spot.before.lower().split()[-2:-1] == ["within"]:
        return spot.misfit("Put the window last: in vault prod within 24h")
    if word.lower() == "not" and spot.previous.lower() == "be":
        return spot.misfit("Did you mean must not be?")
    return None


_EACH_JOB = re.compile(r"(for (?P<clause>.+), )?(?:every|all) (?P<jobs>.*?\bjobs?\b.*?) must be (?P<values>.+)", re.IGNORECASE)
_OVERDUE = re.compile(r"for (?P<jobs>.+?)(?P<window> within \S+)?, no jobs? may be overdue(?P<last> within \S+)?", re.IGNORECASE)
_LATE_WINDOW = re.compile(r"for (?P<jobs>.+?), (?P<rest>(?:no jobs? may|every job must) have .+)", re.IGNORECASE)
_STATE = f"(?:{'|'.join(vocabulary.STATES)})"
_OUTCOMES = re.compile(rf"(?P<outcomes>clean|{_STATE}(?:(?:,| or) {_STATE})*)(?P<window> within \S+)?", re.ASCII | re.IGNORECASE)
_ADJECTIVES = {"locked": "VaultLockState must be LOCKED", "unlocked": "VaultLockState must be UNLOCKED", "encrypted": "IsEncrypted must be true"}


def _guess_each_job(spot: _Spot) -> Mistake | None:
    """What is asked of each job in the words of something else: every job must be COMPLETED."""
    word, behind = spot.word.lower(), spot.before.lower().split()
    asked = spot.following.lower() if word == "be" else word if behind[-1:] == ["be"] else ""
    if word == "all" and not behind and " must be " in spot.sentence:
        asked = spot.sentence.lower().rpartition(" ")[2]
    if asked in _ADJECTIVES:
        forbidden = spot.sentence.lower().startswith("no ") and asked != "encrypted"
        return spot.misfit(f"Compare a field, for example: {f'no jobs with VaultLockState {asked.upper()}' if forbidden else _ADJECTIVES[asked]}")
    every = _EACH_JOB.fullmatch(spot.sentence) if spot.is_short and (word in {"all", "be"} or spot.expected == ["FOLLOWED"]) else None
    if every and (values := _OUTCOMES.fullmatch(every["values"])):
        return spot.misfit(f"Write: {_say_of_each(every, values)}")
    if (every and word == "be") or spot.expected == ["FOLLOWED"]:
        return spot.misfit("Name the field: State must be COMPLETED")
    if word == "all" and not behind:
        return spot.misfit("A rule about resources begins with every: every resource must have a clean job within 24h, for example.")
    if word == "be" and spot.expected == ["HAVE"] and behind[-1:] == ["may"]:
        overdue = _OVERDUE.fullmatch(spot.sentence) if spot.is_short else None
        jobs = re.sub(r"\bjobs\b", "job", overdue["jobs"], count=1) if overdue else "job"
        window = (overdue["window"] or overdue["last"] or "") if overdue else ""
        return spot.misfit(
            f"Write: no {jobs} may be overdue{window}" if asked == "overdue" else "Write have and a field: for jobs, no job may have State FAILED"
        )
    if word == "have" and {"BE", "START"} <= {*spot.expected} and behind[-1:] == ["may"]:
        return spot.misfit("Write: no jobs with issues")
    if word == "within" and behind[:1] == ["for"] and "have" in behind:
        late = _LATE_WINDOW.fullmatch(spot.before) if spot.is_short and spot.following else None
        if late and re.search(r"\bwithin\b", late["jobs"], re.IGNORECASE):
            return spot.misfit("The for clause already has a window: omit one.")
        moved = f"for {late['jobs']} within {spot.following}, {late['rest']}" if late else "for jobs within 1d, no job may have issues"
        return spot.misfit(f"Put the window before the comma: {moved}")
    return None


def _say_of_each(every: re.Match[str], values: re.Match[str]) -> str:
    """The rule on each job that `every job must be COMPLETED within 24h` means."""
    jobs = re.sub(r"\bjob\b", "jobs", every["jobs"], count=1)
    clause = every["clause"] or ("" if jobs.lower() == "jobs" else jobs)
    if values["outcomes"].lower() == "clean":
        must = "Outcome must be clean"
    else:
        must = f"{'Status' if 'restore jobs' in clause.lower() else 'State'} must be {values['outcomes'].upper().replace(' OR ', ' or ')}"
    return f"{f'for {clause}, ' if clause else ''}{must}{values['window'] or ''}"


_KIND_OF = {"backups": "backup", "copies": "copy", "restores": "restore"}


def _guess_kind(spot: _Spot) -> Mistake | None:
    """A backup, copies: jobs without the word."""
    if "KIND" in spot.expected and spot.word.lower() in _KIND_OF:
        return spot.misfit(f"Did you mean {_KIND_OF[spot.word.lower()]} jobs?")
    hint = _spell_kind(spot.before.split(), spot.expected)
    return spot.misfit(hint) if hint else None


def _spell_kind(behind: Sequence[str], expected: Sequence[str]) -> str:
    """How to write the jobs that a kind alone is meant to be; empty where the last word is no kind."""
    kind = behind[-1].lower() if behind else ""
    if kind not in vocabulary.KINDS or list(expected) != ["JOB"]:
        return ""
    noun, outcome = ("job", "clean") if kind == "backup" else (f"{kind} job", "COMPLETED")
    # The words from the last article on: a COMPLETED EC2 backup.
    first = next((index for index in range(len(behind) - 2, -1, -1) if behind[index].lower() in {"a", "an", "every"} or _NUMBER.fullmatch(behind[index])), None)
    said = behind[first:-1] if first is not None else behind[-2:-1]
    if first is None or not all(_is_known(word.rstrip(",")) for word in said[1:]):
        return f"Write: {' '.join([*filter(_is_known, behind[-2:-1]), noun])}s"
    article = "a" if said[0].lower() == "an" and len(said) == 1 else said[0]
    plural = "s" if _NUMBER.fullmatch(article) else ""
    return f"Write: {' '.join([article, *(said[1:] or [outcome]), noun])}{plural}"


def _guess_group(spot: _Spot) -> Mistake | None:
    """What is asked of subjects, in the words of jobs, or the other way round."""
    word, behind = spot.word.lower(), spot.before.lower().split()
    if word == "inventory" and "PLACE" in spot.expected:
        return spot.misfit("Put the inventory after its subject: every resource in inventory prod; for jobs, write: with in_inventory prod")
    if behind[:1] == ["every"] and behind[-1:] == ["must"]:
        if word == "have" and "BE" in spot.expected:
            return spot.misfit("Fields are compared for jobs, for example: for jobs, every job must have IsEncrypted true")
        if word == "be" and "HAVE" in spot.expected:
            return spot.misfit("A resource must have something: every resource must have a clean job within 24h, for example.")
    if (word == "no" and "A" in spot.expected) or (word == "within" and "TAKING" in spot.expected):
        return spot.misfit("To forbid jobs, begin with no, for example: no FAILED jobs within 7d")
    return None


def _guess_list(spot: _Spot) -> Mistake | None:
    """Lists and alternatives joined with the wrong word."""
    word, behind = spot.word.lower(), spot.sentence[spot.start + len(spot.word) :].lstrip().lower()
    is_value = bool(spot.previous) and not _is_known(spot.previous)
    if (word == "and" and "OR" in spot.expected) or (word == "," and is_value and "within" not in spot.before.lower().split()[-2:]):
        return spot.misfit("Join values with or.")
    if word == "or" and "with" in spot.before.lower().split():
        return spot.misfit("Put a comma before or: (A, or B)" if "COMMA" in spot.expected else "Put alternatives in parentheses: with (A, or B)")
    if spot.before.endswith(",") and "NAME" in spot.expected and behind.startswith((",", "or ")):
        return spot.misfit("The comma ends the for clause; join values in it with or.")
    if spot.before.lower().startswith("for ") and "COMMA" in spot.expected and (spot.word in vocabulary.FIELDS or word in {"every", "no", *_PHRASE_STARTS}):
        return spot.misfit("A comma ends the for clause.")
    return None


_PHRASE_STARTS = frozenset(phrase.lower().split()[0] for phrase in vocabulary.PHRASES)


def _guess_value(spot: _Spot) -> Mistake | None:
    """A value that needs quotes: it is a keyword, or several words."""
    if "WORD" in spot.expected and spot.word.lower() in vocabulary.QUOTED_WORDS:
        return spot.misfit(f'Expected a value. Quote a keyword as a value: "{spot.word}".')
    if spot.previous and not _is_known(spot.previous) and vocabulary.is_plain(spot.previous) and not _is_known(spot.word) and spot.word[0].isalnum():
        return spot.misfit(f"{_list_expected(spot.expected)} A value of several words needs double quotes.".strip())
    return None


_KNOWN = frozenset(
    word.lower()
    for word in [
        *vocabulary.KEYWORDS,
        *vocabulary.SUBJECTS,
        *vocabulary.STATES,
        *vocabulary.TYPES,
        *vocabulary.PLACES,
        *vocabulary.KINDS,
        *vocabulary.FIELDS,
        "jobs",
        "runs",
        "clean",
    ]
    + [part for phrase in (*vocabulary.PHRASES, *vocabulary.THINGS) for part in phrase.split()]
)


def _is_known(word: str) -> bool:
    return word.lower() in _KNOWN


_GUESSES: Sequence[Callable[[_Spot], Mistake | None]] = (
    _guess_parameter, _guess_quotes, _guess_split_unit, _guess_window, _guess_comparison, _guess_field, _guess_kind, _guess_each_job,
    _guess_group, _guess_order, _guess_list, _guess_value,
)  # fmt: skip

_WORDS_OF: dict[str, Sequence[str]] = {
    "STATE": vocabulary.STATES,
    "TYPE": vocabulary.TYPES,
    "PLACE": tuple(vocabulary.PLACES),
    "SUBJECT": tuple(vocabulary.SUBJECTS),
    "KIND": tuple(vocabulary.KINDS),
    "PHRASE": tuple(vocabulary.PHRASES),
    "NAME": vocabulary.FIELDS,
    "JOB": ("jobs", "job"),
    "RUN": ("run", "runs"),
    "A": ("a", "an"),
}
_DESCRIBED = {
    "STATE": ("a state",),
    "TYPE": ("a resource type",),
    "PLACE": ("vault", "plan", "Region", "account"),
    "SUBJECT": ("a subject (resource, vault, plan, account, Region, type)",),
    "KIND": ("'copy'", "'restore'"),
    "THING": (),
    "PHRASE": ("a field",),
    "NAME": ("a field",),
    "JOB": ("'jobs'",),
    "WORD": ("a value",),
    "STRING": (),
    "PARAM": (),
    "LPAR": ("'('",),
    "RPAR": ("')'",),
    "COMMA": ("a comma",),
    "$END": ("the end",),
}


_ANY_OF_THEM = frozenset("any every each all some an a the my our this that these those which".split())


def _suggest(spot: _Spot) -> str:
    known = [text for name in spot.expected for text in _WORDS_OF.get(name, () if name in _DESCRIBED else (name.lower(),))]
    # What is close to a word of three letters is chance.
    near = nearest(spot.word, known) if len(spot.word) > 3 else ""
    if spot.expected == ["PLACE"] and spot.word.lower() in _ANY_OF_THEM:
        return "Name the vault, Region or account: in vault prod. To mean all of them, omit it."
    if not near and spot.expected == ["PLACE"] and vocabulary.is_plain(spot.word):
        return f"Say what it names: in vault {spot.word}, or in plan, in Region, in account."
    return f"Did you mean {f'{near} jobs' if near in vocabulary.KINDS else near}?" if near else _list_expected(spot.expected)


def _list_expected(expected: Sequence[str]) -> str:
    """Keywords first, then kinds of words, the end last."""
    if {"AT", "FEWER"} <= set(expected):
        # The four bounds of a number.
        expected = ["at least", "at most", *(name for name in expected if name not in {"AT", "FEWER", "LESS", "MORE"})]
    if "SUBJECT" in expected:
        # The fields that make groups have words, but for a few.
        expected = [name for name in expected if name != "NAME"]
    words = list(dict.fromkeys(word for name in expected for word in _DESCRIBED.get(name, (f"'{name.lower()}'",))))
    words.sort(key=lambda word: (word == "the end", not word.startswith("'")))
    return f"Expected {', '.join(words[:-1]) + ' or ' if len(words) > 1 else ''}{words[-1]}." if words else ""
