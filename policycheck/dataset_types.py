"""What a list of jobs is made of: the kinds of its fields, what it means that one is missing, and the checks that a row of `datasets` must pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """How a field's value is compared and how an author writes it."""

    TEXT = "text"  # compared exactly
    WORD = "word"  # open vocabulary with conflicting documented spellings: compared case-insensitively
    ENUM = "enum"  # closed vocabulary, checked when a policy is loaded
    ARN = "arn"
    ACCOUNT = "account"  # 12 digits
    TIME = "time"  # microseconds since 1970 UTC; written as ISO 8601, or as an age
    DURATION = "duration"  # microseconds; written 90s 90m 24h 7d 2w
    SIZE = "size"  # bytes; written 500MB 10GiB or a plain number
    INTEGER = "integer"
    BOOLEAN = "boolean"
    NAME = "name"  # a name of the user's own, compared by equality alone


class Presence(Enum):
    """What it means that a member is missing from a record."""

    ALWAYS = "AWS always records it, whatever the client: missing is unknown, and a list that lacks it was reduced"
    ALWAYS_SINCE = "AWS always records it, and the oldest clients drop it: missing is unknown"
    BY_MEANING = "left out where it does not apply: missing is known, but in a reduced list that lacks it throughout"
    WHEN_ENDED = "recorded once a job has ended: missing is known in progress or EXPIRED, but in a reduced list that lacks it throughout; else unknown"
    SINCE = "older clients drop it: unknown if the whole list lacks it, else missing is known"
    DERIVED = "computed; says for itself when it is unknown"


@dataclass(frozen=True, slots=True)
class Field:
    """One column: `name` is the API's own, dotted where nested (`CreatedBy.BackupPlanId`)."""

    name: str
    kind: Kind
    presence: Presence
    values: tuple[str, ...] = ()
    doc: str = ""

    @property
    def derived(self) -> bool:
        return self.presence is Presence.DERIVED


_SOURCES = {
    "Outcome": ("MessageCategory",),
    "Duration": ("CreationDate", "InitiationDate", "CompletionDate"),
    "Elapsed": ("CreationDate", "CompletionDate"),
    "StartDelay": ("CreationDate", "InitiationDate"),
    "Overdue": ("StartBy", "ExpectedCompletionDate"),
    "IamRoleName": ("IamRoleArn",),
    **dict.fromkeys(("CrossAccount", "CrossRegion", "DestinationAccount", "DestinationRegion"), ("DestinationBackupVaultArn",)),
}
"""What derived fields come from, where that is the same in every list."""

TAGS = "Tags."
"""What the name of an inventory's tag begins with."""


@dataclass(frozen=True, slots=True)
class Link:
    """A member of a following job that names the job it follows, and the member of that job it names."""

    follower: str
    job: str
    placed: bool = False
    """An id names a job in one account and Region only; an ARN names one anywhere."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One list of jobs: how the API names it, its members and the fields derived from them."""

    name: str
    """The word in policies: backup_jobs."""
    noun: str
    """The words in sentences and reports: backup job."""
    operation: str
    """ListBackupJobs."""
    result_key: str
    """The key of the list in an answer: BackupJobs."""
    id_field: str
    state_field: str
    """State, or Status in restore jobs."""
    resource_field: str
    """The member that names the resource: ResourceArn, or SourceResourceArn in restore jobs."""
    vault_field: str
    """The member whose ARN says in which account and Region the job ran."""
    in_progress: frozenset[str]
    fields: Mapping[str, Field] = field(repr=False, compare=False)
    bad_ends: tuple[str, ...] = ()
    """The states beside FAILED in which a job ends without all it was to make."""
    follows: Mapping[str, tuple[Link, ...]] = field(default_factory=dict, repr=False, compare=False)
    """By the name of the list whose jobs these can follow; of several links the first whose member a following job records counts. AWS links no others."""
    later_words: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False, compare=False)
    """By a status that moves on after the end of a job: the message that goes with it, and the value that is not its last word."""
    horizon: timedelta | None = None
    """How far back AWS lists these jobs; None: it documents no limit."""
    of_organization: bool = False
    """Whether the management account can list the jobs of all accounts at once (ByAccountId `*`)."""
    filters: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """By field, the request parameter that narrows the list to one value of it."""
    scheduled: bool = False
    """Whether a backup plan's schedule starts these jobs, so that a run of it can be missed."""
    vault_elsewhere: bool = False
    """Whether the vault may be of another account than the job, as a vault that is shared is."""

    def __str__(self) -> str:
        return self.name

    def __hash__(self) -> int:
        # What is made of a list is looked up by it, a thousand times in a run.
        return hash(self.name)

    @property
    def kind(self) -> str:
        """The word that stands before `job` in a sentence: backup."""
        return self.noun.removesuffix(" job")

    @property
    def state_option(self) -> str:
        """The AWS CLI's option that lists jobs of one state alone."""
        return f"--by-{self.state_field.lower()}"

    @property
    def command(self) -> str:
        """The AWS CLI's command that lists these jobs: list-backup-jobs."""
        return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in self.operation)[1:]

    @property
    def wrapper(self) -> str:
        """The key of one job in the answer of a describe command: CopyJob."""
        return self.id_field.removesuffix("Id")

    @property
    def lifecycle(self) -> str | None:
        """The object that says how long a recovery point is kept; None where the list has none."""
        return next((name.partition(".")[0] for name in self.fields if name.endswith("Lifecycle.DeleteAfterDays")), None)

    def field(self, name: str) -> Field | None:
        """The field of that exact name, tags of an inventory (`Tags.Environment`) among them; None if there is none."""
        try:
            return self.fields[name]
        except KeyError:
            return None

    def sources(self, name: str) -> tuple[str, ...]:
        """The members that a derived field comes from, beside those that tell where a job was."""
        match name:
            case "Retention":
                sources: tuple[str, ...] = (f"{self.lifecycle}.DeleteAfterDays", f"{self.lifecycle}.DeleteAfterEvent")
            case "BackupVaultName":
                sources = (self.vault_field,)
            case "ResourceArn":
                sources = (self.resource_field,)
            case _:
                sources = _SOURCES.get(name, ())
        return tuple(member for member in sources if member in self.fields and not self.fields[member].derived)

    @property
    def states(self) -> tuple[str, ...]:
        return self.fields[self.state_field].values

    @property
    def finished(self) -> tuple[str, ...]:
        """The states no job leaves again."""
        return tuple(state for state in self.states if state not in self.in_progress)

    @property
    def members(self) -> tuple[Field, ...]:
        """The fields AWS records, in the API's order; derived ones left out."""
        return tuple(f for f in self.fields.values() if not f.derived)


