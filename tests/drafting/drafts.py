"""Small lists, and the drafts that are made of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from policycheck.datasets import DATASETS, Dataset
from policycheck.drafting.trial import TriedDraft, draft_and_try, load_text
from policycheck.job_lists import JobList
from policycheck.pipeline import run
from policycheck.records import record_type
from policycheck.result import Basis, Coverage, RuleResult, Severity
from policycheck.sources.interface import Evidence
from tests.backends import BACKEND

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"


def daily(*, name: str = "i-1", days: int = 20, **changes: Any) -> list[dict[str, Any]]:
    """A job a day at 03:00 UTC of one resource, each 30 minutes long; None takes a member away."""
    return [backup(AS_OF - timedelta(days=day, hours=3), name=name, **changes) for day in range(days)]


def backup(created: datetime, *, name: str = "i-1", plan: Mapping[str, str | None] | None = None, **changes: Any) -> dict[str, Any]:
    record = {
        "BackupJobId": f"{name}-{created:%m%dT%H%M}",
        "AccountId": ACCOUNT,
        "BackupVaultName": "prod",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}",
        "ResourceType": "EC2",
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "IsEncrypted": True,
        "RecoveryPointLifecycle": {"DeleteAfterDays": 35},
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/service-role/AWSBackupDefaultServiceRole",
        "CreationDate": created,
        "CompletionDate": created + timedelta(minutes=30),
        "StartBy": created + timedelta(hours=8),
        "CreatedBy": {
            "BackupPlanId": "plan-1",
            "BackupPlanName": "nightly",
            "BackupPlanVersion": "v1",
            "BackupRuleId": "rule-1",
            "BackupRuleCron": "cron(0 3 ? * * *)",
            "BackupRuleTimezone": "Etc/UTC",
            **(plan or {}),
        },
        **changes,
    }
    return {name: value for name, value in record.items() if value is not None}


def evidence(jobs: Sequence[Mapping[str, Any]], as_of: datetime = AS_OF, **others: Sequence[Mapping[str, Any]]) -> Evidence:
    """Lists that were fetched whole."""
    lists = {name: job_list(DATASETS[name], records) for name, records in {"backup_jobs": jobs, **others}.items()}
    start = as_of - timedelta(days=30)
    coverage = [
        Coverage(name, *place, start, as_of, count, basis=Basis.OBSERVED)
        for name, read in sorted(lists.items())
        for place, count in sorted(Counter({(ACCOUNT, REGION): 0, **Counter(read.places())}).items(), key=str)
    ]
    return Evidence(lists, tuple(coverage), ())


def job_list(dataset: Dataset, records: Sequence[Mapping[str, Any]]) -> JobList:
    decoded: list[Any] = msgspec.convert(list(records), list[record_type(dataset)])  # type: ignore[misc]  # the struct is made at run time
    return JobList.of(dataset, decoded)


def drafted(found: Evidence, as_of: datetime = AS_OF) -> TriedDraft:
    return draft_and_try(found, as_of=as_of, policy="baseline", backend=BACKEND)


def judged(text: str, found: Evidence, as_of: datetime) -> dict[str, RuleResult]:
    """The verdicts of a policy's text on some lists, by rule id."""
    results = run([load_text(text, "baseline")], found, as_of=as_of, fail_on=Severity.INFO, backend=BACKEND).rules
    return {result.id: result for result in results}


def rule_of(tried: TriedDraft, name: str) -> RuleResult:
    return next(result for result in tried.results if result.id == name)


def comments(text: str) -> str:
    """All comments of a policy's text, as one line."""
    return " ".join(line.strip().removeprefix("#").strip() for line in text.splitlines() if re.match(r"\s*#", line))
