"""Conditions in the structured form: `Field: value`, `Field: [values]`, `Field: {operator: value}`, `any` and `not`."""

from __future__ import annotations

from policycheck.policy.conditions import Comparison, Condition, Literal, Operator, Or, conjunction, nearest, negation
from policycheck.policy.document import Document, Entries, Items, Node, Text
from policycheck.text import clean_line

_SINGLE = frozenset(Operator) - {Operator.IS, Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.MATCHES}


def read_conditions(node: Node | None, document: Document) -> Condition | None:
    """The conjunction a mapping spells (no mapping: nothing is asked); None once a mistake is reported."""
    if node is None:
        return conjunction(())
    if not isinstance(node, Entries):
        document.report(node.location, "conditions are a mapping of fields to values", "Write {State: FAILED}.")
        return None
    parts: list[Condition] = []
    whole = True
    for key, (name, value) in node.entries.items():
        part = _read_any(name, value, document) if key == "any" else _read_not(value, document) if key == "not" else _read_field(name, value, document)
        if part is None:
            whole = False
        else:
            parts.append(part)
    return conjunction(parts) if whole else None


def _read_any(name: Text, value: Node, document: Document) -> Condition | None:
    if not isinstance(value, Items) or not value.items:
        document.report(name.location, "any takes a list of conditions", "Write any: [{State: FAILED}, {State: EXPIRED}].")
        return None
    parts = [_read_part(item, "any", document) for item in value.items]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    return whole[0] if len(whole) == 1 else Or(tuple(whole))


def _read_not(value: Node, document: Document) -> Condition | None:
    part = _read_part(value, "not", document)
    return None if part is None else negation(part)


def _read_part(value: Node, word: str, document: Document) -> Condition | None:
    """Conditions under `any` or `not`, where an empty mapping would be true of every job."""
    if isinstance(value, Entries) and not value.entries:
        document.report(value.location, f"{word} holds an empty mapping, which is true of every job", "Name a condition.")
        return None
    return read_conditions(value, document)


def _read_field(name: Text, value: Node, document: Document) -> Condition | None:
    if isinstance(value, Entries):
        parts = [_read_operator(name, operator, operand, document) for operator, operand in value.entries.values()]
        if not parts:
            document.report(name.location, f"{clean_line(name.text)} is compared with nothing")
        return conjunction(part for part in parts if part is not None) if parts and all(part is not None for part in parts) else None
    literals = _read_literals(name, value, document)
    return None if literals is None else Comparison(name.text, Operator.IS, literals, name.location)


def _read_operator(name: Text, word: Text, value: Node, document: Document) -> Condition | None:
    try:
        operator = Operator(word.text)
    except ValueError:
        near = nearest(word.text, [known.value for known in Operator])
        hint = f"Did you mean {near}?" if near else f"The operators are {', '.join(known.value for known in Operator)}."
        document.report(word.location, f"there is no operator {clean_line(word.text)}", hint)
        return None
    literals = _read_literals(word, value, document)
    if literals is None:
        return None
    if operator in _SINGLE and len(literals) > 1:
        document.report(word.location, f"{operator} takes one value")
        return None
    return Comparison(name.text, operator, literals, name.location)


def _read_literals(name: Text, value: Node, document: Document) -> tuple[Literal, ...] | None:
    items = value.items if isinstance(value, Items) else (value,)
    if not items:
        document.report(name.location, f"{clean_line(name.text)} has an empty list", "Name at least one value.")
        return None
    wrong = next((item for item in items if not isinstance(item, Text)), None)
    if wrong is not None:
        document.report(name.location, f"{clean_line(name.text)} takes a value or a list of values")
        return None
    return tuple(Literal(item.text, item.location) for item in items if isinstance(item, Text))
