"""What of a list comes to the same at any instant, computed once for all instants that rules are evaluated at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from policycheck.engine.backends.interface import Backend
from policycheck.engine.columns import column_of
from policycheck.engine.compile import compile_condition
from policycheck.engine.frame import STEADY, SUBJECT, Frame, Recorded, derived_columns, is_steady
from policycheck.engine.row_numbers import number_rows
from policycheck.policy.conditions import Comparison
from policycheck.policy.model import RESOURCE
from policycheck.policy.operators import AGE_OPERATORS, CLOCK_OPERATORS


def settle(recorded: Recorded, asked: Iterable[Comparison], groups: Iterable[tuple[str, ...]], backend: Backend) -> Recorded:
    """The same list, sorted by CreationDate, with columns for what is the same at any instant.

    Args:
        asked: the comparisons of rules.
        groups: the fields by which rules group its records.
    """
    dataset = recorded.dataset
    frame = Frame(dataset, 0, recorded.columns, recorded.subjects, recorded.recordings, recorded.said, recorded.inventories, recorded.given, recorded.doubtful)
    derived = derived_columns(frame, recorded.fields & STEADY)
    chosen = [one for one in dict.fromkeys(asked) if is_steady(dataset, one.field) and one.operator not in AGE_OPERATORS | CLOCK_OPERATORS]
    steady = {one: f"_steady_{number}" for number, one in enumerate(chosen)}
    columns = recorded.columns.with_columns(**derived) if derived else recorded.columns
    columns = columns.with_columns(**{name: compile_condition(one, frame) for one, name in steady.items()}) if steady else columns
    numbered: dict[tuple[str, ...], tuple[str, Sequence[tuple[Any, ...]]]] = {}
    for number, per in enumerate(dict.fromkeys(groups)):
        others = [name for name in per if name != RESOURCE]
        if others and all(is_steady(dataset, name) for name in others):
            names = [*([SUBJECT] if RESOURCE in per else []), *map(column_of, others)]
            columns, found = number_rows(columns, names, f"_key_{number}", backend)
            numbered[per] = f"_key_{number}", found
    columns = backend.persist(columns.sort("CreationDate", nulls_last=False))
    return replace(recorded, columns=columns, derived=frozenset(derived), steady=steady, numbered=numbered, sorted=True)
