"""Rules with `followed_by` to verdicts: whether a job of another list came after each job, in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.answers import SubjectAnswer
from policycheck.dataset_types import Link
from policycheck.datasets import Dataset
from policycheck.engine.answers import Asked, collect_answers, weaken
from policycheck.engine.case import Case, Kind, Staying, fields_of_choice
from policycheck.engine.compile import compile_condition
from policycheck.engine.context import Context
from policycheck.engine.findings import describe_empty
from policycheck.engine.frame import ROW, SUBJECT, Frame
from policycheck.engine.job_trace import outcomes_by_subject, trace_jobs
from policycheck.engine.ladder import Standing, decide
from policycheck.engine.links.coverage import add_covered
from policycheck.engine.links.definitions import DEADLINE, END, LINKS
from policycheck.engine.links.findings import Follower, LinkedJobs, OtherList, Unfollowed, describe_unfollowed
from policycheck.engine.links.followers import add_followed
from policycheck.engine.masks import chosen_mask
from policycheck.engine.notes import cap_notes, name_briefly
from policycheck.engine.outcomes import RuleTrace, Step, SubjectOutcome, SubjectTrace, job_outcome, name_job
from policycheck.engine.recovery import deadline_in_window, deadline_to_come
from policycheck.engine.rewinding import ended
from policycheck.engine.trace import Tracer
from policycheck.engine.unknown import name_lacking, name_unknown
from policycheck.engine.verdict import decide_empty, not_read, rule_result, short_evidence
from policycheck.job_lists import JobList
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import Following
from policycheck.reasons import Reason, ReasonKind, Reasons
from policycheck.records import iso, moment
from policycheck.result import RuleResult, Verdict

_MOST_PLACES = 3
SHORT = 500
"""Of lists with no more jobs together each is compared by itself: for these, a screen takes longer to say than all of them to compare."""
_CHOSEN, _POPULATION, _ELSEWHERE, _PENDING, _VIOLATION, _FOLLOWED, _COVERED = (
    f"_{name}" for name in ("chosen", "population", "elsewhere", "pending", "violation", "followed", "covered")
)


def judge_following(cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
    """Judge every rule with `followed_by`, by the number of its case."""
    results = {}
    frames: dict[str, Frame] = {}
    others: dict[str, Frame] = {}
    for case in cases:
        own, other = case.rule.statement.list, _requirement(case).list
        missing = next((dataset for dataset in (own, other) if dataset.name not in context.lists), None)
        if missing is not None:
            results[case.number] = not_read(case.rule, missing)
            continue
        if own.name not in frames:
            frames[own.name] = _frame(own, cases, context)
        if other.name not in others:
            others[other.name] = _frame(other, cases, context)
        results[case.number] = _judge(case, frames[own.name], others[other.name], context)
    return results


def _requirement(case: Case) -> Following:
    requirement = case.rule.statement.requirement
    assert isinstance(requirement, Following)
    return requirement


def _allowance(case: Case) -> int:
    """Microseconds from a job's end to its deadline."""
    return int(_requirement(case).within.value or 0)


def _links(case: Case) -> tuple[Link, ...]:
    return LINKS[case.rule.statement.dataset, _requirement(case).dataset]


def fields_asked(case: Case) -> dict[str, set[str]]:
    """The fields that a rule's columns come from, by the list; the two may be one."""
    own, other = case.rule.statement.list, _requirement(case).list
    places = {name for name in ("DestinationAccount", "DestinationRegion") if name in own.fields}
    asked = {own.name: fields_of(case.rule.statement.where) | {link.job for link in _links(case)} | places}
    asked.setdefault(other.name, set()).update(fields_of(_requirement(case).condition), (link.follower for link in _links(case)))
    return asked


def _frame(dataset: Dataset, cases: Sequence[Case], context: Context) -> Frame:
    return context.facts.frame(dataset.name, set().union(*(fields_asked(case).get(dataset.name, ()) for case in cases)))


