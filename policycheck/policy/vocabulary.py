"""The words of a sentence: keywords, states, types, places and the few English names of fields. The grammar's terminals are made from these."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from policycheck.datasets import DATASETS, JOB_LISTS, RESOURCE_TYPES, TAGS, Dataset
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.measures import SHAPES
from policycheck.policy.operators import LOWER_BOUNDS, OPERATORS, UPPER_BOUNDS

_OF_OPERATORS = [definition for definition in OPERATORS.values() if definition.test]
_OWN_WORDS = (
    "absent and be by every fewer followed for have in inventory issues job last longer may must no not of one or overdue per present recovered run scheduled "
    "than there unless warning with within "
    # when: local times
    "after before between created end on start to"
).split()
"""The keywords that sentence.lark names; operators and the sentences of measures bring their own."""
_OF_MEASURES = [rule for shape in SHAPES.values() for rule in (*shape.sentences.values(), *shape.quantities)]
_WORDS_OF_MEASURES = [word.lower() for rule in _OF_MEASURES for word in re.findall(r"\b[A-Z]{2,}\b", rule)]
_WORDS_OF_OPERATORS = [word for definition in _OF_OPERATORS for word in f"{definition.test} {definition.verb}".split()]
KEYWORDS = sorted({*_OWN_WORDS, *_WORDS_OF_MEASURES, *_WORDS_OF_OPERATORS})

PLACES: Mapping[str, str] = {"vault": "BackupVaultName", "plan": "CreatedBy.BackupPlanName", "Region": "Region", "account": "Account"}
"""What `in vault prod` compares."""

SUBJECTS: Mapping[str, str] = {
    "resource": "ResourceArn",
    "vault": "BackupVaultArn",
    "plan": "CreatedBy.BackupPlanArn",
    "account": "Account",
    "Region": "Region",
    "type": "ResourceType",
}
"""What `every vault` and `per vault` group by; every other field of a group goes by the API's name. The vault is the list's own: of a copy job
the one it copies from."""

PHRASES: Mapping[str, str] = {
    "IAM role": "IamRoleArn",
    "vault": "BackupVaultName",
    "status message": "StatusMessage",
    "duration": "Duration",
    "size": "BackupSizeInBytes",
}
"""The closed list of English names; every other field goes by the API's name."""

KINDS: Mapping[str, str] = {dataset.kind: name for name, dataset in JOB_LISTS.items()}
"""What may stand before `job`."""
THINGS: Mapping[str, str] = {dataset.noun: name for name, dataset in DATASETS.items() if dataset.of_state}
"""What stands in the place of `copy job` in sentences on lists of what there is."""

UNITS: Mapping[str, CalendarUnit] = {word: unit for unit in CalendarUnit for word in (unit.value, unit.one)}
"""What is counted of a calendar."""

STATES: tuple[str, ...] = tuple(dict.fromkeys(state for dataset in DATASETS.values() for state in dataset.named_states))
TYPES: tuple[str, ...] = tuple(name for name in RESOURCE_TYPES if " " not in name)
FIELDS: tuple[str, ...] = tuple(dict.fromkeys(name for dataset in DATASETS.values() for name in dataset.fields))

PHRASE_OF: Mapping[str, str] = {field: phrase for phrase, field in PHRASES.items()}
PLACE_OF: Mapping[str, str] = {field: place for place, field in PLACES.items()}


def subject_field(word: str, dataset: Dataset) -> str:
    """The field a subject's word means in a list; the word may be in any case."""
    field = next(field for subject, field in SUBJECTS.items() if subject.lower() == word.lower())
    return dataset.vault_field if word.lower() == "vault" else field


def subject_word(field: str, dataset: Dataset) -> str:
    """How a sentence names a field of a group."""
    return next((word for word in SUBJECTS if subject_field(word, dataset) == field), field)


# The end of a word: no character a longer word could go on with.
_END = r"(?![\w.:\/*+=@%-])"
_NEVER_VALUES = "in or and not must with within unless per for of may".split()

# Words that a value must not be mistaken for: they start something else where a value may stand too.
QUOTED_WORDS = frozenset(
    [
        *_NEVER_VALUES,
        *"absent after before between longer on one present".split(),
        *(definition.test.removeprefix("not ").split()[0] for definition in _OF_OPERATORS),
    ]
)

ABSENCES = frozenset("blank empty missing nil none null set undefined unset".split())
"""What people write for present and absent; as a value such a word is quoted, or `must not be empty` would compare with a text nobody has."""

ADJECTIVES = frozenset("compliant encrypted immutable locked protected secure unencrypted unlocked".split())
"""What people say of a vault, where a name may stand: as one it is quoted."""

_WORD = r"[A-Za-z0-9_\/*+-][\w.:\/*+=@%-]*"
_PLAIN = re.compile(_WORD.replace(r"\/", "/"), re.ASCII)

_TAG_KEY = r"[\w.:\/+=@-]+"
_PLAIN_TAG_KEY = re.compile(_TAG_KEY.replace(r"\/", "/"), re.ASCII)

_PARAMETER = re.compile(r"\$\{[A-Za-z0-9][A-Za-z0-9._-]*\}", re.ASCII)


