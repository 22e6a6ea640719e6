#!/usr/bin/env python3
"""Evaluate AWS Backup job lists again, without installing or trusting policycheck.

    python3 reperform.py                   in an unpacked evidence bundle: its hashes, then all its rules, compared with its result.json
    python3 reperform.py INPUT.json        (or - for standard input)

It needs Python 3.8 or newer (3.9 for schedules in a time zone) and nothing else. INPUT holds the records of each source (a file, or what was fetched of
one account and Region) or names the files that hold them, the moment they are evaluated at (`as_of`) and the rules; the verdicts are printed as JSON, to be
compared with policycheck's. Exit status of a bundle: 0 this script comes to what result.json says; 1 it does not; 3 a file is not as SHA256SUMS says. Of an
INPUT: 0 evaluated, whatever the verdicts. Of both: 2 the input is not understood.

The script follows the pages "How a verdict is reached" and "Groups, schedules and following jobs" of policycheck's documentation, was written apart from the
program it checks, and reads from top to bottom: three values, lists, literals, records, jobs, conditions, inventories, evidence, coverage, files, waivers, then
the rules: of jobs, of following jobs, of groups, of schedules; near misses; last the document and the bundle. True, False and None (unknown) are the three
values. Times and durations are whole microseconds, times since 1970 UTC.
"""

from __future__ import annotations

import codecs
import copy
import gzip
import hashlib
import json
import operator
import os
import platform
import re
import sys
import unicodedata
import zlib
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from pathlib import Path
from typing import Any, Dict, NamedTuple  # noqa: UP035 (Python 3.8 has no dict[...])

SCHEMA = "policycheck/reperform/2"
MISSING = object()  # the member is known to be missing: a comparison with it is false
UNKNOWN = object()  # nobody can say what the member was: a comparison with it is unknown
UTC = timezone.utc  # noqa: UP017 (datetime.UTC came with Python 3.11)
SECOND, HOUR, DAY = 10**6, 3600 * 10**6, 86400 * 10**6
HELD = ("protected_resources", "recovery_points", "vaults")
NOT_AGAIN = "only job lists can be evaluated again: remove this list and the rules on it from the document"
FOR_EVER = float("inf")  # more than any duration
LISTED = 30 * DAY  # AWS lists backup jobs of this time


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
    """What is known of one list; the states in progress are in the order of a job's life. `fields` gives the presence and kind of each: in its text a word in
    lower case is a presence or a kind and holds for the names after it; a name that ends in a dot stands before the names after it, up to the next kind."""

    def __init__(self, names: str, in_progress: str, finished: str, fields: str) -> None:
        self.id, self.state, self.resource, self.vault, self.lifecycle = names.split()
        self.in_progress, self.finished = in_progress.split(), finished.split()
        self.fields: dict[str, tuple[str, str]] = {}
        presence = kind = prefix = ""
        for word in fields.split():
            if word in ("always", "always_since", "when_ended", "by_meaning", "since", "derived"):
                presence = word
            elif word.islower():
                kind, prefix = word, ""
            elif word.endswith("."):
                prefix = word
            else:
                self.fields[prefix + word] = (presence, kind)
        self.always = [name for name, (presence, _) in self.fields.items() if presence == "always"]
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
        """always_since account AccountId
        always text BackupJobId BackupVaultName PercentDone arn BackupVaultArn ResourceArn IamRoleArn word ResourceType
                  time CreationDate StartBy enum State
        when_ended time CompletionDate
        by_meaning arn RecoveryPointArn EncryptionKeyArn CreatedBy.BackupPlanArn time ExpectedCompletionDate size BackupSizeInBytes BytesTransferred
                   word BackupOptions.WindowsVSS BackupType text ResourceName StatusMessage ParentJobId CreatedBy. BackupPlanId BackupPlanVersion BackupRuleId
        since time InitiationDate enum VaultType word VaultLockState MessageCategory boolean IsEncrypted IsParent
              word RecoveryPointLifecycle.DeleteAfterEvent integer RecoveryPointLifecycle. MoveToColdStorageAfterDays DeleteAfterDays
              boolean RecoveryPointLifecycle.OptInToArchiveForSupportedResources
              text CreatedBy. BackupPlanName BackupRuleName BackupRuleCron BackupRuleTimezone
        derived account Account text Region IamRoleName duration Duration Elapsed StartDelay Retention span Running enum Outcome boolean Overdue""",
    ),
    "copy_jobs": JobList(
        "CopyJobId State ResourceArn SourceBackupVaultArn DestinationRecoveryPointLifecycle",
        "CREATED RUNNING",
        "COMPLETED FAILED PARTIAL",
        """always_since account AccountId
        always text CopyJobId arn SourceBackupVaultArn SourceRecoveryPointArn DestinationBackupVaultArn ResourceArn IamRoleArn
                  word ResourceType time CreationDate enum State
        when_ended time CompletionDate
        by_meaning arn DestinationRecoveryPointArn DestinationEncryptionKeyArn CreatedBy.BackupPlanArn size BackupSizeInBytes integer NumberOfChildJobs
                   text ResourceName StatusMessage CreatedByBackupJobId ParentJobId CompositeMemberIdentifier
                   text CreatedBy. BackupPlanId BackupPlanVersion BackupRuleId
        since enum DestinationVaultType word DestinationVaultLockState MessageCategory boolean IsParent
              word DestinationRecoveryPointLifecycle.DeleteAfterEvent integer DestinationRecoveryPointLifecycle. MoveToColdStorageAfterDays DeleteAfterDays
              boolean DestinationRecoveryPointLifecycle.OptInToArchiveForSupportedResources
              text CreatedBy. BackupPlanName BackupRuleName BackupRuleCron BackupRuleTimezone
        derived account Account DestinationAccount text Region DestinationRegion IamRoleName duration Duration Elapsed Retention span Running enum Outcome
                boolean CrossAccount CrossRegion""",
    ),
    "restore_jobs": JobList(
        "RestoreJobId Status SourceResourceArn BackupVaultArn -",
        "PENDING RUNNING",
        "COMPLETED ABORTED FAILED",
        """always_since account AccountId
        always text RestoreJobId PercentDone arn RecoveryPointArn IamRoleArn word ResourceType time CreationDate enum Status
        when_ended time CompletionDate
        by_meaning text StatusMessage ParentJobId ValidationStatusMessage DeletionStatusMessage size BackupSizeInBytes
                   integer ExpectedCompletionTimeMinutes arn CreatedResourceArn CreatedBy.RestoreTestingPlanArn enum ValidationStatus DeletionStatus
        always_since arn SourceResourceArn BackupVaultArn
        since time RecoveryPointCreationDate boolean IsParent
        derived account Account text Region IamRoleName BackupVaultName arn ResourceArn duration Duration Elapsed span Running""",
    ),
}

TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(\.\d+)?)?(?:[Zz]|([+-])([01]\d|2[0-3]):?([0-5]\d)))?", re.ASCII)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
AWS_BACKUP_BEGAN = 1_547_596_800 * SECOND  # 2019-01-16: no time of a job is before it
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
    """Seconds since 1970 as a number or as text, or ISO 8601 text with an offset; in rules also a date alone, which is midnight UTC. Later than 2300 nothing
    can be meant."""
    if isinstance(value, str) and not date_alone and NUMBER.fullmatch(value):
        micros = round(Fraction(value) * SECOND)
    elif isinstance(value, str):
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
    require(micros < 10_413_792_000 * SECOND, "not a time before 2300", value)
    return micros


def read_quantity(text: str, units: dict[str, int]) -> Fraction:
    """A whole or decimal number and its unit, exactly; a duration finer than a microsecond is refused."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([A-Za-z]*)", text, re.ASCII)
    require(found and found.group(2) in units, f"not a number with a unit of: {' '.join(units)}", text)
    assert found
    amount = Fraction(found.group(1)) * units[found.group(2)]
    require(amount.denominator == 1 or units is not DURATIONS, "finer than a microsecond", text)
    return amount


CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t-\\r"}  # what \d, \w and \s hold, whatever the text
CONTROLS = {"t": "\t", "n": "\n", "r": "\r"}
ESCAPED = " !\"#$%&'()*+,-./:;=?@[\\]^`{|}~"


class Expression:
    """A regular expression in the dialect of the pages, which every engine reads alike; in Python it is written a little differently."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0
        require(text and "\n" not in text, "a regular expression is one line, and not empty", text)
        self.python, size = self.branches()
        self.expect(self.at == len(text), "an unbalanced parenthesis")
        self.expect(size <= 1000, "too long with its repeats written out")

    def expect(self, fine: object, problem: str) -> None:
        require(fine, f"the regular expression has {problem} at character {self.at + 1}", self.text)

    def next_is(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self) -> str:
        """The next character."""
        self.expect(self.at < len(self.text), "an end too early")
        self.at += 1
        return self.text[self.at - 1]

    def branches(self) -> tuple[str, int]:
        """Alternatives, up to the end of the group; and how many characters and sets they are with repeats written out."""
        found, size = "", 0
        while self.at < len(self.text) and not self.next_is(")"):
            part, length = self.item()
            found, size = found + part, size + length
        return found, size

    def item(self) -> tuple[str, int]:
        """One branch's next part with its repeat."""
        if self.next_is("|"):
            return self.take(), 0
        if self.next_is("^") or self.next_is("$"):
            anchor = "^" if self.take() == "^" else "\\Z"
            self.expect(self.repeat() is None, "a repeat of an anchor")
            return anchor, 0
        atom, size = self.atom()
        repeat = self.repeat()
        if repeat is None:
            return atom, size
        self.expect(self.repeat() is None, "a repeat of a repeat")
        return atom + repeat[0], size * repeat[1]

    def repeat(self) -> tuple[str, int] | None:
        """A repeat, with the `?` that makes it lazy, and how many copies it is; None where there is none."""
        found = re.compile(r"[*+?]|\{(\d{1,4})(,(\d{1,4})?)?\}", re.ASCII).match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        low, comma, top = found.groups()
        high = top or low or "0"
        self.expect(int(low or 0) <= int(high) <= 1000, "a repeat that cannot be")
        self.at += self.next_is("?")
        copies = 1 if low is None else max(int(low), 1) if comma and top is None else int(high)
        return self.text[found.start() : self.at], copies

    def atom(self) -> tuple[str, int]:
        """A group, a set, an escape or a character."""
        character = self.take()
        if character == "(":
            self.at += 2 if self.next_is("?:") else 0
            self.expect(not self.next_is("?"), "a group of a kind that is not read alike")
            self.depth += 1
            self.expect(self.depth <= 50, "too many groups in each other")
            inside, size = self.branches()
            self.expect(self.next_is(")"), "an unbalanced parenthesis")
            self.at, self.depth = self.at + 1, self.depth - 1
            return f"(?:{inside})", max(size, 1)
        if character == "[":
            return self.set(), 1
        if character == ".":
            return "[^\n]", 1
        if character == "\\":
            return self.escape(), 1
        self.expect(character not in "*+?{", "a repeat of nothing")
        return re.escape(character), 1

    def escape(self) -> str:
        """What follows a backslash, outside a set."""
        name = self.take()
        if name.lower() in CLASSES:
            return f"[{'^' if name.isupper() else ''}{CLASSES[name.lower()]}]"
        return re.escape(self.character(name))

    def character(self, name: str) -> str:
        """The one character that an escape means."""
        if name == "x":
            digits = self.take() + self.take()
            self.expect(re.fullmatch("[0-9A-Fa-f]{2}", digits), r"\x without two hex digits")
            return chr(int(digits, 16))
        self.expect(name in CONTROLS or name in ESCAPED, "an escape that is not read alike")
        return CONTROLS.get(name, name)

    def set(self) -> str:
        """One of the characters in brackets, or none of them."""
        negated = self.next_is("^")
        self.at += negated
        begin, inside = self.at, ""
        while not self.next_is("]") or self.at == begin:
            first = self.member(self.at == begin)
            if len(first) == 1 and self.next_is("-") and not self.next_is("-]"):
                self.at += 1
                self.expect(not self.next_is("-"), "two hyphens in a set")
                last = self.member(False)
                self.expect(len(last) == 1 and first <= last, "a range that cannot be")
                inside += re.escape(first) + "-" + re.escape(last)
            else:
                inside += re.escape(first) if len(first) == 1 else first
        self.at += 1
        return f"[{'^' if negated else ''}{inside}]"

    def member(self, begins: bool) -> str:
        """One character of a set, or the contents of a class."""
        character = self.take()
        if character == "\\":
            name = self.take()
            return CLASSES[name] if name in CLASSES else self.character(name)
        self.expect(character not in "[]", "a bracket in a set that is not escaped")
        self.expect(character not in "&-~|" or not self.next_is(character), "two signs in a set that are an operation elsewhere")
        self.expect(character != "-" or begins or self.next_is("]"), "a hyphen in a set that is neither first nor last")
        return character


def read_literal(kind: str, asked: str, text: Any) -> Any:
    """What the author wrote, read as the field's kind asks; an operator that means nothing for the kind is refused."""
    require(isinstance(text, str), "a literal must be text, as it was written", text)
    if asked == "in_inventory":
        require(kind == "arn", f"cannot be asked of a {kind}", asked)
        return text
    if asked == "local_time":
        require(kind in ("time", "span"), f"cannot be asked of a {kind}", asked)
        return LocalTime(text)
    if asked == "present" or (kind == "boolean" and asked == "equals"):
        require(text in ("true", "false"), "neither true nor false", text)
        return text == "true"
    if asked in AGE_COMPARISONS and kind == "time":
        return read_quantity(text, DURATIONS)
    if kind in TEXT_KINDS and asked == "matches":
        return re.compile(Expression(text).python)
    if kind == "name" and asked == "equals":
        return text
    if kind in TEXT_KINDS and (asked == "equals" or asked in TEXT_COMPARISONS):
        return text.lower() if kind == "word" else text
    if kind == "integer" and re.fullmatch(r"-\d+", text, re.ASCII):
        return int(text)
    require(kind not in (*TEXT_KINDS, "boolean", "name", "span") and (asked == "equals" or asked in ORDER_COMPARISONS), f"cannot be asked of a {kind}", asked)
    return read_time(text, date_alone=True) if kind == "time" else read_quantity(text, {"duration": DURATIONS, "size": SIZES}.get(kind, {"": 1}))


WEEK = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MINUTE = 60 * SECOND


class LocalTime:
    """Days of the week and times of day as the clocks of a time zone show them: `on Saturday or Sunday between 08:00 and 18:00 in Europe/Berlin`. Hours hold
    their first minute and not their last; those that end before they begin go on into the next day."""

    WORDS = re.compile(r"(?:on (.+?) )?(?:(between|before|after) ([0-9:]+) (?:and ([0-9:]+) )?)?in (\S+)", re.ASCII)

    def __init__(self, text: str) -> None:
        found = self.WORDS.fullmatch(" ".join(text.split()))
        days, hours, first, last, zone = found.groups() if found else (None,) * 5
        require((days or hours) and (hours == "between") == (last is not None), "no day or time of day in a time zone", text)
        try:
            self.zone = read_zone(zone)
        except CronError as error:
            raise InputError(str(error)) from None
        self.days = self.read_days(days) if days else set(range(7))
        self.first, self.last = 0, 24 * 60
        if hours:
            self.first = self.read_minute(first) if hours != "before" else 0
            self.last = self.read_minute(last or first) if hours != "after" else 24 * 60
        fine = self.first not in (self.last, 24 * 60) and self.last > 0 and (len(self.days), self.first, self.last) != (7, 0, 24 * 60)
        require(fine and not (days and self.last < self.first), "hours that hold nothing, everything, or with days go on into the next one", text)

    @staticmethod
    def read_days(text: str) -> set[int]:
        words = text.split()
        named = [day.capitalize() for day in words[::2]]
        joined = words[1::2]
        require(len(named) == len(joined) + 1 and set(joined) <= {"or", "to"} and set(named) <= set(WEEK), "no days of the week", text)
        days = {WEEK.index(day) for day in named}
        for start, joint, end in zip(named, joined, named[1:]):  # noqa: B905 (Python 3.9 has no strict)
            day = WEEK.index(start)
            while joint == "to" and day != WEEK.index(end):
                days.add(day)
                day = (day + 1) % 7
        return days

    @staticmethod
    def read_minute(text: str | None) -> int:
        found = re.fullmatch(r"(\d\d?):([0-5]\d)", text or "", re.ASCII)
        minute = int(found[1]) * 60 + int(found[2]) if found else 9999
        require(minute <= 24 * 60, "no time of day", text)
        return minute

    def holds(self, moment: int) -> bool:
        """Whether the clocks show one of these minutes."""
        local = (EPOCH + timedelta(microseconds=moment)).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if local.weekday() not in self.days:
            return False
        if self.first < self.last:
            return self.first <= minute < self.last
        return minute >= self.first or minute < self.last

    def touches(self, start: int, end: int) -> bool:
        """Whether any part of this time lies in them; its last instant is not a part of it. Each minute of it is looked at: what the clocks show changes by
        whole minutes. In fifteen days, every hour of the week comes twice, and a change of the clocks skips it once."""
        if self.holds(start) or end - start >= 15 * DAY:
            return True
        return any(self.holds(minute) for minute in range(start - start % MINUTE + MINUTE, end, MINUTE))


class Job(Dict[str, Any]):  # noqa: UP006 (as above: Python 3.8)
    """What one record says, by dotted names; later a job, merged from several. A member that is not in it is known to be missing or unknown."""

    def __init__(self, members: dict[str, Any], source: int) -> None:
        super().__init__(members)
        self.sources = {source}
        self.unusable: set[str] = set()  # recorded, but what it was cannot be said
        self.known: set[str] = set()  # known to be missing
        self.whole = False  # nothing was dropped from it: its source is not reduced, and it is not damaged
        self.old_client = False  # its source records no InitiationDate, and is not reduced
        self.keeps = False  # its source would say after how many days, or on what event, the recovery point is deleted
        self.until = 0  # when something happened last, as its source shows: it was saved later
        self.later: dict[str, Any] = {}  # what it says of the time after as_of
        self.doubtful = False  # perhaps another observation of a job that is there

    def drop(self, name: str) -> None:
        """The member cannot be used."""
        self.pop(name, None)
        self.unusable.add(name)


