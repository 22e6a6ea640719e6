"""Conditions, missing members, rewinding and derived fields of the second implementation, case by case from docs/verdicts.md."""

from __future__ import annotations

from typing import Any

import pytest

from tests.evidence.documents import ARN, COPY, EXPIRED, NO, RESOURCE, RESTORE, YES, Json, at, changed, job, judge, outcome, running, truth
from tests.tables import each

UNKNOWN_MEMBER = {"IsEncrypted": "true"}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        (YES | UNKNOWN_MEMBER, None),
        (NO | UNKNOWN_MEMBER, False),
        ({"any": [YES, UNKNOWN_MEMBER]}, True),
        ({"any": [NO, UNKNOWN_MEMBER]}, None),
        ({"any": [NO, NO]}, False),
        ({"not": YES}, False),
        ({"not": UNKNOWN_MEMBER}, None),
        ({"not": {"any": [NO, {"not": YES}]}}, True),
        ({"ResourceType": ["RDS", "EC2"]}, True),
        ({"ResourceName": {"contains": ["x", "y"]}}, False),
    ],
)
def test_conditions_combine_as_kleene_has_it(conditions: Json, expected: bool | None) -> None:
    assert truth(conditions, job()) is expected


@pytest.mark.parametrize(
    ("member", "literal", "changes", "others", "expected"),
    [
        ("ResourceType", "EC2", {"ResourceType": None}, [], None),  # ALWAYS
        ("ResourceType", "EC2", {"ResourceType": None}, [job(BackupJobId="j2")], None),
        ("StatusMessage", "x", {}, [], False),  # BY_MEANING
        ("CompletionDate", "2020-09-21", {"CompletionDate": None}, [], None),  # WHEN_ENDED
        ("CompletionDate", "2020-09-21", {"CompletionDate": None, "State": "RUNNING"}, [], False),
        ("CompletionDate", "2020-09-21", {"CompletionDate": None, "State": "EXPIRED"}, [], False),
        ("CompletionDate", "2020-09-21", {"CompletionDate": None, "State": "FAILED"}, [], None),
        ("CompletionDate", "2020-09-21", {"CompletionDate": None, "State": "NEW"}, [], None),
        ("MessageCategory", "SUCCESS", {"MessageCategory": None}, [], None),  # SINCE
        ("MessageCategory", "SUCCESS", {"MessageCategory": None}, [job(BackupJobId="j2")], False),
        ("MessageCategory", "SUCCESS", {"MessageCategory": None}, [job(BackupJobId="j2", CreationDate=at(1))], False),
        ("CreatedBy.BackupPlanName", "x", {"CreatedBy": {}}, [], None),
        ("CreatedBy.BackupPlanName", "x", {}, [job(BackupJobId="j2", CreatedBy={"BackupPlanName": "y"})], False),
        ("State", "COMPLETED", {"State": "SOMETHING_NEW"}, [], None),
        ("State", "COMPLETED", {}, [], True),
    ],
)
def test_a_missing_member_is_known_or_unknown(member: str, literal: str, changes: Json, others: list[Json], expected: bool | None) -> None:
    first = job(**changes)
    assert truth({member: literal}, first, *others) is expected
    assert truth({"not": {member: literal}}, first, *others) is (None if expected is None else not expected)
    assert truth({member: {"present": "true"}}, first, *others) is expected
    assert truth({member: {"present": "false"}}, first, *others) is (None if expected is None else not expected)


def test_null_is_missing() -> None:
    assert truth({"StatusMessage": {"present": "true"}}, job() | {"StatusMessage": None}) is False


