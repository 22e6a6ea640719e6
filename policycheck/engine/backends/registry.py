"""The engines by name. A new engine is its module and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from policycheck.errors import UsageError

if TYPE_CHECKING:
    from policycheck.engine.backends.interface import Backend


class _Engine(NamedTuple):
    module: str
    backend: str
    library: str
    """What it imports."""
    session: str = ""
    """Of an engine that computes elsewhere, what a program has of it: its backend takes one, or starts one on a master."""


ENGINES: Mapping[str, _Engine] = MappingProxyType(
    {
        "polars": _Engine("policycheck.engine.backends.polars", "PolarsBackend", "polars"),
        "duckdb": _Engine("policycheck.engine.backends.duckdb", "DuckDBBackend", "duckdb"),
        "spark": _Engine("policycheck.engine.backends.spark", "SparkBackend", "pyspark", session="SparkSession"),
    }
)
DEFAULT_ENGINE = "polars"


def open_engine(engine: str | object = DEFAULT_ENGINE, *, master: str | None = None) -> Backend:
    """An engine; its library is imported here and not before.

    Args:
        engine: its name; or the session that a program has, of an engine that computes elsewhere (a SparkSession).
        master: where it computes; None: where it does by itself.

    Raises:
        UsageError: there is no such engine, it is not installed, or it does not start.
    """
    if not isinstance(engine, str):
        return _take(engine)
    known = ENGINES.get(engine)
    if known is None:
        raise UsageError(f"there is no engine {engine}", hint=f"The engines are {', '.join(ENGINES)}.")
    if master is not None and not known.session:
        able = " or ".join(name for name, one in ENGINES.items() if one.session)
        raise UsageError(f"--{able}-master is given, and the engine is {engine}, which has no master", hint=f"Add --engine {able}, or leave the master out.")
    if find_spec(known.library) is None:
        raise UsageError(f"the engine {engine} is not installed", hint=f'Install it: pip install "policycheck[{engine}]"')
    made = getattr(import_module(known.module), known.backend)
    backend: Backend = made.start(master) if known.session else made()
    return backend


def _take(session: object) -> Backend:
    """The engine that computes with a session that there is."""
    library = type(session).__module__.partition(".")[0]
    for known in ENGINES.values():
        if known.library == library and type(session).__name__ == known.session:
            backend: Backend = getattr(import_module(known.module), known.backend)(session)
            return backend
    raise UsageError(f"an engine is a name or a session of Spark, not {type(session).__name__}", hint=f"The engines are {', '.join(ENGINES)}.")
