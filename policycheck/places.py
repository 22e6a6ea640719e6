"""Where jobs run, and what tells a resource: an ARN alone does not, since S3 buckets, say, have no account in theirs."""

from __future__ import annotations

Place = tuple[str | None, str | None]
"""Account and Region; None where a record does not say."""
ResourceKey = tuple[str | None, str | None, str | None]
"""Account, Region and ARN; None where a record does not say."""


def name_account(account: str, name: str | None) -> str:
    """`444455556666 (shop)`, or the account alone."""
    return f"{account} ({name})" if name else account
