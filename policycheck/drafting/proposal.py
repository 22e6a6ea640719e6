"""What a draft is made of: proposed rules with where their numbers come from, and what was left out with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policycheck.policy.conditions import Comparison, Condition, Literal, Operator, conjunction
from policycheck.policy.model import Scope, Statement
from policycheck.result import Severity
from policycheck.text import clean, clean_line, spell_duration, truncate
from policycheck.units import DAY, HOUR, MINUTE

SLACK = HOUR
"""What every limit leaves over: a job does not start on the second, and one in twenty takes longer than the 95th percentile."""
FREQUENT = 3 * DAY
"""Plans that run at least so often have a run in every window of seven days."""
MOST_NAMES = 5
LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Proposal:
    """A rule."""

    id: str
    statement: Statement
    severity: Severity
    why: str
    fix: str
    notes: tuple[str, ...]
    """Where it comes from, a sentence each."""
    controls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Omission:
    """A rule that was not written: what it would have been about, and why not."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Section:
    """Rules that belong together."""

    title: str
    proposals: tuple[Proposal, ...] = ()
    omissions: tuple[Omission, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that rules share."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy before it is written down."""

    policy: str
    title: str
    notes: tuple[str, ...]
    scope: Scope
    parameters: tuple[Parameter, ...]
    sections: tuple[Section, ...]

    @property
    def proposals(self) -> list[Proposal]:
        return [proposal for section in self.sections for proposal in section.proposals]

    @property
    def omissions(self) -> list[Omission]:
        return [omission for section in self.sections for omission in section.omissions]


class Parameters:
    """The parameters of a draft, as its rules come to need them."""

    def __init__(self) -> None:
        self._known: dict[str, Parameter] = {}

    def use(self, name: str, value: str, note: str) -> Literal:
        """The literal that stands for a parameter."""
        self._known.setdefault(name, Parameter(name, value, note))
        return Literal(f"${{{name}}}")

    @property
    def declared(self) -> tuple[Parameter, ...]:
        return tuple(self._known.values())


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and what it is made of, in microseconds."""

    interval: int
    p95: int
    jobs: int
    resources: int
    so_far: int = 0
    """What a job has taken that is in progress and in time, where that is longer than the percentile."""

    @property
    def hours(self) -> int:
        """The interval, an hour and the percentile, up to the full hour."""
        return -(-(self.interval + SLACK + self.taken) // HOUR)

    @property
    def taken(self) -> int:
        """How long a job takes."""
        return max(self.p95, self.so_far)

    @property
    def text(self) -> str:
        return f"{self.hours}h"

    @property
    def sum(self) -> str:
        """`24h + 1h + 42 m, rounded up`"""
        parts = [spell_hours(self.interval)] if self.interval else []
        return f"{' + '.join([*parts, spell_hours(SLACK), spell_minutes(self.taken)])}, rounded up: {self.text}"

    @property
    def measured(self) -> str:
        """`the 95th percentile of Elapsed is 42 m for the slowest resource (412 jobs of 20 resources)`"""
        return (
            f"the 95th percentile of Elapsed is {spell_minutes(self.p95)} for the slowest resource ({counted(self.jobs, 'job')} of "
            f"{counted(self.resources, 'resource')})"
            + (f", and a job that is still in time has taken {spell_minutes(self.so_far)} so far" if self.so_far > self.p95 else "")
        )


def spell_minutes(span: int) -> str:
    """`42 m`, `1 h 15 m`: up to the full minute."""
    return spell_duration(-(-span // MINUTE) * MINUTE)


def spell_hours(span: int) -> str:
    """`24h`, `7d`: as a policy writes it where it is whole hours."""
    if span % DAY == 0 and span > 2 * DAY:
        return f"{span // DAY}d"
    return f"{span // HOUR}h" if span % HOUR == 0 else spell_duration(span)


def counted(count: int, noun: str) -> str:
    """`1 job`, `1,000 jobs`"""
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def is_of(name: str, *values: str | Literal) -> Comparison:
    """The field has one of these values."""
    return Comparison(name, Operator.IS, tuple(value if isinstance(value, Literal) else Literal(value) for value in values))


def compared(name: str, operator: Operator, *values: str | Literal) -> Comparison:
    """The field compares so with any of these values."""
    return Comparison(name, operator, tuple(value if isinstance(value, Literal) else Literal(value) for value in values))


def is_writable(value: str | None) -> bool:
    """Whether a name from a job list can stand in a policy as itself: nothing invisible, nothing that a policy reads as something else."""
    return value is not None and 0 < len(value) <= 256 and value == clean_line(value) == clean(value) and not any(mark in value for mark in ("${", "*"))


def shown(value: str) -> str:
    """A name from a job list, for a comment."""
    return truncate(clean_line(value), LONGEST_NAME)


def listed(names: Iterable[str], most: int = MOST_NAMES) -> str:
    """`a, b and 3 more`, for a comment."""
    found = [shown(name) for name in names]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return f"{', '.join(found[:most])}{more}"


def numbered(name: str, index: int) -> str:
    """`fresh-daily`, `fresh-daily-2`: the ids of several rules of one kind."""
    return name if index == 0 else f"{name}-{index + 1}"


def section(title: str, found: Sequence[Proposal | Omission]) -> Section:
    """A section of what was found for it."""
    return Section(title, tuple(one for one in found if isinstance(one, Proposal)), tuple(one for one in found if isinstance(one, Omission)))


def all_of(*parts: Condition) -> Condition:
    """A conjunction, in the order that sentences have."""
    return conjunction(parts)
