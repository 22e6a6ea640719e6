"""A period to one result: every rule evaluated at each step, on evidence that is read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policycheck.answers import Answer
from policycheck.backtesting.words import describe_run, describe_runs, describe_spans, describe_steps
from policycheck.control_matrix import ControlMatrix
from policycheck.engine.answers import weaken
from policycheck.engine.backends.interface import Backend
from policycheck.engine.series import Series, Subject
from policycheck.period import Period, Span, spans_of
from policycheck.pipeline import run
from policycheck.policy.model import Policy
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import micros
from policycheck.result import WORST_FIRST, Finding, Result, RuleResult, Severity, Verdict, VerdictSpan
from policycheck.sources.interface import Evidence

_MOST_NOTES = 20
"""Of what some steps alone could not see."""


@dataclass(slots=True)
class FindingRun:
    """One finding on consecutive steps, by their numbers."""

    first: int
    last: int
    finding: Finding
    """As it was described on the first of them."""

    def span(self, instants: Sequence[datetime]) -> Span:
        return Span(instants[self.first], instants[self.last], self.last - self.first + 1)


@dataclass(slots=True)
class _RuleSteps:
    """What became of one rule, step by step."""

    verdicts: list[Verdict] = field(default_factory=list)
    reasons: list[Reasons] = field(default_factory=list)
    limits: list[Verdict] = field(default_factory=list)
    """The verdicts without warnings."""
    warned: bool = False
    open: dict[Subject, list[FindingRun]] = field(default_factory=dict)
    waived: dict[Subject, list[FindingRun]] = field(default_factory=dict)
    helped: dict[int, int] = field(default_factory=dict)
    """By the number of a waiver, the most findings that it helped to waive on one step."""

    def add(self, number: int, rule: RuleResult) -> None:
        self.verdicts.append(rule.verdict)
        self.reasons.append(rule.reasons)
        self.limits.append(rule.limit_verdict or rule.verdict)
        self.warned = self.warned or rule.limit_verdict is not None
        for found in rule.findings:
            runs = (self.open if found.waiver is None else self.waived).setdefault((found.account, found.region, found.subject), [])
            if runs and runs[-1].last == number - 1 and runs[-1].finding.severity is found.severity:
                runs[-1].last = number
            else:
                runs.append(FindingRun(number, number, found))
        for index, use in enumerate(rule.waivers):
            self.helped[index] = max(use.findings, self.helped.get(index, 0))


def evaluate_period(
    policies: Sequence[Policy],
    evidence: Evidence,
    period: Period,
    *,
    fail_on: Severity | None,
    backend: Backend,
    answers: bool = False,
    frameworks: Sequence[str] = (),
    matrices: Sequence[ControlMatrix] = (),
) -> Result:
    """Evaluate the rules at each step of a period.

    Args:
        policies, fail_on, backend, frameworks, matrices: as of `pipeline.run`.
        evidence: at the end of the period.
        answers: whether the result lists what each subject came to: at the end of the period, but for those that had a finding on some step.

    Returns:
        One result as of the end of the period, which formats show like any other: each rule with the worst verdict that it had on any step, and each finding
        with the steps on which it was found.
    """
    series, kept = Series(), _Steps()

    def evaluate(found: Evidence, instant: datetime, *, answers: bool) -> Result:
        result = run(policies, found, as_of=instant, fail_on=fail_on, backend=backend, answers=answers, frameworks=frameworks, matrices=matrices, series=series)
        kept.add(result)
        return result

    *earlier, end = period.instants
    for instant in earlier:
        evaluate(_at(evidence, instant), instant, answers=False)
    return kept.result(evaluate(evidence, end, answers=answers), period)


@dataclass(slots=True)
class _Steps:
    """What the steps of a period came to so far."""

    rules: list[_RuleSteps] = field(default_factory=list)
    not_seen: dict[str, None] = field(default_factory=dict)
    uncovered: bool = False
    """Whether a declared account or Region was not covered on some step."""
    number: int = 0

    def add(self, result: Result) -> None:
        self.rules = self.rules or [_RuleSteps() for _ in result.rules]
        for kept, rule in zip(self.rules, result.rules, strict=True):
            kept.add(self.number, rule)
        self.uncovered = self.uncovered or result.scope_uncovered
        # What a rule that passed left open is of one step; which steps it passed on is told.
        left_open = {f"{rule.policy}/{rule.id}: {note}" for rule in result.rules for note in rule.notes}
        self.not_seen |= dict.fromkeys(note for note in result.not_seen if note not in left_open)
        self.number += 1

    def result(self, last: Result, period: Period) -> Result:
        """All steps as one result.

        Args:
            last: that of the last step.
        """
        rules = tuple(_merge(kept, rule, period) for kept, rule in zip(self.rules, last.rules, strict=True))
        not_seen = (*last.not_seen, *_of_other_steps(self.not_seen, last.not_seen))
        return replace(last, rules=rules, not_seen=not_seen, scope_uncovered=self.uncovered, period=period)


def _at(evidence: Evidence, instant: datetime) -> Evidence:
    if evidence.at is None:
        raise ValueError("this evidence cannot be evaluated at another instant")
    # What is odd about the files is said once, of the end.
    return replace(evidence.at(instant), inventories=evidence.inventories, warnings=())


def _of_other_steps(notes: dict[str, None], last: Sequence[str]) -> Iterator[str]:
    """What was not seen on steps before the last: what is told of jobs that ended later once for all."""
    known = set(last)
    found = [note for note in notes if note not in known]
    if any(note.startswith(_RECONSTRUCTED) for note in found):
        yield f"{_RECONSTRUCTED} jobs that ended after a step were evaluated as in progress on that step, and what they said before is not known"
    rest = [note for note in found if not note.startswith(_RECONSTRUCTED)]
    yield from rest[:_MOST_NOTES]
    if len(rest) > _MOST_NOTES:
        yield f"and {len(rest) - _MOST_NOTES:,} more on single steps: run policycheck check --as-of with the step's time"


_RECONSTRUCTED = "reconstructed:"


def _merge(kept: _RuleSteps, last: RuleResult, period: Period) -> RuleResult:
    """One rule over all steps."""
    counts = Counter(kept.verdicts)
    verdict = next(one for one in WORST_FIRST if counts[one])
    spans = tuple(_verdict_spans(kept.verdicts, period.instants))
    findings = tuple(_findings(kept, period))
    answers = last.answers
    if answers:
        found = {(one.account, one.region, one.subject): Answer.FAIL if one.waiver is None else Answer.WAIVED for one in findings}
        answers = tuple(one._replace(answer=found.get(one[:3], one.answer)) for one in answers)
        answers = weaken(answers) if verdict is Verdict.INCONCLUSIVE else answers
    return replace(
        last,
        verdict=verdict,
        reasons=_reasons(kept, verdict, period),
        notes=(describe_steps(counts, kept.verdicts[-1], period), *describe_spans(spans, kept.reasons, period), *last.notes),
        breach=last.breach if verdict is Verdict.PASS else None,
        findings=findings,
        waivers=tuple(replace(use, findings=kept.helped[index]) for index, use in enumerate(last.waivers)),
        answers=answers,
        spans=spans,
        beneath=None,
        limit_verdict=min(kept.limits, key=WORST_FIRST.index) if kept.warned and verdict is Verdict.FAIL else None,
    )


def _verdict_spans(verdicts: Sequence[Verdict], instants: Sequence[datetime]) -> Iterator[VerdictSpan]:
    found = [(span, verdict) for verdict in Verdict for span in spans_of((n for n, one in enumerate(verdicts) if one is verdict), instants)]
    return (VerdictSpan(verdict, span) for span, verdict in sorted(found, key=lambda one: one[0].start))


def _reasons(kept: _RuleSteps, verdict: Verdict, period: Period) -> Reasons:
    """Of the last step with this verdict, and how many there are."""
    numbers = [number for number, one in enumerate(kept.verdicts) if one is verdict]
    because = kept.reasons[numbers[-1]]
    if verdict in {Verdict.PASS, Verdict.FAIL} or not because:
        return because
    if len(numbers) == len(kept.verdicts) and len({kept.reasons[number] for number in numbers}) == 1:
        return because
    instants = period.instants
    times = micros(instants[numbers[0]]), micros(instants[numbers[-1]])
    return (Reason(ReasonKind.ON_STEPS, (period.noun,), (len(numbers), len(kept.verdicts), *times), because=because),)


def _findings(kept: _RuleSteps, period: Period) -> Iterator[Finding]:
    """One for each subject, sorted as those of a run are; one that was open on any step is open, and tells of those steps."""
    subjects = sorted({*kept.open, *kept.waived}, key=lambda place: (place[0] or "", place[1] or "", place[2]))
    instants = period.instants
    for subject in subjects:
        runs = kept.open.get(subject) or kept.waived[subject]
        # Of a warning and a violation it is a violation.
        shown = min(reversed(runs), key=lambda one: one.finding.severity.rank).finding
        details = shown.details
        if len(runs) > 1:
            details = (*(describe_run(one.span(instants), one.finding, period) for one in runs), *details)
        if subject in kept.open and subject in kept.waived:
            details = (*details, *(f"waived {period.spell_span(one.span(instants))}" for one in kept.waived[subject]))
        spans = tuple(one.span(instants) for one in runs)
        yield replace(shown, message=describe_runs(spans, runs[-1].finding, period), details=details, spans=spans)
