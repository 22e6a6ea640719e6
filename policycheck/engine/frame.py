"""From records to a frame: what had happened by as_of, the derived fields, and what it means that a value is missing.

A null is unknown. Where a member is *known* to be missing, `Frame.known_missing` says so, and a comparison with it is false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, assert_never

import narwhals as nw

from policycheck.datasets import TAGS, Dataset, Field, Kind, Presence
from policycheck.engine.backends.interface import Backend, ColumnType, Values
from policycheck.engine.destinations import destinations
from policycheck.engine.run_times import STARTED_LATER, never_ran, run_end, run_start, running
from policycheck.inventory import Inventory, Listing
from policycheck.job_lists import JobList, Recording
from policycheck.places import ResourceKey
from policycheck.records import stand_ins

ROW = "_row"
SUBJECT = "_subject"
REWOUND = "_rewound"
RECORDING = "_recording"
"""The number of what it means that the record lacks a member."""
EXISTS = "_exists"
"""True; null of a record that may show a job which another record shows, too."""
LIFECYCLE = "_lifecycle"
LISTED = "_listed"
"""Whether any inventory of the run lists the resource."""
TOLD = "_told"
"""Whether it is known which entries of inventories are of the resource, and there are any."""
FOR_EVER = 2**62
_DAY = 86_400_000_000
# Longer than any retention AWS accepts, and less than for ever in microseconds.
_MOST_DAYS = 50_000

_COLUMN_TYPES = {
    Kind.TIME: ColumnType.INTEGER,
    Kind.SPAN: ColumnType.INTEGER,
    Kind.DURATION: ColumnType.INTEGER,
    Kind.SIZE: ColumnType.INTEGER,
    Kind.INTEGER: ColumnType.INTEGER,
    Kind.BOOLEAN: ColumnType.BOOLEAN,
}
_ENDS = (
    "CompletionDate", "StatusMessage", "MessageCategory", "ValidationStatus", "ValidationStatusMessage", "DeletionStatus", "DeletionStatusMessage",
)  # fmt: skip
_TAKEN_BACK = {**dict.fromkeys(_ENDS, REWOUND), "InitiationDate": STARTED_LATER}
"""Where rewinding took a member away, which is then known to be missing."""
_TIMES = ("CreationDate", "InitiationDate", "CompletionDate", "ExpectedCompletionDate", "StartBy")


@dataclass(frozen=True)
class Frame:
    """One list, ready for conditions: the lazy columns, and the subjects by number."""

    dataset: Dataset
    as_of: int
    """Microseconds since 1970."""
    columns: nw.LazyFrame[Any]
    subjects: tuple[ResourceKey, ...]
    """(Account, Region, resource) by the number in SUBJECT."""
    recordings: tuple[Recording, ...] = ()
    """What a missing member means, by the number in RECORDING."""
    said: frozenset[str] = frozenset()
    """What inventories say of resources: Tags, AccountName."""
    inventories: frozenset[str] = frozenset()
    """The names of the inventories that have a column."""
    given: Mapping[str, Inventory] = field(default_factory=dict, repr=False, compare=False)
    """The inventories of the run, by name."""
    doubtful: bool = False
    """Whether a record may show a job which another record shows, too: EXISTS is null of it."""

    def in_progress(self) -> nw.Expr:
        """Null where the state is unknown."""
        return nw.col(self.dataset.state_field).is_in(sorted(self.dataset.in_progress))

    def in_time(self) -> nw.Expr:
        """Whether a job is in progress and not late by its own times; null where its record does not say."""
        return self.in_progress() & ~overdue(self) if "Overdue" in self.dataset.fields else self.in_progress()

    def told(self, name: str) -> nw.Expr | bool:
        """Whether a record that lacks this member or object is known not to have it; an expression where that depends on the record."""
        return self._where([name in recording.told for recording in self.recordings])

    def kept(self, name: str) -> nw.Expr | bool:
        """Whether nobody dropped this member from a record or its source: where it is missing AWS gave none, or the client did not know it."""
        return self._where([name in recording.kept for recording in self.recordings])

    def _where(self, truths: Sequence[bool]) -> nw.Expr | bool:
        if all(truths) or not any(truths):
            return all(truths)
        return nw.col(RECORDING).is_in([number for number, truth in enumerate(truths) if truth])

    def known_missing(self, field: Field) -> nw.Expr | bool:
        """Whether a null in this column is known to be missing; an expression where that depends on the record."""
        match field.presence:
            case Presence.ALWAYS | Presence.ALWAYS_SINCE:
                return False
            case Presence.BY_MEANING | Presence.SINCE | Presence.WHEN_ENDED:
                known = self.told(field.name)
                if field.presence is Presence.WHEN_ENDED and known is not False:
                    known = known & (self.in_progress() | (nw.col(self.dataset.state_field) == "EXPIRED"))
                back = _TAKEN_BACK.get(field.name)
                return known if back is None or known is True else nw.col(back) | known
            case Presence.STAND_IN:
                return self.told(field.name)
            case Presence.DERIVED:
                if field.name.startswith(TAGS) or field.name == "AccountName":
                    # Where inventories say tags at all, one that lists the resource and lacks this one knows that there is none.
                    return nw.col(TOLD) if field.name.partition(".")[0] in self.said else False
                known_derived = _DERIVED_MISSING.get(field.name)
                return known_derived(self) if known_derived else False
            case _:
                assert_never(field.presence)


def inventory_column(name: str) -> str:
    """The column that says whether the inventory of that name lists a job's resource."""
    return f"_in_{name}"


