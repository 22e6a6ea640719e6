"""What there is in a simulated organization follows from its jobs, and the packs find what is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assurance.year.calendars import DAY, HOUR, instant, moment
from assurance.year.faults import KINDS, Scene
from assurance.year.held import find_held, hold
from assurance.year.jobs import Simulator
from assurance.year.lists import Lists, simulate
from assurance.year.organization import Organization, draw_organization

START = instant("2026-05-04T00:00:00+00:00")
NOW = START + 2 * DAY
QUARTER = 91 * DAY


@pytest.fixture(scope="module")
def organization() -> Organization:
    return draw_organization(3, 3, START, NOW + DAY, changes=False)


@pytest.fixture(scope="module")
def lists(organization: Organization) -> Lists:
    return simulate(Simulator(organization), organization.resources, START - QUARTER, NOW + DAY)


def test_a_backup_leaves_a_recovery_point_until_its_retention_is_over(organization: Organization, lists: Lists) -> None:
    points = hold(organization, lists, NOW)["RecoveryPoints"]
    nightly = next(one for one in organization.resources if one.is_of("nightly"))
    own = [point for point in points if point["ResourceArn"] == nightly.arn and point["VaultType"] == "BACKUP_VAULT"]
    assert len(own) == len({point["RecoveryPointArn"] for point in own}) > 35
    assert all(point["CreationDate"] > moment(NOW - point["Lifecycle"]["DeleteAfterDays"] * DAY) for point in own)
    assert max(point["CompletionDate"] for point in own) <= moment(NOW)
    assert {point["Lifecycle"]["DeleteAfterDays"] for point in own} == {35, 90, 365}


def test_continuous_backups_share_one_recovery_point_as_old_as_the_first(organization: Organization, lists: Lists) -> None:
    continuous = next(one for one in organization.resources if one.is_of("continuous"))
    held = hold(organization, lists, NOW)
    (point,) = (point for point in held["RecoveryPoints"] if point["ResourceArn"] == continuous.arn and point["VaultType"] == "BACKUP_VAULT")
    assert point["Status"] == "AVAILABLE"
    assert point["CreationDate"] < moment(NOW - 80 * DAY) < moment(NOW - 2 * DAY) < point["CompletionDate"]
    assert {one["LastBackupTime"] for one in held["Results"] if one["ResourceArn"] == continuous.arn} == {point["CompletionDate"]}


def test_nothing_is_found_while_all_is_well(organization: Organization, lists: Lists) -> None:
    found = find_held(organization, lists, NOW)
    assert found.open == []
    assert {rule.partition("/")[2] for rule, _ in found.verdicts} == {
        "protected-by-plan", "vaults-locked", "recovery-points-encrypted", "recovery-points-kept", "recent-recovery-point",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["not encrypted", "retention cut", "vault unlocked"])
def test_a_fault_shows_in_what_there_is(organization: Organization, kind: str) -> None:
    simulator = Simulator(organization)
    place = organization.places[0]
    fault = KINDS[kind](Scene(simulator, place, START, START + 12 * HOUR))
    lists = simulate(simulator, place.resources, START - QUARTER, NOW + DAY, fault.spoils)
    found = find_held(replace(organization, places=(place,)), lists, NOW)
    assert fault.held and {(breach.rule, breach.subject) for breach in fault.held} == {(one.rule, one.subject) for one in found.open}
