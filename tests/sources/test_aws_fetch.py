"""What a fetch brings home: every account and Region with what it covers, what was not seen, and the answers as received."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.members import Member
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from policycheck.errors import FetchError, LastingError
from policycheck.result import Basis, Coverage
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.organization import Membership, compare_members
from policycheck.sources.places import THREADS, Progress
from policycheck.sources.plan import FetchPlan
from policycheck.sources.raw import PageStore, RawPage
from tests.sources.loopback import ACCOUNT, NOW, OTHER, REGION, Answer, endpoint, job, pages

pytestmark = pytest.mark.usefixtures("aws")
ROOT = Path(__file__).parents[2]
BACKUP = FetchPlan(("backup_jobs",))
ALL_LISTS = FetchPlan(("backup_jobs", "copy_jobs", "restore_jobs"))
HOME, AWAY = "eu-west-1", "us-east-1"


def roles(*accounts: str) -> tuple[str, ...]:
    return tuple(f"arn:aws:iam::{account}:role/AWSBackupAudit" for account in accounts)


def copy_job(number: int) -> dict[str, Any]:
    vault = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod"
    return {
        "AccountId": ACCOUNT,
        "CopyJobId": f"copy-{number}",
        "SourceBackupVaultArn": vault,
        "State": "COMPLETED",
        "CreationDate": NOW - timedelta(days=number),
    }


@pytest.fixture
def store() -> Store:
    """Two accounts; the first manages the organization, has jobs in one of its Regions and copies."""
    made = Store(Clock(NOW), management=ACCOUNT)
    made.add(ACCOUNT, HOME, "backup_jobs", [job(number) for number in range(5)])
    made.add(ACCOUNT, AWAY, "backup_jobs", [])
    made.add(OTHER, HOME, "backup_jobs", [job(number, account=OTHER) for number in range(3)])
    made.add(OTHER, AWAY, "backup_jobs", [job(number, account=OTHER, region=AWAY) for number in range(2)])
    made.add(ACCOUNT, HOME, "copy_jobs", [copy_job(number) for number in (1, 20, 40, 90)])
    return made


@contextmanager
def fetched(
    store: Store, plan: FetchPlan = BACKUP, *, faults: Sequence[str] = (), as_of: datetime = NOW, skew: timedelta = timedelta(), **options: Any
) -> Iterator[tuple[FetchedEvidence, Endpoint]]:
    with serve(store, faults=faults, date_skew=skew) as served:
        connection = Connection(**{"regions": (HOME,), "endpoint_url": served.url, **options})
        evidence = fetch_jobs(connection, plan, as_of=as_of, now=lambda: NOW)
        yield evidence, served
    if evidence.pages is not None:
        evidence.pages.close()


def seen(evidence: FetchedEvidence) -> dict[tuple[str, str | None, str | None], int]:
    return {(entry.dataset, entry.account, entry.region): entry.jobs for entry in evidence.coverage}


# --- places ---


def test_one_account_and_region(store: Store) -> None:
    with fetched(store) as (evidence, served):
        assert seen(evidence) == {("backup_jobs", ACCOUNT, HOME): 5}
        assert len(evidence.lists["backup_jobs"]) == 5
        assert [asked.operation for asked in served.requests] == ["ListBackupJobs"]
        assert served.requests[0].parameters == {"MaxResults": 1000}


def test_a_region_without_a_job_is_covered_and_its_account_known(store: Store) -> None:
    with fetched(store, regions=(AWAY,)) as (evidence, served):
        assert seen(evidence) == {("backup_jobs", ACCOUNT, AWAY): 0}
        assert evidence.lists["backup_jobs"].records == []
        assert [asked.operation for asked in served.requests] == ["ListBackupJobs", "GetCallerIdentity"]


def test_an_account_that_nothing_tells_is_unknown_and_named(store: Store) -> None:
    with fetched(store, regions=(AWAY,), faults=["GetCallerIdentity:*=denied"]) as (evidence, _):
        assert seen(evidence) == {("backup_jobs", None, AWAY): 0}
        assert "the account of some lists is unknown: no job names it, and AWS did not identify the caller" in " ".join(evidence.not_seen)


def test_several_regions_are_of_one_account(store: Store) -> None:
    with fetched(store, regions=(HOME, AWAY)) as (evidence, served):
        assert seen(evidence) == {("backup_jobs", ACCOUNT, HOME): 5, ("backup_jobs", ACCOUNT, AWAY): 0}
        assert "GetCallerIdentity" not in {asked.operation for asked in served.requests}


def test_each_role_is_an_account(store: Store) -> None:
    with fetched(store, regions=(HOME, AWAY), role_arns=roles(ACCOUNT, OTHER)) as (evidence, served):
        expected = {(ACCOUNT, HOME): 5, (ACCOUNT, AWAY): 0, (OTHER, HOME): 3, (OTHER, AWAY): 2}
        assert seen(evidence) == {("backup_jobs", account, region): jobs for (account, region), jobs in expected.items()}
        operations = [asked.operation for asked in served.requests]
        assert sorted(operations) == ["AssumeRole"] * 2 + ["ListBackupJobs"] * 4


def test_a_role_that_cannot_be_taken_on_is_named_and_the_others_are_read(store: Store) -> None:
    with fetched(store, role_arns=roles(ACCOUNT, OTHER), faults=[f"AssumeRole@{OTHER}:*=denied"]) as (evidence, _):
        entries = {entry.account: entry for entry in evidence.coverage}
        assert entries[ACCOUNT].complete
        assert not entries[OTHER].complete
        assert "sts:AssumeRole is not allowed" in entries[OTHER].reason


def test_the_whole_organization(store: Store) -> None:
    with fetched(store, ALL_LISTS, regions=(HOME, AWAY), account_id="*") as (evidence, served):
        backup = {key[1:]: jobs for key, jobs in seen(evidence).items() if key[0] == "backup_jobs"}
        assert backup == {(ACCOUNT, HOME): 5, (ACCOUNT, AWAY): 0, (OTHER, HOME): 3, (OTHER, AWAY): 2}
        assert all(
            ("ByAccountId" in asked.parameters) is (asked.operation == "ListBackupJobs") for asked in served.requests if asked.operation.startswith("List")
        )
        assert "DescribeOrganization" not in {asked.operation for asked in served.requests}
        assert not any(note.startswith(("silent", "left out", "unexpected")) for note in evidence.not_seen)


SILENT, CLOSED = "555566667777", "666677778888"


def test_accounts_of_the_organization_that_its_list_does_not_show_are_named(store: Store) -> None:
    store.organization = (Member(SILENT, "sandbox"), Member(CLOSED, "old", "SUSPENDED"), *(Member(f"{number:012}", "m") for number in range(25)))
    with fetched(store, account_id="*") as (evidence, served):
        notes = {note.partition(":")[0]: note for note in evidence.not_seen}
        assert "of 26 accounts of the organization no job was listed" in notes["silent"]
        assert f"{SILENT} (sandbox)" in notes["silent"] and f"{24:012} (m)" in notes["silent"]
        assert ACCOUNT not in notes["silent"] and CLOSED not in notes["silent"]
        assert notes["left out"].endswith(f"not active: {CLOSED} (old) SUSPENDED")
        assert evidence.members == frozenset({ACCOUNT, OTHER, SILENT, *(f"{number:012}" for number in range(25))})
        # Pages hold 20 accounts.
        assert [asked.operation for asked in served.requests].count("ListAccounts") == 2


def test_jobs_of_an_account_that_left_the_organization_are_unexpected(store: Store) -> None:
    notes = compare_members(Membership({ACCOUNT: "prod"}, {CLOSED: f"{CLOSED} (old) SUSPENDED"}), {ACCOUNT, OTHER, CLOSED})
    assert [note for note in notes if note.startswith("unexpected")] == [f"unexpected: 1 account with listed jobs is not in the organization: {OTHER}"]


@pytest.mark.parametrize("fault", ["denied", "500", "truncated", "html", "cut"])
def test_where_the_accounts_of_the_organization_cannot_be_listed_membership_is_not_compared(fault: str, store: Store, pauses: list[float]) -> None:
    with fetched(store, account_id="*", faults=[f"ListAccounts:*={fault}"]) as (evidence, _):
        assert evidence.members is None
        assert [note for note in evidence.not_seen if note.startswith("accounts of the organization that have no backup job are not known to this run: ")]
        assert not any(note.startswith("silent") for note in evidence.not_seen)


def test_lists_that_aws_gives_for_one_account_are_unread_for_the_organization(store: Store) -> None:
    with fetched(store, ALL_LISTS, regions=(HOME, AWAY), account_id="*") as (evidence, _):
        for name in ("copy_jobs", "restore_jobs"):
            entries = [entry for entry in evidence.coverage if entry.dataset == name]
            assert {(entry.account, entry.region, entry.complete) for entry in entries} == {
                (account, region, account is not None) for account in (ACCOUNT, None) for region in (HOME, AWAY)
            }
            assert all("for backup jobs only" in entry.reason for entry in entries if not entry.complete)
        assert "the account of some lists is unknown: no job names it, and AWS did not identify the caller" not in " ".join(evidence.not_seen)


MEMBERS = [
    ("*", []),
    (ACCOUNT, []),
    ("*", ["DescribeOrganization:*=denied"]),
    ("*", ["GetCallerIdentity:*=denied"]),
    ("*", [f"ListBackupJobs@{OTHER}:*=denied"]),
]


@pytest.mark.parametrize(("wanted", "faults"), MEMBERS)
def test_other_accounts_asked_for_from_a_member_account_are_unread(wanted: str, faults: list[str], store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER)
    with pytest.raises(LastingError, match=r"other accounts were not read|is not allowed"), fetched(store, account_id=wanted, faults=faults):
        pass


def test_the_management_account_of_an_organization_without_other_jobs_is_believed() -> None:
    store = Store(Clock(NOW), management=ACCOUNT)
    store.add(ACCOUNT, HOME, "backup_jobs", [job(1)])
    for wanted in ("*", OTHER):
        with fetched(store, account_id=wanted) as (evidence, served):
            assert all(entry.complete for entry in evidence.coverage)
            assert [asked.operation for asked in served.requests] == [
                "ListBackupJobs",
                "GetCallerIdentity",
                "DescribeOrganization",
                *(["ListAccounts"] if wanted == "*" else []),
            ]
    with pytest.raises(LastingError, match="does not say that the caller manages"), fetched(store, account_id="*", faults=["DescribeOrganization:*=denied"]):
        pass


def test_an_own_account_that_is_asked_for_by_its_id_needs_no_organization(store: Store) -> None:
    with fetched(store, account_id=ACCOUNT, regions=(AWAY,)) as (evidence, served):
        assert seen(evidence) == {("backup_jobs", ACCOUNT, AWAY): 0}
        assert "DescribeOrganization" not in {asked.operation for asked in served.requests}


def test_another_account_of_the_organization(store: Store) -> None:
    with fetched(store, FetchPlan(("backup_jobs", "copy_jobs")), account_id=OTHER) as (evidence, served):
        assert seen(evidence) == {("backup_jobs", OTHER, HOME): 3, ("copy_jobs", OTHER, HOME): 0}
        assert {asked.parameters.get("ByAccountId") for asked in served.requests} == {OTHER}


def test_a_job_seen_twice_is_one(store: Store) -> None:
    with fetched(store, role_arns=(*roles(ACCOUNT), f"arn:aws:iam::{ACCOUNT}:role/Other")) as (evidence, _):
        assert len(evidence.lists["backup_jobs"]) == 5


def test_nothing_else_is_asked_than_the_lists_of_the_plan(store: Store) -> None:
    with fetched(store, ALL_LISTS, regions=(HOME, AWAY), role_arns=roles(ACCOUNT, OTHER)) as (_, served):
        assert {asked.operation for asked in served.requests} == {"ListBackupJobs", "ListCopyJobs", "ListRestoreJobs", "AssumeRole"}


# --- all Regions ---


@pytest.mark.usefixtures("few_regions")
def test_regions_that_are_not_enabled_are_named_and_no_failure(store: Store) -> None:
    with fetched(store, regions=("all",), faults=["ListBackupJobs@af-south-1:*=disabled", "ListBackupJobs@ap-east-1:*=disabled"]) as (evidence, _):
        assert not {"af-south-1", "ap-east-1"} & {entry.region for entry in evidence.coverage}
        assert all(entry.complete for entry in evidence.coverage)
        assert "not enabled, as far as AWS tells: af-south-1, ap-east-1" in evidence.not_seen


TOKENS = [
    # The session token, what account:ListRegions does, and the Regions that are not enabled as far as that can be told.
    (None, "", {"af-south-1", "ap-east-1"}),
    ("IQoJb3JpZ2luX2VjEXAMPLE", "", {"af-south-1", "ap-east-1"}),
    ("FwoGZXIvYXdzEXAMPLE", "", {"af-south-1"}),
    ("FwoGZXIvYXdzEXAMPLE", "ListRegions:*=denied", set()),
    ("FwoGZXIvYXdzEXAMPLE", "ListRegions:*=html", set()),
    ("of-an-unknown-kind", "ListRegions:*=denied", set()),
]


@pytest.mark.usefixtures("few_regions")
@pytest.mark.parametrize(("token", "fault", "disabled"), TOKENS)
def test_a_region_is_not_enabled_only_where_aws_or_credentials_that_every_region_knows_say_so(
    token: str | None, fault: str, disabled: set[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """af-south-1 is off; ap-east-1 refuses, and account:ListRegions says that it is on."""
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    store.disabled_regions = frozenset({"af-south-1"})
    with fetched(store, regions=("all",), faults=[*filter(None, [fault]), "ListBackupJobs@ap-east-1:*=disabled"]) as (evidence, served):
        unread = {entry.region: entry.reason for entry in evidence.coverage if not entry.complete}
        assert set(unread) == {"af-south-1", "ap-east-1"} - disabled
        assert all("global endpoint of STS" in reason for reason in unread.values())
        assert ("af-south-1" in " ".join(note for note in evidence.not_seen if note.startswith("not enabled"))) is ("af-south-1" in disabled)
        assert bool(evidence.warnings) is bool(unread)
        assert [asked.operation for asked in served.requests].count("ListRegions") <= (token is not None) + 8 * (fault.endswith("html"))


@pytest.mark.usefixtures("few_regions")
def test_a_token_of_the_global_endpoint_reads_no_region_that_has_to_be_enabled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator refuses such a token by itself, where jobs FAILED as well."""
    store.add(ACCOUNT, "ap-east-1", "backup_jobs", [job(1, region="ap-east-1", State="FAILED")])
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE")
    with fetched(store, regions=("all",)) as (evidence, _):
        assert {entry.region for entry in evidence.coverage if not entry.complete} == {"af-south-1", "ap-east-1"}
    monkeypatch.setenv("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLE")
    with fetched(store, regions=("all",)) as (evidence, _):
        assert all(entry.complete for entry in evidence.coverage)
        assert ("backup_jobs", ACCOUNT, "ap-east-1") in seen(evidence)


