"""Faults of the simulation: each breaks a rule at an instant that follows from its sentence, and the packs find it then."""

from __future__ import annotations

import pytest

from assurance.year.calendars import DAY, HOUR, instant
from assurance.year.evaluation import evaluate_hours
from assurance.year.faults import KINDS, Scene
from assurance.year.jobs import Simulator
from assurance.year.lists import simulate
from assurance.year.organization import Organization, draw_organization

START = instant("2026-05-04T00:00:00+00:00")


@pytest.fixture(scope="module")
def organization() -> Organization:
    return draw_organization(1, 12, START, START + 2 * DAY, changes=False)


def scene(organization: Organization, kind: str) -> Scene:
    place = next(one for one in organization.places if kind != "stack partial" or any(each.type == "CloudFormation" for each in one.resources))
    return Scene(Simulator(organization), place, START, START + 12 * HOUR)


def test_every_kind_of_fault_breaks_a_rule_while_it_is_evaluated(organization: Organization) -> None:
    for kind, begin in KINDS.items():
        fault = begin(scene(organization, kind))
        assert fault.kind == kind and fault.breaches, kind
        assert all(fault.start - HOUR <= breach.at < START + 2 * DAY for breach in fault.breaches), kind
        assert {breach.subject for breach in fault.breaches} <= fault.subjects, kind


def test_a_fault_is_found_by_the_first_hour_after_the_breach_and_not_without_it(organization: Organization) -> None:
    fault = KINDS["key disabled"](scene(organization, "key disabled"))
    (breach,) = fault.breaches
    hour = -(-breach.at // HOUR) * HOUR
    resources = fault.place.resources
    found = [
        evaluate_hours(organization, simulate(Simulator(organization), resources, START - 2 * DAY, START + 2 * DAY, spoils), hour - HOUR, hour + HOUR,
                       chosen=lambda rule: rule == breach.rule, chunk=2 * HOUR).open
        for spoils in (fault.spoils, {})
    ]  # fmt: skip
    assert [[(one.subject, one.cause, one.first) for one in part] for part in found] == [[(breach.subject, breach.cause, hour)], []]
