"""Which class a job's category and message belong to. The messages are worded as AWS words them; `test_messages_are_many` keeps the table honest."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policycheck.causes import CAUSES
from policycheck.engine.causes import asks_for_cause, classify
from tests.formats.results import HOSTILE
from tests.tables import each

ROLE = "arn:aws:sts::111122223333:assumed-role/AWSBackupDefaultServiceRole/AWSBackup"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# cause, state, category, message
MESSAGES: list[tuple[str | None, str, str | None, str | None]] = [
    # Access
    ("access_denied", "FAILED", "AccessDenied", None),
    ("access_denied", "FAILED", "ACCESS_DENIED", ""),
    ("access_denied", "FAILED", "access denied", "Something we have no words for"),
    ("access_denied", "FAILED", None, "Your backup job failed as AWS Backup does not have permission to describe resource arn:aws:s3:::kms-key-logs."),
    (
        "access_denied",
        "FAILED",
        None,
        "You are not authorized to perform this operation. Please consult the permissions associated with your AWS Backup role(s).",
    ),
    ("access_denied", "FAILED", None, f"User: {ROLE} is not authorized to perform: ec2:CreateImage on resource: arn:aws:ec2:eu-west-1::image/*"),
    ("access_denied", "FAILED", "AccessDenied", "Access Denied trying to call AWS Backup service"),
    ("access_denied", "FAILED", None, "IAM Role arn:aws:iam::111122223333:role/ops cannot be assumed by AWS Backup"),
    ("access_denied", "FAILED", None, "Customer credential miss permission to get bucket versioning for bucket."),
    ("access_denied", "FAILED", None, "The specified bucket does not exist, or access is denied"),
    ("access_denied", "FAILED", None, "AWS Backup doesn't have permission to tag the file system, so it can't protect it"),
    # Keys
    ("kms_key", "FAILED", "AccessDenied", f"Access denied: not authorized to perform: kms:CreateGrant on resource: {KEY}"),
    ("kms_key", "FAILED", None, "KMS key is either disabled or pending deletion or access to KMS key is denied"),
    ("kms_key", "FAILED", None, "Given key ID is not accessible"),
    ("kms_key", "FAILED", None, "Given key ID does not exist"),
    (
        "kms_key",
        "FAILED",
        None,
        "AMI snapshot copy failed with error: Given key ID is not accessible. You must have DescribeKey permissions on the default key",
    ),
    ("kms_key", "FAILED", "ResourceNotFound", "The source snapshot KMS key does not exist, is not enabled or you do not have permissions to access it"),
    ("unshareable_key", "FAILED", None, "Snapshots encrypted with the AWS managed key can't be shared. Specify another snapshot."),
    ("unshareable_key", "FAILED", None, "Encrypted snapshots with Amazon EBS default key cannot be shared"),
    ("unshareable_key", "FAILED", None, "Copy job failed because the destination Backup vault is encrypted with the default Backup service managed key."),
    ("cross_account", "FAILED", None, "Copy job failed. Both source and destination account must be a member of the same organization."),
    ("cross_account", "FAILED", None, "Copy job failed. Cross-account copy feature is not enabled for the current organization."),
    # Windows of time
    ("start_window", "EXPIRED", None, None),
    ("start_window", "EXPIRED", "Expired", "The backup job expired: it did not start within its start window."),
    ("start_window", "EXPIRED", "MISCELLANEOUS", "text of a kind nobody has seen"),
    ("start_window", "FAILED", None, "Backup job was not started within the start window"),
    ("completion_window", "EXPIRED", None, "Backup job expired before completion."),
    ("completion_window", "ABORTED", None, "The job ran past its completion window and was stopped"),
    ("completion_window", "ABORTED", "Aborted", "Job was canceled by AWS Backup after 120 minutes"),
    (
        "maintenance_window",
        "FAILED",
        None,
        "could not start because it is either inside or too close to the weekly maintenance window configured in RDS instance",
    ),
    (
        "maintenance_window",
        "FAILED",
        None,
        "could not start because it is either inside or too close to the automated backup window configured in RDS instance",
    ),
    # Windows, the other kind
    ("vss", "COMPLETED", "VSSError", "Windows VSS Backup Job Error encountered, trying for regular backup"),
    ("vss", "COMPLETED", None, "Windows VSS Backup Job Error encountered, trying for regular backup"),
    ("vss", "FAILED", None, "Windows VSS Backup attempt failed because either Instance or SSM Agent has invalid state or insufficient privileges."),
    ("vss", "FAILED", None, "Windows VSS Backup attempt failed because of timeout on VSS enabled snapshot creation"),
    ("vss", "COMPLETED", "SOMETHING", "Windows VSS Backup attempt failed because ec2-vss-agent.exe is not installed in the Instance"),
    ("vss", "FAILED", None, "Windows VSS Backup attempt failed because of unsupported Windows Server version."),
    ("vss", "COMPLETED", "vss_error", ""),
    # The resource
    ("s3_versioning", "FAILED", None, "Versioning is not enabled on the bucket."),
    ("s3_versioning", "FAILED", "InvalidParameters", "Bucket versioning suspended: enable versioning and try again"),
    ("resource_busy", "FAILED", None, "Backup job failed because there was a running job for the same resource."),
    ("resource_busy", "ABORTED", "Aborted", "Backup job failed because there was a running job for the same resource."),
    ("resource_busy", "FAILED", None, "There are too many copy jobs running for resource."),
    ("resource_busy", "FAILED", None, "Instance is not in state: available"),
    ("resource_busy", "FAILED", None, "DBInstance orders is not in the available state."),
    ("resource_busy", "FAILED", None, "DBCluster not in available state"),
    ("resource_busy", "FAILED", None, "Cannot snapshot volume while it is attaching"),
    ("resource_busy", "FAILED", None, "The file system was being changed by another operation."),
    ("resource_gone", "FAILED", "ResourceNotFound", "The instance does not exist any more: it was not found."),
    ("resource_gone", "FAILED", None, "The specified volume was not found."),
    ("resource_gone", "FAILED", None, "Table not found."),
    ("resource_gone", "FAILED", None, "Cannot find recovery point."),
    ("resource_gone", "FAILED", None, "The subnet group of the restored database does not exist."),
    ("resource_gone", "FAILED", None, "The virtual machine is no longer available"),
    ("resource_gone", "FAILED", "resource-not-found-exception", None),
    # Limits
    ("throttled", "FAILED", "Throttling", "Rate exceeded: too many requests to DynamoDB."),
    ("throttled", "FAILED", None, "Rate exceeded (Service: AmazonEC2; Status Code: 503; Error Code: RequestLimitExceeded)"),
    ("throttled", "FAILED", "ThrottlingException", None),
    ("quota", "FAILED", None, "Subscriber limit exceeded: You have reached the maximum concurrent number of backups, which is 300."),
    ("quota", "FAILED", None, "Maximum allowed in-progress snapshots for a single volume exceeded."),
    ("quota", "FAILED", None, "Maximum allowed active snapshot limit exceeded."),
    ("quota", "FAILED", None, "Image creation throttled due to maximum number of concurrent snapshots on an EBS volume."),
    ("quota", "FAILED", None, "Cannot create more than 20 user snapshots"),
    ("quota", "FAILED", None, "The resultant tag set must not have more than 50 user tags."),
    ("quota", "FAILED", None, "You have reached your quota of 50,000 for the number of public and private images allowed in this Region."),
    (
        "quota",
        "COMPLETED",
        "LimitExceeded",
        "Your backup succeeded, but we were unable to persist NetworkInterfaces metadata as its size exceeded our internal limits.",
    ),
    ("vault_retention", "FAILED", None, "Copy job failed. The retention specified in the job is not within the range specified for the target Backup Vault."),
    ("vault_retention", "FAILED", "InvalidParameters", "Retention of 7 days is below MinRetentionDays of the vault"),
    # The rest
    ("unsupported", "FAILED", None, "Unsupported resource type: Timestream"),
    ("unsupported", "FAILED", None, "Feature is not supported for provided resource type."),
    ("unsupported", "FAILED", None, "CreateSnapshot method not supported on hypervisor during snapshot creation. Aborted backup job"),
    ("unsupported", "FAILED", None, "Images from AWS Marketplace cannot be copied to another AWS account."),
    ("invalid_parameters", "FAILED", "INVALIDPARAMETERS", None),
    ("invalid_parameters", "FAILED", "InvalidParameters", HOSTILE),
    ("invalid_parameters", "FAILED", None, "The value of parameter subnetId is invalid"),
    ("internal_error", "FAILED", "InternalError", "The snapshot did not complete in time."),
    ("internal_error", "FAILED", None, "An internal error occurred."),
    ("internal_error", "FAILED", None, "Copy job encountered a fatal error. Please contact AWS Support for further assistance."),
    ("internal_error", "COMPLETED", "x", "We are unable to copy resource tags to your backup because of the Internal Failure."),
    ("cancelled", "ABORTED", "Aborted", "The backup job was stopped by a user."),
    ("cancelled", "ABORTED", None, "Job cancelled by user"),
    ("aborted", "ABORTED", None, None),
    ("aborted", "ABORTING", "Aborted", ""),
    ("aborted", "ABORTED", "SUCCESS", None),
    ("partial", "PARTIAL", "PartialFailure", "1 of 2 child backup jobs failed."),
    ("completed_with_issues", "COMPLETED", "SOME_NEW_CATEGORY", "We left something out of your backup."),
    ("completed_with_issues", "COMPLETED", "PartialFailure", None),
    # Nothing to guess from
    ("other", "FAILED", None, None),
    ("other", "FAILED", "", ""),
    ("other", "FAILED", "MISCELLANEOUS", "Token expired. Try again."),
    ("other", "FAILED", None, HOSTILE),
    ("other", "FAILED", None, "\x1b[2J\u202e"),
    ("other", "FAILED", "SUCCESS", "all is well"),
    ("other", "FAILED", None, "Backup of 'access denied' and \"Rate exceeded\" and arn:aws:s3:::not.found/vss failed"),
    ("other", "FAILED", None, "Backup of kms-logs, sse.kms and vss-1 in quota-7 failed"),
    ("other", "FAILED", None, "The restoreability of accessories denied-2 skmsx"),
    (None, "COMPLETED", "SUCCESS", None),
    (None, "COMPLETED", "Success", "Windows VSS Backup Job Error encountered, trying for regular backup"),
    (None, "COMPLETED", None, None),
    (None, "COMPLETED", None, "a sentence nobody has seen"),
    (None, "COMPLETED", "", "?"),
    (None, "RUNNING", "AccessDenied", "Access denied"),
    (None, "CREATED", None, None),
    (None, "A_NEW_STATE", "AccessDenied", "Access denied"),
    (None, "", None, None),
]
# Told by more than a job's own words.
BY_OTHERS = {"overdue", "missed_run", "plan_silent", "not_followed", "no_job"}


@each(("cause", "state", "category", "message"), [row for row in MESSAGES if row[0] not in BY_OTHERS])
def test_message_has_its_class(cause: str | None, state: str, category: str | None, message: str | None) -> None:
    assert classify(state, category, message) == cause


QUOTINGS: dict[str, Callable[[str], str]] = {
    "double": '"{}"'.format, "single": "'{}'".format, "backtick": "`{}`".format, "typographic": "\u201c{}\u201d".format,
    "single typographic": "\u2018{}\u2019".format, "German": "\u201e{}\u201c".format, "French": "\u00ab {} \u00bb".format,
    "nested": "\"'{}'\"".format, "doubled": '""{}""'.format, "escaped": '\\"{}\\"'.format, "with a full stop": '"{}".'.format, "blanks": ' " {} " '.format,
    "JSON text": json.dumps, "JSON text twice": lambda text: json.dumps(json.dumps(text)), "message": lambda text: json.dumps({"message": text}),
    "Message and name": lambda text: json.dumps({"Message": f'"{text}"', "Resource": "kms vss quota", "Retries": 3}),
    "deep": lambda text: json.dumps({"error": {"message": text}}), "JSON in JSON": lambda text: json.dumps({"errorMessage": json.dumps({"message": text})}),
    "a list": lambda text: json.dumps([text]),
}  # fmt: skip


@pytest.mark.parametrize("quoting", QUOTINGS)
def test_a_message_in_quotes_has_the_class_of_what_stands_in_them(quoting: str) -> None:
    for cause, state, category, message in MESSAGES:
        if message and message.isprintable() and message is not HOSTILE:
            assert classify(state, category, QUOTINGS[quoting](message)) == cause, message


@pytest.mark.parametrize(
    "message", ["'access denied' failed because of 'rate exceeded'", '"access denied" and "x y"', "''", '"', "{}", "[]", '{"a": 1}', "[" * 1900]
)
def test_quotes_at_both_ends_are_not_always_of_one_quotation(message: str) -> None:
    assert classify("FAILED", None, message) == "other"


def test_messages_are_many_and_know_every_class() -> None:
    assert len(MESSAGES) >= 90
    assert {row[0] for row in MESSAGES} - {None} | BY_OTHERS == set(CAUSES)


def test_neither_case_nor_spaces_nor_line_breaks_matter() -> None:
    for cause, state, category, message in MESSAGES:
        if cause not in BY_OTHERS:
            shouted = None if message is None else "\n\t" + message.upper().replace(" ", "  \r\n ")
            assert classify(state.lower(), category and category.swapcase(), shouted) == cause, message


@given(st.none() | st.sampled_from("COMPLETED FAILED EXPIRED ABORTED PARTIAL RUNNING x".split()), st.none() | st.text(), st.none() | st.text())
def test_any_text_has_a_class_that_is_known_or_none(state: str | None, category: str | None, message: str | None) -> None:
    found = classify(state, category, message)
    assert found is None or found in CAUSES
    assert found is not None or state not in {"FAILED", "EXPIRED", "ABORTED", "PARTIAL"}


@pytest.mark.parametrize("part", ["retention ", "'", '"', "arn:", "not in ", "enable ", "aws managed key ", "\x1b", " " * 50, "limit " * 9])
def test_a_long_hostile_message_takes_no_time(part: str) -> None:
    begun = time.perf_counter()
    classify("FAILED", part * 1000, part * 200_000)
    assert time.perf_counter() - begun < 1


@each("name", CAUSES)
def test_every_class_can_be_read_and_acted_on(name: str) -> None:
    cause = CAUSES[name]
    assert re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*", name)
    assert cause.title[0].isupper()
    assert not cause.title.endswith(".")
    assert len(cause.title) <= 70
    assert cause.fix.endswith(".")
    assert 30 <= len(cause.fix) <= 320
    assert not cause.url or cause.url.startswith("https://")


@pytest.mark.parametrize(
    ("field", "asked"),
    [("State", True), ("Status", True), ("Outcome", True), ("Overdue", True), ("Duration", True), ("IamRoleArn", False), ("Retention", False)],
)
def test_a_rule_has_causes_where_it_asks_what_became_of_a_job(field: str, asked: bool) -> None:
    assert asks_for_cause(["ResourceType", field]) is asked
