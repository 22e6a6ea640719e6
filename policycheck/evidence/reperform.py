#!/usr/bin/env python3
"""Judge AWS Backup job lists again, without installing or trusting policycheck.

    python3 reperform.py INPUT.json        (or - for standard input; Python 3.8 or newer, nothing else)

INPUT holds the raw job lists, the moment they are judged at (`as_of`) and the rules; the verdicts are printed as JSON, to be compared with policycheck's.
Exit status: 0 judged, whatever the verdicts; 2 the input is not understood. The script follows the page "How a verdict is reached" of policycheck's
documentation, was written apart from the program it checks, and reads from top to bottom: three values, lists, literals, records, conditions, rules.
True, False and None (unknown) are the three values. Times and durations are whole microseconds, times since 1970 UTC.
"""

from __future__ import annotations

import json
import operator
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = "policycheck/reperform/1"
MISSING = object()  # the member is known to be missing: a comparison with it is false
UNKNOWN = object()  # nobody can say what the member was: a comparison with it is unknown
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
    if kind in TEXT_KINDS and (asked == "equals" or asked in TEXT_COMPARISONS):
        return text.lower() if kind == "word" else text
    if kind == "integer" and re.fullmatch(r"-\d+", text, re.ASCII):
        return int(text)
    require(kind not in (*TEXT_KINDS, "boolean") and (asked == "equals" or asked in ORDER_COMPARISONS), f"cannot be asked of a {kind}", asked)
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
    """Of records with one id in one account and Region: finished before the rest, then the later end, the later start, the JSON text that sorts last."""

    def rank(job: dict[str, Any]) -> Any:
        return (job.get(jobs.state) in jobs.finished, job.get("CompletionDate", -1), job.get("InitiationDate", -1), json.dumps(job, sort_keys=True))

    last = {(job[jobs.id], place(job)): job for job in sorted(found, key=rank) if job.get(jobs.id)}
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
        require(name in jobs.fields, "no such field in this list", name)
        require(wanted != {} and not (isinstance(wanted, dict) and "equals" in wanted), f"{name} needs a value or operators", wanted)
        for asked, literals in wanted.items() if isinstance(wanted, dict) else [("equals", wanted)]:
            values = literals if isinstance(literals, list) else [literals]
            require(values, f"{name} needs a value", values)
            known = jobs.in_progress + jobs.finished if name == jobs.state else ["clean", "with_issues", "unknown"] if name == "Outcome" else values
            require(asked != "equals" or all(value in known for value in values), f"{name} is never", values)
            parts.append(Part(asked, name, tuple(read_literal(jobs.fields[name][1], asked, value) for value in values), ()))
    return parts


def fields_named(parts: list[Part]) -> set[str]:
    """Every field the conditions name, however deep."""
    return {part.field for part in parts} | {name for part in parts for branch in part.inside for name in fields_named(branch)}


class Evidence:
    """One list as it stood at as_of, and what can be said of its jobs."""

    def __init__(self, jobs: JobList, records: Any, as_of: int) -> None:
        """One record for each job id; then which members this list knows; then what had not happened by as_of goes."""
        require(isinstance(records, list), "not a list of records", records)
        self.kind, self.as_of = jobs, as_of
        found = drop_duplicates([read_record(record, jobs) for record in records], jobs, self.place)
        self.known = {name for job in found for name in job}
        self.jobs = [job for job in found if job.get("CreationDate", as_of) <= as_of]
        for job in self.jobs:
            rewind(job, jobs, as_of)
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
        """One operator with one or more values, any of which may hold. `harmless` is the answer that does not violate, None where nothing can: the
        duration of a job in progress only grows, and a comparison that later time could still change is not held against the job."""
        kind, value = self.kind.fields[part.field][1], self.value(job, part.field)
        if part.asked == "present":
            return any_of(None if value is UNKNOWN else (value is not MISSING) == wanted for wanted in part.wanted)
        if value is UNKNOWN or value is MISSING:
            return None if value is UNKNOWN else False

        def answers(value: Any) -> list[bool]:
            seen = value.lower() if kind == "word" and part.asked != "matches" else self.as_of - value if part.asked in AGE_COMPARISONS else value
            return [bool(COMPARISONS[part.asked](seen, wanted)) for wanted in part.wanted]

        if part.field == "Outcome" and value == "unknown" and not any(answers("unknown")):
            ways = {any(answers("clean")), any(answers("with_issues"))}
            return None if len(ways) == 2 else ways.pop()
        if part.field == "Duration" and harmless is not None and self.state_in(job, self.kind.in_progress):
            settled = {"at_least": True, "more_than": True, "at_most": False, "less_than": False}.get(part.asked)
            return any(answer if answer is settled else harmless for answer in answers(value))
        return any(answers(value))

    def holds(self, job: dict[str, Any], parts: list[Part], harmless: bool | None = None) -> bool | None:
        """A mapping holds where all its parts hold; under `not` the harmless answer is the other one."""
        answers = []
        for part in parts:
            if part.asked == "any":
                answers.append(any_of(self.holds(job, branch, harmless) for branch in part.inside))
            elif part.asked == "not":
                answers.append(negate(self.holds(job, part.inside[0], negate(harmless))))
            else:
                answers.append(self.compare(job, part, harmless))
        return all_of(answers)

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

    def covers(self, start: int | None, scope: dict[str, list[str]], claimed: list[int]) -> bool:
        """Whether the list speaks for every place in scope from the window's start to as_of. A list saved to a file is taken to reach 25 hours beyond its
        oldest and newest time in each account and Region, and as far as the user claims. Every declared place must show a job or be said to have none."""
        places: dict[tuple[Any, Any], list[int]] = {}
        for job in self.jobs:
            times = [job.get(name, MISSING) for name in ("CreationDate", "InitiationDate", "CompletionDate")]
            places.setdefault(self.place(job), []).extend(time for time in times if time is not MISSING and time <= self.as_of)
        if not any(in_scope(place, scope) for place in places):
            return False
        for place, times in places.items():
            own = [min(times) - 25 * HOUR, max(times) + 25 * HOUR] if times else []
            apart = own and claimed and (claimed[1] < own[0] or claimed[0] > own[1])
            edges = max(own, claimed) if apart else own + claimed  # nobody speaks for the time between two that do not meet
            if start is not None and in_scope(place, scope) and not (edges and min(edges) <= start and max(edges) >= self.as_of):
                return False
        wanted = [account for account in scope["accounts"] if account not in scope["may_be_empty"]]
        if scope["accounts"] and scope["regions"]:
            return all((account, region) in places or f"{account}/{region}" in scope["may_be_empty"] for account in wanted for region in scope["regions"])
        return set(wanted) <= {account for account, _ in places} and set(scope["regions"]) <= {region for _, region in places}


