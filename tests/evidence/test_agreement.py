"""The engine and `reperform.py` were written apart, from two pages. Here they judge the same generated estates, and must say the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policycheck.policy.measures import Measure
from policycheck.policy.model import Rule, Scope
from tests.evidence.agree import FAST, Case, answers, cases, compare
from tests.evidence.agreement import Claim, judge_by_engine, said
from tests.evidence.jobs import Job, job_lists
from tests.evidence.rules import CLAIMS, following_rules, group_rules, job_rules
from tests.properties import examples, part_of


def agree(case: Case) -> None:
    found = answers(case)
    assert found is None or found[0] == found[1]


def agree_on(count: int, number: int) -> None:
    told: list[str] = []
    counts = compare(count, number, 1, told.append)
    assert not told, told[0]
    assert counts["refused"] < count / 10  # else little was compared


def test_engine_and_reperform_say_the_same() -> None:
    agree_on(8, 0)


@pytest.mark.slow
@pytest.mark.search
@pytest.mark.parametrize("measure", Measure)
def test_of_groups_they_say_the_same(measure: Measure) -> None:
    @settings(FAST, max_examples=part_of(100))
    @given(cases(st.tuples(*(group_rules(measure, number) for number in range(4)))))
    def check(case: Case) -> None:
        agree(case)

    check()


@pytest.mark.slow
@pytest.mark.search
@settings(FAST, max_examples=part_of(100))
@given(cases(st.tuples(*(following_rules(number) for number in range(4)))))
def test_of_following_jobs_they_say_the_same(case: Case) -> None:
    agree(case)


@pytest.mark.slow
@pytest.mark.search
def test_of_many_estates_they_say_the_same() -> None:
    agree_on(part_of(1000), 1)


@examples(jobs=job_lists(), chosen=job_rules(), covers=CLAIMS, data=st.data(), few=4, many=100)
def test_order_does_not_matter(jobs: list[Job], chosen: Rule, covers: Claim, data: st.DataObject) -> None:
    first, second = ({"backup_jobs": jobs}, {"backup_jobs": data.draw(st.permutations(jobs))})
    assert [said(r) for r in judge_by_engine(first, [chosen], Scope(), covers)] == [said(r) for r in judge_by_engine(second, [chosen], Scope(), covers)]
