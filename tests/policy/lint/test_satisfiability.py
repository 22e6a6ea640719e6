"""What the reasoner calls impossible is true of no job, whatever is missing from it; and it sees the contradictions people write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, RESTORE_JOBS, Dataset
from policycheck.policy.conditions import And, Condition, Not, Or, bind
from policycheck.policy.lint.satisfiability import is_impossible
from tests.engine.lists import condition, truth
from tests.evidence.jobs import Job, comparisons, job_lists
from tests.properties import examples
from tests.tables import each


def bound(wanted: Condition) -> Condition:
    def refuse(*mistake: object) -> None:
        raise AssertionError(mistake)

    return bind(wanted, BACKUP_JOBS, refuse)


@st.composite
def crowded(draw: st.DrawFn) -> Condition:
    """Conditions on few fields, so that they contradict each other often."""
    first = draw(comparisons())
    others = draw(st.lists(comparisons().filter(lambda one: one.field in {first.field, "State", "Outcome", "MessageCategory", "Overdue"}), max_size=3))
    parts = tuple(Not(one) if draw(st.booleans()) else one for one in (first, *others))
    shapes: list[Condition] = [And(parts), Not(Or(parts)), Or((And(parts), And((parts[0], Not(parts[0])))))]
    return draw(st.sampled_from(shapes))


@examples(crowded(), job_lists(), few=30, many=400)
def test_what_is_called_impossible_is_true_of_no_job(wanted: Condition, jobs: list[Job]) -> None:
    asked = bound(wanted)
    if jobs and is_impossible(asked, BACKUP_JOBS):
        assert True not in truth(asked, jobs)


@examples(st.lists(comparisons(), min_size=1, max_size=2), job_lists(), few=18, many=200)
def test_what_contradicts_itself_is_called_impossible(parts: list[Condition], jobs: list[Job]) -> None:
    """A condition and its opposite: never true at once, in three values too. The reasoner finds every one of them."""
    asked = bound(And(tuple(parts)))
    itself = And((asked, Not(asked)))
    assert is_impossible(itself, BACKUP_JOBS)
    assert not jobs or True not in truth(itself, jobs)


IMPOSSIBLE = """
State: FAILED, Outcome: with_issues
State: RUNNING, Outcome: {present: true}
State: COMPLETED, Outcome: {present: false}
State: [CREATED, RUNNING], not: {State: {is: [CREATED, RUNNING, PENDING]}}
State: {present: false}
State: COMPLETED, Overdue: true
Overdue: true, not: {Overdue: true}
Outcome: clean, MessageCategory: AccessDenied
Outcome: clean, MessageCategory: {present: false}
Outcome: with_issues, MessageCategory: success
BackupVaultName: {starts_with: prod, ends_with: dr}, not: {BackupVaultName: {starts_with: p}}
BackupVaultName: prod, any: [{BackupVaultName: dr}, {BackupVaultName: {starts_with: d}}]
ResourceName: {starts_with: [prod-, live-]}, any: [{ResourceName: {starts_with: test-}}]
ResourceName: {ends_with: -a}, any: [{ResourceName: {ends_with: -b}}]
ResourceName: {contains: prod-db}, not: {ResourceName: {contains: prod}}
ResourceName: {matches: ^a}, not: {ResourceName: {matches: [b, ^a]}}
ResourceName: {matches: ^a, present: false}
ResourceName: {is: b, matches: ^a}, not: {ResourceName: {matches: ^a}}
ResourceType: EC2, not: {ResourceType: ec2}
ResourceType: {contains: EC}, not: {ResourceType: {contains: ec}}
Retention: {at_least: 35d, less_than: 30d}
BackupSizeInBytes: {more_than: 5, less_than: 6}
BackupSizeInBytes: {at_least: 5, at_most: 6}, not: {BackupSizeInBytes: [5, 6]}
RecoveryPointLifecycle.DeleteAfterDays: 5, any: [{RecoveryPointLifecycle.DeleteAfterDays: {at_least: 6}}]
CreationDate: {older_than: 24h, newer_than: 24h}
CreationDate: {older_than: 2d}, not: {CreationDate: {older_than: 1d}}
CreationDate: {at_least: 2026-11-20, at_most: 2026-11-19}
IsEncrypted: true, not: {IsEncrypted: {present: true}}
IsEncrypted: true, any: [{IsEncrypted: false}]
in_inventory: prod, not: {in_inventory: [prod, dr]}
IamRoleArn: {in_inventory: prod}, not: {IamRoleArn: {in_inventory: [dr, prod]}}
Running: {local_time: on Monday in UTC}, not: {Running: {local_time: on Monday or Tuesday in UTC}}
in_inventory: {present: false}, any: [{in_inventory: prod}]
ParentJobId: {present: true}, not: {ParentJobId: {present: true}}
""".strip().splitlines()

POSSIBLE = """
State: COMPLETED, Outcome: with_issues
not: {State: COMPLETED}
Outcome: [clean, with_issues], MessageCategory: {present: false}
Outcome: unknown, State: COMPLETED
not: {Outcome: [clean, with_issues, unknown]}
not: {VaultType: [BACKUP_VAULT, LOGICALLY_AIR_GAPPED_BACKUP_VAULT, RESTORE_ACCESS_BACKUP_VAULT]}
MessageCategory: SUCCESS, not: {Outcome: with_issues}
ResourceName: {starts_with: prod, ends_with: prod}
ResourceName: {starts_with: [a, b]}, any: [{ResourceName: {starts_with: bc}}]
ResourceName: {contains: a}, not: {ResourceName: {contains: ab}}
ResourceName: {contains: a}, not: {ResourceName: {starts_with: a}}
ResourceName: {matches: ^a}, not: {ResourceName: {contains: a}}
ResourceName: b, any: [{ResourceName: {matches: ^a}}]
ResourceType: İ, not: {ResourceType: i̇}
VaultType: {present: true}, not: {VaultType: [BACKUP_VAULT, LOGICALLY_AIR_GAPPED_BACKUP_VAULT, RESTORE_ACCESS_BACKUP_VAULT]}
ResourceName: {contains: [prod-db, x]}, not: {ResourceName: {contains: prod}}
BackupSizeInBytes: {at_least: 5, at_most: 6}, not: {BackupSizeInBytes: 5}
BackupSizeInBytes: {more_than: 5, less_than: 7}
BackupSizeInBytes: {at_least: 5, at_most: 5}
CreationDate: {older_than: 1s, newer_than: 1.000002s}
CreationDate: {older_than: 24h}, any: [{CreationDate: {newer_than: 25h}}]
CreationDate: {older_than: 24h, at_least: 2026-11-20}
in_inventory: prod, any: [{in_inventory: dr}]
in_inventory: [prod, dr], not: {in_inventory: prod}
IamRoleArn: {in_inventory: [prod, dr]}, not: {IamRoleArn: {in_inventory: prod}}
Running: {local_time: on Monday in UTC}, any: [{Running: {local_time: on Tuesday in UTC}}]
Running: {local_time: on Monday in UTC}, not: {Running: {local_time: on Tuesday in UTC}}
not: {IsEncrypted: true}, any: [{not: {IsEncrypted: false}}]
ParentJobId: {present: false}
""".strip().splitlines()


@each("text", IMPOSSIBLE)
def test_a_contradiction_that_people_write_is_seen(text: str, tmp_path: Path) -> None:
    assert is_impossible(condition(f"{{{text}}}", tmp_path), BACKUP_JOBS)


@pytest.mark.parametrize("text", POSSIBLE)
def test_what_may_be_is_left_alone(text: str, tmp_path: Path) -> None:
    assert not is_impossible(condition(f"{{{text}}}", tmp_path), BACKUP_JOBS)


def test_a_condition_with_too_many_alternatives_is_left_alone(tmp_path: Path) -> None:
    one = condition("{any: [{ResourceName: a}, {State: FAILED}]}", tmp_path)
    never = condition("{ResourceName: {present: false}, State: COMPLETED}", tmp_path)
    assert is_impossible(And((one, never)), BACKUP_JOBS)
    assert not is_impossible(And((*[one] * 12, never)), BACKUP_JOBS)


@pytest.mark.parametrize(
    ("first", "second", "dataset"),
    [
        ("State: FAILED", "State: [FAILED, EXPIRED]", BACKUP_JOBS),
        ("Retention: {at_least: 35d}", "Retention: {at_least: 30d}", BACKUP_JOBS),
        ("Outcome: clean", "State: COMPLETED", BACKUP_JOBS),
        ("Status: FAILED", "not: {Status: COMPLETED}", RESTORE_JOBS),
    ],
)
def test_a_narrower_condition_implies_a_wider_one(first: str, second: str, dataset: Dataset, tmp_path: Path) -> None:
    narrow, wide = condition(f"{{{first}}}", tmp_path, dataset), condition(f"{{{second}}}", tmp_path, dataset)
    assert is_impossible(And((narrow, Not(wide))), dataset)
    assert not is_impossible(And((wide, Not(narrow))), dataset)
