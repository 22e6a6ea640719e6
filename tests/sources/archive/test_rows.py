"""Of an archive only the rows that count are read, and which they are depends on their keys alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from policycheck import column_records, job_records
from policycheck.datasets import BACKUP_JOBS
from policycheck.job_records import JobRecords, encode_jobs
from policycheck.sources.archive import jobs as archived
from policycheck.sources.archive.checksums import read_digests
from policycheck.sources.archive.job_files import NUMBER, JobFiles, list_files
from policycheck.sources.archive.schema import RECORD
from tests.sources.archive.conftest import DAY, Kept, running
from tests.sources.loopback import ACCOUNT, NOW, REGION, job


@pytest.fixture
def full(kept: Kept) -> Kept:
    """Three fetches: of jobs seen once, seen again, and one that goes on."""
    kept.fetch()
    for number in (1, 2):
        kept.store.clock.advance(DAY)
        kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"PercentDone": f"{number}0.0"})
        kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(-1440 * number + 10), running(-1440 * number + 20)])
        kept.fetch()
    return kept


def files_of(kept: Kept) -> JobFiles:
    files = list_files(kept.archive, BACKUP_JOBS, read_digests(kept.archive))
    assert files is not None
    return files


def test_rows_asked_for_by_number_are_those_of_all_rows(full: Kept) -> None:
    files = files_of(full)
    every = files.scan([RECORD])
    assert len(files.files) > 3
    for chosen in (every[NUMBER][::3], every[NUMBER][-1:], every[NUMBER], every[NUMBER][:0]):
        assert files.rows([RECORD], chosen.reverse()).rows() == every.filter(pl.col(NUMBER).is_in(chosen.implode())).rows()


def what_counts(kept: Kept, as_of: datetime) -> list[tuple[Any, ...]]:
    """The jobs as of an instant, and what is told of them."""
    found = kept.read(as_of=as_of)
    jobs = found.lists["backup_jobs"]
    return [tuple(map(str, jobs.records)), tuple(jobs.told), found.not_seen, found.warnings]


def test_jobs_are_told_apart_by_their_keys_and_not_by_the_numbers_that_stand_for_them(full: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    instants = [NOW + days * DAY for days in (0, 1, 1.5, 2)]
    expected = [what_counts(full, as_of) for as_of in instants]
    survey: Callable[..., pl.DataFrame] = archived._survey

    def all_alike(*given: Any) -> pl.DataFrame:
        return survey(*given).with_columns(pl.lit(0, pl.UInt64).alias("_key"), pl.lit(0, pl.UInt64).alias("_id"))

    monkeypatch.setattr(archived, "_survey", all_alike)
    assert [what_counts(full, as_of) for as_of in instants] == expected


def test_records_that_are_read_together_are_those_that_are_read_one_by_one(full: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one, together = (full.read().lists["backup_jobs"] for _ in range(2))
    together.hold(range(0, len(together), 2))
    assert [together.records[row] for row in range(len(together))] == [one_by_one.records[row] for row in range(len(one_by_one))]
    together.hold([1])
    assert together.records[0] == one_by_one.records[0]
    monkeypatch.setattr(column_records, "BATCH", 3)
    # In any order, twice, and from those that were made before the last ones.
    last = len(together) - 1
    asked = [last, 2, last - 1, 4, 5, 6, 5, 4, 7, last, 0, 2]
    together.hold(asked)
    assert [together.records[row] for row in asked] == [one_by_one.records[row] for row in asked]


def test_a_member_that_some_record_lacks_is_found_though_its_column_is_not_read(kept: Kept) -> None:
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [job(1440 * 3 + 5, PercentDone=None), job(1440 * 3 + 6, IamRoleArn="")])
    kept.fetch()
    found = kept.read().lists["backup_jobs"]
    assert [told.damaged for told in found.told].count(True) == 2


def test_jobs_of_a_result_are_written_together_as_one_by_one(full: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    found = full.read().lists
    jobs = [JobRecords(found).of("backup_jobs", row) for row in range(len(found["backup_jobs"]))]
    expected = [job.encode() for job in jobs]
    monkeypatch.setattr(job_records, "_TOGETHER", 3)
    assert list(encode_jobs(jobs[::-1])) == expected[::-1]
