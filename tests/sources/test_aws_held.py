"""Vaults, recovery points and protected resources from AWS: every vault is read, or the list says which one was not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.engine.evaluate import judge
from policycheck.errors import FetchError
from policycheck.policy.load import load_policies
from policycheck.result import Verdict
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.permissions import required_actions
from policycheck.sources.plan import FetchPlan, plan_fetch
from tests.backends import BACKEND
from tests.samples import STARTED, sample

pytestmark = pytest.mark.usefixtures("aws")
HELD = FetchPlan(("protected_resources", "vaults", "recovery_points"))
MANAGEMENT, OTHER = "111122223333", "444455556666"
HOME, AWAY = "eu-west-1", "us-east-1"
POINTS, VAULTS_, RESOURCES = "ListRecoveryPointsByBackupVault", "ListBackupVaults", "ListProtectedResources"


@cache
def store() -> Store:
    """The sample organization; no test changes it."""
    return Store.of_organization(sample(STARTED), Clock(datetime.now(UTC), running=True))


def fetch(*faults: str, regions: Sequence[str] = (HOME,), as_of: datetime | None = None, **more: object) -> FetchedEvidence:
    with serve(store(), faults=faults) as endpoint:
        connection = Connection(endpoint_url=endpoint.url, regions=tuple(regions), **more)  # type: ignore[arg-type]  # fields by name
        return fetch_jobs(connection, HELD, as_of=as_of or datetime.now(UTC))


@pytest.fixture(autouse=True)
def _caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", MANAGEMENT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")


def test_all_of_a_place_is_read_vault_by_vault() -> None:
    evidence = fetch()
    held = sample(STARTED).held
    assert {name: len(found) for name, found in evidence.lists.items()} == {name: len(held[name][MANAGEMENT, HOME]) for name in HELD.datasets}
    assert {(entry.dataset, entry.account, entry.region, entry.complete) for entry in evidence.coverage} == {
        (name, MANAGEMENT, HOME, True) for name in HELD.datasets
    }
    assert all(entry.start == entry.end for entry in evidence.coverage)
    pages = list(evidence.pages or ())
    asked = [page.parameters.get("BackupVaultName") for page in pages if page.operation == POINTS]
    assert asked == ["Default", "dr", "prod"]
    assert [page.number for page in pages if page.operation == POINTS] == [1, 2, 3]


def test_a_vault_that_fails_is_named_and_the_others_and_the_other_regions_are_read() -> None:
    evidence = fetch(f"{POINTS}@{HOME}:2=denied", regions=(HOME, AWAY))
    coverage = {(entry.dataset, entry.region): entry for entry in evidence.coverage}
    assert {key for key, entry in coverage.items() if not entry.complete} == {("recovery_points", HOME)}
    assert "BackupVaultName dr" in coverage["recovery_points", HOME].reason
    held = sample(STARTED).held["recovery_points"]
    vaults = {record.BackupVaultName for record in evidence.lists["recovery_points"].records if f":{HOME}:" in record.BackupVaultArn}
    assert vaults == {"Default", "prod"}
    assert coverage["recovery_points", AWAY].jobs == len(held[MANAGEMENT, AWAY])


@pytest.mark.parametrize("fault", ["denied", "html", "truncated", "repeat"])
@pytest.mark.usefixtures("pauses")
def test_without_the_list_of_vaults_their_recovery_points_are_unread(fault: str) -> None:
    evidence = fetch(f"{VAULTS_}@{HOME}:*={fault}", regions=(HOME, AWAY))
    incomplete = {(entry.dataset, entry.region) for entry in evidence.coverage if not entry.complete}
    assert incomplete == {("vaults", HOME), ("recovery_points", HOME)}


def test_pages_of_a_vault_are_followed_to_their_end() -> None:
    short = fetch(f"{POINTS}:*=short:100", f"{RESOURCES}:1=empty", f"{VAULTS_}:*=short:1")
    assert {name: len(found) for name, found in short.lists.items()} == {name: len(found) for name, found in fetch().lists.items()}
    assert all(entry.complete for entry in short.coverage)


def test_the_only_place_that_fails_ends_the_fetch() -> None:
    with pytest.raises(FetchError, match="not allowed"):
        fetch(f"{RESOURCES}:*=denied")


def test_of_a_whole_organization_other_accounts_are_unread() -> None:
    with serve(store()) as endpoint:
        connection = Connection(endpoint_url=endpoint.url, regions=(HOME,), account_id="*")
        evidence = fetch_jobs(connection, FetchPlan(("backup_jobs", *HELD.datasets)), as_of=datetime.now(UTC))
    unread = {entry.dataset for entry in evidence.coverage if not entry.complete}
    assert unread == set(HELD.datasets)
    assert {account for found in HELD.datasets for account, _ in evidence.lists[found].places()} == {MANAGEMENT}


def test_of_one_other_account_nothing_of_the_callers_own_passes_for_it() -> None:
    with serve(store()) as endpoint:
        connection = Connection(endpoint_url=endpoint.url, regions=(HOME,), account_id=OTHER)
        evidence = fetch_jobs(connection, FetchPlan(("backup_jobs", *HELD.datasets)), as_of=datetime.now(UTC))
    assert {(entry.dataset, entry.account) for entry in evidence.coverage if not entry.complete} == {(name, OTHER) for name in HELD.datasets}
    assert [len(evidence.lists[name]) for name in HELD.datasets] == [0, 0, 0]


@pytest.mark.parametrize(("ago", "covered"), [(timedelta(minutes=4), True), (timedelta(hours=1), False)])
def test_what_there_is_now_says_nothing_of_an_earlier_time(ago: timedelta, covered: bool) -> None:
    as_of = datetime.now(UTC) - ago
    assert {entry.reaches(None, as_of) for entry in fetch(as_of=as_of).coverage} == {covered}


@pytest.mark.parametrize(
    ("rule", "lists"),
    [
        ("every backup vault must have Locked true", {"ListBackupVaults"}),
        ("every recovery point must have IsEncrypted true", {"ListBackupVaults", POINTS}),
        ("every protected resource must have LastBackupTime newer than 26h", {RESOURCES}),
        ("every resource in inventory protected_resources must have a clean job within 26h", {RESOURCES, "ListBackupJobs"}),
        ("every resource must have at least 2 COMPLETED recovery points", {"ListBackupJobs", "ListBackupVaults", POINTS}),
    ],
)
def test_a_rule_makes_the_plan_fetch_what_it_needs(rule: str, lists: set[str], tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"policy: p\nrules:\n  - {{id: r, rule: {rule}}}\n", encoding="utf-8")
    plan = plan_fetch(load_policies([(path, "p.yaml")], {}), datetime.now(UTC))
    assert set(required_actions(plan)) == {f"backup:{name}" for name in lists}


def test_of_an_earlier_time_a_vault_that_fails_leaves_no_violation_behind(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("policy: p\nrules:\n  - {id: r, rule: no recovery points with AggregatedScanResult.Findings containing MALWARE}\n", encoding="utf-8")
    policies = load_policies([(path, "p.yaml")], {})

    def verdict(ago: timedelta) -> Verdict:
        as_of = datetime.now(UTC) - ago
        evidence = fetch(f"{POINTS}:1=denied", regions=(HOME, AWAY), as_of=as_of)
        assert not all(entry.complete for entry in evidence.coverage)
        (rule,) = judge(policies, evidence.lists, evidence.coverage, as_of, BACKEND)
        return rule.verdict

    assert (verdict(timedelta()), verdict(timedelta(hours=1))) == (Verdict.FAIL, Verdict.INCONCLUSIVE)
