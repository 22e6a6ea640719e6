"""What the JSON result says of a baseline: the member `baseline`, which a result has that was compared with one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from policycheck.comparison import EarlierFinding, FindingState
from policycheck.finding_list import count_kinds
from policycheck.records import iso
from policycheck.result import Result

Json = dict[str, Any]


def baseline_members(result: Result) -> Json:
    """The member `baseline` of a result that has one; the counts are derived."""
    told = result.baseline
    assert told is not None
    return {
        "source": told.source,
        "as_of": iso(told.as_of.replace(microsecond=told.as_of.microsecond // 1000 * 1000)),
        "findings": told.findings,
        "fail_on_new": told.fail_on_new,
        "counts": {
            **{str(state): count_state(result, state) for state in FindingState},
            "gone": len(told.gone),
            "not_seen": len(told.not_seen),
            "waived": told.waived,
        },
        "gone": list(map(_earlier, told.gone)),
        "not_seen": list(map(_earlier, told.not_seen)),
        "waived": told.waived,
        "lost": list(told.lost),
        "notes": list(told.notes),
        "blind": list(told.blind),
    }


def count_state(result: Result, state: FindingState) -> int:
    """How many open findings are new, or were there before."""
    return sum(count for rule in result.rules for kind, count in count_kinds(rule.findings).items() if kind.state is state)


def _earlier(found: EarlierFinding) -> Json:
    return {**asdict(found), "severity": found.severity.value, "fingerprint": found.fingerprint}


def wrong_states(result: Result) -> str:
    """What no comparison says; "" where there is nothing."""
    for rule in result.rules:
        told = {kind.state is not None for kind in rule.open_kinds}
        if told - {result.baseline is not None} or any(kind.state is not None for kind in count_kinds(rule.findings) if kind.waived):
            return (
                f"a finding of rule {rule.id} says whether it is new, and there is no baseline"
                if result.baseline is None
                else (f"the findings of rule {rule.id} do not say which are new")
            )
    return ""
