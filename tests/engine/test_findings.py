"""Findings: one a subject, sorted, clean; and messages that say what was seen, by how much it misses, and what was required."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from policycheck.datasets import COPY_JOBS, RESTORE_JOBS
from policycheck.result import EVIDENCE_LIMIT, Finding
from tests.engine.lists import ACCOUNT, INSTANCE, REGION, Job, ago, job, judged

FAILED: dict[str, Any] = {"State": "FAILED"}
ROLE = "arn:aws:iam::111122223333:role/ops"


def findings(rule: str, jobs: Sequence[Job], folder: Path) -> Sequence[Finding]:
    return judged(rule, jobs, folder).findings


# ~ stands for when: "; created 3 h, ended 2 h before as_of; ".
MESSAGES = [
    ("rule: no FAILED jobs within 24h", FAILED, "State FAILED~State must not be FAILED"),
    (
        "rule: no FAILED jobs within 24h",
        FAILED | {"StatusMessage": "Access denied.", "MessageCategory": "AccessDenied"},
        "State FAILED~Access denied (AccessDenied); State must not be FAILED",
    ),
    ("rule: 'no FAILED, ABORTED or EXPIRED jobs'", {"State": "EXPIRED", "CompletionDate": None},
     "State EXPIRED; created 3 h before as_of; State must not be one of FAILED, ABORTED, EXPIRED"),
    ("rule: no FAILED jobs", FAILED | {"CreationDate": None, "CompletionDate": None}, "State FAILED; creation time unknown; State must not be FAILED"),
    ("rule: IAM role must contain AWSBackup", {"IamRoleArn": ROLE}, f"IamRoleArn {ROLE}~IAM role must contain AWSBackup"),
    ("rule: duration must be at most 20m", {}, "Duration 30 m (limit 20m, 10 m over)~duration must be at most 20m"),
    ("rule: duration must be less than 30m", {}, "Duration 30 m (limit 30m)~duration must be less than 30m"),
    ("'all': {Elapsed: {at_most: 3599.5s}}", {}, "Elapsed 1 h (limit 3599.5s, less than 1 s over)~Elapsed must be at most 3599.5s"),
    ("rule: size must be at least 1GiB", {"BackupSizeInBytes": 1024},
     "BackupSizeInBytes 1,024 bytes (limit 1GiB, 1,073,740,800 bytes under)~size must be at least 1GiB"),
    ("rule: size must be at least 1GiB", {}, "BackupSizeInBytes missing (limit 1GiB)~size must be at least 1GiB"),
    ("'all': {Retention: {at_least: 35d}}", {"RecoveryPointLifecycle": {"DeleteAfterDays": 7}},
     "Retention 7 d (limit 35d, 28 d under)~Retention must be at least 35d"),
    ("'all': {Retention: {at_most: 35d}}", {"RecoveryPointLifecycle": {}}, "Retention indefinite (limit 35d)~Retention must be at most 35d"),
    ("'all': {CreationDate: {at_least: 2026-11-20T04:00:00Z}}", {},
     "CreationDate 2026-11-20T03:00:00Z (limit 2026-11-20T04:00:00Z, 1 h before)~CreationDate must be at least 2026-11-20T04:00:00Z"),
    ("'all': {IsEncrypted: true}", {"IsEncrypted": False}, "IsEncrypted false~IsEncrypted must be true"),
    ("rule: no jobs with issues", {"MessageCategory": "VSSError"}, "Outcome with_issues (VSSError)~Outcome must not be with_issues"),
    ("'all': {Outcome: clean}", FAILED, "Outcome missing~Outcome must be clean"),
    ("rule: no job may be overdue", {"State": "RUNNING", "CompletionDate": None, "ExpectedCompletionDate": ago(minutes=90)},
     "Overdue since 1 h 30 m; created 3 h before as_of; Overdue must not be true"),
    ("'all': {Overdue: true}", {}, "Overdue false~Overdue must be true"),
    ("'all': {ResourceName: {present: true}}", {}, "ResourceName missing~ResourceName must be present"),
    ("none: {State: FAILED, BackupVaultName: prod}", FAILED, "State FAILED, BackupVaultName prod~no job may have State FAILED and vault prod"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "members", "message"), MESSAGES)
def test_message_says_what_was_seen_and_required(rule: str, members: Job, message: str, tmp_path: Path) -> None:
    (finding,) = findings(rule, [job(**members)], tmp_path)
    assert finding.message == "1 backup job: " + message.replace("~", "; created 3 h, ended 2 h before as_of; ")


def test_message_tells_of_the_newest_job(tmp_path: Path) -> None:
    old, new = job(BackupJobId="a", State="FAILED", CreationDate=ago(hours=9)), job(BackupJobId="b", State="ABORTED")
    (finding,) = findings("none: {State: [FAILED, ABORTED]}", [new, old], tmp_path)
    assert finding.message.startswith("2 backup jobs, the newest: State ABORTED; created 3 h, ended 2 h before as_of; ")
    assert finding.jobs == ("a", "b")


def test_message_of_a_rewound_job_tells_what_was_judged(tmp_path: Path) -> None:
    """Not what became of the job later: that it failed, and why."""
    later = job(State="FAILED", CompletionDate=ago(hours=-1), StatusMessage="Access denied", MessageCategory="AccessDenied")
    (finding,) = findings("none: {State: RUNNING}", [later], tmp_path)
    assert finding.message == "1 backup job: State RUNNING; created 3 h before as_of, in progress then, ended since; State must not be RUNNING"
    assert finding.cause is None


COPY: Job = {"CopyJobId": "c", "State": "COMPLETED", "CreationDate": ago(hours=1)}
DAY: Job = {"DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 1}}
SAME: Job = {
    "SourceBackupVaultArn": f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:v",
    "DestinationBackupVaultArn": f"arn:aws:backup:{REGION}:444455556666:backup-vault:v",
}
RESTORE: Job = {"RestoreJobId": "r", "Status": "FAILED", "CreationDate": ago(hours=1), "BackupVaultArn": "arn:a:b:x:1:backup-vault:prod"}


@pytest.mark.parametrize(
    ("dataset", "rule", "record", "start"),
    [
        (COPY_JOBS, "'all': {Retention: {at_least: 35d}}", {**COPY, **DAY}, "1 copy job: Retention 1 d (limit 35d, 34 d under)"),
        (COPY_JOBS, "'all': {CrossRegion: true}", {**COPY, **SAME}, "1 copy job: CrossRegion false; created 1 h before as_of; "),
        (RESTORE_JOBS, "rule: no FAILED restore jobs", RESTORE, "1 restore job: Status FAILED; created 1 h before as_of; "),
        (RESTORE_JOBS, "none: {BackupVaultName: prod}", RESTORE, "1 restore job: BackupVaultName prod; "),
    ],
)
def test_messages_of_other_lists(dataset: Any, rule: str, record: Job, start: str, tmp_path: Path) -> None:
    result = judged(f"dataset: {dataset.name}, {rule}" if not rule.startswith("rule") else rule, [record], tmp_path, dataset)
    assert [finding.message[: len(start)] for finding in result.findings] == [start]


def test_one_finding_a_subject_sorted_by_place_and_resource(tmp_path: Path) -> None:
    def arn(region: str, account: str, name: str) -> str:
        return f"arn:aws:ec2:{region}:{account}:instance/{name}"

    places = [("us-east-1", "222222222222", "b"), ("eu-west-1", "222222222222", "z"), ("us-east-1", "111111111111", "a"), ("us-east-1", "111111111111", "A")]
    jobs = [
        job(BackupJobId=f"{copy}{number}", State="FAILED", AccountId=account, BackupVaultArn=None, ResourceArn=arn(region, account, name))
        for copy in "xy"
        for number, (region, account, name) in enumerate(places)
    ]
    result = judged("rule: no FAILED jobs", jobs, tmp_path)
    assert [(f.account, f.region, f.subject[-1], f.jobs) for f in result.findings] == [
        ("111111111111", "us-east-1", "A", ("x3", "y3")),
        ("111111111111", "us-east-1", "a", ("x2", "y2")),
        ("222222222222", "eu-west-1", "z", ("x1", "y1")),
        ("222222222222", "us-east-1", "b", ("x0", "y0")),
    ]
    assert result.subjects == 4
    assert len({finding.fingerprint for finding in result.findings}) == 4


def test_identity_is_the_subject_and_nothing_that_changes(tmp_path: Path) -> None:
    first = findings("rule: no FAILED jobs", [job(State="FAILED", BackupJobId="a", StatusMessage="x")], tmp_path)
    second = findings("rule: no FAILED jobs", [job(State="FAILED", BackupJobId="b", CreationDate=ago(hours=9)), job(State="FAILED", BackupJobId="c")], tmp_path)
    assert [finding.fingerprint for finding in first] == [finding.fingerprint for finding in second]


def test_jobs_without_a_resource_or_id(tmp_path: Path) -> None:
    jobs = [
        job(State="FAILED", ResourceArn=None),
        job(State="FAILED", ResourceArn="", BackupJobId=None),
        job(State="FAILED", ResourceArn=" ", BackupJobId="j0"),
    ]
    (finding,) = findings("rule: no FAILED jobs", jobs, tmp_path)
    assert (finding.subject, finding.jobs, len(finding.evidence)) == ("(no ResourceArn)", ("j0", "j1"), 3)
    assert (finding.account, finding.region) == (ACCOUNT, REGION)


def test_text_of_records_is_cleaned(tmp_path: Path) -> None:
    evil = "\x1b[2J\u202e##[error]\n::error::\u200b"
    hostile = job(State="FAILED", BackupJobId=evil, ResourceArn=INSTANCE + evil, ResourceType=evil, StatusMessage=evil, MessageCategory=evil)
    (finding,) = findings("rule: no FAILED jobs", [hostile], tmp_path)
    texts = [finding.subject, finding.message, finding.resource_type, *finding.jobs]
    assert all(text is not None and text.isprintable() and "\ufffd[2J" in text for text in texts)
    assert "\x1b" not in str(finding.evidence)
    assert "\u202e" not in str(finding.evidence)


def test_subjects_that_look_alike_once_cleaned_are_one_finding(tmp_path: Path) -> None:
    jobs = [job(State="FAILED", BackupJobId=name, ResourceArn=f"{INSTANCE}{hidden}") for name, hidden in (("a", "\u200b"), ("b", "\u200c"))]
    (finding,) = findings("rule: no FAILED jobs", jobs, tmp_path)
    assert finding.jobs == ("a", "b")


def test_long_text_is_cut_in_messages_and_whole_in_evidence(tmp_path: Path) -> None:
    (finding,) = findings("rule: no FAILED jobs", [job(State="FAILED", StatusMessage="x" * 5000)], tmp_path)
    assert len(finding.message) < 400
    assert "x…;" in finding.message
    assert finding.evidence[0]["StatusMessage"] == "x" * 5000


def test_evidence_is_limited_and_jobs_are_not(tmp_path: Path) -> None:
    jobs = [job(State="FAILED", BackupJobId=f"j{number:03}") for number in range(EVIDENCE_LIMIT + 5)]
    (finding,) = findings("rule: no FAILED jobs", jobs[::-1], tmp_path)
    assert [record["BackupJobId"] for record in finding.evidence] == list(finding.jobs[:EVIDENCE_LIMIT])
    assert len(finding.jobs) == EVIDENCE_LIMIT + 5
    assert finding.evidence[0] == {
        **jobs[0],
        "CreationDate": "2026-11-20T03:00:00Z",
        "InitiationDate": "2026-11-20T03:30:00Z",
        "CompletionDate": "2026-11-20T04:00:00Z",
        "StartBy": "2026-11-20T11:00:00Z",
    }


CAUSES = [
    ("no FAILED jobs", {"State": "FAILED", "MessageCategory": "AccessDenied"}, "access_denied"),
    ("no FAILED jobs", {"State": "FAILED"}, "other"),
    ("'no FAILED, EXPIRED jobs'", {"State": "EXPIRED", "CompletionDate": None}, "start_window"),
    ("Outcome must be clean", {"State": "COMPLETED", "MessageCategory": "VSSError"}, "vss"),
    ("no job may be overdue", {"State": "RUNNING", "CompletionDate": None, "ExpectedCompletionDate": ago(hours=1)}, "overdue"),
    ("IAM role must contain AWSBackup", {"IamRoleArn": ROLE, "State": "COMPLETED", "MessageCategory": "SUCCESS"}, None),
    # What the role lacks is not why the rule is violated.
    ("IAM role must contain AWSBackup", {"IamRoleArn": ROLE, "State": "FAILED", "MessageCategory": "AccessDenied"}, None),
]


@pytest.mark.parametrize(("sentence", "members", "cause"), CAUSES)
def test_cause_is_the_class_of_what_went_wrong(sentence: str, members: dict[str, Any], cause: str | None, tmp_path: Path) -> None:
    (finding,) = findings(f"rule: {sentence}", [job(**members)], tmp_path)
    assert finding.cause == cause


def test_cause_is_that_of_the_newest_job(tmp_path: Path) -> None:
    old = job(BackupJobId="a", State="FAILED", CreationDate=ago(hours=9), MessageCategory="Throttling")
    new = job(BackupJobId="b", State="FAILED", MessageCategory="AccessDenied")
    (finding,) = findings("rule: no FAILED jobs", [old, new], tmp_path)
    assert finding.cause == "access_denied"
    assert finding.message.endswith("; MessageCategory AccessDenied; State must not be FAILED")
    assert [record["MessageCategory"] for record in finding.evidence] == ["Throttling", "AccessDenied"]


def test_cause_of_a_gap_is_that_of_the_newest_job_in_it(tmp_path: Path) -> None:
    ended = {9: "SUCCESS", 8: "VSSError", 7: "AccessDenied", 6: "SUCCESS", 4: "Throttling", 3: "SUCCESS", 1: "SUCCESS"}
    jobs = [
        job(
            BackupJobId=f"{age}",
            State="COMPLETED" if why == "SUCCESS" else "FAILED",
            MessageCategory=why,
            CreationDate=ago(days=age),
            CompletionDate=ago(days=age),
        )
        for age, why in ended.items()
    ]
    other = [job(BackupJobId=f"o{age}", ResourceArn=f"{INSTANCE}2", CreationDate=ago(days=age), CompletionDate=ago(days=age)) for age in range(0, 12, 2)]
    rule = "{per: ResourceArn, within: 9d, expect: {longest_gap: {of: {State: COMPLETED}, at_most: 50h}}}"
    (finding,) = findings(rule[1:-1], [*jobs, *other], tmp_path)
    assert (finding.cause, finding.jobs) == ("access_denied", ("1",))
    assert "longest time without a COMPLETED job 3 d" in finding.message
