"""`followed_by` of the second implementation, case by case from "Following jobs" in docs/groups-specification.md."""

from __future__ import annotations

from typing import Any

import pytest

from policycheck.evidence.reperform import InputError
from tests.evidence.documents import ARN, EXPIRED, NO, RESOURCE, YES, Json, at, found, job, judge

A, B = "111122223333", "444455556666"
DR = "arn:aws:backup:us-east-1:444455556666:backup-vault:dr"
POINT, COPIED = "arn:aws:backup:eu-west-1:111122223333:recovery-point:1", "arn:aws:backup:us-east-1:444455556666:recovery-point:2"


def known(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def backup(**changes: object) -> Json:
    """A job that ended 10 h before as_of: with 6 h allowed, its deadline was 4 h before."""
    return job(**{"CreationDate": at(-11), "InitiationDate": None, "CompletionDate": at(-10), "RecoveryPointArn": POINT, **changes})


def copied(**changes: object) -> Json:
    """A copy of it that ended in time."""
    members = {
        "AccountId": A,
        "CopyJobId": "c1",
        "CreatedByBackupJobId": "j1",
        "SourceBackupVaultArn": ARN,
        "SourceRecoveryPointArn": POINT,
        "DestinationBackupVaultArn": DR,
        "DestinationRecoveryPointArn": COPIED,
        "ResourceArn": RESOURCE,
        "ResourceType": "EC2",
        "IamRoleArn": "arn:aws:iam::111122223333:role/service-role/AWSBackupDefault",
        "CreationDate": at(-9),
        "CompletionDate": at(-8),
        "State": "COMPLETED",
    }
    return known({**members, **changes})


def restored(**changes: object) -> Json:
    members = {
        "AccountId": A,
        "RestoreJobId": "r1",
        "BackupVaultArn": ARN,
        "RecoveryPointArn": POINT,
        "CreationDate": at(-9),
        "CompletionDate": at(-8),
        "Status": "COMPLETED",
    }
    return known({**members, **changes})


# Two copies of something else, so that the place of the jobs is covered from 45 h before as_of.
OTHERS = [copied(CopyJobId="x", CreatedByBackupJobId="other", SourceRecoveryPointArn="arn:aws:x:y:z:other", CreationDate=at(-20), CompletionDate=at(-1))]


def follow(jobs: list[Json], copies: list[Json] | None, *, where: Json | None = None, within: str = "6h", to: str = "copy_jobs", **rule: Any) -> Json:
    others = {} if copies is None else {to: copies}
    return judge(jobs, others=others, followed_by={"dataset": to, "within": within, **({} if where is None else {"where": where})}, **rule)


def answer(result: Json) -> bool | None:
    """Whether the job was followed."""
    return False if result["findings"] else None if result["possible"] else True


def test_a_job_is_followed_or_it_is_a_finding() -> None:
    passed = follow([backup()], [copied(), *OTHERS])
    assert (passed["verdict"], passed["examined"], passed["pending"]) == ("pass", 1, 0)
    alone = follow([backup()], OTHERS)
    assert (alone["verdict"], alone["findings"]) == ("fail", [{"account": A, "region": "eu-west-1", "subject": RESOURCE, "jobs": ["j1"], "waived": False}])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"CompletionDate": at(-4)}, True),  # the deadline itself
        ({"CompletionDate": at(-3.999)}, False),
        ({"CompletionDate": None}, None),
        ({"State": "FAILED"}, False),
        ({"State": "RUNNING", "CompletionDate": None}, False),
        ({"State": "NEW"}, None),
        ({"State": "NEW", "CompletionDate": at(-3)}, None),
        ({"AccountId": B}, False),
        ({"SourceBackupVaultArn": "arn:aws:backup:us-east-1:111122223333:backup-vault:prod"}, False),  # another Region
        ({"SourceBackupVaultArn": None, "ResourceArn": None}, None),
        ({"CreatedByBackupJobId": "j2"}, False),  # whatever its recovery point
        ({"CreatedByBackupJobId": None}, True),
        ({"CreatedByBackupJobId": None, "AccountId": B}, True),  # a recovery point needs no place
        ({"CreatedByBackupJobId": None, "SourceRecoveryPointArn": COPIED}, False),
        ({"CreatedByBackupJobId": None, "SourceRecoveryPointArn": None}, None),
        ({"CreationDate": at(1), "CompletionDate": at(2)}, False),  # not yet
        ({"CompletionDate": at(1)}, False),  # rewound
    ],
)
def test_what_follows_is_linked_and_completed_in_time(changes: Json, expected: bool | None) -> None:
    assert answer(follow([backup()], [copied(**changes), *OTHERS])) is expected
    # One that does is enough, and one that may is one that may.
    assert answer(follow([backup()], [copied(**changes), copied(CopyJobId="c2"), *OTHERS])) is True
    assert answer(follow([backup()], [copied(**changes), copied(CopyJobId="c2", State="NEW"), *OTHERS])) is (True if expected else None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"BackupJobId": "j2"}, False),
        ({"BackupJobId": None}, None),
        ({"AccountId": None, "BackupVaultArn": None, "ResourceArn": "arn:aws:s3:::b"}, None),
        ({"RecoveryPointArn": None}, True),
    ],
)
def test_the_link_by_the_id_of_the_backup_job(changes: Json, expected: bool | None) -> None:
    assert answer(follow([backup(**changes)], [copied(), *OTHERS])) is expected


