"""What the engine computes for each operator: a recorded value compared, and null where there is none.

`present` and `in_inventory` are not among them: they ask about the record and about the inventories of the run, which `compile.py` knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from types import MappingProxyType

import narwhals as nw

from policycheck.engine.local_times import lies_in
from policycheck.policy.literals import Value
from policycheck.policy.operators import Operator
from policycheck.policy.regex import parse_pattern

Test = Callable[[nw.Expr, Sequence[Value], int], nw.Expr]
"""A column, what it is compared with, and as_of in microseconds: the expression that is true, false or null."""


def any_of(tests: Iterable[nw.Expr]) -> nw.Expr:
    """Whether any of these is true."""
    return reduce(or_, tests)


def _is(column: nw.Expr, values: Sequence[Value], _as_of: int) -> nw.Expr:
    if len(values) == 1:
        return column == values[0]
    # Null stays null where an engine's `is_in` says false of it.
    return nw.when(~column.is_null()).then(column.is_in(list(values)))


TESTS: Mapping[Operator, Test] = MappingProxyType(
    {
        Operator.IS: _is,
        Operator.CONTAINS: lambda column, values, _as_of: any_of(column.str.contains(str(value), literal=True) for value in values),
        Operator.STARTS_WITH: lambda column, values, _as_of: any_of(column.str.starts_with(str(value)) for value in values),
        Operator.ENDS_WITH: lambda column, values, _as_of: any_of(column.str.ends_with(str(value)) for value in values),
        Operator.MATCHES: lambda column, values, _as_of: any_of(column.str.contains(parse_pattern(str(value)).engines) for value in values),
        Operator.AT_LEAST: lambda column, values, _as_of: column >= values[0],
        Operator.AT_MOST: lambda column, values, _as_of: column <= values[0],
        Operator.MORE_THAN: lambda column, values, _as_of: column > values[0],
        Operator.LESS_THAN: lambda column, values, _as_of: column < values[0],
        Operator.OLDER_THAN: lambda column, values, as_of: column < as_of - int(values[0]),
        Operator.NEWER_THAN: lambda column, values, as_of: column > as_of - int(values[0]),
        Operator.LOCAL_TIME: lies_in,
    }
)
