"""The table of fetches: what each fetch asked of one list in one account and Region, what it covers, and what follows for the next."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from policycheck.records import micros
from policycheck.sources.archive.schema import FETCH_COLUMNS, table_columns
from policycheck.sources.archive.tables import FETCHES, Archive, ArchiveError
from policycheck.sources.statements import TOLERANCE

if TYPE_CHECKING:
    import polars as pl

Interval = tuple[datetime, datetime]
ListKey = tuple[str, str | None, str]
"""Dataset, account and Region."""


class FetchRow(msgspec.Struct, frozen=True, gc=False):
    """One row: one list of one account in one Region, as one fetch read it."""

    fetch: str
    """Of the whole run: a UUID."""
    dataset: str
    account: str | None
    """Whose jobs; None: not known."""
    region: str
    asker: str
    """As whom AWS was asked, so that the next fetch knows its own: the account, the role and the account asked for."""
    caller: str | None
    """The ARN of the caller's identity (GetCallerIdentity)."""
    source: str
    parameters: str
    """What was asked, as JSON."""
    covers_from: datetime | None
    covers_to: datetime | None
    """Everything that happened to a job in between is in the archive, once the rows of this fetch are: it was listed, or was there before."""
    complete: bool
    error: str
    """Why it is not; empty where it is."""
    started: datetime
    """By this machine's clock."""
    answered: datetime | None
    """By AWS's clock, the first page,"""
    finished: datetime | None
    """and the last."""
    open_since: datetime | None
    """Jobs created earlier had all ended, as far as the archive knows."""
    listed_open_since: datetime | None
    """The same of the jobs that AWS still listed: what the next fetch asks for begins here."""
    pages: int
    jobs: int
    """Jobs listed,"""
    added: int
    """and rows that were new, of all accounts of this Region."""
    table_version: int
    """Of the table of jobs, with these rows in it."""
    page_digests: str
    """SHA-256 of each page as received, in their order, separated by blanks."""
    tool: str
    lost: bool = False
    """This is no fetch: a file was lost, and what happened in this interval is no longer known."""

    @property
    def key(self) -> ListKey:
        return self.dataset, self.account, self.region

    @property
    def interval(self) -> Interval | None:
        return None if self.covers_from is None or self.covers_to is None else (self.covers_from, self.covers_to)


_OWN_DIGEST = "RowDigest"
_NAMES = {name: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in FETCH_COLUMNS if name != _OWN_DIGEST}
"""The members of `FetchRow`, by column."""
assert set(_NAMES.values()) == set(FetchRow.__struct_fields__)


def as_frame(rows: Sequence[FetchRow]) -> pl.DataFrame:
    """Rows as the table has them."""
    import polars as pl

    columns = table_columns(FETCH_COLUMNS)
    told = [pl.Series(name, [getattr(row, member) for row in rows], columns[name]) for name, member in _NAMES.items()]
    return pl.DataFrame([*told, pl.Series(_OWN_DIGEST, list(map(_digest, rows)), pl.String)]).select(*columns)


def _digest(row: FetchRow) -> str:
    """Of everything that a row says: a table of a few bytes on which every verdict rests."""
    told = [getattr(row, member) for member in sorted(_NAMES.values())]
    spelled = [str(micros(value)) if isinstance(value, datetime) else value for value in told]
    return hashlib.sha256(json.dumps(spelled).encode()).hexdigest()


def read_fetches(archive: Archive) -> list[FetchRow]:
    """All rows, in the order in which the fetches began.

    Raises:
        ArchiveError: there is no archive, or its table of fetches is damaged.
    """
    import polars as pl

    table = archive.open_fetches()
    uris = table.file_uris()
    if not uris:
        return []
    found: list[FetchRow] = []
    for uri in uris:
        place = f"{archive.name}/{FETCHES}/{uri.rsplit('/', 1)[-1]}"
        hint = f"restore the file from a copy; without one, run policycheck fetch --archive {archive.name} --repair, after which nothing older is covered"
        try:
            frame = pl.read_parquet(uri, columns=list(FETCH_COLUMNS), storage_options=archive.reading_options or None, hive_partitioning=False)
            rows = _rows(frame, place, hint)
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
            raise ArchiveError(f"{reason}: what the archive covers is unknown", hint=hint, place=place) from None
        found += rows
    return sorted(found, key=lambda row: (row.started, row.lost, row.dataset, row.region, row.account or ""))


