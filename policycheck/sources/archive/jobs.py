"""From the rows of one Region to jobs as of an instant: of several observations of a job the one that counts (docs/archive.md, Which observation counts)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from policycheck.column_records import without_empty_texts
from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.job_times import read_time_columns
from policycheck.recordings import Recording, Recordings
from policycheck.records import FIRST_DAY, LATEST, micros, moment, time_members
from policycheck.sources.archive.job_files import NUMBER, JobFiles
from policycheck.sources.archive.kept import KeptRows
from policycheck.sources.archive.records import ArchiveRecords, HeldRecords, member_columns, without_members
from policycheck.sources.archive.schema import DIGEST, ENDED_BY, OBSERVED
from policycheck.sources.observations import merge_sources

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RegionJobs:
    """The jobs of one list in one Region."""

    parts: list[JobList] = field(default_factory=list)
    """What was seen by as_of, and what was seen later; each job in one of them."""
    repeated: int = 0
    shared_ids: int = 0
    unlisted: tuple[str, ...] = ()
    """Ids of jobs of which the end is not known, since AWS lists them no more."""
    kept: tuple[KeptRows, ...] | None = ()
    """The rows that count; None: some do not say which job they show."""


def read_region(files: JobFiles, names: Sequence[str], as_of: datetime, since: datetime | None, last_listed: Mapping[str | None, datetime]) -> RegionJobs:
    """The jobs of these files, each once, without those that had ended before `since`.

    Args:
        names: the members that a run reads.
        last_listed: when each account was last listed to the end, by as_of.

    Raises:
        ArchiveError: a file is missing or damaged.
    """
    import polars as pl

    dataset = files.dataset
    tops = dict.fromkeys([*(name.partition(".")[0] for name in names), *dataset.later_words])
    rows = files.scan([*tops, OBSERVED, ENDED_BY, DIGEST])
    key = [dataset.id_field, "CreationDate", dataset.resource_field]
    rows = rows.filter(pl.col("CreationDate").is_null() | (pl.col("CreationDate") <= as_of))
    if not len(rows):
        return RegionJobs()
    if sum(rows[name].null_count() for name in key):
        return _read_carefully(files, rows, names, as_of)
    chosen = _newest(_known_by(_without_ended(rows, key, since), key, as_of), key)
    told = chosen.group_by(key).len()
    ties = told.filter(pl.col("len") > 1).select(key)
    tied = chosen.join(ties, on=key, how="semi") if len(ties) else None
    chosen = chosen.join(ties, on=key, how="anti", maintain_order="left") if len(ties) else chosen
    chosen = chosen.sort(NUMBER)
    recorded = files.recorded(chosen[NUMBER] if tied is None else pl.concat([chosen[NUMBER], tied[NUMBER]]))
    lost = _find_unlisted(chosen, last_listed)
    ends = frozenset({dataset.state_field, "CompletionDate"})
    unknown = dict.fromkeys(lost, ends) | _find_undated(dataset, rows, chosen, key, as_of)
    halves = chosen.filter(pl.col(OBSERVED) <= as_of), chosen.filter(pl.col(OBSERVED) > as_of)
    parts: list[JobList] = []
    kept: list[KeptRows] = []
    for half in halves:
        if len(half):
            parts.append(_seen(_part(files, half, names, recorded, unknown), half))
            kept.append(KeptRows(half[NUMBER], parts[-1], unknown))
    if tied is not None:
        held = _held(files, tied, names, recorded)
        parts.append(_merged(held, names, recorded))
        kept.append(KeptRows(tied.sort(NUMBER)[NUMBER], held, {}))
    shared = int((told.group_by(dataset.id_field).len()["len"] > 1).sum())
    unlisted = tuple(str(one) for one in chosen.filter(pl.col(NUMBER).is_in(list(lost)))[dataset.id_field])
    return RegionJobs(parts, len(rows) - len(told), shared, unlisted, tuple(kept))


def _without_ended(rows: pl.DataFrame, key: Sequence[str], since: datetime | None) -> pl.DataFrame:
    """The rows of jobs that had not certainly ended before a time."""
    import polars as pl

    return rows if since is None else rows.filter((pl.col(ENDED_BY).max().over(key) >= since).fill_null(True))


def _known_by(rows: pl.DataFrame, key: Sequence[str], as_of: datetime) -> pl.DataFrame:
    """Without what was seen after as_of of jobs of which something seen by then says more of that moment."""
    import polars as pl

    late = pl.col(OBSERVED) > as_of
    if not rows.select(late.any()).item():
        return rows
    seen = (~late).any().over(key)
    # An end that is not known is taken to be when it was seen: the job may have ended earlier.
    still_open = pl.col(ENDED_BY).is_null() | ((pl.col(ENDED_BY) > as_of) & (pl.col(ENDED_BY) != pl.col(OBSERVED)))
    # What had ended does not change any more; but for words, of which `_find_undated` tells.
    settled = ~late & pl.col(ENDED_BY).is_not_null()
    return rows.filter(~(late & seen & (still_open | settled.any().over(key))))


def _newest(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Of each job the rows that count: one, unless several were seen at the same moment and say different things.

    A state no job leaves counts over one in progress, then the later CompletionDate, then what was seen last.
    """
    import polars as pl

    if not rows.select(pl.struct(key).is_duplicated().any()).item():
        return rows
    rank = pl.struct(pl.col(ENDED_BY).is_not_null(), pl.when(pl.col(ENDED_BY).is_not_null()).then(pl.col("CompletionDate")), pl.col(OBSERVED))
    ranked = rows.with_columns(rank.rank("dense").over(key).alias("_rank")).filter(pl.col("_rank") == pl.col("_rank").max().over(key)).drop("_rank")
    # What was seen twice alike was seen once.
    return ranked.unique([*key, DIGEST], keep="first", maintain_order=True)


