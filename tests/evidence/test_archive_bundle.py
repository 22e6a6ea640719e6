"""Bundles of archives: verified without the archive, and evaluated by the script alone, whatever the fetches saw of a job."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.engine.backends.registry import open_engine
from policycheck.errors import UsageError
from policycheck.evidence.bundle import ReadFile, RunInputs, write_bundle
from policycheck.evidence.surroundings import look_around
from policycheck.evidence.verification import Verification, verify
from policycheck.pipeline import run
from policycheck.result import Severity, Verdict
from policycheck.sources.archive.kept import ArchiveEvidence
from policycheck.sources.raw import FileStore
from tests.evidence.bundles import forged, packed, run_script, unpack_into, unpacked
from tests.sources.archive.conftest import DAY, Kept, keep, kept, running, store, write_policy  # noqa: F401 - fixtures
from tests.sources.conftest import aws, no_aws  # noqa: F401 - fixtures
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

HOUR = timedelta(hours=1)
RULES = (
    "no FAILED jobs within 7d",
    "every resource must have a clean job within 26h",
    "no jobs with Duration more than 10h",
    "at least 50% of jobs must be COMPLETED within 7d",
    "no RUNNING jobs within 50d",
)


def change(archived: Kept, number: int, **members: object) -> None:
    archived.store.change(ACCOUNT, REGION, "backup_jobs", job(number)["BackupJobId"], members)


def bundle(archived: Kept, path: Path, as_of: datetime | None = None, rules: tuple[str, ...] = RULES) -> list[Verdict]:
    """Write a bundle of a check of the archive; the verdicts."""
    file, instant = archived.folder.parent / "policy.yaml", as_of or archived.store.clock.now()
    policies = write_policy(file, *rules)
    evidence = archived.read(policies, instant)
    result = run(policies, evidence, as_of=instant, fail_on=Severity.LOW, backend=open_engine(), answers=True)
    write_bundle(path, RunInputs(policies=[ReadFile("policy.yaml", file.read_bytes())]), policies, evidence, result, FileStore(), look_around())
    return [rule.verdict for rule in result.rules]


def verified(path: Path) -> Verification:
    found = verify(path)
    assert (found.damage, found.differing, found.verdicts_agree, found.script_agrees) == ([], [], True, True)
    return found


@pytest.fixture
def seen_twice(kept: Kept) -> Kept:  # noqa: F811
    """A job that ran when it was first seen and failed later, and a new one."""
    kept.fetch()
    kept.store.clock.advance(DAY)
    change(kept, 60, State="FAILED", CompletionDate=NOW + HOUR)
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(-1400)])
    kept.fetch()
    return kept


def test_a_bundle_verifies_without_the_archive_and_the_script_alone_agrees(seen_twice: Kept, tmp_path: Path) -> None:
    path = tmp_path / "e.zip"
    assert bundle(seen_twice, path)[0] is Verdict.FAIL
    shutil.rmtree(seen_twice.folder)
    verified(path)
    files = unpacked(path)
    (records,) = (json.loads(files[name])["BackupJobs"] for name in files if name.startswith("archive/0001"))
    # Of the two observations of the job the one that counts.
    assert [record["State"] for record in records if record["BackupJobId"] == job(60)["BackupJobId"]] == ["FAILED"]
    assert [row["complete"] for row in json.loads(files["archive/fetches.json"])] == [True, True]
    done = run_script(unpack_into(tmp_path / "unpacked", files))
    assert (done.returncode, "This agrees with result.json: 5 rules" in done.stdout) == (0, True)


def test_as_of_an_earlier_time_it_holds_what_was_seen_by_then(seen_twice: Kept, tmp_path: Path) -> None:
    assert bundle(seen_twice, tmp_path / "e.zip", NOW)[0] is Verdict.PASS
    verified(tmp_path / "e.zip")


def test_how_a_job_ended_that_aws_lists_no_more_stays_unknown(keep: Callable[..., Kept], tmp_path: Path) -> None:  # noqa: F811
    kept = keep("DescribeBackupJob:*=denied")  # noqa: F811
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(28 * 1440)])
    kept.fetch()
    kept.store.clock.advance(3 * DAY)
    change(kept, 60, State="COMPLETED", CompletionDate=NOW)
    change(kept, 28 * 1440, State="FAILED", CompletionDate=NOW)
    kept.fetch()
    assert bundle(kept, tmp_path / "e.zip")[0] is Verdict.INCONCLUSIVE
    verified(tmp_path / "e.zip")
    (source,) = json.loads(unpacked(tmp_path / "e.zip")["reperform.json"])["sources"]
    assert [members for _, members in source["unknown"]] == [["CompletionDate", "State"]]


@pytest.mark.parametrize("changed", ["records", "fetches", "known", "many"])
def test_a_bundle_that_was_changed_does_not_verify(changed: str, seen_twice: Kept, tmp_path: Path) -> None:
    path = tmp_path / "e.zip"
    bundle(seen_twice, path)
    before = unpacked(path)
    files = dict(before)
    name = next(name for name in files if name.startswith("archive/0001"))
    if changed == "records":
        files[name] = files[name].replace(b'"FAILED"', b'"COMPLETED"')
    elif changed == "fetches":
        text = files["archive/fetches.json"].decode()
        files["archive/fetches.json"] = text.replace('"complete": true', '"complete": false').encode()
    else:
        manifest = json.loads(files["bundle.json"])
        manifest["archive"]["regions"][0]["until"] = [[0, 10**15 if changed == "many" else 12]]
        files["bundle.json"] = json.dumps(manifest, indent=1, sort_keys=True).encode()
    assert files != before
    found = verify(packed(path, forged(before, files)))
    assert (found.damage, bool(found.differing)) == ([], True)


def test_records_that_do_not_say_which_job_they_show_make_no_bundle(seen_twice: Kept, tmp_path: Path) -> None:
    policies = write_policy(tmp_path / "policy.yaml", *RULES)
    evidence = seen_twice.read(policies)
    assert isinstance(evidence, ArchiveEvidence)
    result = run(policies, evidence, as_of=NOW, fail_on=None, backend=open_engine(), answers=True)
    with pytest.raises(UsageError, match="a bundle cannot hold this archive: some records have no job ID"):
        write_bundle(tmp_path / "e.zip", RunInputs(policies=[]), policies, replace(evidence, regions=None), result, FileStore(), look_around())


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_fetches_saw_and_whenever_it_is_checked_all_agree(seed: int, kept: Kept, tmp_path: Path) -> None:  # noqa: F811
    chance, number = random.Random(seed), 100_000
    fetched, opened = [], list[int]()
    for _ in range(25):
        for one in list(opened):
            if chance.random() < 0.5:
                opened.remove(one)
                change(kept, one, State=chance.choice(("COMPLETED", "FAILED", "ABORTED")), CompletionDate=kept.store.clock.now() - chance.random() * HOUR)
        for _ in range(chance.randrange(1, 5)):
            number += 1
            created = kept.store.clock.now() - (1 + chance.random()) * HOUR
            members: dict[str, Any] = {"CreationDate": created, "InitiationDate": created, "StartBy": created + HOUR}
            if chance.random() < 0.5:
                opened.append(number)
                kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(number, **members)])
            else:
                ended: dict[str, Any] = {"State": chance.choice(("COMPLETED", "FAILED")), "CompletionDate": created + HOUR}
                kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(number, **members, **ended)])
        if chance.random() < 0.8:
            kept.fetch()
            fetched.append(kept.store.clock.now())
        kept.store.clock.advance(timedelta(hours=chance.choice((6, 12, 24, 24, 48, 200))))
    for _ in range(8):
        bundle(kept, tmp_path / "e.zip", chance.choice(fetched) + timedelta(minutes=chance.choice((-600, 0, 3, 600))))
        verified(tmp_path / "e.zip")
