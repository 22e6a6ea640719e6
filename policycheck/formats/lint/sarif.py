"""Lint findings as SARIF 2.1.0 for code scanning. A suppressed finding is left out, as a waived one is of `check`: code scanning would open it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from policycheck.formats.alerts import fingerprint
from policycheck.formats.interface import Options
from policycheck.formats.lint.interface import LintFormat, LintReport
from policycheck.formats.sarif import SCHEMA_URI, Json, message_text, physical_location
from policycheck.policy.lint.finding import POLICY_ERROR, Check, Level, LintFinding
from policycheck.policy.lint.registry import CHECKS
from policycheck.policy.rewriting import raw_value, spell_value

_CHECKS = {**CHECKS, POLICY_ERROR: Check(POLICY_ERROR, "policy-error", Level.ERROR, "a mistake that keeps a policy from loading")}
_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}


def _render(report: LintReport, options: Options) -> str:
    broken = POLICY_ERROR in report.codes
    run = {
        "tool": {"driver": {"name": "policycheck", "version": report.tool_version, "rules": [_descriptor(_CHECKS[code]) for code in report.codes]}},
        # Apart from the results of `check`: either upload replaces only its own.
        "automationDetails": {"id": "policycheck-lint/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not broken, "exitCode": 2 if broken else int(report.failed)}],
        "results": list(_results(report, options)),
    }
    return json.dumps({"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}, sort_keys=True, indent=2, allow_nan=False) + "\n"


def _descriptor(check: Check) -> Json:
    page = f"docs/lint/{'README' if check.code == POLICY_ERROR else check.code}.md"
    summary = f"{check.summary[:1].upper()}{check.summary[1:]}."
    return {
        "id": check.code,
        "name": check.name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": f"{summary} See {page}.", "markdown": f"{summary} See `{page}`."},
        "defaultConfiguration": {"level": _LEVELS[check.level]},
        "properties": {"tags": ["backup", "policy-lint"], "precision": "very-high"},
    }


def _results(report: LintReport, options: Options) -> Iterator[Json]:
    seen: Counter[tuple[str, ...]] = Counter()
    for finding in report.open_findings:
        key = (finding.code, finding.policy, finding.rule, finding.message)
        seen[key] += 1
        identity = fingerprint("lint", *key, str(seen[key]))
        text = f"{finding.message}. {finding.hint}" if finding.hint else finding.message
        yield {
            "ruleId": finding.code,
            "ruleIndex": report.codes.index(finding.code),
            "kind": "fail",
            "level": _LEVELS[finding.level],
            "message": {"text": message_text(text, finding.name)},
            "locations": [{"physicalLocation": physical_location(finding.location, options)}],
            "partialFingerprints": {"primaryLocationLineHash": identity, "policycheck/v1": identity},
            **_fixes(finding, options),
        }


def _fixes(finding: LintFinding, options: Options) -> Json:
    """What an editor may put in the place of a value, each by itself; nothing where the value is not on one line."""
    place = finding.replaces
    raw = raw_value(finding.source_line, place) if place else ""
    if place is None or not raw:
        return {}
    location = physical_location(place, options)
    return {
        "fixes": [
            {
                "description": {"text": message_text(f"Write: {proposal}", finding.name)},
                "artifactChanges": [
                    {
                        "artifactLocation": location["artifactLocation"],
                        "replacements": [{"deletedRegion": location["region"], "insertedContent": {"text": spell_value(proposal, raw)}}],
                    }
                ],
            }
            for proposal in finding.proposals
        ]
    }


FORMAT = LintFormat("sarif", ".sarif", "application/sarif+json", _render)
