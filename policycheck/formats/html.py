"""One self-contained HTML file for auditors and owners: no script, no request, printable; everything behind the first page is one step away.

The template escapes whatever it prints, and cuts it to a bounded line. Rows of which there are many are put together, and escaped, in Python. The policy of
the document (Content-Security-Policy) allows its one style sheet, by hash, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from policycheck.controls import ControlVerdict, tell_controls
from policycheck.formats.baseline_words import baseline_line, sections
from policycheck.formats.cleaning import line
from policycheck.formats.heat_map import LEGEND, heat_map, tell_line
from policycheck.formats.html_facts import LIMITS, SIGNS, coverage_rows, inputs, waived_findings
from policycheck.formats.html_findings import MAX_TEXT, Budget, finding_rows
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.strips import CELLS, MEANINGS, cell_heads, steps_a_cell, strips
from policycheck.formats.summary import evidence_line, found_in, headline, unseen, worst_first
from policycheck.formats.trends import SERIES, stacked_bars
from policycheck.formats.words import by_cause, evidence_help, examined, finding_counts, interval, notes, plural, verdict_sentence, waiver_notes
from policycheck.history import History
from policycheck.records import iso
from policycheck.resources import data_folder, open_templates
from policycheck.result import Verdict
from policycheck.text import spell_duration, truncate

if TYPE_CHECKING:
    from jinja2 import Environment, Template

MAX_BYTES = 5_000_000
SIZES = ((1000, 4_000_000), (500, 2_000_000), (200, 1_000_000), (50, 200_000), (10, 20_000), (1, 0))
"""Rows a table, and characters of all rows of findings: the first whose document is small enough."""
FIRST = 3
"""Findings of each cause of a rule that are listed whatever the size."""
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9._~/?#=&+,;:@%!$*()-]*)?")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_MICROSECOND = timedelta(microseconds=1)
_BLANK_LINES = re.compile(r"\n\s*\n+")


def _render(result: CleanResult, _options: Options) -> Iterator[str]:
    template = _template()
    chart = "" if result.history is None else _chart(result.history)
    text = ""
    for cap, characters in SIZES:
        budget = Budget(characters, min(FIRST, cap))
        rules = worst_first(result.rules)
        failed = [(rule, finding_rows(rule, result.as_of, budget)) for rule in rules if rule.open_findings][:cap]
        rendered = template.render(result=result, rules=rules, failed=failed, cap=cap, chart=chart)
        text = _BLANK_LINES.sub("\n", rendered).strip("\n") + "\n"
        if len(text.encode()) <= MAX_BYTES:
            break
    yield text


def _chart(history: History) -> str:
    """The picture of causes over time: the most frequent ones apart, all others together."""
    series = [[*cause.days, *[0] * history.days][: history.days] for cause in history.causes]
    if len(series) > SERIES:
        rest = list(map(sum, zip(*series[SERIES - 1 :], strict=True)))
        series = [*series[: SERIES - 1], rest]
    return stacked_bars(series) if series else ""


@cache
def _template() -> Template:
    return _environment().get_template("report.html.j2")


@cache
def _style() -> tuple[str, str]:
    """The style sheet in one line, and its hash for the document's policy."""
    written = (data_folder("templates") / "report" / "report.css").read_text(encoding="utf-8")
    style = " ".join(_COMMENT.sub("", written).split())
    return style, "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _environment() -> Environment:
    from jinja2 import Undefined
    from markupsafe import Markup

    def printable(value: object) -> object:
        """Jinja's last step before a value is escaped and printed."""
        if isinstance(value, Markup | int | Undefined):
            return value
        if not isinstance(value, str):
            raise TypeError(f"the template prints {type(value).__name__} {value!r}, which is no text")
        return truncate(line(value), MAX_TEXT)

    environment = open_templates(printable, autoescape=True)
    style, digest = _style()
    environment.filters |= {
        "day": lambda start, number: iso(start + timedelta(days=number))[5:10],
        "iso": iso,
        "number": lambda value: f"{value:,}",
        "plural": plural,
        "examined": examined,
        "link": _link,
        "safe_svg": Markup,
        "sign": lambda verdict: SIGNS[Verdict(verdict)],
        "duration": spell_duration,
    }
    environment.globals |= {
        "style": Markup(style),
        "digest": digest,
        "baseline_line": baseline_line,
        "baseline_sections": sections,
        "by_cause": by_cause,
        "ControlVerdict": ControlVerdict,
        "coverage_rows": coverage_rows,
        "evidence_help": evidence_help,
        "evidence_line": evidence_line,
        "finding_counts": finding_counts,
        "found_in": found_in,
        "headline": headline,
        "heat_map": heat_map,
        "inputs": inputs,
        "interval": interval,
        "legend": LEGEND,
        "limits": LIMITS,
        "notes": notes,
        "series": SERIES,
        "strips": strips,
        "strip_cells": CELLS,
        "strip_meanings": MEANINGS,
        "cells_joined": steps_a_cell,
        "cell_heads": cell_heads,
        "tell_controls": tell_controls,
        "tell_line": tell_line,
        "time_left": lambda result, at: spell_duration((at - result.as_of) // _MICROSECOND),
        "unseen": unseen,
        "verdict_sentence": verdict_sentence,
        "waived_findings": waived_findings,
        "waiver_notes": waiver_notes,
    }
    return environment


def _link(url: str) -> str:
    """A link where the text certainly is one, else the text."""
    from markupsafe import Markup

    if _LINK.fullmatch(url) is None or len(url) > MAX_TEXT:
        return url
    return Markup('<a href="{0}" rel="noreferrer noopener">{0}</a>').format(url)


FORMAT = Format("html", "one file for auditors and owners, to read in a browser and to print", ".html", "text/html", _render, shows_answers=True)
