"""All of the report for a terminal: a block a rule that needs attention, what the verdict rests on, and one line that counts everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from policycheck.finding_list import choose, places_of
from policycheck.formats.baseline_words import baseline_line, new_first, sections, tell_state
from policycheck.formats.cleaning import line
from policycheck.formats.finding_facts import FindingFacts, tell_facts
from policycheck.formats.interface import Options
from policycheck.formats.layout import Page, caret, pad
from policycheck.formats.strips import legend, strip_lines, strips
from policycheck.formats.text_head import MAX_TEXT, shown_rules
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
    listed_item,
    notes,
    plural,
    reading_notes,
    waiver_notes,
)
from policycheck.records import iso
from policycheck.result import Coverage, Finding, Result, RuleResult, Verdict
from policycheck.text import display_width, shorten, truncate

MAX_SUBJECTS = 20
"""Findings listed a rule, and waived ones beside them."""
MAX_DETAILS = 8
MAX_LINES = 20
"""Entries listed of anything else."""
_SUBJECT_COLUMNS = 44
"""Columns of the subjects at most; half the page where that is less."""
_STRIP_ROWS = 4
"""Lines of a strip at most."""
_TEXT_COLUMNS = 44
"""Columns that are enough for a text beside its subject; with less it stands below."""


def add_details(page: Page, result: Result, options: Options) -> None:
    """A block a rule that needs attention, with its findings; then what concerns several rules, and what the verdict rests on."""
    for rule in shown_rules(result, options):
        if rule.verdict is not Verdict.PASS or options.show_passed:
            _add_rule(page, rule, result, options)
            page.add()
    _add_causes(page, result)
    _add_period(page, result)
    _add_baseline(page, result)
    _add_list(page, "Waivers:", waiver_notes(result))
    _add_list(page, "Next to breach:", breach_notes(result))
    _add_list(page, "Sentences read as others:", reading_notes(result))
    _add_coverage(page, result)
    _add_list(page, "Not seen by this run:", result.not_seen)
    page.add_wrapped("", exit_sentence(result), style="strong", indent=2)
    page.add_wrapped("", count_line(result), indent=2)


def _add_rule(page: Page, rule: RuleResult, result: Result, options: Options) -> None:
    style, headline = _headline(rule, result)
    title = f"{truncate(line(rule.title), MAX_TEXT)}: " if rule.title else ""
    page.add_wrapped(f"{style}[{line(rule.id)}]: ", title + headline, style=style, indent=2)
    gutter = " " * len(str(rule.location.line))
    page.add(f"{gutter}{page.paint('frame', '-->')} {line(str(rule.location))}")
    _add_sentence(page, gutter, rule, options)
    places = {(entry.account, entry.region) for entry in result.coverage} | places_of(rule.findings)
    several = len(places) > 1
    for findings in (new_first(rule.open_findings), choose(rule.findings, lambda kind: kind.waived)):
        _add_findings(page, gutter, findings, result.as_of, several=several)
    for note in notes(rule)[1 if rule.reason and truncate(line(rule.reason), MAX_TEXT) in headline else 0 :]:
        _add_fact(page, gutter, "note: ", note)
    if rule.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}:
        _add_fact(page, gutter, "why: ", rule.why)
        # What to do about a finding mends no evidence.
        _add_fact(page, gutter, "help: ", rule.fix if rule.verdict is Verdict.FAIL else evidence_help(rule.reasons))
        _add_fact(page, gutter, "see: ", rule.url)


def _headline(rule: RuleResult, result: Result) -> tuple[str, str]:
    """(style and first word, what is said after the rule's id)."""
    jobs = f"; {examined(rule)} examined"
    reason = truncate(line(rule.reason, "no reason was given"), MAX_TEXT)
    match rule.verdict:
        case Verdict.FAIL:
            found = finding_counts(rule) if rule.findings else reason
            return ("error" if result.fails_by(rule) else "warning"), f"{found} ({rule.worst}){jobs}"
        case Verdict.INCONCLUSIVE:
            return "inconclusive", reason
        case Verdict.WAIVED:
            return "waived", f"{plural(len(rule.findings), 'finding')} waived ({rule.severity}){jobs}"
        case Verdict.SKIPPED:
            return "skipped", reason
        case Verdict.PASS:
            return "pass", f"nothing found{jobs}"
        case other:
            assert_never(other)


def _add_sentence(page: Page, gutter: str, rule: RuleResult, options: Options) -> None:
    """The rule as the author wrote it, with carets and the sentence that was judged; without its line, the sentence alone."""
    sentence = truncate(line(rule.sentence), MAX_TEXT)
    source = options.source_lines.get((rule.location.path, rule.location.line)) or rule.source_line or None
    bar = page.paint("frame", "|")
    if source is None:
        _add_fact(page, gutter, "rule: ", sentence)
        return
    room = page.width - len(gutter) - 3
    shown, carets = caret(source, rule.location, room)
    page.add(f"{gutter} {bar}")
    page.add(f"{page.paint('frame', str(rule.location.line))} {bar} {shown}")
    if display_width(carets) + 1 + display_width(sentence) <= room:
        page.add(f"{gutter} {bar} {page.paint('error', carets)} {sentence}")
    else:
        page.add(f"{gutter} {bar} {page.paint('error', carets)}")
        _add_fact(page, gutter, "rule: ", sentence)


def _add_fact(page: Page, gutter: str, label: str, text: str) -> None:
    text = truncate(line(text, ""), MAX_TEXT)
    if text:
        lead = f"{gutter} = "
        page.add_wrapped(lead, label + text, style="frame", indent=len(lead) + len(label))


def _add_findings(page: Page, gutter: str, findings: Sequence[Finding], as_of: datetime, *, several: bool) -> None:
    """The first findings in columns, under their place where the run has several; the end that all their messages have is said once."""
    shown = findings[:MAX_SUBJECTS]
    lead = f"{gutter} = "
    required = _shared_end([line(finding.message, "") for finding in shown])
    facts = [tell_facts(finding, as_of) for finding in shown]
    names = [f"{one.name} ({one.resource})" if one.name else one.resource for one in facts]
    names = [truncate(name, MAX_TEXT) for name in names]
    widest = min(_SUBJECT_COLUMNS, (page.width - len(lead)) // 2)
    columns = max((width for width in map(display_width, names) if width <= widest), default=0)
    place = ""
    for finding, told, name in zip(shown, facts, names, strict=True):
        if several and truncate(told.place, MAX_TEXT) != place:
            place = truncate(told.place, MAX_TEXT)
            if place:
                page.add(page.paint("frame", lead) + place)
        text = shorten(_finding_text(finding, required), MAX_TEXT) + _job_text(finding, told)
        _add_in_columns(page, lead + ("  " if several else ""), name, columns, text)
        for detail in finding.details[:MAX_DETAILS]:
            page.add_wrapped(" " * (len(lead) + 4) + "- ", truncate(line(detail), MAX_TEXT))
        if len(finding.details) > MAX_DETAILS:
            page.add(" " * (len(lead) + 4) + f"and {len(finding.details) - MAX_DETAILS:,} more")
    if required:
        _add_fact(page, gutter, "each: ", required)
    if len(findings) > len(shown):
        page.add(f"{page.paint('frame', lead)}and {len(findings) - len(shown):,} more: see the JSON result")


def _add_in_columns(page: Page, lead: str, name: str, columns: int, text: str) -> None:
    beside = len(lead) + columns + 2
    if page.width - beside < _TEXT_COLUMNS or not columns:
        page.add(page.paint("frame", lead) + name)
        page.add_wrapped(" " * (len(lead) + 4), text)
    elif display_width(name) > columns:
        page.add(page.paint("frame", lead) + name)
        page.add_wrapped(" " * beside, text)
    else:
        page.add_wrapped(lead, f"{pad(name, columns)}  {text}", style="frame", indent=beside)


def _shared_end(messages: Sequence[str]) -> str:
    """The last part (after `; `) of two messages or more, where all have the same: what was required, or what is true of all."""
    ends = {message.rpartition("; ")[2] if "; " in message else "" for message in messages}
    return ends.pop() if len(ends) == 1 and len(messages) > 1 else ""


def _finding_text(finding: Finding, required: str) -> str:
    """`[cause] what was seen`; a waiver before it. `required` is left out at the end, where it is said once for all."""
    text = line(finding.message, "violates the rule")
    text = text.removesuffix(f"; {required}") if required else text
    cause = line(finding.cause, "")
    if cause:
        text = f"[{cause}] {text}"
    text = tell_state(finding) + text
    if finding.waiver:
        waiver = finding.waiver
        ticket = f", {line(waiver.ticket)}" if waiver.ticket else ""
        text = f"waived by {line(waiver.owner)} until {line(waiver.expires)}{ticket}: {line(waiver.reason)}; found: {text}"
    return text


def _job_text(finding: Finding, facts: FindingFacts) -> str:
    """Which jobs, when the newest of them was created, and where it is kept by which plan."""
    told = []
    if finding.jobs:
        first = truncate(line(finding.jobs[0]), MAX_TEXT)
        told.append(f"job {first}" if finding.jobs_count == 1 else f"{plural(finding.jobs_count, 'job')}, first {first}")
    newest = "" if finding.jobs_count == 1 else "the newest "
    told += [f"{newest}created {facts.created}" if facts.created else "", *facts.origin]
    text = ", ".join(filter(None, told))
    return f" ({text})" if text else ""


def _add_causes(page: Page, result: Result) -> None:
    counts = by_cause(result.rules)
    if not counts:
        return
    page.add(page.paint("strong", f"By cause ({plural(result.summary.findings, 'open finding')}):"))
    figures = [f"{plural(count.findings, 'finding')}, {plural(count.subjects, 'subject')}" for count in counts[:MAX_LINES]]
    columns = max(map(len, figures))
    for count, figure in zip(counts, figures, strict=False):
        name = f"[{truncate(line(count.id), MAX_TEXT)}]" if count.id else "no cause recorded"
        title = [count.cause.title] if count.cause else []
        page.add_wrapped(f"  {pad(figure, columns)}  ", " ".join([name, *title, f"({count.severity})"]))
        if count.cause:
            _add_fact(page, "   ", "help: ", count.cause.fix)
            _add_fact(page, "   ", "see: ", count.cause.url)
    if len(counts) > MAX_LINES:
        page.add(f"  and {len(counts) - MAX_LINES:,} more causes")
    page.add()


def _add_baseline(page: Page, result: Result) -> None:
    if result.baseline is None:
        return
    page.add_wrapped("", f"{baseline_line(result)}.", style="strong", indent=2)
    for title, lines in sections(result.baseline):
        page.add_wrapped("  ", title, indent=4)
        for text in lines[:MAX_LINES]:
            page.add_wrapped("  - ", truncate(line(text), MAX_TEXT))
        if len(lines) > MAX_LINES:
            page.add(f"  - and {len(lines) - MAX_LINES:,} more: see the JSON result")
    page.add()


def _add_period(page: Page, result: Result) -> None:
    """Each rule that did not hold on every step of the period, a sign a step."""
    if result.period is None:
        return
    found = list(strip_lines(result))
    held = len(result.rules) - len(found)
    page.add_wrapped("", f"{page.paint('strong', 'Period:')} {result.period}; {plural(held, 'rule')} held on every {result.period.noun}", indent=2)
    if found:
        page.add(f"  {legend(strips(result))}; the oldest {result.period.noun} first")
    for name, strip in found[:MAX_LINES]:
        page.add_wrapped("  ", truncate(line(name), MAX_TEXT), indent=4)
        room = page.width - 4
        for start in range(0, min(len(strip), room * _STRIP_ROWS), room):
            page.add(f"    {strip[start : start + room]}")
        if len(strip) > room * _STRIP_ROWS:
            page.add(f"    and {len(strip) - room * _STRIP_ROWS:,} more steps")
    if len(found) > MAX_LINES:
        page.add(f"  and {len(found) - MAX_LINES:,} more rules")
    page.add()


def _add_coverage(page: Page, result: Result) -> None:
    page.add(page.paint("strong", f"Read, as of {iso(result.as_of)}:"))
    if not result.coverage:
        page.add("  no list covers an account or Region")
    lists: defaultdict[str, list[Coverage]] = defaultdict(list)
    for entry in result.coverage:
        lists[entry.dataset].append(entry)
    for dataset, entries in sorted(lists.items()):
        page.add_wrapped(f"  {line(dataset)}: ", "; ".join(_list_facts(entries)), indent=4)
    gaps = incomplete(result.coverage)
    for gap in gaps[:MAX_LINES]:
        reason = truncate(line(gap.reason, "no reason was given"), MAX_TEXT)
        page.add_wrapped("  not complete: ", f"{line(gap.dataset)} {truncate(line(gap.place), MAX_TEXT)}: {reason}", style="inconclusive", indent=4)
    if len(gaps) > MAX_LINES:
        page.add(f"  and {len(gaps) - MAX_LINES:,} more that are not complete")
    page.add()


def _list_facts(entries: Sequence[Coverage]) -> list[str]:
    places = {(entry.account, entry.region) for entry in entries}
    accounts, regions = ({place[part] for place in places} for part in (0, 1))
    where = truncate(line(entries[0].place), MAX_TEXT) if len(places) == 1 else f"{plural(len(accounts), 'account')} and {plural(len(regions), 'Region')}"
    sources = sorted({line(entry.source, "") for entry in entries} - {""})
    gaps = len(incomplete(entries))
    state = "complete" if not gaps else "NOT complete" if gaps == len(entries) else f"{gaps:,} of {len(entries):,} lists NOT complete"
    bases = " and ".join(sorted({str(entry.basis) for entry in entries}))
    facts = [f"{plural(sum(entry.jobs for entry in entries), listed_item(entries[0].dataset))} from {where}", _common_interval(entries), f"{state}, {bases}"]
    if sources:
        more = f" and {len(sources) - 3:,} more" if len(sources) > 3 else ""
        facts.append(f"source {', '.join(truncate(source, 120) for source in sources[:3])}{more}")
    return facts


def _common_interval(entries: Sequence[Coverage]) -> str:
    """What every entry reaches: the widest claim that holds for all of them."""
    starts: list[datetime] = [entry.start for entry in entries if entry.start]
    ends: list[datetime] = [entry.end for entry in entries if entry.end]
    if len(starts) < len(entries) or len(ends) < len(entries):
        return "interval unknown" if len(entries) == 1 else "interval of some unknown"
    if max(starts) > min(ends):
        return "no interval in common"
    return ("" if len(entries) == 1 else "all reach ") + interval(max(starts), min(ends))


def _add_list(page: Page, title: str, told: Sequence[str]) -> None:
    if not told:
        return
    page.add(page.paint("strong", title))
    for text in told[:MAX_LINES]:
        page.add_wrapped("  - ", truncate(line(text), MAX_TEXT))
    if len(told) > MAX_LINES:
        page.add(f"  - and {len(told) - MAX_LINES:,} more")
    page.add()
