"""Waivers applied to what rules found: a finding is waived when all that it stands on is, by waivers in force at as_of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

import narwhals as nw

from policycheck.datasets import Field
from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.frame import ROW, Frame, build_frame
from policycheck.engine.masks import Case
from policycheck.policy.conditions import Condition, fields_of
from policycheck.policy.model import WaiverGrant
from policycheck.policy.waivers import waivable_fields
from policycheck.records import micros
from policycheck.result import Finding, RuleResult, Verdict, WaiverStatus, WaiverUse


def apply_waivers(result: RuleResult, case: Case, grants: Sequence[WaiverGrant], context: Context) -> RuleResult:
    """The result with its waived findings marked, what became of each waiver, and the verdict that is left.

    A waiver that is not in force waives nothing, but says how many findings it would have concerned.
    """
    if not grants:
        return result
    concerned = [_concerned(grant.match, result, case, context) for grant in grants]
    statuses = [grant.status(context.as_of) for grant in grants]
    today = context.as_of.astimezone(UTC).date()
    findings = []
    for index, finding in enumerate(result.findings):
        by = [number for number, found in enumerate(concerned) if statuses[number] is WaiverStatus.IN_FORCE and index in found]
        waived = bool(by) and set(_parts(finding)) <= set().union(*(concerned[number][index] for number in by))
        findings.append(replace(finding, waiver=grants[by[0]].waiver) if waived else finding)
    uses = tuple(
        WaiverUse(grant.policy, grant.rule, grant.waiver, status, (grant.expires - today).days, len(found), grant.location)
        for grant, status, found in zip(grants, statuses, concerned, strict=True)
    )
    result = replace(result, findings=tuple(findings), waivers=uses)
    if result.verdict is not Verdict.FAIL or not findings or result.open_findings:
        return result
    # Where a rule fails because there was nothing to judge, a waiver leaves it without evidence.
    verdict, reason = result.beneath or (Verdict.INCONCLUSIVE, result.reason)
    if verdict is Verdict.INCONCLUSIVE:
        return replace(result, verdict=verdict, reason=reason)
    count = len(findings)
    return replace(result, verdict=Verdict.WAIVED, reason="its only finding is waived" if count == 1 else f"all {count:,} findings are waived")


def _parts(finding: Finding) -> tuple[int, ...]:
    """What must all be waived: the jobs of a finding, or the one group that it is about."""
    return finding.rows or (-1,)


def _concerned(match: Condition | None, result: RuleResult, case: Case, context: Context) -> dict[int, set[int]]:
    """Which parts of which findings, by their number, a waiver is about; those it is not about at all are absent."""
    if match is None:
        return {index: set(_parts(finding)) for index, finding in enumerate(result.findings)}
    if waivable_fields(case.rule) is not None:
        return {index: {-1} for index in _matching_groups(match, result.findings, case, context)}
    rows = _matching_rows(match, result.findings, case, context)
    return {index: found for index, finding in enumerate(result.findings) if (found := rows & set(finding.rows))}


def _matching_rows(match: Condition, findings: Sequence[Finding], case: Case, context: Context) -> set[int]:
    """The jobs of these findings that a condition certainly matches, as they were when they were judged."""
    wanted = sorted({row for finding in findings for row in finding.rows})
    if not wanted:
        return set()
    job_list = context.lists[case.rule.statement.dataset]
    frame = build_frame(job_list, sorted(fields_of(match)), micros(context.as_of), context.backend, context.inventories)
    chosen = frame.columns.filter(nw.col(ROW).is_in(wanted)).select(nw.col(ROW), compile_condition(match, frame).alias("waived"))
    return {row for row, waived in context.backend.rows(chosen) if waived}


class _FindingsFrame(Frame):
    """A row each finding. What tells a finding is a value or unknown: nothing is known to be missing, as a member of a record may be."""

    __slots__ = ()

    def known_missing(self, field: Field) -> bool:
        return False


def _matching_groups(match: Condition, findings: Sequence[Finding], case: Case, context: Context) -> set[int]:
    """The findings on groups, by their number, whose fields a condition certainly matches."""
    if not findings:
        return set()
    dataset, names = case.rule.statement.list, sorted(fields_of(match))
    values: dict[str, tuple[ColumnType, list[Any]]] = {ROW: (ColumnType.INTEGER, list(range(len(findings))))}
    for name in names:
        said = [finding.resource_type if name == "ResourceType" and name not in finding.identity else finding.identity.get(name) for finding in findings]
        values[name] = (ColumnType.TEXT, said)
    frame = _FindingsFrame(dataset, micros(context.as_of), context.backend.frame(values), ())
    return {row for row, waived in context.backend.rows(frame.columns.select(nw.col(ROW), compile_condition(match, frame).alias("waived"))) if waived}
