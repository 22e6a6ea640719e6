"""A rule as the engine evaluates it: what its kind knows, what it asks, and what its columns are called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import narwhals as nw
from msgspec import Struct

from policycheck.datasets import BACKUP_JOBS, HORIZON
from policycheck.engine.context import Context
from policycheck.engine.frame import Frame
from policycheck.engine.outcomes import RuleTrace
from policycheck.engine.recovery import fields_needed
from policycheck.policy.conditions import fields_of
from policycheck.policy.measures import SHAPES
from policycheck.policy.model import RESOURCE, Expectation, JobChoice, NoneMatch, Rule, Scope
from policycheck.result import Finding, RuleResult

PROGRESS = "_progress"
END = "_end"
"""Whether a job is in progress, and when it ended: columns of the masks of rules on groups."""
IN_TIME = "_timely"
"""Whether a job is in progress and not late: what masks of a kind may ask, where a rule excuses what is new."""
PARENT = "ParentJobId"


class Staying(Struct, frozen=True):
    """What of a finding is certain to be there at a later moment, whatever happens until then."""

    rule: Rule
    finding: Finding
    jobs: int
    """How many jobs the finding names,"""
    sure: int
    """and of how many what the rule says is final."""
    tell_job: Callable[[], str]
    """That the first of these stays, and until when."""
    may_be_filled: Callable[[], bool]
    """Whether a job in progress may yet stand where one is missing."""

    def tell_jobs(self) -> str:
        """That all of them stay."""
        jobs = "1 job" if self.sure == 1 else f"{self.sure:,} jobs"
        return f"{jobs} of {self.finding.subject} that violate it stay in the window until time is up"


class Kind(ABC):
    """A kind of rule: everything that only rules of this kind do. One file of `kinds` each."""

    leaves_out_progress = False
    """Whether a job that has no outcome yet is left out, where a condition asks for one."""
    may_be_filled = False
    """Whether a job in progress may yet undo a violation by standing where one is missing."""

    @abstractmethod
    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        """The fields of each list that a rule's columns come from, so that a list is one frame for all kinds."""

    @abstractmethod
    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        """The results of rules of this kind, or of those that are evaluated together with them, by their numbers."""

    @abstractmethod
    def trace(self, case: Case, context: Context) -> RuleTrace:
        """What a rule makes of each subject, to be asked about; the lists and the inventory that it needs are there."""

    @property
    def family(self) -> str:
        """Kinds of one family are evaluated together."""
        return type(self).__module__

    def masks(self, case: Case, frame: Frame) -> Mapping[str, nw.Expr]:
        """The columns of the masks that only rules of this kind have."""
        raise AssertionError(f"rules of {type(self).__name__} have no masks of jobs")

    def excuses_new(self, requirement: Expectation, *, elsewhere: bool) -> bool:
        """Whether it asks for more than a subject may have that is new.

        Args:
            elsewhere: whether the rule is on another list than that of backup jobs, and that list shows who is new in its window.
        """
        return False

    @abstractmethod
    def is_mendable(self, requirement: Any) -> bool:
        """Whether a later job alone can make a rule pass, whatever happened before."""

    @abstractmethod
    def tell_staying(self, staying: Staying) -> str:
        """Why a violation stays, in words; empty where it may go."""


