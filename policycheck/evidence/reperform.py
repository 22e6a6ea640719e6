#!/usr/bin/env python3
"""Judge AWS Backup job lists again, without installing or trusting policycheck.

    python3 reperform.py INPUT.json        (or - for standard input; Python 3.8 or newer, nothing else)

INPUT holds the raw job lists, the moment they are judged at (`as_of`) and the rules; the verdicts are printed as JSON, to be compared with policycheck's.
Exit status: 0 judged, whatever the verdicts; 2 the input is not understood. The script follows the pages "How a verdict is reached" and "Groups, schedules
and following jobs" of policycheck's documentation, was written apart from the program it checks, and reads from top to bottom: three values, lists, literals,
records, conditions, inventories, evidence, coverage, waivers, then the rules: of jobs, of following jobs, of groups, of schedules; last the document.
True, False and None (unknown) are the three values. Times and durations are whole microseconds, times since 1970 UTC.
"""

from __future__ import annotations

import json
import operator
import os
import re
import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = "policycheck/reperform/1"
MISSING = object()  # the member is known to be missing: a comparison with it is false
UNKNOWN = object()  # nobody can say what the member was: a comparison with it is unknown
UTC = timezone.utc  # noqa: UP017 (datetime.UTC came with Python 3.11)
SECOND, HOUR, DAY = 10**6, 3600 * 10**6, 86400 * 10**6
FOR_EVER = float("inf")  # more than any duration


class InputError(ValueError):
    """The input is not understood; nothing was judged."""


def require(fine: object, problem: str, value: object) -> None:
    """Refuse rather than guess."""
    if not fine:
        raise InputError(f"{problem}: {value!a}")


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """And: one false part makes it false; otherwise one unknown part makes it unknown; of no parts, true."""
    seen = list(answers)
    return False if False in seen else None if None in seen else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Or: one true part makes it true; otherwise one unknown part makes it unknown; of no parts, false."""
    seen = list(answers)
    return True if True in seen else None if None in seen else False


def negate(answer: bool | None) -> bool | None:
    """Not: true and false change places, unknown stays unknown."""
    return None if answer is None else not answer


class JobList:
    """What is known of one list. `fields` gives the presence and kind of each: in its text a word in lower case is a presence or a kind and holds for the
    names after it; a name that ends in a dot stands before the names after it, up to the next kind."""

    def __init__(self, names: str, in_progress: str, finished: str, fields: str) -> None:
        self.id, self.state, self.resource, self.vault, self.lifecycle = names.split()
        self.in_progress, self.finished = in_progress.split(), finished.split()
        self.fields: dict[str, tuple[str, str]] = {}
        presence = kind = prefix = ""
        for word in fields.split():
            if word in ("always", "when_ended", "by_meaning", "since", "derived"):
                presence = word
            elif word.islower():
                kind, prefix = word, ""
            elif word.endswith("."):
                prefix = word
            else:
                self.fields[prefix + word] = (presence, kind)
        self.fields.update({"AccountName": ("derived", "text"), "in_inventory": ("derived", "name")})

    def field(self, name: str) -> tuple[str, str]:
        """Presence and kind; a tag of an inventory may have any name. A name no list has is refused."""
        tag = name.startswith("Tags.") and name != "Tags."
        require(tag or name in self.fields, "no such field in this list", name)
        return ("derived", "text") if tag else self.fields[name]


LISTS = {
    "backup_jobs": JobList(
        "BackupJobId State ResourceArn BackupVaultArn RecoveryPointLifecycle",
        "CREATED PENDING RUNNING ABORTING",
        "ABORTED COMPLETED FAILED EXPIRED PARTIAL",
        """always account AccountId text BackupJobId BackupVaultName PercentDone arn BackupVaultArn ResourceArn IamRoleArn word ResourceType
                  time CreationDate StartBy enum State
        when_ended time CompletionDate
        by_meaning arn RecoveryPointArn EncryptionKeyArn CreatedBy.BackupPlanArn time ExpectedCompletionDate size BackupSizeInBytes BytesTransferred
                   word BackupOptions.WindowsVSS BackupType text ResourceName StatusMessage ParentJobId CreatedBy. BackupPlanId BackupPlanVersion BackupRuleId
        since time InitiationDate enum VaultType word VaultLockState MessageCategory boolean IsEncrypted IsParent
              word RecoveryPointLifecycle.DeleteAfterEvent integer RecoveryPointLifecycle. MoveToColdStorageAfterDays DeleteAfterDays
              boolean RecoveryPointLifecycle.OptInToArchiveForSupportedResources
              text CreatedBy. BackupPlanName BackupRuleName BackupRuleCron BackupRuleTimezone
        derived account Account text Region IamRoleName duration Duration Elapsed StartDelay Retention enum Outcome boolean Overdue""",
    ),
    "copy_jobs": JobList(
        "CopyJobId State ResourceArn SourceBackupVaultArn DestinationRecoveryPointLifecycle",
        "CREATED RUNNING",
        "COMPLETED FAILED PARTIAL",
        """always account AccountId text CopyJobId arn SourceBackupVaultArn SourceRecoveryPointArn DestinationBackupVaultArn ResourceArn IamRoleArn
                  word ResourceType time CreationDate enum State
        when_ended time CompletionDate
        by_meaning arn DestinationRecoveryPointArn DestinationEncryptionKeyArn CreatedBy.BackupPlanArn size BackupSizeInBytes integer NumberOfChildJobs
                   text ResourceName StatusMessage CreatedByBackupJobId ParentJobId CompositeMemberIdentifier
                   text CreatedBy. BackupPlanId BackupPlanVersion BackupRuleId
        since enum DestinationVaultType word DestinationVaultLockState MessageCategory boolean IsParent
              word DestinationRecoveryPointLifecycle.DeleteAfterEvent integer DestinationRecoveryPointLifecycle. MoveToColdStorageAfterDays DeleteAfterDays
              boolean DestinationRecoveryPointLifecycle.OptInToArchiveForSupportedResources
              text CreatedBy. BackupPlanName BackupRuleName BackupRuleCron BackupRuleTimezone
        derived account Account DestinationAccount text Region DestinationRegion IamRoleName duration Duration Elapsed Retention enum Outcome
                boolean CrossAccount CrossRegion""",
    ),
    "restore_jobs": JobList(
        "RestoreJobId Status SourceResourceArn BackupVaultArn -",
        "PENDING RUNNING",
        "COMPLETED ABORTED FAILED",
        """always account AccountId text RestoreJobId PercentDone arn RecoveryPointArn IamRoleArn word ResourceType time CreationDate enum Status
        when_ended time CompletionDate
        by_meaning text StatusMessage ParentJobId ValidationStatusMessage DeletionStatusMessage size BackupSizeInBytes
                   integer ExpectedCompletionTimeMinutes arn CreatedResourceArn CreatedBy.RestoreTestingPlanArn enum ValidationStatus DeletionStatus
        since arn SourceResourceArn BackupVaultArn time RecoveryPointCreationDate boolean IsParent
        derived account Account text Region IamRoleName BackupVaultName arn ResourceArn duration Duration Elapsed""",
    ),
}

TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)))?", re.ASCII)
DURATIONS = {"s": SECOND, "m": 60 * SECOND, "h": HOUR, "d": DAY, "w": 7 * DAY}
SIZES = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "PB": 10**15}
SIZES.update({"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50})
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT_KINDS = ("text", "word", "enum", "arn", "account")
COMPARISONS: dict[str, Any] = {"equals": operator.eq}
TEXT_COMPARISONS = {
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "matches": lambda value, sought: sought.search(value),
}
ORDER_COMPARISONS = {"at_least": operator.ge, "at_most": operator.le, "more_than": operator.gt, "less_than": operator.lt}
AGE_COMPARISONS = {"older_than": operator.gt, "newer_than": operator.lt}
COMPARISONS.update({**TEXT_COMPARISONS, **ORDER_COMPARISONS, **AGE_COMPARISONS})


def read_time(value: Any, date_alone: bool = False) -> int:
    """Seconds since 1970 as a number, or ISO 8601 text with an offset; in rules also a date alone, which is midnight UTC. Only 1970 to 2300 can be meant."""
    if isinstance(value, str):
        found = TIME.fullmatch(value)
        require(found and (date_alone or found.group(2)), "not a time with an offset from UTC", value)
        assert found
        date, minute, second, fraction, sign, hours, minutes = found.groups()
        moment = datetime.strptime(f"{date} {minute or '00:00'}:{second or '00'}", "%Y-%m-%d %H:%M:%S")
        micros = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1) + round(Fraction("0" + (fraction or "")) * SECOND)
        micros -= int(f"{sign}1") * (int(hours) * HOUR + int(minutes) * 60 * SECOND) if sign else 0
    else:
        require(isinstance(value, (int, float)) and not isinstance(value, bool), "not a time", value)
        micros = round(value * SECOND)
    require(0 <= micros < 10_413_792_000 * SECOND, "not a time from 1970 to 2300", value)
    return micros


def read_quantity(text: str, units: dict[str, int]) -> Fraction:
    """A whole or decimal number and its unit, exactly; a duration finer than a microsecond is refused."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", text, re.ASCII)
    require(found and found.group(2) in units, f"not a number with a unit of: {' '.join(units)}", text)
    assert found
    amount = Fraction(found.group(1)) * units[found.group(2)]
    require(amount.denominator == 1 or units is not DURATIONS, "finer than a microsecond", text)
    return amount


def read_literal(kind: str, asked: str, text: Any) -> Any:
    """What the author wrote, read as the field's kind asks; an operator that means nothing for the kind is refused."""
    require(isinstance(text, str), "a literal must be text, as it was written", text)
    if asked == "present" or (kind == "boolean" and asked == "equals"):
        require(text in ("true", "false"), "neither true nor false", text)
        return text == "true"
    if asked in AGE_COMPARISONS and kind == "time":
        return read_quantity(text, DURATIONS)
    if kind in TEXT_KINDS and asked == "matches":
        return re.compile(text)
    if kind == "name" and asked == "equals":
        return text
    if kind in TEXT_KINDS and (asked == "equals" or asked in TEXT_COMPARISONS):
        return text.lower() if kind == "word" else text
    if kind == "integer" and re.fullmatch(r"-\d+", text, re.ASCII):
        return int(text)
    require(kind not in (*TEXT_KINDS, "boolean", "name") and (asked == "equals" or asked in ORDER_COMPARISONS), f"cannot be asked of a {kind}", asked)
    return read_time(text, date_alone=True) if kind == "time" else read_quantity(text, {"duration": DURATIONS, "size": SIZES}.get(kind, {"": 1}))


def read_record(record: Any, jobs: JobList) -> dict[str, Any]:
    """The members by dotted name. Null and absent are the same; a state the API does not know counts as missing; members outside the table are not read."""
    require(isinstance(record, dict), "a record is not an object", record)
    members: dict[str, Any] = {}
    for name, (presence, kind) in jobs.fields.items():
        head, _, tail = name.partition(".")
        value = record.get(head) if presence != "derived" else None
        if tail and value is not None:
            require(isinstance(value, dict), f"{head} is not an object", value)
            members[head], value = {}, value.get(tail)  # an empty object is kept, because Retention asks whether there is one
        if value is None or (name == jobs.state and value not in jobs.in_progress + jobs.finished):
            continue
        expected: type = str if kind in TEXT_KINDS else bool if kind == "boolean" else int
        require(kind == "time" or type(value) is expected, f"{name} is not of kind {kind}", value)
        members[name] = read_time(value) if kind == "time" else value
    return members


def drop_duplicates(found: list[dict[str, Any]], jobs: JobList, place: Callable[[dict[str, Any]], Any]) -> list[dict[str, Any]]:
    """Of records of one resource with one id in one account and Region: finished before the rest, then the later end, the later start, the JSON text that
    sorts last."""

    def rank(job: dict[str, Any]) -> Any:
        return (job.get(jobs.state) in jobs.finished, job.get("CompletionDate", -1), job.get("InitiationDate", -1), json.dumps(job, sort_keys=True))

    last = {(job[jobs.id], place(job), job.get(jobs.resource)): job for job in sorted(found, key=rank) if job.get(jobs.id)}
    return list(last.values()) + [job for job in found if not job.get(jobs.id)]


def rewind(job: dict[str, Any], jobs: JobList, as_of: int) -> None:
    """What happened after as_of has not happened: a job that ended later was still running or pending, and nothing of its end was recorded."""
    ended = job.get("CompletionDate", job.get("StartBy") if job.get(jobs.state) == "EXPIRED" else None)
    if job.get(jobs.state) in jobs.finished and ended is not None and ended > as_of:
        expired = job[jobs.state] == "EXPIRED"
        job.update({jobs.state: "RUNNING", "CompletionDate": MISSING, "StatusMessage": MISSING, "MessageCategory": MISSING})
        if job.get("InitiationDate", as_of) > as_of:
            job.update({jobs.state: "PENDING", "InitiationDate": MISSING})
        elif expired:
            job[jobs.state] = "PENDING"


