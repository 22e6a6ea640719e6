"""A rule and a policy as they are judged: frozen, typed, with every parameter filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum

from msgspec import Struct

from policycheck.datasets import DATASETS, DEFAULT, PROTECTED_RESOURCES, Dataset
from policycheck.errors import Location
from policycheck.policy.calendars import CalendarUnit, longest_reach, past_periods, shortest_reach
from policycheck.policy.conditions import And, Condition, Literal, Operator
from policycheck.policy.measures import SHAPES, Measure, Window
from policycheck.result import Severity, Waiver, WaiverStatus


class JobChoice(StrEnum):
    """Which records of composite jobs a rule looks at."""

    ALL = "all"
    TOP_LEVEL = "top_level"
    MEMBERS = "members"
    ONCE = "once"
    """A child only where its parent does not stand for it; the default of counts and shares, and not to be written."""


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


EVERY_JOB = And()
LISTED_INVENTORY = PROTECTED_RESOURCES.name
"""What names the list of protected resources in the place of an inventory: every resource that AWS Backup has a backup of, however old."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The last days, weeks or months of a time zone, but for the one that runs."""

    unit: CalendarUnit
    last: Literal
    """How many."""
    zone: Literal

    def length(self, as_of: int | None) -> int | None:
        """Microseconds from the start of the first of them to as_of; where as_of is not known, the most that can be. None: its values are not known."""
        if not isinstance(self.last.value, int):
            return None
        if as_of is None or self.zone.value is None:
            return longest_reach(self.unit, self.last.value)
        return as_of - past_periods(self.unit, self.last.value, self.zone.text, as_of)[0].start

    @property
    def shortest(self) -> int | None:
        """Microseconds that they reach back at least."""
        return shortest_reach(self.unit, self.last.value) if isinstance(self.last.value, int) else None

    @property
    def words(self) -> str:
        """`the last 7 days in Europe/Berlin`."""
        return f"the last {self.last.text} {self.count_words(self.last.text)} in {self.zone.text}"

    def count_words(self, count: str) -> str:
        """`day` or `days`."""
        return self.unit.one if count == "1" else self.unit.value


@dataclass(frozen=True, slots=True)
class SubjectShare:
    """How large a share of the subjects must keep to the limit."""

    operator: Operator
    """at_least or more_than."""
    limit: Literal


@dataclass(frozen=True, slots=True)
class Expectation:
    """A measure of each group must keep to a limit."""

    measure: Measure
    condition: Condition = EVERY_JOB
    """Which jobs of a group match (`of`); of `missed_runs` none is asked."""
    operator: Operator | None = None
    """at_least, at_most, more_than or less_than; None: `latest`, which has no limit."""
    limit: Literal | None = None
    """A number of jobs, a share, or a duration, as the measure has it."""
    per: tuple[str, ...] = ()
    """The fields that make one group, sorted as they were written; none: one group, the subject `all`."""
    inventory: Literal | None = None
    """The name of the inventory whose entries are the subjects."""
    calendar: Calendar | None = None
    """Of `calendar`: which days, weeks or months are counted."""
    share: SubjectShare | None = None
    """The share of its groups that must keep to the limit; None: every one."""
    warning: Literal | None = None
    """A softer limit, by the same operator: what is beyond it and keeps to the limit is a finding of low severity."""

    @property
    def given_inventory(self) -> Literal | None:
        """The same, where the user must give it: a list of AWS Backup is fetched, or read, as other lists are."""
        return None if self.inventory is None or self.inventory.text == LISTED_INVENTORY else self.inventory


@dataclass(frozen=True, slots=True)
class Following:
    """Every job of the population must be followed by a matching job of another list."""

    dataset: str
    """The other list."""
    condition: Condition
    """Bound against the other list."""
    within: Literal
    """How long after the end of a job the following one may complete."""

    @property
    def list(self) -> Dataset:
        return DATASETS[self.dataset]


FOLLOWERS = {name: found for name in DATASETS if (found := tuple(other.name for other in DATASETS.values() if name in other.follows))}
"""The lists whose jobs can follow those of a list; AWS links no others."""

RESOURCE = "ResourceArn"
"""What `per` names where each resource is a subject."""

Requirement = NoneMatch | AllMatch | Expectation | Following


