"""Where jobs run, and what tells a resource: an ARN alone does not, since S3 buckets, say, have no account in theirs."""

from __future__ import annotations

import re

Place = tuple[str | None, str | None]
"""Account and Region; None where a record does not say."""
ResourceKey = tuple[str | None, str | None, str | None]
"""Account, Region and ARN; None where a record does not say."""

_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")


def as_account(text: str | None) -> str | None:
    """An account id as it is, and nothing of what cannot be one: spelled otherwise (`1111-2222-3333`, a leading zero lost) it would be a different account."""
    return text if text is not None and _ACCOUNT.fullmatch(text) else None


def arn_place(arn: str | None) -> Place:
    """The place in arn:partition:service:region:account:resource, which may leave both empty; what can be no account or no Region says nothing."""
    parts = (arn or "").split(":", 5)
    return (as_account(parts[4]), parts[3] if _REGION.fullmatch(parts[3]) else None) if len(parts) == 6 else (None, None)


def name_account(account: str, name: str | None) -> str:
    """`444455556666 (shop)`, or the account alone."""
    return f"{account} ({name})" if name else account