def arn_part(arn: Any, index: int) -> Any:
    """A part of arn:partition:service:region:account:resource; an empty part says nothing."""
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    return parts[index] or None if len(parts) == 6 else None


def difference(later: Any, earlier: Any) -> Any:
    """Unknown where either part is unknown, else missing where either is missing."""
    absent = [part for part in (UNKNOWN, MISSING) if later is part or earlier is part]
    return absent[0] if absent else later - earlier


class Part(NamedTuple):
    """One part of a mapping of conditions: `any` or `not` of the mappings inside, else an operator asked of a field."""

    asked: str
    field: str
    wanted: tuple[Any, ...]
    inside: tuple[Any, ...]


def read_conditions(conditions: Any, jobs: JobList) -> list[Part]:
    """Every mapping is a conjunction; a bare value means equals; a list means any of its values, and an empty one is refused."""
    require(isinstance(conditions, dict), "conditions are not a mapping", conditions)
    parts = []
    for name, wanted in conditions.items():
        if name in ("any", "not"):
            require(name == "not" or (isinstance(wanted, list) and wanted), "any needs a list", wanted)
            parts.append(Part(name, "", (), tuple(read_conditions(branch, jobs) for branch in ([wanted] if name == "not" else wanted))))
            continue
        kind = jobs.field(name)[1]
        require(wanted != {} and not (isinstance(wanted, dict) and "equals" in wanted), f"{name} needs a value or operators", wanted)
        for asked, literals in wanted.items() if isinstance(wanted, dict) else [("equals", wanted)]:
            values = literals if isinstance(literals, list) else [literals]
            require(values, f"{name} needs a value", values)
            known = jobs.in_progress + jobs.finished if name == jobs.state else ["clean", "with_issues", "unknown"] if name == "Outcome" else values
            require(asked != "equals" or all(value in known for value in values), f"{name} is never", values)
            parts.append(Part(asked, name, tuple(read_literal(kind, asked, value) for value in values), ()))
    return parts


def fields_named(parts: list[Part]) -> set[str]:
    """Every field the conditions name, however deep."""
    return {part.field for part in parts} | {name for part in parts for branch in part.inside for name in fields_named(branch)}


def answers(jobs: JobList, part: Part, value: Any, as_of: int) -> list[bool]:
    """Whether a recorded value meets the operator, for each value the author wrote."""
    word = jobs.field(part.field)[1] == "word" and part.asked != "matches"
    seen = value.lower() if word else as_of - value if part.asked in AGE_COMPARISONS else value
    return [bool(COMPARISONS[part.asked](seen, wanted)) for wanted in part.wanted]


def compare_value(jobs: JobList, part: Part, value: Any, as_of: int) -> bool | None:
    """One operator with one or more values, any of which may hold, asked of a value, of MISSING or of UNKNOWN."""
    if part.asked == "present":
        return any_of(None if value is UNKNOWN else (value is not MISSING) == wanted for wanted in part.wanted)
    if value is UNKNOWN or value is MISSING:
        return None if value is UNKNOWN else False
    return any(answers(jobs, part, value, as_of))


def holds(parts: list[Part], ask: Callable[[Part, bool | None], bool | None], harmless: bool | None = None) -> bool | None:
    """A mapping holds where all its parts hold; under `not` the harmless answer is the other one."""
    found = []
    for part in parts:
        if part.asked == "any":
            found.append(any_of(holds(branch, ask, harmless) for branch in part.inside))
        elif part.asked == "not":
            found.append(negate(holds(part.inside[0], ask, negate(harmless))))
        else:
            found.append(ask(part, harmless))
    return all_of(found)


ENTRY_MEMBERS = {"ResourceArn": "arn", "Account": "account", "Region": "region", "ResourceType": "type", "ResourceName": "name", "AccountName": "account_name"}
ENTRY_TEXTS = tuple(ENTRY_MEMBERS.values())


def check_keys(value: Any, what: str, allowed: str) -> None:
    """A mapping with known keys only: a key that is not understood could change a verdict."""
    require(isinstance(value, dict), f"{what} is not a mapping", value)
    require(set(value) <= set(allowed.split()), f"{what} has keys that are not understood", sorted(set(value) - set(allowed.split())))


class Inventories:
    """Resources that someone says exist, by the name of each inventory."""

    def __init__(self, given: Any) -> None:
        """Every entry has an ARN, and what else it says is text; what it does not say is unknown."""
        require(isinstance(given, dict), "inventories are not a mapping", given)
        self.entries: dict[str, list[dict[str, Any]]] = {}
        self.by_arn: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for name in sorted(given):
            require(isinstance(given[name], list), "an inventory is not a list of entries", name)
            self.entries[name] = [dict(entry) for entry in given[name]]
            for number, entry in enumerate(self.entries[name]):
                check_keys(entry, "an entry of an inventory", " ".join(ENTRY_TEXTS) + " tags")
                require(entry.get("arn") and all(isinstance(entry.get(key), (str, type(None))) for key in ENTRY_TEXTS), "not an arn and texts", entry)
                tags = entry.get("tags") or {}
                require(isinstance(tags, dict) and all(isinstance(value, str) for value in tags.values()), "tags are not texts", entry)
                entry["number"] = number
                self.by_arn.setdefault(entry["arn"], []).append((name, entry))
        listed = [entry for entries in self.entries.values() for entry in entries]
        self.said = {"Tags": any(entry.get("tags") for entry in listed), "AccountName": any(entry.get("account_name") is not None for entry in listed)}

    def listing(self, arn: str | None, account: str | None, region: str | None) -> list[tuple[str, bool | None, dict[str, Any]]]:
        """Name of the inventory, whether the entry is of this resource, and the entry: its ARN is equal, and its account and Region as far as it states
        them. Of an unknown ARN nobody can say."""
        if arn is None:
            return [(name, None, {}) for name in self.entries]
        found = []
        for name, entry in self.by_arn.get(arn, []):
            stated = [(entry.get("account"), account), (entry.get("region"), region)]
            found.append((name, all_of(None if theirs is None else mine == theirs for mine, theirs in stated if mine is not None), entry))
        return found

    def ask(self, part: Part, listing: list[tuple[str, bool | None, dict[str, Any]]]) -> bool | None:
        """`in_inventory`: whether one of the inventories that are named lists the resource, or with `present` any. One that was not given is unknown."""
        if part.asked != "present":
            return any_of(any_of(own for name, own, _ in listing if name == wanted) if wanted in self.entries else None for wanted in part.wanted)
        anywhere = any_of(own for _, own, _ in listing) if self.entries else None
        return any_of(anywhere if wanted else negate(anywhere) for wanted in part.wanted)

    def value(self, name: str, listing: list[tuple[str, bool | None, dict[str, Any]]]) -> Any:
        """A tag or the account's name, from the first entry of the resource that has it, in the order of the inventories' names. Where entries list the
        resource and none has it, it is missing; where none lists the resource, or nobody can say which do, it is unknown."""
        if None in [own for _, own, _ in listing]:
            return UNKNOWN
        found = [entry_value(entry, name) for _, own, entry in listing if own]
        return next((value for value in found if value is not UNKNOWN), self.absent(name) if found else UNKNOWN)

    def absent(self, name: str) -> Any:
        """What it means that entries lack a field: no such tag (no such name) where any entry of the run has tags (a name); else nobody recorded them."""
        return MISSING if self.said.get(name.partition(".")[0]) else UNKNOWN

    def select(self, parts: list[Part], entry: dict[str, Any], jobs: JobList) -> bool | None:
        """Conditions of `where`, asked of an entry instead of a job."""
        return holds(parts, lambda part, _: self.ask_entry(part, entry, jobs))

    def ask_entry(self, part: Part, entry: dict[str, Any], jobs: JobList) -> bool | None:
        if part.field == "in_inventory":
            return self.ask(part, self.listing(entry["arn"], entry.get("account"), entry.get("region")))
        value = entry_value(entry, part.field)
        return compare_value(jobs, part, self.absent(part.field) if value is UNKNOWN else value, 0)


def entry_value(entry: dict[str, Any], field: str) -> Any:
    """What an entry says of a field; what it does not say is unknown."""
    tags = entry.get("tags") or {}
    value = tags.get(field[len("Tags.") :]) if field.startswith("Tags.") else entry.get(ENTRY_MEMBERS[field])
    return UNKNOWN if value is None else value


