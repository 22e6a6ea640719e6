"""Missed runs to findings: one a resource, or one for a plan that went silent for all of its resources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from policycheck.engine.findings import NO_RESOURCE, Subject, clean_subject
from policycheck.engine.list_view import resource_types
from policycheck.engine.notes import name_briefly
from policycheck.engine.schedules.calendars import TOLERANCE
from policycheck.engine.schedules.expected_runs import Group, Run
from policycheck.engine.schedules.plan_jobs import PlanJob
from policycheck.finding_list import gather, order_subjects
from policycheck.job_lists import JobList
from policycheck.places import Place
from policycheck.policy.model import Expectation, Rule
from policycheck.records import iso, moment
from policycheck.result import Finding
from policycheck.text import clean_line, counted

_Plan = tuple[Place, str]


class MissedRun(NamedTuple):
    """A run that was due, and that nobody answered."""

    run: Run
    group: Group


_Violations = Mapping[tuple[Place, str], Sequence[MissedRun]]


class PlanRecords:
    """What the newest jobs of plans, their rules and their resources say of these."""

    def __init__(self, job_list: JobList, jobs: Sequence[PlanJob], rest: Callable[[Place, str], Sequence[PlanJob]] | None = None) -> None:
        """
        Args:
            jobs: those that plans made, or may have made; with `rest`, the newest of each rule of the plans that are asked about, at least.
            rest: all scheduled jobs of a plan at a place.
        """
        self.job_list = job_list
        self._jobs = jobs
        self._rest = rest
        self._by_plan: dict[tuple[Place, str | None], list[PlanJob]] = {}
        self._whole: dict[tuple[Place, str], list[PlanJob]] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        self._types: Mapping[str, str] = {}

    def newest_job(self, place: Place, plan: str) -> int | None:
        """When the newest job of a plan was created that was, or may have been, there; None where one does not say when."""
        vague = (job for job in self._jobs if job.plan in (plan, None) and (job.plan is None or None in job.place))
        near = [job for job in vague if all(said in (None, part) for said, part in zip(job.place, place, strict=True))]
        times = [job.created for job in (*self._of(place, plan), *near)]
        return None if None in times else max(time for time in times if time is not None)

    def plan_subject(self, place: Place, plan: str) -> str:
        """The plan's ARN, else its id."""
        return clean_line(self._newest(place, plan, "CreatedBy.BackupPlanArn") or plan) or NO_RESOURCE

    def plan_name(self, place: Place, plan: str) -> str:
        """The plan's name, else its id."""
        key = place, plan
        if key not in self._names:
            self._names[key] = name_briefly(self._newest(place, plan, "CreatedBy.BackupPlanName") or plan)
        return self._names[key]

    def rule_name(self, place: Place, plan: str, rule: str) -> str:
        """The rule's name, else its id."""
        key = place, plan, rule
        if key not in self._names:
            self._names[key] = name_briefly(self._newest(place, plan, "CreatedBy.BackupRuleName", rule) or rule)
        return self._names[key]

    def resource_type(self, resource: str) -> str | None:
        if not self._types:
            self._types = resource_types(self.job_list)
        told = self._types.get(resource)
        return told and clean_line(told)

    def _of(self, place: Place, plan: str) -> list[PlanJob]:
        """The jobs of a plan that are here, the newest first."""
        if not self._by_plan:
            by_plan: defaultdict[tuple[Place, str | None], list[PlanJob]] = defaultdict(list)
            for job in sorted(self._jobs, key=_age, reverse=True):
                by_plan[job.place, job.plan].append(job)
            self._by_plan = dict(by_plan)
        return self._by_plan[place, plan]

    def _all(self, place: Place, plan: str) -> list[PlanJob]:
        """All of its jobs, the newest first."""
        if self._rest is None:
            return self._of(place, plan)
        if (place, plan) not in self._whole:
            found = {job.row: job for job in (*self._of(place, plan), *self._rest(place, plan))}
            self._whole[place, plan] = sorted(found.values(), key=_age, reverse=True)
        return self._whole[place, plan]

    def _newest(self, place: Place, plan: str, member: str, rule: str | None = None) -> str | None:
        """What the newest of the jobs of a plan, or of a rule of it, that records this member says."""
        # The newest job of all is here, and mostly records it.
        newest = [job for job in self._of(place, plan) if rule is None or job.rule == rule]
        said = self._said([job for job in newest if _age(job) == _age(newest[0])], member)
        return said or self._said((job for job in self._all(place, plan) if rule is None or job.rule == rule), member)

    def _said(self, jobs: Iterable[PlanJob], member: str) -> str | None:
        """What the first of the jobs that records this member says."""
        head, _, tail = member.rpartition(".")
        told: list[tuple[tuple[int, str], str]] = []
        for job in jobs:
            record = self.job_list.records[job.row]
            value: str | None = getattr(getattr(record, head) if head else record, tail)
            if told and _age(job) != told[0][0]:
                break
            if value is not None:
                told.append((_age(job), value))
        # Of jobs alike in age and id, so that their order means nothing.
        return max(told)[1] if told else None


def _age(job: PlanJob) -> tuple[int, str]:
    return job.created or 0, job.id


