"""The jobs that backup plans made, and which ids of a plan's rules are one rule. `docs/groups-specification.md` (Missed runs) fixes what is meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from policycheck.job_lists import JobList
from policycheck.places import Place

PLAN_ID, RULE_ID, RULE_NAME, CRON, TIMEZONE, VERSION = MEMBERS = tuple(
    f"CreatedBy.{name}" for name in ("BackupPlanId", "BackupRuleId", "BackupRuleName", "BackupRuleCron", "BackupRuleTimezone", "BackupPlanVersion")
)
"""What a job says of the rule that made it."""
DEFAULT_TIMEZONE = "UTC"
NOT_RECORDED = "(not recorded)"
"""The time zone of a schedule where it is unknown: none that exists."""


class RuleSchedule(NamedTuple):
    """When a rule of a plan runs, as a job it made recorded it."""

    cron: str | None
    timezone: str
    version: str | None
    """Of the plan."""


class PlanJob(NamedTuple):
    """A job that a plan made, or may have made, created by as_of or at a time nobody recorded."""

    row: int
    """Its index in the list."""
    id: str
    place: Place
    resource: str | None
    plan: str | None
    """None where it is unknown."""
    rule: str | None
    """An id that stands for the rule in all versions of the plan; None where it is unknown."""
    schedule: RuleSchedule
    created: int | None
    start_by: int | None

    @property
    def is_scheduled(self) -> bool:
        """Whether its plan and its rule are known."""
        return self.plan is not None and self.rule is not None


RuleId = tuple[Place, str | None, str | None]
"""A place, a plan and the id of a rule of it."""


def plan_jobs(job_list: JobList, rows: Iterable[int], same: Mapping[RuleId, str] | None = None) -> list[PlanJob]:
    """The jobs that plans made, and those of which that is unknown. What is read of a job here is what no later time takes back.

    Args:
        same: which ids stand for which (`same_rules`); None: these jobs tell.
    """
    places = job_list.places()
    jobs, names = [], []
    for row in rows:
        record = job_list.records[row]
        made = record.CreatedBy
        # AWS records the ids with everything else it says of a plan.
        if not _says_anything(made) and job_list.known_missing(row, PLAN_ID):
            continue
        plan, rule, name, cron, timezone, version = (
            (made.BackupPlanId, made.BackupRuleId, made.BackupRuleName, made.BackupRuleCron, made.BackupRuleTimezone, made.BackupPlanVersion)
            if made is not None
            else (None,) * 6
        )
        if timezone is None:
            # A plan's own default; but not in a list that somebody dropped it from, nor where two records of the job contradict each other.
            timezone = DEFAULT_TIMEZONE if TIMEZONE in job_list.told[row].kept or job_list.known_missing(row, TIMEZONE) else NOT_RECORDED
        schedule = RuleSchedule(cron, timezone, version)
        jobs.append(PlanJob(row, record.BackupJobId or "", places[row], record.ResourceArn, plan, rule, schedule, record.CreationDate, record.StartBy))
        names.append(name)
    if same is None:
        same = same_rules(((job.place, job.plan, job.rule), name, job.schedule.version) for job, name in zip(jobs, names, strict=True))
    return [job._replace(rule=same.get((job.place, job.plan, job.rule), job.rule)) for job in jobs] if same else jobs


def _says_anything(made: Any) -> bool:
    return made is not None and any(getattr(made, member) is not None for member in made.__struct_fields__)


def same_rules(named: Iterable[tuple[RuleId, str | None, str | None]]) -> dict[RuleId, str]:
    """The least id of its rule, for each id of a rule that had several: an edit of a plan may give its rules new ids, and keeps their names.

    Args:
        named: of jobs of plans, the id, the name and the version of the plan; alike ones once or often.
    """
    ids: defaultdict[tuple[Place, str], defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    versions: defaultdict[RuleId, set[str | None]] = defaultdict(set)
    for (place, plan, rule), name, version in named:
        if plan is not None and rule is not None:
            versions[place, plan, rule].add(version)
            if name is not None:
                ids[place, plan][name].add(rule)
    same: dict[RuleId, str] = {}
    for (place, plan), by_name in ids.items():
        for connected in _connected(by_name.values()):
            seen = [version for rule in connected for version in versions[place, plan, rule]]
            # No version of a plan has one rule twice.
            if len(connected) > 1 and len(set(seen)) == len(seen):
                same.update({(place, plan, rule): min(connected) for rule in connected})
    return same


def _connected(groups: Iterable[set[str]]) -> list[set[str]]:
    """Groups that share an id as one."""
    found: list[set[str]] = []
    for group in groups:
        touching = [other for other in found if other & group]
        found = [other for other in found if not other & group]
        found.append(group.union(*touching))
    return found
