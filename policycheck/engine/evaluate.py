"""Rules to verdicts. All rules of a list are evaluated in one pass over one frame; nothing in here reads a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never

import narwhals as nw

from policycheck.datasets import DATASETS, Dataset
from policycheck.engine.backends.interface import Backend
from policycheck.engine.compile import compile_condition
from policycheck.engine.findings import describe_empty, describe_findings
from policycheck.engine.frame import ROW, SUBJECT, Frame, build_frame
from policycheck.engine.patterns import check_patterns
from policycheck.engine.recovery import LONGEST_JOB, add_recovered, deadline_in_window, deadline_to_come, fields_needed
from policycheck.engine.scope import in_scope, uncovered_scope, unreached_window
from policycheck.engine.unknown import name_unknown
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import AllMatch, JobChoice, NoData, NoneMatch, Policy, Rule, Scope
from policycheck.records import JobList, micros, moment
from policycheck.result import Coverage, RuleResult, Verdict


@dataclass(frozen=True, slots=True)
class _Case:
    """A rule with what its policy declares, and the number that names its columns."""

    number: int
    rule: Rule
    scope: Scope

    @property
    def violation(self) -> str:
        return f"violation_{self.number}"

    @property
    def population(self) -> str:
        return f"population_{self.number}"

    @property
    def elsewhere(self) -> str:
        return f"elsewhere_{self.number}"

    @property
    def undecided(self) -> str:
        return f"undecided_{self.number}"

    @property
    def recovered(self) -> str:
        return f"recovered_{self.number}"

    @property
    def pending(self) -> str:
        return f"pending_{self.number}"

    @property
    def recovery(self) -> int | None:
        """Microseconds that a job has to be recovered; None: it is not asked about."""
        requirement = self.rule.statement.requirement
        if not isinstance(requirement, NoneMatch) or requirement.recovery is None or requirement.recovery.value is None:
            return None
        return int(requirement.recovery.value)

    @property
    def window_start(self) -> int | None:
        """Microseconds before as_of, as a negative offset applied by the caller; None: no window."""
        within = self.rule.statement.within
        return int(within.value) if within is not None and within.value is not None else None


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


def judge(policies: Sequence[Policy], lists: Mapping[str, JobList], coverage: Sequence[Coverage], as_of: datetime, backend: Backend) -> tuple[RuleResult, ...]:
    """Judge every rule of every policy.

    Args:
        policies: rules are judged in their order; ids are unique in a policy.
        lists: by dataset name, de-duplicated; a dataset that was not read is absent.
        coverage: what was read of each list in each account and Region.
        as_of: the aware instant that ages and windows are measured from.

    Returns:
        One result a rule, in rule order; findings sorted by account, Region and subject.

    Raises:
        PolicyError: a pattern the engine cannot search for.
    """
    cases = [_Case(number, rule, policy.scope) for number, (policy, rule) in enumerate((p, r) for p in policies for r in p.rules)]
    check_patterns(policies, backend)
    results: dict[int, RuleResult] = {}
    for name, dataset in DATASETS.items():
        chosen = [case for case in cases if case.rule.statement.dataset == name]
        if not chosen:
            continue
        job_list = lists.get(name)
        if job_list is None:
            results |= {case.number: _not_read(case, dataset) for case in chosen}
        else:
            results |= _judge_list(chosen, job_list, coverage, as_of, backend)
    return tuple(results[case.number] for case in cases)


def _not_read(case: _Case, dataset: Dataset) -> RuleResult:
    return _result(case.rule, Verdict.INCONCLUSIVE, f"this run has no list of {dataset.noun}s ({dataset.operation})")


def _judge_list(cases: Sequence[_Case], job_list: JobList, coverage: Sequence[Coverage], as_of: datetime, backend: Backend) -> dict[int, RuleResult]:
    frame = build_frame(job_list, _fields(cases), micros(as_of), backend)
    columns = frame.columns
    for case in cases:
        if case.recovery is not None:
            matching = compile_condition(case.rule.statement.requirement.condition, frame, settled=False)
            columns = add_recovered(columns, frame, matching, case.recovery, case.recovered)
    masks = backend.persist(columns.select(nw.col(ROW), nw.col(SUBJECT), *(mask for case in cases for mask in _masks(case, frame))))
    counts = _count(cases, masks, backend)
    violations = _violations([case for case in cases if counts[case.number].definite], masks, backend)
    results = {}
    for case in cases:
        found = describe_findings(case.rule, frame, job_list, violations.get(case.number, ()), backend)
        tally = counts[case.number]
        unknown = ""
        if tally.possible or tally.unsure:
            unknown = name_unknown(_fields_decisive(case), frame, masks, case.violation if tally.possible else case.population, backend)
        verdict, reason = _decide(case, tally, coverage, as_of, len(job_list), unknown)
        if verdict is Verdict.FAIL and not found:
            found = (describe_empty(case.rule, reason),)
        results[case.number] = _result(
            case.rule,
            verdict,
            reason,
            examined=tally.examined,
            subjects=tally.subjects,
            undecided=tally.undecided,
            pending=tally.pending,
            possible=tally.possible,
            findings=found,
        )
    return results


def _fields(cases: Sequence[_Case]) -> list[str]:
    """The fields that this list's rules read, in a stable order."""
    names: set[str] = (
        {"Overdue"} if "Overdue" in DATASETS[cases[0].rule.statement.dataset].fields and any(_leaves_out_progress(case.rule) for case in cases) else set()
    )
    for case in cases:
        statement = case.rule.statement
        names |= fields_of(statement.where) | fields_of(statement.requirement.condition)
        if case.rule.qualifiers.clock:
            names.add(case.rule.qualifiers.clock)
        if case.recovery is not None:
            names |= fields_needed(statement.list)
    return sorted(names)


