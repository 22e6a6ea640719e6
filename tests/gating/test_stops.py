"""A gate that is stopped writes its reports, and never ends with the exit code of a pass."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.errors import ExitCode
from policycheck.gating.stops import Stopped
from tests.cli.conftest import environment
from tests.gating.conftest import NOW, REGION, World


def swallow_stop() -> None:
    """SIGTERM, in code that lets no exception out (a finalizer, say)."""
    with pytest.raises(Stopped):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize(("number", "code", "word"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "SIGINT")])
def test_a_gate_that_is_stopped_writes_its_reports_and_never_passes(number: signal.Signals, code: int, word: str, open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup()
    world.during_sleep = lambda: os.kill(os.getpid(), number)
    before = signal.getsignal(number)
    outcome = world.hold("--output", "json=result.json", "--output", "sarif=results.sarif")
    assert outcome.code == code
    result = json.loads(Path("result.json").read_text(encoding="utf-8"))
    assert (result["verdict"], result["exit_code"]) == ("fail", ExitCode.FINDINGS)
    json.loads(Path("results.sarif").read_text(encoding="utf-8"))
    assert f"policycheck: stopped by {word} after 30 s: the reports are those of poll 1\n" in outcome.err
    assert signal.getsignal(number) is before


def test_a_signal_that_somebody_swallowed_ends_the_gate_all_the_same(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.during_sleep = swallow_stop
    assert world.hold("--quiet").code == 143


def test_a_gate_that_is_stopped_before_it_judged_writes_nothing(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:*=500")
    world.during_sleep = lambda: os.kill(os.getpid(), signal.SIGTERM)
    outcome = world.hold("--output", "json=result.json")
    assert outcome.code == 143
    assert not Path("result.json").exists()
    assert outcome.err.splitlines()[-1] == "policycheck: stopped by SIGTERM after 30 s: nothing was evaluated"


def test_a_signal_while_reports_are_written_waits_for_them(open_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    from policycheck.formats import output

    write = output.write_atomically

    def stopped(path: Path, content: bytes) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        write(path, content)

    monkeypatch.setattr(output, "write_atomically", stopped)
    world = open_world()
    world.start_backup(runs_after=timedelta(), ends_after=timedelta())
    assert world.hold("--output", "json=result.json").code == 143
    assert json.loads(Path("result.json").read_text(encoding="utf-8"))["verdict"] == "pass"


@pytest.mark.slow
def test_sigterm_to_a_process_that_waits(open_world: Callable[..., World], folder: Path) -> None:
    world = open_world()
    # The process tells the time by this machine's clock, and refuses an endpoint whose clock is far from it.
    world.store.clock.advance(datetime.now(UTC) - NOW)
    world.start_backup(ends_after=timedelta(hours=2))
    variables = environment(**world.endpoint.environment)
    command = ["check", "gate.yaml", "--region", REGION, "--wait", "30m", "--poll", "20m", "--output", "json=result.json"]
    with subprocess.Popen(
        [sys.executable, "-m", "policycheck", *command], cwd=folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if b"waiting" in line:
                break
        process.terminate()
        _, error = process.communicate(timeout=30)
    assert process.returncode == 143
    assert b"stopped by SIGTERM after" in error
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["exit_code"] in {ExitCode.FINDINGS, ExitCode.EVIDENCE}


def test_a_pass_that_is_stopped_before_it_is_reported_leaves_the_reports_of_the_look_before(
    open_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    from policycheck import pipeline

    judge = pipeline.run
    signalled: list[signal.Signals] = []

    def stopped(*arguments: Any, **options: Any) -> Any:
        result = judge(*arguments, **options)
        if result.exit_code is ExitCode.OK and not signalled:
            # A second one would end this process.
            signalled.append(signal.SIGTERM)
            swallow_stop()
        return result

    monkeypatch.setattr(pipeline, "run", stopped)
    world = open_world()
    world.start_backup()
    assert world.hold("--output", "json=result.json").code == 143
    assert json.loads(Path("result.json").read_text(encoding="utf-8"))["verdict"] == "fail"
