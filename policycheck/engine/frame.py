"""From records to a frame: what had happened by as_of, the derived fields, and what it means that a value is missing.

A null is unknown. Where a member is *known* to be missing, `Frame.known_missing` says so, and a comparison with it is false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import narwhals as nw

from policycheck.datasets import TAGS, Dataset, Field, Kind, Presence
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.inventory import Inventory, Listing, Resource
from policycheck.records import JobList

ROW = "_row"
SUBJECT = "_subject"
REWOUND = "_rewound"
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
    Kind.DURATION: ColumnType.INTEGER,
    Kind.SIZE: ColumnType.INTEGER,
    Kind.INTEGER: ColumnType.INTEGER,
    Kind.BOOLEAN: ColumnType.BOOLEAN,
}
_ENDS = ("CompletionDate", "StatusMessage", "MessageCategory")
_TIMES = ("CreationDate", "InitiationDate", "CompletionDate", "ExpectedCompletionDate", "StartBy")


@dataclass(frozen=True)
class Frame:
    """One list, ready for conditions: the lazy columns, and the subjects by number."""

    dataset: Dataset
    as_of: int
    """Microseconds since 1970."""
    columns: nw.LazyFrame[Any]
    recorded: frozenset[str]
    """Members that at least one record has."""
    subjects: tuple[Resource, ...]
    """(Account, Region, resource) by the number in SUBJECT."""
    inventories: frozenset[str] = frozenset()
    """The names of the inventories that have a column."""

    def in_progress(self) -> nw.Expr:
        """Null where the state is unknown."""
        return nw.col(self.dataset.state_field).is_in(sorted(self.dataset.in_progress))

    def _taken_back(self, name: str) -> nw.Expr | bool:
        """In a list that lacks a member altogether it is known to be missing only where rewinding took it away."""
        return nw.col(REWOUND) if name in _ENDS else False

    def known_missing(self, field: Field) -> nw.Expr | bool:
        """Whether a null in this column is known to be missing; an expression where that depends on the record."""
        match field.presence:
            case Presence.ALWAYS:
                return False
            case Presence.BY_MEANING:
                return True
            case Presence.SINCE:
                return True if field.name in self.recorded else self._taken_back(field.name)
            case Presence.WHEN_ENDED:
                return self.in_progress() | (nw.col(self.dataset.state_field) == "EXPIRED")
            case Presence.DERIVED:
                if field.name.startswith(TAGS) or field.name == "AccountName":
                    # Where inventories say tags at all, one that lists the resource and lacks this one knows that there is none.
                    return nw.col(TOLD) if field.name.partition(".")[0] in self.recorded else False
                known = _DERIVED_MISSING.get(field.name)
                return known(self) if known else False


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
    columns: dict[str, tuple[ColumnType, list[Any]]] = {}
    for member in members:
        values = job_list.column(member)
        if member.name == dataset.state_field:
            # A state the API model does not know tells nothing: unknown, as if it were missing.
            known = frozenset(dataset.states)
            values = [value if value in known else None for value in values]
        columns[member.name] = (_COLUMN_TYPES.get(member.kind, ColumnType.TEXT), values)
    recorded = frozenset(name for name, (_, values) in columns.items() if any(value is not None for value in values))
    places = job_list.places()
    columns["Account"] = (ColumnType.TEXT, [account for account, _ in places])
    columns["Region"] = (ColumnType.TEXT, [region for _, region in places])
    resources = job_list.column(dataset.fields[dataset.resource_field])
    numbers: dict[Resource, int] = {}
    subjects = [numbers.setdefault((account, region, resource), len(numbers)) for (account, region), resource in zip(places, resources, strict=True)]
    columns[SUBJECT] = (ColumnType.INTEGER, subjects)
    columns[ROW] = (ColumnType.INTEGER, list(range(len(job_list))))
    lifecycle = next((member.name.partition(".")[0] for member in members if member.name.endswith("Lifecycle.DeleteAfterDays")), None)
    if lifecycle:
        has = job_list.has(lifecycle)
        columns[LIFECYCLE] = (ColumnType.BOOLEAN, has)
        recorded |= {LIFECYCLE} if any(has) else frozenset()
    columns |= _destinations(job_list, fields)
    columns |= _listed(fields, [(*place, resource) for place, resource in zip(places, resources, strict=True)], inventories or {})
    frame = _rewind(backend.frame(columns), dataset, as_of, frozenset(columns))
    derived = {name: _DERIVED[name](dataset, as_of).alias(name) for name in fields if dataset.fields[name].derived and name in _DERIVED}
    if derived:
        frame = frame.with_columns(**derived)
    recorded |= Listing(inventories or {}).said
    named = frozenset(inventories or ()) if "in_inventory" in fields else frozenset()
    return Frame(dataset, as_of, backend.persist(frame), recorded, tuple(numbers), named)


def _members(dataset: Dataset, fields: Iterable[str]) -> list[Field]:
    """The recorded columns needed: those asked for, those that derived fields come from, and the times every window asks for."""
    names = {dataset.state_field, "ParentJobId", *_TIMES}
    for name in fields:
        names.add(name)
        names.update(_SOURCES.get(name, ()))
    return [member for member in dataset.members if member.name in names]


def _destinations(job_list: JobList, fields: Collection[str]) -> dict[str, tuple[ColumnType, list[Any]]]:
    """Where copy jobs copy to, and whether that is another account or Region than the source vault's; null where an ARN does not say."""
    asked = [name for name in ("DestinationAccount", "DestinationRegion", "CrossAccount", "CrossRegion") if name in fields]
    if not asked:
        return {}
    sources, destinations = (
        [_arn_place(arn) for arn in job_list.column(job_list.dataset.fields[name])] for name in (job_list.dataset.vault_field, "DestinationBackupVaultArn")
    )
    columns: dict[str, tuple[ColumnType, list[Any]]] = {}
    for name in asked:
        part = 0 if name.endswith("Account") else 1
        pairs = [(source[part], destination[part]) for source, destination in zip(sources, destinations, strict=True)]
        if name.startswith("Cross"):
            columns[name] = (ColumnType.BOOLEAN, [None if None in pair else pair[0] != pair[1] for pair in pairs])
        else:
            columns[name] = (ColumnType.TEXT, [destination for _, destination in pairs])
    return columns


