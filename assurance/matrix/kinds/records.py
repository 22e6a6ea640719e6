"""Jobs that are gone from their lists, one or two of them.

A list that states its coverage says how many there are, and is refused. A plain list without a job is the list of an organization in which there was none:
they cannot be told apart, so the second evaluation decides what it shows.
"""

from __future__ import annotations

from dataclasses import dataclass

from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World
from policycheck.datasets import DATASETS


def rows(world: World) -> list[tuple[str, int]]:
    """Every record of the lists, by dataset and index."""
    return [(dataset, row) for dataset in world.files for row in range(len(world.organization.lists[dataset]))]


def without(world: World, gone: list[tuple[str, int]]) -> Variant:
    """The lists without these records."""
    records = {}
    for dataset in {dataset for dataset, _ in gone}:
        records[dataset] = [record for row, record in enumerate(world.organization.lists[dataset]) if (dataset, row) not in gone]
    what = "without " + ", ".join(f"{world.organization.lists[dataset][row][DATASETS[dataset].id_field]} of {dataset}" for dataset, row in gone)
    claim = Claim.NO_PASS if world.covered else Claim.AS_ORACLE
    return Variant(what, claim, {name: world.save(name, left) for name, left in records.items()}, records, refused=world.covered)


@dataclass(frozen=True)
class OneRecord:
    """Each record of each list."""

    name: str = "record"

    def count(self, world: World) -> int:
        return len(rows(world))

    def weight(self, world: World) -> int:
        return 10 if world.covered else 4

    def variant(self, world: World, number: int) -> Variant:
        return without(world, [rows(world)[number]])


@dataclass(frozen=True)
class TwoRecords:
    """Each pair of records, of one list or of two."""

    name: str = "two records"

    def count(self, world: World) -> int:
        return pairs(len(rows(world)))

    def weight(self, world: World) -> int:
        return 10 if world.covered else 4

    def variant(self, world: World, number: int) -> Variant:
        every = rows(world)
        return without(world, [every[index] for index in pair(number, len(every))])
