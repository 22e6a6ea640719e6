"""Members that are gone from every record of a list: one, two, or all but two (`--query`, `jq`, a report of one's own).

A list without a member that AWS always records is a reduced one, and every other member that it lacks is unknown. So is a member that newer clients record, and
StatusMessage, where no record has it. Any other member that is missing throughout a list that is not reduced is one that did not apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World
from policycheck.datasets import DATASETS, JOB_LISTS, Presence

_SHOWING = {Presence.ALWAYS, Presence.ALWAYS_SINCE, Presence.SINCE, Presence.WHEN_ENDED}


def _members(world: World, dataset: str) -> list[str]:
    return sorted({member for record in world.organization.lists[dataset] for member in record})


def _shows(dataset: str, dropped: Sequence[str]) -> bool:
    """Whether the list shows that members were dropped."""
    fields = [DATASETS[dataset].fields.get(member) for member in dropped]
    if any(field is not None and field.presence is Presence.ALWAYS for field in fields):
        return True
    return all(member == "StatusMessage" or (field is not None and field.presence in _SHOWING) for member, field in zip(dropped, fields, strict=True))


def _drop(world: World, dataset: str, dropped: Sequence[str]) -> Variant:
    records = [{member: value for member, value in record.items() if member not in dropped} for record in world.organization.lists[dataset]]
    claim = Claim.NO_GAIN if _shows(dataset, dropped) or dataset not in JOB_LISTS else Claim.AS_ORACLE
    return Variant(f"{dataset} without {', '.join(dropped)}", claim, {dataset: world.save(dataset, records)}, {dataset: records}, members=frozenset(dropped))


def _droppable(world: World, dataset: str) -> list[str]:
    """The members whose loss is asked about: of what there is there is no second evaluation."""
    return [member for member in _members(world, dataset) if dataset in JOB_LISTS or _shows(dataset, [member])]


def _nth(world: World, number: int, sizes: Sequence[int]) -> tuple[str, int]:
    """The dataset of a number, and its number there."""
    for dataset, size in zip(world.tender, sizes, strict=True):
        if number < size:
            return dataset, number
        number -= size
    raise IndexError(number)


@dataclass(frozen=True)
class OneColumn:
    """Each member of each list."""

    name: str = "column"

    def count(self, world: World) -> int:
        return sum(self._sizes(world))

    def weight(self, _: World) -> int:
        return 2

    def variant(self, world: World, number: int) -> Variant:
        dataset, number = _nth(world, number, self._sizes(world))
        return _drop(world, dataset, [_droppable(world, dataset)[number]])

    def _sizes(self, world: World) -> list[int]:
        return [len(_droppable(world, dataset)) for dataset in world.tender]


@dataclass(frozen=True)
class TwoColumns:
    """Each pair of members of each list."""

    name: str = "two columns"

    def count(self, world: World) -> int:
        return sum(self._sizes(world))

    def weight(self, _: World) -> int:
        return 2

    def variant(self, world: World, number: int) -> Variant:
        dataset, number = _nth(world, number, self._sizes(world))
        members = _droppable(world, dataset)
        return _drop(world, dataset, [members[index] for index in pair(number, len(members))])

    def _sizes(self, world: World) -> list[int]:
        return [pairs(len(_droppable(world, dataset))) for dataset in world.tender]


@dataclass(frozen=True)
class KeptColumns:
    """Each list reduced to each pair of its members."""

    name: str = "list reduced to two members"

    def count(self, world: World) -> int:
        return sum(self._sizes(world))

    def weight(self, _: World) -> int:
        return 2

    def variant(self, world: World, number: int) -> Variant:
        dataset, number = _nth(world, number, self._sizes(world))
        members = _members(world, dataset)
        kept = {members[index] for index in pair(number, len(members))}
        return _drop(world, dataset, [member for member in members if member not in kept])

    def _sizes(self, world: World) -> list[int]:
        return [pairs(len(_members(world, dataset))) for dataset in world.tender]
