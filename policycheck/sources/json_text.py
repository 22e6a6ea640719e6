"""JSON as clients write it: the documents of a text, taken apart no further than asked, with nothing lost of a member that stands twice."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import msgspec

from policycheck.errors import JobFileError
from policycheck.sources.contents import USE_JSON, refuse_failure
from policycheck.text import REPLACEMENT

_SURROGATE = re.compile("[\ud800-\udfff]")
_BETWEEN = re.compile("[ \t\r\n\ufeff]*")
_ENCODER = msgspec.json.Encoder()
_BATCH = 500
"""Records encoded at once: few calls, and little memory."""


class Repeated(dict[str, object]):
    """An object with a member that stands twice: of two, JSON readers keep the last, as this one does, but it names the member."""

    def __init__(self, values: Iterable[tuple[str, object]], member: str) -> None:
        super().__init__(values)
        self.member = member


def json_documents(data: bytes) -> Iterable[object]:
    """The values in `data`, one after the other: each as its text (msgspec.Raw), or, where msgspec refuses what JSON allows, as Python values.

    Raises:
        JobFileError: not JSON, or cut off.
    """
    try:
        return msgspec.json.Decoder(msgspec.Raw).decode_lines(data)
    except msgspec.DecodeError:
        # Malformed, or with half of a surrogate pair ("\ud800"), which msgspec refuses and AWS lets a user put into a tag or name: the standard library knows.
        return _lenient_documents(data.decode())


def parse(value: object) -> object:
    """A value with all that is in it, as Python values; an object in which a member stands twice is a `Repeated`."""
    if not isinstance(value, msgspec.Raw):
        return value
    text = bytes(value)
    try:
        found: object = msgspec.json.decode(text)
        if holds_all(text, quotes(found)):
            return found
        return plain(json.loads(text, object_pairs_hook=_object))
    except ValueError:
        raise JobFileError("holds a number that is too long to be one", hint=USE_JSON) from None


def members(value: object) -> dict[str, object]:
    """The members of an object, their values untouched; a `Repeated` where one stands twice. `value` is an object."""
    if not isinstance(value, msgspec.Raw):
        assert isinstance(value, dict)
        return value
    found = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    inner = sum(bytes(item).count(b'"') for item in found.values())
    if bytes(value).count(b'"') == 2 * len(found) + inner:
        return dict(found)
    whole = parse(value)
    assert isinstance(whole, dict)
    return whole


def is_object(value: object) -> bool:
    """Whether this is an object, parsed or not."""
    return memoryview(value)[0] == ord("{") if isinstance(value, msgspec.Raw) else isinstance(value, dict)


def items(value: object) -> list[object] | None:
    """The items of a list, parsed or not; None for anything else."""
    if isinstance(value, msgspec.Raw) and memoryview(value)[0] == ord("["):
        return list(msgspec.json.decode(value, type=list[msgspec.Raw]))
    return value if isinstance(value, list) else None


def quotes(value: object) -> int:
    """The quotation marks in the JSON text of a value (structs included, without what is None in them)."""
    if isinstance(value, list):
        return sum(_ENCODER.encode(value[start : start + _BATCH]).count(b'"') for start in range(0, len(value), _BATCH))
    return _ENCODER.encode(value).count(b'"')


def holds_all(text: bytes, written: int) -> bool:
    """Whether what was read from `text` is all it holds: with `written` quotation marks of its own, it has as many as the text.

    A member that was passed over, for being unknown, null or repeated, leaves the two marks of its name, whatever its value is. Only a mark written as
    an escape by its number could make up for that, so that a text with one is never taken for whole.
    """
    return text.count(b'"') == written and not (b"\\" in text and b"\\u0022" in text)


def plain(value: object) -> object:
    """JSON values as they are, with U+FFFD for each half of a surrogate pair; what YAML has besides becomes a mistake with a name."""
    match value:
        case str():
            return _SURROGATE.sub(REPLACEMENT, value) if not value.isascii() else value
        case dict():
            made = {str(plain(key)): plain(item) for key, item in value.items()}
            return Repeated(made.items(), value.member) if isinstance(value, Repeated) else made
        case list():
            return list(map(plain, value))
        case float() if not math.isfinite(value):
            raise JobFileError(f"holds the number {value}, which is none", hint=USE_JSON)
        case None | int() | float():
            return value
        case _:
            raise JobFileError(f"holds a YAML value of the type {type(value).__name__}, which the AWS CLI never writes", hint=USE_JSON)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _ in pairs]
    return Repeated(pairs, next(name for name in made if names.count(name) > 1))


def _lenient_documents(text: str) -> Iterator[object]:
    decoder = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_object)
    position = _skip(text, 0)
    while position < len(text):
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _malformed(text, error, position) from None
        except ValueError:
            raise JobFileError("holds a number that is too long to be one", hint=USE_JSON) from None
        yield plain(value)
        position = _skip(text, end)


def _skip(text: str, position: int) -> int:
    found = _BETWEEN.match(text, position)
    return found.end() if found else position


def _refuse_constant(name: str) -> NoReturn:
    raise JobFileError(f"holds {name}, which JSON does not know", hint=USE_JSON)


def _malformed(text: str, error: json.JSONDecodeError, start: int) -> JobFileError:
    place = f"line {error.lineno}, column {error.colno}"
    rest = text[error.pos :].strip()
    if _is_unfinished(rest, error.msg):
        byte = len(text[: error.pos].encode(errors="replace"))
        return JobFileError(
            f"is cut off: the JSON ends in the middle of a value ({place}, byte {byte})",
            hint="the list is incomplete: run the command again and check its exit code",
        )
    try:
        refuse_failure(rest[:4096])
    except JobFileError as failure:
        return failure
    if text.startswith("'", start + 1):
        return JobFileError("is a Python print, not JSON", hint="write it with json.dump(answer, file, default=str)")
    after = " after a whole document" if error.pos == start and start else ""
    return JobFileError(f"is not JSON{after}: {error.msg[0].lower()}{error.msg[1:]} ({place})", hint=USE_JSON)


def _is_unfinished(rest: str, problem: str) -> bool:
    """Whether a value stops because the text does: `rest` is what follows the place of the problem."""
    if problem.startswith("Invalid \\uXXXX"):
        return len(rest) < len("\\uXXXX")
    return rest in ("", "-", ".") or problem.startswith("Unterminated string") or any(word.startswith(rest) for word in ("true", "false", "null"))
