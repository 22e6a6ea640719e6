"""Whether a sentence is one of the rule language, and how it is rendered."""

from __future__ import annotations

from policycheck.errors import Location
from policycheck.policy.binding import Binder, Parameters
from policycheck.policy.document import Document, Entries, Text
from policycheck.policy.rendering import render
from policycheck.policy.sentence import parse_sentence
from policycheck.policy.syntax import SentenceError
from policycheck.text import clean

_NOWHERE = Location("")


def canonical(sentence: str, parameters: Parameters) -> str:
    """A sentence as it is rendered, its parameters as they are written; empty where the language refuses it."""
    scratch = Document("", [], Entries({}, _NOWHERE), [])
    try:
        statement = parse_sentence(Text(sentence, _NOWHERE), as_typed=False)
    except SentenceError:
        return ""
    Binder(scratch, parameters).bind(statement)
    return "" if scratch.diagnostics else clean(render(statement))
