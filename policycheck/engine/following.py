"""Rules with `followed_by` to verdicts: whether a job of another list came after each job, in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.datasets import Dataset
from policycheck.engine.answers import collect_answers, record_answer, weaken
from policycheck.engine.case import Case, fields_of_choice
from policycheck.engine.context import Context
from policycheck.engine.findings import describe_empty
from policycheck.engine.follower_findings import OtherList, Unfollowed, describe_unfollowed
from policycheck.engine.frame import ROW, SUBJECT, Frame, ended
from policycheck.engine.links import DEADLINE, END, LINKS, Link, add_covered, add_followed
from policycheck.engine.masks import chosen_mask
from policycheck.engine.notes import cap_notes, name_briefly
from policycheck.engine.recovery import deadline_in_window, deadline_to_come
from policycheck.engine.unknown import name_lacking, name_unknown
from policycheck.engine.verdict import decide_empty, not_read, rule_result, short_evidence
from policycheck.job_lists import JobList
from policycheck.policy.conditions import fields_of
from policycheck.policy.model import Following
from policycheck.reasons import Reasons, spell_reasons, told
from policycheck.records import iso, moment
from policycheck.result import RuleResult, SubjectAnswer, Verdict
from policycheck.text import counted

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


class FollowedJob(NamedTuple):
    """What is judged of one job: see `_masks`."""

    row: int
    end: int | None
    deadline: int | None
    population: bool | None
    followed: bool | None
    covered: bool
    pending: bool | None
    violation: bool | None


def trace_following(case: Case, context: Context) -> tuple[Frame, OtherList, list[FollowedJob]]:
    """What one rule makes of each job of its list, and the list of the jobs that follow. Both lists are there."""
    own, other = case.rule.statement.list, _requirement(case).list
    frame, following = _frame(own, [case], context), _frame(other, [case], context)
    names = (ROW, END, DEADLINE, _POPULATION, _FOLLOWED, _COVERED, _PENDING, _VIOLATION)
    rows = context.backend.rows(_masks(case, frame, following, context).select(*map(nw.col, names)))
    return frame, OtherList(following, context.lists[other.name], _links(case)), [FollowedJob(*row) for row in rows]


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
    violations = [Unfollowed(*values) for values in context.backend.rows(definite)]
    others = OtherList(other, context.lists[other.dataset.name], _links(case))
    findings = describe_unfollowed(rule, frame, job_list, violations, others, context.records, context.backend)
    answers: tuple[SubjectAnswer, ...] = ()
    if context.answers:
        answer = record_answer(nw.col(_POPULATION), nw.col(_VIOLATION), None, nw.col(_PENDING))
        (answers,) = collect_answers(masks, [answer], frame, context.backend)
    verdict, reason = _decide(case, counts, frame, other, masks, context)
    if verdict is Verdict.FAIL and not findings:
        findings = (describe_empty(rule, told(reason)),)
    return rule_result(
        rule,
        verdict,
        told(reason),
        beneath=_beneath(case, replace(counts, definite=0), frame, other, masks, context) if counts.definite else None,
        examined=counts.examined,
        subjects=counts.subjects,
        pending=counts.pending,
        possible=counts.possible,
        notes=_pending_notes(masks, job_list, context) if counts.pending else (),
        findings=findings,
        answers=weaken(answers) if _short(case, frame, context) else answers,
    )


def _masks(case: Case, frame: Frame, other: Frame, context: Context) -> nw.LazyFrame[Any]:
    """What is asked about each job: chosen, in the population, followed, pending, violating; and when it ended, and its deadline."""
    allowance, links = _allowance(case), _links(case)
    place = ("DestinationAccount", "DestinationRegion") if "DestinationAccount" in frame.dataset.fields else ("Account", "Region")
    end = ended(frame.dataset)
    columns = frame.columns.with_columns(**{END: end, DEADLINE: end + allowance})
    columns = add_followed(columns, frame, links, other, _requirement(case).condition, context.backend, _FOLLOWED, same_list=frame.dataset is other.dataset)
    columns = add_covered(columns, place, [entry for entry in context.coverage if entry.dataset == other.dataset.name], context.backend, _COVERED)
    columns = columns.with_columns(**{_CHOSEN: chosen_mask(case, frame)})
    columns = columns.with_columns(
        **{
            _POPULATION: nw.col(_CHOSEN) & deadline_in_window(frame, allowance, case.window_length),
            _ELSEWHERE: nw.col(_CHOSEN) & ~frame.in_progress(),
            _PENDING: nw.col(_CHOSEN) & deadline_to_come(frame, allowance) & ~nw.col(_FOLLOWED).fill_null(False),
        }
    )
    # Where the other list was not read, a job that nobody seems to have followed may have been.
    unfollowed = nw.when(nw.col(_COVERED) | nw.col(_FOLLOWED).fill_null(False)).then(~nw.col(_FOLLOWED))
    kept = (ROW, SUBJECT, END, DEADLINE, _FOLLOWED, _COVERED, _POPULATION, _ELSEWHERE, _PENDING, *place)
    masks = columns.with_columns(**{_VIOLATION: nw.col(_POPULATION) & unfollowed}).select(*(nw.col(name) for name in kept), nw.col(_VIOLATION))
    return context.backend.persist(masks)


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


def _decide(case: Case, counts: _Counts, frame: Frame, other: Frame, masks: nw.LazyFrame[Any], context: Context) -> tuple[Verdict, str]:
    """The verdict and its reason, in the order of docs/verdicts.md."""
    if counts.definite:
        return Verdict.FAIL, ""
    read = len(context.lists[frame.dataset.name])
    if short := _short(case, frame, context):
        return Verdict.INCONCLUSIVE, short
    if counts.possible:
        return Verdict.INCONCLUSIVE, f"{counts.possible:,} of {counted(read, 'job')} could violate it: {_unknown(case, frame, other, masks, context)}"
    if counts.examined:
        return Verdict.PASS, ""
    if counts.unsure:
        unknown = name_unknown(_own_fields(case), frame, masks, _POPULATION, context.backend)
        return Verdict.INCONCLUSIVE, f"{counts.unsure:,} of {counted(read, 'job')} may belong to it, and none certainly does: {unknown}"
    empty, why = decide_empty(case.rule, counts.elsewhere, read)
    return empty, spell_reasons(why)


def _beneath(*arguments: Any) -> tuple[Verdict, Reasons]:
    verdict, reason = _decide(*arguments)
    return verdict, told(reason)


def _short(case: Case, frame: Frame, context: Context) -> str:
    """Why the evidence of the rule's own list does not reach; empty where it does."""
    length = case.window_length
    reach = None if length is None else length + _allowance(case)
    return spell_reasons(short_evidence(case.scope, context.coverage, frame.dataset.name, reach, context.as_of, len(context.lists[frame.dataset.name])))


