"""The first lines of the report for a terminal: the verdict, the evidence, and a line a rule, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.formats.baseline_words import baseline_line
from policycheck.formats.cleaning import line
from policycheck.formats.interface import Options
from policycheck.formats.layout import Page, pad, wrap
from policycheck.formats.summary import evidence_line, headline, unseen_texts, worst_first
from policycheck.formats.words import evidence_help, examined, finding_counts
from policycheck.records import iso
from policycheck.result import Result, RuleResult, Verdict
from policycheck.text import display_width, shorten, truncate

MAX_TEXT = 400
"""Characters of one text, so that no StatusMessage floods the screen."""
_MAX_POLICIES = 3
_ID_COLUMNS = 32
_FEW = 4
"""Rules that did not pass which have several lines where they need them:"""
_LINES = 3
_PASSED_LINES = 2
"""Lines of a screen for the rules that passed."""


def add_head(page: Page, result: Result, *, verbose: bool) -> None:
    """Verdict and evidence, a paragraph each; what could not be seen stands here, not at the end."""
    style = {Verdict.FAIL: "error", Verdict.PASS: "pass"}.get(result.verdict, "inconclusive")
    names = [truncate(line(policy.id), MAX_TEXT) for policy in result.policies]
    more = f" and {len(names) - _MAX_POLICIES:,} more policies" if len(names) > _MAX_POLICIES else ""
    when = str(result.period) if result.period is not None else f"as of {iso(result.as_of)}"
    of = f"{', '.join(names[:_MAX_POLICIES])}{more}, {when}: " if names else f"{when}: "
    page.add_wrapped(f"{result.verdict.upper()}: ", f"{of}{headline(result)}", style=style, indent=2)
    page.add_wrapped("Evidence: ", evidence_line(result), style="strong", indent=2)
    if told := unseen_texts(result):
        more = f"; and {len(told) - 1:,} more" if len(told) > 1 else ""
        first = shorten(line(told[0]), MAX_TEXT) if verbose else _fit(line(told[0]), page.width - len("Not seen: ") - len(more))
        page.add_wrapped("Not seen: ", first + more, style="inconclusive", indent=2)
    if result.baseline is not None:
        page.add_wrapped("", f"{baseline_line(result)}.", style="strong", indent=2)


def add_rules(page: Page, result: Result, options: Options, most: int) -> list[RuleResult]:
    """A line a rule that did not pass, and those that passed in one block.

    Args:
        most: lines for rules that did not pass.

    Returns:
        The rules that had no line.
    """
    rules = shown_rules(result, options)
    listed = [rule for rule in rules if rule.verdict is not Verdict.PASS or options.show_passed]
    labels = [_label(rule) for rule in listed[:most]]
    widths = [max(map(display_width, column), default=0) for column in (labels, [line(rule.id) for rule in listed[:most]], list(map(_count, listed[:most])))]
    lines = _LINES if len(listed) <= _FEW else 1
    helped: set[str] = set()
    for rule, label in zip(listed, labels, strict=False):
        style = _style(rule, result)
        room = page.width - widths[0] - min(widths[1], _ID_COLUMNS) - widths[2] - 6
        head = f"{page.paint(style, pad(label, widths[0]))}  {pad(truncate(line(rule.id), MAX_TEXT), min(widths[1], _ID_COLUMNS))}"
        counted = f"  {pad(_count(rule), widths[2])}" if widths[2] else ""
        _add_told(page, f"{head}{counted}  ", _told(rule), room, lines)
        to_do = evidence_help(rule.reasons) if rule.verdict is Verdict.INCONCLUSIVE else ""
        if to_do and to_do not in helped:
            _add_told(page, f"{' ' * widths[0]}  to do: ", to_do, page.width - widths[0] - 9, lines)
            helped.add(to_do)
    if not options.show_passed:
        _add_passed(page, [rule for rule in rules if rule.verdict is Verdict.PASS], options)
    return listed[most:]


def _add_told(page: Page, head: str, text: str, room: int, most: int) -> None:
    """A text beside its head, in so many lines at most."""
    lines = list(wrap(text, room)) if most > 1 else [_fit(text, room)]
    indent = " " * (page.width - room)
    for number, told in enumerate(lines[:most], 1):
        page.add(f"{head if number == 1 else indent}{_fit(told, room - 2)} …" if number == most < len(lines) else f"{head if number == 1 else indent}{told}")


def shown_rules(result: Result, options: Options) -> list[RuleResult]:
    """The rules of a severity that is shown, the worst first."""
    return [rule for rule in worst_first(result.rules) if options.min_severity is None or rule.severity.at_least(options.min_severity)]


def _add_passed(page: Page, passed: Sequence[RuleResult], options: Options) -> None:
    if not passed:
        return
    names = [f"{truncate(line(rule.id), MAX_TEXT)} ({examined(rule)})" for rule in passed]
    for most in range(len(names), 0, -1):
        more = [f"and {len(names) - most:,} more"] if most < len(names) else []
        block = page.block()
        block.add_wrapped("passed: ", ", ".join([*names[:most], *more]), style="pass", indent=2)
        if options.verbose or block.height <= _PASSED_LINES or most == 1:
            page.add_block(block)
            return


def _style(rule: RuleResult, result: Result) -> str:
    if rule.verdict is Verdict.FAIL:
        return "error" if result.fails_by(rule) else "warning"
    return str(rule.verdict)


def _label(rule: RuleResult) -> str:
    return f"fail {rule.worst}" if rule.verdict is Verdict.FAIL else str(rule.verdict)


def _count(rule: RuleResult) -> str:
    if rule.findings and not rule.open_findings:
        return f"{len(rule.findings):,} waived"
    if rule.verdict is Verdict.PASS:
        return examined(rule)
    return finding_counts(rule) if rule.findings else ""


def _told(rule: RuleResult) -> str:
    """The title and the sentence of a rule; of one that could not be evaluated, or was not, the reason."""
    sentence = f"{line(rule.title)}: {line(rule.sentence)}" if rule.title else line(rule.sentence)
    if rule.verdict in {Verdict.INCONCLUSIVE, Verdict.SKIPPED} or (rule.verdict is Verdict.FAIL and not rule.findings):
        return line(rule.reason, "no reason was given")
    return sentence


def _fit(text: str, columns: int) -> str:
    """What of a clean line fits, an ellipsis where something was cut off."""
    shown = shorten(text, columns)
    while display_width(shown) > max(columns, 1):
        shown = truncate(shown, len(shown) - 1)
    return shown
