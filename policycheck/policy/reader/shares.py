"""What people type of a share of the resources, and of warnings before a limit is reached."""

from __future__ import annotations

from collections.abc import Sequence

from policycheck.policy.reader.calendars import EACH_SPAN, IN_ZONE
from policycheck.policy.reader.pattern import FRESHNESS, Pattern, row

_HAVE = "((MUST BE? | IS) BACKED_UP in_job_place? | MUST? HAVE (LEAST? SINGLE)? jobs)"
_OF = "share OF? EACH? subject"

SHARES: Sequence[Pattern] = (
    row(
        FRESHNESS,
        f"LEAST? {_OF} {_HAVE}",
        "{order-}at least {share!} of {subjects} must have a {job|clean} within {window?24h}",
        of=[
            "95% of resources must have a backup within 24 hours",
            "at least 99% of all RDS databases must be backed up within a day",
            "95 percent of our EC2 instances must have a successful backup in the last 24 hours",
        ],
    ),
    row(
        FRESHNESS,
        f"MORE {_OF} {_HAVE}",
        "{order!} {share!} of {subjects} must have a {job|clean} within {window?24h}",
        of=["more than 95% of the vaults must have a backup within 24 hours"],
    ),
    row(
        FRESHNESS,
        f"LEAST? {_OF} {_HAVE} {EACH_SPAN} {IN_ZONE}",
        "{order-}at least {share!} of {subjects} must have a {job|clean} on each of the last {periods!} {in_zone}",
        of=["95% of resources must have a backup on each of the last 7 days"],
    ),
    row(
        FRESHNESS,
        f"LEAST? {_OF} MUST HAVE LEAST? several jobs",
        "{order-}at least {share!} of {subjects} must have at least {number!} {jobs|clean} within {span?7d}",
        of=["90% of resources must have at least 7 successful backups in the last 8 days"],
    ),
    row(
        FRESHNESS,
        f"EACH? subject {_HAVE} WARN length",
        "every {subject} must have a {job|clean} within {window!}, warning at {length!}",
        of=[
            "every resource must have a backup within 24 hours, warning at 20 hours",
            "each RDS database must be backed up within a day, with a warning after 20h",
        ],
    ),
)
