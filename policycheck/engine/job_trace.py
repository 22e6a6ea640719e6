"""Why the jobs of a subject violate a rule, or do not, where each job is judged by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import narwhals as nw

from policycheck.engine.case import Case, fields_read
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.findings import Subject, clean_subject
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.masks import add_masks
from policycheck.engine.measures import Truth
from policycheck.engine.outcomes import (
    COULD,
    KEEPS,
    MAYBE,
    OUTSIDE,
    VIOLATES,
    JobTrace,
    Step,
    SubjectOutcome,
    SubjectTrace,
    job_outcome,
    name_job,
    place_key,
    sort_rows,
)
from policycheck.engine.recovery import Recoveries
from policycheck.engine.rewinding import ended
from policycheck.engine.trace import Question, Tracer
from policycheck.job_lists import JobList
from policycheck.policy.model import AllMatch, Expectation, Following, NoneMatch


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
                questions += tracer.condition("matches what no job may match", condition, settled=False)
                if recovery is not None and case.recovery is not None:
                    by = {"deadline": ended(self._frame.dataset) + case.recovery}
                    questions.append(tracer.column(f"recovered within {recovery.text}", nw.col(case.recovered), times=by))
                    questions.append(tracer.column("pending until its deadline", nw.col(case.pending)))
            case AllMatch(condition=condition):
                questions += tracer.condition("matches what every job must match", condition, settled=True)
            case Expectation() | Following():
                raise AssertionError("evaluated otherwise")
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