class Evidence:
    """One list as it stood at as_of, and what can be said of its jobs."""

    def __init__(self, jobs: JobList, records: Any, as_of: int, inventories: Inventories) -> None:
        """One record for each job id; then which members this list knows; then what had not happened by as_of goes."""
        require(isinstance(records, list), "not a list of records", records)
        self.kind, self.as_of, self.inventories = jobs, as_of, inventories
        found = drop_duplicates([read_record(record, jobs) for record in records], jobs, self.place)
        self.known = {name for job in found for name in job}
        self.jobs = [job for job in found if job.get("CreationDate", as_of) <= as_of]
        for job in self.jobs:
            rewind(job, jobs, as_of)
        types = {(job[jobs.resource], job["ResourceType"]) for job in self.jobs if jobs.resource in job and "ResourceType" in job}
        self.types = dict(sorted(types))  # by resource; of several the one that sorts last
        self.perhaps_clean: dict[tuple[Any, Any], list[dict[str, Any]]] = {}  # by resource and vault: what may have recovered an earlier job
        for job in self.jobs:
            if self.is_clean(job) is not False:
                self.perhaps_clean.setdefault(self.target(job), []).append(job)

    def since(self, name: str) -> Any:
        """Older clients drop the member: where no record of the list has it, its absence says nothing."""
        return MISSING if name in self.known else UNKNOWN

    def member(self, job: dict[str, Any], name: str) -> Any:
        """A recorded value, MISSING or UNKNOWN: never a default."""
        presence = self.kind.fields[name][0]
        if name in job:
            return job[name]
        if presence == "since":
            return self.since(name)
        ended = presence == "when_ended" and job.get(self.kind.state) not in [*self.kind.in_progress, "EXPIRED"]
        return UNKNOWN if presence == "always" or ended else MISSING

    def state_in(self, job: dict[str, Any], states: list[str]) -> bool | None:
        """Whether the job is in one of the states; unknown in an unknown state."""
        return job[self.kind.state] in states if self.kind.state in job else None

    def place(self, job: dict[str, Any]) -> tuple[Any, Any]:
        """Account and Region: AccountId, else the vault's ARN, else the resource's; None where nothing says."""
        vault, resource = job.get(self.kind.vault), job.get(self.kind.resource)
        return job.get("AccountId") or arn_part(vault, 4) or arn_part(resource, 4), arn_part(vault, 3) or arn_part(resource, 3)

    def target(self, job: dict[str, Any]) -> tuple[Any, Any]:
        """The resource and the vault its copy goes to, by which a recovery is told; None where one is not recorded."""
        copies = "DestinationBackupVaultArn" in self.kind.fields
        return job.get(self.kind.resource), job.get("DestinationBackupVaultArn" if copies else self.kind.vault)

    def value(self, job: dict[str, Any], name: str) -> Any:
        """The value of a member or of a derived field, MISSING or UNKNOWN."""
        if name == "AccountName" or name.startswith("Tags."):
            return self.inventories.value(name, self.listing(job))
        if name == "ResourceArn" or self.kind.fields[name][0] != "derived":
            return self.member(job, self.kind.resource if name == "ResourceArn" else name)
        if name in ("Elapsed", "StartDelay"):
            return difference(self.member(job, "CompletionDate" if name == "Elapsed" else "InitiationDate"), self.member(job, "CreationDate"))
        if name in ("IamRoleName", "BackupVaultName"):  # the last part of an ARN; missing as the ARN is
            arn = self.member(job, "IamRoleArn" if name == "IamRoleName" else self.kind.vault)
            return arn.split("/" if name == "IamRoleName" else ":")[-1] if isinstance(arn, str) else arn
        if name in ("Duration", "Outcome", "Overdue", "Retention"):
            return {"Duration": self.duration, "Outcome": self.outcome, "Overdue": self.overdue, "Retention": self.retention}[name](job)
        account = name.endswith("Account")
        here = self.place(job)[0 if account else 1] if name in ("Account", "Region") else arn_part(job.get(self.kind.vault), 4 if account else 3)
        there = arn_part(job.get("DestinationBackupVaultArn"), 4 if account else 3)
        if name.startswith("Cross"):
            return UNKNOWN if here is None or there is None else here != there
        answer = there if name.startswith("Destination") else here
        return UNKNOWN if answer is None else answer

    def listing(self, job: dict[str, Any]) -> list[tuple[str, bool | None, dict[str, Any]]]:
        """Which entries of the inventories are of the job's resource."""
        return self.inventories.listing(job.get(self.kind.resource), *self.place(job))

    def duration(self, job: dict[str, Any]) -> Any:
        """From the start (creation where no start is recorded) to the end; in progress, to as_of. A job that expired without an end never ran."""
        if job.get(self.kind.state) == "EXPIRED" and "CompletionDate" not in job:
            return MISSING
        start = job.get("InitiationDate", MISSING)
        end = self.as_of if self.state_in(job, self.kind.in_progress) else self.member(job, "CompletionDate")
        return difference(end, self.member(job, "CreationDate") if start is MISSING else start)

    def outcome(self, job: dict[str, Any]) -> Any:
        """COMPLETED is clean only with MessageCategory SUCCESS; without a category nobody knows, and `compare` judges it both ways."""
        completed = self.state_in(job, ["COMPLETED"])
        if not completed:
            return UNKNOWN if completed is None else MISSING
        category = job.get("MessageCategory")
        return "unknown" if category is None else "clean" if category.lower() == "success" else "with_issues"

    def is_clean(self, job: dict[str, Any]) -> bool | None:
        """Whether the Outcome is clean; unknown where the state is, or the category of a COMPLETED job."""
        outcome = self.outcome(job)
        return None if outcome is UNKNOWN or outcome == "unknown" else outcome == "clean"

    def overdue(self, job: dict[str, Any]) -> Any:
        """Waiting past StartBy or running past ExpectedCompletionDate. In a list that records neither time no job is overdue."""
        state = job.get(self.kind.state)
        if "Overdue" not in self.kind.fields or (state is not None and state not in ("CREATED", "PENDING", "RUNNING")):
            return False
        due = None if state is None else job.get("ExpectedCompletionDate" if state == "RUNNING" else "StartBy")
        return UNKNOWN if due is None else due < self.as_of

    def retention(self, job: dict[str, Any]) -> Any:
        """A recorded lifecycle that never deletes keeps for ever; one that deletes on an event keeps for an unknown time."""
        if self.kind.lifecycle not in job:
            return self.since(self.kind.lifecycle)
        days = job.get(self.kind.lifecycle + ".DeleteAfterDays", -1)
        return days * DAY if days >= 0 else UNKNOWN if self.kind.lifecycle + ".DeleteAfterEvent" in job else FOR_EVER

    def compare(self, job: dict[str, Any], part: Part, harmless: bool | None) -> bool | None:
        """One operator asked of a job. `harmless` is the answer that does not violate, None where nothing can: the duration of a job in progress only
        grows, and a comparison that later time could still change is not held against the job."""
        if part.field == "in_inventory":
            return self.inventories.ask(part, self.listing(job))
        value = self.value(job, part.field)
        if part.asked != "present" and part.field == "Outcome" and value == "unknown":
            ways = {any(answers(self.kind, part, way, self.as_of)) for way in ("clean", "with_issues")}
            return True if any(answers(self.kind, part, "unknown", self.as_of)) else None if len(ways) == 2 else ways.pop()
        so_far = part.field == "Duration" and part.asked != "present" and isinstance(value, int) and self.state_in(job, self.kind.in_progress)
        if so_far and harmless is not None:
            settled = {"at_least": True, "more_than": True, "at_most": False, "less_than": False}.get(part.asked)
            return any(answer if answer is settled else harmless for answer in answers(self.kind, part, value, self.as_of))
        return compare_value(self.kind, part, value, self.as_of)

    def holds(self, job: dict[str, Any], parts: list[Part], harmless: bool | None = None) -> bool | None:
        """Whether the job satisfies the conditions."""
        return holds(parts, lambda part, quiet: self.compare(job, part, quiet), harmless)

    def deadline(self, job: dict[str, Any], patience: int) -> int | None:
        """Until when the job may be recovered: its end and the time allowed after it; None where nobody can say when it ended."""
        end = job.get("CompletionDate", MISSING)
        if end is MISSING and job.get(self.kind.state) == "EXPIRED":
            end = job.get("StartBy", MISSING)
        return None if end is MISSING else int(end) + patience

    def due_in_window(self, job: dict[str, Any], start: int | None, patience: int) -> bool | None:
        """Whether the deadline has come, and no earlier than the window. Both edges are in."""
        deadline = self.deadline(job, patience)
        if deadline is not None:
            return deadline <= self.as_of and (start is None or deadline >= start)
        ran = [state for state in self.kind.finished if state != "EXPIRED"]
        if start is not None and self.state_in(job, ran) and job.get("CreationDate", start) < start - patience - 8 * DAY:
            return False  # no job runs for so long: whenever it ended, its deadline was before the window
        return None

    def recovered(self, job: dict[str, Any], deadline: int | None) -> bool | None:
        """Whether some other job of the same resource and vault was created later, ended by the deadline and was clean. Scope and `jobs` do not matter."""
        target = self.target(job)
        if None in target:
            return None
        answer: bool | None = False
        for other in self.perhaps_clean.get(target, []):
            if other is job:
                continue
            created, other_created, other_end = job.get("CreationDate"), other.get("CreationDate"), other.get("CompletionDate", MISSING)
            later = None if created is None or other_created is None else other_created > created
            in_time = None if deadline is None or other_end is MISSING else other_end <= deadline
            recovers = all_of([later, in_time, self.is_clean(other)])
            if recovers:
                return True
            answer = None if recovers is None else answer
        return answer

    def in_window(self, job: dict[str, Any], start: int | None, clock: str | None) -> bool | None:
        """With a clock that time alone counts. Without one a job belongs to the window if it was created, ended or is in progress in it. Both edges are in."""
        if start is None:
            return True
        if clock is not None:
            moment = self.member(job, clock)
            return None if moment is UNKNOWN else moment is not MISSING and start <= moment <= self.as_of
        end = job.get("CompletionDate")
        if end is None and self.state_in(job, ["EXPIRED"]):
            end = job.get("StartBy")
        elif end is None and self.state_in(job, self.kind.finished) and job.get("CreationDate", start) < start - 8 * DAY:
            end = MISSING  # no job runs for so long: whenever it ended, that was before the window
        reached = [None if moment is None else moment is not MISSING and moment >= start for moment in (job.get("CreationDate"), end)]
        return any_of([self.state_in(job, self.kind.in_progress), *reached])


class Reach(NamedTuple):
    """What a list speaks for in one account and Region: from when to when (None: no time at all), and whether all of it was read."""

    start: int | None
    end: int | None
    complete: bool


def asserted_reach(evidence: Evidence, claimed: list[int]) -> dict[tuple[Any, Any], Reach]:
    """A list saved to a file is taken to reach 25 hours beyond its oldest and newest time in each account and Region, and as far as the user claims."""
    places: dict[tuple[Any, Any], list[int]] = {}
    for job in evidence.jobs:
        times = [job.get(name, MISSING) for name in ("CreationDate", "InitiationDate", "CompletionDate")]
        places.setdefault(evidence.place(job), []).extend(time for time in times if time is not MISSING and time <= evidence.as_of)
    reach = {}
    for place, times in places.items():
        own = [min(times) - 25 * HOUR, max(times) + 25 * HOUR] if times else []
        apart = own and claimed and (claimed[1] < own[0] or claimed[0] > own[1])
        edges = max(own, claimed) if apart else own + claimed  # nobody speaks for the time between two that do not meet
        reach[place] = Reach(min(edges), max(edges), True) if edges else Reach(None, None, True)
    return reach


def observed_reach(rows: Any, dataset: str) -> dict[tuple[Any, Any], Reach]:
    """What the fetch saw of a list. Of several rows for one place all must be complete, and the later counts alone where they do not meet."""
    require(isinstance(rows, list), "coverage is not a list", rows)
    found: dict[tuple[Any, Any], list[tuple[int, int, bool]]] = {}
    for row in rows:
        check_keys(row, "a row of coverage", "dataset account region from to complete")
        require(row["dataset"] in LISTS and isinstance(row["complete"], bool), "not a row of coverage", row)
        require(all(isinstance(row.get(key), (str, type(None))) for key in ("account", "region")), "not a place", row)
        stated = row.get("from") is not None and row.get("to") is not None
        edges = (read_time(row["from"], True), read_time(row["to"], True)) if stated else (0, -1)  # no time at all
        require(not stated or edges[0] <= edges[1], "coverage that ends before it begins", row)
        if row["dataset"] == dataset:
            found.setdefault((row.get("account"), row.get("region")), []).append((*edges, row["complete"]))
    reach = {}
    for place, intervals in found.items():
        start = end = None
        for begins, ends, _ in sorted(interval for interval in intervals if interval[0] <= interval[1]):
            start, end = (begins, ends) if start is None or end is None or begins > end else (start, max(end, ends))
        reach[place] = Reach(start, end, all(complete for _, _, complete in intervals))
    return reach


def in_scope(place: tuple[Any, Any], scope: dict[str, list[str]]) -> bool:
    """Out of scope is what is known not to be declared: an unknown account or Region stays in. An empty half declares nothing."""
    account, region = place
    return all(here is None or not half or here in half for here, half in ((account, scope["accounts"]), (region, scope["regions"])))


def is_part(place: tuple[Any, Any], other: tuple[Any, Any], loosely: bool = False) -> bool:
    """Whether the other place is this one, as far as this one is stated; loosely: as far as both are."""
    return all(place[half] is None or place[half] == other[half] or (loosely and other[half] is None) for half in (0, 1))


class Case:
    """All that rules are judged on: the lists, what they cover, what must be covered, the inventories."""

    def __init__(self, document: dict[str, Any], as_of: int, scope: dict[str, list[str]], claimed: list[int]) -> None:
        self.as_of, self.scope = as_of, scope
        self.inventories = Inventories(document.get("inventories") or {})
        self.evidence = {name: Evidence(jobs, document["lists"].get(name, []), as_of, self.inventories) for name, jobs in LISTS.items()}
        self.read = set(document["lists"])
        self.observed = document.get("coverage") is not None
        require(not (self.observed and claimed), "covers widens what files are taken to cover, and cannot stand beside coverage", claimed)
        self.reach = {
            name: observed_reach(document["coverage"], name) if self.observed else asserted_reach(evidence, claimed) for name, evidence in self.evidence.items()
        }
        self.seen = {  # the places in scope of each list
            name: {place for place in [*self.reach[name], *map(evidence.place, evidence.jobs)] if in_scope(place, scope)}
            for name, evidence in self.evidence.items()
        }
        self.backups_of: dict[Any, list[dict[str, Any]]] = {}  # by ResourceArn
        for job in self.evidence["backup_jobs"].jobs:
            self.backups_of.setdefault(job.get("ResourceArn"), []).append(job)
        self.accounts_with_jobs = {evidence.place(job)[0] for evidence in self.evidence.values() for job in evidence.jobs}

    def reaches(self, dataset: str, place: tuple[Any, Any], start: int, end: int) -> bool:
        """Whether all that the list held of a place between two moments was read."""
        reach = self.reach[dataset].get(place)
        return reach is not None and reach.complete and reach.start is not None and reach.end is not None and reach.start <= start and end <= reach.end

    def covers(self, dataset: str, start: int | None) -> bool:
        """Whether the list was read, speaks for every place in scope from the window's start to as_of, and shows every declared place."""
        reach, seen = self.reach[dataset], self.seen[dataset]
        if dataset not in self.read or not seen:
            return False
        for place in seen:
            if place not in reach or not reach[place].complete or (start is not None and not self.reaches(dataset, place, start, self.as_of)):
                return False
        shown = not self.not_shown(dataset)
        return shown and all(account in self.accounts_with_jobs or self.always_excused(account) for account in self.scope["accounts"])

    def not_shown(self, dataset: str) -> list[tuple[str | None, str | None]]:
        """The declared places that the list does not show, and that may not be empty; a half that is not declared is None."""
        accounts: list[Any] = self.scope["accounts"] or [None]
        regions: list[Any] = self.scope["regions"] or [None]
        declared = [(account, region) for account in accounts for region in regions if account or region]
        return [place for place in declared if not any(is_part(place, other) for other in self.seen[dataset]) and not self.excused(*place)]

    def shows(self, dataset: str, place: tuple[Any, Any]) -> bool:
        """Whether the list was read at a place at all, as far as the place is stated, or may be empty there."""
        return any(is_part(place, other) and in_scope(other, self.scope) for other in self.reach[dataset]) or self.excused(*place)

    def shows_absence(self, dataset: str, place: tuple[Any, Any], start: int | None) -> bool:
        """Whether a job that is not in the list did not happen: wherever the place may be, as far as it is stated, the list is complete from the start of
        the window to as_of."""
        there = [other for other in self.reach[dataset] if in_scope(other, self.scope) and is_part(place, other)]
        unread = any(is_part(place, other, loosely=True) for other in self.not_shown(dataset))
        begin = self.as_of if start is None else start
        return bool(there) and not unread and all(self.reaches(dataset, other, begin, self.as_of) for other in there)

    def excused(self, account: str | None, region: str | None = None) -> bool:
        """Whether a declared place may be absent from files. What was to be fetched is never excused: it was fetched, or it is not known."""
        names = [account] if region is None else [account, f"{account}/{region}"]
        return not self.observed and any(name in self.scope["may_be_empty"] for name in names)

    def always_excused(self, account: str) -> bool:
        """Whether a declared account may have no job in any list."""
        excused, regions = self.scope["may_be_empty"], self.scope["regions"]
        return account in excused or bool(regions and all(f"{account}/{region}" in excused for region in regions))


