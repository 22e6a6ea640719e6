"""`policycheck permissions`: the least IAM policy that a check needs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import typer

from policycheck.cli.connection import RoleArns
from policycheck.cli.policies import load
from policycheck.cli.settings import Config, NoConfig, Policies, settle
from policycheck.cli.terminal import write_document


def permissions(
    context: typer.Context,
    policies: Policies = None,
    role_arn: RoleArns = None,
    config: Config = None,
    no_config: NoConfig = False,
) -> None:
    """Print the least IAM policy that these policies' rules need: read-only, one action a list.

    With --role-arn: the policy of the caller, who takes on those roles. The roles themselves need what is printed without it.
    """
    from policycheck.formats.escape import defuse_document
    from policycheck.sources.permissions import least_policy
    from policycheck.sources.plan import plan_fetch

    # The instant only narrows when jobs were created; it changes no permission.
    plan = plan_fetch(load(settle(context)), datetime.now(UTC))
    document = f"{json.dumps(least_policy(plan, role_arn or ()), indent=2)}\n"
    write_document(defuse_document(document, "application/json").encode())
