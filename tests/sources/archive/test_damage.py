"""An archive that lost something: it is named, with what to do, and never looks like a pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from policycheck.errors import UsageError
from policycheck.result import Verdict
from policycheck.sources.archive.fetches import read_fetches
from policycheck.sources.archive.reading import read_archive
from policycheck.sources.archive.tables import Archive, ArchiveError, is_archive
from policycheck.sources.archive.upkeep import compact, give_up_damaged, read_status
from tests.sources.archive.conftest import DAY, Kept, running
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

MINUTE = timedelta(minutes=1)
FAILED = "no FAILED jobs within 29d"


def a_file(folder: Path, pattern: str) -> Path:
    return sorted(folder.glob(pattern))[0]


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def unlink(path: Path) -> None:
    path.unlink()


def tamper(path: Path) -> None:
    rows = pl.read_parquet(path)
    rows.with_columns(pl.col("CoversFrom").dt.offset_by("-1d")).write_parquet(path)


JOBS, FETCHES, FILES = "backup_jobs/Region=*/Day=2026-02-2*/*.parquet", "fetches/*.parquet", "files/*.parquet"
LOG = "backup_jobs/_delta_log/*{}.json"
DAMAGES: dict[str, tuple[str, Callable[[Path], None], str, str]] = {
    "a file of jobs is gone": (JOBS, unlink, "is missing", "--repair"),
    "a file of jobs is cut off": (JOBS, cut, "is damaged", "--repair"),
    "a file of jobs has another bit": (JOBS, flip, "is damaged", "--repair"),
    "the file of fetches is gone": (FETCHES, unlink, "is missing", "--repair"),
    "a row of a fetch is not as it was": (FETCHES, tamper, "is damaged", "--repair"),
    "the checksums are cut off": (FILES, cut, "is damaged", "records the files again, as they are now"),
    "a commit is cut off": (LOG.format(1), cut, "its log is damaged", "_delta_log from a copy"),
    "a commit is gone": (LOG.format(1), unlink, "lacks entries of its log", "restore _delta_log from a copy;"),
    "a commit is empty": (LOG.format(1), empty, "lacks entries of its log", "restore _delta_log from a copy;"),
    "the log begins late": (LOG.format(0), unlink, "its log is damaged", "_delta_log from a copy"),
    "the log of fetches is cut off": ("fetches/_delta_log/*1.json", cut, "its log is damaged", "_delta_log from a copy"),
    "the table of jobs is gone": ("backup_jobs", shutil.rmtree, "is missing", "restore _delta_log from a copy;"),
}


def test_what_is_damaged_is_named_with_what_to_do(kept: Kept, tmp_path: Path) -> None:
    kept.fetch()
    as_of = kept.store.clock.now()
    for name, (pattern, damage, said, hint) in DAMAGES.items():
        folder = tmp_path / name.replace(" ", "-")
        shutil.copytree(kept.folder, folder)
        path = a_file(folder, pattern)
        damage(path)
        with pytest.raises(ArchiveError) as caught:
            read_archive(Archive(str(folder)), as_of=as_of)
        assert said in caught.value.message, name
        assert hint in caught.value.hint, name
        assert caught.value.place.startswith(f"{folder}/{pattern.split('/')[0]}"), name
        assert "\n" not in caught.value.message


def test_a_check_that_needs_no_damaged_file_goes_on(kept: Kept) -> None:
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
    kept.fetch()
    a_file(kept.folder, "backup_jobs/Region=*/Day=2026-02-0*/*.parquet").unlink()
    assert kept.check("no FAILED jobs within 1d")[0].verdict is Verdict.PASS
    with pytest.raises(ArchiveError):
        kept.check(FAILED)


@pytest.mark.parametrize("damage", [unlink, pytest.param(flip, marks=pytest.mark.slow)])
def test_a_repair_gives_up_the_file_and_the_next_fetch_brings_back_what_aws_lists(damage: Callable[[Path], None], kept: Kept) -> None:
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
    kept.fetch()
    # A second fetch, 20 days later, so that the first days are not listed any more.
    kept.store.clock.advance(20 * DAY)
    kept.fetch()
    lost, listed = "2026-02-03", "2026-02-25"
    for day in (lost, listed):
        damage(a_file(kept.folder, f"backup_jobs/Region=*/Day={day}/*.parquet"))
    kept.store.clock.advance(MINUTE)
    assert len(read_status(kept.archive, kept.store.clock.now()).damage) == 2
    assert len(give_up_damaged(kept.archive, kept.store.clock.now())) == 2
    assert kept.check(FAILED)[0].verdict is Verdict.INCONCLUSIVE
    kept.store.clock.advance(MINUTE)
    kept.fetch()
    assert read_status(kept.archive, kept.store.clock.now()).damage == ()
    assert kept.check(FAILED)[0].verdict is Verdict.PASS
    assert kept.check("no FAILED jobs within 40d")[0].verdict is Verdict.PASS
    (rule,) = kept.check("no FAILED jobs within 48d")
    assert rule.verdict is Verdict.INCONCLUSIVE
    assert "is not covered from 2026-02-03T00:00:00Z to 2026-02-04T00:00:00Z" in str(rule.reason)


def test_without_the_table_of_fetches_nothing_older_is_covered(kept: Kept) -> None:
    kept.fetch()
    kept.store.clock.advance(5 * DAY)
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
    cut(a_file(kept.folder, FETCHES))
    (line,) = give_up_damaged(kept.archive, kept.store.clock.now())
    assert "; the table of fetches starts empty, and nothing is covered until the next fetch" in line
    assert kept.check("no FAILED jobs within 1d")[0].verdict is Verdict.INCONCLUSIVE
    kept.store.clock.advance(MINUTE)
    kept.fetch()
    assert [rule.verdict for rule in kept.check(FAILED, "no FAILED jobs within 31d")] == [Verdict.PASS, Verdict.INCONCLUSIVE]


def test_compaction_leaves_every_observation_and_refuses_a_damaged_file(kept: Kept) -> None:
    for _ in range(3):
        kept.fetch()
        kept.store.clock.advance(DAY / 24)
    before = [record.BackupJobId for record in kept.read().lists["backup_jobs"].records]
    done = {one.table: (one.before, one.after) for one in compact(kept.archive)}
    assert done["backup_jobs"] == (11, 9)
    assert done["fetches"] == (3, 1)
    assert sorted(record.BackupJobId for record in kept.read().lists["backup_jobs"].records) == sorted(before)
    assert len(read_fetches(kept.archive)) == 3
    flip(a_file(kept.folder, JOBS))
    with pytest.raises(ArchiveError, match="is damaged"):
        compact(kept.archive)


def test_what_is_no_archive_or_of_a_newer_format_is_said(kept: Kept, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "jobs.json").write_text("{}")
    assert not is_archive(str(plain))
    with pytest.raises(ArchiveError, match="is not an archive"):
        read_archive(Archive(str(plain)), as_of=NOW)
    with pytest.raises(UsageError, match="holds other files"):
        Archive(str(plain)).create("fetches")
    kept.fetch()
    (log,) = kept.folder.glob("fetches/_delta_log/*0.json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "metaData" in line:
            line["metaData"]["configuration"]["policycheck.format"] = "2"
    log.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(ArchiveError, match="has the format 2, and this version reads up to 1") as caught:
        kept.read()
    assert caught.value.hint == "install a newer policycheck"
    with pytest.raises(ArchiveError, match="format 2"):
        kept.fetch()


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(UsageError) as caught:
        Archive("somewhere")
    assert caught.value.hint == "pip install 'policycheck[archive]'"


def test_a_lost_file_gives_up_no_more_than_the_life_of_its_jobs(kept: Kept) -> None:
    """It held a job in progress, whose end is in another file of that day."""
    number = 26 * 1440 + 60
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(number)])
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(60)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW})
    kept.fetch()
    (first,) = kept.folder.glob("backup_jobs/Region=*/Day=2026-02-03/*.parquet")
    kept.store.change(ACCOUNT, REGION, "backup_jobs", job(number)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": NOW - 24 * DAY})
    kept.store.clock.advance(MINUTE)
    kept.fetch()
    first.unlink()
    kept.store.clock.advance(MINUTE)
    give_up_damaged(kept.archive, kept.store.clock.now())
    (entry,) = kept.read().coverage
    ((start, end),) = entry.gaps
    assert (start.date().isoformat(), end - (NOW - 24 * DAY)) == ("2026-02-03", timedelta(seconds=1))
    assert kept.check("no FAILED jobs within 20d")[0].verdict is Verdict.PASS