PLACE_AND_TYPE = ["Account", "Region", "ResourceType"]


class Waivers:
    """What is accepted of one rule as of now."""

    def __init__(self, rule: dict[str, Any], listed: list[dict[str, Any]], as_of: int) -> None:
        """Every waiver of the rule is read, in force or not."""
        self.jobs, self.as_of, self.everything = LISTS[rule.get("dataset", "backup_jobs")], as_of, False
        self.matches: list[list[Part]] = []
        for waiver in listed:
            granted, expires = read_day(waiver["granted"]), read_day(waiver["expires"])
            require(granted <= expires, "a waiver expires before it is granted", waiver)
            parts = [] if waiver["match"] == "any" else read_conditions(waiver["match"], self.jobs)
            require(waiver["match"] == "any" or says_something(parts), "a waiver with empty conditions", waiver["match"])
            allowed = waivable_fields(rule)
            require(allowed is None or fields_named(parts) - {""} <= {*allowed}, "a waiver names fields that do not tell the groups of", rule["id"])
            if granted <= as_of < expires + DAY:
                self.everything = self.everything or waiver["match"] == "any"
                self.matches += [parts] if parts else []

    def take_jobs(self, jobs: list[dict[str, Any]], evidence: Evidence) -> bool:
        """Whether a finding that lists these jobs is waived: each of them definitely matches some waiver."""
        matched = (any(evidence.holds(job, parts) is True for parts in self.matches) for job in jobs)
        return self.everything or (bool(jobs) and all(matched))

    def take_fields(self, fields: dict[str, Any]) -> bool:
        """Whether a finding that is told by these fields is waived: they definitely match one waiver. A field without a value is unknown."""

        def ask(part: Part, _: bool | None) -> bool | None:
            value = fields.get(part.field)
            return compare_value(self.jobs, part, UNKNOWN if value is None else value, self.as_of)

        return self.everything or any(holds(parts, ask) is True for parts in self.matches)


def read_day(text: Any) -> int:
    """Midnight UTC of a date."""
    require(isinstance(text, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII), "not a date", text)
    return read_time(text, date_alone=True)


def says_something(parts: list[Part]) -> bool:
    """Whether no mapping of the conditions is empty, and so true of everything."""
    return bool(parts) and all(says_something(branch) for part in parts for branch in part.inside)


def waivable_fields(rule: dict[str, Any]) -> list[str] | None:
    """What a waiver of a rule on groups may name; None: it matches jobs, and may name any field of these."""
    if "expect" not in rule:
        return None
    told = ["ResourceArn", "CreatedBy.BackupPlanArn", "CreatedBy.BackupPlanId"] if "missed_runs" in rule["expect"] else rule.get("per") or []
    return [*told, *PLACE_AND_TYPE]