def _fields_decisive(case: _Case) -> set[str]:
    """The fields that decide about a job of this rule: of its conditions, and of its window."""
    statement, clock = case.rule.statement, case.rule.qualifiers.clock
    windowed = set() if statement.within is None or clock else {"CreationDate", "CompletionDate"}
    return {*_fields([case]), *windowed}


def _leaves_out_progress(rule: Rule) -> bool:
    """Whether a job in progress is undecided: it has no outcome yet that `all` could ask about."""
    asked = fields_of(rule.statement.requirement.condition)
    return isinstance(rule.statement.requirement, AllMatch) and bool(asked & {"State", "Status", "Outcome"})


def _masks(case: _Case, frame: Frame) -> list[nw.Expr]:
    """The rule's columns: who violates, who is in the population, who would be without the window, who is undecided."""
    rule, dataset = case.rule, frame.dataset
    elsewhere = compile_condition(rule.statement.where, frame) & _scope_mask(case.scope)
    match rule.qualifiers.jobs:
        case JobChoice.TOP_LEVEL:
            elsewhere = elsewhere & nw.col("ParentJobId").is_null()
        case JobChoice.MEMBERS:
            elsewhere = elsewhere & ~nw.col("ParentJobId").is_null()
        case JobChoice.ALL:
            pass
    population = elsewhere & _window_mask(case, frame)
    ended = elsewhere if case.recovery is None else elsewhere & ~frame.in_progress()
    masks = [ended.alias(case.elsewhere)]
    if _leaves_out_progress(rule):
        overdue = nw.col("Overdue") if "Overdue" in dataset.fields else nw.lit(False)
        in_progress = frame.in_progress() & ~overdue & (nw.col("CreationDate") >= frame.as_of - LONGEST_JOB)
        masks.append((population & in_progress).alias(case.undecided))
        population = population & ~in_progress
    match rule.statement.requirement:
        case NoneMatch(condition=condition):
            violation = compile_condition(condition, frame, settled=False)
            if case.recovery is not None:
                may_recover = ~nw.col(case.recovered).fill_null(False)
                masks.append((elsewhere & violation & deadline_to_come(frame, case.recovery) & may_recover).alias(case.pending))
                violation = violation & ~nw.col(case.recovered)
        case AllMatch(condition=condition):
            violation = ~compile_condition(condition, frame, settled=True)
        case _:
            assert_never(rule.statement.requirement)
    return [*masks, population.alias(case.population), (population & violation).alias(case.violation)]


