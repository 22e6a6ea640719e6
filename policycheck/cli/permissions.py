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
    """Print the minimal IAM policy that these policies' rules need: read-only, one action for each list.

    With --region all: also account:ListRegions, which shows which Regions are not enabled. With --account-id: also organizations:DescribeOrganization,
    which shows who manages the organization. With --account-id '*': also organizations:ListAccounts, which shows accounts without a job. All three are
    optional: without them, such Regions and accounts might be unread.

    With --role-arn or --accounts: the policy of the caller, which assumes those roles. The roles need the policy that is printed without these options.
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
        raise UsageError(f"--format {form} is for the role in each account, and --role-arn and --accounts ask for the caller's policy", hint="Omit them.")
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
