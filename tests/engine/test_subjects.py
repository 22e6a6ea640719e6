"""Who a rule on groups is about (docs/groups-specification.md): resources that backup jobs name, entries of an inventory, groups of the list; who is new."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS
from policycheck.engine.entries import choose_entries
from policycheck.inventory import Inventory, InventoryEntry, Listing
from policycheck.policy.conditions import And, Condition, Not, Operator, Or
from policycheck.policy.measures import Measure
from policycheck.policy.model import RESOURCE, NoData, Scope
from policycheck.records import iso
from policycheck.result import Basis, RuleResult, Universe
from tests.backends import BACKEND
from tests.engine.expectations import CLEAN, EACH, FAILED, RUNNING, arn, at, clean, condition, covered, expect, grouped, said
from tests.engine.lists import ACCOUNT, AS_OF, REGION, Job, ago

PLAN = "CreatedBy.BackupPlanArn"


def ok(hours: float, name: str = "i-1", /, **changes: Any) -> Job:
    return at(hours, name, **{**CLEAN, **changes})


def restore(hours: float, name: str = "i-1", /, **changes: Any) -> Job:
    record = {
        "RestoreJobId": f"{name}@{hours:g}", "AccountId": ACCOUNT, "SourceResourceArn": arn(name), "Status": "COMPLETED", "ResourceType": "EC2",
        "BackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod", "CreationDate": ago(hours=hours), "CompletionDate": ago(hours=hours - 1),
    }  # fmt: skip
    return {name: value for name, value in {**record, **changes}.items() if value is not None}


def newest_clean(*jobs: Job, per: tuple[str, ...] = EACH, limit: str = "at_most 24h", **more: Any) -> RuleResult:
    return grouped(expect(Measure.NEWEST, clean(), limit, per), jobs, **more)


def restored(backups: Sequence[Job], restores: Sequence[Job], **more: Any) -> RuleResult:
    requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1")
    return grouped(requirement, restores, **{"within": "20d", "dataset": RESTORE_JOBS, "others": {"backup_jobs": backups}, **more})


class TestResources:
    def test_a_restore_tested_database_does_not_make_the_other_99_pass(self) -> None:
        result = restored([ok(24 * 25, f"db-{number}") for number in range(100)], [restore(9, "db-7")])
        assert (result.verdict, len(result.findings), result.subjects) == ("fail", 99, 100)
        assert result.universe == Universe("backup jobs", AS_OF - timedelta(days=30), 100)
        first = result.findings[0]
        assert (first.subject[-4:], first.cause) == ("db-0", "no_job")
        assert first.message == f"0 COMPLETED restore jobs within 20d, at least 1, 1 short; no restore job of any state since {iso(AS_OF - timedelta(days=30))}"

    def test_a_resource_that_only_a_restore_names_is_one_too(self) -> None:
        result = restored([ok(24 * 25)], [restore(9), restore(24 * 25, "gone")])
        assert said(result) == ("fail", ["gone"])

    def test_where_on_another_list_asks_backup_jobs_about_the_resource_alone(self) -> None:
        where = And((condition("ResourceType", "EC2", dataset=RESTORE_JOBS), condition("BackupVaultName", "other", dataset=RESTORE_JOBS)))
        backups = [ok(24 * 25), ok(24 * 25, "ebs", ResourceType="EBS"), ok(24 * 25, "i-2")]
        # The vault of a restore is no vault of a backup: it does not choose resources, but it chooses restores.
        assert said(restored(backups, [restore(9)], where=where)) == ("fail", ["i-1", "i-2"])

    def test_copies_are_looked_for_where_copies_are_listed(self) -> None:
        copies = [{"CopyJobId": "c", "AccountId": ACCOUNT, "ResourceArn": arn("i-1"), "State": "COMPLETED", "CreationDate": ago(hours=5),
                   "SourceBackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod", **CLEAN}]  # fmt: skip
        requirement = expect(Measure.NEWEST, clean(COPY_JOBS), "at_most 24h")
        result = grouped(requirement, copies, dataset=COPY_JOBS, others={"backup_jobs": [ok(3), ok(3, "i-2")]})
        (finding,) = result.findings
        assert (finding.subject, finding.cause) == (arn("i-2"), "no_job")
        assert finding.message.endswith(f"no copy job of any state since {iso(AS_OF - timedelta(days=30))}")

    def test_without_the_list_of_backup_jobs_nobody_knows_who_is_missing(self) -> None:
        result = grouped(expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1"), [restore(1)], within="7d", dataset=RESTORE_JOBS)
        assert (result.verdict, result.reason) == ("inconclusive", "this run has no list of backup jobs (ListBackupJobs)")

    def test_backup_jobs_have_to_cover_the_declared_scope_for_other_lists_too(self) -> None:
        covers = [covered(1, "restore_jobs"), covered(1)]
        assert said(restored([ok(24 * 25)], [restore(9)], coverage=covers, scope=Scope((ACCOUNT,), (REGION,))))[0] == "pass"
        other = covered(1, "restore_jobs", "444455556666")
        result = restored([ok(24 * 25)], [restore(9)], coverage=[*covers, other], scope=Scope((ACCOUNT, "444455556666"), (REGION,)))
        assert (result.verdict, result.reason) == ("inconclusive", f"444455556666/{REGION} is declared and no list of backup jobs covers it")
        gap = [covered(1, "restore_jobs"), covered(1, complete=False, reason="page 2 failed")]
        assert "page 2 failed" in restored([ok(24 * 25)], [restore(9)], coverage=gap).reason

    def test_resources_out_of_scope_are_none(self) -> None:
        elsewhere = ok(90, "i-2", AccountId="444455556666", BackupVaultArn=None)
        result = newest_clean(ok(1), elsewhere, scope=Scope((ACCOUNT,)), coverage=[covered(1), covered(1, account="444455556666")])
        assert (result.verdict, result.subjects) == ("pass", 1)

    def test_possible_subject_violates_possibly(self) -> None:
        where = condition("ResourceType", "EC2")
        result = newest_clean(ok(1), ok(90, "i-2", ResourceType=None), where=where)
        assert (result.verdict, result.subjects) == ("inconclusive", 2)
        assert result.reason == "1 of 2 subjects could violate it: whether it is a subject of the rule is unknown"
        # One record that is certain is enough.
        assert said(newest_clean(ok(1), ok(90, "i-2", ResourceType=None), ok(91, "i-2"), where=where)) == ("fail", ["i-2"])

    def test_a_vault_and_its_resources(self) -> None:
        per = (RESOURCE, "BackupVaultName")
        result = newest_clean(ok(1), ok(90, BackupVaultName="second"), ok(2, "i-2"), per=per)
        assert [(f.subject, f.account) for f in result.findings] == [(f"{arn('i-1')} / second", ACCOUNT)]
        assert result.subjects == 2

    def test_a_resource_without_the_other_value_has_a_group_of_its_own(self) -> None:
        requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1", (RESOURCE, "BackupVaultName"))
        result = grouped(requirement, [restore(9)], within="20d", dataset=RESTORE_JOBS, others={"backup_jobs": [ok(600), ok(600, "i-2")]})
        assert [f.subject for f in result.findings] == [f"{arn('i-2')} / (no BackupVaultName)"]

    def test_a_resource_does_not_vanish_where_its_jobs_lack_the_other_value(self) -> None:
        result = newest_clean(ok(1, **{"CreatedBy": {"BackupPlanArn": "arn:p"}}), ok(90, "i-2"), per=(RESOURCE, PLAN))
        assert said(result)[0] == "inconclusive"

    def test_subjects_that_look_alike_once_cleaned_are_one_finding(self) -> None:
        hidden = (("a", "\u200b"), ("b", "\u200c"))
        result = newest_clean(*(at(9, **FAILED, BackupJobId=name, ResourceArn=f"{arn('i-1')}{sign}") for name, sign in hidden))
        assert [f.jobs for f in result.findings] == [("a", "b")]


class TestOtherGroups:
    def test_vault_that_went_quiet(self) -> None:
        result = newest_clean(ok(1), ok(90, "i-2", BackupVaultName="second"), per=("BackupVaultName",))
        assert [(f.subject, f.account, f.region) for f in result.findings] == [("second", None, None)]
        assert (result.subjects, result.universe) == (2, Universe("backup jobs", AS_OF - timedelta(days=30), 2))

    def test_group_that_the_rule_may_be_about_violates_possibly(self) -> None:
        where, per = condition("ResourceType", "EC2"), ("BackupVaultName",)
        assert said(newest_clean(ok(1), ok(90, ResourceType=None, BackupVaultName="second"), where=where, per=per))[0] == "inconclusive"
        assert said(newest_clean(ok(1), ok(90, ResourceType="RDS", BackupVaultName="second"), where=where, per=per))[0] == "pass"

    def test_account_and_region_are_those_of_the_group(self) -> None:
        (finding,) = newest_clean(ok(90), per=("Region", "Account")).findings
        assert (finding.subject, finding.account, finding.region) == (f"{REGION} / {ACCOUNT}", ACCOUNT, REGION)

    def test_on_demand_jobs_of_no_plan_are_at_best_inconclusive(self) -> None:
        planned = {"CreatedBy": {"BackupPlanArn": "arn:p"}}
        result = newest_clean(ok(1, **planned), ok(2, "i-2"), per=(PLAN,))
        assert (result.verdict, result.reason) == (
            "inconclusive", f"1 backup job might belong to any subject or to none: no {PLAN} recorded",
        )  # fmt: skip
        assert said(newest_clean(ok(1, **planned), ok(60, "i-2"), per=(PLAN,)))[0] == "pass"

    @pytest.mark.parametrize(
        ("no_data", "verdict"), [("inconclusive", "inconclusive"), ("quiet", "inconclusive"), ("pass", "pass"), ("skip", "skipped"), ("fail", "fail")]
    )
    def test_no_subject_takes_no_data(self, no_data: str, verdict: str) -> None:
        result = newest_clean(ok(1), where=condition("ResourceType", "RDS"), no_data=NoData(no_data))
        assert (result.verdict, result.subjects) == (verdict, 0)
        assert [f.subject for f in result.findings] == (["(no jobs)"] if verdict == "fail" else [])

    def test_an_empty_list_is_no_pass(self) -> None:
        assert newest_clean(coverage=[covered(0)]).reason == "nothing to evaluate: the list of backup jobs is empty"
        assert newest_clean(coverage=[]).verdict == "inconclusive"

    def test_an_empty_list_of_no_place_says_of_one_group_of_all_jobs_that_it_is_empty_and_no_more(self) -> None:
        share = expect(Measure.SHARE, clean(), "at_least 90%", per=())
        result = grouped(share, within="7d", coverage=[])
        assert (result.verdict, result.reason, result.universe) == ("inconclusive", "the list of backup jobs is empty", None)


class TestNewSubjects:
    def count(self, *jobs: Job, days: float = 30, **more: Any) -> RuleResult:
        requirement = expect(Measure.COUNT, clean(), "at_least 7")
        return grouped(requirement, jobs, **{"within": "8d", "coverage": [covered(len(jobs), days=days)], **more})

    def test_new_and_short_is_pending(self) -> None:
        result = self.count(ok(50), ok(26), ok(2))
        # It is the only one: nothing is decided.
        assert (result.verdict, result.pending) == ("inconclusive", 1)
        assert result.reason == "the only subject is pending, new or with a first backup that still runs, so nothing is decided yet"
        assert result.notes == (f"{arn('i-1')} is new: pending until 2026-11-26T04:00:00Z, 8 d after its first backup job",)

    def test_the_first_job_counts_whatever_where_says_of_it(self) -> None:
        assert said(self.count(ok(300, ResourceType="RDS"), ok(2), where=condition("ResourceType", "EC2")))[0] == "fail"

    def test_a_first_job_at_the_start_of_the_window_is_not_new(self) -> None:
        assert said(self.count(ok(8 * 24)))[0] == "fail"
        assert self.count(ok(8 * 24 - 0.001)).pending == 1

    def test_coverage_has_to_begin_a_day_before_the_first_job(self) -> None:
        assert said(self.count(ok(7 * 24), days=8))[0] == "inconclusive"
        assert self.count(ok(7 * 24 - 0.001), days=8).pending == 1
        assert "whether the first backup job listed is its first is unknown" in self.count(ok(7 * 24), days=8).reason

    def test_a_job_of_unknown_time_may_be_the_first(self) -> None:
        assert said(self.count(ok(50), ok(2, CreationDate=None)))[0] == "inconclusive"

    def test_without_a_window_nothing_is_new(self) -> None:
        assert said(self.count(ok(2), within=None))[0] == "fail"

    def test_an_upper_bound_spares_no_new_resource(self) -> None:
        requirement = expect(Measure.COUNT, condition("State", "FAILED"), "at_most 0")
        assert said(grouped(requirement, [at(2, **FAILED)], within="8d"))[0] == "fail"

    def test_gap_of_a_new_resource_begins_at_its_first_job(self) -> None:
        requirement = expect(Measure.LONGEST_GAP, clean(), "at_most 26h")
        assert said(grouped(requirement, [ok(40), ok(20)], within="7d"))[0] == "pass"
        assert said(grouped(requirement, [at(47, **FAILED), ok(20)], within="7d"))[0] == "fail"
        # Where the list begins with the window, an earlier job may have been left out.
        jobs, short = [ok(hours) for hours in range(8, 149, 10)], expect(Measure.LONGEST_GAP, clean(), "at_most 12h")
        assert said(grouped(short, jobs, within="7d"))[0] == "pass"
        unknown = grouped(short, jobs, within="7d", coverage=[covered(2, days=7)])
        assert (unknown.verdict, unknown.reason) == (
            "inconclusive",
            "1 of 1 subject could violate it: whether the first backup job listed is its first is unknown",
        )

    def test_a_new_resource_without_any_restore_is_not_excused(self) -> None:
        # Its age explains that there are few, and not that there is none.
        result = restored([ok(50)], [])
        assert (result.verdict, result.pending, result.possible) == ("inconclusive", 0, 1)

    def test_a_pending_subject_beside_a_decided_one_is_no_obstacle(self) -> None:
        requirement = expect(Measure.COUNT, clean(), "at_least 1")
        jobs = [ok(3, "i-1"), ok(30, "i-1"), at(3, "i-2", **RUNNING, ExpectedCompletionDate=(AS_OF + timedelta(hours=1)).timestamp())]
        result = grouped(requirement, jobs, within="24h")
        assert (result.verdict, result.pending) == ("pass", 1)
        # One that has failed is not new, it is failing.
        assert said(grouped(requirement, [*jobs[:2], at(3, "i-2", **FAILED)], within="24h")) == ("fail", ["i-2"])


PROD = [
    InventoryEntry(arn("i-1"), ACCOUNT, REGION, resource_type="EC2", tags={"Env": "prod"}),
    InventoryEntry(arn("i-2"), ACCOUNT, REGION, resource_type="EC2"),
]


class TestInventories:
    def newest(self, entries: Sequence[InventoryEntry], *jobs: Job, **more: Any) -> RuleResult:
        requirement = expect(Measure.NEWEST, clean(), "at_most 24h", inventory="prod")
        return grouped(requirement, jobs, inventories={"prod": entries}, **more)

    def test_entry_that_no_backup_job_names_was_never_seen(self) -> None:
        result = self.newest(PROD, ok(1), ok(2, "other"))
        (finding,) = result.findings
        assert (finding.subject, finding.cause, finding.resource_type) == (arn("i-2"), "no_job", "EC2")
        assert finding.message.endswith("; never seen: no backup job names it")
        assert (result.universe, result.examined) == (Universe("inventory prod", None, 2, inventory=True), 1)

    def test_stale_is_told_from_never_seen(self) -> None:
        (finding,) = self.newest(PROD[:1], ok(72)).findings
        assert "never seen" not in finding.message
        assert "no backup job of any state since 2026-11-17T06:00:00Z" in finding.message

    def test_inventory_that_is_not_there(self) -> None:
        result = grouped(expect(Measure.NEWEST, clean(), "at_most 24h", inventory="prod"), [ok(1)])
        assert (result.verdict, result.reason) == ("inconclusive", "this run has no inventory prod")

    def test_entries_out_of_scope_are_no_subjects(self) -> None:
        far = InventoryEntry(arn("far", "444455556666"), "444455556666", REGION)
        result = self.newest([PROD[0], far], ok(1), scope=Scope((ACCOUNT,)))
        assert (result.subjects, result.verdict) == (1, "pass")
        assert result.notes == (f"{far.arn} of inventory prod is outside the declared scope (444455556666/eu-west-1) and was not evaluated",)

    def test_every_entry_out_of_scope_is_counted_and_the_first_are_named(self) -> None:
        far = [InventoryEntry(arn(f"far-{number:02}", "444455556666"), "444455556666", REGION) for number in range(25)]
        head, *named, last = self.newest([PROD[0], *far], ok(1), scope=Scope((ACCOUNT,))).notes
        assert head == "25 of 26 entries of inventory prod are outside the declared scope"
        assert [entry.arn in line for entry, line in zip(far, named, strict=False)] == [True] * 20
        assert last == "and 5 more are outside the declared scope"

    def test_entry_that_does_not_say_its_type_is_a_possible_subject(self) -> None:
        where = condition("ResourceType", "EC2")
        result = self.newest([PROD[0], InventoryEntry(arn("i-3"))], ok(1), where=where)
        assert (result.verdict, result.notes) == (
            "inconclusive",
            (f"{arn('i-3')} of inventory prod might be in scope or not: it does not state its ResourceType",),
        )
        assert said(self.newest([PROD[0], InventoryEntry(arn("i-3"), resource_type="RDS")], ok(1), where=where))[0] == "pass"

    def test_job_belongs_to_an_entry_as_far_as_the_entry_says_where_it_is(self) -> None:
        bucket = "arn:aws:s3:::logs"
        mine = ok(1, ResourceArn=bucket)
        assert said(self.newest([InventoryEntry(bucket)], mine))[0] == "pass"
        there = [covered(1), covered(1, account="444455556666")]
        assert said(self.newest([InventoryEntry(bucket, "444455556666")], mine, coverage=there))[0] == "fail"
        # Where the job does not say it may be of the entry.
        nowhere = ok(1, ResourceArn=bucket, AccountId=None, BackupVaultArn=None)
        places = [covered(1), covered(1, account=None)]
        assert said(self.newest([InventoryEntry(bucket, ACCOUNT)], nowhere, coverage=places))[0] == "inconclusive"
        assert said(self.newest([InventoryEntry(bucket)], nowhere, coverage=places))[0] == "pass"

    def test_job_without_a_resource_may_be_of_any_entry(self) -> None:
        assert said(self.newest(PROD[:1], ok(1), ok(2, ResourceArn=None)))[0] == "inconclusive"

    def test_no_entry_is_new(self) -> None:
        requirement = expect(Measure.COUNT, clean(), "at_least 2", inventory="prod")
        assert said(grouped(requirement, [ok(1)], within="7d", inventories={"prod": PROD[:1]}))[0] == "fail"

    def test_what_is_asked_of_copies_of_an_inventory_is_asked_of_the_backup_jobs_that_are_there(self) -> None:
        requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1", inventory="prod")
        result = grouped(
            requirement,
            [restore(1)],
            where=condition("ResourceArn", "i-1", dataset=RESTORE_JOBS, operator=Operator.CONTAINS),
            dataset=RESTORE_JOBS,
            others={"backup_jobs": [ok(30)]},
            within="24h",
            inventories={"prod": PROD[:1]},
        )
        assert (result.verdict, result.subjects) == ("pass", 1)

    def test_copies_of_an_inventory_need_no_list_of_backup_jobs(self) -> None:
        requirement = expect(Measure.COUNT, clean(RESTORE_JOBS), "at_least 1", inventory="prod")
        result = grouped(requirement, [restore(3)], within="7d", dataset=RESTORE_JOBS, inventories={"prod": PROD})
        assert [f.message for f in result.findings] == ["0 COMPLETED restore jobs within 7d, at least 1, 1 short; never seen: no restore job names it"]


CHOICES: list[tuple[Condition, bool | None]] = [
    (condition("ResourceType", "ec2"), True),
    (condition("ResourceType", "EBS"), False),
    (condition("ResourceName", "web"), None),
    (Not(condition("ResourceName", "web")), None),
    (condition("ResourceArn", "instance", operator=Operator.CONTAINS), True),
    (condition("ResourceArn", "i-[0-9]$", operator=Operator.MATCHES), True),
    (condition("ResourceArn", "arn:aws:ec2", operator=Operator.STARTS_WITH), True),
    (condition("ResourceArn", "i-1", operator=Operator.ENDS_WITH), True),
    (condition("Account", "444455556666"), False),
    (condition("Region", "true", operator=Operator.PRESENT), True),
    (Or((condition("ResourceName", "web"), condition("ResourceType", "EC2"))), True),
    (And((condition("ResourceName", "web"), condition("ResourceType", "EBS"))), False),
    # What is no property of a resource is not asked of it.
    (condition("State", "FAILED"), True),
    (And((condition("State", "FAILED"), condition("ResourceType", "EBS"))), False),
    (Or((condition("State", "FAILED"), condition("ResourceType", "EBS"))), True),
]


@pytest.mark.parametrize(("where", "expected"), CHOICES)
def test_where_is_asked_of_an_entry_as_far_as_it_is_about_resources(where: Condition, expected: bool | None) -> None:
    listing = Listing({"prod": Inventory("prod", "", tuple(PROD))})
    assert choose_entries(where, PROD[:1], listing, BACKUP_JOBS, BACKEND) == [expected]


def test_asserted_coverage_is_believed() -> None:
    assert said(newest_clean(ok(1), coverage=[covered(1, basis=Basis.ASSERTED)]))[0] == "pass"


def test_whether_an_inventory_lists_a_resource_may_be_what_is_unknown() -> None:
    bucket = "arn:aws:s3:::logs"
    nowhere = ok(1, ResourceArn=bucket, AccountId=None, BackupVaultArn=None)
    more: dict[str, Any] = {"inventories": {"prod": [InventoryEntry(bucket, ACCOUNT)]}, "coverage": [covered(1, account=None, region=None)]}
    result = grouped(expect(Measure.COUNT, clean(), "at_most 0", per=()), [nowhere], where=condition("in_inventory", "prod"), **more)
    assert (result.verdict, result.possible) == ("inconclusive", 1)
    assert "in_inventory is unknown in its record" in result.reason


def test_what_entries_lack_is_known_once_it_is_known_which_are_of_the_resource() -> None:
    entries = [InventoryEntry("arn:aws:s3:::logs", ACCOUNT, tags={"env": "prod"}), InventoryEntry("arn:aws:s3:::logs", tags={"team": "a"})]
    listing = Listing({"prod": Inventory("prod", "x.csv", tuple(entries))})
    here, nowhere = (ACCOUNT, REGION, "arn:aws:s3:::logs"), (None, REGION, "arn:aws:s3:::logs")
    assert (listing.tag(here, "env"), listing.tag(here, "team"), listing.tag(here, "owner"), listing.is_told(here)) == ("prod", "a", None, True)
    assert (listing.tag(nowhere, "team"), listing.is_told(nowhere), listing.is_listed(nowhere)) == (None, False, True)
