"""Checks over an archive: which files a run needs, what their rows say of each job as of an instant, and what all fetches together cover."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from policycheck import long_tables
from policycheck.column_records import joined, needed_members, readable, told_members
from policycheck.datasets import DATASETS, JOB_LISTS, Dataset
from policycheck.job_lists import JobList
from policycheck.policy.model import Policy
from policycheck.recordings import Recordings
from policycheck.records import iso
from policycheck.result import Basis, Coverage
from policycheck.sources.archive.checksums import Digests, read_digests
from policycheck.sources.archive.fetches import FetchRow, ListKey, by_list, covered, ended_before, latest, read_fetches
from policycheck.sources.archive.job_files import LAST_END, ROWS, UNENDED, JobFiles, list_files, repair_hint
from policycheck.sources.archive.jobs import RegionJobs, read_region
from policycheck.sources.archive.kept import ArchiveEvidence, KeptRegion
from policycheck.sources.archive.schema import DAY, REGION
from policycheck.sources.archive.tables import Archive, ArchiveError
from policycheck.sources.asked import members_read
from policycheck.sources.lists import describe_merging
from policycheck.sources.observations import Jobs
from policycheck.sources.plan import reach_back
from policycheck.text import clean_line

if TYPE_CHECKING:
    import polars as pl

_REGIONS_AT_ONCE = 2
_MILLISECOND = timedelta(milliseconds=1)
"""The statistics of a Delta log are cut to milliseconds."""


def read_archive(archive: Archive, *, as_of: datetime, policies: Sequence[Policy] = ()) -> ArchiveEvidence:
    """The jobs of an archive as they stood at an instant, and what its fetches cover until then.

    Only what the rules of these policies may look at is read: jobs that had ended before the earliest time that any of them looks at are left out, whole files
    of them unread.

    Raises:
        ArchiveError: there is no archive, it is of a newer format, or damaged; the file is named.
    """
    rows = read_fetches(archive)
    return _evidence(archive, rows, read_digests(archive) if rows else {}, policies, as_of)


def _evidence(archive: Archive, rows: Sequence[FetchRow], digests: Digests, policies: Sequence[Policy], as_of: datetime) -> ArchiveEvidence:
    since = reach_back(policies, as_of)
    names = {name for policy in policies for rule in policy.rules for name in rule.statement.lists_needed} or {row.dataset for row in rows}
    lists: dict[str, JobList] = {}
    coverage: list[Coverage] = []
    not_seen: list[str] = []
    warnings: list[str] = []
    regions: list[KeptRegion] = []
    careful = False
    read = _Read()
    for name, dataset in JOB_LISTS.items():
        own = [row for row in rows if row.dataset == name]
        if name not in names or not own:
            continue
        files = _require_files(archive, dataset, own, digests)
        chosen = _choose(files, own, since, as_of)
        read.add(files, chosen)
        found, unlisted, kept = _read_list(chosen, own, as_of, since, policies)
        regions += kept or []
        careful = careful or kept is None
        lists[name] = found.jobs
        if unlisted:
            not_seen.append(_describe_unlisted(dataset, unlisted))
        warnings += describe_merging(replace(found, repeated=0))
        entries = cover(archive.name, dataset, own, found.jobs, as_of, since)
        coverage += entries
        not_seen += _describe(dataset, entries, own, as_of)
    if missing := [DATASETS[name].noun + "s" for name in DATASETS if name in names and name not in lists]:
        not_seen.append(f"not archived: {' and '.join(missing)}")
    not_seen.append(read.describe(archive, since))
    coverage.sort(key=lambda entry: (entry.dataset, entry.account or "", entry.region or ""))
    fetches = tuple(row for row in rows if row.dataset in lists)
    made_of = None if careful else tuple(regions)
    at = partial(_evidence, archive, rows, digests, policies)
    return ArchiveEvidence(lists, tuple(coverage), tuple(not_seen), tuple(warnings), at=at, name=archive.name, regions=made_of, fetches=fetches)


@dataclass(slots=True)
class _Read:
    """How much of an archive was read."""

    days: int = 0
    bytes: int = 0
    days_read: int = 0
    bytes_read: int = 0

    def add(self, all_files: JobFiles, chosen: JobFiles) -> None:
        self.days, self.days_read = max(self.days, all_files.days), max(self.days_read, chosen.days)
        self.bytes, self.bytes_read = self.bytes + all_files.size, self.bytes_read + chosen.size

    def describe(self, archive: Archive, since: datetime | None) -> str:
        days = "day" if self.days == 1 else "days"
        left_out = f"; jobs that had ended before {iso(since)} were omitted" if since is not None else ""
        return (
            f"archive: {archive.name}: read {self.days_read:,} of {self.days:,} {days}, {spell_bytes(self.bytes_read)} of {spell_bytes(self.bytes)}{left_out}"
        )


def spell_bytes(number: int) -> str:
    if number < 1_000_000:
        return f"{number / 1000:,.1f} kB"
    return f"{number / 1_000_000:,.1f} MB"


# --- files ---


def _require_files(archive: Archive, dataset: Dataset, rows: Sequence[FetchRow], digests: Digests) -> JobFiles:
    """The files of a list, as its fetches left them or later.

    Raises:
        ArchiveError: what a fetch wrote is not there.
    """
    files = list_files(archive, dataset, digests)
    wanted = max((row.table_version for row in rows), default=-1)
    added = {(row.fetch, row.region, row.asker): row.added for row in rows if row.complete}
    lost = any(row.lost for row in rows)
    if files is None or files.version < wanted or (not lost and int(files.files[ROWS].sum()) < sum(added.values())):
        problem = "is missing" if files is None else "lacks entries of its log"
        raise ArchiveError(problem, hint=f"restore _delta_log from a copy; {repair_hint(archive)}", place=f"{archive.name}/{dataset.name}")
    return files


def _choose(files: JobFiles, rows: Sequence[FetchRow], since: datetime | None, as_of: datetime) -> JobFiles:
    """The files that may hold a job that had not ended before `since`, and was created by as_of.

    A file says when the last of its jobs had ended. Rows of jobs in progress say nothing: but where all jobs of a day have ended by the last fetch, an end is
    in another row of that day.
    """
    import polars as pl

    early = files.files.filter(pl.col(DAY).is_null() | (pl.col(DAY) <= as_of.date()))
    if since is None or not len(early):
        return files.only(early)
    by_region = _by_region(rows)
    settled = {region: ended_before(latest(by_region[region], files.dataset.name, region)) for region in early[REGION].unique()}
    ended = pl.Series("_settled", [_is_settled(day, settled[region]) for region, day in early.select(REGION, DAY).rows()], pl.Boolean)
    days = early.with_columns(ended, (pl.col(LAST_END) + _MILLISECOND).alias("_last"))
    # A file without a single end, or without statistics, has none to tell of.
    silent = pl.col("_last").is_null() & (pl.col(UNENDED).is_null() | (pl.col(UNENDED) < pl.col(ROWS)))
    kept = days.with_columns(((pl.col("_last") >= since) | silent).fill_null(False).any().over(REGION, DAY).alias("_late"))
    return files.only(kept.filter(pl.col("_late") | ~pl.col("_settled")).select(early.columns))


def _by_region(rows: Sequence[FetchRow]) -> Mapping[str, list[FetchRow]]:
    found: defaultdict[str, list[FetchRow]] = defaultdict(list)
    for row in rows:
        found[row.region].append(row)
    return found


def _is_settled(day: object, ended: datetime | None) -> bool:
    """Whether all jobs of a day had ended, as far as the archive knows."""
    return ended is not None and day is not None and str(day) < str(ended.date())


# --- jobs ---


def _read_list(
    files: JobFiles, rows: Sequence[FetchRow], as_of: datetime, since: datetime | None, policies: Sequence[Policy]
) -> tuple[Jobs, list[str], list[KeptRegion] | None]:
    """The jobs, the ids of those whose end is not known, and the rows that they are made of; None: these cannot be told."""
    dataset = files.dataset
    read = readable(dataset, members_read(policies, dataset))
    spared = [name for name in needed_members(dataset) if name not in {*told_members(dataset), *read}]
    names = list(dict.fromkeys((*told_members(dataset), *read)))
    parts: list[JobList] = []
    unlisted: list[str] = []
    kept: list[KeptRegion] | None = []
    shared = repeated = 0
    long = int(files.files[ROWS].sum()) > long_tables.LIMIT
    by_region = _by_region(rows)
    own_files = {region: files.only(files.files.filter(_is(REGION, region))) for region in sorted(files.files[REGION].unique())}

    def read_one(region: str) -> RegionJobs:
        return read_region(own_files[region], names, as_of, since, _last_listed(by_region[region], dataset, region, as_of), spared, long=long)

    # Much of it one core does alone. Of lists that are too long for memory two Regions at once would take twice as much.
    with ThreadPoolExecutor(1 if long else _REGIONS_AT_ONCE) as pool:
        read_regions = list(pool.map(read_one, own_files))
    for (region, own), found in zip(own_files.items(), read_regions, strict=True):
        parts += found.parts
        kept = None if kept is None or found.kept is None else [*kept, KeptRegion(own, region, found.kept)]
        unlisted += found.unlisted
        shared, repeated = shared + found.shared_ids, repeated + found.repeated
    if not parts:
        return Jobs(JobList(dataset, ())), unlisted, kept
    if len(parts) == 1:
        return Jobs(parts[0], repeated, shared), unlisted, kept
    # Regions hold no job in common.
    start, unusable, doubtful = 0, dict[int, frozenset[str]](), set[int]()
    for part in parts:
        unusable |= {start + row: members for row, members in part.unusable.items()}
        doubtful |= {start + row for row in part.doubtful}
        start += len(part)
    records = joined([part.records for part in parts])  # type: ignore[misc]  # all of them are columns
    recordings = Recordings.joined(part.told for part in parts)
    return Jobs(JobList(dataset, records, unusable, recordings, frozenset(doubtful)), repeated, shared), unlisted, kept


_IDS_SHOWN = 3


def _describe_unlisted(dataset: Dataset, ids: Sequence[str]) -> str:
    shown = ", ".join(clean_line(one) for one in ids[:_IDS_SHOWN]) + (f" and {len(ids) - _IDS_SHOWN} more" if len(ids) > _IDS_SHOWN else "")
    were = f"1 {dataset.noun} was" if len(ids) == 1 else f"{len(ids):,} {dataset.noun}s were"
    return f"unknown end: {were} in progress when AWS last listed it, and AWS no longer lists it: {shown}"


def _is(name: str, value: str) -> pl.Expr:
    import polars as pl

    return pl.col(name) == value


def _last_listed(rows: Sequence[FetchRow], dataset: Dataset, region: str, as_of: datetime) -> dict[str | None, datetime]:
    """When the last complete fetch not after as_of began to answer, by account."""
    found: dict[str | None, datetime] = {}
    for row in rows:
        if row.complete and row.region == region and row.dataset == dataset.name and row.answered is not None and row.answered <= as_of:
            found[row.account] = max(row.answered, found.get(row.account, row.answered))
    return found


# --- coverage ---


def cover(archive: str, dataset: Dataset, rows: Sequence[FetchRow], jobs: JobList, as_of: datetime, since: datetime | None) -> list[Coverage]:
    """What the fetches of one list cover.

    Args:
        archive: what messages call it.
    """
    counts = jobs.count_places()
    lists = by_list(rows)
    entries = [_entry(archive, key, own, counts.pop((key[1], key[2]), 0), as_of, since) for key, own in lists.items() if _is_told(key, own, lists)]
    # Rows without a fetch, as one that was killed leaves them, show that there are jobs, and nothing of when.
    reason = f"no complete fetch covers it; run policycheck fetch --archive {archive} again"
    for (account, region), count in counts.items():
        entries.append(Coverage(dataset.name, account, region, None, None, count, complete=False, basis=Basis.OBSERVED, source=archive, reason=reason))
    return entries


def _is_told(key: ListKey, rows: Sequence[FetchRow], lists: dict[ListKey, list[FetchRow]]) -> bool:
    """Whether this is a list of its own: what failed before it was known whose it is, is not, once it is known."""
    if key[1] is not None:
        return True
    askers = {row.asker for row in rows}
    others = [row for other, own in lists.items() if other[0] == key[0] and other[2] == key[2] and other[1] is not None for row in own]
    return not any(row.asker in askers and row.complete for row in others)


def _entry(archive: str, key: ListKey, rows: Sequence[FetchRow], jobs: int, as_of: datetime, since: datetime | None) -> Coverage:
    dataset, account, region = key
    intervals = covered(rows, as_of)
    if since is not None:
        intervals = [(max(start, since), end) for start, end in intervals if end >= since]
    entry = Coverage(dataset, account, region, None, None, jobs, basis=Basis.OBSERVED, source=archive)
    if not intervals:
        failed = [row.error for row in rows if not row.complete and not row.lost]
        reason = clean_line(failed[-1]) if failed else f"no fetch covers anything up to {iso(as_of)}"
        return replace(entry, complete=False, reason=reason)
    gaps = tuple((before[1], after[0]) for before, after in pairwise(intervals))
    return replace(entry, start=intervals[0][0], end=intervals[-1][1], gaps=gaps)


def _describe(dataset: Dataset, entries: Sequence[Coverage], rows: Sequence[FetchRow], as_of: datetime) -> list[str]:
    """What the archive does not show of a list, a sentence each."""
    notes = [
        f"gap: no fetch covers the {dataset.noun}s of {entry.place} from {iso(start)} to {iso(end)}" for entry in entries for start, end in sorted(entry.gaps)
    ]
    last: dict[tuple[str | None, str], FetchRow] = {}
    for row in rows:
        if not row.lost and row.started <= as_of:
            last[row.account, row.region] = row
    for row in last.values():
        if not row.complete:
            notes.append(
                f"failed: the fetch of {iso(row.started)} did not read the {dataset.noun}s of {row.account or 'account unknown'}/{row.region}: {row.error}"
            )
    lost = [row for row in rows if row.lost]
    notes += [f"lost: {dataset.noun}s of {row.region}: {row.error}" for row in lost]
    return notes
