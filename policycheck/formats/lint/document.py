"""Lint findings as JSON, schema `policycheck/lint/1` (docs/lint/README.md): keys may be added under the same number, never renamed or given another meaning."""

from __future__ import annotations

import json
from typing import Any

from policycheck.formats.interface import Options
from policycheck.formats.lint.interface import LintFormat, LintReport
from policycheck.policy.lint.finding import Level, LintFinding
from policycheck.records import iso

SCHEMA = "policycheck/lint/1"


def _render(report: LintReport, _options: Options) -> str:
    document = {
        "schema": SCHEMA,
        "tool": {"name": "policycheck", "version": report.tool_version},
        "as_of": iso(report.as_of.replace(microsecond=0)),
        "fail_on": None if report.fail_on is None else str(report.fail_on),
        "failed": report.failed,
        "codes": list(report.codes),
        "summary": {
            "policies": report.policies,
            "rules": report.rules,
            **{f"{level}s": report.count(level) for level in Level},
            "suppressed": len(report.findings) - len(report.open_findings),
        },
        "findings": [_finding(finding) for finding in report.findings],
    }
    return json.dumps(document, sort_keys=True, indent=2, allow_nan=False) + "\n"


# What the document holds is JSON: Any stands for its values.
def _finding(finding: LintFinding) -> dict[str, Any]:
    place = finding.location
    return {
        "code": finding.code,
        "name": finding.name,
        "level": str(finding.level),
        "message": finding.message,
        "hint": finding.hint,
        "proposals": list(finding.proposals),
        "page": finding.page,
        "policy": finding.policy,
        "rule": finding.rule or None,
        "suppressed": finding.suppressed,
        "location": {"path": place.path, "line": place.line, "column": place.column, "end_line": place.end_line, "end_column": place.end_column},
    }


FORMAT = LintFormat("json", ".json", "application/json", _render)
