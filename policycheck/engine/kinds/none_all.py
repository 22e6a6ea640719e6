"""`none` and `all`: what no job of the population may be, and what every job must be. Each job is judged by itself."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

import narwhals as nw
from msgspec import Struct
from msgspec.structs import replace

from policycheck.datasets import DATASETS
from policycheck.engine.answers import Asked, collect_answers, weaken
from policycheck.engine.backends.interface import Backend
from policycheck.engine.case import Case, Kind, Staying, fields_decisive, fields_read
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.findings import describe_empty, describe_findings
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.ladder import Standing, decide
from policycheck.engine.masks import add_masks
from policycheck.engine.outcomes import RuleTrace
from policycheck.engine.recovery import Recoveries, deadline_to_come, fields_needed, perhaps
from policycheck.engine.unknown import absent_inventories, name_unknown
from policycheck.engine.verdict import decide_empty, not_read, of_another_moment, rule_result, short_evidence
from policycheck.job_lists import JobList
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.result import Coverage, RuleResult, Verdict


class _EachJob(Kind):
    """A rule that judges each job by itself."""

    family = "each job"

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return {case.rule.statement.dataset: fields_read(case)}

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return _judge(cases, context)

    def trace(self, case: Case, context: Context) -> RuleTrace:
        from policycheck.engine.job_trace import JobRuleTrace

        return JobRuleTrace(case, context)

    def is_mendable(self, requirement: Any) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return staying.tell_job() if staying.sure else ""


class NoneOf(_EachJob):
    """No job may match; or each that does must be recovered."""

    def masks(self, case: Case, frame: Frame) -> Mapping[str, nw.Expr]:
        population, violation = nw.col(case.population), compile_condition(case.rule.statement.requirement.condition, frame, settled=False)
        if case.recovery is None:
            return {case.violation: population & violation}
        may_recover = ~nw.col(case.recovered).fill_null(False)
        pending = nw.col(case.chosen) & violation & deadline_to_come(frame, case.recovery) & may_recover
        return {case.violation: population & violation & ~nw.col(case.recovered), case.pending: pending}


class AllOf(_EachJob):
    """Every job must match."""

    leaves_out_progress = True

    def masks(self, case: Case, frame: Frame) -> Mapping[str, nw.Expr]:
        return {case.violation: nw.col(case.population) & ~compile_condition(case.rule.statement.requirement.condition, frame, settled=True)}


NONE, ALL = NoneOf(), AllOf()


class _Counts(Struct, frozen=True):
    """What one pass says of one rule."""

    examined: int
    unsure: int
    definite: int
    possible: int
    subjects: int
    elsewhere: int
    undecided: int
    pending: int


def _judge(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    results: dict[int, RuleResult] = {}
    for name, dataset in DATASETS.items():
        chosen = [case for case in cases if case.rule.statement.dataset == name and case.number not in results]
        for case in chosen if name in context.lists else ():
            if (other := of_another_moment(case.rule, case.scope, context.coverage, context.as_of)) is not None:
                results[case.number] = other
        chosen = [case for case in chosen if case.number not in results]
        job_list = context.lists.get(name)
        if chosen and job_list is None:
            results |= {case.number: not_read(case.rule, dataset) for case in chosen}
        elif chosen and job_list is not None:
            results |= _judge_list(chosen, job_list, context)
    return results


def _judge_list(cases: Sequence[Case], job_list: JobList, context: Context) -> dict[int, RuleResult]:
    coverage, as_of, backend = context.coverage, context.as_of, context.backend
    frame = context.facts.frame(job_list.dataset.name, {name for case in cases for name in fields_read(case)})
    columns, recoveries = frame.columns, Recoveries(frame, job_list, backend)
    for case in cases:
        if case.recovery is not None:
            matching = compile_condition(case.rule.statement.requirement.condition, frame, settled=False)
            columns = recoveries.add_recovered(columns, matching, case.recovery, case.recovered)
    masks = backend.persist(add_masks(columns, cases, frame))
    counts = _count(cases, masks, backend)
    violations = _violations([case for case in cases if counts[case.number].definite], masks, backend)
    told = collect_answers(masks, [_asked(case) for case in cases], frame, context) if context.answers else [()] * len(cases)
    answers = dict(zip((case.number for case in cases), told, strict=True))
    results = {}
    for case in cases:
        definite = zip(*violations.pop(case.number, ((), ())), strict=True)
        found = describe_findings(case.rule, frame, job_list, definite, context.records, backend, context.known(case.number))
        tally = counts[case.number]
        unknown = partial(_unknown, case, case.violation if tally.possible else case.population, frame, masks, columns, recoveries, backend)
        short = _short(case, coverage, as_of, len(job_list))
        verdict, reasons = decide(_standing(case, tally, short, len(job_list), unknown))
        if verdict is Verdict.FAIL and not found:
            found = (describe_empty(case.rule, reasons),)
        results[case.number] = rule_result(
            case.rule,
            verdict,
            reasons,
            beneath=decide(_standing(case, replace(tally, definite=0), short, len(job_list), unknown)) if tally.definite else None,
            examined=tally.examined,
            subjects=tally.subjects,
            undecided=tally.undecided,
            pending=tally.pending,
            possible=tally.possible,
            findings=found,
            answers=weaken(answers[case.number]) if short else answers[case.number],
        )
    return results


def _of_others(case: Case) -> set[str]:
    """What a rule reads of other jobs than the one that it judges."""
    return set() if case.recovery is None else {*fields_needed(case.rule.statement.list), "CompletionDate", "CreationDate"}


def _unknown(case: Case, column: str, frame: Frame, masks: nw.LazyFrame[Any], columns: nw.LazyFrame[Any], recoveries: Recoveries, backend: Backend) -> Reasons:
    """What is unknown of the jobs where `column` of the masks is null; and whether one that does not say enough may have recovered them."""
    if case.recovery is None or column != case.violation:
        return absent_inventories(case.rule, frame) or (name_unknown(fields_decisive(case), frame, masks, column, backend),)
    unsure = [row for (row,) in backend.rows(masks.filter(nw.col(column).is_null()).select(nw.col(ROW)))]
    maybe = [row for (row,) in backend.rows(backend.among(columns, ROW, unsure).filter(nw.col(perhaps(case.recovered))).select(nw.col(ROW)))]
    found = [recoveries.name_lacking()] if maybe else []
    if len(maybe) < len(unsure):
        rest = backend.among(masks, ROW, sorted(set(unsure) - set(maybe)))
        found.insert(0, name_unknown(fields_decisive(case), frame, rest, column, backend, _of_others(case)))
    return tuple(found)


def _asked(case: Case) -> Asked:
    undecided = nw.col(case.undecided) if case.leaves_out_progress else None
    return Asked(nw.col(case.population), nw.col(case.violation), undecided, nw.col(case.pending) if case.recovery is not None else None)


_KNOWN = "_known"


def _count(cases: Sequence[Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, _Counts]:
    populations = [case.population for case in cases]
    names = [*populations, *(case.violation for case in cases), *dict.fromkeys(case.elsewhere for case in cases)]
    names += [case.undecided for case in cases if case.leaves_out_progress] + [case.pending for case in cases if case.recovery is not None]
    totals = masks.select(nw.len(), nw.col(*names).cast(nw.Int64).sum(), nw.col(*names).count().name.suffix(_KNOWN))
    groups = masks.group_by(SUBJECT).agg(nw.col(*populations).cast(nw.Int64).max()).select(nw.col(*populations).sum())
    (length, *found), (subjects,) = backend.rows(totals)[0], backend.rows(groups)
    # A sum of nothing is null, or 0, as the engine has it.
    true = {name: int(value or 0) for name, value in zip(names, found[: len(names)], strict=True)}
    null = {name: length - known for name, known in zip(names, found[len(names) :], strict=True)}
    return {
        case.number: _Counts(
            examined=true[case.population],
            unsure=null[case.population] + null.get(case.undecided, 0),
            definite=true[case.violation],
            possible=null[case.violation],
            subjects=int(grouped or 0),
            elsewhere=true[case.elsewhere],
            undecided=true.get(case.undecided, 0),
            pending=true.get(case.pending, 0),
        )
        for case, grouped in zip(cases, subjects, strict=True)
    }


def _violations(cases: Sequence[Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, tuple[array[int], array[int]]]:
    """For each of these rules, the rows and the subjects of all definite violations."""
    if not cases:
        return {}
    columns = [nw.col(case.violation).fill_null(False) for case in cases]
    any_ = columns[0]
    for column in columns[1:]:
        any_ = any_ | column
    found = {case.number: (array("q"), array("q")) for case in cases}
    for row, subject, *flags in sorted(backend.rows(masks.filter(any_).select(nw.col(ROW), nw.col(SUBJECT), *columns)), key=itemgetter(0)):
        for case, flag in zip(cases, flags, strict=True):
            if flag:
                rows, subjects = found[case.number]
                rows.append(row)
                subjects.append(subject)
    return found


def _standing(case: Case, counts: _Counts, short: Reasons, read: int, name: Callable[[], Reasons]) -> Standing:
    """
    Args:
        short: why the evidence does not reach.
        read: how many jobs the list has.
        name: what is unknown of jobs that may violate, or belong to it.
    """

    def unsettled() -> Reasons:
        if counts.examined or not (counts.unsure or counts.undecided):
            return ()
        if counts.unsure:
            return (Reason(ReasonKind.MAY_BELONG, (case.rule.statement.list.item,), (counts.unsure, read), because=name()),)
        return (Reason(ReasonKind.ALL_IN_PROGRESS, numbers=(counts.undecided,)),)

    unknown: Reasons = ()
    if counts.possible and not counts.definite:
        unknown = (Reason(ReasonKind.COULD_VIOLATE, (case.rule.statement.list.item,), (counts.possible, read), because=name()),)
    return Standing(
        counts.definite,
        # A field that was dropped may be why the list seems to end early, too.
        short=(*short, *unknown) if short else (),
        unknown=lambda: unknown,
        unsettled=unsettled,
        nothing=lambda: None if counts.examined else decide_empty(case.rule, counts.elsewhere, read),
    )


def _short(case: Case, coverage: Sequence[Coverage], as_of: datetime, read: int) -> Reasons:
    """Why the evidence does not reach; nothing where it does."""
    length = case.window_length
    reach = None if length is None else length + (case.recovery or 0)
    return short_evidence(case.scope, coverage, case.rule.statement.dataset, reach, as_of, read)
