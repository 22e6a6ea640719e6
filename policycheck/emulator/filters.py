"""The By... filters of the lists, and what each compares.

Source of parameters: the API model. Source of meaning: the AWS CLI's page of list-backup-jobs. Where AWS documents nothing: before and after exclude
the moment itself, so that a client that relies on either being inclusive is found out; a job without CompletionDate matches neither of
ByCompleteAfter and ByCompleteBefore; `*`, ANY and AGGREGATE_ALL of ByMessageCategory match every job; categories are compared without regard to
case, because the documentation spells them in two ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import assert_never

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, PROTECTED_RESOURCES, RECOVERY_POINTS, RESTORE_JOBS, VAULTS, Dataset
from policycheck.emulator.clock import to_ms
from policycheck.emulator.errors import ApiError
from policycheck.emulator.wire import arn_part, time_ms

Fields = Mapping[str, object]
Predicate = Callable[[Fields], bool]

_ANY_CATEGORY = frozenset({"*", "any", "aggregate_all"})


class Comparison(Enum):
    """How a filter compares."""

    EXACT = auto()
    STATE = auto()
    CATEGORY = auto()
    VAULT = auto()
    AFTER = auto()
    BEFORE = auto()


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: the member it looks at (dotted where nested) and how."""

    member: str
    comparison: Comparison


_TIMES = {
    "ByCreatedBefore": Filter("CreationDate", Comparison.BEFORE),
    "ByCreatedAfter": Filter("CreationDate", Comparison.AFTER),
    "ByCompleteBefore": Filter("CompletionDate", Comparison.BEFORE),
    "ByCompleteAfter": Filter("CompletionDate", Comparison.AFTER),
}
_COMMON = {**_TIMES, "ByResourceType": Filter("ResourceType", Comparison.EXACT), "ByParentJobId": Filter("ParentJobId", Comparison.EXACT)}
_JOBS = {
    **_COMMON,
    "ByResourceArn": Filter("ResourceArn", Comparison.EXACT),
    "ByState": Filter("State", Comparison.STATE),
    "ByMessageCategory": Filter("MessageCategory", Comparison.CATEGORY),
}

FILTERS: Mapping[str, Mapping[str, Filter]] = MappingProxyType(
    {
        BACKUP_JOBS.name: {**_JOBS, "ByBackupVaultName": Filter("BackupVaultName", Comparison.VAULT)},
        COPY_JOBS.name: {
            **_JOBS,
            "ByDestinationVaultArn": Filter("DestinationBackupVaultArn", Comparison.EXACT),
            "BySourceRecoveryPointArn": Filter("SourceRecoveryPointArn", Comparison.EXACT),
        },
        RESTORE_JOBS.name: {
            **_COMMON,
            "ByStatus": Filter("Status", Comparison.STATE),
            "ByRestoreTestingPlanArn": Filter("CreatedBy.RestoreTestingPlanArn", Comparison.EXACT),
        },
        PROTECTED_RESOURCES.name: {},
        VAULTS.name: {"ByVaultType": Filter("VaultType", Comparison.EXACT)},
        RECOVERY_POINTS.name: {
            "BackupVaultName": Filter("BackupVaultName", Comparison.EXACT),
            "ByResourceArn": Filter("ResourceArn", Comparison.EXACT),
            "ByResourceType": Filter("ResourceType", Comparison.EXACT),
            "ByBackupPlanId": Filter("CreatedBy.BackupPlanId", Comparison.EXACT),
            "ByCreatedBefore": Filter("CreationDate", Comparison.BEFORE),
            "ByCreatedAfter": Filter("CreationDate", Comparison.AFTER),
            "ByParentRecoveryPointArn": Filter("ParentRecoveryPointArn", Comparison.EXACT),
        },
    }
)
"""Every filter of each list but ByAccountId, which says whose jobs are looked at and not which of them."""


def predicates(dataset: Dataset, parameters: Mapping[str, object]) -> list[Predicate]:
    """One test for each filter given. Raises ApiError (InvalidParameterValueException) for a state or a time that is none."""
    return [_predicate(dataset, name, f, parameters[name]) for name, f in FILTERS[dataset.name].items() if name in parameters]


def _predicate(dataset: Dataset, name: str, given: Filter, value: object) -> Predicate:
    member = given.member
    match given.comparison:
        case Comparison.EXACT:
            head, _, tail = member.partition(".")
            return (lambda fields: _inner(fields, head, tail) == value) if tail else (lambda fields: fields.get(member) == value)
        case Comparison.STATE:
            if value not in dataset.states:
                raise ApiError.invalid(f"{name} is none of {', '.join(dataset.states)}: {value}")
            return lambda fields: fields.get(member) == value
        case Comparison.CATEGORY:
            wanted = str(value).lower()
            return (lambda _: True) if wanted in _ANY_CATEGORY else (lambda fields: str(fields.get(member, "")).lower() == wanted)
        case Comparison.VAULT:
            return lambda fields: (fields.get(member) or arn_part(fields.get("BackupVaultArn"), 5).rpartition(":")[2]) == value
        case Comparison.AFTER | Comparison.BEFORE:
            return _time_predicate(name, given, value)
        case _:
            assert_never(given.comparison)


def _time_predicate(name: str, given: Filter, value: object) -> Predicate:
    if not isinstance(value, datetime):
        raise ApiError.invalid(f"{name} is not a time: {value}")
    bound, member = to_ms(value), given.member
    if given.comparison is Comparison.AFTER:
        return lambda fields: (at := time_ms(fields, member)) is not None and at > bound
    return lambda fields: (at := time_ms(fields, member)) is not None and at < bound


def _inner(fields: Fields, head: str, tail: str) -> object:
    nested = fields.get(head)
    return nested.get(tail) if isinstance(nested, Mapping) else None
