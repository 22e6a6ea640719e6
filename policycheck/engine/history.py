"""What became of resources day by day, from the frames that the rules of a run read; only where a format shows it.

A day is one of UTC, and a job belongs to the day it was created on. Nothing here is evidence for a verdict: it shows what verdicts are about.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import narwhals as nw
from msgspec import Struct

from policycheck.datasets import BACKUP_JOBS, Dataset
from policycheck.engine.absence import states_place
from policycheck.engine.case import Case
from policycheck.engine.causes import SUCCESS, classify
from policycheck.engine.context import Context
from policycheck.engine.findings import Subject, clean_subject
from policycheck.engine.frame import SUBJECT, Frame
from policycheck.history import AgeLimit, CauseDays, DayOutcome, History, ResourceDays
from policycheck.policy.measures import Measure
from policycheck.policy.model import RESOURCE, Expectation
from policycheck.records import micros, moment
from policycheck.result import RuleResult
from policycheck.units import DAY

MOST_DAYS = 31
MOST_ROWS = 200
"""Resources that are told day by day, the worst of all."""
MOST_CAUSES = 20
_CATEGORY, _MESSAGE, _CREATED = "MessageCategory", "StatusMessage", "CreationDate"
_FIELDS = {_CREATED, _CATEGORY, _MESSAGE, "Outcome"}
_LETTERS = {4: DayOutcome.FAILED, 3: DayOutcome.ISSUES, 2: DayOutcome.OPEN, 1: DayOutcome.CLEAN}
"""What a job says of its day; the greatest number of a day counts."""
_FAILED, _ISSUES, _OPEN, _CLEAN = _LETTERS


def expect_history(cases: Sequence[Case], context: Context) -> None:
    """Say what will be asked of the lists, so that each is one frame with that of the rules."""
    for dataset in _datasets(cases, context):
        context.facts.expect(dataset.name, _fields(dataset))


def tell_history(cases: Sequence[Case], results: Iterable[RuleResult], context: Context) -> History:
    """What became of the worst resources on each day up to as_of, and what went wrong on it."""
    span = _Span.of(context)
    subjects = _Subjects.of(results)
    rows: Sequence[ResourceDays] = ()
    resources = undated = 0
    if BACKUP_JOBS.name in context.lists:
        rows, resources, undated = _Days(context, span, subjects).rows()
    return History(
        start=moment(span.first * DAY),
        days=span.count,
        resources=resources,
        rows=tuple(rows),
        limits=_limits(cases),
        causes=_causes(cases, context, span),
        undated=undated,
    )


def _datasets(cases: Sequence[Case], context: Context) -> list[Dataset]:
    """The lists that the rules of the run read, and that there are."""
    needed = {name for case in cases for name in case.rule.statement.lists_needed} | {BACKUP_JOBS.name}
    return [context.lists[name].dataset for name in sorted(needed) if name in context.lists]


def _fields(dataset: Dataset) -> set[str]:
    return {name for name in _FIELDS if name in dataset.fields}


class _Span(Struct, frozen=True):
    """The days that are told, as whole days since 1970."""

    first: int
    count: int
    as_of: datetime

    @staticmethod
    def of(context: Context) -> _Span:
        last = micros(context.as_of) // DAY
        starts = [entry.evident[0] for entry in context.coverage if entry.dataset == BACKUP_JOBS.name and entry.evident is not None]
        first = max(last - MOST_DAYS + 1, min(min((micros(start) // DAY for start in starts), default=last), last))
        return _Span(first, last - first + 1, context.as_of)

    def bounds(self, index: int) -> tuple[datetime, datetime]:
        """From when to when a day is; the last ends at as_of."""
        return moment((self.first + index) * DAY), min(moment((self.first + index + 1) * DAY), self.as_of)


class _Subjects(Struct, frozen=True):
    """What the results say of resources beside what their jobs say."""

    missed: Mapping[Subject, set[int]]
    """The days since 1970 on which each certainly missed a run."""
    named: frozenset[Subject]
    """Those that findings name; some have no job at all."""

    @staticmethod
    def of(results: Iterable[RuleResult]) -> _Subjects:
        missed: defaultdict[Subject, set[int]] = defaultdict(set)
        named: set[Subject] = set()
        for result in results:
            for key, run in result.missed:
                missed[clean_subject(*key)].add(run // DAY)
            named |= {(found.account, found.region, found.subject) for found in result.findings if found.identity.keys() == {"Account", "Region", RESOURCE}}
        return _Subjects(missed, frozenset(named))


class _Days:
    """The days of all resources, by their backup jobs."""

    def __init__(self, context: Context, span: _Span, subjects: _Subjects) -> None:
        self._context, self._span, self._told = context, span, subjects
        frame = context.facts.frame(BACKUP_JOBS.name, _fields(BACKUP_JOBS))
        self._frame = frame
        self._codes = frame.columns.select(nw.col(SUBJECT), (nw.col(_CREATED) // DAY).alias("_day"), _code(frame).alias("_code"))
        self._covered: dict[tuple[str | None, str | None], list[bool]] = {}

    def rows(self) -> tuple[list[ResourceDays], int, int]:
        """The worst resources, the worst first; how many there are in all, and how many jobs stand on no day."""
        day, code = nw.col("_day"), nw.col("_code")

        def count(outcome: int) -> nw.Expr:
            return nw.when(code == outcome).then(nw.lit(1)).otherwise(nw.lit(0)).sum()

        dated = self._codes.filter(~day.is_null() & (day >= self._span.first))
        totals = dated.group_by(SUBJECT).agg(
            count(_FAILED).alias("_failed"), count(_ISSUES).alias("_issues"), nw.when(code == _CLEAN).then(day).max().alias("_clean")
        )
        scores = self._scores(self._context.backend.rows(totals.select(SUBJECT, "_failed", "_issues", "_clean")))
        worst = sorted(scores, key=lambda subject: (scores[subject], tuple(part or "" for part in subject)))
        told = self._by_day(dated, set(worst[:MOST_ROWS]))
        rows = [ResourceDays(*subject, self._days(subject, told.get(subject, {}))) for subject in worst[:MOST_ROWS]]
        ((undated,),) = self._context.backend.rows(self._codes.filter(day.is_null()).select(nw.len()))
        return rows, len(worst), int(undated)

    @cached_property
    def _numbers(self) -> Mapping[Subject, list[int]]:
        """The numbers of a subject; several look alike once cleaned."""
        numbers: defaultdict[Subject, list[int]] = defaultdict(list)
        for number, key in enumerate(self._frame.subjects):
            numbers[clean_subject(*key)].append(number)
        return numbers

    def _scores(self, totals: Iterable[tuple[Any, ...]]) -> dict[Subject, tuple[int, int, int]]:
        """What sorts resources, the worst first: failed jobs and missed runs, then jobs with issues, then how long ago the last clean one was."""
        failed, issues, clean = Counter[Subject](), Counter[Subject](), dict[Subject, int]()
        found = set(self._told.named) | set(self._told.missed)
        for number, bad, unclean, last in totals:
            subject = clean_subject(*self._frame.subjects[number])
            found.add(subject)
            failed[subject] += bad
            issues[subject] += unclean
            clean[subject] = max(clean.get(subject, -1), -1 if last is None else int(last))
        for subject, days in self._told.missed.items():
            failed[subject] += len(days)
        return {subject: (-failed[subject], -issues[subject], clean.get(subject, -1)) for subject in found}

    def _by_day(self, dated: nw.LazyFrame[Any], subjects: set[Subject]) -> dict[Subject, dict[int, int]]:
        """What the jobs of each of these say of each day."""
        numbers = sorted(number for subject in subjects for number in self._numbers.get(subject, ()))
        if not numbers:
            return {}
        found = self._context.backend.among(dated, SUBJECT, numbers).group_by(SUBJECT, "_day").agg(nw.col("_code").max())
        told: defaultdict[Subject, dict[int, int]] = defaultdict(dict)
        for number, day, code in self._context.backend.rows(found.select(SUBJECT, "_day", "_code")):
            days = told[clean_subject(*self._frame.subjects[number])]
            days[int(day)] = max(days.get(int(day), 0), int(code))
        return told

    def _days(self, subject: Subject, codes: Mapping[int, int]) -> tuple[DayOutcome, ...]:
        missed, covered = self._told.missed.get(subject, set()), self._coverage(subject[0], subject[1])
        outcomes = []
        for index in range(self._span.count):
            day = self._span.first + index
            outcome = _LETTERS.get(codes.get(day, 0), DayOutcome.NONE)
            if day in missed and outcome is not DayOutcome.FAILED:
                outcome = DayOutcome.MISSED
            if outcome in {DayOutcome.CLEAN, DayOutcome.NONE} and not covered[index]:
                # What an incomplete list does not show may have happened.
                outcome = DayOutcome.UNCOVERED
            outcomes.append(outcome)
        return tuple(outcomes)

    def _coverage(self, account: str | None, region: str | None) -> list[bool]:
        """Whether the list of backup jobs is complete for each day wherever the place may be, as far as it is stated."""
        place = account, region
        if place not in self._covered:
            entries = [entry for entry in self._context.coverage if entry.dataset == BACKUP_JOBS.name and states_place(place, entry)]
            days = map(self._span.bounds, range(self._span.count))
            self._covered[place] = [bool(entries) and all(entry.reaches(*day) for entry in entries) for day in days]
        return self._covered[place]


def _code(frame: Frame) -> nw.Expr:
    """What one job says of its day."""
    state = nw.col(frame.dataset.state_field)
    code = nw.when(state.is_in(sorted(frame.dataset.finished))).then(nw.lit(_FAILED)).otherwise(nw.lit(_OPEN))
    done = nw.when(nw.col("Outcome") == "clean").then(nw.lit(_CLEAN)).otherwise(nw.lit(_ISSUES))
    done = nw.when(nw.col("Outcome").is_null()).then(nw.lit(_OPEN)).otherwise(done)
    return nw.when((state == "COMPLETED").fill_null(False)).then(done).otherwise(code)


def _limits(cases: Sequence[Case]) -> tuple[AgeLimit, ...]:
    """How old the newest backup job may be by the rules that say so, the longest first."""
    limits = []
    for case in cases:
        requirement, length = case.rule.statement.requirement, case.window_length
        if isinstance(requirement, Expectation) and requirement.measure is Measure.NEWEST and length is not None and case.rule.statement.list is BACKUP_JOBS:
            limits.append(AgeLimit(case.rule.policy, case.rule.id, length))
    return tuple(sorted(limits, key=lambda limit: (-limit.micros, limit.policy, limit.rule)))


def _causes(cases: Sequence[Case], context: Context, span: _Span) -> tuple[CauseDays, ...]:
    """The most frequent causes in all lists of the run, each with its jobs a day."""
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * span.count)
    for dataset in _datasets(cases, context):
        frame = context.facts.frame(dataset.name, _fields(dataset))
        columns = [dataset.state_field, *(name for name in (_CATEGORY, _MESSAGE) if name in dataset.fields)]
        state, day = nw.col(dataset.state_field), nw.col("_day")
        unwell = frame.columns.select(*columns, (nw.col(_CREATED) // DAY).alias("_day")).filter(
            (state.is_in(sorted(dataset.finished)) & ~_is_well(dataset)).fill_null(False) & (day >= span.first)
        )
        for *said, on, jobs in context.backend.rows(unwell.group_by(*columns, "_day").agg(nw.len().alias("_jobs")).select(*columns, "_day", "_jobs")):
            told = dict(zip(columns, said, strict=True))
            cause = classify(told[dataset.state_field], told.get(_CATEGORY), told.get(_MESSAGE))
            if cause is not None:
                counts[cause][int(on) - span.first] += int(jobs)
    told_all = sorted(counts.items(), key=lambda pair: (-sum(pair[1]), pair[0]))
    return tuple(CauseDays(cause, tuple(days)) for cause, days in told_all[:MOST_CAUSES])


def _is_well(dataset: Dataset) -> nw.Expr:
    """Whether a job completed, and says nothing that could be a cause."""
    well = nw.col(dataset.state_field) == "COMPLETED"
    if _CATEGORY in dataset.fields:
        category = nw.col(_CATEGORY)
        silent = category.is_null() & nw.col(_MESSAGE).is_null() if _MESSAGE in dataset.fields else category.is_null()
        well = well & (silent | (category.str.to_lowercase() == SUCCESS).fill_null(False))
    return well
