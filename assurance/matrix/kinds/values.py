"""Values that are gone from single records, one or two of them: the member missing, null, the empty text, the time 0.

Of a member that AWS always records, and of when a finished job ended, the loss shows. Any other member may be missing because it does not apply, so the second
evaluation decides what its absence shows. A list that states its coverage states it still.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World
from policycheck.datasets import DATASETS, JOB_LISTS, Kind, Presence

_ALWAYS = {Presence.ALWAYS, Presence.ALWAYS_SINCE}
_HOWS = ("gone", "null", "empty")


@dataclass(frozen=True, slots=True)
class Loss:
    """One value of one record, and what becomes of it."""

    dataset: str
    row: int
    member: str
    how: str

    @property
    def shows(self) -> bool:
        """Whether what is left shows that something is missing."""
        field = DATASETS[self.dataset].fields.get(self.member)
        return field is not None and (field.presence in _ALWAYS or field.presence is Presence.WHEN_ENDED)


@lru_cache(maxsize=2)
def losses(world: World) -> Sequence[Loss]:
    """Every value of every record of the lists that can gain a pass, in every way in which it can be lost."""
    found = []
    for dataset in world.tender:
        for row, record in enumerate(world.organization.lists[dataset]):
            found += [Loss(dataset, row, member, how) for member in record for how in _HOWS]
    # Of what there is there is no second evaluation: only what shows is asked about.
    return [loss for loss in found if loss.shows or loss.dataset in JOB_LISTS]


def lose(world: World, lost: Sequence[Loss]) -> Variant:
    """The lists without these values."""
    records: dict[str, list[Any]] = {loss.dataset: list(world.organization.lists[loss.dataset]) for loss in lost}
    for loss in lost:
        records[loss.dataset][loss.row] = without(records[loss.dataset][loss.row], loss)
    what = "; ".join(f"{loss.member} {loss.how} in record {loss.row} of {loss.dataset}" for loss in lost)
    claim = Claim.NO_GAIN if all(loss.shows for loss in lost) else Claim.AS_ORACLE
    return Variant(what, claim, {name: world.save(name, left) for name, left in records.items()}, records, members=frozenset(loss.member for loss in lost))


def without(record: Mapping[str, Any], loss: Loss) -> dict[str, Any]:
    if loss.how == "gone":
        return {member: value for member, value in record.items() if member != loss.member}
    field = DATASETS[loss.dataset].fields.get(loss.member)
    empty: object = 0 if field is not None and field.kind is Kind.TIME else {} if isinstance(record.get(loss.member), dict) else ""
    return {**record, loss.member: None if loss.how == "null" or isinstance(record.get(loss.member), bool | int) else empty}


@dataclass(frozen=True)
class OneValue:
    """Each value of each record."""

    name: str = "value"

    def count(self, world: World) -> int:
        return len(losses(world))

    def weight(self, _: World) -> int:
        return 4

    def variant(self, world: World, number: int) -> Variant:
        return lose(world, [losses(world)[number]])


@dataclass(frozen=True)
class TwoValues:
    """Each pair of values."""

    name: str = "two values"

    def count(self, world: World) -> int:
        return pairs(len(losses(world)))

    def weight(self, _: World) -> int:
        return 4

    def variant(self, world: World, number: int) -> Variant:
        every = losses(world)
        return lose(world, [every[index] for index in pair(number, len(every))])
