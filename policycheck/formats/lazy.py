"""Formats by name, each imported when it is first asked for: a command names them all in its help, and a run writes one or two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TypeVar, cast

Entry = TypeVar("Entry")


class LazyFormats(Mapping[str, Entry]):
    """Names to formats, in the order the help lists them.

    Args:
        modules: by name of a format the module that holds it, under the name FORMAT.
    """

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> Entry:
        return cast("Entry", import_module(self._modules[name]).FORMAT)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)
