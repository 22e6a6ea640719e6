"""Job reports of AWS Backup Audit Manager, as AWS writes them to S3: recognized by content, read as jobs of the API's lists, each with the time it is of.

A job report "shows jobs finished in the last 24 hours and all active jobs" (AWS Backup Developer Guide, Working with audit reports). Each row names the time,
the account and the Region that the report is of. What follows from that is written down in docs/job-reports.md; in short:

- A report covers its time, exactly, in the accounts and Regions that it has jobs of: one without a job of a place does not say that it is of that place.
- It shows a job in progress as it was then. Whether it still is, where its newest report is older than the evaluation time, is unknown.
- A column that is there and empty says that there is none; what has no column is unknown.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from policycheck.datasets import ALWAYS, Dataset, Kind, Presence
from policycheck.errors import JobFileError
from policycheck.job_lists import JobList
from policycheck.losses import MESSAGE, went_wrong
from policycheck.places import Place
from policycheck.recordings import Recording
from policycheck.records import EARLIEST, LATEST, RecordError, iso, micros, moment, record_type
from policycheck.sources.lists import Periods, Source
from policycheck.sources.members import letters
from policycheck.sources.report_columns import (
    ACCOUNT,
    OTHER_REPORTS,
    PERIOD,
    PERIOD_END,
    PERIOD_START,
    REGION,
    fields_by_column,
    ids_by_column,
    is_known,
)
from policycheck.sources.report_rows import AGAIN, Row, read_rows
from policycheck.text import clean_line, truncate

_LEAST, _MOST = -(2**63), 2**63 - 1
_TRUTHS = {"true": True, "false": False}
_LIFECYCLE, _CREATED_BY, _PLAN_ARN = "RecoveryPointLifecycle", "CreatedBy", "CreatedBy.BackupPlanArn"
_PLAN_ID = "CreatedBy.BackupPlanId"
_OPTIONS = "BackupOptions"
_PLAN_OF_ARN = re.compile(r"arn:[^:]*:backup:[^:]*:[^:]*:backup-plan:(?P<id>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Report:
    """What one file of AWS Backup's reports holds."""

    lists: Mapping[str, Source]
    """By dataset name; nothing where it has no rows and does not say which list it is of."""
    form: str
    """JSON or CSV."""
    other: str = ""
    """What it is, where it is a report that lists no jobs."""
    strange: tuple[str, ...] = ()
    """Columns that no report of AWS is known to have."""

    @property
    def count(self) -> int:
        """How many rows it has."""
        return sum(len(source.jobs) for source in self.lists.values())


def read_report(name: str, text: bytes) -> Report:
    """The jobs of one report, and the time it is of. `name` is the file's.

    Raises:
        JobFileError: cut off, damaged, or with a value that cannot be what its column says.
    """
    form, rows = read_rows(text)
    if other := next((what for column, what in OTHER_REPORTS.items() if column in rows.columns), ""):
        return Report({}, form, other=other)
    by_list: defaultdict[str, list[Row]] = defaultdict(list)
    datasets = {dataset.name: dataset for dataset in ids_by_column().values()}
    for row in rows.found:
        by_list[_dataset_of(row).name].append(row)
    if not rows.found and (own := [dataset for column, dataset in ids_by_column().items() if column in rows.columns]):
        by_list[own[0].name] = []
    lists = {key: _source(name, datasets[key], found) for key, found in by_list.items()}
    kinds = [datasets[key] for key in by_list]
    strange = {said for column, said in rows.columns.items() if kinds and not any(is_known(dataset, column) for dataset in kinds)}
    return Report(lists, form, strange=tuple(sorted(strange)))


def settle_progress(source: Source, as_of: datetime) -> Source:
    """A source as it is to be merged with others: a job in progress in a report of a time that ended before `as_of` may have ended since."""
    if source.periods is None:
        return source
    jobs, limit = source.jobs, micros(as_of)
    dataset = jobs.dataset
    open_ended = [
        row
        for row, (record, end) in enumerate(zip(jobs.records, source.periods.ends, strict=True))
        if getattr(record, dataset.state_field) in dataset.in_progress and (end is None or end < limit)
    ]
    if not open_ended:
        return source
    unknown = frozenset({dataset.state_field})
    records, recordings, unusable = list(jobs.records), list(jobs.told), dict(jobs.unusable)
    for row in open_ended:
        records[row] = msgspec.structs.replace(records[row], **{dataset.state_field: None})
        recordings[row] = recordings[row].but(unknown)
        unusable[row] = unusable.get(row, frozenset()) | unknown
    return replace(source, jobs=replace(jobs, records=records, recordings=recordings, unusable=unusable))