def _rows(frame: pl.DataFrame, place: str, hint: str) -> list[FetchRow]:
    """The rows of a frame, each as it was written.

    Raises:
        ArchiveError: one is not.
    """
    import polars as pl

    spelled = frame.with_columns(pl.col(pl.Datetime).cast(pl.Int64).cast(pl.String)).select(name for name, _ in sorted(_NAMES.items(), key=itemgetter(1)))
    for told, digest in zip(spelled.iter_rows(), frame[_OWN_DIGEST], strict=True):
        if hashlib.sha256(json.dumps(told).encode()).hexdigest() != digest:
            raise ArchiveError("is damaged (a row was changed): what the archive covers is unknown", hint=hint, place=place)
    # By position, which for many takes a seventh of the time.
    columns = {member: name for name, member in _NAMES.items()}
    return list(map(FetchRow, *(_values(frame[columns[member]]) for member in FetchRow.__struct_fields__)))


def _values(column: pl.Series) -> list[Any]:
    """The values of a column. Fetches of many places began together, and to make a time takes longer than to look it up."""
    import polars as pl

    if not isinstance(column.dtype, pl.Datetime):
        return column.to_list()
    times = column.unique()
    made = dict(zip(times.cast(pl.Int64).to_list(), times.to_list(), strict=True))
    return list(map(made.__getitem__, column.cast(pl.Int64).to_list()))


# --- what they cover together ---


def covered(rows: Iterable[FetchRow], as_of: datetime) -> list[Interval]:
    """What the rows of one list, account and Region cover up to as_of: intervals in their order that do not touch.

    A file that was lost takes away what it held, until a later fetch covers it anew.
    """
    intervals: list[Interval] = []
    for row in rows:
        found = row.interval
        if found is None:
            continue
        if row.lost:
            intervals = _without(intervals, found)
        elif row.complete and intervals and intervals[-1][0] <= found[0] <= intervals[-1][1]:
            # Each fetch of a year goes on where the one before ended.
            intervals[-1] = intervals[-1][0], max(intervals[-1][1], found[1])
        elif row.complete:
            intervals = _joined([*intervals, found])
    return [reached for start, end in intervals if (reached := _until(start, end, as_of)) is not None]


def _until(start: datetime, end: datetime, as_of: datetime) -> Interval | None:
    if start > as_of:
        return None
    # What was answered a moment before as_of speaks for it, as of any list that is fetched.
    return start, as_of if as_of <= end + TOLERANCE else end


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _without(intervals: Iterable[Interval], lost: Interval) -> list[Interval]:
    found: list[Interval] = []
    for start, end in intervals:
        if start < lost[0]:
            found.append((start, min(end, lost[0])))
        if end > lost[1]:
            found.append((max(start, lost[1]), end))
    return [one for one in found if one[0] < one[1]]


def by_list(rows: Iterable[FetchRow]) -> dict[ListKey, list[FetchRow]]:
    """The rows of each list, account and Region, those of lost files among them, in the order in which they come."""
    ordered = list(rows)
    keys = dict.fromkeys(row.key for row in ordered if not row.lost)
    found: dict[ListKey, list[FetchRow]] = {key: [] for key in keys}
    of_region: defaultdict[tuple[str, str], list[ListKey]] = defaultdict(list)
    for key in keys:
        of_region[key[0], key[2]].append(key)
    for row in ordered:
        # A file that was lost held the jobs of every account of its Region.
        for key in of_region[row.dataset, row.region] if row.lost else (row.key,):
            found[key].append(row)
    return found


# --- what the next fetch need not ask for ---

OVERLAP = timedelta(minutes=15)
"""As `watch.OVERLAP`: whether a list shows a job at once after its creation is not documented."""


def latest(rows: Iterable[FetchRow], dataset: str, region: str, asker: str | None = None) -> list[FetchRow]:
    """The rows of the last complete fetch of each asker, or of this one, of this list and Region; none where a file was lost since."""
    found: dict[str, list[FetchRow]] = {}
    for row in rows:
        if row.dataset != dataset or row.region != region:
            continue
        if row.lost:
            found.clear()
        elif row.complete and asker in (None, row.asker):
            before = found.setdefault(row.asker, [])
            if before and before[0].fetch != row.fetch:
                before.clear()
            before.append(row)
    return [row for own in found.values() for row in own]


def ended_before(rows: Sequence[FetchRow]) -> datetime | None:
    """Before when every job was created that has not ended, by these last rows; None: nothing is known."""
    moments = [_least(row, row.open_since) for row in rows]
    return min((moment for moment in moments if moment is not None), default=None) if None not in moments else None


def ask_since(rows: Sequence[FetchRow]) -> datetime | None:
    """From when on a list is asked for again, by the last rows of the same asker; None: all of it."""
    if not rows:
        return None
    moments = [_least(row, row.listed_open_since) for row in rows]
    known = [moment for moment in moments if moment is not None]
    return min(known) if len(known) == len(moments) else None


def _least(row: FetchRow, opened: datetime | None) -> datetime | None:
    if row.answered is None:
        return None
    return min(filter(None, (opened, row.answered - OVERLAP)))
