"""What keeps an archive in order: what is in it, fewer and larger files, and going on without files that were lost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from policycheck.datasets import DATASETS, JOB_LISTS, Dataset
from policycheck.records import EPOCH
from policycheck.sources.archive.checksums import find_changed, note_files, read_digests
from policycheck.sources.archive.fetches import FetchRow, Interval, ListKey, as_frame, by_list, covered, ended_before, latest, read_fetches
from policycheck.sources.archive.job_files import BYTES, LAST_END, PATH, ROWS, JobFiles, list_files
from policycheck.sources.archive.schema import DAY, REGION
from policycheck.sources.archive.tables import FETCHES, FILES, Archive, ArchiveError, writer_properties
from policycheck.version import __version__

if TYPE_CHECKING:
    from deltalake import DeltaTable

RETENTION_HOURS = 168
"""How long files that were replaced stay: a check that began before still reads them."""


# --- status ---


@dataclass(frozen=True, slots=True)
class ListStatus:
    """One list of one account in one Region."""

    key: ListKey
    intervals: tuple[Interval, ...]
    last: datetime | None
    """When the last complete fetch began."""
    failed: str
    """Why the fetch after it failed; empty where none did."""


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table of jobs."""

    dataset: Dataset
    rows: int
    files: int
    bytes: int
    days: int


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """What is in an archive."""

    fetches: int
    tables: tuple[TableStatus, ...]
    lists: tuple[ListStatus, ...]
    damage: tuple[str, ...] = field(default=())
    """Files that are missing or damaged, a line each."""


def read_status(archive: Archive, now: datetime) -> ArchiveStatus:
    """What is in an archive; every file is read.

    Raises:
        ArchiveError: there is none, or its log is damaged.
    """
    rows = read_fetches(archive)
    tables: list[TableStatus] = []
    damage: list[str] = []
    digests = read_digests(archive) if rows else {}
    for name, dataset in JOB_LISTS.items():
        files = list_files(archive, dataset, digests)
        if files is None:
            continue
        tables.append(TableStatus(dataset, int(files.files[ROWS].sum()), len(files.files), files.size, files.days))
        damage += [f"{archive.name}/{name}/{path} {problem}" for path, problem in find_damage(files)]
    lists = [_list_status(key, own, now) for key, own in sorted(by_list(rows).items(), key=lambda item: tuple(map(str, item[0])))]
    return ArchiveStatus(len({row.fetch for row in rows if not row.lost}), tuple(tables), tuple(lists), tuple(damage))


def _list_status(key: ListKey, rows: Sequence[FetchRow], now: datetime) -> ListStatus:
    told = [row for row in rows if not row.lost]
    last = max((row.started for row in told if row.complete), default=None)
    failed = "" if not told or told[-1].complete else told[-1].error
    return ListStatus(key, tuple(covered(rows, now)), last, failed)


def find_damage(files: JobFiles) -> list[tuple[str, str]]:
    """The files of a table that are missing, cannot be read, or are not as they were written; and what is wrong with each."""
    changed = find_changed(files.archive, files.dataset.name, list(files.files[PATH]), files.digests)
    bad = {path for path, _ in changed}
    return [*changed, *files.only(files.files.filter([path not in bad for path in files.files[PATH]])).damaged()]


# --- compaction ---


@dataclass(frozen=True, slots=True)
class Compaction:
    """What became of one table."""

    table: str
    before: int
    after: int
    removed: int
    """Files that nothing needs any more."""


def compact(archive: Archive) -> list[Compaction]:
    """Put the small files of each day into one, and delete those that were replaced more than a week ago. No observation is left out.

    Raises:
        ArchiveError: there is no archive, or it is damaged.
    """
    archive.open_fetches()
    digests = read_digests(archive)
    found: list[Compaction] = []
    for name in (*JOB_LISTS, FETCHES, FILES):
        table = archive.open(name)
        if table is None:
            continue
        before = len(table.file_uris())
        if name in JOB_LISTS and (files := list_files(archive, DATASETS[name], digests)) is not None:
            # What is damaged must not be written anew as if it were not.
            files.require_whole()
        with archive.explained(name):
            table.optimize.compact(writer_properties=writer_properties(name))
            removed = len(table.vacuum(retention_hours=RETENTION_HOURS, dry_run=False))
            table.create_checkpoint()
            table.cleanup_metadata()
        if name in JOB_LISTS:
            note_files(archive, [name])
        after = archive.open(name)
        found.append(Compaction(name, before, len(after.file_uris()) if after is not None else 0, removed))
    return found


# --- repair ---


