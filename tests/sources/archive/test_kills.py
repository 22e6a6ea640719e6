"""Fetches that are killed at any moment, and fetches beside each other: an archive stays readable, and the next fetch makes it whole."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from policycheck.datasets import BACKUP_JOBS
from policycheck.sources.archive.tables import is_archive
from tests.sources.archive.conftest import Kept, running
from tests.sources.loopback import ACCOUNT, NOW, REGION, job

ROOT = Path(__file__).resolve().parents[3]
HOUR = timedelta(hours=1)
pytestmark = pytest.mark.slow


def start(kept: Kept) -> subprocess.Popen[str]:
    """A process that is about to fetch."""
    command = [sys.executable, "-m", "tests.sources.archive.child", str(kept.folder), kept.served.url, kept.store.clock.now().isoformat()]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "begins\n"
    return child


def finish(child: subprocess.Popen[str]) -> str:
    out, err = child.communicate(timeout=120)
    assert (child.returncode, err) == (0, "")
    return out


def change(kept: Kept, number: int) -> int:
    """Another hour: two jobs more, one of which runs and ends an hour later; the number of the next ones."""
    kept.store.clock.advance(HOUR)
    if number:
        kept.store.change(ACCOUNT, REGION, "backup_jobs", job(-number)["BackupJobId"], {"State": "COMPLETED", "CompletionDate": kept.store.clock.now()})
    number = int((kept.store.clock.now() - NOW) / timedelta(minutes=1))
    kept.store.add(ACCOUNT, REGION, "backup_jobs", [running(-number), job(5 - number, CompletionDate=kept.store.clock.now())])
    return number


def listed(kept: Kept) -> dict[str, str]:
    page = kept.store.page(BACKUP_JOBS, ACCOUNT, REGION, {}, after=None, limit=10_000)
    return {str(record.fields["BackupJobId"]): str(record.fields["State"]) for record in page.records}


def archived(kept: Kept) -> dict[str, str]:
    return {record.BackupJobId: record.State for record in kept.read().lists["backup_jobs"].records}


@pytest.mark.parametrize("seed", range(2))
def test_a_fetch_killed_at_any_moment_leaves_an_archive_that_the_next_one_completes(seed: int, kept: Kept) -> None:
    chance, number, killed = random.Random(seed), 0, 0
    longest = 0.5
    for round_ in range(25):
        number = change(kept, number)
        child = start(kept)
        began = time.monotonic()
        try:
            out, _ = child.communicate(timeout=chance.random() * longest)
        except subprocess.TimeoutExpired:
            child.kill()
            out, _ = child.communicate()
        killed += "done" not in out
        if "done" in out:
            longest = time.monotonic() - began
        if is_archive(str(kept.folder)) and (kept.folder / "fetches/_delta_log/00000000000000000000.json").exists():
            evidence = kept.read()
            for entry in evidence.coverage:
                # What is said to be covered up to now holds all that AWS lists now.
                if entry.end == kept.store.clock.now() and entry.complete:
                    assert listed(kept).items() <= archived(kept).items(), round_
        if round_ % 3 == 2:
            finish(start(kept))
            assert listed(kept).items() <= archived(kept).items(), round_
    assert killed >= 10


def test_two_fetches_at_once_lose_and_repeat_nothing(kept: Kept) -> None:
    number = 0
    for _ in range(5):
        number = change(kept, number)
        both = [start(kept), start(kept)]
        assert [finish(child) for child in both] == ["done\n", "done\n"]
        assert listed(kept).items() <= archived(kept).items()
        evidence = kept.read()
        assert len(evidence.lists["backup_jobs"]) == len(archived(kept))
        assert [(entry.end, entry.gaps, entry.complete) for entry in evidence.coverage] == [(kept.store.clock.now(), (), True)]
