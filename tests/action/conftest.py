"""A repository with a policy and job lists, and the action run in it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from action import run as script
from tests.action.runner import Run, run_action
from tests.cli.conftest import HOSTILE, POLICY, job, save

Action = Callable[..., Run]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """policy.yaml, ok.json (nothing wrong), bad.json (i-2 failed), hostile.json (its message is commands), unknown.json (a state AWS does not name)."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    save(folder / "ok.json", job(1))
    save(folder / "bad.json", job(1), job(2, "FAILED", StatusMessage="Access denied."))
    save(folder / "hostile.json", job(2, "FAILED", StatusMessage=HOSTILE, ResourceArn=f"arn:aws:ec2:eu-west-1:111122223333:instance/{HOSTILE}"))
    save(folder / "unknown.json", job(1), job(3, "NEW_STATE"))
    return folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """RUNNER_TEMP of a job in which an earlier step has installed policycheck: the one that runs these tests."""
    folder = tmp_path / "temp"
    monkeypatch.setenv("RUNNER_TEMP", str(folder))
    installed = script.environment_folder()
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "policycheck").symlink_to(Path(sys.executable).parent / "policycheck")
    (installed / ".ready").touch()
    return folder


@pytest.fixture
def action(repository: Path, temporary: Path) -> Action:
    """Runs the action once."""

    def call(environment: dict[str, str] | None = None, **inputs: str) -> Run:
        return run_action(repository, temporary, environment or {}, **inputs)

    return call
