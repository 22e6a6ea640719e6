"""Rules for the tests of the engine, built without any policy file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from policycheck.datasets import BACKUP_JOBS, DATASETS, Dataset
from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.kinds.registry import open_case
from policycheck.errors import Location
from policycheck.policy.conditions import Comparison, Condition, Literal, Operator, bind
from policycheck.policy.literals import parse_duration
from policycheck.policy.model import EVERY_JOB, JobChoice, NoData, Qualifiers, Requirement, Rule, Scope, Statement
from policycheck.result import Basis, Coverage
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, job_list

NO_SCOPE = Scope()


def refuse(place: Location, message: str, hint: str) -> None:
    raise AssertionError(f"{message} {hint}")


def compare(field: str, *values: str, operator: Operator = Operator.IS, dataset: Dataset = BACKUP_JOBS) -> Condition:
    """`field: values`, bound."""
    return bind(Comparison(field, operator, tuple(Literal(value) for value in values)), dataset, refuse)


def duration(text: str) -> Literal:
    return Literal(text, value=parse_duration(text))


def case(
    requirement: Requirement,
    *,
    number: int = 0,
    within: str | None = None,
    where: Condition = EVERY_JOB,
    dataset: Dataset = BACKUP_JOBS,
    jobs: JobChoice = JobChoice.ALL,
    no_data: NoData = NoData.INCONCLUSIVE,
    scope: Scope = NO_SCOPE,
) -> Case:
    statement = Statement(requirement, where, duration(within) if within else None, dataset.name)
    return open_case(number, Rule(f"r{number}", "p", statement, Qualifiers(None, jobs, no_data), "", Location("p.yaml")), scope)


def covered(dataset: Dataset = BACKUP_JOBS, account: str | None = ACCOUNT, region: str | None = REGION, **changes: object) -> Coverage:
    """A list that was read to as_of, from long ago."""
    entry = {"start": AS_OF - timedelta(days=400), "end": AS_OF, "jobs": 1, "basis": Basis.OBSERVED, **changes}
    return Coverage(dataset.name, account, region, **entry)  # type: ignore[arg-type]  # the values are the test's own


def context(lists: Mapping[str, Sequence[Job]], coverage: Sequence[Coverage], as_of: datetime = AS_OF) -> Context:
    return Context({name: job_list(jobs, DATASETS[name]) for name, jobs in lists.items()}, coverage, as_of, BACKEND, {})
