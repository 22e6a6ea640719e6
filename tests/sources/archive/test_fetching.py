"""Fetching into an archive: what is asked for, what is written, and what a check then sees."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from policycheck.emulator.store import Store
from policycheck.errors import LastingError
from policycheck.records import iso
from policycheck.result import Verdict
from policycheck.sources.archive.fetches import read_fetches
from policycheck.sources.aws import fetch_jobs
from policycheck.sources.connection import Connection
from policycheck.sources.plan import FetchPlan
from tests.sources.archive.conftest import DAY, Kept, running
from tests.sources.loopback import ACCOUNT, NOW, OTHER, REGION, job

HOUR = timedelta(hours=1)


def end(store: Store, number: int, state: str = "COMPLETED") -> None:
    store.change(ACCOUNT, REGION, "backup_jobs", job(number)["BackupJobId"], {"State": state, "CompletionDate": store.clock.now()})


def states(kept: Kept) -> dict[str, str]:
    return {record.BackupJobId: record.State for record in kept.read().lists["backup_jobs"].records}


def test_a_second_fetch_asks_from_the_oldest_job_in_progress_and_writes_what_is_new(kept: Kept) -> None:
    assert kept.fetch().added == 10
    kept.store.clock.advance(HOUR)
    end(kept.store, 60)
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(-30)])
    second = kept.fetch()
    assert (second.jobs, second.added) == (2, 2)
    assert kept.asked == [None, NOW - HOUR - timedelta(seconds=1)]
    assert states(kept)[job(60)["BackupJobId"]] == "COMPLETED"
    kept.store.clock.advance(HOUR)
    kept.fetch()
    assert kept.asked[-1] == NOW + HOUR - timedelta(minutes=15, seconds=1)


def test_a_check_over_the_archive_reads_what_a_live_fetch_reads(kept: Kept) -> None:
    kept.fetch()
    kept.store.clock.advance(HOUR)
    end(kept.store, 60)
    kept.fetch()
    live = fetch_jobs(
        Connection(regions=(REGION,), endpoint_url=kept.served.url),
        FetchPlan(("backup_jobs",)),
        as_of=kept.store.clock.now(),
        keep_pages=False,
        now=kept.store.clock.now,
    )
    evidence = kept.read()
    key = lambda record: record.BackupJobId  # noqa: E731 - short and used twice
    assert sorted(evidence.lists["backup_jobs"].records, key=key) == sorted(live.lists["backup_jobs"].records, key=key)
    (mine,), (theirs,) = evidence.coverage, live.coverage
    assert (mine.account, mine.region, mine.basis, mine.end, mine.jobs, mine.complete) == (
        theirs.account,
        theirs.region,
        theirs.basis,
        theirs.end,
        theirs.jobs,
        True,
    )
    assert mine.start is not None and theirs.start is not None
    assert mine.start < theirs.start


def test_forty_days_without_a_fetch_are_a_gap_that_is_named(kept: Kept) -> None:
    kept.fetch()
    kept.store.clock.advance(40 * DAY)
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(-40 * 1440 + 60)])
    kept.fetch()
    # The second fetch lists 30 days; its edge is not believed.
    begins = NOW + 11 * DAY
    assert f"gap: no fetch covers the backup jobs of {ACCOUNT}/{REGION} from {iso(NOW)} to {iso(begins)}" in kept.read().not_seen
    day, month = kept.check("no FAILED jobs within 1d", "no FAILED jobs within 45d")
    assert (day.verdict, month.verdict) == (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert f"not covered from {iso(NOW)} to {iso(begins)}" in str(month.reason)


def test_a_job_that_aws_lists_no_more_is_described(kept: Kept) -> None:
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(28 * 1440)])
    kept.fetch()
    kept.store.clock.advance(3 * DAY)
    end(kept.store, 28 * 1440, "FAILED")
    kept.fetch()
    (rule,) = kept.check("no FAILED jobs within 1d")
    assert [finding.jobs for finding in rule.findings] == [(job(28 * 1440)["BackupJobId"],)]


def test_how_a_job_ended_that_is_neither_listed_nor_described_is_unknown(keep: Callable[..., Kept]) -> None:
    kept = keep("DescribeBackupJob:*=denied")
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(28 * 1440)])
    kept.fetch()
    kept.store.clock.advance(3 * DAY)
    end(kept.store, 60)
    end(kept.store, 28 * 1440, "FAILED")
    assert "AWS lists no more is not known" in kept.fetch().warnings[-1]
    (rule,) = kept.check("no FAILED jobs within 1d")
    assert rule.verdict is Verdict.INCONCLUSIVE
    assert any("in progress when AWS last listed" in note and job(28 * 1440)["BackupJobId"] in note for note in kept.read().not_seen)


def test_a_fetch_that_fails_covers_nothing_and_says_why(keep: Callable[..., Kept]) -> None:
    kept = keep("ListBackupJobs:2=denied")
    kept.fetch()
    kept.store.clock.advance(DAY)
    with pytest.raises(LastingError, match="access denied"):
        kept.fetch()
    assert [(row.complete, "access denied" in row.error) for row in read_fetches(kept.archive)] == [(True, False), (False, True)]
    (rule,) = kept.check("no FAILED jobs within 1d")
    assert rule.verdict is Verdict.INCONCLUSIVE
    assert any(note.startswith("failed: the fetch of") and "access denied" in note for note in kept.read().not_seen)
    end(kept.store, 60)
    kept.fetch()
    assert [rule.verdict for rule in kept.check("no FAILED jobs within 29d")] == [Verdict.PASS]


def test_one_region_that_fails_leaves_the_others(keep: Callable[..., Kept], store: Store) -> None:
    store.add(OTHER, "us-east-1", "backup_jobs", [job(5, account=OTHER, region="us-east-1")])
    roles = [f"arn:aws:iam::{account}:role/Audit" for account in (ACCOUNT, OTHER)]
    kept = keep(f"ListBackupJobs@{OTHER}:*=denied", role_arns=tuple(roles), regions=(REGION, "us-east-1"))
    done = kept.fetch()
    assert {(row.account, row.region, row.complete) for row in done.rows} == {
        (account, region, account == ACCOUNT) for account in (ACCOUNT, OTHER) for region in (REGION, "us-east-1")
    }
    assert {(entry.account, entry.region): entry.complete for entry in kept.read().coverage} == {(row.account, row.region): row.complete for row in done.rows}


def test_other_credentials_are_another_asker(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.store.add(OTHER, REGION, "backup_jobs", [job(5, account=OTHER)])
    kept.fetch()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OTHER)
    kept.fetch()
    assert kept.asked == [None, None]
    assert {entry.account: entry.jobs for entry in kept.read().coverage} == {ACCOUNT: 10, OTHER: 1}


def test_the_organization_s_accounts_stay_covered_where_they_are_silent(keep: Callable[..., Kept], store: Store) -> None:
    store.add(OTHER, REGION, "backup_jobs", [job(500, account=OTHER)])
    kept = keep(account_id="*")
    kept.fetch()
    store.clock.advance(DAY)
    store.add(ACCOUNT, REGION, "backup_jobs", [job(-1000)])
    end(store, 60)
    kept.fetch()
    assert {entry.account: entry.end for entry in kept.read().coverage} == dict.fromkeys((ACCOUNT, OTHER), store.clock.now())


def test_a_fetch_that_wrote_rows_and_was_killed_covers_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    from policycheck.sources.archive.tables import Archive

    class Killed(BaseException):
        pass

    append = Archive.append

    def die(archive: Archive, table: str, rows: object) -> int:
        if table == "fetches":
            raise Killed
        return append(archive, table, rows)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Archive, "append", die)
        kept.fetch()
    assert kept.read().lists == {}
    again = kept.fetch()
    # What had ended was written before; a job in progress is written at each sight.
    assert (again.jobs, again.added) == (10, 1)
    assert len(kept.read().lists["backup_jobs"]) == 10


def test_no_credential_and_no_account_s_key_is_in_the_archive(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {"AWS_SECRET_ACCESS_KEY": "SECRETMARK0001", "AWS_SESSION_TOKEN": "TOKENMARK0002"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    kept.fetch("backup_jobs", "copy_jobs", "restore_jobs")
    files = [path.read_bytes() for path in kept.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [mark for mark in secrets.values() for data in files if mark.encode() in data]
    (row, *_) = read_fetches(kept.archive)
    assert ACCOUNT in str(row.caller) and row.tool.startswith("policycheck ") and '"MaxResults": 1000' in row.parameters


def test_times_that_cannot_be_stay_as_aws_said_them(kept: Kept) -> None:
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(7, CompletionDate=0), job(8, InitiationDate=(NOW - DAY).timestamp())])
    kept.fetch()
    jobs = kept.read().lists["backup_jobs"]
    found = {jobs.records[row].BackupJobId: members for row, members in jobs.unusable.items()}
    assert found == {job(7)["BackupJobId"]: {"CompletionDate"}, job(8)["BackupJobId"]: {"InitiationDate"}}
