"""Accounts, Regions and places (an account in a Region) that were never read, in all lists or in one; one or two of them.

The rules declare their scope, so every loss of a place shows: no rule passes that needs a list of which a declared place is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assurance.matrix.documents import encode, place_of, plain, stated
from assurance.matrix.organization import ACCOUNTS, PLACES, REGIONS
from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World

_WHOLE = [*((account, "") for account in ACCOUNTS), *(("", region) for region in REGIONS), *PLACES]
"""Every account, Region and place; an empty half stands for all."""


def _losses(world: World) -> list[tuple[str, str, str]]:
    """List, account and Region of every loss; an empty list stands for all."""
    return [(dataset, account, region) for dataset in ("", *world.files) for account, region in _WHOLE]


def _lose(world: World, lost: Sequence[tuple[str, str, str]]) -> Variant:
    files = {}
    for dataset in world.files:
        gone = {place for of, account, region in lost if of in ("", dataset) for place in PLACES if account in ("", place[0]) and region in ("", place[1])}
        if gone:
            files[dataset] = _save(world, dataset, gone)
    what = "; ".join(f"{'/'.join(filter(None, (account, region)))} not in {dataset or 'any list'}" for dataset, account, region in lost)
    return Variant(what, Claim.NO_PASS, files)


def _save(world: World, dataset: str, gone: set[tuple[str, str]]) -> bytes | None:
    left = [record for record in world.organization.lists[dataset] if place_of(dataset, record) not in gone]
    if not world.covered:
        return encode(plain(dataset, left))
    document = stated(dataset, left)
    document["Coverage"]["lists"] = [entry for entry in document["Coverage"]["lists"] if (entry["account"], entry["region"]) not in gone]
    # A document of no list at all is none.
    return encode(document) if document["Coverage"]["lists"] else None


@dataclass(frozen=True)
class OnePlace:
    """Each account, Region and place."""

    name: str = "account, Region or place"

    def count(self, world: World) -> int:
        return len(_losses(world))

    def weight(self, _: World) -> int:
        return 2

    def variant(self, world: World, number: int) -> Variant:
        return _lose(world, [_losses(world)[number]])


@dataclass(frozen=True)
class TwoPlaces:
    """Each pair of them."""

    name: str = "two accounts, Regions or places"

    def count(self, world: World) -> int:
        return pairs(len(_losses(world)))

    def weight(self, _: World) -> int:
        return 2

    def variant(self, world: World, number: int) -> Variant:
        every = _losses(world)
        return _lose(world, [every[index] for index in pair(number, len(every))])
