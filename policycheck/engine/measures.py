"""Measured values and their limits: a value is computed both ways, once favouring the group and once against it (docs/groups-specification.md).

A truth is true, false or None (unknown); times are whole microseconds; None is a time nobody recorded.
"""

from __future__ import annotations

from fractions import Fraction
from operator import ge, gt, le, lt
from typing import NamedTuple

from policycheck.policy.conditions import Operator

Truth = bool | None
Number = int | Fraction

NEVER = 2**62
"""The age of what never happened: longer than any."""

_LOWER = {Operator.AT_LEAST: ge, Operator.MORE_THAN: gt}
_KEEPS = {**_LOWER, Operator.AT_MOST: le, Operator.LESS_THAN: lt}


class Range(NamedTuple):
    """The least and the greatest value that the unknown leaves open."""

    least: Number
    most: Number


def is_lower(operator: Operator) -> bool:
    """Whether more is better."""
    return operator in _LOWER


def keeps(value: Number, operator: Operator, limit: Number) -> bool:
    """Whether a value keeps to a limit."""
    return bool(_KEEPS[operator](value, limit))


def violates(value: Range, operator: Operator, limit: Number) -> Truth:
    """True where even the favourable value is outside the limit, None where only the unfavourable one is."""
    favourable, unfavourable = (value.most, value.least) if is_lower(operator) else (value.least, value.most)
    if not keeps(favourable, operator, limit):
        return True
    return False if keeps(unfavourable, operator, limit) else None