class DatasetError(ValueError):
    """A row that cannot be: which list, which of its fields, and why."""

    def __init__(self, dataset: str, name: str, problem: str) -> None:
        super().__init__(f"{dataset}: {name}: {problem}")


class _Fields(dict[str, Field]):
    """The fields of a list by name. Tags of an inventory are fields of every list; what they are called is not known here."""

    def __missing__(self, name: str) -> Field:
        if name.startswith(TAGS) and len(name) > len(TAGS):
            return Field(name, Kind.TEXT, Presence.DERIVED, doc=_DOCS["Tags"])
        raise KeyError(name)


def table(*groups: tuple[Presence, Kind, str], enums: Mapping[str, tuple[str, ...]]) -> Mapping[str, Field]:
    """The fields of a list, in the order of these groups, with what inventories say of every list's resources.

    Args:
        enums: the values of each field of the kind ENUM.

    Raises:
        DatasetError: a name twice, or values of no field.
    """
    fields = _Fields()
    for presence, kind, names in groups:
        for name in names.split():
            if name in fields:
                raise DatasetError("a list", name, "stands twice among its fields")
            fields[name] = Field(name, kind, presence, enums.get(name, ()), _DOCS.get(name, ""))
    for name, kind in (("AccountName", Kind.TEXT), ("in_inventory", Kind.NAME)):
        fields[name] = Field(name, kind, Presence.DERIVED, doc=_DOCS[name])
    if strange := sorted(enums.keys() - fields.keys()):
        raise DatasetError("a list", strange[0], "has values and is none of its fields")
    return MappingProxyType(fields)


_DOCS = {
    "Account": "AccountId, else the account in BackupVaultArn, else in ResourceArn.",
    "Region": "The Region in BackupVaultArn, else in ResourceArn.",
    "IamRoleName": "The last path segment of IamRoleArn.",
    "Duration": "CompletionDate - InitiationDate (CreationDate where that is not recorded); in progress, the time so far.",
    "Elapsed": "CompletionDate - CreationDate: the start window is included.",
    "StartDelay": "InitiationDate - CreationDate.",
    "Outcome": "clean: COMPLETED with MessageCategory SUCCESS; with_issues: COMPLETED with another; unknown: COMPLETED without one, which is judged both ways.",
    "Overdue": "CREATED or PENDING past StartBy, RUNNING past ExpectedCompletionDate.",
    "Retention": "DeleteAfterDays of a recorded lifecycle; for ever where it has none.",
    "CrossAccount": "The destination vault is in another account than the source vault.",
    "CrossRegion": "The destination vault is in another Region than the source vault.",
    "DestinationAccount": "The account in DestinationBackupVaultArn.",
    "DestinationRegion": "The Region in DestinationBackupVaultArn.",
    "ResourceArn": "The resource that was backed up.",
    "BackupVaultName": "The vault's name; in restore jobs the last part of BackupVaultArn.",
    "Tags": "A tag of the resource, from an inventory.",
    "AccountName": "The name of the account, from an inventory.",
    "in_inventory": "The names of the inventories that list the resource; compared by equality, true where any of them is meant.",
}


ALWAYS, ALWAYS_SINCE, BY_MEANING, WHEN_ENDED, SINCE, DERIVED = Presence

