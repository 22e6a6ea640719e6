"""What becomes of a started job as the clock goes on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from policycheck.emulator.errors import ApiError
from policycheck.emulator.started import StartOutcome, resource_type_of
from policycheck.emulator.store import Store
from tests.emulator.jobs import MANAGEMENT, NOW, REGION

REQUEST = {
    "BackupVaultName": "prod",
    "ResourceArn": f"arn:aws:ec2:{REGION}:{MANAGEMENT}:volume/vol-1",
    "IamRoleArn": f"arn:aws:iam::{MANAGEMENT}:role/AWSBackup",
}


def states(store: Store, job_id: object, *steps: timedelta) -> list[object]:
    seen = [store.describe(MANAGEMENT, REGION, str(job_id))["State"]]
    for step in steps:
        store.clock.advance(step)
        seen.append(store.describe(MANAGEMENT, REGION, str(job_id))["State"])
    return seen


def started(store: Store, **parameters: Any) -> object:
    return store.start(MANAGEMENT, REGION, {**REQUEST, **parameters})["BackupJobId"]


def test_a_job_is_created_runs_and_completes(store: Store) -> None:
    job_id = started(store)
    assert states(store, job_id, timedelta(seconds=5), timedelta(seconds=54), timedelta(seconds=1)) == ["CREATED", "RUNNING", "RUNNING", "COMPLETED"]
    job = store.describe(MANAGEMENT, REGION, str(job_id))
    begun = NOW.timestamp()
    assert (job["InitiationDate"], job["CompletionDate"], job["MessageCategory"]) == (begun + 5, begun + 60, "SUCCESS")
    assert job["StartBy"] == begun + 8 * 3600
    assert str(job["RecoveryPointArn"]).startswith(f"arn:aws:backup:{REGION}:{MANAGEMENT}:recovery-point:")


def test_a_job_fails_as_it_is_told(store: Store) -> None:
    store.start_outcome = StartOutcome(ends_after=timedelta(minutes=5), state="FAILED", message_category="AccessDenied", status_message="no key")
    job_id = started(store)
    assert states(store, job_id, timedelta(minutes=5)) == ["CREATED", "FAILED"]
    job = store.describe(MANAGEMENT, REGION, str(job_id))
    assert (job["StatusMessage"], job["MessageCategory"]) == ("no key", "AccessDenied")
    assert "RecoveryPointArn" not in job


def test_a_job_that_does_not_start_in_its_window_expires(store: Store) -> None:
    store.start_outcome = StartOutcome(runs_after=timedelta(hours=2), ends_after=timedelta(hours=3))
    job_id = started(store, StartWindowMinutes=60)
    assert states(store, job_id, timedelta(hours=1), timedelta(hours=9)) == ["CREATED", "EXPIRED", "EXPIRED"]


def test_one_idempotency_token_starts_one_job(store: Store) -> None:
    first, again, other = (started(store, IdempotencyToken=token) for token in ("a", "a", "b"))
    assert first == again != other
    assert started(store) != started(store)


def test_what_was_asked_for_is_recorded(store: Store) -> None:
    job_id = started(store, Lifecycle={"DeleteAfterDays": 35}, BackupOptions={"WindowsVSS": "enabled"}, CompleteWindowMinutes=120)
    store.clock.advance(timedelta(seconds=5))
    job = store.describe(MANAGEMENT, REGION, str(job_id))
    assert job["RecoveryPointLifecycle"] == {"DeleteAfterDays": 35}
    assert job["BackupOptions"] == {"WindowsVSS": "enabled"}
    assert job["ExpectedCompletionDate"] == NOW.timestamp() + 7200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"BackupVaultName": ""}, "MissingParameterValueException"),
        ({"ResourceArn": None}, "MissingParameterValueException"),
        ({"IamRoleArn": None}, "MissingParameterValueException"),
        ({"ResourceArn": "vol-1"}, "InvalidParameterValueException"),
        ({"ResourceArn": "arn:aws:sqs:eu-west-1:111111111111:queue"}, "InvalidParameterValueException"),
        ({"IamRoleArn": "AWSBackup"}, "InvalidParameterValueException"),
        ({"StartWindowMinutes": 0}, "InvalidParameterValueException"),
    ],
)
def test_a_start_that_cannot_be_is_refused(store: Store, change: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        started(store, **change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("arn", "found"),
    [
        ("arn:aws:ec2:r:1:instance/i-1", "EC2"),
        ("arn:aws:ec2:r:1:volume/vol-1", "EBS"),
        ("arn:aws:rds:r:1:db:orders", "RDS"),
        ("arn:aws:rds:r:1:cluster:orders", "Aurora"),
        ("arn:aws:s3:::bucket", "S3"),
        ("arn:aws-cn:elasticfilesystem:r:1:file-system/fs-1", "EFS"),
        ("arn:aws:cloudformation:r:1:stack/app/id", "CloudFormation"),
    ],
)
def test_the_resource_type_follows_from_the_arn(arn: str, found: str) -> None:
    assert resource_type_of(arn) == found


@pytest.mark.parametrize("wrong", [{"state": "RUNNING"}, {"state": "DONE"}, {"runs_after": timedelta(minutes=2)}, {"runs_after": -timedelta(1)}])
def test_an_outcome_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="job"):
        StartOutcome(**wrong)