def read_record(record: Any, jobs: JobList, source: int) -> Job:
    """The members by dotted name. Null, the empty text and absent are the same; members outside the table are not read. A state that the API does not know,
    a time before there was AWS Backup and times that contradict each other are unusable."""
    require(isinstance(record, dict), "a record is not an object", record)
    job = Job({}, source)
    for name, (presence, kind) in jobs.fields.items():
        head, _, tail = name.partition(".")
        value = record.get(head) if presence != "derived" else None
        if tail and value not in (None, ""):
            require(isinstance(value, dict), f"{head} is not an object", value)
            job[head], value = {}, value.get(tail)  # an empty object is kept, because Retention asks whether there is one
        if value is None or value == "":
            continue
        if name == "PercentDone" and type(value) in (int, float):
            value = json.dumps(value)  # some clients write it as a number
        expected: type = str if kind in TEXT_KINDS else bool if kind == "boolean" else int
        require(kind == "time" or type(value) is expected, f"{name} is not of kind {kind}", value)
        job[name] = read_time(value) if kind == "time" else value
        if (name == jobs.state and value not in jobs.in_progress + jobs.finished) or (kind == "time" and job[name] < AWS_BACKUP_BEGAN):
            job.drop(name)
    created, ended = job.get("CreationDate"), job.get("CompletionDate")
    if created is not None and ended is not None and ended < created:
        job.drop("CreationDate")
        job.drop("CompletionDate")
    drop_impossible_start(job)
    return job


def drop_impossible_start(job: Job) -> None:
    """A start before the job was created, or after it ended, is none."""
    start = job.get("InitiationDate")
    if start is not None and (start < job.get("CreationDate", start) or start > job.get("CompletionDate", start)):
        job.drop("InitiationDate")


def read_source(records: Any, jobs: JobList, source: int, unclosed: bool = False) -> tuple[list[Job], bool]:
    """The records of one source, and what each knows to be missing: that is decided in the source by itself, before anything is merged or left out. And whether
    the source shows that it was cut off: `unclosed` says that its last record ends a text in which a cut leaves no trace (YAML)."""
    require(isinstance(records, list), "not a list of records", records)
    found = [read_record(record, jobs, source) for record in records]
    recorded = {name for job in found for name in job}
    reduced = not recorded.issuperset(jobs.always)  # somebody kept some members and dropped others
    until = max(
        (job[name] for job in found for name in ("CreationDate", "InitiationDate", "CompletionDate") if name in job and happened(job, name, jobs)), default=0
    )
    behind = members_behind(records, jobs) if unclosed and found else set()
    cut = bool(found) and any(is_expected(name, found, recorded, jobs) for name in behind)
    for job in found:
        job.until = until
        last = job is found[-1]
        if (cut and last) or any(name in recorded and name not in job for name in jobs.always):
            continue  # damaged: whatever it lacks may have been lost
        for name, (presence, _) in jobs.fields.items():
            if name not in job and name not in job.unusable and presence in ("by_meaning", "when_ended", "since"):
                job.known.update([name] if name in recorded or (presence != "since" and not reduced) else [])
        if ("StatusMessage" not in recorded or (last and "StatusMessage" in behind)) and went_wrong(job, jobs):
            job.known.discard("StatusMessage")  # AWS says why; somebody did not keep it
        if jobs.lifecycle not in job and jobs.lifecycle in recorded:
            job.known.add(jobs.lifecycle)
        job.whole = not reduced
        job.old_client = not reduced and "InitiationDate" not in recorded
        told = {jobs.lifecycle + ".DeleteAfterDays", jobs.lifecycle + ".DeleteAfterEvent"} <= recorded
        job.keeps = jobs.lifecycle in job and (not reduced or told)
    return found, cut


def went_wrong(job: Job, jobs: JobList) -> bool:
    """Whether a job has ended otherwise than clean: AWS has a message for it."""
    if job.get(jobs.state) == "COMPLETED":
        return str(job.get("MessageCategory", "success")).lower() != "success"
    return job.get(jobs.state) in jobs.finished


def members_behind(records: list[dict[str, Any]], jobs: JobList) -> set[str]:
    """What the last record lacks and what may have stood behind its last member: what no other record that has both has before that one."""
    *others, record = records
    if not record:
        return set()
    *_, final = record
    behind = set()
    for name, (presence, _) in jobs.fields.items():
        head, _, tail = name.partition(".")
        orders = [list(other).index(head) < list(other).index(final) for other in others if head in other and final in other]
        inside = tail and head == final and isinstance(record[head], dict) and tail not in record[head]
        if presence != "derived" and (inside or (head not in record and not (orders and all(orders)))):
            behind.add(name)
    return behind


def is_expected(name: str, found: list[Job], recorded: set[str], jobs: JobList) -> bool:
    """Whether the others make one expect a member of the last record: always recorded; else in each other one of that state; of what newer clients record, also
    in each other one in progress or, if the last one has ended, in each other one that has."""
    presence, state = jobs.fields[name][0], found[-1].get(jobs.state)
    if presence == "always":
        return name in recorded
    alike: list[Any] = [[state]]
    if presence != "by_meaning":
        alike += [jobs.in_progress, [] if state in jobs.in_progress else jobs.finished]
    peers = [[job for job in found[:-1] if job.get(jobs.state) in states] for states in alike]
    return any(group and all(name in job for job in group) for group in peers)


def happened(job: Job, name: str, jobs: JobList) -> bool:
    """Whether a time tells when something happened: the end of a job that is in progress tells nothing."""
    return name != "CompletionDate" or job.get(jobs.state) in jobs.finished


def identity_of(job: Job, jobs: JobList) -> tuple[Any, Any, Any]:
    """Id, CreationDate and resource; None where one is missing."""
    return job.get(jobs.id), job.get("CreationDate"), job.get(jobs.resource)


def find_jobs(records: list[Job], jobs: JobList) -> list[Job]:
    """The jobs that the records of all sources observe: those with one id, CreationDate and resource are one. A record that does not say all three stands
    for itself."""
    groups: dict[Any, list[Job]] = {}
    for number, record in enumerate(refine(records, jobs)):
        identity = identity_of(record, jobs)
        groups.setdefault(number if None in identity else identity, []).append(record)
    found = [merge(best_of(observed, jobs), {number for record in observed for number in record.sources}) for observed in groups.values()]
    mark_doubtful(found, jobs)
    return found


def second_of(time: int | None) -> int | None:
    """A time without the part of a second, which some clients leave out."""
    return None if time is None else time - time % SECOND


def refine(records: list[Job], jobs: JobList) -> list[Job]:
    """Where the CreationDate of a record is a whole second, and records of that id and resource have one other CreationDate in that second, the record is of
    their job: its times of whole seconds become those that they say within these. Where they have several, it is doubtful which of these jobs it shows."""
    exact: dict[Any, list[Job]] = {}
    for record in records:
        identity = identity_of(record, jobs)
        if None not in identity and identity[1] % SECOND:
            exact.setdefault((identity[0], second_of(identity[1]), identity[2]), []).append(record)
    refined = []
    for record in records:
        others = exact.get(identity_of(record, jobs), [])  # its own CreationDate is a whole second, or it finds none
        job = merge([record], record.sources) if others else record
        job.doubtful = len({other["CreationDate"] for other in others}) > 1
        if others and not job.doubtful:
            take_exact_times(job, others, jobs)
        refined.append(job)
    return refined


def take_exact_times(job: Job, others: list[Job], jobs: JobList) -> None:
    """The times of the others within the seconds that the job says. What then is before its creation, or a start after its end, is unusable."""
    for name, (presence, kind) in jobs.fields.items():
        if kind == "time" and presence != "derived" and name in job and not job[name] % SECOND:
            job[name] = max([job[name], *(other[name] for other in others if name in other and second_of(other[name]) == job[name])])
    late_start = "InitiationDate" in job and job["InitiationDate"] > job.get("CompletionDate", job["InitiationDate"])
    wrong = [name for name in ("InitiationDate", "CompletionDate") if job.get(name, job["CreationDate"]) < job["CreationDate"]]
    for name in [*wrong, *(["InitiationDate"] if late_start else [])]:
        job.drop(name)


def best_of(observed: list[Job], jobs: JobList) -> list[Job]:
    """The observations that are kept: of a finished job those of its latest end, and those that do not say when it ended; else those of the latest state in
    progress and the greatest progress."""
    finished = [record for record in observed if record.get(jobs.state) in jobs.finished]
    if finished:
        last = max(record.get("CompletionDate", -1) for record in finished)
        return [record for record in finished if record.get("CompletionDate", last) == last]
    order = [None, *jobs.in_progress]

    def progress(record: Job) -> tuple[int, Fraction]:
        return order.index(record.get(jobs.state)), percent_of(record)

    furthest = max(map(progress, observed))
    return [record for record in observed if progress(record) == furthest]


def percent_of(record: Job) -> Fraction:
    text = record.get("PercentDone", "")
    return Fraction(text) if NUMBER.fullmatch(text) else Fraction(0)


EARLIER = {"ValidationStatus": ("VALIDATING", {"SUCCESSFUL", "FAILED", "TIMED_OUT"}), "DeletionStatus": ("DELETING", set())}  # an empty set: any other value


def merge(kept: list[Job], sources: set[int]) -> Job:
    """One job of its observations: every member that any of them has. Where they differ nobody can say what it was; but a status still to be decided gives way
    to one that is."""
    job = Job({}, 0)
    job.sources, job.doubtful = sources, any(record.doubtful for record in kept)
    ignored: set[tuple[int, str]] = set()
    for status, (early, decided) in EARLIER.items():
        if any(record.get(status, early) != early and (not decided or record[status] in decided) for record in kept):
            ignored |= {(number, name) for number, record in enumerate(kept) if record.get(status) == early for name in (status, status + "Message")}
    for record in kept:
        job.known |= record.known
        job.unusable |= record.unusable
        job.until = max(job.until, record.until)
        job.whole, job.old_client, job.keeps = job.whole or record.whole, job.old_client or record.old_client, job.keeps or record.keeps
    for name in {name for record in kept for name in record}:
        values = [record[name] for number, record in enumerate(kept) if name in record and (number, name) not in ignored]
        if any(value != values[0] for value in values):
            job.unusable.add(name)
        elif values:
            job[name] = values[0]
    drop_impossible_start(job)
    return job


def mark_doubtful(found: list[Job], jobs: JobList) -> None:
    """A record that may be another observation of a job, and does not say so, is in no population for certain. Of records that may observe one job the one
    that says most stands."""
    told = [job for job in found if None not in identity_of(job, jobs)]
    vague = sorted((job for job in found if None in identity_of(job, jobs)), key=lambda job: fullness(job, jobs))
    by_id: dict[Any, list[Job]] = {}
    nameless: list[Job] = []
    before: list[Job] = []
    for job in [*told, *vague]:
        name = identity_of(job, jobs)[0]
        if None in identity_of(job, jobs):
            others = before if name is None else [*by_id.get(name, []), *nameless]
            job.doubtful = any(may_observe_one(job, other, jobs) for other in others)
        before.append(job)
        if name is None:
            nameless.append(job)
        else:
            by_id.setdefault(name, []).append(job)


def may_observe_one(job: Job, other: Job, jobs: JobList) -> bool:
    """Whether id, CreationDate and resource are equal as far as both say them. Without an id only records of different sources can observe one job, since a
    source lists a job once."""
    mine, theirs = identity_of(job, jobs), identity_of(other, jobs)
    apart = None not in (mine[0], theirs[0]) or bool(other.sources - job.sources)
    seconds = (second_of(mine[1]), second_of(theirs[1]))  # nobody knows which client cut its times
    return apart and all(None in pair or pair[0] == pair[1] for pair in ((mine[0], theirs[0]), seconds, (mine[2], theirs[2])))


def fullness(job: Job, jobs: JobList) -> Any:
    """Which of two records stands: more members (an object counts where it is empty), the JSON text that sorts first, fewer that are known to be missing."""
    usable = {name: value for name, value in job.items() if happened(job, name, jobs)}
    said = {name: value for name, value in usable.items() if value != {} or not any(other.startswith(name + ".") for other in job)}
    return -len(said), json.dumps(said, sort_keys=True), len(job.known), sorted(job.known), sorted(job.unusable), job.old_client, job.keeps


def rewind(job: Job, jobs: JobList, as_of: int) -> None:
    """What happened after as_of has not happened: a job that ended later was still running or pending, and nothing of its end was recorded."""
    state, started = job.get(jobs.state), job.get("InitiationDate", as_of)
    ended = job.get("CompletionDate", max(started, job.get("StartBy", as_of) if state == "EXPIRED" else as_of))
    if state in jobs.finished and ended > as_of:
        job.later = {name: job[name] for name in OF_THE_END if name in job}
        job.update(dict.fromkeys(OF_THE_END, MISSING))
        job[jobs.state] = "PENDING" if state == "EXPIRED" or started > as_of else "RUNNING"
    elif state not in jobs.finished and "CompletionDate" in job:
        job.drop("CompletionDate")  # it has not ended
    elif state in jobs.finished and job.until > as_of and not says_its_end(job, jobs):
        job.drop(jobs.state)  # saved after as_of: it may have ended since
    if job.get(jobs.state) in jobs.in_progress and started > as_of:
        job.update({"InitiationDate": MISSING, jobs.state: "PENDING" if job[jobs.state] in ("RUNNING", "ABORTING") else job[jobs.state]})


def says_its_end(job: Job, jobs: JobList) -> bool:
    """Whether a finished job says when it ended: an EXPIRED one did when its start window ended."""
    created = job.get("CreationDate")
    waited = job.get(jobs.state) == "EXPIRED" and created is not None and job.get("StartBy", created - 1) >= created
    return "CompletionDate" in job or waited


OF_THE_END = "CompletionDate StatusMessage MessageCategory ValidationStatus ValidationStatusMessage DeletionStatus DeletionStatusMessage".split()


ACCOUNT_ID = "[0-9]{12}"


def arn_part(arn: Any, index: int) -> Any:
    """The Region (3) or the account (4) of arn:partition:service:region:account:resource; what can be neither says nothing."""
    parts = arn.split(":", 5) if isinstance(arn, str) else []
    can_be = r"[a-z]{2,}(-[a-z]+)+-[0-9]+" if index == 3 else ACCOUNT_ID
    return parts[index] if len(parts) == 6 and re.fullmatch(can_be, parts[index]) else None


def place_of(job: Job, jobs: JobList) -> tuple[Any, Any]:
    """Account and Region: AccountId, else the vault's ARN, else the resource's; None where nothing says."""
    vault, resource = job.get(jobs.vault), job.get(jobs.resource)
    said = job.get("AccountId") or ""
    account = said if re.fullmatch(ACCOUNT_ID, said) else None
    return account or arn_part(vault, 4) or arn_part(resource, 4), arn_part(vault, 3) or arn_part(resource, 3)


def last_part(arn: Any) -> Any:
    """What follows the last colon; None where there is none."""
    return (arn or "").split(":")[-1] or None