_COMPLETED, _FAILED, _RUNNING, _PENDING, _EXPIRED = "COMPLETED", "FAILED", "RUNNING", "PENDING", "EXPIRED"
_NEEDED = {
    "AccountId": Kind.ACCOUNT, "CreationDate": Kind.TIME, "CompletionDate": Kind.TIME, "StatusMessage": Kind.TEXT, "ResourceType": Kind.WORD,
    "ParentJobId": Kind.TEXT, "ResourceArn": Kind.ARN, "Account": Kind.ACCOUNT, "Region": Kind.TEXT,
}  # fmt: skip
"""What rules, windows and findings read of every list."""
_OPTIONAL = frozenset({("Duration", "InitiationDate")})
"""Of what derived fields come from, what a list may lack."""


def listed(*rows: Dataset) -> Mapping[str, Dataset]:
    """The lists by name.

    Raises:
        DatasetError: a row that cannot be.
    """
    for row in rows:
        _check_row(row)
        for what in ("name", "noun", "operation", "result_key", "id_field"):
            if any(getattr(other, what) == getattr(row, what) for other in rows if other is not row):
                raise DatasetError(row.name, what, f"{getattr(row, what)} is that of another list, too")
    named = {row.name: row for row in rows}
    for row in rows:
        for followed, links in row.follows.items():
            if followed not in named:
                raise DatasetError(row.name, "follows", f"there is no list {followed}")
            for link in links:
                _require(row, "follows", link.follower, link.follower in row.fields, "is none of its fields")
                _require(row, "follows", link.job, link.job in named[followed].fields, f"is no field of {followed}")
    return MappingProxyType(named)


def _require(row: Dataset, what: str, name: str, holds: bool, problem: str) -> None:
    if not holds:
        raise DatasetError(row.name, what, f"{name} {problem}")


def _check_row(row: Dataset) -> None:
    heads = {name.partition(".")[0] for name in row.fields if "." in name}
    for name, one in row.fields.items():
        if not isinstance(one.kind, Kind) or not isinstance(one.presence, Presence):
            raise DatasetError(row.name, name, f"{one.kind!r} is no kind of field" if not isinstance(one.kind, Kind) else f"{one.presence!r} is no presence")
        if name.count(".") > 1 or name in heads:
            raise DatasetError(row.name, name, "is an object and a value" if name in heads else "is nested deeper than one object")
        if bool(one.values) != (one.kind is Kind.ENUM):
            raise DatasetError(row.name, name, "is an enum without values" if not one.values else f"has values and is no enum, but {one.kind}")
        if one.derived and name not in _DOCS:
            raise DatasetError(row.name, name, "is derived, and nothing here says how")
        for source in _SOURCES.get(name, ()) if one.derived else ():
            _require(row, name, source, source in row.fields or (name, source) in _OPTIONAL, "is missing, which it comes from")
    if "Retention" in row.fields and row.lifecycle is None:
        raise DatasetError(row.name, "Retention", "comes from the DeleteAfterDays of a lifecycle, and there is none")
    for what, kinds in (("id_field", {Kind.TEXT}), ("state_field", {Kind.ENUM}), ("resource_field", {Kind.ARN}), ("vault_field", {Kind.ARN})):
        name = getattr(row, what)
        _require(row, what, name, name in row.fields and not row.fields[name].derived, "is none of its members")
        _require(row, what, name, row.fields[name].kind in kinds, f"is of the kind {row.fields[name].kind}, not {' or '.join(sorted(kinds))}")
    for name, kind in _NEEDED.items():
        _require(row, "fields", name, name in row.fields, "is missing")
        _require(row, "fields", name, row.fields[name].kind is kind, f"is of the kind {row.fields[name].kind}, not {kind}")
    _check_states(row)
    if not row.kind or row.kind == row.noun or " " in row.kind:
        raise DatasetError(row.name, "noun", f"{row.noun!r} is not one word and `job`: sentences say `backup job`")
    for name, (message, undecided) in row.later_words.items():
        _require(row, "later_words", name, name in row.fields, "is none of its fields")
        _require(row, "later_words", message, message in row.fields, "is none of its fields")
        _require(row, "later_words", undecided, undecided in row.fields[name].values, f"is no value of {name}")
    for name in row.filters:
        _require(row, "filters", name, name in row.fields, "is none of its fields")


def _check_states(row: Dataset) -> None:
    for what, states in (("in_progress", row.in_progress), ("bad_ends", row.bad_ends)):
        for state in states:
            _require(row, what, state, state in row.states, f"is no value of {row.state_field}")
    for state in row.bad_ends:
        _require(row, "bad_ends", state, state in row.finished, "is a state of jobs in progress")
    for state in (_COMPLETED, _FAILED, _RUNNING):
        _require(row, row.state_field, state, state in row.states, "is missing, which every list has")
        _require(row, "in_progress", state, (state in row.in_progress) == (state == _RUNNING), "is in progress in all lists or in none")
    if _EXPIRED in row.states:
        # An EXPIRED job ended when its start window did.
        _require(row, row.state_field, _EXPIRED, "StartBy" in row.fields, "needs the member StartBy")
    if "InitiationDate" in row.fields:
        # What began after as_of was waiting then.
        _require(row, row.state_field, _PENDING, _PENDING in row.in_progress, "is missing, in which jobs wait for their InitiationDate")