def _find_unlisted(rows: pl.DataFrame, last_listed: Mapping[str | None, datetime]) -> set[int]:
    """The numbers of jobs that were in progress when they were last listed, and were not listed since."""
    import polars as pl

    opened = rows.filter(pl.col(ENDED_BY).is_null())
    spare = max(last_listed.values(), default=None)
    found: set[int] = set()
    for number, account, observed in opened.select(NUMBER, "AccountId", OBSERVED).rows():
        last = last_listed.get(account, spare)
        if last is not None and observed < last:
            found.add(number)
    return found


def _find_undated(dataset: Dataset, rows: pl.DataFrame, chosen: pl.DataFrame, key: Sequence[str], as_of: datetime) -> dict[int, frozenset[str]]:
    """By the number of a job, the words that were not said when it was seen by as_of, and were when it was seen later: when they were is not known."""
    import polars as pl

    found: dict[int, frozenset[str]] = {}
    late = pl.col(OBSERVED) > as_of
    for word, (message, undecided) in dataset.later_words.items():
        said = pl.col(word).is_not_null() & (pl.col(word) != undecided)
        undated = rows.group_by(key).agg((late & said).any().alias("_late"), (~late).any().alias("_early"), (~late & said).any().alias("_said"))
        undated = undated.filter(pl.col("_late") & pl.col("_early") & ~pl.col("_said"))
        for number in chosen.join(undated, on=key, how="semi")[NUMBER]:
            found[number] = found.get(number, frozenset()) | {word, message}
    return found


# --- lists ---


def _part(files: JobFiles, rows: pl.DataFrame, names: Sequence[str], recorded: frozenset[str], unknown: Mapping[int, frozenset[str]]) -> JobList:
    """Args: unknown: by the number of a row, the members that are not known any more."""
    dataset = files.dataset
    table = without_empty_texts(member_columns(dataset, rows, names))
    numbers: list[int] = rows[NUMBER].to_list()
    table, unusable, dropped = _with_times(dataset, table)
    whole = JobList(dataset, ArchiveRecords(table, recorded, files, numbers), unusable, dropped=dropped)
    gone = {row: unknown[number] for row, number in enumerate(numbers) if number in unknown} if unknown else {}
    return _without(whole, table, files, numbers, gone) if gone else whole


def _without(whole: JobList, table: pl.DataFrame, files: JobFiles, numbers: Sequence[int], gone: Mapping[int, frozenset[str]]) -> JobList:
    """The same list in which these members of some rows are not known."""
    records = ArchiveRecords(without_members(table, gone), whole.recorded, files, numbers, gone)
    told = _but(whole.told, gone)
    unusable = {**whole.unusable, **{row: whole.unusable.get(row, frozenset()) | members for row, members in gone.items()}}
    return JobList(whole.dataset, records, unusable, told, dropped=whole.dropped)


