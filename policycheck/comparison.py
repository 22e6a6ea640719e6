"""What a run shows against an earlier one, its baseline. `policycheck.baseline` compares; reports and exit codes read it off here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted

from policycheck.errors import Location
from policycheck.severity import Severity


class FindingState(StrEnum):
    """What became of an open finding since the baseline; SARIF's words."""

    NEW = "new"
    UNCHANGED = "unchanged"


def fingerprint_of(policy: str, rule: str, account: str | None, region: str | None, subject: str) -> str:
    """64 hex digits, the same in every run that finds this subject violating this rule."""
    # A list in JSON, put together by hand, since there may be very many.
    key = f"{_spelled(policy, rule, account, region)}, {quoted(subject)}]"
    return hashlib.sha256(key.encode()).hexdigest()


@lru_cache(maxsize=1000)
def _spelled(*parts: str | None) -> str:
    return ", ".join(['["policycheck/1"', *("null" if part is None else quoted(part) for part in parts)])


@dataclass(frozen=True, slots=True)
class EarlierFinding:
    """An open finding of the baseline that this run does not have."""

    policy: str
    rule: str
    severity: Severity
    account: str | None
    region: str | None
    subject: str
    message: str
    """What was found then."""
    location: Location
    """Of the rule, then."""
    account_name: str | None = None
    resource_type: str | None = None
    cause: str | None = None
    reason: str = ""
    """Why this run cannot see it; empty: it is gone."""

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.policy, self.rule, self.account, self.region, self.subject)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against its baseline. Which of the run's own findings are new, each of them says itself."""

    source: str
    """What the baseline's file is called."""
    as_of: datetime
    """Of the baseline."""
    findings: int
    """Open findings of the baseline, those that it could not see itself among them."""
    gone: tuple[EarlierFinding, ...] = ()
    """Evaluated again and not found any more; sorted by policy, rule, account, Region and subject."""
    not_seen: tuple[EarlierFinding, ...] = ()
    """Not found, and this run could not have: it never saw them fixed. Sorted likewise."""
    waived: int = 0
    """Open then, waived now."""
    lost: tuple[str, ...] = ()
    """What the baseline saw and this run cannot see, a sentence each."""
    notes: tuple[str, ...] = ()
    """What else a reader must know of the comparison, a sentence each."""
    blind: tuple[str, ...] = ()
    """Rules (POLICY/RULE) by which the baseline saw nothing itself, so that none of its findings can be missing here."""
    fail_on_new: bool = False
    """Whether findings that the baseline has do not fail the run."""

    @property
    def is_complete(self) -> bool:
        """Whether this run saw everything that the baseline saw."""
        return not self.lost and not self.not_seen
