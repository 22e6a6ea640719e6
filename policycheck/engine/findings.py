"""Violations to findings: one a subject, saying what was seen, what was required and by how much. Text leaves the records here, cleaned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

import narwhals as nw

from policycheck.datasets import Dataset, Field, Kind
from policycheck.engine.backends.interface import Backend
from policycheck.engine.causes import SUCCESS, asks_for_cause, classify
from policycheck.engine.columns import column_of
from policycheck.engine.frame import FOR_EVER, ROW, Frame, inventory_column
from policycheck.engine.local_times import spell_local
from policycheck.engine.rewinding import REWOUND
from policycheck.finding import NO_JOBS
from policycheck.finding_list import are_many, gather, order_subjects
from policycheck.job_lists import JobList
from policycheck.job_records import JobRecords
from policycheck.policy.conditions import Comparison, Condition, comparisons
from policycheck.policy.local_times import parse_local_time
from policycheck.policy.model import Rule
from policycheck.policy.operators import CLOCK_OPERATORS, ORDER_OPERATORS
from policycheck.policy.rendering import render_requirement
from policycheck.reasons import Reasons, spell_reasons
from policycheck.records import iso, moment
from policycheck.result import EVIDENCE_LIMIT, Finding
from policycheck.text import clean_line, shorten, spell_duration, truncate
from policycheck.units import DAY, SECOND

NO_RESOURCE = "(no ResourceArn)"
_MESSAGE_LIMIT = 200

Subject = tuple[str | None, str | None, str]
_Values = Mapping[str, Any]
"""The values of one job as they were judged, by field; None where null."""


def describe_findings(
    rule: Rule,
    frame: Frame,
    job_list: JobList,
    violations: Iterable[tuple[int, int]],
    records: JobRecords,
    backend: Backend,
    known: Mapping[Subject, Finding] | None = None,
) -> Sequence[Finding]:
    """One finding a subject, sorted by account, Region and resource.

    Args:
        violations: (row in the job list, number of the subject) of every definite violation.
        known: findings that need not be described again, all of which the caller holds in memory from instant to instant; None: there is one instant.
    """
    by_subject: dict[Subject, list[int]] = {}
    for row, number in violations:
        by_subject.setdefault(clean_subject(*frame.subjects[number]), []).append(row)
    findings = _describe_each(rule, frame, job_list, by_subject, records, backend, known or {})
    return gather(findings, lambda: order_subjects(by_subject), held=known is not None)


def _describe_each(
    rule: Rule,
    frame: Frame,
    job_list: JobList,
    by_subject: Mapping[Subject, Sequence[int]],
    records: JobRecords,
    backend: Backend,
    known: Mapping[Subject, Finding],
) -> Iterator[Finding]:
    """The findings in the order of their jobs, which is the one that costs least to read."""
    if are_many(len(by_subject)):
        # The jobs that all these are about are read into memory.
        records.share_values(job_list.dataset.name)
    describer, subjects = _Describer(rule, frame), iter(by_subject.items())
    # What the engine compared is as much as the findings themselves: it is asked for some at a time.
    while some := list(islice(subjects, _TOGETHER)):
        job_list.hold(row for subject, rows in some if subject not in known for row in rows[:EVIDENCE_LIMIT])
        newest = {subject: newest_row(job_list, rows) for subject, rows in some if subject not in known}
        judged = describer.judged_values(newest.values(), backend) if newest else {}
        for subject, rows in some:
            if subject in known:
                yield known[subject]
                continue
            record, values = job_list.records[newest[subject]], judged[newest[subject]]
            yield describe_jobs(rule, job_list, subject, rows, describer.message(record, values, len(rows)), describer.cause(record, values), records)
        if are_many(len(by_subject)) and not known:
            records.forget(job_list.dataset.name)


_TOGETHER = 10_000
"""Subjects that are described at once."""


def describe_empty(rule: Rule, reasons: Reasons) -> Finding:
    """The one finding of a rule whose population must not be empty."""
    return Finding(rule.id, rule.policy, rule.severity, None, None, NO_JOBS, spell_reasons(reasons))


def clean_subject(account: str | None, region: str | None, resource: str | None) -> Subject:
    """Account, Region and resource as findings state them."""
    return account and _clean_word(account), region and _clean_word(region), clean_line(resource or "") or NO_RESOURCE


_clean_word = lru_cache(maxsize=10_000)(clean_line)
"""`clean_line` of what many records have in common."""


def newest_row(job_list: JobList, rows: Sequence[int]) -> int:
    """The row of the job created last; of equals, the one whose id sorts last."""
    return rows[0] if len(rows) == 1 else max(rows, key=lambda row: age_key(job_list, row))


def age_key(job_list: JobList, row: int) -> tuple[int, str]:
    """What sorts the jobs of a list by age, the oldest first."""
    record = job_list.records[row]
    return record.CreationDate or 0, getattr(record, job_list.dataset.id_field) or ""


def describe_jobs(rule: Rule, job_list: JobList, subject: Subject, rows: Sequence[int], message: str, cause: str | None, records: JobRecords) -> Finding:
    """The finding of one subject whose jobs violate a rule.

    Args:
        rows: of the jobs, in the list.
        message: cleaned.
    """
    account, region, resource = subject
    told = records.tell(job_list.dataset.name, rows, lambda: _identity(job_list.dataset, subject), EVIDENCE_LIMIT)
    resource_type = job_list.records[newest_row(job_list, rows)].ResourceType
    return Finding(
        rule=rule.id,
        policy=rule.policy,
        severity=rule.severity,
        account=account,
        region=region,
        subject=resource,
        identity=told.identity,
        message=message,
        jobs=told.jobs,
        cause=cause,
        resource_type=None if resource_type is None else _clean_word(resource_type),
        rows=told.rows,
        evidence=told.evidence,
        unnamed=len(rows) - len(told.jobs),
    )


def _identity(dataset: Dataset, subject: Subject) -> dict[str, str | None]:
    account, region, resource = subject
    # A vault is no resource, and is told by a field of its own.
    field = dataset.resource_field if dataset.of_state else "ResourceArn"
    return {"Account": account, "Region": region, field: None if resource == NO_RESOURCE else resource}


class _Describer:
    """What the findings of one rule say. What all of them have in common is found out once: there may be very many."""

    def __init__(self, rule: Rule, frame: Frame) -> None:
        dataset, requirement = frame.dataset, rule.statement.requirement
        self._frame, self._dataset, self._condition = frame, dataset, requirement.condition
        self._asked = tuple(dict.fromkeys(comparison.field for comparison in comparisons(requirement.condition)))
        # At what time a job ended is not what became of it.
        self._asks_for_cause = asks_for_cause(one.field for one in comparisons(requirement.condition) if one.operator not in CLOCK_OPERATORS)
        self._has_margin = isinstance(requirement.condition, Comparison) and requirement.condition.operator in ORDER_OPERATORS
        self._clocks = [
            (comparison.field, parse_local_time(str(comparison.values[0])))
            for comparison in comparisons(requirement.condition)
            if comparison.operator in CLOCK_OPERATORS
        ]
        self._required = render_requirement(requirement, dataset)
        times = (name for name in ("StartBy", "ExpectedCompletionDate") if name in dataset.fields)
        # In which inventories a resource is, is no one value: the frame has a column for each.
        inventories = [inventory_column(name) for name in sorted(frame.inventories)]
        asked = (name for name in self._asked if dataset.fields[name].kind is not Kind.NAME)
        self._names = tuple(dict.fromkeys([REWOUND, dataset.state_field, "CreationDate", "CompletionDate", *times, *asked, *inventories]))

    def judged_values(self, rows: Iterable[int], backend: Backend) -> dict[int, _Values]:
        """What the engine compared, by row, so that a message never tells another story than the verdict: rewound, and derived once."""
        chosen = backend.among(self._frame.columns, ROW, sorted(set(rows))).select(nw.col(ROW), *(nw.col(column_of(name)) for name in self._names))
        return {row: dict(zip(self._names, values, strict=True)) for row, *values in backend.rows(chosen)}

    def cause(self, newest: Any, judged: _Values) -> str | None:
        """The class of what went wrong with the newest job; none where the rule asks about something else, or the end was not known at as_of.

        One a finding, so that counts by cause add up; what became of its other jobs is in the evidence.
        """
        if judged[REWOUND] or not self._asks_for_cause or self._dataset.of_state:
            return None
        return "overdue" if judged.get("Overdue") else record_cause(newest, judged[self._dataset.state_field])

    def message(self, newest: Any, judged: _Values, count: int) -> str:
        """What was seen of the newest job, by how much it misses, when, what AWS said of it, and what was required."""
        dataset, frame, issue = self._dataset, self._frame, _issue(newest)
        seen = ", ".join([f"{name} {_value(name, frame, issue, judged)}{self._local(name, judged)}" for name in self._asked])
        margin = _margin(self._condition, frame, judged) if self._has_margin else ""
        jobs = dataset.noun if count == 1 else f"{dataset.noun}s, the newest"
        parts = [f"{count} {jobs}: {seen} ({margin})" if margin else f"{count} {jobs}: {seen}", _times(frame, judged)]
        if not judged[REWOUND] and (judged[dataset.state_field] not in dataset.well or issue):
            parts.append(_told(newest, issue, self._asked))
        parts.append(self._required)
        return clean_line("; ".join(filter(None, parts)))

    def _local(self, name: str, judged: _Values) -> str:
        """` (Saturday 03:00 in Europe/Berlin)`: a time by the clocks that the rule names."""
        value = judged.get(name)
        found = [f"{spell_local(value, local)} in {local.zone}" for field, local in self._clocks if field == name and value is not None]
        return f" ({', '.join(dict.fromkeys(found))})" if found else ""


def record_cause(record: Any, state: str | None) -> str | None:
    """The class of what AWS says of one job, in the state it was judged in."""
    return classify(state, _category(record), getattr(record, "StatusMessage", None))


def _category(record: Any) -> str | None:
    category = getattr(record, "MessageCategory", None)
    return _clean_word(category) or None if category else None


def _issue(record: Any) -> str | None:
    """The category, unless it says that all is well."""
    category = _category(record)
    return None if category is None or category.lower() == SUCCESS else category


def _told(newest: Any, issue: str | None, names: Collection[str]) -> str:
    """What AWS said of a job, as it said it, where `names` do not show it already: its message and category."""
    told = "" if "StatusMessage" in names else shorten(clean_line(getattr(newest, "StatusMessage", None) or ""), _MESSAGE_LIMIT).rstrip(".")
    category = "" if "MessageCategory" in names or "Outcome" in names else truncate(issue or "", _MESSAGE_LIMIT)
    return f"{told} ({category})" if told and category else told or (category and f"MessageCategory {category}")


def _times(frame: Frame, judged: _Values) -> str:
    """`created 26 h, ended 10 m before as_of`."""
    if not frame.dataset.dated:
        return ""
    created, ended = judged["CreationDate"], judged["CompletionDate"]
    if created is not None and ended is not None and not judged[REWOUND]:
        return f"created {spell_duration(frame.as_of - created)}, ended {spell_duration(frame.as_of - ended)} before as_of"
    ago = [f"{word} {spell_duration(frame.as_of - time)}" for word, time in (("created", created), ("ended", ended)) if time is not None]
    told = f"{', '.join(ago)} before as_of" if ago else ""
    unknown = "" if created is not None else "creation time unknown"
    return ", ".join(filter(None, [unknown, told, "in progress then, ended since" if judged[REWOUND] else ""]))


def _value(name: str, frame: Frame, issue: str | None, judged: _Values) -> str:
    """One judged value, in words."""
    field = frame.dataset.fields[name]
    if field.kind is Kind.NAME:
        return ", ".join(clean_line(one) for one in sorted(frame.inventories) if judged[inventory_column(one)]) or "none"
    value = judged[name]
    if name == "Outcome":
        return _outcome(frame, issue, judged)
    if value is None:
        return "missing"
    if field.kind is Kind.SPAN:
        end = "as_of" if judged[frame.dataset.state_field] in frame.dataset.in_progress else _told_time(judged["CompletionDate"])
        return f"from {iso(moment(value))} to {end}"
    if name == "Overdue" and value:
        due = judged["ExpectedCompletionDate" if judged[frame.dataset.state_field] == "RUNNING" else "StartBy"]
        return f"since {spell_duration(frame.as_of - due)}"
    return spell_value(field, value)


def _told_time(value: int | None) -> str:
    return "an unknown time" if value is None else iso(moment(value))


def spell_value(field: Field, value: Any) -> str:
    """A value of a field as the engine has it, in words; clean, on one line."""
    match field.kind:
        case Kind.ENUM | Kind.WORD if type(value) is str:
            return truncate(_clean_word(value), _MESSAGE_LIMIT) or '""'
        case Kind.TIME:
            return iso(moment(value))
        case Kind.SPAN:
            return f"from {iso(moment(value))}"
        case Kind.DURATION if value == FOR_EVER:
            return "indefinite"
        case Kind.DURATION:
            # A retention is a number of days, always.
            return f"{value // DAY} d" if field.name == "Retention" else spell_duration(value)
        case Kind.BOOLEAN:
            return str(value).lower()
        case Kind.SIZE:
            return f"{value:,} bytes"
        case _:
            return truncate(clean_line(str(value)), _MESSAGE_LIMIT) or '""'


def _outcome(frame: Frame, issue: str | None, judged: _Values) -> str:
    outcome = judged["Outcome"]
    if outcome is None:
        return "unknown" if judged[frame.dataset.state_field] == "COMPLETED" else "missing"
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
        apart = spell_duration(distance) if distance >= SECOND else "less than 1 s"
    else:
        apart = f"{distance:,}{' bytes' if field.kind is Kind.SIZE else ''}"
    side = ("after" if value > limit else "before") if field.kind is Kind.TIME else ("over" if value > limit else "under")
    return f"{shown}, {apart} {side}"
