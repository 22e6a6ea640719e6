"""Warnings: groups that keep to the limit of a rule and are beyond a softer one are found at low severity (docs/groups-specification.md, Warnings)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.group_findings import Describer
from policycheck.engine.judgement import Judgement, expectation
from policycheck.engine.list_view import ListView
from policycheck.finding_list import make_anew
from policycheck.result import Finding, Severity
from policycheck.text import clean_line


def soften(case: Case) -> Case | None:
    """The same rule with its softer limit in the place of its limit; None where it has none."""
    requirement, statement = expectation(case), case.rule.statement
    if requirement.warning is None:
        return None
    softer = replace(requirement, limit=requirement.warning, warning=None)
    return structs.replace(case, rule=replace(case.rule, statement=replace(statement, requirement=softer)))


def is_warned(item: Judgement) -> bool:
    """Whether a group certainly is beyond the softer limit, and not certainly beyond the limit."""
    return item.violation is not True and item.soft is not None and item.soft.violation is True


def describe_warnings(case: Case, softer: Case, view: ListView, context: Context, judgements: Sequence[Judgement]) -> Sequence[Finding]:
    """One finding a group that is warned of: of severity low, or less where the rule's own is less."""
    limit = expectation(case).limit
    warned = [(item.soft, item) for item in judgements if is_warned(item) and item.soft is not None]
    severity = Severity.LOW if case.rule.severity.at_least(Severity.LOW) else case.rule.severity
    unsure = {(soft.group.subject, soft.group.values) for soft, item in warned if item.violation is None}

    def remark(soft: Judgement) -> str:
        return f"the limit {limit.text if limit else ''} {'may be exceeded' if (soft.group.subject, soft.group.values) in unsure else 'is kept'}"

    found = Describer(softer, view, context, [soft for soft, _ in warned], remark=remark).findings()
    return make_anew(lambda finding: replace(finding, severity=severity, message=clean_line(f"warning: {finding.message}")), found)
