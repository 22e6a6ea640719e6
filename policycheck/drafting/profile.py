"""What job lists hold, as far as a policy can be drafted from it: the jobs by their plans, types, vaults and roles, and what they took."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from policycheck.datasets import BACKUP_JOBS, COPY_JOBS, RESTORE_JOBS
from policycheck.drafting.reach import observed_places
from policycheck.job_lists import JobList
from policycheck.places import Place
from policycheck.records import micros
from policycheck.result import Basis
from policycheck.sources.interface import Evidence

Resource = tuple[Place, str]


_Key = TypeVar("_Key", bound=Hashable)
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Plan:
    """A backup plan, as the jobs it made name it."""

    place: Place
    id: str
    name: str | None
    """None where no job records it: clients older than 2025 drop it."""


@dataclass(frozen=True, slots=True)
class PlanRule:
    """A rule of a plan, and the schedule that a job recorded of it."""

    id: str | None
    cron: str | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Job:
    """One backup job, as it stood at the instant of the profile. Times are microseconds since 1970 UTC, spans microseconds."""

    id: str | None
    place: Place
    resource: str | None
    type: str | None
    vault: str | None
    role_arn: str | None
    plan: Plan | None
    rule: PlanRule | None
    created: int | None
    ended: int | None
    completed: bool
    so_far: int | None
    """How long ago it was created; None unless it is in progress and not overdue."""
    category: str | None
    encrypted: bool | None
    retention_days: int | None
    """None where nothing is recorded, or where it is kept for ever."""
    recovery_point: str | None

    @property
    def elapsed(self) -> int | None:
        """From its creation to its end, the wait for its start included; None unless it completed."""
        return self.ended - self.created if self.completed and self.ended is not None and self.created is not None else None

    @property
    def clean(self) -> bool:
        return self.completed and (self.category or "").lower() == "success"


@dataclass(frozen=True, slots=True)
class Follower:
    """A copy or restore job, like `Job`."""

    place: Place
    resource: str | None
    created: int | None
    ended: int | None
    completed: bool
    in_progress: bool
    validation: str | None
    backup_job: str | None
    source_point: str | None


@dataclass(frozen=True)
class Profile:
    """What the lists of one run hold at an instant."""

    as_of: int
    jobs: Sequence[Job]
    copies: Sequence[Follower] | None
    """None where no such list was read."""
    restores: Sequence[Follower] | None
    starts: Mapping[str, int]
    """By dataset name, from when on the lists of all its places speak."""
    observed: Sequence[Place] = ()
    """Accounts and Regions that were asked for their backup jobs and answered, with or without jobs."""
    asked: frozenset[Place] | None = None
    """The places that backup jobs were fetched from; None: they are saved lists, which do not show what was asked."""

    @cached_property
    def completed(self) -> Sequence[Job]:
        return [job for job in self.jobs if job.completed]

    @cached_property
    def says_outcome(self) -> bool:
        """Whether every completed job says if it was clean: older clients drop MessageCategory."""
        return bool(self.completed) and all(job.category is not None for job in self.completed)

    def is_good(self, job: Job) -> bool:
        """Whether a job is what the drafted rules ask for: clean, or COMPLETED where the lists cannot tell."""
        return job.clean if self.says_outcome else job.completed

    @cached_property
    def good(self) -> Sequence[Job]:
        return [job for job in self.jobs if self.is_good(job)]

    @cached_property
    def by_plan(self) -> Mapping[Plan, Sequence[Job]]:
        return group(self.jobs, lambda job: job.plan)

    @cached_property
    def places(self) -> Mapping[Place, int]:
        """Where jobs ran, with how many."""
        return dict(sorted(Counter(job.place for job in self.jobs).items(), key=lambda pair: (pair[0][0] or "", pair[0][1] or "")))

    def reach(self, dataset: str = BACKUP_JOBS.name) -> int:
        """How far back all lists of a dataset speak; 0 where one says nothing."""
        return self.as_of - self.starts.get(dataset, self.as_of)


def group(items: Iterable[_Item], key: Callable[[_Item], _Key | None]) -> dict[_Key, list[_Item]]:
    """The items by a key, those without one left out."""
    groups: defaultdict[_Key, list[_Item]] = defaultdict(list)
    for item in items:
        found = key(item)
        if found is not None:
            groups[found].append(item)
    return dict(groups)


def percentile95(values: Iterable[int]) -> int:
    """The 95th percentile by nearest rank: the least value that 95 % of them do not exceed. It is one that was really seen; of fewer than 20 it is the largest.

    Raises:
        ValueError: there is no value.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no value has no percentile")
    return ordered[-(-len(ordered) * 95 // 100) - 1]


def read_profile(evidence: Evidence, as_of: datetime) -> Profile:
    """The profile of some lists at an aware instant: what was created later is left out, and what ended later had not ended."""
    instant = micros(as_of)
    backups = evidence.lists.get(BACKUP_JOBS.name)
    copies, restores = (evidence.lists.get(dataset.name) for dataset in (COPY_JOBS, RESTORE_JOBS))
    starts: dict[str, int] = {}
    for entry in evidence.coverage:
        if entry.jobs or entry.dataset == BACKUP_JOBS.name:
            start = instant if entry.start is None or not entry.complete else micros(entry.start)
            starts[entry.dataset] = max(start, starts.get(entry.dataset, start))
    fetched = [entry for entry in evidence.coverage if entry.dataset == BACKUP_JOBS.name and entry.basis is Basis.OBSERVED]
    return Profile(
        as_of=instant,
        jobs=_jobs(backups, instant) if backups is not None else (),
        copies=_followers(copies, instant) if copies is not None else None,
        restores=_followers(restores, instant) if restores is not None else None,
        starts=starts,
        observed=observed_places(evidence.coverage),
        asked=frozenset((entry.account, entry.region) for entry in fetched) if fetched else None,
    )


def _jobs(job_list: JobList, as_of: int) -> list[Job]:
    names = _plan_names(job_list)
    return [
        _job(record, place, names, as_of)
        for record, place in zip(job_list.records, job_list.places(), strict=True)
        if record.CreationDate is None or record.CreationDate <= as_of
    ]


def _plan_names(job_list: JobList) -> Mapping[str, str]:
    """The name of each plan, by its id: that of its newest job."""
    named = [record for record in job_list.records if record.CreatedBy is not None and record.CreatedBy.BackupPlanId and record.CreatedBy.BackupPlanName]
    return {record.CreatedBy.BackupPlanId: record.CreatedBy.BackupPlanName for record in sorted(named, key=lambda record: record.CreationDate or 0)}


def _job(record: Any, place: Place, names: Mapping[str, str], as_of: int) -> Job:
    made, kept = record.CreatedBy, record.RecoveryPointLifecycle
    ended = record.CompletionDate if record.CompletionDate is not None and record.CompletionDate <= as_of else None
    planned = made is not None and made.BackupPlanId
    days = kept.DeleteAfterDays if kept is not None else None
    return Job(
        id=record.BackupJobId,
        place=place,
        resource=record.ResourceArn,
        type=record.ResourceType,
        vault=record.BackupVaultName,
        role_arn=record.IamRoleArn,
        plan=Plan(place, made.BackupPlanId, names.get(made.BackupPlanId)) if planned else None,
        rule=PlanRule(made.BackupRuleId, made.BackupRuleCron, made.BackupRuleTimezone or "UTC") if planned else None,
        created=record.CreationDate,
        ended=ended,
        completed=record.State == "COMPLETED" and ended is not None,
        so_far=as_of - record.CreationDate if record.CreationDate is not None and _is_in_time(record, as_of) else None,
        category=record.MessageCategory,
        encrypted=record.IsEncrypted,
        retention_days=days if days is not None and days > 0 else None,
        recovery_point=record.RecoveryPointArn,
    )


def _is_in_time(record: Any, as_of: int) -> bool:
    """Whether a job is in progress, or was at that time, and not overdue."""
    if record.State not in BACKUP_JOBS.in_progress and (record.CompletionDate is None or record.CompletionDate <= as_of):
        return False
    deadline = record.StartBy if record.State in {"CREATED", "PENDING"} else record.ExpectedCompletionDate
    return deadline is not None and deadline >= as_of


def _followers(job_list: JobList, as_of: int) -> list[Follower]:
    dataset = job_list.dataset
    found = []
    for record, place in zip(job_list.records, job_list.places(), strict=True):
        if record.CreationDate is not None and record.CreationDate > as_of:
            continue
        ended = record.CompletionDate if record.CompletionDate is not None and record.CompletionDate <= as_of else None
        found.append(
            Follower(
                place=place,
                resource=getattr(record, dataset.resource_field),
                created=record.CreationDate,
                ended=ended,
                completed=getattr(record, dataset.state_field) == "COMPLETED" and ended is not None,
                in_progress=getattr(record, dataset.state_field) in dataset.in_progress or (record.CompletionDate or 0) > as_of,
                validation=getattr(record, "ValidationStatus", None),
                backup_job=getattr(record, "CreatedByBackupJobId", None),
                source_point=getattr(record, "SourceRecoveryPointArn", None) if dataset is COPY_JOBS else record.RecoveryPointArn,
            )
        )
    return found
