"""The action's script, called in this process: the command line it makes, how it shortens, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.core import TyperGroup

from action import run as script
from action.comments import shorten
from action.workflow import InputError
from policycheck.cli.app import build_app

REPORTS = Path("/reports")
OUTPUTS = [f"--add-output={name}=/reports/{file}" for name, file in script.REPORTS.items()]


@pytest.fixture(autouse=True)
def _no_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("policies", *(name for table in script.INPUTS.values() for name in table)):
        monkeypatch.delenv(f"INPUT_{name.upper().replace('-', '_')}", raising=False)


def test_without_inputs_the_run_file_says_everything() -> None:
    assert script.command_line(REPORTS) == ["check", *OUTPUTS, "--"]


def test_each_line_is_one_argument_joined_to_its_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPUT_POLICIES", "\n a b.yaml\r\n\n--help\n")
    monkeypatch.setenv("INPUT_JOBS", "-\n$(x)")
    monkeypatch.setenv("INPUT_ROLE_ARNS", "arn:aws:iam::111122223333:role/a\narn:aws:iam::444455556666:role/b")
    monkeypatch.setenv("INPUT_AS_OF", " now ")
    assert script.command_line(REPORTS)[1 + len(OUTPUTS) :] == [
        "--as-of=now", "--jobs=-", "--jobs=$(x)", "--role-arn=arn:aws:iam::111122223333:role/a", "--role-arn=arn:aws:iam::444455556666:role/b",
        "--", "a b.yaml", "--help",
    ]  # fmt: skip


def test_a_switch_is_given_where_the_input_is_true_and_otherwise_the_run_file_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPUT_REDACT", "True")
    monkeypatch.setenv("INPUT_SHOW_PASSED", "false")
    assert script.command_line(REPORTS)[1 + len(OUTPUTS) :] == ["--redact", "--"]
    monkeypatch.setenv("INPUT_SHOW_PASSED", "yes")
    with pytest.raises(InputError, match="show-passed"):
        script.command_line(REPORTS)


def test_a_result_of_a_period_is_kept_apart_from_one_of_an_instant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither can be compared with the other: the run would end with exit code 2 until somebody empties the cache."""
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    prefixes = []
    for start in ("", "90d"):
        monkeypatch.setenv("INPUT_FROM", start)
        monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / f"output{start}"))
        assert script.main(["name"]) == 0
        prefixes += [line for line in (tmp_path / f"output{start}").read_text(encoding="utf-8").splitlines() if line.startswith("prefix=")]
    assert not prefixes[0].startswith(prefixes[1])
    assert not prefixes[1].startswith(prefixes[0])


@pytest.mark.parametrize(("named", "run"), [("", ["check"]), ("check\n lint \n", ["lint", "check"]), ("test", ["test"])])
def test_commands_run_in_their_own_order(monkeypatch: pytest.MonkeyPatch, named: str, run: list[str]) -> None:
    monkeypatch.setenv("INPUT_COMMANDS", named)
    assert script._commands() == run
    monkeypatch.setenv("INPUT_COMMANDS", f"{named}\nverify")
    with pytest.raises(InputError, match="'verify'"):
        script._commands()


