"""Waivers applied to what rules found: a finding is waived when all that it stands on is, by waivers in force at as_of.

All waivers of a list are asked in one pass, whatever rules they are of: sixty cost about what one costs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from itertools import count, islice
from typing import Any

import narwhals as nw
from msgspec import Struct

from policycheck.datasets import DATASETS, Dataset, Field
from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.case import Case
from policycheck.engine.columns import column_of
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.frame import ROW, Frame
from policycheck.finding_list import make_anew
from policycheck.policy.conditions import Condition, fields_of
from policycheck.policy.model import WaiverGrant
from policycheck.policy.waivers import waivable_fields
from policycheck.reasons import Reason, ReasonKind
from policycheck.records import micros
from policycheck.result import Finding, Member, RuleResult, Verdict, WaiverStatus, WaiverUse

_Concerned = dict[int, Collection[int]]
"""By the number of a finding, which of its parts a waiver is about; findings it is not about at all are absent."""


class _Ask(Struct, frozen=True):
    """One waiver of one rule."""

    case: Case
    grant: WaiverGrant
    match: Condition
    findings: Sequence[Finding]


def apply_waivers(results: Mapping[int, RuleResult], cases: Sequence[Case], grants: Mapping[int, Sequence[WaiverGrant]], context: Context) -> list[RuleResult]:
    """The results of these rules, in their order, with waived findings marked, what became of each waiver, and the verdict that is left.

    A waiver that is not in force waives nothing, but says how many findings it would have concerned.

    Args:
        results: by the number of the rule.
        grants: the waivers of each rule, by its number.
    """
    asks = [_Ask(case, grant, grant.match, results[case.number].findings) for case in cases for grant in grants.get(case.number, ()) if grant.match is not None]
    found = _ask(asks, context)
    return [_apply(results[case.number], grants.get(case.number, ()), found.get(case.number, ()), context) for case in cases]


def _apply(result: RuleResult, grants: Sequence[WaiverGrant], found: Sequence[_Concerned], context: Context) -> RuleResult:
    """One result with its waivers.

    Args:
        found: of those of its waivers that have conditions, in their order.
    """
    if not grants:
        return result
    matched = iter(found)
    concerned = [{i: _parts(f) for i, f in enumerate(result.findings)} if grant.match is None else next(matched) for grant in grants]
    statuses = [grant.status(context.as_of) for grant in grants]
    today = context.as_of.astimezone(UTC).date()

    numbers = count()

    def waive(finding: Finding) -> Finding:
        index = next(numbers)
        by = [number for number, found in enumerate(concerned) if statuses[number] is WaiverStatus.IN_FORCE and index in found]
        accepted = set[int]().union(*(concerned[number][index] for number in by))
        told = accept_members(finding, accepted) if finding.members else finding
        waived = bool(by) and (is_tolerable(told) if told.members else set(_parts(told)) <= accepted)
        return replace(told, waiver=grants[by[0]].waiver) if waived else told

    findings = make_anew(waive, result.findings)
    uses = tuple(
        WaiverUse(grant.policy, grant.rule, grant.waiver, status, (grant.expires - today).days, len(found), grant.location)
        for grant, status, found in zip(grants, statuses, concerned, strict=True)
    )
    result = replace(result, findings=findings, waivers=uses)
    if result.verdict is not Verdict.FAIL or not findings or result.open_findings:
        return result
    # Where a rule fails because there was nothing to judge, a waiver leaves it without evidence.
    verdict, reasons = result.beneath or (Verdict.INCONCLUSIVE, result.reasons)
    if any(finding.members and not is_tolerable(finding, at_worst=True) for finding in findings):
        verdict, reasons = Verdict.INCONCLUSIVE, (Reason(ReasonKind.ACCEPTED_UNSURE),)
    if verdict is Verdict.INCONCLUSIVE:
        return replace(result, verdict=verdict, reasons=reasons)
    return replace(result, verdict=Verdict.WAIVED, reasons=(Reason(ReasonKind.ALL_WAIVED, numbers=(len(findings),)),))


def _parts(finding: Finding) -> tuple[int, ...]:
    """What must all be waived: the jobs of a finding, or the one group that it is about."""
    return tuple(range(len(finding.members))) or finding.rows or (-1,)


def accept_members(finding: Finding, accepted: set[int]) -> Finding:
    """A finding on a share of subjects, of which these are accepted: neither kept nor found."""
    details = tuple(f"{line}; accepted by a waiver" if number in accepted else line for number, line in enumerate(finding.details))
    return replace(finding, accepted=frozenset(accepted), details=details)


def is_tolerable(finding: Finding, *, at_worst: bool = False) -> bool:
    """Whether no more subjects are left that do not keep to the limit than its share allows for.

    Args:
        at_worst: those of which it is unknown included.
    """
    return len(finding.members) - len(finding.accepted) + (finding.unsure if at_worst else 0) <= finding.spare


def _ask(asks: Sequence[_Ask], context: Context) -> dict[int, list[_Concerned]]:
    """What each waiver is about: by the number of its rule, in the order of `asks`."""
    answers: dict[int, _Concerned] = {}
    for dataset in DATASETS.values():
        numbered = [(number, ask) for number, ask in enumerate(asks) if ask.case.rule.statement.list is dataset]
        of_groups = [(number, ask) for number, ask in numbered if waivable_fields(ask.case.rule) is not None]
        of_jobs = [(number, ask) for number, ask in numbered if waivable_fields(ask.case.rule) is None]
        answers |= _match_jobs(of_jobs, dataset, context) | _match_groups(of_groups, dataset, context)
    found: dict[int, list[_Concerned]] = {}
    for number, ask in enumerate(asks):
        found.setdefault(ask.case.number, []).append(answers.get(number, {}))
    return found


def _match_jobs(asks: Sequence[tuple[int, _Ask]], dataset: Dataset, context: Context) -> dict[int, _Concerned]:
    """The jobs of findings that conditions certainly match, as they were when they were judged."""
    wanted = sorted({row for _, ask in asks for finding in ask.findings for row in finding.rows})
    if not wanted:
        return {}
    frame = context.facts.frame(dataset.name, {name for _, ask in asks for name in fields_of(ask.match)})
    rows = _matching(asks, frame, context.backend.among(frame.columns, ROW, wanted), context)

    def concerned(number: int, ask: _Ask) -> _Concerned:
        told = ((index, tuple([row for row in finding.rows if row in rows[number]])) for index, finding in enumerate(ask.findings))
        return {index: both for index, both in told if both}

    return {number: concerned(number, ask) for number, ask in asks}


class _FindingsFrame(Frame):
    """A row each finding. What tells a finding is a value or unknown: nothing is known to be missing, as a member of a record may be."""

    __slots__ = ()

    def known_missing(self, field: Field) -> bool:
        return False


def _match_groups(asks: Sequence[tuple[int, _Ask]], dataset: Dataset, context: Context) -> dict[int, _Concerned]:
    """The findings on groups whose fields conditions certainly match."""
    own: dict[int, dict[int, list[int]]] = {number: {} for number, _ in asks}
    parts = _parts_told(asks)
    while some := list(islice(parts, _TOGETHER)):
        rows = _match_parts(some, asks, dataset, context)
        for number, ask in asks:
            for row in sorted(rows[number]):
                of, index, part, _ = some[row]
                if of == ask.case.number:
                    own[number].setdefault(index, []).append(part)
    return {number: dict(found) for number, found in own.items()}


_TOGETHER = 10_000
"""Findings that are asked about at once."""
_Part = tuple[int, int, int, Finding | Member]
"""Number of the rule, of the finding, and of its member (-1: it has none), and what is asked about."""


def _parts_told(asks: Sequence[tuple[int, _Ask]]) -> Iterator[_Part]:
    for ask in {ask.case.number: ask for _, ask in asks}.values():
        for index, finding in enumerate(ask.findings):
            told: Iterable[tuple[int, Finding | Member]] = enumerate(finding.members) if finding.members else [(-1, finding)]
            yield from ((ask.case.number, index, part, one) for part, one in told)


def _match_parts(findings: Sequence[_Part], asks: Sequence[tuple[int, _Ask]], dataset: Dataset, context: Context) -> dict[int, set[int]]:
    """The numbers of those that each condition certainly matches, by the number of its waiver."""
    names = sorted({name for _, ask in asks for name in fields_of(ask.match)})
    values: dict[str, tuple[ColumnType, list[Any]]] = {ROW: (ColumnType.INTEGER, list(range(len(findings))))}
    for name in names:
        said = [found.resource_type if name == "ResourceType" and name not in found.identity else found.identity.get(name) for *_, found in findings]
        values[column_of(name)] = (ColumnType.TEXT, said)
    frame = _FindingsFrame(dataset, micros(context.as_of), context.backend.frame(values), ())
    return _matching(asks, frame, frame.columns, context)


def _matching(asks: Sequence[tuple[int, _Ask]], frame: Frame, columns: nw.LazyFrame[Any], context: Context) -> dict[int, set[int]]:
    """The rows that each condition certainly matches, by the number of its waiver; one pass for all."""
    chosen = columns.select(nw.col(ROW), *(compile_condition(ask.match, frame).alias(f"waiver_{number}") for number, ask in asks))
    found: dict[int, set[int]] = {number: set() for number, _ in asks}
    for row, *truths in context.backend.rows(chosen):
        for (number, _), truth in zip(asks, truths, strict=True):
            if truth:
                found[number].add(row)
    return found
