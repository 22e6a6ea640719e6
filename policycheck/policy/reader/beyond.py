"""What people ask of backups and no sentence can say: a row is data, and its nearest sentence is another rule, and said to be one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from msgspec import Struct


class Beyond(Struct, frozen=True):
    """Something that cannot be said."""

    words: str
    """A pattern of what is typed, in small letters."""
    why: str
    """Why it cannot be said, as a message."""
    nearest: str = ""
    """A sentence that comes nearest: another rule."""
    example: str = ""
    """A sentence as people type it; a test."""
    hint: str = ""
    """What to write, where a rule can say it once more is said."""


_SAY_WHEN = "A rule of this kind names the time zone, for example: no jobs may run on Saturday or Sunday in Europe/Berlin"

BEYOND: Sequence[Beyond] = (
    Beyond(
        r"\b(?:assigned to|covered by|included in|selected by|part of|protected by|associated with|attached to|in) (?:a |an |any |the "
        r"|at least one )?(?:backup )?plans?\b(?! \S+ (?:must|may|should|within))",
        "which resources a backup plan selects is not in job lists",
        "every resource must have a clean job with CreatedBy.BackupPlanId present within 7d",
        "every resource must be selected by the backup plan of its team",
    ),
    Beyond(
        r"\b(?:stuck|hung|hanging|stalled|frozen)\b",
        "AWS Backup has no state for jobs that make no progress",
        "no job may be overdue",
        "no stuck backups within 24h",
    ),
    Beyond(
        r"\b(?:deleted|removed|purged|erased|destroyed|tampered)\b",
        "the deletion of recovery points is not in job lists",
        "VaultLockState must be LOCKED",
        "recovery points must not be deleted manually",
    ),
    Beyond(
        r"\b(?:access polic\w+|vault polic\w+|resource polic\w+|scp|scps|nobody|no one|no-one|who can)\b",
        "who may do what is not in job lists",
        "VaultLockState must be LOCKED",
        "no one may access the vault",
    ),
    Beyond(
        r"\balias/|\b(?:kms keys?|cmks?|customer[- ]managed|aws[- ]managed)\b",
        "job lists have only the ARN of a key, not its alias or who manages it",
        example="backups must use a customer managed KMS key",
        hint="An inventory can list your keys, for example: for COMPLETED jobs, EncryptionKeyArn must be in inventory customer_keys",
    ),
    Beyond(
        r"\b(?:business|working|office|peak|off-?peak|production|night) ?-?hours?\b|\bmaintenance windows?\b",
        "policycheck does not know which hours these are",
        "no jobs may run on Monday to Friday between 08:00 and 18:00 in Europe/Berlin",
        example="no backups during business hours",
    ),
    Beyond(
        r"\b(?:week-?ends?|week-?days?|working days|business days|workdays?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b",
        "a day of the week must say whether jobs are created, start, run or end, and in which time zone",
        hint=_SAY_WHEN,
        example="no failed jobs on weekends",
    ),
    Beyond(r"\b(?:public |bank )?holidays?\b", "policycheck does not know which days are holidays", example="no backups on public holidays"),
    Beyond(
        r"\b\d{1,2}(?::\d\d)? ?(?:am|pm|o'clock|utc)\b|\b\d{1,2}:\d\d\b|\b(?:midnight|noon|morning|evening|afternoon)\b",
        "a time of day must say whether jobs are created, start, run or end, and in which time zone",
        hint=_SAY_WHEN,
        example="backup jobs must finish before 06:00",
    ),
    Beyond(
        r"(?<!since )\byesterday\b|\b(?:last|previous) calendar\b",
        "a window goes back from the evaluation time and is not a calendar day",
        "no FAILED jobs within 24h",
        "no backup jobs failed yesterday",
    ),
    Beyond(
        r"\brto\b|\brecovery time objective\b",
        "job lists show how long restores took, not how long a restore would take",
        "for restore jobs, duration must be at most 4h",
        "RTO 4 hours",
    ),
    Beyond(
        r"\b\d+ (?:daily|weekly|monthly|yearly|quarterly)\b|\bgrandfather\b|\bgenerations?\b",
        "no rule counts generations of backups",
        "every resource must have at least 7 clean jobs within 7d",
        "keep 7 daily, 4 weekly and 12 monthly backups",
    ),
    Beyond(
        r"\b(?:previous|preceding|prior) (?:backup|job|run|one)s?\b|\bthe one before\b|\b(?:drop|drops|shrink|shrinks|grow|grows)\b",
        "a job is compared with the one before it only by size, as a percentage",
        "no clean job may be more than 50% smaller than the one before",
        "the number of files must not drop compared to the previous backup",
    ),
    Beyond(
        r"\b(?:average|usual|usually|normal|normally|median|typical|baseline|expected duration)\b",
        "only the duration has a usual value: the median of earlier clean jobs",
        "no job may take more than 2x the usual duration",
        "backup duration must not be more than twice the average",
    ),
    Beyond(
        r"\b(?:retry|retried|retries|rerun|re-run|repeated)\b",
        "whether a job repeats another is not in job lists",
        "no FAILED jobs within 7d unless recovered within 6h",
        "failed jobs must be retried",
    ),
    Beyond(
        r"\b(?:cost|costs|price|budget|spend|cheap|expensive)\b",
        "what backups cost is not in job lists",
        "size must be at most 1TB",
        "backups must not cost more than 100 dollars",
    ),
    Beyond(
        r"\b(?:notify|notified|notification|notifications|alerted|e-?mails?|sns|paged)\b",
        "a rule does not notify anyone",
        example="the team must be notified of failed backups",
    ),
    Beyond(r"\b(?:last accessed|attached|in use|in-use|unused)\b", "how a resource is used is not in job lists", example="no unused volume may be backed up"),
)


@cache
def _compiled() -> Sequence[tuple[re.Pattern[str], Beyond]]:
    return [(re.compile(row.words), row) for row in BEYOND]


def find_beyond(text: str) -> tuple[Beyond, tuple[int, int]] | None:
    """The first row that a sentence is about, and where the words stand."""
    folded = text.lower()
    return next(((row, found.span()) for pattern, row in _compiled() if (found := pattern.search(folded))), None)
