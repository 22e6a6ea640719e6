"""Rules on each backup job by itself: how it ended, which role and vault it used, how long it took, whether it is encrypted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from policycheck.drafting.plans import BACKED_UP, Planner, slowest
from policycheck.drafting.profile import Job, Profile, group
from policycheck.drafting.proposal import SLACK, Limit, Omission, Parameters, Proposal, all_of, compared, counted, is_of, is_writable, listed, numbered
from policycheck.policy.conditions import Literal, Not, Operator
from policycheck.policy.model import EVERY_JOB, AllMatch, NoneMatch, Statement
from policycheck.result import Severity
from policycheck.text import spell_duration
from policycheck.units import DAY, HOUR

MIN_JOBS = 5
"""Fewer jobs of a type than this do not show how long it takes."""
NEARLY = 0.9
"""What holds of so large a share is taken for what is meant; the rest will be findings, and the comment says so."""
_MOST_VAULTS = 50
_ROLES_URL = "https://docs.aws.amazon.com/aws-backup/latest/devguide/iam-service-roles.html"
_MONITORING_URL = "https://docs.aws.amazon.com/aws-backup/latest/devguide/monitoring.html"
_LINKED = "/aws-service-role/"
_ROLE_WORDS = ("AWSBackup", "AwsBackup")


@dataclass(frozen=True)
class JobDrafter:
    """Drafts the rules on backup jobs."""

    profile: Profile
    planner: Planner
    parameters: Parameters

    def outcomes(self) -> Iterator[Proposal | Omission]:
        """No job that failed, none with issues, none overdue."""
        window = self.parameters.use("window", *self._window())
        states = Counter(job.completed for job in self.profile.jobs)
        yield Proposal(
            id="no-failed-jobs",
            statement=Statement(NoneMatch(is_of("State", "FAILED", "ABORTED", "EXPIRED", "PARTIAL")), within=window),
            severity=Severity.HIGH,
            why="A job that failed, was stopped or never started leaves its resource without the expected recovery point.",
            fix="Read the job's StatusMessage; AWS Backup does not retry a failed job, so start an on-demand backup after you fix the cause.",
            notes=(
                f"{states[True]:,} of {counted(len(self.profile.jobs), 'job')} completed. "
                "To let a later backup make up for a failed one, add: unless recovered within 6h.",
            ),
            controls=BACKED_UP,
            url=_MONITORING_URL,
        )
        if self.profile.says_outcome:
            issues = sum(not job.clean for job in self.profile.completed)
            yield Proposal(
                id="no-jobs-with-issues",
                statement=Statement(NoneMatch(is_of("Outcome", "with_issues")), within=window),
                severity=Severity.MEDIUM,
                why="A job that completed with issues is COMPLETED, but its MessageCategory says that something was left out.",
                fix="Read the job's StatusMessage and fix what it names, or accept it with a reason.",
                notes=(f"{issues:,} of {counted(len(self.profile.completed), 'completed job')} had issues.",),
            )
        else:
            yield Omission("jobs with issues", "not every completed job has a MessageCategory; the AWS CLI and boto3 record it since 2024")
        yield Proposal(
            id="nothing-overdue",
            statement=Statement(NoneMatch(is_of("Overdue", "true"))),
            severity=Severity.HIGH,
            why="A job past its start or completion window is about to expire or to be stopped.",
            fix="Look for jobs that block the resource, or lengthen the windows of the backup rule.",
            notes=("A job waits no longer than to its StartBy and runs no longer than to its ExpectedCompletionDate.",),
        )

    def _window(self) -> tuple[str, str]:
        """24 hours, or so many that jobs are always in it, and why."""
        longest = _longest_silence([job.created for job in self.profile.jobs], self.profile.as_of)
        hours = -(-(longest + SLACK) // HOUR)
        if hours <= 24:
            return "24h", "jobs come more often than daily, so a daily check sees each of them"
        return f"{hours}h", f"the longest time without a new job was {spell_duration(longest)}, and an hour, so that there always is one to look at"

    def roles(self) -> Iterator[Proposal | Omission]:
        """Which IAM roles run backups."""
        arns = Counter(job.role_arn for job in self.profile.jobs if job.role_arn)
        linked = sum(count for arn, count in arns.items() if _LINKED in arn)
        own = {arn: count for arn, count in arns.items() if _LINKED not in arn}
        if not own:
            yield Omission("IAM roles", "no job used a role but the service-linked one")
            return
        words = [word for word in _ROLE_WORDS if any(word in arn for arn in own)]
        fits = sum(count for arn, count in own.items() if any(word in arn for word in words))
        if fits >= NEARLY * sum(own.values()):
            condition, said = (
                compared("IamRoleArn", Operator.CONTAINS, *words),
                f"{fits:,} of {counted(sum(own.values()), 'job')} used a role whose ARN holds {' or '.join(words)}",
            )
        else:
            names = sorted({arn.rpartition("/")[2] for arn in own} - {""})
            writable = [name for name in names if is_writable(name)]
            if not writable or len(writable) > _MOST_VAULTS:
                yield Omission(
                    "IAM roles", f"{counted(len(names), 'role')} that hold neither {' nor '.join(_ROLE_WORDS)}: too many to list, or not to be written"
                )
                return
            condition, said = is_of("IamRoleName", *writable), f"these are the roles that {counted(sum(own.values()), 'job')} used: {listed(names, 20)}"
        exception = Not(compared("IamRoleArn", Operator.CONTAINS, _LINKED))
        notes = [f"{said[:1].upper()}{said[1:]}."]
        if linked:
            notes.append(f"{counted(linked, 'job')} used the service-linked role, which is left out.")
        yield Proposal(
            id="iam-role-name",
            statement=Statement(AllMatch(condition), exception if linked else EVERY_JOB, self._recent()),
            severity=Severity.MEDIUM,
            why="Backups should run with known roles: another role might lack permissions or have too many.",
            fix="Use the default service role in the plan's resource assignment, or a role whose name this rule lists.",
            notes=tuple(notes),
            url=_ROLES_URL,
        )

    def vaults(self) -> Iterator[Proposal | Omission]:
        """Which vaults receive backups."""
        vaults = Counter(job.vault for job in self.profile.jobs if job.vault)
        names = sorted(name for name in vaults if is_writable(name))
        if not names or len(names) > _MOST_VAULTS:
            yield Omission("vaults", f"{counted(len(vaults), 'vault')}: too many to list, or not to be written" if vaults else "no job names its vault")
            return
        notes = [f"Jobs by vault: {', '.join(f'{name} {vaults[name]:,}' for name in names[:20])}."]
        if len(names) < len(vaults):
            notes.append(f"{counted(len(vaults) - len(names), 'vault')} whose name cannot be written in a policy is not among them.")
        yield Proposal(
            id="known-vaults",
            statement=Statement(AllMatch(is_of("BackupVaultName", *names)), within=self._recent()),
            severity=Severity.LOW,
            why="An unknown vault might lack your access policy, Vault Lock and key.",
            fix="Move the backup rule to one of these vaults, or add the new vault here.",
            notes=tuple(notes),
        )

    def encryption(self) -> Iterator[Proposal | Omission]:
        """Whether recovery points are encrypted."""
        completed = self.profile.completed
        said = [job for job in completed if job.encrypted is not None]
        encrypted = sum(job.encrypted is True for job in said)
        if not said or len(said) < len(completed):
            yield Omission("encryption", "not every completed job says whether it is encrypted; the AWS CLI and boto3 record IsEncrypted since 2025")
        elif encrypted < NEARLY * len(said):
            yield Omission("encryption", f"only {encrypted:,} of {counted(len(said), 'completed job')} are encrypted: that does not look like a promise")
        else:
            yield Proposal(
                id="encrypted",
                statement=Statement(AllMatch(is_of("IsEncrypted", "true")), is_of("State", "COMPLETED"), self._recent()),
                severity=Severity.MEDIUM,
                why="An unencrypted recovery point can be read by anyone who obtains it.",
                fix="Encrypt the source resource; a backup of an unencrypted volume is unencrypted.",
                notes=(f"{encrypted:,} of {counted(len(said), 'completed job')} are encrypted.",),
                controls={"nist-800-53": ("CP-9(8)",), "iso-27001": ("A.8.24",)},
            )

    def durations(self) -> Iterator[Proposal | Omission]:
        """How long jobs may take from creation to completion: what the limits on freshness count on."""
        limits: defaultdict[tuple[int, bool], list[tuple[str, Limit]]] = defaultdict(list)
        for kind, jobs in sorted(group(self.profile.completed, lambda job: job.type).items()):
            timed = [job for job in jobs if job.elapsed is not None]
            if len(timed) < MIN_JOBS or not is_writable(kind):
                reason = (
                    f"{counted(len(timed), 'completed job')}; {MIN_JOBS} are needed" if is_writable(kind) else "the type's name cannot be written in a policy"
                )
                yield Omission(f"duration of {listed([kind])} jobs", reason)
                continue
            limit = Limit(0, slowest(timed), len(timed), len({(job.place, job.resource) for job in timed}))
            limits[limit.hours, self._recent(timed) is not None].append((kind, limit))
        for index, ((hours, recent), rows) in enumerate(sorted(limits.items())):
            yield self._duration(numbered("done-in-time", index), f"{hours}h", rows, recent=recent)

    def _duration(self, name: str, value: str, rows: Sequence[tuple[str, Limit]], *, recent: bool) -> Proposal:
        worst = max((limit for _, limit in rows), key=lambda limit: limit.p95)
        total = Limit(0, worst.p95, sum(limit.jobs for _, limit in rows), sum(limit.resources for _, limit in rows))
        where = all_of(is_of("State", "COMPLETED"), is_of("ResourceType", *(kind for kind, _ in rows)))
        return Proposal(
            id=name,
            statement=Statement(AllMatch(compared("Elapsed", Operator.AT_MOST, value)), where, self._recent() if recent else None),
            severity=Severity.LOW,
            why="The limits on freshness allow a job no more than this: one that takes longer makes its resource's newest backup too old meanwhile.",
            fix="Start earlier, split the selection, or draft the policy again where the resource has grown.",
            notes=(f"{total.measured[:1].upper()}{total.measured[1:]}: {total.sum}.",),
        )

    def _recent(self, jobs: Sequence[Job] | None = None) -> Literal | None:
        return self.planner.recent(self.planner.shortest(self.profile.jobs if jobs is None else jobs))


def _longest_silence(created: Sequence[int | None], as_of: int) -> int:
    """The longest time between two creations, the one up to as_of included."""
    times = sorted(time for time in created if time is not None)
    return max((later - earlier for earlier, later in pairwise([*times, as_of])), default=0) if times else DAY
