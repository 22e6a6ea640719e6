"""What the engine relies on in a dataframe engine, and that it relies on nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import narwhals as nw
import pytest

import policycheck.engine
from policycheck.engine.backends.interface import ColumnType
from policycheck.engine.backends.polars import PolarsBackend
from tests.tables import each

ENGINE = Path(policycheck.engine.__file__).parent
BACKENDS = [PolarsBackend()]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_null_is_not_in_any_list(backend: PolarsBackend) -> None:
    frame = backend.frame({"x": (ColumnType.TEXT, ["a", "b", None])})
    asked = frame.select(nw.when(~nw.col("x").is_null()).then(nw.col("x").is_in(["a"])).alias("guarded"), nw.col("x").is_in(["a"]).alias("bare"))
    assert backend.rows(asked) == [(True, True), (False, False), (None, None)]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_three_valued_logic(backend: PolarsBackend) -> None:
    values = [True, False, None]
    frame = backend.frame({"a": (ColumnType.BOOLEAN, [a for a in values for _ in values]), "b": (ColumnType.BOOLEAN, values * 3)})
    a, b = nw.col("a"), nw.col("b")
    expected = [
        (True, True, False), (False, True, False), (None, True, False),
        (False, True, True), (False, False, True), (False, None, True),
        (None, True, None), (False, None, None), (None, None, None),
    ]  # fmt: skip
    assert backend.rows(frame.select((a & b).alias("and"), (a | b).alias("or"), (~a).alias("not"))) == expected


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_integers_are_exact(backend: PolarsBackend) -> None:
    frame = backend.frame({"x": (ColumnType.INTEGER, [2**53, 2**53 + 1, -(2**63), 2**63 - 1])})
    assert backend.rows(frame.select((nw.col("x") > 2**53).alias("more"))) == [(False,), (True,), (False,), (True,)]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_persisted_frame_is_the_same_frame(backend: PolarsBackend) -> None:
    frame = backend.frame({"x": (ColumnType.INTEGER, [1, None])}).with_columns((nw.col("x") + 1).alias("y"))
    assert backend.rows(backend.persist(frame)) == backend.rows(frame) == [(1, 2), (None, None)]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@each("path", sorted(ENGINE.rglob("*.py")), ids=lambda path: path.relative_to(ENGINE).as_posix())
def test_only_backends_import_a_dataframe_engine(path: Path) -> None:
    own = {"polars"} if path.name == "polars.py" else set()
    assert imports(path) & {"polars", "duckdb", "pyspark", "pandas", "pyarrow"} <= own


@each("path", sorted(ENGINE.glob("*.py")), ids=lambda path: path.name)
def test_nothing_is_evaluated_outside_backends(path: Path) -> None:
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)}
    assert attributes & {"collect", "to_native", "to_pandas", "to_polars", "to_arrow", "DataFrame", "Series", "from_dict"} == set()
