"""What goes wrong in a simulated organization: what each fault does to the jobs, and which rule promises to find it, from when on.

A breach is told from the sentence of the rule and from the simulated jobs alone. Nothing here knows what the engine computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from assurance.year.calendars import DAY, HOUR, MINUTE, Every, moment
from assurance.year.jobs import Backup, Copy, Restore, Simulator, copy_destination
from assurance.year.lists import Spoil, SpoilRestore
from assurance.year.organization import Place, Plan, Resource, name_by, vault_arn

BASELINE, OBJECTIVES, RESILIENCE, TESTING = "aws-backup-baseline", "recovery-objectives", "ransomware-resilience", "restore-testing"
AUDIT = "audit-manager"


@dataclass(frozen=True)
class Breach:
    """A rule that is broken from an instant on."""

    rule: str
    subject: str
    cause: str
    at: int
    """The first microsecond at which it is."""


@dataclass
class Fault:
    """One fault in one place."""

    kind: str
    place: Place
    start: int
    breaches: list[Breach] = field(default_factory=list)
    spoils: dict[str, list[Spoil]] = field(default_factory=dict)
    restores: dict[str, list[SpoilRestore]] = field(default_factory=dict)
    added: tuple[Resource, ...] = ()
    plans: tuple[Plan, ...] = ()
    """Those it touches as a whole."""
    held: list[Breach] = field(default_factory=list)
    """Of rules on what there is: vaults and recovery points."""

    @property
    def subjects(self) -> set[str]:
        """What may be found because of it."""
        pair = f"{vault_arn(self.place.account, self.place.region)} / {copy_destination()}"
        touched = {*self.spoils, *self.restores, *(one.arn for one in self.added)}
        children = {child.arn for one in self.place.resources if one.arn in touched for child in one.children}
        return {*touched, *children, *(plan.arn for plan in self.plans), *(breach.subject for breach in self.held), pair}


@dataclass(frozen=True)
class Scene:
    """Where and when a fault happens."""

    simulator: Simulator
    place: Place
    start: int
    """When the evaluation begins."""
    at: int
    """About when the fault is to be found."""

    def resources(self, *, plan: str = "", kind: str = "") -> list[Resource]:
        return [one for one in self.place.resources if one.is_of(plan) and (not kind or one.type == kind)]

    def plan(self, name: str) -> Plan:
        return next(plan for plan in self.place.plans if plan.name.startswith(name))

    def first(self, resource: Resource, start: int) -> Backup:
        """The first scheduled job that is created from an instant on."""
        return min((job for job in self.jobs(resource, start) if job.plan is not None), key=lambda job: job.created)

    def jobs(self, resource: Resource, start: int) -> Iterator[Backup]:
        """The jobs that are created in three days from an instant on."""
        # A run makes its job some seconds later.
        found = self.simulator.backups(resource, start - MINUTE, start + 3 * DAY)
        return (job for job in found if start <= job.created < start + 3 * DAY)


Change = Callable[[Backup], Backup | None]
Kind = Callable[[Scene], Fault]


def _after(start: int, change: Change) -> Spoil:
    """The change of scheduled jobs from an instant on: on-demand backups are somebody else's."""
    return lambda job: change(job) if job.created >= start and job.plan is not None else job


def _never(job: Backup) -> Backup | None:
    return None


def _fails(message: str, category: str = "AccessDenied", state: str = "FAILED", minutes: int = 3) -> Change:
    def change(job: Backup) -> Backup:
        ended = job.created + minutes * MINUTE
        return replace(job, state=state, message=message, category=category, ended=ended, started=job.created + MINUTE, size=None, copies=[], children=[])

    return change


def _ruin(scene: Scene, kind: str, start: int, resources: Sequence[Resource], change: Change, rule: str, cause: str) -> Fault:
    """A fault that shows on each of these resources once their next job ended."""
    fault = Fault(kind, scene.place, start, spoils={one.arn: [_after(start, change)] for one in resources})
    for one in resources:
        job = change(scene.first(one, start))
        if job is not None and job.ended is not None:
            fault.breaches.append(Breach(rule, one.arn, cause, job.ended))
    return fault


def _alter(kind: str, rule: str, *, of: str = "", change: Change, cause: str = "", plan: str = "nightly", held: str = "") -> Kind:
    """A kind of fault that changes how jobs are made, not whether they complete.

    Args:
        held: the rule on the recovery points that these jobs leave behind.
    """

    def begin(scene: Scene) -> Fault:
        fault = _ruin(scene, kind, scene.at - 12 * HOUR, scene.resources(plan=plan, kind=of), change, rule, cause)
        if held:
            fault.held = [replace(breach, rule=held, cause="") for breach in fault.breaches]
        return fault

    return begin