def _but(told: Sequence[Recording], gone: Mapping[int, frozenset[str]]) -> Recordings:
    """The same of records of which these members, by row, are not known."""
    found = told if isinstance(told, Recordings) else Recordings.of(told)
    kinds = {one: number for number, one in enumerate(found.kinds)}
    numbers = found.numbers[:]
    for row, members in gone.items():
        numbers[row] = kinds.setdefault(found[row].but(members), len(kinds))
    return Recordings(list(kinds), numbers)


def _seen(part: JobList, rows: pl.DataFrame) -> JobList:
    """The same list, which was seen when its last row was: a job that does not say when it ended may have ended until then."""
    observed = rows[OBSERVED].max()
    assert isinstance(observed, datetime)
    until = micros(observed)
    told = part.told if isinstance(part.told, Recordings) else Recordings.of(part.told)
    return replace(part, recordings=told.changed(lambda one: replace(one, until=max(one.until, until))))


def _with_times(dataset: Dataset, table: pl.DataFrame) -> tuple[pl.DataFrame, dict[int, frozenset[str]], frozenset[str]]:
    """The table without times that cannot be; by row, the members of these; and what counts for nothing (`JobTimes`)."""
    import polars as pl

    odd = table.select(_odd(dataset).fill_null(False).arg_true()).to_series().to_list()
    if not odd:
        return table, {}, frozenset()
    members = time_members(dataset)
    found = table[odd].select(*members, dataset.state_field)
    values = {name: [moment(value) if value is not None else None for value in found[name]] for name in members}
    times = read_time_columns(dataset, {**values, dataset.state_field: found[dataset.state_field].to_list()})
    columns = [table[name].scatter(odd, pl.Series(times.columns[name], dtype=pl.Int64)) for name in members]
    return table.with_columns(columns), {odd[row]: names for row, names in times.unusable.items()}, times.dropped


def _odd(dataset: Dataset) -> pl.Expr:
    """Whether `job_times` would look at a record twice."""
    import polars as pl

    created, completed = pl.col("CreationDate"), pl.col("CompletionDate")
    begun = pl.col("InitiationDate") if "InitiationDate" in dataset.fields else pl.lit(None, pl.Int64)
    unended = ~pl.col(dataset.state_field).is_in(list(dataset.finished)).fill_null(False)
    strange = [(pl.col(name) < FIRST_DAY) | (pl.col(name) >= LATEST) for name in time_members(dataset)]
    return pl.any_horizontal(
        *(one.fill_null(False) for one in strange),
        (completed < created).fill_null(False),
        completed.is_not_null() & unended,
        (begun < created).fill_null(False),
        (begun > completed).fill_null(False),
    )


def _merged(held: JobList, names: Sequence[str], recorded: frozenset[str]) -> JobList:
    """Jobs of which several rows count, as observations are merged."""
    found = merge_sources([held]).jobs
    records = HeldRecords(held.dataset, list(found.records), recorded, names)
    return JobList(held.dataset, records, found.unusable, found.told, found.doubtful, found.dropped)


def _held(files: JobFiles, rows: pl.DataFrame, names: Sequence[str], recorded: frozenset[str]) -> JobList:
    part = _part(files, rows.sort(NUMBER), names, recorded, {})
    return _seen(JobList(files.dataset, list(part.records), part.unusable, part.told, dropped=part.dropped), rows)


def _read_carefully(files: JobFiles, rows: pl.DataFrame, names: Sequence[str], as_of: datetime) -> RegionJobs:
    """Where a record does not say which job it shows: all of them as objects, merged as those of files are."""
    import polars as pl

    recorded = files.recorded(rows[NUMBER])
    halves = [rows.filter(pl.col(OBSERVED) <= as_of), rows.filter(pl.col(OBSERVED) > as_of)]
    found = merge_sources([_held(files, half, names, recorded) for half in halves if len(half)])
    records = HeldRecords(files.dataset, list(found.jobs.records), recorded, names)
    jobs = JobList(files.dataset, records, found.jobs.unusable, found.jobs.told, found.jobs.doubtful, found.jobs.dropped)
    return RegionJobs([jobs], found.repeated, found.shared_ids, kept=None)