@each(
    ("conditions", "expected"),
    [
        ({"BackupVaultName": "PROD"}, False),
        ({"BackupVaultName": {"starts_with": "pr"}}, True),
        ({"BackupVaultName": {"starts_with": "ro"}}, False),
        ({"BackupVaultName": {"ends_with": ["x", "od"]}}, True),
        ({"BackupVaultName": {"matches": "r.d"}}, True),
        ({"BackupVaultName": {"matches": "^ro"}}, False),
        ({"ResourceType": "ec2"}, True),
        ({"ResourceType": {"contains": "C"}}, True),
        ({"ResourceType": {"contains": "c2", "starts_with": "e"}}, True),
        ({"ResourceType": {"matches": "ec2"}}, False),
        ({"IamRoleArn": {"contains": "AWSBackup"}}, True),
        ({"IamRoleArn": {"contains": "awsbackup"}}, False),
        ({"IamRoleName": "AWSBackupDefault"}, True),
        ({"Account": "111122223333", "Region": "eu-west-1"}, True),
        ({"BackupSizeInBytes": {"at_least": "1GiB", "at_most": "1073741824"}}, True),
        ({"BackupSizeInBytes": {"more_than": "1GiB"}}, False),
        ({"BackupSizeInBytes": {"more_than": "1048576KB", "at_least": "1048576KiB"}}, True),
        ({"BackupSizeInBytes": {"more_than": "1.07GB", "less_than": "1.08GB"}}, True),
        ({"Elapsed": "1h"}, True),
        ({"StartDelay": {"at_most": "0.5h"}}, True),
        ({"StartDelay": {"at_most": "1799.999999s"}}, False),
        ({"Duration": ["30m"]}, True),
        ({"CreationDate": "2020-09-21T21:00:00Z"}, True),
        ({"CreationDate": "2020-09-21T23:00:00+02:00"}, True),
        ({"CreationDate": {"at_least": "2020-09-21", "less_than": "2020-09-22"}}, True),
        ({"CreationDate": {"older_than": "3h"}}, False),
        ({"CreationDate": {"older_than": "2.99h"}}, True),
        ({"CreationDate": {"newer_than": "3h"}}, False),
        ({"CreationDate": {"newer_than": "181m"}}, True),
        ({"IsEncrypted": "true"}, True),
        ({"IsEncrypted": "false"}, False),
        ({"RecoveryPointLifecycle.DeleteAfterDays": {"more_than": "34"}}, True),
    ],
)
def test_comparisons(conditions: Json, expected: bool) -> None:
    assert truth(conditions, job(BackupSizeInBytes=2**30, IsEncrypted=True, RecoveryPointLifecycle={"DeleteAfterDays": 35})) is expected


@pytest.mark.parametrize("text", ["2020-09-21T13:58:12.929000-07:00", "2020-09-21 13:58:12.929-07:00", "2020-09-21T20:58:12.929Z", 1600721892.929])
def test_every_spelling_of_a_time_is_the_same_microsecond(text: object) -> None:
    assert truth({"CreationDate": "2020-09-21T20:58:12.929Z"}, job(CreationDate=text)) is True


@pytest.mark.parametrize(
    ("changes", "conditions", "expected"),
    [
        ({"CompletionDate": at(1)}, {"State": "RUNNING", "CompletionDate": {"present": "false"}}, True),
        ({"CompletionDate": at(0)}, {"State": "COMPLETED"}, True),
        ({"CompletionDate": at(1), "State": "FAILED", "StatusMessage": "x"}, {"StatusMessage": {"present": "false"}}, True),
        ({"CompletionDate": at(1), "MessageCategory": None}, {"MessageCategory": {"present": "false"}}, True),  # known, though the list lacks it
        ({"CompletionDate": at(2), "InitiationDate": at(1)}, {"State": "PENDING", "InitiationDate": {"present": "false"}}, True),
        ({"CompletionDate": at(2), "InitiationDate": at(1)}, {"StartDelay": {"present": "true"}}, False),
        ({"CompletionDate": None, "State": "EXPIRED", "StartBy": at(1)}, {"State": "PENDING"}, True),
        ({"CompletionDate": None, "State": "EXPIRED", "StartBy": at(0)}, {"State": "EXPIRED"}, True),
        ({"CompletionDate": None, "State": "FAILED", "StartBy": at(1)}, {"State": "FAILED"}, True),
        ({"CompletionDate": None, "State": "RUNNING", "StartBy": at(1)}, {"State": "RUNNING"}, True),
    ],
)
def test_what_ended_after_as_of_is_rewound(changes: Json, conditions: Json, expected: bool) -> None:
    assert truth(conditions, job(**changes)) is expected


def test_a_copy_job_is_rewound_to_running() -> None:
    assert truth({"State": "RUNNING"}, changed(COPY, {"CompletionDate": at(1)}), dataset="copy_jobs") is True


def test_a_job_created_after_as_of_is_left_out_of_everything() -> None:
    scope = {"accounts": ["111122223333"], "regions": ["eu-west-1"]}
    later = job(CreationDate=at(0.001), InitiationDate=None, CompletionDate=at(1))
    assert outcome(judge([later], none=YES, no_data="pass", scope=scope)) == (
        "inconclusive",
        0,
        0,
        0,
    )
    assert outcome(judge([job(CreationDate=at(0), InitiationDate=None, CompletionDate=None)], none=YES)) == ("fail", 1, 0, 0)


