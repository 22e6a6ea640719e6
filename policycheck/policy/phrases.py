"""Conditions to the phrases of a sentence: noun phrases, tests and values, in the words an author could have written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from policycheck.datasets import DEFAULT, Dataset
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Not, Or, parts_of
from policycheck.policy.local_times import spell_local_time
from policycheck.policy.operators import OPERATORS, Operator
from policycheck.policy.vocabulary import ADJECTIVES, KINDS, PLACE_OF, SUBJECTS, TYPES, is_parameter, is_plain, quoted, spell_field, subject_word

_KIND_OF = {dataset: kind for kind, dataset in KINDS.items()}


def spell_noun(dataset: Dataset, jobs: str) -> str:
    """`jobs`, `copy jobs`, `recovery points`: what the records of a list are called where it must be told.

    Args:
        jobs: job or jobs.
    """
    if dataset.of_state:
        return dataset.noun + jobs.removeprefix("job")
    return jobs if dataset == DEFAULT else f"{_KIND_OF[dataset.name]} {jobs}"


class Phrase:
    """A conjunction sorted into the parts of a noun phrase: outcomes, types and places, and the rest behind `with`."""

    def __init__(self, condition: Condition, dataset: Dataset) -> None:
        self.dataset = dataset
        self.outcomes: list[str] = []
        self.types: list[str] = []
        self.places: list[str] = []
        self.rest: list[Condition] = []
        self._adjectives: list[Condition] = []
        # What is no adjective, in its order.
        self._others: list[Condition] = []
        for part in parts_of(condition):
            adjectives = len(self.outcomes)
            self._take(part)
            (self._others if len(self.outcomes) == adjectives else self._adjectives).append(part)

    def _take(self, part: Condition) -> None:
        match part:
            case Comparison(field=name, operator=Operator.IS) if name == self.dataset.state_field and not self.outcomes and self._known_states(part):
                self.outcomes.append(listed([literal.text for literal in part.literals]))
            case Comparison(field="Outcome", operator=Operator.IS, literals=(Literal(text="clean"),)) if not self.outcomes:
                self.outcomes.append("clean")
            case Comparison(field="ResourceType", operator=Operator.IS) if not self.types:
                self.types = [literal.text if literal.text in TYPES else quoted(literal.text) for literal in part.literals]
            case Comparison(field=name, operator=Operator.IS) if self._is_place(name):
                self.places.append(f"in {PLACE_OF[name]} {_names(part)}")
            case Not(part=Comparison(field=name, operator=Operator.IS) as inner) if self._is_place(name):
                self.places.append(f"not in {PLACE_OF[name]} {_names(inner)}")
            case _:
                self.rest.append(part)

    def _is_place(self, name: str) -> bool:
        """Whether `in` says it: a copy is in two accounts and Regions."""
        return name in PLACE_OF and f"Destination{name}" not in self.dataset.fields

    def _known_states(self, part: Comparison) -> bool:
        return all(literal.text in self.dataset.named_states for literal in part.literals)

    @property
    def nouns(self) -> bool:
        """Whether it names types or places."""
        return bool(self.types or self.places)

    @property
    def said(self) -> bool:
        """Whether it says anything but types and places."""
        return bool(self.outcomes or self.rest)

    def noun(self, job: str, join: str = "or") -> str:
        """`FAILED EC2 or EBS copy jobs in vault prod with ...`"""
        return " ".join([*self.outcomes, *self._types(join), spell_noun(self.dataset, job), *self.places, *self._with(self.rest)])

    def one(self) -> str:
        """`a FAILED EC2 job in vault prod`."""
        noun = self.noun("job")
        first = noun.split(maxsplit=1)[0].strip(",")
        return f"{'an' if first[0] in _VOWELS or first in _SPELLED_WITH_A_VOWEL else 'a'} {noun}"

    def subject(self, per: Sequence[str], inventory: Literal | None, *, several: bool = False) -> str:
        """`EC2 resource and vault in inventory prod in vault x with State FAILED`; of several, `EC2 resources and vaults`."""
        return " ".join(
            [*self._types("or"), grouped(per, inventory, self.dataset, several=several), *self.places, *self._with([*self._adjectives, *self.rest])]
        )

    def runs(self, run: str) -> str:
        """`scheduled EC2 run in vault prod`"""
        return " ".join(["scheduled", *self._types("or"), run, *self.places, *self._with([*self._adjectives, *self.rest])])

    def clause(self) -> str:
        """`for EC2 jobs in vault prod, `; empty where the population is every backup job."""
        return "" if self.empty and self.dataset == DEFAULT else f"for {self.noun('jobs', 'and')}, "

    @property
    def empty(self) -> bool:
        """Whether it is every job of the list."""
        return not (self.nouns or self.said)

    def beside(self, where: Phrase) -> Phrase:
        """One noun phrase for what is forbidden and where: types and places of the former go behind `with`."""
        phrase = Phrase(And(), self.dataset)
        phrase.outcomes = self.outcomes
        phrase.types, phrase.places = where.types, where.places
        phrase.rest = self._others
        return phrase

    def without_outcomes(self) -> Phrase:
        """The rest of the phrase, where the outcomes stand elsewhere."""
        return Phrase(And(tuple(self._others)), self.dataset)

    def _types(self, join: str) -> list[str]:
        return [listed(self.types, join)] if self.types else []

    def _with(self, parts: Sequence[Condition]) -> list[str]:
        return [f"with {' and '.join(_condition(part) for part in parts)}"] if parts else []


_VOWELS = "AEIOUaeiou"
_SPELLED_WITH_A_VOWEL = frozenset({"FSx", "RDS", "S3"})


def grouped(per: Sequence[str], inventory: Literal | None, dataset: Dataset, *, several: bool = False) -> str:
    """`resource and vault in inventory prod`; of several, `resources and vaults in inventory prod`."""
    words = " and ".join(f"{word}s" if several and (word := subject_word(field, dataset)) in SUBJECTS else subject_word(field, dataset) for field in per)
    return f"{words} in inventory {spell_value(inventory)}" if inventory else words


def verb(condition: Condition, *, negative: bool) -> str:
    """`vault must be prod`, or nothing where only the general form says it."""
    if not isinstance(condition, Comparison):
        return ""
    must = f"{spell_field(condition.field)} must {'not ' if negative else ''}"
    texts = [_spell_value_of(condition, literal) for literal in condition.literals]
    match condition.operator:
        case Operator.IS if len(texts) > 1:
            return f"{must}be one of {', '.join(texts)}"
        case Operator.IS:
            return f"{must}be {texts[0]}"
        case Operator.LOCAL_TIME:
            return ""  # Who does what when is a sentence of its own.
        case Operator.PRESENT:
            return f"{must}be present" if texts == ["true"] else "" if negative else f"{must}be absent"
        case _:
            definition = OPERATORS[condition.operator]
            return "" if negative and not definition.family.lists else f"{must}{definition.verb} {listed(texts)}"


def spell_conditions(condition: Condition) -> str:
    """What stands behind `with` or `have`."""
    return " and ".join(_condition(part) for part in parts_of(condition))


def _condition(condition: Condition) -> str:
    match condition:
        case Comparison(field="Outcome", operator=Operator.IS, literals=(Literal(text="with_issues"),)):
            return "issues"
        case Comparison():
            return f"{spell_field(condition.field)} {_test(condition)}"
        case Not(part=Comparison(operator=operator) as inner) if OPERATORS[operator].family.lists and (operator is not Operator.IS or inner.field != "Outcome"):
            return f"{spell_field(inner.field)} not {_test(inner)}"
        case Not(part=part):
            return f"not ({spell_conditions(part)})"
        case Or(parts=parts):
            return f"({', or '.join(spell_conditions(part) for part in parts)})"
        case And():
            return spell_conditions(condition)
        case _:
            assert_never(condition)


def _test(comparison: Comparison) -> str:
    match comparison.operator:
        case Operator.IS:
            return _names(comparison)
        case Operator.LOCAL_TIME:
            return spell_local_time(comparison.literals[0].text)
        case Operator.PRESENT:
            return "present" if comparison.literals[0].text == "true" else "absent"
        case _:
            return f"{OPERATORS[comparison.operator].test} {_names(comparison)}"


MOMENTS = {"CreationDate": "be created", "InitiationDate": "start", "CompletionDate": "end", "Running": "run"}
"""What jobs do at these times, behind may and must."""


def moment(condition: Condition) -> str:
    """`start before 06:00 in Europe/Berlin`; empty where the condition is about anything else."""
    match condition:
        case Comparison(field=name, operator=Operator.LOCAL_TIME) if name in MOMENTS:
            return f"{MOMENTS[name]} {_test(condition)}"
        case _:
            return ""


def _names(comparison: Comparison) -> str:
    return " or ".join(_spell_value_of(comparison, literal) for literal in comparison.literals)


def _spell_value_of(comparison: Comparison, literal: Literal) -> str:
    """A name that would be read as what is said of a vault is quoted."""
    is_said = comparison.field in PLACE_OF and literal.text.lower() in ADJECTIVES
    return quoted(literal.text) if is_said else spell_value(literal)


def listed(texts: Sequence[str], join: str = "or") -> str:
    """a; a or b; a, b or c."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} {join} {texts[-1]}"


def spell_value(literal: Literal) -> str:
    """A value, in quotes where it would not be read as itself without."""
    return literal.text if is_plain(literal.text) or is_parameter(literal.text) else quoted(literal.text)