def _own_fields(case: Case) -> set[str]:
    return {*fields_of(case.rule.statement.where), *fields_of_choice(case), "CompletionDate", "CreationDate"}


def _name_lacking(case: Case, frame: Frame, other: Frame, context: Context) -> str:
    """What records of either list do not say of which job follows which."""
    asked = {*fields_of(_requirement(case).condition), *(link.follower for link in _links(case)), other.dataset.state_field, "CreationDate", "CompletionDate"}
    lacking = [name_lacking(asked, other, context.backend), name_lacking({link.job for link in _links(case)}, frame, context.backend)]
    return "; ".join(dict.fromkeys(filter(None, map(spell_reasons, lacking))))


def _unknown(case: Case, frame: Frame, other: Frame, masks: nw.LazyFrame[Any], context: Context) -> str:
    """Why it is not known whether jobs violate: all that contributes."""
    noun = _requirement(case).list.noun
    places = [name for name in ("Account", "Region", "DestinationAccount", "DestinationRegion") if name in masks.collect_schema().names()]
    possible = masks.filter(nw.col(_VIOLATION).is_null())
    unread = possible.filter(~nw.col(_COVERED)).select(*map(nw.col, places)).unique()
    phrases = []
    if uncovered := sorted({"/".join(part or "unknown" for part in place) for place in context.backend.rows(unread)}):
        named = ", ".join(name_briefly(place) for place in uncovered[:3]) + (f" and {len(uncovered) - 3} more places" if len(uncovered) > 3 else "")
        phrases.append(f"no list of {noun}s covers {named} from their end to their deadline")
    linked = possible.filter(nw.col(_FOLLOWED).is_null() & nw.col(_COVERED) & nw.col(_POPULATION).fill_null(False))
    if context.backend.rows(linked.select(nw.len()))[0][0]:
        phrases.append(": ".join(filter(None, [f"a {noun} that may follow does not say enough", _name_lacking(case, frame, other, context)])))
    if context.backend.rows(possible.filter(nw.col(_POPULATION).is_null()).select(nw.len()))[0][0]:
        phrases.append(str(name_unknown(_own_fields(case), frame, possible, _POPULATION, context.backend)))
    return "; ".join(phrases)


def _pending_notes(masks: nw.LazyFrame[Any], job_list: JobList, context: Context) -> tuple[str, ...]:
    """Until when each pending job may still be followed, the first deadline first."""
    id_field = job_list.dataset.id_field
    pending = context.backend.rows(masks.filter(nw.col(_PENDING).fill_null(False)).select(nw.col(DEADLINE), nw.col(ROW)))
    named = sorted((deadline, getattr(job_list.records[row], id_field) or "") for deadline, row in pending)
    lines = [f"{id_field} {name_briefly(job)}: may be followed until {iso(moment(deadline))}" for deadline, job in named]
    return cap_notes(lines, f"{job_list.dataset.noun}s are pending")