@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        (running(), job()),
        (running(InitiationDate=at(-1)), job(State="FAILED", CompletionDate=None)),
        (job(State="NEW", CompletionDate=at(-1)), job()),
        (job(CompletionDate=at(-2)), job(CompletionDate=at(-1))),
        (running(State="PENDING"), running()),
        (running(State="NEW"), running(State="CREATED")),
        (running(PercentDone="9.5"), running(PercentDone=70)),
        (running(PercentDone="many"), running(PercentDone="0.1")),
    ],
)
def test_of_two_observations_of_a_job_the_better_is_kept(loser: Json, winner: Json) -> None:
    loser, winner = loser | {"ResourceName": "loser"}, winner | {"ResourceName": "winner"}
    for first, second in ((loser, winner), (winner, loser)):
        for records, files in (([first, second], None), ([first], [[second]])):
            result = judge(records, files=files, all={"ResourceName": "winner"})
            assert outcome(result) == ("pass", 1, 0, 0)


@pytest.mark.parametrize(
    ("changes", "conditions", "expected"),  # what a second observation of a clean job has, and what is then known of the job
    [
        ({"StatusMessage": "denied"}, {"StatusMessage": "denied"}, True),  # the one that says more
        ({"CompletionDate": None}, {"Duration": "30m"}, True),
        ({"ResourceName": "other"}, {"ResourceName": "one"}, None),  # they contradict each other
        ({"ResourceName": "other"}, {"ResourceName": {"present": "true"}}, None),
        ({"State": "FAILED"}, {"State": "COMPLETED"}, None),
        ({"State": "FAILED"}, {"CompletionDate": {"present": "true"}}, None),
        ({"CreatedBy": {"BackupPlanId": "p"}}, {"CreatedBy.BackupPlanId": "p", "CreatedBy.BackupRuleId": "r"}, True),
        ({"CreatedBy": {"BackupRuleId": "s"}}, {"CreatedBy.BackupRuleId": "r"}, None),
        ({"PercentDone": 100.0}, {"PercentDone": "100.0"}, True),
        ({"CreationDate": "2020-09-21 21:00:00+00:00"}, {"BackupJobId": "j1"}, True),
        ({"CreationDate": "1600722000"}, {"BackupJobId": "j1"}, True),
        ({"InitiationDate": at(-1)}, {"Duration": "30m"}, True),  # it began after it ended: that one is not usable
    ],
)
def test_observations_of_one_job_are_merged(changes: Json, conditions: Json, expected: bool | None) -> None:
    first = job(ResourceName="one", CreatedBy={"BackupRuleId": "r"})
    for jobs in ([first, job(**changes)], [job(**changes), first]):
        result = judge(jobs[:1], files=[jobs[1:]], none=conditions)
        assert (result["examined"], result["verdict"]) == (1, {True: "fail", False: "pass", None: "inconclusive"}[expected])


@pytest.mark.parametrize(
    ("first", "second", "wanted", "expected"),
    [
        ({"ValidationStatus": "VALIDATING", "ValidationStatusMessage": "soon"}, {"ValidationStatus": "FAILED"}, {"ValidationStatus": "FAILED"}, True),
        ({"ValidationStatus": "VALIDATING", "ValidationStatusMessage": "soon"}, {"ValidationStatus": "FAILED"}, {"ValidationStatusMessage": "soon"}, False),
        ({}, {"ValidationStatus": "TIMED_OUT"}, {"ValidationStatus": "TIMED_OUT"}, True),
        ({"ValidationStatus": "SUCCESSFUL"}, {"ValidationStatus": "FAILED"}, {"ValidationStatus": "FAILED"}, None),
        ({"DeletionStatus": "DELETING"}, {"DeletionStatus": "SUCCESSFUL"}, {"DeletionStatus": "SUCCESSFUL"}, True),
    ],
)
def test_a_decided_status_of_a_restore_stands(first: Json, second: Json, wanted: Json, expected: bool | None) -> None:
    for one, other in ((first, second), (second, first)):
        result = judge([RESTORE | one], files=[[RESTORE | other]], dataset="restore_jobs", none=wanted)
        assert result["verdict"] == {True: "fail", False: "pass", None: "inconclusive"}[expected]


