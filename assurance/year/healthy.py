"""The healthy organization, month by month: a year of jobs need not be in memory at once, and months are evaluated side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

from assurance.year.calendars import DAY
from assurance.year.evaluation import Findings, Found, evaluate_hours, is_of_quarter
from assurance.year.held import find_held
from assurance.year.jobs import Simulator
from assurance.year.lists import Lists, simulate
from assurance.year.organization import Organization
from assurance.year.owner import QUARTER

MONTH = 30 * DAY
_HELD_EVERY = 10 * DAY


@dataclass
class Healthy:
    """What the packs came to."""

    jobs: Findings = field(default_factory=Findings)
    """On job lists, at every step."""
    held: Findings = field(default_factory=Findings)
    """On what there is, every ten days."""

    def add(self, later: Healthy) -> None:
        """Add a later time."""
        for own, other in ((self.jobs, later.jobs), (self.held, later.held)):
            own.join(other)
            own.steps += other.steps

    @property
    def open(self) -> list[Found]:
        return [*self.jobs.open, *self.held.open]


def months_of(organization: Organization) -> list[tuple[int, int]]:
    """Where each begins and ends."""
    return [(first, min(first + MONTH, organization.end)) for first in range(organization.start, organization.end, MONTH)]


def evaluate_month(organization: Organization, first: int, end: int, every: int) -> Healthy:
    """All rules on one month."""
    lists = simulate_from(organization, first, end)
    found = Healthy(evaluate_hours(organization, lists, first, end, every=every))
    found.jobs.join(evaluate_hours(organization, lists, first, end, chosen=is_of_quarter, chunk=10 * DAY, reach=QUARTER, every=every))
    for at in range(first, end, _HELD_EVERY):
        found.add(Healthy(held=find_held(organization, lists, at)))
    return found


def simulate_from(organization: Organization, first: int, end: int) -> Lists:
    """The jobs of a time, and of a quarter before it."""
    return simulate(Simulator(organization), organization.resources, first - QUARTER, end)
