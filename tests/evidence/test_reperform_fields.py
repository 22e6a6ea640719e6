"""The script's own table says the same as `policycheck.datasets`: it is written twice on purpose, and must not drift."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from policycheck.datasets import JOB_LISTS, Dataset
from policycheck.evidence import reperform
from policycheck.policy.operators import AGE_OPERATORS, OPERATORS, Operator

SOURCE = Path(reperform.__file__).read_text(encoding="utf-8")


def test_the_same_lists_are_known() -> None:
    assert set(reperform.LISTS) == set(JOB_LISTS)


@pytest.mark.parametrize("dataset", JOB_LISTS.values(), ids=str)
def test_presence_and_kind_of_every_field_agree(dataset: Dataset) -> None:
    expected = {field.name: (field.presence.name.lower(), field.kind.value) for field in dataset.fields.values()}
    assert reperform.LISTS[dataset.name].fields == expected


@pytest.mark.parametrize("dataset", JOB_LISTS.values(), ids=str)
def test_naming_members_and_states_agree(dataset: Dataset) -> None:
    known = reperform.LISTS[dataset.name]
    assert (known.id, known.state, known.resource, known.vault) == (dataset.id_field, dataset.state_field, dataset.resource_field, dataset.vault_field)
    assert set(known.in_progress) == dataset.in_progress
    assert set(known.finished) == set(dataset.finished)
    assert known.lifecycle == "-" or f"{known.lifecycle}.DeleteAfterDays" in dataset.fields


def test_the_same_operators_are_known_and_the_same_values_pass() -> None:
    words = {Operator.IS: "equals"}
    assert {*reperform.COMPARISONS, Operator.PRESENT, Operator.LOCAL_TIME, Operator.IN_INVENTORY} == {
        words.get(operator, operator.value) for operator in Operator
    }
    for operator, definition in OPERATORS.items():
        if operator in {Operator.PRESENT, Operator.LOCAL_TIME, Operator.IN_INVENTORY}:
            continue
        compare = reperform.COMPARISONS[words.get(operator, operator.value)]
        if definition.interval is not None:
            least, most = definition.interval(5)
            # The script compares ages; the language says how long after as_of a time is.
            for number in (-6, -5, -4, 4, 5, 6):
                inside = (least is None or number >= least) and (most is None or number <= most)
                assert compare(-number if operator in AGE_OPERATORS else number, 5) is inside, (operator, number)
        if definition.holds is not None:
            for text in ("b", "ab", "bc", "abc", "a", ""):
                assert compare(text, "b") is definition.holds(text, "b"), (operator, text)


def test_the_script_needs_only_the_standard_library_and_an_old_python() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)
