"""What `policycheck list-backup-jobs --with-coverage` says of a list: accounts, Regions, filters and the time it covers, in the list or beside it.

It is the user's word about the file: whoever edits the one can edit the other. It is bound to its list by the number of jobs, and beside the list by a digest.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import IO, Any

import msgspec

from policycheck.records import iso

SCHEMA = "policycheck/coverage/1"
MEMBER = "Coverage"
TOLERANCE = timedelta(minutes=5)
"""How long after AWS's answer, by its own clock, a list still speaks for the time it is checked at."""
ACCOUNT_FILTER, BEFORE_FILTER = "ByAccountId", "ByCreatedBefore"


class StatedList(msgspec.Struct, frozen=True, kw_only=True):
    """One list of one account and Region."""

    operation: str
    """ListBackupJobs."""
    account: str | None
    region: str
    filters: dict[str, str]
    """Request parameters that left jobs out, times ISO 8601 UTC; ByAccountId is not one: it says whose list it is."""
    start: datetime = msgspec.field(name="from")
    """From when on the list is complete, as far as AWS lists jobs."""
    end: datetime = msgspec.field(name="to")
    """When AWS answered."""
    pages: int
    jobs: int
    complete: bool
    reason: str = ""
    """Why it is not complete."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one document covers."""

    schema: str = SCHEMA
    lists: list[StatedList]
    digest: str = ""
    """sha256:... of the list's document, if this stands beside it."""


def builtins(statement: Statement) -> dict[str, Any]:
    """The statement as it stands in a document."""
    found: dict[str, Any] = msgspec.to_builtins(statement)
    if not statement.digest:
        del found["digest"]
    for stated, entry in zip(statement.lists, found["lists"], strict=True):
        entry["from"], entry["to"] = iso(stated.start), iso(stated.end)
        if not stated.reason:
            del entry["reason"]
    return found


def digest(document: bytes | IO[bytes]) -> str:
    """What binds a statement to the text of its list; a stream is read to its end."""
    if isinstance(document, bytes):
        return f"sha256:{hashlib.sha256(document).hexdigest()}"
    found = hashlib.sha256()
    while piece := document.read(1024**2):
        found.update(piece)
    return f"sha256:{found.hexdigest()}"
