"""Typed sentences for tests, and what reads them."""

from __future__ import annotations

from pathlib import Path

from policycheck.policy.binding import Parameters
from policycheck.policy.canonical import canonical
from policycheck.policy.reader.beyond import BEYOND
from policycheck.policy.reader.patterns import PATTERNS
from policycheck.policy.reader.reading import Reading, read

CASES = Path(__file__).parents[2] / "cases"
PARAMETERS = Parameters({"window": "24h", "vault": "prod", "n": "2", "rpo": "24h"})
EXAMPLES = [example for pattern in PATTERNS for example in pattern.examples]
TYPED = [*EXAMPLES, *(row.example for row in BEYOND), *(CASES / "typed.txt").read_text(encoding="utf-8").splitlines()]


def check(sentence: str) -> str:
    """The canonical form of a sentence; empty where it is none."""
    return canonical(sentence, PARAMETERS)


def reading(text: str) -> Reading:
    """What a sentence is read as."""
    return read(text, check)


def told(text: str) -> str:
    """What a person is told of a sentence, for a golden file."""
    if as_it_is := check(text):
        return f"{text}\n  is canonical: {as_it_is}\n"
    found = reading(text)
    if found.accepted:
        return f"{text}\n  read as: {found.accepted}\n"
    refusal = found.refusal
    if refusal is None:
        return f"{text}\n  refused by the grammar\n"
    start, end = refusal.span or (0, len(text))
    lines = [f"{text}\n  refused at '{text[start:end]}': {refusal.message}\n"]
    lines += [f"  write: {one.sentence}{f' ({one.asks})' if one.asks else ''}\n" for one in found.meanings] or [f"  help: {refusal.hint}\n"]
    return "".join(lines)