def in_scope(place: tuple[Any, Any], scope: dict[str, list[str]]) -> bool:
    """Out of scope is what is known not to be declared: an unknown account or Region stays in. An empty half declares nothing."""
    account, region = place
    return all(here is None or not half or here in half for here, half in ((account, scope["accounts"]), (region, scope["regions"])))


def read_patience(rule: dict[str, Any], jobs: JobList) -> int | None:
    """How long after its end a job may still be recovered; None where the rule does not ask."""
    if "unless_recovered_within" not in rule:
        return None
    require("none" in rule, "unless_recovered_within qualifies none, not all", rule["unless_recovered_within"])
    require(rule.get("clock") is None, "unless_recovered_within goes by deadlines, and cannot stand beside clock", rule.get("clock"))
    require("Outcome" in jobs.fields, "unless_recovered_within needs an Outcome, and this list has none", rule["unless_recovered_within"])
    return int(read_quantity(rule["unless_recovered_within"], DURATIONS))


def judge(rule: dict[str, Any], evidence: Evidence, fetched: bool, scope: dict[str, list[str]], claimed: list[int]) -> dict[str, Any]:
    """One rule: which jobs are in its population, which of them violate it, and what may be claimed of it."""
    jobs, choice, no_data, clock = evidence.kind, rule.get("jobs", "all"), rule.get("no_data", "inconclusive"), rule.get("clock")
    require(choice in ("all", "top_level", "members"), "unknown choice of jobs", choice)
    require(no_data in ("inconclusive", "pass", "fail", "skip", "quiet"), "unknown no_data", no_data)
    require(clock is None or jobs.fields.get(clock, ("", ""))[1] == "time", "not a time of this list", clock)
    start = evidence.as_of - int(read_quantity(rule["within"], DURATIONS)) if "within" in rule else None
    forbids, patience = "none" in rule, read_patience(rule, jobs)
    where, conditions = read_conditions(rule.get("where", {}), jobs), read_conditions(rule["none" if forbids else "all"], jobs)
    waits = not forbids and bool(fields_named(conditions) & {jobs.state, "Outcome"})
    examined = undecided = possible = pending = 0
    may_be_in = seen_outside = False
    violations = []
    for job in evidence.jobs:
        chosen = in_scope(evidence.place(job), scope) and (choice == "all" or ("ParentJobId" in job) == (choice == "members"))
        matched, answer = all_of([chosen, evidence.holds(job, where)]), evidence.holds(job, conditions, harmless=not forbids)
        ended = True if patience is None else negate(evidence.state_in(job, jobs.in_progress))
        concerned, deadline = all_of([matched, answer, ended]), None if patience is None else evidence.deadline(job, patience)
        recovered = patience is not None and concerned is not False and evidence.recovered(job, deadline)
        in_window = evidence.in_window(job, start, clock) if patience is None else evidence.due_in_window(job, start, patience)
        eligible = all_of([matched, in_window, ended])
        overdue = evidence.overdue(job)
        created = job.get("CreationDate")
        fresh = None if created is None else created >= evidence.as_of - 8 * DAY
        open_still = all_of([waits, evidence.state_in(job, jobs.in_progress), None if overdue is UNKNOWN else not overdue, fresh])
        population = all_of([eligible, negate(open_still)])
        violates = all_of([population, answer if forbids else negate(answer), negate(recovered)])
        violations += [job] if violates else []
        examined += population is True
        undecided += eligible is True and open_still is True
        pending += concerned is True and deadline is not None and deadline > evidence.as_of and recovered is not True
        possible += violates is None
        may_be_in = may_be_in or population is None or (eligible is None and open_still is True)
        seen_outside = seen_outside or (matched is True and ended is True and in_window is False)
    if violations:
        verdict = "fail"
    elif not fetched or not evidence.covers(None if start is None else start - (patience or 0), scope, claimed) or possible:
        verdict = "inconclusive"
    elif examined:
        verdict = "pass"
    elif may_be_in or undecided:
        verdict = "inconclusive"
    else:
        verdict = {"skip": "skipped", "quiet": "pass" if seen_outside else "inconclusive"}.get(no_data, no_data)
    counts = {"examined": examined, "undecided": undecided, "possible": possible, "pending": pending}
    findings = group(violations, evidence)
    if verdict == "fail" and not findings:
        findings = [{"account": None, "region": None, "subject": "(no jobs)", "jobs": []}]
    return dict(counts, id=rule["id"], verdict=verdict, findings=findings)