def test_a_named_region_that_the_token_cannot_read_says_why(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE")
    with pytest.raises(FetchError, match="global endpoint of STS") as caught, fetched(store, regions=("af-south-1",)):
        pass
    assert "sts_regional_endpoints" in caught.value.hint


@pytest.mark.usefixtures("few_regions")
@pytest.mark.parametrize("region", ["us-west-2", HOME])
def test_a_region_that_is_always_enabled_is_never_one_that_is_not(region: str, store: Store) -> None:
    with fetched(store, regions=("all",), faults=[f"ListBackupJobs@{region}:*=disabled"]) as (evidence, _):
        assert [entry.region for entry in evidence.coverage if not entry.complete] == [region]


@pytest.mark.usefixtures("few_regions")
def test_the_keys_of_a_role_are_asked_about_as_the_role(store: Store) -> None:
    store.disabled_regions = frozenset({"af-south-1"})
    with fetched(store, regions=("all",), role_arns=roles(OTHER)) as (evidence, _):
        assert f"not enabled in account {OTHER}, as far as AWS tells: af-south-1" in evidence.not_seen


@pytest.mark.usefixtures("few_regions")
def test_a_declared_region_that_is_not_enabled_is_a_failure(store: Store) -> None:
    plan = FetchPlan(("backup_jobs",), declared_regions=frozenset({"af-south-1"}))
    with fetched(store, plan, regions=("all",), faults=["ListBackupJobs@af-south-1:*=disabled"]) as (evidence, _):
        assert [entry.region for entry in evidence.coverage if not entry.complete] == ["af-south-1"]


def test_a_named_region_that_is_not_enabled_is_a_failure(store: Store) -> None:
    with fetched(store, regions=(HOME, "af-south-1"), faults=["ListBackupJobs@af-south-1:*=disabled"]) as (evidence, _):
        assert [entry.region for entry in evidence.coverage if not entry.complete] == ["af-south-1"]


@pytest.mark.usefixtures("few_regions")
def test_credentials_known_nowhere_fail_the_fetch(store: Store) -> None:
    with pytest.raises(FetchError, match="does not know these credentials"), fetched(store, regions=("all",), faults=["ListBackupJobs:*=disabled"]):
        pass


# --- failures of some places ---


def test_a_region_that_fails_is_incomplete_and_the_others_are_read(store: Store, pauses: list[float]) -> None:
    with fetched(store, regions=(HOME, AWAY), faults=[f"ListBackupJobs@{AWAY}:*=500"]) as (evidence, _):
        entries = {entry.region: entry for entry in evidence.coverage}
        assert entries[HOME].complete
        assert not entries[AWAY].complete
        assert entries[AWAY].reason == "ListBackupJobs, us-east-1, page 1: AWS failed 8 times to answer (500 InternalFailure)"
    assert len(pauses) == 7


def test_a_list_that_fails_leaves_the_other_lists_of_its_place(store: Store) -> None:
    with fetched(store, ALL_LISTS, regions=(HOME, AWAY), faults=[f"ListCopyJobs@{HOME}:*=denied"]) as (evidence, _):
        assert [(entry.dataset, entry.region) for entry in evidence.coverage if not entry.complete] == [("copy_jobs", HOME)]


def test_what_was_read_before_a_failure_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", 2)
    with fetched(store, regions=(HOME, AWAY), faults=[f"ListBackupJobs@{HOME}:3=denied"]) as (evidence, _):
        entries = {entry.region: entry for entry in evidence.coverage}
        assert (entries[HOME].jobs, entries[HOME].complete) == (4, False)
        assert len(evidence.lists["backup_jobs"]) == 4


@pytest.mark.parametrize("plan", [BACKUP, ALL_LISTS])
def test_the_only_place_that_fails_fails_the_fetch(store: Store, plan: FetchPlan) -> None:
    operation = "ListRestoreJobs" if plan is ALL_LISTS else "ListBackupJobs"
    with pytest.raises(FetchError, match=f"backup:{operation} is not allowed"), fetched(store, plan, faults=[f"{operation}:*=denied"]):
        pass


def test_places_that_all_fail_fail_the_fetch(store: Store) -> None:
    with pytest.raises(FetchError, match="and 1 more place failed"), fetched(store, regions=(HOME, AWAY), faults=["*:*=expired"]):
        pass


def test_nothing_is_asked_after_the_failure_of_the_only_place(store: Store) -> None:
    with serve(store, faults=["ListBackupJobs:*=denied"]) as served:
        with pytest.raises(FetchError):
            fetch_jobs(Connection(regions=(HOME,), endpoint_url=served.url), ALL_LISTS, as_of=NOW, now=lambda: NOW)
        assert len(served.requests) == 1


# --- what is covered ---


def only(evidence: FetchedEvidence, dataset: str = "backup_jobs") -> Coverage:
    (entry,) = [entry for entry in evidence.coverage if entry.dataset == dataset]
    return entry


def test_backup_jobs_are_covered_for_29_days_by_observation(store: Store) -> None:
    with fetched(store) as (evidence, served):
        entry = only(evidence)
        assert (entry.start, entry.end) == (NOW - timedelta(days=29), NOW)
        assert (entry.basis, entry.complete) == (Basis.OBSERVED, True)
        assert entry.source == f"ListBackupJobs at {served.url.removeprefix('http://')}"


@pytest.mark.parametrize(
    ("as_of", "start", "end"),
    [
        (NOW - timedelta(days=10), NOW - timedelta(days=29, hours=12), NOW - timedelta(days=10)),
        (NOW + timedelta(seconds=30), NOW - timedelta(days=29) + timedelta(seconds=30), NOW + timedelta(seconds=30)),
        (NOW + timedelta(days=1), NOW - timedelta(days=28), NOW),
        (NOW - timedelta(days=29, hours=20), NOW - timedelta(days=29, hours=20), NOW - timedelta(days=29, hours=20)),
    ],
)
def test_nothing_is_covered_before_the_horizon_nor_after_the_answer(store: Store, as_of: datetime, start: datetime, end: datetime) -> None:
    with fetched(store, as_of=as_of) as (evidence, _):
        assert (only(evidence).start, only(evidence).end) == (start, end)


def test_an_instant_before_the_horizon_fails_the_fetch(store: Store) -> None:
    with pytest.raises(FetchError, match="last 30 days"), fetched(store, as_of=NOW - timedelta(days=30)):
        pass


def test_a_narrowed_fetch_covers_what_it_asked_for(store: Store) -> None:
    since = NOW - timedelta(days=9)
    claim = {"created_after": since, "longest_job": timedelta(days=8)}
    plan = FetchPlan(("backup_jobs", "copy_jobs"), filters={"backup_jobs": {"ByResourceType": "EBS"}}, **claim)  # type: ignore[arg-type]  # of two types
    with fetched(store, plan) as (evidence, served):
        assert {(only(evidence, name).start, only(evidence, name).basis) for name in plan.datasets} == {(since, Basis.ASSERTED)}
        assert "asserted: no job takes longer than 8 d (longest_job), so jobs created before 2026-02-20T12:00:00Z were not asked for" in evidence.not_seen
        before = since - timedelta(seconds=1)
        assert served.requests[0].parameters == {"MaxResults": 1000, "ByCreatedAfter": before, "ByResourceType": "EBS"}
        assert served.requests[1].parameters == {"MaxResults": 1000, "ByCreatedAfter": before}
        assert [record.CopyJobId for record in evidence.lists["copy_jobs"].records] == ["copy-1"]
        assert "narrowed: backup jobs other than those with ByResourceType EBS were not asked for" in evidence.not_seen


def test_a_job_created_at_the_very_start_is_asked_for(store: Store) -> None:
    since = (NOW - timedelta(minutes=2)).replace(microsecond=900_000)
    with fetched(store, FetchPlan(("backup_jobs",), created_after=since)) as (evidence, _):
        assert len(evidence.lists["backup_jobs"]) == 3


def test_a_start_before_the_horizon_is_not_asked_for(store: Store) -> None:
    with fetched(store, FetchPlan(("backup_jobs",), created_after=NOW - timedelta(days=98))) as (evidence, served):
        assert served.requests[0].parameters == {"MaxResults": 1000}
        assert only(evidence).start == NOW - timedelta(days=29)


@pytest.mark.parametrize(("reaches", "reach"), [({}, 30), ({"copy_jobs": NOW - timedelta(days=90)}, 90)])
def test_lists_without_a_horizon_are_read_whole_and_covered_as_far_as_rules_look(store: Store, reaches: dict[str, datetime], reach: int) -> None:
    with fetched(store, FetchPlan(("copy_jobs",), reaches=reaches)) as (evidence, served):
        assert (only(evidence, "copy_jobs").start, only(evidence, "copy_jobs").jobs) == (NOW - timedelta(days=reach), 4)
        assert served.requests[0].parameters == {"MaxResults": 1000}


def test_jobs_that_ended_after_as_of_make_coverage_reconstructed(store: Store) -> None:
    with fetched(store, as_of=NOW - timedelta(minutes=2)) as (evidence, _):
        assert only(evidence).reason == "reconstructed: 1 job ended after as_of"
        assert only(evidence).jobs == 3


@pytest.mark.usefixtures("few_regions")
def test_lists_and_regions_that_were_not_fetched_are_named(store: Store) -> None:
    with fetched(store) as (evidence, _):
        assert evidence.not_seen == ("not fetched: copy jobs and restore jobs; no rule needs them", "not asked: Regions other than eu-west-1")
        assert set(evidence.lists) == {"backup_jobs"}
    with fetched(store, ALL_LISTS, regions=("all",)) as (evidence, _):
        assert evidence.not_seen == ()
        assert list(evidence.lists) == ["backup_jobs", "copy_jobs", "restore_jobs"]


@pytest.mark.parametrize("skew", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_clocks_that_are_five_minutes_apart_are_near_enough(store: Store, skew: timedelta) -> None:
    with fetched(store, skew=skew) as (evidence, _):
        assert (only(evidence).end, evidence.warnings) == (NOW, ())


OFF = [
    (timedelta(minutes=12), "2026-03-01T12:12:00Z: 12 m"),
    (timedelta(hours=-3), "2026-03-01T09:00:00Z: 3 h"),
    (timedelta(days=3), "2026-03-04T12:00:00Z: 3 d"),
]


@pytest.mark.parametrize(("skew", "theirs"), OFF)
@pytest.mark.parametrize("regions", [(HOME,), (HOME, AWAY)])
def test_a_clock_that_is_off_is_refused_with_both_times(skew: timedelta, theirs: str, regions: tuple[str, ...], store: Store) -> None:
    with pytest.raises(LastingError, match=f"clock says 2026-03-01T12:00:00Z and AWS's {theirs} apart"), fetched(store, skew=skew, regions=regions):
        pass


def test_a_clock_is_refused_where_aws_accepts_nothing_that_it_signs() -> None:
    refusal = Answer.of(
        {"message": "Signature expired"},
        403,
        **{"Date": format_datetime(NOW + timedelta(hours=1), usegmt=True), "x-amzn-ErrorType": "InvalidSignatureException"},
    )
    with endpoint([refusal]) as served, pytest.raises(LastingError, match="1 h apart"):
        fetch_jobs(Connection(regions=(REGION,), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW)


@pytest.mark.parametrize("offset", [timedelta(days=-31), timedelta(hours=-5), timedelta(), timedelta(minutes=4), timedelta(days=40)])
def test_no_list_is_covered_beyond_as_of(store: Store, offset: timedelta) -> None:
    plan = ALL_LISTS if offset > timedelta(days=-30) else FetchPlan(("copy_jobs", "restore_jobs"))
    with fetched(store, plan, as_of=NOW + offset) as (evidence, _):
        assert all(entry.start is not None and entry.end is not None and entry.start <= entry.end <= NOW + offset for entry in evidence.coverage)


def test_answers_without_a_date_are_dated_by_this_machine() -> None:
    with endpoint([Answer.of({"BackupJobs": [job(0)]})]) as served:
        evidence = fetch_jobs(Connection(regions=(REGION,), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW)
    assert (only(evidence).start, only(evidence).end, evidence.warnings) == (NOW - timedelta(days=29), NOW, ())


# --- answers as received ---


def test_every_answer_is_kept_as_received(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", 2)
    with fetched(store, FetchPlan(("backup_jobs", "copy_jobs")), regions=(AWAY, HOME), role_arns=roles(OTHER, ACCOUNT)) as (evidence, _):
        assert evidence.pages is not None
        kept = list(evidence.pages)
    order = [(page.dataset, page.account, page.region, page.number) for page in kept]
    assert order == sorted(order, key=str)
    assert {page.account for page in kept} == {ACCOUNT, OTHER}
    ids = [record["BackupJobId"] for page in kept if page.dataset == "backup_jobs" for record in json.loads(page.body)["BackupJobs"]]
    assert sorted(ids) == sorted(record.BackupJobId for record in evidence.lists["backup_jobs"].records)
    assert all(page.date == NOW and page.request_id and page.operation == "List" + page.dataset.title().replace("_", "") for page in kept)


def test_a_body_comes_back_byte_for_byte() -> None:
    body = b'{ "BackupJobs" : [ {"StatusMessage":"\\u00e9 \xc3\xa9"} ] }\r\n'
    with endpoint([Answer(body)]) as served:
        evidence = fetch_jobs(Connection(regions=(REGION,), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW)
    assert evidence.pages is not None
    assert [page.body for page in evidence.pages] == [body]


def test_answers_need_not_be_kept(store: Store) -> None:
    with serve(store) as served:
        assert fetch_jobs(Connection(regions=(HOME,), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW, keep_pages=False).pages is None


def test_answers_that_find_no_room_fail_the_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    store = PageStore()
    monkeypatch.setattr(store._spool._file, "write", full)
    with pytest.raises(FetchError, match="no space left"):
        store.keep(RawPage("backup_jobs", "ListBackupJobs", None, HOME, 1, {}, None, "", b"{}"))
    store.close()


def test_large_answers_go_to_a_file_without_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr("policycheck.sources.raw._IN_MEMORY", 10)
    store = PageStore()
    bodies = [os.urandom(1000) for _ in range(3)]
    for number, body in enumerate(bodies):
        store.keep(RawPage("backup_jobs", "ListBackupJobs", ACCOUNT, HOME, number, {}, None, "", body))
    assert [page.body for page in store] == bodies
    assert list(folder.iterdir()) == []
    store.close()


# --- progress, threads, interruption ---


def test_progress_is_told_after_each_page_in_the_calling_thread(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", 2)
    told: list[Progress] = []
    threads: set[threading.Thread] = set()

    def note(progress: Progress) -> None:
        told.append(progress)
        threads.add(threading.current_thread())

    with serve(store) as served:
        fetch_jobs(Connection(regions=(HOME, AWAY), endpoint_url=served.url), BACKUP, as_of=NOW, progress=note, now=lambda: NOW)
    assert threads == {threading.current_thread()}
    assert [(each.pages, each.places) for each in told] == [(number, 2) for number in range(1, 5)]
    assert told[-1].jobs == 5
    assert told[0].done < 2


@pytest.mark.usefixtures("few_regions")
def test_a_fetch_is_the_same_whatever_the_threads_do(store: Store) -> None:
    places: dict[str, Any] = {"regions": ("all",), "role_arns": roles(ACCOUNT, OTHER)}
    with fetched(store, ALL_LISTS, **places) as (first, _), fetched(store, ALL_LISTS, **places) as (second, _):
        bare = [[(entry.dataset, entry.account, entry.region, entry.start, entry.jobs) for entry in each.coverage] for each in (first, second)]
        assert bare[0] == bare[1]
        assert first.lists == second.lists


def fetch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("policycheck-fetch")]


@pytest.mark.parametrize("regions", [(HOME,), (HOME, AWAY), ("all",)])
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_fetch_leaves_no_thread_and_asks_for_nothing_more(store: Store, regions: tuple[str, ...], error: type[BaseException]) -> None:
    def stop(_: Progress) -> None:
        raise error

    with serve(store) as served:
        with pytest.raises(error):
            fetch_jobs(Connection(regions=regions, endpoint_url=served.url), BACKUP, as_of=NOW, progress=stop, now=lambda: NOW)
        for thread in fetch_threads():
            thread.join(5)
        assert fetch_threads() == []
        assert len(served.requests) <= 2 * THREADS


def test_a_bug_in_a_thread_is_a_bug_of_the_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.sources.places.merge_sources", lambda _: 1 / 0)
    with serve(store) as served, pytest.raises(ZeroDivisionError):
        fetch_jobs(Connection(regions=(HOME, AWAY), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW)


INTERRUPTED = """
import signal, sys
from datetime import datetime, UTC
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import FetchPlan
# A process started in the background may have been told to ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    fetch_jobs(Connection(regions=tuple(sys.argv[2:]), endpoint_url=sys.argv[1]), FetchPlan(("backup_jobs",)), as_of=datetime.now(UTC))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("regions", [(HOME,), (HOME, AWAY, "eu-central-1", "eu-north-1", "us-west-2")], ids=["one place", "five places"])
def test_an_interrupt_while_aws_is_silent_ends_the_process_within_a_second(regions: tuple[str, ...], tmp_path: Path) -> None:
    # The best of a few, since the machine may be busy with something else.
    assert any(interrupt(regions, tmp_path) < 1 for _ in range(3))


def interrupt(regions: tuple[str, ...], folder: Path) -> float:
    """Seconds from an interrupt, sent when every thread waits for an answer, to the end of the process, which leaves nothing behind."""
    asked, release = threading.Event(), threading.Event()

    def never(number: int, _: object) -> Answer:
        if number + 1 == min(len(regions), THREADS):
            asked.set()
        release.wait(30)
        return Answer(b"")

    before = sorted(folder.iterdir())
    with endpoint(never) as served:
        command = [sys.executable, "-c", INTERRUPTED, served.url, *regions]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TMPDIR": str(folder)}, stderr=subprocess.PIPE, text=True) as process:
            assert asked.wait(30)
            start = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=30)
            took = time.monotonic() - start
        release.set()
    assert (process.returncode, stderr) == (130, "")
    assert sorted(folder.iterdir()) == before
    return took


@pytest.mark.slow
def test_fifty_thousand_jobs_are_fetched_and_judged_in_400_mb(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("policy: p\ntitle: P\nrules:\n  - {id: a, rule: no FAILED jobs within 7d}\n  - {id: b, rule: IAM role must contain AWSBackup}\n")
    code = """
import sys
from datetime import datetime
from pathlib import Path
from policycheck.engine.backends.registry import open_engine
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import plan_fetch
as_of = datetime.fromisoformat(sys.argv[3])
policies = load_policies([(Path(sys.argv[2]), "p.yaml")], {})
evidence = fetch_jobs(Connection(regions=("eu-west-1",), endpoint_url=sys.argv[1]), plan_fetch(policies, as_of), as_of=as_of, now=lambda: as_of)
result = run(policies, evidence, as_of=as_of, fail_on=None, backend=open_engine())
# Of this program alone: what getrusage says holds the peak of the process that started it.
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(result.jobs, sum(rule.examined for rule in result.rules), peak)
"""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.sources.loopback", "50000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        done = subprocess.run([sys.executable, "-c", code, url, str(policy), NOW.isoformat()], capture_output=True, text=True, check=True, cwd=ROOT)
        server.communicate()
    jobs, examined, kilobytes = map(int, done.stdout.split())
    print(f"{kilobytes // 1024} MB")
    assert (jobs, examined > 50_000) == (50_000, True)
    assert kilobytes <= 400 * 1024


def test_sessions_are_made_by_boto3_alone() -> None:
    """The fixtures of these tests replace what boto3 reads; were sessions made otherwise, they would read somebody's own."""
    assert boto3.Session().get_credentials().access_key == ACCOUNT
    with endpoint(pages([job(0)], 10)) as served:
        evidence = fetch_jobs(Connection(regions=(REGION,), endpoint_url=served.url), BACKUP, as_of=NOW, now=lambda: NOW)
    assert len(evidence.lists["backup_jobs"]) == 1