class Case(Struct, frozen=True):
    """A rule with what its policy declares, and the number that names its columns."""

    number: int
    rule: Rule
    scope: Scope
    kind: Kind
    alike: int
    """The number of the first rule of the run that asks the same of the same list by `where` and the scope: they share columns."""
    matched: int
    """The number of the first rule on the same list that asks for the same jobs: they share the column of what matches."""
    as_of: int | None = None
    """Microseconds, where the rule is evaluated and not only explained."""

    @property
    def violation(self) -> str:
        return f"violation_{self.number}"

    @property
    def population(self) -> str:
        return f"population_{self.number}"

    @property
    def chosen(self) -> str:
        """What `where`, `jobs` and the scope choose, whatever the window."""
        jobs = self.rule.qualifiers.jobs
        return f"chosen_{self.alike}_{JobChoice.ALL if jobs is JobChoice.ONCE else jobs}"

    @property
    def elsewhere(self) -> str:
        """What could have been in the population in another window; a job in progress has no deadline in any."""
        return self.chosen if self.recovery is None else f"elsewhere_{self.number}"

    @property
    def window(self) -> str:
        """Rules of one window share its column."""
        return f"window_{self.window_length}_{self.rule.qualifiers.clock}_{self.recovery}_{self.by_creation}"

    @property
    def by_creation(self) -> bool:
        """Whether the window is told by CreationDate alone."""
        requirement = self.rule.statement.requirement
        return isinstance(requirement, Expectation) and SHAPES[requirement.measure].by_creation

    @property
    def compares_jobs(self) -> bool:
        """Whether jobs in the window are compared with those before them, whenever these were."""
        requirement = self.rule.statement.requirement
        return isinstance(requirement, Expectation) and SHAPES[requirement.measure].each_resource

    @property
    def listed(self) -> str:
        """What `where` and the scope choose: whoever these jobs name is a subject of a rule on groups."""
        return f"listed_{self.alike}"

    @property
    def matching(self) -> str:
        """Whether a job is what a rule on groups measures, wherever it stands."""
        return f"matching_{self.matched}"

    @property
    def measured(self) -> str:
        """Whether a measure looks at a job: it is in the population, and for counts, ages and gaps it matches, for shares it is decided."""
        return f"measured_{self.number}"

    @property
    def unwell(self) -> str:
        """Whether a job of the population ended and does not match, for rules that a new subject may not meet yet."""
        return f"unwell_{self.number}"

    @property
    def stays(self) -> str:
        """Whether a record is not left out for its composite parent; there is no such column where none may be."""
        return f"stays_{self.number}"

    @property
    def nameless(self) -> str:
        """Whether it is unknown which group a record is of, by the `per` fields beside ResourceArn."""
        return f"nameless_{self.number}"

    @property
    def others(self) -> tuple[str, ...]:
        """The `per` fields beside ResourceArn."""
        return tuple(name for name in self.per if name != RESOURCE)

    @property
    def excuses_new(self) -> bool:
        """Whether the rule asks for more than a new subject may have, of a resource that jobs name."""
        requirement = self.rule.statement.requirement
        if not isinstance(requirement, Expectation) or RESOURCE not in requirement.per or requirement.inventory is not None:
            return False
        # Of a longer window a list as AWS gives it never shows who is new: it begins within.
        shown = self.window_length is not None and self.window_length < HORIZON // timedelta(microseconds=1)
        return self.kind.excuses_new(requirement, elsewhere=shown and self.rule.statement.dataset != BACKUP_JOBS.name)

    @property
    def outside(self) -> str:
        """What `where`, `jobs` and the scope choose outside the window."""
        return f"outside_{self.chosen}_{self.window}"

    @property
    def of_groups(self) -> bool:
        """Whether the rule expects something of groups of jobs."""
        return isinstance(self.rule.statement.requirement, Expectation)

    @property
    def per(self) -> tuple[str, ...]:
        """The fields that tell the groups of a rule."""
        requirement = self.rule.statement.requirement
        return requirement.per if isinstance(requirement, Expectation) else ()

    @property
    def undecided(self) -> str:
        return f"undecided_{self.number}"

    @property
    def recovered(self) -> str:
        return f"recovered_{self.number}"

    @property
    def pending(self) -> str:
        return f"pending_{self.number}"

    @property
    def recovery(self) -> int | None:
        """Microseconds that a job has to be recovered; None: it is not asked about."""
        requirement = self.rule.statement.requirement
        if not isinstance(requirement, NoneMatch) or requirement.recovery is None or requirement.recovery.value is None:
            return None
        return int(requirement.recovery.value)

    @property
    def window_length(self) -> int | None:
        """Microseconds that the window reaches back from as_of; None: no window."""
        return self.rule.statement.window_length(self.as_of)

    @property
    def counts_once(self) -> bool:
        """Whether a composite job counts once, so that it matters which parent a job has."""
        return self.rule.qualifiers.jobs is JobChoice.ONCE and RESOURCE not in self.per

    @property
    def asks_outcome(self) -> bool:
        """Whether the rule's conditions read what a job in progress does not have yet."""
        return bool(fields_of(self.rule.statement.requirement.condition) & {"State", "Status", "Outcome"})

    @property
    def leaves_out_progress(self) -> bool:
        """Whether a job in progress is undecided: it has no outcome yet that `all` or a share could ask about."""
        return self.kind.leaves_out_progress and self.asks_outcome


def fields_read(case: Case) -> set[str]:
    """The fields of its list that a rule's columns come from."""
    statement = case.rule.statement
    names = fields_of(statement.where) | fields_of(statement.requirement.condition) | set(case.per) - {RESOURCE}
    if case.rule.qualifiers.clock:
        names.add(case.rule.qualifiers.clock)
    if isinstance(statement.requirement, Expectation):
        names.update(SHAPES[statement.requirement.measure].reads)
    if case.recovery is not None:
        names |= fields_needed(statement.list)
    if case.leaves_out_progress and "Overdue" in statement.list.fields:
        names.add("Overdue")
    return names


def fields_decisive(case: Case) -> set[str]:
    """The fields that decide about a job of this rule: of its conditions, and of its window."""
    windowed = set() if case.window_length is None or case.rule.qualifiers.clock else {"CreationDate", "CompletionDate"}
    return fields_read(case) | fields_of_choice(case) | (windowed - {"CompletionDate"} if case.by_creation else windowed)


def fields_of_choice(case: Case) -> set[str]:
    """The fields by which `jobs` chooses among the jobs of a composite one."""
    return {PARENT} if case.rule.qualifiers.jobs in {JobChoice.TOP_LEVEL, JobChoice.MEMBERS} or case.counts_once else set()
