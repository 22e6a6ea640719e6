"""Whether any text passes several comparisons at once; what is not certain is no contradiction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from policycheck.policy.conditions import Comparison, Operator

Asked = tuple[Comparison, bool]
"""A comparison, and whether it must be true or false."""

_TESTS: Mapping[Operator, Callable[[str, str], bool]] = {
    Operator.CONTAINS: lambda text, part: part in text,
    Operator.STARTS_WITH: lambda text, part: text.startswith(part),
    Operator.ENDS_WITH: lambda text, part: text.endswith(part),
}


def texts_contradict(asked: Sequence[Asked], *, folded: bool) -> bool:
    """Whether no recorded text passes all of these.

    Args:
        folded: compared without regard to case. What is not ASCII is then left out: its lower case is the engine's.
    """
    known = [(one, true) for one, true in asked if not folded or all(str(value).isascii() for value in one.values)]
    allowed = _allowed(known, folded=folded)
    if allowed is not None and not any(_passes(text, known, folded=folded) for text in allowed):
        return True
    parts = [(one.operator, _texts(one, folded=folded), true) for one, true in known if one.operator in _TESTS or one.operator is Operator.MATCHES]
    wanted = [(operator, texts) for operator, texts, true in parts if true]
    refused = [(operator, texts) for operator, texts, true in parts if not true]
    if any(all(_refuses(operator, text, refused) for text in texts) for operator, texts in wanted):
        return True
    return any(_apart(operator, texts, others) for index, (operator, texts) in enumerate(wanted) for other, others in wanted[index + 1 :] if operator is other)


def _texts(comparison: Comparison, *, folded: bool) -> tuple[str, ...]:
    # A pattern says for itself whether case matters.
    lower = folded and comparison.operator is not Operator.MATCHES
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
        texts = _texts(one, folded=folded)
        if one.operator is Operator.IS and (text in texts) is not true:
            return False
        if one.operator in _TESTS and any(_TESTS[one.operator](text, part) for part in texts) is not true:
            return False
    return True


def _refuses(operator: Operator, text: str, refused: Sequence[tuple[Operator, Sequence[str]]]) -> bool:
    """Whether every text that this comparison lets through is refused by another."""
    for other, parts in refused:
        if other is operator and operator is Operator.MATCHES and text in parts:
            return True
        if operator is Operator.MATCHES or other is Operator.MATCHES:
            continue
        # What begins with, ends with or holds a text holds every part of it.
        if other is Operator.CONTAINS and any(part in text for part in parts):
            return True
        if other is operator and any(_TESTS[operator](text, part) for part in parts):
            return True
    return False


def _apart(operator: Operator, texts: Sequence[str], others: Sequence[str]) -> bool:
    """Whether no text begins (ends) with one of the former and with one of the latter."""
    if operator not in {Operator.STARTS_WITH, Operator.ENDS_WITH}:
        return False
    test = _TESTS[operator]
    return not any(test(text, other) or test(other, text) for text in texts for other in others)
