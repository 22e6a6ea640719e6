"""What every kind of rule's verdict is made of: whether the evidence reaches, what an empty population means, and the result's common part."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

from policycheck.datasets import DATASETS, Dataset
from policycheck.engine.scope import in_scope, uncovered_scope, unreached_window
from policycheck.policy.model import NoData, Rule, Scope
from policycheck.records import micros, moment
from policycheck.result import Coverage, RuleResult, Verdict


def short_evidence(scope: Scope, coverage: Sequence[Coverage], dataset: str, reach: int | None, as_of: datetime, read: int) -> str:
    """Why the coverage of a list does not reach a rule; empty where it does.

    Args:
        coverage: of every list of the run.
        dataset: the list's name.
        reach: microseconds before as_of that the coverage must reach back; None: nothing to reach.
        read: how many records the list has.
    """
    short = uncovered_scope(scope, coverage, dataset)
    entries = [entry for entry in coverage if entry.dataset == dataset]
    start = None if reach is None else moment(micros(as_of) - reach)
    short += unreached_window(scope, entries, start, as_of)
    if not any(in_scope(scope, entry.account, entry.region) for entry in entries) and not short:
        noun = DATASETS[dataset].noun
        short = [f"none of the {noun}s that were read had happened in a place in scope" if read else f"the list of {noun}s is empty"]
    return _joined(short)


def decide_empty(rule: Rule, elsewhere: int, read: int) -> tuple[Verdict, str]:
    """What `no_data` makes of an empty population under complete coverage, and why it is empty.

    Args:
        elsewhere: how many records would be in it in another window.
        read: how many records the list has.
    """
    noun = rule.statement.list.noun
    listed = counted(read, noun)
    seen = f"{elsewhere} of {listed} {'matches' if elsewhere == 1 else 'match'} outside the window, none in it"
    if not elsewhere:
        seen = f"the only {noun} does not match" if read == 1 else f"none of {listed} matches"
    reason = f"nothing to judge: {seen}" if read else f"nothing to judge: the list of {noun}s is empty"
    match rule.qualifiers.no_data:
        case NoData.INCONCLUSIVE:
            return Verdict.INCONCLUSIVE, reason
        case NoData.QUIET:
            return (Verdict.PASS if elsewhere else Verdict.INCONCLUSIVE), reason
        case NoData.PASS:
            return Verdict.PASS, reason
        case NoData.FAIL:
            return Verdict.FAIL, reason
        case NoData.SKIP:
            return Verdict.SKIPPED, reason
        case _:
            assert_never(rule.qualifiers.no_data)


def not_read(rule: Rule, dataset: Dataset) -> RuleResult:
    """The result of a rule whose list this run does not have."""
    return rule_result(rule, Verdict.INCONCLUSIVE, f"this run has no list of {dataset.noun}s ({dataset.operation})")


def counted(count: int, noun: str) -> str:
    """`1 backup job`, `1,000 backup jobs`."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def _joined(phrases: Sequence[str], most: int = 3) -> str:
    shown = "; ".join(phrases[:most])
    return f"{shown}; and {len(phrases) - most} more" if len(phrases) > most else shown


def rule_result(rule: Rule, verdict: Verdict, reason: str, **counts: Any) -> RuleResult:
    """A result with everything that the rule itself says."""
    return RuleResult(
        id=rule.id,
        policy=rule.policy,
        sentence=rule.sentence,
        severity=rule.severity,
        verdict=verdict,
        location=rule.location,
        reason=reason,
        title=rule.title,
        why=rule.why,
        fix=rule.fix,
        url=rule.url,
        controls=rule.controls,
        tags=rule.tags,
        **counts,
    )
