"""What a policy would have said over a period: for a person at a terminal, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from policycheck.backtesting.comparison import Difference, RuleDifference
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult
from policycheck.formats.json_period import finding_spans, period_members, rule_spans, span_members
from policycheck.formats.layout import Page
from policycheck.formats.strips import MEANINGS, SIGNS, Strip, legend, strips
from policycheck.period import Period, Span
from policycheck.result import RuleResult, Verdict
from policycheck.text import counted, truncate

SCHEMA = "policycheck/backtest/1"
_MAX_TEXT = 400
_MAX_RULES = 200
_MAX_SUBJECTS = 3
_STRIP_ROWS = 4

Json = dict[str, Any]


def count_changes(rule: RuleResult) -> int:
    """How often the verdict of a rule was another than on the step before."""
    return max(len(rule.spans) - 1, 0)


def write_text(result: CleanResult, period: Period, difference: Difference | None, *, width: int, color: bool) -> str:
    """The page for a terminal."""
    page = Page(width=width, color=color)
    page.add_wrapped("", f"{page.paint('strong', 'Backtest:')} {period}", indent=2)
    found = strips(result, 10**9)
    if found:
        page.add(f"  {legend(found)}; the oldest {period.noun} first")
    page.add()
    for one in found[:_MAX_RULES]:
        page.add_wrapped(f"{page.paint('strong', truncate(line(one.rule.id), _MAX_TEXT))}: ", _told(one, period), indent=2)
        page.add_wrapped("  ", truncate(line(one.rule.sentence), _MAX_TEXT))
        room = width - 2
        for start in range(0, min(len(one.text), room * _STRIP_ROWS), room):
            page.add(f"  {one.text[start : start + room]}")
        if len(one.text) > room * _STRIP_ROWS:
            page.add(f"  and {len(one.text) - room * _STRIP_ROWS:,} more steps")
        for subject in _most_often(one.rule):
            page.add_wrapped("  - ", truncate(line(subject), _MAX_TEXT))
    if len(found) > _MAX_RULES:
        page.add(f"and {len(found) - _MAX_RULES:,} more rules: see the JSON")
    page.add()
    if difference is not None:
        _add_difference(page, difference, period)
    for text in result.not_seen:
        page.add_wrapped("not observed:  ", truncate(line(text), _MAX_TEXT), indent=2)
    return page.text()


def _told(strip: Strip, period: Period) -> str:
    """`would have failed on 17 of 90 days; not enough evidence on 2; changed 9 times; 23 subjects`"""
    rule, counts, total = strip.rule, strip.counts, counted(len(period.instants), period.noun)
    parts = [f"would have failed on {counts[Verdict.FAIL]:,} of {total}"]
    others = (Verdict.WAIVED, Verdict.INCONCLUSIVE, Verdict.SKIPPED)
    parts += [f"{MEANINGS[verdict]} on {counts[verdict]:,}" for verdict in others if counts[verdict]]
    if changes := count_changes(rule):
        parts.append(f"its verdict changed {counted(changes, 'time')}")
    if rule.open_findings:
        parts.append(counted(len(rule.open_findings), "subject"))
    return "; ".join(parts)


def _most_often(rule: RuleResult) -> Iterator[str]:
    """The subjects that would have failed on most steps."""
    worst = sorted(rule.open_findings, key=lambda found: -sum(span.steps for span in found.spans))
    for found in worst[:_MAX_SUBJECTS]:
        yield f"{found.subject}: {found.message}"
    if len(worst) > _MAX_SUBJECTS:
        yield f"and {len(worst) - _MAX_SUBJECTS:,} more: see the JSON"


def _add_difference(page: Page, difference: Difference, period: Period) -> None:
    page.add_wrapped(f"{page.paint('strong', 'Against the other version:')} ", _spell(difference.total, period), indent=2)
    for one in difference.rules:
        if not one.same:
            page.add_wrapped("  - ", f"{one.id}: {_spell(one, period)}")
    same = sum(one.same for one in difference.rules)
    if same:
        page.add(f"  - {counted(same, 'rule')} with the same answer on every {period.noun}")
    for word, names in (("only in this version", difference.added), ("only in the other version", difference.removed)):
        if names:
            page.add_wrapped("  - ", f"{word}: {', '.join(map(line, names))}")
    page.add()


def _spell(one: RuleDifference, period: Period) -> str:
    """`stricter on 3 days (2026-08-03 to 2026-08-05 (3 days)), looser on none`"""

    def told(word: str, spans: Sequence[Span]) -> str:
        steps = sum(span.steps for span in spans)
        if not steps:
            return f"{word} on none"
        first = ", ".join(map(period.spell_span, spans[:3])) + (f" and {len(spans) - 3:,} more times" if len(spans) > 3 else "")
        return f"{word} on {counted(steps, period.noun)}: {first}"

    unknown = sum(span.steps for span in one.unknown)
    rest = f"; not enough evidence on {unknown:,}" if unknown else ""
    return f"{told('stricter', one.stricter)}; {told('looser', one.looser)}{rest}"


def write_json(result: CleanResult, period: Period, difference: Difference | None) -> str:
    """The same for programs; keys sorted."""
    document: Json = {
        "schema": SCHEMA,
        "tool": {"name": "policycheck", "version": result.tool_version},
        **period_members(period),
        "policies": [asdict(policy) for policy in result.policies],
        "rules": list(map(_rule_members, strips(result))),
        "not_seen": list(result.not_seen),
        "difference": None if difference is None else _difference_members(difference),
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _rule_members(strip: Strip) -> Json:
    rule = strip.rule
    return {
        "id": rule.id,
        "policy": rule.policy,
        "sentence": rule.sentence,
        "severity": str(rule.severity),
        "steps": {str(verdict): strip.counts[verdict] for verdict in SIGNS},
        "changes": count_changes(rule),
        **rule_spans(rule.spans),
        "subjects": [
            {
                "account": found.account,
                "region": found.region,
                "subject": found.subject,
                "message": found.message,
                "waived": found.waiver is not None,
                "steps": sum(span.steps for span in found.spans),
                **finding_spans(found.spans),
            }
            for found in rule.findings
        ],
    }


def _difference_members(difference: Difference) -> Json:
    return {
        "total": _differing(difference.total),
        "rules": [{"id": one.id, **_differing(one)} for one in difference.rules],
        "added": list(difference.added),
        "removed": list(difference.removed),
    }


def _differing(one: RuleDifference) -> Json:
    return {name: list(map(span_members, spans)) for name, spans in (("stricter", one.stricter), ("looser", one.looser), ("unknown", one.unknown))}
