"""What each subject of a rule came to, so that a reader can list all who were evaluated and not only those that failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import narwhals as nw

from policycheck.engine.backends.interface import Backend
from policycheck.engine.findings import clean_subject
from policycheck.engine.frame import SUBJECT, Frame
from policycheck.result import Answer, RuleResult, SubjectAnswer, Verdict

# Of a subject's records the one that says most decides; 0: none is in the population.
_OF_RECORDS = {5: Answer.FAIL, 4: Answer.UNDECIDED, 3: Answer.PENDING, 2: Answer.PASS, 1: Answer.UNDECIDED}


def record_answer(population: nw.Expr, violation: nw.Expr, undecided: nw.Expr | None, pending: nw.Expr | None) -> nw.Expr:
    """What one record says of its subject, as a number: the greatest of a subject's records is its answer (`collect_answers`)."""
    answer = nw.when(population.fill_null(False)).then(nw.lit(2)).otherwise(nw.lit(0))
    if undecided is not None:
        answer = nw.when(undecided.fill_null(False)).then(nw.lit(1)).otherwise(answer)
    if pending is not None:
        answer = nw.when(pending.fill_null(False)).then(nw.lit(3)).otherwise(answer)
    answer = nw.when(violation.is_null() | population.is_null()).then(nw.lit(4)).otherwise(answer)
    return nw.when(violation.fill_null(False)).then(nw.lit(5)).otherwise(answer)


def collect_answers(masks: nw.LazyFrame[Any], columns: Sequence[nw.Expr], frame: Frame, backend: Backend) -> list[tuple[SubjectAnswer, ...]]:
    """The answers of every subject to each of several rules.

    Args:
        columns: `record_answer` of each rule.
    """
    names = [f"_answer_{number}" for number in range(len(columns))]
    told = masks.select(nw.col(SUBJECT), *(column.alias(name) for column, name in zip(columns, names, strict=True)))
    rows = backend.rows(told.group_by(SUBJECT).agg(*(nw.col(name).max() for name in names)).select(nw.col(SUBJECT), *map(nw.col, names)))
    subjects = {number: clean_subject(*frame.subjects[number]) for number, *_ in rows}
    # Rules that a subject answers alike share the answer.
    made: dict[tuple[int, int], SubjectAnswer] = {}

    def answer(subject: int, said: int) -> SubjectAnswer:
        key = subject, said
        if key not in made:
            made[key] = SubjectAnswer(*subjects[subject], _OF_RECORDS[said])
        return made[key]

    return [ordered(answer(row[0], row[index]) for row in rows if row[index]) for index in range(1, len(columns) + 1)]


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
    """The result in which no subject passes a rule that does not, unless the rule fails for others; findings that are waived are told so."""
    answers = result.answers
    if result.verdict is Verdict.INCONCLUSIVE:
        answers = weaken(answers)
    waived = {(found.account, found.region, found.subject) for found in result.findings if found.waiver is not None}
    if waived:
        answers = tuple(one._replace(answer=Answer.WAIVED) if one.answer is Answer.FAIL and one[:3] in waived else one for one in answers)
    return replace(result, answers=answers) if answers is not result.answers else result


def weaken(answers: Iterable[SubjectAnswer]) -> tuple[SubjectAnswer, ...]:
    """The answers where the evidence is insufficient: what nothing was found against did not pass."""
    return tuple(one._replace(answer=Answer.UNDECIDED) if one.answer is Answer.PASS else one for one in answers)