def _vault_unlocked(scene: Scene) -> Fault:
    """On-demand backups, too, go to the vault."""
    fault = Fault("vault unlocked", scene.place, scene.at - 12 * HOUR)
    created = []
    for one in scene.place.resources:
        fault.spoils[one.arn] = [lambda job: _unlock(job) if job.created >= fault.start else job]
        jobs = list(scene.jobs(one, fault.start))
        created += [job.created for job in jobs]
        if one.is_of("nightly"):
            fault.breaches.append(Breach(f"{BASELINE}/backups-immutable", one.arn, "", min(job.ended or 0 for job in jobs)))
    fault.held.append(Breach(f"{AUDIT}/vaults-locked", vault_arn(scene.place.account, scene.place.region), "", min(created)))
    return fault


def _unlock(job: Backup) -> Backup:
    return replace(job, locked="UNLOCKED", children=list(map(_unlock, job.children)))


def _break(kind: str, message: str, category: str, cause: str, *, of: str = "", state: str = "FAILED", plan: str = "") -> Kind:
    """A kind of fault that fails jobs; what fails on and on is not made good either."""

    def begin(scene: Scene) -> Fault:
        start, change = scene.at - 12 * HOUR, _fails(message, category, state)
        daily = [one for one in scene.resources(plan=plan, kind=of) if any(map(one.is_of, ("nightly", "evening", "continuous")))]
        fault = _ruin(scene, kind, start, daily, change, f"{BASELINE}/no-failed-jobs", cause)
        fault.spoils |= {one.arn: [_after(start, change)] for one in scene.resources(plan=plan, kind=of)}
        return fault

    return begin


def _expire(job: Backup) -> Backup:
    told = "Backup job did not start within its start window."
    return replace(job, state="EXPIRED", message=told, category="", started=None, ended=job.start_by, size=None, copies=[], children=[])


def _start_window(scene: Scene) -> Fault:
    resources = scene.resources(plan="nightly", kind="EC2")
    return _ruin(scene, "start window missed", scene.at - 20 * HOUR, resources, _expire, f"{BASELINE}/no-failed-jobs", "start_window")


def _made_weekly(scene: Scene) -> Fault:
    """The evening plan is edited: it runs once more, and then once a week."""
    plan, start, resources = scene.plan("evening"), scene.at - 46 * HOUR, scene.resources(plan="evening")
    run = scene.first(resources[0], start).run

    def change(job: Backup) -> Backup | None:
        if job.run != run or job.rule is None:
            return None
        calendar = job.rule.calendar
        weekly = replace(calendar, every=Every.WEEK, weekday=moment(run).astimezone(ZoneInfo(calendar.zone)).weekday())
        version = job.version and replace(job.version, token="weekly")
        return replace(job, version=version, rule=replace(job.rule, id=name_by(job.rule.id, "weekly"), name="weekly", calendar=weekly))

    fault = Fault("schedule made weekly", scene.place, start, spoils={one.arn: [_after(start, change)] for one in resources}, plans=(plan,))
    for one in resources:
        # From 34 h on rpo warns.
        fault.breaches.append(Breach(f"{OBJECTIVES}/rpo", one.arn, "no_job", _newest_then(scene, one, start) + 34 * HOUR))
    return fault


def _newest_then(scene: Scene, one: Resource, start: int) -> int:
    """When the newest job was created 34 h after which none came: the first one after an instant, or one on demand."""
    newest = scene.first(one, start).created
    for job in sorted(scene.simulator.backups(one, start, start + 6 * DAY), key=lambda job: job.created):
        if job.plan is None and newest < job.created and (job.ended or 0) < newest + 34 * HOUR:
            newest = job.created
    return newest


def _missed(scene: Scene, one: Resource, start: int) -> int:
    """When the first run after an instant counts as missed: its start window is over, or the next run has come."""
    job = scene.first(one, start)
    follower = scene.first(one, job.created + 1)
    return min(job.start_by, follower.run)


def _silent(kind: str, *names: str) -> Kind:
    """Plans that make no job any more."""

    def begin(scene: Scene) -> Fault:
        start = scene.at - 20 * HOUR
        plans = [plan for plan in scene.place.plans if not names or plan.name.startswith(names)]
        touched = [one for one in scene.place.resources if one.stays[0].plan in plans]
        arns = [one.arn for each in touched for one in (each, *each.children)]
        fault = Fault(kind, scene.place, start, spoils={arn: [_after(start, _never)] for arn in arns}, plans=tuple(plans))
        for plan in plans:
            own = [one for one in touched if one.stays[0].plan is plan]
            if plan.name.startswith(("nightly", "evening")):
                fault.breaches.append(Breach(f"{OBJECTIVES}/no-missed-runs", plan.arn, "plan_silent", _missed(scene, own[0], start)))
        return fault

    return begin


