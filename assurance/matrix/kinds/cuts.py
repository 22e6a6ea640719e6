"""Files that end too early: every form, cut at every 64th byte and at every end of a line.

A text whose brackets do not close, and packed data, show it: no rule passes that needs them. JSON lines and YAML that end between two records are sound lists
of fewer jobs, and the second evaluation decides what they show; it is told that the last record of YAML may have lost members, and that a single
line is no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from assurance.matrix.forms import FORMS
from assurance.matrix.variant import Claim, Variant
from assurance.matrix.world import World
from policycheck.datasets import JOB_LISTS

_STEP = 64


@lru_cache(maxsize=400)
def _text(world: World, dataset: str, form: str) -> bytes:
    return FORMS[form].write(dataset, world.organization.lists[dataset])


@lru_cache(maxsize=400)
def _points(world: World, dataset: str, form: str) -> Sequence[int]:
    """Where a text is cut: after the first byte, and before its last one that is no blank."""
    text = _text(world, dataset, form)
    ends = [place for place, byte in enumerate(text) if byte == 10] if text.isascii() else []
    limit = len(text.rstrip(b"\n"))
    return sorted({point for point in (*range(_STEP, limit, _STEP), *ends, *(end + 1 for end in ends)) if 0 < point < limit})


def _texts(world: World, unclosed: bool) -> list[tuple[str, str]]:
    """Every list in every form that its world is saved in."""
    return [(dataset, name) for dataset in world.files for name, form in FORMS.items() if form.covered == world.covered and form.unclosed == unclosed]


def _cut(world: World, dataset: str, name: str, point: int) -> Variant:
    form, whole = FORMS[name], _text(world, dataset, name)
    left = whole[:point]
    files: bytes | list[bytes] = left
    if form.beside is not None:
        files = [left, form.beside(whole, dataset, world.organization.lists[dataset])]
    records = form.read(left, dataset)
    if records is None or dataset not in JOB_LISTS:
        return Variant(f"{dataset} as {name}, cut after {point} of {len(whole)} bytes", Claim.NO_PASS, {dataset: files}, refused=True)
    unclosed = frozenset({dataset} if form.unclosed else ())
    what = f"{dataset} as {name}, cut after {point} of {len(whole)} bytes, which holds {len(records)} records"
    lone = frozenset({dataset} if len(records) == 1 and not form.unclosed else ())
    return Variant(what, Claim.AS_ORACLE, {dataset: files}, {dataset: records}, unclosed, lone, refused=form.unclosed)


@dataclass(frozen=True)
class Cut:
    """Each form of each list, cut at each place; YAML by itself, since its cuts are evaluated, and others mostly refused."""

    name: str = "cut file"
    unclosed: bool = False

    def count(self, world: World) -> int:
        return sum(len(_points(world, *text)) for text in _texts(world, self.unclosed))

    def weight(self, world: World) -> int:
        return 1 if self.unclosed else 120 if world.covered else 60

    def variant(self, world: World, number: int) -> Variant:
        for dataset, name in _texts(world, self.unclosed):
            points = _points(world, dataset, name)
            if number < len(points):
                return _cut(world, dataset, name, points[number])
            number -= len(points)
        raise IndexError(number)
