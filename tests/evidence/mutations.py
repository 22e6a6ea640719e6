"""Bundles that somebody changed: a byte, a line, a value of a document, a file; with or without the digests as they then should be."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.evidence.bundles import Files, forged, with_sums

WORDS = [
    "COMPLETED",
    "FAILED",
    "RUNNING",
    "pass",
    "fail",
    "inconclusive",
    "prod",
    "none",
    "2026-11-19T03:00:00Z",
    "2026-11-20T07:00:00Z",
    "",
    "x",
    "1h",
    "400d",
]
NONE, SUMS, ALL = "nothing", "sums", "all digests"


@dataclass(frozen=True)
class Mutation:
    """A changed bundle."""

    told: str
    """What was changed, for whoever looks at a failure."""
    file: str
    corrected: str
    """Which digests were made right afterwards: NONE, SUMS, or ALL of them."""
    files: Files


def mutate(files: Files, chance: Random) -> Mutation:
    """A change of one file."""
    name = chance.choice(sorted(files))
    corrected = chance.choice([NONE, SUMS, ALL, ALL])
    if corrected != NONE:
        # Rather what decides than the longest file.
        name = chance.choice([other for other in sorted(files) if other not in {"SHA256SUMS", "README.txt", "reperform.py"}])
    changed = dict(files)
    told = _CHANGES[chance.choice(list(_CHANGES) if name.endswith((".json", ".yaml")) else ["byte", "cut", "gone", "more"])](changed, name, chance)
    if corrected == SUMS:
        changed = with_sums(changed)
    elif corrected == ALL:
        changed = forged(files, changed)
    return Mutation(f"{name}: {told}; corrected: {corrected}", name, corrected, changed)


def _byte(files: Files, name: str, chance: Random) -> str:
    content = bytearray(files[name] or b" ")
    at = chance.randrange(len(content))
    content[at] = (content[at] + chance.randrange(1, 256)) % 256
    files[name] = bytes(content)
    return f"byte {at}"


def _cut(files: Files, name: str, chance: Random) -> str:
    at = chance.randrange(len(files[name])) if files[name] else 0
    files[name] = files[name][:at]
    return f"cut at {at}"


def _gone(files: Files, name: str, _chance: Random) -> str:
    del files[name]
    return "gone"


def _more(files: Files, name: str, chance: Random) -> str:
    files[f"{name.replace('.', '-')}-{chance.randrange(100)}.json"] = files[name]
    return "one more"


def _word(files: Files, name: str, chance: Random) -> str:
    """A number or a word of the text is another one."""
    found = list(re.finditer(rb"\d+|[A-Za-z]{3,}", files[name]))
    if not found:
        return "nothing"
    one = chance.choice(found)
    word = str(chance.randrange(100)) if one[0].isdigit() else chance.choice(WORDS)
    files[name] = files[name][: one.start()] + word.encode() + files[name][one.end() :]
    return f"{one[0].decode()} at {one.start()} is {word!r}"


def _value(files: Files, name: str, chance: Random) -> str:
    """A value of a document is another one, is gone, or stands twice."""
    try:
        document = json.loads(files[name])
    except ValueError:
        return _word(files, name, chance)
    places = list(_places(document))
    if not places:
        return "nothing"
    container, key, path = chance.choice(places)
    how = chance.choice(["other", "other", "other", "gone", "twice"])
    if how == "gone":
        del container[key]
    elif how == "twice" and isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    else:
        container[key] = _other(container[key], chance)
    files[name] = (json.dumps(document, indent=1) + "\n").encode()
    return f"{path} {how}"


def _places(value: Any, path: str = "$") -> Iterator[tuple[Any, Any, str]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key, f"{path}.{key}"
        yield from _places(item, f"{path}.{key}")


def _other(value: Any, chance: Random) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + chance.choice([-86400, -1, 1, 3600, 10**9])
        case str():
            return chance.choice([*WORDS, value.upper(), value[:-1], value + "x"])
        case _:
            return chance.choice([None, [], {}, 7, "x"])


_CHANGES = {"byte": _byte, "cut": _cut, "gone": _gone, "more": _more, "word": _word, "value": _value, "values": _value, "other": _value}
