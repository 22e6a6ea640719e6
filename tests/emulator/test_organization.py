"""The sample organization: what is planted in it, that it is reproducible, and that AWS could have sent it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from policycheck.datasets import (
    BACKUP_JOBS,
    COPY_JOBS,
    DATASETS,
    JOB_LISTS,
    PROTECTED_RESOURCES,
    RECOVERY_POINTS,
    RESTORE_JOBS,
    VAULTS,
    Dataset,
    Kind,
)
from policycheck.emulator.estate import ACCOUNTS, REGIONS
from policycheck.emulator.organization import Organization, organization, write
from policycheck.text import clean

AS_OF = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLACES = {(account, region) for account in ACCOUNTS for region in REGIONS}

# A record is whatever the API sends; tests take it apart by member name.
Job = dict[str, Any]


@cache
def sample(healthy: bool = False) -> Organization:
    return organization(AS_OF, healthy=healthy)


def jobs_of(dataset: Dataset, healthy: bool = False) -> list[Job]:
    return [dict(job) for jobs in sample(healthy).jobs(dataset).values() for job in jobs]


def age(job: Job, member: str = "CreationDate") -> timedelta:
    return AS_OF - datetime.fromtimestamp(job[member], UTC)


def says(text: str) -> Callable[[Job], bool]:
    return lambda job: text in job.get("StatusMessage", "")


def is_overdue(job: Job) -> bool:
    deadline = {"CREATED": "StartBy", "PENDING": "StartBy", "RUNNING": "ExpectedCompletionDate"}.get(job["State"])
    return deadline is not None and age(job, deadline) > timedelta()


def is_with_issues(job: Job) -> bool:
    return bool(job["State"] == "COMPLETED" and job["MessageCategory"].upper() != "SUCCESS")


def role_name(job: Job) -> str:
    return str(job["IamRoleArn"]).rpartition("/")[2]


PLANTED: dict[str, tuple[int, Callable[[Job], bool]]] = {
    "failed": (11, lambda job: job["State"] == "FAILED"),
    "failed: access denied on kms:CreateGrant": (2, lambda job: job["State"] == "FAILED" and says("kms:CreateGrant")(job) and says("ccess denied")(job)),
    "failed: VSS": (1, lambda job: job["State"] == "FAILED" and says("VSS")(job)),
    "failed: throttled": (3, lambda job: job["State"] == "FAILED" and says("Rate exceeded")(job)),
    "failed: resource gone": (1, lambda job: job["State"] == "FAILED" and says("not found")(job)),
    "failed without a message category": (2, lambda job: job["State"] == "FAILED" and "MessageCategory" not in job),
    "expired in its start window": (1, lambda job: job["State"] == "EXPIRED" and not {"InitiationDate", "CompletionDate"} & job.keys()),
    "aborted": (2, lambda job: job["State"] == "ABORTED"),
    "partial stack": (1, lambda job: job["State"] == "PARTIAL" and job["ResourceType"] == "CloudFormation" and job["IsParent"]),
    "failed member of a stack": (1, lambda job: job["State"] == "FAILED" and "ParentJobId" in job),
    "completed with issues": (2, is_with_issues),
    "wrong role": (3, lambda job: role_name(job) == "backup-operator"),
    "service-linked role": (1, lambda job: role_name(job) == "AWSServiceRoleForBackup"),
    "not encrypted": (1, lambda job: not job["IsEncrypted"] and "EncryptionKeyArn" not in job),
    "in progress": (5, lambda job: job["State"] in BACKUP_JOBS.in_progress),
    "overdue": (1, is_overdue),
    "created 26 h ago, failed 10 min ago": (
        1,
        lambda job: job["State"] == "FAILED" and age(job, "CompletionDate") == timedelta(minutes=10) and 25.99 < age(job) / timedelta(hours=1) <= 26,
    ),
    "hostile message": (1, lambda job: clean(job.get("StatusMessage", "")) != job.get("StatusMessage", "")),
}  # fmt: skip


@pytest.mark.parametrize("fact", PLANTED)
def test_trouble_is_planted_as_often_as_stated(fact: str) -> None:
    count, planted = PLANTED[fact]
    assert sum(map(planted, jobs_of(BACKUP_JOBS))) == count


def test_hostile_message_attacks_terminals_markup_and_line_formats() -> None:
    (message,) = [job["StatusMessage"] for job in jobs_of(BACKUP_JOBS) if "\x1b" in job.get("StatusMessage", "")]
    for attack in ("\x1b[", "<script>", "](javascript:", "|", "`", "\n#", "::error::", "\u202e", "]]>"):
        assert attack in message


def test_one_resource_fell_silent_three_days_ago() -> None:
    newest: dict[tuple[str, str], timedelta] = {}
    for job in jobs_of(BACKUP_JOBS):
        if job.get("CreatedBy", {}).get("BackupRuleName") in {"nightly", "twice-daily"}:
            newest.setdefault((job["ResourceArn"], job["BackupVaultArn"]), age(job))
    silent = [quiet for quiet in newest.values() if quiet > timedelta(hours=25)]
    assert len(silent) == 1
    assert timedelta(days=3) < silent[0] < timedelta(days=3, hours=3)


def test_backups_by_hand_have_no_plan_and_the_default_role() -> None:
    by_hand = [job for job in jobs_of(BACKUP_JOBS) if "CreatedBy" not in job]
    assert len(by_hand) == 3 * len(PLACES)
    assert {role_name(job) for job in by_hand} == {"AWSBackupDefaultServiceRole"}


def test_it_has_the_promised_accounts_vaults_types_and_about_2000_jobs_of_30_days() -> None:
    jobs = jobs_of(BACKUP_JOBS)
    assert 1_900 <= len(jobs) <= 2_100
    assert set(sample().backup_jobs) == PLACES == {(job["AccountId"], job["BackupVaultArn"].split(":")[3]) for job in jobs}
    assert {job["BackupVaultName"] for job in jobs} == {"prod", "dr", "Default"}
    assert {job["ResourceType"] for job in jobs} == {"EC2", "EBS", "RDS", "DynamoDB", "EFS", "S3", "Aurora", "CloudFormation"}
    assert max(map(age, jobs)) > timedelta(days=29, hours=12)
    assert all(timedelta() < age(job) <= timedelta(days=30) for job in jobs)


@pytest.mark.parametrize("healthy", [False, True])
@pytest.mark.parametrize("dataset", JOB_LISTS.values(), ids=JOB_LISTS)
def test_every_list_of_every_place_is_recent_enough_for_a_daily_rule(dataset: Dataset, healthy: bool) -> None:
    lists = sample(healthy).jobs(dataset)
    assert set(lists) == PLACES
    for jobs in lists.values():
        assert min(age(dict(job)) for job in jobs) < timedelta(hours=20)


@pytest.mark.parametrize("healthy", [False, True])
@pytest.mark.parametrize("dataset", JOB_LISTS.values(), ids=JOB_LISTS)
def test_nothing_happens_out_of_order_or_after_as_of(dataset: Dataset, healthy: bool) -> None:
    for job in jobs_of(dataset, healthy):
        moments = [job[member] for member in ("RecoveryPointCreationDate", "CreationDate", "InitiationDate", "CompletionDate") if member in job]
        assert all(earlier < later for earlier, later in pairwise([*moments, AS_OF.timestamp()]))
        assert ("CompletionDate" in job) == (job[dataset.state_field] not in dataset.in_progress | {"EXPIRED"})


def test_healthy_organization_has_nothing_wrong_but_jobs_in_progress() -> None:
    jobs = jobs_of(BACKUP_JOBS, healthy=True)
    states = Counter(job["State"] for job in jobs)
    assert {state: count for state, count in states.items() if state != "COMPLETED"} == {"RUNNING": 1, "PENDING": 1, "CREATED": 1}
    assert not any(is_overdue(job) or is_with_issues(job) for job in jobs if job["State"] in BACKUP_JOBS.in_progress | {"COMPLETED"})
    assert all(job["IsEncrypted"] and "AWSBackup" in role_name(job) and "StatusMessage" not in job for job in jobs)
    assert {job["State"] for job in jobs_of(COPY_JOBS, healthy=True)} == {"COMPLETED", "RUNNING"}
    restores = jobs_of(RESTORE_JOBS, healthy=True)
    assert {(job["Status"], job.get("ValidationStatus")) for job in restores} == {("COMPLETED", "SUCCESSFUL"), ("RUNNING", None)}


def test_healthy_organization_misses_no_run() -> None:
    runs: dict[tuple[str, str, str], list[float]] = {}
    for job in jobs_of(BACKUP_JOBS, healthy=True):
        if "CreatedBy" in job:
            # StartBy is the scheduled time and the start window, to the second.
            runs.setdefault((job["ResourceArn"], job["BackupVaultArn"], job["CreatedBy"]["BackupRuleName"]), []).append(job["StartBy"])
    every = {"nightly": 86_400.0, "twice-daily": 43_200.0, "weekly": 604_800.0}
    assert runs
    for (_, _, rule), times in runs.items():
        assert {later - earlier for later, earlier in pairwise(times)} == {every[rule]}


def test_copies_and_restores_point_at_backups_of_the_same_place() -> None:
    for place, copies in sample().copy_jobs.items():
        backups = {job["BackupJobId"]: job for job in sample().backup_jobs[place]}
        for job in copies:
            source = backups[job["CreatedByBackupJobId"]]
            assert (job["SourceRecoveryPointArn"], job["ResourceArn"]) == (source["RecoveryPointArn"], source["ResourceArn"])
        points = {job.get("RecoveryPointArn") for job in backups.values()}
        assert all(job["RecoveryPointArn"] in points for job in sample().restore_jobs[place])


def test_copies_cross_accounts_and_regions_and_two_jobs_went_wrong() -> None:
    routes = {tuple(str(job[f"{end}BackupVaultArn"]).split(":")[3:5]) for job in jobs_of(COPY_JOBS) for end in ("Source", "Destination")}
    assert routes == {(region, account) for account, region in PLACES}
    assert Counter(job["State"] for job in jobs_of(COPY_JOBS))["FAILED"] == 1
    assert Counter(job["Status"] for job in jobs_of(RESTORE_JOBS))["FAILED"] == 1
    assert Counter(job.get("ValidationStatus") for job in jobs_of(RESTORE_JOBS))["FAILED"] == 1


def test_stack_members_name_a_parent_of_their_own_account_and_region() -> None:
    for jobs in sample().backup_jobs.values():
        parents = {job["BackupJobId"] for job in jobs if job["IsParent"]}
        members = [job for job in jobs if "ParentJobId" in job]
        assert {job["ParentJobId"] for job in members} == parents
        assert len(members) == 2 * len(parents)
        assert not any(job["IsParent"] for job in members)


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_ids_are_unique(dataset: Dataset) -> None:
    ids = [job[dataset.id_field] for job in jobs_of(dataset)]
    assert len(set(ids)) == len(ids)


def test_sizes_follow_what_aws_reports_for_each_type() -> None:
    completed = [job for job in jobs_of(BACKUP_JOBS) if job["State"] == "COMPLETED"]
    assert {job["BackupSizeInBytes"] for job in completed if job["ResourceType"] == "RDS"} == {0}
    assert not any("BackupSizeInBytes" in job for job in completed if job["ResourceType"] == "Aurora")
    assert len({job["BackupSizeInBytes"] for job in completed if job["ResourceType"] == "EBS"}) == 1
    assert len({job["BackupSizeInBytes"] for job in completed if job["ResourceType"] == "EFS"}) > 10


def test_same_seed_gives_the_same_bytes_and_another_seed_the_same_trouble(tmp_path: Path) -> None:
    again = organization(AS_OF)
    assert [path.read_bytes() for path in write(sample(), tmp_path / "a")] == [path.read_bytes() for path in write(again, tmp_path / "b")]
    other = organization(AS_OF, seed=2)
    assert other != again
    for place, jobs in again.backup_jobs.items():
        assert Counter((job["ResourceName"], job["State"]) for job in jobs) == Counter((job["ResourceName"], job["State"]) for job in other.backup_jobs[place])


@pytest.mark.parametrize("shift", [timedelta(days=400), timedelta(days=-9, hours=-5, minutes=-17)])
def test_another_as_of_shifts_every_time_and_changes_only_schedules(shift: timedelta) -> None:
    def without_cron(job: Job) -> Job:
        return job | {"CreatedBy": {member: value for member, value in job.get("CreatedBy", {}).items() if member != "BackupRuleCron"}}

    moved = organization((AS_OF + shift).astimezone(timezone(timedelta(hours=-7))))
    for dataset in JOB_LISTS.values():
        times = [member.name for member in dataset.members if member.kind is Kind.TIME]
        for place, jobs in sample().jobs(dataset).items():
            for job, other in zip(map(Job, jobs), moved.jobs(dataset)[place], strict=True):
                shifted = {member: round(job[member] + shift.total_seconds(), 3) for member in times if member in job}
                assert without_cron(dict(other)) == without_cron({**job, **shifted})


@pytest.mark.parametrize(
    ("as_of", "crons"),
    [
        (AS_OF, {"cron(0 10 ? * * *)", "cron(0 9,21 ? * * *)", "cron(0 8 ? * MON *)", "cron(0 22 ? * * *)"}),
        (datetime(2026, 3, 1, 0, 30, tzinfo=UTC), {"cron(30 22 ? * * *)", "cron(30 9,21 ? * * *)", "cron(30 20 ? * FRI *)", "cron(30 10 ? * * *)"}),
    ],
)
def test_schedules_are_the_crons_the_jobs_ran_by(as_of: datetime, crons: set[str]) -> None:
    made_by = [job["CreatedBy"] for jobs in organization(as_of).backup_jobs.values() for job in jobs if "CreatedBy" in job]
    assert {creator["BackupRuleCron"] for creator in made_by if isinstance(creator, dict)} == crons


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        organization(AS_OF.replace(tzinfo=None))


def problems(shape: Shape, value: object, where: str) -> Iterator[str]:
    """Where a value could not have come from an answer of this shape, on the wire."""
    if isinstance(shape, StructureShape):
        assert isinstance(value, dict)
        for name, member in value.items():
            if name in shape.members:
                yield from problems(shape.members[name], member, f"{where}.{name}")
            else:
                yield f"{where}.{name}: no such member"
    elif isinstance(shape, ListShape):
        assert isinstance(value, list)
        for item in value:
            yield from problems(shape.member, item, where)
    elif isinstance(shape, MapShape):
        assert isinstance(value, dict)
        for item in value.values():
            yield from problems(shape.value, item, where)
    else:
        kinds: dict[str, type | tuple[type, ...]] = {"string": str, "boolean": bool, "timestamp": float, "long": int}
        if not isinstance(value, kinds[shape.type_name]) or (shape.type_name == "long" and isinstance(value, bool)):
            yield f"{where}: {value!r} is no {shape.type_name}"
        elif getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{where}: {value!r} is none of {shape.enum}"


def output_shape(dataset: Dataset) -> Shape:
    model = ServiceModel(Loader().load_service_model("backup", "service-2"), "backup")
    return model.operation_model(dataset.operation).output_shape


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS)
def test_answers_have_the_shape_of_the_api_model(dataset: Dataset) -> None:
    assert list(problems(output_shape(dataset), {dataset.result_key: jobs_of(dataset)}, dataset.operation)) == []


def test_shape_check_notices_a_wrong_member_type_and_enumeration() -> None:
    job = jobs_of(BACKUP_JOBS)[0] | {"Colour": "red", "PercentDone": 100.0, "State": "DONE", "BackupSizeInBytes": True}
    assert len(list(problems(output_shape(BACKUP_JOBS), {"BackupJobs": [job]}, ""))) == 4


def test_all_thirty_members_of_backup_jobs_occur() -> None:
    model = output_shape(BACKUP_JOBS)
    assert isinstance(model, StructureShape)
    members = set(model.members["BackupJobs"].member.members)
    assert len(members) == 30
    assert members == {member for job in jobs_of(BACKUP_JOBS) for member in job}


def test_every_job_by_a_plan_says_which_rule_and_schedule() -> None:
    for job in jobs_of(BACKUP_JOBS):
        if "CreatedBy" in job:
            assert {f"CreatedBy.{member}" for member in job["CreatedBy"]} == {name for name in BACKUP_JOBS.fields if name.startswith("CreatedBy.")}


def test_saved_lists_read_like_those_of_the_aws_cli(tmp_path: Path) -> None:
    paths = write(sample(), tmp_path)
    assert [str(path.relative_to(tmp_path)) for path in paths[:3]] == [
        "111122223333/eu-west-1/backup-jobs.json",
        "111122223333/eu-west-1/copy-jobs.json",
        "111122223333/eu-west-1/restore-jobs.json",
    ]
    assert len(paths) == len(PLACES) * len(JOB_LISTS)
    text = paths[0].read_text(encoding="utf-8")
    assert text.startswith('{\n    "BackupJobs": [\n        {\n            "AccountId": "111122223333",\n')
    saved = json.loads(text)["BackupJobs"]
    original = sample().backup_jobs["111122223333", "eu-west-1"]
    for job, wire in zip(saved, original, strict=True):
        for member in BACKUP_JOBS.members:
            if member.kind is Kind.TIME and member.name in wire:
                moment = datetime.fromisoformat(job[member.name])
                assert moment.utcoffset() == timedelta()
                assert moment.timestamp() == wire[member.name]
                assert job[member.name].endswith("+00:00")
            else:
                assert job.get(member.name) == wire.get(member.name)


def test_what_the_jobs_left_behind_is_what_they_say() -> None:
    made = {job["RecoveryPointArn"]: job for job in jobs_of(BACKUP_JOBS) if "RecoveryPointArn" in job}
    points = jobs_of(RECOVERY_POINTS)
    own = [point for point in points if "SourceBackupVaultArn" not in point]
    kept = {arn for arn, job in made.items() if age(job) < timedelta(days=job["RecoveryPointLifecycle"]["DeleteAfterDays"])}
    (forgotten,) = {point["RecoveryPointArn"] for point in own} - kept
    assert kept == {point["RecoveryPointArn"] for point in own} - {forgotten}
    assert all(point["IsEncrypted"] == made.get(point["RecoveryPointArn"], {}).get("IsEncrypted", True) for point in own)
    parents = {point["RecoveryPointArn"] for point in points if point.get("IsParent")}
    assert {point["ParentRecoveryPointArn"] for point in points if "ParentRecoveryPointArn" in point} <= parents


@pytest.mark.parametrize("healthy", [False, True])
def test_one_protected_resource_has_no_job_of_the_last_30_days_unless_all_is_well(healthy: bool) -> None:
    named = {job["ResourceArn"] for job in jobs_of(BACKUP_JOBS, healthy)}
    silent = [resource for resource in jobs_of(PROTECTED_RESOURCES, healthy) if resource["ResourceArn"] not in named]
    assert [resource["ResourceName"] for resource in silent] == ([] if healthy else ["forgotten-1"])
    assert all(age(resource, "LastBackupTime") > timedelta(days=30) for resource in silent)


def test_vaults_are_locked_as_the_jobs_in_them_say() -> None:
    locked = {job["BackupVaultArn"]: job["VaultLockState"] == "LOCKED" for job in jobs_of(BACKUP_JOBS)}
    vaults = {vault["BackupVaultArn"]: vault for vault in jobs_of(VAULTS)}
    assert {arn: vaults[arn]["Locked"] for arn in locked} == locked
    assert sum(vault["NumberOfRecoveryPoints"] for vault in vaults.values()) == len(jobs_of(RECOVERY_POINTS))
