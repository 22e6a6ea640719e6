"""What a result has in common with an answer of `reperform.py`: verdicts, counts and findings, without words."""

from __future__ import annotations

import re
from typing import Any

from policycheck.result import Finding, Result, RuleResult

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?=: rule )")


def answer_of(result: Result) -> dict[str, Any]:
    """The result as `reperform.py` would answer the document of its run."""
    return {"policies": [{"id": one.id, "rules": [answer_of_rule(rule) for rule in result.rules if rule.policy == one.id]} for one in result.policies]}


def answer_of_rule(result: RuleResult) -> dict[str, Any]:
    """One rule, likewise."""
    return {
        "id": result.id,
        "verdict": result.verdict.value,
        "examined": result.examined,
        "subjects": result.subjects,
        "undecided": result.undecided,
        "possible": result.possible,
        "pending": result.pending,
        "findings": sorted(map(_finding, result.findings), key=str),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding; the runs that were missed stand in its words alone."""
    found = {"account": finding.account, "region": finding.region, "subject": finding.subject, "jobs": list(finding.jobs), "waived": finding.waiver is not None}
    if finding.cause in {"missed_run", "plan_silent"}:
        found["missed"] = sorted({told[0] for line in finding.details if (told := _MOMENT.match(line))})
    return found
