"""A gate ends when the run passes, when nothing can help, or when time is up; no test sleeps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from policycheck.errors import ExitCode
from policycheck.gating import gate
from policycheck.gating.gate import Timer
from tests.cli.conftest import Cli
from tests.gating.conftest import ACCOUNT, DATABASE, NOW, REGION, World

# --- it passes ---


def test_a_backup_that_completes_while_the_gate_waits_lets_it_pass(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup()
    outcome = world.hold("--output", "json")
    assert outcome.code == ExitCode.OK
    assert json.loads(outcome.out)["verdict"] == "pass"
    assert json.loads(outcome.out)["as_of"] == "2026-03-01T12:01:00Z"
    assert world.slept == [30, 30]
    assert outcome.err.splitlines() == [
        "policycheck: waiting, 0 s of 30 m: fail; p/fresh: 1 backup job is in progress, and a later one might come",
        "policycheck: waiting, 30 s of 30 m: fail; p/fresh: 1 backup job is in progress, and a later one might come",
        "policycheck: pass: 0 findings in 0 of 2 rules, 2 jobs; rules: 2 passed",
    ]


def test_a_pass_is_judged_on_lists_that_were_read_whole(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup()
    outcome = world.hold("--output", "json")
    asked = ["ByCreatedAfter" in request.parameters for request in world.endpoint.requests if request.operation == "ListBackupJobs"]
    assert asked == [False, True, True, False]
    assert not [note for note in json.loads(outcome.out)["not_seen"] if note.startswith("merged")]


def test_a_gate_that_passes_at_once_does_not_wait(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(runs_after=timedelta(), ends_after=timedelta())
    assert world.hold("--quiet").code == ExitCode.OK
    assert (world.slept, world.fetches) == ([], 1)


def test_rules_below_fail_on_keep_no_gate_closed(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(state="FAILED", ends_after=timedelta(), runs_after=timedelta())
    assert world.hold("--select", "none-failed", "--fail-on", "high").code == ExitCode.OK
    assert world.slept == []


# --- it cannot pass ---


def test_what_cannot_come_true_ends_the_gate_at_once(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(state="FAILED", ends_after=timedelta(seconds=40))
    outcome = world.hold("--output", "json=result.json")
    assert outcome.code == ExitCode.FINDINGS
    assert world.slept == [30, 30]
    assert json.loads(Path("result.json").read_text(encoding="utf-8"))["exit_code"] == ExitCode.FINDINGS
    assert re.search(
        rf"waiting cannot help: p/none-failed: FAILED backup job \S+ of {DATABASE} stays in the window until 2026-03-01T13:00:40Z, and the gate ends before",
        outcome.err,
    )


def test_a_failed_job_that_leaves_the_window_in_time_is_waited_for(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(state="FAILED", ends_after=timedelta(), runs_after=timedelta())
    policy = Path("gate.yaml")
    policy.write_text(policy.read_text(encoding="utf-8") + "    no_data: quiet\n", encoding="utf-8")
    options = ("check", "gate.yaml", "--region", REGION, "--select", "none-failed")
    assert world.cli(*options, "--wait", "59m").code == ExitCode.FINDINGS
    assert world.slept == []
    assert world.cli(*options, "--wait", "80m", "--poll", "40m").code == ExitCode.OK
    assert world.slept == [2400, 2400]


def test_access_that_is_refused_twice_ends_the_gate(open_world: Callable[..., World]) -> None:
    role = [f"--role-arn=arn:aws:iam::{account}:role/Audit" for account in (ACCOUNT, "444455556666")]
    world = open_world("AssumeRole@444455556666:*=denied")
    world.start_backup(ends_after=timedelta(minutes=10))
    outcome = world.hold(*role)
    assert outcome.code == ExitCode.EVIDENCE
    assert world.slept == [30]
    assert "444455556666/eu-west-1 was rejected again" in outcome.err


# --- fetches that fail ---


def test_a_fetch_that_fails_for_a_while_is_tried_again(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:2-9=500")
    world.start_backup()
    outcome = world.hold("--output", "json")
    assert outcome.code == ExitCode.OK
    assert "waiting, 30 s of 30 m: nothing could be fetched: ListBackupJobs, eu-west-1, page 1: AWS failed 8 times" in outcome.err


def test_a_first_fetch_that_fails_for_a_while_is_tried_again(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:1-8=500")
    world.start_backup()
    assert world.hold("--quiet").code == ExitCode.OK


@pytest.mark.usefixtures("no_aws", "folder")
@pytest.mark.parametrize("options", [[], ["--region", "eu-west-1"], ["--profile", "nope"]])
def test_settings_that_cannot_work_end_the_gate_at_once(options: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(gate, "TIMER", Timer(lambda: NOW, lambda: 0.0, slept.append))
    if not options:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    outcome = cli("check", "policy.yaml", "--wait", "5m", *options)
    assert (outcome.code, outcome.out, slept) == (ExitCode.EVIDENCE, "", [])


@pytest.mark.parametrize(("fault", "slept"), [("ListBackupJobs:1-=denied", []), ("ListBackupJobs:*=500", [120, 120, 60])])
def test_a_gate_that_never_judged_anything_is_no_pass_and_writes_no_file(fault: str, slept: list[float], open_world: Callable[..., World]) -> None:
    world = open_world(fault)
    outcome = world.cli("check", "gate.yaml", "--region", REGION, "--wait", "5m", "--poll", "2m", "--output", "json=result.json")
    assert outcome.code == ExitCode.EVIDENCE
    assert world.slept == slept
    assert not Path("result.json").exists()
    assert outcome.err.splitlines()[-2 if "denied" in fault else -1 :][0].startswith(("error: ", "  = help: "))


def test_access_that_is_taken_away_ends_the_gate_with_the_last_judgement(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:2-=expired")
    world.start_backup()
    outcome = world.hold("--output", "json=result.json")
    assert outcome.code == ExitCode.FINDINGS
    assert world.slept == [30, 30]
    assert "waiting cannot help: rejected twice: ListBackupJobs, eu-west-1, page 1: the session has expired" in outcome.err
    assert json.loads(Path("result.json").read_text(encoding="utf-8"))["as_of"] == "2026-03-01T12:00:00Z"


# --- time is up ---


def test_time_is_up_with_the_code_and_the_reports_of_the_last_judgement(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(ends_after=timedelta(hours=2))
    outcome = world.cli("check", "gate.yaml", "--region", REGION, "--wait", "70s", "--output", "json=result.json", "--output", "junit=junit.xml")
    assert outcome.code == ExitCode.FINDINGS
    assert world.slept == [30, 30, 10]
    result = json.loads(Path("result.json").read_text(encoding="utf-8"))
    assert (result["as_of"], result["exit_code"]) == ("2026-03-01T12:01:10Z", ExitCode.FINDINGS)
    ET.parse("junit.xml")
    assert outcome.err.splitlines()[-1] == (
        "policycheck: time is up after 1 m 10 s: still fail; p/fresh: 1 backup job is in progress, and a later one might come"
    )


def test_time_that_is_up_while_nothing_can_be_fetched_says_so(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:2-=500")
    world.start_backup()
    outcome = world.cli("check", "gate.yaml", "--region", REGION, "--wait", "40s")
    assert outcome.code == ExitCode.FINDINGS
    assert "time is up after 40 s: the last fetch failed: " in outcome.err
    assert outcome.err.endswith("the reports are those of an earlier poll\n")
