"""Whether any text passes several comparisons at once; what is not certain is no contradiction."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.conditions import Comparison
from policycheck.policy.operators import OPERATORS, TEXT_OPERATORS, Operator, Part

Asked = tuple[Comparison, bool]
"""A comparison, and whether it must be true or false."""


def texts_contradict(asked: Sequence[Asked], *, folded: bool) -> bool:
    """Whether no recorded text passes all of these.

    Args:
        folded: compared without regard to case. What is not ASCII is then left out: its lower case is the engine's.
    """
    known = [(one, true) for one, true in asked if not folded or all(str(value).isascii() for value in one.values)]
    allowed = _allowed(known, folded=folded)
    if allowed is not None and not any(_passes(text, known, folded=folded) for text in allowed):
        return True
    parts = [(one.operator, _texts(one, folded=folded), true) for one, true in known if one.operator in TEXT_OPERATORS]
    wanted = [(operator, texts) for operator, texts, true in parts if true]
    refused = [(operator, texts) for operator, texts, true in parts if not true]
    if any(all(_refuses(operator, text, refused) for text in texts) for operator, texts in wanted):
        return True
    return any(_apart(operator, texts, others) for index, (operator, texts) in enumerate(wanted) for other, others in wanted[index + 1 :] if operator is other)


def _texts(comparison: Comparison, *, folded: bool) -> tuple[str, ...]:
    # A pattern says for itself whether case matters.
    lower = folded and OPERATORS[comparison.operator].part is not Part.PATTERN
    return tuple(str(value).lower() if lower else str(value) for value in comparison.values)


def _allowed(asked: Sequence[Asked], *, folded: bool) -> set[str] | None:
    """The texts that every equality leaves; None: any."""
    allowed: set[str] | None = None
    for one, true in asked:
        if true and one.operator is Operator.IS:
            texts = set(_texts(one, folded=folded))
            allowed = texts if allowed is None else allowed & texts
    return allowed


def _passes(text: str, asked: Sequence[Asked], *, folded: bool) -> bool:
    """Whether this text may pass. A pattern is the engine's to search for: any text may pass it, or not."""
    for one, true in asked:
        holds = OPERATORS[one.operator].holds
        if holds and any(holds(text, part) for part in _texts(one, folded=folded)) is not true:
            return False
    return True


def _refuses(operator: Operator, text: str, refused: Sequence[tuple[Operator, Sequence[str]]]) -> bool:
    """Whether every text that this comparison lets through is refused by another."""
    for other, parts in refused:
        holds = OPERATORS[other].holds
        if holds is None or OPERATORS[operator].holds is None:
            # Of patterns only the same one is known to find the same.
            if other is operator and text in parts:
                return True
        # What begins with, ends with or holds a text holds every part of it.
        elif (other is operator or OPERATORS[other].part is Part.ANY) and any(holds(text, part) for part in parts):
            return True
    return False


def _apart(operator: Operator, texts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether no text begins (ends) with one of the former and with one of the latter."""
    holds = OPERATORS[operator].holds
    if holds is None or OPERATORS[operator].part not in {Part.START, Part.END}:
        return False
    return not any(holds(text, other) or holds(other, text) for text in texts for other in others)
