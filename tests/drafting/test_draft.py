"""What is drafted from small lists, what is left out, and what the comments say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from policycheck.drafting.document import render_draft
from policycheck.drafting.draft import draft_policy
from policycheck.drafting.profile import read_profile
from policycheck.drafting.proposal import is_writable
from policycheck.drafting.trial import load_text
from policycheck.errors import EvidenceError
from policycheck.policy.conditions import comparisons
from policycheck.policy.model import Scope
from policycheck.result import Basis, Coverage, Verdict
from policycheck.text import clean
from tests.drafting.drafts import ACCOUNT, AS_OF, REGION, backup, comments, daily, drafted, evidence, rule_of
from tests.hostile import CORPUS
from tests.tables import each


def test_a_limit_is_the_interval_an_hour_and_the_95th_percentile_up_to_the_hour() -> None:
    tried = drafted(evidence(daily()))
    assert "daily_limit: 26h" in tried.text
    assert rule_of(tried, "fresh-daily").sentence == "every resource in plan nightly must have a clean job within 26h"
    said = comments(tried.text)
    assert "the 95th percentile of Elapsed is 30 m for the slowest resource (20 jobs of 1 resource): 24h + 1h + 30 m, rounded up: 26h." in said
    assert "cron(0 3 ? * * *) Etc/UTC" in said


def test_the_slowest_resource_sets_the_limit() -> None:
    slow = [job | {"CompletionDate": job["CreationDate"] + timedelta(hours=2)} for job in daily(name="i-2", days=2)]
    assert "daily_limit: 27h" in drafted(evidence([*daily(days=30), *slow])).text


def test_where_clocks_go_back_a_daily_plan_has_a_longer_night() -> None:
    plan = {"BackupRuleCron": "cron(0 4 ? * * *)", "BackupRuleTimezone": "Europe/Berlin"}
    tried = drafted(evidence(daily(plan=plan)))
    assert "Their longest interval is 25h" in comments(tried.text)
    assert "fresh-daily" in tried.text


def test_types_that_take_longer_get_a_limit_of_their_own() -> None:
    slow = [job | {"ResourceType": "EFS", "CompletionDate": job["CreationDate"] + timedelta(hours=2)} for job in daily(name="fs-1")]
    tried = drafted(evidence([*daily(), *slow]))
    assert rule_of(tried, "fresh-daily").sentence == "every EC2 resource in plan nightly must have a clean job within 26h"
    assert rule_of(tried, "fresh-daily-2").sentence == "every EFS resource in plan nightly must have a clean job within 27h"
    assert rule_of(tried, "done-in-time-2").sentence == "for COMPLETED EFS jobs, Elapsed must be at most 3h within 7d"


def test_plans_of_one_name_that_run_differently_are_told_apart_by_id() -> None:
    weekly = {"BackupPlanId": "plan-2", "BackupRuleCron": "cron(0 3 ? * FRI *)"}
    jobs = [backup(AS_OF - timedelta(days=days, hours=3), name="i-2", plan=weekly) for days in (0, 7, 14, 21)]
    text = drafted(evidence([*daily(), *jobs])).text
    assert "CreatedBy.BackupPlanId plan-1" in text
    assert "CreatedBy.BackupPlanId plan-2" in text


def test_rules_of_one_plan_count_together() -> None:
    jobs = [job | {"CreatedBy": job["CreatedBy"] | _weekly_rule()} if job["CreationDate"].weekday() == 4 else job for job in daily(days=29)]
    tried = drafted(evidence(jobs))
    assert [result.id for result in tried.results if result.id.startswith("fresh")] == ["fresh-daily"]
    assert tried.findings == 0


def _weekly_rule() -> dict[str, str]:
    return {"BackupRuleId": "rule-2", "BackupRuleCron": "cron(0 3 ? * FRI *)"}


def test_a_baseline_with_findings_says_so_at_the_rule() -> None:
    jobs = daily()
    jobs[0] |= {"State": "FAILED", "MessageCategory": "AccessDenied"}
    tried = drafted(evidence(jobs))
    assert rule_of(tried, "no-failed-jobs").verdict is Verdict.FAIL
    before, _, _ = tried.text.partition("  - id: no-failed-jobs")
    assert before.rstrip().endswith("# With these lists this rule has 1 finding.")
    assert tried.findings == sum(len(result.findings) for result in tried.results)
    assert tried.failed == sum(result.verdict is Verdict.FAIL for result in tried.results)


def test_a_job_in_time_is_not_condemned() -> None:
    waiting = backup(AS_OF - timedelta(hours=3), State="PENDING", CompletionDate=None, MessageCategory=None)
    tried = drafted(evidence([waiting, *daily()[1:]]))
    assert "a job that is still in time has taken 3 h so far" in comments(tried.text)
    assert tried.findings == 0


def test_an_overdue_job_sets_no_limit() -> None:
    late = backup(AS_OF - timedelta(hours=3), State="PENDING", CompletionDate=None, MessageCategory=None, StartBy=AS_OF - timedelta(hours=1))
    tried = drafted(evidence([late, *daily()[1:]]))
    assert "daily_limit: 26h" in tried.text
    assert {result.id for result in tried.results if result.findings} == {"nothing-overdue", "fresh-daily", "gap-daily"}


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        (daily(days=1), "Left out: freshness of plan nightly: no resource of it has two jobs yet."),
        (daily(days=4), "Left out: duration of EC2 jobs: 4 completed jobs; 5 are needed."),
        (daily(CreatedBy=None), "Left out: freshness: no job was made by a plan, and on-demand backups have no schedule."),
        (daily(MessageCategory=None), "Left out: jobs with issues: not every completed job has a MessageCategory"),
        (daily(IsEncrypted=None), "Left out: encryption: not every completed job says whether it is encrypted"),
        (daily(IsEncrypted=False), "Left out: encryption: only 0 of 20 completed jobs are encrypted"),
        (daily(RecoveryPointLifecycle=None), "Left out: retention in plan nightly: not every completed job records"),
        (daily(plan={"BackupRuleCron": "rate(1 day)"}), 'Left out: freshness of plan nightly: "rate(1 day)" is a rate'),
        (daily(), "Left out: copies: no list of copy jobs was read."),
        (daily(), "Left out: restores: no list of restore jobs was read."),
    ],
)
def test_what_there_is_too_little_evidence_for_is_left_out_with_the_reason(jobs: list[dict[str, object]], said: str) -> None:
    assert said in comments(drafted(evidence(jobs)).text)


def test_a_limit_that_no_list_reaches_is_left_out_with_the_reason() -> None:
    monthly = {"BackupPlanId": "plan-2", "BackupPlanName": "monthly", "BackupRuleCron": "cron(0 3 1 * ? *)"}
    jobs = [backup(AS_OF - timedelta(days=days, hours=3), name="i-2", plan=monthly) for days in (19, 29)]
    tried = drafted(evidence([*daily(), *jobs]))
    assert "fresh-monthly" not in {result.id for result in tried.results}
    assert "Left out: fresh-monthly (every resource in plan monthly must have a clean job within 746h)" in comments(tried.text)


def test_without_recorded_schedules_the_times_between_jobs_tell_how_often() -> None:
    plan = {"BackupPlanName": None, "BackupRuleCron": None, "BackupRuleTimezone": None}
    tried = drafted(evidence(daily(plan=plan)))
    assert rule_of(tried, "fresh-daily").sentence == "every resource with CreatedBy.BackupPlanId plan-1 must have a clean job within 26h"
    assert "Left out: missed runs: no job records a schedule" in comments(tried.text)


def test_where_no_outcome_is_recorded_completed_has_to_do() -> None:
    tried = drafted(evidence(daily(MessageCategory=None)))
    assert rule_of(tried, "fresh-daily").sentence == "every resource in plan nightly must have a COMPLETED job within 26h"
    assert rule_of(tried, "fresh-daily").verdict is Verdict.PASS


def test_the_service_linked_role_is_an_exception_only_where_it_is_used() -> None:
    linked = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup"
    plain, excepted = drafted(evidence(daily())), drafted(evidence([*daily(), *daily(name="i-2", IamRoleArn=linked)]))
    assert rule_of(plain, "iam-role-name").sentence == "IAM role must contain AWSBackup within 7d"
    assert rule_of(excepted, "iam-role-name").sentence.startswith("for jobs with IAM role not containing /aws-service-role/, IAM role must contain AWSBackup")


def test_roles_of_ones_own_naming_are_listed() -> None:
    tried = drafted(evidence(daily(IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/ops/runner")))
    assert rule_of(tried, "iam-role-name").sentence == "IamRoleName must be runner within 7d"


def test_the_scope_is_where_jobs_ran_and_pairs_without_any_may_be_empty() -> None:
    other = [
        job
        | {
            "AccountId": "444455556666",
            "BackupVaultArn": "arn:aws:backup:us-east-1:444455556666:backup-vault:prod",
            "ResourceArn": "arn:aws:ec2:us-east-1:444455556666:instance/i-9",
        }
        for job in daily(name="i-9")
    ]
    both = evidence([*daily(), *other])
    # The list of each account in its own Region: nobody asked about the other two.
    alone = drafted(both)
    assert alone.draft.scope == Scope((ACCOUNT, "444455556666"))
    assert "Not every account was asked in every Region" in comments(alone.text)
    start = AS_OF - timedelta(days=30)
    asked = [Coverage("backup_jobs", *place, start, AS_OF, 0, basis=Basis.OBSERVED) for place in ((ACCOUNT, "us-east-1"), ("444455556666", REGION))]
    scope = drafted(replace(both, coverage=(*both.coverage, *asked))).draft.scope
    assert (scope.accounts, scope.regions) == ((ACCOUNT, "444455556666"), (REGION, "us-east-1"))
    assert scope.may_be_empty == (f"{ACCOUNT}/us-east-1", f"444455556666/{REGION}")


def test_copies_are_asked_for_where_nearly_every_job_was_copied() -> None:
    jobs = daily(RecoveryPointArn="arn:aws:backup:eu-west-1:111122223333:recovery-point:1")
    tried = drafted(evidence(jobs, copy_jobs=[copy_of(job) for job in jobs]))
    assert rule_of(tried, "copied").sentence == "every clean job in plan nightly within 7d must be followed by a COMPLETED copy job within 2h"
    fewer = drafted(evidence(jobs, copy_jobs=[copy_of(job) for job in jobs[::2]]))
    assert "Left out: backups that must be copied: no plan had 95% of the good jobs of a type copied" in comments(fewer.text)


def copy_of(job: dict[str, object]) -> dict[str, object]:
    ended = AS_OF.__class__.fromisoformat(str(job["CompletionDate"]))
    return {
        "CopyJobId": f"copy-{job['BackupJobId']}",
        "AccountId": ACCOUNT,
        "CreatedByBackupJobId": job["BackupJobId"],
        "SourceBackupVaultArn": job["BackupVaultArn"],
        "SourceRecoveryPointArn": job["RecoveryPointArn"],
        "DestinationBackupVaultArn": f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:dr",
        "ResourceArn": job["ResourceArn"],
        "ResourceType": "EC2",
        "State": "COMPLETED",
        "CreationDate": ended,
        "CompletionDate": ended + timedelta(minutes=20),
        "IamRoleArn": job["IamRoleArn"],
    }


def test_restores_are_asked_for_where_every_resource_of_a_type_was_restored_twice() -> None:
    jobs = daily()
    tried = drafted(evidence(jobs, restore_jobs=[restore_of(job) for job in jobs]))
    assert rule_of(tried, "restore-tested").sentence == "every EC2 resource must have a restore job with ValidationStatus SUCCESSFUL within 26h"
    tried = drafted(evidence([*jobs, *daily(name="i-2")], restore_jobs=[restore_of(job) for job in jobs]))
    assert "Left out: restore tests of EC2: 1 of 2 resources were restored twice." in comments(tried.text)


def restore_of(job: dict[str, object]) -> dict[str, object]:
    ended = AS_OF.__class__.fromisoformat(str(job["CompletionDate"]))
    return {
        "RestoreJobId": f"restore-{job['BackupJobId']}",
        "AccountId": ACCOUNT,
        "RecoveryPointArn": "arn:aws:backup:eu-west-1:111122223333:recovery-point:1",
        "SourceResourceArn": job["ResourceArn"],
        "BackupVaultArn": job["BackupVaultArn"],
        "ResourceType": "EC2",
        "Status": "COMPLETED",
        "ValidationStatus": "SUCCESSFUL",
        "CreationDate": ended + timedelta(minutes=5),
        "CompletionDate": ended + timedelta(minutes=25),
        "IamRoleArn": job["IamRoleArn"],
    }


def test_no_backup_job_is_no_draft() -> None:
    with pytest.raises(EvidenceError, match="no backup job to draft a policy from"):
        drafted(evidence([]))


def test_incomplete_lists_are_no_draft() -> None:
    whole = evidence(daily())
    short = replace(whole, coverage=tuple(replace(entry, complete=False, reason="denied") for entry in whole.coverage))
    with pytest.raises(EvidenceError, match=f"the backup jobs are incomplete.*{ACCOUNT}/{REGION}: denied"):
        drafted(short)


def test_lists_that_end_long_before_say_nothing_about_today() -> None:
    with pytest.raises(EvidenceError) as refused:
        drafted(evidence(daily()), AS_OF + timedelta(days=30))
    for asked in ("window ends at", "evaluation time is"):
        assert f"is covered only to 2026-11-20T06:00:00Z, but the {asked} 2026-12-20T06:00:00Z" in str(refused.value)


def test_the_same_lists_give_the_same_text_whatever_their_order() -> None:
    jobs = [*daily(), *daily(name="i-2", plan={"BackupPlanId": "plan-2", "BackupPlanName": "other"})]
    assert drafted(evidence(jobs)).text == drafted(evidence(jobs[::-1])).text


@each("name", list(CORPUS)[::3])
def test_hostile_names_are_data_in_a_policy_that_loads(name: str) -> None:
    check_hostile_name(name)


@pytest.mark.slow
@each("name", CORPUS)
def test_all_hostile_names_are_data_in_a_policy_that_loads(name: str) -> None:
    check_hostile_name(name)


def check_hostile_name(name: str) -> None:
    text = CORPUS[name].encode("utf-8", "replace").decode()
    hostile = daily(
        BackupVaultName=text,
        ResourceType=text,
        ResourceName=text,
        IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{text}",
        StatusMessage=text,
        plan={"BackupPlanName": text, "BackupRuleName": text},
    )
    draft = draft_policy(read_profile(evidence([*daily(name="i-2", plan={"BackupPlanId": "plan-2"}), *hostile]), AS_OF), "baseline")
    written = render_draft(draft)
    lines = written.split("\n")
    assert all(clean(line) == line and len(line) < 1000 for line in lines)
    assert not any(line.lstrip().startswith("::") or re.search(r"##[a-z]*\[", line) for line in lines)
    # What a rule says of names is what the draft meant.
    loaded = {rule.id: rule.statement for rule in load_text(written, "baseline").rules}
    assert loaded.keys() == {proposal.id for proposal in draft.proposals}
    assert {proposal.id for proposal in draft.proposals if loaded[proposal.id].where != proposal.statement.where} == set()
    vaults = next(proposal for proposal in draft.proposals if proposal.id == "known-vaults").statement
    assert loaded["known-vaults"].requirement == vaults.requirement
    assert (text in {literal.text for part in comparisons(vaults.requirement.condition) for literal in part.literals}) == is_writable(text)
