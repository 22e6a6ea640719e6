"""The whole population as CSV: a row for each rule and subject, passes too; beside it what every list covers, and what became of every record.

RFC 4180: comma, CRLF, cells in quotes where they need it; UTF-8 without a byte-order mark. No cell holds a line break, and none is a formula to a spreadsheet.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain, islice
from typing import assert_never

from policycheck.answers import Answer, SubjectAnswer
from policycheck.finding_list import FindingIndex
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.population import NewestJob, Resource
from policycheck.records import iso
from policycheck.result import Finding, Result, RuleResult, Verdict
from policycheck.text import truncate

COLUMNS = (
    "policy", "rule", "sentence", "severity", "controls", "account", "account_name", "region", "resource_type", "resource_name", "subject", "answer",
    "measured", "limit", "margin", "newest_job", "newest_job_state", "newest_job_created", "cause", "waiver_owner", "waiver_expires", "verdict",
)  # fmt: skip
COVERAGE_COLUMNS = (
    "list", "account", "region", "from", "to", "jobs", "basis", "source", "sha256", "complete", "evidence_from", "evidence_to", "gaps", "reason",
)  # fmt: skip
RECONCILIATION_COLUMNS = (
    "list", "account", "region", "day", "records", "repeated", "jobs", "evaluated", "out_of_scope", "unusable", "covered", "repeated_jobs",
)  # fmt: skip
_FORMULA = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet may take for the beginning of a formula (OWASP, CSV Injection): the ASCII characters, and their wide forms."""
MAX_CELL = 2048
"""Longer than any ARN."""
_TOGETHER = 500
"""Rows that are put together at once."""
_Cell = str | int | None


def cell(value: str | None) -> str:
    """Text as a cell: one clean line, with `'` before what could be a formula."""
    text = truncate(line(value, ""), MAX_CELL)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _document(columns: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> Iterator[str]:
    """The rows below their header, in pieces of whole lines."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    rows = iter(rows)
    while some := list(islice(rows, _TOGETHER)):
        writer.writerows(some)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if rest := buffer.getvalue():
        yield rest


def _render(result: CleanResult, _options: Options) -> Iterator[str]:
    return _document(COLUMNS, _rows(result))


def _rows(result: Result) -> Iterator[Sequence[_Cell]]:
    population = result.population
    jobs = {job.key: job for job in population.newest_jobs}
    resources = {one[:3]: one for one in population.resources}
    names = population.account_names
    for rule in result.rules:
        told = (rule.policy, rule.id, rule.sentence, str(rule.severity), spell_controls(rule))
        head, limit, verdict = tuple(map(cell, told)), cell(rule.limit), str(rule.verdict)
        findings = FindingIndex(rule.findings)
        answers = chain(rule.answers, _unanswered(rule))
        for answer in answers if rule.answers or rule.findings else (_of_nobody(rule),):
            found = findings.find(*answer[:3])
            resource = resources.get(answer[:3]) or _resource_of(answer, found)
            called = (found.account_name if found else None) or names.get(answer.account or "")
            yield (
                *head,
                *map(cell, (answer.account, called, answer.region, resource.resource_type, resource.name, answer.subject)),
                str(answer.answer),
                cell(answer.measured),
                limit,
                cell(answer.margin),
                *_newest(jobs.get(answer.newest)),
                *_said(found),
                verdict,
            )


def _unanswered(rule: RuleResult) -> Iterator[SubjectAnswer]:
    """The findings on no subject that was evaluated: that there was nothing to evaluate."""
    known = {answer[:3] for answer in rule.answers}
    for found in rule.findings:
        if (found.account, found.region, found.subject) not in known:
            yield SubjectAnswer(found.account, found.region, found.subject, Answer.FAIL if found.waiver is None else Answer.WAIVED)


def _of_nobody(rule: RuleResult) -> SubjectAnswer:
    """A row for a rule that no subject was evaluated by, so that none is missing."""
    match rule.verdict:
        case Verdict.PASS | Verdict.SKIPPED:
            answer = Answer.NOTHING
        case Verdict.FAIL | Verdict.WAIVED | Verdict.INCONCLUSIVE:
            answer = Answer.UNDECIDED
        case _:
            assert_never(rule.verdict)
    return SubjectAnswer(None, None, "", answer)


def _resource_of(answer: SubjectAnswer, found: Finding | None) -> Resource:
    return Resource(*answer[:3], found.resource_type if found else None, None)


def _newest(job: NewestJob | None) -> tuple[str, str, str]:
    return ("", "", "") if job is None else (cell(job.id), cell(job.state), cell(job.created))


def _said(found: Finding | None) -> tuple[str, str, str]:
    if found is None:
        return "", "", ""
    if found.waiver is None:
        return cell(found.cause), "", ""
    return cell(found.cause), cell(found.waiver.owner), cell(found.waiver.expires)


def spell_controls(rule: RuleResult) -> str:
    """`nist-800-53 CP-9; soc2 A1.2, CC7.5`"""
    return "; ".join(f"{framework} {', '.join(controls)}" for framework, controls in sorted(rule.controls.items()))


def _render_coverage(result: CleanResult, _options: Options) -> Iterator[str]:
    digests = {one.name: one.sha256 for one in result.population.inputs}

    def rows() -> Iterator[Sequence[_Cell]]:
        for entry in result.coverage:
            times = (*(entry.evident or (None, None)),)
            yield (
                *map(cell, (entry.dataset, entry.account, entry.region)),
                *("" if time is None else iso(time) for time in (entry.start, entry.end)),
                entry.jobs,
                str(entry.basis),
                cell("; ".join(entry.files) or entry.source),
                cell("; ".join(digests.get(name, "") for name in entry.files).strip("; ")),
                "yes" if entry.complete else "no",
                *("" if time is None else iso(time) for time in times),
                "; ".join(f"{iso(min(gap))}/{iso(max(gap))}" for gap in entry.holes or entry.gaps),
                cell(entry.reason),
            )

    return _document(COVERAGE_COLUMNS, rows())


def _render_reconciliation(result: CleanResult, _options: Options) -> Iterator[str]:
    def rows() -> Iterator[Sequence[_Cell]]:
        for one in result.population.reconciliation:
            place = map(cell, (one.dataset, one.account, one.region, one.day))
            counts = one.records, one.repeated, one.jobs, one.evaluated, one.out_of_scope, one.unusable
            yield (*place, *counts, str(one.covered), cell("; ".join(one.repeated_jobs)))

    return _document(RECONCILIATION_COLUMNS, rows())


FORMAT = Format(
    "csv",
    "every rule and subject, including passes; files beside it have the coverage and each record",
    ".csv",
    "text/csv",
    _render,
    shows_answers=True,
    companions={"coverage": _render_coverage, "reconciliation": _render_reconciliation},
)
