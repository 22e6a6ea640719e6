"""Whether a list of other accounts (`--account-id`) can be what was asked for.

ByAccountId is for the management account of an organization: from there `*` "returns all jobs across the organization" (API reference of ListBackupJobs); the
lists of copy and restore jobs do not document `*`. What another account is answered is documented nowhere: an error, an empty list, or its own jobs. So a
list without a job of another account shows nothing unless the caller is known to manage the organization. A delegated administrator is known by what it lists.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from policycheck.datasets import DATASETS
from policycheck.errors import LastingError, PolicycheckError
from policycheck.places import name_account
from policycheck.result import Basis, Coverage
from policycheck.sources.connection import ORGANIZATION
from policycheck.sources.identity import ACCOUNT
from policycheck.sources.session import AwsSession
from policycheck.text import clean_line

_DESCRIBE = "organizations:DescribeOrganization"
_ACTIVE = "ACTIVE"
"""State of an account, or Status as it was called until 2026 (API reference of AWS Organizations): others are PENDING_ACTIVATION, SUSPENDED, PENDING_CLOSURE
and CLOSED."""


@dataclass(frozen=True, slots=True)
class Membership:
    """The accounts of an organization."""

    names: Mapping[str, str | None] = field(default_factory=dict)
    """What each active account is called, by its id."""
    inactive: Mapping[str, str] = field(default_factory=dict)
    """Accounts in another state, such as SUSPENDED, described: `111122223333 (shop) SUSPENDED`."""


def read_members(session: AwsSession) -> Membership:
    """Every account of the caller's organization, by organizations:ListAccounts. Raises FetchError."""
    from policycheck.sources.aws_errors import explained

    names: dict[str, str | None] = {}
    inactive: dict[str, str] = {}
    with closing(session.organizations_client()) as client, explained("ListAccounts", service="organizations"):
        for page in client.get_paginator("list_accounts").paginate():
            # An answer without its list must not look like an organization without accounts.
            for account in page["Accounts"] if "Accounts" in page else _incomplete():
                number, name = str(account.get("Id")), clean_line(str(account.get("Name") or "")) or None
                state = clean_line(str(account.get("State") or account.get("Status")))
                if not ACCOUNT.fullmatch(number):
                    _incomplete()
                if state == _ACTIVE:
                    names[number] = name
                else:
                    inactive[number] = f"{name_account(number, name)} {state}"
    return Membership(names, inactive)


def _incomplete() -> list[Mapping[str, object]]:
    raise LastingError("the answer is not a page of accounts", place="ListAccounts")


def compare_members(members: Membership, seen: Collection[str]) -> list[str]:
    """What to say of accounts that a list of the whole organization shows no job of, or should not know; a sentence each.

    Args:
        seen: the accounts of the jobs that were listed.
    """
    named = {number: name_account(number, name) for number, name in members.names.items()}
    silent = sorted(named[number] for number in set(named) - set(seen))
    foreign = sorted(set(seen) - set(named) - set(members.inactive))
    notes = []
    if silent:
        notes.append(f"silent: of {_count(silent)} of the organization no job was listed: {', '.join(silent)}")
    if members.inactive:
        notes.append(
            f"left out: {_count(members.inactive)} of the organization {_are(members.inactive)} not active: {', '.join(sorted(members.inactive.values()))}"
        )
    if foreign:
        notes.append(f"unexpected: {_count(foreign)} with listed jobs {_are(foreign)} not in the organization: {', '.join(foreign)}")
    return notes


def _count(accounts: Collection[str]) -> str:
    return "1 account" if len(accounts) == 1 else f"{len(accounts):,} accounts"


def _are(accounts: Collection[str]) -> str:
    return "is" if len(accounts) == 1 else "are"


def management_account(session: AwsSession) -> str:
    """The management account of the organization that the caller's account is in, by organizations:DescribeOrganization. Raises FetchError."""
    from policycheck.sources.aws_errors import explained

    with closing(session.organizations_client()) as client, explained("DescribeOrganization", service="organizations"):
        return str(client.describe_organization().get("Organization", {}).get("MasterAccountId"))


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
    managing = _ask(lambda: management_account(session)) if caller is not None else None
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
