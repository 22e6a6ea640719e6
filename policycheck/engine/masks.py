"""Rules to masks: a column for each question about a record, true, false or null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import narwhals as nw

from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import EXISTS, ROW, SUBJECT, Frame, ended
from policycheck.engine.recovery import deadline_in_window, deadline_to_come, fields_needed
from policycheck.policy.conditions import Condition, Operator, fields_of
from policycheck.policy.model import RESOURCE, AllMatch, Expectation, Following, JobChoice, Measure, NoneMatch, Rule, Scope

PROGRESS = "_progress"
END = "_end"
"""Whether a job is in progress, and when it ended: columns of the masks of rules on groups."""
_OPEN = "_open"
_BY_CREATION = frozenset({Measure.NEWEST, Measure.LONGEST_GAP, Measure.MISSED_RUNS})
"""Measures whose window is told by CreationDate alone: when the data that a restore returns to was taken."""


@dataclass(frozen=True, slots=True)
class Case:
    """A rule with what its policy declares, and the number that names its columns."""

    number: int
    rule: Rule
    scope: Scope

    @property
    def violation(self) -> str:
        return f"violation_{self.number}"

    @property
    def population(self) -> str:
        return f"population_{self.number}"

    @property
    def chosen(self) -> str:
        """What `where`, `jobs` and the scope choose, whatever the window."""
        return f"chosen_{self.number}"

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
        return self.measure in _BY_CREATION

    @property
    def listed(self) -> str:
        """What `where` and the scope choose: whoever these jobs name is a subject of a rule on groups."""
        return f"listed_{self.number}"

    @property
    def matching(self) -> str:
        """Whether a job is what a rule on groups measures, wherever it stands."""
        return f"matching_{self.number}"

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
        return requirement.measure in {Measure.COUNT, Measure.STREAK} and requirement.operator in {Operator.AT_LEAST, Operator.MORE_THAN}

    @property
    def outside(self) -> str:
        """What `where`, `jobs` and the scope choose outside the window."""
        return f"outside_{self.number}"

    @property
    def measure(self) -> Measure | None:
        """None: the rule judges each job by itself."""
        requirement = self.rule.statement.requirement
        return requirement.measure if isinstance(requirement, Expectation) else None

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
        window = self.rule.statement.window
        return int(window.value) if window is not None and window.value is not None else None

    @property
    def counts_once(self) -> bool:
        """Whether a composite job counts once, so that it matters which parent a job has."""
        return self.rule.qualifiers.jobs is JobChoice.ONCE and self.measure in {Measure.COUNT, Measure.SHARE} and RESOURCE not in self.per

    @property
    def asks_outcome(self) -> bool:
        """Whether the rule's conditions read what a job in progress does not have yet."""
        return bool(fields_of(self.rule.statement.requirement.condition) & {"State", "Status", "Outcome"})

    @property
    def leaves_out_progress(self) -> bool:
        """Whether a job in progress is undecided: it has no outcome yet that `all` or a share could ask about."""
        judged = isinstance(self.rule.statement.requirement, AllMatch) or self.measure is Measure.SHARE
        return judged and self.asks_outcome


def fields_read(case: Case) -> set[str]:
    """The fields of its list that a rule's columns come from."""
    statement = case.rule.statement
    names = fields_of(statement.where) | fields_of(statement.requirement.condition) | set(case.per) - {RESOURCE}
    if case.rule.qualifiers.clock:
        names.add(case.rule.qualifiers.clock)
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


def add_masks(columns: nw.LazyFrame[Any], cases: Sequence[Case], frame: Frame, more: Mapping[str, nw.Expr] | None = None) -> nw.LazyFrame[Any]:
    """Each rule's columns: who violates, who is in the population, who would be without the window, who is undecided.

    In three steps, so that what several masks need is said once: for a short list, saying it takes longer than computing it.

    Args:
        more: other columns to add, by name.
    """
    shared = {case.window: window_mask(case, frame) for case in cases}
    measured = [case for case in cases if case.measure is not None]
    if measured:
        shared |= {PROGRESS: frame.in_progress(), END: ended(frame.dataset)}
    if any(case.leaves_out_progress for case in cases):
        overdue = nw.col("Overdue") if "Overdue" in frame.dataset.fields else nw.lit(False)
        shared[_OPEN] = frame.in_progress() & ~overdue
    chosen = {case.chosen: chosen_mask(case, frame) for case in cases}
    populations = {name: mask for case in cases for name, mask in _population_masks(case, frame).items()}
    violations = {name: mask for case in cases for name, mask in _violation_masks(case, frame).items()}
    kept = [ROW, SUBJECT, *chosen, *populations]
    if measured:
        kept += ["CreationDate", frame.dataset.state_field, PROGRESS, END, *sorted({name for case in measured for name in case.others})]
    return columns.with_columns(**shared, **chosen).with_columns(**populations).select(*map(nw.col, dict.fromkeys(kept)), **violations, **(more or {}))


def listed_mask(where: Condition, scope: Scope, frame: Frame) -> nw.Expr:
    """What a `where` and the scope choose, at any time and of all kinds of jobs."""
    return compile_condition(where, frame) & scope_mask(scope) & nw.col(EXISTS)


def chosen_mask(case: Case, frame: Frame) -> nw.Expr:
    """What `where`, `jobs` and the scope choose, whatever the window."""
    mask = listed_mask(case.rule.statement.where, case.scope, frame)
    jobs = case.rule.qualifiers.jobs
    return mask if jobs in {JobChoice.ALL, JobChoice.ONCE} else mask & jobs_mask(jobs, frame)