def read_waivers(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The waivers by rule. One that names no rule, or several, is refused."""
    by_rule: dict[str, list[dict[str, Any]]] = {}
    ids = [rule.get("id") for rule in document["rules"] if isinstance(rule, dict)]
    for waiver in document.get("waivers") or []:
        check_keys(waiver, "a waiver", "rule match granted expires")
        require(ids.count(waiver["rule"]) == 1, "a waiver needs the id of one rule", waiver["rule"])
        by_rule.setdefault(waiver["rule"], []).append(waiver)
    return by_rule


def waive(verdict: str, findings: list[dict[str, Any]]) -> str:
    """The verdict with findings, each waived or not, of a rule that has that verdict without them: one that is open fails it."""
    if not all(finding["waived"] for finding in findings):
        return "fail"
    # A fail that no finding of a job makes is one for having nothing to judge: waived, it leaves no evidence.
    return verdict if not findings else "inconclusive" if verdict in ("inconclusive", "fail") else "waived"


class Choice(NamedTuple):
    """What every rule says of the jobs it looks at."""

    dataset: str
    where: list[Part]
    start: int | None  # of the window; None: the whole coverage
    clock: str | None
    jobs: str
    no_data: str


def read_choice(rule: dict[str, Any], as_of: int, jobs_unless_said: str = "all") -> Choice:
    """The keys that choose the population; a rule that says too little or too much is refused."""
    dataset = rule.get("dataset", "backup_jobs")
    jobs, choice, no_data, clock = LISTS[dataset], rule.get("jobs", jobs_unless_said), rule.get("no_data", "inconclusive"), rule.get("clock")
    require(choice in ("all", "top_level", "members"), "unknown choice of jobs", choice)
    require(no_data in ("inconclusive", "pass", "fail", "skip", "quiet"), "unknown no_data", no_data)
    require(clock is None or jobs.fields.get(clock, ("", ""))[1] == "time", "not a time of this list", clock)
    start = as_of - int(read_quantity(rule["within"], DURATIONS)) if "within" in rule else None
    return Choice(dataset, read_conditions(rule.get("where", {}), jobs), start, clock, choice, no_data)


def chosen_in(case: Case, choice: Choice, job: dict[str, Any]) -> tuple[bool | None, bool | None]:
    """Whether scope and `where` choose the job, whatever the time; and whether `jobs` does as well."""
    evidence = case.evidence[choice.dataset]
    selected = all_of([in_scope(evidence.place(job), case.scope), evidence.holds(job, choice.where)])
    return selected, all_of([selected, choice.jobs == "all" or bool(job.get("ParentJobId")) == (choice.jobs == "members")])


def still_open(evidence: Evidence, job: dict[str, Any], waits: bool) -> bool | None:
    """Whether a job is in progress, not overdue and young, so that its State or Outcome is still to come. Only a rule that names one of these waits."""
    overdue, created = evidence.overdue(job), job.get("CreationDate")
    fresh = None if created is None else created >= evidence.as_of - 8 * DAY
    return all_of([waits, evidence.state_in(job, evidence.kind.in_progress), None if overdue is UNKNOWN else not overdue, fresh])


def names_outcome(parts: list[Part], jobs: JobList) -> bool:
    """Whether the conditions name State (Status) or Outcome anywhere."""
    return bool(fields_named(parts) & {jobs.state, "Outcome"})


class Judged(NamedTuple):
    """What a rule of jobs says of one job."""

    job: dict[str, Any]
    population: bool | None
    violates: bool | None
    undecided: bool
    pending: bool
    outside: bool  # chosen, but not in the window
    may_be_in: bool  # nobody can say that it is not in the population


def judge_jobs(rule: dict[str, Any], case: Case, waivers: Waivers) -> dict[str, Any]:
    """`none` and `all`: each job by itself."""
    choice = read_choice(rule, case.as_of)
    evidence, forbids, patience = case.evidence[choice.dataset], "none" in rule, read_patience(rule, LISTS[choice.dataset])
    conditions = read_conditions(rule["none" if forbids else "all"], evidence.kind)
    waits = not forbids and names_outcome(conditions, evidence.kind)
    judged = []
    for job in evidence.jobs:
        matched, answer = chosen_in(case, choice, job)[1], evidence.holds(job, conditions, harmless=not forbids)
        ended = True if patience is None else negate(evidence.state_in(job, evidence.kind.in_progress))
        concerned, deadline = all_of([matched, answer, ended]), None if patience is None else evidence.deadline(job, patience)
        recovered = patience is not None and concerned is not False and evidence.recovered(job, deadline)
        in_window = evidence.in_window(job, choice.start, choice.clock) if patience is None else evidence.due_in_window(job, choice.start, patience)
        eligible = all_of([matched, in_window, ended])
        open_still = still_open(evidence, job, waits)
        population = all_of([eligible, negate(open_still)])
        violates = all_of([population, answer if forbids else negate(answer), negate(recovered)])
        waiting = concerned is True and deadline is not None and deadline > case.as_of and recovered is not True
        outside = matched is True and ended is True and in_window is False
        may_be_in = population is None or (eligible is None and open_still is True)
        judged.append(Judged(job, population, violates, eligible is True and open_still is True, waiting, outside, may_be_in))
    start = None if choice.start is None else choice.start - (patience or 0)
    return sum_up(rule, choice, judged, evidence, case.covers(choice.dataset, start), waivers)


def read_patience(rule: dict[str, Any], jobs: JobList) -> int | None:
    """How long after its end a job may still be recovered; None where the rule does not ask."""
    if "unless_recovered_within" not in rule:
        return None
    require("none" in rule, "unless_recovered_within qualifies none, not all", rule["unless_recovered_within"])
    require(rule.get("clock") is None, "unless_recovered_within goes by deadlines, and cannot stand beside clock", rule.get("clock"))
    require("Outcome" in jobs.fields, "unless_recovered_within needs an Outcome, and this list has none", rule["unless_recovered_within"])
    return int(read_quantity(rule["unless_recovered_within"], DURATIONS))


def sum_up(rule: dict[str, Any], choice: Choice, judged: list[Judged], evidence: Evidence, enough: bool, waivers: Waivers) -> dict[str, Any]:
    """The verdict of a rule of jobs."""
    violations = [one.job for one in judged if one.violates]
    examined, undecided = sum(one.population is True for one in judged), sum(one.undecided for one in judged)
    possible, pending = sum(one.violates is None for one in judged), sum(one.pending for one in judged)
    findings = [finding_of_jobs(key, jobs, evidence, waivers) for key, jobs in group_jobs(violations, evidence).items()]
    if not enough or possible:
        verdict = "inconclusive"
    elif examined:
        verdict = "pass"
    elif undecided or any(one.may_be_in for one in judged):
        verdict = "inconclusive"
    else:
        quiet = "pass" if any(one.outside for one in judged) else "inconclusive"
        verdict, findings = without_data(choice.no_data, waivers, quiet)
    subjects = len(group_jobs([one.job for one in judged if one.population], evidence))
    return result_of(rule, waive(verdict, findings), findings, examined, subjects=subjects, undecided=undecided, possible=possible, pending=pending)


def without_data(no_data: str, waivers: Waivers, quiet: str = "inconclusive") -> tuple[str, list[dict[str, Any]]]:
    """Verdict and findings of a rule that has nothing to judge."""
    verdict = {"skip": "skipped", "quiet": quiet}.get(no_data, no_data)
    return verdict, [{"account": None, "region": None, "subject": "(no jobs)", "jobs": [], "waived": waivers.everything}] if verdict == "fail" else []


def result_of(rule: dict[str, Any], verdict: str, findings: list[dict[str, Any]], examined: int = 0, **counts: int) -> dict[str, Any]:
    """What is printed of a rule; findings in the order of account, Region and subject, one that is missing first."""
    keys = ("account", "region", "subject")
    order = sorted(findings, key=lambda finding: [(finding[key] is not None, finding[key] or "") for key in keys])
    none = {"subjects": 0, "undecided": 0, "possible": 0, "pending": 0}
    return {"id": rule["id"], "verdict": verdict, "examined": examined, **none, **counts, "findings": order}


def ids_of(jobs: Iterable[dict[str, Any]], evidence: Evidence) -> list[str]:
    """Their ids, sorted; a job without an id has none to list."""
    return sorted(job[evidence.kind.id] for job in jobs if job.get(evidence.kind.id))


def group_jobs(jobs: list[dict[str, Any]], evidence: Evidence) -> dict[tuple[Any, ...], list[dict[str, Any]]]:
    """The jobs of each account, Region and resource."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for job in jobs:
        groups.setdefault((*evidence.place(job), job.get(evidence.kind.resource, "(no ResourceArn)")), []).append(job)
    return groups


def finding_of_jobs(key: tuple[Any, ...], jobs: list[dict[str, Any]], evidence: Evidence, waivers: Waivers) -> dict[str, Any]:
    """One finding, of the jobs that violate for one account, Region and resource."""
    waived = waivers.take_jobs(jobs, evidence)
    return {"account": key[0], "region": key[1], "subject": key[2], "jobs": ids_of(jobs, evidence), "waived": waived}


FOLLOWERS = {"backup_jobs": ("copy_jobs", "restore_jobs"), "copy_jobs": ("copy_jobs", "restore_jobs")}


def judge_following(rule: dict[str, Any], case: Case, waivers: Waivers) -> dict[str, Any]:
    """`followed_by`: every job of the population must be followed by a matching job of another list that completed in time."""
    asked = rule["followed_by"]
    check_keys(asked, "followed_by", "dataset where within")
    choice, patience, other = read_choice(rule, case.as_of), int(read_quantity(asked["within"], DURATIONS)), asked["dataset"]
    require(rule.get("clock") is None, "followed_by goes by deadlines, and cannot stand beside clock", rule.get("clock"))
    require(other in FOLLOWERS.get(choice.dataset, ()), f"jobs of this list do not follow {choice.dataset}", other)
    evidence, later = case.evidence[choice.dataset], case.evidence[other]
    wanted = read_conditions(asked.get("where", {}), later.kind)
    if not {choice.dataset, other} <= case.read:
        return result_of(rule, "inconclusive", [])
    matching = [(job, all_of([later.holds(job, wanted), later.state_in(job, ["COMPLETED"])])) for job in later.jobs]
    by_link: dict[Any, list[tuple[dict[str, Any], bool | None]]] = {}
    for job, held in matching:
        if held is not False:
            by_link.setdefault(link_of(job, evidence, later), []).append((job, held))
    judged = []
    for job in evidence.jobs:
        matched, ended = chosen_in(case, choice, job)[1], negate(evidence.state_in(job, evidence.kind.in_progress))
        in_window, deadline = evidence.due_in_window(job, choice.start, patience), evidence.deadline(job, patience)
        population = all_of([matched, in_window, ended])
        concerned = population is not False or all_of([matched, ended]) is True
        near = [one for link in links_of(job, evidence, by_link) for one in by_link.get(link, [])]
        answer = any_of(is_followed(job, evidence, one, held, later, deadline) for one, held in near) if concerned else False
        if answer is False and not is_covered(job, evidence, case, other, patience):
            answer = None  # what followed may not have been read
        violates = all_of([population, negate(answer)])
        waiting = all_of([matched, ended]) is True and deadline is not None and deadline > case.as_of and answer is not True
        outside = matched is True and ended is True and in_window is False
        judged.append(Judged(job, population, violates, False, waiting, outside, population is None))
    start = None if choice.start is None else choice.start - patience
    return sum_up(rule, choice, judged, evidence, case.covers(choice.dataset, start), waivers)


def is_followed(job: dict[str, Any], evidence: Evidence, other: dict[str, Any], held: bool | None, later: Evidence, deadline: int | None) -> bool | None:
    """Whether the other job is linked to this one, matches (`held`), was not created before it, and completed by the deadline. No job follows itself."""
    if other is job:
        return False
    end, created, other_created = other.get("CompletionDate", MISSING), job.get("CreationDate"), other.get("CreationDate")
    in_time = None if deadline is None or end is MISSING else end <= deadline
    later_made = None if created is None or other_created is None else other_created >= created
    return all_of([held, in_time, later_made, is_linked(job, evidence, other, later)])


def link_of(other: dict[str, Any], evidence: Evidence, later: Evidence) -> tuple[str, str | None]:
    """What a job says it copied or restored: the backup job, where a copy has its id, else the recovery point (None: it does not say)."""
    if evidence.kind.id == "BackupJobId" and other.get("CreatedByBackupJobId"):
        return "job", other["CreatedByBackupJobId"]
    return "point", other.get("SourceRecoveryPointArn" if later.kind.id == "CopyJobId" else "RecoveryPointArn") or None


def point_of(job: dict[str, Any], evidence: Evidence) -> str | None:
    """The recovery point that a job left; None where there is none. An empty text names none."""
    return job.get("RecoveryPointArn" if evidence.kind.id == "BackupJobId" else "DestinationRecoveryPointArn") or None


def links_of(job: dict[str, Any], evidence: Evidence, known: Iterable[Any]) -> list[Any]:
    """The links that may be to this job, so that not all jobs need be asked: any of a backup job where it has no id itself."""
    identity = job.get(evidence.kind.id)
    by_id = [("job", identity)] if identity else [link for link in known if link[0] == "job"]
    points = {("point", None), ("point", point_of(job, evidence))}
    return [*by_id, *points]


def is_linked(job: dict[str, Any], evidence: Evidence, other: dict[str, Any], later: Evidence) -> bool | None:
    """Whether the other job copied or restored what this one left. An id counts in its own account and Region alone."""
    kind, link = link_of(other, evidence, later)
    if kind == "job":
        here, there = (job.get(evidence.kind.id) or None, *evidence.place(job)), (link, *later.place(other))
        return all_of(None if here[part] is None or there[part] is None else here[part] == there[part] for part in range(3))
    left = point_of(job, evidence)
    return False if left is None else None if link is None else left == link


def is_covered(job: dict[str, Any], evidence: Evidence, case: Case, other: str, patience: int) -> bool:
    """Whether all that could have followed the job was read: at its place, or where its copy went, from its end to its deadline."""
    deadline, place = evidence.deadline(job, patience), evidence.place(job)
    if evidence.kind.id == "CopyJobId":
        place = (arn_part(job.get("DestinationBackupVaultArn"), 4), arn_part(job.get("DestinationBackupVaultArn"), 3))
    return deadline is not None and None not in place and other in case.read and case.reaches(other, place, deadline - patience, deadline)


ORDINARY = "ResourceArn BackupVaultArn BackupVaultName CreatedBy.BackupPlanArn CreatedBy.BackupPlanName CreatedBy.BackupPlanId ResourceType Account Region"
GROUP_FIELDS = {
    "backup_jobs": ORDINARY.split(),
    "copy_jobs": [*ORDINARY.split(), "SourceBackupVaultArn", "DestinationBackupVaultArn", "DestinationAccount", "DestinationRegion"],
    "restore_jobs": ORDINARY.split(),
}
MEASURES = {  # operators, kind of the value, within
    "count": (tuple(ORDER_COMPARISONS), "number", "optional"),
    "streak": (tuple(ORDER_COMPARISONS), "number", "optional"),
    "share": (tuple(ORDER_COMPARISONS), "share", "optional"),
    "newest": (("at_most", "less_than"), "duration", "refused"),
    "latest": ((), "", "optional"),
    "longest_gap": (("at_most", "less_than"), "duration", "needed"),
    "missed_runs": (("at_most", "less_than"), "number", "needed"),
}
RESOURCE_FIELDS = ("ResourceType", "Account", "Region", "ResourceArn", "ResourceName", "AccountName", "in_inventory")  # and every Tags.NAME


class Expectation(NamedTuple):
    """What `expect` asks of each group."""

    measure: str
    of: list[Part]
    asked: str  # the operator; empty of latest
    limit: Any
    per: list[str]
    inventory: str | None
    choice: Choice
    waits: bool  # `of` names State or Outcome: jobs in progress may still change

    @property
    def lower(self) -> bool:
        """Whether more is better."""
        return self.asked in ("at_least", "more_than")

    @property
    def undoable(self) -> bool:
        """Whether jobs that nobody listed could undo a violation: what a list does not show must then be known not to have happened."""
        return self.lower or self.measure not in ("count", "streak")

    @property
    def needed(self) -> set[str]:
        """The lists without which nothing is judged."""
        return {self.choice.dataset} | ({"backup_jobs"} if "ResourceArn" in self.per and self.inventory is None else set())

    def violated_by(self, value: Any) -> bool:
        return not COMPARISONS[self.asked](value, self.limit)


def read_expectation(rule: dict[str, Any], case: Case) -> Expectation:
    """`expect` holds one measure; what it may and must say is in the table above."""
    require(isinstance(rule["expect"], dict) and len(rule["expect"]) == 1, "expect needs one measure", rule["expect"])
    ((measure, asked),) = rule["expect"].items()
    require(measure in MEASURES, "no such measure", measure)
    operators, kind, within = MEASURES[measure]
    check_keys(asked, measure, " ".join(("of", *operators)))
    limits = [(name, text) for name, text in asked.items() if name != "of"]
    require(len(limits) == (1 if operators else 0), f"{measure} needs one limit, or none", asked)
    require(bool(asked.get("of")) != (measure == "missed_runs"), f"{measure} needs conditions under of, or must not have them", asked)
    require(within != "needed" or "within" in rule, f"{measure} needs within", rule["id"])
    require(within != "refused" or "within" not in rule, f"the limit of {measure} is its window", rule["id"])
    require(rule.get("clock") is None or (within == "optional" and "within" in rule), f"clock cannot stand here beside {measure}", rule["id"])
    operator_asked, limit = (limits[0][0], read_limit(kind, limits[0][1])) if limits else ("", 0)
    dataset, per, inventory = rule.get("dataset", "backup_jobs"), rule.get("per") or [], rule.get("inventory")
    known = [name for name in GROUP_FIELDS[dataset] if name in LISTS[dataset].fields]
    require(isinstance(per, list) and len(set(per)) == len(per) and set(per) <= set(known), "per names other fields than it can, or one twice", per)
    require(inventory is None or (isinstance(inventory, str) and "ResourceArn" in per), "inventory needs per with ResourceArn", inventory)
    require(measure != "missed_runs" or (dataset == "backup_jobs" and not per), "missed_runs is about each resource of backup jobs", rule["id"])
    counted_once = measure == "share" or (measure == "count" and "ResourceArn" not in per)
    choice = read_choice(rule, case.as_of, "top_level" if counted_once else "all")
    of = read_conditions(asked.get("of", {}), LISTS[dataset])
    if measure == "newest":
        choice = choice._replace(start=case.as_of - int(limit))
    if measure in ("newest", "longest_gap"):
        choice = choice._replace(clock="CreationDate")
    return Expectation(measure, of, operator_asked, limit, per, inventory, choice, names_outcome(of, LISTS[dataset]))


def read_limit(kind: str, text: Any) -> Any:
    """A whole number, a share of one, or microseconds."""
    require(isinstance(text, str), "a literal must be text, as it was written", text)
    if kind == "number":
        require(re.fullmatch(r"\d+", text, re.ASCII), "not a whole number", text)
        return int(text)
    if kind == "duration":
        return int(read_quantity(text, DURATIONS))
    require(text.endswith("%"), "a share is written 99%", text)
    share = read_quantity(text[:-1], {"": 1}) / 100
    require(share <= 1, "a share is at most 100%", text)
    return share


class Row(NamedTuple):
    """One record, as a rule of groups sees it."""

    job: dict[str, Any]
    selected: bool | None  # by `where` and the scope: makes subjects
    chosen: bool | None  # by `jobs` as well
    population: bool | None  # and in the window
    outside: bool  # chosen, but not in the window
    undecided: bool | None  # of share: still in progress, left out
    matches: bool | None
    created: int | None

    def counted(self, always: bool = False) -> bool | None:
        """Whether the job is in the population; of `newest`, at any time of the coverage."""
        return self.chosen if always else all_of([self.population, negate(self.undecided)])


class Group:
    """One subject, its place, the fields that tell it (None: without a value), its records, and whether it certainly is a subject."""

    def __init__(self, place: tuple[Any, Any], fields: dict[str, Any], subject: str, sure: bool) -> None:
        self.place, self.fields, self.subject, self.sure = place, fields, subject, sure
        self.rows: list[Row] = []


class Finding(NamedTuple):
    """What a measure says of a group: true, false, unknown, or nothing to measure; and the jobs that show it."""

    violates: bool | None
    jobs: list[dict[str, Any]]
    nothing: bool = False
    pending: bool = False
    waiting: bool = False  # all that could be measured is still in progress


def read_rows(expectation: Expectation, case: Case) -> list[Row]:
    """Every record of the rule's list."""
    choice, evidence, rows = expectation.choice, case.evidence[expectation.choice.dataset], []
    for job in evidence.jobs:
        selected, chosen = chosen_in(case, choice, job)
        in_window = evidence.in_window(job, choice.start, choice.clock)
        population, undecided = all_of([chosen, in_window]), still_open(evidence, job, expectation.measure == "share" and expectation.waits)
        outside = chosen is True and in_window is False
        rows.append(Row(job, selected, chosen, population, outside, undecided, evidence.holds(job, expectation.of), job.get("CreationDate")))
    return rows


def about_resources(parts: list[Part]) -> list[Part]:
    """The parts of `where` that can be asked of a resource: a part of the top-level conjunction that names another field is left out. A mapping alone in
    an `any`, or denied twice, belongs to that conjunction itself."""
    kept = []
    for part in parts:
        if part.asked == "any" and len(part.inside) == 1:
            kept += about_resources(part.inside[0])
        elif part.asked == "not" and len(part.inside[0]) == 1 and part.inside[0][0].asked == "not":
            kept += about_resources(part.inside[0][0].inside[0])
        elif all(name in RESOURCE_FIELDS or name.startswith("Tags.") for name in fields_named([part]) - {""}):
            kept.append(part)
    return kept


def find_subjects(expectation: Expectation, case: Case, rows: list[Row]) -> dict[Any, bool]:
    """The resources that must have evidence, by (account, Region, ARN) or by the entry's number; true where one certainly is a subject."""
    subjects: dict[Any, bool] = {}
    narrowed, choice = about_resources(expectation.choice.where), expectation.choice
    if expectation.inventory is not None:
        for number, entry in enumerate(case.inventories.entries[expectation.inventory]):
            selected = case.inventories.select(narrowed, entry, LISTS[choice.dataset])
            if in_scope((entry.get("account"), entry.get("region")), case.scope) and selected is not False:
                subjects[number] = selected is True
        return subjects
    found = [(resource_of(row.job, case.evidence[choice.dataset]), row.selected) for row in rows]
    if choice.dataset != "backup_jobs":
        backups = case.evidence["backup_jobs"]
        found += [(resource_of(job, backups), all_of([in_scope(backups.place(job), case.scope), backups.holds(job, narrowed)])) for job in backups.jobs]
    for resource, selected in found:
        if resource is not None and selected is not False:
            subjects[resource] = subjects.get(resource, False) or selected is True
    return subjects


def resource_of(job: dict[str, Any], evidence: Evidence) -> tuple[str, str, str] | None:
    """Account, Region and ARN; None where one of them is not known."""
    account, region = evidence.place(job)
    arn = job.get(evidence.kind.resource)
    return None if account is None or region is None or arn is None else (account, region, arn)


def subjects_of(row: Row, expectation: Expectation, case: Case, subjects: dict[Any, bool]) -> list[tuple[Any, bool | None]]:
    """The subjects a record belongs to, surely or possibly; an unknown one is None. Without ResourceArn in `per` the subject is ()."""
    evidence = case.evidence[expectation.choice.dataset]
    if "ResourceArn" not in expectation.per:
        return [((), True)]
    if expectation.inventory is None:
        resource = resource_of(row.job, evidence)
        return [(resource, None if resource is None else True)]
    if row.job.get(evidence.kind.resource) is None:
        return [(None, None)]
    listed = [(entry["number"], own) for name, own, entry in evidence.listing(row.job) if name == expectation.inventory and own is not False]
    return [(number, own) for number, own in listed if number in subjects]


class Formed(NamedTuple):
    """The groups with their records; how many subjects they are of; all records, with what the inventory settles; and whether one is of an unknown group."""

    groups: list[Group]
    subjects: int
    rows: list[Row]
    unknown: bool


def belonging(row: Row, own: bool | None) -> Row:
    """The record as one that is in the population only if it belongs."""
    return row._replace(population=all_of([row.population, own]), chosen=all_of([row.chosen, own]), outside=row.outside and own is True)


def form_groups(expectation: Expectation, case: Case, rows: list[Row]) -> Formed:
    """Every record finds its subjects, and with its values of the other `per` fields its groups."""
    resources, evidence = "ResourceArn" in expectation.per, case.evidence[expectation.choice.dataset]
    subjects = find_subjects(expectation, case, rows) if resources else {(): True}
    others = [name for name in expectation.per if name != "ResourceArn"]
    groups: dict[Any, bool] = {} if others else {(subject, ()): sure for subject, sure in subjects.items()}
    placed: list[tuple[Row, Any]] = []
    settled, unknown, incomplete = [], False, set()
    for record in rows:
        belongs = subjects_of(record, expectation, case, subjects)
        row = belonging(record, any_of(own for _, own in belongs)) if expectation.inventory is not None else record
        settled.append(row)
        values = [evidence.value(row.job, name) for name in others]
        complete = not any(value is UNKNOWN or value is MISSING for value in values)
        nowhere = any(subject is None for subject, _ in belongs) or (bool(belongs) and not complete)
        unknown = unknown or (row.counted() is not False and nowhere)
        for subject, own in belongs:
            if subject is None or (resources and subject not in subjects):
                continue
            if not complete:
                incomplete.update([subject] if row.selected is not False else [])
                continue
            key = (subject, tuple(values))
            placed.append((belonging(record, own), key))
            if others and row.selected is not False:
                groups[key] = groups.get(key, False) or (row.selected is True and own is True and subjects[subject])
    for subject in subjects.keys() - {key[0] for key in groups} if resources else []:
        groups[(subject, (None,) * len(others))] = subjects[subject] and subject not in incomplete
    made = {key: make_group(key, sure, expectation, case, others) for key, sure in groups.items()}
    for row, key in placed:
        if key in made:
            made[key].rows.append(row)
    return Formed(list(made.values()), len(subjects) if resources else len(made), settled, unknown)


def make_group(key: Any, sure: bool, expectation: Expectation, case: Case, others: list[str]) -> Group:
    """A group and its name: the ResourceArn, the values in the order of `per`, or `all`."""
    subject, values = key[0], {name: key[1][place] for place, name in enumerate(others)}
    account, region, arn, resource_type = values.get("Account"), values.get("Region"), None, None
    if expectation.inventory is not None:
        entry = case.inventories.entries[expectation.inventory][subject]
        account, region, arn, resource_type = entry.get("account"), entry.get("region"), entry["arn"], entry.get("type")
    elif subject:
        account, region, arn = subject
    values.update({"ResourceArn": arn, "Account": values.get("Account") or account, "Region": values.get("Region") or region})
    name = " / ".join(str(values[field] or f"(no {field})") for field in expectation.per) or "all"
    if "ResourceType" not in values:
        values["ResourceType"] = resource_type or case.evidence[expectation.choice.dataset].types.get(arn)
    return Group((account, region), values, name, sure)


def judge_groups(rule: dict[str, Any], case: Case, waivers: Waivers) -> dict[str, Any]:
    """`expect`: a measure of each group."""
    expectation = read_expectation(rule, case)
    if expectation.measure == "missed_runs":
        return judge_missed_runs(rule, expectation, case, waivers)
    if expectation.inventory is not None and expectation.inventory not in case.inventories.entries:
        return result_of(rule, "inconclusive", [])  # nobody knows who must have jobs
    if not expectation.needed <= case.read:
        return result_of(rule, "inconclusive", [])
    formed = form_groups(expectation, case, read_rows(expectation, case))
    groups, no_data, dataset, chosen = formed.groups, expectation.choice.no_data, expectation.choice.dataset, any_of(row.chosen for row in formed.rows)
    enough = case.covers(dataset, expectation.choice.start) and all(case.shows(dataset, group.place) for group in groups)
    if expectation.needed != {dataset}:
        enough = enough and case.covers("backup_jobs", None)
    if not expectation.per:
        groups[0].sure = chosen is True
        groups = [] if chosen is False else groups  # an upper bound must not be met by a misspelt vault
    assessed = [(group, settle(group, assess(group, expectation, case), expectation, case)) for group in groups]
    definite = [(group, found) for group, found in assessed if found.violates and (enough or not found.nothing)]
    possible, pending = sum(found.violates is None for _, found in assessed), sum(found.pending for _, found in assessed)
    findings = [finding_of(group, found, case.evidence[dataset], waivers) for group, found in definite]
    if not enough or possible or formed.unknown or (not expectation.per and chosen is None) or any(found.waiting for _, found in assessed):
        verdict = "inconclusive"
    elif not groups:
        verdict, findings = without_data(no_data, waivers)
    elif pending == len(groups):
        verdict = "inconclusive"  # all of them are new: nothing is decided
    elif expectation.measure in ("count", "streak") and not expectation.lower and all(row.counted() is not True for row in formed.rows):
        verdict, findings = met_by_nothing(formed.rows, no_data, waivers)
    else:
        verdict = verdict_without_measure([group for group, found in assessed if found.nothing], no_data, len(groups))
    undecided = sum(all_of([row.population, row.undecided]) is True for row in formed.rows)
    examined = sum(row.counted() is True for row in formed.rows)
    return result_of(rule, waive(verdict, findings), findings, examined, subjects=formed.subjects, undecided=undecided, possible=possible, pending=pending)


def settle(group: Group, found: Finding, expectation: Expectation, case: Case) -> Finding:
    """What is known to violate: a sure subject, and where jobs that nobody listed could undo it, one whose place was read from the window's start to as_of."""
    if found.nothing and expectation.choice.no_data == "fail":
        found = found._replace(violates=True)
    if not found.violates:
        return found
    shown = not expectation.undoable or case.shows_absence(expectation.choice.dataset, group.place, expectation.choice.start)
    return found if group.sure and shown else found._replace(violates=None)


def met_by_nothing(rows: list[Row], no_data: str, waivers: Waivers) -> tuple[str, list[dict[str, Any]]]:
    """An upper bound where no job is in the population: no evidence of anything, however few it asks for."""
    if any(row.counted() is None for row in rows):
        return "inconclusive", []
    return without_data(no_data, waivers, "pass" if any(row.outside for row in rows) else "inconclusive")


def verdict_without_measure(nothing: list[Group], no_data: str, count: int) -> str:
    """What `no_data` makes of a rule that nothing violates, some of whose groups have nothing to measure."""
    unseen = no_data == "quiet" and not all(any(row.outside for row in group.rows) for group in nothing)
    if nothing and (no_data == "inconclusive" or unseen):
        return "inconclusive"
    return "skipped" if no_data == "skip" and len(nothing) == count else "pass"


def finding_of(group: Group, found: Finding, evidence: Evidence, waivers: Waivers) -> dict[str, Any]:
    """One violating group."""
    told = {"account": group.place[0], "region": group.place[1], "subject": group.subject}
    return {**told, "jobs": ids_of(found.jobs, evidence), "waived": waivers.take_fields(group.fields)}


def assess(group: Group, expectation: Expectation, case: Case) -> Finding:
    """The measure, taken in favour of the group and against it: what even the favourable value violates is definite."""
    measure, rows = expectation.measure, group.rows
    if measure == "latest":
        return assess_latest(group, case.evidence[expectation.choice.dataset])
    new, first = newness(group, expectation, case) if measure in ("count", "longest_gap") else (False, None)
    values: list[Any]
    if measure == "longest_gap":
        start = int(expectation.choice.start or 0)
        appeared = start if first is None or new is False else first
        values = [longest_gap(rows, appeared, case.as_of, True), longest_gap(rows, appeared if new else start, case.as_of, False)]
    elif measure == "newest":
        values = [newest(rows, case.as_of, favourable) for favourable in (True, False)]
    elif measure == "share":
        if all(row.counted() is False for row in rows):
            waiting = any(all_of([row.population, row.undecided]) is not False for row in rows)
            return Finding(False, [], nothing=not waiting, waiting=waiting)
        values = [share(rows, high) for high in (expectation.lower, not expectation.lower)]
    else:
        value = count if measure == "count" else streak
        values = [value(rows, high, expectation, case) for high in (expectation.lower, not expectation.lower)]
    worst, best = [value is None or expectation.violated_by(value) for value in reversed(values)]
    best = best and values[0] is not None  # a share of nothing is no definite violation
    if measure == "count" and expectation.lower and new is not False and worst:
        return Finding(False, [], pending=True) if new else Finding(None, [])
    violates = True if best else None if worst else False
    return Finding(violates, shown_by(rows, expectation, case) if violates else [])


def shown_by(rows: list[Row], expectation: Expectation, case: Case) -> list[dict[str, Any]]:
    """The jobs that a finding names."""
    measure = expectation.measure
    if measure in ("newest", "longest_gap"):
        matching = [row for row in rows if definite(row, measure == "newest") and row.created is not None]
        identity = case.evidence[expectation.choice.dataset].kind.id
        return [max(matching, key=lambda row: (row.created, row.job.get(identity, ""))).job] if matching else []
    if expectation.lower:
        return [row.job for row in rows if measure == "share" and row.counted() is True and row.matches is False]
    if measure == "streak":
        return max(reversed(runs_of(rows, False, expectation, case)), key=len)  # the last of equals
    return [row.job for row in rows if definite(row)]


def definite(row: Row, always: bool = False) -> bool:
    """Certainly in the population, and certainly a match."""
    return row.counted(always) is True and row.matches is True


def possible_match(row: Row, always: bool = False) -> bool:
    return row.counted(always) is not False and row.matches is not False


def count(rows: list[Row], high: bool, _expectation: Expectation, _case: Case) -> int:
    """How many jobs match: the possible ones where more is favoured, else the definite ones."""
    return sum(possible_match(row) if high else definite(row) for row in rows)


def share(rows: list[Row], high: bool) -> Fraction | None:
    """Matching jobs out of the decided ones; None where no job is left to count. A job that may be out counts on the side that is favoured, or not at all."""
    matching = decided = 0
    for row in rows:
        if row.counted() is True:
            decided, matching = decided + 1, matching + (possible_match(row) if high else definite(row))
        elif row.counted() is None and high and row.matches is not False:
            decided, matching = decided + 1, matching + 1
        elif row.counted() is None and not high and row.matches is not True:
            decided += 1
    return Fraction(matching, decided) if decided else None


def newest(rows: list[Row], as_of: int, favourable: bool) -> Any:
    """The age of the newest matching job; one without CreationDate may have been created just now. Without a job the age has no end."""
    matching = [row.created for row in rows if (possible_match(row, True) if favourable else definite(row, True))]
    if favourable and None in matching:
        return 0
    return min((as_of - created for created in matching if created is not None), default=FOR_EVER)


def longest_gap(rows: list[Row], edge: int, as_of: int, favourable: bool) -> int:
    """The longest time without a matching job, from the edge to as_of."""
    matching = [row.created for row in rows if (possible_match(row) if favourable else definite(row))]
    if favourable and None in matching:
        return 0
    longest, last = 0, edge
    for moment in [*sorted(created for created in matching if created is not None and created > edge), as_of]:
        longest, last = max(longest, moment - last), moment
    return longest


def runs_of(rows: list[Row], high: bool, expectation: Expectation, case: Case) -> list[list[dict[str, Any]]]:
    """The runs of consecutive matching jobs among those with a CreationDate: as long as may be where more is favoured, else as short."""
    evidence = case.evidence[expectation.choice.dataset]
    runs: list[list[dict[str, Any]]] = [[]]
    dated = [row for row in rows if row.created is not None and row.counted() is not False]
    for row in sorted(dated, key=lambda row: (row.created, row.job.get(evidence.kind.id, ""), (False, None, True).index(row.matches))):
        passed_over = evidence.state_in(row.job, evidence.kind.in_progress) if expectation.waits else False
        surely_counted = row.counted() is True and passed_over is False
        if passed_over:
            continue
        if (row.matches is not False) if high else (row.matches is True and surely_counted):
            runs[-1].append(row.job)
        elif (surely_counted and row.matches is False) if high else row.matches is not True:
            runs.append([])
    return runs


def streak(rows: list[Row], high: bool, expectation: Expectation, case: Case) -> int:
    """The length of that run. A job without CreationDate may stand anywhere: one that may match extends the run, or counts nothing; one that may not match
    breaks nothing, or a run between any two of its jobs."""
    state_in, kind = case.evidence[expectation.choice.dataset].state_in, case.evidence[expectation.choice.dataset].kind
    undated = [row for row in rows if row.created is None and row.counted() is not False]
    undated = [row for row in undated if not (expectation.waits and state_in(row.job, kind.in_progress))]
    runs = [len(run) for run in runs_of(rows, high, expectation, case)]
    if high:
        return max(runs) + sum(row.matches is not False for row in undated)
    breaks, length = sum(row.matches is not True for row in undated), min(1, max(runs))
    while sum((run - 1) // length for run in runs if run) > breaks:  # a run of 5 is in parts of at most 2 after two breaks
        length += 1
    return length


def assess_latest(group: Group, evidence: Evidence) -> Finding:
    """The job that ended last must match. Where nobody can say which did, every job that may have is a candidate."""
    sure: list[tuple[Any, Row]] = []
    candidates: list[Row] = []
    some_sure = False
    for row in group.rows:
        finished, end = evidence.state_in(row.job, evidence.kind.finished), evidence.deadline(row.job, 0)
        if row.counted() is False or finished is False:
            continue
        certain = row.counted() is True and finished is True
        some_sure = some_sure or certain
        if certain and end is not None:
            sure.append(((end, row.created or -1, row.job.get(evidence.kind.id, "")), row))
        else:
            candidates.append(row)
    last = max((rank for rank, _ in sure), default=None)
    candidates += [row for rank, row in sure if rank == last]
    if not candidates:
        return Finding(False, [], nothing=True)
    if all(row.matches is True for row in candidates):
        return Finding(False, [])
    violates = True if some_sure and all(row.matches is False for row in candidates) else None
    return Finding(violates, [row.job for row in candidates] if violates else [])


def newness(group: Group, expectation: Expectation, case: Case) -> tuple[bool | None, int | None]:
    """Whether a resource appeared in the window, and its first backup job. It did where the backup jobs of its place were read from more than a day before;
    where they were not, or a job of it does not say when or where it was created, nobody knows; the first may then have been any until as_of."""
    start, backups = expectation.choice.start, case.evidence["backup_jobs"]
    arn = group.fields["ResourceArn"]
    if start is None or arn is None or expectation.inventory is not None:
        return False, None
    near = [(backups.place(job), job.get("CreationDate")) for job in case.backups_of.get(arn, [])]
    own = [created for place, created in near if place == group.place]
    dated = [created for created in own if created is not None]
    unplaced = any(None in place and is_part(place, group.place) for place, _ in near)
    if (not own and not unplaced) or any(created <= start for created in dated):
        return False, None
    first = min(dated, default=case.as_of)
    reach = case.reach["backup_jobs"].get(group.place)
    reaches = reach is not None and reach.complete and reach.start is not None and reach.start < first - 24 * HOUR
    return (True if reaches and not unplaced and len(own) == len(dated) else None), first


class CronError(ValueError):
    """A schedule that cannot be computed."""


MONTHS = {name: number for number, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), 1)}
WEEKDAYS = {name: number for number, name in enumerate("SUN MON TUE WED THU FRI SAT".split(), 1)}
EARLIEST, LATEST = 1970, 2199  # the years AWS allows


