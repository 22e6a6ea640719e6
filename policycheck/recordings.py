"""What it means that a record lacks a member, and that of many records."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import eq
from typing import overload


@dataclass(frozen=True, slots=True)
class Recording:
    """What it means that a record lacks a member."""

    told: frozenset[str]
    """Members, and objects that hold members, that are known to be missing where they are (CompletionDate: while the job's state says so)."""
    kept: frozenset[str]
    """Members that nobody dropped: where one is missing, AWS gave none, or the client was too old to know it."""
    whole: bool
    """Whether nobody dropped members of its source, or of the record."""
    until: int = 0
    """The newest time at which its source shows that something happened, in microseconds: it was saved later than that."""
    report: bool = False
    """Whether its source is a job report of AWS Backup, which has columns of its own."""

    @property
    def damaged(self) -> bool:
        """Whether the record lost members which all others of its source have."""
        return not self.kept and not self.whole

    def but(self, unusable: frozenset[str]) -> Recording:
        """The same of a record of which these members say what cannot be."""
        return Recording(self.told - unusable, self.kept - unusable, self.whole, self.until, self.report) if unusable else self


class Recordings(Sequence[Recording]):
    """One for each record: each that is different once, and four bytes a record."""

    def __init__(self, kinds: Sequence[Recording], numbers: array[int]) -> None:
        """
        Args:
            kinds: all different.
            numbers: by record, the place of its own among them.
        """
        self.kinds, self.numbers = tuple(kinds), numbers

    @classmethod
    def alike(cls, base: Recording, count: int, others: Mapping[int, Recording]) -> Recordings:
        """Those of so many records that are told of alike, but for some rows."""
        kinds: dict[Recording, int] = {base: 0} if len(others) < count else {}
        numbers = array("I", bytes(array("I").itemsize * count))
        for row, one in others.items():
            numbers[row] = kinds.setdefault(one, len(kinds))
        return cls(list(kinds), numbers)

    @classmethod
    def joined(cls, parts: Iterable[Sequence[Recording]]) -> Recordings:
        """Those of several lists, one after the other."""
        kinds: dict[Recording, int] = {}
        numbers = array("I")
        for part in parts:
            found = part if isinstance(part, Recordings) else cls.of(part)
            places = [kinds.setdefault(one, len(kinds)) for one in found.kinds]
            if places == list(range(len(places))):
                numbers.extend(found.numbers)
            else:
                numbers.extend(map(places.__getitem__, found.numbers))
        return cls(list(kinds), numbers)

    @classmethod
    def of(cls, told: Sequence[Recording]) -> Recordings:
        """Those of a plain sequence."""
        # Most records share one object, and comparing sets a hundred thousand times is slow.
        kinds: dict[Recording, int] = {}
        known = {id(one): kinds.setdefault(one, len(kinds)) for one in {id(one): one for one in told}.values()}
        return cls(list(kinds), array("I", [known[id(one)] for one in told]))

    def changed(self, change: Callable[[Recording], Recording]) -> Recordings:
        """The same, each changed."""
        return self.joined([Recordings([one], array("I", [0])) for one in map(change, self.kinds)])._spread(self.numbers)

    def _spread(self, numbers: array[int]) -> Recordings:
        """These, which are one for each kind, for each record."""
        if list(self.numbers) == list(range(len(self.numbers))):
            return Recordings(self.kinds, numbers)
        return Recordings(self.kinds, array("I", map(self.numbers.__getitem__, numbers)))

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recordings) and len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as that of a list

    @overload
    def __getitem__(self, row: int) -> Recording: ...

    @overload
    def __getitem__(self, row: slice) -> Recordings: ...

    def __getitem__(self, row: int | slice) -> Recording | Recordings:
        return Recordings(self.kinds, self.numbers[row]) if isinstance(row, slice) else self.kinds[self.numbers[row]]

    def __iter__(self) -> Iterator[Recording]:
        return map(self.kinds.__getitem__, self.numbers)
