"""Two versions of a policy over one period: on which steps one finds what the other does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policycheck.engine.series import Subject
from policycheck.period import Period, Span, spans_of
from policycheck.result import Result, RuleResult, Verdict


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """One rule of two versions; a step may be stricter for one subject and looser for another."""

    id: str
    stricter: tuple[Span, ...]
    """Where the new version finds a subject that the old one does not."""
    looser: tuple[Span, ...]
    """Where the old version finds a subject that the new one does not."""
    unknown: tuple[Span, ...]
    """Where either has not enough evidence: that it finds nothing there says nothing."""

    @property
    def same(self) -> bool:
        return not (self.stricter or self.looser or self.unknown)


@dataclass(frozen=True, slots=True)
class Difference:
    """Two versions."""

    total: RuleDifference
    """Of all rules together, those of one version alone included; its id is empty."""
    rules: tuple[RuleDifference, ...]
    """Of the rules that both have, in the order of the new one."""
    added: tuple[str, ...]
    """Rules of the new version alone,"""
    removed: tuple[str, ...]
    """and of the old one."""


@dataclass(slots=True)
class _Steps:
    """The numbers of steps."""

    stricter: set[int] = field(default_factory=set)
    looser: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)

    def add(self, other: _Steps) -> None:
        self.stricter |= other.stricter
        self.looser |= other.looser
        self.unknown |= other.unknown

    def difference(self, name: str, period: Period) -> RuleDifference:
        spans = (spans_of(sorted(numbers), period.instants) for numbers in (self.stricter, self.looser, self.unknown))
        return RuleDifference(name, *spans)


def compare(new: Result, old: Result) -> Difference:
    """What a new version of policies finds over a period that the old one does not, and the other way round. Rules are the same that have one id.

    Both results are of the same period; what is waived is not found.
    """
    period = new.period
    if period is None or period != old.period:
        raise ValueError("two versions are compared over one period")
    ours, theirs = _by_id(new), _by_id(old)
    steps = {name: _differ(ours.get(name), theirs.get(name), period) for name in {**ours, **theirs}}
    total = _Steps()
    for found in steps.values():
        total.add(found)
    return Difference(
        total.difference("", period),
        tuple(steps[name].difference(name, period) for name in ours if name in theirs),
        tuple(name for name in ours if name not in theirs),
        tuple(name for name in theirs if name not in ours),
    )


def _by_id(result: Result) -> Mapping[str, RuleResult]:
    """The rules by id; by policy and id where an id is of several."""
    ids = [rule.id for rule in result.rules]
    return {rule.id if ids.count(rule.id) == 1 else f"{rule.policy}/{rule.id}": rule for rule in result.rules}


def _differ(new: RuleResult | None, old: RuleResult | None, period: Period) -> _Steps:
    """One rule of both versions, or of one alone."""
    ours, theirs = _found(new, period), _found(old, period)
    ours_unclear, theirs_unclear = _unclear(new), _unclear(old)
    numbers = range(len(period.instants))
    return _Steps(
        {number for number in numbers if ours[number] - theirs[number] and number not in theirs_unclear},
        {number for number in numbers if theirs[number] - ours[number] and number not in ours_unclear},
        ours_unclear | theirs_unclear,
    )


def _unclear(rule: RuleResult | None) -> set[int]:
    """The steps without enough evidence."""
    verdicts = [one.verdict for one in rule.spans for _ in range(one.span.steps)] if rule is not None else []
    return {number for number, verdict in enumerate(verdicts) if verdict is Verdict.INCONCLUSIVE}


def _found(rule: RuleResult | None, period: Period) -> list[set[Subject]]:
    """The subjects with an open finding, step by step."""
    numbers = {instant: number for number, instant in enumerate(period.instants)}
    found: list[set[Subject]] = [set() for _ in numbers]
    for finding in rule.open_findings if rule is not None else ():
        for span in finding.spans:
            for number in range(numbers[span.start], numbers[span.start] + span.steps):
                found[number].add((finding.account, finding.region, finding.subject))
    return found