def vault_name(job: Job) -> Any:
    """The name of a backup job's vault: the end of its ARN, else as recorded."""
    return last_part(job.get("BackupVaultArn")) or job.get("BackupVaultName")


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

    def __init__(self, given: Any, incomplete: Any) -> None:
        """Every entry has an ARN, and what else it says is text; what it does not say is unknown. `incomplete` names those that are not whole."""
        require(isinstance(given, dict), "inventories are not a mapping", given)
        require(isinstance(incomplete, list) and set(incomplete) <= set(given), "not names of inventories", incomplete)
        self.incomplete = set(incomplete)
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
        """`in_inventory`: whether one of the inventories that are named lists the resource, or with `present` any. Of one that was not given, and of what is
        not in one that is incomplete, nobody can say."""

        def lists(name: str) -> bool | None:
            own = [own for other, own, _ in listing if other == name]
            return any_of([*own, None if name in self.incomplete else False]) if name in self.entries else None

        if part.asked != "present":
            return any_of(lists(wanted) for wanted in part.wanted)
        anywhere = any_of(map(lists, self.entries)) if self.entries else None
        return any_of(anywhere if wanted else negate(anywhere) for wanted in part.wanted)

    def lists_arn(self, part: Part, value: Any) -> bool | None:
        """The operator `in_inventory`: whether one of the inventories that are named has an entry of this very ARN."""
        if value is MISSING or value is UNKNOWN:
            return False if value is MISSING else None

        def lists(name: str) -> bool | None:
            if name not in self.entries:
                return None
            found = any(entry["arn"] == value for entry in self.entries[name])
            return found or (None if name in self.incomplete else False)

        return any_of(lists(wanted) for wanted in part.wanted)

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

    def __init__(self, jobs: JobList, sources: list[list[Job]], as_of: int, inventories: Inventories) -> None:
        """The jobs that the sources show together, as they stood at as_of."""
        self.kind, self.as_of, self.inventories = jobs, as_of, inventories
        self.jobs = [job for job in find_jobs([record for records in sources for record in records], jobs) if job.get("CreationDate", as_of) <= as_of]
        for job in self.jobs:
            rewind(job, jobs, as_of)
        types = {(job[jobs.resource], job["ResourceType"]) for job in self.jobs if jobs.resource in job and "ResourceType" in job}
        self.types = dict(sorted(types))  # by resource; of several the one that sorts last
        self.types_said: dict[Any, set[str]] = {}  # by resource, in lower case: all of them
        for resource, kind in types:
            self.types_said.setdefault(resource, set()).add(kind.lower())
        self.perhaps_clean: dict[tuple[Any, Any], list[Job]] = {}  # by resource and vault: what may have recovered an earlier job
        for job in self.jobs:
            if self.is_clean(job) is not False:
                self.perhaps_clean.setdefault(self.target(job), []).append(job)
        self.vaguely_clean = [job for target, found in self.perhaps_clean.items() if None in target for job in found]

    def member(self, job: Job, name: str) -> Any:
        """A recorded value, MISSING or UNKNOWN: never a default. That a job which ended has no end is never known."""
        if name in job:
            return job[name]
        endless = self.kind.fields.get(name, ("",))[0] != "when_ended" or self.state_in(job, [*self.kind.in_progress, "EXPIRED"])
        return MISSING if name in job.known and name not in job.unusable and endless else UNKNOWN

    def state_in(self, job: Job, states: list[str]) -> bool | None:
        """Whether the job is in one of the states; unknown in an unknown state."""
        return job[self.kind.state] in states if self.kind.state in job else None

    def place(self, job: Job) -> tuple[Any, Any]:
        return place_of(job, self.kind)

    def target(self, job: Job) -> tuple[Any, Any]:
        """The resource and the vault its copy goes to, by which a recovery is told; None where one is not recorded."""
        copies = "DestinationBackupVaultArn" in self.kind.fields
        return job.get(self.kind.resource), job.get("DestinationBackupVaultArn" if copies else self.kind.vault)

    def value(self, job: Job, name: str) -> Any:
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
        if name in ("Duration", "Running", "Outcome", "Overdue", "Retention"):
            return {"Duration": self.duration, "Running": self.running, "Outcome": self.outcome, "Overdue": self.overdue, "Retention": self.retention}[name](
                job
            )
        account = name.endswith("Account")
        here = self.place(job)[0 if account else 1] if name in ("Account", "Region") else arn_part(job.get(self.kind.vault), 4 if account else 3)
        there = arn_part(job.get("DestinationBackupVaultArn"), 4 if account else 3)
        if name.startswith("Cross"):
            return UNKNOWN if here is None or there is None else here != there
        answer = there if name.startswith("Destination") else here
        return UNKNOWN if answer is None else answer

    def listing(self, job: Job) -> list[tuple[str, bool | None, dict[str, Any]]]:
        """Which entries of the inventories are of the job's resource."""
        return self.inventories.listing(job.get(self.kind.resource), *self.place(job))

    def duration(self, job: Job) -> Any:
        """From the start to the end; in progress, to as_of. A job that expired never ran."""
        if job.get(self.kind.state) == "EXPIRED":
            return MISSING
        return difference(self.run_end(job), self.run_start(job))

    def running(self, job: Job) -> Any:
        """When the job began to run; one that waits, or expired, did not. In an unknown state nobody can say whether it did."""
        never = self.state_in(job, ["CREATED", "PENDING", "EXPIRED"])
        return MISSING if never else UNKNOWN if never is None else self.run_start(job)

    def run_end(self, job: Job) -> Any:
        """The end of the time that a job ran: as_of in progress."""
        return self.as_of if self.state_in(job, self.kind.in_progress) else self.member(job, "CompletionDate")

    def run_start(self, job: Job) -> Any:
        """The start; creation where there was none, or the client is too old to record it."""
        started = "InitiationDate" in self.kind.fields  # in the other lists it is not a member, and jobs start when they are created
        start = self.member(job, "InitiationDate") if started else MISSING
        if start is MISSING or (job.old_client and "InitiationDate" not in job.unusable and start is UNKNOWN):
            start = self.member(job, "CreationDate")
        return start

    def at_local_time(self, job: Job, part: Part, value: Any, harmless: bool | None) -> bool | None:
        """Whether a time, or any part of the time that a job ran, lies in hours of the week. Of a job in progress it may still come."""
        if isinstance(value, int) and not AWS_BACKUP_BEGAN <= value < self.as_of + 400 * DAY:
            value = UNKNOWN  # no time that a job can have
        began = value is not MISSING and value is not UNKNOWN
        answer: bool | None
        if part.field == "Running" and began:
            end = self.run_end(job)
            answer = True if any(hours.holds(value) for hours in part.wanted) else None
            if end is not UNKNOWN and end is not MISSING:
                answer = any(hours.touches(value, end) for hours in part.wanted)
        else:
            answer = any(hours.holds(value) for hours in part.wanted) if began else None if value is UNKNOWN else False
        to_come = part.field == "Running" or (part.field in ("InitiationDate", "CompletionDate") and not began)
        open_yet = answer is False and to_come and self.state_in(job, self.kind.in_progress)
        return harmless if open_yet and harmless is not None else answer

    def outcome(self, job: Job) -> Any:
        """COMPLETED is clean only with MessageCategory SUCCESS; without a category nobody knows, and `compare` judges it both ways."""
        completed = self.state_in(job, ["COMPLETED"])
        if not completed:
            return UNKNOWN if completed is None else MISSING
        category = job.get("MessageCategory")
        return "unknown" if category is None else "clean" if category.lower() == "success" else "with_issues"

    def is_clean(self, job: Job) -> bool | None:
        """Whether the Outcome is clean; unknown where the state is, or the category of a COMPLETED job."""
        outcome = self.outcome(job)
        return None if outcome is UNKNOWN or outcome == "unknown" else outcome == "clean"

    def overdue(self, job: Job) -> Any:
        """Waiting past StartBy or running past ExpectedCompletionDate. In a list that records neither time no job is overdue."""
        state = job.get(self.kind.state)
        if "Overdue" not in self.kind.fields or (state is not None and state not in ("CREATED", "PENDING", "RUNNING")):
            return False
        due = None if state is None else job.get("ExpectedCompletionDate" if state == "RUNNING" else "StartBy")
        return UNKNOWN if due is None else due < self.as_of

    def retention(self, job: Job) -> Any:
        """A recorded lifecycle that never deletes keeps for ever, if the source would say so; one that deletes on an event keeps for an unknown time."""
        if self.kind.lifecycle not in job:
            return self.member(job, self.kind.lifecycle)
        days = job.get(self.kind.lifecycle + ".DeleteAfterDays", -1)
        if days >= 0:
            return days * DAY
        event, unusable = (
            self.kind.lifecycle + ".DeleteAfterEvent",
            job.unusable & {self.kind.lifecycle + ".DeleteAfterDays", self.kind.lifecycle + ".DeleteAfterEvent"},
        )
        return UNKNOWN if event in job or unusable or not job.keeps else FOR_EVER

    def compare(self, job: Job, part: Part, harmless: bool | None) -> bool | None:
        """One operator asked of a job. `harmless` is the answer that does not violate, None where nothing can: the duration of a job in progress only
        grows, and a comparison that later time could still change is not held against the job."""
        if part.field == "in_inventory":
            return self.inventories.ask(part, self.listing(job))
        value = self.value(job, part.field)
        if part.asked != "present" and part.field == "Outcome" and value == "unknown":
            ways = {any(answers(self.kind, part, way, self.as_of)) for way in ("clean", "with_issues")}
            return True if any(answers(self.kind, part, "unknown", self.as_of)) else None if len(ways) == 2 else ways.pop()
        if part.asked == "in_inventory":
            return self.inventories.lists_arn(part, value)
        if part.asked == "local_time":
            return self.at_local_time(job, part, value, harmless)
        so_far = part.field == "Duration" and part.asked != "present" and isinstance(value, int) and self.state_in(job, self.kind.in_progress)
        if so_far and harmless is not None:
            settled = {"at_least": True, "more_than": True, "at_most": False, "less_than": False}.get(part.asked)
            return any(answer if answer is settled else harmless for answer in answers(self.kind, part, value, self.as_of))
        return compare_value(self.kind, part, value, self.as_of)

    def holds(self, job: Job, parts: list[Part], harmless: bool | None = None) -> bool | None:
        """Whether the job satisfies the conditions."""
        return holds(parts, lambda part, quiet: self.compare(job, part, quiet), harmless)

    def end(self, job: Job) -> Any:
        """When the job ended; MISSING of one in progress, UNKNOWN where nobody can say. No job has a longest duration that would tell."""
        if self.state_in(job, self.kind.in_progress):
            return MISSING
        if self.state_in(job, self.kind.finished) and "CompletionDate" in job:
            return job["CompletionDate"]
        expires = job.get("StartBy", -1) if self.state_in(job, ["EXPIRED"]) else -1
        return expires if "CreationDate" in job and expires >= job["CreationDate"] else UNKNOWN

    def deadline(self, job: Job, patience: int) -> int | None:
        """Until when the job may be recovered: its end and the time allowed after it; None where nobody can say when it ended, or it has not."""
        end = self.end(job)
        return None if end is MISSING or end is UNKNOWN else int(end) + patience

    def due_in_window(self, job: Job, start: int | None, patience: int) -> bool | None:
        """Whether the deadline has come, and no earlier than the window. Both edges are in."""
        deadline = self.deadline(job, patience)
        return None if deadline is None else deadline <= self.as_of and (start is None or deadline >= start)

    def same_target(self, job: Job, other: Job) -> bool | None:
        """Whether two jobs are of one resource and vault. What does not say so may be, unless it says another type, or of a backup job another account, Region
        or name of the vault."""
        pairs = list(zip(self.target(job), self.target(other)))  # noqa: B905 (Python 3.9 has no strict)
        if not any(None in pair for pair in pairs):
            return all(mine == theirs for mine, theirs in pairs)
        pairs.append((job.get("ResourceType", "").lower() or None, other.get("ResourceType", "").lower() or None))
        if self.kind.id == "BackupJobId":
            pairs += [*zip(self.place(job), self.place(other)), (vault_name(job), vault_name(other))]  # noqa: B905 (Python 3.9 has no strict)
        return None if all(None in pair or pair[0] == pair[1] for pair in pairs) else False

    def recovered(self, job: Job, deadline: int | None) -> bool | None:
        """Whether some other job of the same resource and vault was created later, ended by the deadline and was clean. Scope and `jobs` do not matter."""
        target = self.target(job)
        if None in target:
            return None
        answer: bool | None = False
        for other in [*self.perhaps_clean.get(target, []), *self.vaguely_clean]:
            if other is job:
                continue
            created, other_created, other_end = job.get("CreationDate"), other.get("CreationDate"), other.get("CompletionDate", MISSING)
            later = None if created is None or other_created is None else other_created > created
            in_time = None if deadline is None or other_end is MISSING else other_end <= deadline
            recovers = all_of([later, in_time, self.is_clean(other), None if other.doubtful else True, self.same_target(job, other)])
            if recovers:
                return True
            answer = None if recovers is None else answer
        return answer

    def in_window(self, job: Job, start: int | None, clock: str | None) -> bool | None:
        """With a clock that time alone counts. Without one a job belongs to the window if it was created, ended or is in progress in it. Both edges are in."""
        if start is None:
            return True
        if clock is not None:
            moment = self.member(job, clock)
            return None if moment is UNKNOWN else moment is not MISSING and start <= moment <= self.as_of
        created, end = job.get("CreationDate"), self.end(job)
        ended_in = None if end is UNKNOWN else end is not MISSING and end >= start
        return any_of([self.state_in(job, self.kind.in_progress), None if created is None else created >= start, ended_in])


class Reach(NamedTuple):
    """What a list speaks for in one account and Region: the times it covers, apart and in order; those it has evidence of, margins left out; and whether all
    of it was read."""

    covered: list[tuple[int, int]]
    evidence: list[tuple[int, int]]
    complete: bool
    holes: tuple[tuple[int, int], ...] = ()  # between files that do not meet: from the last time of one to the first of the next

    def spans(self, start: int, end: int) -> bool:
        """Whether the time from start to end is covered without a gap."""
        return self.complete and any(first <= start and end <= last for first, last in self.covered)

    def holds(self, start: int, end: int) -> bool:
        """Whether that time is covered, and does not lie wholly in a margin."""
        between = any(last < start and end < first for last, first in self.holes)
        return self.spans(start, end) and self.evidence[-1][1] >= start and self.evidence[0][0] <= end and not between

    def joins(self, start: int, end: int) -> bool:
        """Whether no gap lies between two moments; before all that is covered, and after it, there is none."""
        if not self.complete or not self.covered:
            return False
        first, last = max(start, self.covered[0][0]), min(end, self.covered[-1][1])
        return (first > last or self.spans(first, last)) and not any(begins < start and end < ends for begins, ends in self.holes)

    def precedes(self, moment: int) -> bool:
        """Whether the evidence begins more than a day before a moment, and nothing between is a gap."""
        return bool(self.evidence) and self.evidence[0][0] < moment - 24 * HOUR and self.spans(self.evidence[0][0], moment)


