"""Deterministic job lists of any length, as the AWS CLI v2 prints them: the emulator's sample organization over and over, each time in two new accounts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from textwrap import indent
from typing import Any

from policycheck.datasets import BACKUP_JOBS, Kind
from policycheck.emulator.estate import ACCOUNTS
from policycheck.emulator.organization import organization

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""The instant the jobs are laid out for and judged at."""

COVERED_FROM = AS_OF - timedelta(days=31)
"""The jobs reach back 30 days."""

_TIMES = frozenset(member.name for member in BACKUP_JOBS.members if member.kind is Kind.TIME)
_FIRST_ACCOUNT = 200_000_000_000


def write_jobs(path: Path, number: int) -> None:
    """Write one answer of list-backup-jobs with this many jobs, times in ISO 8601; the same number gives the same bytes."""
    _write(path, islice(_texts(), number))


def write_failed_jobs(path: Path, number: int) -> None:
    """The same jobs, each FAILED and of a resource of its own, so that a rule that all violate has as many findings."""
    _write(path, (_failed(index, text) for index, text in enumerate(islice(_texts(), number))))


def _failed(index: int, text: str) -> str:
    job = json.loads(text)
    resource = f"arn:aws:ec2:{job['BackupVaultArn'].split(':')[3]}:{job['AccountId']}:instance/i-{index:017x}"
    ended = {"State": "FAILED", "MessageCategory": "AccessDenied", "CompletionDate": job.get("CompletionDate", job["CreationDate"])}
    told = f"Your backup job failed as AWS Backup does not have permission to describe resource {resource}"
    return json.dumps({**job, **ended, "ResourceArn": resource, "ResourceType": "EC2", "StatusMessage": told}, indent=4)


def _write(path: Path, jobs: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f'{{\n    "{BACKUP_JOBS.result_key}": [')
        for index, text in enumerate(jobs):
            stream.write(",\n" if index else "\n")
            stream.write(indent(text, "        "))
        stream.write("\n    ]\n}\n")


def _texts() -> Iterator[str]:
    """The JSON of one job after another, without end: newest first in each place, ids and resources used once."""
    for seed in count(1):
        for jobs in organization(AS_OF, seed).backup_jobs.values():
            for job in jobs:
                yield _in_accounts_of(seed, json.dumps({member: _saved(member, value) for member, value in job.items()}, indent=4))


def _saved(member: str, value: Any) -> Any:
    return datetime.fromtimestamp(value, UTC).isoformat() if member in _TIMES else value


def _in_accounts_of(seed: int, text: str) -> str:
    for index, account in enumerate(ACCOUNTS):
        text = text.replace(account, str(_FIRST_ACCOUNT + seed * len(ACCOUNTS) + index))
    return text
