"""Which jobs a store lists: by account, Region, age and filter, in pages that add up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RECOVERY_POINTS, RESTORE_JOBS, VAULTS, Dataset
from policycheck.emulator.clock import Clock
from policycheck.emulator.errors import ApiError
from policycheck.emulator.filters import FILTERS
from policycheck.emulator.store import Store
from tests.emulator.jobs import MANAGEMENT, MEMBER, NOW, REGION, job, jobs
from tests.samples import AS_OF, sample
from tests.tables import each


def listed(store: Store, dataset: Dataset = BACKUP_JOBS, account: str = MANAGEMENT, region: str = REGION, **parameters: Any) -> list[str]:
    page = store.page(dataset, account, region, parameters, after=None, limit=1000)
    return [record.key.job_id for record in page.records]


HOUR_AGO = NOW - timedelta(hours=1)
COPY = {"CopyJobId": "other", "State": "RUNNING", "CreationDate": HOUR_AGO}
RESTORE = {"RestoreJobId": "other", "Status": "RUNNING", "CreationDate": HOUR_AGO}
PLAN = f"arn:aws:backup:{REGION}:{MANAGEMENT}:restore-testing-plan:p"

CASES: list[tuple[Dataset, str, object, dict[str, Any]]] = [
    (BACKUP_JOBS, "ByResourceArn", "arn:aws:s3:::b", {"ResourceArn": "arn:aws:s3:::b"}),
    (BACKUP_JOBS, "ByState", "FAILED", {"State": "FAILED"}),
    (BACKUP_JOBS, "ByBackupVaultName", "dr", {"BackupVaultName": "dr"}),
    (BACKUP_JOBS, "ByBackupVaultName", "dr", {"BackupVaultName": None, "BackupVaultArn": f"arn:aws:backup:{REGION}:{MANAGEMENT}:backup-vault:dr"}),
    (BACKUP_JOBS, "ByCreatedBefore", HOUR_AGO, {"CreationDate": HOUR_AGO - timedelta(milliseconds=1)}),
    (BACKUP_JOBS, "ByCreatedAfter", NOW, {"CreationDate": NOW + timedelta(milliseconds=1)}),
    (BACKUP_JOBS, "ByResourceType", "Storage Gateway", {"ResourceType": "Storage Gateway"}),
    (BACKUP_JOBS, "ByCompleteAfter", HOUR_AGO, {"CompletionDate": HOUR_AGO + timedelta(milliseconds=1)}),
    (BACKUP_JOBS, "ByCompleteBefore", HOUR_AGO, {"CompletionDate": HOUR_AGO - timedelta(milliseconds=1)}),
    (BACKUP_JOBS, "ByParentJobId", "parent", {"ParentJobId": "parent"}),
    (BACKUP_JOBS, "ByMessageCategory", "ACCESSDENIED", {"MessageCategory": "AccessDenied"}),
    (COPY_JOBS, "ByState", "COMPLETED", {"State": "COMPLETED"}),
    (COPY_JOBS, "ByDestinationVaultArn", "arn:d", {"DestinationBackupVaultArn": "arn:d"}),
    (COPY_JOBS, "BySourceRecoveryPointArn", "arn:s", {"SourceRecoveryPointArn": "arn:s"}),
    (COPY_JOBS, "ByMessageCategory", "success", {"MessageCategory": "SUCCESS"}),
    (COPY_JOBS, "ByResourceArn", "arn:r", {"ResourceArn": "arn:r"}),
    (COPY_JOBS, "ByResourceType", "EBS", {"ResourceType": "EBS"}),
    (COPY_JOBS, "ByParentJobId", "parent", {"ParentJobId": "parent"}),
    (COPY_JOBS, "ByCreatedBefore", HOUR_AGO, {"CreationDate": HOUR_AGO - timedelta(days=300)}),
    (COPY_JOBS, "ByCreatedAfter", HOUR_AGO, {"CreationDate": NOW}),
    (COPY_JOBS, "ByCompleteBefore", NOW, {"CompletionDate": HOUR_AGO}),
    (COPY_JOBS, "ByCompleteAfter", HOUR_AGO, {"CompletionDate": NOW}),
    (RESTORE_JOBS, "ByStatus", "ABORTED", {"Status": "ABORTED"}),
    (RESTORE_JOBS, "ByRestoreTestingPlanArn", PLAN, {"CreatedBy": {"RestoreTestingPlanArn": PLAN}}),
    (RESTORE_JOBS, "ByResourceType", "EBS", {"ResourceType": "EBS"}),
    (RESTORE_JOBS, "ByParentJobId", "parent", {"ParentJobId": "parent"}),
    (RESTORE_JOBS, "ByCreatedBefore", HOUR_AGO, {"CreationDate": HOUR_AGO - timedelta(days=300)}),
    (RESTORE_JOBS, "ByCreatedAfter", HOUR_AGO, {"CreationDate": NOW}),
    (RESTORE_JOBS, "ByCompleteBefore", NOW, {"CompletionDate": HOUR_AGO}),
    (RESTORE_JOBS, "ByCompleteAfter", HOUR_AGO, {"CompletionDate": NOW}),
    (VAULTS, "ByVaultType", "BACKUP_VAULT", {"VaultType": "BACKUP_VAULT"}),
    (RECOVERY_POINTS, "BackupVaultName", "prod", {"BackupVaultName": "prod"}),
    (RECOVERY_POINTS, "ByResourceArn", "arn:r", {"ResourceArn": "arn:r"}),
    (RECOVERY_POINTS, "ByResourceType", "EBS", {"ResourceType": "EBS"}),
    (RECOVERY_POINTS, "ByBackupPlanId", "plan", {"CreatedBy": {"BackupPlanId": "plan"}}),
    (RECOVERY_POINTS, "ByCreatedBefore", HOUR_AGO, {"CreationDate": HOUR_AGO - timedelta(days=300)}),
    (RECOVERY_POINTS, "ByCreatedAfter", HOUR_AGO, {"CreationDate": NOW}),
    (RECOVERY_POINTS, "ByParentRecoveryPointArn", "arn:p", {"ParentRecoveryPointArn": "arn:p"}),
]


@each(("dataset", "name", "value", "members"), CASES, ids=lambda row: row[0])
def test_each_filter_keeps_the_job_it_names_and_no_other(store: Store, dataset: Dataset, name: str, value: object, members: dict[str, Any]) -> None:
    other = {BACKUP_JOBS.name: job(60) | {"BackupJobId": "other"}, COPY_JOBS.name: COPY, RESTORE_JOBS.name: RESTORE}.get(
        dataset.name, {dataset.id_field: "other", "CreationDate": HOUR_AGO}
    )
    store.add(MANAGEMENT, REGION, dataset.name, [other, {**other, dataset.id_field: "wanted", **members}])
    assert sorted(listed(store, dataset)) == ["other", "wanted"]
    filters: dict[str, Any] = {name: value}
    assert listed(store, dataset, **filters) == ["wanted"]


def test_every_filter_of_every_list_has_a_case() -> None:
    assert {(dataset.name, name) for dataset, name, _, _ in CASES} == {(dataset, name) for dataset, filters in FILTERS.items() for name in filters}


@pytest.mark.parametrize("category", ["*", "ANY", "AGGREGATE_ALL"])
def test_a_category_that_means_any_keeps_every_job(store: Store, category: str) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1), job(2, MessageCategory="SUCCESS")])
    assert len(listed(store, ByMessageCategory=category)) == 2


@pytest.mark.parametrize(("name", "value"), [("ByState", "DONE"), ("ByState", ""), ("ByCreatedAfter", "yesterday")])
def test_a_filter_that_cannot_be_is_refused(store: Store, name: str, value: object) -> None:
    filters: dict[str, Any] = {name: value}
    with pytest.raises(ApiError, match=name) as caught:
        listed(store, **filters)
    assert caught.value.code == "InvalidParameterValueException"


def test_filters_combine(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, State="FAILED"), job(2, State="FAILED", ResourceType="EFS"), job(3)])
    assert listed(store, ByState="FAILED", ByResourceType="EBS") == ["job-00001"]


def test_jobs_come_newest_first_then_by_id(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(2), job(1, BackupJobId="b"), job(1, BackupJobId="a"), {"BackupJobId": "undated"}])
    assert listed(store) == ["a", "b", "job-00002", "undated"]


@pytest.mark.parametrize(("days", "kept"), [(timedelta(days=30), True), (timedelta(days=30, milliseconds=1), False)])
def test_backup_jobs_are_listed_for_thirty_days(store: Store, days: timedelta, kept: bool) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, CreationDate=NOW - days)])
    store.add(MANAGEMENT, REGION, "copy_jobs", [{**COPY, "CreationDate": NOW - days}])
    assert bool(listed(store)) is kept
    assert listed(store, COPY_JOBS) == ["other"]


def test_without_a_horizon_every_job_is_listed() -> None:
    store = Store(Clock(NOW), management=MANAGEMENT, horizon=None)
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, CreationDate=0)])
    assert listed(store) == ["job-00001"]


def test_jobs_age_out_as_the_clock_goes_on(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1)])
    store.clock.advance(timedelta(days=30))
    assert listed(store) == []


@pytest.mark.parametrize(
    ("caller", "wanted", "seen"),
    [
        (MANAGEMENT, None, ["theirs-0"]),
        (MANAGEMENT, "*", ["theirs-0", "theirs-1"]),
        (MANAGEMENT, MEMBER, ["theirs-1"]),
        (MANAGEMENT, "333333333333", []),
        (MEMBER, None, ["theirs-1"]),
        (MEMBER, "*", ["theirs-1"]),
        (MEMBER, MEMBER, ["theirs-1"]),
        (MEMBER, MANAGEMENT, []),
        ("333333333333", None, []),
    ],
)
def test_the_management_account_sees_all_accounts_and_any_other_its_own(store: Store, caller: str, wanted: str | None, seen: list[str]) -> None:
    for number, account in enumerate((MANAGEMENT, MEMBER)):
        store.add(account, REGION, "backup_jobs", [job(number, BackupJobId=f"theirs-{number}")])
    filters: dict[str, Any] = {} if wanted is None else {"ByAccountId": wanted}
    assert listed(store, account=caller, **filters) == seen


def test_regions_are_kept_apart(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1)])
    assert listed(store, region="us-east-1") == []
    with pytest.raises(ApiError):
        store.describe(MANAGEMENT, "us-east-1", "job-00001")


@given(count=st.integers(0, 25), sizes=st.lists(st.integers(1, 7), min_size=1), accounts=st.integers(1, 3))
def test_pages_of_any_size_add_up_to_the_whole_list(count: int, sizes: list[int], accounts: int) -> None:
    store = Store(Clock(NOW), management="0")
    for number in range(count):
        store.add(str(number % accounts), REGION, "backup_jobs", [job(number // 2, BackupJobId=f"{number}")])
    found: list[str] = []
    after, more, turn = None, True, 0
    while more:
        page = store.page(BACKUP_JOBS, "0", REGION, {"ByAccountId": "*"}, after=after, limit=sizes[turn % len(sizes)])
        found += [record.key.job_id for record in page.records]
        after, more, turn = page.records[-1].key if page.records else after, page.more, turn + 1
    assert found == listed(store, account="0", ByAccountId="*")
    assert len(found) == count


def test_a_job_with_an_id_that_is_there_replaces_it(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", jobs(3))
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, State="FAILED", CreationDate=NOW - timedelta(days=1))])
    assert listed(store) == ["job-00000", "job-00002", "job-00001"]
    assert listed(store, ByState="FAILED") == ["job-00001"]


def test_members_of_a_job_change(store: Store) -> None:
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(1, StatusMessage="wait")])
    store.change(MANAGEMENT, REGION, "backup_jobs", "job-00001", {"State": "FAILED", "StatusMessage": None})
    assert store.describe(MANAGEMENT, REGION, "job-00001")["State"] == "FAILED"
    assert "StatusMessage" not in store.describe(MANAGEMENT, REGION, "job-00001")


def test_a_parent_is_described_with_its_children(store: Store) -> None:
    children = [job(number, ParentJobId="p", State=state) for number, state in enumerate(("FAILED", "COMPLETED", "COMPLETED"))]
    store.add(MANAGEMENT, REGION, "backup_jobs", [job(9, BackupJobId="p", IsParent=True), *children, job(5)])
    described = store.describe(MANAGEMENT, REGION, "p")
    assert described["NumberOfChildJobs"] == 3
    assert described["ChildJobsInState"] == {"COMPLETED": 2, "FAILED": 1}


@pytest.mark.parametrize(
    ("name", "record", "problem"),
    [
        ("jobs", {}, "no list is called 'jobs'"),
        ("backup_jobs", {"State": "FAILED"}, "needs BackupJobId"),
        ("backup_jobs", job(1, Sate="FAILED"), "no member 'Sate'"),
        ("backup_jobs", job(1, CreatedBy={"Plan": "p"}), "no member 'CreatedBy.Plan'"),
        ("backup_jobs", job(1, CreationDate="yesterday"), "not a time"),
        ("backup_jobs", job(1, CreationDate="2026-01-01T00:00:00"), "time zone"),
        ("backup_jobs", job(1, CreationDate=True), "time zone"),
        ("backup_jobs", job(1, CreationDate=float("inf")), "not a time"),
        ("backup_jobs", job(1, CreationDate=1e308), "not a time"),
        ("backup_jobs", job(1, CreationDate=1772323200000), "not a time"),
        ("backup_jobs", job(1, CreationDate=float("nan")), "not a time"),
        ("backup_jobs", job(1, BackupSizeInBytes=float("nan")), "not JSON compliant"),
    ],
)
def test_a_seed_that_would_test_nothing_is_refused(store: Store, name: str, record: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        store.add(MANAGEMENT, REGION, name, [record])


@pytest.mark.parametrize("size", [0, 1001])
def test_a_page_size_no_request_could_have_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="1 to 1000"):
        Store(page_size=size)


def test_the_sample_organization_is_served_whole() -> None:
    made = sample(AS_OF)
    store = Store.of_organization(made)
    assert store.accounts == tuple(dict.fromkeys(account for account, _ in made.backup_jobs))
    for dataset in DATASETS.values():
        for (account, region), records in made.jobs(dataset).items():
            assert sorted(listed(store, dataset, account, region)) == sorted(str(record[dataset.id_field]) for record in records)


def test_a_clock_that_runs_starts_where_it_is_told_and_goes_on() -> None:
    clock = Clock(NOW, running=True)
    clock.advance(timedelta(hours=1))
    assert timedelta(hours=1) <= clock.now() - NOW < timedelta(hours=2)
    with pytest.raises(ValueError, match="time zone"):
        Clock(NOW.replace(tzinfo=None))
