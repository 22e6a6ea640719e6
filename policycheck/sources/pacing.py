"""How fast AWS is asked: no faster than AWS Backup allows, and slower once it refuses; and what was sent and refused, counted.

botocore's own mode `adaptive` knows no published rate, measures each client by itself in halves of a second, and after a refusal falls to less than half
(measured, botocore 1.44: an early refusal leaves one request in two seconds). So requests are paced here, by events of botocore; retries and their pauses stay
botocore's standard mode.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic
from typing import Any

from policycheck.datasets import DATASETS
from policycheck.sources.aws_errors import is_throttled

PUBLISHED_RATE = 20.0
"""Requests a second that AWS Backup takes of one list operation, in each account and Region (AWS General Reference, quotas of AWS Backup: 20 for the main
lists, 50 for all requests together). A place reads one list at a time, so that both are kept."""
_SHARE = 0.95
"""How much of a rate is used: what arrives a little early is refused."""
_LEAST_RATE = 0.5
_SPAN = 1.0
"""Seconds: what was accepted within it tells the rate that is taken."""
_LATE = 0.05
"""Seconds by which a request may be late and the next one still be on time."""
_GROWTH = 0.05
"""Requests a second, by the square of the seconds since a refusal: after 4 s one more is tried, after 20 s twenty."""
_CALM = 10.0
"""Seconds without a refusal, after which refusals of different places are not one limit that they share."""


class Allowance:
    """One rate: the published one if there is any, less where AWS has refused. Times are seconds of one monotonic clock.

    Not safe to use from several threads.
    """

    def __init__(self, ceiling: float | None = None) -> None:
        """`ceiling` is the most requests a second; None: as many as come, until one is refused."""
        self._ceiling = ceiling
        self._learned: float | None = None
        self._refused = float("-inf")
        self._next = float("-inf")
        self._sent: deque[float] = deque()
        """When requests were sent that were not refused, the last `_SPAN` of them."""
        self._began: float | None = None

    def rate(self, now: float) -> float | None:
        """Requests a second at a moment; None: without a limit."""
        if self._learned is None:
            return self._ceiling
        learned = self._learned + _GROWTH * (now - self._refused) ** 2
        return learned if self._ceiling is None else min(learned, self._ceiling)

    def reserve(self, now: float) -> float:
        """Take the next turn; how many seconds it is away."""
        rate, turn = self.rate(now), now
        if rate is not None:
            turn = max(self._next, now)
            # One that comes a little late does not make the next one late as well.
            self._next = max(self._next, now - _LATE) + 1 / rate
        self._began = turn if self._began is None else self._began
        self._sent.append(turn)
        while self._sent[0] < now - _SPAN:
            self._sent.popleft()
        return turn - now

    def refuse(self, now: float) -> None:
        """Note that a request was refused for coming too fast: what was taken of late is what there is."""
        if self._sent:
            self._sent.pop()
        began = now if self._began is None else self._began
        taken = sum(now - _SPAN <= moment <= now for moment in self._sent) / min(_SPAN, max(now - began, _LATE))
        before = self.rate(now)
        self._learned = max(_SHARE * (taken if before is None else min(taken, before)), _LEAST_RATE)
        self._refused = now


@dataclass(slots=True)
class Tally:
    """What was sent in one place, and what came of it."""

    calls: int = 0
    """Requests for pages, repeated ones included."""
    retries: int = 0
    throttled: int = 0
    """Requests that AWS refused since they came too fast."""
    pages: int = 0
    jobs: int = 0
    waited: float = 0.0
    """Seconds for which requests were held back, so as not to be refused."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.calls + other.calls,
            self.retries + other.retries,
            self.throttled + other.throttled,
            self.pages + other.pages,
            self.jobs + other.jobs,
            self.waited + other.waited,
        )


@dataclass(frozen=True, slots=True)
class Lane:
    """The requests of one place."""

    place: object
    allowance: Allowance


@dataclass(slots=True)
class Pacer:
    """Paces the requests of a run: each place by its own allowance, and all by one where several places are refused at once. Safe to use from several threads.

    `clock` gives seconds, from anywhere; `pause` waits so many.
    """

    clock: Callable[[], float] = monotonic
    pause: Callable[[float], object] = field(default_factory=lambda: Event().wait)
    _shared: Allowance = field(default_factory=Allowance)
    _last: tuple[object, float] | None = None
    """The place that was refused last, and when."""
    _shared_until: float = float("-inf")
    _lock: Lock = field(default_factory=Lock)

    def lane(self, place: object, *, published: bool) -> Lane:
        """The lane of a place. `published`: AWS itself answers, whose rates are published; any other endpoint is asked until it refuses."""
        return Lane(place, Allowance(_SHARE * PUBLISHED_RATE if published else None))

    def hold(self, lane: Lane) -> float:
        """Take a turn for one request; the seconds to wait before it is sent."""
        with self._lock:
            now = self.clock()
            return max(lane.allowance.reserve(now), self._shared.reserve(now))

    def refuse(self, lane: Lane) -> None:
        """Slow down whoever came too fast: a place, or all of them where another one was refused just before."""
        with self._lock:
            now = self.clock()
            if self._last is not None and self._last[0] != lane.place and now - self._last[1] <= _SPAN:
                self._shared_until = now + _CALM
            self._last = (lane.place, now)
            if now <= self._shared_until:
                self._shared_until = now + _CALM
                self._shared.refuse(now)
            else:
                lane.allowance.refuse(now)

    def attach(self, client: Any, lane: Lane, tally: Tally) -> None:
        """Have a botocore client for AWS Backup ask at the pace of its lane, and count what it sends; call it after the client is guarded."""

        def before_send(**_: object) -> None:
            delay = self.hold(lane)
            tally.calls += 1
            tally.waited += delay
            if delay > 0:
                self.pause(delay)

        def answered(response: Any = None, attempts: int = 0, **_: object) -> None:
            tally.retries += attempts > 1
            if response is not None and is_throttled(response[1]):
                tally.throttled += 1
                self.refuse(lane)

        client.meta.events.register_first("before-send.backup", before_send)
        for dataset in DATASETS.values():
            # The first of those of one operation: what asks again for a damaged page ends the event.
            client.meta.events.register_first(f"needs-retry.backup.{dataset.operation}", answered)