def _judge(case: Case, frame: Frame, other: Frame, context: Context) -> RuleResult:
    rule, job_list = case.rule, context.lists[frame.dataset.name]
    masks = _masks(case, frame, other, context)
    counts = _count(masks, context)
    definite = masks.filter(nw.col(_VIOLATION).fill_null(False)).select(*map(nw.col, (ROW, SUBJECT, END, DEADLINE)))
    # By row: of jobs alike in age, which is told of does not hang on the engine.
    violations = [Unfollowed(*values) for values in sorted(context.backend.rows(definite))]
    others = OtherList(other, context.lists[other.dataset.name], _links(case))
    findings = describe_unfollowed(rule, frame, job_list, violations, others, context.records, context.backend)
    answers: tuple[SubjectAnswer, ...] = ()
    if context.answers:
        (answers,) = collect_answers(masks, [Asked(nw.col(_POPULATION), nw.col(_VIOLATION), None, nw.col(_PENDING))], frame, context)
        context.examined.add(other.dataset.name, other.columns, [compile_condition(_requirement(case).condition, other)])
    short = _short(case, frame, context)
    standing = _standing(case, counts, short, len(job_list), lambda: _unknown(case, frame, other, masks, context), lambda: _unsure(case, frame, masks, context))
    verdict, reasons = decide(standing)
    if verdict is Verdict.FAIL and not findings:
        findings = (describe_empty(rule, reasons),)
    return rule_result(
        rule,
        verdict,
        reasons,
        beneath=decide(replace(standing, violations=0)) if counts.definite else None,
        examined=counts.examined,
        subjects=counts.subjects,
        pending=counts.pending,
        possible=counts.possible,
        notes=_pending_notes(masks, job_list, context) if counts.pending else (),
        findings=findings,
        answers=weaken(answers) if short else answers,
    )


def _masks(case: Case, frame: Frame, other: Frame, context: Context, *, all_jobs: bool = False) -> nw.LazyFrame[Any]:
    """What is asked about each job: chosen, in the population, followed, pending, violating; and when it ended, and its deadline.

    Args:
        all_jobs: whether it is told of every job if it was followed; else only of those of which it matters, and null of the others.
    """
    allowance, links, backend = _allowance(case), _links(case), context.backend
    place = ("DestinationAccount", "DestinationRegion") if "DestinationAccount" in frame.dataset.fields else ("Account", "Region")
    end = ended(frame.dataset)
    columns = frame.columns.with_columns(**{END: end, DEADLINE: end + allowance, _CHOSEN: chosen_mask(case, frame)})
    columns = columns.with_columns(
        **{
            _POPULATION: nw.col(_CHOSEN) & deadline_in_window(frame, allowance, case.window_length),
            _ELSEWHERE: nw.col(_CHOSEN) & ~frame.in_progress(),
            _PENDING: nw.col(_CHOSEN) & deadline_to_come(frame, allowance),
        }
    )
    asked = None if all_jobs else nw.col(_POPULATION).fill_null(True) | nw.col(_PENDING).fill_null(True)
    condition, same_list = _requirement(case).condition, frame.dataset is other.dataset
    screened = len(context.lists[frame.dataset.name]) + len(context.lists[other.dataset.name]) > SHORT
    columns = add_followed(columns, asked, frame, links, other, condition, backend, _FOLLOWED, same_list=same_list, screened=screened)
    columns = add_covered(columns, place, [entry for entry in context.coverage if entry.dataset == other.dataset.name], backend, _COVERED)
    # Where the other list was not read, a job that nobody seems to have followed may have been.
    unfollowed = nw.when(nw.col(_COVERED) | nw.col(_FOLLOWED).fill_null(False)).then(~nw.col(_FOLLOWED))
    pending = nw.col(_PENDING) & ~nw.col(_FOLLOWED).fill_null(False)
    kept = [ROW, SUBJECT, END, DEADLINE, _FOLLOWED, _COVERED, _POPULATION, _ELSEWHERE, *place]
    masks = columns.select(*map(nw.col, kept), pending.alias(_PENDING), (nw.col(_POPULATION) & unfollowed).alias(_VIOLATION))
    return backend.persist(masks)


@dataclass(frozen=True, slots=True)
class _Counts:
    """What the masks of one rule come to."""

    examined: int
    unsure: int
    definite: int
    possible: int
    elsewhere: int
    pending: int
    subjects: int


def _count(masks: nw.LazyFrame[Any], context: Context) -> _Counts:
    names = (_POPULATION, _VIOLATION, _ELSEWHERE, _PENDING)
    totals = masks.select(nw.col(*names).cast(nw.Int64).sum(), nw.col(_POPULATION, _VIOLATION).is_null().cast(nw.Int64).sum().name.suffix("_unknown"))
    subjects = masks.filter(nw.col(_POPULATION).fill_null(False)).select(nw.col(SUBJECT).n_unique())
    # A sum of nothing is null, or 0, as the engine has it.
    examined, definite, elsewhere, pending, unsure, possible = (int(value or 0) for value in context.backend.rows(totals)[0])
    ((grouped,),) = context.backend.rows(subjects)
    return _Counts(examined, unsure, definite, possible, elsewhere, pending, int(grouped or 0))


