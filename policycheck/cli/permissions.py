"""`policycheck permissions`: the least IAM policy that a check needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from policycheck.cli.options import shared_options
from policycheck.cli.policies import load
from policycheck.cli.settings import settle
from policycheck.cli.terminal import write_document
from policycheck.settings.options import RunOptions


@shared_options("permissions", first=("region", "role_arn", "account_id"))
def permissions(context: typer.Context, options: RunOptions) -> None:
    """Print the least IAM policy that these policies' rules need: read-only, one action a list.

    With --region all: account:ListRegions as well, which tells Regions that are not enabled from Regions that do not know the kind of credentials; with
    --account-id: organizations:DescribeOrganization, which tells who manages the organization. Both are optional: without them such Regions and accounts may
    be unread. With --role-arn: the policy of the caller, who takes on those roles. The roles themselves need what is printed without it.
    """
    from policycheck.formats.escape import defuse_document
    from policycheck.sources.connection import ALL_REGIONS
    from policycheck.sources.permissions import least_policy
    from policycheck.sources.plan import plan_fetch

    # The instant only narrows when jobs were created; it changes no permission.
    settings = settle(context, options)
    plan = plan_fetch(load(settings), datetime.now(UTC))
    policy = least_policy(plan, options.role_arn or (), all_regions=ALL_REGIONS in (settings.region or ()), other_accounts=settings.account_id is not None)
    document = f"{json.dumps(policy, indent=2)}\n"
    write_document(defuse_document(document, "application/json").encode())
