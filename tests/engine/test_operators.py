"""What the language says of an operator, and what the engine computes: the same values pass."""

from __future__ import annotations

import narwhals as nw
from hypothesis import strategies as st

from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.operators import TESTS
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS, EQUALITY, OPERATORS, Operator, Part, interval_of
from tests.backends import BACKEND
from tests.properties import examples

AS_OF = 1_000
TEXTUAL = [operator for operator, definition in OPERATORS.items() if definition.holds]
NUMERIC = [operator for operator, definition in OPERATORS.items() if definition.interval]
numbers = st.integers(0, 12)
texts = st.text("abAB", max_size=4)


def computed(operator: Operator, kind: ColumnType, column: list[int | None] | list[str | None], value: int | str) -> list[bool | None]:
    frame = BACKEND.frame({"row": (ColumnType.INTEGER, list(range(len(column)))), "column": (kind, column)})
    told = TESTS[operator](nw.col("column"), [value], AS_OF)
    return [answer for _, answer in sorted(BACKEND.rows(frame.select(nw.col("row"), told.alias("told"))))]


@examples(found=st.lists(numbers, min_size=1, max_size=8), value=numbers, few=4, many=100)
def test_numbers_pass_where_they_lie_in_the_interval(found: list[int], value: int) -> None:
    for operator in NUMERIC:
        # Of an age, as_of is where numbers are counted from.
        start = AS_OF if operator in AGE_OPERATORS else 0
        column = [*(start - number if operator in AGE_OPERATORS else number for number in found), None]
        for true in (True, False):
            least, most = interval_of(operator, value, true=true)
            inside = [(least is None or number - start >= least) and (most is None or number - start <= most) for number in column if number is not None]
            assert computed(operator, ColumnType.INTEGER, [*column], value) == [*(answer is true for answer in inside), None], operator


@examples(found=st.lists(texts, min_size=1, max_size=8), value=texts.filter(bool), few=4, many=100)
def test_texts_pass_where_the_language_says_they_hold(found: list[str], value: str) -> None:
    for operator in TEXTUAL:
        holds = OPERATORS[operator].holds
        assert holds is not None
        assert computed(operator, ColumnType.TEXT, [*found, None], value) == [*(holds(text, value) for text in found), None], operator


def test_every_operator_says_what_lint_samples_and_mutation_ask() -> None:
    for operator, definition in OPERATORS.items():
        if operator in {Operator.PRESENT, Operator.IN_INVENTORY} or operator in CLOCK_OPERATORS:
            # What a local time means, and what a mutation makes of it, local_times.py says (test_local_times.py).
            continue
        numeric, textual = definition.interval is not None, definition.holds is not None or definition.part is Part.PATTERN
        assert numeric or textual, f"{operator}: neither interval nor part"
        assert definition.family is EQUALITY or (definition.test and definition.verb and definition.mutant), f"{operator}: not spelled, or never mutated"
        assert definition.mutant is None or OPERATORS[definition.mutant].family.kinds == definition.family.kinds, f"{operator}: its mutant applies elsewhere"
