"""What people type of how jobs end, how many there are and how recent."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.pattern import (
    AT_LEAST,
    COUNTS,
    ENDS,
    ENDS_WELL,
    FORBIDDEN,
    FRESHNESS,
    LESS_OLD,
    NEWEST,
    NOT_OLDER,
    OFTEN,
    SCHEDULES,
    WANTED_OFTEN,
    Meaning,
    Pattern,
    row,
)

OUTCOMES: Sequence[Pattern] = (
    # --- what must not be ---
    row(
        FORBIDDEN,
        "NO jobs ALLOWED?",
        ("no {jobs} {within}", "there must be none"),
        Meaning("every {subject_of_jobs} must have a {missed|clean} within {window?24h}", "it asks that each resource has one", proposed=True),
        of=[
            "no failed EC2 jobs in vault prod within 24 hours",
            "no failed backups in the last 24 hours",
            "no jobs with status failed or expired this week",
            "no failed copies since yesterday",
            "no jobs in the default vault",
            "no backups completed with issues this week",
            "no failed jobs are allowed",
            "no failed jobs except in vault test",
            "no failed copy jobs from account 111122223333 this week",
            "no backups in the last 24 hours",
            "no copy jobs in Region us-east-1",
        ],
    ),
    row(
        FORBIDDEN,
        "NO jobs UNLESS_RECOVERED (IN length)",
        "no {jobs} {within} unless recovered within {length!}",
        of=["no failed backups in the last 24 hours unless recovered within 6 hours"],
    ),
    row(FORBIDDEN, "EACH? jobs FORBIDDEN", "no {jobs} {within}", of=["failed jobs are not allowed", "expired EC2 backups are forbidden"]),
    row(FORBIDDEN, "NO jobs MAY BE? bads", "no {failed} {within}", of=["no backup may complete with issues"]),
    row(FORBIDDEN, "NO jobs MAY FAIL", "no {failed} {within}", of=["no backup may fail", "no RDS backup can fail this week"]),
    row(
        FORBIDDEN,
        "EACH? jobs (NEVER FAIL | NEVER BE bads)",
        "no {failed} {within}",
        of=["EC2 backups must not fail", "backup jobs must never be aborted", "backups of EC2 instances must not fail"],
    ),
    row(
        FORBIDDEN,
        "NO types? (BACKUP_FAILURES | FAILURES OF jobs)",
        "no {failed} {within}",
        of=["no backup failures in the last 7 days", "no failures of copy jobs this week"],
    ),
    row(
        FORBIDDEN,
        "NO types? FAILURES",
        Meaning("no {failed} {within}", "backup jobs are one list; copy jobs and restore jobs have rules of their own", proposed=True),
        of=["no EC2 failures today"],
    ),
    row(
        FORBIDDEN,
        "NO MESSAGE ERRORS? (IN jobs)?",
        "no {jobs} with MessageCategory {category!} {within}",
        of=["no access denied errors in the last 7 days"],
    ),
    row(
        FORBIDDEN,
        "NO MESSAGE_TEXT ERRORS (IN jobs)?",
        "no {jobs} with {how?status message matching} {pattern!} {within}",
        of=["no throttling errors this week"],
    ),
    row(FORBIDDEN, "NO jobs WITH MESSAGE ERRORS?", "no {jobs} with MessageCategory {category!} {within}", of=["no jobs with access denied errors"]),
    # --- how many ---
    row(
        COUNTS,
        "THERE_MUST? (MOST | LESS) number jobs",
        "{bound!} {number!} {jobs} {per} within {span?7d}",
        of=["at most 2 failed jobs per resource within 7 days", "no more than two failed backups per vault this week"],
    ),
    row(
        COUNTS,
        "EACH? jobs NEVER FAIL MORE (number TIMES? | ONCE)",
        ("{order-}at most {number!} {failed} {per?per resource} within {span?7d}", "of each resource"),
        ("{order-}at most {number!} {failed} within {span?7d}", "of all resources together"),
        of=["backups shouldn't fail more than 2 times per week"],
    ),
    row(
        COUNTS,
        "EACH? subject MUST HAVE LEAST several jobs",
        AT_LEAST,
        of=["each resource must have at least 7 successful backups in the last 8 days"],
    ),
    row(COUNTS, "EACH? subject MUST HAVE several jobs", AT_LEAST, of=["every resource must have two successful backups within 24 hours"]),
    row(COUNTS, "THERE_MUST? LEAST several jobs (FOR | OF | PER) EACH? subject", AT_LEAST, of=["at least 3 backups for every EC2 instance within 7 days"]),
    # --- how jobs end ---
    row(
        ENDS,
        f"EACH? jobs (MUST {ENDS_WELL} | IS GOOD)",
        ("{of_jobs} {ends_well!} {within}", "each of the jobs of that time"),
        ("{ended_in!}", "each job takes no longer"),
        of=[
            "all backup jobs must succeed",
            "EC2 backups must be successful",
            "all jobs must be successful within the last 24 hours",
            "backups must succeed within 4 hours",
        ],
    ),
    row(
        ENDS,
        f"LEAST? share OF EACH? jobs (MUST {ENDS_WELL} | GOOD | SUCCEED)",
        "{order-}at least {share!} of {jobs} {per} must be {good} {within}",
        of=["99% of backups must succeed over the last 7 days"],
    ),
    row(
        ENDS,
        "MOST? share OF EACH? jobs MAY FAIL",
        "{order-}at most {share!} of {jobs} {per} must be {failing!} {within}",
        of=["at most 5% of backups can fail this week"],
    ),
    row(
        ENDS,
        "LESS share OF EACH? jobs MAY FAIL",
        "{order!} {share!} of {jobs} {per} must be {failing!} {within}",
        of=["less than 5% of backups may fail this week"],
    ),
    row(
        ENDS,
        "jobs? RATE ((OF | FOR) EACH? jobs)? (MUST BE)? (LEAST | MORE) share ((OF | FOR) EACH? jobs)?",
        "{order!} {share!} of {jobs} {per} must be {good} {within}",
        of=["backup success rate per vault must be at least 95% in the last 7 days", "success rate at least 99% for EC2 backups this week"],
    ),
    row(
        ENDS,
        f"LATEST jobs (OF | FOR) EACH? subject MUST ({ENDS_WELL} | BE? bads)",
        "the latest {job} of every {subject} must be {good}",
        of=["the latest backup of each resource must be successful"],
    ),
    # --- how recent ---
    row(
        FRESHNESS,
        "EACH? subject ((MUST BE? | IS) BACKED_UP in_job_place? | MUST? HAVE (LEAST? SINGLE)? jobs)",
        NEWEST,
        of=[
            "every RDS resource must have a successful backup within 24 hours",
            "every resource in the prod inventory must be backed up within 24h",
            "every resource with tag Environment=prod must have a backup within 24 hours",
            "every resource must be backed up to vault prod within a day",
            "every database must have a backup within 24 hours",
            "every resource must be backed up",
        ],
    ),
    row(
        FRESHNESS,
        "EACH? subject ((MUST BE? | IS) BACKED_UP in_job_place? | MUST? HAVE (LEAST? SINGLE)? jobs)",
        *OFTEN,
        of=[
            "every resource must be backed up daily",
            "every EC2 instance must have a backup every 24 hours",
            "each account must have a successful backup every day",
            "every RDS database has a backup every day",
        ],
    ),
    row(
        FRESHNESS,
        "EACH? subject MUST? HAVE (LEAST? SINGLE)? jobs (NOT OLDER length | MOST length OLD)",
        NEWEST.replace("{window?24h}", "{length!}"),
        of=["every resource must have a backup not older than 24h", "every RDS database has a backup at most 2 days old"],
    ),
    row(
        FRESHNESS,
        "EACH? subject MUST? HAVE (LEAST? SINGLE)? jobs (NEWER length | LESS length OLD)",
        NEWEST.replace("within {window?24h}", "within less than {length!}"),
        of=["every resource must have a backup newer than 24h"],
    ),
    row(
        FRESHNESS,
        "THERE_MUST? LEAST SINGLE jobs (FOR | OF | PER) EACH? subject",
        *WANTED_OFTEN,
        of=["at least one successful backup per day for every resource"],
    ),
    row(FRESHNESS, "BACKED_UP EACH subject in_job_place?", *OFTEN, of=["back up every RDS database every 24 hours"]),
    row(FRESHNESS, "NO subject (MAY BE)? WITHOUT jobs", NEWEST, of=["no resource without a backup in the last 48 hours"]),
    row(
        FRESHNESS,
        "RPO (OF | IS | COLON | MUST BE)? MOST? length ((FOR | OF) EACH? subject)?",
        "{order-}every {subject} must have a clean job within {length!}",
        of=["RPO 24 hours", "RPO of 4h for RDS databases"],
    ),
    row(
        FRESHNESS,
        "RPO ((FOR | OF) EACH? subject)? (IS | MUST BE?)? MOST? length",
        "{order-}every {subject} must have a clean job within {length!}",
        of=["RPO for RDS must be at most 12 hours"],
    ),
    row(
        FRESHNESS,
        "RPO ((FOR | OF) EACH? subject)? (IS | MUST BE)? LESS length",
        "{order-}every {subject} must have a clean job within less than {length!}",
        of=["RPO for RDS must be less than 12 hours"],
    ),
    row(
        FRESHNESS,
        "LATEST jobs (OF | FOR) EACH? subject MUST BE (LESS length OLD | NEWER length)",
        LESS_OLD,
        of=["the last backup of every resource must be less than 24 hours old"],
    ),
    row(
        FRESHNESS,
        "LATEST jobs MUST BE (LESS length OLD | NEWER length)",
        NOT_OLDER.replace("within", "within less than"),
        of=["the latest backup must be newer than 24 hours"],
    ),
    row(
        FRESHNESS,
        "LATEST jobs (OF | FOR) EACH? subject (NEVER BE (OLDER length | MORE length OLD) | MUST BE MOST length OLD)",
        "{order-}every {subject} must have a {wanted|clean} within {length!}",
        of=["the latest backup of each vault must not be older than 2 days"],
    ),
    row(
        FRESHNESS,
        "LATEST jobs (NEVER BE (OLDER length | MORE length OLD) | MUST BE MOST length OLD)",
        NOT_OLDER,
        of=["the latest backup must not be older than 24 hours"],
    ),
    row(
        FRESHNESS,
        "jobs (NEVER BE (OLDER length | MORE length OLD) | MUST BE MOST length OLD)",
        (NOT_OLDER, "each resource has a backup that is not older"),
        ("{order-}{completed} Retention must be at most {length!}", "no backup is kept longer"),
        of=["backups must not be older than 24 hours"],
    ),
    row(
        FRESHNESS,
        "NO GAP (BETWEEN jobs)? (MORE | LONGER | LARGER) length (BETWEEN jobs)?",
        "{order-}no {subject_of_jobs} may go longer than {length!} without a {wanted_alone|clean} within {window?28d}",
        of=["no gaps longer than 26 hours between backups in the last 28 days"],
    ),
    row(
        FRESHNESS,
        "NO subject MAY? GO (((MORE | LONGER) length WITHOUT jobs) | (WITHOUT jobs FOR (MORE | LONGER) length))",
        "{order-}no {subject} may go longer than {length!} without a {job|clean} within {window?28d}",
        of=[
            "no EC2 instance may go more than 2 days without a backup in the last 30 days",
            "no resource may go without a backup for more than 24 hours",
        ],
    ),
    # --- schedules ---
    row(
        SCHEDULES,
        "(NO SCHEDULED? (jobs | RUN) MAY BE MISSED | NO MISSED SCHEDULED? (jobs | RUN) | SCHEDULED (jobs | RUN) NEVER BE MISSED)",
        "no scheduled {types_of_jobs} run {places_of_jobs} may be missed within {window?7d}",
        of=["no scheduled backup may be missed in the last week", "no missed backups this week"],
    ),
    row(
        SCHEDULES,
        "(NO jobs MAY BE OVERDUE | NO OVERDUE jobs | jobs NEVER BE OVERDUE)",
        "no {job} may be overdue {within}",
        of=["no overdue backups"],
    ),
)