def cron_number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    """A number or a name of the field."""
    number = names.get(text, int(text) if re.fullmatch(r"\d{1,4}", text, re.ASCII) else -1)
    if not low <= number <= high:
        raise CronError(f"{text} is not from {low} to {high}")
    return number


def cron_values(text: str, low: int, high: int, names: dict[str, int], steps: bool = True) -> set[int]:
    """The values of a field: `*`, or a list of numbers and ranges; a range may wrap around. `/n` takes every n-th, from a number on to the field's end.
    `*` stands in no list."""
    values: set[int] = set()
    for item in text.split(","):
        base, slash, step = item.partition("/")
        if slash and not steps:
            raise CronError("no steps in this field")
        every = cron_number(step, 1, high - low + 1, {}) if slash else 1
        first, dash, last = base.partition("-")
        if base == "*" and item == text:
            begin, end = low, high
        else:
            begin = cron_number(first, low, high, names)
            end = cron_number(last, low, high, names) if dash else high if slash else begin
        if end < begin and high == LATEST:
            raise CronError("years do not wrap around")
        around = [*range(begin, end + 1)] if begin <= end else [*range(begin, high + 1), *range(low, end + 1)]
        values.update(around[::every])
    return values


def last_of_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def weekday_nearest(day: date) -> date:
    """The Monday to Friday nearest to a day, in the same month."""
    if day.weekday() == 5:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.weekday() == 6:
        return day + timedelta(days=1) if day < last_of_month(day.year, day.month) else day - timedelta(days=2)
    return day


