"""What the action tells GitHub: two workflows over one repository, whose alerts, comments and summaries do not touch each other, and GitHub's refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from action import identity, publish
from tests.action.conftest import Action
from tests.action.github_api import REPOSITORY, GitHub, serve
from tests.action.runner import TOKEN, Run
from tests.cli.conftest import AS_OF, job, save

Workflow = Callable[..., Run]


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve() as served:
        yield served


@pytest.fixture
def event(tmp_path: Path) -> Path:
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"pull_request": {"number": 7}}), encoding="utf-8")
    return path


def environment(github: GitHub, event: Path, workflow: str = "evidence", job_name: str = "check") -> dict[str, str]:
    return {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_SHA": "a" * 40,
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/.github/workflows/{workflow}.yml@refs/pull/7/merge",
        "GITHUB_JOB": job_name,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def workflow(action: Action, temporary: Path, github: GitHub, event: Path) -> Workflow:
    """Runs the job of a workflow that checks policy.yaml, and tells GitHub."""
    runs = iter(range(100))

    def call(name: str, **inputs: str) -> Run:
        number = next(runs)
        for folder in temporary.glob("step-*"):
            folder.rename(folder.with_name(f"run-{number}-{folder.name}"))
        own = {**environment(github, event, name), "GITHUB_RUN_ID": str(number), "GITHUB_RUN_ATTEMPT": "1"}
        return action(own, **{"policies": "policy.yaml", "as_of": AS_OF, "comment": "true", "code_scanning": "true", **inputs})

    return call


@pytest.mark.slow
def test_two_workflows_do_not_touch_each_others_alerts_comments_and_summaries(workflow: Workflow, github: GitHub, repository: Path) -> None:
    save(repository / "worse.json", job(1), job(2, "FAILED"), job(3, "FAILED"))
    evidence, preview = workflow("evidence", jobs="bad.json"), workflow("preview", jobs="worse.json")
    assert (evidence.code, preview.code) == (1, 1), evidence.log + preview.log
    assert (github.of("evidence/check"), github.of("preview/check")) == (["open"], ["open", "open"])
    first, second = (comment["body"] for comment in github.comments)
    assert ("i-3" in first, "i-3" in second) == (False, True)
    assert ("i-3" in evidence.summary, "i-3" in preview.summary) == (False, True)
    # The first workflow is clean: its alert is closed and its comment is one line; the other's stay as they were.
    fixed = workflow("evidence", jobs="ok.json")
    assert fixed.code == 0, fixed.log
    assert (github.of("evidence/check"), github.of("preview/check")) == (["fixed"], ["open", "open"])
    line, kept = (comment["body"] for comment in github.comments)
    assert [text for text in line.splitlines() if text][1].startswith("**policycheck.** Pass")
    assert len(line.splitlines()) == 4
    assert kept == second
    # A run that cannot evaluate a rule closes nothing and opens nothing.
    before = dict(github.alerts)
    unsure = workflow("preview", jobs="unknown.json")
    assert unsure.outputs["result"] == "inconclusive"
    assert github.alerts == before
    assert "INCONCLUSIVE" in github.comments[1]["body"]


@pytest.mark.slow
def test_a_repository_without_code_scanning_has_no_red_step(workflow: Workflow, github: GitHub) -> None:
    github.has_code_scanning = github.may_comment = False
    run = workflow("evidence", jobs="ok.json")
    assert run.code == 0, run.log
    said = [command.message for command in run.commands if command.name == "notice"]
    assert any("Nothing is uploaded to code scanning" in text for text in said)
    red = workflow("evidence", jobs="bad.json")
    assert red.code == 1
    assert ("error", "policy.yaml") in {(command.name, command.properties.get("file", "")) for command in red.commands}
    assert "i-2" in red.summary
    assert any("No comment is written" in command.message for command in red.commands)


@pytest.mark.slow
def test_the_kept_result_is_the_baseline_of_the_next_run(workflow: Workflow, repository: Path) -> None:
    save(repository / "worse.json", job(1), job(2, "FAILED"), job(3, "FAILED"))
    given = {"baseline": "last", "fail_on_new": "true", "comment": "false", "code_scanning": "false"}
    first = workflow("evidence", jobs="bad.json", **given)
    assert (first.code, first.outputs["result"]) == (1, "fail")
    assert "No result of an earlier run is kept" in first.log
    again = workflow("evidence", jobs="bad.json", **given)
    assert (again.code, again.outputs["result"]) == (0, "fail"), again.log
    assert "1 old finding stays" in again.log
    # A new finding fails every run until it is fixed: a run with one is never the next baseline.
    assert [workflow("evidence", jobs="worse.json", **given).code for _ in range(2)] == [1, 1]
    # Nor is one that sees less.
    (repository / "less.json").write_text(json.dumps({"BackupJobs": [job(2, "FAILED", AccountId="444455556666")]}), encoding="utf-8")
    assert [workflow("evidence", jobs="less.json", fail_on="never", **given).code for _ in range(2)] == [3, 3]
    # Another workflow has a baseline of its own.
    assert workflow("preview", jobs="bad.json", **given).code == 1


@pytest.fixture
def told(github: GitHub, event: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the step that comments, in this process."""
    for name, value in {**environment(github, event), "INPUT_TOKEN": TOKEN, "COMMENT": str(tmp_path / "comment.md")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(publish, "PAUSE_SECONDS", 0)

    def call(body: str, result: str = "fail", code: str = "1") -> int:
        (tmp_path / "comment.md").write_text(body, encoding="utf-8")
        monkeypatch.setenv("RESULT", result)
        monkeypatch.setenv("EXIT_CODE", code)
        return publish.main(["comment"])

    return call


def test_a_comment_is_found_by_its_marker_behind_those_of_others(told: Callable[..., int], github: GitHub) -> None:
    for number in range(100):
        github.add(f"no. {number}")
    # Somebody who writes our marker is not us.
    github.add("<!-- policycheck: a -->\nmine", kind="User")
    assert told("<!-- policycheck: a -->\none") == told("<!-- policycheck: b -->\ntwo") == told("<!-- policycheck: a -->\nthree") == 0
    assert [comment["body"] for comment in github.comments[100:]] == [
        "<!-- policycheck: a -->\nmine",
        "<!-- policycheck: a -->\nthree",
        "<!-- policycheck: b -->\ntwo",
    ]


def test_a_clean_run_writes_no_comment_where_there_is_none_and_nothing_is_written_twice(told: Callable[..., int], github: GitHub) -> None:
    assert told("<!-- a -->\nclean", "pass", "0") == 0
    assert github.comments == []
    assert [told("<!-- a -->\nred"), told("<!-- a -->\nred")] == [0, 0]
    assert [asked.partition(" ")[0] for asked in github.asked] == ["GET", "GET", "POST", "GET"]
    assert told("<!-- a -->\nclean", "pass", "0") == 0
    assert [comment["body"] for comment in github.comments] == ["<!-- a -->\nclean"]


def test_a_failure_of_github_is_tried_again_and_then_an_error(told: Callable[..., int], github: GitHub, capsys: pytest.CaptureFixture[str]) -> None:
    github.failures = 2
    assert told("<!-- a -->\nred") == 0
    github.failures = 3
    assert told("<!-- a -->\nredder") == 1
    assert "::error title=policycheck::GitHub did not take the comment: 502 Server Error" in capsys.readouterr().out
    assert [comment["body"] for comment in github.comments] == ["<!-- a -->\nred"]


def test_a_run_of_no_pull_request_comments_on_none(told: Callable[..., int], github: GitHub, event: Path) -> None:
    event.write_text(json.dumps({"ref": "refs/heads/main"}), encoding="utf-8")
    assert told("<!-- a -->\nred") == 0
    assert github.asked == []


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"GITHUB_RUN_ID": "2", "GITHUB_SHA": "b" * 40}, True),
        ({"GITHUB_JOB": "other"}, False),
        ({"GITHUB_WORKFLOW_REF": "o/r/.github/workflows/other.yml@refs/heads/main"}, False),
        ({"INPUT_POLICIES": "b.yaml"}, False),
        ({"INPUT_CATEGORY": "matrix a"}, False),
        ({"INPUT_WORKING_DIRECTORY": "sub"}, False),
    ],
)
def test_a_marker_is_of_one_check_alone(changed: dict[str, str], same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {
        "INPUT_POLICIES": "policies/a--><b.yaml",
        "GITHUB_WORKFLOW_REF": "o/r/.github/workflows/evidence.yml@refs/heads/main",
        "GITHUB_JOB": "check",
        "INPUT_CATEGORY": "",
        "INPUT_WORKING_DIRECTORY": ".",
        "INPUT_CONFIG": "",
    }
    for name, value in usual.items():
        monkeypatch.setenv(name, value)
    first = identity.marker()
    assert first.startswith("<!-- policycheck: policies/a____b.yaml, evidence/check ")
    assert first.count("-->") == 1
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    assert (identity.marker() == first) is same
