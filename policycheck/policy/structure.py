"""Conditions in the structured form: `Field: value`, `Field: [values]`, `Field: {operator: value}`, `any` and `not`."""

from __future__ import annotations

from policycheck.policy.conditions import And, Comparison, Condition, Literal, Or, conjunction, nearest, negation
from policycheck.policy.document import Document, Entries, Items, Node, Text
from policycheck.policy.operators import OPERATORS, Operator
from policycheck.text import clean_line


def read_conditions(node: Node | None, document: Document) -> Condition:
    """The conjunction a mapping spells; no mapping asks nothing. What cannot be read is reported and left out, so that the rest is still checked."""
    if node is None:
        return And()
    if not isinstance(node, Entries):
        document.report(node.location, "conditions are a mapping of fields to values", "Write {State: FAILED}.")
        return And()
    return conjunction(_read_entry(name, value, document) for name, value in node.entries.values())


def _read_entry(name: Text, value: Node, document: Document) -> Condition:
    match name.text:
        case "any":
            return _read_any(name, value, document)
        case "not":
            return negation(_read_part(value, "not", document))
        case _:
            return _read_field(name, value, document)


def _read_any(name: Text, value: Node, document: Document) -> Condition:
    if not isinstance(value, Items) or not value.items:
        document.report(name.location, "any takes a list of conditions", "Write any: [{State: FAILED}, {State: EXPIRED}].")
        return And()
    parts = [_read_part(item, "any", document) for item in value.items]
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _read_part(value: Node, word: str, document: Document) -> Condition:
    """Conditions under `any` or `not`, where an empty mapping would be true of every job."""
    if isinstance(value, Entries) and not value.entries:
        document.report(value.location, f"{word} holds an empty mapping, which is true of every job", "Name a condition.")
    return read_conditions(value, document)


def _read_field(name: Text, value: Node, document: Document) -> Condition:
    if isinstance(value, Entries):
        if not value.entries:
            document.report(name.location, f"{clean_line(name.text)} is compared with nothing", "Write a value, or an operator and a value.")
        return conjunction(_read_operator(name, operator, operand, document) for operator, operand in value.entries.values())
    literals = _read_literals(name, value, document)
    return Comparison(name.text, Operator.IS, literals, name.location) if literals else And()


def _read_operator(name: Text, word: Text, value: Node, document: Document) -> Condition:
    try:
        operator = Operator(word.text)
    except ValueError:
        near = nearest(word.text, [known.value for known in Operator])
        hint = f"Did you mean {near}?" if near else f"The operators are {', '.join(known.value for known in Operator)}."
        document.report(word.location, f"there is no operator {clean_line(word.text)}", hint)
        return And()
    literals = _read_literals(word, value, document)
    if not literals:
        return And()
    if not OPERATORS[operator].family.lists and len(literals) > 1:
        document.report(word.location, f"{operator} takes one value")
        return And()
    return Comparison(name.text, operator, literals, name.location)


def _read_literals(name: Text, value: Node, document: Document) -> tuple[Literal, ...]:
    items = value.items if isinstance(value, Items) else (value,)
    if not items:
        document.report(name.location, f"{clean_line(name.text)} has an empty list", "Name at least one value.")
        return ()
    wrong = next((item for item in items if not isinstance(item, Text)), None)
    if wrong is not None:
        document.report(name.location, f"{clean_line(name.text)} takes a value or a list of values")
        return ()
    return tuple(Literal(item.text, item.location) for item in items if isinstance(item, Text))
