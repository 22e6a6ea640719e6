"""The records of a large file, left in the file: what a finding shows is read from it again, so that a run holds columns and not the whole text, too."""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Sequence
from typing import Any, BinaryIO, overload

from policycheck.errors import JobFileError

LARGE = 128 * 1024**2
"""From how many bytes on a file is not held: less is quicker to hold than to look for."""


class KeptTexts(Sequence[bytes]):
    """Texts by number, each where it stands in a file that stays open, and must stay as it is.

    Raises:
        JobFileError: on access, where the file was changed since.
    """

    def __init__(self, stream: BinaryIO, status: os.stat_result, starts: Sequence[int], ends: Sequence[int]) -> None:
        self._descriptor = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._state = _state(status)
        self._name = str(stream.name)
        self._starts, self._ends = starts, ends

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, number: int) -> bytes: ...

    @overload
    def __getitem__(self, number: slice) -> list[bytes]: ...

    def __getitem__(self, number: int | slice) -> bytes | list[bytes]:
        starts, ends = self._starts[number], self._ends[number]
        if isinstance(starts, int) and isinstance(ends, int):
            return self._read(starts, ends)
        assert not isinstance(starts, int) and not isinstance(ends, int)
        if not starts:
            return []
        first = starts[0]
        text = self._read(first, ends[-1])
        return [text[start - first : end - first] for start, end in zip(starts, ends, strict=True)]

    def _read(self, start: int, end: int) -> bytes:
        text = _read_at(self._descriptor, end - start, start)
        if len(text) < end - start or _state(os.fstat(self._descriptor)) != self._state:
            raise JobFileError("was changed while it was read", hint="run the command again once nothing writes to it", place=self._name)
        return text


def keep_in_file(texts: Sequence[Any], data: bytes, stream: BinaryIO, status: os.stat_result) -> KeptTexts | None:
    """Where these texts stand in a file; None where the file is not as it was when it was read.

    Args:
        texts: parts of `data`, in their order.
        data: all that the file held.
        status: of the file, before it was read.
    """
    if _state(os.fstat(stream.fileno())) != _state(status) or status.st_size != len(data):
        return None
    starts, ends, position = array("Q"), array("Q"), 0
    for text in texts:
        position = data.find(text, position)
        starts.append(position)
        position += memoryview(text).nbytes
        ends.append(position)
    return KeptTexts(stream, status, starts, ends)


def _read_at(descriptor: int, size: int, start: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, start)
    os.lseek(descriptor, start, os.SEEK_SET)  # Windows
    return os.read(descriptor, size)


def _state(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
