"""The first ten minutes of docs/github-action.md are done: its files are written, its workflow's step is run, and is green and then red."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.action.conftest import Action
from tests.action.runner import INPUTS, OUTPUTS, ROOT

PAGE = (ROOT / "docs" / "github-action.md").read_text(encoding="utf-8")
POLICY, JOBS, WORKFLOW = re.findall(r"^```(?:yaml|json)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[:3]
EXAMPLES = [*sorted((ROOT / "examples" / "workflows").glob("*.yml")), ROOT / "examples" / "ci" / "github.yml"]


def steps(workflow: str) -> list[dict[str, Any]]:
    jobs = YAML(typ="safe", pure=True).load(workflow)["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.slow
@pytest.mark.parametrize(("state", "code", "result"), [("COMPLETED", 0, "pass"), ("FAILED", 1, "fail")])
def test_the_run_is_green_and_then_red(action: Action, repository: Path, state: str, code: int, result: str) -> None:
    for name, text in {"policies/first.yaml": POLICY, "backups/jobs.json": JOBS.replace("COMPLETED", state)}.items():
        (repository / name).parent.mkdir()
        (repository / name).write_text(text, encoding="utf-8")
    (step,) = (step for step in steps(WORKFLOW) if "policycheck@" in step["uses"])
    run = action(**{name.replace("-", "_"): value for name, value in step["with"].items()})
    assert (run.code, run.outputs["result"]) == (code, result), run.log
    found = [command.properties["line"] for command in run.commands if command.name == "error"]
    assert found == (["3"] if code else [])


def test_every_file_the_page_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE + (ROOT / "docs" / "editors.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


@pytest.mark.parametrize("text", [WORKFLOW, *(path.read_text(encoding="utf-8") for path in EXAMPLES)], ids=["page", *(path.name for path in EXAMPLES)])
def test_examples_use_inputs_and_outputs_that_exist(text: str) -> None:
    used = [step for step in steps(text) if "policycheck@" in step.get("uses", "")]
    # The action has no extra `archive`, and its policycheck is not there for other steps: workflows that need either install policycheck themselves.
    assert used or "pipx install 'policycheck[" in text
    assert {name for step in used for name in step.get("with", ())} <= set(INPUTS)
    assert set(re.findall(r"steps\.policycheck\.outputs\.([\w-]+)", text)) <= set(OUTPUTS)
