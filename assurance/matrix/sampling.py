"""Which variants of the matrix a run checks: a part of each kind in each world, chosen by the seed."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from math import inf
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Protocol

from assurance.matrix.archives import NAME as ARCHIVES
from assurance.matrix.archives import ArchivedWorld
from assurance.matrix.faulting import NAME as FAULTS
from assurance.matrix.faulting import FaultyWorld
from assurance.matrix.held import NAME as HELD_LISTS
from assurance.matrix.held import HeldWorld
from assurance.matrix.inventories import NAME as INVENTORIES
from assurance.matrix.inventories import InventoriedWorld
from assurance.matrix.judging import Breach, Outcome, judge
from assurance.matrix.kinds.registry import KINDS
from assurance.matrix.organization import NAMES
from assurance.matrix.reports import NAME as REPORTS
from assurance.matrix.reports import ReportedWorld
from assurance.matrix.rules import RuleSet, load_rules
from assurance.matrix.waiving import NAME as WAIVERS
from assurance.matrix.waiving import WaivedWorld
from assurance.matrix.world import World, make_world

WORLDS = 2 * len(NAMES)
"""Of one seed: each trouble, its lists plain and with their coverage."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker does at a time: a part of each kind in one world."""

    world: int
    kinds: tuple[str, ...]
    seed: int
    most: int
    """How many rounds at most. In each, as many variants of a kind are checked as its weight."""
    seconds: float = inf
    """How long at most; what was checked by then is counted."""
    until: float = inf
    """When to stop in any case, in seconds since 1970."""


@dataclass
class Tally:
    """What was checked, by kind."""

    worlds: int = 0
    possible: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: {"evaluated": 0.0, "rejected": 0.0})
    """Of the clock: in variants that were evaluated, and in those that were rejected."""
    breaches: list[Breach] = field(default_factory=list)

    def count(self, kind: str, outcome: Outcome) -> None:
        """Add one variant."""
        self.checked[kind] += 1
        self.refused[kind] += outcome.refused
        self.verdicts[kind] += 0 if outcome.refused else outcome.rules
        self.breaches += outcome.breaches

    def add(self, other: Tally) -> None:
        """Add what another worker checked."""
        for name in ("possible", "checked", "refused", "verdicts"):
            getattr(self, name).update(getattr(other, name))
        self.seconds = {name: seconds + other.seconds[name] for name, seconds in self.seconds.items()}
        self.breaches += other.breaches
        self.worlds += other.worlds


@dataclass
class _Stream:
    """The chosen variants of one kind in one world."""

    name: str
    weight: float
    numbers: Iterator[int]
    judge: Callable[[int], Outcome]
    credit: float = 0

    def take(self) -> int | None:
        """The number of its next variant in this round."""
        if self.credit < 1:
            return None
        self.credit -= 1
        return next(self.numbers, None)


class _Damaged(Protocol):
    """A world with what is taken from it."""

    @property
    def variants(self) -> Sized: ...

    def judge(self, number: int) -> Outcome:
        """What becomes of the variant of this number."""


@dataclass(frozen=True)
class _Side:
    """A way of taking something from a world that changes more than its lists."""

    weight: float
    """Variants a round."""
    make: Callable[[World, RuleSet, Path], _Damaged]
    of_lists: bool = False
    """Whether it is evaluated beside the lists as they are saved. Otherwise how they are saved means nothing to it."""


_SIDES: Mapping[str, _Side] = {
    HELD_LISTS: _Side(4, lambda world, rules, home: HeldWorld(world.organization, rules, home)),
    REPORTS: _Side(2, lambda world, rules, home: ReportedWorld(world.organization, rules, home)),
    INVENTORIES: _Side(2, lambda world, _rules, _home: InventoriedWorld(world), of_lists=True),
    WAIVERS: _Side(10, lambda world, _rules, _home: WaivedWorld(world), of_lists=True),
    # Half a second each.
    FAULTS: _Side(0.25, lambda world, rules, home: FaultyWorld(world.organization, rules, home)),
    ARCHIVES: _Side(1, lambda world, rules, home: ArchivedWorld(world.organization, rules, home)),
}
ALL = (*KINDS, *_SIDES)
"""The names of all kinds."""

_home: Path | None = None
_rules: RuleSet | None = None


def perform(task: Task) -> Tally:
    """Check the variants of a task."""
    until = min(task.until, time.time() + task.seconds)
    if time.time() > task.until:
        return Tally()
    rules, home = _prepare()
    world, tally = make_world(task.world, task.seed, home, rules), Tally(worlds=1)
    streams = list(_open(task, world, rules, home, tally))
    for _ in range(task.most):
        for stream in streams:
            stream.credit += stream.weight
            while (number := stream.take()) is not None:
                if time.time() > until:
                    return tally
                started = time.monotonic()
                outcome = stream.judge(number)
                tally.seconds["rejected" if outcome.refused else "evaluated"] += time.monotonic() - started
                tally.count(stream.name, outcome)
    return tally


def _open(task: Task, world: World, rules: RuleSet, home: Path, tally: Tally) -> Iterator[_Stream]:
    for name in task.kinds:
        weight: float
        if name in KINDS:
            kind = KINDS[name]
            count = kind.count(world)
            weight = float(kind.weight(world))
            judge_one = _judge_kind(world, name, home)
        elif not _is_open(name, task):
            continue
        else:
            damaged = _SIDES[name].make(world, rules, home)
            count, judge_one = len(damaged.variants), damaged.judge
            weight = _SIDES[name].weight
        tally.possible[name] += count
        numbers = Random(f"{task.seed}/{task.world}/{name}").sample(range(count), min(count, int(task.most * weight) + 1))
        # What is tried in some rounds alone is tried in the first of them.
        yield _Stream(name, weight, iter(numbers), judge_one, credit=max(0.0, 1 - weight))


def _is_open(name: str, task: Task) -> bool:
    """Whether a side is tried in a world. Some take seconds to prepare, and take turns in the worlds of plain lists."""
    if _SIDES[name].of_lists or len(task.kinds) == 1:
        return _SIDES[name].of_lists or task.world % 2 == 0
    turns = [REPORTS, FAULTS, ARCHIVES]
    return task.world % 2 == 0 and (name not in turns or turns[(task.world // 2 + task.seed) % len(turns)] == name)


def _judge_kind(world: World, name: str, home: Path) -> Callable[[int], Outcome]:
    return lambda number: judge(world, name, number, KINDS[name].variant(world, number), home)


def _prepare() -> tuple[RuleSet, Path]:
    """The rules, loaded once a process, and a folder of its own."""
    global _home, _rules  # noqa: PLW0603 - what a worker keeps from task to task
    if _home is None or _rules is None:
        _home = Path(tempfile.mkdtemp(prefix="matrix-"))
        atexit.register(shutil.rmtree, _home, ignore_errors=True)
        (_home / "rules").mkdir()
        _rules = load_rules(_home / "rules")
    return _rules, _home


def perform_all(tasks: Sequence[Task], workers: int) -> Iterator[Tally]:
    """The tallies of all tasks, as they come."""
    if workers == 1:
        yield from map(perform, tasks)
        return
    # The dataframe library has threads, which a fork does not survive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(perform, task) for task in tasks]):
            yield done.result()
