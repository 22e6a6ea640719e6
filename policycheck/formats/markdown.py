"""Markdown for a step summary or a pull request's comment, from the template `summary.md.j2`.

The template can print nothing but numbers and what a filter made safe: a string that went through none is an error, not an injection. GitHub drops a step
summary above 1 MiB while the step stays green, so whole findings are left out until the document fits, from the end of the lowest severity; each table says
how many. The comment on a pull request (`formats.comment`) is the same document, and smaller.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING

from policycheck.causes import CAUSES
from policycheck.controls import tell_controls
from policycheck.datasets import DATASETS
from policycheck.formats.baseline_words import baseline_line, new_first, tell_state
from policycheck.formats.baseline_words import sections as baseline_sections
from policycheck.formats.cleaning import line
from policycheck.formats.escape import code_span, table_cell
from policycheck.formats.finding_facts import tell_facts
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.strips import legend, steps_a_cell, strips
from policycheck.formats.summary import evidence_line, headline, unseen_texts
from policycheck.formats.words import (
    breach_notes,
    by_cause,
    count_line,
    evidence_help,
    examined,
    exit_sentence,
    finding_counts,
    incomplete,
    interval,
    notes,
    plural,
    reading_notes,
    waiver_notes,
)
from policycheck.records import iso
from policycheck.resources import open_templates
from policycheck.result import Finding, Result, RuleResult, Verdict
from policycheck.text import shorten

if TYPE_CHECKING:
    from jinja2 import Environment, Template
    from markupsafe import Markup

MAX_BYTES = 900_000
ROW_CAPS = (500, 200, 100, 50, 20, 10, 5, 2, 1)
"""Rows a table and sections of rules: the first cap by which the document is small enough, without any findings if need be."""
MAX_CELL = 500
MAX_FOUND = 160
"""Characters of the first finding of a rule beside its sentence."""
MAX_JOBS = 3
MAX_DETAILS = 20
# What a block left out of the template leaves behind. Untrusted text is on one line, so none of it is touched.
_BLANK_LINES = re.compile(r"\n{3,}")


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    yield summarize(result, options, lambda text: len(text.encode()) <= MAX_BYTES)


def summarize(result: CleanResult, options: Options, fits: Callable[[str], bool]) -> str:
    """The document with as many findings as fit: those of the lowest severity are left out first, the verdict never."""
    sections = _sections(result, options)
    rules = sections[str(Verdict.FAIL)]
    text = ""
    for cap in ROW_CAPS:
        render = partial(_document, result, options, sections, cap)
        most = sum(min(len(rule.open_findings), cap) for rule in rules)
        text = render(most)
        if fits(text):
            return text
        text = render(0)
        if fits(text):
            # The first number of findings that does not fit is somewhere in between.
            first = bisect_left(range(1, most + 1), 1, key=lambda number: not fits(render(number)))
            return render(first)
    return text


def _document(result: Result, options: Options, sections: dict[str, list[RuleResult]], cap: int, findings: int) -> str:
    """The document with this many findings, those of the worst rules; no table has more than `cap` rows."""
    rows: dict[int, Sequence[Finding]] = {}
    for rule in sections[str(Verdict.FAIL)]:
        rows[id(rule)] = new_first(rule.open_findings)[: min(findings, cap)]
        findings -= len(rows[id(rule)])
    rendered = _template().render(
        result=result,
        summary=result.summary,
        rules=sections,
        hidden=_hidden(result, options),
        cap=cap,
        rows_of=lambda rule: rows[id(rule)],
        tell_facts=lambda finding: tell_facts(finding, result.as_of),
    )
    return _BLANK_LINES.sub("\n\n", rendered).rstrip("\n") + "\n"


def _sections(result: Result, options: Options) -> dict[str, list[RuleResult]]:
    """The rules of each verdict that are shown, worst severity first."""
    shown = sorted((rule for rule in result.rules if _shows(rule, options)), key=lambda rule: rule.severity.rank)
    sections = {str(verdict): [rule for rule in shown if rule.verdict is verdict] for verdict in Verdict}
    sections["with_waivers"] = [rule for rule in shown if len(rule.open_findings) < len(rule.findings)]
    return sections


def _shows(rule: RuleResult, options: Options) -> bool:
    return options.min_severity is None or rule.severity.at_least(options.min_severity)


def _hidden(result: Result, options: Options) -> int:
    """Rules left out for their severity that a reader would otherwise see."""
    return sum(not _shows(rule, options) and (options.show_passed or rule.verdict is not Verdict.PASS) for rule in result.rules)


@cache
def _template() -> Template:
    return _environment().get_template("summary.md.j2")


def _environment() -> Environment:
    from jinja2 import Undefined
    from markupsafe import Markup

    def printable(value: object) -> object:
        """Jinja's last step before a value is printed."""
        if isinstance(value, Markup | int | Undefined):
            return value
        raise TypeError(f"the template prints {type(value).__name__} {value!r} without a filter that makes it safe for Markdown")

    environment = open_templates(printable, autoescape=True)
    # Markup marks what is safe: code spans by construction, the rest because every word of it is ours.
    environment.filters |= {
        "cell": lambda value: Markup(table_cell(value, MAX_CELL)),
        "code": lambda value: Markup(code_span(value, MAX_CELL)),
        # Only for text whose every word is ours: numbers, times, vocabulary.
        "ours": lambda value: Markup(line(str(value))),
        "iso": lambda value: Markup(iso(value)),
        "number": lambda value: Markup(f"{value:,}"),
        "examined": lambda rule: Markup(examined(rule)),
        "plural": lambda count, noun: Markup(plural(count, noun)),
        "jobs": _jobs,
        "details": _details,
    }
    environment.globals |= {
        "headline": lambda result: Markup(headline(result)),
        "exit_sentence": lambda result: Markup(exit_sentence(result)),
        "evidence": _evidence,
        "evidence_help": evidence_help,
        "found": lambda rule: Markup(_found(rule)),
        "unseen_texts": unseen_texts,
        "count_line": lambda result: Markup(count_line(result)),
        "finding_counts": lambda rule: Markup(finding_counts(rule)),
        "interval": lambda start, end: Markup(interval(start, end)),
        "incomplete": incomplete,
        "tell_controls": tell_controls,
        "notes": notes,
        "baseline_line": baseline_line,
        "baseline_sections": baseline_sections,
        "cause_title": lambda name: CAUSES[name].title if name in CAUSES else "",
        "tell_state": lambda finding: Markup(tell_state(finding)),
        "by_cause": by_cause,
        "waiver_notes": waiver_notes,
        "breach_notes": breach_notes,
        "reading_notes": reading_notes,
        "strips": strips,
        "strip_legend": legend,
        "cells_joined": steps_a_cell,
        "chain": lambda lists: list(chain.from_iterable(lists)),
    }
    return environment


