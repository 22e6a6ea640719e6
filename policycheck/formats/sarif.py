"""SARIF 2.1.0 for GitHub code scanning and other viewers.

A backup job has no file, so each result is anchored at the rule's line in its policy file, and the resource is a logical location. What GitHub reads, and its
limits: "SARIF support for code scanning" in GitHub's documentation. Identity is rule and subject, so that an alert persists while its cause does and closes
by itself. A waived finding is left out: code scanning would open it; so is one that is gone since the baseline, since code scanning does not read
`baselineState` and would keep it open. What code scanning does not find in an upload it closes, in the category that `automationDetails.id` names: how runs are
cut so that an inconclusive rule closes nothing, `formats.sarif_runs` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from policycheck.comparison import EarlierFinding, FindingState
from policycheck.errors import Location
from policycheck.formats.alerts import rule_fingerprint, rule_name, seen
from policycheck.formats.baseline_words import baseline_line, tell_earlier
from policycheck.formats.cleaning import line
from policycheck.formats.escape import code_span, plain_message
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.pieces import json_pieces
from policycheck.formats.policy_uri import relative_uri
from policycheck.formats.sarif_runs import Part, plan_upload
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
    plan = plan_upload(result, options.category)
    document: Json = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [_run(result, part, options) for part in plan.parts]}
    if plan.withheld or plan.left_out:
        document["properties"] = {"policycheck/withheld": plan.withheld, "policycheck/leftOut": list(plan.left_out)}
    return json_pieces(document)


def _run(result: Result, part: Part, options: Options) -> Json:
    rules = sorted(part.rules, key=rule_name)
    aggregated = _aggregated(rules)
    known = {rule_name(rule): index for index, rule in enumerate(rules)}
    # A rule that is gone is told by its name alone.
    gone = sorted({f"{line(found.policy)}/{line(found.rule)}" for found in part.carried} - known.keys())
    known |= {name: len(rules) + index for index, name in enumerate(gone)}
    results = [entry for index, rule in enumerate(rules) for entry in _results(rule, index, part, options, aggregate=rule_name(rule) in aggregated)]
    results += [_carried(found, known[f"{line(found.policy)}/{line(found.rule)}"], options) for found in part.carried]
    if result.baseline is not None:
        # All results of a run have a state, or none (SARIF 2.1.0, 3.27.24).
        results = [{"baselineState": str(FindingState.NEW), **entry} for entry in results]
    return {
        "tool": {
            "driver": {
                "name": "policycheck",
                "version": line(result.tool_version),
                "rules": [*map(_descriptor, rules), *map(_bare_descriptor, gone)],
            }
        },
        "automationDetails": {"id": part.id},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(result, part, rules, aggregated, options)],
        "results": results,
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


def _bare_descriptor(name: str) -> Json:
    text = message_text(name, "rule")
    return {"id": name, "shortDescription": {"text": text}, "fullDescription": {"text": text}, "help": {"text": f"{text}: a rule of an earlier run"}}


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


def _results(rule: RuleResult, index: int, part: Part, options: Options, *, aggregate: bool) -> Iterator[Json]:
    if rule.verdict is Verdict.INCONCLUSIVE and part.carries:
        return
    if rule.verdict is Verdict.INCONCLUSIVE:
        # Without a level: SARIF takes none then (3.27.10), and GitHub, which does not know kinds, the rule's own.
        yield _result(rule, index, options, f"Inconclusive: {line(rule.reason, 'the evidence is not enough')}", rule_fingerprint(rule, "inconclusive")) | {
            "kind": "review"
        }
    elif rule.verdict is Verdict.FAIL and not rule.open_findings:
        yield _failure(rule, index, options, line(rule.reason, "the rule is violated"), rule_fingerprint(rule, "rule")) | _baseline_state([rule.state])
    elif aggregate:
        count = plural(len(rule.open_findings), "subject")
        message = f"{count} violate this rule, too many for one result each: the JSON result lists them. The first is {seen(rule.open_findings[0])}"
        yield _failure(rule, index, options, message, rule_fingerprint(rule, "aggregated")) | _baseline_state(kind.state for kind in rule.open_kinds)
    else:
        for finding in rule.open_findings:
            yield _failure(rule, index, options, seen(finding), finding.fingerprint, finding=finding) | _baseline_state([finding.state])


def _baseline_state(states: Iterable[FindingState | None]) -> Json:
    told = {*states}
    return {} if None in told else {"baselineState": str(FindingState.NEW if FindingState.NEW in told else FindingState.UNCHANGED)}


def _carried(found: EarlierFinding, index: int, options: Options) -> Json:
    """A finding of the baseline that this run could not see: left out, code scanning would close its alert."""
    text = f"{tell_earlier(found)}: not seen by this run, since {found.reason}; then: {line(found.message)}"
    return {
        "ruleId": f"{line(found.policy)}/{line(found.rule)}",
        "ruleIndex": index,
        "kind": "fail",
        "level": LEVELS[found.severity],
        "baselineState": str(FindingState.UNCHANGED),
        "message": {"text": message_text(text, "not seen by this run")},
        "locations": [{"physicalLocation": physical_location(found.location, options), **_logical_location(found.subject)}],
        "partialFingerprints": {"primaryLocationLineHash": found.fingerprint, "policycheck/v1": found.fingerprint},
        "properties": {
            "account": _short(found.account),
            "region": _short(found.region),
            "resourceType": _short(found.resource_type),
            "cause": _short(found.cause),
        },
    }


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
        location |= _logical_location(finding.subject)
        entry["properties"] = {
            "account": _short(finding.account),
            "region": _short(finding.region),
            "resourceType": _short(finding.resource_type),
            "cause": _short(finding.cause),
            "jobs": [_short(job) for job in finding.jobs[:20]],
            "jobCount": finding.jobs_count,
        }
    return entry


def _logical_location(subject: str) -> Json:
    name = truncate(line(subject), MAX_NAME)
    return {"logicalLocations": [{"fullyQualifiedName": name, "name": truncate(name.rpartition(":")[2] or name, 255), "kind": "resource"}]}


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


def _invocation(result: Result, part: Part, rules: list[RuleResult], aggregated: frozenset[str], options: Options) -> Json:
    inconclusive = [(index, rule) for index, rule in enumerate(rules) if rule.verdict is Verdict.INCONCLUSIVE]
    notifications = [
        {
            "descriptor": {"id": "evidence"},
            "associatedRule": {"id": rule_name(rule), "index": index},
            "level": "error",
            "message": {"text": message_text(_inconclusive(rule), "inconclusive")},
            "locations": [{"physicalLocation": physical_location(rule.location, options)}],
        }
        for index, rule in inconclusive[:MAX_NOTIFICATIONS]
    ]
    if len(inconclusive) > MAX_NOTIFICATIONS:
        notifications.append(_notification("evidence", "error", f"{len(inconclusive) - MAX_NOTIFICATIONS:,} more rules are inconclusive"))
    judged = any(rule.verdict is not Verdict.SKIPPED for rule in result.rules)
    # What is said of the whole is said once.
    told = _of_whole(result, part, judged=judged) if part.is_first else ()
    notifications += [_notification(*one) for one in islice(told, max(2 * MAX_NOTIFICATIONS - len(notifications), 0))]
    if aggregated:
        text = f"More than {MAX_RESULTS:,} findings: {plural(len(aggregated), 'rule has one result', 'rules have one result')} for all its subjects"
        notifications.append(_notification("aggregated", "warning", text))
    successful = judged and not inconclusive and not result.scope_uncovered and not result.sees_less
    return {"executionSuccessful": successful, "exitCode": int(result.exit_code), "toolExecutionNotifications": notifications}


def _inconclusive(rule: RuleResult) -> str:
    return f"{rule_name(rule)} is inconclusive: {'; '.join(notes(rule)) or 'the evidence is not enough'}"


def _of_whole(result: Result, part: Part, *, judged: bool) -> Iterator[tuple[str, str, str]]:
    """(descriptor, level, text) of what concerns more than the rules of one part."""
    for rule in part.absent:
        said = _inconclusive(rule) if rule.verdict is Verdict.INCONCLUSIVE else f"{rule_name(rule)} was evaluated on a part of its evidence"
        yield "evidence", "error", f"{said}. Its results are left out, so that no alert of it is closed"
    if not judged:
        yield "evidence", "error", verdict_sentence(result)
    if result.scope_uncovered:
        yield "evidence", "error", UNCOVERED
    if result.baseline is not None:
        yield from (("baseline", "error", text) for text in result.baseline.lost)
        yield "baseline", "note", baseline_line(result)
    for left in result.left_out:
        yield "left-out", "note", f"{line(left.policy)}/{line(left.id)} was left out of this run (--select, --ignore, --framework): nothing is said of it"
    for entry in incomplete(result.coverage):
        yield "evidence", "warning", f"not complete: {entry.dataset} {entry.place}: {entry.reason}"
    yield from (("evidence", "warning", f"not seen: {text}") for text in result.not_seen)
    if result.baseline is not None:
        yield from (("baseline", "note", f"gone since the baseline: {tell_earlier(found)}") for found in result.baseline.gone)


def _notification(identifier: str, level: str, text: str) -> Json:
    return {"descriptor": {"id": identifier}, "level": level, "message": {"text": message_text(text, identifier)}}


FORMAT = Format("sarif", "SARIF 2.1.0 for code scanning", ".sarif", "application/sarif+json", _render)
