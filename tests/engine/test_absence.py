"""What a list does not show (docs/groups-specification.md, Absence): a stale or partial list never claims that a resource has no backup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from policycheck.datasets import RESTORE_JOBS
from policycheck.engine.absence import Absence
from policycheck.inventory import InventoryEntry
from policycheck.policy.measures import Measure
from policycheck.policy.model import NoData, Scope
from policycheck.result import Basis, Coverage
from tests.engine.expectations import clean, condition, covered, expect, grouped
from tests.engine.lists import ACCOUNT, AS_OF, REGION
from tests.engine.test_groups import bad
from tests.engine.test_subjects import ok, restore

STALE = [covered(1, end=AS_OF - timedelta(hours=1))]
LATE = [covered(1, days=3)]
PARTIAL = [covered(1, complete=False, reason="a page is missing")]


@pytest.mark.parametrize("coverage", [STALE, LATE, PARTIAL], ids=["stale", "late", "partial"])
@pytest.mark.parametrize(
    ("measure", "limit", "definite"),
    [
        (Measure.COUNT, "at_least 3", False),
        (Measure.COUNT, "at_most 1", True),
        (Measure.STREAK, "more_than 2", False),
        (Measure.STREAK, "less_than 2", True),
        (Measure.SHARE, "at_least 99%", False),
        (Measure.SHARE, "at_most 10%", False),
        (Measure.NEWEST, "at_most 4d", False),
        (Measure.LONGEST_GAP, "at_most 36h", False),
    ],
)
def test_what_further_jobs_could_undo_is_possible_only(measure: Measure, limit: str, definite: bool, coverage: list[Coverage]) -> None:
    jobs = [ok(300), bad(100), ok(99), ok(98), bad(97)] if measure is not Measure.LONGEST_GAP else [ok(300), ok(100)]
    jobs = jobs if measure is not Measure.NEWEST else [ok(99)]
    within = None if measure is Measure.NEWEST else "7d"
    sound, short = (grouped(expect(measure, clean(), limit), jobs, coverage=read, within=within) for read in ([covered(1)], coverage))
    assert sound.verdict == "fail"
    assert (short.verdict, short.possible) == (("fail", 0) if definite else ("inconclusive", 1))


def test_the_latest_job_of_a_stale_list_is_none() -> None:
    assert grouped(expect(Measure.LATEST, clean()), [bad(30)]).verdict == "fail"
    # Without a window, too.
    result = grouped(expect(Measure.LATEST, clean()), [bad(30)], coverage=STALE)
    assert (result.verdict, result.possible) == ("inconclusive", 1)
    assert result.reason == f"{ACCOUNT}/eu-west-1 is covered only to 2026-11-20T05:00:00Z, but the evaluation time is 2026-11-20T06:00:00Z"
    nothing = grouped(expect(Measure.LATEST, clean()), [ok(300)], within="7d", no_data=NoData.FAIL, coverage=STALE)
    assert (nothing.verdict, nothing.possible) == ("inconclusive", 1)


def test_a_place_that_was_not_read_makes_the_evidence_short_and_is_named() -> None:
    requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1")
    elsewhere = [ok(300, ResourceArn=f"arn:aws:ec2:eu-north-1:{ACCOUNT}:instance/i-{number}", BackupVaultArn=None) for number in range(3)]
    read = [covered(2, "restore_jobs"), covered(2), Coverage("backup_jobs", ACCOUNT, "eu-north-1", AS_OF - timedelta(days=30), AS_OF, 3)]
    more: dict[str, Any] = {"within": "7d", "dataset": RESTORE_JOBS, "coverage": read}
    result = grouped(requirement, [restore(3)], others={"backup_jobs": [ok(5), *elsewhere]}, **more)
    assert (result.verdict, result.possible) == ("inconclusive", 3)
    assert result.reason == f"no list of restore jobs covers {ACCOUNT}/eu-north-1, where 3 subjects are"
    # An upper bound is not passed there, either.
    upper = expect(Measure.COUNT, condition("Status", "FAILED", dataset=RESTORE_JOBS), "at_most 0")
    assert grouped(upper, [restore(3)], others={"backup_jobs": [ok(5), *elsewhere[:1]]}, **more).reason.endswith("where 1 subject is")
    # Unless the policy says that there may be none, and no fetch could have shown it; but what they lack may have been left out all the same.
    excused = Scope((ACCOUNT,), (REGION, "eu-north-1"), may_be_empty=(f"{ACCOUNT}/eu-north-1",))
    fetched = grouped(upper, [restore(3)], others={"backup_jobs": [ok(5), *elsewhere]}, scope=excused, **more)
    assert (fetched.verdict, "no fetch of restore jobs read it" in fetched.reason) == ("inconclusive", True)
    more["coverage"] = [replace(entry, basis=Basis.ASSERTED) for entry in read]
    assert grouped(upper, [restore(3)], others={"backup_jobs": [ok(5), *elsewhere]}, scope=excused, **more).verdict == "pass"
    lower = grouped(requirement, [restore(3)], others={"backup_jobs": [ok(5), *elsewhere]}, scope=excused, **more)
    assert (lower.verdict, lower.possible) == ("inconclusive", 3)


def test_subjects_that_keep_to_the_rule_are_counted_where_no_list_was_read() -> None:
    there = f"arn:aws:ec2:eu-north-1:{ACCOUNT}:instance"
    elsewhere = [ok(5, ResourceArn=f"{there}/i-{number}", BackupVaultArn=None, BackupJobId=f"n{number}") for number in range(3)]
    result = grouped(expect(Measure.COUNT, clean(), "at_least 1"), [ok(5), *elsewhere], within="7d", coverage=[covered(4)])
    assert (result.verdict, result.subjects, result.examined) == ("inconclusive", 4, 4)
    assert result.reason == f"no list of backup jobs covers {ACCOUNT}/eu-north-1, where 3 subjects are"


def test_an_entry_is_as_far_as_it_says_where_it_is() -> None:
    entries = [InventoryEntry("arn:aws:s3:::logs"), InventoryEntry("arn:aws:s3:::media", ACCOUNT)]
    requirement = expect(Measure.COUNT, clean(), "at_least 1", inventory="prod")
    other = covered(1, account="444455556666", end=AS_OF - timedelta(days=1))
    result = grouped(requirement, [ok(1)], within="7d", inventories={"prod": entries}, coverage=[covered(1), other])
    # The second is in an account that was read; the first may be in one whose list is stale.
    assert ([finding.subject for finding in result.findings], result.possible) == (["arn:aws:s3:::media"], 1)
    assert {finding.subject for finding in grouped(requirement, [ok(1)], within="7d", inventories={"prod": entries}).findings} == {e.arn for e in entries}


def test_a_group_without_a_place_needs_every_place_in_scope() -> None:
    requirement = expect(Measure.COUNT, clean(), "at_least 3", per=())
    assert grouped(requirement, [ok(1)], within="7d").verdict == "fail"
    stale = covered(1, account="444455556666", end=AS_OF - timedelta(days=1))
    for scope, verdict in ((None, "inconclusive"), (Scope((ACCOUNT,)), "fail"), (Scope((ACCOUNT, "777788889999")), "inconclusive")):
        assert grouped(requirement, [ok(1)], within="7d", coverage=[covered(1), stale], scope=scope).verdict == verdict


def test_a_file_without_a_job_shows_nothing_and_the_edges_count() -> None:
    edge = Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=7), AS_OF, 0)
    week = 7 * 86_400_000_000
    for entry, shown in ((edge, False), (Coverage(**{**_fields(edge), "jobs": 1}), True), (Coverage(**{**_fields(edge), "basis": Basis.OBSERVED}), True)):
        absence = Absence(Scope(), [entry], "backup_jobs", week, AS_OF)
        assert (absence.is_shown((ACCOUNT, REGION)), absence.is_read((ACCOUNT, REGION)), absence.is_shown((None, None))) == (shown, shown, shown)
        assert not Absence(Scope(), [entry], "backup_jobs", week + 1, AS_OF).is_shown((ACCOUNT, REGION))
    # Who else is in the organization is not known to the run.
    observed = Coverage(**{**_fields(edge), "basis": Basis.OBSERVED})
    absence = Absence(Scope(organization=True), [observed], "backup_jobs", week, AS_OF)
    assert (absence.is_shown((ACCOUNT, REGION)), absence.is_shown((None, None))) == (True, False)


def _fields(entry: Coverage) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in ("dataset", "account", "region", "start", "end", "jobs", "basis")}
