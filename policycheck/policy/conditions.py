"""Conditions: what a job must or must not be. One tree for both spellings; values are text until `bind` types them against a list's fields."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as member
from typing import assert_never

from msgspec import Struct

from policycheck.datasets import DATASETS, Dataset, Field, Kind
from policycheck.errors import Location
from policycheck.policy import operators
from policycheck.policy.literals import BadValue, Value
from policycheck.policy.operators import OPERATORS
from policycheck.text import clean, clean_line

Operator = operators.Operator
"""How a field is compared; named here too, for all who read conditions."""

_NOWHERE = Location("")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as the author wrote it (a parameter filled in), where it stands, and what it means once bound."""

    text: str
    location: Location = member(default=_NOWHERE, compare=False)
    value: Value | None = member(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field, one operator, any of the values."""

    field: str
    operator: Operator
    literals: tuple[Literal, ...]
    location: Location = member(default=_NOWHERE, compare=False)

    @property
    def values(self) -> tuple[Value, ...]:
        """What the literals mean; only after `bind`."""
        return tuple(literal.value for literal in self.literals if literal.value is not None)


class And(Struct, frozen=True):
    """A conjunction; without parts it is true."""

    parts: tuple[Condition, ...] = ()


class Or(Struct, frozen=True):
    """A disjunction of at least one part."""

    parts: tuple[Condition, ...]


class Not(Struct, frozen=True):
    """A negation."""

    part: Condition


Condition = Comparison | And | Or | Not


def conjunction(parts: Iterable[Condition]) -> Condition:
    """One condition out of many: nested conjunctions are opened, and outcomes, types and places come first, in that order."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else (part,))
    flat.sort(key=_rank)
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def negation(condition: Condition) -> Condition:
    """Its opposite; twice negated is the condition itself, in three values too."""
    return condition.part if isinstance(condition, Not) else Not(condition)


_PLACES = ("BackupVaultName", "CreatedBy.BackupPlanName", "Region", "Account")


def _rank(condition: Condition) -> int:
    match condition:
        case Comparison(field="State" | "Status", operator=Operator.IS):
            return 0
        case Comparison(field="Outcome", operator=Operator.IS, literals=(Literal(text="clean"),)):
            # The one outcome that is an adjective: clean jobs with issues.
            return 1
        case Comparison(field="Outcome", operator=Operator.IS):
            return 2
        case Comparison(field="ResourceType", operator=Operator.IS):
            return 3
        case Comparison(field=name, operator=Operator.IS) if name in _PLACES:
            return 4 + _PLACES.index(name)
        case Not(part=Comparison(field=name, operator=Operator.IS)) if name in _PLACES:
            return 4 + _PLACES.index(name)
        case _:
            return 4 + len(_PLACES)


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    """The parts of a conjunction; a single condition is its own part."""
    return condition.parts if isinstance(condition, And) else (condition,)


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """Every comparison in the tree, left to right."""
    match condition:
        case Comparison():
            yield condition
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part=part):
            yield from comparisons(part)
        case _:
            assert_never(condition)


def fields_of(condition: Condition) -> set[str]:
    """The names of all fields a condition reads."""
    return {comparison.field for comparison in comparisons(condition)}


Structured = dict[str, object]


def structured(condition: Condition) -> Structured:
    """The condition in the structured form: what `read_conditions` of its YAML gives back."""
    tree: Structured = {}
    parts = parts_of(condition)
    for index, part in enumerate(parts):
        entry = _entry(part)
        if not _joins(tree, entry, last=index == len(parts) - 1):
            # A mapping holds each key once; the rest follows in one of its own. An `any` of one is that one, and so is a double negation.
            rest = structured(And(parts[index:]))
            return tree | ({"not": {"not": rest}} if "any" in tree else {"any": [rest]})
        for key, value in entry.items():
            present = tree.get(key)
            tree[key] = present | value if isinstance(present, dict) and isinstance(value, dict) else value
    return tree


def _joins(tree: Structured, entry: Structured, *, last: bool) -> bool:
    """Whether an entry can stand in the mapping: no key twice, and `any` or `not` left over for what may follow."""
    if not last and {"any", "not"} <= tree.keys() | entry.keys():
        return False
    for key, value in entry.items():
        present = tree.get(key)
        operators = isinstance(present, dict) and isinstance(value, dict) and key == list(tree)[-1] and not present.keys() & value.keys()
        if key in tree and (not operators or key == "not"):
            return False
    return True


def _entry(condition: Condition) -> Structured:
    match condition:
        case Comparison(field=name, operator=operator, literals=literals):
            texts = [literal.text for literal in literals]
            value: object = texts[0] if len(texts) == 1 else texts
            return {name: value if operator is Operator.IS else {operator.value: value}}
        case And():
            return structured(condition)
        case Or(parts=parts):
            return {"any": [structured(part) for part in parts]}
        case Not(part=part):
            return {"not": structured(part)}
        case _:
            assert_never(condition)


Report = Callable[[Location, str, str], None]
"""Notes a mistake: where, what, what to write instead."""


