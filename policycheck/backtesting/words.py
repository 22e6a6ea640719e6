"""What is said of a rule and of a finding over a period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from policycheck.formats.strips import MEANINGS
from policycheck.period import Period, Span
from policycheck.reasons import Reasons, spell_reasons
from policycheck.result import WORST_FIRST, Finding, Verdict, VerdictSpan
from policycheck.text import counted

_MOST_SPANS = 12


def describe_steps(counts: Counter[Verdict], last: Verdict, period: Period) -> str:
    """`held on 71 of 90 days, failed on 17, not enough evidence on 2; at the end: pass`"""
    total = counted(sum(counts.values()), period.noun)
    others = "".join(f", {MEANINGS[verdict]} on {counts[verdict]:,}" for verdict in WORST_FIRST if verdict is not Verdict.PASS and counts[verdict])
    end = "" if len(+counts) == 1 else f"; at the end: {last}"
    return f"{MEANINGS[Verdict.PASS]} on {counts[Verdict.PASS]:,} of {total}{others}{end}"


def describe_spans(spans: Sequence[VerdictSpan], reasons: Sequence[Reasons], period: Period) -> Iterator[str]:
    """From when to when a rule did not hold, and why where that is not for its findings.

    Args:
        spans: all of them, in order.
        reasons: of each step.
    """
    step, told = 0, []
    for one in spans:
        if one.verdict is not Verdict.PASS:
            why = "" if one.verdict is Verdict.FAIL else spell_reasons(reasons[step])
            told.append(f"{MEANINGS[one.verdict]} {period.spell_span(one.span)}" + (f": {why}" if why else ""))
        step += one.span.steps
    yield from told[:_MOST_SPANS]
    if len(told) > _MOST_SPANS:
        yield f"and {len(told) - _MOST_SPANS:,} more stretches like these: see the JSON or the HTML report"


def describe_runs(spans: Sequence[Span], finding: Finding, period: Period) -> str:
    """What a finding says over a period: when it was found, and what was found when it last began."""
    last = f"{period.spell_span(spans[-1])}: {finding.message}"
    if len(spans) == 1:
        return last
    return f"{len(spans)} times, on {counted(sum(span.steps for span in spans), period.noun)}; last {last}"


def describe_run(span: Span, finding: Finding, period: Period) -> str:
    """What was found at one time of several."""
    return f"{period.spell_span(span)}: {finding.message}"