class Schedule:
    """The moments of an AWS cron expression (minutes, hours, day of month, month, day of week with 1 = Sunday, year) in a time zone."""

    def __init__(self, cron: Any, zone: Any) -> None:
        """What AWS does not define raises CronError."""
        text = cron.strip() if isinstance(cron, str) and cron.isascii() else ""
        found = re.fullmatch(r"cron\(([^()]*)\)", text, re.IGNORECASE)
        fields = (found.group(1) if found else text).upper().split()  # AWS writes the six fields with and without cron(...)
        if len(fields) != 6:
            raise CronError("not six fields")
        minutes, hours, of_month, months, of_week, years = fields
        self.of_month, self.of_week = of_month, of_week
        if (self.of_month == "?") == (self.of_week == "?"):
            raise CronError("one of day-of-month and day-of-week must be ?")
        self.minutes, self.hours = sorted(cron_values(minutes, 0, 59, {})), sorted(cron_values(hours, 0, 23, {}))
        self.months, self.years = cron_values(months, 1, 12, MONTHS), cron_values(years, EARLIEST, LATEST, {})
        self.zone = read_zone(zone)
        self.days: dict[date, list[int]] = {}
        self.found: dict[int, int | None] = {}
        years, months = sorted(self.years), sorted(self.months)
        if not any(self.runs_on(date(year, month, day + 1)) for year in years for month in months for day in range(last_of_month(year, month).day)):
            raise CronError("no date that exists")

    def runs_on(self, day: date) -> bool:
        """Whether the fields of days, the month and the year allow this day."""
        if self.of_week == "?":
            chosen = [self.is_day_of_month(item, day) for item in self.of_month.split(",")]
        else:
            chosen = [self.is_day_of_week(item, day) for item in self.of_week.split(",")]
        return any(chosen) and day.month in self.months and day.year in self.years

    def is_day_of_month(self, item: str, day: date) -> bool:
        """L is the last day, LW the last weekday, nW the weekday nearest to the n-th."""
        last = last_of_month(day.year, day.month)
        if item in ("L", "LW"):
            return day == (last if item == "L" else weekday_nearest(last))
        if item.endswith("W"):
            number = cron_number(item[:-1], 1, 31, {})
            return number <= last.day and day == weekday_nearest(day.replace(day=number))
        if item.startswith("*") and item != self.of_month:
            raise CronError("* stands in no list")
        return day.day in cron_values(item, 1, 31, {})

    def is_day_of_week(self, item: str, day: date) -> bool:
        """L is Saturday, nL the last n-th day of the week in the month, n#k the k-th."""
        weekday = day.isoweekday() % 7 + 1
        if item == "L":
            return weekday == 7
        if item.endswith("L"):
            return weekday == cron_number(item[:-1], 1, 7, WEEKDAYS) and (day + timedelta(days=7)).month != day.month
        if "#" in item:
            if "," in self.of_week:
                raise CronError("# stands alone")
            number, _, instance = item.partition("#")
            asked = (cron_number(number, 1, 7, WEEKDAYS), cron_number(instance, 1, 5, {}))
            return asked == (weekday, (day.day + 6) // 7)
        if item.startswith("*") and item != self.of_week:
            raise CronError("* stands in no list")
        return weekday in cron_values(item, 1, 7, WEEKDAYS, steps=False)

    def moments(self, day: date) -> list[int]:
        """The runs of a local day, in order. A local time that a clock change skips has no run, one that it repeats has one, the first."""
        if day not in self.days:
            self.days[day] = []
            for hour in self.hours if self.runs_on(day) else []:
                for minute in self.minutes:
                    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=self.zone)
                    moment = local.astimezone(UTC)
                    if moment.astimezone(self.zone).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None):
                        self.days[day].append((moment - EPOCH) // timedelta(microseconds=1))
            self.days[day].sort()
        return self.days[day]

    def between(self, after: int, until: int) -> list[int]:
        """The runs later than one moment and not later than another."""
        day, runs = day_of(after) - timedelta(days=2), []
        while day <= day_of(until) + timedelta(days=2):
            runs += [moment for moment in self.moments(day) if after < moment <= until]
            day += timedelta(days=1)
        return runs

    def latest(self, until: int) -> int | None:
        """The last run at or before a moment; None where there is none since 1970."""
        if until not in self.found:
            day, before = day_of(until) + timedelta(days=2), [0][:0]
            while not before and day.year >= max(min(self.years), EARLIEST + 1):
                before = [moment for moment in self.moments(day) if moment <= until]
                day -= timedelta(days=1)
            self.found[until] = max(before, default=None)
        return self.found[until]


def day_of(moment: int) -> date:
    return (EPOCH + timedelta(microseconds=moment)).date()


def read_zone(name: Any) -> tzinfo:
    """The time zone of that name. Only a Python that has none of them is the reader's trouble; a name that nobody knows is the schedule's."""
    if name in (None, "UTC"):
        return UTC
    if isinstance(name, str) and name.startswith(("localtime", "posixrules", "posix/", "right/")):
        raise CronError(f"{name!a} is a file of this machine, and no time zone of AWS's")
    try:
        import zoneinfo  # here, because Python 3.8 lacks it and only schedules need it
    except ImportError:
        raise InputError("schedules with a time zone need Python 3.9 or newer") from None
    require(zoneinfo.available_timezones(), "this machine has no time zones; install the tzdata package to judge the schedule of", name)
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, OSError, TypeError, ValueError) as error:
        raise CronError(f"no time zone {name!a}") from error


PLAN, RULE = "CreatedBy.BackupPlanId", "CreatedBy.BackupRuleId"
TOLERANCE, USUAL_START_WINDOW = 60 * SECOND, 8 * HOUR


class Run(NamedTuple):
    """A due run that no job answers."""

    resource: tuple[str, str, str]
    plan: str
    moment: int
    definite: bool  # no record may have answered it, and the group is a sure one
    rule: str


