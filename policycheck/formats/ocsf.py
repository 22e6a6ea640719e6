"""Compliance Findings of the Open Cybersecurity Schema Framework (OCSF 1.8.0, class 2003, cloud profile), an event a line.

Every open or waived finding is an event, waived ones suppressed; every other rule is one, so that passes are told and nothing that could not be evaluated is
missing: `compliance.status_id` is 1 (pass) of rules that passed alone, 2 (warning: no result for want of information) of inconclusive ones, 3 (fail) of
findings. Attributes and their numbers: the dictionary of schema.ocsf.io, version 1.8.0.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from policycheck.formats.alerts import fingerprint, rule_fingerprint, rule_name
from policycheck.formats.baseline_words import LESS
from policycheck.formats.cleaning import line
from policycheck.formats.interface import CleanResult, Format, Options
from policycheck.formats.words import UNCOVERED, verdict_sentence
from policycheck.records import micros
from policycheck.result import Finding, Result, RuleResult, Severity, Verdict
from policycheck.text import truncate

SCHEMA_VERSION = "1.8.0"
MAX_TEXT = 1000
SEVERITIES: Mapping[Severity, tuple[int, str]] = {
    Severity.CRITICAL: (5, "Critical"),
    Severity.HIGH: (4, "High"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.LOW: (2, "Low"),
    Severity.INFO: (1, "Informational"),
}
_PASS, _WARNING, _FAIL = (1, "Pass"), (2, "Warning"), (3, "Fail")
_OTHER = 99
_NEW, _SUPPRESSED, _RESOLVED = (1, "New"), (3, "Suppressed"), (4, "Resolved")
_AWS_ACCOUNT = (10, "AWS Account")

# OCSF is JSON: Any stands for its values.
Json = dict[str, Any]


def _render(result: CleanResult, _options: Options) -> Iterator[str]:
    for event in _events(result):
        yield f"{json.dumps(event, sort_keys=True, separators=(',', ':'), allow_nan=False)}\n"


def _events(result: Result) -> Iterator[Json]:
    time = _milliseconds(result.as_of)
    if not any(rule.verdict is not Verdict.SKIPPED for rule in result.rules):
        yield _of_run(result, time, "nothing judged", verdict_sentence(result))
    if result.scope_uncovered:
        yield _of_run(result, time, "scope", f"Inconclusive: {UNCOVERED}")
    if result.sees_less:
        yield _of_run(result, time, "baseline", f"Inconclusive: {LESS}")
    for rule in result.rules:
        yield from (_of_finding(result, time, rule, found) for found in rule.findings)
        if not rule.findings or rule.verdict is not Verdict.FAIL:
            yield _of_rule(result, time, rule)


def _milliseconds(time: datetime) -> int:
    return micros(time) // 1000


def _event(result: Result, time: int, severity: Severity, status: tuple[int, str], uid: str) -> Json:
    """What every event says."""
    level = SEVERITIES[severity]
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": time,
        "severity_id": level[0],
        "severity": level[1],
        "status_id": status[0],
        "status": status[1],
        "metadata": {
            "version": SCHEMA_VERSION,
            "profiles": ["cloud"],
            "product": {"name": "policycheck", "uid": "policycheck", "vendor_name": "policycheck", "version": _text(result.tool_version)},
            "uid": fingerprint(uid, str(time)),
        },
        "cloud": {"provider": "AWS"},
    }


def _text(value: str | None, fallback: str = "-") -> str:
    return truncate(line(value, fallback), MAX_TEXT)


def _compliance(rule: RuleResult, status: tuple[int, str], *details: str) -> Json:
    asked = [(framework, control) for framework, controls in sorted(rule.controls.items()) for control in controls]
    return {
        "control": _text(rule_name(rule)),
        "desc": _text(rule.sentence),
        "status_id": status[0],
        "status": status[1],
        "status_details": list(map(_text, details)),
        **({"requirements": [_text(f"{framework} {control}") for framework, control in asked]} if asked else {}),
        **({"standards": [_text(framework) for framework in dict.fromkeys(framework for framework, _ in asked)]} if asked else {}),
    }


def _finding_info(rule: RuleResult, uid: str, time: int, detail: str) -> Json:
    return {"uid": uid, "title": _text(rule.title or rule.sentence), "desc": _text(detail), "created_time": time, "types": ["AWS Backup"]}


def _remediation(rule: RuleResult) -> Json:
    if not line(rule.fix, ""):
        return {}
    return {"remediation": {"desc": _text(rule.fix), **({"references": [_text(rule.url)]} if line(rule.url, "") else {})}}


def _of_finding(result: Result, time: int, rule: RuleResult, found: Finding) -> Json:
    event = _event(result, time, found.severity, _NEW if found.waiver is None else _SUPPRESSED, found.fingerprint)
    detail = found.message or "violates the rule"
    if found.account:
        kind, called = _AWS_ACCOUNT, found.account_name
        event["cloud"]["account"] = {"uid": _text(found.account), "type_id": kind[0], "type": kind[1], **({"name": _text(called)} if called else {})}
    if found.region:
        event["cloud"]["region"] = _text(found.region)
    resource = {"uid": _text(found.subject)}
    resource |= {name: _text(value) for name, value in (("type", found.resource_type), ("region", found.region)) if value}
    if found.waiver is not None:
        waiver = found.waiver
        event["comment"] = _text(f"waived by {line(waiver.owner)} until {line(waiver.expires)}: {line(waiver.reason)}")
    told = {"jobs_count": found.jobs_count, "jobs": [_text(job) for job in found.jobs[:_MOST_JOBS]], **({"cause": _text(found.cause)} if found.cause else {})}
    return {
        **event,
        "message": _text(detail),
        "compliance": _compliance(rule, _FAIL, detail),
        "finding_info": _finding_info(rule, found.fingerprint, time, detail),
        **_remediation(rule),
        "resources": [resource],
        "unmapped": told,
    }


_MOST_JOBS = 20


def _of_rule(result: Result, time: int, rule: RuleResult) -> Json:
    """What a rule came to that no open finding tells."""
    uid = rule_fingerprint(rule, "rule")
    outcome, status = _outcomes(rule)
    detail = rule.reason or f"{rule.verdict}: {rule.examined:,} jobs and {rule.subjects:,} subjects examined"
    return {
        **_event(result, time, rule.severity, status, uid),
        "message": _text(f"{rule.verdict}: {line(rule.sentence)}"),
        # What a pass rests on stands beside it: lists that are asserted, or not complete.
        "compliance": _compliance(rule, outcome, detail, verdict_sentence(result)),
        "finding_info": _finding_info(rule, uid, time, detail),
        **_remediation(rule),
    }


def _outcomes(rule: RuleResult) -> tuple[tuple[int, str], tuple[int, str]]:
    """The status of the compliance check, and that of the event."""
    match rule.verdict:
        case Verdict.PASS:
            return _PASS, _RESOLVED
        case Verdict.INCONCLUSIVE:
            return _WARNING, _NEW
        case Verdict.FAIL:
            return _FAIL, _NEW
        case Verdict.WAIVED | Verdict.SKIPPED as other:
            return (_OTHER, str(other)), _SUPPRESSED


def _of_run(result: Result, time: int, what: str, detail: str) -> Json:
    """What is wrong with the evidence of the run as a whole."""
    uid = fingerprint("evidence", what)
    return {
        **_event(result, time, Severity.CRITICAL, _NEW, uid),
        "message": _text(detail),
        "compliance": {"control": "policycheck/evidence", "status_id": _WARNING[0], "status": _WARNING[1], "status_details": [_text(detail)]},
        "finding_info": {"uid": uid, "title": "The evidence is not enough", "desc": _text(detail), "created_time": time, "types": ["AWS Backup"]},
    }


FORMAT = Format("ocsf", "Compliance Findings of OCSF 1.8.0, an event a line", ".jsonl", "application/jsonl", _render)