def _scope_mask(scope: Scope) -> nw.Expr:
    mask = nw.lit(True)
    if scope.accounts:
        mask = mask & (nw.col("Account").is_null() | nw.col("Account").is_in(list(scope.accounts)))
    if scope.regions:
        mask = mask & (nw.col("Region").is_null() | nw.col("Region").is_in(list(scope.regions)))
    return mask


def _window_mask(case: _Case, frame: Frame) -> nw.Expr:
    length = case.window_start
    if case.recovery is not None:
        return deadline_in_window(frame, case.recovery, length)
    if length is None:
        return nw.lit(True)
    start = frame.as_of - length
    clock = case.rule.qualifiers.clock
    if clock:
        inside = (nw.col(clock) >= start) & (nw.col(clock) <= frame.as_of)
        known = frame.known_missing(frame.dataset.fields[clock])
        if known is False:
            return inside
        return nw.when(nw.col(clock).is_null() & known).then(nw.lit(False)).otherwise(inside)
    return (nw.col("CreationDate") >= start) | _ended_since(frame, start) | frame.in_progress()


def _ended_since(frame: Frame, start: int) -> nw.Expr:
    """Whether a job ended at `start` or later; null where its record does not say. A job in progress has not."""
    dataset = frame.dataset
    state, completed = nw.col(dataset.state_field), nw.col("CompletionDate")
    ended = completed >= start
    if "StartBy" in dataset.fields:
        ended = nw.when(completed.is_null() & (state == "EXPIRED")).then(nw.col("StartBy") >= start).otherwise(ended)
    finished = state.is_in([name for name in dataset.finished if name != "EXPIRED"])
    long_ago = completed.is_null() & finished & (nw.col("CreationDate") < start - LONGEST_JOB)
    return nw.when(long_ago | frame.in_progress()).then(nw.lit(False)).otherwise(ended)


