"""`check --wait` on the emulator: it ends when the run passes, when nothing can help, when time is up or when it is stopped; no test sleeps."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from policycheck.cli import gate
from policycheck.cli.gate import Timer
from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.started import StartOutcome
from policycheck.emulator.store import Store
from policycheck.errors import ExitCode
from tests.cli.conftest import Cli, Outcome, environment
from tests.sources.conftest import no_aws, pauses  # noqa: F401 - fixtures

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT, REGION = "111122223333", "eu-west-1"
DATABASE = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:orders"
RULES = f"""\
policy: p
rules:
  - id: fresh
    severity: high
    where: {{ResourceArn: {DATABASE}}}
    expect: {{newest: {{of: {{Outcome: clean}}, at_most: 1h}}}}
  - id: none-failed
    where: {{ResourceArn: {DATABASE}}}
    within: 1h
    none: {{State: [FAILED, ABORTED, EXPIRED]}}
"""


@dataclass
class World:
    """The emulator, and a gate that tells the time by its clock."""

    store: Store
    endpoint: Endpoint
    cli: Cli
    slept: list[float] = field(default_factory=list)
    during_sleep: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.store.clock.advance(timedelta(seconds=seconds))
        self.during_sleep()

    def start_backup(self, **outcome: Any) -> None:
        self.store.start_outcome = StartOutcome(**outcome)
        self.store.start(ACCOUNT, REGION, {"BackupVaultName": "prod", "ResourceArn": DATABASE, "IamRoleArn": f"arn:aws:iam::{ACCOUNT}:role/B"})

    def hold(self, *options: str) -> Outcome:
        return self.cli("check", "gate.yaml", "--region", REGION, "--wait", "30m", *options)

    @property
    def fetches(self) -> int:
        return sum(request.operation == "ListBackupJobs" for request in self.endpoint.requests)


@pytest.fixture
def open_world(folder: Path, cli: Cli, no_aws: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:  # noqa: F811
    """Makes a world with these faults; its account has one old clean backup of another resource."""
    (folder / "gate.yaml").write_text(RULES, encoding="utf-8")
    stack: list[Any] = []

    def make(*faults: str) -> World:
        store = Store(Clock(NOW), management=ACCOUNT)
        store.add(ACCOUNT, REGION, "backup_jobs", [old_job()])
        served = serve(store, faults=faults)
        endpoint = served.__enter__()
        stack.append(served)
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        world = World(store, endpoint, cli)
        monkeypatch.setattr(gate, "TIMER", Timer(store.clock.now, lambda: store.clock.now().timestamp(), world.sleep))
        return world

    yield make
    for served in stack:
        served.__exit__(None, None, None)


def swallow_stop() -> None:
    """SIGTERM, in code that lets no exception out (a finalizer, say)."""
    with pytest.raises(gate.Stopped):
        os.kill(os.getpid(), signal.SIGTERM)


def old_job() -> dict[str, Any]:
    vault = f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:prod"
    times = {"CreationDate": NOW - timedelta(days=2), "CompletionDate": NOW - timedelta(days=1)}
    resource = f"arn:aws:ec2:{REGION}:{ACCOUNT}:volume/vol-1"
    members = {"AccountId": ACCOUNT, "BackupJobId": "old", "BackupVaultArn": vault, "ResourceArn": resource, "ResourceType": "EBS"}
    return {**members, **times, "State": "COMPLETED", "MessageCategory": "SUCCESS"}


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
        "policycheck: waiting, 0 s of 30 m: fail; p/fresh: 1 backup job is in progress, and a later one may come",
        "policycheck: waiting, 30 s of 30 m: fail; p/fresh: 1 backup job is in progress, and a later one may come",
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
        rf"waiting cannot help: p/none-failed: FAILED backup job \S+ of {DATABASE} stays in the window until 2026-03-01T13:00:40Z, and time is up before",
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
    assert "444455556666/eu-west-1 was refused again" in outcome.err


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
    assert "waiting cannot help: refused twice: ListBackupJobs, eu-west-1, page 1: the session has expired" in outcome.err
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
        "policycheck: time is up after 1 m 10 s: still fail; p/fresh: 1 backup job is in progress, and a later one may come"
    )


def test_time_that_is_up_while_nothing_can_be_fetched_says_so(open_world: Callable[..., World]) -> None:
    world = open_world("ListBackupJobs:2-=500")
    world.start_backup()
    outcome = world.cli("check", "gate.yaml", "--region", REGION, "--wait", "40s")
    assert outcome.code == ExitCode.FINDINGS
    assert "time is up after 40 s: the last fetch failed: " in outcome.err
    assert outcome.err.endswith("the reports are those of an earlier look\n")


# --- it is stopped ---


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
    assert f"policycheck: stopped by {word} after 30 s: the reports are those of look 1\n" in outcome.err
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
    assert outcome.err.splitlines()[-1] == "policycheck: stopped by SIGTERM after 30 s: nothing was judged"


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


# --- what is told while it waits ---


def test_a_terminal_shows_one_line_that_goes(open_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.cli.progress._is_painted", lambda stream: True)
    world = open_world()
    world.start_backup()
    assert "\r\x1b[KWaiting, 30 s of 30 m: fail; p/fresh" in (told := world.hold("--output", "json").err)
    assert told.rpartition("\r\x1b[K")[2] == "policycheck: pass: 0 findings in 0 of 2 rules, 2 jobs; rules: 2 passed\n"


def test_quiet_is_quiet(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(ends_after=timedelta(hours=2))
    assert world.hold("--quiet", "--poll", "20m").err == ""


# --- what cannot be asked ---

WRONG = [
    (("--poll", "30s"), "--poll is for --wait"),
    (("--wait", "soon"), "--wait soon"),
    (("--wait", "0s"), "more than 0 and at most 7d"),
    (("--wait", "-5m"), "--wait -5m"),
    (("--wait", "8d"), "more than 0 and at most 7d"),
    (("--wait", "9999999999d"), "--wait 9999999999d"),
    (("--wait", "5m", "--poll", "0.5s"), "at least 1s"),
    (("--wait", "5m", "--as-of", "2026-03-01"), "stands still"),
    (("--wait", "5m", "--jobs", "ok.json", "--as-of", "now"), "time alone must not make it pass"),
    (("--wait", "5m", "--covers", "2026-01-01..2026-02-01"), "claim about saved lists"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_contradicts_waiting_is_a_usage_error(options: tuple[str, ...], said: str, cli: Cli) -> None:
    outcome = cli("check", "policy.yaml", *options)
    assert (outcome.code, outcome.out) == (ExitCode.USAGE, "")
    assert said in outcome.err


def test_as_of_now_is_what_a_gate_does_anyway(open_world: Callable[..., World]) -> None:
    world = open_world()
    world.start_backup(runs_after=timedelta(), ends_after=timedelta())
    assert world.hold("--as-of", "now").code == ExitCode.OK
