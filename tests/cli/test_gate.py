"""What `check --wait` tells while it waits, and what it refuses. The gate itself: `tests.gating`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from policycheck.errors import ExitCode
from tests.cli.conftest import Cli
from tests.gating.conftest import World, open_world  # noqa: F401 - a fixture
from tests.sources.conftest import no_aws, pauses  # noqa: F401 - fixtures

# --- what is told while it waits ---


def test_a_terminal_shows_one_line_that_goes(open_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr("policycheck.cli.progress._is_painted", lambda stream: True)
    world = open_world()
    world.start_backup()
    assert "\r\x1b[KWaiting, 30 s of 30 m: fail; p/fresh" in (told := world.hold("--output", "json").err)
    assert told.rpartition("\r\x1b[K")[2] == "policycheck: pass: 0 findings in 0 of 2 rules, 2 jobs; rules: 2 passed\n"


def test_quiet_is_quiet(open_world: Callable[..., World]) -> None:  # noqa: F811
    world = open_world()
    world.start_backup(ends_after=timedelta(hours=2))
    assert world.hold("--quiet", "--poll", "20m").err == ""


# --- what cannot be asked ---

WRONG = [
    (("--wait", "soon"), "--wait soon"),
    (("--wait", "5m", "--jobs", "ok.json", "--as-of", "now"), "--wait requires jobs from AWS: a saved job list does not change"),
    (("--wait", "5m", "--covers", "2026-01-01..2026-02-01"), "is for saved job lists"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_contradicts_waiting_is_a_usage_error(options: tuple[str, ...], said: str, cli: Cli) -> None:
    outcome = cli("check", "policy.yaml", *options)
    assert (outcome.code, outcome.out) == (ExitCode.USAGE, "")
    assert said in outcome.err


def test_as_of_now_is_what_a_gate_does_anyway(open_world: Callable[..., World]) -> None:  # noqa: F811
    world = open_world()
    world.start_backup(runs_after=timedelta(), ends_after=timedelta())
    assert world.hold("--as-of", "now").code == ExitCode.OK
