"""SARIF 2.1.0 for GitHub code scanning and other viewers.

A backup job has no file, so each result is anchored at the rule's line in its policy file, and the resource is a logical location. What GitHub reads, and its
limits: "SARIF support for code scanning" in GitHub's documentation. Identity is rule and subject, so that an alert persists while its cause does and closes
by itself. A waived finding is left out: code scanning would open it. An inconclusive rule is a result of kind `review`, beside a notification: without one,
viewers would close the rule's alerts as fixed in the very run that could not judge it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policycheck.errors import Location
from policycheck.formats.alerts import rule_fingerprint, rule_name, seen
from policycheck.formats.cleaning import line
from policycheck.formats.escape import code_span, plain_message
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.pieces import json_pieces
from policycheck.formats.policy_uri import relative_uri
from policycheck.formats.words import UNCOVERED, incomplete, notes, plural, verdict_sentence
from policycheck.result import Finding, Result, RuleResult, Severity, Verdict
from policycheck.text import truncate

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MAX_RESULTS = 5000
"""What GitHub keeps of a run; past it, findings are aggregated, largest rules first."""
MAX_TEXT = 1000
MAX_NAME = 2048
"""Longer than any ARN."""
MAX_TAGS = 10
MAX_NOTIFICATIONS = 100

LEVELS: Mapping[Severity, str] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub: above 9.0 is critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, 0.1 to 3.9 low; it knows nothing lower.
SCORES: Mapping[Severity, str] = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.1",
}

# SARIF is JSON: Any stands for its values.
Json = dict[str, Any]


def _render(result: CleanResult, options: Options) -> Iterator[str]:
    return json_pieces({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [_run(result, options)]})


def _run(result: Result, options: Options) -> Json:
    rules = sorted(result.rules, key=rule_name)
    aggregated = _aggregated(rules)
    return {
        "tool": {
            "driver": {
                "name": "policycheck",
                "version": line(result.tool_version),
                "rules": [_descriptor(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": "policycheck/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result, rules, aggregated, options)],
        "results": [entry for index, rule in enumerate(rules) for entry in _results(rule, index, options, aggregate=rule_name(rule) in aggregated)],
    }


def _aggregated(rules: list[RuleResult]) -> frozenset[str]:
    """The rules whose findings become one result each, so that no result is dropped: those with most findings first."""
    total = sum(max(len(rule.open_findings), rule.verdict in {Verdict.FAIL, Verdict.INCONCLUSIVE}) for rule in rules)
    chosen: set[str] = set()
    for rule in sorted(rules, key=lambda rule: (-len(rule.open_findings), rule_name(rule))):
        if total <= MAX_RESULTS:
            break
        total -= max(len(rule.open_findings) - 1, 0)
        chosen.add(rule_name(rule))
    return frozenset(chosen)


def _descriptor(rule: RuleResult) -> Json:
    sentence = message_text(rule.sentence, rule_name(rule))
    controls = [f"{framework}/{control}" for framework, ids in sorted(rule.controls.items()) for control in ids]
    tags = dict.fromkeys(truncate(line(tag), 100) for tag in ("security", "backup", *rule.tags, *controls))
    descriptor: Json = {
        "id": rule_name(rule),
        "shortDescription": {"text": message_text(rule.title, sentence)},
        "fullDescription": {"text": sentence},
        "help": _help(rule, sentence),
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {
            "tags": list(tags)[:MAX_TAGS],
            "security-severity": SCORES[rule.severity],
            # A finding is a definite violation; what only could be one is inconclusive.
            "precision": "very-high",
        },
    }
    if rule.url.startswith("https://") and rule.url.isascii() and rule.url.isprintable() and not set(rule.url) & set(' "<>\\^`{|}'):
        descriptor["helpUri"] = rule.url
    return descriptor


def _help(rule: RuleResult, sentence: str) -> Json:
    parts = [("Rule", sentence), ("Why", message_text(rule.why, "")), ("Fix", message_text(rule.fix, "")), ("See", message_text(rule.url, ""))]
    return {
        "text": "\n".join(f"{label}: {text}" for label, text in parts if text),
        "markdown": "\n\n".join(f"**{label}:** {code_span(text)}" for label, text in parts if text),
    }


def message_text(value: str, fallback: str) -> str:
    """A message without links and placeholders, as long as GitHub shows; the fallback where nothing is left."""
    return plain_message(truncate(line(value, ""), MAX_TEXT)) or fallback


def _results(rule: RuleResult, index: int, options: Options, *, aggregate: bool) -> Iterator[Json]:
    if rule.verdict is Verdict.INCONCLUSIVE:
        # Without a level: SARIF takes none then (3.27.10), and GitHub, which does not know kinds, the rule's own.
        yield _result(rule, index, options, f"Inconclusive: {line(rule.reason, 'the evidence is not enough')}", rule_fingerprint(rule, "inconclusive")) | {
            "kind": "review"
        }
    elif rule.verdict is Verdict.FAIL and not rule.open_findings:
        yield _failure(rule, index, options, line(rule.reason, "the rule is violated"), rule_fingerprint(rule, "rule"))
    elif aggregate:
        count = plural(len(rule.open_findings), "subject")
        message = f"{count} violate this rule, too many for one result each: the JSON result lists them. The first is {seen(rule.open_findings[0])}"
        yield _failure(rule, index, options, message, rule_fingerprint(rule, "aggregated"))
    else:
        for finding in rule.open_findings:
            yield _failure(rule, index, options, seen(finding), finding.fingerprint, finding=finding)


def _failure(rule: RuleResult, index: int, options: Options, message: str, fingerprint: str, *, finding: Finding | None = None) -> Json:
    severity = finding.severity if finding else rule.severity
    return _result(rule, index, options, message, fingerprint, finding=finding) | {"kind": "fail", "level": LEVELS[severity]}


def _result(rule: RuleResult, index: int, options: Options, message: str, fingerprint: str, *, finding: Finding | None = None) -> Json:
    location: Json = {"physicalLocation": physical_location(rule.location, options)}
    entry: Json = {
        "ruleId": rule_name(rule),
        "ruleIndex": index,
        "message": {"text": message_text(message, "the rule is violated")},
        "locations": [location],
        # GitHub takes the first and no other; the second says how it was made.
        "partialFingerprints": {"primaryLocationLineHash": fingerprint, "policycheck/v1": fingerprint},
    }
    if finding:
        name = truncate(line(finding.subject), MAX_NAME)
        location["logicalLocations"] = [{"fullyQualifiedName": name, "name": truncate(name.rpartition(":")[2] or name, 255), "kind": "resource"}]
        entry["properties"] = {
            "account": _short(finding.account),
            "region": _short(finding.region),
            "resourceType": _short(finding.resource_type),
            "cause": _short(finding.cause),
            "jobs": [_short(job) for job in finding.jobs[:20]],
            "jobCount": finding.jobs_count,
        }
    return entry


def _short(value: str | None) -> str | None:
    return None if value is None else truncate(value, MAX_TEXT)


def physical_location(place: Location, options: Options) -> Json:
    """Where a text stands, as code scanning takes it: a relative URI, and a region that is never empty."""
    start_line, start_column = max(place.line, 1), max(place.column, 1)
    end_line, end_column = place.end_line, place.end_column
    if (end_line, end_column) <= (start_line, start_column):
        end_line, end_column = start_line, start_column + 1
    return {
        "artifactLocation": {"uri": relative_uri(place.path, options.root, options.folder)},
        "region": {"startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": max(end_column, 1)},
    }


def _invocation(result: Result, rules: list[RuleResult], aggregated: frozenset[str], options: Options) -> Json:
    inconclusive = [(index, rule) for index, rule in enumerate(rules) if rule.verdict is Verdict.INCONCLUSIVE]
    notifications = [
        {
            "descriptor": {"id": "evidence"},
            "associatedRule": {"id": rule_name(rule), "index": index},
            "level": "error",
            "message": {"text": message_text(f"{rule_name(rule)} is inconclusive: {'; '.join(notes(rule)) or 'the evidence is not enough'}", "inconclusive")},
            "locations": [{"physicalLocation": physical_location(rule.location, options)}],
        }
        for index, rule in inconclusive[:MAX_NOTIFICATIONS]
    ]
    if len(inconclusive) > MAX_NOTIFICATIONS:
        notifications.append(_notification("evidence", "error", f"{len(inconclusive) - MAX_NOTIFICATIONS:,} more rules are inconclusive"))
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in rules)
    if not judged:
        notifications.append(_notification("evidence", "error", verdict_sentence(result)))
    if result.scope_uncovered:
        notifications.append(_notification("evidence", "error", UNCOVERED))
    gaps = incomplete(result.coverage)
    for text in [f"not complete: {entry.dataset} {entry.place}: {entry.reason}" for entry in gaps] + [f"not seen: {text}" for text in result.not_seen]:
        if len(notifications) >= 2 * MAX_NOTIFICATIONS:
            break
        notifications.append(_notification("evidence", "warning", text))
    if aggregated:
        text = f"More than {MAX_RESULTS:,} findings: {plural(len(aggregated), 'rule has one result', 'rules have one result')} for all its subjects"
        notifications.append(_notification("aggregated", "warning", text))
    return {
        "executionSuccessful": judged and not inconclusive and not result.scope_uncovered,
        "exitCode": int(result.exit_code),
        "toolExecutionNotifications": notifications,
    }


def _notification(identifier: str, level: str, text: str) -> Json:
    return {"descriptor": {"id": identifier}, "level": level, "message": {"text": message_text(text, identifier)}}


FORMAT = Format("sarif", "SARIF 2.1.0 for code scanning", ".sarif", "application/sarif+json", _render)
