"""Rules on plans: how fresh every resource's newest backup must be, how long a gap may get, no run missed, how long backups are kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policycheck.drafting.profile import Job, Plan, Profile, group, percentile95
from policycheck.drafting.proposal import (
    FREQUENT,
    Limit,
    Omission,
    Parameters,
    Proposal,
    all_of,
    compared,
    counted,
    is_of,
    is_writable,
    listed,
    numbered,
    shown,
    spell_hours,
)
from policycheck.drafting.rhythm import PlanRhythm, Rhythm, Unclear
from policycheck.policy.conditions import Condition, Literal, Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import EVERY_JOB, RESOURCE, AllMatch, Expectation, Statement
from policycheck.result import Severity
from policycheck.units import DAY, HOUR

BACKED_UP = {"nist-800-53": ("CP-9",), "soc2": ("A1.2",), "iso-27001": ("A.8.13",)}
LONGEST_WAIT = 8 * HOUR
"""AWS Backup's own start window: a job that has been in progress for longer says nothing of what is usual."""
_NAME, _ID = "CreatedBy.BackupPlanName", "CreatedBy.BackupPlanId"


@dataclass(frozen=True)
class Planner:
    """Drafts the rules on plans."""

    profile: Profile
    told: Sequence[PlanRhythm]
    unclear: Sequence[Unclear]
    parameters: Parameters

    @property
    def good_outcome(self) -> Condition:
        """What a good job is: clean, or COMPLETED where the lists do not say."""
        return is_of("Outcome", "clean") if self.profile.says_outcome else is_of("State", "COMPLETED")

    def classes(self) -> dict[Rhythm, list[PlanRhythm]]:
        """The plans by how often they run, the most frequent first."""
        found: defaultdict[Rhythm, list[PlanRhythm]] = defaultdict(list)
        for plan in self.told:
            found[plan.rhythm].append(plan)
        return dict(sorted(found.items(), key=lambda pair: (pair[0].longest, pair[0].nominal)))

    def freshness(self) -> Iterator[Proposal | Omission]:
        """How old the newest clean job of every resource may be, by class of schedule and by how long its types take."""
        for one in self.unclear:
            yield Omission(f"freshness of plan {shown(one.plan.name or one.plan.id)}", one.reason)
        if not self.told and not self.unclear:
            yield Omission("freshness", "no job was made by a plan, and on-demand backups have no schedule")
        numbers: Counter[str] = Counter()
        for rhythm, plans in self.classes().items():
            name, chosen = rhythm.name, self.choose(plans)
            if chosen is None:
                yield Omission(f"freshness of {name} plans", "neither their names nor their ids can be written in a policy")
                continue
            limits, thin = self._limits(rhythm, plans)
            for kind in thin:
                yield Omission(f"freshness of {shown(kind)} in {name} plans", "no resource of that type has two good jobs of them")
            whole = len(limits) == 1 and not thin
            for limit, kinds in limits:
                index = numbers[name]
                numbers[name] += 1
                where = chosen if whole else all_of(chosen, is_of("ResourceType", *kinds))
                yield self._fresh(numbered(f"fresh-{name}", index), where, limit, self._limit_parameter(name, index, limit), plans, kinds)
                gap = self._gap(numbered(f"gap-{name}", index), where, limit, self._limit_parameter(name, index, limit))
                yield gap if gap is not None else Omission(f"longest gap in {name} plans", f"{limit.text} leaves no window in 30 days to look for a longer one")

    def _limits(self, rhythm: Rhythm, plans: Sequence[PlanRhythm]) -> tuple[list[tuple[Limit, list[str]]], list[str]]:
        """The types of these plans by their limits, the shortest first, and the types with too few jobs for one."""
        limits: defaultdict[int, list[tuple[str, Limit]]] = defaultdict(list)
        thin = []
        for kind, jobs in sorted(group((job for plan in plans for job in plan.jobs), lambda job: job.type).items()):
            good = [job for job in jobs if self.profile.is_good(job) and job.elapsed is not None]
            made = group(good, lambda job: (job.place, job.resource))
            if not is_writable(kind) or max(map(len, made.values()), default=0) < 2:
                thin.append(kind)
                continue
            waiting = max((job.so_far for job in jobs if job.so_far is not None and job.so_far <= LONGEST_WAIT), default=0)
            limit = Limit(rhythm.longest, slowest(good), len(good), len(made), waiting)
            limits[limit.hours].append((kind, limit))
        merged = []
        for _, rows in sorted(limits.items()):
            worst = max((limit for _, limit in rows), key=lambda limit: limit.taken)
            total = replace(worst, jobs=sum(limit.jobs for _, limit in rows), resources=sum(limit.resources for _, limit in rows))
            merged.append((total, [kind for kind, _ in rows]))
        return merged, thin

    def _fresh(self, name: str, where: Condition, limit: Limit, value: Literal, plans: Sequence[PlanRhythm], kinds: Sequence[str]) -> Proposal:
        notes = [f"Types: {listed(kinds, 20)}. {_schedules(plans)}"]
        notes.append(f"Their longest interval is {spell_hours(limit.interval)}; {limit.measured}: {limit.sum}.")
        if any(plan.rhythm.longest > plan.rhythm.nominal for plan in plans):
            notes.append("Where clocks go back, the night is an hour longer.")
        return Proposal(
            id=name,
            statement=Statement(Expectation(Measure.NEWEST, self.good_outcome, Operator.AT_MOST, value, (RESOURCE,)), where),
            severity=Severity.HIGH,
            why="A resource without a recent clean backup can lose all changes since its last one.",
            fix="Check the resource's jobs since then. If it was deleted or left its plan, waive it; it drops out after 30 days.",
            notes=tuple(notes),
            controls=BACKED_UP,
        )

    def _limit_parameter(self, name: str, index: int, limit: Limit) -> Literal:
        return self.parameters.use(numbered(f"{name}-limit", index).replace("-", "_"), limit.text, limit.sum)

    def _gap(self, name: str, where: Condition, limit: Limit, value: Literal) -> Proposal | None:
        span = next((days for days in (7, 14, 21) if days * DAY >= 3 * limit.hours * HOUR or (days == 21 and days * DAY >= 2 * limit.hours * HOUR)), None)
        if span is None:
            return None
        return Proposal(
            id=name,
            statement=Statement(Expectation(Measure.LONGEST_GAP, self.good_outcome, Operator.AT_MOST, value, (RESOURCE,)), where, Literal(f"{span}d")),
            severity=Severity.MEDIUM,
            why="Between two backups that are too far apart there is no state to restore, even if the newest backup is recent.",
            fix="Find out why the runs in between have no clean job. The gap stays a finding until it is out of the window.",
            notes=("The same limit, asked of the time between backups as well.",),
            controls={"nist-800-53": ("CP-9",)},
        )

    def missed_runs(self) -> Iterator[Proposal | Omission]:
        """No run of a recorded schedule may be missed, in a window that holds several."""
        scheduled = [plan for plan in self.told if plan.schedules]
        if not scheduled:
            yield Omission("missed runs", "no job records a schedule (BackupRuleCron) that could be computed; the AWS CLI and boto3 record it since 2025")
            return
        often = [plan for plan in scheduled if plan.rhythm.longest <= FREQUENT]
        seldom = [plan for plan in scheduled if FREQUENT < plan.rhythm.longest <= 10 * DAY]
        rare = [plan for plan in scheduled if plan.rhythm.longest > 10 * DAY]
        if rare:
            yield Omission(f"missed runs of {_named(rare)}", "30 days of jobs hold too few of their runs")
        for name, window, plans in (("no-missed-runs", "7d", often), ("no-missed-runs-of-slower-plans", "21d", seldom)):
            chosen = self.choose(plans)
            if plans and chosen is not None:
                yield self._missed(name, EVERY_JOB if len(plans) == len(self.profile.by_plan) else chosen, window, plans)

    def _missed(self, name: str, where: Condition, window: str, plans: Sequence[PlanRhythm]) -> Proposal:
        return Proposal(
            id=name,
            statement=Statement(Expectation(Measure.MISSED_RUNS, EVERY_JOB, Operator.AT_MOST, Literal("0")), where, Literal(window)),
            severity=Severity.MEDIUM,
            why="A run without any job is in no list of failures.",
            fix="Check whether the plan, its backup rule or its resource assignment was changed, or the resource left it.",
            notes=(f"{_schedules(plans)}",),
            controls={"nist-800-53": ("CP-9",)},
        )

    def retention(self) -> Iterator[Proposal | Omission]:
        """How long the backups of a plan are kept at least: as long as the shortest one that was seen."""
        found: defaultdict[int, list[PlanRhythm]] = defaultdict(list)
        spread: dict[str, str] = {}
        open_ended = []
        for plan in self.told:
            recorded = {job.retention_days for job in plan.jobs if job.completed}
            kept = {day for day in recorded if day is not None}
            if not kept or None in recorded:
                open_ended.append(plan)
                continue
            found[min(kept)].append(plan)
            if len(kept) > 1:
                spread[plan.plan.name or plan.plan.id] = ", ".join(f"{day}d" for day in sorted(kept))
        if open_ended:
            yield Omission(f"retention in {_named(open_ended)}", "not every completed job records after how many days its recovery point is deleted")
        for index, (days, plans) in enumerate(sorted(found.items())):
            chosen = self.choose(plans)
            if chosen is None:
                continue
            said = [f"{shown(name)} keeps {kept}" for name, kept in spread.items() if name in {plan.plan.name or plan.plan.id for plan in plans}]
            counts = counted(sum(job.completed for plan in plans for job in plan.jobs), "completed job")
            yield Proposal(
                id=numbered("kept-long-enough", index),
                statement=Statement(
                    AllMatch(compared("Retention", Operator.AT_LEAST, f"{days}d")),
                    all_of(is_of("State", "COMPLETED"), chosen),
                    self.recent(max(plan.rhythm.longest for plan in plans)),
                ),
                severity=Severity.MEDIUM,
                why="A recovery point that is deleted too early is missing when you need it.",
                fix="Fix the lifecycle in the backup rule. Existing recovery points keep theirs until you change it.",
                notes=(f"{counts} of {_named(plans)} keep {days}d" + (f" or more: {listed(said)}." if said else ", all of them."),),
                controls={"nist-800-53": ("SI-12",)},
            )

    def recent(self, interval: int | None) -> Literal | None:
        """The window of rules on how jobs are made: a week where jobs come often enough, else all that the lists hold."""
        if interval is None or interval > FREQUENT or self.profile.reach() < 7 * DAY:
            return None
        return self.parameters.use("recent", "7d", "how far back rules look on how jobs were made")

    def shortest(self, jobs: Sequence[Job]) -> int | None:
        """The longest interval of the plan among those of these jobs that runs most often; None where a plan made none of them."""
        rhythms: Mapping[Plan, int] = {plan.plan: plan.rhythm.longest for plan in self.told}
        return min((rhythms[plan] for plan in {job.plan for job in jobs if job.plan is not None} if plan in rhythms), default=None)

    def choose(self, plans: Sequence[PlanRhythm]) -> Condition | None:
        """The condition that chooses the jobs of these plans and no others: by name where every plan of that name is among them, else by id."""
        ours = {plan.plan for plan in plans}
        others = {plan.name for plan in self.profile.by_plan if plan not in ours}
        if all(plan.name is not None and plan.name not in others and is_writable(plan.name) for plan in ours):
            return is_of(_NAME, *sorted({plan.name or "" for plan in ours}))
        return is_of(_ID, *sorted({plan.id for plan in ours})) if all(is_writable(plan.id) for plan in ours) else None


