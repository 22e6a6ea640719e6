"""Conditions to Narwhals expressions, three-valued: null is unknown, and Kleene's logic is the dataframe's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_, or_
from typing import assert_never

import narwhals as nw

from policycheck.datasets import Field, Kind
from policycheck.engine.frame import LISTED, Frame, inventory_column
from policycheck.policy.conditions import And, Comparison, Condition, Not, Operator, Or
from policycheck.policy.literals import Value
from policycheck.policy.regex import parse_pattern


def compile_condition(condition: Condition, frame: Frame, *, settled: bool | None = None) -> nw.Expr:
    """The expression that is true, false or null for each record.

    Args:
        settled: what a comparison of Duration counts as, in a job in progress, while later time can still change it: the value that
            does not violate (true under `all`, false under `none`; the other way round under each `not`). None: the time so far as it stands.
    """
    match condition:
        case Comparison():
            return _compile_comparison(condition, frame, settled)
        case And(parts=()):
            return nw.lit(True)
        case And(parts=parts):
            return reduce(and_, (compile_condition(part, frame, settled=settled) for part in parts))
        case Or(parts=parts):
            return reduce(or_, (compile_condition(part, frame, settled=settled) for part in parts))
        case Not(part=part):
            return ~compile_condition(part, frame, settled=None if settled is None else not settled)
        case _:
            assert_never(condition)


def _compile_comparison(comparison: Comparison, frame: Frame, settled: bool | None) -> nw.Expr:
    field = frame.dataset.fields[comparison.field]
    if field.kind is Kind.NAME:
        return _compile_inventory(comparison, frame)
    column = nw.col(field.name)
    known_missing = frame.known_missing(field)
    if comparison.operator is Operator.PRESENT:
        return _compile_present(comparison, frame, field, known_missing)
    test = _test(column, field, comparison.operator, comparison.values, frame.as_of)
    if field.name == "Outcome" and comparison.operator is Operator.IS:
        test = _judge_both_ways(test, comparison.values, frame)
    if field.name == "Duration" and settled is not None:
        test = _settle(test, comparison.operator, frame, settled)
    return _with_missing(column, test, known_missing)


def _compile_inventory(comparison: Comparison, frame: Frame) -> nw.Expr:
    """`in_inventory`: whether any of these inventories lists the resource, or any at all; null for one that the run does not have."""
    if comparison.operator is Operator.PRESENT:
        listed = nw.col(LISTED)
        return listed if comparison.values[0] else ~listed
    nothing = nw.when(nw.lit(False)).then(nw.lit(True))
    return _any(nw.col(inventory_column(str(name))) if name in frame.inventories else nothing for name in comparison.values)


def _with_missing(column: nw.Expr, test: nw.Expr, known_missing: nw.Expr | bool) -> nw.Expr:
    """False where the value is known to be missing; what the test says (null: unknown) elsewhere."""
    if known_missing is False:
        return test
    if known_missing is True:
        return nw.when(column.is_null()).then(nw.lit(False)).otherwise(test)
    return nw.when(column.is_null() & known_missing).then(nw.lit(False)).otherwise(test)


def _compile_present(comparison: Comparison, frame: Frame, field: Field, known_missing: nw.Expr | bool) -> nw.Expr:
    column = nw.col(field.name)
    there = ~column.is_null()
    if field.name == "Outcome":
        # A COMPLETED job has an outcome even where nobody recorded which.
        present = nw.col(frame.dataset.state_field) == "COMPLETED"
    elif known_missing is True:
        present = there
    elif known_missing is False:
        present = nw.when(there).then(nw.lit(True))
    else:
        present = nw.when(there).then(nw.lit(True)).otherwise(nw.when(known_missing).then(nw.lit(False)))
    return present if comparison.values[0] else ~present


def _judge_both_ways(test: nw.Expr, values: Sequence[Value], frame: Frame) -> nw.Expr:
    """A COMPLETED job without MessageCategory is clean or has issues: true where both are asked for, or `unknown` is."""
    if "unknown" not in values and not {"clean", "with_issues"} <= set(values):
        return test
    undecided = (nw.col(frame.dataset.state_field) == "COMPLETED") & nw.col("Outcome").is_null()
    return nw.when(undecided).then(nw.lit(True)).otherwise(test)


def _settle(test: nw.Expr, operator: Operator, frame: Frame, settled: bool) -> nw.Expr:
    running = frame.in_progress()
    match operator:
        case Operator.AT_LEAST | Operator.MORE_THAN:
            open_ = running & ~test
        case Operator.AT_MOST | Operator.LESS_THAN:
            open_ = running & test
        case _:
            open_ = running & ~nw.col("Duration").is_null()
    return nw.when(open_).then(nw.lit(settled)).otherwise(test)


def _test(column: nw.Expr, field: Field, operator: Operator, values: Sequence[Value], as_of: int) -> nw.Expr:
    """The comparison with a recorded value; null where there is none."""
    if field.kind is Kind.WORD and operator is not Operator.MATCHES:
        column, values = column.str.to_lowercase(), [str(value).lower() for value in values]
    match operator:
        case Operator.IS:
            return column == values[0] if len(values) == 1 else _guarded(column, column.is_in(list(values)))
        case Operator.CONTAINS:
            return _any(column.str.contains(str(value), literal=True) for value in values)
        case Operator.STARTS_WITH:
            return _any(column.str.starts_with(str(value)) for value in values)
        case Operator.ENDS_WITH:
            return _any(column.str.ends_with(str(value)) for value in values)
        case Operator.MATCHES:
            return _any(column.str.contains(parse_pattern(str(value)).engines) for value in values)
        case Operator.AT_LEAST:
            return column >= values[0]
        case Operator.AT_MOST:
            return column <= values[0]
        case Operator.MORE_THAN:
            return column > values[0]
        case Operator.LESS_THAN:
            return column < values[0]
        case Operator.OLDER_THAN:
            return column < as_of - int(values[0])
        case Operator.NEWER_THAN:
            return column > as_of - int(values[0])
        case Operator.PRESENT:
            raise AssertionError("present is compiled on its own")
        case _:
            assert_never(operator)


def _guarded(column: nw.Expr, test: nw.Expr) -> nw.Expr:
    """Null stays null where an engine's `is_in` says false of it."""
    return nw.when(~column.is_null()).then(test)


def _any(tests: Iterable[nw.Expr]) -> nw.Expr:
    return reduce(or_, tests)
