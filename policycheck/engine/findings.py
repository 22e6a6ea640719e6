"""Violations to findings: one a subject, saying what was seen, what was required and by how much. Text leaves the records here, cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from policycheck.datasets import Field, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.engine.causes import SUCCESS, asks_for_cause, classify
from policycheck.engine.frame import FOR_EVER, REWOUND, ROW, Frame, inventory_column
from policycheck.policy.conditions import ORDER_OPERATORS, Comparison, Condition, comparisons
from policycheck.policy.model import Rule
from policycheck.policy.rendering import render_requirement
from policycheck.records import JobList, api_fields, iso, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean, clean_line, shorten, spell_duration, truncate

NO_RESOURCE = "(no ResourceArn)"
NO_JOBS = "(no jobs)"
_MESSAGE_LIMIT = 200
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND

Subject = tuple[str | None, str | None, str]
_Values = Mapping[str, Any]
"""The values of one job as they were judged, by field; None where null."""


def describe_findings(rule: Rule, frame: Frame, job_list: JobList, violations: Iterable[tuple[int, int]], backend: Backend) -> tuple[Finding, ...]:
    """One finding a subject, sorted by account, Region and resource.

    Args:
        violations: (row in the job list, number of the subject) of every definite violation.
    """
    by_subject: dict[Subject, list[int]] = {}
    for row, number in violations:
        by_subject.setdefault(clean_subject(*frame.subjects[number]), []).append(row)
    if not by_subject:
        return ()
    newest = {subject: newest_row(job_list, rows) for subject, rows in by_subject.items()}
    judged = _judged_values(rule, frame, set(newest.values()), backend)
    findings = [_describe(rule, frame, job_list, subject, by_subject[subject], judged[newest[subject]]) for subject in by_subject]
    return tuple(sorted(findings, key=lambda finding: (finding.account or "", finding.region or "", finding.subject)))


def describe_empty(rule: Rule, reason: str) -> Finding:
    """The one finding of a rule whose population must not be empty."""
    return Finding(rule.id, rule.policy, rule.severity, None, None, NO_JOBS, reason)


def clean_subject(account: str | None, region: str | None, resource: str | None) -> Subject:
    """Account, Region and resource as findings state them."""
    return account and clean_line(account), region and clean_line(region), clean_line(resource or "") or NO_RESOURCE


def newest_row(job_list: JobList, rows: Iterable[int]) -> int:
    """The row of the job created last; of equals, the one whose id sorts last."""
    return max(rows, key=lambda row: age_key(job_list, row))


def age_key(job_list: JobList, row: int) -> tuple[int, str]:
    """What sorts the jobs of a list by age, the oldest first."""
    record = job_list.records[row]
    return record.CreationDate or 0, getattr(record, job_list.dataset.id_field) or ""


def _judged_values(rule: Rule, frame: Frame, rows: set[int], backend: Backend) -> dict[int, _Values]:
    """What the engine compared, so that a message never tells another story than the verdict: rewound, and derived once."""
    dataset = frame.dataset
    wanted = [dataset.state_field, "CreationDate", "CompletionDate", *(name for name in ("StartBy", "ExpectedCompletionDate") if name in dataset.fields)]
    asked = (comparison.field for comparison in comparisons(rule.statement.requirement.condition))
    # In which inventories a resource is, is no one value: the frame has a column for each.
    inventories = [inventory_column(name) for name in sorted(frame.inventories)]
    names = list(dict.fromkeys([*wanted, *(name for name in asked if dataset.fields[name].kind is not Kind.NAME), *inventories]))
    chosen = frame.columns.filter(nw.col(ROW).is_in(sorted(rows))).select(nw.col(ROW), nw.col(REWOUND), *map(nw.col, names))
    return {row: {REWOUND: rewound, **dict(zip(names, values, strict=True))} for row, rewound, *values in backend.rows(chosen)}


def _describe(rule: Rule, frame: Frame, job_list: JobList, subject: Subject, rows: list[int], judged: _Values) -> Finding:
    newest = job_list.records[newest_row(job_list, rows)]
    message = _message(rule, frame, newest, judged, len(rows))
    return describe_jobs(rule, job_list, subject, rows, message, _cause(rule, frame, newest, judged))


def describe_jobs(rule: Rule, job_list: JobList, subject: Subject, rows: Sequence[int], message: str, cause: str | None) -> Finding:
    """The finding of one subject whose jobs violate a rule.

    Args:
        rows: of the jobs, in the list.
        message: cleaned.
    """
    dataset = job_list.dataset
    records = sorted((job_list.records[row] for row in rows), key=lambda record: (getattr(record, dataset.id_field) or "", record.CreationDate or 0))
    resource_type = job_list.records[newest_row(job_list, rows)].ResourceType
    account, region, resource = subject
    return Finding(
        rule=rule.id,
        policy=rule.policy,
        severity=rule.severity,
        account=account,
        region=region,
        subject=resource,
        identity={"Account": account, "Region": region, "ResourceArn": None if resource == NO_RESOURCE else resource},
        message=message,
        jobs=tuple(clean_line(getattr(record, dataset.id_field)) for record in records if getattr(record, dataset.id_field)),
        cause=cause,
        resource_type=None if resource_type is None else clean_line(resource_type),
        rows=tuple(rows),
        evidence=tuple(clean_fields(api_fields(dataset, record)) for record in records[:EVIDENCE_LIMIT]),
    )


def _cause(rule: Rule, frame: Frame, newest: Any, judged: _Values) -> str | None:
    """The class of what went wrong with the newest job; none where the rule asks about something else, or the end was not known at as_of.

    One a finding, so that counts by cause add up; what became of its other jobs is in the evidence.
    """
    names = {comparison.field for comparison in comparisons(rule.statement.requirement.condition)}
    if judged[REWOUND] or not asks_for_cause(names):
        return None
    return "overdue" if judged.get("Overdue") else record_cause(newest, judged[frame.dataset.state_field])


def record_cause(record: Any, state: str | None) -> str | None:
    """The class of what AWS says of one job, in the state it was judged in."""
    return classify(state, _category(record), getattr(record, "StatusMessage", None))


def _category(record: Any) -> str | None:
    category = getattr(record, "MessageCategory", None)
    return clean_line(category) or None if category else None


def _issue(record: Any) -> str | None:
    """The category, unless it says that all is well."""
    category = _category(record)
    return None if category is None or category.lower() == SUCCESS else category


def clean_fields(value: Any) -> Any:
    """Any JSON value with all its text cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_line(key): clean_fields(item) for key, item in value.items()}
    return value


