"""JUnit XML: a suite a policy, a case a rule, whatever came of it.

Readers follow a case by its class name and name from run to run, so these are the policy and the rule and nothing that a run finds; findings stand in the text
of the failure. The shape is one that both published schemas accept (Windy Road's for Ant, and Jenkins's), and that GitLab, Jenkins and the usual GitHub actions
show well. Traps of junit-xml 1.9, each seen: an empty failure message is written as a pass, so a message is never empty here; a count of `disabled` that no
schema knows, times left out where zero, and output before the cases are put right on its element tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from itertools import chain, islice
from typing import TYPE_CHECKING, assert_never
from xml.etree import ElementTree as ET

from policycheck.finding_list import choose
from policycheck.formats.alerts import seen
from policycheck.formats.baseline_words import LESS, baseline_line, new_first, tell_earlier, tell_state
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.policy_uri import relative_path
from policycheck.formats.words import UNCOVERED, finding_counts, incomplete, interval, listed_item, notes, plural, verdict_sentence, waiver_notes
from policycheck.records import iso
from policycheck.result import Finding, Result, RuleResult, Verdict
from policycheck.text import truncate

if TYPE_CHECKING:
    from junit_xml import TestCase, TestSuite

# GitLab reads at most 30 MB a file and Jenkins keeps it all in memory; a message of 64 KB is the most a viewer takes: 16,000 characters of UTF-8.
MAX_BYTES = 30_000_000
MAX_MESSAGE = 16_000
MAX_NAME = 1000
MAX_JOBS = 20
TEXT_SIZES = (MAX_MESSAGE, 4000, 1000, 250)
"""Characters of the text of a case: the first size whose document is small enough."""

_HOST = "policycheck"


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: `kind` is the XML element inside it, none for a pass."""

    name: str
    rule: RuleResult | None = None
    kind: str = ""
    type: str = ""
    message: str = ""
    details: tuple[str, ...] = ()
    findings: Sequence[Finding] = ()
    """Told below the details, as many as fit."""
    waived: Sequence[Finding] = ()
    """Told as its output, likewise."""

    @property
    def output(self) -> Iterator[str]:
        """What a case says that passes."""
        if self.is_empty_waived:
            yield "waived"
        yield from map(_waived, self.waived)

    @property
    def is_empty_waived(self) -> bool:
        """Whether it is of a rule that is waived without a finding."""
        return self.rule is not None and self.rule.verdict is Verdict.WAIVED and not self.waived

    @property
    def outputs(self) -> int:
        """How much there is of it."""
        return len(self.waived) + self.is_empty_waived


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    text = ""
    for size in TEXT_SIZES:
        text = _document(result, options, size)
        if len(text.encode()) <= MAX_BYTES:
            break
    yield text


def _document(result: Result, options: Options, size: int) -> str:
    root = ET.Element("testsuites")
    taken: set[tuple[str, str]] = set()
    for index, (name, title, cases) in enumerate(_suites(result)):
        suite = line(name)
        waived = _first_waived(cases) if options.junit_strict else []
        root.append(_suite(result, index, suite, title, _test_cases(suite, cases, taken, options, size), waived))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites(result: Result) -> Iterator[tuple[str, str, list[_Case]]]:
    """(name, title, cases) of each suite; first the run itself, where its evidence fails as a whole: a file without a case would look like a pass."""
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)
    run_cases = []
    if result.scope_uncovered or not judged:
        message = verdict_sentence(result) if not judged else UNCOVERED
        run_cases.append(_Case("evidence", kind="error", type="inconclusive", message=message, details=tuple(_evidence_lines(result))))
    if result.baseline is not None and result.sees_less:
        told = [*result.baseline.lost, *(f"not seen: {tell_earlier(found)}: {found.reason}" for found in result.baseline.not_seen)]
        run_cases.append(_Case("baseline", kind="error", type="inconclusive", message=LESS, details=tuple(_first(told, "things"))))
    if run_cases:
        yield "policycheck", "", run_cases
    titles = {policy.id: policy.title for policy in result.policies} | {rule.policy: "" for rule in result.rules if rule.policy not in _ids(result)}
    for policy, title in titles.items():
        yield policy, title, [_case(rule) for rule in result.rules if rule.policy == policy]


