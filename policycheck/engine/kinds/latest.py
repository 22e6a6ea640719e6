"""`latest`: whether the job of a group that ended last matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.engine.best_case import BestCase
from policycheck.engine.case import END, Case, Staying
from policycheck.engine.frame import Frame
from policycheck.engine.group_account import GroupAccount
from policycheck.engine.group_measure import Clean, Screen, count_open
from policycheck.engine.judgement import Judgement, Rows, Setting, job_id, nothing_in
from policycheck.engine.kinds.grouped import GroupedMeasure
from policycheck.engine.limits import DIFFERS, MATCHES
from policycheck.engine.measurement import Asked, SampleJobs
from policycheck.engine.measures import Number, Truth
from policycheck.engine.subjects import Group
from policycheck.job_lists import JobList
from policycheck.policy.model import Expectation
from policycheck.records import end_of
from policycheck.text import clean_line, spell_duration, truncate

_MESSAGE_LIMIT = 200


class LatestJob(GroupedMeasure):
    """See `GroupMeasure`."""

    def measured(self, case: Case, frame: Frame) -> nw.Expr:
        return nw.col(case.population) & ~frame.in_progress()

    def columns(self, case: Case) -> list[str]:
        return [case.matching, END, "CreationDate"]

    def screen(self, case: Case) -> Screen:
        measured, matching, end = nw.col(case.measured), nw.col(case.matching), nw.col(END)
        good, bad = (nw.when((measured & mask).fill_null(False)).then(end).max() for mask in (matching, ~matching))
        return Screen({"open": count_open(case, case.matching, END), "good": good, "bad": bad})

    def find_clean(self, case: Case, bounds: Sequence[Any], as_of: int) -> Clean | None:
        good, bad = bounds
        return Clean() if good is not None and (bad is None or bad < good) else None

    def judge_jobs(self, case: Case, group: Group, jobs: Rows, setting: Setting, as_of: int, job_list: JobList) -> Judgement:
        # Of the jobs whose end is certain only the last ones can decide.
        last = max((job[4] for job in jobs if job[2] and job[4] is not None), default=None)
        jobs = [job for job in jobs if not job[2] or job[4] is None or job[4] == last]
        latest = measure_latest([FinishedJob(job[2], job[3], job[4], job[5], job_id(job_list, job[1])) for job in jobs])
        if latest is None:
            return nothing_in(case, group, setting.edge)
        return Judgement(group, setting.edge, latest.violation, rows=tuple(jobs[position][1] for position in latest.candidates))

    def best_case(self, case: Case, jobs: Rows, job_list: JobList, as_of: int) -> BestCase:
        return _LaterJob(case, jobs, job_list, as_of)

    def asks_for_jobs(self, requirement: Expectation) -> bool:
        return False

    def tell(self, account: GroupAccount, judged: Judgement) -> str:
        job_list, must = account.view.job_list, f"the latest must be a {account.name_jobs('job')}"
        states = [getattr(job_list.records[row], job_list.dataset.state_field) or "of an unknown state" for row in judged.rows]
        if len(states) > 1:
            return f"the latest {account.noun} is {' or '.join(sorted(set(states)))}: which of {len(states)} ended last is unknown; {must}"
        record = job_list.records[judged.rows[-1]]
        end = end_of(job_list.dataset, record)
        ended = f", ended {spell_duration(account.as_of - end)} before as_of," if end is not None and end <= account.as_of else ""
        category, told = getattr(record, "MessageCategory", None), record.StatusMessage
        issue = f" ({clean_line(category)})" if category and category.lower() != "success" else ""
        parts = [f"the latest {account.noun}{ended} is {states[-1]}{issue}"]
        if told:
            parts.append(truncate(clean_line(told), _MESSAGE_LIMIT).rstrip("."))
        return "; ".join([*parts, must])

    def spell(self, value: Number) -> str:
        return ""

    def spell_measured(self, case: Case, judged: Judgement, *, exact: bool) -> tuple[str, str]:
        if judged.nothing or judged.waiting:
            return "", ""
        return {True: DIFFERS, False: MATCHES, None: ""}[judged.violation], ""

    def tell_jobs(self, judged: Judgement, names: Sequence[str]) -> Iterator[str]:
        said = ", ".join(names)
        yield f"the latest finished job: {said}" if len(names) == 1 else f"the latest finished job is one of {said}: which is unknown"

    def describe_failure(self, asked: Asked) -> str:
        return f"{asked.one} whose {asked.noun} that ended last does not have {asked.what}"

    def sample(self, requirement: Expectation, window: int | None, *, keeps: bool) -> SampleJobs:
        return SampleJobs(keeps)

    def is_mendable(self, requirement: Expectation) -> bool:
        return True

    def tell_staying(self, staying: Staying) -> str:
        return ""


class _LaterJob(BestCase):
    """One that may match may have ended last."""

    @cached_property
    def favourable(self) -> Rows:
        return [job for job in self.jobs if job[3] is not False]

    def keeps_with(self, judgement: Judgement, own: Rows) -> bool:
        last = max((job[4] for job in own if job[2] and job[4] is not None), default=None)
        return last is None or self._last_end is None or self._last_end >= last

    @cached_property
    def _last_end(self) -> int | None:
        """When the last of them ended; None where one may have ended at any time."""
        ends = [job[4] for job in self.favourable]
        return None if None in ends else max(ends)


class FinishedJob(NamedTuple):
    """A job that ended, or may have."""

    belongs: Truth
    """Whether it is in the population and finished; never False."""
    match: Truth
    end: int | None
    created: int | None
    job_id: str


class Latest(NamedTuple):
    """Which jobs may be the one that ended last, by position, and what follows from them."""

    candidates: tuple[int, ...]
    violation: Truth


def measure_latest(jobs: Sequence[FinishedJob]) -> Latest | None:
    """Whether the job that ended last matches; None where no job ended, nor may have."""
    sure = [position for position, job in enumerate(jobs) if job.belongs and job.end is not None]
    open_ = [position for position, job in enumerate(jobs) if not job.belongs or job.end is None]
    if not sure and not open_:
        return None
    if sure:
        last = max(_end_key(jobs[position]) for position in sure)
        open_ += [position for position in sure if _end_key(jobs[position]) == last]
    matches = [jobs[position].match for position in open_]
    if all(match is True for match in matches):
        return Latest(tuple(open_), False)
    definite = any(jobs[position].belongs for position in open_) and all(match is False for match in matches)
    return Latest(tuple(open_), True if definite else None)


def _end_key(job: FinishedJob) -> tuple[int, int, str]:
    return job.end or 0, -1 if job.created is None else job.created, job.job_id


KIND = LatestJob()
