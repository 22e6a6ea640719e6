"""The measures: their edges one by one, and against what they mean, tried out for every value the unknown may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby, pairwise, permutations, product

import pytest
from hypothesis import strategies as st

from policycheck.engine.kinds.count import measure_count
from policycheck.engine.kinds.latest import FinishedJob, measure_latest
from policycheck.engine.kinds.longest_gap import longest_gap, measure_gap
from policycheck.engine.kinds.newest import measure_newest
from policycheck.engine.kinds.share import measure_share
from policycheck.engine.kinds.streak import StreakJob, longest_run, measure_streak
from policycheck.engine.measures import NEVER, Range, Truth, violates
from policycheck.policy.conditions import Operator
from tests.properties import examples

truths = st.sampled_from([True, False, None])


def resolved(truth: Truth) -> list[bool]:
    """What an unknown truth may be."""
    return [True, False] if truth is None else [truth]


@pytest.mark.parametrize(
    ("value", "operator", "limit", "expected"),
    [
        (Range(2, 2), Operator.AT_MOST, 2, False),
        (Range(3, 3), Operator.AT_MOST, 2, True),
        (Range(2, 3), Operator.AT_MOST, 2, None),
        (Range(2, 2), Operator.LESS_THAN, 2, True),
        (Range(2, 2), Operator.AT_LEAST, 2, False),
        (Range(1, 1), Operator.AT_LEAST, 2, True),
        (Range(1, 2), Operator.AT_LEAST, 2, None),
        (Range(2, 2), Operator.MORE_THAN, 2, True),
        (Range(Fraction(99, 100), Fraction(99, 100)), Operator.AT_LEAST, Fraction(99, 100), False),
    ],
)
def test_limit_is_met_or_missed_both_ways(value: Range, operator: Operator, limit: int, expected: Truth) -> None:
    assert violates(value, operator, limit) is expected


@examples(st.lists(truths, max_size=6), few=30, many=600)
def test_count_is_what_the_unknown_leaves_open(matches: list[Truth]) -> None:
    counts = [sum(choice) for choice in product(*map(resolved, matches))]
    assert measure_count(matches) == (min(counts), max(counts))


@examples(st.lists(st.tuples(truths, truths), max_size=5), few=30, many=600)
def test_share_is_what_the_unknown_leaves_open(jobs: list[tuple[Truth, Truth]]) -> None:
    shares: list[Fraction | None] = []
    for choice in product(*(product(resolved(decided), resolved(match)) for decided, match in jobs)):
        kept = [match for decided, match in choice if decided]
        shares.append(Fraction(sum(kept), len(kept)) if kept else None)
    measured = measure_share(jobs)
    if set(shares) == {None}:
        assert measured is None
        return
    assert measured is not None
    told = [share for share in shares if share is not None]
    # Where it may be that nothing is decided, the share may be anything that speaks against the group.
    assert measured.least <= min(told)
    assert measured.most >= max(told)
    if None not in shares:
        assert measured == (min(told), max(told))


@examples(st.lists(st.tuples(truths, st.sampled_from([0, 3, 7, 9, 10])), max_size=5), few=30, many=600)
def test_newest_is_what_the_unknown_leaves_open(jobs: list[tuple[Truth, int]]) -> None:
    ages = [min((10 - created for match, (_, created) in zip(choice, jobs, strict=True) if match), default=NEVER) for choice in matches_of(jobs)]
    assert measure_newest(jobs, 10) == (min(ages), max(ages))


def matches_of(jobs: Sequence[tuple[Truth, int]]) -> Iterator[tuple[bool, ...]]:
    return product(*(resolved(match) for match, _ in jobs))


def test_a_job_of_unknown_time_may_be_the_newest_and_may_be_anywhere() -> None:
    assert measure_newest([(True, None), (True, 3)], 10) == (0, 7)
    assert measure_newest([(None, None)], 10) == (0, NEVER)
    assert measure_gap([(True, None), (True, 3)], 0, 0, 10) == (0, 7)
    assert measure_gap([(False, None)], 0, 0, 10) == (10, 10)


@examples(st.lists(st.tuples(truths, st.integers(0, 10)), max_size=5), few=30, many=600)
def test_gap_is_what_the_unknown_leaves_open(jobs: list[tuple[Truth, int]]) -> None:
    gaps = []
    for choice in matches_of(jobs):
        points = sorted([0, 10, *(created for match, (_, created) in zip(choice, jobs, strict=True) if match)])
        gaps.append(max(after - before for before, after in pairwise(points)))
    assert measure_gap(jobs, 0, 0, 10) == (min(gaps), max(gaps))


@pytest.mark.parametrize(
    ("times", "expected"),
    [([], (0, 10)), ([0], (0, 10)), ([10], (0, 10)), ([4, 8], (0, 4)), ([1, 3, 9], (3, 9)), ([3, 6, 9], (0, 3)), ([-5, 12, 2], (2, 10))],
)
def test_gap_counts_both_edges_of_the_window(times: list[int], expected: tuple[int, int]) -> None:
    assert longest_gap(times, 0, 10) == expected


def test_gap_of_a_new_resource_begins_at_its_first_job_where_that_is_known() -> None:
    jobs = [(True, 6), (True, 8)]
    assert measure_gap(jobs, 6, 6, 10) == (2, 2)
    assert measure_gap(jobs, 0, 6, 10) == (2, 6)


streak_jobs = st.lists(st.builds(StreakJob, st.sampled_from([True, None]), truths, truths, st.booleans()), max_size=4).map(
    lambda jobs: sorted(jobs, key=lambda job: not job.dated)
)


def runs_of(jobs: Sequence[StreakJob]) -> Iterator[int]:
    """The longest run, for every value of the unknown and every place of the jobs without a time."""
    dated = [job for job in jobs if job.dated]
    for order in set(permutations(range(len(jobs)))):
        if [place for place in order if place < len(dated)] != list(range(len(dated))):
            continue
        ordered = [jobs[place] for place in order]
        for choice in product(*(product(resolved(job.belongs), resolved(job.match), resolved(job.passed_over)) for job in ordered)):
            matches = [match for belongs, match, passed_over in choice if belongs and not passed_over]
            yield max((len(list(run)) for match, run in groupby(matches) if match), default=0)


@examples(streak_jobs, few=30, many=600)
def test_streak_is_what_the_unknown_leaves_open(jobs: list[StreakJob]) -> None:
    least, most = measure_streak(jobs)
    possible = set(runs_of(jobs))
    assert most == max(possible)
    # A matching job of unknown time counts nothing where that favours.
    sure = any(job.match and not job.dated and not job.passed_over for job in jobs)
    assert least <= min(possible) if sure else least == min(possible)


def streak(text: str) -> list[StreakJob]:
    """T and F: matches or not; t and f: perhaps out of the population; ?: unknown; p: in progress; u and d: matching and not, of unknown time."""
    kinds = {
        "T": StreakJob(True, True, False, True),
        "F": StreakJob(True, False, False, True),
        "t": StreakJob(None, True, False, True),
        "f": StreakJob(None, False, False, True),
        "?": StreakJob(True, None, False, True),
        "p": StreakJob(True, False, True, True),
        "u": StreakJob(True, True, False, False),
        "d": StreakJob(True, False, False, False),
    }
    return [kinds[letter] for letter in text]


@pytest.mark.parametrize(
    ("jobs", "least", "most"),
    [
        ("", 0, 0),
        ("FFF", 0, 0),
        ("TTFTTT", 3, 3),
        ("TTpTT", 4, 4),
        ("TT?TT", 2, 5),
        ("TTtTT", 4, 5),
        ("TTfTT", 2, 4),
        ("TTFTu", 2, 3),
        ("TTTTd", 2, 4),
        ("TTTTTTTdd", 3, 7),
    ],
)
def test_streaks(jobs: str, least: int, most: int) -> None:
    assert measure_streak(streak(jobs)) == (least, most)


@pytest.mark.parametrize(("jobs", "positions"), [("TTFTTT", [3, 4, 5]), ("TTFTT", [3, 4]), ("TpT", [0, 1, 2]), ("FF", []), ("TT?", [0, 1])])
def test_the_longest_run_is_the_latest_of_equals(jobs: str, positions: list[int]) -> None:
    assert list(longest_run(streak(jobs))) == positions


def finished(end: int | None, match: Truth, *, belongs: Truth = True, created: int | None = 0, name: str = "a") -> FinishedJob:
    return FinishedJob(belongs, match, end, created, name)


@pytest.mark.parametrize(
    ("jobs", "candidates", "violation"),
    [
        ([finished(3, False), finished(5, True)], (1,), False),
        ([finished(5, False), finished(3, True)], (0,), True),
        ([finished(5, None)], (0,), None),
        # Of equals the later CreationDate, then the id that sorts last.
        ([finished(5, True, created=2), finished(5, False, created=1)], (0,), False),
        ([finished(5, True, created=None), finished(5, False, created=0)], (1,), True),
        ([finished(5, True, name="b"), finished(5, False, name="a")], (0,), False),
        # Whose end is unknown may be the latest; so may one that is perhaps not in the population, however early.
        ([finished(5, True), finished(None, False)], (1, 0), None),
        ([finished(5, False), finished(None, False)], (1, 0), True),
        ([finished(5, True), finished(1, False, belongs=None)], (1, 0), None),
        ([finished(1, False, belongs=None)], (0,), None),
        ([finished(1, True, belongs=None)], (0,), False),
    ],
)
def test_latest(jobs: list[FinishedJob], candidates: tuple[int, ...], violation: Truth) -> None:
    latest = measure_latest(jobs)
    assert latest is not None
    assert (latest.candidates, latest.violation) == (candidates, violation)


def test_nothing_to_measure_is_none() -> None:
    assert measure_latest([]) is None
    assert measure_share([]) is None
    assert measure_share([(False, True)]) is None
