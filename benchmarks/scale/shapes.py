"""How large the archives are that are measured."""

from __future__ import annotations

from dataclasses import astuple, dataclass

YEAR = 365


@dataclass(frozen=True, slots=True)
class Shape:
    """How large an archive is."""

    jobs: int
    days: int = YEAR
    """Days with a backup of each resource, the last of them that of `AS_OF`."""
    accounts: int = 20
    regions: int = 5
    failed: int = 1000
    """One job in so many FAILED; 1: all."""

    @property
    def resources(self) -> int:
        return max(1, round(self.jobs / self.days))

    @property
    def name(self) -> str:
        return "-".join(self.numbers)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Its numbers, in their order."""
        return tuple(map(str, astuple(self)))
