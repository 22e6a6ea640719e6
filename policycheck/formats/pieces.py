"""Documents in pieces of whole lines, so that one of many findings is never in memory as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

PIECE = 2**16
"""Characters that are handed on together, at least, where there are as many."""


def in_lines(parts: Iterable[str]) -> Iterator[str]:
    """The parts of a document put together to pieces that end with a line.

    Args:
        parts: a line break in one stands at its beginning, and at the end of the last.
    """
    kept: list[str] = []
    size = 0
    for part in parts:
        if size >= PIECE and part.startswith("\n"):
            yield f"{''.join(kept)}\n"
            kept, size = [part[1:]], len(part) - 1
        else:
            kept.append(part)
            size += len(part)
    yield "".join(kept)


class Entries(list[Any]):
    """The entries of a JSON list of which there may be very many, and at least one: made while they are written."""

    def __init__(self, made: Callable[[], Iterator[Any]]) -> None:
        super().__init__()
        self._made = made

    def __iter__(self) -> Iterator[Any]:
        return self._made()

    def __bool__(self) -> bool:
        # The encoder asks whether there is any.
        return True


def json_pieces(document: object) -> Iterator[str]:
    """JSON to read: keys sorted, indented by two, in ASCII, ending with a newline."""
    encoder = json.JSONEncoder(sort_keys=True, indent=2, allow_nan=False)
    return in_lines(part for parts in (_by_breaks(encoder.iterencode(document)), ("\n",)) for part in parts)


def _by_breaks(parts: Iterable[str]) -> Iterator[str]:
    """The same parts, each of whose line breaks begins one: the encoder puts them behind brackets and commas."""
    for part in parts:
        before, broken, after = part.partition("\n")
        if not broken:
            yield part
            continue
        yield before
        yield f"\n{after}"
