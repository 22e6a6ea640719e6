"""The lists of a simulated organization, and what AWS shows of them at an instant."""

from __future__ import annotations

from collections import Counter

import pytest

from assurance.year.calendars import DAY, HOUR, MINUTE, SECOND, instant, moment
from assurance.year.jobs import Backup, Simulator
from assurance.year.lists import Lists, simulate
from assurance.year.organization import Organization, Resource, draw_organization

START = instant("2026-05-01T00:00:00+00:00")


@pytest.fixture(scope="module")
def organization() -> Organization:
    return draw_organization(1, 2, START, START + 10 * DAY, changes=False)


@pytest.fixture(scope="module")
def resource(organization: Organization) -> Resource:
    return next(one for one in organization.resources if one.is_of("nightly"))


def listed(organization: Organization, resource: Resource, start: int, end: int) -> tuple[Lists, list[Backup]]:
    simulator = Simulator(organization)
    return simulate(simulator, [resource], start, end), sorted(simulator.backups(resource, start, end), key=lambda job: job.created)


def test_rules_that_meet_make_one_job_of_the_rule_that_keeps_longest(organization: Organization, resource: Resource) -> None:
    first = instant("2026-05-25T00:00:00+00:00")
    runs = list(resource.stays[0].plan.runs(first, first + 14 * DAY))
    assert Counter(rule.name for _, _, rule in runs) == {"nightly": 11, "weekly": 2, "monthly": 1}


def test_a_job_is_listed_as_it_was_at_the_instant(organization: Organization, resource: Resource) -> None:
    lists, (job, *_) = listed(organization, resource, START, START + 2 * DAY)
    assert job.started is not None and job.ended is not None
    shown = {
        at: [row["State"] for row in lists.at(at)["BackupJobs"]]
        for at in (job.created - SECOND, job.created + SECOND, job.started + SECOND, job.ended - SECOND, job.ended + SECOND)
    }
    assert list(shown.values()) == [[], ["PENDING"], ["RUNNING"], ["RUNNING"], ["COMPLETED"]]
    (running,) = lists.at(job.started + SECOND)["BackupJobs"]
    assert "CompletionDate" not in running and "MessageCategory" not in running and running["InitiationDate"] == moment(job.started)


def test_backup_jobs_are_listed_for_thirty_days_and_copies_for_longer(organization: Organization, resource: Resource) -> None:
    lists, (job, *_) = listed(organization, resource, START, START + 2 * DAY)
    after = lists.at(job.created + 30 * DAY + HOUR)
    assert job.id not in {row["BackupJobId"] for row in after["BackupJobs"]}
    assert job.copies[0].id in {row["CopyJobId"] for row in after["CopyJobs"]}


def test_a_job_that_is_listed_late_is_missing_until_then(organization: Organization) -> None:
    lists = simulate(Simulator(organization), organization.resources, START, START + 30 * DAY)
    first, last = lists.late()[0]
    shown = [{row["CreationDate"] for row in lists.at(at)["BackupJobs"]} for at in (last - MINUTE, last)]
    assert [moment(first) in dates for dates in shown] == [False, True]