def build_frame(job_list: JobList, fields: Collection[str], as_of: int, backend: Backend, inventories: Mapping[str, Inventory] | None = None) -> Frame:
    """The frame of one list with the columns these fields need.

    Args:
        job_list: de-duplicated.
        fields: names of members and derived fields that conditions read.
        as_of: microseconds since 1970; what happened later has not happened.
        inventories: what tags and account names come from.
    """
    dataset = job_list.dataset
    members = _members(dataset, fields)
    lifecycle = dataset.lifecycle
    retained = [lifecycle] if lifecycle and any(member.name.startswith(f"{lifecycle}.") for member in members) else []
    job_list.load([*(member.name for member in members), *retained])
    columns: dict[str, tuple[ColumnType, Values]] = {}
    for member in members:
        values = job_list.states() if member.name == dataset.state_field else job_list.series(member.name)
        columns[member.name] = (_COLUMN_TYPES.get(member.kind, ColumnType.TEXT), values)
    accounts, regions = job_list.place_columns()
    columns["Account"], columns["Region"] = (ColumnType.TEXT, accounts), (ColumnType.TEXT, regions)
    subjects, subject = job_list.numbered_subjects
    columns[SUBJECT] = (ColumnType.INTEGER, subject)
    columns[ROW] = (ColumnType.INTEGER, range(len(job_list)))
    if lifecycle and retained:
        columns[LIFECYCLE] = (ColumnType.BOOLEAN, job_list.has(lifecycle))
    columns |= destinations(job_list, fields)
    columns |= _listed(fields, subjects, subject, inventories or {})
    recordings, told = job_list.numbered_recordings()
    columns[RECORDING] = (ColumnType.INTEGER, told)
    exists: list[bool | None] = [True] * len(job_list)
    for row in job_list.doubtful:
        exists[row] = None
    columns[EXISTS] = (ColumnType.BOOLEAN, exists)
    later = frozenset(number for recording, number in recordings.items() if recording.until > as_of)
    frame = backend.frame(columns)
    if dataset.of_state:
        # It is as it was when the list was made, or the coverage says that it does not speak of as_of.
        frame = frame.with_columns(nw.lit(False).alias(REWOUND), nw.lit(False).alias(STARTED_LATER))
    elif not later and not _may_expire_later(columns, dataset, as_of):
        # No source shows anything after as_of. Of a short list asking costs less than the expressions do.
        frame = frame.with_columns(nw.lit(False).alias(REWOUND), nw.lit(False).alias(STARTED_LATER))
    else:
        frame = _rewind(frame, dataset, as_of, frozenset(columns), later)
    said = Listing(inventories or {}).said
    kept = Frame(dataset, as_of, frame, tuple(subjects), tuple(recordings), said, given=inventories or {}, doubtful=bool(job_list.doubtful))
    derived = {name: _DERIVED[name](kept).alias(name) for name in fields if dataset.fields[name].derived and name in _DERIVED}
    if derived:
        frame = frame.with_columns(**derived)
    named = frozenset(inventories or ()) if "in_inventory" in fields else frozenset()
    return replace(kept, columns=backend.persist(frame), inventories=named)


