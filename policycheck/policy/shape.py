"""The shape of a file, checked by pydantic and told in our words: a place, a message and a hint for each mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import get_args

from msgspec import Struct
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policycheck.errors import Location
from policycheck.policy.conditions import nearest
from policycheck.policy.document import Entries, Items, Node, Text
from policycheck.text import clean_line, truncate

Path = tuple[str | int, ...]


class Misshape(Struct, frozen=True):
    """One mistake; `path` leads to what is wrong, or to the mapping that lacks a key: ("rules", 3, "severity")."""

    location: Location
    message: str
    hint: str
    path: Path


def check_shape(model: type[BaseModel], root: Node) -> list[Misshape]:
    """Every mistake of a tree, one a path: what several aliases stand for is wrong at each of them, and at one place of the file."""
    try:
        model.model_validate(plain(root))
    except ValidationError as error:
        return _tell(model, root, error.errors(include_url=False))
    return []


def plain(node: Node) -> object:
    """The node without positions: texts, lists and dicts."""
    match node:
        case Text(text=text):
            return text
        case Items(items=items):
            return [plain(item) for item in items]
        case Entries(entries=entries):
            return {key: plain(value) for key, (_, value) in entries.items()}


def find_entry(node: Entries, key: str) -> Location:
    """From the key to the end of its value; where there is no such key, the mapping's first character."""
    if key not in node.entries:
        return _first_character(node)
    start, value = node.entries[key]
    end = value.location
    return Location(start.location.path, start.location.line, start.location.column, end.end_line, end.end_column)


def _first_character(node: Node) -> Location:
    place = node.location
    return Location(place.path, place.line, place.column, place.line, place.column + 1)


def _tell(model: type[BaseModel], root: Node, details: Sequence[ErrorDetails]) -> list[Misshape]:
    missing: dict[Path, list[str]] = {}
    found: dict[tuple[Location, Path], Misshape] = {}
    for detail in details:
        location, path = _find(root, detail["loc"], key=detail["type"] == "extra_forbidden")
        if detail["type"] == "missing":
            missing.setdefault(path, []).append(str(detail["loc"][-1]))
            names = missing[path]
            listed = f"the key {names[0]} is" if len(names) == 1 else f"the keys {', '.join(names[:-1])} and {names[-1]} are"
            found[location, path] = Misshape(location, f"{listed} missing", "", path)
        else:
            message, hint = _say(model, detail, path)
            found.setdefault((location, path), Misshape(location, message, hint, path))
    # A union says of the whole what another of its members says of a part: the part is the mistake.
    parts = [shape.path[:-1] for shape in found.values() if shape.path and isinstance(shape.path[-1], int)]
    return [shape for shape in found.values() if shape.path not in parts or shape.path in missing]


def _find(root: Node, loc: Path, *, key: bool) -> tuple[Location, Path]:
    """The place a pydantic path leads to, as far as the tree goes; or its key."""
    node, place = root, _first_character(root)
    path: list[str | int] = []
    for part in loc:
        if isinstance(node, Entries) and part in node.entries:
            name, node = node.entries[str(part)]
            place = node.location if isinstance(node, Text) and not key else name.location
        elif isinstance(node, Items) and isinstance(part, int):
            node = node.items[part]
            place = node.location if isinstance(node, Text) else _first_character(node)
        else:
            # The name of a union's member: no place of its own.
            continue
        path.append(part)
    return (_first_character(node) if isinstance(node, Entries) and len(path) < len(loc) else place), tuple(path)


def _say(model: type[BaseModel], detail: ErrorDetails, path: Path) -> tuple[str, str]:
    """A pydantic error in our words: the message and the hint."""
    name, given, context = _name(path), truncate(clean_line(str(detail["input"])), 60), detail.get("ctx", {})
    takes_list = "Write it in brackets, [a, b], or write each item after a hyphen."
    told: dict[str, tuple[str, str]] = {
        **dict.fromkeys(("enum", "literal_error"), _say_choice(given, str(context.get("expected", "")))),
        "string_type": (f"{name} takes one value, not a list or a mapping", ""),
        "list_type": (f"{name} takes a list", takes_list if name != "accounts" else "Write it in brackets, [111122223333], or write: organization"),
        "too_short": (f"{name} is empty", ""),
        "string_too_short": (f"{name} is empty", ""),
        "string_too_long": (f"{name} is longer than {context.get('max_length', 0):,} characters", ""),
        "string_pattern_mismatch": (f"{given} is not {_PATTERNS.get(str(context.get('pattern')), 'what is expected here')}", ""),
        **dict.fromkeys(
            ("dict_type", "model_type", "model_attributes_type"),
            (f"{name} takes a mapping of keys to values", "Or write match: any, to waive every finding of the rule." if name == "match" else ""),
        ),
    }
    if detail["type"] == "extra_forbidden":
        known = list(_model_at(model, path[:-1]).model_fields)
        near = nearest(name, known)
        return f"there is no key {name} here", f"Did you mean {near}?" if near else f"The keys are {', '.join(known)}."
    return told.get(detail["type"], (f"{name}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", ""))


def _say_choice(given: str, expected: str) -> tuple[str, str]:
    """`expected` is pydantic's list of the choices: 'high', 'medium' or 'low'."""
    near = nearest(given, _CHOICE.findall(expected))
    return f"{given} is not one of {expected.replace(chr(39), '')}", f"Did you mean {near}?" if near else ""


_CHOICE = re.compile(r"'([^']*)'")


def _name(path: Path) -> str:
    """What messages call the thing at a path: severity, or item 2 of tags."""
    last = path[-1] if path else "the file"
    return f"item {last + 1} of {clean_line(str(path[-2]))}" if isinstance(last, int) else clean_line(last)


_PATTERNS = {
    r"^[0-9]{12}$": "an account id of exactly 12 digits",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$": "a name of letters, digits, dots, hyphens and underscores",
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$": "a date, 2026-11-20",
    r"^([0-9]{12}|\*)$": 'an account id of exactly 12 digits, or "*"',
    r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+$": "the ARN of a role: arn:aws:iam::111122223333:role/AWSBackupAudit",
    r"^https?://[^\s<>\"]+$": "a web address",
}


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel]:
    """The model of the mapping at a path."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), model)
    return model


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
