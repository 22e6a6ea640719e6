"""Statements to sentences: reports print what was evaluated, in the words an author could have written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from policycheck.datasets import BACKUP_JOBS
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Operator, Or, fields_of, parts_of
from policycheck.policy.model import AllMatch, Expectation, Following, JobChoice, NoData, NoneMatch, Qualifiers, Requirement, Statement
from policycheck.policy.vocabulary import KINDS, PHRASE_OF, PLACE_OF, TYPES, is_parameter, is_plain

_ADJECTIVES = frozenset({"State", "Status", "Outcome", "Overdue"})
_KIND_OF = {dataset: kind for kind, dataset in KINDS.items()}
_VERBS = {Operator.IS: "be", Operator.CONTAINS: "contain", Operator.STARTS_WITH: "start with", Operator.ENDS_WITH: "end with", Operator.MATCHES: "match"}
_TESTS = {Operator.CONTAINS: "containing", Operator.STARTS_WITH: "starting with", Operator.ENDS_WITH: "ending with", Operator.MATCHES: "matching"}


def render(statement: Statement, qualifiers: Qualifiers | None = None) -> str:
    """The sentence that `parse_sentence` reads back as this statement, and after it in brackets what stands beside it."""
    match statement.requirement:
        case NoneMatch():
            sentence = _render_none(statement, statement.requirement)
        case AllMatch():
            sentence = _render_all(statement, statement.requirement)
        case Expectation() | Following():
            raise AssertionError("a policy cannot say this yet")
        case _:
            assert_never(statement.requirement)
    return f"{sentence}{_brackets(qualifiers)}" if qualifiers else sentence


def _brackets(qualifiers: Qualifiers) -> str:
    notes = []
    if qualifiers.clock:
        notes.append(f"clock {qualifiers.clock}")
    if qualifiers.jobs is not JobChoice.ALL:
        notes.append(f"jobs {qualifiers.jobs}")
    if qualifiers.no_data is not NoData.INCONCLUSIVE:
        notes.append(f"no_data {qualifiers.no_data}")
    return f" [{', '.join(notes)}]" if notes else ""


def _render_none(statement: Statement, requirement: NoneMatch) -> str:
    where = _Phrase(statement, statement.where)
    forbidden = _Phrase(statement, requirement.condition)
    within = _within(statement.within)
    recovered = f" unless recovered{_within(requirement.recovery)}" if requirement.recovery else ""
    if not where.outcomes and not where.rest:
        if requirement.condition == Comparison("Overdue", Operator.IS, (Literal("true"),)) and not recovered:
            return f"no {where.noun('job')} may be overdue{within}"
        if not where.nouns and not forbidden.outcomes and not forbidden.rest and forbidden.nouns:
            return f"no {forbidden.noun('jobs')}{within}{recovered}"
        if not recovered and not fields_of(requirement.condition) & _ADJECTIVES and (verb := _verb(requirement.condition, negative=True)):
            return f"{where.clause()}{verb}{within}"
        return f"no {forbidden.beside(where).noun('jobs')}{within}{recovered}"
    return f"for {where.noun('jobs', 'and')}{within}, no job may have {_conditions(requirement.condition)}{recovered}"


def _render_all(statement: Statement, requirement: AllMatch) -> str:
    where = _Phrase(statement, statement.where)
    verb = _verb(requirement.condition, negative=False)
    if verb:
        return f"{where.clause()}{verb}{_within(statement.within)}"
    return f"for {where.noun('jobs', 'and')}{_within(statement.within)}, every job must have {_conditions(requirement.condition)}"


class _Phrase:
    """A conjunction sorted into the parts of a noun phrase: outcomes, types and places, and the rest behind `with`."""

    def __init__(self, statement: Statement, condition: Condition) -> None:
        self._statement = statement
        self.outcomes: list[str] = []
        self.types: list[str] = []
        self.places: list[str] = []
        self.rest: list[Condition] = []
        # What is no adjective, in its order.
        self._others: list[Condition] = []
        for part in parts_of(condition):
            adjectives = len(self.outcomes)
            self._take(part)
            if len(self.outcomes) == adjectives:
                self._others.append(part)

    def _take(self, part: Condition) -> None:
        match part:
            case Comparison(field=name, operator=Operator.IS) if name == self._statement.list.state_field and not self.outcomes and self._known_states(part):
                self.outcomes.append(_listed([literal.text for literal in part.literals]))
            case Comparison(field="Outcome", operator=Operator.IS, literals=(Literal(text="clean"),)) if not self.outcomes:
                self.outcomes.append("clean")
            case Comparison(field="ResourceType", operator=Operator.IS) if not self.types:
                self.types = [literal.text if literal.text in TYPES else _quoted(literal.text) for literal in part.literals]
            case Comparison(field=name, operator=Operator.IS) if name in PLACE_OF:
                self.places.append(f"in {PLACE_OF[name]} {_names(part)}")
            case Not(part=Comparison(field=name, operator=Operator.IS) as inner) if name in PLACE_OF:
                self.places.append(f"not in {PLACE_OF[name]} {_names(inner)}")
            case _:
                self.rest.append(part)

    def _known_states(self, part: Comparison) -> bool:
        return all(literal.text in self._statement.list.states for literal in part.literals)

    @property
    def nouns(self) -> bool:
        return bool(self.types or self.places)

    def noun(self, job: str, join: str = "or") -> str:
        """`FAILED EC2 or EBS jobs in vault prod with ...`"""
        dataset = self._statement.dataset
        kind = [] if dataset == BACKUP_JOBS.name else [_KIND_OF[dataset]]
        types = [_listed(self.types, join)] if self.types else []
        words = [*self.outcomes, *types, *kind, job, *self.places]
        if self.rest:
            words.append(f"with {' and '.join(_condition(part) for part in self.rest)}")
        return " ".join(words)

    def clause(self) -> str:
        """`for EC2 jobs in vault prod, `; empty where the population is every backup job."""
        empty = not (self.outcomes or self.types or self.places or self.rest)
        return "" if empty and self._statement.dataset == BACKUP_JOBS.name else f"for {self.noun('jobs', 'and')}, "

    def beside(self, where: _Phrase) -> _Phrase:
        """One noun phrase for what is forbidden and where: types and places of the former go behind `with`."""
        phrase = _Phrase(self._statement, And())
        phrase.outcomes = self.outcomes
        phrase.types, phrase.places = where.types, where.places
        phrase.rest = self._others
        return phrase


def _verb(condition: Condition, *, negative: bool) -> str:
    """`vault must be prod`, or nothing where only the general form says it."""
    if not isinstance(condition, Comparison):
        return ""
    must = f"{_field(condition.field)} must {'not ' if negative else ''}"
    texts = [_value(literal) for literal in condition.literals]
    match condition.operator:
        case Operator.IS if len(texts) > 1:
            return f"{must}be one of {', '.join(texts)}"
        case Operator.IS | Operator.CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH | Operator.MATCHES:
            return f"{must}{_VERBS[condition.operator]} {_listed(texts)}"
        case Operator.PRESENT:
            return f"{must}be present" if texts == ["true"] else "" if negative else f"{must}be absent"
        case _:
            return "" if negative else f"{must}be {condition.operator.replace('_', ' ')} {texts[0]}"


def _conditions(condition: Condition) -> str:
    return " and ".join(_condition(part) for part in parts_of(condition))


def _condition(condition: Condition) -> str:
    match condition:
        case Comparison(field="Outcome", operator=Operator.IS, literals=(Literal(text="with_issues"),)):
            return "issues"
        case Comparison():
            return f"{_field(condition.field)} {_test(condition)}"
        case Not(part=Comparison(operator=operator) as inner) if operator in _TESTS or (operator is Operator.IS and inner.field != "Outcome"):
            return f"{_field(inner.field)} not {_test(inner)}"
        case Not(part=part):
            return f"not ({_conditions(part)})"
        case Or(parts=parts):
            return f"({', or '.join(_conditions(part) for part in parts)})"
        case And():
            return _conditions(condition)
        case _:
            assert_never(condition)


def _test(comparison: Comparison) -> str:
    match comparison.operator:
        case Operator.IS:
            return _names(comparison)
        case Operator.CONTAINS | Operator.STARTS_WITH | Operator.ENDS_WITH | Operator.MATCHES:
            return f"{_TESTS[comparison.operator]} {_names(comparison)}"
        case Operator.PRESENT:
            return "present" if comparison.literals[0].text == "true" else "absent"
        case _:
            return f"{comparison.operator.replace('_', ' ')} {_value(comparison.literals[0])}"


def _within(window: Literal | None) -> str:
    return f" within {_value(window)}" if window else ""


def _field(name: str) -> str:
    return PHRASE_OF.get(name, name)


def _names(comparison: Comparison) -> str:
    return " or ".join(_value(literal) for literal in comparison.literals)


def _listed(texts: Sequence[str], join: str = "or") -> str:
    """a; a or b; a, b or c."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {join} {texts[-1]}"


def _value(literal: Literal) -> str:
    return literal.text if is_plain(literal.text) or is_parameter(literal.text) else _quoted(literal.text)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def render_requirement(requirement: Requirement) -> str:
    """What a rule asks of each job of its population: IAM role must contain AWSBackup."""
    match requirement:
        case NoneMatch(condition=condition, recovery=recovery):
            asked = _verb(condition, negative=True) or f"no job may have {_conditions(condition)}"
            return f"{asked} unless recovered{_within(recovery)}" if recovery else asked
        case AllMatch(condition=condition):
            return _verb(condition, negative=False) or f"every job must have {_conditions(condition)}"
        case Expectation() | Following():
            raise AssertionError("a policy cannot say this yet")
        case _:
            assert_never(requirement)