def slowest(jobs: Sequence[Job]) -> int:
    """The 95th percentile of Elapsed of the resource where it is the longest: a limit for every resource has to fit the slowest."""
    made = group((job for job in jobs if job.elapsed is not None), lambda job: (job.place, job.resource))
    return max(percentile95(job.elapsed or 0 for job in own) for own in made.values())


def _named(plans: Sequence[PlanRhythm]) -> str:
    names = sorted({plan.plan.name or plan.plan.id for plan in plans})
    return f"{'plan' if len(names) == 1 else 'plans'} {listed(names)}"


def _schedules(plans: Sequence[PlanRhythm]) -> str:
    """`Plans: production, cron(0 5 ? * * *) UTC; ...`"""
    said: dict[str, list[str]] = {}
    for plan in plans:
        crons = said.setdefault(plan.plan.name or plan.plan.id, [])
        for rule in plan.schedules:
            if (text := f"{rule.cron} {rule.timezone}") not in crons:
                crons.append(text)
    known = [f"{shown(name)}, {listed(crons, 3) or 'no schedule recorded: told from the times between its jobs'}" for name, crons in sorted(said.items())]
    more = f"; and {len(known) - 5} more" if len(known) > 5 else ""
    return f"{'Plan' if len(known) == 1 else 'Plans'}: {'; '.join(known[:5])}{more}."
