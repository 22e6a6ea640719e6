"""A sample organization: two accounts, two Regions, thirty days of jobs, and every kind of trouble a policy should find.

Schedules are laid out backwards from `as_of`, so that the same jobs have the same trouble whatever the time of day. Shapes are those of ListBackupJobs,
ListCopyJobs and ListRestoreJobs in the AWS Backup API model of 2018-11-15; times are epoch seconds with milliseconds, as on the wire.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, JOB_LISTS, RESTORE_JOBS, Dataset, Kind
from policycheck.emulator.estate import (
    ACCOUNTS,
    DEFAULT_ROLE,
    FLEETS,
    GIB,
    KINDS,
    ORDINARY,
    REGIONS,
    ROLES,
    TROUBLE,
    VAULTS,
    Fleet,
    Incident,
    ResourceKind,
    Rule,
    Scalar,
    hours,
)
from policycheck.emulator.holdings import holdings

Value = Scalar | Mapping[str, Scalar]
Record = Mapping[str, Value]
Place = tuple[str, str]
"""Account and Region."""

_ENDED_WELL = {"COMPLETED", "PARTIAL"}
_KEPT_BY_COPIES = ("AccountId", "ResourceArn", "ResourceName", "ResourceType", "BackupSizeInBytes", "IamRoleArn", "CreatedBy", "IsParent")
_KEPT_BY_RESTORES = ("AccountId", "RecoveryPointArn", "BackupVaultArn", "BackupSizeInBytes", "IamRoleArn", "ResourceType", "IsParent")


@dataclass(frozen=True, slots=True)
class Organization:
    """The job lists of every account and Region, newest job first."""

    as_of: datetime
    backup_jobs: Mapping[Place, Sequence[Record]]
    copy_jobs: Mapping[Place, Sequence[Record]]
    restore_jobs: Mapping[Place, Sequence[Record]]
    held: Mapping[str, Mapping[Place, Sequence[Record]]]
    """What these jobs left behind, by the name of the list: vaults, recovery points, protected resources."""

    def jobs(self, dataset: Dataset) -> Mapping[Place, Sequence[Record]]:
        """The lists of one dataset; every place has one, if only an empty one."""
        lists = {BACKUP_JOBS.name: self.backup_jobs, COPY_JOBS.name: self.copy_jobs, RESTORE_JOBS.name: self.restore_jobs}
        return {**lists, **self.held}[dataset.name]


@dataclass(frozen=True, slots=True)
class _Resource:
    fleet: Fleet
    region: str
    kind: str
    name: str
    arn: str
    parent: _Resource | None = None

    @property
    def place(self) -> Place:
        return self.fleet.account, self.region

    @property
    def windows(self) -> bool:
        return self.name.startswith("windows")


@dataclass(frozen=True, slots=True)
class _Scenario:
    """Turns resources, runs and incidents into API records."""

    anchor: datetime
    seed: int
    incidents: Mapping[tuple[str, Place, str, int], Incident]

    def random(self, *key: object) -> Random:
        """Chance that depends on the key alone: one job more or less changes no other."""
        return Random("/".join(map(str, (self.seed, *key))))

    def identifier(self, *key: object) -> str:
        return str(uuid.UUID(int=self.random("id", *key).getrandbits(128), version=4))

    def arn(self, template: str, place: Place, name: str, *key: object) -> str:
        account, region = place
        chance = self.identifier(template, account, region, name, *key)
        return "arn:aws:" + template.format(account=account, region=region, name=name, id=chance, hex=chance.replace("-", "")[:17])

    def resources(self) -> Iterator[_Resource]:
        """Every resource of every fleet; a stack before its members."""
        for fleet in FLEETS:
            for region in REGIONS:
                for name in fleet.names.split():
                    resource = self._resource(fleet, region, fleet.kind, name)
                    yield resource
                    for kind, member in fleet.members:
                        yield self._resource(fleet, region, kind, member, resource)

    def _resource(self, fleet: Fleet, region: str, kind: str, name: str, parent: _Resource | None = None) -> _Resource:
        return _Resource(fleet, region, kind, name, self.arn(KINDS[kind].resource, (fleet.account, region), name), parent)

    def incident(self, dataset: Dataset, resource: _Resource, run: int) -> Incident:
        """What became of this run: by default it ended well. Backups by hand always do."""
        ordinary = Incident(*resource.place, resource.name, [run], "COMPLETED")
        return self.incidents.get((dataset.name, resource.place, resource.name, run), ordinary) if resource.fleet.rule.plan else ordinary

    def backup_job(self, resource: _Resource, run: int, scheduled: datetime) -> Record | None:
        """What the run left in the list; None where it left nothing."""
        incident = self.incident(BACKUP_JOBS, resource, run)
        if incident.state is None:
            return None
        (account, region), rule = resource.place, resource.fleet.rule
        created = scheduled + _milliseconds(self.random("created", resource.arn, rule.name, run), 20_000)
        role = incident.role or (ROLES[account] if rule.plan else DEFAULT_ROLE)
        record: dict[str, Value] = {
            "AccountId": account,
            "BackupJobId": self.identifier(resource.arn, rule.name, run),
            "BackupVaultName": rule.vault,
            "BackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:{rule.vault}",
            **VAULTS[rule.vault],
            "RecoveryPointLifecycle": {**rule.lifecycle, "DeleteAfterDays": rule.days},
            "EncryptionKeyArn": self.arn("kms:{region}:{account}:key/{id}", resource.place, rule.vault),
            "IsEncrypted": True,
            "ResourceArn": resource.arn,
            "ResourceName": resource.name,
            "ResourceType": resource.kind,
            "CreationDate": _epoch(created),
            "StartBy": _epoch(scheduled + rule.window),
            "PercentDone": {"COMPLETED": "100.0", "PARTIAL": "100.0", "RUNNING": "42.0"}.get(incident.state, "0.0"),
            "IamRoleArn": f"arn:aws:iam::{account}:role/{role}",
            "IsParent": bool(resource.fleet.members) and resource.parent is None,
            **self._progress(resource, run, created, incident),
            **_outcome("State", incident),
        }
        if resource.parent:
            record["ParentJobId"] = self.identifier(resource.parent.arn, rule.name, run)
        if rule.plan:
            record["CreatedBy"] = self._created_by(resource, rule)
        if resource.windows:
            record["BackupOptions"] = {"WindowsVSS": "enabled"}
        return _finished(BACKUP_JOBS, record, incident)

    def _progress(self, resource: _Resource, run: int, created: datetime, incident: Incident) -> Mapping[str, Value]:
        """What a job records as it starts, runs and ends."""
        kind, name = KINDS[resource.kind], resource.fleet.rule.name
        chance = self.random(resource.arn, name, run)
        started = created + _milliseconds(chance, 900_000)
        ended = self.anchor - incident.ended if incident.ended else started + timedelta(minutes=kind.minutes) * chance.uniform(0.7, 1.3)
        progress: dict[str, Value] = {}
        if incident.state not in {"CREATED", "PENDING", "EXPIRED"}:
            progress["InitiationDate"] = _epoch(started)
        if incident.state == "RUNNING":
            progress["ExpectedCompletionDate"] = _epoch(started + hours(6))
        if incident.state in _ENDED_WELL | {"FAILED", "ABORTED"}:
            progress["CompletionDate"] = _epoch(ended)
        if incident.state in _ENDED_WELL:
            progress["RecoveryPointArn"] = self.arn(kind.recovery_point, resource.place, resource.name, name, run)
            progress |= _sizes(kind, chance)
            # BackupType is empty where Windows could not be asked to hold still and a regular backup was made.
            if resource.windows and not incident.message:
                progress["BackupType"] = "WindowsVSS"
        return progress

    def _created_by(self, resource: _Resource, rule: Rule) -> Mapping[str, Scalar]:
        plan = self.identifier(resource.place, rule.plan)
        return {
            "BackupPlanId": plan,
            "BackupPlanArn": f"arn:aws:backup:{resource.region}:{resource.fleet.account}:backup-plan:{plan}",
            "BackupPlanName": rule.plan,
            "BackupPlanVersion": self.identifier(resource.place, rule.plan, "version"),
            "BackupRuleId": self.identifier(resource.place, rule.plan, rule.name),
            "BackupRuleName": rule.name,
            "BackupRuleCron": rule.cron(self.anchor),
            "BackupRuleTimezone": rule.zone,
        }

    def copy_job(self, resource: _Resource, run: int, job: Record) -> Record:
        """The copy that follows a backup that ended well."""
        incident, chance = self.incident(COPY_JOBS, resource, run), self.random("copy", resource.arn, run)
        account, region = resource.fleet.copied_to, resource.region
        if account == resource.fleet.account:
            region = next(other for other in REGIONS if other != region)
        created = _moment(job["CompletionDate"]) + _milliseconds(chance, 60_000)
        record = {member: job[member] for member in _KEPT_BY_COPIES if member in job} | {
            "CopyJobId": self.identifier("copy", resource.arn, run),
            "SourceBackupVaultArn": job["BackupVaultArn"],
            "SourceRecoveryPointArn": job["RecoveryPointArn"],
            "DestinationBackupVaultArn": f"arn:aws:backup:{region}:{account}:backup-vault:dr",
            "DestinationVaultType": VAULTS["dr"]["VaultType"],
            "DestinationVaultLockState": VAULTS["dr"]["VaultLockState"],
            "DestinationRecoveryPointLifecycle": {"DeleteAfterDays": 90},
            "CreationDate": _epoch(created),
            "CreatedByBackupJobId": job["BackupJobId"],
            **_outcome("State", incident),
        }
        if incident.state != "RUNNING":
            record["CompletionDate"] = _epoch(created + timedelta(minutes=30) * chance.uniform(0.5, 1.5))
        if incident.state == "COMPLETED":
            record["DestinationRecoveryPointArn"] = self.arn(
                KINDS[resource.kind].recovery_point, (account, region), resource.name, *_source_of_copy(resource), "copy", run
            )
            record["DestinationEncryptionKeyArn"] = self.arn("kms:{region}:{account}:key/{id}", (account, region), "dr")
        return _finished(COPY_JOBS, record, incident)

    def restore_job(self, resource: _Resource, run: int, job: Record) -> Record:
        """The trial restore of a backup that ended well."""
        incident, chance = self.incident(RESTORE_JOBS, resource, run), self.random("restore", resource.arn, run)
        created = _moment(job["CompletionDate"]) + timedelta(minutes=10) + _milliseconds(chance, 60_000)
        record = {member: job[member] for member in _KEPT_BY_RESTORES if member in job} | {
            "RestoreJobId": self.identifier("restore", resource.arn, run),
            "SourceResourceArn": resource.arn,
            "RecoveryPointCreationDate": job["CreationDate"],
            "CreationDate": _epoch(created),
            "PercentDone": {"COMPLETED": "100.00%", "RUNNING": "42.00%"}.get(incident.state or "", "0.00%"),
            "CreatedBy": {"RestoreTestingPlanArn": self.arn("backup:{region}:{account}:restore-testing-plan:trial-{id}", resource.place, "trial")},
            **_outcome("Status", incident),
        }
        if incident.state == "RUNNING":
            record["ExpectedCompletionTimeMinutes"] = 240
        else:
            record["CompletionDate"] = _epoch(created + timedelta(minutes=30) * chance.uniform(0.7, 1.3))
        if incident.state == "COMPLETED":
            restored = self.arn(KINDS[resource.kind].resource, resource.place, f"awsbackup-restore-test-{resource.name}", run)
            record |= {"CreatedResourceArn": restored, "ValidationStatus": "SUCCESSFUL", "DeletionStatus": "SUCCESSFUL"}
        return _finished(RESTORE_JOBS, record, incident)


def _source_of_copy(resource: _Resource) -> tuple[str, ...]:
    """What tells the copies of one account's resource from those of another's of the same name, in one vault."""
    return () if resource.fleet.copied_to == resource.fleet.account else (resource.fleet.account,)


def _milliseconds(chance: Random, most: int) -> timedelta:
    return timedelta(milliseconds=chance.randrange(1, most))


def _epoch(moment: datetime) -> float:
    return round(moment.timestamp(), 3)


def _moment(value: object) -> datetime:
    assert isinstance(value, float)
    return datetime.fromtimestamp(value, UTC)


def _sizes(kind: ResourceKind, chance: Random) -> dict[str, Scalar]:
    if kind.gib is None:
        return {}
    moved = int(kind.gib * GIB * chance.uniform(0.01, 0.1))
    return {"BackupSizeInBytes": kind.gib * GIB if kind.whole else moved, "BytesTransferred": moved}


def _outcome(state_field: str, incident: Incident) -> dict[str, Scalar]:
    category = incident.category or ("SUCCESS" if incident.state == "COMPLETED" else "")
    outcome = {state_field: incident.state, "MessageCategory": category, "StatusMessage": incident.message}
    return {member: value for member, value in outcome.items() if value}


def _finished(dataset: Dataset, record: Record, incident: Incident) -> Record:
    """The record with what the incident changes, its members in one order."""
    changed = {**record, **incident.members}
    order = dict.fromkeys(member.name.partition(".")[0] for member in dataset.members)
    return {member: changed[member] for member in order if member in changed and member not in incident.without}


def organization(as_of: datetime, seed: int = 1, *, healthy: bool = False) -> Organization:
    """The jobs that AWS would list at `as_of`; the same arguments give the same jobs.

    Args:
        as_of: an aware instant; what lies within its minute is laid out alike.
        seed: chooses ids, sizes and durations; never what goes wrong.
        healthy: leave out everything that goes wrong; jobs in progress, none of them overdue, stay.

    Raises:
        ValueError: `as_of` has no time zone.
    """
    if as_of.tzinfo is None:
        raise ValueError("as_of needs a time zone")
    incidents = ORDINARY if healthy else ORDINARY + TROUBLE
    index = {(i.dataset.name, (i.account, i.region), i.resource, run): i for i in incidents for run in i.runs}
    scenario = _Scenario(as_of.astimezone(UTC).replace(second=0, microsecond=0), seed, index)
    lists: dict[str, dict[Place, list[Record]]] = {name: {(a, r): [] for a in ACCOUNTS for r in REGIONS} for name in JOB_LISTS}
    for resource in scenario.resources():
        rule, tested = resource.fleet.rule, resource.fleet.tested
        for run, scheduled in enumerate(rule.runs(scenario.anchor)):
            job = scenario.backup_job(resource, run, scheduled)
            if job is None:
                continue
            lists[BACKUP_JOBS.name][resource.place].append(job)
            if job["State"] != "COMPLETED":
                continue
            if resource.fleet.copied_to:
                lists[COPY_JOBS.name][resource.place].append(scenario.copy_job(resource, run, job))
            if tested and run % (tested // rule.every) == 0:
                lists[RESTORE_JOBS.name][resource.place].append(scenario.restore_job(resource, run, job))
    jobs = {name: {place: _newest_first(found) for place, found in places.items()} for name, places in lists.items()}
    return Organization(as_of, **jobs, held=holdings(as_of, jobs, healthy=healthy))


def _newest_first(jobs: list[Record]) -> tuple[Record, ...]:
    return tuple(sorted(jobs, key=lambda job: _moment(job["CreationDate"]), reverse=True))


def write(organization: Organization, folder: Path) -> list[Path]:
    """Save every list of jobs as the AWS CLI v2 prints it, a file each: `111122223333/eu-west-1/backup-jobs.json`.

    Returns:
        The files, by account, Region and list; lists without a job are saved too.
    """
    paths = []
    for account, region in sorted(organization.backup_jobs):
        for dataset in JOB_LISTS.values():
            path = folder / account / region / f"{dataset.name.replace('_', '-')}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            times = {member.name for member in dataset.members if member.kind is Kind.TIME}
            records = [
                {member: _moment(value).isoformat() if member in times else value for member, value in record.items()}
                for record in organization.jobs(dataset)[account, region]
            ]
            path.write_text(json.dumps({dataset.result_key: records}, indent=4, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
            paths.append(path)
    return paths
