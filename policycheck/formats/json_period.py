"""The period of a result in its JSON: what is written, and what is read back. A result of one instant has none of these members."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from policycheck.period import Period, Span
from policycheck.records import iso
from policycheck.result import Result, RuleResult, VerdictSpan

Json = dict[str, Any]
_SECOND = timedelta(seconds=1)


def period_members(period: Period | None) -> Json:
    """`period` of the document."""
    if period is None:
        return {}
    return {"period": {"from": iso(period.start), "to": iso(period.end), "every_seconds": period.every // _SECOND, "steps": len(period.instants)}}


def rule_spans(spans: tuple[VerdictSpan, ...]) -> Json:
    """`period` of a rule: its verdict on each step."""
    return {"period": [{"verdict": str(one.verdict), **span_members(one.span)} for one in spans]} if spans else {}


def finding_spans(spans: tuple[Span, ...]) -> Json:
    """`period` of a finding: on which steps it was found."""
    return {"period": list(map(span_members, spans))} if spans else {}


def span_members(span: Span) -> Json:
    """From its first step to its last, and how many there are."""
    return {"from": iso(span.start), "to": iso(span.end), "steps": span.steps}


def inward_period(given: Json) -> Json:
    """The document's own in the shape of the dataclass."""
    told = given.get("period")
    return {"period": told and {"start": told["from"], "end": told["to"], "every": f"PT{int(told['every_seconds'])}S"}}


def inward_rule_spans(rule: Mapping[str, Any]) -> Json:
    return {"spans": [{"verdict": one["verdict"], "span": _inward(one)} for one in rule.get("period", ())]}


def inward_finding_spans(finding: Mapping[str, Any]) -> Json:
    return {"spans": list(map(_inward, finding.get("period", ())))}


def _inward(span: Mapping[str, Any]) -> Json:
    return {"start": span["from"], "end": span["to"], "steps": span["steps"]}


def wrong_period(result: Result) -> str:
    """Where rules or findings do not fit the period; "" where nowhere."""
    if result.period is None:
        spans = any(rule.spans or any(finding.spans for finding in rule.findings) for rule in result.rules)
        return "rules or findings are of a period, and the result is of none" if spans else ""
    if result.period.every <= timedelta():
        return "the steps of the period have no length"
    instants = result.period.instants
    return next(filter(None, (_wrong_rule(rule, instants) for rule in result.rules)), "")


def _wrong_rule(rule: RuleResult, instants: tuple[datetime, ...]) -> str:
    number = 0
    for one in rule.spans:
        if one.span != Span(instants[min(number, len(instants) - 1)], instants[min(number + one.span.steps, len(instants)) - 1], one.span.steps):
            return f"rule {rule.id} does not have one verdict on each step of the period"
        number += one.span.steps
    if number != len(instants):
        return f"rule {rule.id} does not have one verdict on each step of the period"
    known = set(instants)
    if any(not finding.spans or any({span.start, span.end} - known for span in finding.spans) for finding in rule.findings):
        return f"a finding of rule {rule.id} was found on no step of the period"
    return ""
