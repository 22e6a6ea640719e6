"""Waivers applied: which findings they take, what is said of them, and the verdict that is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest

from policycheck.engine.backends.polars import PolarsBackend
from policycheck.engine.evaluate import judge
from policycheck.inventory import Inventory, InventoryEntry
from policycheck.result import Coverage, RuleResult, Verdict, WaiverStatus
from tests.backends import BACKEND
from tests.engine.lists import ACCOUNT, AS_OF, INSTANCE, REGION, Job, ago, job, job_list, load

OTHER = INSTANCE.replace("i-1", "i-2")
FAILED = [job(State="FAILED"), job(BackupJobId="j2", State="FAILED", ResourceArn=OTHER), job(BackupJobId="j3", ResourceArn=OTHER)]
NONE = "no FAILED jobs within 24h"


def judged(
    rule: str,
    jobs: Sequence[Job],
    folder: Path,
    *waivers: str,
    granted: str = "2026-11-20",
    expires: str = "2026-12-20",
    reach: int = 60,
    **inventories: Inventory,
) -> RuleResult:
    """One rule, and a waiver for each `match`, on a list that is whole for so many days."""
    listed = "".join(
        f"  - {{rule: r, match: {match}, reason: x{number}, owner: ops, granted: {granted}, expires: {expires}}}\n" for number, match in enumerate(waivers)
    )
    listed = f"waivers:\n{listed}" if listed else ""
    policies = load(f"policy: p\nrules:\n  - {{id: r, {rule}}}\n{listed}", folder)
    coverage = [Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=reach), AS_OF, len(jobs))]
    (result,) = judge(policies, {"backup_jobs": job_list(jobs)}, coverage, AS_OF, BACKEND, inventories=inventories)
    return result


def waived(result: RuleResult) -> list[bool]:
    return [finding.waiver is not None for finding in result.findings]


def test_a_finding_whose_jobs_all_match_is_waived_and_others_still_fail(tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", FAILED, tmp_path, "{ResourceArn: {ends_with: /i-1}}")
    assert (result.verdict, waived(result)) == (Verdict.FAIL, [True, False])
    (use,) = result.waivers
    assert (use.findings, use.status, use.days_left) == (1, WaiverStatus.IN_FORCE, 30)


def test_a_rule_whose_findings_are_all_waived_on_enough_evidence_is_waived(tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", FAILED, tmp_path, "{ResourceArn: {ends_with: /i-1}}", "{ResourceArn: {ends_with: /i-2}}")
    assert (result.verdict, result.reason, waived(result)) == (Verdict.WAIVED, "all 2 findings are waived", [True, True])
    assert [finding.waiver and finding.waiver.reason for finding in result.findings] == ["x0", "x1"]


def test_a_waiver_never_makes_short_evidence_enough(tmp_path: Path) -> None:
    result = judged("rule: no FAILED jobs within 7d", FAILED, tmp_path, "any", reach=2)
    assert (result.verdict, waived(result)) == (Verdict.INCONCLUSIVE, [True, True])
    assert "is covered only from" in result.reason


def test_a_job_that_could_violate_is_not_waived_with_those_that_do(tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", [*FAILED, job(BackupJobId="j4", State=None)], tmp_path, "any")
    assert result.verdict is Verdict.INCONCLUSIVE


def test_one_job_that_no_waiver_matches_keeps_its_finding(tmp_path: Path) -> None:
    jobs = [job(State="FAILED", StatusMessage="VSS"), job(BackupJobId="j2", State="FAILED", StatusMessage="KMS")]
    result = judged(f"rule: {NONE}", jobs, tmp_path, "{StatusMessage: VSS}")
    assert (result.verdict, waived(result), result.waivers[0].findings) == (Verdict.FAIL, [False], 1)
    both = judged(f"rule: {NONE}", jobs, tmp_path, "{StatusMessage: VSS}", "{StatusMessage: KMS}")
    assert both.verdict is Verdict.WAIVED


def test_a_job_that_may_match_is_not_waived(tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", [job(State="FAILED", BackupVaultName=None)], tmp_path, "{BackupVaultName: prod}")
    assert (result.verdict, result.waivers[0].findings) == (Verdict.FAIL, 0)


@pytest.mark.parametrize(
    ("granted", "expires", "status"), [("2026-11-21", "2026-12-01", WaiverStatus.NOT_YET), ("2026-11-01", "2026-11-19", WaiverStatus.EXPIRED)]
)
def test_out_of_its_days_a_waiver_waives_nothing_and_says_what_it_was_for(granted: str, expires: str, status: WaiverStatus, tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", FAILED, tmp_path, "any", granted=granted, expires=expires)
    assert (result.verdict, waived(result)) == (Verdict.FAIL, [False, False])
    assert (result.waivers[0].status, result.waivers[0].findings) == (status, 2)


def test_a_waiver_that_nothing_matches_is_unused(tmp_path: Path) -> None:
    result = judged(f"rule: {NONE}", [job()], tmp_path, "any")
    assert (result.verdict, result.waivers[0].findings) == (Verdict.PASS, 0)


STALE = [job(CreationDate=ago(hours=50), InitiationDate=None, CompletionDate=ago(hours=49)), job(BackupJobId="j2", ResourceArn=OTHER)]


def test_rules_on_groups_are_waived_by_the_fields_that_tell_their_groups(tmp_path: Path) -> None:
    rule = "rule: every resource must have a COMPLETED job within 24h"
    assert judged(rule, STALE, tmp_path).verdict is Verdict.FAIL
    for match in ("any", "{ResourceArn: {ends_with: /i-1}}", "{Account: 111122223333, ResourceType: ec2}"):
        result = judged(rule, STALE, tmp_path, match)
        assert (result.verdict, result.reason) == (Verdict.WAIVED, "its only finding is waived")
    assert judged(rule, STALE, tmp_path, "{ResourceArn: {ends_with: /i-2}}").verdict is Verdict.FAIL


def test_a_group_without_fields_is_waived_by_any_alone(tmp_path: Path) -> None:
    rule = "rule: at most 1 FAILED jobs within 24h"
    assert judged(rule, FAILED, tmp_path, "{Account: 111122223333}").verdict is Verdict.FAIL
    assert judged(rule, FAILED, tmp_path, "any").verdict is Verdict.WAIVED


def test_missed_runs_are_waived_by_resource(tmp_path: Path) -> None:
    plan = {"BackupPlanId": "p1", "BackupRuleId": "r1", "BackupPlanVersion": "1", "BackupRuleCron": "cron(0 3 ? * * *)", "BackupRuleTimezone": "UTC"}
    jobs = [job(CreatedBy=plan, CreationDate=ago(hours=75), InitiationDate=None, CompletionDate=ago(hours=74), StartBy=ago(hours=74))]
    rule = "rule: no scheduled run may be missed within 7d"
    assert judged(rule, jobs, tmp_path).verdict is Verdict.FAIL
    assert judged(rule, jobs, tmp_path, "{ResourceArn: {ends_with: /i-1}}").verdict is Verdict.WAIVED
    assert judged(rule, jobs, tmp_path, "{ResourceArn: {ends_with: /i-2}}").verdict is Verdict.FAIL


def test_a_rule_that_fails_for_having_nothing_to_judge_is_not_judged_by_waiving_it(tmp_path: Path) -> None:
    rule = f"rule: {NONE}, no_data: fail"
    old = [job(CreationDate=ago(days=3), InitiationDate=None, CompletionDate=ago(days=3))]
    # A waiver makes no evidence.
    assert judged(rule, old, tmp_path, "any").verdict is Verdict.INCONCLUSIVE
    assert judged(rule, old, tmp_path, "{ResourceArn: {present: true}}").verdict is Verdict.FAIL


def test_tags_of_an_inventory_can_be_named(tmp_path: Path) -> None:
    inventory = Inventory("prod", "prod.csv", (InventoryEntry(INSTANCE, tags={"Env": "dev"}), InventoryEntry(OTHER, tags={"Env": "prod"})))
    result = judged(f"rule: {NONE}", FAILED, tmp_path, "{Tags.Env: dev}", prod=inventory)
    assert waived(result) == [True, False]


@pytest.mark.parametrize("match", ["{CreatedBy.BackupPlanArn: {present: false}}", "{not: {CreatedBy.BackupPlanId: p9}}"])
def test_what_a_finding_does_not_tell_is_unknown(match: str, tmp_path: Path) -> None:
    plan = {"BackupPlanId": "p1", "BackupRuleId": "r1", "BackupPlanVersion": "1", "BackupRuleCron": "cron(0 3 ? * * *)", "BackupRuleTimezone": "UTC"}
    jobs = [job(CreatedBy=plan, CreationDate=ago(hours=75), InitiationDate=None, CompletionDate=ago(hours=74), StartBy=ago(hours=74))]
    assert judged("rule: no scheduled run may be missed within 7d", jobs, tmp_path, match).verdict is Verdict.FAIL


class CountingBackend(PolarsBackend):
    """How often the engine computed something."""

    passes = 0

    def rows(self, frame: nw.LazyFrame[Any]) -> list[tuple[Any, ...]]:
        self.passes += 1
        return super().rows(frame)

    def persist(self, frame: nw.LazyFrame[Any], *, wide: bool = False) -> nw.LazyFrame[Any]:
        self.passes += 1
        return super().persist(frame, wide=wide)


@pytest.mark.parametrize("rule", ["rule: no FAILED jobs within 24h", "rule: every resource must have a COMPLETED job within 24h"])
def test_sixty_waivers_take_as_many_passes_as_one(rule: str, tmp_path: Path) -> None:
    passes = []
    for count in (1, 60):
        matches = "".join(
            f"  - {{rule: r{n % 3}, match: {{ResourceArn: {{ends_with: /i-{n}}}}}, reason: x, owner: o, granted: 2026-11-20, expires: 2026-12-20}}\n"
            for n in range(count)
        )
        rules = "".join(f"  - {{id: r{n}, {rule}}}\n" for n in range(3))
        policies, backend = load(f"policy: p\nrules:\n{rules}waivers:\n{matches}", tmp_path), CountingBackend()
        coverage = [Coverage("backup_jobs", ACCOUNT, REGION, AS_OF - timedelta(days=60), AS_OF, 3)]
        results = judge(policies, {"backup_jobs": job_list([*FAILED, *STALE])}, coverage, AS_OF, backend)
        assert all(result.findings for result in results)
        passes.append(backend.passes)
    assert passes[0] == passes[1]
