"""Documents that say of themselves that they are not whole: every sign, at every depth."""

from __future__ import annotations

from collections.abc import Callable

import botocore.loaders
import pytest

from policycheck.errors import JobFileError
from policycheck.sources.completeness import refuse_incomplete_job
from tests.sources.jobs import JOBS, Job, dump, dump_yaml, lines, read

SIGNS: list[tuple[str, object]] = [
    *((key, "AAAA") for key in ("nextToken", "next_token", "NextMarker", "ContinuationToken", "LastEvaluatedKey", "nextPageToken")),
    *((key, value) for key in ("IsTruncated", "isTruncated", "is_truncated", "Truncated", "partial", "Partial", "hasMore") for value in (True, "true", 1)),
    *((key, value) for key in ("Complete", "complete", "isComplete", "success") for value in (False, "false", 0, "no")),
    *(
        (key, value)
        for key in ("Error", "error", "Errors", "ErrorCode", "errorMessage", "error_message", "__type", "exception", "failures")
        for value in ("AccessDenied", {"Code": "AccessDenied", "Message": ""}, ["AccessDenied"], {"111122223333": {"Code": "x"}})
    ),
    ("FailedRegions", ["eu-west-1"]), ("skipped_accounts", ["111122223333"]), ("HTTPStatusCode", 503), ("statusCode", "403"), ("status", "partial"),
    ("exitCode", 254), ("Count", len(JOBS) + 1), ("total_count", 5000), ("NumberOfJobs", str(len(JOBS) + 1)),
]  # fmt: skip
EMPTY: tuple[object, ...] = (None, "", [], {})
NOTHING: list[tuple[str, object]] = [
    *((key, value) for key in ("nextToken", "IsTruncated", "Errors", "Error", "ErrorCode", "partial", "Complete", "FailedRegions") for value in EMPTY),
    *((key, False) for key in ("IsTruncated", "partial", "Error", "hasMore")),
    ("IsTruncated", "false"), ("errorCount", 0), ("Errors", {"111122223333": []}), ("Complete", True), ("success", "true"), ("HTTPStatusCode", 200),
    ("statusCode", 200), ("status", "ok"), ("exitCode", 0), ("Count", len(JOBS)), ("total", 0), ("Account", "111122223333"), ("RetryAttempts", 2),
]  # fmt: skip
DEPTHS: dict[str, Callable[[Job], object]] = {
    "beside the list": lambda sign: {"BackupJobs": JOBS, **sign},
    "before the list": lambda sign: {**sign, "BackupJobs": JOBS},
    "in metadata": lambda sign: {"BackupJobs": JOBS, "ResponseMetadata": sign},
    "deep": lambda sign: {"Paging": {"Info": [{"Of": sign}]}, "BackupJobs": JOBS},
    "in an element of a list": lambda sign: [{"BackupJobs": JOBS}, {"BackupJobs": [], **sign}],
    "in an element before": lambda sign: [{"BackupJobs": [], "Meta": sign}, {"BackupJobs": JOBS}],
    "beside a wrapped job": lambda sign: [{"BackupJobs": JOBS}, {"BackupJob": {"BackupJobId": "x"}, **sign}],
}


@pytest.mark.parametrize("depth", DEPTHS)
def test_every_sign_is_seen_at_every_depth(depth: str) -> None:
    for key, value in SIGNS:
        if (depth == "beside a wrapped job" and value == len(JOBS) + 1) or value == str(len(JOBS) + 1):
            continue
        document = DEPTHS[depth]({key: value})
        for data in (dump(document), dump_yaml(document)) if key == SIGNS[0][0] else (dump(document),):
            with pytest.raises(JobFileError, match="is incomplete") as caught:
                read(data)
            assert caught.value.hint


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_same_members_with_nothing_in_them_are_no_sign(depth: str) -> None:
    for key, value in NOTHING:
        assert read(dump(DEPTHS[depth]({key: value})))


@pytest.mark.parametrize("sign", [{"NextToken": "AAAA"}, {"Error": "AccessDenied"}, {"IsTruncated": True}, {"ResponseMetadata": {"HTTPStatusCode": 500}}])
def test_a_sign_in_an_object_of_its_own_is_seen(sign: Job) -> None:
    for values in ([{"BackupJobs": JOBS}, sign], [sign, {"BackupJobs": JOBS}], [*JOBS, sign], [JOBS, sign]):
        for data in (dump(values), lines(values)):
            with pytest.raises(JobFileError):
                read(data)


def test_a_job_by_itself_can_be_incomplete_too() -> None:
    for sign in ({"NextToken": "x"}, {"IsTruncated": True}, {"Error": "denied"}, {"ResponseMetadata": {"HTTPStatusCode": 500}}):
        for data in (dump({"BackupJobId": "a", **sign}), lines([{"BackupJobId": "b"}, {"BackupJobId": "a", **sign}])):
            with pytest.raises(JobFileError):
                read(data)
    assert read(dump({"BackupJobId": "a", "ResponseMetadata": {"HTTPStatusCode": 200}}))


def test_members_of_records_are_no_signs() -> None:
    job = {"BackupJobId": "a", "Error": "x", "NextToken": "x", "IsTruncated": True}
    assert read(dump({"BackupJobs": [job]}))


def test_a_list_where_none_is_read_is_refused() -> None:
    for more in ({"Page2": {"BackupJobs": [{"State": "FAILED"}]}}, {"jobs": [{"BackupJobId": "a"}]}, {"more_jobs": [{"backupJobId": "a"}]},
                 {"BackupJob": {"BackupJobId": "a"}}, {"BackupJobId": "a"}, {"Regions": {"eu-west-1": {"backup_jobs": [{}, {"a": "b"}]}}}):  # fmt: skip
        with pytest.raises(JobFileError):
            read(dump({"BackupJobs": JOBS, **more}))
    with pytest.raises(JobFileError):
        read(dump({"111122223333": {"BackupJobs": JOBS}}))


def test_no_member_that_aws_backup_answers_is_a_sign() -> None:
    model = botocore.loaders.Loader().load_service_model("backup", "service-2")
    for shape in ("DescribeBackupJobOutput", "CopyJob", "DescribeRestoreJobOutput", "BackupJob", "RestoreJobsListMember"):
        members = model["shapes"][shape]["members"]
        refuse_incomplete_job(dict.fromkeys(members, "FAILED"), "")
        refuse_incomplete_job(dict.fromkeys(members, 3), "")
