from __future__ import annotations

from fractions import Fraction

from policycheck.engine.kinds.registry import measurement_of
from policycheck.engine.limits import spell_measured, spell_violations
from policycheck.engine.measures import NEVER, Range
from policycheck.policy.conditions import Operator
from policycheck.policy.measures import Measure
from policycheck.policy.model import Expectation
from policycheck.units import HOUR
from tests.tables import each

AT_LEAST, AT_MOST, LESS, MORE = Operator.AT_LEAST, Operator.AT_MOST, Operator.LESS_THAN, Operator.MORE_THAN
PERCENT = Fraction(1, 100)


@each(
    ("violating", "unknown", "examined", "told"),
    [
        (0, 0, 0, ("", "")),
        (0, 0, 1, ("0 of 1 job", "0 within")),
        (2, 0, 1400, ("2 of 1,400 jobs", "2 outside")),
        (0, 3, 2, ("0 to 3 jobs", "")),
        (1, 2, 5, ("1 to 3 jobs", "1 outside")),
        (0, 1, 0, ("0 to 1 job", "")),
    ],
)
def test_jobs_that_violate_are_counted_and_none_is_within(violating: int, unknown: int, examined: int, told: tuple[str, str]) -> None:
    assert spell_violations(violating, unknown, examined) == told


@each(
    ("measure", "value", "operator", "limit", "told"),
    [
        (Measure.COUNT, (3, 3), AT_LEAST, 3, ("3", "0 within")),
        (Measure.COUNT, (1, 1), AT_LEAST, 3, ("1", "2 outside")),
        (Measure.COUNT, (5, 5), AT_MOST, 3, ("5", "2 outside")),
        (Measure.COUNT, (2, 4), AT_LEAST, 3, ("2 to 4", "")),
        (Measure.COUNT, (4, 6), AT_LEAST, 3, ("4 to 6", "1 within")),
        (Measure.COUNT, (0, 1), AT_LEAST, 3, ("0 to 1", "2 outside")),
        (Measure.COUNT, (4, 6), AT_MOST, 3, ("4 to 6", "1 outside")),
        (Measure.COUNT, (3, 3), MORE, 3, ("3", "0 outside")),
        (Measure.NEWEST, (41 * HOUR, 41 * HOUR), AT_MOST, 36 * HOUR, ("41 h", "5 h outside")),
        (Measure.NEWEST, (3 * HOUR, 3 * HOUR), LESS, 36 * HOUR, ("3 h", "33 h within")),
        (Measure.NEWEST, (NEVER, NEVER), AT_MOST, 36 * HOUR, ("no such job", "")),
        (Measure.NEWEST, (HOUR, NEVER), AT_MOST, 36 * HOUR, ("1 h to no such job", "")),
        (Measure.SHARE, (97 * PERCENT, 97 * PERCENT), AT_LEAST, 95 * PERCENT, ("97%", "2% within")),
    ],
)
def test_a_margin_is_told_from_the_end_that_decides(
    measure: Measure, value: tuple[int, int], operator: Operator, limit: int | Fraction, told: tuple[str, str]
) -> None:
    kind = measurement_of(Expectation(measure))
    assert spell_measured(Range(*value), operator, limit, kind.spell) == told  # type: ignore[attr-defined]  # these measure groups


def test_of_what_certainly_keeps_to_its_limit_a_bound_is_enough() -> None:
    assert spell_measured(Range(0, 2), AT_MOST, 3, str, exact=False) == ("at most 2", "1 within")
    assert spell_measured(Range(4, 9), AT_LEAST, 3, str, exact=False) == ("at least 4", "1 within")
