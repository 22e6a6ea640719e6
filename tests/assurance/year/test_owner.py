"""What the owner of a simulated organization gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assurance.year.calendars import DAY, instant, moment
from assurance.year.organization import draw_organization
from assurance.year.owner import write_given

START = instant("2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize("day", [0, 200, 364])
def test_waivers_of_every_day_are_in_force_as_long_as_their_reason_lasts(day: int, tmp_path: Path) -> None:
    organization = draw_organization(1, 12, START, START + 365 * DAY)
    today = START + day * DAY
    given = write_given(organization, today, today + DAY, tmp_path)
    assert given.waivers is not None
    waivers = json.loads(given.waivers.read_bytes())["waivers"]
    lasting = [one for one in waivers if one["reason"] == "backed up once a week or month"]
    assert lasting
    assert all(one["granted"] <= moment(today).date().isoformat() <= one["expires"] for one in lasting)
