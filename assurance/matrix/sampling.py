"""Which variants of the matrix a run checks: a part of each kind in each world, chosen by the seed."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from math import inf
from multiprocessing import get_context
from pathlib import Path
from random import Random

from assurance.matrix.archives import NAME as ARCHIVES
from assurance.matrix.archives import ArchivedWorld
from assurance.matrix.faulting import NAME as FAULTS
from assurance.matrix.faulting import FaultyWorld
from assurance.matrix.judging import Breach, Outcome, judge
from assurance.matrix.kinds.registry import KINDS
from assurance.matrix.organization import NAMES
from assurance.matrix.rules import RuleSet, load_rules
from assurance.matrix.world import World, make_world

_MORE_CUTS = 8
"""How many more files of an archive are cut than faults of a fetch are tried."""
WORLDS = 2 * len(NAMES)
"""Of one seed: each trouble, its lists plain and with their coverage."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker does at a time: a part of each kind in one world."""

    world: int
    kinds: tuple[str, ...]
    seed: int
    most: int
    """How many variants of a kind at most, times its weight."""
    faults: int = 0
    """How many faults at most."""
    until: float = inf
    """When to stop, in seconds since 1970; what was checked by then is counted."""


@dataclass
class Tally:
    """What was checked, by kind."""

    worlds: int = 0
    possible: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    breaches: list[Breach] = field(default_factory=list)

    def count(self, kind: str, outcome: Outcome) -> None:
        """Add one variant."""
        self.checked[kind] += 1
        self.refused[kind] += outcome.refused
        self.verdicts[kind] += 0 if outcome.refused else outcome.rules
        self.breaches += outcome.breaches

    def add(self, other: Tally) -> None:
        """Add what another worker checked."""
        for mine, its in ((self.possible, other.possible), (self.checked, other.checked), (self.refused, other.refused), (self.verdicts, other.verdicts)):
            mine.update(its)
        self.breaches += other.breaches
        self.worlds += other.worlds


_home: Path | None = None
_rules: RuleSet | None = None


def perform(task: Task) -> Tally:
    """Check the variants of a task."""
    if time.time() > task.until:
        return Tally()
    rules, home = _prepare()
    world, tally = make_world(task.world, task.seed, home, rules), Tally(worlds=1)
    for name in task.kinds:
        kind = KINDS[name]
        count = kind.count(world)
        tally.possible[name] += count
        for number in Random(f"{task.seed}/{task.world}/{name}").sample(range(count), min(count, task.most * kind.weight(world))):
            if time.time() > task.until:
                return tally
            tally.count(name, judge(world, name, number, kind.variant(world, number), home))
    if task.faults and not world.covered:
        _fetch(task, world, tally)
    return tally


def _fetch(task: Task, world: World, tally: Tally) -> None:
    """The same of faults; how its lists are saved means nothing to a fetch, so that half of the worlds are fetched."""
    rules, home = _prepare()
    faulty = FaultyWorld(world.organization, rules, home)
    _sample(task, FAULTS, len(faulty.faults), faulty.judge, tally)
    archived = ArchivedWorld(world.organization, rules, home)
    _sample(task, ARCHIVES, len(archived.variants), archived.judge, tally, _MORE_CUTS)


def _sample(task: Task, name: str, count: int, judge_one: Callable[[int], Outcome], tally: Tally, times: int = 1) -> None:
    tally.possible[name] += count
    for number in Random(f"{task.seed}/{task.world}/{name}").sample(range(count), min(count, task.faults * times)):
        if time.time() > task.until:
            return
        tally.count(name, judge_one(number))


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
