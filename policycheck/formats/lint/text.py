"""Lint findings for a person at a terminal: the line with carets, what is wrong, what to write instead, and the page that explains it."""

from __future__ import annotations

from policycheck.formats.cleaning import line
from policycheck.formats.interface import Options
from policycheck.formats.layout import Page, caret
from policycheck.formats.lint.interface import LintFormat, LintReport, count_line
from policycheck.formats.words import plural
from policycheck.policy.lint.finding import Level, LintFinding
from policycheck.text import truncate

MAX_TEXT = 400
_STYLES = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "skipped"}


def _render(report: LintReport, options: Options) -> str:
    page = Page(width=options.width, color=options.color)
    for finding in report.open_findings:
        if report.shows(finding):
            _add(page, finding)
            page.add()
    hidden = sum(not report.shows(finding) for finding in report.open_findings)
    page.add_wrapped("", count_line(report), indent=2)
    if hidden:
        page.add_wrapped("", f"{plural(hidden, 'finding')} below {report.shown} not shown: --min-severity {Level.INFO}", indent=2)
    return page.text()


def _add(page: Page, finding: LintFinding) -> None:
    style, place = _STYLES[finding.level], finding.location
    page.add_wrapped(f"{finding.level}[{finding.code}]: ", truncate(line(finding.message), MAX_TEXT), style=style, indent=2)
    gutter = " " * len(str(place.line))
    page.add(f"{gutter}{page.paint('frame', '-->')} {line(str(place))}")
    if finding.source_line.strip():
        bar = page.paint("frame", "|")
        shown, carets = caret(finding.source_line, place, page.width - len(gutter) - 3)
        page.add(f"{gutter} {bar}")
        page.add(f"{page.paint('frame', str(place.line))} {bar} {shown}")
        page.add(f"{gutter} {bar} {page.paint(style, carets)}")
    for label, text in (("help: ", finding.hint), ("see: ", f"{finding.page} ({finding.name})")):
        if text:
            lead = f"{gutter} = "
            page.add_wrapped(lead, label + truncate(line(text), MAX_TEXT), style="frame", indent=len(lead) + len(label))


FORMAT = LintFormat("text", ".txt", "text/plain", _render)
