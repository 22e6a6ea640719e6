"""The action on a machine that has nothing: from a clean copy of the checkout, installed for real, twice in one job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.action.runner import run_action
from tests.cli.conftest import AS_OF, POLICY, job, save

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(clean_copy: Path) -> dict[str, str]:
    # Where this machine installs from is its own affair.
    settings = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
    return {**settings, "GITHUB_ACTION_PATH": str(clean_copy)}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (tmp_path / "temp").mkdir()
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    save(folder / "bad.json", job(1), job(2, "FAILED"))
    return folder


def test_the_action_installs_itself_once_and_judges(environment: dict[str, str], repository: Path, tmp_path: Path) -> None:
    temporary = tmp_path / "temp"
    first = run_action(repository, temporary, environment, policies="policy.yaml\nfirst-steps", jobs="bad.json", as_of=AS_OF)
    assert (first.code, first.outputs["result"]) == (1, "fail"), first.log
    assert "is installed" not in first.log
    (installed,) = (path for path in temporary.glob("policycheck-*") if (path / ".ready").exists())
    assert list(installed.glob("lib/*/site-packages/policycheck/_data/policies/first-steps.yaml")), "a wheel is installed, not a link to the checkout"

    for folder in temporary.glob("step-*"):
        folder.rename(folder.with_name(f"first-{folder.name}"))
    second = run_action(repository, temporary, environment, policies="policy.yaml", jobs="bad.json", as_of=AS_OF)
    assert second.code == 1, second.log
    assert "is installed" in second.log
    assert second.outputs["directory"] != first.outputs["directory"]


def test_the_action_installs_the_engine_that_it_is_told_of(environment: dict[str, str], repository: Path, tmp_path: Path) -> None:
    run = run_action(repository, tmp_path / "temp", environment, policies="policy.yaml", jobs="bad.json", as_of=AS_OF, engine="duckdb")
    assert (run.code, run.outputs["result"]) == (1, "fail"), run.log
    assert list((tmp_path / "temp").glob("policycheck-*/lib/*/site-packages/duckdb"))