def bind(condition: Condition, dataset: Dataset, report: Report) -> Condition:
    """The condition with every literal typed against the list's fields; each mistake is reported once."""
    match condition:
        case Comparison():
            return _bind_comparison(condition, dataset, report)
        case And(parts=parts):
            return And(tuple(bind(part, dataset, report) for part in parts))
        case Or(parts=parts):
            return Or(tuple(bind(part, dataset, report) for part in parts))
        case Not(part=part):
            return Not(bind(part, dataset, report))
        case _:
            assert_never(condition)


def _bind_comparison(comparison: Comparison, dataset: Dataset, report: Report) -> Comparison:
    column = find_field(comparison.field, dataset, comparison.location, report)
    if column is None:
        return comparison
    misfit = _operator_problem(comparison.operator, column, dataset)
    if misfit:
        report(comparison.location, *misfit)
        return comparison
    literals = []
    for literal in comparison.literals:
        try:
            literals.append(replace(literal, value=_literal_value(literal.text, comparison.operator, column)))
        except ValueError as error:
            wrong = BadValue.of(error)
            report(literal.location, wrong.of_value(clean_line(literal.text) or _EMPTY), wrong.hint)
            return comparison
    return replace(comparison, literals=tuple(literals))


def find_field(name: str, dataset: Dataset, location: Location, report: Report) -> Field | None:
    """The field of that exact name, or None once the mistake is reported with the nearest name."""
    column = dataset.field(name)
    if column is not None and "\n" not in name and clean(name) == name:
        return column
    near = nearest(name, dataset.fields)
    others = sorted(other.name for other in DATASETS.values() if name in other.fields)
    elsewhere = f"It is a field of {' and of '.join(others)}." if others else "The fields are the API's own names; see the language reference."
    hint = f"Did you mean {near}?" if near and not others else _INSTEAD.get(name, elsewhere)
    report(location, f"{dataset.noun}s have no field {clean_line(name)}", hint)
    return None


_INSTEAD = {
    "Tags": "A tag is written Tags.NAME.",
    "Tags.": "A tag is written Tags.NAME.",
    "BackupVaultName": 'Compare SourceBackupVaultArn or DestinationBackupVaultArn: ending with ":prod".',
}
"""What is meant by names that a list does not have."""


_TURNS = ("un", "in", "im", "ir", "non", "non-", "dis", "mis")


def nearest(word: str, words: Iterable[str]) -> str:
    """The known word most like this one, whatever its case; empty if none is like it. What a prefix turns into the opposite (unlocked) is not like it."""
    folded = word.lower()
    opposites = {prefix + folded for prefix in _TURNS} | {folded.removeprefix(prefix) for prefix in _TURNS if folded.startswith(prefix)}
    by_folded: Mapping[str, str] = {known.lower(): known for known in words if known.lower() == folded or known.lower() not in opposites}
    close = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=0.7)
    return by_folded[close[0]] if close else ""


def _operator_problem(operator: Operator, column: Field, dataset: Dataset) -> tuple[str, str] | None:
    definition = OPERATORS[operator]
    if operator is Operator.IN_INVENTORY and column.name in {"ResourceArn", dataset.resource_field}:
        return "a resource is identified by account and Region, too", "Write: with in_inventory prod"
    if definition.applies(column.kind):
        return None
    if column.kind is Kind.NAME:
        return f"{column.name} is compared by name: {operator.words} does not apply", "Write the inventory's name, or ask whether it is present."
    return definition.family.misfit(operator.words, column)


_EMPTY = '""'
_NAME_OF_ARN = {
    "IamRoleArn": "IamRoleName",
    "BackupVaultArn": "BackupVaultName",
    "ResourceArn": "ResourceName",
    "CreatedBy.BackupPlanArn": "CreatedBy.BackupPlanName",
}
_NO_WILDCARDS = frozenset({"BackupVaultName", "Region"})


def _literal_value(text: str, operator: Operator, column: Field) -> Value:
    """Raises BadValue or ValueError."""
    if "\n" in text or "\r" in text:
        raise ValueError("a value must be on one line")
    hidden = next((character for character, shown in zip(text, clean(text), strict=True) if character != shown), None)
    if hidden is not None:
        raise BadValue(f"the value contains the invisible character U+{ord(hidden):04X}", "No job list contains it. Type the value again.")
    if operator is Operator.IS:
        _check_whole(text, column)
    return OPERATORS[operator].family.parse(text, column)


def _check_whole(text: str, column: Field) -> None:
    """Refuse what no value of the field is; raises ValueError."""
    if "*" in text and (column.kind in {Kind.ARN, Kind.WORD} or column.name in _NO_WILDCARDS):
        raise BadValue("* is not a wildcard", "Compare it with starts with, ends with, contains or matches.")
    if column.kind is Kind.ARN and not text.startswith("arn:"):
        name = _NAME_OF_ARN.get(column.name)
        raise BadValue(f"{column.name} is compared with a value that is not an ARN", f"Did you mean {f'{name}, or ' if name else ''}contains?")
    if column.kind is Kind.ENUM and text not in column.values:
        near = nearest(text, column.values)
        known = f"The values are {', '.join(column.values)}."
        raise BadValue(f"{column.name} has no such value", f"Did you mean {near}? {known}" if near else known)
