"""A result whose every string is safe to encode and to show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from operator import is_
from typing import Any, TypeVar, cast

from policycheck.finding_file import is_clean
from policycheck.finding_list import FindingList, make_anew, map_text
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
    if isinstance(value, Finding) and is_clean(value):
        return value
    if isinstance(value, str):
        # Enumerations are strings too, and printable.
        found = value if value.isprintable() else clean(value)
    elif isinstance(value, JobRecord):
        found = value.cleaned()
    elif isinstance(value, FindingList):
        found = _cleaned_list(value)
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


def _cleaned_list(findings: FindingList) -> Sequence[Finding]:
    if findings.are_clean_as_stored:
        # Whatever is made of them since is cleaned when it is read, so that none is held.
        return map_text(_cleaned, findings) if findings.is_seen_through else findings
    return make_anew(_cleaned, findings)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(member.name for member in fields(kind))


def line(value: str | None, fallback: str = "-") -> str:
    """One clean, non-empty line: every run of white space is one space; `fallback` where nothing is left."""
    return clean_line(value or "") or fallback
