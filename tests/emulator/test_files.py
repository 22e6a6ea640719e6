"""Seeding from saved answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.emulator.organization import write
from policycheck.emulator.store import Store
from policycheck.errors import JobFileError
from tests.emulator.jobs import MANAGEMENT, REGION, job
from tests.samples import AS_OF, sample

SAVED = {**job(1), "CreationDate": "2020-09-21T13:58:12.929000-07:00", "NewMember": 1}


def saved(path: Path, content: Any) -> Path:
    file = path / "jobs.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


@pytest.mark.parametrize("date", [1600721892.929, "2020-09-21T20:58:12.929Z", "2020-09-21 13:58:12.929000-07:00"])
def test_times_as_any_client_saves_them_are_the_same_time(tmp_path: Path, date: object) -> None:
    store = Store.of_files([saved(tmp_path, {"BackupJobs": [{**SAVED, "CreationDate": date}]})])
    assert store.describe(MANAGEMENT, REGION, "job-00001")["CreationDate"] == 1600721892.929


def test_members_the_model_does_not_have_are_left_out_and_old_jobs_stay_in_sight(tmp_path: Path) -> None:
    store = Store.of_files([saved(tmp_path, [{"BackupJobs": [SAVED]}, {"CopyJobs": []}])])
    page = store.page(BACKUP_JOBS, MANAGEMENT, REGION, {}, after=None, limit=10)
    assert ["NewMember" in record.fields for record in page.records] == [False]


def test_account_and_region_come_from_the_arns_and_else_from_the_caller(tmp_path: Path) -> None:
    bare = {"BackupJobId": "bare", "ResourceArn": "arn:aws:s3:::bucket"}
    store = Store.of_files([saved(tmp_path, {"BackupJobs": [SAVED, bare]})], account="333333333333", region="us-east-1")
    assert store.accounts == (MANAGEMENT, "333333333333")
    assert store.describe("333333333333", "us-east-1", "bare")["ResourceArn"] == "arn:aws:s3:::bucket"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"BackupJobs": [{"BackupSizeInBytes": NaN}]}', "not JSON"),
        ({"Jobs": []}, "not a job list"),
        ([], "not a job list"),
        ([1], "not a job list"),
        ({"BackupJobs": {}}, "not a list of jobs"),
        ({"BackupJobs": [1]}, "not a list of jobs"),
        ({"BackupJobs": [{"State": "FAILED"}]}, "without BackupJobId"),
        ({"BackupJobs": [{**SAVED, "CreationDate": "then"}]}, "not a time"),
        ({"BackupJobs": [{"BackupJobId": "bare"}]}, "do not name an account and a Region"),
    ],
)
def test_a_file_that_is_no_seed_is_refused_by_name(tmp_path: Path, content: Any, problem: str) -> None:
    with pytest.raises(JobFileError, match=problem) as caught:
        Store.of_files([saved(tmp_path, content)])
    assert "jobs.json" in caught.value.place


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobFileError, match="cannot be read"):
        Store.of_files([tmp_path / "nothing.json"])


def test_the_files_of_the_sample_organization_seed_the_same_jobs(tmp_path: Path) -> None:
    made = sample(AS_OF)
    direct, read = Store.of_organization(made), Store.of_files(write(made, tmp_path))
    for (account, region), records in made.backup_jobs.items():
        for record in records:
            job_id = str(record["BackupJobId"])
            assert read.describe(account, region, job_id) == direct.describe(account, region, job_id)
