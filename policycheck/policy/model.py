"""A rule and a policy as they are judged: frozen, typed, with every parameter filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from policycheck.datasets import BACKUP_JOBS, DATASETS, Dataset
from policycheck.errors import Location
from policycheck.policy.conditions import And, Condition, Literal
from policycheck.result import Severity


class JobChoice(StrEnum):
    """Which records of composite jobs a rule looks at."""

    ALL = "all"
    TOP_LEVEL = "top_level"
    MEMBERS = "members"


class NoData(StrEnum):
    """The verdict when the population is empty under complete coverage."""

    INCONCLUSIVE = "inconclusive"
    QUIET = "quiet"
    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class NoneMatch:
    """No job of the population may match."""

    condition: Condition
    recovery: Literal | None = None
    """How long a failed job has to be followed by a clean one."""


@dataclass(frozen=True, slots=True)
class AllMatch:
    """Every job of the population must match."""

    condition: Condition


Requirement = NoneMatch | AllMatch


EVERY_JOB = And()


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence says, and what the structured form says in keys."""

    requirement: Requirement
    where: Condition = EVERY_JOB
    within: Literal | None = None
    dataset: str = BACKUP_JOBS.name

    @property
    def list(self) -> Dataset:
        return DATASETS[self.dataset]


@dataclass(frozen=True, slots=True)
class Qualifiers:
    """What may stand beside a sentence; printed in brackets after it."""

    clock: str | None = None
    jobs: JobChoice = JobChoice.ALL
    no_data: NoData = NoData.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be judged."""

    id: str
    policy: str
    statement: Statement
    qualifiers: Qualifiers
    sentence: str
    """Rendered from the statement and the qualifiers."""
    location: Location
    severity: Severity = Severity.MEDIUM
    title: str = ""
    why: str = ""
    fix: str = ""
    url: str = ""
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What must be covered. An empty tuple declares nothing of that half."""

    accounts: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    may_be_empty: tuple[str, ...] = ()
    """Accounts, and account/Region pairs, that may have no job."""
    organization: bool = False

    @property
    def declared(self) -> bool:
        return bool(self.accounts or self.regions or self.organization)


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file."""

    id: str
    title: str
    path: str
    rules: tuple[Rule, ...]
    scope: Scope = Scope()
    lines: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """The file's text, for carets."""