def describe_missed(rule: Rule, violations: _Violations, due: Collection[Group], records: PlanRecords) -> Sequence[Finding]:
    """The findings of a rule, sorted by account, Region and subject.

    Args:
        violations: by resource, all the runs it definitely missed, where these are more than the rule allows.
        due: the groups of which any run was due.
    """
    silent = _silent_plans(violations, due, records)
    plans = [_describe_plan(rule, plan, missed, records) for plan, missed in silent.items()]
    told: defaultdict[Subject, list[MissedRun]] = defaultdict(list)
    for (place, resource), missed in violations.items():
        # A resource whose other plans missed runs, too, is not only their silent plan's matter.
        if any((place, one.group.plan) not in silent for one in missed):
            told[clean_subject(*place, resource)] += missed
    findings = chain(plans, (_describe_resource(rule, subject, missed, records) for subject, missed in told.items()))
    return gather(findings, lambda: order_subjects([*((found.account, found.region, found.subject) for found in plans), *told]))


def _silent_plans(violations: _Violations, due: Collection[Group], records: PlanRecords) -> dict[_Plan, list[MissedRun]]:
    """The plans that made no job any more, from their first missed run on, for two resources or more: with all their missed runs."""
    if not violations:
        return {}
    resources: defaultdict[_Plan, set[str]] = defaultdict(set)
    missed: defaultdict[_Plan, list[MissedRun]] = defaultdict(list)
    for group in due:
        resources[group.place, group.plan].add(group.resource)
    for (place, _), runs in violations.items():
        for one in runs:
            missed[place, one.group.plan].append(one)
    silent = {}
    for (place, plan), runs in missed.items():
        named = resources[place, plan]
        all_violate = len(named) > 1 and named <= {one.group.resource for one in runs}
        newest = records.newest_job(place, plan) if all_violate else None
        if newest is not None and newest < min(one.run.moment for one in runs) - TOLERANCE:
            silent[place, plan] = runs
    return silent


def _describe_plan(rule: Rule, plan: _Plan, missed: Sequence[MissedRun], records: PlanRecords) -> Finding:
    place, plan_id = plan
    since = f"no job since {iso(moment(records.newest_job(place, plan_id) or 0))}"
    by_resource: defaultdict[str, int] = defaultdict(int)
    by_run: defaultdict[tuple[int, str], int] = defaultdict(int)
    for one in missed:
        by_resource[clean_line(one.group.resource) or NO_RESOURCE] += 1
        by_run[one.run.moment, _spell_run(one, records)] += 1
    details = [f"{told}, {counted(count, 'resource')}" for (_, told), count in sorted(by_run.items())]
    details += [f"{resource}: {counted(count, 'run')} missed" for resource, count in sorted(by_resource.items())]
    message = f"plan {records.plan_name(place, plan_id)} is silent for all {len(by_resource):,} resources, {since}: {_spell_missed(rule, missed, records)}"
    account, region, subject = clean_subject(*place, records.plan_subject(place, plan_id))
    field = "CreatedBy.BackupPlanArn" if subject.startswith("arn:") else "CreatedBy.BackupPlanId"
    return Finding(
        rule.id,
        rule.policy,
        rule.severity,
        account,
        region,
        subject,
        clean_line(message),
        cause="plan_silent",
        identity={"Account": account, "Region": region, field: subject},
        details=tuple(details),
    )


def _describe_resource(rule: Rule, subject: Subject, missed: Sequence[MissedRun], records: PlanRecords) -> Finding:
    account, region, resource = subject
    details = sorted((one.run.moment, _spell_run(one, records)) for one in missed)
    return Finding(
        rule.id,
        rule.policy,
        rule.severity,
        account,
        region,
        resource,
        clean_line(_spell_missed(rule, missed, records)),
        cause="missed_run",
        identity={"Account": account, "Region": region, "ResourceArn": resource},
        resource_type=records.resource_type(missed[0].group.resource),
        details=tuple(line for _, line in details),
    )


def _spell_missed(rule: Rule, missed: Sequence[MissedRun], records: PlanRecords) -> str:
    """`3 scheduled runs missed within 7d, at most 0: the newest 2026-11-19T05:00:00Z (rule daily)`."""
    requirement, within = rule.statement.requirement, rule.statement.within
    assert isinstance(requirement, Expectation) and requirement.operator and requirement.limit and within
    newest = max(missed, key=lambda one: (one.run.moment, one.group))
    limit = f"{requirement.operator.replace('_', ' ')} {requirement.limit.text}"
    last = f"{iso(moment(newest.run.moment))} (rule {_rule_name(newest, records)})"
    only = "" if len(missed) == 1 else "the newest "
    return f"{counted(len(missed), 'scheduled run')} missed within {within.text}, {limit}: {only}{last}"


def _spell_run(missed: MissedRun, records: PlanRecords) -> str:
    """`2026-11-19T05:00:00Z: rule daily of plan prod, cron(0 5 ? * * *) in UTC`."""
    schedule, group = missed.run.schedule, missed.group
    plan = records.plan_name(group.place, group.plan)
    when = f"{name_briefly(schedule.cron or '')} in {name_briefly(schedule.timezone)}"
    return f"{iso(moment(missed.run.moment))}: rule {_rule_name(missed, records)} of plan {plan}, {when}"


def _rule_name(missed: MissedRun, records: PlanRecords) -> str:
    return records.rule_name(missed.group.place, missed.group.plan, missed.group.rule)