def test_a_job_without_a_recovery_point_was_not_followed() -> None:
    by_point = copied(CreatedByBackupJobId=None)
    assert answer(follow([backup(RecoveryPointArn=None)], [by_point, *OTHERS])) is False
    # A copy that lacks what AWS always records may have named the job's id as well.
    nameless = {"CreatedByBackupJobId": None, "SourceRecoveryPointArn": None}
    assert answer(follow([backup(RecoveryPointArn=None)], [copied(**nameless), *OTHERS])) is None
    assert answer(follow([backup(RecoveryPointArn=None)], [copied(**nameless, AccountId=B), *OTHERS])) is False


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"DestinationRegion": "us-east-1"}, True),
        ({"DestinationRegion": "eu-west-1"}, False),
        ({"StatusMessage": {"present": "true"}}, False),
        ({"MessageCategory": "SUCCESS"}, None),
    ],
)
def test_what_follows_satisfies_its_conditions(where: Json, expected: bool | None) -> None:
    assert answer(follow([backup()], [copied(), *OTHERS], where=where)) is expected


def test_restores_and_copies_follow_by_the_recovery_point() -> None:
    place = restored(RestoreJobId="x", RecoveryPointArn="arn:aws:x:y:z:other", CreationDate=at(-20), CompletionDate=at(-1))
    assert answer(follow([backup()], [restored(), place], to="restore_jobs")) is True
    assert answer(follow([backup()], [restored(RecoveryPointArn=None), place], to="restore_jobs")) is None
    assert answer(follow([backup()], [restored(Status="FAILED"), place], to="restore_jobs")) is False
    # A copy runs where it is: what follows it runs where it went.
    one = copied(CreationDate=at(-11), CompletionDate=at(-10))
    there = {"AccountId": B, "BackupVaultArn": DR}
    far = restored(RestoreJobId="x", RecoveryPointArn="arn:aws:x:y:z:other", CreationDate=at(-20), CompletionDate=at(-1), **there)
    keys: Json = {"dataset": "copy_jobs"}
    assert answer(follow([one], [restored(RecoveryPointArn=COPIED, **there), far], to="restore_jobs", **keys)) is True
    assert answer(follow([one], [restored(RecoveryPointArn=POINT, **there), far], to="restore_jobs", **keys)) is False
    assert answer(follow([one], [place], to="restore_jobs", **keys)) is None  # nobody read that place
    assert answer(follow([copied(DestinationBackupVaultArn=None, CreationDate=at(-11), CompletionDate=at(-10))], [far], to="restore_jobs", **keys)) is None


def test_copies_of_copies() -> None:
    first = copied(CreationDate=at(-11), CompletionDate=at(-10), CreatedByBackupJobId=None)
    second = copied(
        CopyJobId="c2", AccountId=B, SourceBackupVaultArn=DR, SourceRecoveryPointArn=COPIED, DestinationBackupVaultArn=ARN, DestinationRecoveryPointArn=None
    )
    result = judge([first, second], dataset="copy_jobs", where={"CopyJobId": "c1"}, followed_by={"dataset": "copy_jobs", "within": "6h"})
    assert (result["verdict"], result["examined"]) == ("pass", 1)
    result = judge(
        [first, second | {"SourceRecoveryPointArn": POINT}],
        dataset="copy_jobs",
        where={"CopyJobId": "c1"},
        followed_by={"dataset": "copy_jobs", "within": "6h"},
    )
    assert result["verdict"] == "fail"


@pytest.mark.parametrize(
    ("changes", "expected"),  # of a job that is not followed: (violated, examined, pending)
    [
        ({}, (True, 1, 0)),
        ({"CompletionDate": at(-6)}, (True, 1, 0)),
        ({"CompletionDate": at(-5.9)}, (False, 0, 1)),
        ({"State": "RUNNING", "CompletionDate": None}, (False, 0, 0)),
        (EXPIRED | {"StartBy": at(-10)}, (True, 1, 0)),
        (EXPIRED | {"StartBy": at(-5)}, (False, 0, 1)),
        ({"CompletionDate": None}, (None, 0, 0)),
        ({"State": "NEW"}, (None, 0, 0)),
        ({"ResourceType": "RDS"}, (False, 0, 0)),
        ({"ResourceType": None}, (None, 0, 0)),
    ],
)
def test_jobs_are_judged_once_their_deadline_has_come(changes: Json, expected: tuple[bool | None, int, int]) -> None:
    result = (
        follow([backup(**changes)], OTHERS, where={}, no_data="pass")
        if not changes
        else judge([backup(**changes)], others={"copy_jobs": OTHERS}, where=YES, followed_by={"dataset": "copy_jobs", "within": "6h"})
    )
    followed = answer(result)
    assert (None if followed is None else not followed, result["examined"], result["pending"]) == expected


