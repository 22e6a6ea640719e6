"""Lists as a whole, whatever their source: what a list of plain files covers, and what to say of it (docs/verdicts.md, Coverage)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from policycheck.datasets import DATASETS, Dataset
from policycheck.job_lists import JobList
from policycheck.long_tables import Table
from policycheck.places import Place
from policycheck.records import HAPPENED, iso, micros, moment
from policycheck.result import Coverage
from policycheck.sources.observations import Jobs
from policycheck.sources.state_lists import assert_state

if TYPE_CHECKING:
    pass

STRETCH = timedelta(hours=25)
"""How far a list is taken to speak beyond its oldest and newest time: a daily job's next run is at most that far away, the hour of a clock change included."""


@dataclass(frozen=True, slots=True)
class Periods:
    """Which times the rows of a source say they are of."""

    by_place: Mapping[Place, tuple[tuple[datetime, datetime], ...]]
    ends: tuple[int | None, ...]
    """By row, when its time ends, in microseconds; None where it does not say."""


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says of one list."""

    name: str
    jobs: JobList
    lone: bool = False
    """It is one describe answer, or several: it speaks of these jobs alone."""
    periods: Periods | None = None
    """The times it says it is of, and then of no other; None: it does not say."""

    @property
    def silence(self) -> str:
        """Why what it does not show is not known to be absent; empty where it speaks of a time."""
        if self.lone:
            return "one describe answer covers only that job"
        return f"the list may be cut off: its last record has no {_lost(self.jobs)}" if self.jobs.cut_off else ""


def _lost(jobs: JobList) -> str:
    return " and no ".join(sorted({name for names in jobs.cut_off.values() for name in names}))


@dataclass(frozen=True, slots=True)
class _Interval:
    start: datetime
    end: datetime
    margin: timedelta = timedelta()
    """By how much it is stretched at either end."""


def assert_coverage(
    lists: Mapping[str, JobList], as_of: datetime, covers: tuple[datetime, datetime] | None, sources: Mapping[str, Sequence[Source]]
) -> tuple[Coverage, ...]:
    """What lists from plain files cover, by the assertion of whoever names them: one entry for each dataset, account and Region.

    Each file covers the time from its own oldest to its own newest CreationDate, InitiationDate or CompletionDate not after as_of at a place, stretched by
    `STRETCH`; `covers` adds its time. What lies between is a gap. Nothing reaches beyond as_of. The interval is (None, None) where nothing dates it. A record
    created after as_of is left out: it is no job, and shows no place. A file that says which times it is of covers these, and has no margin.

    Args:
        lists: the jobs, by dataset.
        sources: what the files say of them, by dataset.
    """
    entries: list[Coverage] = []
    for name, job_list in lists.items():
        if job_list.dataset.of_state:
            files = sources.get(name, ())
            silence = next(filter(None, (source.silence for source in files)), "")
            entries += assert_state(job_list, [source.name for source in files], silence, as_of, covers)
            continue
        spans: defaultdict[Place, list[_Interval]] = defaultdict(list)
        holders: defaultdict[Place, list[Source]] = defaultdict(list)
        shown: defaultdict[Place, int] = defaultdict(int)
        jobs = _by_place(job_list, micros(as_of))
        for source in sources.get(name, ()):
            # A list of one source is looked through once.
            for place, found in (jobs if source.jobs is job_list else _by_place(source.jobs, micros(as_of))).items():
                holders[place].append(source)
                shown[place] += found.jobs
                if source.periods is not None:
                    spans[place] += [_Interval(*period) for period in source.periods.by_place.get(place, ()) if period[0] <= as_of]
                elif found.first is not None and found.last is not None and not source.silence:
                    spans[place].append(_Interval(moment(found.first), moment(found.last), STRETCH))
        for place in {**jobs, **holders}:
            # A place that a source names and no job: two records of one job say more than either.
            own = jobs.get(place, _Shown())
            read = [source for source in holders[place] if not source.silence]
            if covers is not None and read and covers[0] <= as_of:
                spans[place].append(_Interval(*covers))
            rewound = own.rewound
            reason = f"reconstructed: {rewound} {'job' if rewound == 1 else 'jobs'} ended after as_of" if rewound else ""
            silence = "" if read else next((source.silence for source in holders[place]), "")
            # Where its records are of no single place, the list as a whole still has a name.
            names = [source.name for source in read or holders[place] or sources.get(name, ())]
            entry = _entry(name, place, own.jobs or shown[place], names, reason, spans[place], as_of, silence)
            cut_off = bool(silence) and any(source.jobs.cut_off and not source.lone for source in holders[place])
            entries.append(replace(entry, rewound=rewound, cut_off=cut_off, files=tuple(dict.fromkeys(names))))
    return tuple(sorted(entries, key=lambda entry: (entry.dataset, entry.account or "", entry.region or "")))


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the records of one list say of one place, those that were created after as_of left out."""

    jobs: int = 0
    first: int | None = None
    """The oldest and the newest time at which they did something by as_of, in microseconds."""
    last: int | None = None
    rewound: int = 0
    """Jobs that are shown as ended and had not ended by as_of."""


