"""Checks over an archive: jobs as they stood, what is read for it, and nothing that was lost looks like a pass."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from policycheck.records import iso
from policycheck.result import Verdict
from policycheck.sources.archive import reading
from tests.sources.archive.conftest import DAY, Kept, running, write_policy
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

HOUR = timedelta(hours=1)
STUCK = job(60)["BackupJobId"]


def change(kept: Kept, number: int, **members: object) -> None:
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(number)["BackupJobId"], members)


def state_at(kept: Kept, hours: float) -> tuple[str, str]:
    evidence = kept.read(as_of=NOW + hours * HOUR)
    (record,) = (record for record in evidence.lists["backup_jobs"].records if record.BackupJobId == STUCK)
    return record.State, record.PercentDone


def test_a_check_as_of_an_earlier_time_sees_jobs_as_they_were_seen_by_then(kept: Kept) -> None:
    kept.fetch()
    for hours, members in ((1, {"PercentDone": "50.0"}), (1, {"State": "FAILED", "CompletionDate": NOW + 1.5 * HOUR, "PercentDone": "60.0"})):
        kept.store.clock.advance(hours * HOUR)
        change(kept, 60, **members)
        kept.fetch()
    assert [state_at(kept, hours) for hours in (0, 1, 1.2, 2)] == [("RUNNING", "1.0"), ("RUNNING", "50.0"), ("RUNNING", "50.0"), ("FAILED", "60.0")]
    # It had failed by then, although it was seen later.
    assert state_at(kept, 1.8) == ("FAILED", "60.0")
    rule = "no FAILED jobs within 1d"
    assert [kept.check(rule, as_of=NOW + hours * HOUR)[0].verdict for hours in (1, 1.4, 1.8)] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


def test_a_job_created_later_is_none(kept: Kept) -> None:
    kept.fetch()
    kept.store.clock.advance(DAY)
    change(kept, 60, State="COMPLETED", CompletionDate=NOW)
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(-60)])
    kept.fetch()
    assert [len(kept.read(as_of=NOW + hours * HOUR).lists["backup_jobs"]) for hours in (0, 24)] == [10, 11]
    assert kept.read(as_of=NOW).warnings == ()


def test_between_two_fetches_all_is_covered_and_after_the_last_nothing(kept: Kept) -> None:
    kept.fetch()
    kept.store.clock.advance(DAY)
    change(kept, 60, State="COMPLETED", CompletionDate=NOW)
    kept.fetch()
    rule = "no FAILED jobs within 10d"
    found = [kept.check(rule, as_of=NOW + hours * HOUR)[0] for hours in (13, 24, 24.05, 25)]
    assert [one.verdict for one in found] == [Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.INCONCLUSIVE]
    assert f"is covered only to {iso(NOW + DAY)}, but the window ends at {iso(NOW + 25 * HOUR)}" in str(found[-1].reason)


def test_a_window_of_a_day_reads_the_days_it_needs(kept: Kept) -> None:
    """A job that was created 20 days ago and ended today is in the window."""
    change(kept, 60, State="COMPLETED", CompletionDate=NOW)
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(20 * 1440, State="FAILED", CompletionDate=(NOW - HOUR).timestamp())])
    kept.fetch()
    kept.store.clock.advance(HOUR)
    kept.fetch()
    policies = write_policy(kept.folder.parent / "policy.yaml", "no FAILED jobs within 1d")
    (note,) = (note for note in kept.read(policies).not_seen if note.startswith("archive:"))
    assert re.search(r"read 2 of 9 days, [\d.]+ kB of [\d.]+ kB; jobs that had ended before 2026-02-28T13:00:00Z were omitted", note)
    (rule,) = kept.check("no FAILED jobs within 1d")
    assert len(rule.findings) == 1
    assert [rule.verdict for rule in kept.check("every resource must have a COMPLETED job within 1d")] == [Verdict.FAIL]


def test_the_validation_of_a_restore_test_is_as_it_was_known_by_then(kept: Kept) -> None:
    restore = {
        "AccountId": ACCOUNT, "RestoreJobId": "r1", "BackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod",
        "CreationDate": NOW - 2 * HOUR, "CompletionDate": NOW - HOUR, "Status": "COMPLETED", "ValidationStatus": "VALIDATING",
        "SourceResourceArn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/v", "RecoveryPointArn": "arn:aws:ec2:eu-west-1::snapshot/s",
        "ResourceType": "EBS", "PercentDone": "100.0", "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
    }  # fmt: skip
    kept.store.add(ACCOUNT, REGION, "restore_jobs", [restore])
    for word in (None, "SUCCESSFUL", "FAILED"):
        if word:
            kept.store.clock.advance(HOUR)
            kept.store.change(ACCOUNT, REGION, "restore_jobs", "r1", {"ValidationStatus": word})
        kept.fetch("restore_jobs")
    at = {
        hours: kept.check("at least 99% of restore jobs must have ValidationStatus SUCCESSFUL within 1d", as_of=NOW + hours * HOUR)
        for hours in (0.5, 1, 1.5, 2)
    }
    # When it was decided between two fetches is not known; what was decided by then counts.
    assert [rule.verdict for (rule,) in at.values()] == [Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.PASS, Verdict.FAIL]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_what_is_left_unread_changes_no_verdict(seed: int, keep: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch) -> None:
    """Months of jobs, fetched now and then, with a long gap in between: rules in windows say the same of what is read and of all there is."""
    kept, chance, number = keep(), random.Random(seed), 100_000
    fetched, opened = [], list[int]()
    for step in range(40):
        pause = timedelta(days=36) if step == 20 else timedelta(hours=chance.choice((6, 12, 24, 24, 48)))
        for one in list(opened):
            if chance.random() < 0.5:
                opened.remove(one)
                end = kept.store.clock.now() - chance.random() * HOUR
                change(kept, one, State=chance.choice(("COMPLETED", "FAILED", "ABORTED")), CompletionDate=end)
        for _ in range(chance.randrange(1, 5)):
            number += 1
            created = kept.store.clock.now() - (1 + chance.random()) * HOUR
            members: dict[str, Any] = {"CreationDate": created, "InitiationDate": created, "StartBy": created + HOUR}
            if chance.random() < 0.5:
                opened.append(number)
                kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(number, **members)])
            else:
                state = chance.choice(("COMPLETED", "FAILED"))
                kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(number, **members, State=state, CompletionDate=created + HOUR)])
        if chance.random() < 0.8:
            kept.fetch()
            fetched.append(kept.store.clock.now())
        kept.store.clock.advance(pause)
    rules = ("no FAILED jobs within 24h", "no ABORTED jobs within 7d", "no RUNNING jobs within 50d")
    for _ in range(15):
        as_of = chance.choice(fetched) + timedelta(minutes=chance.choice((0, 3, 600)))
        some = kept.check(*rules, as_of=as_of)
        with monkeypatch.context() as patch:
            patch.setattr(reading, "reach_back", lambda policies, as_of: None)
            everything = kept.check(*rules, as_of=as_of)
        assert [(one.verdict, [finding.jobs for finding in one.findings]) for one in some] == [
            (one.verdict, [finding.jobs for finding in one.findings]) for one in everything
        ]


def test_what_was_seen_at_one_moment_is_merged(kept: Kept) -> None:
    kept.fetch()
    change(kept, 60, PercentDone="50.0")
    kept.fetch()
    evidence = kept.read()
    assert len(evidence.lists["backup_jobs"]) == 10
    assert state_at(kept, 0) == ("RUNNING", "50.0")
    assert sorted(evidence.lists["backup_jobs"].values("PercentDone"))[-1] == "50.0"
    assert kept.check("no RUNNING jobs within 1d")[0].findings[0].jobs == (STUCK,)


def test_a_record_that_does_not_say_its_resource_is_read_with_care(kept: Kept) -> None:
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(9, ResourceArn=None), job(8, State="FAILED")])
    kept.fetch()
    evidence = kept.read()
    assert (len(evidence.lists["backup_jobs"]), evidence.coverage[0].jobs) == (12, 12)
    assert [len(rule.findings) for rule in kept.check("no FAILED jobs within 1d")] == [1]