def _listed(fields: Collection[str], resources: Sequence[Resource], inventories: Mapping[str, Inventory]) -> dict[str, tuple[ColumnType, list[Any]]]:
    """What the inventories say of each record's resource: a column for each of them where `in_inventory` is asked, and for each tag."""
    tags = [name for name in fields if name.startswith(TAGS)]
    if not tags and not {"AccountName", "in_inventory"} & set(fields):
        return {}
    listing = Listing(inventories)

    def column(said: Callable[[Resource], Any]) -> list[Any]:
        known: dict[Resource, Any] = {}
        return [known[resource] if resource in known else known.setdefault(resource, said(resource)) for resource in resources]

    columns: dict[str, tuple[ColumnType, list[Any]]] = {
        LISTED: (ColumnType.BOOLEAN, column(listing.is_listed)),
        TOLD: (ColumnType.BOOLEAN, column(listing.is_told)),
    }
    if "in_inventory" in fields:
        columns |= {inventory_column(name): (ColumnType.BOOLEAN, column(partial(listing.is_in, name=name))) for name in sorted(inventories)}
    if "AccountName" in fields:
        columns["AccountName"] = (ColumnType.TEXT, column(listing.account_name))
    columns |= {name: (ColumnType.TEXT, column(partial(listing.tag, name=name.removeprefix(TAGS)))) for name in sorted(tags)}
    return columns


def _arn_place(arn: str | None) -> tuple[str | None, str | None]:
    """Account and Region of arn:partition:service:region:account:resource."""
    parts = (arn or "").split(":", 5)
    return (parts[4] or None, parts[3] or None) if len(parts) == 6 else (None, None)


def _rewind(frame: nw.LazyFrame[Any], dataset: Dataset, as_of: int, present: frozenset[str]) -> nw.LazyFrame[Any]:
    """Leave out what was created after as_of, and put jobs that ended later back to what they were."""
    state, completed = nw.col(dataset.state_field), nw.col("CompletionDate")
    later = completed > as_of
    if "StartBy" in present:
        later = later | ((state == "EXPIRED") & completed.is_null() & (nw.col("StartBy") > as_of))
    ended_later = (state.is_in(list(dataset.finished)) & later).fill_null(False)
    frame = frame.filter(nw.col("CreationDate").is_null() | (nw.col("CreationDate") <= as_of)).with_columns(ended_later.alias(REWOUND))
    rewound = nw.col(REWOUND)
    before: nw.Expr = nw.lit("RUNNING")
    if "InitiationDate" in present:
        waiting = (nw.col("InitiationDate") > as_of) | (state == "EXPIRED")
        before = nw.when(waiting).then(nw.lit("PENDING")).otherwise(nw.lit("RUNNING"))
    changed = {dataset.state_field: nw.when(rewound).then(before).otherwise(state)}
    for name in _ENDS:
        if name in present:
            changed[name] = nw.when(~rewound).then(nw.col(name))
    if "InitiationDate" in present:
        changed["InitiationDate"] = nw.when(~(rewound & (nw.col("InitiationDate") > as_of))).then(nw.col("InitiationDate"))
    return frame.with_columns(**changed)


# Derived fields: value, sources and what a null means


