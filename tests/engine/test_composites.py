"""Composite jobs: which children a count or a share leaves out since their parent stands for them (docs/groups-specification.md, Composite jobs)."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.policy.conditions import Condition
from policycheck.policy.measures import Measure
from policycheck.policy.model import RESOURCE, JobChoice
from policycheck.result import RuleResult
from tests.engine.expectations import CLEAN, FAILED, RUNNING, at, condition, expect, grouped, grouped_each
from tests.engine.lists import Job

DONE: Job = {"State": "COMPLETED", **CLEAN}
PARTIAL: Job = {"State": "PARTIAL", "MessageCategory": "SomeJobsFailed"}
STACK: Job = {"ResourceType": "CloudFormation", "ResourceArn": "arn:aws:cloudformation:eu-west-1:111122223333:stack/s"}


def parent(hours: float = 2, **changes: Any) -> Job:
    return at(hours, **{"BackupJobId": "parent", **STACK, **DONE, **changes})


def child(number: int, hours: float = 2, **changes: Any) -> Job:
    return at(hours, f"i-{number}", **{"BackupJobId": f"c{number}", "ParentJobId": "parent", **DONE, **changes})


def count(jobs: list[Job], of: Condition, limit: str, *, measure: Measure = Measure.COUNT, per: tuple[str, ...] = (), **more: Any) -> RuleResult:
    return grouped(expect(measure, of, limit, per), jobs, **{"within": "7d", "jobs": JobChoice.ONCE, **more})


def bounds(jobs: list[Job], of: Condition) -> tuple[int, int | None]:
    """How many matching jobs are counted for certain, and at most, as two-sided limits tell; None: no upper limit is met."""
    numbers = range(len(jobs) + 1)
    limits = [f"at_least {number}" for number in numbers[1:]] + [f"at_most {number}" for number in numbers]
    requirements = [(expect(Measure.COUNT, of, limit, ()), "7d") for limit in limits]
    verdicts = {limit: result.verdict for limit, result in zip(limits, grouped_each(requirements, jobs, jobs=JobChoice.ONCE), strict=True)}
    least = max(number for number in numbers if number == 0 or verdicts[f"at_least {number}"] == "pass")
    return least, next((number for number in numbers if verdicts[f"at_most {number}"] == "pass"), None)


COMPLETED, BAD = condition("State", "COMPLETED"), condition("State", "FAILED", "PARTIAL")
# The jobs, and how many COMPLETED ones and how many FAILED or PARTIAL ones are counted: for certain and at most.
COUNTED: list[tuple[str, list[Job], tuple[int, int | None], tuple[int, int | None]]] = [
    ("children of a parent that answers alike", [parent(), child(1), child(2)], (1, 1), (0, 0)),
    ("children whose parent is not in the list", [child(1), child(2)], (2, 2), (0, 0)),
    ("a parent that ended before the window", [parent(300), child(1), child(2)], (2, 2), (0, 0)),
    ("a child that failed under a COMPLETED parent", [parent(), child(1), child(2, **FAILED)], (1, 1), (1, 1)),
    ("a child that failed under a PARTIAL parent", [parent(**PARTIAL), child(1, **FAILED)], (0, 0), (1, 1)),
    ("a child that completed under a PARTIAL parent", [parent(**PARTIAL), child(1)], (1, 1), (1, 1)),
    ("a job that says it is its own parent", [parent(ParentJobId="parent")], (1, 1), (0, 0)),
    ("a child of a child", [parent(), child(1), child(2, ParentJobId="c1")], (1, 1), (0, 0)),
    ("two parents of one id, one of which answers alike", [parent(), parent(3, **FAILED), child(1)], (1, 2), (1, 1)),
    ("a damaged parent, which may be a child itself", [parent(State=None, MessageCategory=None), child(1)], (0, None), (0, None)),
    ("a child of unknown state", [parent(), child(1, State=None, MessageCategory=None)], (1, 2), (0, 1)),
    ("ids that were redacted throughout", [parent(BackupJobId="x"), child(1, BackupJobId="x", ParentJobId="x"), child(2, BackupJobId="x", ParentJobId="x")],
     (1, 3), (0, 0)),
    ("ParentJobId redacted, ids not", [parent(), child(1, ParentJobId="x"), child(2, ParentJobId="x")], (3, 3), (0, 0)),
    ("a reduced list without ParentJobId",
     [parent(StartBy=None), child(1, ParentJobId=None, StartBy=None), child(2, ParentJobId=None, StartBy=None)], (1, 3), (0, 0)),
    ("a reduced list without ParentJobId, one failed",
     [parent(StartBy=None), child(1, ParentJobId=None, StartBy=None), child(2, ParentJobId=None, StartBy=None, **FAILED)], (1, 2), (1, 1)),
    ("a whole list without ParentJobId", [parent(), child(1, ParentJobId=None), child(2, ParentJobId=None)], (3, 3), (0, 0)),
    ("a damaged record that may be a child", [parent(), child(1, ParentJobId=None, StartBy=None), child(2)], (1, 2), (0, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("_", "jobs", "completed", "bad"), COUNTED, ids=[case[0] for case in COUNTED])
def test_a_composite_job_counts_once(_: str, jobs: list[Job], completed: tuple[int, int | None], bad: tuple[int, int | None]) -> None:
    assert (bounds(jobs, COMPLETED), bounds(jobs, BAD)) == (completed, bad)


def test_what_was_left_out_is_told() -> None:
    result = count([parent(), child(1), child(2), child(3, **FAILED)], COMPLETED, "at_least 1")
    assert (result.verdict, result.examined) == ("pass", 2)
    assert result.notes == ("2 child jobs omitted: their parent jobs count instead, with the same result",)
    assert count([parent(), child(1)], COMPLETED, "at_least 1").notes == ("1 child job omitted: its parent job counts instead, with the same result",)


def test_a_parent_stands_for_its_children_in_its_own_group_alone() -> None:
    jobs = [parent(), child(1), child(2)]
    # Each group has its own: the parent is of another type, and with resources no child is ever left out.
    assert count(jobs, COMPLETED, "at_least 1", per=("ResourceType",)).examined == 3
    assert count(jobs, COMPLETED, "at_least 1", per=("BackupVaultName",)).examined == 1
    assert count(jobs, COMPLETED, "at_least 1", per=(RESOURCE,)).examined == 3
    # A rule about the types of the children does not count the parent, which then stands for none.
    assert count(jobs, COMPLETED, "at_least 1", where=condition("ResourceType", "EC2")).examined == 2


def test_the_author_may_choose_otherwise() -> None:
    jobs = [parent(), child(1), child(2)]
    requirement = expect(Measure.COUNT, COMPLETED, "at_least 1", ())
    found = {choice: grouped(requirement, jobs, within="7d", jobs=choice).examined for choice in JobChoice}
    assert found == {JobChoice.ALL: 3, JobChoice.TOP_LEVEL: 1, JobChoice.MEMBERS: 2, JobChoice.ONCE: 1}


# The jobs, the share of COMPLETED ones in percent at its least and at its most.
SHARES: list[tuple[str, list[Job], int, int]] = [
    ("alike", [parent(), child(1), child(2), child(9, ParentJobId=None, **FAILED)], 50, 50),
    ("a failed child counts beside its parent", [parent(), child(1), child(2, **FAILED)], 50, 50),
    ("a parent in progress is undecided and stands for none", [parent(**RUNNING, ExpectedCompletionDate=at(-9)["CreationDate"]), child(1), child(2, **FAILED)],
     50, 50),
    ("no parent in the list", [child(1), child(2), child(3), child(4, **FAILED)], 75, 75),
    ("a reduced list without ParentJobId",
     [parent(StartBy=None), *(child(n, ParentJobId=None, StartBy=None) for n in (1, 2)), child(9, ParentJobId=None, StartBy=None, **FAILED)], 50, 75),
]  # fmt: skip


@pytest.mark.parametrize(("_", "jobs", "least", "most"), SHARES, ids=[case[0] for case in SHARES])
def test_a_composite_job_is_one_part_of_a_share(_: str, jobs: list[Job], least: int, most: int) -> None:
    def verdict(limit: str) -> str:
        return count(jobs, COMPLETED, limit, measure=Measure.SHARE).verdict.value

    assert verdict(f"at_least {least}%") == "pass"
    assert verdict(f"at_most {most}%") == "pass"
    assert verdict(f"more_than {least}%") == ("fail" if least == most else "inconclusive")
    assert verdict(f"less_than {most}%") == ("fail" if least == most else "inconclusive")
