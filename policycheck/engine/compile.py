"""Conditions to Narwhals expressions, three-valued: null is unknown, and Kleene's logic is the dataframe's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import assert_never

import narwhals as nw

from policycheck.datasets import Field, Kind
from policycheck.engine.columns import column_of
from policycheck.engine.frame import LISTED, Frame, inventory_column
from policycheck.engine.local_times import touches
from policycheck.engine.operators import TESTS, any_of
from policycheck.engine.run_times import run_end
from policycheck.policy.conditions import And, Comparison, Condition, Not, Or
from policycheck.policy.literals import Value
from policycheck.policy.operators import LOWER_BOUNDS, OPERATORS, UPPER_BOUNDS, Operator, Part


def compile_condition(condition: Condition, frame: Frame, *, settled: bool | None = None) -> nw.Expr:
    """The expression that is true, false or null for each record.

    Args:
        settled: what a comparison of Duration, or of when it ends, counts as, in a job in progress, while later time can still change it: the value that
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
    if comparison in frame.steady:
        return nw.col(frame.steady[comparison])
    field = frame.dataset.fields[comparison.field]
    if field.kind is Kind.NAME:
        return _compile_inventory(comparison, frame)
    column = nw.col(column_of(field.name))
    known_missing = frame.known_missing(field)
    if comparison.operator is Operator.PRESENT:
        return _compile_present(comparison, frame, field, known_missing)
    if comparison.operator is Operator.LOCAL_TIME:
        return _compile_local_time(comparison, frame, field, settled)
    if comparison.operator is Operator.IN_INVENTORY:
        return _with_missing(column, _compile_listed(column, comparison.values, frame), known_missing)
    test = _test(column, field, comparison.operator, comparison.values, frame.as_of)
    if field.name == "Outcome" and comparison.operator is Operator.IS:
        test = _judge_both_ways(test, comparison.values, frame)
    if field.name == "Duration" and settled is not None:
        test = _settle(test, comparison.operator, frame, settled)
    return _with_missing(column, test, known_missing)


def _compile_local_time(comparison: Comparison, frame: Frame, field: Field, settled: bool | None) -> nw.Expr:
    column = nw.col(column_of(field.name))
    if field.kind is Kind.SPAN:
        test = touches(column, run_end(frame.dataset, frame.as_of), comparison.values, frame.as_of)
    else:
        test = _test(column, field, comparison.operator, comparison.values, frame.as_of)
    told = _with_missing(column, test, frame.known_missing(field))
    if settled is None or field.name not in _STILL_TO_COME:
        return told
    # What has not come yet, or goes on, may still come at the right time.
    open_ = frame.in_progress() & ~told & (nw.lit(True) if field.kind is Kind.SPAN else column.is_null())
    return nw.when(open_).then(nw.lit(settled)).otherwise(told)


_STILL_TO_COME = frozenset({"Running", "InitiationDate", "CompletionDate"})


def _compile_inventory(comparison: Comparison, frame: Frame) -> nw.Expr:
    """`in_inventory`: whether any of these inventories lists the resource, or any at all; null for one that the run does not have."""
    if comparison.operator is Operator.PRESENT:
        listed = nw.col(LISTED)
        return listed if comparison.values[0] else ~listed
    nothing = nw.when(nw.lit(False)).then(nw.lit(True))
    return any_of(nw.col(inventory_column(str(name))) if name in frame.inventories else nothing for name in comparison.values)


def _compile_listed(column: nw.Expr, names: Sequence[Value], frame: Frame) -> nw.Expr:
    """Whether any of these inventories lists this ARN; null for one that the run does not have."""
    nothing = nw.when(nw.lit(False)).then(nw.lit(True))
    found = [sorted({entry.arn for entry in frame.given[str(name)].entries}) if str(name) in frame.given else None for name in names]
    return any_of(nothing if arns is None else nw.when(~column.is_null()).then(column.is_in(arns)) for arns in found)


def _with_missing(column: nw.Expr, test: nw.Expr, known_missing: nw.Expr | bool) -> nw.Expr:
    """False where the value is known to be missing; what the test says (null: unknown) elsewhere."""
    if known_missing is False:
        return test
    if known_missing is True:
        return nw.when(column.is_null()).then(nw.lit(False)).otherwise(test)
    return nw.when(column.is_null() & known_missing).then(nw.lit(False)).otherwise(test)


def _compile_present(comparison: Comparison, frame: Frame, field: Field, known_missing: nw.Expr | bool) -> nw.Expr:
    column = nw.col(column_of(field.name))
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
    if operator in LOWER_BOUNDS:
        open_ = running & ~test
    elif operator in UPPER_BOUNDS:
        open_ = running & test
    else:
        open_ = running & ~nw.col("Duration").is_null()
    return nw.when(open_).then(nw.lit(settled)).otherwise(test)


def _test(column: nw.Expr, field: Field, operator: Operator, values: Sequence[Value], as_of: int) -> nw.Expr:
    """The comparison with a recorded value; null where there is none."""
    if field.kind is Kind.WORD and OPERATORS[operator].part is not Part.PATTERN:
        column, values = column.str.to_lowercase(), [str(value).lower() for value in values]
    return TESTS[operator](column, values, as_of)