def start(tmp_path: Path, step: str, variables: dict[str, str], program: str) -> subprocess.Popen[bytes]:
    """A step of the action's script in a process of its own, in which policycheck is this shell script."""
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path), **variables}
    find = [sys.executable, "-c", "from action import run; print(run.environment_folder())"]
    folder = subprocess.run(find, capture_output=True, text=True, check=True, env=environment, cwd=script.CHECKOUT).stdout.strip()
    file = Path(folder, "bin", "policycheck")
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{program}\n", encoding="utf-8")
    file.chmod(0o755)
    command = [sys.executable, "-I", str(script.ACTION / "run.py"), step]
    return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_without_the_files_of_a_runner_the_exit_code_and_the_log_are_left(tmp_path: Path) -> None:
    process = start(tmp_path, "check", {}, "echo 'error: no policy is named'; exit 2")
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == script.USAGE
    assert "::error title=policycheck::error: no policy is named" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_runner_that_stops_the_step_stops_policycheck_and_gets_the_outputs(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "output"
    program = f"trap 'echo stopped; exit {128 + number}' INT TERM; echo started; while :; do sleep 0.05; done"
    process = start(tmp_path, "check", {"GITHUB_OUTPUT": str(output)}, program)
    assert process.stdout is not None
    while b"started" not in process.stdout.readline():
        pass
    process.send_signal(number)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 128 + number, said
    assert {"result=error", f"exit-code={128 + number}", "sarif="} <= set(output.read_text(encoding="utf-8").splitlines())
    assert "Traceback" not in said
    assert "stopped\n" in said
    assert "::error title=policycheck::" in said


def test_a_python_that_makes_no_environment_is_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ensurepip is not available'; exit 1\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    assert script.main(["install"]) == 1
    said = capfd.readouterr().out
    assert "-m venv failed. Set the input python-version" in said
    assert "Traceback" not in said


def test_the_engine_of_the_input_is_installed_in_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    installed = {}
    for engine in ("", "polars", "duckdb", "spark", "../requirements", "*"):
        monkeypatch.setenv("INPUT_ENGINE", engine)
        installed[engine] = [path.name for path in script._requirements()], script.environment_folder()
    usual = (["requirements.txt"], installed[""][1])
    assert {engine: one for engine, one in installed.items() if one != usual} == {
        engine: (["requirements.txt", f"requirements-{engine}.txt"], installed[engine][1]) for engine in ("duckdb", "spark")
    }
    assert len({installed[engine][1] for engine in ("duckdb", "spark", "")}) == 3


def test_a_line_ends_at_a_line_feed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPUT_POLICIES", "a\u2028b\x0bc\nd")
    assert script.command_line(REPORTS)[-2:] == ["a\u2028b\x0bc", "d"]


def test_every_option_is_one_of_check() -> None:
    group = typer.main.get_command(build_app())
    assert isinstance(group, TyperGroup)
    known = {option for parameter in group.commands["check"].params for option in parameter.opts}
    assert {option for table in script.INPUTS.values() for option in table.values()} - known == set()


@pytest.mark.parametrize(
    ("code", "said", "verdict"),
    [
        (0, "pass", "pass"), (0, "fail", "fail"), (0, "inconclusive", "inconclusive"), (0, "splendid", "error"), (0, None, "error"),
        (1, "fail", "fail"), (1, None, "error"), (2, None, "error"), (2, "pass", "error"), (3, "pass", "inconclusive"), (3, "fail", "fail"),
        (3, "inconclusive", "inconclusive"), (3, None, "inconclusive"), (4, None, "error"), (130, "pass", "error"),
    ],
)  # fmt: skip
def test_the_verdict(code: int, said: str | None, verdict: str) -> None:
    assert script.verdict(code, None if said is None else {"verdict": said, "summary": {}}) == verdict


def test_a_success_without_a_result_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("RUNNER_TEMP", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path if name == "RUNNER_TEMP" else tmp_path / name))
    program = script.environment_folder() / "bin" / "policycheck"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    program.chmod(0o755)
    assert script.main(["check"]) == script.BUG
    assert "result=error\n" in (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8")
    assert "::error title=policycheck::error: policycheck ended well and left no result" in capsys.readouterr().out


RESULT: dict[str, Any] = {"summary": {"inconclusive": 0, "rules": 2}}


@pytest.mark.parametrize(
    ("code", "result", "properties", "handed_on", "said"),
    [
        (0, RESULT, {}, True, ""),
        (1, RESULT, {}, True, ""),
        (3, RESULT, {"policycheck/leftOut": ["p/a", "p/b"]}, True, "p/a, p/b"),
        (3, RESULT, {"policycheck/withheld": "2 rules of 30 could not be evaluated in full"}, False, "2 rules of 30"),
        (2, RESULT, {}, False, ""),
        (4, RESULT, {}, False, "exit code 4"),
        (143, RESULT, {}, False, "exit code 143"),
        (0, None, {}, False, ""),
    ],
)
def test_sarif_is_handed_on_unless_it_says_that_it_must_not(
    tmp_path: Path, code: int, result: dict[str, Any] | None, properties: dict[str, Any], handed_on: bool, said: str
) -> None:
    (tmp_path / script.REPORTS["sarif"]).write_text(json.dumps({"runs": [], "properties": properties}), encoding="utf-8")
    path, told = script._sarif(tmp_path, code, result)
    assert bool(path) is handed_on
    assert said in told
    assert bool(told) is bool(said)


@given(st.lists(st.text("ab|`é", max_size=30) | st.sampled_from(["<details><summary>x</summary>", "</details>"]), max_size=40), st.integers(200, 600))
def test_a_document_is_shortened_to_whole_lines_and_closes_what_it_opens(lines: list[str], limit: int) -> None:
    document = "".join(f"{line}\n" for line in lines)
    short = shorten(document, limit)
    assert len(short) <= limit
    if len(document) <= limit:
        assert short == document
        return
    body, notice, _ = short.partition("\n**Shortened:**")
    assert notice
    prefixes = ["".join(f"{line}\n" for line in lines[:count]) for count in range(len(lines) + 1)]
    assert any(body == prefix + "</details>\n" * max(opened(prefix), 0) for prefix in prefixes)


def opened(document: str) -> int:
    lines = document.splitlines()
    return sum(line.startswith("<details") for line in lines) - sum(line.startswith("</details") for line in lines)
