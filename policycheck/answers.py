"""What each subject of a rule came to: its answer, what was measured of it, and the newest job that the rule looked at."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Answer(StrEnum):
    """What one subject of a rule came to."""

    PASS = "pass"
    FAIL = "fail"
    WAIVED = "waived"
    PENDING = "pending"
    UNDECIDED = "undecided"
    """The evidence does not decide."""
    NOTHING = "nothing"
    """There was nothing to measure."""


class SubjectAnswer(NamedTuple):
    """A subject, named as findings name it, and its answer; texts alone, since there is one for each rule and subject."""

    account: str | None
    region: str | None
    subject: str
    answer: Answer
    measured: str = ""
    """In words, as the rule's `limit` is; empty where nothing was measured."""
    margin: str = ""
    """How far it is from the limit, and on which side: `12 h within`, `2 outside`; empty where that is unknown."""
    newest: str = ""
    """The key in `Population.newest_jobs` of the newest job of the subject that certainly is in the rule's population; empty: there is none."""
