"""What every measure says for those who explain it and try it out: what violates it, and jobs that do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct

from policycheck.engine.case import Kind
from policycheck.policy.model import Expectation


class SampleJobs(Struct, frozen=True):
    """A job or several of one resource, alike, that a measure finds fault with, or does not: what examples are made from. Times in microseconds."""

    matching: bool
    """Whether they match."""
    created: int | None = None
    """How long before as_of the first was created; None: that does not matter."""
    every: int | None = None
    """From one to the next,"""
    times: int = 1
    """and how many there are."""
    reach: int = 0
    """How far back the list must be complete."""
    members: Mapping[str, str | int] = {}
    """What the first must say beside what the conditions ask; a number is a time, that long before as_of."""
    before: Mapping[str, str | int] = {}
    """What jobs of the same resource before these say, where there must be any,"""
    before_times: int = 1
    """and how many, a day from one to the next."""


class Asked(NamedTuple):
    """The words of a requirement."""

    one: str
    """`one resource`, `the group`."""
    noun: str
    """`backup job`."""
    what: str
    """Which jobs match."""
    limit: str
    """What is outside the limit: `less than 3`; empty where there is none."""


class Measurement(Kind):
    """A kind of rule that measures something."""

    @abstractmethod
    def describe_failure(self, asked: Asked) -> str:
        """What a group is like that violates."""

    def describe_window(self, reach: str) -> str:
        """What is in the window, where it is told by CreationDate; `reach` says from when to when."""
        return f"CreationDate {reach}"

    def describe_subjects(self, asked: str) -> str:
        """What the subjects are; `asked` names those that the rule's own words choose."""
        return asked

    def describe_doubt(self) -> Iterator[str]:
        """When it is inconclusive, beside what holds for all rules."""
        return iter(())

    @abstractmethod
    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        """Jobs with which a group keeps the rule, or violates it.

        Args:
            window: the rule's, in microseconds; None: it has none.
        """
