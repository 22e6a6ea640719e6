"""`policycheck permissions`: the least IAM policy that a check needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from policycheck.cli.options import shared_options
from policycheck.cli.policies import load
from policycheck.cli.settings import settle
from policycheck.cli.terminal import write_document
from policycheck.errors import UsageError
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line


@shared_options("permissions", first=("region", "role_arn", "accounts", "account_id"))
def permissions(
    context: typer.Context,
    options: RunOptions,
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="json: the IAM policy. cloudformation or terraform: a role with it, to deploy in each account.")
    ] = "json",
) -> None:
    """Print the least IAM policy that these policies' rules need: read-only, one action a list.

    With --region all: account:ListRegions as well, which tells Regions that are not enabled from Regions that do not know the kind of credentials; with
    --account-id: organizations:DescribeOrganization, which tells who manages the organization. Both are optional: without them such Regions and accounts may
    be unread. With --account-id '*': organizations:ListAccounts, which tells accounts without a job; optional as well.

    With --role-arn or --accounts: the policy of the caller, who assumes those roles. The roles themselves need what is printed without them.
    """
    from policycheck.formats.escape import defuse_document
    from policycheck.sources.connection import ALL_REGIONS, ORGANIZATION
    from policycheck.sources.permissions import least_policy
    from policycheck.sources.plan import plan_fetch
    from policycheck.sources.role_templates import TEMPLATES

    if form not in TEMPLATES:
        raise UsageError(f"--format {clean_line(form)}: there is no such form", hint=f"The forms are {', '.join(TEMPLATES)}.")
    roles = _roles(options)
    if roles and form != "json":
        raise UsageError(f"--format {form} is for the role in each account, and --role-arn and --accounts ask for the caller's policy", hint="Leave them out.")
    # The instant only narrows when jobs were created; it changes no permission.
    settings = settle(context, options)
    plan = plan_fetch(load(settings), datetime.now(UTC))
    policy = least_policy(
        plan,
        roles,
        all_regions=ALL_REGIONS in (settings.region or ()),
        other_accounts=settings.account_id is not None,
        organization=settings.account_id == ORGANIZATION,
    )
    media_type = "application/json" if form == "json" else "text/plain"
    write_document(defuse_document(TEMPLATES[form](policy), media_type).encode())


def _roles(options: RunOptions) -> Sequence[str]:
    """The ARNs of the roles that are named, one by one or in a list of accounts."""
    if options.accounts is None:
        return options.role_arn or ()
    from policycheck.sources.accounts import read_accounts
    from policycheck.sources.connection import partition_of

    partition = partition_of(options.region or ())
    return [account.role_arn(partition) for account in read_accounts(options.accounts)[0]]