def _by_place(job_list: JobList, as_of: int) -> Mapping[Place, _Shown]:
    if job_list.table is not None:
        return _by_place_in_columns(job_list, job_list.table, as_of)
    dataset, places = job_list.dataset, defaultdict[Place, list[Any]](list)
    for place, record in zip(job_list.places(), job_list.records, strict=True):
        created = record.CreationDate
        if created is None or created <= as_of:
            places[place].append(record)
    return {place: _Shown(len(records), *_reach(dataset, records, as_of), _count_rewound(dataset, records, as_of)) for place, records in places.items()}


def _by_place_in_columns(job_list: JobList, table: Table, as_of: int) -> Mapping[Place, _Shown]:
    """`_by_place` of records that are columns."""
    import polars as pl

    dataset = job_list.dataset
    names, numbers = job_list.numbered_places
    happened = [pl.col(member) for member in HAPPENED if member in dataset.fields]
    by_then = [column.filter(column <= as_of) for column in happened]
    later = pl.col("CompletionDate") > as_of
    others = [pl.col("InitiationDate") > as_of] if "InitiationDate" in dataset.fields else []
    others += [(pl.col(dataset.state_field) == "EXPIRED") & (pl.col("StartBy") > as_of)] if "EXPIRED" in dataset.states else []
    open_end = pl.any_horizontal(pl.lit(False), *(other.fill_null(False) for other in others))
    rewound = pl.col(dataset.state_field).is_in(list(dataset.finished)) & pl.when(pl.col("CompletionDate").is_null()).then(open_end).otherwise(later)
    found = (
        table.lazy()
        .with_columns(pl.Series("_place", numbers, pl.Int64))
        .filter(pl.col("CreationDate").is_null() | (pl.col("CreationDate") <= as_of))
        .group_by("_place")
        .agg(
            pl.len().alias("_jobs"),
            pl.min_horizontal(*(column.min() for column in by_then)).alias("_first"),
            pl.max_horizontal(*(column.max() for column in by_then)).alias("_last"),
            rewound.sum().alias("_rewound"),
        )
        .collect()
    )
    return {names[place]: _Shown(*row) for place, *row in found.rows()}


def _reach(dataset: Dataset, records: list[Any], as_of: int) -> tuple[int | None, int | None]:
    """The oldest and the newest time at which these records did something by as_of, in microseconds."""
    edges: list[int] = []
    for member in HAPPENED:
        if member in dataset.fields:
            times = [time for time in map(attrgetter(member), records) if time is not None and time <= as_of]
            if times:
                edges += (min(times), max(times))
    return min(edges, default=None), max(edges, default=None)


def _count_rewound(dataset: Dataset, records: list[Any], as_of: int) -> int:
    """Jobs the list shows as ended that had not ended by as_of."""

    def is_later(record: Any) -> bool:
        if record.CompletionDate is not None:
            return bool(record.CompletionDate > as_of)
        begun = getattr(record, "InitiationDate", None)
        waited = record.StartBy if getattr(record, dataset.state_field) == "EXPIRED" else None
        return any(time is not None and time > as_of for time in (begun, waited))

    # Most lists show nothing that is later than as_of.
    times = ("CompletionDate", *(name for name in ("InitiationDate", "StartBy") if name in dataset.fields))
    if not any(time is not None and time > as_of for name in times for time in map(attrgetter(name), records)):
        return 0
    return sum(is_later(record) for record in records if getattr(record, dataset.state_field) in dataset.finished)


