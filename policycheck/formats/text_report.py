"""The report for a person at a terminal: verdict, evidence, rules and the worst findings on one screen; with `verbose` everything, with carets."""

from __future__ import annotations

from collections.abc import Iterator

from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.layout import Page
from policycheck.formats.text_details import add_details
from policycheck.formats.text_head import add_head, add_rules
from policycheck.formats.text_screen import add_screen
from policycheck.formats.words import plural
from policycheck.result import Verdict


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    page = Page(width=options.width, color=options.color)
    add_head(page, result, verbose=options.verbose)
    if options.verbose:
        page.add()
        add_rules(page, result, options, len(result.rules))
        hidden = _hidden(result, options)
        if hidden:
            page.add_wrapped("", f"{plural(hidden, 'rule')} below severity {options.min_severity} not shown, but counted.")
        page.add()
        add_details(page, result, options)
    else:
        add_screen(page, result, options, _hidden(result, options))
    yield page.text()


def _hidden(result: CleanResult, options: Options) -> int:
    """Rules left out for their severity that a reader would otherwise see."""
    if options.min_severity is None:
        return 0
    return sum(not rule.severity.at_least(options.min_severity) and (options.show_passed or rule.verdict is not Verdict.PASS) for rule in result.rules)


FORMAT = Format("text", "a report for a person at a terminal", ".txt", "text/plain", _render)
