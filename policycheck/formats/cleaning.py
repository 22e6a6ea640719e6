"""A result whose every string is safe to encode and to show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar, cast

from policycheck.text import clean, clean_line

T = TypeVar("T")


def cleaned(result: T) -> T:
    """The same result with `text.clean` applied to every string in it, at any depth.

    What is read from outside is cleaned where it enters; this is the second lock, and what makes a result that a test or another program built as safe
    as one of a run. Cleaning what is clean changes nothing, fingerprints included. A float that JSON cannot hold becomes its name.
    """
    return _cleaned(result)


def _cleaned(value: T) -> T:
    # A value of a result is a dataclass, a tuple, a mapping or a leaf, and evidence is arbitrary JSON: only Any spans them, and each keeps its kind.
    found: Any = value
    if isinstance(value, str):
        # Enumerations are strings too, and printable.
        found = value if value.isprintable() else clean(value)
    elif isinstance(value, tuple | list):
        if not hasattr(value, "_make"):
            found = type(value)(map(_cleaned, value))
        elif not all(part is None or part.isprintable() for part in value):
            # A named tuple of texts: results have one for each subject.
            found = value._make(map(_cleaned, value))
    elif isinstance(value, Mapping):
        found = {_cleaned(key): _cleaned(item) for key, item in value.items()}
    elif isinstance(value, float) and not math.isfinite(value):
        found = str(value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{name: _cleaned(getattr(value, name)) for name in _names(type(value))})
    return cast("T", found)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(member.name for member in fields(kind))


def line(value: str | None, fallback: str = "-") -> str:
    """One clean, non-empty line: every run of white space is one space; `fallback` where nothing is left."""
    return clean_line(value or "") or fallback
