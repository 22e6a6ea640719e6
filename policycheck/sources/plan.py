"""What to fetch for some policies: which lists, from when on, and how far AWS may narrow them without changing a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import assert_never

from policycheck.datasets import BACKUP_JOBS, DATASETS, RESOURCE_TYPES
from policycheck.policy.conditions import Comparison, Operator, parts_of
from policycheck.policy.literals import parse_duration
from policycheck.policy.model import AllMatch, NoData, NoneMatch, Policy, Rule

HORIZON = timedelta(days=30)
"""ListBackupJobs lists the jobs of the last 30 days (API reference). The lists of copy and restore jobs document no limit."""
LONGEST_JOB = timedelta(days=8)
"""How long before a window a job may have been created that ended in it: AWS Backup ends a job after 7 days; one day for its start window."""

_TYPES = {name.lower(): name for name in RESOURCE_TYPES}


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What to ask for, in every account and Region."""

    datasets: tuple[str, ...]
    """Names of lists, in the order of `datasets.DATASETS`."""
    created_after: datetime | None = None
    """Jobs created earlier are not asked for; None: the whole 30 days."""
    filters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dataset name, request parameters (ByResourceType, ByBackupVaultName) and the one value each is narrowed to."""
    older: Mapping[str, datetime] = field(default_factory=dict)
    """For lists without a horizon, by dataset name: from when on, where that is more than 30 days back and `created_after` is None."""
    declared_regions: frozenset[str] = frozenset()
    """Regions a policy's scope declares: one that is not enabled is a failure."""


def plan_fetch(policies: Sequence[Policy], as_of: datetime) -> FetchPlan:
    """The plan for some policies at an aware instant.

    It is narrowed only when every rule is `none` or `all`: by the longest window and eight days before it where every rule has one, and by a vault or a type
    where every rule of a list asks for the same single one in `where`. What a rule forbids or demands never narrows. A rule with `no_data: quiet` looks outside
    its window, and a declared account needs a job of any kind: then there is no window, and no vault or type, to narrow by.
    """
    rules = [rule for policy in policies for rule in policy.rules]
    named = {rule.statement.dataset for rule in rules} or {BACKUP_JOBS.name}
    narrow = all(_narrows(rule) for rule in rules)
    reaches = {rule: _reach(rule) for rule in map(_Key, rules)}
    whole = not narrow or not rules or any(reach is None for reach in reaches.values())
    created_after = None if whole else as_of - max(reach for reach in reaches.values() if reach is not None)
    filtered = narrow and not any(policy.scope.accounts for policy in policies)
    return FetchPlan(
        datasets=tuple(name for name in DATASETS if name in named),
        created_after=created_after,
        filters=MappingProxyType({name: found for name in DATASETS if filtered and (found := _filters(name, rules))}),
        older=MappingProxyType({name: as_of - reach for name, reach in _older(rules) if reach > HORIZON}),
        declared_regions=frozenset(region for policy in policies for region in policy.scope.regions),
    )
