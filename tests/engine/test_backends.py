"""What the engine relies on in a dataframe engine, and that it relies on nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import narwhals as nw
import pytest

import policycheck.engine
from policycheck.engine.backends.interface import Backend, ColumnType
from policycheck.engine.backends.registry import ENGINES, open_engine
from policycheck.errors import UsageError
from tests.backends import BACKENDS as AT_HAND
from tests.tables import each

ENGINE = Path(policycheck.engine.__file__).parent
BACKENDS = list(AT_HAND.values())


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_null_is_not_in_any_list(backend: Backend) -> None:
    frame = backend.frame({"x": (ColumnType.TEXT, ["a", "b", None])})
    asked = frame.select(nw.when(~nw.col("x").is_null()).then(nw.col("x").is_in(["a"])).alias("guarded"), nw.col("x").is_in(["a"]).alias("bare"))
    assert backend.rows(asked) == [(True, True), (False, False), (None, None)]


def test_engines_are_known_by_their_names() -> None:
    assert [(name, backend.name) for name, backend in AT_HAND.items()] == [(name, name) for name in ENGINES if name in AT_HAND]
    with pytest.raises(UsageError, match="there is no engine pandas") as refused:
        open_engine("pandas")
    assert refused.value.hint == "The engines are polars, duckdb, spark."


@pytest.mark.parametrize("name", ["duckdb", "spark"])
def test_an_engine_that_is_not_installed_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.engine.backends.registry.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=f"the engine {name} is not installed") as refused:
        open_engine(name)
    assert refused.value.hint == f'Install it: pip install "policycheck[{name}]"'


def test_only_an_engine_that_computes_elsewhere_has_a_master() -> None:
    with pytest.raises(UsageError, match="--spark-master is given, and the engine is duckdb, which has no master") as refused:
        open_engine("duckdb", master="local")
    assert refused.value.hint == "Add --engine spark, or leave the master out."


def test_a_session_is_one_of_spark() -> None:
    with pytest.raises(UsageError, match="an engine is a name or a session of Spark, not object"):
        open_engine(object())


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
@pytest.mark.parametrize("asked", [[], [3], [*range(1, 400, 2)]], ids=len)
def test_rows_among_numbers_are_each_there_once(backend: Backend, asked: list[int]) -> None:
    frame = backend.frame({"x": (ColumnType.INTEGER, [3, None, 4, 3, 399])})
    told = sorted(row for (row,) in backend.rows(backend.among(frame, "x", asked)))
    assert told == [value for value in (3, 3, 399) if value in asked]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_a_day_begins_at_midnight_to_the_microsecond(backend: Backend) -> None:
    days = [0, 17_897, 20_777, 47_481]
    moments = [day * 86_400_000_000 + apart for day in days for apart in (-1, 0, 1)]
    frame = backend.frame({"x": (ColumnType.INTEGER, moments)})
    told = [int(day) for (day,) in backend.rows(frame.select((nw.col("x") // 86_400_000_000).alias("day")))]
    assert sorted(told) == sorted(day + apart for day in days for apart in (-1, 0, 0))


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_a_frame_without_rows_keeps_its_columns(backend: Backend) -> None:
    frame = backend.frame({"x": (ColumnType.INTEGER, []), 'odd "name"': (ColumnType.TEXT, [])})
    assert backend.rows(frame.select(nw.col("x").sum(), nw.len().alias("n")))[0][1] == 0
    assert backend.rows(backend.persist(frame)) == []


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_three_valued_logic(backend: Backend) -> None:
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
def test_integers_are_exact(backend: Backend) -> None:
    frame = backend.frame({"x": (ColumnType.INTEGER, [2**53, 2**53 + 1, -(2**63), 2**63 - 1])})
    assert backend.rows(frame.select((nw.col("x") > 2**53).alias("more"))) == [(False,), (True,), (False,), (True,)]


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
def test_persisted_frame_is_the_same_frame(backend: Backend) -> None:
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
    own = {path.stem, f"py{path.stem}"} if path.parent.name == "backends" else set()
    # What Spark takes is an Arrow table.
    own |= {"pyarrow"} if path.stem == "spark" else set()
    assert imports(path) & {"polars", "duckdb", "pyspark", "pandas", "pyarrow"} <= own


@each("path", sorted(ENGINE.glob("*.py")), ids=lambda path: path.name)
def test_nothing_is_evaluated_outside_backends(path: Path) -> None:
    attributes = {node.attr for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Attribute)}
    assert attributes & {"collect", "to_native", "to_pandas", "to_polars", "to_arrow", "DataFrame", "Series", "from_dict"} == set()
