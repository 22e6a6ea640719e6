"""Lists of an archive that are too long for memory say what short ones say, and rules come to the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.jobs import AS_OF
from benchmarks.scale.__main__ import rules
from benchmarks.scale.archive import write_archive
from benchmarks.scale.shapes import Shape
from policycheck import job_lists, long_tables
from policycheck.engine.backends import polars
from policycheck.engine.backends.registry import open_engine
from policycheck.job_lists import JobList
from policycheck.long_tables import LongTable
from policycheck.pipeline import run
from policycheck.policy.load import load_policies
from policycheck.result import Result
from policycheck.sources.archive import jobs, records
from policycheck.sources.archive.reading import read_archive
from policycheck.sources.archive.tables import Archive
from policycheck.sources.interface import Evidence
from tests.sources.archive.conftest import DAY, Kept, running
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

TWICE, UNLISTED = 60, 28 * 1440
"""A job that two fetches saw at one moment, and one of which AWS did not say how it ended."""


@pytest.fixture
def make_long(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets every list be a long one, whose pieces have so many rows; until then none is."""
    monkeypatch.setattr(long_tables, "LIMIT", 1_000_000)

    def make(rows: int) -> None:
        monkeypatch.setattr(long_tables, "LIMIT", 1)
        for module in (long_tables, job_lists, jobs, records, polars):
            monkeypatch.setattr(module, "PIECE", rows)

    return make


def is_long(evidence: Evidence) -> bool:
    return all(isinstance(found.table, LongTable) for found in evidence.lists.values())


def all_of(found: JobList) -> dict[str, Any]:
    """What a list says, row by row."""
    found.load(member.name for member in found.dataset.members)
    resources, numbers = found.numbered_subjects
    told = {member.name: found.values(member.name) for member in found.dataset.members}
    return told | {
        "records": list(found.records),
        "held": [found.records[row] for row in range(len(found))],
        "told": list(found.told),
        "unusable": found.unusable,
        "places": list(found.places()),
        "subjects": [resources[number] for number in numbers],
        "created": [found.created(row) for row in range(len(found))],
        "states": found.distinct("State"),
        "vaults": found.count_values("BackupVaultName", 2**60),
        "types": found.types_said,
        "children": found.children,
    }


def test_a_long_list_says_what_a_short_one_does(keep: Callable[..., Kept], make_long: Callable[[int], None]) -> None:
    kept = keep("DescribeBackupJob:*=denied")
    # Long enough ago that it cannot be, and a child of another job.
    odd = [job(3, CompletionDate=NOW - 900 * DAY), job(5, ParentJobId=job(6)["BackupJobId"], ResourceArn="arn:aws:s3:::bucket")]
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(UNLISTED), *odd])
    kept.fetch()
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(TWICE)["BackupJobId"], {"PercentDone": "50.0"})
    kept.fetch()
    kept.store.clock.advance(3 * DAY)
    kept.fetch()
    short = kept.read()
    assert not is_long(short)
    expected = all_of(short.lists["backup_jobs"])
    assert expected["unusable"]
    assert None in expected["State"]
    make_long(5)
    long = kept.read()
    assert is_long(long)
    assert all_of(long.lists["backup_jobs"]) == expected
    assert (long.coverage, long.not_seen, long.warnings) == (short.coverage, short.not_seen, short.warnings)


def check_year(archive: Path) -> tuple[bool, Result]:
    policies = load_policies([(rules("year"), "year-rules.yaml")], {})
    evidence = read_archive(Archive(str(archive)), as_of=AS_OF, policies=policies)
    return is_long(evidence), run(policies, evidence, as_of=AS_OF, fail_on=None, backend=open_engine(), answers=True)


def test_rules_on_long_lists_come_to_the_same(tmp_path: Path, make_long: Callable[[int], None]) -> None:
    write_archive(tmp_path / "archive", Shape(1360, days=34, accounts=3, regions=2, failed=13))
    was_long, expected = check_year(tmp_path / "archive")
    assert not was_long
    make_long(300)
    assert check_year(tmp_path / "archive") == (True, expected)
