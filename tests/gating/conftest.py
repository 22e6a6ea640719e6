"""The emulator and the command line, and a gate that tells the time by the emulator's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.started import StartOutcome
from policycheck.emulator.store import Store
from policycheck.gating import gate
from policycheck.gating.gate import Timer
from tests.cli.conftest import Cli, Outcome, cli, folder  # noqa: F401 - fixtures
from tests.sources.conftest import no_aws, pauses  # noqa: F401 - fixtures

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders"
RULES = f"""\
policy: p
rules:
  - id: fresh
    severity: high
    where: {{ResourceArn: {DATABASE}}}
    expect: {{newest: {{of: {{Outcome: clean}}, at_most: 1h}}}}
  - id: none-failed
    where: {{ResourceArn: {DATABASE}}}
    within: 1h
    none: {{State: [FAILED, ABORTED, EXPIRED]}}
"""


@dataclass
class World:
    """The emulator, and a gate that tells the time by its clock."""

    store: Store
    endpoint: Endpoint
    cli: Cli
    slept: list[float] = field(default_factory=list)
    during_sleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.store.clock.advance(timedelta(seconds=seconds))
        self.during_sleep()

    def start_backup(self, **outcome: Any) -> None:
        self.store.start_outcome = StartOutcome(**outcome)
        self.store.start(ACCOUNT, REGION, {"BackupVaultName": "prod", "ResourceArn": DATABASE, "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/B"})

    def hold(self, *options: str) -> Outcome:
        return self.cli("check", "gate.yaml", "--region", REGION, "--wait", "30m", *options)

    @property
    def fetches(self) -> int:
        return sum(request.operation == "ListBackupJobs" for request in self.endpoint.requests)


@pytest.fixture
def open_world(folder: Path, cli: Cli, no_aws: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:  # noqa: F811
    """Makes a world with these faults; its account has one old clean backup of another resource."""
    (folder / "gate.yaml").write_text(RULES, encoding="utf-8")
    stack: list[Any] = []

    def make(*faults: str) -> World:
        store = Store(Clock(NOW), management=ACCOUNT)
        store.add(ACCOUNT, REGION, "backup_jobs", [old_job()])
        served = serve(store, faults=faults)
        endpoint = served.__enter__()
        stack.append(served)
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        world = World(store, endpoint, cli)
        monkeypatch.setattr(gate, "TIMER", Timer(store.clock.now, lambda: store.clock.now().timestamp(), world.sleep))
        return world

    yield make
    for served in stack:
        served.__exit__(None, None, None)


def old_job() -> dict[str, Any]:
    vault = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod"
    times = {"CreationDate": NOW - timedelta(days=2), "CompletionDate": NOW - timedelta(days=1)}
    resource = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
    members = {"AccountId": ACCOUNT, "BackupJobId": "old", "BackupVaultArn": vault, "ResourceArn": resource, "ResourceType": "EBS"}
    return {**members, **times, "State": "COMPLETED", "MessageCategory": "SUCCESS"}
