"""Whether a job that AWS lists late is told from a disagreement."""

from __future__ import annotations

from unittest.mock import patch

from assurance.year.agreement import compare_instant
from assurance.year.calendars import DAY, instant
from assurance.year.jobs import Simulator
from assurance.year.lists import Lists, simulate
from assurance.year.organization import draw_organization

START = instant("2026-05-01T00:00:00+00:00")


def test_a_run_counts_as_missed_until_its_job_is_listed_and_only_the_late_job_is_to_blame() -> None:
    organization = draw_organization(2, 12, START, START + 62 * DAY, changes=False)
    hourly = [one for one in organization.resources if one.is_of("hourly")]
    simulator = Simulator(organization)
    late = next(
        job for one in hourly for job in simulator.backups(one, START + 32 * DAY, START + 60 * DAY) if job.plan is not None and job.listed > job.start_by
    )
    place = next(place for place in organization.places if late.resource in place.resources)
    lists = simulate(simulator, place.resources, START, START + 62 * DAY)
    sample = compare_instant(organization, lists, (late.start_by + late.listed) // 2)
    assert sample.differing == () and sample.findings == 0
    assert any("no-missed-runs" in line and late.resource.arn in line for line in sample.awaited)

    with patch.object(Lists, "punctual", lambda self: self):
        blind = compare_instant(organization, lists, (late.start_by + late.listed) // 2)
    assert (blind.differing, blind.awaited) == (sample.awaited, ())
