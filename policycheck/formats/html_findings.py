"""Findings as rows of HTML, put together by hand, since there may be ten thousand of them: every text in them is escaped here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from html import escape
from typing import TYPE_CHECKING

from policycheck.causes import CAUSES, Cause
from policycheck.comparison import FindingState
from policycheck.finding_file import FindingKind
from policycheck.finding_list import choose
from policycheck.formats.baseline_words import new_first
from policycheck.formats.cleaning import line
from policycheck.formats.finding_facts import FindingFacts, tell_facts
from policycheck.result import Finding, RuleResult
from policycheck.text import shorten, truncate

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_TEXT = 500
"""Characters of one text."""
MAX_DETAILS = 20


@dataclass(slots=True)
class CauseRows:
    """The findings of a rule that have one cause, as rows."""

    id: str
    """Empty: they have none."""
    cause: Cause | None
    rows: list[Markup] = field(default_factory=list)
    left_out: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) + self.left_out


class Budget:
    """Characters that the rows of a document may still take."""

    def __init__(self, characters: int, first: int) -> None:
        """
        Args:
            first: rows that each cause of each rule has in any case.
        """
        self._left, self._first = characters, first

    def takes(self, row: str, before: int) -> bool:
        """Whether there is room for a row that has so many before it."""
        if before >= self._first and len(row) > self._left:
            return False
        self._left -= len(row)
        return True


def finding_rows(rule: RuleResult, as_of: datetime, budget: Budget) -> list[CauseRows]:
    """The open findings of a rule by cause, the most frequent first, those without one last."""
    from markupsafe import Markup

    names = {kind.cause or "" for kind in rule.open_kinds}
    causes = {name: new_first(choose(rule.open_findings, partial(_is_of, name))) for name in names}
    told = []
    for name, findings in sorted(causes.items(), key=lambda pair: (not pair[0], pair[0] == "other", -len(pair[1]), pair[0])):
        group = CauseRows(name, CAUSES.get(name))
        for index, finding in enumerate(findings):
            row = _row(finding, as_of)
            if not budget.takes(row, len(group.rows)):
                group.left_out = len(findings) - index
                break
            group.rows.append(Markup(row))
        told.append(group)
    return told


def _is_of(cause: str, kind: FindingKind) -> bool:
    return (kind.cause or "") == cause


def _row(finding: Finding, as_of: datetime) -> str:
    facts = tell_facts(finding, as_of)
    name, subject = _text(facts.name or facts.resource), _text(finding.subject)
    shown = f"<b>{name}</b>" + (f"<br><code>{subject}</code>" if subject != name else "")
    kind = f"<br><small>{_text(finding.resource_type)}</small>" if finding.resource_type else ""
    return f'<tr><th scope="row">{shown}{kind}</th><td class="where">{_place(facts)}</td><td>{_found(finding, facts)}</td></tr>\n'


def _text(value: object, fallback: str = "-") -> str:
    return escape(truncate(line(value if isinstance(value, str) else None, fallback), MAX_TEXT))


def _place(facts: FindingFacts) -> str:
    """Account, Region, vault, plan and rule; of a group only what tells it."""
    return "<br>".join(map(_text, (*facts.where, *facts.origin))) if facts.where else "-"


def _found(finding: Finding, facts: FindingFacts) -> str:
    """What was found; the newest of its jobs, with its time and age; what belongs to the message."""
    parts = [("<b>new</b> " if finding.state is FindingState.NEW else "") + escape(shorten(line(finding.message, "violates the rule"), MAX_TEXT))]
    parts += [f"<small>{_text(text)}</small>" for text in (facts.when, facts.message) if text]
    if finding.jobs:
        more = f" and {finding.jobs_count - 1:,} more" if finding.jobs_count > 1 else ""
        parts.append(f"<small>job <code>{_text(finding.jobs[0])}</code>{more}</small>")
    parts += [f"<small>{text}</small>" for text in _details(finding.details)]
    return "<br>".join(parts)


def _details(details: Sequence[str]) -> Iterator[str]:
    yield from map(_text, details[:MAX_DETAILS])
    if len(details) > MAX_DETAILS:
        yield f"and {len(details) - MAX_DETAILS:,} more"
