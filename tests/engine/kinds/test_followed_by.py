"""Rules with `followed_by`: who follows whom, in time or late, and what is said of a job that nobody followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.engine.kinds.followed_by import judge_following
from policycheck.policy.conditions import Condition
from policycheck.policy.model import Following, JobChoice, NoData, Scope
from policycheck.result import Basis, Coverage, RuleResult, Verdict
from tests.engine.cases import case, compare, context, covered, duration
from tests.engine.lists import ACCOUNT, AS_OF, INSTANCE, REGION, ROLE, VAULT, Job, ago, job
from tests.properties import examples

DROPPED = ": fields were dropped from the list; save it with"

POINT = "arn:aws:ec2:eu-west-1::image/ami-1"
COPIED = "arn:aws:ec2:us-east-1::image/ami-9"
OTHER = "444455556666"
THERE = f"arn:aws:backup:us-east-1:{OTHER}:backup-vault:dr"
COMPLETED = compare("State", "COMPLETED", dataset=COPY_JOBS)


def backup(ended: float = 9, **changes: object) -> dict[str, Any]:
    """A backup job that completed so many hours ago."""
    times = {"CreationDate": ago(hours=ended + 1), "InitiationDate": ago(hours=ended + 1), "CompletionDate": ago(hours=ended)}
    return job(**{"BackupJobId": "b1", "RecoveryPointArn": POINT, **times, **changes})


def copied(ended: float | None = 5, **changes: object) -> dict[str, Any]:
    """A COMPLETED copy job of backup job b1."""
    record: dict[str, Any] = {
        "CopyJobId": "c1",
        "AccountId": ACCOUNT,
        "SourceBackupVaultArn": VAULT,
        "SourceRecoveryPointArn": POINT,
        "DestinationBackupVaultArn": THERE,
        "DestinationRecoveryPointArn": COPIED,
        "ResourceArn": INSTANCE,
        "ResourceType": "EC2",
        "IamRoleArn": ROLE,
        "State": "COMPLETED",
        "CreatedByBackupJobId": "b1",
        "CreationDate": ago(hours=max(8, ended or 0)),
        "CompletionDate": None if ended is None else ago(hours=ended),
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not None}


def restored(ended: float | None = 5, **changes: object) -> dict[str, Any]:
    """A COMPLETED restore job of the recovery point."""
    record: dict[str, Any] = {
        "RestoreJobId": "r1",
        "AccountId": ACCOUNT,
        "RecoveryPointArn": POINT,
        "SourceResourceArn": INSTANCE,
        "BackupVaultArn": VAULT,
        "ResourceType": "EC2",
        "IamRoleArn": ROLE,
        "PercentDone": "100.00%",
        "Status": "COMPLETED",
        "CreationDate": ago(hours=max(8, ended or 0)),
        "CompletionDate": None if ended is None else ago(hours=ended),
    }
    return {name: value for name, value in {**record, **changes}.items() if value is not None}


def rule(number: int = 0, other: Dataset = COPY_JOBS, condition: Condition | None = None, allowed: str = "6h", **changes: Any) -> Any:
    wanted = compare(other.state_field, "COMPLETED", dataset=other) if condition is None else condition
    return case(Following(other.name, wanted, duration(allowed)), number=number, **{"within": "24h", **changes})


def judged(
    own: Sequence[Job],
    others: Sequence[Job],
    *,
    other: Dataset = COPY_JOBS,
    dataset: Dataset = BACKUP_JOBS,
    coverage: Sequence[Coverage] | None = None,
    **changes: Any,
) -> RuleResult:
    lists = {dataset.name: own, other.name: others}
    read = [covered(BACKUP_JOBS), covered(COPY_JOBS), covered(RESTORE_JOBS)] if coverage is None else coverage
    return judge_following([rule(other=other, dataset=dataset, **changes)], context(lists, read))[0]


def judged_list(copies: Sequence[Job], **changes: Any) -> RuleResult:
    """Copy jobs that other copy jobs must follow."""
    return judge_following([rule(**changes)], context({COPY_JOBS.name: copies}, [covered(COPY_JOBS)]))[0]


def message(result: RuleResult) -> str:
    (finding,) = result.findings
    return finding.message


def test_a_job_that_was_followed_in_time_passes() -> None:
    result = judged([backup()], [copied()])
    assert (result.verdict, result.reason, result.examined, result.subjects, result.findings, result.notes) == (Verdict.PASS, "", 1, 1, (), ())


def test_a_job_that_nobody_followed_is_a_finding() -> None:
    result = judged([backup()], [])
    (finding,) = result.findings
    assert result.verdict is Verdict.FAIL
    assert finding.message == ("backup job completed 9 h before as_of; no COMPLETED copy job by 2026-11-20T03:00:00Z (within 6h); no copy job followed it")
    assert (finding.subject, finding.account, finding.region, finding.jobs, finding.cause) == (INSTANCE, ACCOUNT, REGION, ("b1",), "not_followed")
    assert finding.resource_type == "EC2" and len(finding.evidence) == 1


def test_a_copy_may_complete_at_the_deadline_and_no_later() -> None:
    assert judged([backup(9)], [copied(3)]).verdict is Verdict.PASS
    late = judged([backup(9)], [copied(2)])
    assert message(late).endswith("nearest: copy job c1 COMPLETED 1 h late")
    by_a_hair = judged([backup(9)], [copied(CompletionDate=(AS_OF - timedelta(hours=3) + timedelta(microseconds=1)).isoformat())])
    assert message(by_a_hair).endswith("nearest: copy job c1 COMPLETED less than 1 s late")


def test_a_failed_copy_gives_its_cause() -> None:
    failed = copied(State="FAILED", MessageCategory="AccessDenied", StatusMessage="Access denied.\nby a policy.")
    result = judged([backup()], [failed])
    assert (message(result).split("; ")[-1], result.findings[0].cause) == ("nearest: copy job c1 FAILED (Access denied. by a policy)", "access_denied")


def test_a_second_attempt_in_time_is_enough() -> None:
    assert judged([backup()], [copied(7, State="FAILED"), copied(4, CopyJobId="c2")]).verdict is Verdict.PASS
    late = judged([backup()], [copied(7, State="FAILED", MessageCategory="AccessDenied"), copied(1, CopyJobId="c2", CreationDate=ago(hours=7))])
    assert message(late).endswith("nearest: copy job c2 COMPLETED 2 h late, and 1 more")
    assert late.findings[0].cause == "access_denied"


def test_a_copy_that_does_not_match_does_not_count() -> None:
    to_dr = compare("DestinationBackupVaultArn", THERE, dataset=COPY_JOBS)
    elsewhere = copied(DestinationBackupVaultArn=VAULT)
    assert judged([backup()], [copied()], condition=to_dr).verdict is Verdict.PASS
    result = judged([backup()], [elsewhere], condition=to_dr)
    told = "no COMPLETED copy job that matches by 2026-11-20T03:00:00Z (within 6h); nearest: copy job c1 COMPLETED in time and does not match"
    assert message(result).endswith(told)


def test_a_copy_must_have_completed_whatever_the_condition_says() -> None:
    ec2 = compare("ResourceType", "EC2", dataset=COPY_JOBS)
    assert judged([backup()], [copied(None, State="RUNNING")], condition=ec2).verdict is Verdict.FAIL
    assert judged([backup()], [copied(State="PARTIAL")], condition=ec2).verdict is Verdict.FAIL


def test_an_id_names_a_job_in_its_own_account_and_region() -> None:
    # The id decides where it is recorded, even if the recovery point would fit.
    assert judged([backup()], [copied(AccountId=OTHER)]).verdict is Verdict.FAIL
    assert judged([backup()], [copied(SourceBackupVaultArn=f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:prod")]).verdict is Verdict.FAIL
    assert judged([backup()], [copied(CreatedByBackupJobId="b2")]).verdict is Verdict.FAIL


def test_a_copy_without_an_id_is_told_by_the_recovery_point() -> None:
    by_arn = {"CreatedByBackupJobId": None}
    assert judged([backup()], [copied(**by_arn)]).verdict is Verdict.PASS
    assert judged([backup()], [copied(**by_arn, AccountId=OTHER)]).verdict is Verdict.PASS
    assert judged([backup()], [copied(**by_arn, SourceRecoveryPointArn=COPIED)]).verdict is Verdict.FAIL


def test_restores_are_told_by_the_recovery_point() -> None:
    assert judged([backup()], [restored()], other=RESTORE_JOBS).verdict is Verdict.PASS
    result = judged([backup()], [restored(Status="FAILED", StatusMessage="no such subnet")], other=RESTORE_JOBS)
    assert (message(result).split("; ")[-1], result.findings[0].cause) == ("nearest: restore job r1 FAILED (no such subnet)", "not_followed")
    validated = compare("ValidationStatus", "SUCCESSFUL", dataset=RESTORE_JOBS)
    assert judged([backup()], [restored()], other=RESTORE_JOBS, condition=validated).verdict is Verdict.FAIL


THERE_COVERED = covered(RESTORE_JOBS, OTHER, "us-east-1")


def test_a_copy_to_another_account_is_followed_by_a_restore_there() -> None:
    read = [covered(COPY_JOBS), covered(RESTORE_JOBS), THERE_COVERED]
    there = restored(RecoveryPointArn=COPIED, AccountId=OTHER, BackupVaultArn=THERE)
    assert judged([copied(9)], [there], dataset=COPY_JOBS, other=RESTORE_JOBS, coverage=read).verdict is Verdict.PASS
    assert judged([copied(9)], [], dataset=COPY_JOBS, other=RESTORE_JOBS, coverage=read).verdict is Verdict.FAIL
    # A restore in the account the copy came from is another recovery point's.
    assert judged([copied(9)], [restored()], dataset=COPY_JOBS, other=RESTORE_JOBS, coverage=read).verdict is Verdict.FAIL
    unread = judged([copied(9)], [], dataset=COPY_JOBS, other=RESTORE_JOBS, coverage=read[:2])
    assert unread.reason == f"1 of 1 job could violate it: no list of restore jobs covers {OTHER}/us-east-1 from their end to their deadline"


def test_a_copy_of_a_copy_follows_it() -> None:
    second = copied(5, CopyJobId="c2", SourceRecoveryPointArn=COPIED, DestinationRecoveryPointArn=None, CreatedByBackupJobId=None, AccountId=OTHER)
    read = [covered(COPY_JOBS), covered(COPY_JOBS, OTHER, "us-east-1"), covered(COPY_JOBS, OTHER)]
    first = compare("AccountId", ACCOUNT, dataset=COPY_JOBS)
    jobs = [copied(9), second]
    assert judged(jobs, jobs, dataset=COPY_JOBS, where=first, coverage=read).verdict is Verdict.PASS
    assert judged(jobs[:1], jobs[:1], dataset=COPY_JOBS, where=first, coverage=read).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "entry",
    [
        covered(COPY_JOBS, region="us-east-1"),
        covered(COPY_JOBS, complete=False, reason="page 2 failed"),
        covered(COPY_JOBS, start=AS_OF - timedelta(hours=8)),
        covered(COPY_JOBS, end=AS_OF - timedelta(hours=4)),
        covered(COPY_JOBS, start=None, end=None),
        covered(COPY_JOBS, jobs=0, basis=Basis.ASSERTED),
    ],
)
def test_where_the_other_list_was_not_read_a_job_possibly_violates(entry: Coverage) -> None:
    result = judged([backup()], [], coverage=[covered(), entry])
    assert (result.verdict, result.possible, result.findings) == (Verdict.INCONCLUSIVE, 1, ())
    assert result.reason == f"1 of 1 job could violate it: no list of copy jobs covers {ACCOUNT}/{REGION} from their end to their deadline"
    # Who was followed, was followed.
    assert judged([backup()], [copied()], coverage=[covered(), entry]).verdict is Verdict.PASS


def test_one_short_list_of_a_place_spoils_another() -> None:
    late, early = covered(COPY_JOBS, start=AS_OF - timedelta(hours=8)), covered(COPY_JOBS, end=AS_OF - timedelta(hours=4))
    for short in (late, early):
        assert judged([backup()], [], coverage=[covered(), covered(COPY_JOBS), short]).verdict is Verdict.INCONCLUSIVE
        assert judged([backup()], [], coverage=[covered(), short, covered(COPY_JOBS)]).verdict is Verdict.INCONCLUSIVE


def test_a_place_that_was_read_and_is_empty_shows_that_nobody_followed() -> None:
    assert judged([backup()], [], coverage=[covered(), covered(COPY_JOBS, jobs=0)]).verdict is Verdict.FAIL


def test_the_other_list_need_cover_no_more_than_end_to_deadline() -> None:
    just = covered(COPY_JOBS, start=AS_OF - timedelta(hours=9), end=AS_OF - timedelta(hours=3))
    assert judged([backup()], [], coverage=[covered(), just]).verdict is Verdict.FAIL


def test_a_job_whose_place_is_unknown_possibly_violates() -> None:
    nowhere = backup(AccountId=None, BackupVaultArn=None, ResourceArn="arn:aws:s3:::bucket")
    read = [covered(), covered(account=None, region=None), covered(COPY_JOBS), covered(COPY_JOBS, account=None, region=None)]
    assert judged([nowhere], [], coverage=read).verdict is Verdict.INCONCLUSIVE
    assert judged([nowhere], [copied()], coverage=read).verdict is Verdict.INCONCLUSIVE
    # An ARN names a recovery point wherever the job ran.
    assert judged([nowhere], [copied(CreatedByBackupJobId=None)], coverage=read).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "unknown",
    [
        {"CreatedByBackupJobId": None, "SourceRecoveryPointArn": None},
        {"CreatedByBackupJobId": "", "SourceRecoveryPointArn": ""},
        {"AccountId": None, "SourceBackupVaultArn": None, "ResourceArn": None},
        {"State": None},
        {"State": "NEWSTATE"},
        {"CompletionDate": None},
        {"CompletionDate": None, "CreatedByBackupJobId": None, "SourceRecoveryPointArn": None},
    ],
)
def test_a_copy_that_does_not_say_enough_may_follow(unknown: dict[str, Any]) -> None:
    result = judged([backup()], [copied(**unknown)])
    assert (result.verdict, result.possible) == (Verdict.INCONCLUSIVE, 1)
    assert result.reason.startswith("1 of 1 job could violate it: a copy job that might follow lacks fields")
    # One that was late beside it changes nothing.
    late = judged([backup()], [copied(**unknown), copied(2, CopyJobId="c2"), copied(2, CopyJobId="c3", CreatedByBackupJobId=None, SourceRecoveryPointArn=None)])
    assert (late.verdict, late.possible) == (Verdict.INCONCLUSIVE, 1)
    # Another that certainly follows settles it.
    assert judged([backup()], [copied(**unknown), copied(CopyJobId="c2")]).verdict is Verdict.PASS


def test_a_copy_that_names_nothing_and_came_too_late_follows_nobody() -> None:
    unnamed: dict[str, Any] = {"CreatedByBackupJobId": None, "SourceRecoveryPointArn": None}
    assert judged([backup()], [copied(2, **unnamed)]).verdict is Verdict.FAIL
    assert judged([backup()], [copied(State="FAILED", **unnamed)]).verdict is Verdict.FAIL


@pytest.mark.parametrize("named", [{"RecoveryPointArn": None}, {"RecoveryPointArn": ""}])
def test_a_job_without_a_recovery_point_was_not_copied_by_it(named: dict[str, Any]) -> None:
    assert judged([backup(**named)], [copied(CreatedByBackupJobId=None)]).verdict is Verdict.FAIL
    # A copy that lacks what AWS always records may have named the job's id as well.
    nameless: dict[str, Any] = {"CreatedByBackupJobId": None, "SourceRecoveryPointArn": None}
    assert judged([backup(**named)], [copied(**nameless)]).possible == 1
    assert judged([backup(**named)], [copied(**nameless, AccountId=OTHER)]).verdict is Verdict.FAIL
    assert judged([backup(**named)], [copied()]).verdict is Verdict.PASS


def test_a_job_without_an_id_may_be_the_one_that_is_named() -> None:
    assert judged([backup(BackupJobId=None)], [copied()]).possible == 1
    assert judged([backup(BackupJobId="")], [copied(CreatedByBackupJobId="b2")]).possible == 1
    assert judged([backup(BackupJobId=None)], [copied(AccountId=OTHER)]).verdict is Verdict.FAIL
    assert judged([backup(BackupJobId="")], [copied(CreatedByBackupJobId="", SourceRecoveryPointArn=COPIED)]).verdict is Verdict.FAIL


def test_a_copy_that_was_created_before_the_job_does_not_follow_it() -> None:
    created = (AS_OF - timedelta(hours=10)).isoformat()
    assert judged([backup(9)], [copied(CreationDate=created)]).verdict is Verdict.PASS
    before = (AS_OF - timedelta(hours=10, microseconds=1)).isoformat()
    assert message(judged([backup(9)], [copied(CreationDate=before)])).endswith("no copy job followed it")
    assert judged([backup(9)], [copied(CreationDate=None)]).possible == 1
    assert judged([backup(9, CreationDate=None)], [copied(CreationDate=before)]).possible == 1


def test_no_copy_follows_itself() -> None:
    itself = copied(7, DestinationBackupVaultArn=VAULT, DestinationRecoveryPointArn=POINT)
    asked: dict[str, Any] = {"dataset": COPY_JOBS, "other": COPY_JOBS, "where": compare("CopyJobId", "c1", dataset=COPY_JOBS)}
    assert message(judged_list([itself], **asked)).endswith("no copy job followed it")
    assert judged_list([itself, {**itself, "CopyJobId": "c2"}], **asked).verdict is Verdict.PASS


def test_a_job_that_may_still_be_followed_is_pending_and_named() -> None:
    result = judged([backup(9), backup(2, BackupJobId="b2", RecoveryPointArn=COPIED)], [copied()])
    assert (result.verdict, result.examined, result.pending, result.findings) == (Verdict.PASS, 1, 1, ())
    assert result.notes == ("BackupJobId b2: may be followed until 2026-11-20T10:00:00Z",)
    followed = copied(1, CopyJobId="c2", CreatedByBackupJobId="b2", CreationDate=ago(hours=2))
    assert judged([backup(9), backup(2, BackupJobId="b2")], [copied(), followed]).pending == 0
    perhaps = copied(1, CopyJobId="c2", CreatedByBackupJobId="b2", State=None, CreationDate=ago(hours=2))
    assert judged([backup(9), backup(2, BackupJobId="b2")], [copied(), perhaps]).pending == 1


def test_notes_on_pending_jobs_are_few() -> None:
    result = judged([backup(), *(backup(2 - number / 100, BackupJobId=f"p{number:02}\n") for number in range(23))], [copied()])
    assert (result.pending, len(result.notes)) == (23, 21)
    assert result.notes[0] == "BackupJobId p00: may be followed until 2026-11-20T10:00:00Z"
    assert result.notes[-1] == "and 3 more backup jobs are pending"


def test_only_pending_jobs_are_no_evidence() -> None:
    result = judged([backup(2)], [])
    assert (result.verdict, result.examined, result.pending) == (Verdict.INCONCLUSIVE, 0, 1)
    assert result.reason == "nothing to evaluate: 1 of 1 backup job matches outside the window, none in it"
    assert judged([backup(2)], [], no_data=NoData.QUIET).verdict is Verdict.PASS
    assert judged([backup(State="RUNNING", CompletionDate=None)], [], no_data=NoData.QUIET).verdict is Verdict.INCONCLUSIVE


def test_an_empty_population_that_must_not_be_is_a_finding() -> None:
    (finding,) = judged([backup(2)], [], no_data=NoData.FAIL).findings
    assert finding.subject == "(no jobs)"


@pytest.mark.parametrize(("ended", "examined"), [(6, 1), (5.99, 0), (30, 1), (30.01, 0)])
def test_a_deadline_on_an_edge_of_the_window_is_in_it(ended: float, examined: int) -> None:
    assert judged([backup(ended)], [copied(ended - 1, CreationDate=ago(hours=ended))]).examined == examined


def test_without_a_window_every_deadline_that_has_come_is_judged() -> None:
    result = judged([backup(900), backup(9, BackupJobId="b2", RecoveryPointArn=None), backup(1, BackupJobId="b3")], [copied(899)], within=None)
    assert (result.verdict, result.examined, result.pending, result.findings[0].jobs) == (Verdict.FAIL, 2, 1, ("b2",))


def test_the_rules_own_list_must_reach_from_the_allowance_before_the_window() -> None:
    reaches, short = covered(start=AS_OF - timedelta(hours=30)), covered(start=AS_OF - timedelta(hours=29))
    assert judged([backup()], [copied()], coverage=[reaches, covered(COPY_JOBS)]).verdict is Verdict.PASS
    result = judged([backup()], [copied()], coverage=[short, covered(COPY_JOBS)])
    assert (result.verdict, "is covered only from" in result.reason) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize(("lists", "said"), [({"backup_jobs": [backup()]}, "copy jobs (ListCopyJobs)"), ({"copy_jobs": []}, "backup jobs (ListBackupJobs)")])
def test_a_list_that_was_not_read_is_no_pass(lists: dict[str, list[Job]], said: str) -> None:
    (result,) = judge_following([rule()], context(lists, [covered()])).values()
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, f"this run has no list of {said}")


def test_what_follows_is_rewound() -> None:
    as_of = AS_OF - timedelta(hours=2)
    lists = {"backup_jobs": [backup(9)], "copy_jobs": [copied(1, StatusMessage="done later")]}
    (result,) = judge_following([rule()], context(lists, [covered(), covered(COPY_JOBS)], as_of)).values()
    assert (result.verdict, message(result).split("; ")[-1]) == (Verdict.FAIL, "nearest: copy job c1 RUNNING")
    later = {"backup_jobs": [backup(9)], "copy_jobs": [copied(5), copied(None, CopyJobId="c2", CreationDate=ago(hours=1))]}
    assert judge_following([rule()], context(later, [covered(), covered(COPY_JOBS)], as_of))[0].verdict is Verdict.PASS
    # A backup that ended later was in progress: it has no deadline yet.
    running = {"backup_jobs": [backup(1)], "copy_jobs": []}
    assert judge_following([rule()], context(running, [covered(), covered(COPY_JOBS)], as_of))[0].examined == 0


def test_an_expired_job_ended_when_it_had_to_start() -> None:
    expired = backup(State="EXPIRED", CompletionDate=None, StartBy=ago(hours=9), RecoveryPointArn=None)
    result = judged([expired], [])
    assert message(result).startswith("backup job EXPIRED 9 h before as_of; no COMPLETED copy job by 2026-11-20T03:00:00Z")


def test_a_job_that_may_be_chosen_possibly_violates() -> None:
    result = judged([backup(ResourceType=None)], [], where=compare("ResourceType", "EC2"))
    assert result.reason == f"1 of 1 job could violate it: ResourceType is unknown in its record{DROPPED} ResourceType"
    followed = judged([backup(ResourceType=None)], [copied()], where=compare("ResourceType", "EC2"))
    assert followed.reason == f"1 of 1 job might belong to it, but none certainly does: ResourceType is unknown in its record{DROPPED} ResourceType"
    assert judged([backup(CompletionDate=None)], []).possible == 1


def test_where_scope_and_choice_leave_jobs_out_but_not_those_that_follow() -> None:
    mine = Scope(accounts=(ACCOUNT,), regions=(REGION,))
    other = backup(BackupJobId="b2", AccountId=OTHER)
    by_arn = copied(CreatedByBackupJobId=None, AccountId=OTHER)
    assert judged([backup(), other], [by_arn], scope=mine, coverage=[covered(), covered(account=OTHER), covered(COPY_JOBS)]).examined == 1
    assert judged([backup(), backup(BackupJobId="m", ParentJobId="b1")], [copied()], jobs=JobChoice.TOP_LEVEL).verdict is Verdict.PASS
    assert (
        judged(
            [backup(State="FAILED", RecoveryPointArn=None), backup(BackupJobId="b2")], [copied(CreatedByBackupJobId="b2")], where=compare("State", "COMPLETED")
        ).examined
        == 1
    )


def test_one_finding_a_resource_tells_of_its_newest_job() -> None:
    jobs = [
        backup(20, BackupJobId="b1", RecoveryPointArn=None),
        backup(9, BackupJobId="b2"),
        backup(8, BackupJobId="x", ResourceArn="arn:aws:rds:eu-west-1:111122223333:db:a"),
    ]
    result = judged(jobs, [copied(1, CreatedByBackupJobId="b2")])
    first, second = result.findings
    assert (first.jobs, second.jobs) == (("b1", "b2"), ("x",))
    assert first.message.startswith("2 backup jobs, the newest completed 9 h before as_of; ") and first.message.endswith("COMPLETED 2 h late")


def test_several_rules_on_several_lists_are_judged_each_by_its_own() -> None:
    lists = {"backup_jobs": [backup()], "copy_jobs": [copied(2)], "restore_jobs": [restored()]}
    rules = [rule(0), rule(1, allowed="8h"), rule(2, RESTORE_JOBS), rule(3, RESTORE_JOBS, dataset=COPY_JOBS, allowed="1h")]
    results = judge_following(rules, context(lists, [covered(), covered(COPY_JOBS), covered(RESTORE_JOBS), THERE_COVERED]))
    assert [results[number].verdict for number in range(4)] == [Verdict.FAIL, Verdict.PASS, Verdict.PASS, Verdict.FAIL]


ALWAYS = ("SourceRecoveryPointArn", "State", "ResourceType", "created")
"""What AWS always records of those below."""


def _usable(copy: Job) -> Job:
    """A copy without what counts for nothing: times that contradict each other."""
    contradictory = None not in (copy["created"], copy["hours"]) and copy["hours"] > copy["created"]
    return {**copy, "created": None, "hours": None} if contradictory else copy


def _names_unknown(copies: Sequence[Job]) -> list[bool]:
    """Of each usable copy, whether it is unknown which backup job it names: its list is reduced, or its record damaged."""
    recorded = {name for name in (*ALWAYS, "CreatedByBackupJobId") if any(one[name] is not None for one in copies)}
    reduced = not recorded.issuperset(ALWAYS) and "CreatedByBackupJobId" not in recorded
    return [one["CreatedByBackupJobId"] is None and (reduced or any(one[name] is None for name in ALWAYS if name in recorded)) for one in copies]


def _followed(own: Job, other: Job, allowance: timedelta, *, name_unknown: bool) -> bool | None:
    """The page, for one pair: linked, matching, COMPLETED and in time; None is unknown."""
    created, ended = other["created"], other["hours"]
    if other["State"] is None:
        # An end without a state that says so counts for nothing.
        ended = None
    same = None if None in (own["AccountId"], other["AccountId"]) else own["AccountId"] == other["AccountId"]
    if other.get("CreatedByBackupJobId"):
        linked = False if own.get("BackupJobId") != other["CreatedByBackupJobId"] else same
    elif not own.get("RecoveryPointArn"):
        linked = False
    else:
        linked = own["RecoveryPointArn"] == other["SourceRecoveryPointArn"] if other.get("SourceRecoveryPointArn") else None
    if name_unknown and linked is False and same is not False:
        linked = None
    state = other.get("State")
    kind = other.get("ResourceType")
    deadline = AS_OF - timedelta(hours=own["hours"]) + allowance
    parts = [
        linked,
        None if kind is None else kind == "EC2",
        None if state is None else state == "COMPLETED",
        None if ended is None else AS_OF - timedelta(hours=ended) <= deadline,
        None if created is None else created <= own["hours"] + 1,
    ]
    return False if False in parts else None if None in parts else True


owns = st.fixed_dictionaries(
    {
        "BackupJobId": st.sampled_from(["b1", "b2"]),
        "AccountId": st.sampled_from([ACCOUNT, OTHER, None]),
        "RecoveryPointArn": st.sampled_from([POINT, COPIED, None]),
        "hours": st.integers(7, 20),
    }
)
others = st.fixed_dictionaries(
    {
        "CreatedByBackupJobId": st.sampled_from(["b1", "b2", None]),
        "AccountId": st.sampled_from([ACCOUNT, ACCOUNT, OTHER, None]),
        "SourceRecoveryPointArn": st.sampled_from([POINT, COPIED, None]),
        "State": st.sampled_from(["COMPLETED", "COMPLETED", "FAILED", None]),
        "ResourceType": st.sampled_from(["EC2", "EC2", "RDS", None]),
        "hours": st.sampled_from([None, *range(1, 20)]),
        "created": st.sampled_from([None, 25, *range(1, 20)]),
    }
)


@examples(own=st.lists(owns, min_size=1, max_size=4), followers=st.lists(others, max_size=5), few=12, many=200)
def test_who_is_followed_is_what_a_plain_reading_says(own: list[dict[str, Any]], followers: list[dict[str, Any]]) -> None:
    # ARNs that name no account, so that it is AccountId's to say.
    vault, bucket = f"arn:aws:backup:{REGION}::backup-vault:prod", "arn:aws:s3:::b"
    jobs = [backup(one["hours"], **{name: value for name, value in one.items() if name != "hours"}, BackupVaultArn=vault, ResourceArn=bucket) for one in own]
    copies = [
        copied(
            one["hours"],
            **{name: value for name, value in one.items() if name not in {"hours", "created"}},
            CopyJobId=f"c{number}",
            CreationDate=None if one["created"] is None else ago(hours=one["created"]),
            SourceBackupVaultArn=vault,
            ResourceArn=bucket,
        )
        for number, one in enumerate(followers)
    ]
    read = [covered(data, account, region) for data in (BACKUP_JOBS, COPY_JOBS) for account in (ACCOUNT, OTHER, None) for region in (REGION,)]
    result = judged(jobs, copies, condition=compare("ResourceType", "EC2", dataset=COPY_JOBS), coverage=read)
    definite = possible = 0
    usable = [_usable(one) for one in followers]
    for one in own:
        pairs = [_followed(one, other, timedelta(hours=6), name_unknown=unknown) for other, unknown in zip(usable, _names_unknown(usable), strict=True)]
        followed = True if True in pairs else None if None in pairs or (one["AccountId"] is None and True not in pairs) else False
        definite += followed is False
        possible += followed is None
    assert sum(len(finding.jobs) for finding in result.findings) == definite
    assert result.possible == possible


def test_the_order_of_the_lists_does_not_matter() -> None:
    jobs = [backup(9), backup(10, BackupJobId="b2"), backup(2, BackupJobId="b3"), backup(11, BackupJobId="b4", ResourceArn=None)]
    copies = [copied(2), copied(7, CopyJobId="c2", State="FAILED"), copied(5, CopyJobId="c3", CreatedByBackupJobId="b2")]
    assert judged(jobs, copies) == judged(jobs[::-1], copies[::-1])
