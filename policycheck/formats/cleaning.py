"""A result whose every string is safe to encode and to show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache, lru_cache
from itertools import chain
from operator import is_
from typing import Any, TypeVar, cast

from policycheck.finding_list import FindingList, map_text
from policycheck.job_records import JobRecord
from policycheck.result import Finding
from policycheck.text import clean, clean_line

T = TypeVar("T")


def cleaned(result: T) -> T:
    """The same result with `text.clean` applied to every string in it, at any depth.

    What is read from outside is cleaned where it enters; this is the second lock, and what makes a result that a test or another program built as safe
    as one of a run. Cleaning what is clean changes nothing, fingerprints included, and makes no copy. A float that JSON cannot hold becomes its name.
    """
    return _cleaned(result)


def _cleaned(value: T) -> T:
    # A value of a result is a dataclass, a tuple, a mapping or a leaf: only Any spans them, and each keeps its kind.
    found: Any = value
    if isinstance(value, Finding) and _is_clean(value):
        return value
    if isinstance(value, str):
        # Enumerations are strings too, and printable.
        found = value if value.isprintable() else clean(value)
    elif isinstance(value, JobRecord):
        found = value.cleaned()
    elif isinstance(value, FindingList):
        # Each when it is read, so that cleaning holds none.
        found = map_text(_cleaned, value)
    elif isinstance(value, tuple | list):
        if not hasattr(value, "_make"):
            made = [_cleaned(item) for item in value]
            found = value if all(map(is_, made, value)) else type(value)(made)
        elif not "".join(filter(None, value)).isprintable():
            # A named tuple of texts: results have one for each subject.
            found = value._make(map(_cleaned, value))
    elif isinstance(value, Mapping):
        made = [part for pair in value.items() for part in map(_cleaned, pair)]
        same = all(map(is_, made, (part for pair in value.items() for part in pair)))
        found = value if same else dict(zip(made[::2], made[1::2], strict=True))
    elif isinstance(value, float) and not math.isfinite(value):
        found = str(value)
    elif is_dataclass(value) and not isinstance(value, type):
        made = [_cleaned(getattr(value, name)) for name in _names(type(value))]
        if not all(map(is_, made, (getattr(value, name) for name in _names(type(value))))):
            found = replace(value, **dict(zip(_names(type(value)), made, strict=True)))
    return cast("T", found)


def _is_clean(found: Finding) -> bool:
    """Whether all text of a finding certainly is clean: asked of all its texts at once, since there may be very many findings."""
    if found.waiver is not None:
        return False
    for record in found.evidence:
        if record.cleaned() is not record:
            return False
    shared = found.rule, found.policy, found.account, found.region, found.cause, found.resource_type, found.account_name
    return (
        _are_clean(shared) and "".join(filter(None, (found.subject, found.message, *found.jobs, *found.details, *chain(*found.identity.items())))).isprintable()
    )


@lru_cache(maxsize=1000)
def _are_clean(texts: tuple[str | None, ...]) -> bool:
    """Whether all of what many findings have in common is clean."""
    return "".join(filter(None, texts)).isprintable()


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(member.name for member in fields(kind))


def line(value: str | None, fallback: str = "-") -> str:
    """One clean, non-empty line: every run of white space is one space; `fallback` where nothing is left."""
    return clean_line(value or "") or fallback
