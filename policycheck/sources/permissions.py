"""The least that fetching needs: an IAM policy with one action a list, read-only."""

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


def least_policy(plan: FetchPlan, role_arns: Sequence[str] = ()) -> dict[str, Any]:
    """The IAM policy document that allows a fetch and nothing else.

    The list operations know no resource, so `Resource` is `*`. With `role_arns` the policy is the caller's: it may take on those roles, whose own policies
    are then the document without them.
    """
    statements = [{"Sid": "ListJobs", "Effect": "Allow", "Action": list(required_actions(plan)), "Resource": "*"}]
    if role_arns:
        statements = [{"Sid": "TakeOnRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": sorted(role_arns)}]
    return {"Version": "2012-10-17", "Statement": statements}
