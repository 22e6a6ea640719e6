"""What each group of a rule came to, for the result's answers: measured, how far from the limit, and the newest job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from policycheck.answers import SubjectAnswer
from policycheck.engine.answers import ordered
from policycheck.engine.case import Case
from policycheck.engine.examined import Examined, newest_rank
from policycheck.engine.group_findings import spell_subject
from policycheck.engine.group_measure import measure_of
from policycheck.engine.group_reasons import answer_of
from policycheck.engine.judgement import Judgement
from policycheck.engine.subjects import Subjects
from policycheck.text import clean_line


def looked_at(cases: Sequence[Case]) -> list[nw.Expr]:
    """By which records are counted as evaluated."""
    return [mask for case in cases for mask in (measure_of(case).population(case), *([nw.col(case.undecided)] if case.leaves_out_progress else []))]


def newest_bounds(cases: Sequence[Case]) -> dict[str, nw.Expr]:
    """What to find out of each key to know the newest job that each rule's measure looks at."""
    return {f"_rank_of_{case.number}": newest_rank(measure_of(case).population(case)) for case in cases}


def newest_of(cases: Sequence[Case], bounds: Mapping[int, Sequence[Any]]) -> dict[int, dict[int, int]]:
    """By the number of the rule and of the key the rank of that job, -1 where there is none.

    Args:
        bounds: by key what was found out of it, at last `newest_bounds` of these rules.
    """
    return {case.number: {key: row[place - len(cases)] for key, row in bounds.items()} for place, case in enumerate(cases)}


def answer_groups(
    case: Case, name: str, subjects: Subjects, judgements: Sequence[Judgement], clean: Sequence[bool], newest: Mapping[int, int], examined: Examined
) -> tuple[SubjectAnswer, ...]:
    """The answers of all groups, sorted.

    Args:
        name: of the rule's list.
        judgements: of each group of `subjects`, in their order.
        clean: of each, whether the screen alone told that it keeps to the rule.
        newest: by key the rank of the newest job.
    """
    measure, told = measure_of(case), []
    for number, item in enumerate(judgements):
        account, region, _ = item.group.subject
        measured = measure.spell_measured(case, item, exact=not clean[number])
        # A job that may be of another group, too, is not told of.
        rank = max((newest.get(key, -1) for key in item.group.keys if (number, True) in subjects.of_key[key]), default=-1)
        place, subject = (account and clean_line(account), region and clean_line(region)), spell_subject(case.per, item.group.values)
        told.append(SubjectAnswer(*place, subject, answer_of(item), *measured, examined.name_newest(name, rank)))
    return ordered(told)