def _message(rule: Rule, frame: Frame, newest: Any, judged: _Values, count: int) -> str:
    """What was seen of the newest job, by how much it misses, when, what AWS said of it, and what was required."""
    dataset = frame.dataset
    requirement = rule.statement.requirement
    names = list(dict.fromkeys(comparison.field for comparison in comparisons(requirement.condition)))
    seen = ", ".join(f"{name} {_value(name, frame, newest, judged)}" for name in names)
    margin = _margin(requirement.condition, frame, judged)
    jobs = dataset.noun if count == 1 else f"{dataset.noun}s, the newest"
    parts = [f"{count} {jobs}: {seen}" + (f" ({margin})" if margin else ""), _times(frame, judged)]
    if not judged[REWOUND] and (judged[dataset.state_field] != "COMPLETED" or _issue(newest)):
        parts.append(_told(newest, names))
    parts.append(render_requirement(requirement, dataset))
    return clean_line("; ".join(filter(None, parts)))


def _told(newest: Any, names: Iterable[str]) -> str:
    """What AWS said of a job, as it said it, where `names` do not show it already: its message and category."""
    told = "" if "StatusMessage" in names else shorten(clean_line(getattr(newest, "StatusMessage", None) or ""), _MESSAGE_LIMIT).rstrip(".")
    category = "" if {"MessageCategory", "Outcome"} & set(names) else truncate(_issue(newest) or "", _MESSAGE_LIMIT)
    return f"{told} ({category})" if told and category else told or (category and f"MessageCategory {category}")


def _times(frame: Frame, judged: _Values) -> str:
    """`created 26 h, ended 10 m before as_of`."""
    created, ended = judged["CreationDate"], judged["CompletionDate"]
    ago = [f"{word} {spell_duration(frame.as_of - time)}" for word, time in (("created", created), ("ended", ended)) if time is not None]
    told = f"{', '.join(ago)} before as_of" if ago else ""
    unknown = "" if created is not None else "creation time unknown"
    return ", ".join(filter(None, [unknown, told, "in progress then, ended since" if judged[REWOUND] else ""]))


def _value(name: str, frame: Frame, newest: Any, judged: _Values) -> str:
    """One judged value, in words."""
    field = frame.dataset.fields[name]
    if field.kind is Kind.NAME:
        return ", ".join(clean_line(one) for one in sorted(frame.inventories) if judged[inventory_column(one)]) or "none"
    value = judged[name]
    if name == "Outcome":
        return _outcome(frame, newest, judged)
    if value is None:
        return "missing"
    if name == "Overdue" and value:
        due = judged["ExpectedCompletionDate" if judged[frame.dataset.state_field] == "RUNNING" else "StartBy"]
        return f"since {spell_duration(frame.as_of - due)}"
    return spell_value(field, value)


def spell_value(field: Field, value: Any) -> str:
    """A value of a field as the engine has it, in words; clean, on one line."""
    match field.kind:
        case Kind.TIME:
            return iso(moment(value))
        case Kind.DURATION if value == FOR_EVER:
            return "for ever"
        case Kind.DURATION:
            # A retention is a number of days, always.
            return f"{value // _DAY} d" if field.name == "Retention" else spell_duration(value)
        case Kind.BOOLEAN:
            return str(value).lower()
        case Kind.SIZE:
            return f"{value:,} bytes"
        case _:
            return truncate(clean_line(str(value)), _MESSAGE_LIMIT) or '""'


def _outcome(frame: Frame, newest: Any, judged: _Values) -> str:
    outcome = judged["Outcome"]
    if outcome is None:
        return "unknown" if judged[frame.dataset.state_field] == "COMPLETED" else "missing"
    issue = _issue(newest)
    return f"{outcome} ({issue})" if outcome == "with_issues" and issue else str(outcome)


def _margin(condition: Condition, frame: Frame, judged: _Values) -> str:
    """By how much a single limit is missed."""
    if not isinstance(condition, Comparison) or condition.operator not in ORDER_OPERATORS:
        return ""
    field = frame.dataset.fields[condition.field]
    value, limit = judged[condition.field], condition.values[0]
    shown = f"limit {condition.literals[0].text}"
    if not isinstance(value, int) or not isinstance(limit, int) or value in {limit, FOR_EVER}:
        return shown
    distance = abs(value - limit)
    if field.kind in {Kind.DURATION, Kind.TIME}:
        apart = spell_duration(distance) if distance >= _SECOND else "less than 1 s"
    else:
        apart = f"{distance:,}{' bytes' if field.kind is Kind.SIZE else ''}"
    side = ("after" if value > limit else "before") if field.kind is Kind.TIME else ("over" if value > limit else "under")
    return f"{shown}, {apart} {side}"
