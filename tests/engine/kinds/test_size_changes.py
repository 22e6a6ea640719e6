"""`size_drop` and `size_growth`: each job beside the one before it, whatever is unknown of either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from policycheck.datasets import COPY_JOBS
from policycheck.inventory import InventoryEntry
from policycheck.policy.measures import Measure
from policycheck.policy.model import NoData
from policycheck.result import RuleResult
from tests.engine.expectations import arn, at, clean, covered, expect, grouped, said
from tests.engine.lists import AS_OF, Job, ago
from tests.tables import each

DROP, GROWTH = expect(Measure.SIZE_DROP, clean(), "at_most 50%"), expect(Measure.SIZE_GROWTH, clean(), "at_most 100%")
MAYBE: Job = {"MessageCategory": None}
GONE: Job = {"BackupSizeInBytes": None}


def sized(hours: float, size: int, **changes: Any) -> Job:
    """A clean job of that size."""
    return at(hours, **{"MessageCategory": "SUCCESS", "BackupSizeInBytes": size, "BackupJobId": f"{hours:g}/{size}", **changes})


def drop(*jobs: Job, within: str | None = "48h", **more: Any) -> RuleResult:
    return grouped(DROP, [*jobs], within=within, **more)


@each(
    ("jobs", "verdict"),
    [
        ([sized(26, 100), sized(2, 50)], "pass"),
        ([sized(26, 100), sized(2, 49)], "fail"),
        ([sized(26, 100), sized(2, 0)], "fail"),
        ([sized(26, 0), sized(2, 100)], "pass"),
        ([sized(500, 100), sized(2, 49)], "fail"),
        ([sized(500, 100), sized(400, 1), sized(2, 1)], "pass"),
        ([sized(2, 49)], "inconclusive"),
        ([sized(26, 100), sized(2, 0, ResourceType="RDS")], "inconclusive"),
        ([sized(26, 100, ResourceType="rds"), sized(2, 1, ResourceType="rds")], "fail"),
        ([sized(26, 100, ResourceType="EFS"), sized(2, 1, ResourceType="EFS")], "inconclusive"),
        # What lies between may be clean, and may not: it violates in both cases, in one, or in none.
        ([sized(50, 100), sized(26, 90, **MAYBE), sized(2, 10)], "fail"),
        ([sized(50, 100), sized(26, 60, **MAYBE), sized(2, 40)], "inconclusive"),
        ([sized(50, 100), sized(26, 20, **MAYBE), sized(2, 60)], "inconclusive"),
        ([sized(50, 100), sized(26, 90, **MAYBE), sized(2, 80)], "pass"),
        # Either way one of them is too small, though not the same.
        ([sized(50, 100), sized(26, 30, **MAYBE), sized(2, 30)], "fail"),
        ([sized(26, 100), sized(2, 40, **MAYBE)], "inconclusive"),
        ([sized(26, 100), sized(2, 90, **MAYBE)], "inconclusive"),
        # A size that is missing, though its type records one, and one of no type.
        ([sized(26, 100), sized(2, 1, **GONE), sized(500, 100)], "inconclusive"),
        ([sized(26, 100), sized(2, 1, ResourceType=None)], "inconclusive"),
        # Of one moment: in either order one is too small; in one alone; in none.
        ([sized(26, 100), sized(2, 10), sized(2, 100)], "fail"),
        ([sized(26, 20), sized(2, 10), sized(2, 100)], "inconclusive"),
        ([sized(26, 100), sized(2, 60), sized(2, 100)], "pass"),
        ([sized(26, 100), *(sized(2, 10, BackupJobId=f"j{number}") for number in range(5))], "inconclusive"),
        ([sized(26, 100), sized(2, 10), sized(3, 100, CreationDate=None)], "inconclusive"),
    ],
)
def test_a_job_is_compared_with_the_one_before(jobs: list[Job], verdict: str) -> None:
    assert drop(*jobs).verdict.value == verdict


@each(
    ("jobs", "verdict"),
    [
        ([sized(26, 100), sized(2, 200)], "pass"),
        ([sized(26, 100), sized(2, 201)], "fail"),
        ([sized(26, 0), sized(2, 1)], "fail"),
        ([sized(26, 2**53 + 1), sized(2, 2**54 + 3)], "fail"),
        ([sized(26, 2**53 + 1), sized(2, 2**54 + 2)], "pass"),
        ([sized(26, 200), sized(2, 1)], "pass"),
    ],
)
def test_growth_is_measured_by_the_one_before(jobs: list[Job], verdict: str) -> None:
    assert grouped(GROWTH, jobs, within="48h").verdict.value == verdict


def test_a_finding_tells_both_jobs_and_the_newest_of_several() -> None:
    (finding,) = drop(sized(40, 1 << 40), sized(26, 1 << 30), sized(20, 1 << 30), sized(2, 100)).findings
    assert finding.jobs == ("2/100", f"26/{1 << 30}")
    assert finding.message == (
        f"job 2/100 ({ago(hours=2).replace('+00:00', 'Z')}) of 100 B is 100% smaller than the one before, job 20/{1 << 30} "
        f"({ago(hours=20).replace('+00:00', 'Z')}) of 1 GiB: at most 50%, 512 MiB less than that; so is 1 other job"
    )


def test_what_is_not_compared_is_counted() -> None:
    others = [sized(hours, 7, ResourceType="EFS", ResourceArn=arn("fs")) for hours in (26, 2)]
    result = drop(sized(26, 100), sized(2, 90), *others, sized(5, 1, ResourceArn=arn("new")))
    assert result.verdict == "pass"
    assert [note.partition(":")[0] for note in result.notes] == ["3 jobs not compared", "1 job not compared"]
    assert [answer.answer.value for answer in result.answers] == []


@each(
    ("no_data", "verdict"),
    [(NoData.PASS, "pass"), (NoData.SKIP, "skipped"), (NoData.FAIL, "fail"), (NoData.QUIET, "pass"), (NoData.INCONCLUSIVE, "inconclusive")],
)
def test_where_nothing_is_compared_no_data_decides(no_data: NoData, verdict: str) -> None:
    result = drop(sized(500, 100), sized(2, 1, ResourceType="RDS", ResourceArn=arn("db")), no_data=no_data)
    assert result.verdict.value == verdict


def test_a_gap_of_the_list_between_two_jobs_leaves_it_open() -> None:
    def judged(begins: float, ends: float) -> tuple[str, str]:
        gap = ((AS_OF - timedelta(hours=begins), AS_OF - timedelta(hours=ends)),)
        result = drop(sized(200, 100), sized(2, 40), coverage=[covered(2, gaps=gap, holes=gap)], within="24h")
        return result.verdict.value, result.reason

    assert judged(300, 250)[0] == "fail"
    verdict, reason = judged(150, 100)
    assert verdict == "inconclusive"
    assert "could violate" in reason
    # A list that begins later than a job that it has lacks nothing between.
    assert drop(sized(200, 100), sized(2, 40), coverage=[covered(2, days=5)], within="24h").verdict == "fail"


def test_a_job_that_does_not_say_whose_it_is_may_stand_between() -> None:
    lost = sized(10, 60, ResourceArn=None)
    assert said(drop(sized(26, 100), sized(2, 40), lost)) == ("inconclusive", [])
    assert said(drop(sized(26, 100), sized(2, 10), lost)) == ("fail", ["i-1"])
    # Before the window, too, and where nothing violates.
    assert drop(sized(260, 100), sized(2, 90), sized(250, 1, ResourceArn=None)).verdict == "inconclusive"


def test_each_resource_of_an_inventory_and_each_child_of_a_composite_job_is_compared_with_its_own() -> None:
    asked = expect(Measure.SIZE_DROP, clean(), "at_most 50%", inventory="prod")
    jobs = [sized(26, 100), sized(2, 10), sized(26, 100, ResourceArn=arn("i-2")), sized(2, 10, ResourceArn=arn("i-2"))]
    result = grouped(asked, jobs, within="48h", inventories={"prod": [InventoryEntry(arn=arn("i-2"))]})
    assert said(result) == ("fail", ["i-2"])
    stack = [sized(26, 110, ResourceArn=arn("stack"), BackupJobId="s1"), sized(2, 111, ResourceArn=arn("stack"), BackupJobId="s2")]
    members = [sized(26, 100, ParentJobId="s1"), sized(2, 1, ParentJobId="s2"), sized(26, 10, ResourceArn=arn("i-2")), sized(2, 110, ResourceArn=arn("i-2"))]
    assert said(drop(*stack, *members)) == ("fail", ["i-1"])


def test_copies_are_compared_too() -> None:
    def copy(hours: float, size: int) -> Job:
        return {
            "CopyJobId": f"c{hours:g}", "AccountId": "111122223333", "ResourceArn": arn("i-1"), "ResourceType": "EC2", "State": "COMPLETED",
            "SourceBackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod", "CreationDate": ago(hours=hours),
            "CompletionDate": ago(hours=hours - 1), "MessageCategory": "SUCCESS", "BackupSizeInBytes": size,
        }  # fmt: skip

    requirement = expect(Measure.SIZE_DROP, clean(COPY_JOBS), "at_most 50%")
    for size, verdict in ((40, "fail"), (60, "pass")):
        result = grouped(requirement, [copy(26, 100), copy(2, size)], dataset=COPY_JOBS, within="48h", others={"backup_jobs": [sized(30, 100)]})
        assert result.verdict.value == verdict
