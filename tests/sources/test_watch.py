"""Fetching again: only what may have changed is asked for, and what comes of it is what a whole fetch would give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, JOB_LISTS, Dataset
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.service import Asked
from policycheck.emulator.store import Store
from policycheck.errors import FetchError, LastingError
from policycheck.job_lists import JobList
from policycheck.records import api_fields, iso, record_type
from policycheck.result import Coverage
from policycheck.sources import aws
from policycheck.sources.aws import FetchedEvidence
from policycheck.sources.connection import Connection
from policycheck.sources.identity import Identity
from policycheck.sources.places import Place, Progress, ReadList, ReadPlace, Request
from policycheck.sources.plan import FetchPlan
from policycheck.sources.watch import JobWatch
from tests.properties import examples
from tests.sources.loopback import ACCOUNT, NOW, OTHER, REGION, job

ALL_LISTS = FetchPlan(("backup_jobs", "copy_jobs", "restore_jobs"))
BACKUP = FetchPlan(("backup_jobs",))
MINUTE = timedelta(minutes=1)


def running(number: int, **members: Any) -> dict[str, Any]:
    return job(number, **{"State": "RUNNING", "CompletionDate": None, "MessageCategory": None, "PercentDone": "1.0", **members})


@pytest.fixture
def store() -> Store:
    """A job that runs for an hour, and many of the last days that have ended."""
    made = Store(Clock(NOW), management=ACCOUNT)
    made.add(ACCOUNT, REGION, "backup_jobs", [running(60), *(job(60 * hours) for hours in range(2, 200))])
    return made


@contextmanager
def watching(store: Store, *faults: str, **options: Any) -> Iterator[tuple[Callable[..., tuple[FetchedEvidence, bool]], Endpoint]]:
    with serve(store, faults=faults) as served:
        watch = JobWatch(Connection(**{"regions": (REGION,), "endpoint_url": served.url, **options}), store.clock.now)

        def fetch(plan: FetchPlan = BACKUP, **more: Any) -> tuple[FetchedEvidence, bool]:
            return watch.fetch(plan, as_of=store.clock.now(), **more)

        yield fetch, served


def asked(served: Endpoint) -> list[str | None]:
    """ByCreatedAfter of each request for backup jobs."""
    return [_after(request) for request in served.requests if request.operation == "ListBackupJobs"]


def _after(request: Asked) -> str | None:
    time = request.parameters.get("ByCreatedAfter")
    return iso(time) if isinstance(time, datetime) else None


def states(evidence: FetchedEvidence) -> dict[str, str]:
    return {record.BackupJobId: record.State for record in evidence.lists["backup_jobs"].records}


@pytest.mark.usefixtures("aws")
def test_what_is_asked_for_again_begins_at_the_oldest_job_in_progress_and_after_its_end_at_the_last_fetch(store: Store) -> None:
    with watching(store) as (fetch, served):
        first, whole = fetch()
        assert (len(first.lists["backup_jobs"]), whole) == (199, True)
        store.clock.advance(MINUTE)
        store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
        second, whole = fetch()
        assert (len(second.lists["backup_jobs"]), whole) == (199, False)
        assert states(second)[job(60)["BackupJobId"]] == "COMPLETED"
        assert [note for note in second.not_seen if note.startswith("merged: backup jobs created before 2026-03-01T11:00:00Z had ended")]
        store.clock.advance(MINUTE)
        fetch()
        assert fetch(whole=True)[1]
        assert asked(served) == [None, "2026-03-01T10:59:59Z", "2026-03-01T11:45:59Z", None]


@pytest.mark.usefixtures("aws")
def test_coverage_of_a_merged_list_is_that_of_a_whole_one(store: Store) -> None:
    with watching(store) as (fetch, _):
        fetch()
        store.clock.advance(MINUTE)
        merged, again = fetch()[0], fetch(whole=True)[0]
        assert merged.coverage == again.coverage
        assert merged.coverage[0].complete


@pytest.mark.usefixtures("aws")
def test_a_job_created_a_little_earlier_that_is_listed_late_is_seen(store: Store) -> None:
    with watching(store) as (fetch, _):
        fetch()
        store.add(ACCOUNT, REGION, "backup_jobs", [job(10)])
        store.clock.advance(MINUTE)
        assert len(fetch()[0].lists["backup_jobs"]) == 200


@pytest.mark.usefixtures("aws", "pauses")
def test_a_place_that_failed_is_short_and_the_next_fetch_makes_up_for_it(store: Store) -> None:
    store.add(OTHER, REGION, "backup_jobs", [job(number, account=OTHER) for number in (3, 500)])
    roles = tuple(f"arn:aws:iam::{account}:role/Audit" for account in (ACCOUNT, OTHER))
    with watching(store, f"ListBackupJobs@{OTHER}:2=denied", role_arns=roles) as (fetch, _):
        fetch()
        store.clock.advance(30 * MINUTE)
        store.add(OTHER, REGION, "backup_jobs", [job(-20, account=OTHER, State="FAILED")])
        second, _ = fetch()
        entries = {entry.account: entry for entry in second.coverage}
        assert (entries[ACCOUNT].complete, entries[OTHER].complete, entries[OTHER].jobs) == (True, False, 2)
        assert second.refused == {("backup_jobs", OTHER, REGION)}
        store.clock.advance(30 * MINUTE)
        third, whole = fetch()
        assert {entry.account: (entry.complete, entry.jobs) for entry in third.coverage} == {ACCOUNT: (True, 199), OTHER: (True, 3)}
        assert not whole


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("faults", [["ListBackupJobs:1=denied"], ["ListBackupJobs:2=denied"]])
def test_a_fetch_that_fails_altogether_raises_and_keeps_what_is_known(faults: list[str], store: Store) -> None:
    with watching(store, *faults) as (fetch, served):
        for number in range(3):
            if f":{number + 1}=" in faults[0]:
                with pytest.raises(LastingError, match="access denied"):
                    fetch()
            else:
                assert len(fetch()[0].lists["backup_jobs"]) == 199
        assert [time is None for time in asked(served)] == ([True, True, False] if ":1=" in faults[0] else [True, False, False])


@pytest.mark.usefixtures("aws")
def test_where_there_is_a_doubt_everything_is_asked_for(store: Store) -> None:
    with watching(store) as (fetch, served):
        fetch()
        fetch(FetchPlan(("backup_jobs",), filters={"backup_jobs": {"ByBackupVaultName": "prod"}}))  # another question
        fetch(FetchPlan(("backup_jobs",), created_after=NOW - timedelta(days=20)))
        fetch(FetchPlan(("backup_jobs",), created_after=NOW - timedelta(days=25)))  # further back than what is known
        store.clock.advance(-timedelta(hours=2))  # a clock that was put right
        fetch(FetchPlan(("backup_jobs",), created_after=NOW - timedelta(days=25)))
        store.clock.advance(timedelta(hours=2))
        store.add(ACCOUNT, REGION, "backup_jobs", [job(1) | {"CreationDate": None}])
        fetch(FetchPlan(("backup_jobs",)))
        fetch(FetchPlan(("backup_jobs",)))  # a job without CreationDate was listed
        narrow = ["2026-02-09T11:59:59Z", "2026-02-04T11:59:59Z", "2026-02-04T11:59:59Z"]
        assert asked(served) == [None, None, *narrow, None, None]


@pytest.mark.usefixtures("aws")
def test_restore_jobs_are_always_read_whole_since_they_change_after_their_end(store: Store) -> None:
    with watching(store) as (fetch, served):
        assert fetch(ALL_LISTS)[1]
        store.clock.advance(MINUTE)
        assert not fetch(ALL_LISTS)[1]
        restores = [_after(request) for request in served.requests if request.operation == "ListRestoreJobs"]
        copies = [_after(request) for request in served.requests if request.operation == "ListCopyJobs"]
        assert restores == [None, None]
        assert copies == [None, "2026-03-01T11:44:59Z"]


# --- merged is whole, whatever happened between two fetches ---


class StoreReader:
    """Reads a store as `places.Reader` reads AWS, without HTTP."""

    store: Store
    fails: frozenset[str] = frozenset()
    """Regions that give nothing."""

    def __init__(self, session: object, requests: Sequence[Request], *_: object, **__: object) -> None:
        self.requests = requests

    def read(self, places: Sequence[Place], progress: Callable[[Progress], None]) -> list[ReadPlace]:
        return [ReadPlace(place, {request.dataset.name: self._list(request, place.region) for request in self.requests}) for place in places]

    def _list(self, request: Request, region: str) -> ReadList:
        if region in self.fails:
            return ReadList(JobList(request.dataset, []), FetchError("gone", place=region))
        page = self.store.page(request.dataset, ACCOUNT, region, request.parameters, after=None, limit=10_000)
        records = [dict(record.fields) for record in page.records]
        jobs = JobList.of(request.dataset, msgspec.convert(records, list[record_type(request.dataset)]))  # type: ignore[misc]  # made at run time
        return ReadList(jobs, first_date=self.store.clock.now(), last_date=self.store.clock.now())


REGIONS = ("eu-west-1", "us-east-1")


def made(dataset: Dataset, region: str, number: int, created: datetime, state: str, now: datetime) -> dict[str, Any]:
    vault = f"arn:aws:backup:{region}:{ACCOUNT}:backup-vault:prod"
    record: dict[str, Any] = {
        "AccountId": ACCOUNT, dataset.id_field: f"{dataset.name}-{number}", dataset.vault_field: vault, "CreationDate": created, dataset.state_field: state,
    }  # fmt: skip
    return record | ({"CompletionDate": now} if state in dataset.finished else {})


STEP = st.tuples(
    st.sampled_from([timedelta(seconds=1), MINUTE, 20 * MINUTE, timedelta(hours=5), timedelta(days=3)]),
    # New jobs: (dataset, Region, minutes ago, state).
    st.lists(st.tuples(st.sampled_from(sorted(JOB_LISTS)), st.sampled_from(REGIONS), st.integers(0, 13), st.booleans()), max_size=3),
    # Which of the jobs in progress end, or go on to another state.
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=3),
    st.frozensets(st.sampled_from(REGIONS), max_size=1),
)  # fmt: skip
PLANS = st.sampled_from([ALL_LISTS, BACKUP, replace(ALL_LISTS, created_after=NOW)])


@examples(st.lists(STEP, min_size=1, max_size=6), PLANS, st.integers(0, 40), few=9, many=300)
def test_a_merged_list_is_a_whole_one(steps: Sequence[Any], plan: FetchPlan, days: int) -> None:
    store = Store(Clock(NOW), management=ACCOUNT)
    for region in REGIONS:
        store.add(ACCOUNT, region, "backup_jobs", [])
    open_: list[tuple[Dataset, str, dict[str, Any]]] = []
    begin(store, open_, [("backup_jobs", REGIONS[0], 60 * 24 * days, True), ("copy_jobs", REGIONS[1], 60 * 24 * days, False)], 1000)
    with in_process(store):
        watch, whole_watch = (JobWatch(Connection(regions=REGIONS, account_id=ACCOUNT), store.clock.now) for _ in range(2))
        for number, (passed, new, changes, failing) in enumerate(steps):
            store.clock.advance(passed)
            begin(store, open_, new, number * 10)
            go_on(store, open_, changes)
            as_of = store.clock.now()
            # The plan moves on with as_of, as the one of rules with a window does.
            moved = replace(plan, created_after=as_of - timedelta(days=10) if plan.created_after else None)
            StoreReader.fails = failing
            merged, _ = watch.fetch(moved, as_of=as_of)
            whole, _ = whole_watch.fetch(moved, as_of=as_of, whole=True)
            if not failing:
                assert shown(merged) == shown(whole)
                assert merged.coverage == whole.coverage
            else:
                # What failed is short in both, and in the merged one as well.
                assert [entry.complete for entry in ordered(merged.coverage)] == [entry.complete for entry in ordered(whole.coverage)]


@contextmanager
def in_process(store: Store) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        StoreReader.store, StoreReader.fails = store, frozenset()
        patch.setattr(aws, "Reader", StoreReader)

        def session(connection: Connection) -> SimpleNamespace:
            return SimpleNamespace(
                connection=connection,
                identities=lambda: (Identity(),),
                regions=lambda _: REGIONS,
                foreign_host=lambda *_: None,
                caller_account=lambda *_: ACCOUNT,
                close=lambda: None,
            )

        patch.setattr(aws, "AwsSession", session)
        yield


def begin(store: Store, open_: list[tuple[Dataset, str, dict[str, Any]]], new: Sequence[tuple[str, str, int, bool]], first: int) -> None:
    for number, (name, region, minutes, runs) in enumerate(new, start=first):
        dataset, now = JOB_LISTS[name], store.clock.now()
        record = made(dataset, region, number, now - minutes * MINUTE, "RUNNING" if runs else "COMPLETED", now)
        store.add(ACCOUNT, region, name, [record])
        if runs:
            open_.append((dataset, region, record))


def go_on(store: Store, open_: list[tuple[Dataset, str, dict[str, Any]]], changes: Sequence[tuple[int, bool]]) -> None:
    for index, ends in changes:
        if index < len(open_):
            dataset, region, record = open_[index]
            members: Mapping[str, Any] = {dataset.state_field: "FAILED", "CompletionDate": store.clock.now()} if ends else {"ResourceType": "EC2"}
            if ends:
                open_.pop(index)
            store.change(ACCOUNT, region, dataset.name, record[dataset.id_field], members)


def shown(evidence: FetchedEvidence) -> dict[str, list[dict[str, Any]]]:
    return {
        name: sorted((api_fields(found.dataset, record) for record in found.records), key=lambda fields: str(fields[found.dataset.id_field]))
        for name, found in evidence.lists.items()
    }


def ordered(coverage: Sequence[Coverage]) -> list[Coverage]:
    return sorted(coverage, key=lambda entry: (entry.dataset, entry.region or ""))


def test_what_is_kept_is_forgotten_when_aws_would_not_list_it_any_more() -> None:
    store = Store(Clock(NOW), management=ACCOUNT)
    store.add(ACCOUNT, REGIONS[0], "backup_jobs", [made(BACKUP_JOBS, REGIONS[0], 1, NOW - timedelta(days=29, hours=23), "COMPLETED", NOW)])
    with in_process(store):
        watch = JobWatch(Connection(regions=REGIONS, account_id=ACCOUNT), store.clock.now)
        assert len(watch.fetch(BACKUP, as_of=NOW)[0].lists["backup_jobs"]) == 1
        store.clock.advance(timedelta(hours=2))
        merged, whole = watch.fetch(BACKUP, as_of=store.clock.now())
        assert (len(merged.lists["backup_jobs"]), whole) == (0, False)
