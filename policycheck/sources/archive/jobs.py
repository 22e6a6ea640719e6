"""From the rows of one Region to jobs as of an instant: of several observations of a job the one that counts (docs/archive.md, Which observation counts)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from policycheck.column_records import PLAIN, without_empty_texts
from policycheck.datasets import Dataset
from policycheck.job_lists import JobList
from policycheck.job_times import read_time_columns
from policycheck.long_tables import PIECE, LongTable, Table, write_pieces
from policycheck.recordings import Recording, Recordings
from policycheck.records import FIRST_DAY, LATEST, micros, moment, time_members
from policycheck.sources.archive.job_files import NUMBER, JobFiles
from policycheck.sources.archive.kept import KeptRows
from policycheck.sources.archive.records import ArchiveRecords, HeldRecords, Known, read_members, said_once, unknown_from, without_members
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


def read_region(
    files: JobFiles,
    names: Sequence[str],
    as_of: datetime,
    since: datetime | None,
    last_listed: Mapping[str | None, datetime],
    spared: Collection[str] = (),
    *,
    long: bool = False,
) -> RegionJobs:
    """The jobs of these files, each once, without those that had ended before `since`.

    Which rows count is found out by numbers; only of these are columns read.

    Args:
        names: the members that a run reads.
        last_listed: when each account was last listed to the end, by as_of.
        spared: members of which only whether a record lacks one will be asked.
        long: whether columns are kept in files.

    Raises:
        ArchiveError: a file is missing or damaged.
    """
    import polars as pl

    dataset = files.dataset
    key = [dataset.id_field, "CreationDate", dataset.resource_field]
    survey = _survey(files, key, as_of)
    if not len(survey):
        return RegionJobs()
    if survey[_VAGUE].any():
        return _read_carefully(files, _happened(files, names, as_of), names, as_of)
    chosen, several, tied = _choose(files, survey, key, as_of, since)
    numbers = chosen[NUMBER]
    recorded, complete = files.recorded(numbers if tied is None else pl.concat([numbers, tied[NUMBER]]).sort(), spared)
    lost = _find_unlisted(files, chosen, last_listed)
    ends = frozenset({dataset.state_field, "CompletionDate"})
    unknown = dict.fromkeys(lost, ends) | _find_undated(dataset, several, key, as_of, frozenset(numbers.filter(numbers.is_in(several[NUMBER].implode()))))
    parts: list[JobList] = []
    kept: list[KeptRows] = []
    for half in (chosen.filter(pl.col(OBSERVED) <= as_of), chosen.filter(pl.col(OBSERVED) > as_of)):
        if len(half):
            known = Known(recorded, complete, None if half[_ODD].any() else half[_ID])
            parts.append(_seen(_part(files, half[NUMBER], names, known, unknown, long=long), half))
            kept.append(KeptRows(half[NUMBER], parts[-1], unknown))
    if tied is not None:
        held = _held(files, tied, names, recorded)
        parts.append(_merged(held, names, recorded))
        kept.append(KeptRows(tied.sort(NUMBER)[NUMBER], held, {}))
    distinct = pl.concat([chosen[NUMBER], *([tied.unique(key)[NUMBER]] if tied is not None else [])])
    shared = _count_shared(files, survey, distinct)
    unlisted = tuple(map(str, files.rows([dataset.id_field], pl.Series(sorted(lost), dtype=pl.UInt32))[dataset.id_field]))
    return RegionJobs(parts, len(survey) - len(distinct), shared, unlisted, tuple(kept))


_KEY, _ID, _VAGUE, _ODD = "_key", "_id", "_vague", "_odd"


def _survey(files: JobFiles, key: Sequence[str], as_of: datetime) -> pl.DataFrame:
    """Of each row of a job that was created by as_of: its number, when it was seen and had ended, numbers that stand for its key and for its id (the same of
    the same; of others, but for chance, another), whether its key is incomplete, and whether its id has other than printable characters."""
    import polars as pl

    def surveyed(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.filter(_by(as_of)).select(
            NUMBER,
            OBSERVED,
            ENDED_BY,
            pl.struct(key).hash().alias(_KEY),
            pl.col(key[0]).hash().alias(_ID),
            pl.any_horizontal(pl.col(*key).is_null()).alias(_VAGUE),
            (~pl.col(key[0]).str.contains(PLAIN)).alias(_ODD),
        )

    found = files.collect([*key, OBSERVED, ENDED_BY], surveyed)
    return found if found[NUMBER].is_sorted() else found.sort(NUMBER)


def _by(as_of: datetime) -> pl.Expr:
    import polars as pl

    return pl.col("CreationDate").is_null() | (pl.col("CreationDate") <= as_of)


def _happened(files: JobFiles, names: Sequence[str], as_of: datetime) -> pl.DataFrame:
    """All rows of jobs that were created by as_of."""
    tops = dict.fromkeys([*(name.partition(".")[0] for name in names), files.dataset.id_field, *files.dataset.later_words])
    return files.scan([*tops, OBSERVED, ENDED_BY, DIGEST]).filter(_by(as_of))


def _choose(
    files: JobFiles, survey: pl.DataFrame, key: Sequence[str], as_of: datetime, since: datetime | None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
    """Of the survey the rows that count; all rows of jobs that have several; and the rows of jobs of which several count, None where there are none."""
    import polars as pl

    repeated = survey[_KEY].is_duplicated()
    tops = [*dict.fromkeys([*key, files.dataset.state_field, *files.dataset.later_words, "CompletionDate"]), OBSERVED, ENDED_BY, DIGEST]
    several = files.rows(tops, survey.filter(repeated)[NUMBER])
    best = _newest(_known_by(_without_ended(several, key, since), key, as_of), key)
    ties = best.group_by(key).len().filter(pl.col("len") > 1).select(key)
    tied = best.join(ties, on=key, how="semi") if len(ties) else None
    best = best.join(ties, on=key, how="anti", maintain_order="left") if len(ties) else best
    alone = ~repeated
    if since is not None:
        alone = alone & (survey[ENDED_BY].is_null() | (survey[ENDED_BY] >= since))
    return survey.filter(alone | survey[NUMBER].is_in(best[NUMBER].implode())), several, tied


def _count_shared(files: JobFiles, survey: pl.DataFrame, numbers: pl.Series) -> int:
    """How many ids name several of these jobs."""

    own = survey.filter(survey[NUMBER].is_in(numbers.implode())) if len(numbers) < len(survey) else survey
    alike = own.filter(own[_ID].is_duplicated())[NUMBER]
    if not len(alike):
        return 0
    counts = files.rows([files.dataset.id_field], alike).group_by(files.dataset.id_field).len()
    return int((counts["len"] > 1).sum())


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


def _find_unlisted(files: JobFiles, rows: pl.DataFrame, last_listed: Mapping[str | None, datetime]) -> set[int]:
    """The numbers of jobs that were in progress when they were last listed, and were not listed since."""
    import polars as pl

    opened = files.rows(["AccountId", OBSERVED], rows.filter(pl.col(ENDED_BY).is_null())[NUMBER])
    spare = max(last_listed.values(), default=None)
    found: set[int] = set()
    for number, account, observed in opened.rows():
        last = last_listed.get(account, spare)
        if last is not None and observed < last:
            found.add(number)
    return found


def _find_undated(dataset: Dataset, rows: pl.DataFrame, key: Sequence[str], as_of: datetime, chosen: Collection[int]) -> dict[int, frozenset[str]]:
    """By the number of a job, the words that were not said when it was seen by as_of, and were when it was seen later: when they were is not known.

    Args:
        rows: all of the jobs that have several.
        chosen: the numbers of those that count.
    """
    import polars as pl

    found: dict[int, frozenset[str]] = {}
    late = pl.col(OBSERVED) > as_of
    for word, (message, undecided) in dataset.later_words.items():
        said = pl.col(word).is_not_null() & (pl.col(word) != undecided)
        undated = rows.group_by(key).agg((late & said).any().alias("_late"), (~late).any().alias("_early"), (~late & said).any().alias("_said"))
        undated = undated.filter(pl.col("_late") & pl.col("_early") & ~pl.col("_said"))
        for number in rows.join(undated, on=key, how="semi")[NUMBER]:
            if number in chosen:
                found[number] = found.get(number, frozenset()) | {word, message}
    return found


# --- lists ---


def _part(files: JobFiles, numbers: pl.Series, names: Sequence[str], known: Known, unknown: Mapping[int, frozenset[str]], *, long: bool = False) -> JobList:
    """
    Args:
        numbers: of rows, in their order.
        unknown: by the number of a row, the members that are not known any more.
    """
    import polars as pl

    dataset = files.dataset
    table: Table
    if long:
        table, unusable, dropped = _read_long(files, numbers, names)
    else:
        table, unusable, dropped = _with_times(dataset, without_empty_texts(said_once(read_members(files, names, numbers))))
    whole = JobList(dataset, ArchiveRecords(table, known, files, numbers), unusable, dropped=dropped)
    places = pl.DataFrame([numbers]).with_row_index("_row").filter(pl.col(numbers.name).is_in(list(unknown))).rows() if unknown else []
    gone = {row: unknown[number] for row, number in places}
    return _without(whole, table, known, files, numbers, gone) if gone else whole


def _read_long(files: JobFiles, numbers: pl.Series, names: Sequence[str]) -> tuple[LongTable, dict[int, frozenset[str]], frozenset[str]]:
    """`_with_times` of rows that are never all in memory."""
    unusable: dict[int, frozenset[str]] = {}
    dropped = set[str]()

    def pieces() -> Iterator[pl.DataFrame]:
        for start in range(0, len(numbers), PIECE):
            table, own, more = _with_times(files.dataset, without_empty_texts(read_members(files, names, numbers[start : start + PIECE])))
            unusable.update((start + row, members) for row, members in own.items())
            dropped.update(more)
            yield table

    return write_pieces(pieces()), unusable, frozenset(dropped)


def _without(whole: JobList, table: Table, known: Known, files: JobFiles, numbers: pl.Series, gone: Mapping[int, frozenset[str]]) -> JobList:
    """The same list in which these members of some rows are not known."""
    told_less = (
        table.changed(lambda piece, start: without_members(piece, unknown_from(gone, start))) if isinstance(table, LongTable) else without_members(table, gone)
    )
    records = ArchiveRecords(told_less, known._replace(recorded=whole.recorded), files, numbers, gone)
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
    part = _part(files, rows[NUMBER].sort(), names, Known(recorded), {})
    return _seen(JobList(files.dataset, list(part.records), part.unusable, part.told, dropped=part.dropped), rows)


def _read_carefully(files: JobFiles, rows: pl.DataFrame, names: Sequence[str], as_of: datetime) -> RegionJobs:
    """Where a record does not say which job it shows: all of them as objects, merged as those of files are."""
    import polars as pl

    recorded, _ = files.recorded(rows[NUMBER], ())
    halves = [rows.filter(pl.col(OBSERVED) <= as_of), rows.filter(pl.col(OBSERVED) > as_of)]
    found = merge_sources([_held(files, half, names, recorded) for half in halves if len(half)])
    records = HeldRecords(files.dataset, list(found.jobs.records), recorded, names)
    jobs = JobList(files.dataset, records, found.jobs.unusable, found.jobs.told, found.jobs.doubtful, found.jobs.dropped)
    return RegionJobs([jobs], found.repeated, found.shared_ids, kept=None)