def union(intervals: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The intervals in order, those that meet as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


class Source(NamedTuple):
    """One file, or what was fetched of one account and Region."""

    records: list[Job]
    silent: bool  # what it does not show is not known to be absent: one describe answer, or a list that was cut off


def asserted_reach(sources: list[Source], jobs: JobList, as_of: int, claimed: list[int]) -> dict[tuple[Any, Any], Reach]:
    """A list saved to a file covers, in each account and Region, the time between the oldest and the newest time in it, and 25 hours around, file by file; and
    what the user claims. A describe answer covers nothing, nor does a list that was cut off."""
    seen: dict[tuple[Any, Any], list[tuple[int, int]]] = {}
    listed = set()  # the places that a source shows which speaks of a time
    for source in sources:
        times: dict[tuple[Any, Any], list[int]] = {}
        for job in source.records:
            if job.get("CreationDate", as_of) > as_of:
                continue
            place = place_of(job, jobs)
            ended = ["CompletionDate"] if job.get(jobs.state) in jobs.finished else []
            moments = [job[name] for name in ["CreationDate", "InitiationDate", *ended] if name in job and job[name] <= as_of]
            times.setdefault(place, []).extend([] if source.silent else moments)
            listed.update([] if source.silent else [place])
        for place, moments in times.items():
            seen.setdefault(place, []).extend([(min(moments), max(moments))] if moments else [])
    reach = {}
    for place, own in seen.items():
        claim = [(claimed[0], min(claimed[1], as_of))] if claimed and claimed[0] <= as_of and place in listed else []
        covered, holes = stretched(own, claim, as_of)
        reach[place] = Reach(covered, union(own + claim), True, tuple(holes))
    return reach


def stretched(own: list[tuple[int, int]], claim: list[tuple[int, int]], as_of: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What files and a claim cover: two are one where the hole between them is no longer than one margin of a file; each is stretched by one at its ends.
    And the other holes."""
    spans = sorted([(start, end, 25 * HOUR) for start, end in own] + [(start, end, 0) for start, end in claim])
    found: list[tuple[int, int]] = []
    holes: list[tuple[int, int]] = []
    last, margin_of_last = None, 0
    for start, end, margin in spans:
        first, final = start - margin, min(end + margin, as_of)
        if last is not None and start - last <= max(margin, margin_of_last):
            found[-1] = (min(found[-1][0], first), max(found[-1][1], final))
        else:
            found.append((first, final))
            holes += [] if last is None else [(last, start)]
        if last is None or end > last:
            last, margin_of_last = end, margin
    return found, holes


def observed_reach(rows: Any, dataset: str, as_of: int) -> dict[tuple[Any, Any], Reach]:
    """What the fetch saw of a list. Of several rows for one place all must be complete. Of rows for plain files `evidence` leaves the margins out, and `holes`
    are between files that do not meet."""
    require(isinstance(rows, list), "coverage is not a list", rows)
    found: dict[tuple[Any, Any], list[Reach]] = {}
    for row in rows:
        check_keys(row, "a row of coverage", "dataset account region from to complete gaps basis evidence holes silent")
        require(row["dataset"] in LISTS, NOT_AGAIN if row["dataset"] in HELD else "not a row of coverage", row["dataset"])
        require(isinstance(row["complete"], bool), "not a row of coverage", row)
        require(all(isinstance(row.get(key), (str, type(None))) for key in ("account", "region")), "not a place", row)
        require(row.get("basis") in (None, "observed", "asserted"), "not a basis of coverage", row)
        require(all(isinstance(account, str) for account in flattened(row.get("silent") or [])), "not accounts", row)
        stated = row.get("from") is not None and row.get("to") is not None
        covered = [read_interval([row["from"], row["to"]])] if stated else []
        for gap in row.get("gaps") or []:
            begins, ends = read_interval(gap)
            covered = [part for start, end in covered for part in ((start, min(end, begins)), (max(start, ends), end)) if part[0] <= part[1]]
        evidence = covered if row.get("evidence") is None else [read_interval(row["evidence"])]
        holes = tuple(map(read_interval, row.get("holes") or []))
        if row["dataset"] == dataset:
            found.setdefault((row.get("account"), row.get("region")), []).append(Reach(covered, evidence, row["complete"], holes))
    reach = {}
    for place, parts in found.items():
        covered, evidence = (
            union((start, min(end, as_of)) for intervals in several for start, end in intervals if start <= as_of)
            for several in ([part.covered for part in parts], [part.evidence for part in parts])
        )
        reach[place] = Reach(covered, evidence, all(part.complete for part in parts), tuple(hole for part in parts for hole in part.holes))
    return reach


def asked_places(rows: Any, dataset: str) -> dict[tuple[Any, Any], bool] | None:
    """The places that a fetch asked about this list, and whether every answer arrived; None where nothing of the list was fetched."""
    answered: dict[tuple[Any, Any], bool] = {}
    for row in rows or []:
        if row["dataset"] == dataset and row.get("basis") != "asserted":
            for account in [row.get("account"), *(row.get("silent") or [])]:
                place = (account, row.get("region"))
                answered[place] = answered.get(place, True) and row["complete"]
    return answered or None


def read_interval(value: Any) -> tuple[int, int]:
    """From when to when."""
    require(isinstance(value, list) and len(value) == 2, "not [from, to]", value)
    start, end = (read_time(edge, True) for edge in value)
    require(start <= end, "a time that ends before it begins", value)
    return start, end


def in_scope(place: tuple[Any, Any], scope: dict[str, list[str]]) -> bool:
    """Out of scope is what is known not to be declared: an unknown account or Region stays in. An empty half declares nothing."""
    account, region = place
    return all(here is None or not half or here in half for here, half in ((account, scope["accounts"]), (region, scope["regions"])))


def is_part(place: tuple[Any, Any], other: tuple[Any, Any], loosely: bool = False) -> bool:
    """Whether the other place is this one, as far as this one is stated; loosely: as far as both are."""
    return all(place[half] is None or place[half] == other[half] or (loosely and other[half] is None) for half in (0, 1))


def read_sources(given: Any, read: Callable[[str], bytes]) -> dict[str, list[Source]]:
    """The sources of each list. A list without a source was not read; one whose sources hold no record is empty."""
    require(isinstance(given, list), "sources are not a list", given)
    sources: dict[str, list[Source]] = {name: [] for name in LISTS}
    for number, source in enumerate(given):
        check_keys(source, "a source", "dataset name records files lone unclosed seen unknown")
        flags = (source.get("lone"), source.get("unclosed"))
        require(isinstance(source.get("name"), (str, type(None))) and {*flags} <= {None, True, False}, "not a source", source)
        require(source["dataset"] not in HELD, NOT_AGAIN, source["dataset"])
        require(("records" in source) != ("files" in source), "a source has either records or files", sorted(source))
        listed = source["records"] if "records" in source else records_in(source["files"], source["dataset"], bool(flags[0]), read)
        records, cut = read_source(listed, LISTS[source["dataset"]], number, bool(flags[1]))
        read_knowledge(records, source)
        sources[source["dataset"]].append(Source(records, bool(flags[0] or cut)))
    return sources


def read_knowledge(records: list[Job], source: dict[str, Any]) -> None:
    """What an archive knows of its records: `seen`, until when their source shows that something happened, and for how many records in their order; `unknown`,
    by the number of a record, members that are not known any more, since AWS no longer lists the job."""
    if source.get("seen") is not None:
        counts = [number for _, number in source["seen"]]
        require(all(type(number) is int and number > 0 for number in counts) and sum(counts) == len(records), "seen is not of as many records", len(records))
        times = [time for text, number in source["seen"] for time in [read_time(text, True)] * number]
        for number, job in enumerate(records):
            job.until = times[number]
    for number, names in source.get("unknown") or []:
        require(type(number) is int and 0 <= number < len(records), "no such record", number)
        for name in names:
            records[number].drop(name)


DESCRIBED = {"NumberOfChildJobs", "ChildJobsInState", "ResponseMetadata"}
"""What stands in a job that a describe command gave, and in no job of a list."""
ANSWERS = {"backup_jobs": ("BackupJobs", "BackupJob"), "copy_jobs": ("CopyJobs", "CopyJob"), "restore_jobs": ("RestoreJobs", "RestoreJob")}
"""What AWS's answers call each list, and one job of it that a describe command gives."""


def records_in(names: Any, dataset: str, lone: bool, read: Callable[[str], bytes]) -> list[Any]:
    """The records of one list in some files, in order: those of describe answers, or the others."""
    require(isinstance(names, list) and all(isinstance(name, str) for name in names), "not names of files", names)
    return [record for name in names for record in sort_records(read_documents(read(name), name), dataset)[lone]]


def sort_records(documents: list[Any], dataset: str) -> tuple[list[Any], list[Any]]:
    """The records of one list in the documents of a file: listed ones, and those of describe answers. A document is an answer, a job, or a list of such."""
    (listed_key, wrapper), identity = ANSWERS[dataset], LISTS[dataset].id
    elements = [item for document in documents for part in flattened(document) for item in flattened(part)]
    listed: list[Any] = []
    bare: list[Any] = []
    described: list[Any] = []
    for element in elements:
        require(isinstance(element, dict), "neither an answer nor a job", element)
        if listed_key in element:
            require(isinstance(element[listed_key], list), "an answer without a list", listed_key)
            listed += element[listed_key]
        elif element.get(identity) is not None and not any(key in element for keys in ANSWERS.values() for key in keys):
            (described if DESCRIBED & element.keys() else bare).append(element)
        elif wrapper in element:
            described.append(element[wrapper])
    alone = len(elements) == 1 and isinstance(documents[0], dict)
    if alone or any(listed_key in element for element in elements) or (len(bare) > 1 and len({element[identity] for element in bare}) == 1):
        return listed, described + bare
    return listed + bare, described


def flattened(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


MOST_UNPACKED = 8 * 1024**3


def read_documents(data: bytes, name: str) -> list[Any]:
    """The JSON values of a file, one after the other; it may be packed by gzip, once or twice, and begin with a byte-order mark."""
    for _ in range(2):
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
            require(len(data) <= MOST_UNPACKED, "unpacks to more than any job list", name)
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    text, decoder, at = data.decode(encoding), json.JSONDecoder(object_pairs_hook=read_object), 0
    values: list[Any] = []
    while True:
        while at < len(text) and text[at] in " \t\r\n\ufeff":
            at += 1
        if at == len(text):
            return values
        value, at = decoder.raw_decode(text, at)
        values.append(whole_text(value) if "\\ud" in text or "\\uD" in text else value)


def whole_text(value: Any) -> Any:
    """The value with U+FFFD for each half of a surrogate pair, which JSON can hold and no text should."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, dict):
        return {whole_text(key): whole_text(item) for key, item in value.items()}
    return [whole_text(item) for item in value] if isinstance(value, list) else value


class Case:
    """All that rules are judged on: the lists, what they cover, what must be covered, the inventories."""

    def __init__(self, document: dict[str, Any], as_of: int, claimed: list[int], read: Callable[[str], bytes]) -> None:
        self.as_of = as_of
        self.inventories = Inventories(document.get("inventories") or {}, document.get("incomplete_inventories") or [])
        sources = read_sources(document["sources"], read)
        self.evidence = {name: Evidence(jobs, [one.records for one in sources[name]], as_of, self.inventories) for name, jobs in LISTS.items()}
        self.read = {name for name in LISTS if sources[name]}
        observed = document.get("coverage") is not None
        require(not (observed and claimed), "covers widens what files are taken to cover, and cannot stand beside coverage", claimed)
        self.reach = {
            name: observed_reach(document["coverage"], name, as_of) if observed else asserted_reach(sources[name], jobs, as_of, claimed)
            for name, jobs in LISTS.items()
        }
        self.asked = {name: asked_places(document.get("coverage"), name) for name in LISTS}
        self.backups_of: dict[Any, list[Job]] = {}  # by ResourceArn
        for job in self.evidence["backup_jobs"].jobs:
            self.backups_of.setdefault(job.get("ResourceArn"), []).append(job)
        self.accounts_with_jobs = {evidence.place(job)[0] for evidence in self.evidence.values() for job in evidence.jobs}
        self.scope: dict[str, list[str]] = {}
        self.organization = False  # every account of an organization is declared, and nobody said which these are
        self.seen: dict[str, set[tuple[Any, Any]]] = {}

    def within(self, scope: dict[str, list[str]], organization: bool) -> Case:
        """The same for what one policy declares."""
        case = copy.copy(self)
        case.scope, case.organization = scope, organization
        case.seen = {  # the places in scope of each list
            name: {place for place in [*self.reach[name], *map(evidence.place, evidence.jobs)] if in_scope(place, scope)}
            for name, evidence in self.evidence.items()
        }
        return case

    def reaches(self, dataset: str, place: tuple[Any, Any], start: int | None) -> bool:
        """Whether all that the list held of a place was read from the window's start to as_of; without a window, at as_of."""
        reach = self.reach[dataset].get(place)
        return reach is not None and (reach.spans(self.as_of, self.as_of) if start is None else reach.holds(start, self.as_of))

    def covers(self, dataset: str, start: int | None) -> bool:
        """Whether the list was read, speaks for every place in scope from the window's start (without a window: at its end) to as_of, and shows every declared
        place."""
        seen = self.seen[dataset]
        if dataset not in self.read or self.organization or not seen or not all(self.reaches(dataset, place, start) for place in seen):
            return False
        shown = not self.not_shown(dataset)
        return shown and all(account in self.accounts_with_jobs or self.always_excused(dataset, account) for account in self.scope["accounts"])

    def not_shown(self, dataset: str) -> list[tuple[str | None, str | None]]:
        """The declared places that the list does not show, and that may not be empty; a half that is not declared is None."""
        accounts: list[Any] = self.scope["accounts"] or [None]
        regions: list[Any] = self.scope["regions"] or [None]
        declared = [(account, region) for account in accounts for region in regions if account or region]
        return [place for place in declared if not any(is_part(place, other) for other in self.seen[dataset]) and not self.excused(dataset, *place)]

    def shows(self, dataset: str, place: tuple[Any, Any]) -> bool:
        """Whether the list was read at a place at all, as far as the place is stated, or may be empty there."""
        return any(is_part(place, other) and in_scope(other, self.scope) for other in self.reach[dataset]) or self.excused(dataset, *place)

    def shows_absence(self, dataset: str, place: tuple[Any, Any], start: int | None) -> bool:
        """Whether a job that is not in the list did not happen: wherever the place may be, as far as it is stated, the list is complete from the start of
        the window to as_of."""
        there = [other for other in self.reach[dataset] if in_scope(other, self.scope) and is_part(place, other)]
        unread = any(is_part(place, other, loosely=True) for other in self.not_shown(dataset))
        somewhere = self.organization and place[0] is None
        return bool(there) and not unread and not somewhere and all(self.reaches(dataset, other, start) for other in there)

    def lacks_none(self, dataset: str, place: tuple[Any, Any], start: int, end: int) -> bool:
        """Whether the list certainly lacks no job created between two that it has: what is later than one of its jobs it has, but for its gaps."""
        there = [reach for other, reach in self.reach[dataset].items() if in_scope(other, self.scope) and is_part(place, other)]
        unread = any(is_part(place, other, loosely=True) for other in self.not_shown(dataset))
        somewhere = self.organization and place[0] is None
        return bool(there) and not unread and not somewhere and all(reach.joins(start, end) for reach in there)

    def excused(self, dataset: str, account: str | None, region: str | None = None) -> bool:
        """Whether a declared place needs no job: the policy says that it may be empty, and a fetch, if there was one, asked there and was answered."""
        named = [account] if region is None else [account, f"{account}/{region}"]
        asked = self.asked[dataset]
        answers = [answered for other, answered in (asked or {}).items() if is_part((account, region), other)]
        return any(name in self.scope["may_be_empty"] for name in named) and (asked is None or (bool(answers) and all(answers)))

    def always_excused(self, dataset: str, account: str) -> bool:
        """Whether a declared account needs no job at all: each of its declared places is excused."""
        regions: list[Any] = self.scope["regions"] or [None]
        return all(self.excused(dataset, account, region) for region in regions)


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

    def take_jobs(self, jobs: list[Job], evidence: Evidence) -> bool:
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
    once: bool  # the rule does not say which jobs: `count` and `share` count a composite job once
    no_data: str


def read_choice(rule: dict[str, Any], as_of: int) -> Choice:
    """The keys that choose the population; a rule that says too little or too much is refused."""
    dataset = rule.get("dataset", "backup_jobs")
    jobs, choice, no_data, clock = LISTS[dataset], rule.get("jobs"), rule.get("no_data", "inconclusive"), rule.get("clock")
    require(choice in (None, "all", "top_level", "members"), "unknown choice of jobs", choice)
    require(no_data in ("inconclusive", "pass", "fail", "skip", "quiet"), "unknown no_data", no_data)
    require(clock is None or jobs.fields.get(clock, ("", ""))[1] == "time", "not a time of this list", clock)
    start = as_of - int(read_quantity(rule["within"], DURATIONS)) if "within" in rule else None
    return Choice(dataset, read_conditions(rule.get("where", {}), jobs), start, clock, choice or "all", choice is None, no_data)


def chosen_in(case: Case, choice: Choice, job: Job) -> tuple[bool | None, bool | None]:
    """Whether scope and `where` choose the job, whatever the time; and whether `jobs` does as well. Of a doubtful record nobody can say that they do."""
    evidence = case.evidence[choice.dataset]
    selected = all_of([in_scope(evidence.place(job), case.scope), evidence.holds(job, choice.where), None if job.doubtful else True])
    parent = evidence.member(job, "ParentJobId")
    member = None if parent is UNKNOWN else parent is not MISSING
    return selected, all_of([selected, choice.jobs == "all" or (member if choice.jobs == "members" else negate(member))])


def still_open(evidence: Evidence, job: Job, waits: bool) -> bool | None:
    """Whether a job is in progress and not overdue, so that its State or Outcome is still to come. Only a rule that names one of these waits."""
    overdue = evidence.overdue(job)
    return all_of([waits, evidence.state_in(job, evidence.kind.in_progress), None if overdue is UNKNOWN else not overdue])


def names_outcome(parts: list[Part], jobs: JobList) -> bool:
    """Whether the conditions name State (Status) or Outcome anywhere."""
    return bool(fields_named(parts) & {jobs.state, "Outcome"})


class Judged(NamedTuple):
    """What a rule of jobs says of one job."""

    job: Job
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


def ids_of(jobs: Iterable[Job], evidence: Evidence) -> list[str]:
    """Their ids, sorted; a job without an id has none to list."""
    return sorted(job[evidence.kind.id] for job in jobs if job.get(evidence.kind.id))


def group_jobs(jobs: list[Job], evidence: Evidence) -> dict[tuple[Any, ...], list[Job]]:
    """The jobs of each account, Region and resource."""
    groups: dict[tuple[Any, ...], list[Job]] = {}
    for job in jobs:
        groups.setdefault((*evidence.place(job), job.get(evidence.kind.resource, "(no ResourceArn)")), []).append(job)
    return groups


def finding_of_jobs(key: tuple[Any, ...], jobs: list[Job], evidence: Evidence, waivers: Waivers) -> dict[str, Any]:
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
    matching = [(job, all_of([later.holds(job, wanted), later.state_in(job, ["COMPLETED"]), None if job.doubtful else True])) for job in later.jobs]
    by_link: dict[Any, list[tuple[Job, bool | None]]] = {}
    for job, held in matching:
        if held is not False:
            by_link.setdefault(link_of(job, evidence, later), []).append((job, held))
            if lost_its_link(job, evidence, later):
                by_link.setdefault(("any", None), []).append((job, held))
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


def is_followed(job: Job, evidence: Evidence, other: Job, held: bool | None, later: Evidence, deadline: int | None) -> bool | None:
    """Whether the other job is linked to this one, matches (`held`), was not created before it, and completed by the deadline. No job follows itself."""
    if other is job:
        return False
    end, created, other_created = other.get("CompletionDate", MISSING), job.get("CreationDate"), other.get("CreationDate")
    in_time = None if deadline is None or end is MISSING else end <= deadline
    later_made = None if created is None or other_created is None else other_created >= created
    return all_of([held, in_time, later_made, is_linked(job, evidence, other, later)])


def link_of(other: Job, evidence: Evidence, later: Evidence) -> tuple[str, str | None]:
    """What a job says it copied or restored: the backup job, where a copy has its id, else the recovery point (None: it does not say)."""
    if evidence.kind.id == "BackupJobId" and other.get("CreatedByBackupJobId"):
        return "job", other["CreatedByBackupJobId"]
    return "point", other.get("SourceRecoveryPointArn" if later.kind.id == "CopyJobId" else "RecoveryPointArn")


def lost_its_link(other: Job, evidence: Evidence, later: Evidence) -> bool:
    """Whether a copy may have named the backup job that it came from, in a list from which that was dropped."""
    return evidence.kind.id == "BackupJobId" and later.kind.id == "CopyJobId" and later.member(other, "CreatedByBackupJobId") is UNKNOWN


def point_of(job: Job, evidence: Evidence) -> Any:
    """The recovery point that a job left; MISSING where there is none, UNKNOWN where nobody can say."""
    return evidence.member(job, "RecoveryPointArn" if evidence.kind.id == "BackupJobId" else "DestinationRecoveryPointArn")


def links_of(job: Job, evidence: Evidence, known: Iterable[Any]) -> list[Any]:
    """The links that may be to this job, so that not all jobs need be asked: any of a job that does not say its id or its recovery point itself."""
    identity, left = job.get(evidence.kind.id), point_of(job, evidence)
    by_id = [("job", identity)] if identity else [link for link in known if link[0] == "job"]
    by_point = [link for link in known if link[0] == "point"] if left is UNKNOWN else [("point", None), ("point", left)]
    return [*by_id, *by_point, ("any", None)]


def is_linked(job: Job, evidence: Evidence, other: Job, later: Evidence) -> bool | None:
    """Whether the other job copied or restored what this one left. An id counts in its own account and Region alone."""
    kind, link = link_of(other, evidence, later)
    if kind == "job":
        here, there = (job.get(evidence.kind.id) or None, *evidence.place(job)), (link, *later.place(other))
        return all_of(None if here[part] is None or there[part] is None else here[part] == there[part] for part in range(3))
    left = point_of(job, evidence)
    by_point = False if left is MISSING else None if left is UNKNOWN or link is None else left == link
    if not lost_its_link(other, evidence, later):
        return by_point
    places = zip(evidence.place(job), later.place(other))  # noqa: B905 (Python 3.9 has no strict)
    return any_of([by_point, all_of([None, *(None if None in pair else pair[0] == pair[1] for pair in places)])])


def is_covered(job: Job, evidence: Evidence, case: Case, other: str, patience: int) -> bool:
    """Whether all that could have followed the job was read: at its place, or where its copy went, from its end to its deadline."""
    deadline, place = evidence.deadline(job, patience), evidence.place(job)
    if evidence.kind.id == "CopyJobId":
        place = (arn_part(job.get("DestinationBackupVaultArn"), 4), arn_part(job.get("DestinationBackupVaultArn"), 3))
    reach = case.reach[other].get(place)
    return deadline is not None and None not in place and other in case.read and reach is not None and reach.holds(deadline - patience, deadline)


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
    "calendar": (("at_least",), "number", "refused"),
    "size_drop": (("at_most", "less_than"), "share", "optional"),
    "size_growth": (("at_most", "less_than"), "percentage", "optional"),
    "slowdown": (("at_most", "less_than"), "factor", "optional"),
}
COMPARED = ("size_drop", "size_growth", "slowdown")  # jobs in the window, each with those before it, whenever these were
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
    periods: list[tuple[int, int]]  # of calendar: the days, weeks or months that are over, the oldest first; else none
    share: tuple[str, Fraction] | None  # of the subjects that must keep to the limit; None: all
    softer: Expectation | None  # the same with the limit that a warning is at

    @property
    def lower(self) -> bool:
        """Whether more is better."""
        return self.asked in ("at_least", "more_than")

    @property
    def undoable(self) -> bool:
        """Whether jobs that nobody listed could undo a violation: what a list does not show must then be known not to have happened."""
        return self.lower or self.measure not in ("count", "streak", *COMPARED)

    @property
    def always(self) -> bool:
        """Whether it looks at jobs at any time of the coverage."""
        return self.measure in ("newest", *COMPARED)

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
    beside = [*PERIODS, "zone"] if measure == "calendar" else ["warning"] if kind == "duration" else []
    check_keys(asked, measure, " ".join(("of", *operators, *beside)))
    limits = [(name, text) for name, text in asked.items() if name not in ("of", *beside)]
    require(len(limits) == (1 if operators else 0), f"{measure} needs one limit, or none", asked)
    require(measure == "slowdown" or bool(asked.get("of")) != (measure == "missed_runs"), f"{measure} needs conditions under of, or must not have them", asked)
    require(within != "needed" or "within" in rule, f"{measure} needs within", rule["id"])
    require(within != "refused" or "within" not in rule, f"the limit of {measure} is its window", rule["id"])
    require(rule.get("clock") is None or (within == "optional" and "within" in rule), f"clock cannot stand here beside {measure}", rule["id"])
    operator_asked, limit = (limits[0][0], read_limit(kind, limits[0][1])) if limits else ("", 0)
    dataset, per, inventory = rule.get("dataset", "backup_jobs"), rule.get("per") or [], rule.get("inventory")
    known = [name for name in GROUP_FIELDS[dataset] if name in LISTS[dataset].fields]
    require(isinstance(per, list) and len(set(per)) == len(per) and set(per) <= set(known), "per names other fields than it can, or one twice", per)
    require(inventory is None or (isinstance(inventory, str) and "ResourceArn" in per), "inventory needs per with ResourceArn", inventory)
    require(measure not in COMPARED or ("ResourceArn" in per and dataset != "restore_jobs"), f"{measure} compares the jobs of each resource", rule["id"])
    require(measure != "missed_runs" or (dataset == "backup_jobs" and not per), "missed_runs is about each resource of backup jobs", rule["id"])
    choice = read_choice(rule, case.as_of)
    choice = choice._replace(once=choice.once and measure in ("count", "share") and "ResourceArn" not in per)
    of = read_conditions(asked.get("of", {}), LISTS[dataset])
    if measure == "newest":
        choice = choice._replace(start=case.as_of - int(limit))
    periods = read_periods(asked, case.as_of) if measure == "calendar" else []
    if periods:
        require(0 < limit <= len(periods), "calendar asks for none of its days, or for more than it looks at", asked)
        choice = choice._replace(start=periods[0][0])
    if measure in ("newest", "longest_gap", "calendar"):
        choice = choice._replace(clock="CreationDate")
    share = read_share(rule["share_of_subjects"]) if rule.get("share_of_subjects") is not None else None
    require(share is None or (per and measure in ("count", "streak", "newest", "calendar")), "share_of_subjects cannot stand here", rule["id"])
    read = Expectation(measure, of, operator_asked, limit, per, inventory, choice, names_outcome(of, LISTS[dataset]), periods, share, None)
    if "warning" not in asked:
        return read
    warning = read_limit(kind, asked["warning"])
    require(warning < limit and share is None, "a warning that is not below the limit, or beside share_of_subjects", asked)
    start = case.as_of - int(warning) if measure == "newest" else choice.start
    return read._replace(softer=read._replace(limit=warning, choice=choice._replace(start=start)))


def read_limit(kind: str, text: Any) -> Any:
    """A whole number, a share of one, or microseconds."""
    require(isinstance(text, str), "a literal must be text, as it was written", text)
    if kind == "number":
        require(re.fullmatch(r"\d+", text, re.ASCII), "not a whole number", text)
        return int(text)
    if kind == "duration":
        return int(read_quantity(text, DURATIONS))
    if kind == "factor":
        require(text.endswith("x"), "a factor is written 2x", text)
        return read_quantity(text[:-1], {"": 1})
    require(text.endswith("%"), "a share is written 99%", text)
    share = read_quantity(text[:-1], {"": 1}) / 100
    require(share <= 1 or kind == "percentage", "a share is at most 100%", text)
    return share


class Row(NamedTuple):
    """One record, as a rule of groups sees it."""

    job: Job
    selected: bool | None  # by `where` and the scope: makes subjects
    chosen: bool | None  # by `jobs` as well
    population: bool | None  # and in the window
    outside: bool  # chosen, but not in the window
    undecided: bool | None  # of share: still in progress, left out
    matches: bool | None
    created: int | None
    stood_for: bool | None = False  # its parent stands for it: it is left out

    def counted(self, always: bool = False) -> bool | None:
        """Whether the job is in the population and decided; of `newest`, at any time of the coverage."""
        return self.chosen if always else all_of([self.population, negate(self.undecided), negate(self.stood_for)])


class Group:
    """One subject, its place, the fields that tell it (None: without a value), its records, and whether it certainly is a subject."""

    def __init__(self, place: tuple[Any, Any], fields: dict[str, Any], subject: str, sure: bool, types: Iterable[str]) -> None:
        self.place, self.fields, self.subject, self.sure = place, fields, subject, sure
        self.types = frozenset(types)  # in lower case; empty where nothing says which
        self.rows: list[Row] = []

    def joined_by(self, rows: list[Row]) -> Group:
        """The group with other records that may be its own."""
        joined = Group(self.place, self.fields, self.subject, self.sure, self.types)
        joined.rows = [*self.rows, *rows]
        return joined


class Finding(NamedTuple):
    """What a measure says of a group: true, false, unknown, or nothing to measure; and the jobs that show it."""

    violates: bool | None
    jobs: list[Job]
    nothing: bool = False
    pending: bool = False
    waiting: bool = False  # all that could be measured is still in progress
    unsettled: bool = False  # nobody knows whether the first backup still runs: nothing violates for certain
    uncompared: bool = False  # no job of it was compared with one before: nothing is said of it, unless of none

    @property
    def decided(self) -> bool:
        """Whether a softer limit could add nothing."""
        return self.violates is True or self.nothing or self.pending or self.waiting


def read_rows(expectation: Expectation, case: Case) -> list[Row]:
    """Every record of the rule's list."""
    choice, evidence, rows = expectation.choice, case.evidence[expectation.choice.dataset], []
    for job in evidence.jobs:
        selected, chosen = chosen_in(case, choice, job)
        in_window = evidence.in_window(job, choice.start, choice.clock)
        population, undecided = all_of([chosen, in_window]), still_open(evidence, job, expectation.measure == "share" and expectation.waits)
        outside = chosen is True and in_window is False
        rows.append(Row(job, selected, chosen, population, outside, undecided, evidence.holds(job, expectation.of), job.get("CreationDate")))
    return leave_out_children(rows, expectation, evidence) if choice.once else rows


def leave_out_children(rows: list[Row], expectation: Expectation, evidence: Evidence) -> list[Row]:
    """A composite job is listed as a parent and a child for each resource in it, and counts once: a child is left out where its parent is counted in the same
    group and answers alike."""
    by_id: dict[Any, list[Row]] = {}
    for row in rows:
        by_id.setdefault(row.job.get(evidence.kind.id), []).append(row)
    values = {id(row.job): [evidence.value(row.job, name) for name in expectation.per] for row in rows}
    left, unsure = [], []
    for row in rows:
        parent = evidence.member(row.job, "ParentJobId")
        if parent is UNKNOWN:
            stood_for = None if any(stands_for(other, row, values) is not False for other in rows if other is not row) else False
            unsure += [row] if stood_for is None else []
        else:
            stood_for = False if parent is MISSING else is_stood_for(row, parent, by_id, values, evidence)
        left.append(row._replace(stood_for=stood_for))
    certain = counted_for_certain(left, unsure, values, evidence)
    return [row._replace(stood_for=False) if id(row.job) in certain else row for row in left]


def stands_for(parent: Row, child: Row, values: dict[int, list[Any]]) -> bool | None:
    """Whether the one is counted in the group of the other and answers alike."""
    of_parent, of_child = values[id(parent.job)], values[id(child.job)]
    absent = (UNKNOWN, MISSING)
    same_group = all_of(None if one in absent or of_child[place] in absent else one == of_child[place] for place, one in enumerate(of_parent))
    alike = any_of([all_of([parent.matches, child.matches]), all_of([negate(parent.matches), negate(child.matches)])])
    return all_of([parent.counted(), same_group, alike])


def is_stood_for(child: Row, parent: str, by_id: dict[Any, list[Row]], values: dict[int, list[Any]], evidence: Evidence) -> bool | None:
    """Of several records with the parent's id, or of a circle of parents, nobody can say which stands for which; a record without an id may be the parent."""
    named = [row for row in by_id.get(parent, []) if row.job is not child.job]
    perhaps = [row for row in by_id.get(None, []) if row.job is not child.job]
    answer = any_of([*(stands_for(row, child, values) for row in named), *(all_of([None, stands_for(row, child, values)]) for row in perhaps)])
    above: Any = parent
    passed = {child.job.get(evidence.kind.id)}
    while above is not None and above not in passed and len(by_id.get(above, [])) == 1:
        passed.add(above)
        above = by_id[above][0].job.get("ParentJobId")
    return None if answer and (len(named) > 1 or above in passed) else answer


def counted_for_certain(left: list[Row], unsure: list[Row], values: dict[int, list[Any]], evidence: Evidence) -> set[int]:
    """Of the records of a group that do not say whether they have a parent, one that matches is counted, as a parent is not in the place of its children; and
    one that does not match. But not where another record, counted for certain, may be the parent of all."""
    first: dict[Any, Row] = {}
    for row in sorted(unsure, key=lambda row: (row.job.get(evidence.kind.id) is None, row.job.get(evidence.kind.id, ""))):
        if row.counted() is True and row.matches is not None and not {UNKNOWN, MISSING}.intersection(values[id(row.job)]):
            first.setdefault((row.matches, *values[id(row.job)]), row)
    others = [row for row in left if row.stood_for is False]
    return {id(row.job) for row in first.values() if not any(stands_for(other, row, values) is True for other in others)}


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


def resource_of(job: Job, evidence: Evidence) -> tuple[str, str, str] | None:
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
    nameless: bool  # a record may make a subject, at any time, and does not say which
    others: list[Row]  # of an unknown group, and perhaps counted


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
    strays: list[Row] = []
    for record in rows:
        belongs = subjects_of(record, expectation, case, subjects)
        row = belonging(record, any_of(own for _, own in belongs)) if expectation.inventory is not None else record
        settled.append(row)
        values = [evidence.value(row.job, name) for name in others]
        complete = not any(value is UNKNOWN or value is MISSING for value in values)
        nowhere = any(subject is None for subject, _ in belongs) or (bool(belongs) and not complete)
        unknown = unknown or (row.counted(expectation.measure in COMPARED) is not False and nowhere)
        if nowhere and MISSING not in values and record.counted(expectation.always) is not False:
            strays.append(belonging(record, None))
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
    nameless = expectation.inventory is None and bool(expectation.per) and makes_nameless(expectation, case, rows, others)
    return Formed(list(made.values()), len(subjects) if resources else len(made), settled, unknown, nameless, strays)


def makes_nameless(expectation: Expectation, case: Case, rows: list[Row], others: list[str]) -> bool:
    """Whether nobody can say of a record that may make a subject which one: it may be of one that no other record names."""
    choice, evidence, resources = expectation.choice, case.evidence[expectation.choice.dataset], "ResourceArn" in expectation.per
    for row in rows:
        lacks = any(evidence.value(row.job, name) is UNKNOWN for name in others) or (resources and resource_of(row.job, evidence) is None)
        if lacks and row.selected is not False:
            return True
    if not resources or choice.dataset == "backup_jobs":
        return False
    backups, narrowed = case.evidence["backup_jobs"], about_resources(choice.where)
    return any(
        resource_of(job, backups) is None
        and all_of([in_scope(backups.place(job), case.scope), backups.holds(job, narrowed), None if job.doubtful else True]) is not False
        for job in backups.jobs
    )


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
    said = values.get("ResourceType") or resource_type
    types = {said.lower()} if said else types_of_resource(arn, expectation, case)
    if "ResourceType" not in values:
        values["ResourceType"] = resource_type or case.evidence[expectation.choice.dataset].types.get(arn)
    return Group((account, region), values, name, sure, types)


def types_of_resource(arn: Any, expectation: Expectation, case: Case) -> set[str]:
    """The types, in lower case, that the records of the rule's list say of a resource, and with ResourceArn in `per` those of the backup jobs."""
    lists = {expectation.choice.dataset} | ({"backup_jobs"} if "ResourceArn" in expectation.per else set())
    return {kind for name in lists for kind in case.evidence[name].types_said.get(arn, set())}


class Clues(NamedTuple):
    """What a record says of its group, or a group of itself: None where it does not say."""

    said: tuple[Any, ...]  # ARN, account, Region, the other `per` fields, and the names that the ARNs among these end with
    types: frozenset[str]

    def agree(self, group: Clues) -> bool:
        same = all(None in pair or pair[0] == pair[1] for pair in zip(self.said, group.said))  # noqa: B905 (Python 3.9 has no strict)
        return same and (not self.types or not group.types or bool(self.types & group.types))


ENDS = {"BackupVaultArn": "BackupVaultName", "CreatedBy.BackupPlanArn": "CreatedBy.BackupPlanId"}  # what the ARN ends with


def clues_of_job(job: Job, expectation: Expectation, case: Case) -> Clues:
    """What a record says, itself or by a field that says the same."""
    evidence, said = case.evidence[expectation.choice.dataset], []
    arns = {name: arn for arn, name in ENDS.items()}
    for name in [name for name in expectation.per if name != "ResourceArn"]:
        value = evidence.value(job, name)
        told = None if value is UNKNOWN else value
        said += [told or last_part(job.get(arns.get(name, "")))]
        said += [last_part(told) or job.get(ENDS[name])] if name in ENDS else []
    own = job.get("ResourceType")
    types = {own.lower()} if own else types_of_resource(job.get(evidence.kind.resource), expectation, case)
    return Clues((job.get(evidence.kind.resource), *evidence.place(job), *said), frozenset(types))


def clues_of_group(group: Group, expectation: Expectation, case: Case) -> Clues:
    """What a group says of itself. Without ResourceArn in `per` an ARN of a vault or a plan tells the place; but a vault that a restore read may be of another
    account."""
    kind, fields, said = case.evidence[expectation.choice.dataset].kind, group.fields, []
    for name in [name for name in expectation.per if name != "ResourceArn"]:
        said += [fields[name]] + ([last_part(fields[name])] if name in ENDS else [])
    arns = [fields[name] for name in (kind.vault, "CreatedBy.BackupPlanArn") if name in expectation.per]
    account, region = group.place
    accounts = [None if kind.id == "RestoreJobId" else arn_part(arn, 4) for arn in arns]
    account = account or next(filter(None, accounts), None)
    region = region or next(filter(None, (arn_part(arn, 3) for arn in arns)), None)
    return Clues((fields["ResourceArn"], account, region, *said), group.types)


class Others:
    """The records of unknown groups, by what they say: each may be of any group that it does not contradict."""

    def __init__(self, rows: list[Row], expectation: Expectation, case: Case) -> None:
        self.expectation, self.case = expectation, case
        self.rows: dict[Clues, list[Row]] = {}
        for row in rows:
            if self.favours(row):
                self.rows.setdefault(clues_of_job(row.job, expectation, case), []).append(row)
        self.known: dict[Any, bool] = {}

    def favours(self, row: Row) -> bool:
        """Whether a record could make the measure better: one that may match, and under an upper bound one that may not."""
        expectation, evidence = self.expectation, self.case.evidence[self.expectation.choice.dataset]
        upper = expectation.measure in ("count", "share", "streak") and not expectation.lower
        passed_over = expectation.measure == "streak" and expectation.waits and evidence.state_in(row.job, evidence.kind.in_progress)
        finished = expectation.measure != "latest" or evidence.state_in(row.job, evidence.kind.finished) is not False
        return finished and not passed_over and row.matches is not upper

    def undo(self, group: Group) -> bool:
        """Whether a group that violates would not, if those of them were its own that favour it. A count over its limit stays over it."""
        expectation, case = self.expectation, self.case
        if not self.rows or (expectation.measure == "count" and not expectation.lower):
            return False
        own = clues_of_group(group, expectation, case)
        kinds = tuple(clues for clues in self.rows if clues.agree(own))
        if group.rows:
            return self.keeps(group, kinds)
        key = (kinds, newness(group, expectation, case)) if expectation.measure in ("longest_gap", "calendar") else (kinds, None)
        if key not in self.known:
            self.known[key] = self.keeps(group, kinds)
        return self.known[key]

    def keeps(self, group: Group, kinds: tuple[Clues, ...]) -> bool:
        """Whether a group would not violate with the records that say these things."""
        rows = [row for clues in kinds for row in self.rows[clues]]
        if self.expectation.measure == "latest":
            rows = [row for row in rows if may_end_last(row, group, self.case.evidence[self.expectation.choice.dataset])]
        return bool(rows) and assess(group.joined_by(rows), self.expectation, self.case).violates is not True


def may_end_last(row: Row, group: Group, evidence: Evidence) -> bool:
    """Whether a job may have ended no earlier than all that certainly ended in the group."""
    certain = (one.job for one in group.rows if one.counted() is True and evidence.state_in(one.job, evidence.kind.finished))
    ends = [end for end in (evidence.deadline(job, 0) for job in certain) if end is not None]
    end = evidence.deadline(row.job, 0)
    return end is None or not ends or end >= max(ends)


def may_run_first(group: Group, expectation: Expectation, case: Case) -> bool:
    """Whether a backup job in progress that does not say whose it is may be the first one of a resource that none certainly is of."""
    if (
        "ResourceArn" not in expectation.per
        or not (expectation.lower or expectation.measure in ("newest", "latest", "longest_gap"))
        or expectation.measure == "share"
    ):
        return False
    backups, evidence, arn = case.evidence["backup_jobs"], case.evidence[expectation.choice.dataset], group.fields["ResourceArn"]
    if any(is_here(backups.place(job), group.place) for job in case.backups_of.get(arn, [])):
        return False
    if evidence is not backups:
        others = [job for job in evidence.jobs if job.get(evidence.kind.resource) == arn]
        if all_of(any_of([negate(belongs(job, group, evidence)), evidence.state_in(job, evidence.kind.in_progress)]) for job in others) is False:
            return False
    own = Clues((arn, *group.place), group.types)
    for job in backups.jobs:
        if resource_of(job, backups) is None and still_open(backups, job, True) is not False:
            kind = job.get("ResourceType")
            types = {kind.lower()} if kind else types_of_resource(job.get("ResourceArn"), expectation, case)
            if Clues((job.get("ResourceArn"), *backups.place(job)), frozenset(types)).agree(own):
                return True
    return False


def is_here(place: tuple[Any, Any], stated: tuple[Any, Any]) -> bool:
    """Whether a place is the stated one, as far as it is stated."""
    return all(half is None or place[number] == half for number, half in enumerate(stated))


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
    enough = enough and expectation.inventory not in case.inventories.incomplete
    if expectation.needed != {dataset}:
        enough = enough and case.covers("backup_jobs", None)
    if not expectation.per:
        groups[0].sure = chosen is True
        groups = [] if chosen is False else groups  # an upper bound must not be met by a misspelt vault
    assessed = assess_all(groups, formed, expectation, case)
    if expectation.softer is not None:
        warned = assess_all(groups, formed, expectation.softer, case)
        softer = [found for _, found in warned]
        assessed = [(group, found if found.decided else soften(found, softer[number])) for number, (group, found) in enumerate(assessed)]
    if expectation.share is not None:
        return judge_share(rule, expectation, formed, assessed, enough, case, waivers)
    definite = [(group, found) for group, found in assessed if found.violates and (enough or not found.nothing)]
    possible, pending = sum(found.violates is None for _, found in assessed), sum(found.pending for _, found in assessed)
    findings = [finding_of(group, found, case.evidence[dataset], waivers) for group, found in definite]
    every = expectation.measure not in ("count", "streak") or expectation.lower  # a subject without jobs could keep it from passing
    if (
        not enough
        or possible
        or formed.unknown
        or (formed.nameless and every)
        or (not expectation.per and chosen is None)
        or any(found.waiting for _, found in assessed)
    ):
        verdict = "inconclusive"
    elif not groups:
        verdict, findings = without_data(no_data, waivers)
    elif pending == len(groups):
        verdict = "inconclusive"  # all of them are new: nothing is decided
    elif any(found.uncompared for _, found in assessed) and all(found.uncompared or found.pending for _, found in assessed):
        verdict, findings = without_data(no_data, waivers, "pass" if any(row.outside for row in formed.rows) else "inconclusive")
    elif expectation.measure in ("count", "streak") and not expectation.lower and all(row.counted() is not True for row in formed.rows):
        verdict, findings = met_by_nothing(formed.rows, no_data, waivers)
    else:
        verdict = verdict_without_measure([group for group, found in assessed if found.nothing], no_data, len(groups))
    undecided = sum(all_of([row.population, row.undecided]) is True for row in formed.rows)
    examined = sum(row.counted() is True for row in formed.rows)
    return result_of(rule, waive(verdict, findings), findings, examined, subjects=formed.subjects, undecided=undecided, possible=possible, pending=pending)


def assess_all(groups: list[Group], formed: Formed, expectation: Expectation, case: Case) -> list[tuple[Group, Finding]]:
    """What the measure says of each group. What a job that does not say whose it is could undo is possible only."""
    assessed = [(group, settle(group, assess(group, expectation, case), expectation, case)) for group in groups]
    others = Others(formed.others, expectation, case)
    return [
        (group, found._replace(violates=None) if found.violates and (others.undo(group) or may_run_first(group, expectation, case)) else found)
        for group, found in assessed
    ]


def settle(group: Group, found: Finding, expectation: Expectation, case: Case) -> Finding:
    """What is known to violate: a sure subject, and where jobs that nobody listed could undo it, one whose place was read from the window's start to as_of."""
    if found.nothing and expectation.choice.no_data == "fail":
        found = found._replace(violates=None if found.unsettled else True)
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
    """The measure, taken in favour of the group and against it: what even the favourable value violates is definite. A first backup that still runs may keep
    the rule yet."""
    measure = expectation.measure
    if measure == "calendar":
        found = assess_calendar(group, expectation, case)
    else:
        found = assess_latest(group, case.evidence[expectation.choice.dataset]) if measure == "latest" else assess_value(group, expectation, case)
    if (found.violates is False and not (found.nothing and measure == "latest")) or measure not in (
        "newest",
        "latest",
        "longest_gap",
        "count",
        "streak",
        "calendar",
    ):
        return found
    if "ResourceArn" not in expectation.per or (measure in ("count", "streak") and not expectation.lower):
        return found
    runs = first_backup_runs(group, expectation, case)
    if runs:
        return Finding(False, [], pending=True)
    return found if runs is False else found._replace(violates=False if found.nothing else None, jobs=[], unsettled=True)


def assess_value(group: Group, expectation: Expectation, case: Case) -> Finding:
    """Every measure but `latest`: the value that favours the group, and the other."""
    measure, rows = expectation.measure, group.rows
    if measure in COMPARED:
        return assess_durations(group, expectation, case) if measure == "slowdown" else assess_sizes(group, expectation, case)
    bounded_below = measure in ("count", "streak") and expectation.lower
    elsewhere = measure == "newest" and expectation.choice.dataset != "backup_jobs" and "ResourceArn" in expectation.per
    elsewhere = elsewhere and case.as_of - int(expectation.choice.start or 0) < LISTED
    new, first = newness(group, expectation, case) if measure == "longest_gap" or bounded_below or elsewhere else (False, None)
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
    if bounded_below and worst and new is not False:
        well = went_well(rows, case.evidence[expectation.choice.dataset])
        if well is not False:
            return Finding(False, [], pending=True) if new and well and values[1] > 0 else Finding(None, [])
    if elsewhere and worst and new is True and values[0] == FOR_EVER:
        # Since its first backup no restore or copy came, and none went wrong: so much its age explains.
        well = went_well(rows, case.evidence[expectation.choice.dataset])
        if well is not False:
            return Finding(False, [], pending=True) if well else Finding(None, [])
    violates = True if best else None if worst else False
    return Finding(violates, shown_by(rows, expectation, case) if violates else [])


def went_well(rows: list[Row], evidence: Evidence) -> bool | None:
    """Whether each job of the population matches that is not in progress, or that is late."""
    return all_of(any_of([negate(row.counted()), still_open(evidence, row.job, True), row.matches]) for row in rows)


def first_backup_runs(group: Group, expectation: Expectation, case: Case) -> bool | None:
    """Whether all backup jobs there have ever been of the resource are in progress and in time, so that nothing can be said of it yet. Nobody knows where the
    backup jobs of its place were not read from more than a day before the first of them."""
    backups, evidence = case.evidence["backup_jobs"], case.evidence[expectation.choice.dataset]
    history = [(job, belongs(job, group, backups)) for job in case.backups_of.get(group.fields["ResourceArn"], [])]
    history = [(job, own) for job, own in history if own is not False]
    answers = [any_of(all_of([own, still_open(backups, job, True)]) for job, own in history)]
    answers += [any_of([negate(own), still_open(backups, job, True)]) for job, own in history]
    if evidence is not backups:
        others = [job for job in evidence.jobs if job.get(evidence.kind.resource) == group.fields["ResourceArn"]]
        answers += [any_of([negate(belongs(job, group, evidence)), evidence.state_in(job, evidence.kind.in_progress)]) for job in others]
    runs = all_of(answers)
    if runs is not True:
        return runs
    if not all(is_here(backups.place(job), group.place) for job, _ in history):
        return None  # it may be of another resource
    first = min((job.get("CreationDate", -1) for job, _ in history))
    return (
        True
        if first >= 0
        and all(reach is not None and reach.precedes(first) for reach in [case.reach["backup_jobs"].get(backups.place(job)) for job, _ in history])
        else None
    )


def belongs(job: Job, group: Group, evidence: Evidence) -> bool | None:
    """Whether a job with the group's ResourceArn is of its account and Region, as far as these are stated. Of a doubtful one nobody can say."""
    here = evidence.place(job)
    same = all_of(stated is None or (None if here[half] is None else here[half] == stated) for half, stated in enumerate(group.place))
    return all_of([same, None if job.doubtful else True])


def shown_by(rows: list[Row], expectation: Expectation, case: Case) -> list[Job]:
    """The jobs that a finding names."""
    measure, evidence = expectation.measure, case.evidence[expectation.choice.dataset]
    if measure in ("newest", "longest_gap"):
        matching = [row for row in rows if definite(row, measure == "newest") and row.created is not None]
        last = max(matching, key=lambda row: (row.created, row.job.get(evidence.kind.id, "")), default=None)
        if measure == "longest_gap":
            return [last.job] if last else []
        others = [row for row in rows if row.chosen is True and row.matches is False and evidence.state_in(row.job, evidence.kind.finished)]
        return [row.job for row in others if last is None or (row.created is not None and row.created > (last.created or 0))]
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


def runs_of(rows: list[Row], high: bool, expectation: Expectation, case: Case) -> list[list[Job]]:
    """The runs of consecutive matching jobs among those with a CreationDate: as long as may be where more is favoured, else as short."""
    evidence = case.evidence[expectation.choice.dataset]
    runs: list[list[Job]] = [[]]
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
    return (True if reach is not None and reach.precedes(first) and not unplaced and len(own) == len(dated) else None), first


# Warnings, and shares of the subjects


def soften(hard: Finding, soft: Finding) -> Finding:
    """What a softer limit makes of a group that does not certainly violate the limit: what is certain of either is found, what is possible stays so."""
    if soft.violates is True:
        return soft
    return hard if hard.violates is None or soft.violates is False else soft


def read_share(asked: Any) -> tuple[str, Fraction]:
    """The operator and the share."""
    require(isinstance(asked, dict) and len(asked) == 1 and set(asked) <= {"at_least", "more_than"}, "not a share of subjects", asked)
    ((word, text),) = asked.items()
    return word, read_limit("share", text)


def judge_share(
    rule: dict[str, Any], expectation: Expectation, formed: Formed, assessed: list[tuple[Group, Finding]], enough: bool, case: Case, waivers: Waivers
) -> dict[str, Any]:
    """`share_of_subjects`: whether enough of the subjects keep to the limit, in the best case and in the worst. Pending ones are not counted."""
    word, limit = expectation.share or ("", Fraction(0))
    counted = [(group, found) for group, found in assessed if not found.pending]
    keeping = [group.sure for group, found in counted if found.violates is False and not found.waiting]
    bad = [group for group, found in counted if found.violates]
    unknown = len(counted) - len(keeping) - len(bad)

    def keeps(good: int, count: int) -> bool:
        return count > 0 and COMPARISONS[word](Fraction(good, count), limit)

    best = keeps(len(counted) - len(bad), len(counted))
    worst = keeps(keeping.count(True), keeping.count(True) + len(bad) + unknown)
    # Jobs of unknown groups may be of subjects that nobody knows.
    settled = enough and not formed.unknown and not formed.nameless
    possible, pending = sum(found.violates is None for _, found in assessed), sum(found.pending for _, found in assessed)
    findings: list[dict[str, Any]] = []
    no_data, upper = expectation.choice.no_data, expectation.measure in ("count", "streak") and not expectation.lower
    if settled and counted and not best:
        accepted = sum(waivers.take_fields(group.fields) for group in bad)
        is_waived = accepted > 0 and keeps(len(counted) - len(bad) + accepted, len(counted))
        is_sure = keeps(len(counted) - len(bad) + accepted - unknown, len(counted))
        findings = [{"account": None, "region": None, "subject": "all", "jobs": [], "waived": is_waived}]
        verdict = "fail" if not is_waived else "waived" if is_sure else "inconclusive"
    elif not settled or (counted and not worst):
        verdict = "inconclusive"
    elif not assessed:
        verdict, findings = without_data(no_data, waivers)
        verdict = waive(verdict, findings)
    elif upper and all(row.counted() is not True for row in formed.rows):
        verdict, findings = met_by_nothing(formed.rows, no_data, waivers)
        verdict = waive(verdict, findings)
    else:
        verdict = "pass" if counted else "inconclusive"
    examined = sum(row.counted() is True for row in formed.rows)
    return result_of(rule, verdict, findings, examined, subjects=formed.subjects, possible=possible, pending=pending)


# Calendar days

PERIODS = ("days", "weeks", "months")


def read_periods(asked: dict[str, Any], as_of: int) -> list[tuple[int, int]]:
    """When the last days, ISO weeks or months of a zone that are over began and ended, the oldest first. They begin at midnight, or where that is skipped."""
    units = [unit for unit in PERIODS if unit in asked]
    require(len(units) == 1, "calendar needs days, weeks or months", asked)
    (unit,) = units
    number = read_limit("number", asked[unit])
    require(0 < number <= 400, "not from 1 to 400", asked[unit])
    try:
        zone = read_zone(asked.get("zone", "UTC"))
    except CronError as error:
        raise InputError(str(error)) from error
    day = (EPOCH + timedelta(microseconds=as_of)).astimezone(zone).date()
    end = day if unit == "days" else day - timedelta(days=day.weekday()) if unit == "weeks" else day.replace(day=1)
    edges = [end]
    for _ in range(number):
        # The last day of the month before is the day before its first.
        end = (end - timedelta(days=1)).replace(day=1) if unit == "months" else end - timedelta(days=1 if unit == "days" else 7)
        edges.append(end)
    moments = [midnight(edge, zone) for edge in reversed(edges)]
    return [(start, moments[place + 1]) for place, start in enumerate(moments[:-1])]


def midnight(day: date, zone: tzinfo) -> int:
    """When a day begins in a zone."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def assess_calendar(group: Group, expectation: Expectation, case: Case) -> Finding:
    """How many of the periods have a matching job. Of a new subject those before its first backup job are not asked: it is pending while these are too many."""
    periods, rows = expectation.periods, group.rows
    spare = len(periods) - expectation.limit  # so many may lack a job
    new, first = newness(group, expectation, case)
    excused = sum(end <= first for _, end in periods) if first is not None and new is not False else 0
    possible, sure = ([any(holds_one(row, period, high) for row in rows) for period in periods] for high in (True, False))
    undated = sum(row.created is None and possible_match(row) for row in rows)
    lacking = [period for number, period in enumerate(periods) if number >= excused and not possible[number]]
    if len(lacking) - undated > spare:
        evidence = case.evidence[expectation.choice.dataset]
        bad = [row for row in rows if row.chosen is True and row.matches is False and evidence.state_in(row.job, evidence.kind.finished)]
        return Finding(True, [row.job for row in bad if row.created is not None and any(start <= row.created < end for start, end in lacking)])
    if sum(sure) >= expectation.limit:
        return Finding(False, [])
    if new and excused and sure[excused:].count(False) <= spare:
        return Finding(False, [], pending=True)
    return Finding(None, [])


def holds_one(row: Row, period: tuple[int, int], high: bool) -> bool:
    """Whether a matching job was created in the period: a possible one, or a definite one."""
    return row.created is not None and period[0] <= row.created < period[1] and (possible_match(row) if high else definite(row))


WITHOUT_SIZES = ("aurora", "cloudformation", "documentdb", "eks", "fsx", "neptune", "rds")  # their jobs record no size, or 0
MOST_ALIKE, MOST_UNSURE, FEWEST_EARLIER = 4, 100, 5


class Sized(NamedTuple):
    """A job that may match, beside those before it."""

    job: Job
    sure: bool  # it certainly matches
    inside: bool | None  # and is in the window
    created: int | None
    size: int | None
    comparable: bool | None  # whether its size says how large the backup is


def comparable_size(job: Job) -> tuple[int | None, bool | None]:
    """The size of a backup, and whether it says anything: EFS records what was transferred, some types nothing, or 0."""
    kind, size = str(job.get("ResourceType") or "").lower(), job.get("BackupSizeInBytes")
    if kind == "efs" or (kind in WITHOUT_SIZES and not size):
        return size, False
    return size, True if kind and size is not None else None


def size_change(before: Sized, job: Sized, growth: bool, whole: bool) -> tuple[Any, Any]:
    """By what part of the one before a job is smaller, or larger: in its favour, and against it."""
    if job.inside is False or before.comparable is False or job.comparable is False:
        return 0, 0
    if before.size is None or job.size is None or not whole:
        return 0, FOR_EVER if growth else 1
    apart = job.size - before.size if growth else before.size - job.size
    change: Any = 0 if apart <= 0 else Fraction(apart, before.size) if before.size else FOR_EVER
    sure = job.inside and before.comparable and job.comparable
    return change if sure else 0, change


def in_window(row: Row, expectation: Expectation, evidence: Evidence) -> bool | None:
    """Whether a job would be in the window if it were one of the group."""
    return evidence.in_window(row.job, expectation.choice.start, expectation.choice.clock)


def orders_of(jobs: list[Sized]) -> list[list[Sized]]:
    """Every order of jobs created at one moment, with or without those that may not match."""
    orders: list[list[Sized]] = [[]]
    ways = []
    while orders:
        order = orders.pop()
        rest = [job for job in jobs if all(job is not taken for taken in order)]
        ways += [order] if order and not any(job.sure for job in rest) else []
        orders += [[*order, job] for job in rest]
    return ways


def assess_sizes(group: Group, expectation: Expectation, case: Case) -> Finding:
    """The greatest change of a size from one matching job to the next. A way through the jobs takes all that certainly match, and any of those that may: the
    value in favour of the group is that of the way whose greatest change is the least, the other that of any two jobs that may follow each other."""
    evidence, growth, dataset = case.evidence[expectation.choice.dataset], expectation.measure == "size_growth", expectation.choice.dataset
    jobs = [
        Sized(row.job, definite(row, True), in_window(row, expectation, evidence), row.created, *comparable_size(row.job))
        for row in group.rows
        if possible_match(row, True)
    ]
    if any(job.created is None for job in jobs):  # it may stand anywhere
        violates = None if len(jobs) > 1 and expectation.violated_by(FOR_EVER if growth else 1) else False
        return Finding(violates, [], uncompared=violates is False)

    def change(before: Sized, job: Sized) -> tuple[Any, Any]:
        return size_change(before, job, growth, case.lacks_none(dataset, group.place, before.created or 0, job.created or 0))

    moments: dict[Any, list[Sized]] = {}
    for job in sorted(jobs, key=lambda job: job.created or 0):
        moments.setdefault(job.created, []).append(job)
    lasts: list[tuple[Sized, Any]] = []  # what may be the last job so far, and the greatest change on the best way to it
    anything, none_yet, most, compared = False, True, 0, 0
    over: list[Job] = []
    for alike in moments.values():
        for job in alike:
            before = [*(last for last, _ in lasts), *(other for other in alike if other is not job)]
            most = max([most, *(change(last, job)[1] for last in before)])
            if job.sure and job.inside and before and not none_yet:
                least = min(change(last, job)[0] for last in before)
                over += [job.job] if expectation.violated_by(least) else []
            if job.sure and job.inside and job.comparable and before and not none_yet and not anything:
                compared += all(last.comparable for last in before)
        anything = anything or len(alike) > MOST_ALIKE
        reached: list[tuple[Sized, Any]] = []
        for order in [[job] for job in alike] if anything else orders_of(alike):
            ways = [max(worst, change(last, order[0])[0]) for last, worst in lasts] + ([0] if none_yet else [])
            steps = [change(order[place - 1], order[place])[0] for place in range(1, len(order))]
            reached.append((order[-1], max([min(ways), *steps])))
        best = [(job, min(worst for last, worst in reached if last is job)) for job in alike if any(last is job for last, _ in reached)]
        if any(job.sure for job in alike):
            lasts, none_yet = best, False
        else:
            lasts = lasts + best
        anything = anything or len(lasts) > MOST_UNSURE
    least = 0 if none_yet or anything else min((worst for _, worst in lasts), default=0)
    if expectation.violated_by(least):
        return Finding(True, over)
    if expectation.violated_by(most):
        return Finding(None, [])
    return Finding(False, [], uncompared=not compared)


def assess_durations(group: Group, expectation: Expectation, case: Case) -> Finding:
    """How many times the usual duration the slowest job took. What is usual is the median of the clean jobs before it, at least 5: in favour of the group the
    longest that the unknown leaves open, else the shortest."""
    evidence = case.evidence[expectation.choice.dataset]
    rows = [row for row in group.rows if row.chosen is not False]
    states = [(row, all_of([row.chosen, evidence.is_clean(row.job)]), evidence.value(row.job, "Duration")) for row in rows]
    certain: list[tuple[Job, Any]] = []
    least: Any = 0
    most: Any = 0
    waiting = False
    for row, _, duration in states:
        inside = in_window(row, expectation, evidence)
        if inside is False or row.matches is False or duration is MISSING:
            continue
        earlier = [
            (own if row.created is not None and other.created is not None and other.created < row.created else None, length)
            for other, own, length in states
            if other is not row and own is not False and not (row.created is not None and other.created is not None and other.created > row.created)
        ]
        sure = [length for own, length in earlier if own]
        others = [length for own, length in earlier if not own]
        waiting = waiting or len(sure) < FEWEST_EARLIER
        if len(sure) + len(others) < FEWEST_EARLIER:
            continue
        most = max(most, times_usual(duration, usual_duration(sure, others, False)))
        if definite(row, True) and inside and duration is not UNKNOWN and len(sure) >= FEWEST_EARLIER:
            times = times_usual(duration, usual_duration(sure, others, True))
            least = max(least, times)
            certain.append((row.job, times))
    if expectation.violated_by(least):
        return Finding(True, [job for job, times in certain if expectation.violated_by(times)])
    if expectation.violated_by(most):
        return Finding(None, [])
    return Finding(False, [], pending=waiting and not certain, uncompared=not waiting and not certain)


def usual_duration(sure: list[Any], others: list[Any], longest: bool) -> Any:
    """The longest, or shortest, median of durations that certainly count and any of the others."""
    unknown = FOR_EVER if longest else 0
    kept: list[Any] = [unknown if length is UNKNOWN else length for length in sure]
    rest = sorted((unknown if length is UNKNOWN else length for length in others), reverse=longest)
    medians: list[Any] = []
    for count in range(len(rest) + 1):
        lengths = sorted(kept + rest[:count])
        if len(lengths) >= FEWEST_EARLIER:
            half = len(lengths) // 2
            middle: list[Any] = lengths[half : half + 1] if len(lengths) % 2 else lengths[half - 1 : half + 1]
            medians.append(FOR_EVER if FOR_EVER in middle else Fraction(sum(middle), len(middle)))
    return max(medians) if longest else min(medians)


def times_usual(duration: Any, usual: Any) -> Any:
    """One duration by another."""
    if duration is UNKNOWN or (usual == 0 and duration):
        return FOR_EVER
    return 0 if usual in (0, FOR_EVER) else Fraction(duration) / usual


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
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, OSError, TypeError, ValueError) as error:
        require(zoneinfo.available_timezones(), "this machine has no time zones; install the tzdata package to evaluate the schedule of", name)
        raise CronError(f"no time zone {name!a}") from error


PLAN, RULE, VERSION, RULE_NAME = "CreatedBy.BackupPlanId", "CreatedBy.BackupRuleId", "CreatedBy.BackupPlanVersion", "CreatedBy.BackupRuleName"
CRON, ZONE = "CreatedBy.BackupRuleCron", "CreatedBy.BackupRuleTimezone"
TOLERANCE, USUAL_START_WINDOW = 60 * SECOND, 8 * HOUR


class Run(NamedTuple):
    """A due run that no job answers."""

    resource: tuple[str, str, str]
    plan: str
    moment: int
    definite: bool  # no record may have answered it, and the group is a sure one
    number: int  # of the group: two rules may miss a run each at one moment


class Missed(NamedTuple):
    """Of one group: the runs that nobody answered, how many nobody can say whether they were promised, how many were due, and whether a schedule that matters
    cannot be computed."""

    runs: list[Run]
    undecided: int
    due: int
    problem: bool


class Segment:
    """Consecutive records of a group with one schedule and one version of the plan: the moments of the schedule, how long after one its job may start, and the
    moments that jobs came for."""

    def __init__(self, records: list[Job], key: tuple[Any, ...], plans: Plans) -> None:
        self.first, self.last, self.version = records[0]["CreationDate"], records[-1]["CreationDate"], records[0].get(VERSION)
        self.as_of, self.calendar = plans.as_of, plans.schedule(records[0])
        if self.calendar is not None:
            self.window = plans.start_window(records[0], key, self.calendar)
            self.came, self.other = plans.answers(key, self.calendar, self.window)

    def moments(self, after: int, until: int) -> list[int]:
        return self.calendar.between(after, until) if self.calendar else []

    def is_due(self, moment: int) -> bool:
        """Whether its job must have come: its start window is over, or the next run has come, which a job that is still to come would answer."""
        return self.calendar is not None and (moment + self.window <= self.as_of or moment != self.calendar.latest(self.as_of))

    def answered(self, moment: int) -> bool | None:
        return any_of([self.came.get(moment, False), self.other])

    def is_open(self, moment: int) -> bool:
        """Whether the schedule has this moment, and it is due and nothing answers it for certain."""
        return bool(self.moments(moment - 1, moment)) and self.is_due(moment) and self.answered(moment) is not True


class Plans:
    """The scheduled backup jobs, their schedules and what they missed."""

    def __init__(self, case: Case, expectation: Expectation) -> None:
        self.as_of, self.start, self.evidence = case.as_of, int(expectation.choice.start or 0), case.evidence["backup_jobs"]
        self.schedules: dict[Any, Schedule | None] = {}
        self.groups: dict[tuple[Any, ...], bool] = {}  # account, Region, ARN, plan, rule; whether it is a sure group
        self.records: dict[Any, list[Job]] = {}  # by the group
        self.by_plan: dict[Any, list[Job]] = {}  # by account, Region and plan
        self.perhaps: list[Job] = []  # of an unknown plan, or of an unknown place
        self.examined, self.doubtful = 0, False
        for job in self.evidence.jobs:
            if self.is_of_unknown_plan(job) or (PLAN in job and None in self.evidence.place(job)):
                self.perhaps.append(job)
            elif PLAN in job:
                self.by_plan.setdefault((*self.evidence.place(job), job[PLAN]), []).append(job)
        self.rules = {place: connect_rules(jobs) for place, jobs in self.by_plan.items()}
        for job in self.evidence.jobs:
            self.sort_in(job, chosen_in(case, expectation.choice, job)[1])

    def is_of_unknown_plan(self, job: Job) -> bool:
        """Whether a plan made the job, or may have, and nobody can say which."""
        made = any(name.startswith("CreatedBy.") for name in job)
        return PLAN not in job and (made or self.evidence.member(job, PLAN) is UNKNOWN)

    def sort_in(self, job: Job, chosen: bool | None) -> None:
        """Put a scheduled job into its group. One that may be a scheduled job of any, and is chosen or may be, leaves the rule in doubt."""
        scheduled, created, resource = PLAN in job and RULE in job, job.get("CreationDate"), resource_of(job, self.evidence)
        self.examined += scheduled and chosen is True and created is not None and created >= self.start
        if not scheduled or created is None or resource is None:
            by_plan = PLAN in job or self.is_of_unknown_plan(job)
            self.doubtful = self.doubtful or (by_plan and chosen is not False)
            return
        key = (*resource, job[PLAN], self.rules[(*resource[:2], job[PLAN])][job[RULE]])
        self.records.setdefault(key, []).append(job)
        if chosen is not False:
            self.groups[key] = self.groups.get(key, False) or chosen is True

    def near(self, place: tuple[Any, ...]) -> list[tuple[Job, bool | None]]:
        """The records of a plan in an account and Region, and those that may be of it (None)."""
        account, region, plan = place
        perhaps = [job for job in self.perhaps if job.get(PLAN, plan) == plan and is_part(self.evidence.place(job), (account, region))]
        return [*((job, True) for job in self.by_plan[place]), *((job, None) for job in perhaps)]

    def schedule(self, job: Job) -> Schedule | None:
        """When the job's rule runs; None where that cannot be computed."""
        key = self.schedule_of(job)[:2]
        if key not in self.schedules:
            try:
                self.schedules[key] = Schedule(*key) if key[1] else None
            except CronError:
                self.schedules[key] = None
        return self.schedules[key]

    def schedule_of(self, job: Job) -> tuple[Any, Any, Any]:
        """What must stay the same within a segment. A missing time zone is UTC; of one that may have been dropped nobody can say (None)."""
        zone, disputed = self.evidence.member(job, ZONE), ZONE in job.unusable
        missing = zone is MISSING or (zone is UNKNOWN and job.whole and not disputed)
        return job.get(CRON), "UTC" if missing else None if zone is UNKNOWN else zone, job.get(VERSION)

    def segments(self, key: tuple[Any, ...]) -> list[Segment]:
        """The times without a change of schedule or plan version, in order."""
        ordered = sorted(
            self.records[key], key=lambda job: (job["CreationDate"], job.get("BackupJobId", ""), [job.get(name, "") for name in (CRON, ZONE, VERSION)])
        )
        parts: list[list[Job]] = []
        for job in ordered:
            if parts and self.schedule_of(parts[-1][0]) == self.schedule_of(job):
                parts[-1].append(job)
            else:
                parts.append([job])
        return [Segment(part, key, self) for part in parts]

    def start_window(self, first: Job, key: tuple[Any, ...], schedule: Schedule) -> int:
        """How long after a run its job may start: the longest that any job of this rule was given."""
        account, region, _, plan, rule = key
        place, given = (account, region, plan), []
        for job in self.by_plan[place]:
            ours = RULE in job and self.rules[place][job[RULE]] == rule and self.schedule_of(job) == self.schedule_of(first)
            if ours and "CreationDate" in job and "StartBy" in job:
                run = schedule.latest(job["CreationDate"] + TOLERANCE)
                given += [job["StartBy"] - run] if run is not None and job["StartBy"] > run else []
        return max(given, default=USUAL_START_WINDOW)

    def answers(self, key: tuple[Any, ...], schedule: Schedule, window: int) -> tuple[dict[int, bool | None], bool | None]:
        """The runs that some job of the plan on that resource came for: created after the run (or a minute before), before the next, and while its start
        window was open. A job that does not say its resource, its place or its plan may be one of these. Then the answer to all others: a job that does not
        say when it was created may have come for any."""
        account, region, arn, plan, _ = key
        came: dict[int, bool | None] = {}
        other: bool | None = False
        for job, own in self.near((account, region, plan)):
            if job.get("ResourceArn", arn) != arn:
                continue
            if "CreationDate" not in job:
                other = None
                continue
            run = schedule.latest(job["CreationDate"] + TOLERANCE)
            if run is not None and job["CreationDate"] <= run + window:
                came[run] = any_of([came.get(run, False), own if "ResourceArn" in job else None])
        return came, other

    def missed(self, key: tuple[Any, ...], number: int) -> Missed:
        """What one group missed, in its segments and between them."""
        found, undecided, due, problem = [], 0, 0, False
        segments, near = self.segments(key), self.near((key[0], key[1], key[3]))
        ended = self.ended_by_newer_version(segments[-1], near)
        for place, segment in enumerate(segments):
            following = segments[place + 1] if place + 1 < len(segments) else None
            if segment.calendar is None:
                problem = problem or following is None or following.first >= self.start
                continue
            for moment in segment.moments(max(segment.first + TOLERANCE, self.start - 1), segment.last if following else self.as_of):
                if segment.is_due(moment):
                    answer, unsure = segment.answered(moment), following is None and ended is not None and moment > ended
                    undecided, due = undecided + (unsure and answer is not True), due + (answer is True or not unsure)
                    found += [(moment, answer)] if answer is not True and not unsure else []
            if following is not None and following.calendar is not None:
                between = runs_between(segment, following, self.start, near)
                undecided, due = undecided + between.count("undecided"), due + len(between) - between.count("undecided")
                found += [run for run in between if isinstance(run, tuple)]
        runs = [Run(key[:3], key[3], moment, answer is False and self.groups[key], number) for moment, answer in found]
        return Missed(runs, undecided, due, problem)

    def ended_by_newer_version(self, last: Segment, near: list[tuple[Job, bool | None]]) -> int | None:
        """Since when nobody knows what the last segment promises, because a newer version of the plan may have taken its place; None where none has."""
        same = [job["CreationDate"] for job, own in near if own and "CreationDate" in job and job.get(VERSION) == last.version]
        latest = last.last if last.version is None else max(same)
        newer = (job.get(VERSION) is None or job.get(VERSION) != last.version for job, _ in near if job.get("CreationDate", latest + 1) > latest)
        return latest if any(newer) else None


def connect_rules(jobs: list[Job]) -> dict[str, tuple[str, ...]]:
    """The rule of each rule id of a plan. An edit may give a rule another id: ids with a name in common are one rule, unless one version of the plan has two of
    them."""
    ids: dict[str, set[str]] = {job[RULE]: {job[RULE]} for job in jobs if RULE in job}
    named: dict[str, set[str]] = {}
    versions: dict[Any, set[str]] = {}
    for job in jobs:
        if RULE in job:
            versions.setdefault(job.get(VERSION), set()).add(job[RULE])
            if RULE_NAME in job:
                named.setdefault(job[RULE_NAME], set()).add(job[RULE])
    for together in named.values():
        joined = set().union(*(ids[one] for one in together))
        ids.update(dict.fromkeys(joined, joined))
    return {one: (one,) if any(len(joined & used) > 1 for used in versions.values()) else tuple(sorted(joined)) for one, joined in ids.items()}


def runs_between(old: Segment, new: Segment, start: int, near: list[tuple[Job, bool | None]]) -> list[Any]:
    """The due runs between two segments: those that either schedule had and nobody answered, with whether they may have been answered; `undecided` where only
    one of them did, since nobody knows when the plan was edited; `answered` where a job came for it by both."""
    found: list[Any] = []
    after_old = new.moments(old.last + TOLERANCE, new.first)[:1]  # p, the last job of the old schedule, answers the first run of the new one when it comes soon
    soon = [moment for moment in after_old if moment <= old.last + new.window and not old.moments(moment - 1, moment)]
    versions = [job.get(VERSION) for job, _ in near if old.last < job.get("CreationDate", old.last + 1) < new.first or "CreationDate" not in job]
    another = any(version is None or version not in (old.version, new.version) for version in versions)
    after = max(old.last, start - 1)
    for moment in sorted({*old.moments(after, new.first), *new.moments(after, new.first)}):
        both = [segment.is_open(moment) for segment in (old, new)]
        if all(both):
            found.append("undecided" if another else (moment, any_of([old.answered(moment), new.answered(moment)])))
        elif any(both):
            found += [] if moment in soon else ["undecided"]
        elif all(segment.moments(moment - 1, moment) and segment.is_due(moment) for segment in (old, new)):
            found.append("answered")
    return found


def judge_missed_runs(rule: dict[str, Any], expectation: Expectation, case: Case, waivers: Waivers) -> dict[str, Any]:
    """`missed_runs`: the runs that a plan's schedule promised, and the jobs that came."""
    if "backup_jobs" not in case.read:
        return result_of(rule, "inconclusive", [])
    plans = Plans(case, expectation)
    missed: dict[tuple[str, str, str], list[Run]] = {}
    more: dict[tuple[str, str, str], int] = {}  # runs that may have been missed, too
    due_in: dict[tuple[str, str, str], set[tuple[str, str, str]]] = {}  # account, Region and plan: the resources with due runs
    undecided, problems, sure_due, unsure = 0, 0, 0, 0
    for number, (key, sure) in enumerate(plans.groups.items()):
        found = plans.missed(key, number)
        shown = case.shows_absence("backup_jobs", key[:2], plans.start)
        missed.setdefault(key[:3], []).extend(run if shown else run._replace(definite=False) for run in found.runs)  # else the job may have come unseen
        more[key[:3]] = more.get(key[:3], 0) + found.undecided
        undecided, problems = undecided + (found.problem or found.undecided > 0), problems + found.problem
        sure_due, unsure = sure_due + (found.due if sure else 0), unsure + found.undecided + (0 if sure else found.due)
        if found.due:
            due_in.setdefault((key[0], key[1], key[3]), set()).add(key[:3])
    exceeded = {resource: expectation.violated_by(sum(run.definite for run in runs)) for resource, runs in missed.items()}
    possible = sum(expectation.violated_by(len(runs) + more[resource]) and not exceeded[resource] for resource, runs in missed.items())
    violating = {resource: sorted(run for run in missed[resource] if run.definite) for resource, over in exceeded.items() if over}
    findings = missed_findings(violating, due_in, plans, waivers)
    if not case.covers("backup_jobs", plans.start) or possible or plans.doubtful or problems or (unsure and not sure_due):
        verdict = "inconclusive"
    elif sure_due:
        verdict = "pass"
    else:
        verdict, findings = without_data(expectation.choice.no_data, waivers)
    return result_of(rule, waive(verdict, findings), findings, plans.examined, subjects=len(missed), undecided=undecided, possible=possible)


def missed_findings(violating: dict[Any, list[Run]], due_in: dict[Any, set[Any]], plans: Plans, waivers: Waivers) -> list[dict[str, Any]]:
    """One finding a resource, but one a plan that fell silent for all its resources; a resource that missed runs of other plans too keeps its own."""
    findings, told = [], set()
    for place, resources in due_in.items():
        runs = sorted(run for resource in resources for run in violating.get(resource, []) if run.plan == place[2])
        silent = len(resources) >= 2 and resources <= {run.resource for run in runs}
        if not silent or any(job.get("CreationDate", plans.as_of) >= min(run.moment for run in runs) - TOLERANCE for job, _ in plans.near(place)):
            continue
        told.update(runs)
        named = [job for job in plans.by_plan[place] if "CreatedBy.BackupPlanArn" in job and "CreationDate" in job]
        newest_named: dict[str, Any] = max(named, key=lambda job: (job["CreationDate"], job.get("BackupJobId", ""), job["CreatedBy.BackupPlanArn"]), default={})
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


NEARNESS_KINDS = ("text", "word", "arn", "account", "name")


class Sought(NamedTuple):
    """A value that a rule compares with, and what its evidence holds."""

    asked: str
    field: str
    kind: str
    value: str
    found: set[str]

    def holds(self, value: str) -> bool:
        """Whether the comparison holds for a value of the evidence."""
        return bool(COMPARISONS[self.asked](value.lower() if self.kind == "word" else value, self.value))


def leaves_of(parts: list[Part]) -> list[Part]:
    """The comparisons of conditions, however deep."""
    return [leaf for part in parts for leaf in ([part] if part.field else [one for branch in part.inside for one in leaves_of(branch)])]


def values_sought(rule: dict[str, Any], case: Case) -> list[Sought]:
    """Every text that a rule compares for equality or as a part, with the values of that field in all records, whatever window and scope say, and what
    was recorded after as_of, too."""
    dataset, inventory, entries = rule.get("dataset", "backup_jobs"), rule.get("inventory"), case.inventories.entries
    subjects = dataset != "backup_jobs" and inventory is None and "ResourceArn" in (rule.get("per") or [])
    where = read_conditions(rule.get("where", {}), LISTS[dataset])
    of_resources = leaves_of(about_resources(where))
    asked = [(leaf, [dataset, "backup_jobs"] if subjects and leaf in of_resources else [dataset]) for leaf in leaves_of(where)]
    stated = [rule.get("none", {}), rule.get("all", {}), *(measure.get("of", {}) for measure in rule.get("expect", {}).values())]
    asked += [(leaf, [dataset]) for conditions in stated for leaf in leaves_of(read_conditions(conditions, LISTS[dataset]))]
    if "followed_by" in rule:
        other = rule["followed_by"]["dataset"]
        asked += [(leaf, [other]) for leaf in leaves_of(read_conditions(rule["followed_by"].get("where", {}), LISTS[other]))]
    everywhere, own = [entry for listed in entries.values() for entry in listed], entries.get(str(inventory), [])
    tags = {name for entry in everywhere for name in entry.get("tags") or {}}
    sought = [Sought("equals", "in_inventory", "name", inventory, set(entries))] if inventory is not None else []
    for leaf, datasets in asked:
        kind, found = LISTS[datasets[0]].field(leaf.field)[1], set(entries)
        if leaf.field != "in_inventory":
            jobs = [(case.evidence[name], job) for name in datasets for job in case.evidence[name].jobs]
            said = [job.later[leaf.field] if leaf.field in job.later else evidence.value(job, leaf.field) for evidence, job in jobs]
            of_entries = everywhere if leaf.field == "AccountName" or leaf.field.startswith("Tags.") else own if leaf.field in ENTRY_MEMBERS else []
            found = {value for value in [*said, *(entry_value(entry, leaf.field) for entry in of_entries)] if isinstance(value, str)}
        if leaf.field.startswith("Tags."):
            sought.append(Sought("equals", "Tags.", "name", leaf.field[len("Tags.") :], tags))
        if kind in NEARNESS_KINDS and leaf.asked in ("equals", "contains", "starts_with", "ends_with"):
            sought += [Sought(leaf.asked, leaf.field, kind, value, found) for value in leaf.wanted]
    return sought


def has_near_miss(rule: dict[str, Any], case: Case) -> bool:
    """Whether a value of the rule is nowhere in the evidence, while one that differs in case, spaces, hyphens, plural or an ARN's path alone is."""
    sought = values_sought(rule, case)
    for one in sought:
        alike = [other for other in sought if (other.asked, other.field) == (one.asked, one.field)]
        if not any(one.holds(value) for value in one.found) and any(not any(other.holds(part) for other in alike) for part in parts_near(one)):
            return True
    return False


def parts_near(sought: Sought) -> list[str]:
    """The values of the evidence that are near one of a rule; of one that holds it but for case, the part that does."""
    if sought.asked == "equals":
        own = forms(sought.value)
        if sought.field == "IamRoleName" or sought.value.startswith("arn:"):
            own |= forms(re.split("[/:]", sought.value)[-1])
        return [value for value in sought.found if own & forms(value)]
    compare = COMPARISONS[sought.asked]
    for number, reading in enumerate(READINGS):
        wanted = reading(sought.value)
        if not wanted or (number == 2 and len(wanted) < 5) or (number == 3 and (sought.kind != "arn" or "/" not in sought.value)):
            continue
        near = [value for value in sought.found if compare(reading(value), wanted)]
        if near:
            return [part_of(value, sought) for value in near]
    return []


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


READINGS: list[Callable[[str], str]] = [
    fold,
    lambda text: re.sub(r"[\s_-]+", "-", fold(text)),
    lambda text: re.sub(r"[\s_-]+", "", fold(text)),
    lambda text: re.sub(r"/(?:[^/]*/)+", "/", fold(text)),
]


def part_of(value: str, sought: Sought) -> str:
    """The part of a value that is the sought one but for case, letter by letter; else all of it."""
    folded, wanted = fold(value), fold(sought.value)
    if len(folded) != len(value) or len(wanted) != len(sought.value) or not COMPARISONS[sought.asked](folded, wanted):
        return value
    start = 0 if sought.asked == "starts_with" else len(value) - len(wanted) if sought.asked == "ends_with" else folded.index(wanted)
    return value[start : start + len(wanted)]


def forms(text: str) -> set[str]:
    """What a value may be taken for: without an ARN's path, case, spaces, hyphens, and the plural."""
    if text.startswith("arn:") and "/" in text:
        text = text[: text.index("/") + 1] + text[text.rindex("/") + 1 :]
    words = [word for word in re.split(r"[\s_-]+", fold(text)) if word]
    whole = "".join(words)
    found = {whole, "".join(map(singular, words)), singular(whole), whole[:-2] if whole.endswith("es") and len(whole) > 4 else ""} - {""}
    return found or {fold(text)}


def singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 2 else word


def read_nothing(name: str) -> bytes:
    raise InputError(f"the document names files, and is in no folder: {name!a}")


def reperform(document: Any, read: Callable[[str], bytes] = read_nothing) -> dict[str, Any]:
    """Evaluate every rule of a document of schema policycheck/reperform/2; raises InputError where it is not understood. `read` gives the files it names."""
    reading = "the document"
    try:
        check_keys(document, "it", "schema as_of covers coverage scope inventories incomplete_inventories sources rules waivers policies")
        require(document["schema"] == SCHEMA, f"not {SCHEMA}", document["schema"])
        as_of, claimed = read_time(document["as_of"], True), [read_time(time, True) for time in document.get("covers") or []]
        require(len(claimed) in (0, 2) and claimed == sorted(claimed), "covers is not [from, to]", claimed)
        several = "policies" in document
        require(not several or not document.keys() & {"scope", "rules", "waivers"}, "policies have their own scope, rules and waivers", sorted(document))
        case = Case(document, as_of, claimed, read)
        if not several:
            return {"rules": judge_policy(document, case)}
        answers = []
        for policy in document["policies"]:
            reading = "a policy"
            check_keys(policy, "it", "id scope rules waivers")
            reading = f"policy {policy['id']!a}"
            answers.append({"id": policy["id"], "rules": judge_policy(policy, case)})
        ids = [answer["id"] for answer in answers]
        require(len(set(ids)) == len(ids), "two policies have one id", ids)
        return {"policies": answers}
    except (AttributeError, EOFError, KeyError, OSError, OverflowError, RecursionError, TypeError, ValueError, re.error, zlib.error) as error:
        raise InputError(f"{reading}: {error if isinstance(error, InputError) else ascii(error)}") from error


def judge_policy(policy: dict[str, Any], whole: Case) -> list[dict[str, Any]]:
    """The results of the rules that stand beside one scope and some waivers."""
    reading = "scope and waivers"
    try:
        declared = policy.get("scope") or {}
        check_keys(declared, "scope", "accounts regions may_be_empty organization")
        require(declared.get("organization") in (None, True, False), "neither true nor false", declared)
        scope = {name: declared.get(name) or [] for name in ("accounts", "regions", "may_be_empty")}
        require(all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in scope.values()), "not lists of text", scope)
        case = whole.within(scope, bool(declared.get("organization")))
        waivers, results = read_waivers(policy), []
        for rule in policy["rules"]:
            reading = "a rule"
            check_keys(
                rule, "it", "id dataset where within clock jobs none all expect followed_by per inventory share_of_subjects no_data unless_recovered_within"
            )
            kinds = [kind for kind in JUDGES if kind in rule]
            require(isinstance(rule["id"], str) and len(kinds) == 1, "needs an id and either none, all, expect or followed_by", rule)
            reading = f"rule {rule['id']!a}"
            require(rule.get("dataset") not in HELD and rule.get("inventory") not in HELD, NOT_AGAIN, rule.get("dataset") or rule.get("inventory"))
            require(
                kinds == ["expect"] or not rule.keys() & {"per", "inventory", "share_of_subjects"},
                "per, inventory and share_of_subjects stand beside expect",
                rule,
            )
            require("none" in rule or kinds == ["all"] or "unless_recovered_within" not in rule, "unless_recovered_within qualifies none", rule)
            result = JUDGES[kinds[0]](rule, case, Waivers(rule, waivers.get(rule["id"], []), case.as_of))
            results.append({**result, "verdict": "inconclusive"} if result["verdict"] != "fail" and has_near_miss(rule, case) else result)
        return sorted(results, key=lambda result: str(result["id"]))
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError, re.error) as error:
        raise InputError(f"{reading}: {error if isinstance(error, InputError) else ascii(error)}") from error


