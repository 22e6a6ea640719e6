"""An archive, and an endpoint whose jobs are fetched into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.engine.backends.registry import open_engine
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.policy.model import Policy
from policycheck.result import RuleResult, Severity
from policycheck.sources.archive.fetching import ArchivedFetch, fetch_into
from policycheck.sources.archive.reading import read_archive
from policycheck.sources.archive.tables import Archive
from policycheck.sources.connection import Connection
from policycheck.sources.interface import Evidence
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

DAY = timedelta(days=1)


def running(number: int, **members: Any) -> dict[str, Any]:
    return job(number, **{"State": "RUNNING", "CompletionDate": None, "MessageCategory": None, "PercentDone": "1.0", **members})


@dataclass
class Kept:
    """An archive and what is fetched into it."""

    store: Store
    folder: Path
    served: Endpoint
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def archive(self) -> Archive:
        return Archive(str(self.folder))

    def fetch(self, *lists: str, **options: Any) -> ArchivedFetch:
        chosen = {"regions": (REGION,), "endpoint_url": self.served.url, **self.options, **options}
        return fetch_into(self.archive, Connection(**chosen), lists or ("backup_jobs",), now=self.store.clock.now)

    def read(self, policies: list[Policy] | None = None, as_of: datetime | None = None) -> Evidence:
        return read_archive(self.archive, as_of=as_of or self.store.clock.now(), policies=policies or ())

    def check(self, *rules: str, as_of: datetime | None = None) -> list[RuleResult]:
        """What the rules come to."""
        policies = write_policy(self.folder.parent / "policy.yaml", *rules)
        evidence = self.read(policies, as_of)
        return list(run(policies, evidence, as_of=as_of or self.store.clock.now(), fail_on=Severity.LOW, backend=open_engine()).rules)

    @property
    def asked(self) -> list[object]:
        """ByCreatedAfter of each request for backup jobs."""
        return [request.parameters.get("ByCreatedAfter") for request in self.served.requests if request.operation == "ListBackupJobs"]


def write_policy(path: Path, *rules: str) -> list[Policy]:
    lines = [f"  - {{id: r{number}, rule: '{rule}'}}" for number, rule in enumerate(rules)]
    path.write_text("\n".join(["policy: p", "rules:", *lines]), encoding="utf-8")
    return list(load_policies([(path, path.name)], {}))


@pytest.fixture
def store() -> Store:
    """A job that runs for an hour, and one that ended on each of nine of the last days."""
    made = Store(Clock(NOW), management=ACCOUNT)
    made.add(ACCOUNT, REGION, "backup_jobs", [running(60), *(job(1440 * day + 120) for day in (0, 1, 2, 4, 9, 14, 20, 26, 28))])
    return made


@pytest.fixture
def keep(store: Store, tmp_path: Path, aws: Path) -> Iterator[Callable[..., Kept]]:
    """Makes an archive of the store's jobs; faults are those of `serve`."""
    opened = []

    def make(*faults: str, **options: Any) -> Kept:
        context = serve(store, faults=faults)
        served = context.__enter__()
        opened.append(context)
        return Kept(store, tmp_path / "archive", served, options)

    yield make
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def kept(keep: Callable[..., Kept]) -> Kept:
    return keep()
