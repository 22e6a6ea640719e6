"""Statements to sentences: reports print what was evaluated, in the words an author could have written."""

from __future__ import annotations

from typing import assert_never

from policycheck.datasets import DEFAULT, Dataset
from policycheck.policy.conditions import Comparison, Condition, Literal, Operator, fields_of
from policycheck.policy.measures import UPPER_BOUNDS
from policycheck.policy.model import (
    EVERY_JOB,
    RESOURCE,
    AllMatch,
    Expectation,
    Following,
    JobChoice,
    Measure,
    NoData,
    NoneMatch,
    Qualifiers,
    Requirement,
    Statement,
)
from policycheck.policy.phrases import Phrase, grouped, spell_conditions, spell_value, verb

_ADJECTIVES = frozenset({"State", "Status", "Outcome", "Overdue"})


def render(statement: Statement, qualifiers: Qualifiers | None = None) -> str:
    """The sentence that `parse_sentence` reads back as this statement, and after it in brackets what stands beside it."""
    where = Phrase(statement.where, statement.list)
    match statement.requirement:
        case NoneMatch():
            sentence = _render_none(statement, statement.requirement, where)
        case AllMatch():
            sentence = _render_all(statement, statement.requirement, where)
        case Expectation():
            sentence = _render_expectation(statement, statement.requirement, where)
        case Following():
            sentence = f"every {where.noun('job')}{_within(statement.within)} must be {_followed(statement.requirement)}"
        case _:
            assert_never(statement.requirement)
    return f"{sentence}{_brackets(qualifiers, statement.default_jobs)}" if qualifiers else sentence


def _brackets(qualifiers: Qualifiers, default_jobs: JobChoice) -> str:
    notes = []
    if qualifiers.clock:
        notes.append(f"clock {qualifiers.clock}")
    if qualifiers.jobs is not default_jobs:
        notes.append(f"jobs {qualifiers.jobs}")
    if qualifiers.no_data is not NoData.INCONCLUSIVE:
        notes.append(f"no_data {qualifiers.no_data}")
    return f" [{', '.join(notes)}]" if notes else ""


def _render_none(statement: Statement, requirement: NoneMatch, where: Phrase) -> str:
    forbidden = Phrase(requirement.condition, statement.list)
    within = _within(statement.within)
    recovered = f" unless recovered{_within(requirement.recovery)}" if requirement.recovery else ""
    if where.said:
        return f"for {where.noun('jobs', 'and')}{within}, no job may have {spell_conditions(requirement.condition)}{recovered}"
    if requirement.condition == Comparison("Overdue", Operator.IS, (Literal("true"),)) and not recovered:
        return f"no {where.noun('job')} may be overdue{within}"
    if where.empty and not forbidden.said and forbidden.nouns:
        return f"no {forbidden.noun('jobs')}{within}{recovered}"
    if not recovered and not fields_of(requirement.condition) & _ADJECTIVES and (negated := verb(requirement.condition, negative=True)):
        return f"{where.clause()}{negated}{within}"
    return f"no {forbidden.beside(where).noun('jobs')}{within}{recovered}"


def _render_all(statement: Statement, requirement: AllMatch, where: Phrase) -> str:
    demanded = verb(requirement.condition, negative=False)
    if demanded:
        return f"{where.clause()}{demanded}{_within(statement.within)}"
    return f"for {where.noun('jobs', 'and')}{_within(statement.within)}, every job must have {spell_conditions(requirement.condition)}"


def _render_expectation(statement: Statement, requirement: Expectation, where: Phrase) -> str:
    of, within = Phrase(requirement.condition, statement.list), _within(statement.within)
    subject = where.subject(requirement.per, requirement.inventory) if requirement.per else ""
    match requirement.measure:
        case Measure.COUNT | Measure.STREAK:
            return _render_number(requirement, where, of) + within
        case Measure.NEWEST:
            return f"{_having(where, subject)} {_newest(requirement, of)}"
        case Measure.SHARE:
            return f"{_limit(requirement)} of {where.noun('jobs', 'and')}{_per(requirement, statement.list)} must {_demand(requirement, of)}{within}"
        case Measure.LATEST:
            return f"the latest {_latest(requirement, where) if subject else where.noun('job')} must {_demand(requirement, of)}{within}"
        case Measure.LONGEST_GAP if subject:
            return f"no {subject} may go {_longer(requirement)} without {of.one()}{within}"
        case Measure.LONGEST_GAP:
            return f"{_unless_empty(where)}{_limit(requirement)} may pass without {of.one()}{within}"
        case Measure.MISSED_RUNS:
            return f"{_missed(requirement, where)}{within}"
        case _:
            assert_never(requirement.measure)


def _render_number(requirement: Expectation, where: Phrase, of: Phrase) -> str:
    """A lower bound is asked of a subject, an upper bound of its jobs; where types and places would be read as the other's, the general forms."""
    one_phrase = not where.said and of.said and not of.nouns
    only_nouns = where.empty and of.nouns and not of.said
    upper = requirement.operator in UPPER_BOUNDS
    if (one_phrase or only_nouns) and (upper or not requirement.per):
        jobs = of.beside(where) if one_phrase else of
        return f"{_number(requirement, jobs)}{_per(requirement, where.dataset)}"
    return f"{_having(where, where.subject(requirement.per, requirement.inventory) if requirement.per else '')} {_number(requirement, of)}"


