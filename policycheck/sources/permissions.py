"""The least that fetching needs: an IAM policy with one action a list and what tells an empty list from an unread one, read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from policycheck.datasets import DATASETS
from policycheck.sources.plan import FetchPlan


def required_actions(plan: FetchPlan) -> tuple[str, ...]:
    """The IAM actions of a fetch, sorted.

    Each list is one action of the service prefix `backup` (Service Authorization Reference). Whose credentials these are is asked of STS with
    GetCallerIdentity, which needs no permission.
    """
    return tuple(sorted(f"backup:{DATASETS[name].operation}" for name in plan.datasets))


def least_policy(
    plan: FetchPlan, role_arns: Sequence[str] = (), *, all_regions: bool = False, other_accounts: bool = False, organization: bool = False
) -> dict[str, Any]:
    """The IAM policy document that allows a fetch and nothing else.

    All operations but ListRecoveryPointsByBackupVault, which is asked of every vault, know no resource, so `Resource` is `*`. With `role_arns` the policy is
    the caller's: it may assume those roles, whose own policies are then the document without them.

    Args:
        all_regions: every Region is asked (`--region all`): account:ListRegions then tells which are not enabled, where the credentials cannot. Optional:
            without it those Regions are unread.
        other_accounts: accounts of the organization are asked for (`--account-id`): organizations:DescribeOrganization then tells who manages it, where the
            jobs do not. Optional: without it a list without their jobs is unread.
        organization: all of them are asked for (`--account-id '*'`): organizations:ListAccounts then tells which have no job. Optional: without it they are not
            known.
    """
    statements = [_statement("ListJobs", *required_actions(plan))]
    if all_regions:
        statements.append(_statement("TellEnabledRegions", "account:ListRegions"))
    if other_accounts:
        statements.append(_statement("TellManagementAccount", "organizations:DescribeOrganization"))
    if organization:
        statements.append(_statement("TellMembers", "organizations:ListAccounts"))
    if role_arns:
        statements = [{"Sid": "AssumeRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": sorted(role_arns)}]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(name: str, *actions: str) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": "*"}
