"""Resources by days as rows of a table: a sign in each cell, so that it reads without colours, copied and printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from policycheck.formats.cleaning import line
from policycheck.history import AgeLimit, DayOutcome, History
from policycheck.records import iso
from policycheck.text import spell_duration, truncate

if TYPE_CHECKING:
    from markupsafe import Markup

LEGEND = {
    DayOutcome.CLEAN: ("\u2713", "clean"),
    DayOutcome.ISSUES: ("!", "completed with issues"),
    DayOutcome.FAILED: ("\u2715", "failed"),
    DayOutcome.MISSED: ("\u25cb", "scheduled run missed"),
    DayOutcome.OPEN: ("\u2026", "in progress, or outcome not known"),
    DayOutcome.NONE: ("\u00b7", "no job"),
    DayOutcome.UNCOVERED: ("?", "not covered by a complete list"),
}
"""The sign of each outcome, and what it means."""
_MAX_NAME = 120
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Line:
    """Where a recovery point objective stands: what is left of it is too old."""

    limit: AgeLimit
    day: int | None
    """The number of the day on which it falls; None: before the first."""
    since: datetime

    @property
    def text(self) -> str:
        """`36 h`."""
        return spell_duration(self.limit.micros)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """What a template needs to print the table."""

    months: tuple[tuple[str, int], ...]
    """The months over the days, and how many days each spans."""
    days: tuple[tuple[int, str], ...]
    """Day of the month, and the classes of its column's head."""
    lines: tuple[Line, ...]
    rows: tuple[Markup, ...]
    more: int
    """Resources that are left out."""


def heat_map(history: History, as_of: datetime, most: int) -> HeatMap:
    """The worst resources of a history."""
    from markupsafe import Markup

    days = [history.start + timedelta(days=number) for number in range(history.days)]
    lines = tuple(_line(limit, history, as_of) for limit in history.limits)
    marked = {line.day for line in lines}
    rows = tuple(Markup(text) for text in _rows(history, marked, most))
    return HeatMap(
        months=tuple((name, len(list(group))) for name, group in groupby(f"{day:%Y-%m}" for day in days)),
        days=tuple((day.day, "line" if number in marked else "") for number, day in enumerate(days)),
        lines=lines,
        rows=rows,
        more=history.resources - len(rows),
    )


def _line(limit: AgeLimit, history: History, as_of: datetime) -> Line:
    number = (as_of - history.start - timedelta(microseconds=limit.micros)) // timedelta(days=1) if limit.micros < 10**15 else -1
    since = as_of - timedelta(microseconds=min(limit.micros, 10**15))
    return Line(limit, number if 0 <= number < history.days else None, since)


def _rows(history: History, marked: set[int | None], most: int) -> Iterator[str]:
    for row in history.rows[:most]:
        days = row.days[: history.days]
        cells = "".join(f'<td class="{day}{" line" if number in marked else ""}">{LEGEND[day][0]}</td>' for number, day in enumerate(days))
        parts = row.subject.split(":", 5)
        name = parts[5] if parts[0] == "arn" and len(parts) == 6 and parts[5] else row.subject
        place = f"{line(row.account, 'account unknown')} {line(row.region, 'Region unknown')}"
        yield (
            f'<tr><th scope="row" class="name">{escape(truncate(line(name), _MAX_NAME))}<br><small>{escape(place)}</small></th>'
            f"{cells}<td>{_last_clean(days)}</td></tr>\n"
        )


def _last_clean(days: Sequence[DayOutcome]) -> str:
    """How many days ago the last clean day was."""
    ago = next((number for number, day in enumerate(reversed(days)) if day is DayOutcome.CLEAN), None)
    if ago is None:
        return "none"
    return f"{ago} d ago" if ago else "today"


def tell_line(mark: Line) -> str:
    """`RPO 36 h (prod/rpo-rds): a clean job since 2026-11-19T00:00:00Z`."""
    where = "" if mark.day is not None else ", which is before the first day shown"
    return f"RPO {mark.text} ({mark.limit.policy}/{mark.limit.rule}): the newest job must be created after {iso(mark.since)}{where}"
