"""What each subject of a rule came to, so that a reader can list all who were evaluated and not only those that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import narwhals as nw

from policycheck.answers import Answer, SubjectAnswer
from policycheck.engine.context import Context
from policycheck.engine.examined import newest_rank
from policycheck.engine.findings import Subject, clean_subject
from policycheck.engine.frame import SUBJECT, Frame
from policycheck.engine.limits import spell_violations
from policycheck.finding_file import subject_mark
from policycheck.finding_list import choose, marks
from policycheck.result import RuleResult, Verdict

# Of a subject's records the one that says most decides; 0: none is in the population.
_OF_RECORDS = {5: Answer.FAIL, 4: Answer.UNDECIDED, 3: Answer.PENDING, 2: Answer.PASS, 1: Answer.UNDECIDED}


class Asked(NamedTuple):
    """What a rule on single jobs asks of each record: whether it is in the population, violates, and is left undecided or pending, where it may be."""

    population: nw.Expr
    violation: nw.Expr
    undecided: nw.Expr | None = None
    pending: nw.Expr | None = None

    @property
    def answer(self) -> nw.Expr:
        """What a record says of its subject, as a number: the greatest of a subject's records is its answer."""
        population, violation = self.population, self.violation
        answer = nw.when(population.fill_null(False)).then(nw.lit(2)).otherwise(nw.lit(0))
        if self.undecided is not None:
            answer = nw.when(self.undecided.fill_null(False)).then(nw.lit(1)).otherwise(answer)
        if self.pending is not None:
            answer = nw.when(self.pending.fill_null(False)).then(nw.lit(3)).otherwise(answer)
        answer = nw.when(violation.is_null() | population.is_null()).then(nw.lit(4)).otherwise(answer)
        return nw.when(violation.fill_null(False)).then(nw.lit(5)).otherwise(answer)

    @property
    def looked_at(self) -> list[nw.Expr]:
        """By which records are counted as evaluated."""
        return [mask for mask in (self.population, self.undecided, self.pending) if mask is not None]


def collect_answers(masks: nw.LazyFrame[Any], asked: Sequence[Asked], frame: Frame, context: Context) -> list[tuple[SubjectAnswer, ...]]:
    """The answers of every subject to each of several rules on one list; the jobs they look at are noted."""
    name, examined = frame.dataset.name, context.examined
    examined.add(name, masks, [mask for one in asked for mask in one.looked_at])
    found: dict[str, nw.Expr] = {}
    for number, one in enumerate(asked):
        found |= {
            f"_answer_{number}": one.answer.max(),
            f"_newest_{number}": newest_rank(one.population),
            f"_examined_{number}": one.population.fill_null(False).cast(nw.Int64).sum(),
            f"_violating_{number}": one.violation.fill_null(False).cast(nw.Int64).sum(),
            f"_unknown_{number}": one.violation.is_null().cast(nw.Int64).sum(),
        }
    grouped = examined.with_ranks(masks, name).group_by(SUBJECT).agg(**found)
    rows = context.backend.rows(grouped.select(nw.col(SUBJECT), *map(nw.col, found)))
    subjects = {number: clean_subject(*frame.subjects[number]) for number, *_ in rows}
    return [_answers_of(index, rows, subjects, name, context) for index in range(1, len(found) + 1, len(found) // len(asked))]


def _answers_of(index: int, rows: Sequence[tuple[Any, ...]], subjects: Mapping[int, Subject], name: str, context: Context) -> tuple[SubjectAnswer, ...]:
    """The answers to one rule, whose columns begin at this index."""
    told = []
    for row in rows:
        said, newest, examined, violating, unknown = row[index : index + 5]
        if said:
            measured = spell_violations(violating, unknown, examined)
            told.append(SubjectAnswer(*subjects[row[0]], _OF_RECORDS[said], *measured, context.examined.name_newest(name, newest)))
    return ordered(told)


def ordered(answers: Iterable[SubjectAnswer]) -> tuple[SubjectAnswer, ...]:
    """Sorted by account, Region and subject; of subjects that look alike once cleaned, the worse answer."""
    worst: dict[tuple[str, str, str], SubjectAnswer] = {}
    for answer in answers:
        key = answer.account or "", answer.region or "", answer.subject
        if key not in worst or _WORSE.index(answer.answer) < _WORSE.index(worst[key].answer):
            worst[key] = answer
    return tuple(worst[key] for key in sorted(worst))


_WORSE = (Answer.FAIL, Answer.UNDECIDED, Answer.PENDING, Answer.NOTHING, Answer.WAIVED, Answer.PASS)


def settle_answers(result: RuleResult) -> RuleResult:
    """The result in which no subject passes a rule that does not, unless the rule fails for others; findings that are waived are told so.

    Who seems to fail for want of evidence alone, so that there is no finding, is undecided.
    """
    answers = result.answers
    if not answers:
        return result
    found = {mark.subject for mark in marks(result.findings)}
    # Of a rule on a share of its subjects those fail that do not keep to its limit, whatever becomes of the rule.
    if not result.tolerates and any(one.answer is Answer.FAIL and subject_mark(*one[:3]) not in found for one in answers):
        answers = tuple(one._replace(answer=Answer.UNDECIDED) if one.answer is Answer.FAIL and subject_mark(*one[:3]) not in found else one for one in answers)
    if result.verdict is Verdict.INCONCLUSIVE:
        answers = weaken(answers)
    waived = _waived(result)
    if waived:
        answers = tuple(one._replace(answer=Answer.WAIVED) if one.answer is Answer.FAIL and one[:3] in waived else one for one in answers)
    return replace(result, answers=answers) if answers is not result.answers else result


def _waived(result: RuleResult) -> set[Subject]:
    """The subjects that waivers accept."""
    whole = choose(result.findings, lambda kind: kind.waived)
    waived = {(found.account, found.region, found.subject) for found in whole if not found.members}
    # A rule on a share of its subjects has one finding.
    shares = result.findings if result.tolerates else ()
    return waived | {(one.account, one.region, one.subject) for found in shares for number, one in enumerate(found.members) if number in found.accepted}


def weaken(answers: Iterable[SubjectAnswer]) -> tuple[SubjectAnswer, ...]:
    """The answers where the evidence is insufficient: what nothing was found against did not pass."""
    return tuple(one._replace(answer=Answer.UNDECIDED) if one.answer is Answer.PASS else one for one in answers)
