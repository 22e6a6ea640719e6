"""Why the jobs of a subject violate a rule, or do not: of rules that judge each job by itself, and of following jobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

import narwhals as nw

from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.findings import Subject, age_key, clean_subject
from policycheck.engine.frame import ROW, SUBJECT, Frame, ended
from policycheck.engine.masks import Case, add_masks, fields_read
from policycheck.engine.measures import Truth
from policycheck.engine.recovery import Recoveries
from policycheck.engine.trace import Question, Step, Tracer
from policycheck.job_lists import JobList
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch
from policycheck.text import clean_line

VIOLATES, COULD, KEEPS, OUTSIDE, MAYBE = "violates", "could violate", "does not violate", "not judged", "may be judged"
NOTHING = "nothing to measure"
"""What became of a job or of a subject."""


@dataclass(frozen=True, slots=True)
class JobTrace:
    """One job of a subject."""

    id: str
    created: int | None
    """Microseconds."""
    state: str | None
    outcome: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SubjectOutcome:
    """One subject of a rule, and what became of it."""

    account: str | None
    region: str | None
    subject: str
    outcome: str
    jobs: tuple[int, ...]
    """The rows of its jobs, the newest first."""
    decisive: int | None = None
    """The row of the newest job that this outcome comes from, where one job's outcome decides."""


@dataclass(frozen=True, slots=True)
class SubjectTrace:
    """Why a subject passed or failed."""

    subject: SubjectOutcome
    measured: tuple[str, ...]
    """What was measured of it as a whole, a line each."""
    jobs: tuple[JobTrace, ...]
    """The newest first."""
    listed: tuple[str, ...] = ()
    """All its jobs with what the measure makes of each, or the runs that were expected of it, a line each."""


class RuleTrace(Protocol):
    """What one rule makes of every subject."""

    job_list: JobList

    def subjects(self) -> Sequence[SubjectOutcome]:
        """All of them, sorted by account, Region and subject."""

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        """Why this became of it, with the steps of these of its jobs."""


def job_outcome(population: Truth, violation: Truth) -> str:
    """What became of one job."""
    if violation is not False:
        return VIOLATES if violation else COULD
    return KEEPS if population else MAYBE if population is None else OUTSIDE


def place_key(subject: SubjectOutcome) -> tuple[str, str, str]:
    """What sorts subjects."""
    return subject.account or "", subject.region or "", subject.subject


def sort_rows(job_list: JobList, rows: Sequence[int]) -> tuple[int, ...]:
    """The newest first."""
    return tuple(sorted(rows, key=lambda row: age_key(job_list, row), reverse=True))


def name_job(job_list: JobList, row: int) -> str:
    """The id of a job."""
    return clean_line(getattr(job_list.records[row], job_list.dataset.id_field) or "") or f"(no {job_list.dataset.id_field})"


class JobRuleTrace:
    """Of `none` and `all`."""

    def __init__(self, case: Case, context: Context) -> None:
        self._case, self._context = case, context
        self.job_list = context.lists[case.rule.statement.dataset]
        self._frame = context.facts.frame(case.rule.statement.dataset, fields_read(case))
        columns, condition = self._frame.columns, case.rule.statement.requirement.condition
        if case.recovery is not None:
            recoveries = Recoveries(self._frame, self.job_list, context.backend)
            columns = recoveries.add_recovered(columns, compile_condition(condition, self._frame, settled=False), case.recovery, case.recovered)
        masks = context.backend.persist(add_masks(columns, [case], self._frame))
        beside = [case.population, case.violation, *([case.undecided] if case.leaves_out_progress else [])]
        beside += [case.pending] if case.recovery is not None else []
        joined = masks.select(nw.col(ROW), *map(nw.col, beside))
        self._columns = context.backend.persist(columns.join(joined, on=ROW, how="left"))
        rows = context.backend.rows(self._columns.select(*map(nw.col, (ROW, SUBJECT, case.population, case.violation))))
        self._rows = {row: (subject, population, violation) for row, subject, population, violation in rows}

    def subjects(self) -> Sequence[SubjectOutcome]:
        return outcomes_by_subject(self._frame, self.job_list, self._rows)

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        tracer = Tracer(self._frame)
        questions = self._questions(tracer)
        steps = tracer.answers(questions, self._columns, rows, self._context.backend)
        outcomes = {row: job_outcome(*self._rows[row][1:]) for row in rows}
        return SubjectTrace(subject, (), tuple(trace_jobs(self._frame, self.job_list, rows, steps, outcomes, self._context)))

    def _questions(self, tracer: Tracer) -> list[Question]:
        case, statement = self._case, self._case.rule.statement
        chosen = [*tracer.condition("where", statement.where), *tracer.window(case, case.recovery), *tracer.choice(case.rule.qualifiers.jobs, case.scope)]
        chosen += tracer.progress(case)
        questions = [tracer.column("in the population", nw.col(case.population), chosen)]
        match statement.requirement:
            case NoneMatch(condition=condition, recovery=recovery):
                questions += tracer.condition("is what no job may be", condition, settled=False)
                if recovery is not None and case.recovery is not None:
                    by = {"deadline": ended(self._frame.dataset) + case.recovery}
                    questions.append(tracer.column(f"recovered within {recovery.text}", nw.col(case.recovered), times=by))
                    questions.append(tracer.column("pending: its deadline is still to come", nw.col(case.pending)))
            case AllMatch(condition=condition):
                questions += tracer.condition("is what every job must be", condition, settled=True)
            case Expectation() | Following():
                raise AssertionError("judged otherwise")
            case _:
                assert_never(statement.requirement)
        return [*questions, tracer.column("violates", nw.col(case.violation))]


def outcomes_by_subject(frame: Frame, job_list: JobList, rows: dict[int, tuple[int, Truth, Truth]]) -> list[SubjectOutcome]:
    """The subjects of a rule that judges each job: by row (subject, population, violation). Subjects that look alike once cleaned are one."""
    found: dict[Subject, list[int]] = {}
    for row, (number, _, _) in rows.items():
        found.setdefault(clean_subject(*frame.subjects[number]), []).append(row)
    subjects = []
    for place, own in found.items():
        seen = {job_outcome(*rows[row][1:]) for row in own}
        outcome = next(outcome for outcome in (VIOLATES, COULD, KEEPS, MAYBE, OUTSIDE) if outcome in seen)
        ordered = sort_rows(job_list, own)
        decisive = next(row for row in ordered if job_outcome(*rows[row][1:]) == outcome)
        subjects.append(SubjectOutcome(*place, outcome, ordered, decisive))
    return sorted(subjects, key=place_key)


def trace_jobs(
    frame: Frame, job_list: JobList, rows: Sequence[int], steps: dict[int, tuple[Step, ...]], outcomes: dict[int, str], context: Context
) -> list[JobTrace]:
    """The jobs of these rows, in their order, as they were judged: rewound, where they ended after as_of."""
    chosen = frame.columns.filter(nw.col(ROW).is_in(list(rows))).select(nw.col(ROW), nw.col("CreationDate"), nw.col(frame.dataset.state_field))
    said = {row: (created, state) for row, created, state in context.backend.rows(chosen)}
    return [JobTrace(name_job(job_list, row), *said[row], outcomes[row], steps[row]) for row in rows if row in said]