def describe_reports(reports: Mapping[str, Report], as_of: datetime, spell: Callable[[list[str]], str]) -> Iterator[str]:
    """What job reports do not say, and what of them was not read, a sentence each; `spell` names files."""
    if read := [name for name, report in reports.items() if report.count]:
        sources = [source for report in reports.values() for source in report.lists.values()]
        ends = [end for source in sources if source.periods is not None for end in source.periods.ends if end]
        says, cover = ("is a job report", "covers") if len(read) == 1 else ("are job reports", "cover")
        yield f"asserted: {spell(read)} {says} of AWS Backup, which {cover} the times, accounts and Regions that its rows name, and no others"
        if any("MessageCategory" in source.jobs.dataset.fields for source in sources):
            yield "asserted: job reports do not record MessageCategory, so no job is known to have completed without issues"
        if ends and max(ends) < micros(as_of):
            last = iso(moment(max(ends)))
            yield f"asserted: no job report covers a time after {last}; --as-of {last} evaluates what the reports cover"
    if of_text := [name for name, report in reports.items() if report.count and report.form == "CSV"]:
        yield f"asserted: {spell(of_text)}: a CSV file that was cut off at the end of a line looks complete"
    if empty := [name for name, report in reports.items() if not report.count and not report.other]:
        says = "a job report without a job does" if len(empty) == 1 else "job reports without a job do"
        yield f"asserted: nothing in {spell(empty)}; {says} not record its account, Region and time"
    for what in sorted({report.other for report in reports.values()} - {""}):
        yield f"not read: {spell([name for name, report in reports.items() if report.other == what])}: {what} of AWS Backup lists no jobs of these kinds"
    if strange := sorted({column for report in reports.values() for column in report.strange}):
        yield f"not read: {_some(strange)} in job reports: policycheck does not know such a column"


def _some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


# --- from rows to jobs ---


def _dataset_of(row: Row) -> Dataset:
    # A report of copy or restore jobs might name the backup job behind one, too.
    for column, dataset in reversed(list(ids_by_column().items())):
        if row.values.get(column) is not None:
            return dataset
    names = ", ".join(dataset.id_field for dataset in ids_by_column().values())
    raise JobFileError(f"has a row without the ID of a job ({names}): {row.place}", hint=AGAIN)


def _source(name: str, dataset: Dataset, rows: Sequence[Row]) -> Source:
    kind, columns = record_type(dataset), fields_by_column(dataset)
    records = [msgspec.convert(_record(dataset, columns, row), kind) for row in rows]
    try:
        jobs = JobList.of(dataset, records)
    except RecordError as error:
        row = rows[error.index]
        raise _wrong(row, next(column for column in row.values if columns.get(column) == error.member), error.problem) from None
    except OverflowError:
        raise JobFileError("holds a time that is not from 1970 to 2300", hint=AGAIN) from None
    periods = [_period(row) for row in rows]
    by_place: defaultdict[Place, set[tuple[datetime, datetime]]] = defaultdict(set)
    for row, place, period in zip(rows, jobs.places(), periods, strict=True):
        # A job that ran elsewhere says nothing about how far the report tells of that place.
        if period is not None and None not in place and place == (row.values.get(ACCOUNT), row.values.get(REGION)):
            by_place[place].add(period)
    spans = {place: tuple(sorted(found)) for place, found in by_place.items()}
    ends = tuple(None if period is None else micros(period[1]) for period in periods)
    return Source(name, replace(jobs, recordings=_recordings(jobs, columns, rows)), periods=Periods(spans, ends))