def test_duplicates_go_before_what_is_later_than_as_of() -> None:
    assert outcome(judge([job(CompletionDate=at(1)), job(CompletionDate=at(-1))], none={"State": "COMPLETED"})) == ("pass", 1, 0, 0)


def test_records_without_an_id_are_all_kept() -> None:
    result = judge([job(BackupJobId=None), job(BackupJobId=None), job()], none=YES)
    assert result["examined"] == 3
    assert [finding["jobs"] for finding in result["findings"]] == [["j1"]]


@pytest.mark.parametrize(
    ("changes", "account", "region"),
    [
        ({}, "111122223333", "eu-west-1"),
        ({"AccountId": None, "BackupVaultArn": ARN.replace("1111", "9999")}, "999922223333", "eu-west-1"),
        ({"AccountId": None, "BackupVaultArn": None}, "111122223333", "eu-west-1"),
        ({"BackupVaultArn": None, "ResourceArn": "arn:aws:s3:::bucket"}, "111122223333", None),
        ({"AccountId": None, "BackupVaultArn": None, "ResourceArn": "arn:aws:s3:::bucket"}, None, None),
        ({"AccountId": None, "BackupVaultArn": "short", "ResourceArn": None}, None, None),
    ],
)
def test_account_and_region_come_from_the_first_that_says(changes: Json, account: str | None, region: str | None) -> None:
    finding = judge([job(**changes)], none={})["findings"][0]
    assert (finding["account"], finding["region"]) == (account, region)
    assert truth({"Account": {"present": "true"}}, job(**changes)) is (account is not None or None)
    assert truth({"Region": {"present": "false"}}, job(**changes)) is (False if region else None)


@pytest.mark.parametrize(
    ("changes", "conditions", "expected"),
    [
        ({"InitiationDate": None}, {"Duration": "1h"}, True),
        ({"InitiationDate": None, "CreationDate": None}, {"Duration": "1h"}, None),
        ({"CompletionDate": None}, {"Duration": "1h"}, None),
        (EXPIRED, {"Duration": {"present": "true"}}, False),
        (EXPIRED | {"CreationDate": None, "InitiationDate": None}, {"Duration": {"present": "true"}}, False),
        (EXPIRED | {"CompletionDate": at(-1)}, {"Duration": {"present": "true"}}, False),
        ({"State": None, "CompletionDate": None}, {"Duration": "1h"}, None),
        (EXPIRED, {"Elapsed": {"present": "true"}}, False),
        ({"CreationDate": None}, {"Elapsed": {"present": "true"}}, None),
        ({"CreationDate": None} | EXPIRED, {"Elapsed": {"present": "true"}}, None),
        ({"InitiationDate": None}, {"StartDelay": {"present": "true"}}, None),
        ({"IamRoleArn": None}, {"IamRoleName": "x"}, None),
    ],
)
def test_derived_times(changes: Json, conditions: Json, expected: bool | None) -> None:
    assert truth(conditions, job(**changes)) is expected


DURATION_SO_FAR = [  # a job running for 2.5 h: the comparison, whether `where` takes it, whether `none` and `all` are violated
    ({"at_least": "2h"}, True, True, False),
    ({"at_least": "3h"}, False, False, False),
    ({"more_than": "2h"}, True, True, False),
    ({"more_than": "2.5h"}, False, False, False),
    ({"at_most": "2h"}, False, False, True),
    ({"at_most": "3h"}, True, False, False),
    ({"less_than": "2.5h"}, False, False, True),
    ({"less_than": "3h"}, True, False, False),
    ("2.5h", True, False, False),
    ("3h", False, False, False),
]


