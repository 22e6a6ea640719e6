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


ENGINES: Mapping[str, _Engine] = MappingProxyType(
    {
        "polars": _Engine("policycheck.engine.backends.polars", "PolarsBackend", "polars"),
        "duckdb": _Engine("policycheck.engine.backends.duckdb", "DuckDBBackend", "duckdb"),
    }
)
DEFAULT_ENGINE = "polars"


def open_engine(name: str = DEFAULT_ENGINE) -> Backend:
    """The engine of this name; its library is imported here and not before.

    Raises:
        UsageError: there is no such engine, or it is not installed.
    """
    engine = ENGINES.get(name)
    if engine is None:
        raise UsageError(f"there is no engine {name}", hint=f"The engines are {', '.join(ENGINES)}.")
    if find_spec(engine.library) is None:
        raise UsageError(f"the engine {name} is not installed", hint=f'Install it: pip install "policycheck[{name}]"')
    backend: Backend = getattr(import_module(engine.module), engine.backend)()
    return backend
