"""The benchmarks of large archives measure what they say: their archives are archives, and the programs written by hand give policycheck's answers."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from benchmarks import handwritten
from benchmarks.jobs import AS_OF
from benchmarks.scale import by_duckdb, by_polars
from benchmarks.scale.__main__ import COMPARISONS, GROWTHS, JOBS, WINDOWS, main, rules
from benchmarks.scale.archive import write_archive
from benchmarks.scale.growth import Growth, as_table, slope
from benchmarks.scale.shapes import YEAR, Shape
from benchmarks.timing import Sample
from policycheck.pipeline import run as judge
from policycheck.policy.load import load_policies
from policycheck.result import RuleResult, Verdict
from policycheck.sources.archive.reading import read_archive
from policycheck.sources.archive.schema import RECORD
from policycheck.sources.archive.tables import Archive
from tests.backends import BACKEND

SHAPE = Shape(3400, days=34, accounts=3, regions=2, failed=13)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than a month of some resources; nearly every one has failed once."""
    folder = tmp_path_factory.mktemp("scale") / "archive"
    write_archive(folder, SHAPE)
    return folder


def check(archive: Path, name: str) -> tuple[RuleResult, ...]:
    policies = load_policies([(rules(name), f"{name}-rules.yaml")], {})
    evidence = read_archive(Archive(str(archive)), as_of=AS_OF, policies=policies)
    assert all(entry.complete for entry in evidence.coverage)
    return judge(policies, evidence, as_of=AS_OF, fail_on=None, backend=BACKEND).rules


def test_the_programs_written_by_hand_give_the_same_answers(archive: Path) -> None:
    found = {rule.id: len(rule.findings) for rule in check(archive, "month")}
    assert by_duckdb.answer(str(archive), AS_OF, WINDOWS["month"]) == found
    assert handwritten.answer(by_polars.read(str(archive), AS_OF, WINDOWS["month"]), AS_OF, WINDOWS["month"]) == found
    assert sum(count > 0 for count in found.values()) >= 7


def test_archives_have_jobs_of_every_kind_that_is_promised(archive: Path) -> None:
    rows = pl.scan_parquet(f"{archive}/backup_jobs/**/*.parquet", hive_partitioning=True).collect()
    assert rows["BackupJobId"].n_unique() == SHAPE.jobs
    assert rows.select("AccountId", "Region").n_unique() == SHAPE.accounts * SHAPE.regions
    assert set(rows["State"]) == {"COMPLETED", "FAILED", "RUNNING"}
    running = rows.filter(pl.col("State") == "RUNNING")
    assert 0 < len(running) == len(rows) - SHAPE.jobs
    record = json.loads(rows[RECORD][0])
    assert None not in record.values()
    assert {"BackupJobId", "CreationDate", "CreatedBy", "IamRoleArn"} <= record.keys()
    assert {rule.verdict for rule in check(archive, "day")} == {Verdict.PASS, Verdict.FAIL}


def test_rules_are_twenty_and_look_as_far_back_as_they_say() -> None:
    for name, days in WINDOWS.items():
        (policy,) = load_policies([(rules(name), f"{name}-rules.yaml")], {})
        windows = [rule.statement.window for rule in policy.rules]
        assert len(windows) == 20
        assert max(window.value for window in windows if window is not None and window.value is not None) == days * 86_400_000_000
    assert JOBS == 10_000_000
    assert Shape(JOBS).days == YEAR


def test_growth_is_the_line_through_what_was_measured() -> None:
    growth = Growth("jobs", 1_000_000, [(millions * 1_000_000, Sample(0, 2 + 0.5 * millions, (100 + 40 * millions) * 1_000_000)) for millions in (1, 3, 10)])
    assert growth.seconds == pytest.approx(0.5)
    assert growth.megabytes == pytest.approx(40)
    assert slope([(0, 1), (1, 3)]) == 2
    assert "| jobs | 1,000,000, 3,000,000, 10,000,000 | 2.50, 3.50, 7.00 | 140, 220, 500 | 1,000,000 | 0.50 | 40 |" in as_table([growth])


def test_the_command_names_what_it_can_measure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "everything"])
    told = capsys.readouterr().err
    assert all(name in told for name in [*COMPARISONS, *GROWTHS])
