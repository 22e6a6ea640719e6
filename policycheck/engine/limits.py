"""What a measured value is held against, in words, and how far it is from that: for the answers of subjects."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from policycheck.engine.measures import NEVER, Number, Range, is_lower, keeps
from policycheck.policy.conditions import Operator
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch, Requirement
from policycheck.text import counted

_NO_JOB = "0 jobs"
MATCHES, DIFFERS = "matches", "does not match"
"""What `latest` measures: whether the latest job matches."""


def spell_limit(requirement: Requirement) -> str:
    """`at most 36h`; of a rule on single jobs, how many may violate it: none."""
    match requirement:
        case NoneMatch() | AllMatch() | Following():
            return _NO_JOB
        case Expectation(limit=limit, operator=operator) if limit is not None and operator is not None:
            warning = f", warning at {requirement.warning.text}" if requirement.warning else ""
            return f"{operator.replace('_', ' ')} {limit.text}{warning}"
        case Expectation():
            return MATCHES
        case _:
            assert_never(requirement)


def spell_violations(violating: int, unknown: int, examined: int) -> tuple[str, str]:
    """What was measured of a subject whose jobs are evaluated one by one, and the margin: how many violate, and by how many that is too many."""
    if not examined and not violating and not unknown:
        return "", ""
    margin = f"{violating:,} outside" if violating else "" if unknown else "0 within"
    # How many jobs there are is unknown, too, where some may violate that may not belong to it.
    measured = f"{violating:,} to {counted(violating + unknown, 'job')}" if unknown else f"{violating:,} of {counted(examined, 'job')}"
    return measured, margin


def spell_measured(value: Range, operator: Operator, limit: Number, spell: Callable[[Number], str], *, exact: bool = True) -> tuple[str, str]:
    """What was measured of a group, and the margin; the margin is empty where what is unknown decides on which side it is.

    Args:
        spell: says a value, or a distance, in words.
        exact: whether a range is what is unknown, and not only what was asked of a group that certainly keeps to its limit.
    """
    lower = is_lower(operator)
    if value.least == value.most:
        measured = spell(value.least)
    elif exact:
        measured = f"{spell(value.least)} to {spell(value.most)}"
    else:
        measured = f"at least {spell(value.least)}" if lower else f"at most {spell(value.most)}"
    sides = [keeps(end, operator, limit) for end in value]
    if sides[0] is not sides[1]:
        return measured, ""
    # The end that is nearer to the limit.
    near: Number = value.least if sides[0] is lower else value.most
    if near >= NEVER:
        return measured, ""
    apart: Number = near - limit
    return measured, f"{spell(apart if apart >= 0 else -apart)} {'within' if sides[0] else 'outside'}"