def _evidence(result: Result) -> Markup:
    """The line on the evidence, whose every word is ours unless a saved result names a list that this version does not know."""
    from markupsafe import Markup

    text = evidence_line(result)
    return Markup(text if all(entry.dataset in DATASETS for entry in result.coverage) else code_span(text))


def _found(rule: RuleResult) -> str:
    """How much was found and the first of it, or why the rule was not decided."""
    if rule.verdict not in {Verdict.FAIL, Verdict.WAIVED} or not rule.findings:
        return table_cell("; ".join(notes(rule)) or "no reason was given", MAX_CELL)
    first = next(iter(rule.open_findings), rule.findings[0])
    return f"{finding_counts(rule)}{'' if len(rule.findings) == 1 else ', such as'}: {table_cell(shorten(line(first.message, 'violates the rule'), MAX_FOUND))}"


def _details(details: tuple[str, ...]) -> str:
    """The first details as one code span, and how many more."""
    return "; ".join(details[:MAX_DETAILS]) + (f"; and {len(details) - MAX_DETAILS:,} more" if len(details) > MAX_DETAILS else "")


def _jobs(finding: Finding) -> str:
    """The first ids as one code span, and how many more jobs."""
    if not finding.jobs:
        return ""
    shown = finding.jobs[:MAX_JOBS]
    return ", ".join(shown) + (f" and {finding.jobs_count - len(shown):,} more" if finding.jobs_count > len(shown) else "")


FORMAT = Format("markdown", "a summary for a CI step or a pull request", ".md", "text/markdown", _render)
