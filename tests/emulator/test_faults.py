"""How faults are written, and at which requests they happen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.emulator.faults import EXPLANATIONS, Fault, FaultPlan, Kind
from policycheck.errors import UsageError


def fallen(spec: str, *asked: tuple[str, str, str], requests: int = 6) -> list[int]:
    plan = FaultPlan([spec])
    return [number for number in range(1, requests + 1) for place in asked or [("ListBackupJobs", "1", "eu-west-1")] if plan.next(*place)]


@pytest.mark.parametrize(
    ("requests", "numbers"),
    [("3", [3]), ("2-4", [2, 3, 4]), ("5-", [5, 6]), ("1,3", [1, 3]), ("1,5-", [1, 5, 6]), ("*", [1, 2, 3, 4, 5, 6]), ("7", [])],
)
def test_a_fault_happens_at_the_requests_it_names(requests: str, numbers: list[int]) -> None:
    assert fallen(f"ListBackupJobs:{requests}=500") == numbers


@pytest.mark.parametrize(
    ("spec", "operation", "account", "region", "happens"),
    [
        ("*:1=500", "AssumeRole", "1", "r", True),
        ("ListBackupJobs:1=500", "ListCopyJobs", "1", "r", False),
        ("ListBackupJobs@111111111111:1=500", "ListBackupJobs", "111111111111", "r", True),
        ("ListBackupJobs@111111111111:1=500", "ListBackupJobs", "222222222222", "r", False),
        ("ListBackupJobs@eu-west-1:1=500", "ListBackupJobs", "111111111111", "eu-west-1", True),
        ("ListBackupJobs@eu-west-1:1=500", "ListBackupJobs", "111111111111", "us-east-1", False),
        ("ListBackupJobs@111111111111/eu-west-1:1=500", "ListBackupJobs", "111111111111", "us-east-1", False),
        ("*:1=empty", "DescribeBackupJob", "1", "r", False),
    ],
)
def test_a_fault_happens_where_it_is_placed(spec: str, operation: str, account: str, region: str, happens: bool) -> None:
    assert bool(FaultPlan([spec]).next(operation, account, region)) is happens


def test_requests_elsewhere_do_not_count() -> None:
    plan = FaultPlan(["ListBackupJobs@eu-west-1:2=500"])
    regions = ["eu-west-1", "us-east-1", "us-east-1", "eu-west-1"]
    assert [bool(plan.next("ListBackupJobs", "1", region)) for region in regions] == [False, False, False, True]


def test_several_faults_of_a_request_come_in_the_order_of_the_plan() -> None:
    plan = FaultPlan(["*:*=latency:0.5", "ListBackupJobs:1=truncated"])
    assert [fault.kind for fault in plan.next("ListBackupJobs", "1", "r")] == [Kind.LATENCY, Kind.TRUNCATED]


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("", "not a fault"),
        ("ListBackupJobs=500", "not a fault"),
        ("ListBackupJobs:1=500 ", "not a fault"),
        ("ListJobs:1=500", "no operation ListJobs"),
        ("ListBackupJobs:1=explode", "no fault is called explode"),
        ("ListBackupJobs:0=500", "names no request"),
        ("ListBackupJobs:4-2=500", "names no request"),
        ("ListBackupJobs:1,,2=500", "names no request"),
        ("StartBackupJob:1=empty", "has no pages"),
        ("ListBackupJobs:1=latency", "takes seconds"),
        ("ListBackupJobs:1=latency:soon", "takes seconds"),
        ("ListBackupJobs:1=short:0", "number of jobs"),
        ("ListBackupJobs:1=change:RUNNING", "two states"),
        ("ListBackupJobs:1=change:RUNNING:DONE", "two states"),
        ("ListBackupJobs:1=500:now", "takes no argument"),
    ],
)
def test_a_fault_that_is_none_is_refused_with_what_to_write(spec: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        FaultPlan([spec])


@given(st.text())
def test_reading_a_fault_gives_a_fault_or_a_usage_error(spec: str) -> None:
    try:
        assert Fault.parse(spec).requests
    except UsageError as error:
        assert error.message


def test_every_fault_is_explained_in_the_code_and_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text(encoding="utf-8")
    assert set(EXPLANATIONS) == set(Kind)
    for kind in Kind:
        assert f"| `{kind}" in page
