"""Rules on copy and restore jobs, where the lists show that they are meant to be there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from policycheck.datasets import COPY_JOBS, RESTORE_JOBS, Dataset
from policycheck.drafting.jobs import MIN_JOBS
from policycheck.drafting.plans import LONGEST_WAIT, Planner
from policycheck.drafting.profile import Follower, Job, Profile, Resource, group, percentile95
from policycheck.drafting.proposal import (
    SLACK,
    Limit,
    Omission,
    Proposal,
    all_of,
    counted,
    is_of,
    is_writable,
    listed,
    numbered,
    shown,
    spell_hours,
    spell_minutes,
)
from policycheck.drafting.rhythm import PlanRhythm
from policycheck.policy.conditions import Condition, Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import RESOURCE, Expectation, Following, NoneMatch, Statement
from policycheck.result import Severity
from policycheck.text import spell_duration
from policycheck.units import DAY, HOUR, MINUTE

NEARLY_ALL = 0.95
"""Where so many clean jobs were copied, copying is taken for what is meant."""
_BAD = {COPY_JOBS.name: ("FAILED", "PARTIAL"), RESTORE_JOBS.name: ("FAILED", "ABORTED")}
_LONGEST_WINDOW = 14 * DAY


@dataclass(frozen=True)
class FollowerDrafter:
    """Drafts the rules on copy and restore jobs."""

    profile: Profile
    planner: Planner

    def copies(self) -> Iterator[Proposal | Omission]:
        """No copy failed, and every backup of a plan that copies is copied."""
        if not self.profile.copies:
            yield Omission("copies", "no copy job was listed" if self.profile.copies is not None else "no list of copy jobs was read")
            return
        yield self._outcomes(COPY_JOBS, self.profile.copies)
        rules: defaultdict[tuple[int, tuple[str, ...]], list[tuple[PlanRhythm, Limit]]] = defaultdict(list)
        links = _Links(self.profile.copies)
        for plan in self.planner.told:
            copied: dict[str, list[Job]] = {}
            by_type = group((job for job in plan.jobs if self.profile.is_good(job)), lambda job: job.type)
            for kind, jobs in sorted(by_type.items()):
                settled = [job for job in jobs if job.ended is not None and job.ended <= self.profile.as_of - DAY]
                if len(settled) >= MIN_JOBS and sum(links.copied(job) is not None for job in settled) >= NEARLY_ALL * len(settled) and is_writable(kind):
                    copied[kind] = settled
            if copied:
                delays = [delay for jobs in copied.values() for job in jobs if (delay := links.copied(job)) is not None]
                waiting = max((links.waiting(job, self.profile.as_of) for kind in copied for job in by_type[kind]), default=0)
                limit = Limit(0, percentile95(delays), len(delays), len({job.resource for jobs in copied.values() for job in jobs}), waiting)
                rules[limit.hours, () if len(copied) == len(by_type) else tuple(copied)].append((plan, limit))
        if not rules:
            yield Omission("backups that must be copied", f"no plan had {NEARLY_ALL:.0%} of the good jobs of a type copied, of at least {MIN_JOBS}")
        for index, ((_, kinds), rows) in enumerate(sorted(rules.items())):
            chosen = self.planner.choose([plan for plan, _ in rows])
            if chosen is not None:
                yield self._copied(numbered("copied", index), all_of(chosen, is_of("ResourceType", *kinds)) if kinds else chosen, rows)

    def _copied(self, name: str, where: Condition, rows: Sequence[tuple[PlanRhythm, Limit]]) -> Proposal:
        worst = max((limit for _, limit in rows), key=lambda limit: limit.taken)
        waiting = f" (a copy in progress is at {spell_minutes(worst.so_far)})" if worst.so_far > worst.p95 else ""
        jobs = sum(limit.jobs for _, limit in rows)
        window = self.planner.recent(max(plan.rhythm.longest for plan, _ in rows))
        return Proposal(
            id=name,
            statement=Statement(Following(COPY_JOBS.name, is_of("State", "COMPLETED"), Literal(worst.text)), all_of(self.planner.good_outcome, where), window),
            severity=Severity.HIGH,
            why="A backup that is not copied is lost with its account or Region.",
            fix="Read the copy job's StatusMessage: the destination vault's access policy and key are the usual causes.",
            notes=(
                f"{listed(sorted({plan.plan.name or plan.plan.id for plan, _ in rows}))}: {counted(jobs, 'job')} were copied; of the time from the end of a "
                f"backup to that of its copy the 95th percentile is {spell_minutes(worst.p95)}{waiting}: {worst.sum}.",
            ),
        )

    def restores(self) -> Iterator[Proposal | Omission]:
        """No restore failed, and every resource of a type that is restored on trial is restored again in time."""
        if not self.profile.restores:
            yield Omission("restores", "no restore job was listed" if self.profile.restores is not None else "no list of restore jobs was read")
            return
        yield self._outcomes(RESTORE_JOBS, self.profile.restores)
        completed = [job for job in self.profile.restores if job.completed]
        validated = sum(job.validation is not None for job in completed) >= NEARLY_ALL * len(completed) and bool(completed)
        passed = [job for job in completed if not validated or job.validation == "SUCCESSFUL"]
        tests = group((job for job in passed if job.resource), lambda job: (job.place, job.resource or ""))
        limits: defaultdict[int, list[tuple[str, Limit]]] = defaultdict(list)
        for kind, jobs in sorted(group(self.profile.jobs, lambda job: job.type).items()):
            resources: set[Resource] = {(job.place, job.resource) for job in jobs if job.resource}
            tested = {resource: tests[resource] for resource in resources if resource in tests}
            if not tested:
                continue
            if len(tested) < len(resources) or min(map(len, tested.values())) < 2 or not is_writable(kind):
                twice = sum(len(own) > 1 for own in tested.values())
                yield Omission(f"restore tests of {shown(kind)}", f"{twice:,} of {counted(len(resources), 'resource')} were restored twice")
                continue
            begun = [job.created for job in self.profile.restores if job.in_progress and job.created is not None and (job.place, job.resource) in resources]
            waiting = max((self.profile.as_of - created for created in begun if created >= self.profile.as_of - LONGEST_WAIT), default=0)
            limit = replace(_restore_limit(tested), so_far=waiting)
            limits[limit.hours].append((kind, limit))
        for index, (_, rows) in enumerate(sorted(limits.items())):
            yield self._restored(numbered("restore-tested", index), rows, validated=validated)

    def _restored(self, name: str, rows: Sequence[tuple[str, Limit]], *, validated: bool) -> Proposal:
        limit = max((limit for _, limit in rows), key=lambda limit: limit.interval + limit.taken)
        waiting = f"; one in progress is at {spell_minutes(limit.so_far)}" if limit.so_far > limit.p95 else ""
        asked = is_of("ValidationStatus", "SUCCESSFUL") if validated else is_of("Status", "COMPLETED")
        where = is_of("ResourceType", *(kind for kind, _ in rows))
        return Proposal(
            id=name,
            statement=Statement(Expectation(Measure.NEWEST, asked, Operator.AT_MOST, Literal(limit.text), (RESOURCE,)), where, dataset=RESTORE_JOBS.name),
            severity=Severity.MEDIUM,
            why="A backup that was never restored is unproven.",
            fix="Read the restore job's StatusMessage and ValidationStatusMessage; add the resource to a restore testing plan.",
            notes=(
                f"Between two restores of a resource the 95th percentile of the time is {spell_hours(limit.interval)}, and that of Elapsed "
                f"is {spell_minutes(limit.p95)} ({counted(sum(row.jobs for _, row in rows), 'restore')}{waiting}): {limit.sum}.",
            ),
            controls={"nist-800-53": ("CP-9(1)",), "soc2": ("A1.3",)} if validated else {"soc2": ("A1.3",)},
        )

    def _outcomes(self, dataset: Dataset, jobs: Sequence[Follower]) -> Proposal:
        longest = max((later - earlier for earlier, later in pairwise([*sorted(job.created for job in jobs if job.created), self.profile.as_of])), default=0)
        hours = max(-(-(longest + SLACK) // HOUR), 24)
        word = dataset.noun.partition(" ")[0]
        done = sum(job.completed for job in jobs)
        return Proposal(
            id=f"no-failed-{'copies' if dataset is COPY_JOBS else 'restores'}",
            statement=Statement(
                NoneMatch(is_of(dataset.state_field, *_BAD[dataset.name])),
                within=Literal(f"{hours}h") if longest <= _LONGEST_WINDOW else None,
                dataset=dataset.name,
            ),
            severity=Severity.HIGH if dataset is COPY_JOBS else Severity.MEDIUM,
            why=f"A {word} that fails goes unnoticed until it is needed.",
            fix=f"Read the {word} job's StatusMessage and fix its cause.",
            notes=(f"{done:,} of {counted(len(jobs), dataset.noun)} completed; the longest time without a new one was {spell_duration(longest)}.",),
        )


class _Links:
    """Which copies were made of which backups, linked as `followed_by` links them."""

    def __init__(self, copies: Sequence[Follower]) -> None:
        self._by_job = group(copies, lambda copy: (copy.place, copy.backup_job) if copy.backup_job else None)
        self._by_point = group((copy for copy in copies if not copy.backup_job), lambda copy: copy.source_point)

    def copied(self, job: Job) -> int | None:
        """How long after the end of a backup its first copy was complete, in microseconds; None where it was not copied."""
        done = [copy.ended for copy in self._copies(job) if copy.completed]
        return min((max(ended - job.ended, 0) for ended in done if ended is not None and job.ended is not None), default=None)

    def waiting(self, job: Job, as_of: int) -> int:
        """How long ago a backup ended whose copy is in progress; 0 where there is none, or it should long have ended."""
        if job.ended is None or self.copied(job) is not None or not any(copy.in_progress for copy in self._copies(job)):
            return 0
        return as_of - job.ended if as_of - job.ended <= LONGEST_WAIT else 0

    def _copies(self, job: Job) -> list[Follower]:
        return [*(self._by_job.get((job.place, job.id), ()) if job.id else ()), *(self._by_point.get(job.recovery_point, ()) if job.recovery_point else ())]


def _restore_limit(tested: Mapping[Resource, Sequence[Follower]]) -> Limit:
    gaps, spans = [], []
    for own in tested.values():
        created = sorted(job.created for job in own if job.created is not None)
        gaps += [later - earlier for earlier, later in pairwise(created)]
        spans.append(percentile95(job.ended - job.created for job in own if job.ended is not None and job.created is not None))
    return Limit(-(-percentile95(gaps) // MINUTE) * MINUTE, max(spans), len([job for own in tested.values() for job in own]), len(tested))