@pytest.mark.parametrize(("asked", "taken", "none_violated", "all_violated"), DURATION_SO_FAR)
def test_the_duration_so_far_violates_only_once_past_the_limit(asked: Any, taken: bool, none_violated: bool, all_violated: bool) -> None:
    jobs, conditions = [running()], {"Duration": asked}
    assert judge(jobs, where=conditions, none=NO)["examined"] == int(taken)
    assert bool(judge(jobs, none=conditions)["findings"]) is none_violated
    assert bool(judge(jobs, all=conditions)["findings"]) is all_violated
    assert bool(judge(jobs, all={"not": conditions})["findings"]) is none_violated
    assert bool(judge(jobs, none={"not": conditions})["findings"]) is all_violated
    assert bool(judge(jobs, none={"not": {"any": [{"not": conditions}]}})["findings"]) is none_violated


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        ({}, "clean", True),
        ({"MessageCategory": "Success"}, "clean", True),
        ({"MessageCategory": "INVALIDPARAMETERS"}, "with_issues", True),
        ({"MessageCategory": "INVALIDPARAMETERS"}, "unknown", False),
        ({"MessageCategory": None}, "clean", None),
        ({"MessageCategory": None}, "with_issues", None),
        ({"MessageCategory": None}, ["clean", "with_issues"], True),
        ({"MessageCategory": None}, "unknown", True),
        ({"MessageCategory": None}, ["clean", "unknown"], True),
        ({"MessageCategory": None}, {"present": "true"}, True),
        ({"State": "FAILED"}, "clean", False),
        ({"State": "RUNNING"}, {"present": "true"}, False),
        ({"State": "NEW"}, "clean", None),
    ],
)
@pytest.mark.parametrize("others", [[], [job(BackupJobId="j2")]])  # whether the list knows MessageCategory changes nothing
def test_outcome(changes: Json, wanted: Any, expected: bool | None, others: list[Json]) -> None:
    assert truth({"Outcome": wanted}, job(**changes), *others) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"State": "CREATED", "StartBy": at(-0.001)}, True),
        ({"State": "PENDING", "StartBy": at(0)}, False),
        ({"State": "PENDING", "StartBy": None}, None),
        ({"State": "RUNNING", "ExpectedCompletionDate": at(-1)}, True),
        ({"State": "RUNNING", "ExpectedCompletionDate": at(1), "StartBy": at(-1)}, False),
        ({"State": "RUNNING"}, None),
        ({"State": "ABORTING"}, False),
        ({"State": "EXPIRED", "StartBy": at(-1)}, False),
        ({"State": "NEW"}, None),
    ],
)
def test_overdue(changes: Json, expected: bool | None) -> None:
    assert truth({"Overdue": "true"}, job(**changes)) is expected
    assert truth({"Overdue": "false"}, job(**changes)) is (None if expected is None else not expected)


@pytest.mark.parametrize(
    ("lifecycle", "others", "expected"),
    [
        ({"DeleteAfterDays": 35}, [], True),
        ({"DeleteAfterDays": 34}, [], False),
        ({"DeleteAfterDays": 0}, [], False),
        ({}, [], True),
        ({"DeleteAfterDays": -1}, [], True),
        ({"MoveToColdStorageAfterDays": 1}, [], True),
        ({"DeleteAfterEvent": "DELETE_AFTER_COPY"}, [], None),
        ({"DeleteAfterEvent": "DELETE_AFTER_COPY", "DeleteAfterDays": 40}, [], True),
        (None, [], None),
        (None, [job(BackupJobId="j2", RecoveryPointLifecycle={"DeleteAfterDays": 1})], False),
    ],
)
def test_retention(lifecycle: Json | None, others: list[Json], expected: bool | None) -> None:
    assert truth({"Retention": {"at_least": "35d"}}, job(RecoveryPointLifecycle=lifecycle), *others) is expected


def test_for_ever_is_more_than_any_duration() -> None:
    kept = job(RecoveryPointLifecycle={})
    answers = [truth({"Retention": {asked: "100000w"}}, kept) for asked in ("more_than", "at_least", "at_most", "less_than")]
    assert answers == [True, True, False, False]


@pytest.mark.parametrize(
    ("dataset", "record", "conditions", "expected"),
    [
        ("copy_jobs", {}, {"CrossAccount": "true", "CrossRegion": "true", "DestinationAccount": "444455556666", "DestinationRegion": "us-east-1"}, True),
        ("copy_jobs", {"DestinationBackupVaultArn": ARN}, {"any": [{"CrossAccount": "true"}, {"CrossRegion": "true"}]}, False),
        ("copy_jobs", {"DestinationBackupVaultArn": None}, {"CrossAccount": "true"}, None),
        ("copy_jobs", {"DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 7}}, {"Retention": "1w"}, True),
        ("restore_jobs", {}, {"BackupVaultName": "prod", "ResourceArn": RESOURCE, "Duration": "1h"}, True),
        ("restore_jobs", {"BackupVaultArn": None}, {"BackupVaultName": "prod"}, None),
    ],
)
def test_fields_of_the_other_lists(dataset: str, record: Json, conditions: Json, expected: bool | None) -> None:
    base = COPY if dataset == "copy_jobs" else RESTORE
    assert truth(conditions, changed(base, record), dataset=dataset) is expected