class Plans:
    """The scheduled backup jobs, their schedules and what they missed."""

    def __init__(self, case: Case, expectation: Expectation) -> None:
        self.as_of, self.start, self.evidence = case.as_of, int(expectation.choice.start or 0), case.evidence["backup_jobs"]
        self.schedules: dict[Any, Schedule | None] = {}
        self.groups: dict[tuple[Any, ...], bool] = {}  # account, Region, ARN, plan, rule; whether it is a sure group
        self.records: dict[Any, list[dict[str, Any]]] = {}  # of the plan in that place, and by the group
        self.unplaced: dict[str, list[dict[str, Any]]] = {}  # by plan: records that do not say their account or Region
        self.examined, self.doubtful = 0, False
        for job in self.evidence.jobs:
            if PLAN in job and None in self.evidence.place(job):
                self.unplaced.setdefault(job[PLAN], []).append(job)
            elif PLAN in job:
                self.records.setdefault((*self.evidence.place(job), job[PLAN]), []).append(job)
            if PLAN not in job or RULE not in job:
                continue
            chosen, created, resource = chosen_in(case, expectation.choice, job)[1], job.get("CreationDate"), resource_of(job, self.evidence)
            self.examined += chosen is True and created is not None and created >= self.start
            if resource is None or created is None:
                self.doubtful = self.doubtful or chosen is not False
                continue
            key = (*resource, job[PLAN], job[RULE])
            self.records.setdefault(key, []).append(job)
            if chosen is not False:
                self.groups[key] = self.groups.get(key, False) or chosen is True

    def of_plan(self, place: tuple[Any, ...]) -> list[dict[str, Any]]:
        """The records of a plan in an account and Region, and those that may be there."""
        return self.records[place] + [job for job in self.unplaced.get(place[2], []) if is_part(self.evidence.place(job), place[:2])]

    def schedule(self, job: dict[str, Any]) -> Schedule | None:
        """When the job's rule runs; None where that cannot be computed."""
        key = (job.get("CreatedBy.BackupRuleCron"), job.get("CreatedBy.BackupRuleTimezone"))
        if key not in self.schedules:
            try:
                self.schedules[key] = Schedule(*key)
            except CronError:
                self.schedules[key] = None
        return self.schedules[key]

    def segments(self, key: tuple[Any, ...]) -> list[tuple[dict[str, Any], int]]:
        """The first record of each time without a change of schedule or plan version, and the moment up to which it is judged. What lies between the last
        record of one and the first of the next is judged by nobody."""
        ordered = sorted(self.records[key], key=lambda job: (job["CreationDate"], job.get("BackupJobId", ""), [part or "" for part in schedule_of(job)]))
        found: list[tuple[dict[str, Any], int]] = []
        for job in ordered:
            if found and schedule_of(found[-1][0]) == schedule_of(job):
                found[-1] = (found[-1][0], job["CreationDate"])
            else:
                found.append((job, job["CreationDate"]))
        return [*found[:-1], (found[-1][0], self.as_of)]

    def start_window(self, first: dict[str, Any], key: tuple[Any, ...], schedule: Schedule) -> int:
        """How long after a run its job may start: the longest that any job of this rule was given."""
        account, region, _, plan, rule = key
        given = []
        for job in self.records[(account, region, plan)]:
            if job.get(RULE) == rule and schedule_of(job) == schedule_of(first) and "CreationDate" in job and "StartBy" in job:
                run = schedule.latest(job["CreationDate"] + TOLERANCE)
                given += [job["StartBy"] - run] if run is not None and job["StartBy"] > run else []
        return max(given, default=USUAL_START_WINDOW)

    def answers(self, key: tuple[Any, ...], schedule: Schedule, window: int) -> tuple[dict[int, bool | None], bool | None]:
        """The runs that some job of the plan on that resource came for: created after the run (or a minute before), before the next, and while its start
        window was open. A job that does not say its resource, or its place, may be of this one. Then the answer to all others: a job that does not say when
        it was created may have come for any."""
        account, region, arn, plan, _ = key
        came: dict[int, bool | None] = {}
        other: bool | None = False
        for job in self.of_plan((account, region, plan)):
            own = None if "ResourceArn" not in job or None in self.evidence.place(job) else job["ResourceArn"] == arn
            if own is False:
                continue
            if "CreationDate" not in job:
                other = None
                continue
            run = schedule.latest(job["CreationDate"] + TOLERANCE)
            if run is not None and job["CreationDate"] <= run + window:
                came[run] = any_of([came.get(run, False), own])
        return came, other

    def missed(self, key: tuple[Any, ...]) -> tuple[list[Run], int, bool]:
        """Of one group: the runs that nobody answered, how many were due, and whether all its schedules can be computed."""
        runs, due, computed = [], 0, True
        for first, end in self.segments(key):
            schedule = self.schedule(first)
            if schedule is None:
                computed = False
                continue
            window = self.start_window(first, key, schedule)
            came, other = self.answers(key, schedule, window)
            for run in schedule.between(max(first["CreationDate"] + TOLERANCE, self.start - 1), end):
                if run + window > self.as_of and run == schedule.latest(self.as_of):
                    continue  # a job may still come; for an earlier run none can, as a job answers the latest
                due += 1
                answer = any_of([came.get(run, False), other])
                if answer is not True:
                    runs.append(Run(key[:3], key[3], run, answer is False and self.groups[key], first.get("CreatedBy.BackupRuleName") or key[4]))
        return runs, due, computed


def schedule_of(job: dict[str, Any]) -> tuple[Any, ...]:
    """What must stay the same within a segment; a missing time zone is UTC."""
    return job.get("CreatedBy.BackupRuleCron"), job.get("CreatedBy.BackupRuleTimezone", "UTC"), job.get("CreatedBy.BackupPlanVersion")


def judge_missed_runs(rule: dict[str, Any], expectation: Expectation, case: Case, waivers: Waivers) -> dict[str, Any]:
    """`missed_runs`: the runs that a plan's schedule promised, and the jobs that came."""
    if "backup_jobs" not in case.read:
        return result_of(rule, "inconclusive", [])
    plans = Plans(case, expectation)
    missed: dict[tuple[str, str, str], list[Run]] = {}
    due_in: dict[tuple[str, str, str], set[tuple[str, str, str]]] = {}  # account, Region and plan: the resources with due runs
    undecided, sure_due, possible_due = 0, 0, 0
    for key, sure in plans.groups.items():
        runs, due, computed = plans.missed(key)
        if not case.shows_absence("backup_jobs", key[:2], plans.start):
            runs = [run._replace(definite=False) for run in runs]  # the job may have come unseen
        missed.setdefault(key[:3], []).extend(runs)
        undecided += not computed
        sure_due, possible_due = sure_due + (due if sure else 0), possible_due + (0 if sure else due)
        if due:
            due_in.setdefault((key[0], key[1], key[3]), set()).add(key[:3])
    exceeded = {resource: expectation.violated_by(sum(run.definite for run in runs)) for resource, runs in missed.items()}
    possible = sum(expectation.violated_by(len(runs)) and not exceeded[resource] for resource, runs in missed.items())
    violating = {resource: sorted(run for run in missed[resource] if run.definite) for resource, over in exceeded.items() if over}
    findings = missed_findings(violating, due_in, plans, waivers)
    if not case.covers("backup_jobs", plans.start) or possible or plans.doubtful or (undecided and undecided == len(plans.groups)):
        verdict = "inconclusive"
    elif sure_due:
        verdict = "pass"
    elif undecided or possible_due:
        verdict = "inconclusive"
    else:
        verdict, findings = without_data(expectation.choice.no_data, waivers)
    return result_of(rule, waive(verdict, findings), findings, plans.examined, subjects=len(missed), undecided=undecided, possible=possible)


def missed_findings(violating: dict[Any, list[Run]], due_in: dict[Any, set[Any]], plans: Plans, waivers: Waivers) -> list[dict[str, Any]]:
    """One finding a resource, but one a plan that fell silent for all its resources; a resource that missed runs of other plans too keeps its own."""
    findings, told = [], set()
    for place, resources in due_in.items():
        runs = sorted(run for resource in resources for run in violating.get(resource, []) if run.plan == place[2])
        silent = len(resources) >= 2 and resources <= {run.resource for run in runs}
        if not silent or any(job.get("CreationDate", plans.as_of) >= min(run.moment for run in runs) - TOLERANCE for job in plans.of_plan(place)):
            continue
        told.update(runs)
        named = [job for job in plans.records[place] if "CreatedBy.BackupPlanArn" in job]
        newest_named = max(named, key=lambda job: (job["CreationDate"], job.get("BackupJobId", ""), job["CreatedBy.BackupPlanArn"]), default={})
        field, subject = ("CreatedBy.BackupPlanArn", newest_named["CreatedBy.BackupPlanArn"]) if newest_named else (PLAN, place[2])
        findings.append(missed_finding({"Account": place[0], "Region": place[1], field: subject}, subject, runs, waivers))
    for resource, runs in violating.items():
        if not told.issuperset(runs) or not runs:
            fields = {"Account": resource[0], "Region": resource[1], "ResourceArn": resource[2], "ResourceType": plans.evidence.types.get(resource[2])}
            findings.append(missed_finding(fields, resource[2], runs, waivers))
    return findings


def missed_finding(fields: dict[str, Any], subject: str, runs: list[Run], waivers: Waivers) -> dict[str, Any]:
    """One finding of missed runs, told by these fields."""
    told = {"account": fields["Account"], "region": fields["Region"], "subject": subject, "jobs": []}
    return {**told, "missed": times_of(runs), "waived": waivers.take_fields(fields)}


def times_of(runs: list[Run]) -> list[str]:
    """The moments, oldest first, each once."""
    return [(EPOCH + timedelta(microseconds=moment)).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in sorted({run.moment for run in runs})]


def reperform(document: Any) -> dict[str, Any]:
    """Judge every rule of a document of schema policycheck/reperform/1; raises InputError where it is not understood."""
    reading = "the document"
    try:
        check_keys(document, "it", "schema as_of covers coverage scope inventories lists rules waivers")
        require(document["schema"] == SCHEMA, f"not {SCHEMA}", document["schema"])
        as_of, claimed = read_time(document["as_of"], True), [read_time(time, True) for time in document.get("covers") or []]
        require(len(claimed) in (0, 2) and claimed == sorted(claimed), "covers is not [from, to]", claimed)
        declared = document.get("scope") or {}
        check_keys(declared, "scope", "accounts regions may_be_empty")
        scope = {name: declared.get(name) or [] for name in ("accounts", "regions", "may_be_empty")}
        require(all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in scope.values()), "not lists of text", scope)
        check_keys(document["lists"], "lists", " ".join(LISTS))
        case = Case(document, as_of, scope, claimed)
        waivers, results = read_waivers(document), []
        for rule in document["rules"]:
            reading = "a rule"
            check_keys(rule, "it", "id dataset where within clock jobs none all expect followed_by per inventory no_data unless_recovered_within")
            kinds = [kind for kind in JUDGES if kind in rule]
            require(isinstance(rule["id"], str) and len(kinds) == 1, "needs an id and either none, all, expect or followed_by", rule)
            reading = f"rule {rule['id']!a}"
            require(kinds == ["expect"] or not rule.keys() & {"per", "inventory"}, "per and inventory stand beside expect", rule)
            require("none" in rule or kinds == ["all"] or "unless_recovered_within" not in rule, "unless_recovered_within qualifies none", rule)
            results.append(JUDGES[kinds[0]](rule, case, Waivers(rule, waivers.get(rule["id"], []), as_of)))
        return {"rules": sorted(results, key=lambda result: str(result["id"]))}
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError, re.error) as error:
        raise InputError(f"{reading}: {error if isinstance(error, InputError) else ascii(error)}") from error


JUDGES = {"none": judge_jobs, "all": judge_jobs, "followed_by": judge_following, "expect": judge_groups}


def main(arguments: list[str]) -> int:
    """Read, judge, print. Untrusted text leaves as ASCII JSON without number signs, so that it can steer neither a terminal nor a CI runner."""
    try:
        require(len(arguments) == 1, "usage: reperform.py INPUT.json (- is standard input), not", arguments)
        result = reperform(json.loads(sys.stdin.buffer.read() if arguments[0] == "-" else Path(arguments[0]).read_bytes()))
    except (OSError, RecursionError, ValueError) as error:
        sys.stderr.write(f"reperform: cannot judge: {error}\n".replace("##", "# # "))
        return 2
    try:
        print(json.dumps(result, indent=2, sort_keys=True).replace("\x7f", "\\u007f").replace("#", "\\u0023"), flush=True)
    except BrokenPipeError:
        # The reader has seen enough; the interpreter would try again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
