"""One screen of the report for a terminal: the rules that did not pass, the worst findings, and how much more there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

from policycheck.causes import CAUSES
from policycheck.finding import ALL_JOBS
from policycheck.finding_file import FindingKind
from policycheck.finding_list import choose, marks
from policycheck.formats.baseline_words import new_first, tell_state
from policycheck.formats.cleaning import line
from policycheck.formats.finding_facts import tell_facts
from policycheck.formats.interface import Options
from policycheck.formats.layout import Page, wrap
from policycheck.formats.strips import legend, strip_lines, strips
from policycheck.formats.summary import unseen_texts
from policycheck.formats.text_head import MAX_TEXT, add_rules, shown_rules
from policycheck.formats.words import breach_notes, by_cause, exit_sentence, plural, reading_notes, waiver_notes
from policycheck.result import Finding, Result, RuleResult, Severity, Verdict
from policycheck.text import shorten, truncate

HEIGHT = 24
"""Lines of the least terminal that people have; the last one is the prompt's."""
_RULES = 8
"""Rules that did not pass, where the others are only counted."""
_MESSAGE_LINES = 2
_CAUSES = 3
_WIDESPREAD = 3
"""Subjects from which on a cause tells more than another finding."""
_STRIPS = 6
_ENDED = {
    Verdict.FAIL: "that failed",
    Verdict.INCONCLUSIVE: "that could not be evaluated",
    Verdict.WAIVED: "waived",
    Verdict.SKIPPED: "skipped",
    Verdict.PASS: "that passed",
}


def add_screen(page: Page, result: Result, options: Options, hidden: int) -> None:
    """What stands below verdict and evidence.

    Args:
        hidden: rules that are left out for their severity.
    """
    if result.rules:
        page.add()
    unlisted = add_rules(page, result, options, _RULES)
    counts = Counter(_ENDED[rule.verdict] for rule in unlisted)
    left = [f"{plural(count, 'rule')} {word}" for word, count in counts.items()]
    if hidden:
        left.append(f"{plural(hidden, 'rule')} below severity {options.min_severity}")
    if result.period is not None:
        left += _add_strips(page, result)
    found, count = _subjects(shown_rules(result, options))
    shared = [count for count in by_cause(result.rules) if count.subjects > 1 and count.cause][:_CAUSES]
    reserved = sum(count.subjects >= _WIDESPREAD for count in shared)
    shown = _add_findings(page, found, result, HEIGHT - 2 - reserved - page.height)
    for cause in shared[: max(HEIGHT - 2 - page.height, 0)]:
        title = cause.cause.title if cause.cause else cause.id
        page.add(f"cause of {plural(cause.findings, 'finding')} on {plural(cause.subjects, 'subject')}: {title}")
    left += [f"{plural(count - shown, 'more finding')}"] if count > shown else []
    left += _rest(page, result)
    _add_last(page, left, result)


def _subjects(rules: Sequence[RuleResult]) -> tuple[list[tuple[Finding, list[str]]], int]:
    """The first open findings and how many there are: each subject and its jobs once with all rules that they violate, one of each rule and cause first."""
    seen: set[int] = set()
    told: set[tuple[str, str | None]] = set()
    first, later = list[tuple[Finding, int]](), list[tuple[Finding, int]]()
    for severity in Severity:
        for rule in rules:
            findings = choose(new_first(rule.open_findings), partial(_is_of, severity))
            for number, mark in enumerate(marks(findings)):
                if mark.jobs in seen:
                    continue
                seen.add(mark.jobs)
                chosen = later if (rule.id, mark.kind.cause) in told else first
                told.add((rule.id, mark.kind.cause))
                if len(chosen) < HEIGHT:
                    chosen.append((findings[number], mark.jobs))
    names: dict[int, list[str]] = {jobs: [] for _, jobs in (*first, *later)}
    for severity in Severity:
        for rule in rules:
            for mark in marks(rule.open_findings):
                if mark.kind.severity is severity and mark.jobs in names:
                    names[mark.jobs].append(line(rule.id))
    return [(finding, names[jobs]) for finding, jobs in (*first, *later)], len(seen)


