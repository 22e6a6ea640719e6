"""The script's own table says the same as `policycheck.datasets`: it is written twice on purpose, and must not drift."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from policycheck.datasets import DATASETS, Dataset
from policycheck.evidence import reperform

SOURCE = Path(reperform.__file__).read_text(encoding="utf-8")


def test_the_same_lists_are_known() -> None:
    assert set(reperform.LISTS) == set(DATASETS)


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=str)
def test_presence_and_kind_of_every_field_agree(dataset: Dataset) -> None:
    expected = {field.name: (field.presence.name.lower(), field.kind.value) for field in dataset.fields.values()}
    assert reperform.LISTS[dataset.name].fields == expected


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=str)
def test_naming_members_and_states_agree(dataset: Dataset) -> None:
    known = reperform.LISTS[dataset.name]
    assert (known.id, known.state, known.resource, known.vault) == (dataset.id_field, dataset.state_field, dataset.resource_field, dataset.vault_field)
    assert set(known.in_progress) == dataset.in_progress
    assert set(known.finished) == set(dataset.finished)
    assert known.lifecycle == "-" or f"{known.lifecycle}.DeleteAfterDays" in dataset.fields


def test_the_script_needs_only_the_standard_library_and_an_old_python() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= set(sys.stdlib_module_names)