def _members(dataset: Dataset, fields: Iterable[str]) -> list[Field]:
    """The recorded columns needed: those asked for, those that derived fields come from, and the times every window asks for."""
    names = {dataset.state_field, "ParentJobId", *_TIMES}
    for name in fields:
        names.add(name)
        names.update(sources_of(dataset, name))
    lacking = [dataset.fields[name] for name in stand_ins(dataset) if name in names]
    return [*(member for member in dataset.members if member.name in names), *lacking]


def _listed(
    fields: Collection[str], resources: Sequence[ResourceKey], numbers: Sequence[int], inventories: Mapping[str, Inventory]
) -> dict[str, tuple[ColumnType, Values]]:
    """What the inventories say of each record's resource: a column for each of them where `in_inventory` is asked, and for each tag."""
    tags = [name for name in fields if name.startswith(TAGS)]
    if not tags and not {"AccountName", "in_inventory"} & set(fields):
        return {}
    listing = Listing(inventories)

    def column(said: Callable[[ResourceKey], Any]) -> list[Any]:
        told = list(map(said, resources))
        return [told[number] for number in numbers]

    columns: dict[str, tuple[ColumnType, Values]] = {
        LISTED: (ColumnType.BOOLEAN, column(listing.is_listed)),
        TOLD: (ColumnType.BOOLEAN, column(listing.is_told)),
    }
    if "in_inventory" in fields:
        columns |= {inventory_column(name): (ColumnType.BOOLEAN, column(partial(listing.is_in, name=name))) for name in sorted(inventories)}
    if "AccountName" in fields:
        columns["AccountName"] = (ColumnType.TEXT, column(listing.account_name))
    columns |= {name: (ColumnType.TEXT, column(partial(listing.tag, name=name.removeprefix(TAGS)))) for name in sorted(tags)}
    return columns


def ended(dataset: Dataset) -> nw.Expr:
    """When a job ended: CompletionDate, else StartBy where it EXPIRED; null in progress, and where its record does not say. `records.end_of` in columns."""
    state, completed, created = nw.col(dataset.state_field), nw.col("CompletionDate"), nw.col("CreationDate")
    end = created if dataset.of_state else completed
    if dataset.expires:
        start_by = nw.when(nw.col("StartBy") >= created).then(nw.col("StartBy"))
        end = nw.when(completed.is_null() & (state == "EXPIRED")).then(start_by).otherwise(completed)
    return nw.when(state.is_in(list(dataset.finished))).then(end)


def _may_expire_later(columns: Mapping[str, tuple[ColumnType, Values]], dataset: Dataset, as_of: int) -> bool:
    """Whether a start window may end after as_of of which the record says that it EXPIRED; of columns of a dataframe library that is not asked."""
    states, starts = columns[dataset.state_field][1], columns["StartBy"][1] if "StartBy" in columns else ()
    if not isinstance(states, Sequence) or not isinstance(starts, Sequence):
        return True
    return dataset.expires and "EXPIRED" in states and any(start is not None and start > as_of for start in starts)


