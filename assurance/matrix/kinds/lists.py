"""Lists that are not there, one or two of them; or there and empty, or empty files. No rule passes that needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World

_HOWS = ("absent", "empty file", "blank file", "no records", "null")


def _losses(world: World) -> list[tuple[str, str]]:
    return [(dataset, how) for dataset in world.files for how in _HOWS]


def _lose(world: World, lost: Sequence[tuple[str, str]]) -> Variant:
    files: dict[str, bytes | None] = {}
    for dataset, how in lost:
        files[dataset] = {
            "absent": None,
            "empty file": b"",
            "blank file": b"\n# nothing\n",
            "no records": world.save(dataset, []),
            "null": b"null\n",
        }[how]
    return Variant("; ".join(f"{dataset}: {how}" for dataset, how in lost), Claim.NO_PASS, files)


@dataclass(frozen=True)
class OneList:
    """Each list."""

    name: str = "list"

    def count(self, world: World) -> int:
        return len(_losses(world))

    def weight(self, _: World) -> int:
        return 4

    def variant(self, world: World, number: int) -> Variant:
        return _lose(world, [_losses(world)[number]])


@dataclass(frozen=True)
class TwoLists:
    """Each pair of lists."""

    name: str = "two lists"

    def count(self, world: World) -> int:
        return pairs(len(_losses(world)))

    def weight(self, _: World) -> int:
        return 4

    def variant(self, world: World, number: int) -> Variant:
        every = _losses(world)
        return _lose(world, [every[index] for index in pair(number, len(every))])