def _is_of(severity: Severity, kind: FindingKind) -> bool:
    return kind.severity is severity


def _add_findings(page: Page, found: Sequence[tuple[Finding, list[str]]], result: Result, room: int) -> int:
    """As many as there is room for, one in any case; returns how many."""
    if found:
        page.add()
        room -= 1
    fixes = {rule.id: rule.fix for rule in result.rules}
    for shown, (finding, names) in enumerate(found):
        block = _finding_block(page, finding, names, fixes.get(finding.rule, ""), result, _MESSAGE_LINES)
        if block.height > room:
            block = _finding_block(page, finding, names, fixes.get(finding.rule, ""), result, 1)
        if block.height > room and shown:
            return shown
        page.add_block(block)
        room -= block.height
    return len(found)


def _finding_block(like: Page, finding: Finding, rules: Sequence[str], fix: str, result: Result, most: int) -> Page:
    """Who and where, what is wrong in so many lines at most, and what to do."""
    page = like.block()
    facts = tell_facts(finding, result.as_of)
    resource = "all together" if finding.subject == ALL_JOBS and not finding.identity else truncate(facts.resource, MAX_TEXT)
    name = f"{truncate(facts.name, MAX_TEXT)} ({resource})" if facts.name else resource
    # Never at the left edge, where the lines of the report itself begin.
    page.add_wrapped("  ", page.paint("strong", name) + truncate("".join(f", {part}" for part in (facts.place, *facts.origin) if part), MAX_TEXT), indent=4)
    cause = CAUSES.get(finding.cause or "")
    created = f"{facts.created} " if facts.created else ""
    said = f"{created}{tell_state(finding)}{', '.join(rules)}: {f'{cause.title}: ' if cause else ''}{line(finding.message, 'violates the rule')}"
    lines = list(wrap(shorten(said, MAX_TEXT), page.width, first=4, hang=4))
    for number, text in enumerate(lines[:most], 1):
        page.add(f"    {text} …" if number == most < len(lines) else f"    {text}")
    to_do = cause.fix if cause else line(fix, "")
    if to_do:
        page.add(f"    to do: {shorten(to_do, page.width - 11)}")
    return page


def _add_strips(page: Page, result: Result) -> list[str]:
    """Each rule that did not hold on every step of the period, a sign a step."""
    found = list(strip_lines(result))
    if not found or result.period is None:
        return []
    page.add()
    page.add(f"{legend(strips(result))}; the oldest {result.period.noun} first")
    for name, strip in found[:_STRIPS]:
        page.add(f"  {truncate(line(name), page.width - 2)}")
        page.add(f"    {strip if len(strip) <= page.width - 4 else strip[: page.width - 6] + ' …'}")
    return [f"{plural(len(found) - _STRIPS, 'strip')} of the period"] if len(found) > _STRIPS else []


def _rest(page: Page, result: Result) -> list[str]:
    """What else there is: said here where there is room, counted where there is none."""
    told: list[str] = []
    for title, noun, nouns, notes in (
        ("Next to breach:", "rule to breach next", "rules to breach next", breach_notes(result)),
        ("Waivers to look at:", "note on waivers", "notes on waivers", waiver_notes(result)),
        ("Sentences read as others:", "sentence read as another", "sentences read as others", reading_notes(result)),
    ):
        block = page.block()
        block.add()
        block.add(block.paint("strong", title))
        for text in notes:
            block.add_wrapped("  - ", truncate(line(text), MAX_TEXT))
        if notes and page.height + block.height < HEIGHT - 2:
            page.add_block(block)
        elif notes:
            told.append(plural(len(notes), noun, nouns))
    waived = result.summary.findings_waived
    if waived:
        told.append(plural(waived, "waived finding"))
    unseen = len(unseen_texts(result))
    if unseen > 1:
        told.append(f"{plural(unseen - 1, 'more thing')} not seen")
    return told


def _add_last(page: Page, left: Sequence[str], result: Result) -> None:
    """The exit code; how much is not shown, and where it is."""
    more = f"Not shown: {', '.join(left)}; --verbose shows all of it." if left else ""
    page.add_wrapped("", " ".join(filter(None, (exit_sentence(result), more))), style="strong", indent=2)