PARENT = "ParentJobId"


def has_parent(frame: Frame) -> nw.Expr:
    """Whether a record is a child of a composite job; null where a reduced list does not say."""
    told = frame.told(PARENT)
    none = nw.lit(False) if told is True else nw.when(nw.lit(False) | told).then(nw.lit(False))
    return nw.when(~nw.col(PARENT).is_null()).then(nw.lit(True)).otherwise(none)


def jobs_mask(jobs: JobChoice, frame: Frame) -> nw.Expr:
    """Which records of composite jobs a rule looks at; what counts once for all is decided in each group."""
    match jobs:
        case JobChoice.TOP_LEVEL:
            return ~has_parent(frame)
        case JobChoice.MEMBERS:
            return has_parent(frame)
        case JobChoice.ALL | JobChoice.ONCE:
            return nw.lit(True)
        case _:
            assert_never(jobs)


def _population_masks(case: Case, frame: Frame) -> dict[str, nw.Expr]:
    inside = nw.col(case.chosen) & nw.col(case.window)
    masks = {case.population: inside}
    if case.recovery is not None:
        masks[case.elsewhere] = nw.col(case.chosen) & ~frame.in_progress()
    if case.measure is not None:
        masks |= {case.matching: compile_condition(case.rule.statement.requirement.condition, frame)}
    if case.leaves_out_progress:
        masks |= {case.population: inside & ~nw.col(_OPEN), case.undecided: inside & nw.col(_OPEN)}
    return masks


def _violation_masks(case: Case, frame: Frame) -> dict[str, nw.Expr]:
    population = nw.col(case.population)
    match case.rule.statement.requirement:
        case NoneMatch(condition=condition):
            violation = compile_condition(condition, frame, settled=False)
            if case.recovery is None:
                return {case.violation: population & violation}
            may_recover = ~nw.col(case.recovered).fill_null(False)
            pending = nw.col(case.chosen) & violation & deadline_to_come(frame, case.recovery) & may_recover
            return {case.violation: population & violation & ~nw.col(case.recovered), case.pending: pending}
        case AllMatch(condition=condition):
            return {case.violation: population & ~compile_condition(condition, frame, settled=True)}
        case Expectation(measure=measure):
            return {
                case.measured: _measured_mask(case, measure, frame),
                case.listed: listed_mask(case.rule.statement.where, case.scope, frame),
                case.outside: nw.col(case.chosen) & ~nw.col(case.window),
                **({} if case.leaves_out_progress else {case.undecided: nw.lit(False)}),
                **({case.nameless: _nameless_mask(case, frame)} if case.others else {}),
                **({case.unwell: population & ~frame.in_time() & ~nw.col(case.matching)} if case.excuses_new else {}),
            }
        case Following():
            raise AssertionError("judged with another list")
        case _:
            assert_never(case.rule.statement.requirement)


def _nameless_mask(case: Case, frame: Frame) -> nw.Expr:
    """A job that is known to have none (of a plan, say) is of no group. Never null."""
    nameless: nw.Expr = nw.lit(False)
    for name in case.others:
        known = frame.known_missing(frame.dataset.fields[name])
        nameless = nameless | (nw.col(name).is_null() & ~(nw.lit(known) if isinstance(known, bool) else known.fill_null(False)))
    return nameless


def _measured_mask(case: Case, measure: Measure, frame: Frame) -> nw.Expr:
    population, matching = nw.col(case.population), nw.col(case.matching)
    match measure:
        case Measure.COUNT | Measure.LONGEST_GAP:
            return population & matching
        case Measure.NEWEST:
            # Of all the coverage: how old the newest is, is told even where that is far too old.
            return nw.col(case.chosen) & matching
        case Measure.SHARE | Measure.STREAK:
            return population
        case Measure.LATEST:
            return population & ~frame.in_progress()
        case Measure.MISSED_RUNS:
            raise AssertionError("runs are no jobs")
        case _:
            assert_never(measure)


def scope_mask(scope: Scope) -> nw.Expr:
    """What the declared scope does not rule out. Never null."""
    mask = nw.lit(True)
    if scope.accounts:
        mask = mask & (nw.col("Account").is_null() | nw.col("Account").is_in(list(scope.accounts)))
    if scope.regions:
        mask = mask & (nw.col("Region").is_null() | nw.col("Region").is_in(list(scope.regions)))
    return mask


def window_mask(case: Case, frame: Frame) -> nw.Expr:
    """Whether a record is in the window of a rule."""
    length = case.window_length
    if case.recovery is not None:
        return deadline_in_window(frame, case.recovery, length)
    if length is None:
        return nw.lit(True)
    start = frame.as_of - length
    clock = case.rule.qualifiers.clock
    if clock:
        inside = (nw.col(clock) >= start) & (nw.col(clock) <= frame.as_of)
        known = frame.known_missing(frame.dataset.fields[clock])
        if known is False:
            return inside
        return nw.when(nw.col(clock).is_null() & known).then(nw.lit(False)).otherwise(inside)
    if case.by_creation:
        return nw.col("CreationDate") >= start
    return (nw.col("CreationDate") >= start) | _ended_since(frame, start) | frame.in_progress()


def _ended_since(frame: Frame, start: int) -> nw.Expr:
    """Whether a job ended at `start` or later; null where its record does not say, however old it is. A job in progress has not."""
    return nw.when(frame.in_progress()).then(nw.lit(False)).otherwise(ended(frame.dataset) >= start)
