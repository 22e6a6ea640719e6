"""Whether a list of other accounts (`--account-id`) can be what was asked for.

ByAccountId is for the management account of an organization: from there `*` "returns all jobs across the organization" (API reference of ListBackupJobs); the
lists of copy and restore jobs do not document `*`. What another account is answered is documented nowhere: an error, an empty list, or its own jobs. So a
list without a job of another account shows nothing unless the caller is known to manage the organization. A delegated administrator is known by what it lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from policycheck.datasets import DATASETS
from policycheck.errors import LastingError, PolicycheckError
from policycheck.result import Basis, Coverage
from policycheck.sources.connection import ORGANIZATION, AwsSession

_DESCRIBE = "organizations:DescribeOrganization"


def is_asked_whole(account_id: str | None, name: str) -> bool:
    """Whether a list is asked for the whole organization; of the others only the caller's own part is read then."""
    return account_id == ORGANIZATION and DATASETS[name].of_organization


def is_askable(account_id: str | None, name: str) -> bool:
    """Whether a list is asked for at all: of one other account only an operation that takes ByAccountId can tell."""
    return account_id in (None, ORGANIZATION) or DATASETS[name].other_accounts


def require_reach(session: AwsSession, seen: Collection[str | None]) -> None:
    """Refuse lists of other accounts where nothing shows that AWS gave them.

    Args:
        session: whose connection asked by ByAccountId.
        seen: the accounts of the jobs in the lists that were asked so.

    Raises:
        LastingError: only jobs of the caller's own came, or none, and the caller is not known to manage the organization.
    """
    wanted = session.connection.account_id
    accounts = set(filter(None, seen))
    if wanted is None or wanted in accounts or (wanted == ORGANIZATION and len(accounts) > 1):
        return
    caller = _ask(session.caller_account) if session.connection.sign_request else None
    if caller is not None and (caller == wanted or (wanted == ORGANIZATION and accounts - {caller})):
        return
    managing = _ask(session.management_account) if caller is not None else None
    if managing is not None and managing == caller:
        return
    whose = f"of {caller}, the caller's own," if accounts and caller else f"of {', '.join(sorted(accounts))}" if accounts else "of no account"
    reason = f"{managing} manages the organization" if managing else f"{_DESCRIBE} does not say that the caller manages an organization"
    asked = f'--account-id "{ORGANIZATION}"' if wanted == ORGANIZATION else f"--account-id {wanted}"
    raise LastingError(
        f"{asked}: AWS gave jobs {whose} and {reason}: other accounts were not read",
        hint=f"use credentials of the management account and allow {_DESCRIBE}, or name a role in each account with --role-arn",
    )


def _ask(question: Callable[[], str]) -> str | None:
    try:
        return question()
    except PolicycheckError:
        return None


def unread_accounts(name: str, region: str, source: str) -> Coverage:
    """The entry that says what was not read of a list that AWS gives for one account alone."""
    whole = " and ".join(f"{dataset.noun}s" for dataset in DATASETS.values() if dataset.of_organization)
    reason = f"the {DATASETS[name].noun}s of other accounts were not read: AWS documents a list of the whole organization for {whole} only"
    return Coverage(name, None, region, None, None, 0, complete=False, basis=Basis.OBSERVED, source=source, reason=reason)


def unread_account(name: str, account: str | None, region: str, source: str) -> Coverage:
    """The entry that says that a list of one other account was not read, since its operation has no ByAccountId."""
    dataset = DATASETS[name]
    reason = f"the {dataset.noun}s of another account were not read: {dataset.operation} lists the caller's own; name a role there with --role-arn"
    return Coverage(name, account, region, None, None, 0, complete=False, basis=Basis.OBSERVED, source=source, reason=reason)
