"""Statements to sentences: reports print what was evaluated, in the words an author could have written."""

from __future__ import annotations

from typing import assert_never

from policycheck.datasets import DEFAULT, Dataset
from policycheck.policy.conditions import Comparison, Condition, Literal, fields_of
from policycheck.policy.group_sentences import render_expectation, render_measured, render_within
from policycheck.policy.model import (
    AllMatch,
    Expectation,
    Following,
    JobChoice,
    NoData,
    NoneMatch,
    Qualifiers,
    Requirement,
    Statement,
)
from policycheck.policy.operators import Operator
from policycheck.policy.phrases import Phrase, moment, spell_conditions, verb

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
            sentence = render_expectation(statement, statement.requirement, where)
        case Following():
            sentence = f"every {where.noun('job')}{render_within(statement.within)} must be {_followed(statement.requirement)}"
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
    within = render_within(statement.within)
    recovered = f" unless recovered{render_within(requirement.recovery)}" if requirement.recovery else ""
    if (told := moment(requirement.condition)) and not recovered and not where.dataset.of_state:
        return f"no {where.noun('jobs')} may {told}{within}"
    if where.said:
        return f"for {where.noun('jobs', 'and')}{within}, no {where.dataset.item} may have {spell_conditions(requirement.condition)}{recovered}"
    if requirement.condition == Comparison("Overdue", Operator.IS, (Literal("true"),)) and not recovered:
        return f"no {where.noun('job')} may be overdue{within}"
    if where.empty and not forbidden.said and forbidden.nouns:
        return f"no {forbidden.noun('jobs')}{within}{recovered}"
    if not recovered and not fields_of(requirement.condition) & _ADJECTIVES and (negated := verb(requirement.condition, negative=True)):
        return f"{where.clause()}{negated}{within}"
    return f"no {forbidden.beside(where).noun('jobs')}{within}{recovered}"


def _render_all(statement: Statement, requirement: AllMatch, where: Phrase) -> str:
    if where.dataset.of_state:
        return f"every {where.noun('job')}{render_within(statement.within)} must have {spell_conditions(requirement.condition)}"
    told = moment(requirement.condition)
    # That some part of a job lies in these hours is not what `must run` would be read as.
    if told and "Running" not in fields_of(requirement.condition):
        return f"{where.noun('jobs')} must {told}{render_within(statement.within)}"
    demanded = verb(requirement.condition, negative=False)
    if demanded:
        return f"{where.clause()}{demanded}{render_within(statement.within)}"
    return f"for {where.noun('jobs', 'and')}{render_within(statement.within)}, every job must have {spell_conditions(requirement.condition)}"


def _followed(requirement: Following) -> str:
    return f"followed by {Phrase(requirement.condition, requirement.list).one()}{render_within(requirement.within)}"


def render_jobs(statement: Statement, condition: Condition, job: str) -> str:
    """The jobs of a statement's list that a condition describes: `clean EC2 job in vault prod`, or with `jobs` for `job` those words in the plural."""
    return Phrase(condition, statement.list).noun(job)


def render_requirement(requirement: Requirement, dataset: Dataset = DEFAULT) -> str:
    """What a rule asks of each job of its population, or of each group: IAM role must contain AWSBackup; at most 2 FAILED jobs."""
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            told = moment(condition)
            asked = f"no {dataset.item} may {told}" if told else verb(condition, negative=True) or f"no {dataset.item} may have {spell_conditions(condition)}"
            return f"{asked} unless recovered{render_within(recovery)}" if recovery else asked
        case AllMatch(condition=condition):
            told = moment(condition)
            return (
                f"every {dataset.item} must {told}"
                if told
                else verb(condition, negative=False) or f"every {dataset.item} must have {spell_conditions(condition)}"
            )
        case Expectation():
            return render_measured(requirement, Phrase(requirement.condition, dataset))
        case Following():
            return f"every job must be {_followed(requirement)}"
        case _:
            assert_never(requirement)