JUDGES = {"none": judge_jobs, "all": judge_jobs, "followed_by": judge_following, "expect": judge_groups}


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. One that has a member twice is refused: neither of the two can be believed."""
    found = dict(pairs)
    require(len(found) == len(pairs), "an object has a member twice", [name for name, _ in pairs])
    return found


def shown(value: Any) -> str:
    """Untrusted text for a terminal or a CI runner's log: printable ASCII, and no number sign."""
    text = re.sub("[\t\n \xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+", " ", str(value).replace("\r\n", "\n"))
    return re.sub(r"[^\x20-\x7e]", "?", text).strip().replace("#", "?")


def file_below(folder: Path, name: str) -> bytes:
    """A file of the folder by a name that leads nowhere else."""
    require(re.fullmatch(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*", name) and not {".", ".."} & set(name.split("/")), "not the name of a file of a bundle", name)
    return folder.joinpath(*name.split("/")).read_bytes()


SUMS, MANIFEST, INPUT, RESULT = "SHA256SUMS", "bundle.json", "reperform.json", "result.json"


def read_sums(text: bytes) -> dict[str, str]:
    """The digest of each file by its name, as sha256sum writes them."""
    lines = [re.fullmatch(r"([0-9a-f]{64})  (.+)", line) for line in text.decode("ascii").splitlines()]
    require(lines and all(lines), "not a list of SHA-256 digests", SUMS)
    found = [(line.group(2), line.group(1)) for line in lines if line]
    require(len(dict(found)) == len(found), "a file stands twice in", SUMS)
    return dict(found)


def damage_of(folder: Path) -> list[str]:
    """What is not as SHA256SUMS says: files that were changed, are missing, or were added."""
    try:
        sums = read_sums((folder / SUMS).read_bytes())
    except (OSError, ValueError) as error:
        return [f"{SUMS} cannot be read: {shown(error)}"]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()} - {SUMS}
    problems = [f"{shown(name)} is missing" for name in sorted({*sums, MANIFEST, INPUT, RESULT} - there)]
    problems += [f"{shown(name)} is not part of the bundle: move it elsewhere" for name in sorted(there - sums.keys())]
    changed = (name for name in sorted(sums.keys() & there) if hashlib.sha256(file_below(folder, name)).hexdigest() != sums[name])
    problems += [f"{shown(name)} was changed: it is not what SHA256SUMS says" for name in changed]
    if problems:
        return problems
    try:
        held = files_held(json.loads((folder / MANIFEST).read_bytes(), object_pairs_hook=read_object))
    except (RecursionError, ValueError) as error:
        return [f"{MANIFEST} cannot be read: {shown(error)}"]
    return [f"{shown(name)} is not what bundle.json says was read" for name, digest in held if sums.get(name) != digest]


def files_held(value: Any) -> list[tuple[Any, Any]]:
    """Name and digest of every file that bundle.json says the run read: policies, waivers, inventories, lists and answers."""
    if isinstance(value, list):
        return [held for item in value for held in files_held(item)]
    if not isinstance(value, dict):
        return []
    own = [(value["file"], value["sha256"])] if {"file", "sha256"} <= value.keys() else []
    return own + files_held(list(value.values()))


COUNTS = ("examined", "subjects", "undecided", "possible", "pending")
MOST_JOBS = 20  # a saved result names so many jobs of a finding


def differences(answer: dict[str, Any], document: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Where the answer to a document with policies is not what the result of a run says, a line each."""
    problems = []
    if read_time(result["as_of"]) // 1000 != read_time(document["as_of"], True) // 1000:
        problems.append(f"as_of: the result says {shown(result['as_of'])}, the document {shown(document['as_of'])}")
    if document.get("coverage") is not None and spelled_coverage(document["coverage"]) != spelled_coverage(result["coverage"]):
        problems.append("coverage: the result and the document do not say the same")
    ours = {(policy["id"], rule["id"]): rule for policy in answer["policies"] for rule in policy["rules"]}
    theirs = {(rule["policy"], rule["id"]): rule for rule in result["rules"]}
    problems += [f"rule {shown('/'.join(key))}: the document does not have it" for key in theirs if key not in ours]
    problems += [f"rule {shown('/'.join(key))}: the result does not have it" for key in ours if key not in theirs]
    if len(theirs) != len(result["rules"]):
        problems.append("the result has a rule twice")
    for key in sorted(ours.keys() & theirs.keys()):
        rule, reported = ours[key], theirs[key]
        told = [f"{name} {shown(reported[name])}, evaluated again {rule[name]}" for name in ("verdict", *COUNTS) if reported[name] != rule[name]]
        if sorted(map(our_finding, rule["findings"])) != sorted(map(their_finding, reported["findings"])):
            told.append(f"findings: {len(reported['findings'])} reported, {len(rule['findings'])} evaluated again, and they are not the same")
        problems += [f"rule {shown('/'.join(key))}: {text}" for text in told]
    return problems + wrong_totals(list(ours.values()), result)


def our_finding(finding: dict[str, Any]) -> str:
    place = [shown(finding[name]) for name in ("account", "region", "subject")]
    return str([*place, [shown(job) for job in finding["jobs"][:MOST_JOBS]], finding["waived"], finding.get("missed", [])])


def their_finding(finding: dict[str, Any]) -> str:
    """The same of the result; runs that were missed stand in the details alone."""
    place = [shown(finding[name]) for name in ("account", "region", "subject")]
    missed = [re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ): rule ", line) for line in finding["details"]]
    of_runs = finding["cause"] in ("missed_run", "plan_silent")
    return str([*place, list(map(shown, finding["jobs"])), finding["waiver"] is not None, sorted({run.group(1) for run in missed if run} if of_runs else [])])


def spelled_coverage(rows: list[dict[str, Any]]) -> list[str]:
    """Rows of coverage, times in milliseconds as a result has them."""

    def edge(text: Any) -> Any:
        return None if text is None else read_time(text, True) // 1000

    telling = (
        row for row in rows if not row["complete"] or row["basis"] == "observed" or row.get("jobs", 1)
    )  # of what is claimed, an empty list shows no place
    return sorted(str([row["dataset"], row["account"], row["region"], edge(row["from"]), edge(row["to"]), row["complete"]]) for row in telling)


def wrong_totals(rules: list[dict[str, Any]], result: dict[str, Any]) -> list[str]:
    """Where the totals of the result are not what its rules, evaluated again, add up to."""
    words = {"passed": "pass", "failed": "fail", "waived": "waived", "inconclusive": "inconclusive", "skipped": "skipped"}
    verdicts, findings = [rule["verdict"] for rule in rules], [finding for rule in rules for finding in rule["findings"]]
    totals = {"rules": len(rules), **{name: verdicts.count(word) for name, word in words.items()}}
    totals.update({"findings_waived": sum(finding["waived"] for finding in findings), "findings": sum(not finding["waived"] for finding in findings)})
    totals.update({name: sum(rule[name] for rule in rules) for name in ("pending", "undecided")})
    summary = result["summary"]
    problems = [f"summary: {name} {shown(summary[name])}, evaluated again {total}" for name, total in totals.items() if summary[name] != total]
    overall = "fail" if "fail" in verdicts else "inconclusive" if "inconclusive" in verdicts or {*verdicts} <= {"skipped"} else "pass"
    short = overall == "pass" and result["scope_uncovered"] is True  # declared accounts and Regions that are not covered
    if result["verdict"] != ("inconclusive" if short else overall):
        problems.append(f"verdict of the run: {shown(result['verdict'])}, evaluated again {overall}")
    return problems


def counted(number: int, words: str) -> str:
    """A number with its noun (`1 subject`, `2 subjects`), or with a word that has no plural (`1 examined`)."""
    return f"{number} {words[:-1] if number == 1 and words.endswith('s') else words}"


def check_bundle(folder: Path) -> int:
    """The bundle that this script lies in: its hashes, its rules, and what its result says of them."""
    damage = damage_of(folder)
    if damage:
        print("\n".join(["The bundle is damaged. Nothing was evaluated.", *(f"  {problem}" for problem in damage)]))
        return 3
    document, result = (json.loads((folder / name).read_bytes(), object_pairs_hook=read_object) for name in (INPUT, RESULT))
    require("policies" in document, "not the document of a bundle: it has no policies", INPUT)
    answer = reperform(document, lambda name: file_below(folder, name))
    try:
        problems = differences(answer, document, result)
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{RESULT}: {error!a}") from error
    lines = [
        f"Evaluated again by reperform.py on Python {platform.python_version()}, as of {shown(document['as_of'])}",
        "The files are as SHA256SUMS says.",
        "",
    ]
    for policy in answer["policies"]:
        for rule in policy["rules"]:
            counts = ", ".join(counted(rule[name], name) for name in COUNTS if rule[name] or name == "examined")
            found = counted(len(rule["findings"]), "findings")
            lines.append(f"  {rule['verdict']:<13} {shown(policy['id'])}/{shown(rule['id'])}: {found}, {counts}")
    rules = sum(len(policy["rules"]) for policy in answer["policies"])
    agreed = [
        f"This agrees with result.json: {counted(rules, 'rules')}, verdict {shown(result['verdict'])}.",
        "The rules are those of reperform.json. That they say what policies/ and waivers/ say is checked by policycheck verify, or by reading them.",
    ]
    print("\n".join([*lines, "", *(["This does not agree with result.json:", *(f"  {problem}" for problem in problems)] if problems else agreed)]), flush=True)
    return 1 if problems else 0


def main(arguments: list[str], here: Path) -> int:
    """Read, evaluate, print; `here` is the folder of the script. Untrusted text leaves as ASCII without number signs, so that it can steer neither a terminal
    nor a CI runner."""
    try:
        if not arguments and any((here / name).is_file() for name in (INPUT, SUMS)):
            return check_bundle(here)
        require(len(arguments) == 1, "usage: reperform.py INPUT.json (- is standard input), not", arguments)
        text = sys.stdin.buffer.read() if arguments[0] == "-" else Path(arguments[0]).read_bytes()
        folder = here if arguments[0] == "-" else Path(arguments[0]).resolve().parent
        result = reperform(json.loads(text, object_pairs_hook=read_object), lambda name: file_below(folder, name))
    except (OSError, RecursionError, ValueError) as error:
        sys.stderr.write(f"reperform: cannot evaluate: {ascii(str(error))[1:-1]}\n".replace("##", "# # "))
        return 2
    try:
        print(json.dumps(result, indent=2, sort_keys=True).replace("\x7f", "\\u007f").replace("#", "\\u0023"), flush=True)
    except BrokenPipeError:
        # The reader has seen enough; the interpreter would try again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent))
