"""Pages of answers that are gone, one or two of them, of lists saved page by page: in a file of their own each, or one after the other in one.

AWS says in each page but the last that more follow (NextToken). Without the last page, what is left says that it is incomplete, and the files are refused.
A page before it says nothing of itself in the others (a token names no page), so the second evaluation decides. Pages of a file of their own each say that
more follow, and are refused in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assurance.matrix.documents import encode, plain
from assurance.matrix.variant import Claim, Variant, pair, pairs
from assurance.matrix.world import World

_SIZE = 8
"""Records a page."""
_FORMS = ("files", "lines", "array")


def _pages(world: World, dataset: str) -> int:
    return -(-len(world.organization.lists[dataset]) // _SIZE)


def _places(world: World) -> list[tuple[str, str, int]]:
    """List, form and page."""
    if world.covered:
        return []
    return [(dataset, form, page) for dataset in world.files if _pages(world, dataset) > 1 for form in _FORMS for page in range(_pages(world, dataset))]


def _lose(world: World, dataset: str, form: str, gone: Sequence[int]) -> Variant:
    records, last = world.organization.lists[dataset], _pages(world, dataset) - 1
    kept = [page for page in range(last + 1) if page not in gone]
    documents = []
    for page in kept:
        document = plain(dataset, records[page * _SIZE : (page + 1) * _SIZE])
        if page < last:
            document["NextToken"] = f"token-{page}"
        documents.append(document)
    parts = [records[page * _SIZE : (page + 1) * _SIZE] for page in kept]
    claim = Claim.NO_PASS if last in gone else Claim.AS_ORACLE
    what = f"{dataset} as {form} without pages {list(gone)} of {last + 1}"
    return Variant(what, claim, {dataset: _save(documents, form)}, {dataset: [record for part in parts for record in part]})


def _save(documents: Sequence[object], form: str) -> list[bytes]:
    match form:
        case "files":
            return [encode([document])[1:-1] for document in documents]
        case "lines":
            return [b"\n".join(encode([document])[1:-1] for document in documents)]
        case _:
            return [encode(documents)]


@dataclass(frozen=True)
class OnePage:
    """Each page of each list."""

    name: str = "page"

    def count(self, world: World) -> int:
        return len(_places(world))

    def weight(self, _: World) -> int:
        return 1

    def variant(self, world: World, number: int) -> Variant:
        dataset, form, page = _places(world)[number]
        return _lose(world, dataset, form, [page])


@dataclass(frozen=True)
class TwoPages:
    """Each pair of pages of one list."""

    name: str = "two pages"

    def count(self, world: World) -> int:
        return 0 if world.covered else sum(pairs(_pages(world, dataset)) * len(_FORMS) for dataset in world.files)

    def weight(self, _: World) -> int:
        return 1

    def variant(self, world: World, number: int) -> Variant:
        for dataset in world.files:
            size = pairs(_pages(world, dataset)) * len(_FORMS)
            if number < size:
                return _lose(world, dataset, _FORMS[number % len(_FORMS)], pair(number // len(_FORMS), _pages(world, dataset)))
            number -= size
        raise IndexError(number)