def _record(dataset: Dataset, columns: Mapping[str, str], row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for column, value in row.values.items():
        member = columns.get(column)
        if member is None or value is None or column == row.cut:
            continue
        if member == _OPTIONS:
            fields |= {member: options} if (options := _options(value)) else {}
            continue
        head, _, tail = member.partition(".")
        read = _value(dataset.fields[member].kind, value, row, column)
        if tail:
            fields.setdefault(head, {})[tail] = read
        else:
            fields[head] = read
    created_by = fields.get(_CREATED_BY)
    if _PLAN_ID in dataset.fields and created_by is not None and (found := _PLAN_OF_ARN.fullmatch(created_by.get("BackupPlanArn", ""))):
        # Service Authorization Reference: arn:${Partition}:backup:${Region}:${Account}:backup-plan:${BackupPlanId}
        created_by.setdefault("BackupPlanId", found["id"])
    return fields


def _value(kind: Kind, value: Any, row: Row, column: str) -> Any:
    """A value as the API has it; CSV has texts alone."""
    try:
        match kind:
            case Kind.TIME:
                return datetime.fromisoformat(value)
            case Kind.SIZE | Kind.INTEGER:
                if not isinstance(value, int | str) or isinstance(value, bool):
                    raise ValueError
                if not _LEAST <= (number := int(value)) <= _MOST:
                    raise ValueError
                return number
            case Kind.BOOLEAN:
                return value if isinstance(value, bool) else _TRUTHS[value.lower()]
            case _ if isinstance(value, str):
                return value
            case _:
                raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        what = {Kind.TIME: "not an ISO 8601 time", Kind.SIZE: "not a whole number", Kind.INTEGER: "not a whole number", Kind.BOOLEAN: "neither true nor false"}
        raise _wrong(row, column, f"{truncate(clean_line(str(value)), 60)!r} is {what.get(kind, 'no text')}") from None


def _options(value: object) -> dict[str, str] | None:
    """BackupOptions, an object; in CSV its JSON. None for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return {key: text for key, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else None


def _wrong(row: Row, column: str, problem: str) -> JobFileError:
    """The error for a value that its column, which goes by its letters, cannot have."""
    return JobFileError(f"{row.place}, column {row.names[column]}: {problem}", hint=AGAIN)


def _period(row: Row) -> tuple[datetime, datetime] | None:
    """The time that a row's report is of; None where it does not say."""
    whole = row.values.get(PERIOD)
    start, end = row.values.get(PERIOD_START), row.values.get(PERIOD_END)
    if whole is not None and start is None and end is None:
        start, _, end = str(whole).partition(" - ")
    if start is None or end is None or row.cut in (PERIOD, PERIOD_START, PERIOD_END):
        return None
    found = _read_period(str(start).strip(), str(end).strip())
    if found is None:
        _refuse_period(row, f"{start} - {end}")
    return found


@lru_cache(maxsize=10_000)
def _read_period(start: str, end: str) -> tuple[datetime, datetime] | None:
    try:
        found = datetime.fromisoformat(start), datetime.fromisoformat(end)
        fits = all(time.tzinfo is not None and EARLIEST <= micros(time) < LATEST for time in found)
    except (ValueError, OverflowError):
        return None
    return found if fits and found[0] < found[1] else None


def _refuse_period(row: Row, said: str) -> NoReturn:
    raise JobFileError(
        f"{row.place}: the time of the report, {truncate(clean_line(said), 80)!r}, does not go from one ISO 8601 time to a later one", hint=AGAIN
    )


# --- what an empty column means ---


def _recordings(jobs: JobList, columns: Mapping[str, str], rows: Sequence[Row]) -> list[Recording]:
    dataset = jobs.dataset
    shared = frozenset.intersection(*(frozenset(row.values) for row in rows)) if rows else frozenset()
    named = {columns[column] for column in shared & columns.keys()}
    told = {member.name for member in dataset.members if _is_told(dataset, member.name, named, jobs.recorded)}
    if named & {_PLAN_ARN, "CreatedBy.BackupPlanName"}:
        told.add(_CREATED_BY)
    if _OPTIONS in named and all(_options(row.values.get(letters(_OPTIONS))) is not None for row in rows):
        told |= {name for name in (_OPTIONS, *dataset.fields) if name.partition(".")[0] == _OPTIONS}
    base = Recording(frozenset(told), frozenset(told), False, _newest(jobs), report=True)
    on_demand = replace(base, told=base.told | {name for name in dataset.fields if name.startswith(f"{_CREATED_BY}.")})
    damaged = Recording(frozenset(), frozenset(), False, base.until, report=True)
    always = [member.name for member in dataset.members if member.presence is ALWAYS and member.name in jobs.recorded]
    silent = frozenset() if MESSAGE in jobs.recorded else frozenset({MESSAGE})
    found: list[Recording] = []
    for number, record in enumerate(jobs.records):
        own = on_demand if _CREATED_BY in told and getattr(record, _CREATED_BY) is None else base
        state = getattr(record, dataset.state_field)
        if any(getattr(record, name) is None for name in always) or state not in dataset.states:
            own = damaged
        elif went_wrong(dataset, state, None):
            own = own.but(silent)
        lost = columns.get(rows[number].cut)
        gone = frozenset() if lost is None else frozenset({lost})
        found.append(own.but(jobs.unusable.get(number, frozenset()) | gone))
    return found


def _is_told(dataset: Dataset, name: str, named: Iterable[str], recorded: Iterable[str]) -> bool:
    if name.partition(".")[0] in (_LIFECYCLE, _OPTIONS):
        # Empty columns do not say whether a job has no lifecycle, or one that keeps for ever.
        return False
    by_column = dataset.fields[name].presence in (Presence.BY_MEANING, Presence.WHEN_ENDED) and name != MESSAGE
    return name in recorded or (by_column and name in named)


def _newest(jobs: JobList) -> int:
    times = [time for name in ("CreationDate", "InitiationDate", "CompletionDate") if name in jobs.dataset.fields for time in jobs.values(name) if time]
    return max(times, default=0)
