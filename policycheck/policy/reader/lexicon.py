"""The words that people use for what the rule language says, each with what it stands for. A row is data; `parts` and `patterns` say what is done with it.

The longest phrase does not win: every phrase that fits is tried, and a sentence is read only if all of its words have a place. A word that"
        " is in no row carries a
meaning that nobody gave it: a sentence with such a word is never accepted, unless it stands where a name does (a vault, an account, a role).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from policycheck.datasets import RESOURCE_TYPES
from policycheck.policy.reader.times import BACK, FREQUENCIES

SKIPPED = "SKIPPED"
"""Articles and the like, which carry no meaning of their own: `only`, `always`, `any` and `also` do."""
ARTICLES = frozenset({"a", "an"})
"""Skipped within a sentence. At its beginning `a backup must ...` may mean one of them, or each."""

_ROWS: Mapping[str, Mapping[str, str]] = {
    SKIPPED: {"": "the | our | my"},
    "OPENING": {"": "please | ensure | ensure that | make sure | make sure that"},
    "NO": {
        "": "no | zero | none of | there must be no | there must not be | there must not be any | there should be no"
        " | there should not be any | there shall be no"
        " | there may be no | there are no | not a single"
    },
    "EACH": {"": "every | each | all | all of | every single | each and every"},
    "THERE_MUST": {"": "there must be | there should be | there has to be | there shall be"},
    "MUST": {
        "": "must | should | shall | has to | have to | needs to | need to | is required to | are required to | ought to | must always"
        " | should always | always have to"
    },
    "NEVER": {
        "": "must not | mustn't | must never | should not | shouldn't | should never | shall not | shall never | may not | may never"
        " | cannot | can't | can not | can never"
        " | is not allowed to | are not allowed to | is not permitted to | are not permitted to | never | do not | don't | does not | doesn't"
    },
    "MAY": {"": "may | can | is allowed to | are allowed to | should"},
    "FORBIDDEN": {
        "": "is not allowed | are not allowed | is forbidden | are forbidden | is prohibited | are prohibited | is not permitted"
        " | are not permitted | is unacceptable"
        " | are unacceptable | is not acceptable | are not acceptable | is not ok | are not ok | must not exist | should not exist"
        " | must not occur | should not occur"
        " | must not happen | should not happen | may not occur | may not exist | is never allowed | are never allowed | not allowed | forbidden"
    },
    "ALLOWED": {
        "": "is allowed | are allowed | is permitted | are permitted | is acceptable | are acceptable | may exist | may occur"
        " | must exist | must occur | allowed"
    },
    "BE": {"": "be"},
    "IS": {"": "is | are"},
    "HAVE": {"": "have | has | get | gets | having"},
    "NOT": {"": "not"},
    "BAD": {
        "FAILED": "failed | failing",
        "EXPIRED": "expired",
        "ABORTED": "aborted | cancelled | canceled",
        "PARTIAL": "partial | partially completed",
        "FAILED | ABORTED | EXPIRED | PARTIAL": "unsuccessful",
        "CREATED": "created",
        "PENDING": "pending",
        "RUNNING": "running | in progress",
        "COMPLETED": "completed",
        "with_issues": "completed with issues | complete with issues | finish with issues | end with issues | that completed with issues"
        " | with issues | having issues"
        " | completed with warnings | with warnings",
    },
    "GOOD": {"clean": "successful | clean | succeeded | completed successfully | completed without issues | without issues"},
    "FAIL": {"FAILED": "fail | fails | end in failure | end as failed"},
    "FAILURES": {"FAILED": "failures | failure | job failures | job failure"},
    "BACKUP_FAILURES": {"FAILED": "backup failures | backup failure | backup job failures | failures of backups"},
    "SUCCEED": {
        "": "succeed | succeeds | complete successfully | finish successfully | end successfully | complete without issues"
        " | complete without errors | be successful | be clean"
    },
    "JOBS": {
        "backup": "backup job | backup jobs | backup | backups | snapshot | snapshots",
        "job": "job | jobs",
        "copy": "copy job | copy jobs | copies | backup copies | backup copy | copy",
        "restore": "restore job | restore jobs | restores | restore",
        "restore test": "restore test | restore tests | restore testing | test restore | test restores | restore testing job"
        " | restore testing jobs | recovery test"
        " | recovery tests | tested restore",
    },
    "SUBJECT": {
        "resource": "resource | resources",
        "protected resource": "protected resource | protected resources",
        "vault": "vault | vaults",
        "backup vault": "backup vault | backup vaults",
        "account": "account | accounts | aws account | aws accounts",
        "Region": "region | regions | aws region | aws regions",
        "plan": "plan | plans | backup plan | backup plans",
    },
    "PLACE": {
        "vault": "vault | vaults | backup vault | backup vaults",
        "account": "account | accounts",
        "Region": "region | regions",
        "plan": "plan | plans | backup plan | backup plans",
    },
    "PER": {"": "per"},
    "MORE": {"more than": "more than | greater than | over | above | exceeding | higher than | > | in excess of"},
    "LONGER": {"more than": "longer than"},
    "LARGER": {"more than": "larger than | bigger than"},
    "LESS": {"less than": "less than | fewer than | under | below | lower than | <"},
    "SHORTER": {"less than": "shorter than"},
    "SMALLER": {"less than": "smaller than"},
    "LEAST": {"at least": "at least | min | >= | no less than | not less than | no fewer than | minimum | minimum of | a minimum of"},
    "NOT_SHORTER": {"at least": "no shorter than | not shorter than"},
    "NOT_SMALLER": {"at least": "no smaller than | not smaller than"},
    "MOST": {"at most": "at most | max | <= | no more than | not more than | up to | maximum | maximum of | a maximum of | not exceed | no higher than"},
    "NOT_LONGER": {"at most": "no longer than | not longer than"},
    "NOT_LARGER": {"at most": "no larger than | not larger than | no bigger than | not bigger than"},
    "EXCEED": {"more than": "exceed | exceeds | be over | be above"},
    "OLDER": {"": "older than"},
    "NEWER": {"": "newer than | younger than | fresher than | more recent than"},
    "OLD": {"": "old | of age"},
    "TIMES": {"": "times | time"},
    "SINGLE": {"": "one | 1 | a single | one single"},
    "ONCE": {"1": "once", "2": "twice"},
    "AT_MOST_WANTED": {
        "Duration": "duration | job duration | backup duration | run time | runtime | running time | backup time",
        "StartDelay": "start delay | delay",
    },
    "AT_LEAST_WANTED": {
        "BackupSizeInBytes": "size | backup size | job size",
        "Retention": "retention | retention period | retention time | backup retention",
    },
    "NAMED": {"IamRoleName": "role name | iam role name | name of the role | name of the iam role", "BackupVaultName": "vault name | name of the vault"},
    "BY": {"": "by"},
    "RESOURCE_TYPE": {"": "type | resource type"},
    "ROLE": {"": "iam role | role | backup role"},
    "RATE": {"": "success rate | backup success rate | job success rate"},
    "ENCRYPTED": {"": "encrypted"},
    "UNENCRYPTED": {"": "unencrypted | not encrypted | non-encrypted"},
    "WITHOUT_ENCRYPTION": {"": "without encryption"},
    "LOCKED": {"LOCKED": "locked", "UNLOCKED": "unlocked"},
    "IMMUTABLE": {"LOCKED": "immutable | worm"},
    "BACKED_UP": {"": "backed up | back up | backup"},
    "COPIED": {"": "copied | replicated"},
    "KEPT": {"": "kept | retained | stored | held | keep | retain"},
    "EXPIRE": {"": "expire | expires | be deleted"},
    "AFTER": {"": "after"},
    "BEFORE": {"": "before"},
    "FOREVER": {"": "forever | for ever | indefinitely | without expiry | without expiration | without end"},
    "GO_TO": {"": "go to | go into | be written to | be stored in | land in | end up in | be sent to | be kept in | be placed in"},
    "USE": {"": "use | uses | be made with | run with | run as | be run by | be created with | run under"},
    "TAKE": {"": "take | takes | run | runs | last | lasts | taking"},
    "START": {"": "start | starts | begin | begins"},
    "FINISH": {"": "finish | finishes | complete | end"},
    "DONE": {"": "be finished | be done | be completed | have completed | have finished"},
    "MISSED": {"": "missed | skipped"},
    "SCHEDULED": {"": "scheduled | planned"},
    "RUN": {"": "run | runs"},
    "RESTORE_TESTED": {"": "restore tested | restore-tested | test restored | tested by restoring"},
    "COME": {"": "come | be made | be copied"},
    "HAPPEN": {"": "run | be run | be done | be performed | happen | take place | be carried out | be made"},
    "OVERDUE": {"": "overdue | late"},
    "GAP": {"": "gap | gaps"},
    "GO": {"": "go | be | stay"},
    "BETWEEN": {"": "between"},
    "WITHOUT": {"": "without | without any | with no | lacking"},
    "LATEST": {"": "latest | last | most recent | newest"},
    "RPO": {"": "rpo | recovery point objective"},
    "ANOTHER": {
        "CrossRegion true": "another region | different region | other region | second region | separate region | cross-region | cross region",
        "CrossAccount true": "another account | different account | other account | second account | separate account | cross-account | cross account",
    },
    "INVENTORY": {"": "inventory"},
    "TAGGED": {"": "tag | tagged | tagged with | tags"},
    "MESSAGE": {"AccessDenied": "access denied | accessdenied | permission denied"},
    "MESSAGE_TEXT": {
        '"[Tt]hrottl"': "throttling",
        '"[Tt]ime[d -]*[Oo]ut"': "timeout | time-out | timed out",
        '"[Qq]uota"': "quota",
        '"KMS|kms"': "kms",
        '"VSS|vss"': "vss",
    },
    "ERRORS": {"": "error | errors | error messages"},
    "STATE": {"": "state | status"},
    "THAT": {"": "that | which"},
    "CONTAIN": {
        "contain": "contain | contains | include | includes",
        "start with": "start with | starts with | begin with",
        "end with": "end with | ends with",
    },
    "EXCEPT": {"": "except | except for | other than | excluding | but not"},
    "OUTSIDE": {"": "outside | outside of"},
    "UNLESS_RECOVERED": {"": "unless recovered | unless it is recovered | unless they are recovered"},
    "IN": {"": "in | inside | within"},
    "FROM": {"": "from"},
    "TO": {"": "to | into"},
    "OF": {"": "of"},
    "FOR": {"": "for"},
    "WITH": {"": "with"},
    "OR": {"": "or | nor"},
    "AND": {"": "and"},
    "DEFAULT_VAULT": {"Default": "default vault | default backup vault"},
    "COLON": {"": ":"},
    # Days, weeks and months.
    "LAST_PERIODS": {"": "last | past | previous | preceding"},
    "ON": {"": "on | in | during"},
    "ON_EACH": {
        "": "on each of | in each of | during each of | for each of | on every one of | in every one of | on each one of | on all of | for all of | in all of"
        " | each of | every one of | on all"
    },
    "EACH_DAY": {"": "every day | each day | every single day | every night | each night | daily | on every day | on each day"},
    "EACH_WEEK": {"": "every week | each week | every single week | weekly | in every week | in each week"},
    "EACH_MONTH": {"": "every month | each month | every single month | monthly | in every month | in each month"},
    "THROUGHOUT": {"": "of | in | for | over | during | within"},
    "TIME_ZONE": {"": "time zone | timezone"},
    # Warnings.
    "WARN": {"": "warning at | warn at | warning after | warn after | with a warning at | with a warning after | warning from | and warn at | and warn after"},
    # Jobs beside those before them.
    "PREVIOUS": {
        "": "one before | one before it | previous | job before | backup before | previous one | previous job | previous backup | previous backup job"
        " | preceding one | preceding job | preceding backup | prior one | prior job | prior backup"
    },
    "COMPARED_TO": {"": "compared to | compared with | relative to"},
    "LESS_BY": {"": "smaller than"},
    "MORE_BY": {"": "larger than | bigger than"},
    "SHRINK": {"": "shrink | shrink by | drop | drop by | decrease | decrease by | fall by | be reduced by"},
    "GROW": {"": "grow | grow by | increase | increase by | rise by"},
    "SIZES": {"": "size | sizes | backup size | backup sizes | job size"},
    "LASTING": {"": "duration | durations | job duration | backup duration | run time | runtime | running time | backup time"},
    "USUAL": {
        "": "usual | usual duration | usual time | usual run time | as long as usual | its usual duration | their usual duration"
        " | normal duration | normal time | typical duration | median duration | as long as normal"
    },
    "WHEN": {
        "": "on | during | by | time zone | timezone | through | monday | mondays | tuesday | tuesdays | wednesday | wednesdays | thursday | thursdays"
        " | friday | fridays | saturday | saturdays | sunday | sundays | weekend | weekends | weekday | weekdays | am | pm | utc"
    },
    "RUNNING_NOW": {"": "running"},
    "POINTS": {"": "recovery point | recovery points | restore point | restore points"},
    "KEYS": {
        "": "customer managed key | customer-managed key | customer managed keys | customer-managed keys | customer managed kms key | customer-managed kms key"
        " | customer managed kms keys | customer-managed kms keys | cmk | cmks | kms key | kms keys | key | keys | encryption key | encryption keys"
    },
    "PLANNED": {
        "": "in a backup plan | in a plan | in any backup plan | in at least one backup plan | covered by a backup plan | covered by a plan"
        " | backed up by a backup plan | backed up by a plan | protected by a backup plan"
    },
    "ASSIGNED": {
        "": "assigned to a backup plan | assigned to a plan | selected by a backup plan | selected by a plan | included in a backup plan"
        " | part of a backup plan | associated with a backup plan | attached to a backup plan"
    },
    "USABLE": {"": "usable | restorable"},
}

NUMBERS: Mapping[str, str] = {
    word: str(number) for number, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen".split()) if number
}

RESOURCE_NOUNS: Mapping[str, tuple[str, str]] = {
    "instance | instances": ("EC2 | RDS", "Aurora | DocumentDB | Neptune"),
    "server | servers": ("EC2 | VirtualMachine", ""),
    "volume | volumes": ("EBS | Storage Gateway", "FSx"),
    "disk | disks": ("EBS", ""),
    "table | tables": ("DynamoDB | Timestream", ""),
    "bucket | buckets": ("S3", ""),
    "database | databases | db | dbs": ("RDS | Aurora", "DocumentDB | Neptune | Timestream | DynamoDB | Redshift | SAP HANA on Amazon EC2"),
    "file system | file systems | filesystem | filesystems": ("EFS | FSx", ""),
    "virtual machine | virtual machines | vm | vms": ("VirtualMachine", ""),
    "cluster | clusters": ("", "Aurora | DocumentDB | Neptune | Redshift | EKS"),
    "stack | stacks": ("CloudFormation", ""),
}
"""What the resources of a type are called: the types that are meant where none is named, and those that may be named beside it."""

DESCRIPTIONS = frozenset(
    "some most any every each all none no same wrong right correct other another different separate second third primary secondary main"
    " local remote foreign source target destination own"
    " single shared central public private new newer old older empty respective given specific certain particular first last next current"
    " original home external internal"
    " offsite off-site isolated dedicated designated approved unapproved authorized unauthorized known unknown unexpected unsupported"
    " logical management payer delegated"
    " critical important valid invalid proper only matching missing existing nonexistent available unavailable active inactive enabled"
    " disabled open closed good bad"
    " unlocked locked encrypted unencrypted immutable compliant protected secure air-gapped airgapped cross-account cross-region non-default nondefault".split()
)
"""What people say of a vault or an inventory and that is not its name."""

NAMES_TOO = frozenset({"FREQUENCY", "JOBS", "RESOURCES_OF", "TYPE"})
"""Of these tags a single word right behind `vault` is a name: vault daily, vault test."""
_ALSO_NAMES = frozenset({"test", "tests", "default"})


def phrases(text: str) -> list[str]:
    """The alternatives of a cell."""
    return [phrase.strip() for phrase in text.split(" | ")]


@cache
def lexicon() -> Mapping[tuple[str, ...], list[tuple[str, str]]]:
    """What each phrase stands for, by its lower-case words: (tag, value); a phrase may stand for several things."""
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for phrase, tag, value in _entries():
        found.setdefault(tuple(phrase.lower().split()), []).append((tag, value))
    return found


def _entries() -> Iterator[tuple[str, str, str]]:
    tables = {**_ROWS, "FREQUENCY": FREQUENCIES, "RESOURCES_OF": {cell: cell for cell in RESOURCE_NOUNS}}
    for tag, values in tables.items():
        for value, cell in values.items():
            yield from ((phrase, tag, value) for phrase in phrases(cell))
    for cell, windows in BACK.items():
        yield from ((phrase, "BACK", window) for phrase in phrases(cell) for window in windows)
    yield from ((name, "TYPE", name) for name in RESOURCE_TYPES)


@cache
def longest_phrase() -> int:
    """In words."""
    return max(map(len, lexicon()))


@cache
def known_words() -> frozenset[str]:
    """Every word that stands in a phrase."""
    return frozenset(word for phrase in lexicon() for word in phrase)


_OF_VALUES = frozenset({"MESSAGE", "MESSAGE_TEXT", "TYPE"})


@cache
def told_words() -> frozenset[str]:
    """The words with which rules are told; not those of messages and types, which are values."""
    return frozenset(word for phrase, meanings in lexicon().items() if any(tag not in _OF_VALUES for tag, _ in meanings) for word in phrase)


@cache
def names_too() -> frozenset[str]:
    """The known words that are names where nothing but a name can stand."""
    return _ALSO_NAMES | {phrase[0] for phrase, meanings in lexicon().items() if len(phrase) == 1 and any(tag in NAMES_TOO for tag, _ in meanings)}