def named_list(token: str) -> str:
    """The list that a KIND or a THING of a sentence names."""
    word = " ".join(token.lower().split())
    return KINDS.get(word) or THINGS.get(word) or THINGS[word.removesuffix("s")]


def is_plain(value: str) -> bool:
    """Whether a value can stand in a sentence without quotes and reads back as itself."""
    return bool(_PLAIN.fullmatch(value)) and value.lower() not in QUOTED_WORDS | ABSENCES and not value.endswith(".") and "*" not in value


def spell_field(name: str) -> str:
    """How a sentence names a field: by its phrase, by the API's name, and a tag whose key is no plain word in quotes: Tags."Cost Center"."""
    key = name.removeprefix(TAGS)
    if name.startswith(TAGS) and not _PLAIN_TAG_KEY.fullmatch(key):
        return f"{TAGS}{quoted(key)}"
    return PHRASE_OF.get(name, name)


def read_field(token: str) -> str:
    """The field a NAME of a sentence is: what `spell_field` wrote."""
    key = token.removeprefix(TAGS)
    return f"{TAGS}{unquoted(key)}" if token.startswith(TAGS) and key.startswith('"') else token


def quoted(text: str) -> str:
    """A value in quotes; a quote within is doubled."""
    return '"' + text.replace('"', '""') + '"'


def unquoted(text: str) -> str:
    """What a value in quotes says."""
    return text[1:-1].replace('""', '"')


def is_parameter(value: str) -> bool:
    """Whether a value is `${name}`, to be replaced as a whole."""
    return bool(_PARAMETER.fullmatch(value))


def terminals() -> str:
    """The generated part of the grammar, in Lark's notation."""
    rows = [f"{word.upper()}.2 : /(?a:{word}){_END}/i" for word in KEYWORDS if word not in {"job", "run"}]
    rows += [
        f"JOB.2 : /(?a:jobs?){_END}/i",
        f"RUN.2 : /(?a:runs?){_END}/i",
        f"A.2 : /(?a:an?){_END}/i",
        f"CLEAN.2 : /(?a:clean){_END}/i",
        _words("STATE", STATES, 2, "i"),
        _words("TYPE", TYPES, 2, "i"),
        _words("PLACE", PLACES, 2, "i"),
        _words("KIND", KINDS, 2, "i"),
        _words("THING", [word for thing in THINGS for word in (thing, f"{thing}s")], 4, "i"),
        _words("PHRASE", PHRASES, 3, "i"),
        _words("UNIT", UNITS, 2, "i"),
        _words("SUBJECT", SUBJECTS, 3, "i"),
        _words("SUBJECTS", [f"{word}s" for word in SUBJECTS], 3, "i"),
        _words("NAME", FIELDS, 2, "", rf'{re.escape(TAGS)}(?:"(?:[^"\r\n]|"")*"|{_TAG_KEY})'),
        f"PARAM : /{_PARAMETER.pattern}/",
        rf"WORD : /(?!(?:{'|'.join(_NEVER_VALUES)}){_END}){_WORD}/i",
    ]
    return "\n".join(rows)


NEGATED = "negated_"
"""What the name of a branch begins with that negates an operator."""


def measure_rules() -> str:
    """The rules of the grammar that are sentences about measures, in Lark's notation."""
    sentences = {name: rule for shape in SHAPES.values() for name, rule in shape.sentences.items()}
    quantities = [way for shape in SHAPES.values() for way in shape.quantities]
    rules = [f"%extend start: {' | '.join(sentences)}", f"?quantity: {' | '.join(quantities)}"]
    return "\n".join([*rules, *(f"{name}: {rule}" for name, rule in sentences.items())])


def operator_rules() -> str:
    """The rules of the grammar that name operators, in Lark's notation: `with FIELD containing ...`, `FIELD must contain ...`, and limits of measures."""
    tests, verbs = [], []
    for operator, definition in OPERATORS.items():
        if definition.test:
            test, verb = definition.test.upper(), definition.verb.upper()
            if definition.family.lists:
                tests += [f"{test} names -> {operator}", f"NOT {test} names -> {NEGATED}{operator}"]
                verbs += [f"{verb} values -> {operator}", f"NOT {verb} values -> {NEGATED}{operator}"]
            else:
                tests.append(f"{test} value -> {operator}")
                verbs.append(f"{verb} value -> {operator}")
    orders = [f"{OPERATORS[operator].test.upper()} -> {operator}" for operator in (*LOWER_BOUNDS, *UPPER_BOUNDS)]
    return "\n".join(f"%extend {rule}: {' | '.join(ways)}" for rule, ways in (("test", tests), ("verb", verbs), ("order", orders)))


def _words(terminal: str, words: Iterable[str], priority: int, flags: str, *patterns: str) -> str:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    choice = "|".join([*(re.escape(word).replace("/", r"\/").replace(r"\ ", r"\s+") for word in longest_first), *patterns])
    # Only ASCII letters have two cases here: without `a`, the long s and the Kelvin sign would pass for s and k.
    return f"{terminal}.{priority} : /(?a:{choice}){_END}/{flags}"