def _ids(result: Result) -> set[str]:
    return {policy.id for policy in result.policies}


def _case(rule: RuleResult) -> _Case:
    name, reason = line(rule.id), line(rule.reason, "")
    told = (f"rule: {rule.sentence}", *(f"note: {note}" for note in notes(rule)[1 if rule.reason else 0 :]))
    waived = choose(rule.findings, lambda kind: kind.waived)
    match rule.verdict:
        case Verdict.FAIL if rule.open_findings:
            fix = (f"fix: {rule.fix}",) if rule.fix else ()
            said = f"{finding_counts(rule)}: {rule.title or rule.sentence}"
            return _Case(name, rule, "failure", str(rule.severity), said, (*told, *fix), new_first(rule.open_findings), waived)
        case Verdict.FAIL:
            return _Case(name, rule, "failure", str(rule.severity), reason or "the rule is violated", told, waived=waived)
        case Verdict.INCONCLUSIVE:
            return _Case(name, rule, "error", "inconclusive", reason or "the evidence is not enough", told, waived=waived)
        case Verdict.SKIPPED:
            return _Case(name, rule, "skipped", "skipped", reason or "the rule was skipped", told, waived=waived)
        case Verdict.PASS | Verdict.WAIVED:
            # It passes, and says why.
            return _Case(name, rule, waived=waived)
        case other:
            assert_never(other)


def _waived(finding: Finding) -> str:
    waiver = finding.waiver
    assert waiver is not None
    return f"waived by {line(waiver.owner)} until {line(waiver.expires)}: {line(waiver.reason)}; found: {seen(finding)}"


def _told_finding(finding: Finding) -> str:
    """A finding in one line, with its jobs."""
    shown = finding.jobs[:MAX_JOBS]
    more = f" and {finding.jobs_count - len(shown):,} more" if finding.jobs_count > len(shown) else ""
    parts = [
        tell_state(finding) + seen(finding),
        *([f"cause: {finding.cause}"] if finding.cause else []),
        *([f"jobs: {', '.join(shown)}{more}"] if shown else []),
        *finding.details[:MAX_JOBS],
    ]
    return f"- {'; '.join(parts)}"


def _suite(result: Result, index: int, name: str, title: str, cases: list[TestCase], waived: list[str]) -> ET.Element:
    from junit_xml import TestSuite  # 10 ms that only this format needs

    suite: TestSuite = TestSuite(
        name,
        cases,
        hostname=_HOST,
        id=str(index),
        package=name,
        timestamp=result.as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        properties={
            "policycheck.version": line(result.tool_version),
            "policycheck.as_of": iso(result.as_of),
            "policycheck.verdict": str(result.verdict),
            **({"policycheck.policy.title": line(title)} if title else {}),
            **({"policycheck.baseline": baseline_line(result)} if result.baseline else {}),
        },
        stdout="\n".join([*_evidence_lines(result), *waived]),
    )
    return _schema_shape(suite.build_xml_doc())


def _schema_shape(suite: ET.Element) -> ET.Element:
    """Put right what junit-xml writes otherwise: order, times of three decimals, no `disabled`, no type of `skipped`."""
    suite.attrib.pop("disabled", None)
    suite.set("time", "0.000")
    for case in suite.iter("testcase"):
        case.set("time", "0.000")
    for skipped in suite.iter("skipped"):
        skipped.attrib.pop("type", None)
    output = suite.find("system-out")
    if output is not None:
        suite.remove(output)
    suite.append(output if output is not None else ET.Element("system-out"))
    ET.SubElement(suite, "system-err")
    return suite


