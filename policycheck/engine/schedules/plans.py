"""What the jobs of plans show, to each rule that asks: which groups it chooses, and what came of their runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import narwhals as nw

from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.frame import ROW, Frame
from policycheck.engine.schedules.expected_runs import Group, GroupRuns, PlanHistory, group_of
from policycheck.engine.schedules.findings import PlanRecords
from policycheck.engine.schedules.numbering import is_scheduled
from policycheck.engine.schedules.plan_jobs import PlanJob, plan_jobs
from policycheck.engine.schedules.screen import HeldGroup, PlanScreen
from policycheck.job_lists import JobList


@dataclass(slots=True)
class Chosen:
    """The jobs that one rule chooses, or may."""

    examined: int = 0
    unplaced: list[PlanJob] = field(default_factory=list)
    """Scheduled jobs that may be chosen and do not say their resource, their place or their time."""
    unknown: list[PlanJob] = field(default_factory=list)
    """Jobs that may be chosen and may be scheduled ones, of a plan or a rule that is unknown."""
    groups: dict[Group, bool] = field(default_factory=dict)
    """And whether it certainly chooses a job of them."""

    def add_vague(self, job: PlanJob) -> None:
        """A job that may be chosen and does not say whose run it answers."""
        (self.unplaced if job.is_scheduled else self.unknown).append(job)


@dataclass(frozen=True, slots=True)
class Plans:
    """What the jobs of plans show."""

    chosen: Sequence[Chosen]
    """In the order of the rules."""
    judge: Callable[[Group, int], GroupRuns]
    """What came of a group from a moment to as_of."""
    records: PlanRecords


def chosen_column(case: Case) -> str:
    """The column of what a rule chooses: each has its own, though several may choose the same."""
    return f"chosen_{case.number}"


def window_start(case: Case, as_of: int) -> int:
    """When the window of a rule begins, in microseconds."""
    return as_of - (case.window_length or 0)


def read_plans(cases: Sequence[Case], job_list: JobList, frame: Frame, masks: nw.LazyFrame[Any], context: Context) -> Plans:
    """What they show, all looked at one by one."""
    rows = context.backend.rows(masks.select(nw.col(ROW), *(nw.col(chosen_column(case)) for case in cases)))
    jobs = plan_jobs(job_list, [row for row, *_ in rows])
    told = {row: values for row, *values in rows}
    found = [Chosen() for _ in cases]
    for job in jobs:
        group = group_of(job)
        for case, chosen, surely in zip(cases, found, told[job.row], strict=True):
            if surely is False:
                continue
            chosen.examined += job.is_scheduled and surely is True and job.created is not None and job.created >= window_start(case, frame.as_of)
            if group is None:
                chosen.add_vague(job)
            else:
                chosen.groups[group] = chosen.groups.get(group, False) or surely is True
    return Plans(found, PlanHistory(jobs, frame.as_of).judge, PlanRecords(job_list, jobs))


def screen_plans(cases: Sequence[Case], job_list: JobList, frame: Frame, masks: nw.LazyFrame[Any], context: Context) -> Plans:
    """What they show, where only groups that may have missed a run are looked at with their jobs."""
    screen = PlanScreen(masks, frame, [chosen_column(case) for case in cases], context.backend)
    inside = [nw.col(chosen_column(case)) & (nw.col("CreationDate") >= window_start(case, frame.as_of)) for case in cases]
    counts = masks.filter(is_scheduled()).select(
        *(mask.fill_null(False).cast(nw.Int64).sum().alias(chosen_column(case)) for mask, case in zip(inside, cases, strict=True))
    )
    found = [Chosen(int(count or 0)) for count in context.backend.rows(counts)[0]]
    clean: dict[tuple[Group, int], GroupRuns] = {}
    rest: dict[Group, HeldGroup] = {}
    for number, (case, chosen) in enumerate(zip(cases, found, strict=True)):
        start = window_start(case, frame.as_of)
        for group, held in screen.groups.items():
            if not held.perhaps[number]:
                continue
            chosen.groups[group] = held.surely[number]
            runs = clean.get((group, start)) or screen.judge(held, start)
            if runs is None:
                rest[group] = held
            else:
                clean[group, start] = runs
    vague = {row: values for row, *values in screen.vague_rows()}
    same = screen.numbering.same
    jobs = plan_jobs(job_list, sorted({*vague, *screen.rows_of(rest.values())}), same)
    for job in jobs:
        for chosen, surely in zip(found, vague.get(job.row, ()), strict=False):
            if surely is not False:
                chosen.add_vague(job)
    history = PlanHistory(jobs, frame.as_of, screen.facts(rest.values()))

    def judge(group: Group, start: int) -> GroupRuns:
        return clean.get((group, start)) or history.judge(group, start)

    return Plans(found, judge, PlanRecords(job_list, jobs, lambda place, plan: plan_jobs(job_list, screen.rows_of_plan(place, plan), same)))