def _count(cases: Sequence[_Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, _Counts]:
    def true(name: str) -> nw.Expr:
        return nw.col(name).cast(nw.Int64).sum().alias(f"true_{name}")

    def null(name: str) -> nw.Expr:
        return nw.col(name).is_null().cast(nw.Int64).sum().alias(f"null_{name}")

    def groups(case: _Case) -> nw.Expr:
        return nw.when(nw.col(case.population)).then(nw.col(SUBJECT)).n_unique().alias(f"groups_{case.number}")

    def outside(case: _Case) -> nw.Expr:
        # A null among the groups counts as one more distinct value.
        return (~nw.col(case.population).fill_null(False)).cast(nw.Int64).max().alias(f"outside_{case.number}")

    asked: list[nw.Expr] = []
    for case in cases:
        asked += [true(case.population), null(case.population), true(case.violation), null(case.violation), groups(case), outside(case), true(case.elsewhere)]
        if _leaves_out_progress(case.rule):
            asked += [true(case.undecided), null(case.undecided)]
        else:
            asked += [nw.lit(0).alias(f"true_{case.undecided}"), nw.lit(0).alias(f"null_{case.undecided}")]
        asked.append(nw.lit(0).alias(f"true_{case.pending}") if case.recovery is None else true(case.pending))
    row = [int(value or 0) for value in backend.rows(masks.select(*asked))[0]]
    counts = {}
    for index, case in enumerate(cases):
        examined, unsure, definite, possible, grouped, others, elsewhere, undecided, may_be_undecided, pending = row[index * 10 : index * 10 + 10]
        subjects = grouped - others if examined else 0
        counts[case.number] = _Counts(examined, unsure + may_be_undecided, definite, possible, subjects, elsewhere, undecided, pending)
    return counts


def _violations(cases: Sequence[_Case], masks: nw.LazyFrame[Any], backend: Backend) -> dict[int, list[tuple[int, int]]]:
    """For each of these rules, (row, subject) of every definite violation."""
    if not cases:
        return {}
    columns = [nw.col(case.violation).fill_null(False) for case in cases]
    any_ = columns[0]
    for column in columns[1:]:
        any_ = any_ | column
    found: dict[int, list[tuple[int, int]]] = {case.number: [] for case in cases}
    for row, subject, *flags in backend.rows(masks.filter(any_).select(nw.col(ROW), nw.col(SUBJECT), *columns)):
        for case, flag in zip(cases, flags, strict=True):
            if flag:
                found[case.number].append((row, subject))
    return found


def _decide(case: _Case, counts: _Counts, coverage: Sequence[Coverage], as_of: datetime, read: int, unknown: str) -> tuple[Verdict, str]:
    """The verdict and its reason, in the order of docs/verdicts.md."""
    if counts.definite:
        return Verdict.FAIL, ""
    dataset = case.rule.statement.dataset
    short = uncovered_scope(case.scope, coverage, dataset)
    coverage = [entry for entry in coverage if entry.dataset == dataset]
    length = case.window_start
    start = None if length is None else moment(micros(as_of) - length - (case.recovery or 0))
    short += unreached_window(case.scope, coverage, start, as_of)
    if not any(in_scope(case.scope, entry.account, entry.region) for entry in coverage) and not short:
        noun = case.rule.statement.list.noun
        short = [f"none of the {noun}s that were read had happened in a place in scope" if read else f"the list of {noun}s is empty"]
    if short:
        return Verdict.INCONCLUSIVE, _joined(short)
    if counts.possible:
        return Verdict.INCONCLUSIVE, f"{counts.possible} of {_counted(read, 'job')} could violate it: {unknown}"
    if counts.examined:
        return Verdict.PASS, ""
    if counts.unsure:
        return Verdict.INCONCLUSIVE, f"{counts.unsure} of {_counted(read, 'job')} may belong to it, and none certainly does: {unknown}"
    if counts.undecided:
        jobs = "the only job is" if counts.undecided == 1 else f"all {counts.undecided:,} jobs are"
        return Verdict.INCONCLUSIVE, f"{jobs} in progress: nothing is decided yet"
    return _decide_empty(case.rule, counts, read)


def _decide_empty(rule: Rule, counts: _Counts, read: int) -> tuple[Verdict, str]:
    noun = rule.statement.list.noun
    listed = _counted(read, noun)
    seen = f"{counts.elsewhere} of {listed} {'matches' if counts.elsewhere == 1 else 'match'} outside the window, none in it"
    if not counts.elsewhere:
        seen = f"the only {noun} does not match" if read == 1 else f"none of {listed} matches"
    reason = f"nothing to judge: {seen}" if read else f"nothing to judge: the list of {noun}s is empty"
    match rule.qualifiers.no_data:
        case NoData.INCONCLUSIVE:
            return Verdict.INCONCLUSIVE, reason
        case NoData.QUIET:
            return (Verdict.PASS if counts.elsewhere else Verdict.INCONCLUSIVE), reason
        case NoData.PASS:
            return Verdict.PASS, reason
        case NoData.FAIL:
            return Verdict.FAIL, reason
        case NoData.SKIP:
            return Verdict.SKIPPED, reason
        case _:
            assert_never(rule.qualifiers.no_data)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def _joined(phrases: Sequence[str], most: int = 3) -> str:
    shown = "; ".join(phrases[:most])
    return f"{shown}; and {len(phrases) - most} more" if len(phrases) > most else shown


def _result(rule: Rule, verdict: Verdict, reason: str, **counts: Any) -> RuleResult:
    return RuleResult(
        id=rule.id,
        policy=rule.policy,
        sentence=rule.sentence,
        severity=rule.severity,
        verdict=verdict,
        location=rule.location,
        reason=reason,
        title=rule.title,
        why=rule.why,
        fix=rule.fix,
        url=rule.url,
        controls=rule.controls,
        tags=rule.tags,
        **counts,
    )