def _standing(case: Case, counts: _Counts, short: Reasons, read: int, unknown: Callable[[], Reasons], unsure: Callable[[], Reasons]) -> Standing:
    """
    Args:
        short: why the evidence of the rule's own list does not reach.
        read: how many jobs it has.
        unknown: what is unknown of jobs that may violate,
        unsure: and of those that may belong to it.
    """

    def may_violate() -> Reasons:
        return (Reason(ReasonKind.COULD_VIOLATE, ("job",), (counts.possible, read), because=unknown()),) if counts.possible else ()

    def may_belong() -> Reasons:
        alone = counts.unsure and not counts.examined
        return (Reason(ReasonKind.MAY_BELONG, ("job",), (counts.unsure, read), because=unsure()),) if alone else ()

    return Standing(
        counts.definite,
        short=short,
        unknown=may_violate,
        unsettled=may_belong,
        nothing=lambda: None if counts.examined else decide_empty(case.rule, counts.elsewhere, read),
    )


def _unsure(case: Case, frame: Frame, masks: nw.LazyFrame[Any], context: Context) -> Reasons:
    return (name_unknown(_own_fields(case), frame, masks, _POPULATION, context.backend),)


def _short(case: Case, frame: Frame, context: Context) -> Reasons:
    """Why the evidence of the rule's own list does not reach; nothing where it does."""
    length = case.window_length
    reach = None if length is None else length + _allowance(case)
    return short_evidence(case.scope, context.coverage, frame.dataset.name, reach, context.as_of, len(context.lists[frame.dataset.name]))


def _own_fields(case: Case) -> set[str]:
    return {*fields_of(case.rule.statement.where), *fields_of_choice(case), "CompletionDate", "CreationDate"}


def _name_lacking(case: Case, frame: Frame, other: Frame, context: Context) -> Reasons:
    """What records of either list do not say of which job follows which."""
    asked = {*fields_of(_requirement(case).condition), *(link.follower for link in _links(case)), other.dataset.state_field, "CreationDate", "CompletionDate"}
    of_others, own = name_lacking(asked, other, context.backend), name_lacking({link.job for link in _links(case)}, frame, context.backend)
    return tuple(dict.fromkeys((*of_others, *own)))


def _unknown(case: Case, frame: Frame, other: Frame, masks: nw.LazyFrame[Any], context: Context) -> Reasons:
    """Why it is not known whether jobs violate: all that contributes."""
    noun = _requirement(case).list.noun
    places = [name for name in ("Account", "Region", "DestinationAccount", "DestinationRegion") if name in masks.collect_schema().names()]
    possible = masks.filter(nw.col(_VIOLATION).is_null())
    unread = possible.filter(~nw.col(_COVERED)).select(*map(nw.col, places)).unique()
    reasons = []
    if uncovered := sorted({"/".join(part or "unknown" for part in place) for place in context.backend.rows(unread)}):
        more = (len(uncovered) - _MOST_PLACES,) if len(uncovered) > _MOST_PLACES else ()
        reasons.append(Reason(ReasonKind.FOLLOWERS_UNREAD, (noun, *map(name_briefly, uncovered[:_MOST_PLACES])), more))
    linked = possible.filter(nw.col(_FOLLOWED).is_null() & nw.col(_COVERED) & nw.col(_POPULATION).fill_null(False))
    if context.backend.rows(linked.select(nw.len()))[0][0]:
        reasons.append(Reason(ReasonKind.FOLLOWER_UNCLEAR, (noun,), because=_name_lacking(case, frame, other, context)))
    if context.backend.rows(possible.filter(nw.col(_POPULATION).is_null()).select(nw.len()))[0][0]:
        reasons.append(name_unknown(_own_fields(case), frame, possible, _POPULATION, context.backend))
    return tuple(reasons)


def _pending_notes(masks: nw.LazyFrame[Any], job_list: JobList, context: Context) -> tuple[str, ...]:
    """Until when each pending job may still be followed, the first deadline first."""
    id_field = job_list.dataset.id_field
    pending = context.backend.rows(masks.filter(nw.col(_PENDING).fill_null(False)).select(nw.col(DEADLINE), nw.col(ROW)))
    named = sorted((deadline, getattr(job_list.records[row], id_field) or "") for deadline, row in pending)
    lines = [f"{id_field} {name_briefly(job)}: may be followed until {iso(moment(deadline))}" for deadline, job in named]
    return cap_notes(lines, f"{job_list.dataset.noun}s are pending")


class _FollowedJob(NamedTuple):
    """What is judged of one job: see `_masks`."""

    row: int
    end: int | None
    deadline: int | None
    population: bool | None
    followed: bool | None
    covered: bool
    pending: bool | None
    violation: bool | None


