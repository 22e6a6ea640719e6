"""How fast AWS is asked, by a clock of the test's own: an endpoint that refuses what comes too fast is kept busy, and seldom refuses."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count
from random import Random

import pytest

from policycheck.sources.pacing import PUBLISHED_RATE, Allowance, Pacer

Accepts = Callable[[float], bool]


def sliding_window(most: int) -> Accepts:
    """At most so many in any second."""
    taken: deque[float] = deque()

    def accepts(now: float) -> bool:
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) < most:
            taken.append(now)
            return True
        return False

    return accepts


def token_bucket(rate: float, capacity: float) -> Accepts:
    """So many a second, and as many at once as have been saved up."""
    state = [capacity, 0.0]

    def accepts(now: float) -> bool:
        state[0], state[1] = min(capacity, state[0] + (now - state[1]) * rate), now
        if state[0] < 1:
            return False
        state[0] -= 1
        return True

    return accepts


class Simulation:
    """Places of so many pages each, read by threads, from an endpoint that refuses; pauses after a refusal are botocore's (standard mode)."""

    def __init__(self, accepts: Accepts, *, places: int, pages: int, threads: int, latency: float, published: bool = False) -> None:
        self.accepts, self.pages, self.latency, self.published = accepts, pages, latency, published
        self.now = 0.0
        self.pacer = Pacer(clock=lambda: self.now)
        self.chance = Random(7)
        self.todo = deque(range(places))
        self.sent: list[float] = []
        self.refused = self.most_attempts = 0
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.numbers = count()
        for _ in range(threads):
            self._begin()
        while self.events:
            self.now, _, event = heapq.heappop(self.events)
            event()

    def _at(self, time: float, event: Callable[[], None]) -> None:
        heapq.heappush(self.events, (time, next(self.numbers), event))

    def _begin(self) -> None:
        if self.todo:
            lane = self.pacer.lane(self.todo.popleft(), published=self.published)
            self._ask(lane, self.pages, 1)

    def _ask(self, lane: object, left: int, attempt: int) -> None:
        delay = self.pacer.hold(lane)  # type: ignore[arg-type]  # a lane
        self._at(self.now + delay, lambda: self._arrive(lane, left, attempt))

    def _arrive(self, lane: object, left: int, attempt: int) -> None:
        self.sent.append(self.now)
        self.most_attempts = max(self.most_attempts, attempt)
        if self.accepts(self.now):
            self._at(self.now + self.latency, lambda: self._ask(lane, left - 1, 1) if left > 1 else self._begin())
            return
        self.refused += 1
        self.pacer.refuse(lane)  # type: ignore[arg-type]  # a lane
        pause = self.chance.random() * min(2.0 ** (attempt - 1), 20)
        self._at(self.now + pause, lambda: self._ask(lane, left, attempt + 1))


ENDPOINTS: dict[str, Callable[[], Accepts]] = {"a window": lambda: sliding_window(20), "a bucket": lambda: token_bucket(20, 20)}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("places", "pages", "threads", "latency"), [(20, 20, 20, 0.15), (100, 4, 20, 0.15), (2, 200, 2, 0.02), (1, 400, 1, 0.01)])
def test_an_endpoint_that_takes_twenty_a_second_is_kept_busy(endpoint: str, places: int, pages: int, threads: int, latency: float) -> None:
    made = Simulation(ENDPOINTS[endpoint](), places=places, pages=pages, threads=threads, latency=latency)
    ideal = places * pages / 20
    assert made.now <= 1.25 * ideal
    # Eight attempts are made for a page, and a refusal costs the others nothing.
    assert made.most_attempts <= 6
    assert made.refused <= 0.15 * places * pages


def test_what_aws_publishes_is_never_exceeded() -> None:
    made = Simulation(sliding_window(int(PUBLISHED_RATE)), places=1, pages=200, threads=1, latency=0.001, published=True)
    assert made.refused == 0
    assert made.now <= 1.1 * 200 / PUBLISHED_RATE


def test_an_endpoint_that_refuses_nothing_is_asked_as_fast_as_it_answers() -> None:
    made = Simulation(lambda _: True, places=20, pages=20, threads=20, latency=0.15)
    assert made.now == pytest.approx(20 * 0.15)


def test_a_region_that_is_busy_slows_down_no_other() -> None:
    pacer = Pacer(clock=lambda: now)
    now = 0.0
    busy, free = (pacer.lane(place, published=False) for place in ("busy", "free"))
    for _ in range(10):
        pacer.hold(busy)
        pacer.hold(free)
        now += 0.1
    pacer.refuse(busy)
    assert pacer.hold(busy) == 0
    assert pacer.hold(busy) > 0
    assert [pacer.hold(free) for _ in range(5)] == [0] * 5


def test_refusals_in_several_places_slow_down_all() -> None:
    pacer = Pacer(clock=lambda: now)
    now = 0.0
    one, other, third = (pacer.lane(place, published=False) for place in range(3))
    for _ in range(20):
        for lane in (one, other, third):
            pacer.hold(lane)
        now += 0.05
    pacer.refuse(one)
    pacer.refuse(other)
    assert any(pacer.hold(third) > 0 for _ in range(5))


def test_a_rate_that_was_learned_is_outgrown() -> None:
    allowance = Allowance(PUBLISHED_RATE)
    for tenth in range(20):
        allowance.reserve(tenth / 10)
    allowance.refuse(2.0)
    learned = allowance.rate(2.0)
    assert learned is not None
    assert 5 < learned < 10
    assert allowance.rate(6.0) == pytest.approx(learned + 0.8)
    assert allowance.rate(100.0) == PUBLISHED_RATE
