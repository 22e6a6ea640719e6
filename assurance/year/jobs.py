"""The jobs that an organization's plans make: backups with their children and copies, on-demand backups, and restore tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from assurance.year.calendars import DAY, HOUR, MINUTE, SECOND
from assurance.year.organization import BACKUP_ACCOUNT, BACKUP_REGION, VAULT, Organization, Plan, Resource, Rule, Version, name_by, spread, vault_arn

DEFAULT_ROLE = "service-role/AWSBackupDefaultServiceRole"
_LATE = 200
"""One job in so many is listed late."""


@dataclass(eq=False)
class Copy:
    """A copy job."""

    id: str
    created: int
    ended: int | None
    source_point: str
    of_backup: str
    """The backup job that a plan's copy followed; empty for a copy on demand."""
    state: str = "COMPLETED"
    message: str = ""
    category: str = "SUCCESS"
    days: int = 35


@dataclass(eq=False)
class Backup:
    """A backup job as it will have been once it ended; faults change it before anybody lists it."""

    resource: Resource
    plan: Plan | None
    version: Version | None
    rule: Rule | None
    run: int
    id: str
    created: int
    started: int | None
    ended: int | None
    start_by: int
    expected: int
    days: int
    size: int | None
    point: str
    state: str = "COMPLETED"
    message: str = ""
    category: str = "SUCCESS"
    role: str = DEFAULT_ROLE
    vault: str = VAULT
    locked: str = "LOCKED"
    encrypted: bool = True
    cron: str = ""
    """Where it is another one than its rule's."""
    copies: list[Copy] = field(default_factory=list)
    children: list[Backup] = field(default_factory=list)
    parent: str = ""
    listed: int = 0
    """When AWS lists it first."""


@dataclass(eq=False)
class Restore:
    """A restore job of a restore testing plan."""

    resource: Resource
    id: str
    created: int
    ended: int
    point: str
    validation: str = "SUCCESSFUL"
    status: str = "COMPLETED"
    message: str = ""


@dataclass
class Simulator:
    """Makes the jobs of a healthy organization."""

    organization: Organization

    def backups(self, resource: Resource, start: int, end: int) -> Iterator[Backup]:
        """The backup jobs of one resource that are created from `start` on and before `end`, a minute more or less."""
        yield from self._first(resource, start, end)
        for stay in resource.stays:
            for run, version, rule in stay.plan.runs(max(start, stay.start), min(end, stay.end)):
                yield self.scheduled(resource, stay.plan, version, rule, run)
        yield from self._on_demand(resource, start, end)

    def scheduled(self, resource: Resource, plan: Plan, version: Version, rule: Rule, run: int) -> Backup:
        """The job that a run makes."""
        random = self._random(resource, run)
        created = run + random.randrange(2, 40) * SECOND
        # With the longest backup of those that run daily this stays under two hours, which the packs allow for.
        started = created + (random.randrange(1, 55) if rule.window > HOUR else 1) * MINUTE
        return self._backup(resource, random, run, created, started, (plan, version, rule))

    def restores(self, resource: Resource, start: int, end: int) -> Iterator[Restore]:
        """Its restore tests and those of its children: the first within days of its first backup, so that no new resource stays untried."""
        random = Random(f"tests {resource.arn}")
        step = resource.tested_days * DAY
        time = resource.born + (resource.first_days + 2) * DAY + random.randrange(12 * 3600) * SECOND
        if resource.rarely and resource.first_days == 0:
            time += 32 * DAY
        time += max(0, -((time - start) // step)) * step
        while time < min(end, resource.gone):
            if time >= start and (source := self._newest(resource, time)) is not None:
                for job in (source, *source.children):
                    key = name_by(job.resource.arn, "restore", time)
                    yield Restore(job.resource, key, time, time + spread(Random(key), 50), job.point)
            time += step

    def _newest(self, resource: Resource, time: int) -> Backup | None:
        """The newest backup that surely ended."""
        reach = 35 * DAY if resource.rarely or resource.first_days else 3 * DAY
        found = [job for job in self.backups(resource, time - reach, time) if job.ended is not None and job.ended < time]
        return max(found, key=lambda job: job.created, default=None)

    def _first(self, resource: Resource, start: int, end: int) -> Iterator[Backup]:
        if resource.first_days and start <= resource.born < end:
            random = self._random(resource, resource.born)
            created = resource.born
            job = self._backup(resource, random, created, created, created + 2 * MINUTE, None)
            job.ended = created + resource.first_days * DAY - 2 * HOUR
            job.expected = created + 30 * DAY
            job.copies = [self._copy(job, random, 20 * 60)]
            yield job

    def _on_demand(self, resource: Resource, start: int, end: int) -> Iterator[Backup]:
        if resource.slow or resource.children:
            return
        for month in range(start // (30 * DAY), end // (30 * DAY) + 1):
            random = Random(f"on demand {resource.arn} {month}")
            time = month * 30 * DAY + random.randrange(30 * DAY)
            first = max(resource.born, resource.stays[0].start) + 2 * DAY
            if random.random() < 0.1 and max(start, first) <= time < min(end, resource.gone - DAY):
                yield self._backup(resource, random, time, time, time + 3 * MINUTE, None)

    def _backup(
        self, resource: Resource, random: Random, run: int, created: int, started: int, of: tuple[Plan, Version, Rule] | None, parent: str = ""
    ) -> Backup:
        plan, version, rule = of or (None, None, None)
        key = name_by(resource.arn, "backup", run, rule is None)
        continuous = rule is not None and rule.continuous
        job = Backup(
            resource,
            plan,
            version,
            rule,
            run,
            key,
            created,
            started,
            started + spread(random, resource.minutes, 0.05 if resource.slow else 0.5),
            start_by=run + (rule.window if rule else 8 * HOUR),
            expected=created + 7 * DAY,
            days=rule.days if rule else 35,
            size=None if resource.size is None else round(resource.size * random.uniform(0.95, 1.05)),
            point=_point(resource, name_by(resource.arn, "continuous") if continuous else key, continuous=continuous),
            parent=parent,
        )
        job.listed = created + (random.randrange(20, 90) * MINUTE if random.randrange(_LATE) == 0 else 0)
        job.children = [self._backup(child, random, run, created, started, of, key) for child in resource.children]
        if job.children:
            job.ended = max(child.ended or 0 for child in job.children) + 2 * MINUTE
        job.copies = [self._copy(job, random, 9 * 60 if resource.slow else 30)]
        return job

    def _copy(self, job: Backup, random: Random, minutes: int) -> Copy:
        created = (job.ended or 0) + random.randrange(1, 9) * MINUTE
        return Copy(name_by(job.id, "copy"), created, created + spread(random, minutes), job.point, job.id if job.plan else "", days=job.days)

    def _random(self, resource: Resource, run: int) -> Random:
        return Random(f"{self.organization.seed} {resource.arn} {run}")


def copy_destination() -> str:
    """The vault that every copy goes to."""
    return vault_arn(BACKUP_ACCOUNT, BACKUP_REGION, "air-gapped")


def _point(resource: Resource, key: str, *, continuous: bool) -> str:
    return f"arn:aws:backup:{resource.region}:{resource.account}:recovery-point:{'continuous:' if continuous else ''}{key}"
