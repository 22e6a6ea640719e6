"""Healthy organizations, made up from a seed: real calendars, several accounts, Regions and time zones, every kind of schedule, and nothing that goes wrong.

The same seed is the same organization at any instant, so that a list of one day and a list of the next are of one world. Runs are laid out by walking local
days, apart from the engine's reading of cron expressions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, DATASETS, RESTORE_JOBS, Dataset
from policycheck.result import Basis, Coverage
from policycheck.sources.interface import Evidence
from policycheck.sources.lists import Source, assert_coverage
from tests.drafting.drafts import job_list

Job = dict[str, Any]
HORIZON = timedelta(days=30)
ACCOUNTS = ("111122223333", "444455556666", "777788889999")
REGIONS = ("eu-west-1", "us-east-1", "ap-southeast-2")
ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
MINUTES = {"EC2": 25, "EBS": 15, "RDS": 20, "Aurora": 12, "DynamoDB": 8, "EFS": 300, "S3": 90, "SAP HANA on Amazon EC2": 45}
MONTHLY_TYPE = "FSx"
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
# Days on which clocks change lie in the 30 days before some of these, or between one and the next.
INSTANTS = (
    datetime(2026, 11, 20, 6, tzinfo=UTC),
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 11, 1, 4, 15, tzinfo=UTC),
    datetime(2027, 1, 31, 17, 45, tzinfo=UTC),
    datetime(2028, 2, 29, 1, tzinfo=UTC),
)
OLD_CLIENT = ("MessageCategory", "IsEncrypted", "VaultType", "RecoveryPointLifecycle", "InitiationDate")


@dataclass(frozen=True)
class Timetable:
    """When a rule of a plan runs."""

    cron: str
    zone: str
    days: frozenset[int]
    """Weekdays, MON is 0."""
    times: tuple[time, ...]
    day_of_month: int | None = None

    def runs(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """From `start` to `end`, in order; a time that the clock skips has no run, one that it repeats has one."""
        zone = ZoneInfo(self.zone)
        day: date = start.astimezone(zone).date() - timedelta(days=1)
        while day <= end.astimezone(zone).date():
            if day.weekday() in self.days and self.day_of_month in (None, day.day):
                for at in self.times:
                    local = datetime.combine(day, at, tzinfo=zone)
                    run = local.astimezone(UTC)
                    if run.astimezone(zone).time() == at and start <= run <= end:
                        yield run
            day += timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    name: str
    id: str
    account: str
    region: str
    rules: tuple[tuple[str, Timetable, int], ...]
    """Id, timetable and retention; the first that is due at a moment runs alone."""
    vault: str
    role: str
    resources: tuple[tuple[str, str], ...]
    """Type and name."""
    copied: bool
    restored: int
    """Every so many days; 0: never."""
    members: tuple[tuple[str, str], ...] = ()
    """Of a stack that it backs up as well."""


@dataclass(frozen=True)
class Estate:
    """One healthy organization."""

    seed: int
    plans: tuple[Plan, ...]
    old_client: bool
    as_of: datetime

    def lists(self, as_of: datetime) -> dict[str, list[Job]]:
        """What AWS would list at that instant."""
        found: dict[str, list[Job]] = {name: [] for name in DATASETS}
        for plan in self.plans:
            for job in self._backups(plan, as_of):
                found[BACKUP_JOBS.name].append(job)
                for dataset, follower in self._followers(plan, job, as_of):
                    found[dataset.name].append(follower)
        found[BACKUP_JOBS.name] += self._by_hand(as_of)
        return {name: [_as_seen(DATASETS[name], job, as_of) for job in jobs if _listed(job, as_of)] for name, jobs in found.items()}

    def evidence(self, as_of: datetime, *, observed: bool) -> Evidence:
        """Those lists, as fetched from AWS or as read from files that the user claims to be whole."""
        lists = {name: job_list(DATASETS[name], [self._as_saved(job) for job in jobs]) for name, jobs in self.lists(as_of).items()}
        if not observed:
            return Evidence(
                lists, assert_coverage(lists, as_of, (as_of - HORIZON, as_of), {name: [Source("jobs.json", read)] for name, read in lists.items()}), ()
            )
        places = sorted({(plan.account, plan.region) for plan in self.plans})
        counts = {name: read.places() for name, read in lists.items()}
        coverage = [
            Coverage(name, *place, as_of - HORIZON, as_of, sum(p == place for p in counts[name]), basis=Basis.OBSERVED)
            for name in sorted(lists)
            for place in places
        ]
        return Evidence(lists, tuple(coverage), ())

    def _as_saved(self, job: Job) -> Job:
        """The record as the client wrote it down: an old one drops what it does not know."""
        if not self.old_client:
            return job
        made = {
            name: value for name, value in job.get("CreatedBy", {}).items() if name in {"BackupPlanId", "BackupPlanArn", "BackupRuleId", "BackupPlanVersion"}
        }
        return {name: value for name, value in job.items() if name not in (*OLD_CLIENT, "CreatedBy")} | ({"CreatedBy": made} if made else {})

    def _backups(self, plan: Plan, as_of: datetime) -> Iterator[Job]:
        due: dict[datetime, tuple[str, Timetable, int]] = {}
        for rule in plan.rules:
            for run in rule[1].runs(as_of - HORIZON - timedelta(days=1), as_of):
                due.setdefault(run, rule)
        stack: tuple[tuple[str, str], ...] = (("CloudFormation", f"{plan.name}-stack"),) if plan.members else ()
        for run, (rule_id, timetable, days) in sorted(due.items()):
            for kind, name in (*plan.resources, *stack, *plan.members):
                chance = self._chance(plan.id, name, run)
                job = _backup(plan, kind, name, run, chance)
                job["RecoveryPointLifecycle"] = {"DeleteAfterDays": days}
                job["CreatedBy"] = {
                    "BackupPlanId": plan.id,
                    "BackupPlanArn": f"arn:aws:backup:{plan.region}:{plan.account}:backup-plan:{plan.id}",
                    "BackupPlanName": plan.name,
                    "BackupPlanVersion": "v1",
                    "BackupRuleId": rule_id,
                    "BackupRuleName": rule_id,
                    "BackupRuleCron": timetable.cron,
                    "BackupRuleTimezone": timetable.zone,
                }
                job["IsParent"] = kind == "CloudFormation"
                if (kind, name) in plan.members:
                    job["ParentJobId"] = self._id(plan.id, stack[0][1], run)
                job["BackupJobId"] = self._id(plan.id, name, run)
                job["RecoveryPointArn"] = f"arn:aws:backup:{plan.region}:{plan.account}:recovery-point:{job['BackupJobId']}"
                yield job

    def _by_hand(self, as_of: datetime) -> Iterator[Job]:
        """Somebody starts a backup every now and then."""
        plan = self.plans[0]
        for day in range(int(HORIZON.days) + 1):
            moment = datetime.combine((as_of - timedelta(days=day)).date(), time(13, 7), tzinfo=UTC)
            chance = self._chance("by hand", moment)
            if chance.random() < 0.2 and moment <= as_of:
                job = _backup(plan, *plan.resources[0], moment, chance)
                job |= {"BackupJobId": self._id("by hand", moment), "RecoveryPointLifecycle": {"DeleteAfterDays": 3}, "IsParent": False}
                yield job | {"RecoveryPointArn": f"arn:aws:backup:{plan.region}:{plan.account}:recovery-point:{job['BackupJobId']}"}

    def _followers(self, plan: Plan, job: Job, as_of: datetime) -> Iterator[tuple[Dataset, Job]]:
        ended, chance = job["CompletionDate"], self._chance("follows", job["BackupJobId"])
        if ended > as_of:
            return
        common = {name: job[name] for name in ("AccountId", "IamRoleArn", "ResourceType")}
        if plan.copied:
            created = ended + timedelta(seconds=chance.uniform(1, 60))
            yield (
                COPY_JOBS,
                {
                    **common,
                    "CopyJobId": f"copy-{job['BackupJobId']}",
                    "ResourceArn": job["ResourceArn"],
                    "CreatedBy": job["CreatedBy"],
                    "CreatedByBackupJobId": job["BackupJobId"],
                    "SourceBackupVaultArn": job["BackupVaultArn"],
                    "SourceRecoveryPointArn": job["RecoveryPointArn"],
                    "DestinationBackupVaultArn": f"arn:aws:backup:eu-central-1:{plan.account}:backup-vault:dr",
                    "CreationDate": created,
                    "CompletionDate": created + timedelta(minutes=chance.uniform(10, 40)),
                    "State": "COMPLETED",
                    "MessageCategory": "SUCCESS",
                },
            )
        newest_of_day = job["CreationDate"].date().toordinal()
        if plan.restored and newest_of_day % plan.restored == 0 and job["CreatedBy"]["BackupRuleId"] == plan.rules[0][0]:
            created = datetime.combine(job["CreationDate"].date(), time(23, 0), tzinfo=UTC) + timedelta(days=1, seconds=chance.uniform(1, 60))
            yield (
                RESTORE_JOBS,
                {
                    **common,
                    "RestoreJobId": f"restore-{job['BackupJobId']}",
                    "RecoveryPointArn": job["RecoveryPointArn"],
                    "SourceResourceArn": job["ResourceArn"],
                    "BackupVaultArn": job["BackupVaultArn"],
                    "CreationDate": created,
                    "CompletionDate": created + timedelta(minutes=chance.uniform(10, 40)),
                    "Status": "COMPLETED",
                    "ValidationStatus": "SUCCESSFUL",
                    "PercentDone": "100.00%",
                },
            )

    def _chance(self, *key: object) -> Random:
        return Random(f"{self.seed}/{key}")

    def _id(self, *key: object) -> str:
        return f"{self._chance('id', *key).getrandbits(64):016x}"


def estate(seed: int) -> Estate:
    """The healthy organization of that seed."""
    chance = Random(seed)
    accounts = ACCOUNTS[: chance.randint(1, 3)]
    regions = chance.sample(REGIONS, chance.randint(1, 2))
    places = [(account, region) for account in accounts for region in regions]
    # One account may be in one Region alone.
    places = places[: len(places) - (len(places) > 2 and chance.random() < 0.5)]
    custom_roles, copies, restores = chance.random() < 0.2, chance.random() < 0.7, chance.choice((0, 1, 3, 7))
    plans: list[Plan] = []
    for place in places:
        kinds = ["daily", *chance.sample(["hourly", "daily", "twice daily", "weekdays", "weekly", "monthly", "overlapping"], chance.randint(1, 2))]
        for number, kind in enumerate(kinds):
            names = {"daily": "Täglich: 'prod' #1", "weekly": 'weekly "cold"'}
            name = f"{names.get(kind, kind)} {number}"
            plans.append(_plan(chance, place, name, kind, number, custom_roles=custom_roles, copied=copies and number == 0, restored=restores))
    return Estate(seed, tuple(plans), old_client=seed % 7 == 0, as_of=INSTANTS[seed % len(INSTANTS)])


def _plan(chance: Random, place: tuple[str, str], name: str, kind: str, number: int, *, custom_roles: bool, copied: bool, restored: int) -> Plan:
    account, region = place
    zone = chance.choice(ZONES)
    rules = tuple((f"rule-{index}", table, 35 + 330 * (table.day_of_month is not None)) for index, table in enumerate(_timetables(chance, kind, zone)))
    types = chance.sample(sorted(MINUTES), chance.randint(1, 3))
    count = chance.randint(1, 2)
    if kind == "hourly":
        types, count = ["RDS"], 1
    if kind == "monthly":
        # A list of 30 days may lack a monthly plan: its vault is one that others use, and its types are its own, or nobody could know of them.
        types = [MONTHLY_TYPE]
    short = f"{name.rsplit(maxsplit=1)[-1]}-{kind.replace(' ', '-')}"
    roles = ("ops/backup-runner",) if custom_roles else ("service-role/AWSBackupDefaultServiceRole", "backup/AWSBackupProduction")
    linked = kind == "weekly" and chance.random() < 0.5
    return Plan(
        name=name,
        id=f"{chance.getrandbits(64):016x}",
        account=account,
        region=region,
        rules=rules,
        vault="prod" if number == 0 or kind == "monthly" else chance.choice(("prod", "Default", f"vault_{kind.replace(' ', '-')}")),
        role="aws-service-role/backup.amazonaws.com/AWSServiceRoleForBackup" if linked else chance.choice(roles),
        resources=tuple((type_, f"{type_.lower().replace(' ', '-')}-{short}-{index}") for type_ in types for index in range(count)),
        copied=copied,
        restored=restored if kind in {"daily", "twice daily"} else 0,
        members=(("EC2", f"front-{short}"), ("DynamoDB", f"table-{short}")) if kind == "daily" and chance.random() < 0.3 else (),
    )


def _timetables(chance: Random, kind: str, zone: str) -> list[Timetable]:
    hour, minute, day = chance.randint(0, 11), chance.choice((0, 15, 30)), chance.randint(0, 6)
    every, at = frozenset(range(7)), time(hour, minute)
    weekly = Timetable(f"cron({minute} {hour} ? * {WEEKDAYS[day]} *)", zone, frozenset({day}), (at,))
    daily = Timetable(f"cron({minute} {hour} ? * * *)", zone, every, (at,))
    match kind:
        case "hourly":
            hours = range(0, 24, chance.choice((1, 4)))
            return [Timetable(f"cron({minute} {','.join(map(str, hours))} ? * * *)", zone, every, tuple(time(h, minute) for h in hours))]
        case "twice daily":
            return [Timetable(f"cron({minute} {hour},{hour + 12} * * ? *)", zone, every, (at, time(hour + 12, minute)))]
        case "weekdays":
            return [Timetable(f"cron({minute} {hour} ? * MON-FRI *)", zone, frozenset(range(5)), (at,))]
        case "weekly":
            return [weekly]
        case "monthly":
            return [Timetable(f"cron({minute} {hour} 1 * ? *)", zone, every, (at,), day_of_month=1)]
        case "overlapping":
            return [weekly, daily]
        case _:
            return [daily]


def _backup(plan: Plan, kind: str, name: str, run: datetime, chance: Random) -> Job:
    created = run + timedelta(seconds=chance.uniform(0, 20))
    started = created + timedelta(minutes=chance.uniform(0, 40))
    return {
        "AccountId": plan.account,
        "BackupVaultName": plan.vault,
        "BackupVaultArn": f"arn:aws:backup:{plan.region}:{plan.account}:backup-vault:{plan.vault}",
        "VaultType": "BACKUP_VAULT",
        "IsEncrypted": True,
        "ResourceArn": f"arn:aws:service:{plan.region}:{plan.account}:{name}",
        "ResourceName": name,
        "ResourceType": kind,
        "CreationDate": created,
        "InitiationDate": started,
        "CompletionDate": started + timedelta(minutes=MINUTES.get(kind, 50) * chance.uniform(0.8, 1.2)),
        "StartBy": run + timedelta(hours=8),
        "State": "COMPLETED",
        "MessageCategory": "SUCCESS",
        "PercentDone": "100.0",
        "IamRoleArn": f"arn:aws:iam::{plan.account}:role/{plan.role}",
    }


def _listed(job: Job, as_of: datetime) -> bool:
    return bool(as_of - HORIZON <= job["CreationDate"] <= as_of)


def _as_seen(dataset: Dataset, job: Job, as_of: datetime) -> Job:
    """The record of a job that has not ended yet."""
    if job["CompletionDate"] <= as_of:
        return job
    seen = {name: value for name, value in job.items() if name not in {"CompletionDate", "MessageCategory", "RecoveryPointArn", "ValidationStatus"}}
    if dataset is RESTORE_JOBS:
        seen["RecoveryPointArn"] = job["RecoveryPointArn"]
    seen[dataset.state_field] = "RUNNING"
    if dataset is BACKUP_JOBS:
        seen["ExpectedCompletionDate"] = job["InitiationDate"] + timedelta(hours=12)
        if job["InitiationDate"] > as_of:
            seen["State"] = "CREATED"
            del seen["InitiationDate"], seen["ExpectedCompletionDate"]
    return seen
