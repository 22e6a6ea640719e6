"""A fetch that was kept gives the same evidence again: lists, observed coverage, and what was not seen."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import serve
from policycheck.emulator.store import Store
from policycheck.errors import EvidenceError, FetchError
from policycheck.sources.aws import FetchedEvidence, fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.fetched import FetchRecord, KeptPage, replay
from policycheck.sources.pages import read_page
from policycheck.sources.places import join_pages
from policycheck.sources.plan import FetchPlan
from tests.cli.conftest import job


@pytest.fixture
def fetched(aws: object, monkeypatch: pytest.MonkeyPatch) -> FetchedEvidence:
    """Three jobs on two pages in one Region, none in another."""
    now = datetime.now(UTC).replace(microsecond=0)
    store = Store(Clock(now, running=True), management="111122223333")
    times = {"CreationDate": now - timedelta(hours=2), "CompletionDate": now - timedelta(hours=1), "StartBy": now}
    store.add("111122223333", "eu-west-1", "backup_jobs", [{**job(number), **times} for number in range(3)])
    monkeypatch.setattr("policycheck.sources.pages.PAGE_SIZE", 2)
    with serve(store) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        return fetch_jobs(Connection(regions=("eu-west-1", "us-east-1")), FetchPlan(("backup_jobs",)), as_of=now, identify=True)


def pages_of(evidence: FetchedEvidence) -> list[list[KeptPage]]:
    assert evidence.pages is not None and evidence.record is not None
    kept = list(evidence.pages)
    return [[KeptPage(str(page.number), page.body) for page in kept if page.region == one.region] for one in evidence.record.lists]


def test_what_was_kept_gives_the_same_evidence_without_asking_again(fetched: FetchedEvidence) -> None:
    pages = pages_of(fetched)
    assert list(map(len, pages)) == [2, 1]
    record = msgspec.json.decode(msgspec.json.encode(fetched.record), type=FetchRecord)
    assert record == fetched.record
    assert record.caller is not None
    again = replay(record, pages.__getitem__)
    assert (again.coverage, again.not_seen, again.warnings) == (fetched.coverage, fetched.not_seen, fetched.warnings)
    assert {entry.basis.value for entry in again.coverage} == {"observed"}
    assert list(again.lists["backup_jobs"].records) == list(fetched.lists["backup_jobs"].records)


def test_a_lost_page_is_an_error(fetched: FetchedEvidence) -> None:
    assert fetched.record is not None
    pages = pages_of(fetched)
    with pytest.raises(EvidenceError, match="there are 1 answers, and 2 were received"):
        replay(fetched.record, lambda number: pages[number][:1])


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"BackupJobs": [{"CreationDate": "yesterday"}]}', b"[" * 100_000])
def test_what_is_no_page_is_an_error(body: bytes) -> None:
    with pytest.raises(FetchError):
        read_page(BACKUP_JOBS, body, "page 1")


def test_an_end_before_the_beginning_is_unknown_in_a_fetched_list_too() -> None:
    wrong = job(1, CreationDate="2026-11-20T03:00:00Z", CompletionDate="2026-11-20T02:00:00Z")
    jobs = join_pages(BACKUP_JOBS, [read_page(BACKUP_JOBS, json.dumps({"BackupJobs": [one]}).encode(), "") for one in (job(2), wrong)])
    (row,) = (row for row, record in enumerate(jobs.records) if record.BackupJobId == "j1")
    assert jobs.records[row].CompletionDate is None
    assert not jobs.known_missing(row, "CompletionDate")
