"""SIGINT and SIGTERM while a gate is open."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


class Stopped(BaseException):
    """SIGINT or SIGTERM came while the gate waited, fetched or judged."""


@dataclass(slots=True)
class Stops:
    """SIGINT and SIGTERM while a gate is open: the first ends the waiting, so that the reports can be written; a second ends the process at once."""

    number: int = 0
    """Of the signal that came; 0: none."""
    waiting: bool = False
    """Whether one may end what is being done; reports are written to their end."""

    @property
    def exit_code(self) -> int:
        """128 and the number, as shells have it."""
        return 128 + self.number

    def check(self) -> None:
        """Raise Stopped where a signal came and whoever was called kept the exception to himself."""
        if self.number:
            raise Stopped

    def receive(self, number: int, _frame: FrameType | None = None) -> None:
        if self.number:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.number = number
        if self.waiting:
            raise Stopped


@contextlib.contextmanager
def catch_stops() -> Iterator[Stops]:
    """Receive the signals until the block ends; only the main thread can."""
    stops = Stops()
    if threading.current_thread() is not threading.main_thread():
        yield stops
        return
    before = {number: signal.signal(number, stops.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stops
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