def test_what_is_followed_already_is_not_pending() -> None:
    late = backup(CompletionDate=at(-5))
    assert follow([late], [copied(CompletionDate=at(-4)), *OTHERS])["pending"] == 0
    assert follow([late], [copied(CompletionDate=at(-4), State="NEW"), *OTHERS])["pending"] == 1


def test_the_window_holds_deadlines() -> None:
    for within, examined in (("4h", 1), ("3.9h", 0), ("30d", 1)):
        result = judge(
            [backup()], others={"copy_jobs": [copied(), *OTHERS]}, within=within, followed_by={"dataset": "copy_jobs", "within": "6h"}, no_data="pass"
        )
        assert (result["verdict"], result["examined"]) == ("pass", examined)
    # The rule's own list must reach from A before the window's start.
    for covers, verdict in ((["2020-09-20T18:00:00Z", "2020-09-22"], "pass"), (["2020-09-20T18:00:01Z", "2020-09-22"], "inconclusive")):
        alone = backup(CreationDate=at(-4.5), CompletionDate=at(-4.2))  # by itself the list reaches 29.5 h back
        copy = copied(CreationDate=at(-4), CompletionDate=at(-3))
        keys: Json = {"others": {"copy_jobs": [copy]}, "within": "24h", "covers": covers}
        assert judge([alone], followed_by={"dataset": "copy_jobs", "within": "6h"}, no_data="pass", **keys)["verdict"] == verdict


def row(dataset: str, start: float, end: float = 0, account: str = A, region: str = "eu-west-1", **changes: object) -> Json:
    return {"dataset": dataset, "account": account, "region": region, "from": at(-start), "to": at(-end), "complete": True} | changes


@pytest.mark.parametrize(
    ("rows", "expected"),  # the job ended at -10 h, its deadline was at -4 h
    [
        ([row("copy_jobs", 10, 4)], False),
        ([row("copy_jobs", 9.9)], None),
        ([row("copy_jobs", 10, 4.1)], None),
        ([row("copy_jobs", 48, complete=False)], None),
        ([row("copy_jobs", 48, account=B)], None),
        ([], None),
    ],
)
def test_the_other_list_must_cover_the_time_that_was_allowed(rows: list[Json], expected: bool | None) -> None:
    result = follow([backup()], [], coverage=[row("backup_jobs", 500), *rows])
    assert answer(result) is expected
    assert result["verdict"] == ("fail" if expected is False else "inconclusive")
    assert answer(follow([backup()], [copied()], coverage=[row("backup_jobs", 500), *rows])) is True  # a copy that was seen is enough


def test_a_list_that_was_not_read_is_no_evidence() -> None:
    assert follow([backup()], None)["verdict"] == "inconclusive"
    assert judge([job()], where=NO, followed_by={"dataset": "copy_jobs", "within": "6h"}, no_data="pass")["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("no_data", "expected"), [("inconclusive", "inconclusive"), ("pass", "pass"), ("skip", "skipped"), ("fail", "fail"), ("quiet", "pass")]
)
def test_without_jobs_no_data_decides(no_data: str, expected: str) -> None:
    keys: Json = {"followed_by": {"dataset": "copy_jobs", "within": "6h"}, "within": "1h", "no_data": no_data, "others": {"copy_jobs": OTHERS}}
    assert judge([backup()], **keys)["verdict"] == expected
    # A job in progress is not one outside the window.
    open_still = judge([backup(State="RUNNING", CompletionDate=None)], **keys)["verdict"]
    assert open_still == ("inconclusive" if no_data == "quiet" else expected)


def test_findings_are_those_of_job_rules() -> None:
    jobs = [backup(), backup(BackupJobId="j2"), backup(BackupJobId="j3", ResourceArn=None, RecoveryPointArn=None)]
    assert found(follow(jobs, OTHERS)) == {RESOURCE: ["j1", "j2"], "(no ResourceArn)": ["j3"]}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"followed_by": {"dataset": "backup_jobs", "within": "6h"}}, "do not follow"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h"}, "dataset": "restore_jobs"}, "do not follow"),
        ({"followed_by": {"dataset": "copy_jobs"}}, "within"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h", "clock": "CreationDate"}}, "not understood"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h"}, "clock": "CreationDate"}, "cannot stand beside clock"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h", "where": {"Overdue": "true"}}}, "no such field"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h"}, "none": {}}, "needs an id and either"),
        ({"followed_by": {"dataset": "copy_jobs", "within": "6h"}, "unless_recovered_within": "6h"}, "qualifies none"),
    ],
)
def test_a_rule_of_following_jobs_that_is_not_understood_is_refused(rule: Json, message: str) -> None:
    with pytest.raises(InputError, match=message):
        judge([], **rule)
