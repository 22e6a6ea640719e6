"""Rules to verdicts. All rules of a list are evaluated in one pass over one frame; nothing in here reads a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, assert_never

import narwhals as nw

from policycheck.datasets import DATASETS
from policycheck.engine import groups
from policycheck.engine.answers import collect_answers, record_answer, settle_answers, weaken
from policycheck.engine.backends.interface import Backend
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.entries import entry_notes
from policycheck.engine.findings import describe_empty, describe_findings
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.kinds import followed_by, missed_runs
from policycheck.engine.masks import Case, add_masks, fields_decisive, fields_read
from policycheck.engine.nearness import apply_nearness
from policycheck.engine.recovery import Recoveries, fields_needed, perhaps
from policycheck.engine.unknown import name_unknown
from policycheck.engine.verdict import counted, decide_empty, not_read, rule_result, short_evidence
from policycheck.engine.waivers import apply_waivers
from policycheck.inventory import Inventory
from policycheck.job_lists import JobList
from policycheck.policy.model import AllMatch, Expectation, Following, Measure, NoneMatch, Policy, WaiverGrant
from policycheck.result import Coverage, RuleResult, Verdict


@dataclass(frozen=True, slots=True)
class _Counts:
    """What one pass says of one rule."""

    examined: int
    unsure: int
    definite: int
    possible: int
    subjects: int
    elsewhere: int
    undecided: int
    pending: int


def judge(
    policies: Sequence[Policy],
    lists: Mapping[str, JobList],
    coverage: Sequence[Coverage],
    as_of: datetime,
    backend: Backend,
    *,
    inventories: Mapping[str, Inventory] | None = None,
    answers: bool = False,
) -> tuple[RuleResult, ...]:
    """Judge every rule of every policy.

    Args:
        policies: rules are judged in their order; ids are unique in a policy.
        lists: by dataset name, de-duplicated; a dataset that was not read is absent.
        coverage: what was read of each list in each account and Region.
        as_of: the aware instant that ages and windows are measured from.
        inventories: by the names that rules give them.
        answers: whether the results list what each subject came to; it changes nothing else.

    Returns:
        One result a rule, in rule order; findings sorted by account, Region and subject.
    """
    cases = [Case(number, rule, policy.scope) for number, (policy, rule) in enumerate((p, r) for p in policies for r in p.rules)]
    context = Context(lists, coverage, as_of, backend, inventories or {}, answers)
    for case in cases:
        for name, fields in _fields_asked(case).items():
            context.facts.expect(name, fields)
    alike: dict[_Judge, list[Case]] = {}
    for case in cases:
        alike.setdefault(_judge_of(case), []).append(case)
    results: dict[int, RuleResult] = {}
    for judge_cases, chosen in alike.items():
        results |= judge_cases(chosen, context)
    results = {case.number: replace(results[case.number], notes=(*results[case.number].notes, *entry_notes(case, context))) for case in cases}
    results = apply_nearness(results, cases, context)
    grants: dict[tuple[str, str], list[WaiverGrant]] = {}
    for grant in (grant for policy in policies for grant in policy.waivers):
        grants.setdefault((grant.policy, grant.rule), []).append(grant)
    waived = apply_waivers(results, cases, {case.number: grants.get((case.rule.policy, case.rule.id), []) for case in cases}, context)
    return tuple(map(settle_answers, waived))


_Judge = Callable[[Sequence[Case], Context], dict[int, RuleResult]]


def _judge_of(case: Case) -> _Judge:
    """What judges a rule: all rules of one kind are judged together."""
    match case.rule.statement.requirement:
        case NoneMatch() | AllMatch():
            return _judge_jobs
        case Expectation(measure=Measure.MISSED_RUNS):
            return missed_runs.judge_runs
        case Expectation():
            return groups.judge_groups
        case Following():
            return followed_by.judge_following
        case _:
            assert_never(case.rule.statement.requirement)


def _fields_asked(case: Case) -> dict[str, set[str]]:
    """The fields of each list that a rule's columns come from, so that a list is one frame for all kinds."""
    match case.rule.statement.requirement:
        case NoneMatch() | AllMatch():
            return {case.rule.statement.dataset: fields_read(case)}
        case Expectation(measure=Measure.MISSED_RUNS):
            return missed_runs.fields_asked(case)
        case Expectation():
            return groups.fields_asked(case)
        case Following():
            return followed_by.fields_asked(case)
        case _:
            assert_never(case.rule.statement.requirement)