def group(violations: list[dict[str, Any]], evidence: Evidence) -> list[dict[str, Any]]:
    """One finding for each account, Region and resource, with the ids of its jobs."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for job in violations:
        key = (*evidence.place(job), job.get(evidence.kind.resource, "(no ResourceArn)"))
        groups.setdefault(key, []).extend([job[evidence.kind.id]] if job.get(evidence.kind.id) else [])
    order = sorted(groups, key=lambda key: [(part is not None, part or "") for part in key])
    return [{"account": key[0], "region": key[1], "subject": key[2], "jobs": sorted(groups[key])} for key in order]


def check_keys(value: Any, what: str, allowed: str) -> None:
    """A mapping with known keys only: a key that is not understood could change a verdict."""
    require(isinstance(value, dict), f"{what} is not a mapping", value)
    require(set(value) <= set(allowed.split()), f"{what} has keys that are not understood", sorted(set(value) - set(allowed.split())))


def reperform(document: Any) -> dict[str, Any]:
    """Judge every rule of a document of schema policycheck/reperform/1; raises InputError where it is not understood."""
    reading = "the document"
    try:
        check_keys(document, "it", "schema as_of covers scope lists rules")
        require(document["schema"] == SCHEMA, f"not {SCHEMA}", document["schema"])
        as_of, claimed = read_time(document["as_of"], True), [read_time(time, True) for time in document.get("covers") or []]
        require(len(claimed) in (0, 2) and claimed == sorted(claimed), "covers is not [from, to]", claimed)
        declared = document.get("scope") or {}
        check_keys(declared, "scope", "accounts regions may_be_empty")
        scope = {name: declared.get(name) or [] for name in ("accounts", "regions", "may_be_empty")}
        require(all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in scope.values()), "not lists of text", scope)
        check_keys(document["lists"], "lists", " ".join(LISTS))
        evidence = {name: Evidence(jobs, document["lists"].get(name, []), as_of) for name, jobs in LISTS.items()}
        results = []
        for rule in document["rules"]:
            reading = "a rule"
            check_keys(rule, "it", "id dataset where within clock jobs none all no_data unless_recovered_within")
            require(isinstance(rule["id"], str) and ("none" in rule) != ("all" in rule), "needs an id and either none or all", rule)
            reading = f"rule {rule['id']!a}"
            dataset = rule.get("dataset", "backup_jobs")
            results.append(judge(rule, evidence[dataset], dataset in document["lists"], scope, claimed))
        return {"rules": sorted(results, key=lambda result: str(result["id"]))}
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError, re.error) as error:
        raise InputError(f"{reading}: {error if isinstance(error, InputError) else ascii(error)}") from error


def main(arguments: list[str]) -> int:
    """Read, judge, print. Untrusted text leaves as ASCII JSON without number signs, so that it can steer neither a terminal nor a CI runner."""
    try:
        require(len(arguments) == 1, "usage: reperform.py INPUT.json (- is standard input), not", arguments)
        result = reperform(json.loads(sys.stdin.buffer.read() if arguments[0] == "-" else Path(arguments[0]).read_bytes()))
    except (OSError, RecursionError, ValueError) as error:
        sys.stderr.write(f"reperform: cannot judge: {error}\n".replace("##", "# # "))
        return 2
    print(json.dumps(result, indent=2, sort_keys=True).replace("\x7f", "\\u007f").replace("#", "\\u0023"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