@dataclass(frozen=True, slots=True)
class Statement:
    """What a sentence says, and what the structured form says in keys."""

    requirement: Requirement
    where: Condition = EVERY_JOB
    within: Literal | None = None
    dataset: str = DEFAULT.name

    @property
    def list(self) -> Dataset:
        return DATASETS[self.dataset]

    @property
    def window(self) -> Literal | None:
        """How far back the rule looks: `within`, of `newest` its limit, and of `calendar` its days, at most; None: the whole coverage."""
        requirement = self.requirement
        if isinstance(requirement, Expectation) and requirement.calendar is not None:
            calendar = requirement.calendar
            return Literal(f"{calendar.last.text} {calendar.count_words(calendar.last.text)}", calendar.last.location, calendar.length(None))
        if isinstance(requirement, Expectation) and SHAPES[requirement.measure].window is Window.REFUSED:
            return requirement.limit
        return self.within

    def window_length(self, as_of: int | None) -> int | None:
        """Microseconds that the window reaches back from as_of, where that is known; None: no window."""
        requirement, window = self.requirement, self.window
        if isinstance(requirement, Expectation) and requirement.calendar is not None:
            return requirement.calendar.length(as_of)
        return int(window.value) if window is not None and window.value is not None else None

    @property
    def shortest_window(self) -> int | None:
        """Microseconds that the window reaches back at least, whenever it is evaluated; None: no window."""
        requirement = self.requirement
        return requirement.calendar.shortest if isinstance(requirement, Expectation) and requirement.calendar is not None else self.window_length(None)

    @property
    def default_jobs(self) -> JobChoice:
        """Which records of composite jobs count where nothing says: a share and a count must not count a backup twice."""
        match self.requirement:
            case Expectation(measure=measure) if SHAPES[measure].counts_once:
                return JobChoice.ONCE
            case _:
                return JobChoice.ALL

    @property
    def lists_needed(self) -> frozenset[str]:
        """The names of all lists without which the rule cannot be judged."""
        match self.requirement:
            case Following(dataset=dataset):
                return frozenset({self.dataset, dataset})
            case Expectation(inventory=Literal(text=text)) if text == LISTED_INVENTORY:
                return frozenset({self.dataset, LISTED_INVENTORY})
            case Expectation(per=per, inventory=None) if RESOURCE in per:
                # Who must have a job is asked of the backup jobs, wherever the evidence is sought.
                return frozenset({self.dataset, DEFAULT.name})
            case _:
                return frozenset({self.dataset})


@dataclass(frozen=True, slots=True)
class Qualifiers:
    """What may stand beside a sentence; printed in brackets after it."""

    clock: str | None = None
    jobs: JobChoice = JobChoice.ALL
    no_data: NoData = NoData.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Typed:
    """A sentence that was read as another."""

    text: str
    canonical: str
    """As it is read, its parameters as they are written."""
    location: Location
    """The whole value, its quotes included."""


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
    typed: Typed | None = None
    """The sentence as it is typed; None where it is canonical, or the rule is in keys."""


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


YEAR_DAYS = 366
"""The longest a waiver may hold where a policy does not say."""


class WaiverGrant(Struct, frozen=True):
    """A waiver as its owner signed it: which findings of which rule, and from when to when."""

    policy: str
    rule: str
    match: Condition | None
    """Bound; of a rule on groups it names only the fields that tell its groups. None: every finding of the rule."""
    waiver: Waiver
    granted: date
    expires: date
    """The last day on which it holds, UTC."""
    location: Location

    def status(self, as_of: datetime) -> WaiverStatus:
        today = as_of.astimezone(UTC).date()
        if today < self.granted:
            return WaiverStatus.NOT_YET
        return WaiverStatus.EXPIRED if today > self.expires else WaiverStatus.IN_FORCE


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy file."""

    id: str
    title: str
    path: str
    rules: tuple[Rule, ...]
    scope: Scope = Scope()
    waivers: tuple[WaiverGrant, ...] = ()
    longest_waiver_days: int = YEAR_DAYS
    lines: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """The file's text, for carets."""
    sha256: str = field(default="", compare=False)
    """Of the file's bytes; empty where it was made without one."""
    unchosen: tuple[Rule, ...] = ()
    """Rules of this and other policies that the command left out; reports name the controls that they speak to."""