def give_up_damaged(archive: Archive, now: datetime) -> list[str]:
    """Take the files that are missing or damaged out of the archive, and with them the claim that it covers what they held; a line for each.

    The claim goes first: an archive that is left in between covers less than it holds, and never more.

    Raises:
        ArchiveError: there is no archive, or its log is damaged.
    """
    told: list[str] = []
    digests = read_digests(archive)
    everything = _give_up_fetches(archive, now)
    if everything:
        told.append(everything)
    for name, dataset in JOB_LISTS.items():
        files = list_files(archive, dataset, digests)
        if files is None:
            continue
        found = find_damage(files)
        if not found:
            continue
        bad = dict(found)
        rows = [row for row in files.files.iter_rows(named=True) if row[PATH] in bad]
        ends = _last_ends(files, read_fetches(archive))
        archive.append(FETCHES, as_frame([_lost(dataset, row, bad[row[PATH]], now, ends.get((row[REGION], row[DAY]), now)) for row in rows]))
        table = archive.open(name)
        assert table is not None
        with archive.explained(name):
            _remove(table, rows)
        told += [f"{archive.name}/{name}/{path} {problem}; it was removed, and its jobs are no longer covered" for path, problem in found]
    return told


def _last_ends(files: JobFiles, rows: Sequence[FetchRow]) -> dict[tuple[str, object], datetime]:
    """By Region and day, when the last of its jobs had ended; without the days on which a job was created that had not, as far as the archive knows."""
    found: dict[tuple[str, object], datetime] = {}
    for region, day, last in files.files.select(REGION, DAY, LAST_END).rows():
        settled = ended_before(latest(rows, files.dataset.name, region))
        if day is not None and last is not None and settled is not None and day < settled.date():
            found[region, day] = max(last, found.get((region, day), last))
    return found


def _lost(dataset: Dataset, row: dict[str, object], problem: str, now: datetime, last: datetime) -> FetchRow:
    """The row of a file that was lost: from the day on which its jobs were created to when the last job of that day had ended."""
    day = row[DAY]
    start = datetime.fromisoformat(f"{day}T00:00:00+00:00") if day is not None else EPOCH
    end = min(max(last + timedelta(seconds=1), start + timedelta(days=1)), now)
    return _lost_row(dataset.name, str(row[REGION]), start, end, f"a file with jobs created on {day or 'an unknown day'} {problem}", now)


def _lost_row(dataset: str, region: str, start: datetime, end: datetime, reason: str, now: datetime) -> FetchRow:
    return FetchRow(
        fetch=str(uuid.uuid4()), dataset=dataset, account=None, region=region, asker="", caller=None, source="", parameters="{}", covers_from=start,
        covers_to=end, complete=False, error=reason, started=now, answered=None, finished=None, open_since=None, listed_open_since=None, pages=0, jobs=0,
        added=0, table_version=-1, page_digests="", tool=f"policycheck {__version__}", lost=True,
    )  # fmt: skip


def _give_up_fetches(archive: Archive, now: datetime) -> str:
    """Where a file of the table of fetches is damaged, what is left cannot be believed either: one of its rows may have taken a claim away."""
    try:
        read_fetches(archive)
    except ArchiveError as error:
        if "/_delta_log" in error.place:
            raise
        problem = f"{error.place} {error.message}"
    else:
        return ""
    table = archive.open_fetches()
    regions = {
        (name, region) for name, dataset in JOB_LISTS.items() if (files := list_files(archive, dataset, {})) is not None for region in files.files[REGION]
    }
    lost = [_lost_row(name, str(region), EPOCH, now, "what was fetched before is unknown", now) for name, region in sorted(regions)]
    with archive.explained(FETCHES):
        rows: list[dict[str, object]] = [{PATH: path, BYTES: None} for path in _paths(table)]
        _remove(table, rows)
    if lost:
        archive.append(FETCHES, as_frame(lost))
    return f"{problem}; the table of fetches starts empty, and nothing is covered until the next fetch"


def _paths(table: DeltaTable) -> list[str]:
    import polars as pl

    return pl.DataFrame(table.get_add_actions(flatten=True))["path"].to_list()


def _remove(table: DeltaTable, rows: Sequence[dict[str, object]]) -> None:
    """Take files out of a table; what there is of them stays until it is compacted."""
    from deltalake.transaction import RemoveAction

    partitioned = table.metadata().partition_columns
    now = int(datetime.now(UTC).timestamp() * 1000)
    removed = [
        RemoveAction(
            path=str(row[PATH]),
            data_change=True,
            deletion_timestamp=now,
            size=int(str(row[BYTES])) if row[BYTES] is not None else None,
            partition_values={name: None if row[name] is None else str(row[name]) for name in partitioned} if partitioned else None,
        )
        for row in rows
    ]
    table.create_write_transaction(list(removed), mode="append", schema=table.schema(), partition_by=partitioned or None)
