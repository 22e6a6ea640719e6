"""Rules on groups, built without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from policycheck.datasets import BACKUP_JOBS, DATASETS, RESTORE_JOBS, Dataset
from policycheck.engine.evaluate import judge
from policycheck.errors import Location
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.policy.calendars import CalendarUnit
from policycheck.policy.conditions import And, Comparison, Condition, Literal, Operator, bind
from policycheck.policy.literals import parse_duration
from policycheck.policy.measures import Measure, parse_limit
from policycheck.policy.model import RESOURCE, Calendar, Expectation, Policy, Qualifiers, Rule, Scope, Statement
from policycheck.result import Basis, Coverage, RuleResult
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, job, job_list

CLEAN: Job = {"MessageCategory": "SUCCESS"}
FAILED: Job = {"State": "FAILED", "MessageCategory": "AccessDenied"}
RUNNING: Job = {"State": "RUNNING", "CompletionDate": None}
EACH = (RESOURCE,)


def arn(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:ec2:{region}:{account}:instance/{name}"


def at(hours: float, name: str = "i-1", /, **changes: Any) -> dict[str, Any]:
    """A backup job of a resource, created this many hours before as_of and COMPLETED an hour later; its id tells both."""
    created = AS_OF - timedelta(hours=hours)
    times = {"CreationDate": created.timestamp(), "InitiationDate": None, "CompletionDate": min(created + timedelta(hours=1), AS_OF).timestamp()}
    return job(**{"BackupJobId": f"{name}@{hours:g}", "ResourceArn": arn(name), **times, **changes})


def condition(field: str, *texts: str, dataset: Dataset = BACKUP_JOBS, operator: Operator = Operator.IS) -> Condition:
    return bound(Comparison(field, operator, tuple(map(Literal, texts))), dataset)


def bound(wanted: Condition, dataset: Dataset = BACKUP_JOBS) -> Condition:
    def refuse(place: Location, message: str, hint: str) -> None:
        raise AssertionError(f"{message} {hint}")

    return bind(wanted, dataset, refuse)


def clean(dataset: Dataset = BACKUP_JOBS) -> Condition:
    return condition("Status", "COMPLETED", dataset=dataset) if dataset is RESTORE_JOBS else condition("Outcome", "clean", dataset=dataset)


def expect(measure: Measure, of: Condition, limit: str = "", per: tuple[str, ...] = EACH, inventory: str | None = None) -> Expectation:
    """`limit` is `at_most 2`, `at_least 99%`, `at_most 24h`; empty: none."""
    word, _, text = limit.partition(" ")
    literal = Literal(text, value=parse_limit(text, measure)) if limit else None
    return Expectation(measure, of, Operator(word) if limit else None, literal, per, Literal(inventory) if inventory else None)


def duration(text: str | None) -> Literal | None:
    return Literal(text, value=parse_duration(text)) if text else None


def on_days(
    limit: int, last: int, unit: CalendarUnit = CalendarUnit.DAYS, zone: str = "UTC", per: tuple[str, ...] = EACH, of: Condition | None = None
) -> Expectation:
    """A clean job on at least so many of the last days, weeks or months."""
    counted = [Literal(str(number), value=number) for number in (limit, last)]
    calendar = Calendar(unit, counted[1], Literal(zone, value=zone))
    return Expectation(Measure.CALENDAR, clean() if of is None else of, Operator.AT_LEAST, counted[0], per, calendar=calendar)


def covered(jobs: int = 1, dataset: str = "backup_jobs", account: str | None = ACCOUNT, days: float = 30, **changes: Any) -> Coverage:
    entry = {"region": REGION, "start": AS_OF - timedelta(days=days), "end": AS_OF, "jobs": jobs, "basis": Basis.OBSERVED}
    return Coverage(dataset, account, **{**entry, **changes})


def grouped(requirement: Expectation, records: Sequence[Job] = (), *, within: str | None = None, **more: Any) -> RuleResult:
    """One rule judged on one list; for the rest see `grouped_each`."""
    (result,) = grouped_each([(requirement, within)], records, **more)
    return result


def grouped_each(
    requirements: Sequence[tuple[Expectation, str | None]],
    records: Sequence[Job] = (),
    *,
    where: Condition | None = None,
    dataset: Dataset = BACKUP_JOBS,
    others: Mapping[str, Sequence[Job]] | None = None,
    scope: Scope | None = None,
    coverage: Sequence[Coverage] | None = None,
    inventories: Mapping[str, Sequence[InventoryEntry]] | None = None,
    as_of: datetime = AS_OF,
    **qualifiers: Any,
) -> tuple[RuleResult, ...]:
    """Rules judged together on one list, by default covered for 30 days in the one place of these tests.

    Args:
        requirements: of the rules, each with its window.
        records: of the rule's own list.
        others: other lists, by dataset name.
        qualifiers: those of the rules.
    """
    lists = {dataset.name: records, **(others or {})}
    statements = [Statement(requirement, where or And(), duration(within), dataset.name) for requirement, within in requirements]
    rules = tuple(Rule(f"r{number}", "p", statement, Qualifiers(**qualifiers), "", Location("p.yaml")) for number, statement in enumerate(statements))
    covers = [covered(len(found), name) for name, found in lists.items()] if coverage is None else coverage
    named = {name: Inventory(name, "x.csv", tuple(entries)) for name, entries in (inventories or {}).items()}
    policy = Policy("p", "", "p.yaml", rules, scope or Scope())
    read = {name: job_list(found, DATASETS[name]) for name, found in lists.items()}
    return judge([policy], read, covers, as_of, BACKEND, inventories=named)


def said(result: RuleResult) -> tuple[str, list[str]]:
    """The verdict, and of each finding the last part of its subject."""
    return result.verdict.value, [finding.subject.rpartition("/")[2] for finding in result.findings]
