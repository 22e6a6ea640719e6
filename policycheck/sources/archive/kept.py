"""What a run took from an archive, to keep in an evidence bundle: the records that counted, as AWS sent them, and the rows of the fetches that they rest on.

With these the same evidence is read again, coverage included, without the archive and its libraries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.sources.archive.fetches import FetchRow
from policycheck.sources.interface import Evidence

if TYPE_CHECKING:
    import polars as pl

    from policycheck.sources.archive.job_files import JobFiles


class KeptRows(NamedTuple):
    """Some records that counted; nothing is worked out before a bundle is made of them."""

    numbers: pl.Series
    """Of their rows, over the files of their Region."""
    part: JobList
    """What they are read as, in the same order: it says until when its source shows that something happened."""
    unknown: Mapping[int, frozenset[str]]
    """By the number of a row, the members that are not known any more."""


@dataclass(frozen=True, slots=True)
class KeptRegion:
    """The records of one list and Region, in the order of its files; several of one job where they contradict each other."""

    files: JobFiles
    region: str
    rows: tuple[KeptRows, ...]

    @property
    def dataset(self) -> Dataset:
        return self.files.dataset

    def content(self) -> bytes:
        """The records in an answer of their list, each as AWS sent it. Raises ArchiveError."""
        from policycheck.sources.archive.schema import RECORD

        texts = self.files.scan([RECORD])[RECORD]
        return f'{{"{self.dataset.result_key}":[{",".join(text for rows in self.rows for text in texts[rows.numbers])}]}}'.encode()

    def describe(self) -> RegionRecord:
        """What is known of the records beside their texts."""
        runs = [(until, sum(1 for _ in alike)) for until, alike in groupby(one.until for rows in self.rows for one in rows.part.told)]
        places = enumerate((number, rows.unknown) for rows in self.rows for number in rows.numbers)
        unknown = tuple((place, tuple(sorted(members[number]))) for place, (number, members) in places if number in members)
        return RegionRecord(dataset=self.dataset.name, region=self.region, until=tuple(runs), unknown=unknown)


class RegionRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of the records of one list and Region beside their texts."""

    dataset: str
    region: str
    until: tuple[tuple[int, int], ...]
    """Until when the source of a record shows that something happened (microseconds), and for how many records that holds, in their order."""
    unknown: tuple[tuple[int, tuple[str, ...]], ...]
    """The number of a record, and the members of it that are not known any more: of a job that AWS lists no more, how it ended."""


@dataclass(frozen=True, slots=True)
class ArchiveEvidence(Evidence):
    """Evidence of an archive, with what it was made of."""

    name: str = ""
    """What messages call the archive."""
    regions: tuple[KeptRegion, ...] | None = None
    """None: some records do not say which job they show, and are merged as no bundle can say."""
    fetches: tuple[FetchRow, ...] = ()
    """Of the lists that were read."""


def encode_fetches(rows: Sequence[FetchRow]) -> bytes:
    """The rows as they stand in a bundle."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n"
