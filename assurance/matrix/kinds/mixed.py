"""Two losses of different sorts in plain lists of jobs: a record, a value of a record, a member of a whole list. The second evaluation decides what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from assurance.matrix.kinds.records import rows
from assurance.matrix.kinds.values import Loss, losses, without
from assurance.matrix.organization import Record
from assurance.matrix.variant import Claim, Variant
from assurance.matrix.world import World
from policycheck.datasets import DATASETS

_Edit = Loss | tuple[str, int] | tuple[str, str]
"""A value, a record by its row, or a member."""


@lru_cache(maxsize=2)
def _edits(world: World) -> tuple[Sequence[_Edit], Sequence[_Edit], Sequence[_Edit]]:
    members = [(dataset, member) for dataset in world.tender for member in sorted({name for record in world.organization.lists[dataset] for name in record})]
    return [row for row in rows(world) if row[0] in world.tender], losses(world), members


def _apply(records: Sequence[Record], edit: _Edit) -> list[Record]:
    match edit:
        case Loss(row=row):
            return [without(record, edit) if number == row else record for number, record in enumerate(records)]
        case (_, int(row)):
            return [record for number, record in enumerate(records) if number != row]
        case (_, member):
            return [{name: value for name, value in record.items() if name != member} for record in records]


def _member(edit: _Edit) -> str:
    """The member that is lost; empty where it is a record."""
    match edit:
        case Loss(member=member):
            return member
        case (_, int()):
            return ""
        case (_, member):
            return member


def _tell(world: World, edit: _Edit) -> str:
    match edit:
        case Loss(dataset=dataset, row=row, member=member, how=how):
            return f"{member} {how} in record {row} of {dataset}"
        case (dataset, int(row)):
            return f"without {world.organization.lists[dataset][row][DATASETS[dataset].id_field]} of {dataset}"
        case (dataset, member):
            return f"{dataset} without {member}"


@dataclass(frozen=True)
class Mixed:
    """Each pair of two sorts."""

    name: str = "record, value or column, and one of another sort"

    def count(self, world: World) -> int:
        if world.covered:
            return 0
        records, values, members = map(len, _edits(world))
        return records * values + records * members + values * members

    def weight(self, _: World) -> int:
        return 4

    def variant(self, world: World, number: int) -> Variant:
        first, second = self._pair(world, number)
        changed: dict[str, list[Record]] = {}
        # A row is counted in the complete list: what takes records away comes last.
        for edit in (second, first):
            dataset = edit.dataset if isinstance(edit, Loss) else edit[0]
            changed[dataset] = _apply(changed.get(dataset, world.organization.lists[dataset]), edit)
        what = f"{_tell(world, first)}; {_tell(world, second)}"
        lost = frozenset(
            edit.member if isinstance(edit, Loss) else str(edit[1]) for edit in (first, second) if isinstance(edit, Loss) or isinstance(edit[1], str)
        )
        return Variant(what, Claim.AS_ORACLE, {name: world.save(name, left) for name, left in changed.items()}, changed, members=lost)

    def _pair(self, world: World, number: int) -> tuple[_Edit, _Edit]:
        records, values, members = _edits(world)
        for one, other in ((records, values), (records, members), (values, members)):
            if number < len(one) * len(other):
                return one[number // len(other)], other[number % len(other)]
            number -= len(one) * len(other)
        raise IndexError(number)
