"""The action as a workflow meets it: its steps run by a runner's rules, from inputs to outputs, summary, annotations and files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from policycheck.emulator.clock import Clock
from policycheck.emulator.server import Endpoint, serve
from policycheck.emulator.store import Store
from tests.action.conftest import Action
from tests.action.runner import OUTPUTS, Run
from tests.cli.conftest import AS_OF, HOSTILE, job

PATHS = ("json", "sarif", "junit", "markdown", "html", "comment")
ACCOUNT = "111122223333"
MARKER = re.compile(r"<!-- policycheck: policy\.yaml, check [0-9a-f]{16} -->")
CLEAN = "policy: p\nrules:\n  - {id: ended-well, rule: 'no FAILED, ABORTED, EXPIRED or PARTIAL jobs within 25h', severity: high}\n"
TESTS = f"""\
as_of: {AS_OF}
tests:
  - {{name: a failure is found, jobs: [{{ResourceArn: i-1, State: FAILED}}], expect: {{ended-well: {{verdict: fail, findings: [i-1]}}}}}}
  - {{name: a clean night passes, jobs: [{{}}], expect: {{ended-well: pass}}}}
"""
ANNOTATIONS = {"error", "warning", "notice"}


def annotated(run: Run) -> list[tuple[str, str, str]]:
    """(level, file, line) of every annotation; nothing else may be said to the runner."""
    said = [command for command in run.commands if command.name != "stop-commands"]
    assert {command.name for command in said} <= ANNOTATIONS
    return [(command.name, command.properties.get("file", ""), command.properties.get("line", "")) for command in said]


def written(run: Run) -> set[str]:
    return {name for name in PATHS if run.outputs[name]}


def test_a_pass_writes_every_output_and_every_file(action: Action) -> None:
    run = action(policies="policy.yaml", jobs="ok.json", as_of=AS_OF)
    assert run.code == 0, run.log
    assert run.written.keys() == {*OUTPUTS, "kept"}
    assert [run.outputs[name] for name in ("result", "exit-code", "rules", "passed", "failed", "findings", "jobs")] == ["pass", "0", "2", "2", "0", "0", "1"]
    assert written(run) == set(PATHS)
    assert all(Path(run.outputs[name]).parent == Path(run.outputs["directory"]) for name in PATHS)
    assert {level for level, _, _ in annotated(run)} == {"notice"}
    assert run.summary.startswith("## policycheck: PASS\n")


def test_findings_fail_the_step_after_everything_is_written(action: Action) -> None:
    run = action(policies="policy.yaml", jobs="ok.json\nbad.json", as_of=AS_OF)
    assert run.code == 1
    assert [run.outputs[name] for name in ("result", "exit-code", "failed", "findings")] == ["fail", "1", "1", "1"]
    assert written(run) == set(PATHS)
    assert [(level, file, line) for level, file, line in annotated(run) if level == "error"] == [("error", "policy.yaml", "3")]
    assert [len(part["results"]) for part in json.loads(Path(run.outputs["sarif"]).read_text(encoding="utf-8"))["runs"]] == [0, 1]
    comment = Path(run.outputs["comment"]).read_text(encoding="utf-8")
    first, _, rest = comment.partition("\n")
    assert MARKER.fullmatch(first)
    assert rest == f"{run.summary}\n`policy.yaml, check`\n"


def test_short_evidence_hands_on_no_sarif_and_warns_at_the_rule(action: Action) -> None:
    run = action(policies="policy.yaml", jobs="unknown.json", as_of=AS_OF)
    assert run.code == 3, run.log
    assert [run.outputs[name] for name in ("result", "exit-code", "sarif")] == ["inconclusive", "3", ""]
    assert written(run) == set(PATHS) - {"sarif"}
    assert ("warning", "policy.yaml", "3") in annotated(run)
    assert "would close alerts" in run.log


@pytest.mark.slow
def test_findings_beside_an_inconclusive_rule_hand_on_no_sarif(action: Action) -> None:
    run = action(policies="policy.yaml", jobs="bad.json\nunknown.json", as_of=AS_OF)
    assert [run.outputs[name] for name in ("result", "exit-code", "failed", "inconclusive", "sarif")] == ["fail", "1", "1", "1", ""]


@pytest.mark.slow
def test_evidence_that_cannot_be_read_is_inconclusive(action: Action, repository: Path) -> None:
    (repository / "cut.json").write_text('{"BackupJobs": [', encoding="utf-8")
    run = action(policies="policy.yaml", jobs="cut.json", as_of=AS_OF)
    assert run.code == 3
    assert [run.outputs[name] for name in ("result", "exit-code", "rules")] == ["inconclusive", "3", ""]
    assert written(run) == {"comment"}
    assert annotated(run) == [("error", "", "")]
    assert "No rule was evaluated" in run.summary


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"policies": "nowhere.yaml"}, "nowhere.yaml"),
        ({"policies": "policy.yaml", "fail_on": "hihg"}, "hihg"),
        ({"policies": "policy.yaml", "as_of": ""}, "--as-of"),
        ({"policies": "policy.yaml", "working_directory": "nowhere"}, "nowhere"),
        ({"policies": "policy.yaml", "output_directory": "a\n::error::b"}, "output-directory"),
    ],
)
@pytest.mark.slow
def test_a_mistake_fails_the_step_and_says_why(action: Action, inputs: dict[str, str], said: str) -> None:
    run = action(**{"jobs": "ok.json", "as_of": AS_OF, **inputs})
    assert run.code == 2
    assert [run.outputs[name] for name in ("result", "exit-code", "sarif")] == ["error", "2", ""]
    (command,) = [command for command in run.commands if command.name in ANNOTATIONS]
    assert command.name == "error"
    assert said in command.message


@pytest.mark.slow
def test_without_inputs_the_run_file_decides(action: Action, repository: Path) -> None:
    text = f"policies: [policy.yaml]\nsources:\n  jobs: [bad.json]\n  as_of: {AS_OF}\noutputs:\n  json: elsewhere.json\n"
    (repository / "policycheck.yaml").write_text(text, encoding="utf-8")
    run = action()
    assert (run.code, run.outputs["result"]) == (1, "fail"), run.log
    assert written(run) == set(PATHS)
    assert json.loads((repository / "elsewhere.json").read_text(encoding="utf-8"))["verdict"] == "fail"


@pytest.mark.slow
def test_lint_and_tests_run_before_the_check_and_stop_it_where_they_fail(action: Action, repository: Path) -> None:
    (repository / "policy.yaml").write_text(CLEAN, encoding="utf-8")
    (repository / "policy.test.yaml").write_text(TESTS, encoding="utf-8")
    inputs = {"policies": "policy.yaml", "jobs": "ok.json", "as_of": AS_OF, "commands": "check\ntest\nlint"}
    run = action(**inputs)
    assert (run.code, run.outputs["lint"], run.outputs["test"], run.outputs["result"]) == (0, "pass", "pass", "pass"), run.log
    (repository / "policy.test.yaml").write_text(TESTS.replace(": pass", ": inconclusive"), encoding="utf-8")
    run = action(**inputs)
    assert (run.code, run.outputs["lint"], run.outputs["test"], run.outputs["result"]) == (1, "pass", "fail", "error")
    assert run.outputs["json"] == ""
    assert "**Fail**" in run.summary
    comment = Path(run.outputs["comment"]).read_text(encoding="utf-8")
    assert MARKER.match(comment)
    assert "No rule was evaluated" in comment


@pytest.mark.slow
def test_without_a_check_there_is_no_verdict(action: Action, repository: Path) -> None:
    (repository / "policycheck.yaml").write_text("policies: [policy.yaml]\n", encoding="utf-8")
    (repository / "policy.yaml").write_text(CLEAN, encoding="utf-8")
    (repository / "policy.test.yaml").write_text(TESTS, encoding="utf-8")
    run = action(commands="lint\ntest")
    assert (run.code, run.outputs["lint"], run.outputs["test"], run.outputs["result"], run.outputs["exit-code"]) == (0, "pass", "pass", "", "0"), run.log
    (repository / "policy.yaml").write_text("policy: p\nrules: [{id: r, rule: no FALIED jobs within 24h}]\n", encoding="utf-8")
    run = action(commands="lint\ntest")
    assert (run.outputs["lint"], run.outputs["test"], run.outputs["result"]) == ("fail", "", "error")
    assert ("error", "policy.yaml", "2") in annotated(run)


@pytest.mark.slow
def test_fail_on_never_succeeds_and_still_says_that_rules_failed(action: Action) -> None:
    run = action(policies="policy.yaml", jobs="bad.json", as_of=AS_OF, fail_on="never")
    assert run.code == 0
    assert [run.outputs[name] for name in ("result", "exit-code", "findings")] == ["fail", "0", "1"]


def test_no_input_reaches_a_shell_or_becomes_an_option_and_hostile_jobs_say_nothing_to_the_runner(action: Action, repository: Path) -> None:
    names = ["--quiet $(touch pwned) `touch pwned`.yaml", 'it\'s "quoted"; touch pwned #.yaml', "::set-output name=result::pass.yaml"]
    for number, name in enumerate(names):
        (repository / name).write_text(f"policy: p{number}\nrules:\n  - id: r\n    rule: no FAILED jobs within 24h\n", encoding="utf-8")
    run = action(policies="\n".join(names), jobs="hostile.json", as_of=AS_OF, params="\n\n", select="  p0/r \r\np2/r\n")
    assert run.code == 1, run.log
    assert run.outputs["failed"] == "2"
    assert [level for level, _, _ in annotated(run) if level != "notice"] == ["error", "error"]
    assert not (repository / "pwned").exists()
    # Nor does a job list say anything to the runner.
    assert HOSTILE not in run.log


@pytest.mark.parametrize("name", ["policies", "jobs", "as_of", "params", "output_directory"])
@pytest.mark.slow
def test_hostile_inputs_say_nothing_to_the_runner(action: Action, name: str) -> None:
    hostile = "$(touch pwned)\n::set-output name=result::pass\n##[set-env name=PATH]x\r::add-path::/tmp\n=\n--help"
    run = action(**{"policies": "policy.yaml", "jobs": "ok.json", "as_of": AS_OF, name: hostile})
    assert (run.code, run.outputs["result"]) == ((3, "inconclusive") if name == "jobs" else (2, "error")), run.log
    assert run.written.keys() <= {*OUTPUTS, "kept"}
    assert annotated(run) == [("error", "", "")]


def test_the_runner_would_act_on_what_is_not_kept_from_it() -> None:
    run = Run(0, log=f"{HOSTILE}\n::stop-commands::x\n::error::hidden\n::x::\n")
    assert [command.name for command in run.commands] == ["error", "error", "set-output", "stop-commands"]


@pytest.mark.slow
def test_reports_of_an_earlier_run_are_not_taken_for_this_one(action: Action, repository: Path) -> None:
    first = action(policies="policy.yaml", jobs="ok.json", as_of=AS_OF, output_directory="out put")
    assert Path(first.outputs["json"]) == repository / "out put" / "result.json"
    for folder in (repository.parent / "temp").glob("step-*"):
        folder.rename(folder.with_name(f"first-{folder.name}"))
    second = action(policies="policy.yaml", jobs="nowhere.json", as_of=AS_OF, output_directory="out put")
    assert second.outputs["json"] == ""
    assert not (repository / "out put" / "result.json").exists()


@pytest.mark.slow
def test_paths_are_relative_to_the_working_directory(action: Action, repository: Path) -> None:
    (repository / "sub folder").mkdir()
    for name in ("policy.yaml", "bad.json"):
        (repository / name).rename(repository / "sub folder" / name)
    run = action(policies="policy.yaml", jobs="bad.json", as_of=AS_OF, working_directory="sub folder")
    assert run.outputs["result"] == "fail"


@pytest.mark.slow
def test_a_module_of_the_repository_is_not_imported(action: Action, repository: Path) -> None:
    for name in ("policycheck.py", "json.py", "typer.py", "venv.py"):
        (repository / name).write_text("open('pwned', 'w')\nraise SystemExit(0)\n", encoding="utf-8")
    run = action({"PYTHONPATH": str(repository)}, policies="policy.yaml", jobs="bad.json", as_of=AS_OF)
    assert run.code == 1, run.log
    assert not (repository / "pwned").exists()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """An account with two jobs that went well, an hour ago. What is fetched is measured from now, so this cannot be a fixed day."""
    now = datetime.now(UTC).replace(microsecond=0)
    store = Store(Clock(now, running=True), management=ACCOUNT)
    times: dict[str, Any] = {"CreationDate": now - timedelta(hours=2), "CompletionDate": now - timedelta(hours=1)}
    store.add(ACCOUNT, "eu-west-1", "backup_jobs", [job(number, **times) for number in (1, 2)])
    with serve(store) as served:
        yield served


def test_jobs_are_fetched_from_aws(action: Action, endpoint: Endpoint) -> None:
    run = action({**endpoint.environment, "NO_PROXY": "127.0.0.1"}, policies="policy.yaml", regions="eu-west-1")
    assert run.code == 0, run.log
    assert "ListBackupJobs" in {asked.operation for asked in endpoint.requests}
    assert [run.outputs[name] for name in ("result", "jobs")] == ["pass", "2"]
    assert run.outputs["sarif"]


@pytest.mark.slow
def test_a_region_that_does_not_answer_closes_no_alert(action: Action, endpoint: Endpoint) -> None:
    endpoint.service.store.add(ACCOUNT, "eu-west-1", "backup_jobs", [job(3, "FAILED", CreationDate=datetime.now(UTC) - timedelta(hours=1))])
    broken = {**endpoint.environment, "AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true", "NO_PROXY": "127.0.0.1"}
    run = action(broken, policies="policy.yaml", regions="eu-west-1")
    assert run.code == 3, run.log
    assert [run.outputs[name] for name in ("result", "sarif")] == ["inconclusive", ""]
