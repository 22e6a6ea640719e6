"""Violations to findings: one a subject, saying what was seen, what was required and by how much. Text leaves the records here, cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policycheck.datasets import Dataset, Kind
from policycheck.engine.frame import Frame
from policycheck.policy.conditions import ORDER_OPERATORS, Comparison, Condition, comparisons
from policycheck.policy.model import Rule
from policycheck.policy.rendering import render_requirement
from policycheck.records import JobList, api_fields, iso, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean, clean_line, spell_duration, truncate

NO_RESOURCE = "(no ResourceArn)"
NO_JOBS = "(no jobs)"
_MESSAGE_LIMIT = 200


def describe_findings(rule: Rule, frame: Frame, job_list: JobList, violations: Iterable[tuple[int, int]]) -> tuple[Finding, ...]:
    """One finding a subject, sorted by account, Region and resource.

    Args:
        violations: (row in the job list, number of the subject) of every definite violation.
    """
    by_subject: dict[int, list[int]] = {}
    for row, subject in violations:
        by_subject.setdefault(subject, []).append(row)
    findings = [_describe(rule, frame, job_list, frame.subjects[subject], rows) for subject, rows in by_subject.items()]
    return tuple(sorted(findings, key=lambda finding: (finding.account or "", finding.region or "", finding.subject)))


def describe_empty(rule: Rule, reason: str) -> Finding:
    """The one finding of a rule whose population must not be empty."""
    return Finding(rule.id, rule.policy, rule.severity, None, None, NO_JOBS, reason)


def _describe(rule: Rule, frame: Frame, job_list: JobList, subject: tuple[str | None, str | None, str | None], rows: list[int]) -> Finding:
    dataset = frame.dataset
    account, region, resource = (None if part is None else clean_line(part) for part in subject)
    records = sorted((job_list.records[row] for row in rows), key=lambda record: (getattr(record, dataset.id_field) or "", record.CreationDate or 0))
    newest = max(records, key=lambda record: (record.CreationDate or 0, getattr(record, dataset.id_field) or ""))
    return Finding(
        rule=rule.id,
        policy=rule.policy,
        severity=rule.severity,
        account=account,
        region=region,
        subject=resource or NO_RESOURCE,
        message=_message(rule, frame, newest, len(records)),
        jobs=tuple(clean_line(getattr(record, dataset.id_field)) for record in records if getattr(record, dataset.id_field)),
        cause=_cause(newest),
        resource_type=None if newest.ResourceType is None else clean_line(newest.ResourceType),
        evidence=tuple(_cleaned(api_fields(dataset, record)) for record in records[:EVIDENCE_LIMIT]),
    )


def _cause(record: Any) -> str | None:
    category = getattr(record, "MessageCategory", None)
    return clean_line(category) if category and category.lower() != "success" else None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_line(key): _cleaned(item) for key, item in value.items()}
    return value


def _message(rule: Rule, frame: Frame, newest: Any, count: int) -> str:
    dataset = frame.dataset
    requirement = rule.statement.requirement
    seen = _seen(requirement.condition, frame, newest)
    jobs = f"{dataset.noun}s" if count > 1 else dataset.noun
    margin = _margin(requirement.condition, frame, newest)
    age = f"created {spell_duration(frame.as_of - newest.CreationDate)} before as_of" if newest.CreationDate is not None else "creation time unknown"
    parts = [f"{count} {jobs}: {seen}" + (f" ({margin})" if margin else ""), f"the newest {age}" if count > 1 else age, render_requirement(requirement)]
    told = getattr(newest, "StatusMessage", None)
    if told and "StatusMessage" not in seen and getattr(newest, dataset.state_field) != "COMPLETED":
        parts.insert(2, truncate(clean_line(told), _MESSAGE_LIMIT))
    return clean_line("; ".join(parts))


def _seen(condition: Condition, frame: Frame, record: Any) -> str:
    """The values of the fields the condition names."""
    names = dict.fromkeys(comparison.field for comparison in comparisons(condition))
    return ", ".join(f"{name} {_value(name, frame, record)}" for name in names)


def _value(name: str, frame: Frame, record: Any) -> str:
    field = frame.dataset.fields[name]
    value = _derived(name, frame, record) if field.derived else _member(name, record)
    if value is None:
        return "missing"
    match field.kind:
        case Kind.TIME:
            return iso(moment(value))
        case Kind.DURATION:
            return value if isinstance(value, str) else spell_duration(value)
        case Kind.BOOLEAN:
            return str(value).lower()
        case _:
            return truncate(clean_line(str(value)), _MESSAGE_LIMIT) or '""'


def _member(name: str, record: Any) -> Any:
    head, _, tail = name.partition(".")
    value = getattr(record, head)
    return getattr(value, tail) if tail and value is not None else value


def _derived(name: str, frame: Frame, record: Any) -> Any:
    """A derived field of one record, for showing; the engine's own columns decide."""
    dataset = frame.dataset
    match name:
        case "Account" | "Region":
            account, region = JobList(dataset, [record]).places()[0]
            return account if name == "Account" else region
        case "IamRoleName":
            return record.IamRoleArn and record.IamRoleArn.rpartition("/")[2]
        case "Outcome":
            category = record.MessageCategory
            return "unknown" if category is None else "clean" if category.lower() == "success" else f"with_issues ({category})"
        case "Overdue":
            due = record.StartBy if getattr(record, dataset.state_field) != "RUNNING" else record.ExpectedCompletionDate
            return None if due is None else f"since {spell_duration(frame.as_of - due)}"
        case "Retention":
            lifecycle = record.RecoveryPointLifecycle
            days = lifecycle and lifecycle.DeleteAfterDays
            return None if lifecycle is None else "for ever" if days is None or days < 0 else f"{days} d"
        case _:
            return _time_between(name, frame, record, dataset)


def _time_between(name: str, frame: Frame, record: Any, dataset: Dataset) -> int | None:
    running = getattr(record, dataset.state_field) in dataset.in_progress
    initiated, created, completed = getattr(record, "InitiationDate", None), record.CreationDate, record.CompletionDate
    if name == "StartDelay":
        ends: Sequence[int | None] = (created, initiated)
    elif name == "Elapsed":
        ends = (created, completed)
    else:
        ends = (created if initiated is None else initiated, frame.as_of if running else completed)
    return None if ends[0] is None or ends[1] is None else ends[1] - ends[0]


def _margin(condition: Condition, frame: Frame, record: Any) -> str:
    """By how much a single limit is missed."""
    if not isinstance(condition, Comparison) or condition.operator not in ORDER_OPERATORS:
        return ""
    field = frame.dataset.fields[condition.field]
    value = _derived(condition.field, frame, record) if field.derived else _member(condition.field, record)
    limit = condition.values[0]
    if not isinstance(value, int) or not isinstance(limit, int):
        return ""
    distance = abs(value - limit)
    shown = spell_duration(distance) if field.kind in {Kind.DURATION, Kind.TIME} else f"{distance:,}"
    return f"limit {condition.literals[0].text}, {shown} {'over' if value > limit else 'under'}" if distance else f"limit {condition.literals[0].text}"
