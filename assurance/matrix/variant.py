"""What is taken from the evidence, and what no verdict may make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isqrt
from typing import Any, Protocol

from assurance.matrix.world import World


class Claim(Enum):
    """What holds of every rule that reads a changed list."""

    NO_GAIN = "no pass that the complete evidence does not give"
    NO_PASS = "no pass at all: what is left shows that it is incomplete"
    AS_ORACLE = "what is left is a sound list of other jobs: the verdict that reperform.py gives of it"


@dataclass(frozen=True, slots=True)
class Variant:
    """The evidence of a world with something taken from it."""

    what: str
    """What was done, to be read in a report of a breach."""
    claim: Claim
    files: Mapping[str, bytes | Sequence[bytes] | None]
    """The changed lists by dataset: a file, several files, or None where there is none."""
    records: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """What the changed lists hold, for AS_ORACLE."""
    unclosed: frozenset[str] = frozenset()
    """The changed lists that are YAML, whose last record may have been cut off."""
    lone: frozenset[str] = frozenset()
    """The changed lists that are one record by itself: nothing tells it from the answer of a describe command."""
    members: frozenset[str] = frozenset()
    """The members that were lost, if it was single ones: rules that ask about them are asked first."""
    refused: bool = False
    """Whether it is expected to be refused when it is read; no claim, but soon told."""


class Kind(Protocol):
    """One way of taking something away. Variants are numbered, so that any of them can be made again."""

    @property
    def name(self) -> str:
        """Unique."""

    def count(self, world: World) -> int:
        """How many variants of a world there are."""

    def weight(self, world: World) -> int:
        """How many of its variants are tried in a round: 1 to 4, and more where they are refused before any rule is evaluated, which takes a millisecond."""

    def variant(self, world: World, number: int) -> Variant:
        """The one of a number, from 0."""


def pair(number: int, size: int) -> tuple[int, int]:
    """The unordered pair of that number of a collection of that size; there are size * (size - 1) / 2."""
    # Counted from the end, the pairs of the last n make n * (n - 1) / 2.
    left = pairs(size) - 1 - number
    last = (isqrt(8 * left + 1) + 1) // 2
    return size - 1 - last, size - 1 - (left - pairs(last))


def pairs(size: int) -> int:
    """How many pairs there are."""
    return size * (size - 1) // 2