def _judged_jobs(case: Case, context: Context) -> tuple[Frame, OtherList, list[_FollowedJob]]:
    """What one rule makes of each job of its list, and the list of the jobs that follow. Both lists are there."""
    own, other = case.rule.statement.list, _requirement(case).list
    frame, following = _frame(own, [case], context), _frame(other, [case], context)
    names = (ROW, END, DEADLINE, _POPULATION, _FOLLOWED, _COVERED, _PENDING, _VIOLATION)
    rows = context.backend.rows(_masks(case, frame, following, context, all_jobs=True).select(*map(nw.col, names)))
    return frame, OtherList(following, context.lists[other.name], _links(case)), [_FollowedJob(*row) for row in rows]


class FollowingTrace:
    """Of `followed_by`."""

    def __init__(self, case: Case, context: Context) -> None:
        self._case, self._context = case, context
        self.job_list = context.lists[case.rule.statement.dataset]
        self._frame, self._other, judged = _judged_jobs(case, context)
        self._judged = {job.row: job for job in judged}

    def subjects(self) -> Sequence[SubjectOutcome]:
        numbers = dict(self._context.backend.rows(self._frame.columns.select(nw.col(ROW), nw.col(SUBJECT))))
        rows = {row: (numbers[row], job.population, job.violation) for row, job in self._judged.items()}
        return outcomes_by_subject(self._frame, self.job_list, rows)

    def trace(self, subject: SubjectOutcome, rows: Sequence[int]) -> SubjectTrace:
        tracer, case = Tracer(self._frame), self._case
        questions = [*tracer.condition("where", case.rule.statement.where), *tracer.window(case, _allowance(case))]
        questions += tracer.choice(case.rule.qualifiers.jobs, case.scope)
        chosen = tracer.answers(questions, self._frame.columns, rows, self._context.backend)
        followers = LinkedJobs(case.rule, self.job_list, rows, self._other, self._context.backend)
        steps = {row: self._steps(self._judged[row], chosen[row], followers.of(row)) for row in rows}
        outcomes = {row: job_outcome(self._judged[row].population, self._judged[row].violation) for row in rows}
        return SubjectTrace(subject, (), tuple(trace_jobs(self._frame, self.job_list, rows, steps, outcomes, self._context)))

    def _steps(self, job: _FollowedJob, chosen: tuple[Step, ...], followers: Sequence[Follower]) -> tuple[Step, ...]:
        noun = _requirement(self._case).list.noun
        linked = tuple(self._follower(job, follower) for follower in followers)
        deadline = "not known" if job.deadline is None else iso(moment(job.deadline))
        seen = f"{len(linked)} linked" if linked else f"no {noun} names it"
        return (
            Step("in the population", job.population, steps=chosen),
            Step(f"followed by a {noun} that counts", job.followed, f"deadline {deadline}; {seen}", linked),
            Step(f"the list of {noun}s is complete from its end to its deadline in the account and Region where it would run", job.covered),
            Step("pending until its deadline", job.pending),
            Step("violates", job.violation),
        )

    def _follower(self, job: _FollowedJob, follower: Follower) -> Step:
        tracer, frame, dataset = Tracer(self._other.frame), self._other.frame, self._other.frame.dataset
        done = nw.col(dataset.state_field) == "COMPLETED"
        state = tracer.column("COMPLETED", done)
        condition = tracer.condition("what must follow", _requirement(self._case).condition)
        completed = nw.col("CompletionDate")
        by = nw.lit(job.deadline) if job.deadline is not None else nw.when(nw.lit(False)).then(completed)
        in_time = tracer.column("in time", completed <= by, times={"completed": completed})
        truth = compile_condition(_requirement(self._case).condition, frame) & done & (completed <= by)
        whole = tracer.column(f"{dataset.noun} {name_job(self._other.job_list, follower.row)} counts", truth, [*condition, state, in_time])
        (step,) = tracer.answers([whole], frame.columns, [follower.row], self._context.backend)[follower.row]
        return step


class FollowedBy(Kind):
    """See `Kind`."""

    def fields_asked(self, case: Case) -> dict[str, set[str]]:
        return fields_asked(case)

    def judge(self, cases: Sequence[Case], context: Context) -> dict[int, RuleResult]:
        return judge_following(cases, context)

    def trace(self, case: Case, context: Context) -> RuleTrace:
        return FollowingTrace(case, context)

    def is_mendable(self, requirement: Following) -> bool:
        return False

    def tell_staying(self, staying: Staying) -> str:
        return staying.tell_job() if staying.sure else ""


KIND = FollowedBy()