def _rewind(frame: nw.LazyFrame[Any], dataset: Dataset, as_of: int, present: frozenset[str], later_sources: frozenset[int]) -> nw.LazyFrame[Any]:
    """Leave out what was created after as_of, and put jobs that ended or began later back to what they were.

    Args:
        later_sources: the numbers in RECORDING of sources that show something after as_of.
    """
    state = nw.col(dataset.state_field)
    ended_later = ((nw.col("CompletionDate") > as_of) & state.is_in(list(dataset.finished))).fill_null(False)
    if "EXPIRED" in dataset.states:
        ended_later = ended_later | ((state == "EXPIRED") & nw.col("CompletionDate").is_null() & (nw.col("StartBy") > as_of)).fill_null(False)
    if "InitiationDate" in present:
        unsaid = state.is_in(list(dataset.finished)) & nw.col("CompletionDate").is_null() & (nw.col("InitiationDate") > as_of)
        ended_later = ended_later | unsaid.fill_null(False)
    frame = frame.filter(nw.col("CreationDate").is_null() | (nw.col("CreationDate") <= as_of)).with_columns(ended_later.alias(REWOUND))
    rewound, open_ = nw.col(REWOUND), nw.col(REWOUND) | state.is_in(sorted(dataset.in_progress)).fill_null(False)
    before: nw.Expr = nw.when(rewound).then(nw.lit("RUNNING")).otherwise(state)
    later: nw.Expr = nw.lit(False)
    if "InitiationDate" in present:
        later = open_ & (nw.col("InitiationDate") > as_of).fill_null(False)
        waiting = (rewound & (state == "EXPIRED")) | (later & (rewound | state.is_in(["RUNNING", "ABORTING"])))
        before = nw.when(waiting).then(nw.lit("PENDING")).otherwise(before)
    if later_sources:
        # Saved after as_of: a job that has ended, and does not say when, may have ended since.
        open_end = state.is_in(list(dataset.finished)) & ended(dataset).is_null() & nw.col(RECORDING).is_in(sorted(later_sources)) & ~rewound
        before = nw.when(~open_end.fill_null(False)).then(before)
    changed = {dataset.state_field: before, STARTED_LATER: later}
    for name in _ENDS:
        if name in present:
            changed[name] = nw.when(~rewound).then(nw.col(name))
    if "InitiationDate" in present:
        changed["InitiationDate"] = nw.when(~later).then(nw.col("InitiationDate"))
    return frame.with_columns(**changed)


# Derived fields: value, sources and what a null means


def _elapsed(frame: Frame) -> nw.Expr:
    return nw.col("CompletionDate") - nw.col("CreationDate")


def _start_delay(frame: Frame) -> nw.Expr:
    return nw.col("InitiationDate") - nw.col("CreationDate")


def _duration(frame: Frame) -> nw.Expr:
    dataset, start = frame.dataset, run_start(frame.dataset, frame.kept("InitiationDate"))
    running = run_end(dataset, frame.as_of) - start
    # An EXPIRED job never ran.
    return nw.when(nw.col(dataset.state_field) != "EXPIRED").then(running) if dataset.expires else running


def _outcome(frame: Frame) -> nw.Expr:
    """Null: unknown where COMPLETED, no outcome yet in other states; `compile` tells them apart."""
    category = nw.col("MessageCategory")
    word = nw.when(category.str.to_lowercase() == "success").then(nw.lit("clean")).otherwise(nw.lit("with_issues"))
    return nw.when((nw.col(frame.dataset.state_field) == "COMPLETED") & ~category.is_null()).then(word)


