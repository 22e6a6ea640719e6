"""Every operator against every presence, in three values (docs/verdicts.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS, Dataset
from tests.engine.lists import INSTANCE, ROLE, Job, ago, condition, job, truth, truths
from tests.tables import each

RECORDED = job(
    BackupJobId="other", ResourceArn=INSTANCE + "2", IsEncrypted=True, MessageCategory="SUCCESS", VaultType="BACKUP_VAULT", InitiationDate=ago(hours=2.5)
)
"""Has the members that newer clients record, so that missing from another job is known."""

COMPARISONS = [
    ("State: COMPLETED", {"State": "COMPLETED"}, True),
    ("State: COMPLETED", {"State": "FAILED"}, False),
    ("State: [FAILED, COMPLETED]", {}, True),
    ("State: [FAILED, EXPIRED]", {}, False),
    ("BackupVaultName: prod", {}, True),
    ("BackupVaultName: Prod", {}, False),
    ("BackupVaultName: {contains: ro}", {}, True),
    ("BackupVaultName: {contains: RO}", {}, False),
    ("BackupVaultName: {contains: [x, ro]}", {}, True),
    ("BackupVaultName: {contains: '.'}", {}, False),
    ("BackupVaultName: {starts_with: [pr, x]}", {}, True),
    ("BackupVaultName: {starts_with: rod}", {}, False),
    ("BackupVaultName: {ends_with: od}", {}, True),
    ("BackupVaultName: {ends_with: pr}", {}, False),
    ("BackupVaultName: {matches: '^p.*d$'}", {}, True),
    ("BackupVaultName: {matches: ro}", {}, True),
    ("BackupVaultName: {matches: '^ro'}", {}, False),
    ("ResourceType: ec2", {}, True),
    ("ResourceType: {starts_with: EC}", {"ResourceType": "ec2"}, True),
    ("ResourceType: {matches: EC}", {"ResourceType": "ec2"}, False),
    ("ResourceType: [rds, EC2]", {"ResourceType": "eC2"}, True),
    ("BackupSizeInBytes: 0", {"BackupSizeInBytes": 0}, True),
    ("BackupSizeInBytes: {at_least: 1kB}", {"BackupSizeInBytes": 1000}, True),
    ("BackupSizeInBytes: {more_than: 1kB}", {"BackupSizeInBytes": 1000}, False),
    ("BackupSizeInBytes: {at_most: 1KiB}", {"BackupSizeInBytes": 1024}, True),
    ("BackupSizeInBytes: {less_than: 1KiB}", {"BackupSizeInBytes": 1024}, False),
    ("BackupSizeInBytes: [1, 9223372036854775807]", {"BackupSizeInBytes": 2**63 - 1}, True),
    ("BackupSizeInBytes: 9007199254740993", {"BackupSizeInBytes": 2**53}, False),
    ("CreationDate: {older_than: 3h}", {}, False),
    ("CreationDate: {older_than: 2h}", {}, True),
    ("CreationDate: {newer_than: 3h}", {}, False),
    ("CreationDate: {newer_than: 4h}", {}, True),
    ("CreationDate: {at_least: 2026-11-20}", {}, True),
    ("CreationDate: {less_than: 2026-11-20}", {}, False),
    ("Duration: {at_most: 30m}", {}, True),
    ("Duration: {less_than: 30m}", {}, False),
    ("Elapsed: 1h", {}, True),
    ("StartDelay: {more_than: 29m}", {}, True),
    ("IsEncrypted: true", {"IsEncrypted": True}, True),
    ("IsEncrypted: false", {"IsEncrypted": True}, False),
    ("IamRoleName: [a, b]", {"IamRoleArn": "arn:aws:iam::1:role/path/b"}, True),
    ("Account: 111122223333", {"AccountId": None}, True),
    ("Region: eu-west-1", {"BackupVaultArn": None}, True),
    ("Outcome: clean", {"MessageCategory": "Success"}, True),
    ("Outcome: with_issues", {"MessageCategory": "x"}, True),
    ("Outcome: unknown", {"MessageCategory": "x"}, False),
    ("Outcome: unknown", {}, True),
    ("Outcome: [clean, with_issues]", {}, True),
    ("Outcome: clean", {"State": "FAILED"}, False),
    ("Overdue: false", {}, True),
    ("Retention: {at_least: 36500d}", {"RecoveryPointLifecycle": {}}, True),
    ("Retention: {at_least: 36500d}", {"RecoveryPointLifecycle": {"DeleteAfterDays": -1}}, True),
    ("Retention: 35d", {"RecoveryPointLifecycle": {"DeleteAfterDays": 35}}, True),
    ("{any: [{State: FAILED}, {BackupVaultName: prod}]}", {}, True),
    ("{not: {State: FAILED}, BackupVaultName: prod}", {}, True),
]


@each(("text", "members", "expected"), COMPARISONS)
def test_comparison_with_what_is_recorded(text: str, members: Mapping[str, object], expected: bool, tmp_path: Path) -> None:
    wanted, record = condition(text, tmp_path), job(**members)
    opposite = condition(f"not: {{{text}}}" if not text.startswith("{") else f"not: {text}", tmp_path)
    assert truths([wanted, opposite], [record]) == [[expected], [not expected]]


OPERATORS = {
    "text": ["~: x", "~: [x, y]", "~: {contains: x}", "~: {starts_with: x}", "~: {ends_with: x}", "~: {matches: x}"],
    "number": ["~: 1", "~: [1, 2]", "~: {at_least: 1}", "~: {at_most: 1}", "~: {more_than: 1}", "~: {less_than: 1}"],
    "time": ["~: {at_most: 2026-11-20}", "~: {older_than: 1h}", "~: {newer_than: 1h}"],
    "duration": ["~: {at_least: 1h}", "~: {less_than: 1h}"],
    "boolean": ["~: true", "~: [true, false]"],
    "arn": ["~: 'arn:x'", "~: {contains: x}"],
    "account": ["~: 111122223333", "~: [111122223333, 444455556666]", "~: {contains: 1}"],
}
FAILED: Job = {"State": "FAILED", "CompletionDate": None}
RUNNING: Job = {"State": "RUNNING", "CompletionDate": None}
# (field, kind of operators, the job's members, whether another job has the newer members, what missing means: False is known, None unknown)
PRESENCES = [
    ("BackupVaultName", "text", {"BackupVaultName": None}, True, None),  # ALWAYS
    ("IamRoleArn", "arn", {"IamRoleArn": None}, True, None),
    ("IamRoleName", "text", {"IamRoleArn": None}, True, None),
    ("StartBy", "time", {"StartBy": None}, True, None),
    ("StatusMessage", "text", {}, True, False),  # BY_MEANING
    ("BackupSizeInBytes", "number", {}, True, False),
    ("ExpectedCompletionDate", "time", {}, True, False),
    ("CreatedBy.BackupPlanId", "text", {}, True, False),
    ("CompletionDate", "time", RUNNING, True, False),  # WHEN_ENDED
    ("CompletionDate", "time", {"State": "EXPIRED", "CompletionDate": None}, True, False),
    ("CompletionDate", "time", FAILED, True, None),
    ("CompletionDate", "time", {"State": "NEWSTATE", "CompletionDate": None}, True, None),
    ("CompletionDate", "time", {"State": None, "CompletionDate": None}, True, None),
    ("IsEncrypted", "boolean", {}, True, False),  # SINCE
    ("IsEncrypted", "boolean", {}, False, None),
    ("MessageCategory", "text", {}, True, False),
    ("MessageCategory", "text", {}, False, None),
    ("InitiationDate", "time", {"InitiationDate": None}, True, False),
    ("InitiationDate", "time", {"InitiationDate": None}, False, None),
    ("Elapsed", "duration", RUNNING, True, False),  # DERIVED
    ("Elapsed", "duration", FAILED, True, None),
    ("Elapsed", "duration", {"CreationDate": None}, True, None),
    ("StartDelay", "duration", {"InitiationDate": None}, True, False),
    ("StartDelay", "duration", {"InitiationDate": None}, False, None),
    ("Duration", "duration", {"State": "EXPIRED", "CompletionDate": None, "InitiationDate": None}, True, False),
    ("Duration", "duration", FAILED, True, None),
    ("Retention", "duration", {"RecoveryPointLifecycle": {"DeleteAfterEvent": "DELETE_AFTER_COPY"}}, True, None),
    ("Retention", "duration", {}, False, None),
    ("Account", "account", {"AccountId": None, "BackupVaultArn": None, "ResourceArn": "x"}, True, None),
]  # fmt: skip


@each(("field", "kind", "members", "beside", "missing"), PRESENCES)
def test_comparison_with_what_is_missing(field: str, kind: str, members: Job, beside: bool, missing: bool | None, tmp_path: Path) -> None:
    record, others = job(**members), [RECORDED] if beside else []
    opposite = None if missing is None else not missing
    expected: dict[str, bool | None] = {}
    for pattern in OPERATORS[kind]:
        text = pattern.replace("~", field)
        expected |= {text: missing, f"not: {{{text}}}": opposite}
    expected |= {f"{field}: {{present: {asked}}}": None if missing is None else asked == "false" for asked in ("true", "false")}
    found = truths([condition(text, tmp_path) for text in expected], [record, *others])
    assert {text: truth for text, (truth, *_) in zip(expected, found, strict=True)} == expected


def test_present_is_true_of_what_is_recorded(tmp_path: Path) -> None:
    for field in ("BackupVaultName", "CompletionDate", "IsEncrypted", "Duration", "Account"):
        assert truth(condition(f"{field}: {{present: true}}", tmp_path), [RECORDED]) == [True]
        assert truth(condition(f"{field}: {{present: false}}", tmp_path), [RECORDED]) == [False]


STATES = [
    ({}, None, True),
    ({"MessageCategory": "SUCCESS"}, True, True),
    ({"State": "FAILED"}, False, False),
    ({"State": None}, None, None),
    ({"State": "RUNNING"}, False, False),
]


@pytest.mark.parametrize(("members", "clean", "present"), STATES)
def test_outcome_by_state(members: Job, clean: bool | None, present: bool | None, tmp_path: Path) -> None:
    assert truth(condition("Outcome: clean", tmp_path), [job(**members)]) == [clean]
    assert truth(condition("Outcome: {present: true}", tmp_path), [job(**members)]) == [present]


KLEENE = {"t": ("BackupVaultName: prod", True), "f": ("BackupVaultName: dev", False), "u": ("IsEncrypted: true", None)}


@pytest.mark.parametrize("left", "tfu")
@pytest.mark.parametrize("right", "tfu")
def test_kleene_logic(left: str, right: str, tmp_path: Path) -> None:
    """`and` is false where a part is false, `or` true where a part is true, whatever is unknown beside it: Narwhals leaves this to Polars."""
    (first, a), (second, b) = KLEENE[left], KLEENE[right]
    conjunction = False if False in (a, b) else None if None in (a, b) else True
    disjunction = True if True in (a, b) else None if None in (a, b) else False
    assert truth(condition(f"not: {{any: [{{not: {{{first}}}}}, {{not: {{{second}}}}}]}}", tmp_path), [job()]) == [conjunction]
    assert truth(condition(f"any: [{{{first}}}, {{{second}}}]", tmp_path), [job()]) == [disjunction]


HOME, AWAY = "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod", "arn:aws:backup:us-east-1:111122223333:backup-vault:dr"
TIMES: Job = {"CreationDate": ago(hours=3), "CompletionDate": ago(hours=2)}
ALWAYS: Job = {"ResourceType": "EC2", "IamRoleArn": ROLE}
COPY: Job = {
    **TIMES,
    **ALWAYS,
    "CopyJobId": "c",
    "ResourceArn": INSTANCE,
    "SourceRecoveryPointArn": "arn:p",
    "State": "COMPLETED",
    "SourceBackupVaultArn": HOME,
    "DestinationBackupVaultArn": AWAY,
}
RESTORE: Job = {
    **TIMES,
    **ALWAYS,
    "RestoreJobId": "r",
    "RecoveryPointArn": "arn:p",
    "PercentDone": "100.00%",
    "Status": "COMPLETED",
    "SourceResourceArn": INSTANCE,
    "BackupVaultArn": HOME,
}
OTHER_LISTS = [
    (COPY_JOBS, COPY, {}, "CrossRegion: true", True),
    (COPY_JOBS, COPY, {}, "CrossAccount: true", False),
    (COPY_JOBS, COPY, {}, "DestinationRegion: us-east-1", True),
    (COPY_JOBS, COPY, {}, "DestinationAccount: 111122223333", True),
    (COPY_JOBS, COPY, {"DestinationBackupVaultArn": "no arn"}, "CrossRegion: true", None),
    (COPY_JOBS, COPY, {"SourceBackupVaultArn": None}, "CrossAccount: false", None),
    (COPY_JOBS, COPY, {"SourceBackupVaultArn": None}, "DestinationAccount: 111122223333", True),
    (COPY_JOBS, COPY, {"DestinationBackupVaultArn": None}, "DestinationRegion: {present: false}", None),
    (COPY_JOBS, COPY, {"DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 7}}, "Retention: 7d", True),
    (COPY_JOBS, COPY, {}, "Duration: 1h", True),
    (COPY_JOBS, COPY, {}, "Outcome: clean", None),
    (RESTORE_JOBS, RESTORE, {}, "BackupVaultName: prod", True),
    (RESTORE_JOBS, RESTORE, {"BackupVaultArn": None}, "BackupVaultName: prod", None),
    (RESTORE_JOBS, RESTORE, {}, "ResourceArn: {ends_with: i-1}", True),
    (RESTORE_JOBS, RESTORE, {"SourceResourceArn": None}, "ResourceArn: {ends_with: i-1}", None),
    (RESTORE_JOBS, RESTORE, {"Status": "RUNNING", "CompletionDate": None}, "Duration: 3h", True),
    (RESTORE_JOBS, RESTORE, {}, "Status: FAILED", False),
    (RESTORE_JOBS, RESTORE, {"Status": "NEW"}, "Status: FAILED", None),
    (RESTORE_JOBS, RESTORE, {}, "ValidationStatus: FAILED", False),
]  # fmt: skip


@pytest.mark.parametrize(("dataset", "base", "members", "text", "expected"), OTHER_LISTS)
def test_fields_of_copy_and_restore_jobs(dataset: Dataset, base: Job, members: Job, text: str, expected: bool | None, tmp_path: Path) -> None:
    record = {name: value for name, value in {**base, **members}.items() if value is not None}
    assert truth(condition(text, tmp_path, dataset), [record], dataset) == [expected]


@pytest.mark.parametrize("dataset", [BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS], ids=lambda dataset: dataset.name)
def test_every_field_of_every_list_can_be_asked_for(dataset: Dataset, tmp_path: Path) -> None:
    record: Job = {dataset.id_field: "a", dataset.state_field: "COMPLETED"}
    running: Job = {**record, dataset.state_field: "RUNNING"}
    asked = [condition(f"{field.name}: {{present: true}}", tmp_path, dataset) for field in dataset.fields.values()]
    for one in asked:
        assert len(truth(one, [record, running], dataset)) == 2
    lists: list[list[Job]] = [[record], []]
    for jobs in lists:
        assert [len(found) for found in truths(asked, jobs, dataset)] == [len(jobs)] * len(asked)
