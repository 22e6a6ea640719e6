"""Annotations on a GitHub Actions run: a workflow command a rule, at the rule's line in its policy file, the worst first, and a notice that counts everything.

What the runner reads, and its limits: actions/runner, ActionCommand.cs and ExecutionContext.cs. It keeps the first 10 errors and the first 10 warnings of a
step, and 4,096 UTF-16 units of each message; hence one annotation a rule and not one a finding: ten findings of one rule would hide every other rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policycheck.errors import Location
from policycheck.formats.alerts import rule_name, seen
from policycheck.formats.baseline_words import LESS, baseline_line, new_first, tell_state
from policycheck.formats.cleaning import line
from policycheck.formats.escape import WORKFLOW_COMMANDS, command_data, command_property, command_text
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.policy_uri import relative_path
from policycheck.formats.words import UNCOVERED, count_line, evidence_help, examined, finding_counts, incomplete, notes, verdict_sentence
from policycheck.result import Result, RuleResult, Verdict
from policycheck.text import truncate

MAX_ANNOTATIONS = 10
"""Errors, and warnings beside them."""
MAX_MESSAGE = 4096
"""UTF-16 units: the runner cuts off the rest, in the middle of a word."""
MAX_TITLE = 255
MAX_TEXT = 400
"""Characters of one text in a message."""


@dataclass(frozen=True, slots=True)
class _Annotation:
    command: str
    title: str
    message: str
    location: Location | None = None


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    errors = [*_run_errors(result), *_rule_annotations(result, "error")]
    warnings = list(_rule_annotations(result, "warning"))
    shown = [*errors[:MAX_ANNOTATIONS], *warnings[:MAX_ANNOTATIONS]]
    left_out = len(errors) + len(warnings) - len(shown)
    yield from (f"{_command(annotation, options)}\n" for annotation in [*shown, _notice(result, left_out)])


def _run_errors(result: Result) -> Iterator[_Annotation]:
    """What is wrong with the evidence of the run as a whole; it fails the step whatever the rules say."""
    if result.baseline is not None and result.sees_less:
        told = [f"{LESS[:1].upper()}{LESS[1:]}.", f"{baseline_line(result)}."]
        yield _Annotation("error", "policycheck: less than the baseline", _listed(told, result.baseline.lost))
    if not any(rule.verdict is not Verdict.SKIPPED for rule in result.rules):
        yield _Annotation("error", "policycheck: nothing was evaluated", _listed([verdict_sentence(result)], result.not_seen))
    if result.scope_uncovered:
        gaps = [f"{entry.dataset} {entry.place}: {entry.reason or 'not complete'}" for entry in incomplete(result.coverage)]
        yield _Annotation("error", "policycheck: scope not covered", _listed([f"{UNCOVERED[:1].upper()}{UNCOVERED[1:]}."], [*gaps, *result.not_seen]))


def _rule_annotations(result: Result, command: str) -> list[_Annotation]:
    """The rules that this command announces, worst first; of two as bad, the one that is certain."""
    rules = sorted(
        (rule for rule in result.rules if _command_of(rule, result) == command), key=lambda rule: (rule.severity.rank, rule.verdict is not Verdict.FAIL)
    )
    return [_Annotation(command, f"{line(rule.id)} ({_weight(rule)})", _rule_message(rule), rule.location) for rule in rules]


def _command_of(rule: RuleResult, result: Result) -> str:
    """A waived, skipped or passed rule is announced by none; the notice counts it."""
    if rule.verdict is Verdict.FAIL:
        return "error" if result.fails_by(rule) else "warning"
    return "warning" if rule.verdict is Verdict.INCONCLUSIVE else ""


def _weight(rule: RuleResult) -> str:
    return f"inconclusive, {rule.severity}" if rule.verdict is Verdict.INCONCLUSIVE else str(rule.worst)


def _rule_message(rule: RuleResult) -> str:
    """The counts and the sentence, then as many subjects as fit, then what to do about them."""
    tail = [
        f"{label}: {text}"
        for label, text in (("Why", rule.why), ("Fix", rule.fix if rule.verdict is Verdict.FAIL else evidence_help(rule.reasons)), ("See", rule.url))
        if line(text, "")
    ]
    sentence = f"Rule {rule_name(rule)}: {line(rule.sentence)}"
    if rule.verdict is Verdict.INCONCLUSIVE:
        first, *more = notes(rule) if line(rule.reason, "") else ["the evidence is not enough", *notes(rule)]
        return _message([f"Inconclusive: {line(first)}", sentence, *more], (), tail, count=0)
    counts = finding_counts(rule) if rule.findings else line(rule.reason, "the rule is violated")
    head = [f"{counts}; {examined(rule)} examined.", sentence]
    return _message(
        head,
        (tell_state(finding) + seen(finding) for finding in new_first(rule.open_findings)),
        [*notes(rule)[1 if rule.reason and not rule.findings else 0 :], *tail],
        count=len(rule.open_findings),
    )


def _listed(head: Iterable[str], items: Sequence[str]) -> str:
    return _message(head, items, (), count=len(items))


def _message(head: Iterable[str], items: Iterable[str], tail: Iterable[str], *, count: int) -> str:
    """Whole lines within MAX_MESSAGE: head and tail, and between them the first of so many items that fit and how many do not."""
    before, after = list(map(_text, head)), list(map(_text, tail))
    room = MAX_MESSAGE - _units("\n".join([*before, *after, f"- and {count:,} more: see the JSON result"])) - 1
    shown = []
    for item in items:
        text = f"- {_text(item)}"
        room -= _units(text) + 1
        if room < 0:
            break
        shown.append(text)
    if len(shown) < count:
        shown.append(f"- and {count - len(shown):,} more: see the JSON result")
    return "\n".join([*before, *shown, *after])


def _text(text: str, limit: int = MAX_TEXT) -> str:
    """One line, made safe before it is cut: what makes it safe makes it longer."""
    return truncate(command_text(line(text)), limit)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _notice(result: Result, left_out: int) -> _Annotation:
    head = [verdict_sentence(result), f"{count_line(result)}.", *([f"{baseline_line(result)}."] if result.baseline else [])]
    if left_out:
        head.append(f"{left_out:,} more are not annotated, since GitHub shows {MAX_ANNOTATIONS} errors and {MAX_ANNOTATIONS} warnings a step.")
    return _Annotation("notice", f"policycheck: {result.verdict}", _listed(head, [f"Not seen: {text}" for text in result.not_seen]))


def _command(annotation: _Annotation, options: Options) -> str:
    properties = {**_place(annotation.location, options), "title": _text(annotation.title, MAX_TITLE)}
    shown = ",".join(f"{name}={command_property(str(value))}" for name, value in properties.items())
    return f"::{annotation.command} {shown}::{command_data(annotation.message)}"


def _place(location: Location | None, options: Options) -> dict[str, str | int]:
    """Columns only where they are on one line: the runner refuses others, and a line that ends before it begins."""
    if location is None:
        return {}
    start, end = max(location.line, 1), max(location.end_line, location.line, 1)
    place: dict[str, str | int] = {"file": relative_path(location.path, options.root, options.folder), "line": start, "endLine": end}
    if start == end and location.end_column > location.column >= 1:
        place |= {"col": location.column, "endColumn": location.end_column}
    return place


FORMAT = Format("github", "annotations on a GitHub Actions run", ".txt", WORKFLOW_COMMANDS, _render)
