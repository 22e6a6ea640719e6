"""JUnit XML: a suite a policy, a case a rule that holds, a failing case a finding.

A shape that both published schemas accept (Windy Road's for Ant, and Jenkins's), and that GitLab, Jenkins and the usual GitHub actions show well. Traps of
junit-xml 1.9, each seen: an empty failure message is written as a pass, so a message is never empty here; a count of `disabled` that no schema knows, times
left out where zero, and output before the cases are put right on its element tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, assert_never
from xml.etree import ElementTree as ET

from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.words import UNCOVERED, incomplete, interval, listed_item, notes, plural, verdict_sentence, waiver_notes
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
CASE_CAPS = (1000, 200, 40, 8, 1)
"""Findings listed a rule: the first cap whose document is small enough."""

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
    key: str = ""
    """What tells it from a case whose name reads the same."""


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    text = ""
    for cap in CASE_CAPS:
        text = _document(result, cap, strict=options.junit_strict)
        if len(text.encode()) <= MAX_BYTES:
            break
    yield text


def _document(result: Result, cap: int, *, strict: bool) -> str:
    root = ET.Element("testsuites")
    taken: set[tuple[str, str]] = set()
    for index, (name, title, cases) in enumerate(_suites(result, cap)):
        root.append(_suite(result, index, line(name), title, _test_cases(line(name), cases, taken, strict=strict)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites(result: Result, cap: int) -> Iterator[tuple[str, str, list[_Case]]]:
    """(name, title, cases) of each suite; first the run itself, where its evidence fails as a whole: a file without a case would look like a pass."""
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)
    if result.scope_uncovered or not judged:
        message = verdict_sentence(result) if not judged else UNCOVERED
        yield "policycheck", "", [_Case("evidence", kind="error", type="inconclusive", message=message, details=tuple(_evidence_lines(result)))]
    titles = {policy.id: policy.title for policy in result.policies} | {rule.policy: "" for rule in result.rules if rule.policy not in _ids(result)}
    for policy, title in titles.items():
        yield policy, title, [case for rule in result.rules if rule.policy == policy for case in _cases(rule, cap)]


def _ids(result: Result) -> set[str]:
    return {policy.id for policy in result.policies}


def _cases(rule: RuleResult, cap: int) -> Iterator[_Case]:
    match rule.verdict:
        case Verdict.FAIL if not rule.open_findings:
            yield _rule_case(rule, "failure", str(rule.severity), rule.reason or "the rule is violated")
        case Verdict.FAIL:
            yield from _capped(rule, rule.open_findings, cap, "failure")
        case Verdict.INCONCLUSIVE:
            yield _rule_case(rule, "error", "inconclusive", rule.reason or "the evidence is not enough")
        case Verdict.SKIPPED:
            yield _rule_case(rule, "skipped", "skipped", rule.reason or "the rule was skipped")
        case Verdict.WAIVED if not rule.findings:
            yield _rule_case(rule, "skipped", "waived", rule.reason or "every violation is waived")
        case Verdict.PASS:
            yield _rule_case(rule, "", "", "")
        case Verdict.WAIVED:
            pass
        case other:
            assert_never(other)
    yield from _capped(rule, [finding for finding in rule.findings if finding.waiver], cap, "skipped")


def _rule_case(rule: RuleResult, kind: str, type_: str, message: str) -> _Case:
    return _Case(line(rule.id), rule, kind, type_, message, (f"rule: {rule.sentence}", *(f"note: {note}" for note in notes(rule)[1 if rule.reason else 0 :])))


def _capped(rule: RuleResult, findings: Iterable[Finding], cap: int, kind: str) -> Iterator[_Case]:
    found = list(findings)
    for finding in found[:cap]:
        yield _finding_case(rule, finding, kind)
    if len(found) > cap:
        what = "waived findings" if kind == "skipped" else "findings"
        message = f"{len(found) - cap:,} more {what} of this rule are not listed here, {len(found):,} in all: see the JSON result"
        yield _Case(f"{line(rule.id)}: more {what}", rule, kind, str(rule.severity), message)


def _finding_case(rule: RuleResult, finding: Finding, kind: str) -> _Case:
    place = "/".join(filter(None, (finding.account, finding.region)))
    name = f"{line(rule.id)}: {line(finding.subject)}" + (f" ({line(place)})" if place else "")
    message = line(finding.message, "the rule is violated")
    details = [f"rule: {rule.sentence}"]
    if finding.waiver:
        waiver = finding.waiver
        message = f"waived by {line(waiver.owner)} until {line(waiver.expires)}: {line(waiver.reason)}"
        details.append(f"found: {line(finding.message)}")
    if finding.cause:
        details.append(f"cause: {finding.cause}")
    if finding.jobs:
        shown = finding.jobs[:MAX_JOBS]
        more = f" and {finding.jobs_count - len(shown):,} more" if finding.jobs_count > len(shown) else ""
        details.append(f"jobs: {', '.join(shown)}{more}")
    details += _first(list(finding.details), "details")
    details += [f"fix: {rule.fix}"] if rule.fix else []
    return _Case(name, rule, kind, str(finding.severity), message, tuple(details), finding.fingerprint)


def _suite(result: Result, index: int, name: str, title: str, cases: list[TestCase]) -> ET.Element:
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
        },
        stdout="\n".join(_evidence_lines(result)),
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


def _test_cases(suite: str, cases: Iterable[_Case], taken: set[tuple[str, str]], *, strict: bool) -> list[TestCase]:
    """The cases under names that are unique in the document, since a reader drops the second one of a name: a name that is taken carries its fingerprint."""
    made = []
    for case in cases:
        name = truncate(case.name, MAX_NAME)
        if (suite, name) in taken:
            name = f"{name} [{case.key[:16] or len(taken)}]"
        taken.add((suite, name))
        made.append(_test_case(suite, case, name, strict=strict))
    return made


def _test_case(suite: str, case: _Case, name: str, *, strict: bool) -> TestCase:
    from junit_xml import TestCase

    location = None if case.rule is None or strict else case.rule.location
    test_case = TestCase(name, classname=suite, file=location and line(location.path), line=location and location.line)
    if not case.kind:
        return test_case
    message = truncate(line(case.message, "no reason was given"), MAX_MESSAGE)
    place = f"{case.rule.location.path}:{case.rule.location.line}: " if case.rule else ""
    content = truncate("\n".join([place + message, *map(line, case.details)]), MAX_MESSAGE)
    match case.kind:
        case "failure":
            test_case.add_failure_info(message, content, case.type)
        case "error":
            test_case.add_error_info(message, content, case.type)
        case _:
            test_case.add_skipped_info(message, content)
    return test_case


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


def _first(lines: list[str], noun: str, limit: int = 50) -> list[str]:
    return lines if len(lines) <= limit else [*lines[:limit], f"and {len(lines) - limit:,} more {noun}"]


FORMAT = Format("junit", "JUnit XML for the test report of a CI system", ".xml", "application/xml", _render)
