"""The emulator's time: real, or started anywhere and driven by a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Lock


class Clock:
    """Tells the time by which jobs are listed and started jobs progress.

    `Clock()` is real time. `Clock(start)` stands still at `start`; with `running=True` it goes on from there at the speed of real time.
    `advance` moves any of them. Raises ValueError for a `start` without a time zone.
    """

    def __init__(self, start: datetime | None = None, *, running: bool = False) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError("the start of a clock needs a time zone")
        self._lock = Lock()
        self._frozen = None if start is None or running else start.astimezone(UTC)
        self._offset = start - datetime.now(UTC) if start is not None and running else timedelta()

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        with self._lock:
            base = datetime.now(UTC) if self._frozen is None else self._frozen
            return base + self._offset

    def now_ms(self) -> int:
        """The present in whole milliseconds since 1970 UTC: the precision of the API."""
        return to_ms(self.now())

    def advance(self, delta: timedelta) -> None:
        """Move the present by `delta`; a negative one moves it back."""
        with self._lock:
            self._offset += delta


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970 UTC of an aware datetime."""
    return (moment - _EPOCH) // _MILLISECOND


def seconds(ms: int) -> float | int:
    """Epoch seconds as the wire has them: whole where they are whole."""
    return ms // 1000 if ms % 1000 == 0 else ms / 1000