def overdue(frame: Frame) -> nw.Expr:
    """Whether a job is late by its own times, never by its age; null where its record does not say. Backup jobs have these times."""
    state = nw.col(frame.dataset.state_field)
    waiting = nw.when(state.is_in(["CREATED", "PENDING"])).then(nw.col("StartBy") < frame.as_of)
    running = nw.when(state == "RUNNING").then(nw.col("ExpectedCompletionDate") < frame.as_of)
    rest = nw.when(~state.is_in(["CREATED", "PENDING", "RUNNING"])).then(nw.lit(False))
    return nw.coalesce(waiting, running, rest)


def _retention(frame: Frame) -> nw.Expr:
    held = frame.dataset.lifecycle
    days, event = nw.col(f"{held}.DeleteAfterDays"), nw.col(f"{held}.DeleteAfterEvent")
    bounded = nw.when(days > _MOST_DAYS).then(nw.lit(_MOST_DAYS)).otherwise(days)
    known: nw.Expr = nw.col(LIFECYCLE) & event.is_null()
    for name in ("DeleteAfterDays", "DeleteAfterEvent"):
        kept = frame.kept(f"{held}.{name}")
        known = known if kept is True else known & kept
    return nw.when(days >= 0).then(bounded * _DAY).otherwise(nw.when(known).then(nw.lit(FOR_EVER)))


def _role_name(frame: Frame) -> nw.Expr:
    return nw.col("IamRoleArn").str.replace_all(r"(?s)^.*/", "")


def _vault_name(frame: Frame) -> nw.Expr:
    return nw.col(frame.dataset.vault_field).str.replace_all(r"(?s)^.*:", "")


def _resource(frame: Frame) -> nw.Expr:
    return nw.col(frame.dataset.resource_field)


_DERIVED: dict[str, Callable[[Frame], nw.Expr]] = {
    "Elapsed": _elapsed,
    "StartDelay": _start_delay,
    "Duration": _duration,
    "Running": lambda frame: running(frame.dataset, frame.kept("InitiationDate")),
    "Outcome": _outcome,
    "Overdue": overdue,
    "Retention": _retention,
    "IamRoleName": _role_name,
    "BackupVaultName": _vault_name,
    "ResourceArn": _resource,
}


def sources_of(dataset: Dataset, name: str) -> tuple[str, ...]:
    """The members of a list that a derived field comes from."""
    return dataset.sources(name)


def _end_missing(frame: Frame) -> nw.Expr:
    end = frame.known_missing(frame.dataset.fields["CompletionDate"])
    return ~nw.col("CreationDate").is_null() & end


def _start_missing(frame: Frame) -> nw.Expr | bool:
    start = frame.known_missing(frame.dataset.fields["InitiationDate"])
    return ~nw.col("CreationDate").is_null() & start if start is not False else False


def _duration_missing(frame: Frame) -> nw.Expr | bool:
    return nw.col(frame.dataset.state_field) == "EXPIRED" if frame.dataset.expires else False


def _retention_missing(frame: Frame) -> nw.Expr | bool:
    told = frame.told(frame.dataset.lifecycle or "")
    return told if told is False else ~nw.col(LIFECYCLE) & told


def _outcome_missing(frame: Frame) -> nw.Expr:
    return nw.col(frame.dataset.state_field) != "COMPLETED"


def _vault_missing(frame: Frame) -> nw.Expr | bool:
    return frame.known_missing(frame.dataset.fields[frame.dataset.vault_field])


def _resource_missing(frame: Frame) -> nw.Expr | bool:
    return frame.known_missing(frame.dataset.fields[frame.dataset.resource_field])


_DERIVED_MISSING: dict[str, Callable[[Frame], nw.Expr | bool]] = {
    "Elapsed": _end_missing,
    "StartDelay": _start_missing,
    "Duration": _duration_missing,
    "Running": lambda frame: never_ran(frame.dataset),
    "Retention": _retention_missing,
    "Outcome": _outcome_missing,
    "BackupVaultName": _vault_missing,
    "ResourceArn": _resource_missing,
}
