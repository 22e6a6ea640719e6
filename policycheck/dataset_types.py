"""What a list is made of: the kinds of its fields, what it means that one is missing, and the checks that a row of `datasets` must pass."""

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
    SPAN = "span"  # from one time to another: only when it was can be asked, of any part of it
    NAME = "name"  # a name of the user's own, compared by equality alone


class Presence(Enum):
    """What it means that a member is missing from a record."""

    ALWAYS = "AWS always records it, whatever the client: missing is unknown, and a list that lacks it was reduced"
    ALWAYS_SINCE = "AWS always records it, and the oldest clients drop it: missing is unknown"
    BY_MEANING = "left out where it does not apply: missing is known, but in a reduced list that lacks it throughout"
    WHEN_ENDED = "recorded once a job has ended: missing is known in progress or EXPIRED, but in a reduced list that lacks it throughout; else unknown"
    SINCE = "older clients drop it: unknown if the whole list lacks it, else missing is known"
    DERIVED = "computed; says for itself when it is unknown"
    STAND_IN = "no field of the list: what lists of jobs have in its place, so that it is evaluated as they are"


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


STATE = "_State"
"""The state field of a list that has none,"""
PRESENT = "listed"
"""and its one state, a word that may be read in an explanation."""


SOURCES = {
    "Outcome": ("MessageCategory",),
    "Duration": ("CreationDate", "InitiationDate", "CompletionDate"),
    "Running": ("CreationDate", "InitiationDate", "CompletionDate"),
    "Elapsed": ("CreationDate", "CompletionDate"),
    "StartDelay": ("CreationDate", "InitiationDate"),
    "Overdue": ("StartBy", "ExpectedCompletionDate"),
    "IamRoleName": ("IamRoleArn",),
    **dict.fromkeys(("CrossAccount", "CrossRegion", "DestinationAccount", "DestinationRegion"), ("DestinationBackupVaultArn",)),
}
"""What derived fields come from, where that is the same in every list."""

SCAN_FINDINGS = "AggregatedScanResult.Findings"
"""A list of words in the API (MALWARE), and one text here."""

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
class Each:
    """A list that is one call for each record of another list."""

    dataset: str
    """The other list, which the API gives in one."""
    member: str
    """What names each of its records: BackupVaultName,"""
    parameter: str
    """and the parameter that takes it."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One list: how the API names it, its members and the fields derived from them."""

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
    of_state: bool = False
    """Whether it lists what there is at the moment of the call (vaults, recovery points), and not what happened: it says nothing of any other moment."""
    other_accounts: bool = True
    """Whether the operation takes ByAccountId."""
    each: Each | None = None
    """How it is called where it is not one list."""
    well: frozenset[str] = frozenset({"COMPLETED"})
    """The states that say that all is well."""
    stand_ins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """What lists of jobs have and this one has not, each with the member that takes its place; empty: none does."""
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
        """The word that stands before `job` in a sentence: backup. Of a list of what there is, the whole noun."""
        return self.noun.removesuffix(" job")

    @property
    def item(self) -> str:
        """What one record is called where the list is known: job, recovery point."""
        return self.noun if self.of_state else "job"

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
            found = self.fields[name]
        except KeyError:
            return None
        return None if found.presence is Presence.STAND_IN else found

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
                sources = SOURCES.get(name, ())
        return tuple(member for member in sources if member in self.fields and not self.fields[member].derived)

    @property
    def states(self) -> tuple[str, ...]:
        return self.fields[self.state_field].values

    @property
    def named_states(self) -> tuple[str, ...]:
        """Those that AWS records; none in a list without any."""
        return self.states if self.state_field in self.fields else ()

    @property
    def expires(self) -> bool:
        """Whether a job that never started in its start window is EXPIRED; of a recovery point the word says that its retention is over."""
        return "EXPIRED" in self.states and not self.of_state

    @property
    def composite(self) -> bool:
        """Whether its records can be parts of others: child jobs, and the recovery points of a composite one."""
        return "ParentJobId" in self.fields or "ParentJobId" in self.stand_ins

    @property
    def dated(self) -> bool:
        """Whether its records have a CreationDate, by which there are windows and ages."""
        return "CreationDate" in self.fields

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
    """The fields of a list by name. Tags of an inventory are fields of every list; what they are called is not known here.

    What a list of what there is lacks of what lists of jobs have is asked for by name alone: no rule can, and no loop over the fields meets it.
    """

    def __missing__(self, name: str) -> Field:
        if name.startswith(TAGS) and len(name) > len(TAGS):
            return Field(name, Kind.TEXT, Presence.DERIVED, doc=DOCS["Tags"])
        if name in STAND_INS:
            return Field(name, STAND_INS[name], Presence.STAND_IN, (PRESENT,) if name == STATE else ())
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
            fields[name] = Field(name, kind, presence, enums.get(name, ()), DOCS.get(name, ""))
    for name, kind in (("AccountName", Kind.TEXT), ("in_inventory", Kind.NAME)):
        fields[name] = Field(name, kind, Presence.DERIVED, doc=DOCS[name])
    if strange := sorted(enums.keys() - fields.keys()):
        raise DatasetError("a list", strange[0], "has values and is none of its fields")
    return MappingProxyType(fields)


DOCS = {
    "Account": "AccountId, else the account in BackupVaultArn, else in ResourceArn.",
    "Region": "The Region in BackupVaultArn, else in ResourceArn.",
    "IamRoleName": "The last path segment of IamRoleArn.",
    "Duration": "CompletionDate - InitiationDate (CreationDate where that is not recorded); in progress, the time so far.",
    "Running": "The time that Duration measures, from its start to its end, or to as_of in progress; a job that waits or EXPIRED has none.",
    "Elapsed": "CompletionDate - CreationDate: the start window is included.",
    "StartDelay": "InitiationDate - CreationDate.",
    "Outcome": "clean: COMPLETED with MessageCategory SUCCESS; with_issues: COMPLETED with another; unknown: COMPLETED without one, evaluated both ways.",
    "Overdue": "CREATED or PENDING past StartBy, RUNNING past ExpectedCompletionDate.",
    "Retention": "DeleteAfterDays of a recorded lifecycle; no end where it has none.",
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


ALWAYS, ALWAYS_SINCE, BY_MEANING, WHEN_ENDED, SINCE, DERIVED, STAND_IN = Presence

NEEDED = {
    "AccountId": Kind.ACCOUNT, "CreationDate": Kind.TIME, "CompletionDate": Kind.TIME, "StatusMessage": Kind.TEXT, "ResourceType": Kind.WORD,
    "ParentJobId": Kind.TEXT, "ResourceArn": Kind.ARN, "Account": Kind.ACCOUNT, "Region": Kind.TEXT,
}  # fmt: skip
"""What rules, windows and findings read of every list."""
OF_ALL = frozenset({"Account", "Region"})
"""What a list of what there is has, too."""
STAND_INS = {**{name: kind for name, kind in NEEDED.items() if name not in OF_ALL}, STATE: Kind.ENUM}