def _entry(dataset: str, place: Place, jobs: int, names: Sequence[str], reason: str, spans: Sequence[_Interval], as_of: datetime, silence: str) -> Coverage:
    source = names[0] if len(names) == 1 else f"{len(names)} files"
    if silence:
        return Coverage(dataset, *place, None, None, jobs, complete=False, source=source, reason=silence)
    if not spans:
        return Coverage(dataset, *place, None, None, jobs, source=source, reason=reason)
    ordered = sorted(spans, key=lambda span: (span.start, span.end))
    gaps: list[tuple[datetime, datetime]] = []
    holes: list[tuple[datetime, datetime]] = []
    last = ordered[0]
    for span in ordered[1:]:
        # Two files meet where the hole between them is no longer than one margin.
        if span.start - last.end > max(span.margin, last.margin):
            # Each still has its own margin: what lies in either alone is covered, what reaches over both is not.
            gaps.append((last.end + last.margin, span.start - span.margin))
            holes.append((last.end, span.start))
        last = max(last, span, key=lambda one: one.end)
    start, end = min(span.start - span.margin for span in spans), min(max(span.end + span.margin for span in spans), as_of)
    evidence = min(span.start for span in spans), min(max(span.end for span in spans), as_of)
    return Coverage(dataset, *place, start, end, jobs, source=source, reason=reason, gaps=tuple(gaps), holes=tuple(holes), evidence=evidence)


def describe_gaps(coverage: Iterable[Coverage]) -> list[str]:
    """Which times no file is of, a sentence each."""
    return [
        f"gap: no list of {DATASETS[entry.dataset].noun}s of {entry.place} that was read covers {iso(min(gap))} to {iso(max(gap))}"
        for entry in coverage
        for gap in entry.gaps
    ]


def describe_merging(found: Jobs) -> list[str]:
    """Warnings about records that show one job, or do not say which."""
    dataset, repeated, doubtful = found.jobs.dataset, found.repeated, len(found.jobs.doubtful)
    warnings = []
    if repeated:
        warnings.append(f"{repeated} {'record repeats' if repeated == 1 else 'records repeat'} a {dataset.id_field}; each job counts once")
    if found.shared_ids:
        ids = f"{found.shared_ids} {dataset.id_field} names" if found.shared_ids == 1 else f"{found.shared_ids} {dataset.id_field}s name"
        warnings.append(f"{ids} several jobs with other times or resources: the IDs were redacted, and each job counts")
    if doubtful:
        records = "1 record does not record" if doubtful == 1 else f"{doubtful} records do not record"
        keep = f"{dataset.id_field}, CreationDate and {dataset.resource_field}"
        warnings.append(f"{records} enough to tell whether it shows a job that another record shows; save the list with {keep}")
    return warnings


def describe_cut(source: Source) -> str:
    """A warning where a list may be cut off; else nothing."""
    if source.lone or not source.jobs.cut_off:
        return ""
    noun = source.jobs.dataset.noun
    return (
        f"{source.name} might be cut off: its last {noun} has no {_lost(source.jobs)}, but the others do; what follows is unknown: "
        "run the command again, or save the list with --output json"
    )


def describe_future(job_list: JobList, as_of: datetime) -> str:
    """A warning where jobs were created after as_of; else nothing."""
    limit = micros(as_of)
    if job_list.dataset.of_state:
        return ""
    if job_list.table is not None:
        count = int((job_list.table["CreationDate"] > limit).sum())
    else:
        count = sum(time is not None and time > limit for time in job_list.values("CreationDate"))
    noun = job_list.dataset.noun
    return f"{count} {f'{noun} was' if count == 1 else f'{noun}s were'} created after as_of and omitted" if count else ""


def describe_state(job_list: JobList) -> str:
    """A warning where two jobs or more all share one state, as a list made with a filter does; else nothing."""
    dataset = job_list.dataset
    states = {state for (state,) in job_list.distinct(dataset.state_field)}
    if dataset.of_state or len(job_list) < 2 or len(states) != 1 or None in states:
        return ""
    option = dataset.state_option
    return (
        f"all {len(job_list)} {dataset.noun}s are {states.pop()}: if the list was made with {option}, it cannot show any other {dataset.state_field}; "
        f"list again without {option}"
    )
