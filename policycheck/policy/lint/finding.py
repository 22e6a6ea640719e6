"""Lint findings, and the checks that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from policycheck.errors import Location
from policycheck.policy.model import Policy, Rule


class Level(StrEnum):
    """How bad a lint finding is."""

    ERROR = "error"
    """The rule does not do what it says: it judges nothing, or the same of everything."""
    WARNING = "warning"
    """What it hides, or says wrongly, in cases that come up."""
    INFO = "info"
    """What a reviewer would ask about."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Level).index(self)

    def at_least(self, other: Level) -> bool:
        return self.rank <= other.rank


POLICY_ERROR = "policy-error"
"""Stands for the code of a mistake that keeps a file from loading; no check finds it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a check found something, and what to say of it there."""

    policy: Policy
    location: Location
    message: str
    """One line: what is there, and why it is suspicious."""
    hint: str = ""
    """What to write instead."""
    rule: Rule | None = None
    proposals: tuple[str, ...] = ()
    """Values of which each may stand in the place of the one at the location."""


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing that is suspicious, at one place of a file."""

    code: str
    name: str
    level: Level
    location: Location
    message: str
    hint: str = ""
    policy: str = ""
    rule: str = ""
    suppressed: str | None = None
    """Why the author of the policy lets it stand; None: nobody does."""
    source_line: str = field(default="", compare=False)
    proposals: tuple[str, ...] = ()
    replaces: Location | None = None
    """The value in whose place each of the proposals may stand."""
    always_shown: bool = False
    """It is shown whatever the least level that is shown."""

    @property
    def page(self) -> str:
        """The page that explains it, in the project's documentation."""
        return f"docs/lint/{'README' if self.code == POLICY_ERROR else self.code}.md"


@dataclass(frozen=True, slots=True)
class Run:
    """The policies that are checked together, and what is known of the run they are for."""

    policies: Sequence[Policy]
    as_of: datetime
    saved_lists: bool = False
    """The run reads saved lists, which may reach further back than AWS lists jobs."""
    inventories: frozenset[str] | None = None
    """The inventories that the run file names; None: it names none, so that the command line may name any."""

    def rules(self) -> Iterator[tuple[Policy, Rule]]:
        for policy in self.policies:
            yield from ((policy, rule) for rule in policy.rules)


Finder = Callable[[Run], Iterator[Place]]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing lint looks for."""

    code: str
    name: str
    """The bad pattern, in words with hyphens."""
    level: Level
    summary: str
    """What it finds, in one line without a full stop."""
    find: Finder | None = None
    """None: found elsewhere, with the engine or at the end."""
    always_shown: bool = False
    """What it finds is shown whatever the least level that is shown."""


Checks = Mapping[str, Check]
