"""Sentences that begin with the jobs they are about: only what jobs do at a time is said so, and of any other the mistake is its beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence

_OF_JOBS = frozenset({"STATE", "TYPE", "CLEAN", "STRING", "KIND", "JOB", "THING"})
_OTHERWISE = ("AT", "EVERY", "FEWER", "FOR", "LESS", "MORE", "NAME", "NO", "PHRASE", "THE", "THERE")
"""What else a sentence begins with."""
_FIRST_WORD = re.compile(r"\s*(?:at|every|fewer|for|less|more|no|the|there)\b", re.IGNORECASE)
_MOMENT = re.compile(r"\bmust(?:\s+not)?\s+(?:be\s+created|start|end|run)\b", re.IGNORECASE)


def expected_words(sentence: str, start: int, expected: Sequence[str]) -> tuple[int, Sequence[str]]:
    """Where a sentence stops making sense, and the terminals that could stand there.

    Args:
        start: where the parser stopped, and
        expected: what it would have taken.
    """
    if {"FOR", "NO"} <= set(expected):
        return start, [name for name in expected if name not in _OF_JOBS]
    behind = sentence[:start]
    if start and set(expected) <= {*_OF_JOBS, "BE", "COMMA", "CREATED", "END", "IN", "MUST", "NOT", "OR", "RUN", "START", "WITH", "AND"}:
        begins = not _FIRST_WORD.match(sentence) and not _MOMENT.search(behind)
        if begins and "NAME" not in expected and {"MUST", "CREATED", "START", "JOB", "STATE"} & set(expected):
            return 0, _OTHERWISE
    return start, expected
