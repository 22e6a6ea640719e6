"""The healthy organization, month by month: a year of jobs need not be in memory at once, and months are evaluated side by side."""

from __future__ import annotations

from assurance.year.calendars import DAY
from assurance.year.evaluation import Findings, evaluate_hours, is_of_quarter
from assurance.year.jobs import Simulator
from assurance.year.lists import Lists, simulate
from assurance.year.organization import Organization
from assurance.year.owner import QUARTER

MONTH = 30 * DAY


def months_of(organization: Organization) -> list[tuple[int, int]]:
    """Where each begins and ends."""
    return [(first, min(first + MONTH, organization.end)) for first in range(organization.start, organization.end, MONTH)]


def evaluate_month(organization: Organization, first: int, end: int, every: int) -> Findings:
    """All rules on one month, and the steps that it has."""
    lists = simulate_from(organization, first, end)
    found = evaluate_hours(organization, lists, first, end, every=every)
    found.join(evaluate_hours(organization, lists, first, end, chosen=is_of_quarter, chunk=10 * DAY, reach=QUARTER, every=every))
    return found


def simulate_from(organization: Organization, first: int, end: int) -> Lists:
    """The jobs of a time, and of a quarter before it."""
    return simulate(Simulator(organization), organization.resources, first - QUARTER, end)
