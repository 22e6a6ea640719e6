"""The engine that computes, as an option of commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.engine.backends.interface import Backend

DEFAULT_ENGINE = "polars"
"""`engine.backends.registry.DEFAULT_ENGINE`, which is not imported to start."""

Engine = Annotated[str, typer.Option("--engine", metavar="NAME", help="What computes: polars, or duckdb (extra duckdb). It changes no verdict and no finding.")]


def open_backend(name: str) -> Backend:
    """The engine of this name; raises UsageError where there is none, or it is not installed."""
    from policycheck.engine.backends.registry import open_engine

    return open_engine(clean_line(name))
