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
from policycheck.engine.columns import column_of, spell
from policycheck.engine.destinations import destinations
from policycheck.engine.rewinding import ENDS, RECORDING, REWOUND, STARTED_LATER, happened, may_expire_later, rewind
from policycheck.engine.run_times import never_ran, run_end, run_start, running
from policycheck.inventory import Inventory, Listing
from policycheck.job_lists import JobList
from policycheck.places import ResourceKey
from policycheck.policy.conditions import Comparison
from policycheck.recordings import Recording
from policycheck.records import stand_ins

ROW = "_row"
SUBJECT = "_subject"
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
_TAKEN_BACK = {**dict.fromkeys(ENDS, REWOUND), "InitiationDate": STARTED_LATER}
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
    steady: Mapping[Comparison, str] = field(default_factory=dict)
    """Comparisons that have a column."""
    numbered: Mapping[tuple[str, ...], tuple[str, Sequence[tuple[Any, ...]]]] = field(default_factory=dict)
    """Fields, by which records are numbered: the column, and what they say by number (see `row_numbers`)."""

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
    return f"_in_{spell(name)}"


@dataclass(frozen=True)
class Recorded:
    """One list as it was recorded, whatever the instant."""

    dataset: Dataset
    fields: frozenset[str]
    """The members and derived fields that conditions read."""
    columns: nw.LazyFrame[Any]
    present: frozenset[str]
    """The columns that were recorded, by name."""
    may_expire_later: Callable[[int], bool]
    """Whether a start window may end after an instant of which the record says that it EXPIRED."""
    subjects: tuple[ResourceKey, ...]
    recordings: tuple[Recording, ...]
    said: frozenset[str]
    inventories: frozenset[str]
    given: Mapping[str, Inventory]
    doubtful: bool
    derived: frozenset[str] = frozenset()
    """The derived fields that are columns already."""
    steady: Mapping[Comparison, str] = field(default_factory=dict)
    """Comparisons that come to the same at any instant, and the columns that say what."""
    numbered: Mapping[tuple[str, ...], tuple[str, Sequence[tuple[Any, ...]]]] = field(default_factory=dict)
    """As of `Frame`."""
    sorted: bool = False
    """Whether the rows are sorted by CreationDate, those without one first."""


def build_frame(job_list: JobList, fields: Collection[str], as_of: int, backend: Backend, inventories: Mapping[str, Inventory] | None = None) -> Frame:
    """The frame of one list with the columns these fields need.

    Args:
        job_list: de-duplicated.
        fields: names of members and derived fields that conditions read.
        as_of: microseconds since 1970; what happened later has not happened.
        inventories: what tags and account names come from.
    """
    return frame_at(read_columns(job_list, fields, backend, inventories or {}), as_of, backend)


def read_columns(job_list: JobList, fields: Collection[str], backend: Backend, inventories: Mapping[str, Inventory]) -> Recorded:
    """The recorded columns of one list; see `build_frame`."""
    dataset = job_list.dataset
    members = _members(dataset, fields)
    lifecycle = dataset.lifecycle
    retained = [lifecycle] if lifecycle and any(member.name.startswith(f"{lifecycle}.") for member in members) else []
    job_list.load([*(member.name for member in members), *retained])
    columns: dict[str, tuple[ColumnType, Values]] = {}
    for member in members:
        values = job_list.states() if member.name == dataset.state_field else job_list.series(member.name)
        columns[column_of(member.name)] = (_COLUMN_TYPES.get(member.kind, ColumnType.TEXT), values)
    accounts, regions = job_list.place_columns()
    columns["Account"], columns["Region"] = (ColumnType.TEXT, accounts), (ColumnType.TEXT, regions)
    subjects, subject = job_list.numbered_subjects
    columns[SUBJECT] = (ColumnType.INTEGER, subject)
    columns[ROW] = (ColumnType.INTEGER, range(len(job_list)))
    if lifecycle and retained:
        columns[LIFECYCLE] = (ColumnType.BOOLEAN, job_list.has(lifecycle))
    columns |= destinations(job_list, fields)
    columns |= _listed(fields, subjects, subject, inventories)
    recordings, told = job_list.numbered_recordings()
    columns[RECORDING] = (ColumnType.INTEGER, told)
    columns[EXISTS] = (ColumnType.BOOLEAN, job_list.exist())
    return Recorded(
        dataset,
        frozenset(fields),
        backend.frame(columns),
        frozenset(columns),
        partial(may_expire_later, columns, dataset),
        tuple(subjects),
        tuple(recordings),
        Listing(inventories).said,
        frozenset(inventories) if "in_inventory" in fields else frozenset(),
        inventories,
        bool(job_list.doubtful),
    )


def frame_at(recorded: Recorded, as_of: int, backend: Backend) -> Frame:
    """The frame of one list at an instant, in microseconds since 1970: what happened later has not happened."""
    dataset, frame = recorded.dataset, recorded.columns
    later = frozenset(number for number, recording in enumerate(recorded.recordings) if recording.until > as_of)
    # A list of state is as it was when it was made, or the coverage says that it does not speak of as_of.
    if dataset.of_state or not (later or recorded.may_expire_later(as_of)):
        # No source shows anything after as_of. Of a short list asking costs less than the expressions do.
        frame = frame.with_columns(nw.lit(False).alias(REWOUND), nw.lit(False).alias(STARTED_LATER))
    else:
        frame = backend.until(frame, "CreationDate", as_of) if recorded.sorted else frame.filter(happened(as_of))
        frame = rewind(frame, dataset, as_of, recorded.present, later)
    kept = Frame(
        dataset,
        as_of,
        frame,
        recorded.subjects,
        recorded.recordings,
        recorded.said,
        recorded.inventories,
        recorded.given,
        recorded.doubtful,
        recorded.steady,
        recorded.numbered,
    )
    derived = derived_columns(kept, recorded.fields - recorded.derived)
    return replace(kept, columns=backend.persist(frame.with_columns(**derived) if derived else frame, wide=True))


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
    columns |= {column_of(name): (ColumnType.TEXT, column(partial(listing.tag, name=name.removeprefix(TAGS)))) for name in sorted(tags)}
    return columns


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
    days, event = (nw.col(column_of(f"{held}.{name}")) for name in ("DeleteAfterDays", "DeleteAfterEvent"))
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


STEADY = frozenset({"Retention", "IamRoleName", "BackupVaultName", "ResourceArn"})
"""The derived fields that are the same at any instant."""


def derived_columns(frame: Frame, names: Iterable[str]) -> dict[str, nw.Expr]:
    """Those of these fields that are derived from columns."""
    return {name: _DERIVED[name](frame).alias(name) for name in sorted(names) if frame.dataset.fields[name].derived and name in _DERIVED}


def is_steady(dataset: Dataset, name: str) -> bool:
    """Whether a field, and whether it is known to be missing, is the same at any instant of a job that was created by then."""
    known = dataset.fields[name]
    if known.derived:
        return name in STEADY or name not in _DERIVED
    return name not in {dataset.state_field, "InitiationDate", *ENDS} and known.presence is not Presence.WHEN_ENDED


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