def _having(where: Phrase, subject: str) -> str:
    return f"every {subject} must have" if subject else f"{_unless_empty(where)}there must be"


def _unless_empty(where: Phrase) -> str:
    """The `for` clause; the jobs that follow say which list they are of."""
    return "" if where.empty else where.clause()


def _per(requirement: Expectation, dataset: Dataset) -> str:
    return f" per {grouped(requirement.per, requirement.inventory, dataset)}" if requirement.per else ""


def _latest(requirement: Expectation, where: Phrase) -> str:
    """`FAILED copy job of every RDS resource in vault prod`; what is no resource has no type, and its jobs say theirs."""
    if RESOURCE not in requirement.per:
        return f"{where.noun('job')} of every {grouped(requirement.per, requirement.inventory, where.dataset)}"
    job = " ".join([*where.outcomes, Phrase(EVERY_JOB, where.dataset).noun("job")])
    return f"{job} of every {where.without_outcomes().subject(requirement.per, requirement.inventory)}"


def _demand(requirement: Expectation, of: Phrase) -> str:
    if of.outcomes and not of.nouns and not of.rest:
        return f"be {of.outcomes[0]}"
    return f"have {spell_conditions(requirement.condition)}"


_BOUNDS = {Operator.AT_LEAST: "at least", Operator.AT_MOST: "at most", Operator.MORE_THAN: "more than", Operator.LESS_THAN: "less than"}


def _limit(requirement: Expectation, *, counted: bool = False) -> str:
    assert requirement.operator is not None
    assert requirement.limit is not None
    bound = "fewer than" if counted and requirement.operator is Operator.LESS_THAN else _BOUNDS[requirement.operator]
    return f"{bound} {spell_value(requirement.limit)}"


def _number(requirement: Expectation, jobs: Phrase) -> str:
    """`at most 2 consecutive FAILED jobs`"""
    consecutive = " consecutive" if requirement.measure is Measure.STREAK else ""
    return f"{_limit(requirement, counted=True)}{consecutive} {jobs.noun('job' if _is_one(requirement) else 'jobs')}"


def _is_one(requirement: Expectation) -> bool:
    return requirement.limit is not None and requirement.limit.text == "1"


def _newest(requirement: Expectation, of: Phrase) -> str:
    """`a clean job within 24h`"""
    assert requirement.limit is not None
    return f"{of.one()} within {'less than ' if requirement.operator is Operator.LESS_THAN else ''}{spell_value(requirement.limit)}"


def _longer(requirement: Expectation) -> str:
    """What is over the limit: `longer than 26h`; where the limit itself is, `26h or longer`."""
    assert requirement.limit is not None
    limit = spell_value(requirement.limit)
    return f"{limit} or longer" if requirement.operator is Operator.LESS_THAN else f"longer than {limit}"


def _missed(requirement: Expectation, where: Phrase) -> str:
    """`no scheduled run may be missed`"""
    none = requirement.operator is Operator.AT_MOST and requirement.limit == Literal("0")
    runs = where.runs("run" if none or _is_one(requirement) else "runs")
    return f"{'no' if none else _limit(requirement, counted=True)} {runs} may be missed"


def _followed(requirement: Following) -> str:
    return f"followed by {Phrase(requirement.condition, requirement.list).one()}{_within(requirement.within)}"


def _within(window: Literal | None) -> str:
    return f" within {spell_value(window)}" if window else ""


def render_jobs(statement: Statement, condition: Condition, job: str) -> str:
    """The jobs of a statement's list that a condition describes: `clean EC2 job in vault prod`, or with `jobs` for `job` those words in the plural."""
    return Phrase(condition, statement.list).noun(job)


def render_requirement(requirement: Requirement, dataset: Dataset = DEFAULT) -> str:
    """What a rule asks of each job of its population, or of each group: IAM role must contain AWSBackup; at most 2 FAILED jobs."""
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            asked = verb(condition, negative=True) or f"no job may have {spell_conditions(condition)}"
            return f"{asked} unless recovered{_within(recovery)}" if recovery else asked
        case AllMatch(condition=condition):
            return verb(condition, negative=False) or f"every job must have {spell_conditions(condition)}"
        case Expectation():
            return _render_measured(requirement, Phrase(requirement.condition, dataset))
        case Following():
            return f"every job must be {_followed(requirement)}"
        case _:
            assert_never(requirement)


def _render_measured(requirement: Expectation, of: Phrase) -> str:
    match requirement.measure:
        case Measure.COUNT | Measure.STREAK:
            return _number(requirement, of)
        case Measure.NEWEST:
            return _newest(requirement, of)
        case Measure.SHARE:
            return f"{_limit(requirement)} of jobs must {_demand(requirement, of)}"
        case Measure.LATEST:
            return f"the latest job must {_demand(requirement, of)}"
        case Measure.LONGEST_GAP:
            return f"{_limit(requirement)} may pass without {of.one()}"
        case Measure.MISSED_RUNS:
            return _missed(requirement, Phrase(requirement.condition, of.dataset))
        case _:
            assert_never(requirement.measure)
