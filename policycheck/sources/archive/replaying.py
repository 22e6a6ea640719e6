"""The evidence of an archive, read again from what an evidence bundle keeps of it: without the archive and its libraries, and by the same rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

import msgspec

from policycheck.datasets import DATASETS, JOB_LISTS, Dataset
from policycheck.errors import EvidenceError
from policycheck.job_lists import JobList
from policycheck.policy.model import Policy
from policycheck.result import Coverage
from policycheck.sources.archive.fetches import FetchRow
from policycheck.sources.archive.kept import RegionRecord
from policycheck.sources.archive.reading import cover
from policycheck.sources.interface import Evidence
from policycheck.sources.observations import merge_sources
from policycheck.sources.pages import read_page
from policycheck.sources.plan import reach_back


def replay_archive(
    name: str,
    fetches: bytes,
    regions: Sequence[tuple[RegionRecord, str, bytes]],
    told: tuple[tuple[str, ...], tuple[str, ...]],
    *,
    as_of: datetime,
    policies: Sequence[Policy],
) -> Evidence:
    """The evidence that `read_archive` gave, of what was kept of it.

    Args:
        regions: what is known of the records of each list and Region, the name of their file, and its bytes.
        told: what was not seen, and warnings.

    Raises:
        EvidenceError: what was kept is not what an archive gives.
    """
    try:
        rows = msgspec.json.decode(fetches, type=list[FetchRow])
    except (msgspec.DecodeError, ValueError) as error:
        raise EvidenceError(f"the fetches of the archive cannot be read: {error}") from None
    since = reach_back(policies, as_of)
    lists: dict[str, JobList] = {}
    coverage: list[Coverage] = []
    for dataset in JOB_LISTS.values():
        own = [row for row in rows if row.dataset == dataset.name]
        if own:
            parts = [_read_again(record, file, content) for record, file, content in regions if record.dataset == dataset.name]
            lists[dataset.name] = _concatenated(dataset, parts)
            coverage += cover(name, dataset, own, lists[dataset.name], as_of, since)
    coverage.sort(key=lambda entry: (entry.dataset, entry.account or "", entry.region or ""))
    return Evidence(lists, tuple(coverage), *told)


def _read_again(record: RegionRecord, file: str, content: bytes) -> JobList:
    dataset = DATASETS[record.dataset]
    jobs = read_page(dataset, content, file)
    counts = [count for _, count in record.until]
    # Counted before they are put beside the records: a bundle that was forged may name any number.
    if sum(counts) != len(jobs) or not all(count > 0 for count in counts) or not all(0 <= row < len(jobs) for row, _ in record.unknown):
        raise EvidenceError("the record of the archive is not of these records", place=file)
    untils = [until for until, count in record.until for _ in range(count)]
    told = [replace(one, until=until) for one, until in zip(jobs.told, untils, strict=True)]
    unusable = dict(jobs.unusable)
    for row, members in record.unknown:
        for member in members:
            setattr(jobs.records[row], member, None)
        told[row] = told[row].but(frozenset(members))
        unusable[row] = unusable.get(row, frozenset()) | frozenset(members)
    return merge_sources([JobList(dataset, jobs.records, unusable, told, dropped=jobs.dropped)]).jobs


def _concatenated(dataset: Dataset, parts: Sequence[JobList]) -> JobList:
    """The Regions as one list; they hold no job in common."""
    unusable: dict[int, frozenset[str]] = {}
    doubtful: set[int] = set()
    start = 0
    for part in parts:
        unusable |= {start + row: members for row, members in part.unusable.items()}
        doubtful |= {start + row for row in part.doubtful}
        start += len(part)
    records = list(chain.from_iterable(part.records for part in parts))
    return JobList(dataset, records, unusable, [one for part in parts for one in part.told], frozenset(doubtful))