def _test_cases(suite: str, cases: Iterable[_Case], taken: set[tuple[str, str]], options: Options, size: int) -> list[TestCase]:
    """The cases under names that are unique in the document, since a reader drops the second one of a name."""
    made = []
    for case in cases:
        name = truncate(case.name, MAX_NAME)
        while (suite, name) in taken:
            name = f"{name} [{len(taken)}]"
        taken.add((suite, name))
        made.append(_test_case(suite, case, name, options, size))
    return made


def _test_case(suite: str, case: _Case, name: str, options: Options, size: int) -> TestCase:
    from junit_xml import TestCase

    path = "" if case.rule is None else relative_path(case.rule.location.path, options.root, options.folder)
    place: dict[str, object] = {} if case.rule is None or options.junit_strict else {"file": path, "line": case.rule.location.line}
    output = None if options.junit_strict or not case.outputs else _within([], case.output, size, "waived findings", case.outputs)
    test_case = TestCase(name, classname=suite, stdout=output, **place)
    if not case.kind:
        return test_case
    message = truncate(line(case.message, "no reason was given"), size)
    at = f"{path}:{case.rule.location.line}: " if case.rule else ""
    content = _within([at + message, *map(line, case.details)], map(_told_finding, case.findings), size, "findings", len(case.findings))
    match case.kind:
        case "failure":
            test_case.add_failure_info(message, content, case.type)
        case "error":
            test_case.add_error_info(message, content, case.type)
        case _:
            test_case.add_skipped_info(message, content)
    return test_case


def _within(head: Sequence[str], items: Iterable[str], size: int, noun: str, count: int) -> str:
    """Whole lines of at most this size: the head, then as many of so many items as fit and how many do not."""
    text = truncate("\n".join(head), size)
    room = size - len(text) - MORE
    shown: list[str] = []
    for item in map(line, items):
        room -= len(item) + 1
        if room < 0:
            break
        shown.append(item)
    if len(shown) < count:
        shown.append(f"and {count - len(shown):,} more {noun}, {count:,} in all: see the JSON result")
    return truncate("\n".join([*([text] if head else []), *shown]), max(size, MAX_NAME))


MORE = 100
"""Characters kept for how many there are."""


def _evidence_lines(result: Result) -> list[str]:
    """What the verdict rests on, in every suite: the first incomplete and unseen things, each kind counted in full."""
    lines = [
        f"{line(entry.dataset)} {line(entry.place)}: {plural(entry.jobs, listed_item(entry.dataset))}, {interval(entry.start, entry.end)}, {entry.basis}"
        f"{'' if entry.complete else ', NOT COMPLETE: ' + line(entry.reason)}"
        for entry in [*incomplete(result.coverage), *(entry for entry in result.coverage if entry.complete)]
    ]
    unseen = [f"waivers: {line(text)}" for text in waiver_notes(result)] + [f"not seen: {line(text)}" for text in result.not_seen]
    lines, unseen = [truncate(text, MAX_NAME) for text in lines], [truncate(text, MAX_NAME) for text in unseen]
    return [*_first(lines, "coverage entries"), *_first(unseen, "things not seen")]


def _first(lines: Iterable[str], noun: str, count: int | None = None) -> list[str]:
    """The first of so many lines, by default of a list of them, and how many there are beside these."""
    shown = list(islice(lines, _MOST))
    total = len(lines) if isinstance(lines, list) else count or 0
    return shown if total <= _MOST else [*shown, f"and {total - _MOST:,} more {noun}"]


_MOST = 50


def _first_waived(cases: Sequence[_Case]) -> list[str]:
    return _first(chain.from_iterable(case.output for case in cases), "waived findings", sum(case.outputs for case in cases))


FORMAT = Format("junit", "JUnit XML for the test report of a CI system", ".xml", "application/xml", _render)
