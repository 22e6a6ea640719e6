"""What a run shows of controls: which rules speak to each, what they came to, and how that was shown. Read off the result alone.

That a rule tests a control is its author's claim. A control that no rule speaks to is never shown, whatever else passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from policycheck.control_matrix import ControlMatrix, MatrixControl
from policycheck.datasets import RESTORE_JOBS
from policycheck.policy.controls import FRAMEWORKS, Control
from policycheck.result import Basis, LeftOutRule, Result, RuleResult, Verdict


class ControlVerdict(StrEnum):
    """What the rules of one control came to together."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """A rule is inconclusive, was left out of the run or is in none of its policies, or the declared scope is not covered."""
    NOT_EVALUATED = "not evaluated"
    """Rules speak to it, and all of them were skipped."""
    NO_RULE = "no rule"
    WAIVED = "waived"
    PASS = "pass"


class Shown(StrEnum):
    """How a verdict was shown."""

    TESTED = "tested"
    """By restores: what was restored or validated."""
    EVALUATED = "evaluated on data"
    """On lists that policycheck fetched."""
    ASSERTED = "asserted"
    """On lists of which the user asserts that they are complete."""
    NOT_AUTOMATABLE = "not automatable"
    """No list of jobs can show it."""
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class ControlResult:
    """One control, and what a run shows of it."""

    framework: str
    id: str
    control: Control | None
    """What it asks for; None: of a framework of the author's own, or not in the matrix."""
    rules: tuple[RuleResult, ...]
    left_out: tuple[LeftOutRule, ...]
    verdict: ControlVerdict
    shown: tuple[Shown, ...]
    """At least one; the strongest first."""
    missing: tuple[str, ...] = ()
    """Rules that the user's matrix names and that are in none of the policies."""


@dataclass(frozen=True, slots=True)
class FrameworkResult:
    """One framework with its controls: those of its matrix, then others that rules name."""

    name: str
    title: str
    controls: tuple[ControlResult, ...]
    own: bool = False
    """Whether the matrix is the user's."""

    def count(self, verdict: ControlVerdict) -> int:
        return sum(control.verdict is verdict for control in self.controls)


def tell_controls(result: Result) -> tuple[FrameworkResult, ...]:
    """The frameworks that the run was narrowed to, or else all that its rules name or the user has a matrix of, sorted by name.

    Every control of each has its own verdict.
    """
    named = {framework for controls in _claims(result) for framework, ids in controls.items() if ids}
    own = {matrix.framework: matrix for matrix in result.matrices}
    ids = [(rule.policy, rule.id) for rule in result.rules] + [(rule.policy, rule.id) for rule in result.left_out]
    rules = {name for policy, rule in ids for name in (rule, f"{policy}/{rule}")}
    return tuple(_framework(name, result, own.get(name), rules) for name in sorted(set(result.frameworks) or named | own.keys()))


def _claims(result: Result) -> Iterator[Mapping[str, tuple[str, ...]]]:
    """The controls of every rule, evaluated or left out."""
    yield from (rule.controls for rule in result.rules)
    yield from (rule.controls for rule in result.left_out)


def _framework(name: str, result: Result, own: ControlMatrix | None, rules: Set[str]) -> FrameworkResult:
    """What a run shows of one framework.

    Args:
        own: the user's matrix, which takes the place of the one here.
        rules: the names of all rules of the policies.
    """
    known = FRAMEWORKS.get(name)
    rows = {} if own is None else {control.id: control for control in own.controls}
    matrix = {number: _asked(row) for number, row in rows.items()} if own is not None else known.controls if known else {}
    missing = {number: tuple(rule for rule in row.rules if rule not in rules) for number, row in rows.items()}
    named = {control for controls in _claims(result) for control in controls.get(name, ())}
    ids = [*matrix, *sorted(named - matrix.keys())]
    title = own.title if own is not None else known.title if known else name
    controls = tuple(_control(name, control, matrix.get(control), missing.get(control, ()), result) for control in ids)
    return FrameworkResult(name, title, controls, own is not None)


def _asked(row: MatrixControl) -> Control:
    return Control(row.title, row.beyond, row.automatable, row.must_show)


def _control(framework: str, control: str, asked: Control | None, missing: tuple[str, ...], result: Result) -> ControlResult:
    rules = tuple(rule for rule in result.rules if control in rule.controls.get(framework, ()))
    left_out = tuple(rule for rule in result.left_out if control in rule.controls.get(framework, ()))
    verdict = _verdict(rules, [*left_out, *missing], result)
    return ControlResult(framework, control, asked, rules, left_out, verdict, _shown(verdict, rules, asked, result), missing)


def _verdict(rules: Sequence[RuleResult], left_out: Sequence[object], result: Result) -> ControlVerdict:
    """What the rules of a control come to, if others of it (`left_out`) were not evaluated."""
    verdicts = {rule.verdict for rule in rules}
    if not rules and not left_out:
        return ControlVerdict.NO_RULE
    if Verdict.FAIL in verdicts:
        return ControlVerdict.FAIL
    if verdicts == {Verdict.SKIPPED} and not left_out:
        return ControlVerdict.NOT_EVALUATED
    if Verdict.INCONCLUSIVE in verdicts or left_out or result.scope_uncovered:
        return ControlVerdict.INCONCLUSIVE
    return ControlVerdict.WAIVED if Verdict.WAIVED in verdicts else ControlVerdict.PASS


def _shown(verdict: ControlVerdict, rules: Iterable[RuleResult], asked: Control | None, result: Result) -> tuple[Shown, ...]:
    match verdict:
        case ControlVerdict.NO_RULE if asked is not None and not asked.automatable:
            return (Shown.NOT_AUTOMATABLE,)
        case ControlVerdict.NO_RULE | ControlVerdict.NOT_EVALUATED | ControlVerdict.INCONCLUSIVE:
            return (Shown.NOT_SHOWN,)
        case ControlVerdict.FAIL | ControlVerdict.WAIVED | ControlVerdict.PASS:
            ways = {_way(rule, result) for rule in rules if rule.verdict in {Verdict.PASS, Verdict.FAIL, Verdict.WAIVED}}
            return tuple(way for way in Shown if way in ways)
        case _:
            assert_never(verdict)


def _way(rule: RuleResult, result: Result) -> Shown:
    """How one rule came to its verdict; what is not known to be observed is asserted."""
    bases = {entry.basis for entry in result.coverage if entry.dataset in rule.lists}
    if bases != {Basis.OBSERVED}:
        return Shown.ASSERTED
    return Shown.TESTED if RESTORE_JOBS.name in rule.lists else Shown.EVALUATED
