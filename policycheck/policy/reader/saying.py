"""Canonical sentences from the slots of a pattern: every slot is used, or there is no sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import product

from msgspec import Struct

from policycheck.policy.model import LISTED_INVENTORY
from policycheck.policy.phrases import listed
from policycheck.policy.reader.hours import ways, ways_outside
from policycheck.policy.reader.matching import Slots
from policycheck.policy.reader.parts import ALL
from policycheck.policy.reader.pattern import Meaning
from policycheck.policy.vocabulary import PLACES, TYPES, quoted

_CALENDAR: Mapping[str, tuple[str, str, str]] = {"24h": ("1", "days", "7"), "7d": ("7", "weeks", "4")}
"""Of a frequency: its length in days, what it is in a calendar, and how many are proposed where none is said."""
_PLACEHOLDER = re.compile(r"\{(\w+)(!|-|\|[^}]*|\?[^}]*)?\}")
_COPIED_TO = {"account": "DestinationAccount", "Region": "DestinationRegion"}
_ASIDE = frozenset({"guessed", "looks_back"})
"""Slots that say how another is meant."""
_GOOD = frozenset({"", "clean", "COMPLETED"})
_IN_PROGRESS = frozenset({"CREATED", "PENDING", "RUNNING"})


_LEFT_OUT = {
    **dict.fromkeys(("window", "span", "deadline"), "the sentence does not say within what time"),
    "per": "the sentence does not say of what",
    "how": "the sentence does not say where it stands",
}
"""What a word that was put in answers."""


class Said(Struct, frozen=True):
    """One canonical sentence."""

    sentence: str
    asks: str
    """What tells it from others; empty where there are none."""
    assumed: str = ""
    """What it says and nobody typed: then it is proposed, and not accepted."""


def say(meaning: Meaning, slots: Slots) -> list[Said]:
    """The sentences of a meaning: none where a slot is left over or one is missing, several where a word has several meanings."""
    filler = _Filler(slots)
    parts: list[_Texts] = []
    assumed = [meaning.asks] if meaning.proposed else [f"'{slots['guessed']}' may be a name, or say of which kind it is"] if "guessed" in slots else []
    position = 0
    for placeholder in _PLACEHOLDER.finditer(meaning.says):
        parts.append([(meaning.says[position : placeholder.start()], "")])
        position = placeholder.end()
        name, mark = placeholder[1], placeholder[2] or ""
        if mark == "|clean" and slots.get("job_kind") == "job" and "job_outcome" not in slots:
            assumed.append("the sentence does not say which jobs count")
        found = filler.fill(name, mark[1:] if mark[:1] == "|" else "")
        if found == [("", "")] and mark[:1] == "?":
            found = [(mark[1:], "")]
            assumed.append(_LEFT_OUT.get(name, f"the sentence does not say: {mark[1:]}"))
        if mark == "-":
            found = [("", "")]
        if not found or (found == [("", "")] and mark == "!"):
            return []
        parts.append(found)
    parts.append([(meaning.says[position:], "")])
    if filler.unused:
        return []
    said = []
    for choice in product(*parts):
        text = re.sub(r"\s+", " ", "".join(part for part, _ in choice)).replace(" ,", ",").strip()
        asks = list(dict.fromkeys(filter(None, [meaning.asks, *(note for _, note in choice)])))
        said.append(Said(text, "; ".join(asks), "; ".join(assumed)))
    return said


_Texts = list[tuple[str, str]]
"""Ways to fill a placeholder, each with what tells it from the others; none: it cannot be filled."""
_NOTHING_SAID: _Texts = [("", "")]


class _Filler:
    """The placeholders of canonical sentences."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._used: set[str] = set()

    @property
    def unused(self) -> set[str]:
        """The slots that no placeholder has asked for."""
        return {name for name in self._slots if name not in self._used | _ASIDE}

    def fill(self, name: str, default: str) -> _Texts:
        """The ways to fill a placeholder; an empty text where nothing was said."""
        made = _MADE.get(name)
        return made(self, default) if made else [(self._slot(name) or default, "")]

    def _slot(self, name: str) -> str:
        self._used.add(name)
        return self._slots.get(name, "")

    def _kind(self) -> str:
        """What the jobs do; where it is not said, they are backup jobs."""
        kind = self._slot("job_kind")
        return "backup" if kind in {"", "job"} else kind

    # --- times ---

    def within(self, _: str) -> _Texts:
        """The window of the sentence."""
        window = self._slot("window")
        return [(f"within {window}" if window else "", "")]

    def deadline(self, _: str) -> _Texts:
        """A length of time that is not said to look back."""
        return [] if "looks_back" in self._slots else [(self._slot("window"), "")]

    def span(self, _: str) -> _Texts:
        window, frequency = self._slot("window"), self._slot("frequency")
        return [] if window and frequency else [(window or frequency, "")]

    def period(self, _: str) -> _Texts:
        """A time in which a frequency is kept several times."""
        frequency = self._slots.get("frequency", "")
        window = self._slot("window")
        return [(window or ("28d" if frequency.endswith("d") else "7d"), "")]

    def periods_of(self, _: str) -> _Texts:
        """The days of `daily`, the weeks of `weekly`: those that are said, or a few."""
        window, frequency = self._slot("window"), self._slot("frequency")
        one, unit, few = _CALENDAR.get(frequency, ("", "", ""))
        number = window.removesuffix("d")
        if not unit or not number.isdecimal():
            return [(f"{few} {unit}" if unit and not window else "", "")]
        return [(f"{int(number) // int(one)} {unit}" if int(number) % int(one) == 0 else "", "")]

    def in_zone(self, _: str) -> _Texts:
        """Where nothing is said, the canonical sentence says UTC."""
        zone = self._slot("zone")
        return [(f"in {zone}" if zone else "", "")]

    # --- jobs ---

    def jobs(self, default: str) -> _Texts:
        return self._noun("jobs", default)

    def job(self, default: str) -> _Texts:
        return self._noun("job", default)

    def job_alone(self, default: str) -> _Texts:
        """A job whose types and places are its subject's."""
        return self._noun("job", default, alone=True)

    def wanted(self, default: str) -> _Texts:
        """A job that is no bad one."""
        return self.job(default) if self._slots.get("job_outcome", "") in _GOOD else []

    def wanted_alone(self, default: str) -> _Texts:
        return self.job_alone(default) if self._slots.get("job_outcome", "") in _GOOD else []

    def missed(self, default: str) -> _Texts:
        """`no backups in the last 24 hours` may say what is wrong: that there are none."""
        outcome = self._slots.get("job_outcome", "")
        said = outcome or "window" in self._slots
        return self.job_alone(default) if outcome in _GOOD and said and "job_unencrypted" not in self._slots else []

    def in_progress(self, default: str) -> _Texts:
        """Jobs that have not ended."""
        return self.jobs(default) if set(self._slots.get("job_outcome", "").split(ALL)) <= _IN_PROGRESS else []

    def failed(self, _: str) -> _Texts:
        """Jobs whose state is said by a verb."""
        outcome, types = self._slot("outcome"), self._slot("types")
        if not outcome or self._slots.get("job_outcome") or (types and self._slots.get("job_types")):
            return []
        return self._noun("jobs", outcome, types)

    def still(self, _: str) -> _Texts:
        """Jobs that may not go on for so long."""
        return self.failed("") if set(self._slots.get("outcome", "").split(ALL)) <= _IN_PROGRESS else []

    def of_jobs(self, _: str) -> _Texts:
        """`for EC2 jobs in vault prod,`; nothing where all backup jobs are meant."""
        return [("" if text == "jobs" else f"for {text},", note) for text, note in self._noun("jobs", "")]

    def completed(self, _: str) -> _Texts:
        return [(f"for {text},", note) for text, note in self._noun("jobs", "COMPLETED")]

    def completed_if_kept(self, default: str) -> _Texts:
        return self.completed(default) if self._slots.get("field") == "Retention" else self.of_jobs(default)

    def _noun(self, noun: str, default: str, types: str = "", *, alone: bool = False) -> _Texts:
        outcome = self._slot("job_outcome") or default
        kind = self._kind()
        conditions: list[str] = []
        tested = kind == "restore test"
        if tested:
            if outcome not in {"FAILED", "clean"}:
                return []
            kind = "restore"
            if outcome == "clean":
                outcome, conditions = "", ["ValidationStatus SUCCESSFUL"]
        if outcome == "with_issues":
            outcome, conditions = "", [*conditions, "issues"]
        if outcome == "clean" and kind == "restore":
            outcome = "COMPLETED"
        if self._slot("job_unencrypted"):
            conditions.append("IsEncrypted false")
        state = listed(outcome.split(ALL)) if outcome else ""
        ends = [(state, conditions, "")]
        if tested and outcome:
            # A restore test fails where the restore job does, and where what was restored does not pass its validation.
            ends = [(state, conditions, "the restore job itself"), ("", [*conditions, "ValidationStatus FAILED"], "the validation of what was restored")]
        choices = _NOTHING_SAID if alone else self._types("job_", types)
        places = [([], [], "")] if alone else self._places("job_", kind)
        role = self._slot("job_role")
        others = [] if alone else [*self._other_types("job_"), *self._tags("job_")]
        others += [f"IamRoleName {_names(role)}"] if role else []
        found = []
        for (ended, ending, which), (typed, told), (where, having, note) in product(ends, choices, places):
            behind = [*ending, *having, *others]
            kind_word = "" if kind == "backup" else kind
            text = " ".join(filter(None, [ended, typed, kind_word, noun, *where, f"with {' and '.join(behind)}" if behind else ""]))
            found.append((text, "; ".join(filter(None, [which, told, note]))))
        return found

    # --- resources ---

    def subject(self, _: str) -> _Texts:
        """`RDS resource in inventory prod in vault dr`"""
        return self._subject("subject_", "")

    def subjects(self, _: str) -> _Texts:
        """Several of them: `RDS resources in inventory prod`."""
        return self._subject("subject_", "s")

    def subject_of_jobs(self, _: str) -> _Texts:
        return self._subject("job_", "")

    def _subject(self, prefix: str, plural: str) -> _Texts:
        thing, inventory = self._slot(f"{prefix}thing") or "resource", self._slot(f"{prefix}inventory")
        if thing == "backup vault":
            return []
        if thing == "protected resource":
            if inventory:
                return []
            thing, inventory = "resource", LISTED_INVENTORY
        conditions = [*self._other_types(prefix), *self._tags(prefix)]
        listed_in = [f"in inventory {inventory}"] if inventory else []
        found = []
        for (typed, note), (where, having, told) in product(self._types(prefix, ""), self._places(prefix, "backup")):
            behind = [*having, *conditions]
            text = " ".join(filter(None, [typed, thing + plural, *listed_in, *where, f"with {' and '.join(behind)}" if behind else ""]))
            found.append((text, "; ".join(filter(None, [note, told]))))
        return found

    def _types(self, prefix: str, others: str) -> _Texts:
        """The types of a noun; several where what its resources are called says no single one."""
        types, choices = self._slot(f"{prefix}types") or others, self._slot(f"{prefix}choices")
        if types and choices:
            return []
        if choices:
            names = [_type(name) for name in choices.split(ALL)]
            return [(listed(names), "all of these"), *((name, f"{name} alone") for name in names)]
        return [(listed([_type(name) for name in types.split(ALL)]) if types else "", "")]

    def _other_types(self, prefix: str) -> list[str]:
        types = self._slot(f"{prefix}not_types")
        return [f"ResourceType not {' or '.join(_type(name) for name in types.split(ALL))}"] if types else []

    def _places(self, prefix: str, kind: str) -> list[tuple[list[str], list[str], str]]:
        """Where jobs are, are not, come from and go to: places, conditions, and what tells one choice from the other."""
        here, elsewhere, source, target = ({word: self._slot(f"{prefix}{which}{word}") for word in PLACES} for which in ("", "not_", "from_", "to_"))
        if kind != "copy":
            # A backup is where it was made; what goes anywhere else is a copy.
            if any(here[word] and value for word, value in [*source.items(), *target.items()]) or target["account"] or target["Region"] or target["plan"]:
                return []
            inside = [f"in {word} {_names(here[word] or source[word] or target[word])}" for word in PLACES if here[word] or source[word] or target[word]]
            return [([*inside, *(f"not in {word} {_names(value)}" for word, value in elsewhere.items() if value)], [], "")]
        if here["vault"] or source["vault"] or target["vault"] or any(elsewhere.values()) or source["plan"] or target["plan"]:
            return []
        sides = [f"{PLACES[word]} {_names(value)}" for word, value in source.items() if value]
        sides += [f"{_COPIED_TO[word]} {_names(value)}" for word, value in target.items() if value]
        plan = [f"in plan {_names(here['plan'])}"] if here["plan"] else []
        asked = [(word, here[word]) for word in _COPIED_TO if here[word]]
        if len(asked) > 1:
            return []
        if not asked:
            return [(plan, sides, "")]
        word, value = asked[0]
        return [
            (plan, [*sides, f"{_COPIED_TO[word]} {_names(value)}"], f"the {word} they are copied to"),
            (plan, [*sides, f"{PLACES[word]} {_names(value)}"], f"the {word} they are copied from"),
        ]

    def _tags(self, prefix: str) -> list[str]:
        tag = self._slot(f"{prefix}tag")
        if not tag:
            return []
        key, _, value = tag.partition(" ")
        return [f"Tags.{key} {_names(value)}"]

    # --- what is asked ---

    def ends_well(self, _: str) -> _Texts:
        kind = self._kind()
        if kind == "restore test" or self._slots.get("job_outcome"):
            return []
        self._slot("outcome")
        return [("Status must be COMPLETED" if kind == "restore" else "Outcome must be clean", "")]

    def is_completed(self, _: str) -> _Texts:
        if self._kind() == "restore test" or self._slots.get("job_outcome"):
            return []
        return [(f"{'Status' if self._kind() == 'restore' else 'State'} must be COMPLETED", "")]

    def ended_in(self, _: str) -> _Texts:
        """`backups must succeed within 4 hours` may say how long each takes."""
        limit = "" if "looks_back" in self._slots or self._slots.get("job_outcome") else self._slot("window")
        self._slot("outcome")
        return [(f"{text} duration must be at most {limit}", note) for text, note in self.of_jobs("")] if limit else []

    def failing(self, _: str) -> _Texts:
        """How a share of jobs ends of which it is not said already."""
        return [] if self._slots.get("job_outcome") else [(self._slot("outcome"), "")]

    def good(self, _: str) -> _Texts:
        if self._slots.get("job_outcome"):
            return []
        outcome = self._slot("outcome") or "clean"
        return [("COMPLETED" if outcome == "clean" and self._kind() == "restore" else listed(outcome.split(ALL)), "")]

    def bound(self, _: str) -> _Texts:
        return [(self._slot("order").replace("less than", "fewer than"), "")]

    def per(self, default: str) -> _Texts:
        thing = self._slot("per") or default
        return [(f"per {thing}" if thing else "", "")]

    def measured(self, _: str) -> _Texts:
        """What an amount alone is of."""
        return [("size" if self._slots.get("size") else "duration", "")]

    def amount(self, _: str) -> _Texts:
        length, size = self._slot("length"), self._slot("size")
        return [(length or size, "")]

    def backwards(self, _: str) -> _Texts:
        """A limit without `must`, the wrong way round for what is measured: `duration > 4h` may say what is wrong."""
        wrong = {"more than": "at most", "at least": "less than", "less than": "at least", "at most": "more than"}
        upper = self._slots.get("field") in {"Duration", "StartDelay"}
        order = self._slot("order")
        return [(wrong[order], "")] if (order in {"more than", "at least"}) == upper else []

    def named(self, _: str) -> _Texts:
        return [(_names(self._slot("names")), "")]

    def one_of(self, _: str) -> _Texts:
        names = self._slot("names").split(ALL)
        return [(f"{'one of ' if len(names) > 1 else ''}{', '.join(names)}", "")]

    def goes_to(self, _: str) -> _Texts:
        """Where jobs write to: backups to a vault, copies to an account or a Region."""
        return self._must_be({"vault": "vault"}, _COPIED_TO)

    def made_in(self, _: str) -> _Texts:
        """Where backups are made."""
        return self._must_be({"account": "Account", "Region": "Region"}, {})

    def comes_from(self, _: str) -> _Texts:
        """Where copies are made from; only they come from anywhere."""
        return self._must_be({}, {"account": "Account", "Region": "Region"})

    def _must_be(self, of_backups: Mapping[str, str], of_copies: Mapping[str, str]) -> _Texts:
        known = of_copies if self._kind() == "copy" else of_backups
        said = [(word, self._slot(word)) for word in PLACES if self._slots.get(word)]
        if len(said) != 1 or said[0][0] not in known:
            return []
        word, value = said[0]
        values = value.split(ALL)
        return [(f"{known[word]} must be {'one of ' if len(values) > 1 else ''}{', '.join(values)}", "")]

    def a_copy(self, _: str) -> _Texts:
        """A copy job of which nothing more is said; of backups in another place, copies are meant."""
        kind, outcome = self._kind(), self._slot("job_outcome") or "clean"
        return [("COMPLETED copy job", "")] if kind in {"backup", "copy"} and outcome in {"clean", "COMPLETED"} else []

    def held_vault(self, _: str) -> _Texts:
        """A vault as the list of vaults has it."""
        return [("backup vault", "")] if self._slot("subject_thing") in {"vault", "backup vault"} else []

    def locked(self, _: str) -> _Texts:
        return [("true" if self._slot("lock") == "LOCKED" else "false", "")]

    def of_vaults(self, _: str) -> _Texts:
        """Nothing to say where all vaults are meant."""
        return [("VaultLockState", "")] if self._slot("subject_thing") == "vault" else []

    def destination(self, _: str) -> _Texts:
        said = [(word, self._slot(word)) for word in PLACES if self._slots.get(word)]
        if len(said) != 1 or said[0][0] not in _COPIED_TO or self._kind() != "backup":
            return []
        return [(f"{_COPIED_TO[said[0][0]]} {_names(said[0][1])}", "")]

    def vault_alone(self, _: str) -> _Texts:
        vault = self._slot("vault")
        return [(f"in vault {_names(vault)}", "")] if vault else []

    def types_of_jobs(self, _: str) -> _Texts:
        return self._types("job_", "") if self._kind() == "backup" else []

    def places_of_jobs(self, _: str) -> _Texts:
        return [(" ".join(where), note) for where, _, note in self._places("job_", "backup")]


def _names(value: str) -> str:
    return " or ".join(value.split(ALL))


def _type(name: str) -> str:
    return name if name in TYPES else quoted(name)


_MADE: Mapping[str, Callable[[_Filler, str], _Texts]] = {
    **{name: method for name, method in vars(_Filler).items() if callable(method) and not name.startswith("_") and name != "fill"},
    "when": lambda filler, _: ways(filler._slot("when")),
    "outside": lambda filler, _: ways_outside(filler._slot("when")),
}
"""What fills a placeholder that is more than a slot, by its name."""


def spelled(said: Sequence[Said]) -> str:
    """The proposals of a hint, each in backticks, with what tells it from the others."""
    told = len({one.asks for one in said}) > 1
    return "; or ".join(f"`{one.sentence}`" + (f" ({one.asks})" if one.asks and told else "") for one in said)