def _judge_jobs(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """Rules that judge each job by itself."""
    results: dict[int, RuleResult] = {}
    for name, dataset in DATASETS.items():
        chosen = [case for case in cases if case.rule.statement.dataset == name]
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
    told = collect_answers(masks, [_answer(case) for case in cases], frame, backend) if context.answers else [()] * len(cases)
    answers = dict(zip((case.number for case in cases), told, strict=True))
    results = {}
    for case in cases:
        found = describe_findings(case.rule, frame, job_list, violations.pop(case.number, ()), context.records, backend)
        tally = counts[case.number]
        unknown = partial(_unknown, case, case.violation if tally.possible else case.population, frame, masks, columns, recoveries, backend)
        verdict, reason = _decide(case, tally, coverage, as_of, len(job_list), unknown)
        if verdict is Verdict.FAIL and not found:
            found = (describe_empty(case.rule, reason),)
        results[case.number] = rule_result(
            case.rule,
            verdict,
            reason,
            beneath=_decide(case, replace(tally, definite=0), coverage, as_of, len(job_list), unknown) if tally.definite else None,
            examined=tally.examined,
            subjects=tally.subjects,
            undecided=tally.undecided,
            pending=tally.pending,
            possible=tally.possible,
            findings=found,
            answers=weaken(answers[case.number]) if _short(case, coverage, as_of, len(job_list)) else answers[case.number],
        )
    return results


def _of_others(case: Case) -> set[str]:
    """What a rule reads of other jobs than the one that it judges."""
    return set() if case.recovery is None else {*fields_needed(case.rule.statement.list), "CompletionDate", "CreationDate"}


def _unknown(case: Case, column: str, frame: Frame, masks: nw.LazyFrame[Any], columns: nw.LazyFrame[Any], recoveries: Recoveries, backend: Backend) -> str:
    """What is unknown of the jobs where `column` of the masks is null; and whether one that does not say enough may have recovered them."""
    if case.recovery is None or column != case.violation:
        return name_unknown(fields_decisive(case), frame, masks, column, backend)
    unsure = [row for (row,) in backend.rows(masks.filter(nw.col(column).is_null()).select(nw.col(ROW)))]
    maybe = [row for (row,) in backend.rows(columns.filter(nw.col(ROW).is_in(unsure) & nw.col(perhaps(case.recovered))).select(nw.col(ROW)))]
    found = [recoveries.name_lacking()] if maybe else []
    if len(maybe) < len(unsure):
        found.insert(0, name_unknown(fields_decisive(case), frame, masks.filter(~nw.col(ROW).is_in(maybe)), column, backend, _of_others(case)))
    return "; ".join(found)


def _answer(case: Case) -> nw.Expr:
    undecided = nw.col(case.undecided) if case.leaves_out_progress else None
    return record_answer(nw.col(case.population), nw.col(case.violation), undecided, nw.col(case.pending) if case.recovery is not None else None)


_KNOWN = "_known"


def _count(cases: Sequence[Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, _Counts]:
    populations = [case.population for case in cases]
    names = [*populations, *(case.violation for case in cases), *(case.elsewhere for case in cases)]
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


def _violations(cases: Sequence[Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, list[tuple[int, int]]]:
    """For each of these rules, (row, subject) of every definite violation."""
    if not cases:
        return {}
    columns = [nw.col(case.violation).fill_null(False) for case in cases]
    any_ = columns[0]
    for column in columns[1:]:
        any_ = any_ | column
    found: dict[int, list[tuple[int, int]]] = {case.number: [] for case in cases}
    for row, subject, *flags in backend.rows(masks.filter(any_).select(nw.col(ROW), nw.col(SUBJECT), *columns)):
        violation = row, subject
        for case, flag in zip(cases, flags, strict=True):
            if flag:
                found[case.number].append(violation)
    return found


def _decide(case: Case, counts: _Counts, coverage: Sequence[Coverage], as_of: datetime, read: int, unknown: Callable[[], str]) -> tuple[Verdict, str]:
    """The verdict and its reason, in the order of docs/verdicts.md."""
    if counts.definite:
        return Verdict.FAIL, ""
    possible = f"{counts.possible} of {counted(read, 'job')} could violate it: {unknown()}" if counts.possible else ""
    if short := _short(case, coverage, as_of, read):
        # A field that was dropped may be why the list seems to end early, too.
        return Verdict.INCONCLUSIVE, "; ".join(filter(None, [short, possible]))
    if possible:
        return Verdict.INCONCLUSIVE, possible
    if counts.examined:
        return Verdict.PASS, ""
    if counts.unsure:
        return Verdict.INCONCLUSIVE, f"{counts.unsure} of {counted(read, 'job')} may belong to it, and none certainly does: {unknown()}"
    if counts.undecided:
        jobs = "the only job is" if counts.undecided == 1 else f"all {counts.undecided:,} jobs are"
        return Verdict.INCONCLUSIVE, f"{jobs} in progress: nothing is decided yet"
    return decide_empty(case.rule, counts.elsewhere, read)


def _short(case: Case, coverage: Sequence[Coverage], as_of: datetime, read: int) -> str:
    """Why the evidence does not reach; empty where it does."""
    length = case.window_length
    reach = None if length is None else length + (case.recovery or 0)
    return short_evidence(case.scope, coverage, case.rule.statement.dataset, reach, as_of, read)
