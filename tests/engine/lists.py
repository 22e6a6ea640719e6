"""Small lists and rules for the tests of the engine, built without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec

from policycheck.datasets import BACKUP_JOBS, Dataset
from policycheck.engine.compile import compile_condition
from policycheck.engine.evaluate import judge
from policycheck.engine.frame import ROW, build_frame
from policycheck.job_lists import JobList
from policycheck.policy.conditions import Condition, bind, fields_of
from policycheck.policy.document import read_document
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.policy.structure import read_conditions
from policycheck.records import micros, record_type
from policycheck.result import Coverage, RuleResult
from tests.backends import BACKEND

Job = Mapping[str, Any]  # raw records: any JSON

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"
VAULT = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod"
INSTANCE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AWSBackupDefaultServiceRole"


def ago(**units: float) -> str:
    """ISO 8601, so long before as_of."""
    return (AS_OF - timedelta(**units)).isoformat()


def moment_of(time: str | float) -> datetime:
    """A time on the wire: ISO 8601, or seconds since 1970."""
    return datetime.fromisoformat(time) if isinstance(time, str) else datetime.fromtimestamp(time, UTC)


def job(**changes: Any) -> dict[str, Any]:
    """A COMPLETED backup job of two hours ago with everything that AWS always records; None takes a member away.

    StartBy is eight hours after CreationDate, as the default start window has it; an hour, as the shortest has it, where the job EXPIRED.
    """
    created = changes.get("CreationDate") or ago(hours=3)
    record: dict[str, Any] = {
        "BackupJobId": "j1",
        "AccountId": ACCOUNT,
        "BackupVaultName": "prod",
        "BackupVaultArn": VAULT,
        "ResourceArn": INSTANCE,
        "ResourceType": "EC2",
        "State": "COMPLETED",
        "CreationDate": ago(hours=3),
        "InitiationDate": ago(hours=2.5),
        "CompletionDate": ago(hours=2),
        "StartBy": (moment_of(created) + timedelta(hours=1 if changes.get("State") == "EXPIRED" else 8)).isoformat(),
        "PercentDone": "100.0",
        "IamRoleArn": ROLE,
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not None}


def job_list(jobs: Sequence[Job], dataset: Dataset = BACKUP_JOBS) -> JobList:
    records: list[Any] = msgspec.convert(list(jobs), list[record_type(dataset)])  # type: ignore[misc]  # the struct is made at run time
    return JobList.of(dataset, records)


def condition(text: str, folder: Path, dataset: Dataset = BACKUP_JOBS) -> Condition:
    """The condition of a line of YAML."""
    path = folder / "condition.yaml"
    path.write_text(f"{text}\n", encoding="utf-8")
    document = read_document(path, "condition.yaml")
    found = read_conditions(document.root, document)
    assert found is not None
    bound = bind(found, dataset, document.report)
    assert not document.diagnostics
    return bound


def truth(wanted: Condition, jobs: Sequence[Job], dataset: Dataset = BACKUP_JOBS) -> list[bool | None]:
    """What the engine says of each job: true, false or null."""
    (found,) = truths([wanted], jobs, dataset)
    return found


def truths(wanted: Sequence[Condition], jobs: Sequence[Job], dataset: Dataset = BACKUP_JOBS) -> list[list[bool | None]]:
    """Of several conditions, what the engine says of each job."""
    fields = sorted({field for one in wanted for field in fields_of(one)})
    frame = build_frame(job_list(jobs, dataset), fields, micros(AS_OF), BACKEND)
    columns = [compile_condition(one, frame).alias(f"truth {number}") for number, one in enumerate(wanted)]
    rows = sorted(BACKEND.rows(frame.columns.select(ROW, *columns)), key=itemgetter(0))
    return [[row[number] for row in rows] for number in range(1, len(wanted) + 1)]


def load(text: str, folder: Path) -> tuple[Policy, ...]:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policies([(path, "policy.yaml")], {})


def judged(rule: str, jobs: Sequence[Job], folder: Path, dataset: Dataset = BACKUP_JOBS) -> RuleResult:
    """One rule (the YAML mapping, without its braces) judged on one list that covers everything."""
    policies = load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n", folder)
    coverage = [Coverage(dataset.name, ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, len(jobs))]
    (result,) = judge(policies, {dataset.name: job_list(jobs, dataset)}, coverage, AS_OF, BACKEND)
    return result