def _elapsed(dataset: Dataset, as_of: int) -> nw.Expr:
    return nw.col("CompletionDate") - nw.col("CreationDate")


def _start_delay(dataset: Dataset, as_of: int) -> nw.Expr:
    return nw.col("InitiationDate") - nw.col("CreationDate")


def _duration(dataset: Dataset, as_of: int) -> nw.Expr:
    start = nw.coalesce(nw.col("InitiationDate"), nw.col("CreationDate")) if "InitiationDate" in dataset.fields else nw.col("CreationDate")
    running = nw.col(dataset.state_field).is_in(sorted(dataset.in_progress))
    return nw.when(running).then(nw.lit(as_of) - start).otherwise(nw.col("CompletionDate") - start)


def _outcome(dataset: Dataset, as_of: int) -> nw.Expr:
    """Null: unknown where COMPLETED, no outcome yet in other states; `compile` tells them apart."""
    category = nw.col("MessageCategory")
    word = nw.when(category.str.to_lowercase() == "success").then(nw.lit("clean")).otherwise(nw.lit("with_issues"))
    return nw.when((nw.col(dataset.state_field) == "COMPLETED") & ~category.is_null()).then(word)


def _overdue(dataset: Dataset, as_of: int) -> nw.Expr:
    state = nw.col(dataset.state_field)
    waiting = nw.when(state.is_in(["CREATED", "PENDING"])).then(nw.col("StartBy") < as_of)
    running = nw.when(state == "RUNNING").then(nw.col("ExpectedCompletionDate") < as_of)
    rest = nw.when(~state.is_in(["CREATED", "PENDING", "RUNNING"])).then(nw.lit(False))
    return nw.coalesce(waiting, running, rest)


def _retention(dataset: Dataset, as_of: int) -> nw.Expr:
    days = nw.col(f"{_lifecycle(dataset)}.DeleteAfterDays")
    event = nw.col(f"{_lifecycle(dataset)}.DeleteAfterEvent")
    bounded = nw.when(days > _MOST_DAYS).then(nw.lit(_MOST_DAYS)).otherwise(days)
    for_ever = nw.when(nw.col(LIFECYCLE) & event.is_null()).then(nw.lit(FOR_EVER))
    return nw.when(days >= 0).then(bounded * _DAY).otherwise(for_ever)


def _lifecycle(dataset: Dataset) -> str:
    return "RecoveryPointLifecycle" if dataset.name == "backup_jobs" else "DestinationRecoveryPointLifecycle"


def _role_name(dataset: Dataset, as_of: int) -> nw.Expr:
    return nw.col("IamRoleArn").str.replace_all(r"(?s)^.*/", "")


def _vault_name(dataset: Dataset, as_of: int) -> nw.Expr:
    return nw.col(dataset.vault_field).str.replace_all(r"(?s)^.*:", "")


def _resource(dataset: Dataset, as_of: int) -> nw.Expr:
    return nw.col(dataset.resource_field)


_DERIVED: dict[str, Callable[[Dataset, int], nw.Expr]] = {
    "Elapsed": _elapsed,
    "StartDelay": _start_delay,
    "Duration": _duration,
    "Outcome": _outcome,
    "Overdue": _overdue,
    "Retention": _retention,
    "IamRoleName": _role_name,
    "BackupVaultName": _vault_name,
    "ResourceArn": _resource,
}
_SOURCES = {
    "Outcome": ("MessageCategory",),
    "Retention": tuple(
        f"{head}.{tail}" for head in ("RecoveryPointLifecycle", "DestinationRecoveryPointLifecycle") for tail in ("DeleteAfterDays", "DeleteAfterEvent")
    ),
    "IamRoleName": ("IamRoleArn",),
    "BackupVaultName": ("BackupVaultArn",),
    "ResourceArn": ("SourceResourceArn",),
}


def _end_missing(frame: Frame) -> nw.Expr:
    end = frame.known_missing(frame.dataset.fields["CompletionDate"])
    return ~nw.col("CreationDate").is_null() & end


def _start_missing(frame: Frame) -> nw.Expr | bool:
    start = frame.known_missing(frame.dataset.fields["InitiationDate"])
    return ~nw.col("CreationDate").is_null() & start if start is not False else False


def _duration_missing(frame: Frame) -> nw.Expr:
    return (nw.col(frame.dataset.state_field) == "EXPIRED") & nw.col("CompletionDate").is_null()


def _retention_missing(frame: Frame) -> nw.Expr | bool:
    return ~nw.col(LIFECYCLE) if LIFECYCLE in frame.recorded else False


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
    "Retention": _retention_missing,
    "Outcome": _outcome_missing,
    "BackupVaultName": _vault_missing,
    "ResourceArn": _resource_missing,
}