def _forgotten(scene: Scene) -> Fault:
    """A resource loses the tag that its plan selects by."""
    start, one = scene.at - 20 * HOUR, scene.resources(plan="nightly", kind="EBS")[0]
    found = Breach(f"{OBJECTIVES}/no-missed-runs", one.arn, "missed_run", _missed(scene, one, start))
    return Fault("resource forgotten", scene.place, start, [found], {one.arn: [_after(start, _never)]})


def _never_protected(scene: Scene) -> Fault:
    """A new resource that no plan selects, and that the owner's inventory lists from the first midnight after two days on."""
    model = scene.resources(plan="nightly", kind="EBS")[0]
    born = scene.at // DAY * DAY - 2 * DAY - 7 * HOUR
    arn = f"{model.arn}-unprotected"
    one = replace(model, arn=arn, name="unprotected", born=born, stays=(replace(model.stays[0], start=born),))
    listed = -(-(born + 2 * DAY) // DAY) * DAY
    found = Breach("organization/daily", arn, "no_job", listed)
    return Fault("never protected", scene.place, born, [found], {arn: [_never]}, {arn: [lambda test: None]}, added=(one,))


def _uncopied(job: Backup) -> Backup:
    return replace(job, copies=[], children=[_uncopied(child) for child in job.children])


def _copies_stopped(scene: Scene) -> Fault:
    start = scene.at - 36 * HOUR
    resources = scene.resources(plan="nightly")
    fault = Fault("copies stopped", scene.place, start, spoils={one.arn: [_after(start, _uncopied)] for one in resources})
    for one in resources:
        ended = scene.first(one, start).ended or 0
        fault.breaches.append(Breach(f"{RESILIENCE}/copied-to-another-account", one.arn, "not_followed", ended + 24 * HOUR))
    return fault


def _copy_fails(job: Backup) -> Backup:
    def failed(copy: Copy) -> Copy:
        told = "Copy job failed. The KMS key of the destination vault is disabled."
        return replace(copy, state="FAILED", message=told, category="KMSKeyDisabled", ended=copy.created + 2 * MINUTE)

    return replace(job, copies=[failed(copy) for copy in job.copies])


def _copies_fail(scene: Scene) -> Fault:
    start = scene.at - 12 * HOUR
    resources = scene.resources(plan="nightly")
    fault = Fault("copies fail", scene.place, start, spoils={one.arn: [_after(start, _copy_fails)] for one in resources})
    for one in resources:
        copy = _copy_fails(scene.first(one, start)).copies[0]
        fault.breaches.append(Breach(f"{BASELINE}/no-failed-copies", one.arn, "kms_key", copy.ended or 0))
    return fault


def _hangs(scene: Scene) -> Fault:
    start, one = scene.at - 24 * HOUR, scene.resources(plan="nightly", kind="RDS")[0]

    def change(job: Backup) -> Backup:
        return replace(job, ended=None, state="RUNNING", expected=job.created + 9 * HOUR, copies=[], size=None)

    job = scene.first(one, start)
    late = Breach(f"{BASELINE}/nothing-overdue", one.arn, "overdue", job.created + 9 * HOUR)
    return Fault("backup hangs", scene.place, start, [late], {one.arn: [_after(start, lambda found: change(found) if found.id == job.id else found)]})


def _slow(scene: Scene) -> Fault:
    start, one = scene.at - 24 * HOUR, scene.resources(plan="evening", kind="EFS")[0]
    first = scene.first(one, start)

    def change(job: Backup) -> Backup:
        ended = (job.started or 0) + 13 * HOUR
        copies = [replace(copy, created=ended + MINUTE, ended=ended + HOUR) for copy in job.copies]
        return replace(job, ended=ended, copies=copies)

    found = Breach(f"{OBJECTIVES}/backup-duration", one.arn, "", (first.started or 0) + 12 * HOUR)
    return Fault("backup slow", scene.place, start, [found], {one.arn: [_after(start, lambda job: change(job) if job.id == first.id else job)]})


def _misnamed(scene: Scene) -> Fault:
    start, resources = scene.at - 12 * HOUR, scene.resources(plan="nightly")
    fault = Fault("role misnamed", scene.place, start, spoils={one.arn: [_after(start, lambda job: replace(job, role="backup-operator"))] for one in resources})
    fault.breaches = [Breach(f"{BASELINE}/iam-role-name", one.arn, "", scene.first(one, start).created) for one in resources]
    return fault


def _stack_partial(scene: Scene) -> Fault:
    start, one = scene.at - 12 * HOUR, scene.resources(kind="CloudFormation")[0]

    def change(job: Backup) -> Backup:
        told = "Backup job failed. Access denied to the child resource."
        first = replace(job.children[0], state="FAILED", message=told, category="AccessDenied", size=None, copies=[])
        return replace(job, state="PARTIAL", message="Some child jobs failed.", category="Partial", children=[first, *job.children[1:]], copies=[])

    job = scene.first(one, start)
    breaches = [Breach(f"{BASELINE}/{rule}", one.arn, "partial", job.ended or 0) for rule in ("no-failed-jobs", "composites-whole")]
    child = job.children[0]
    breaches.append(Breach(f"{BASELINE}/no-failed-jobs", child.resource.arn, "access_denied", child.ended or 0))
    return Fault("stack partial", scene.place, start, breaches, {one.arn: [_after(start, change)]})


def _test_invalid(scene: Scene) -> Fault:
    one = scene.resources(plan="nightly", kind="RDS")[0]
    tests = scene.simulator.restores(one, scene.start - 4 * DAY, scene.start + 2 * DAY)
    first = max((test for test in tests if test.ended < scene.start + 26 * HOUR), key=lambda test: test.created)
    start = first.created

    def change(test: Restore) -> Restore:
        return replace(test, validation="FAILED") if test.id == first.id else test

    found = [Breach(f"{rule}", one.arn, "", first.ended) for rule in (f"{OBJECTIVES}/restore-tests-succeed", f"{TESTING}/validations-succeed")]
    return Fault("restore test invalid", scene.place, start, found, restores={one.arn: [change]})


def _tests_stopped(scene: Scene) -> Fault:
    one = scene.resources(plan="nightly", kind="RDS")[0]
    start = scene.at - 30 * DAY
    last = max(scene.simulator.restores(one, start - 14 * DAY, start), key=lambda test: test.created)
    found = Breach(f"{TESTING}/critical-restored", one.arn, "no_job", last.created + 30 * DAY)
    return Fault("restore tests stopped", scene.place, start, [found], restores={one.arn: [lambda test: test if test.created < start else None]})


KINDS: Mapping[str, Kind] = {
    "role gone": _break("role gone", "The IAM role cannot be assumed by AWS Backup: access denied.", "AccessDenied", "access_denied"),
    "key disabled": _break("key disabled", "Backup job failed: the KMS key is disabled.", "KMSKeyDisabled", "kms_key", of="RDS", plan="nightly"),
    "vault locked out": _break(
        "vault locked out", "The retention period is not within the range that the vault lock allows.", "InvalidParameters", "vault_retention", plan="evening"
    ),
    "stopped by a user": _break("stopped by a user", "Backup job was stopped by user.", "Aborted", "cancelled", of="EC2", state="ABORTED", plan="nightly"),
    "start window missed": _start_window,
    "schedule made weekly": _made_weekly,
    "plan deleted": _silent("plan deleted", "nightly"),
    "Region silent": _silent("Region silent"),
    "resource forgotten": _forgotten,
    "never protected": _never_protected,
    "copies stopped": _copies_stopped,
    "copies fail": _copies_fail,
    "backups shrink": _alter("backups shrink", f"{RESILIENCE}/size-drop", of="EBS", change=lambda job: replace(job, size=(job.size or 0) // 3)),
    "not encrypted": _alter(
        "not encrypted", f"{BASELINE}/backups-encrypted", of="EC2", change=lambda job: replace(job, encrypted=False), held=f"{AUDIT}/recovery-points-encrypted"
    ),
    "retention cut": _alter(
        "retention cut", f"{RESILIENCE}/kept-long-enough", change=lambda job: replace(job, days=7), plan="evening", held=f"{AUDIT}/recovery-points-kept"
    ),
    "vault unlocked": _vault_unlocked,
    "VSS broken": _alter(
        "VSS broken",
        f"{BASELINE}/completed-without-issues",
        of="EC2",
        change=lambda job: replace(job, category="VSSError", message="Windows VSS Backup attempt failed because of insufficient privileges."),
        cause="vss",
    ),
    "backup hangs": _hangs,
    "backup slow": _slow,
    "role misnamed": _misnamed,
    "stack partial": _stack_partial,
    "restore test invalid": _test_invalid,
    "restore tests stopped": _tests_stopped,
}
"""By name, how a fault of each kind comes about."""
ON_RESTORES = ("restore test invalid", "restore tests stopped")
