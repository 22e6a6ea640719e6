"""Why a group of jobs violates a rule, or does not: what was measured, both ways, of which jobs; and the runs that were expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import narwhals as nw

from policycheck.engine.case import Case
from policycheck.engine.context import Context
from policycheck.engine.frame import ROW
from policycheck.engine.group_findings import spell_subject
from policycheck.engine.group_measure import measure_of
from policycheck.engine.groups import measure_groups
from policycheck.engine.job_trace import trace_jobs
from policycheck.engine.judgement import Judgement, expectation, limit_of
from policycheck.engine.list_view import KEY
from policycheck.engine.measures import is_lower
from policycheck.engine.outcomes import COULD, KEEPS, NOTHING, VIOLATES, SubjectOutcome, SubjectTrace, name_job, place_key, sort_rows
from policycheck.engine.soft_limits import is_warned
from policycheck.engine.trace import Question, Tracer
from policycheck.records import iso, moment
from policycheck.text import clean_line, counted

_MOST_LISTED = 30
PENDING = "pending"


class GroupTrace:
    """Of rules that expect something of groups."""

    def __init__(self, case: Case, context: Context) -> None:
        self._case, self._context = case, context
        self._view, judgements = measure_groups(case, context)
        self.job_list = self._view.job_list
        keyed, _ = self._view.keyed(case.per)
        self._stays = [case.stays] if case.stays in self._view.masks.collect_schema().names() else []
        beside = [*self._asked, *([case.undecided] if case.leaves_out_progress else []), *self._stays]
        self._columns = context.backend.persist(self._view.frame.columns.join(keyed.select(nw.col(ROW), nw.col(KEY), *map(nw.col, beside)), on=ROW, how="left"))
        rows: defaultdict[int, list[int]] = defaultdict(list)
        for key, row in context.backend.rows(keyed.select(nw.col(KEY), nw.col(ROW))):
            rows[key].append(row)
        found = [(self._outcome(judged, rows), judged) for judged in judgements]
        self._subjects = sorted(found, key=lambda pair: place_key(pair[0]))

    @property
    def _asked(self) -> tuple[str, ...]:
        case = self._case
        return (case.population, case.matching, case.measured)

    def _outcome(self, judged: Judgement, rows: Mapping[int, Sequence[int]]) -> SubjectOutcome:
        account, region, _ = judged.group.subject
        told = VIOLATES if judged.found else COULD if judged.found is None else PENDING if judged.pending else NOTHING if judged.nothing else KEEPS
        own = sort_rows(self.job_list, [row for key in judged.group.keys for row in rows[key]])
        name = spell_subject(self._case.per, judged.group.values)
        decisive = next(iter(sort_rows(self.job_list, judged.rows)), None)
        return SubjectOutcome(account and clean_line(account), region and clean_line(region), name, told, own, decisive)

    def subjects(self) -> Sequence[SubjectOutcome]:
        return [subject for subject, _ in self._subjects]

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        judged = next(judged for known, judged in self._subjects if known is subject)
        tracer = Tracer(self._view.frame)
        steps = tracer.answers(self._questions(tracer), self._columns, rows, self._context.backend)
        listed = list(dict.fromkeys([*subject.jobs[:_MOST_LISTED], *rows]))
        chosen = self._columns.filter(nw.col(ROW).is_in(listed)).select(nw.col(ROW), *map(nw.col, self._asked))
        outcomes = {row: self._told(*values) for row, *values in self._context.backend.rows(chosen)}
        whole = trace_jobs(self._view.frame, self.job_list, listed, dict.fromkeys(listed, ()), outcomes, self._context)
        lines = [f"{_when(job.created)}  {job.state or 'state unknown'}  {job.id}: {job.outcome}" for job in whole]
        older = len(subject.jobs) - len(listed)
        jobs = trace_jobs(self._view.frame, self.job_list, rows, steps, outcomes, self._context)
        more = [f"and {counted(older, 'older job')}"] if older > 0 else []
        return SubjectTrace(subject, tuple(self._measured(judged)), tuple(jobs), (*lines, *more))

    def _told(self, population: bool | None, matching: bool | None, measured: bool | None) -> str:
        """What the measure makes of one job."""
        if measure_of(self._case).looks_past_window and measured:
            return "matches"
        if population is False:
            return "not in the population"
        known = population is True and matching is not None
        return ("matches" if matching else "does not match") if known else "may match" if matching is not False else "may be in the population"

    def _questions(self, tracer: Tracer) -> list[Question]:
        case, statement = self._case, self._case.rule.statement
        chosen = [*tracer.condition("where", statement.where), *tracer.window(case), *tracer.choice(case.rule.qualifiers.jobs, case.scope)]
        chosen += tracer.progress(case)
        chosen += [tracer.column("is not replaced by its parent job", nw.col(name)) for name in self._stays]
        questions = [tracer.column("in the population", nw.col(case.population), chosen), *tracer.condition("matches", statement.requirement.condition)]
        return [*questions, tracer.column("counts for the measure", nw.col(case.measured))]

    def _measured(self, judged: Judgement) -> Iterator[str]:
        requirement, measure = expectation(self._case), measure_of(self._case)
        if judged.nothing:
            yield f"nothing to measure: no job of it {'has finished' if measure.counted_jobs == 'finished' else f'is {measure.counted_jobs}'} in the window"
        elif judged.value is not None:
            operator, limit = limit_of(requirement)
            best, worst = (judged.value.most, judged.value.least) if is_lower(operator) else (judged.value.least, judged.value.most)
            name = requirement.measure.replace("_", " ")
            yield f"{name}: {measure.spell(best)}" + ("" if best == worst else " at best")
            if best != worst:
                yield f"{name}: {measure.spell(worst)} at worst, if every unknown value counts against it"
            yield f"limit: {operator.replace('_', ' ')} {measure.spell(limit)}"
            if requirement.warning is not None:
                yield f"warning at {clean_line(requirement.warning.text)}" + (": exceeded" if is_warned(judged) else "")
            if judged.violation is not False and (compared := measure.tell_compared(judged, self.job_list)):
                yield compared
        elif judged.pending and (pending := measure.tell_pending(judged)):
            yield pending
        else:
            yield from measure.tell_jobs(judged, [name_job(self.job_list, row) for row in judged.rows])
        yield from self._edges(judged)

    def _edges(self, judged: Judgement) -> Iterator[str]:
        edge, expected = judged.edge, expectation(self._case)
        if measure_of(self._case).tells_age(expected) and edge.first is not None and edge.new is not False:
            sure = "it is new" if edge.new else "whether it is new is unknown"
            yield f"{sure}: its first backup job listed was created {iso(moment(edge.first))}"
        if judged.gap is not None:
            yield f"the longest gap: {iso(moment(judged.gap[0]))} to {iso(moment(judged.gap[1]))}"
        if judged.others:
            one = len(judged.others) == 1
            told = "1 job does not record its subject" if one else f"{len(judged.others):,} jobs do not record their subjects"
            yield f"{told}: with {'it' if one else 'them'} it may keep the rule"
        if not judged.group.sure:
            yield "whether it is a subject of the rule is unknown"


def _when(created: int | None) -> str:
    return "created at an unknown time" if created is None else iso(moment(created))
