"""Completion in the shells themselves: each reads its script, and bash and fish complete a command line with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).parent / "policycheck"
CHECKS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}

pytestmark = pytest.mark.slow


def run(*command: str | Path, home: Path) -> str:
    assert shutil.which(str(command[0])), f"{command[0]} is needed; .ci/run installs it"
    environment = {**os.environ, "HOME": str(home), "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def script(tmp_path: Path, shell: str) -> Path:
    path = tmp_path / f"completion.{shell}"
    path.write_text(run(PROGRAM, "--show-completion", shell, home=tmp_path), encoding="utf-8")
    return path


@pytest.mark.parametrize("shell", CHECKS)
def test_the_shell_reads_the_script(script: Path, shell: str, tmp_path: Path) -> None:
    run(*CHECKS[shell], script, home=tmp_path)


@pytest.mark.parametrize("shell", ["bash"])
def test_bash_completes(script: Path, tmp_path: Path) -> None:
    line = 'COMP_WORDS=(policycheck check --output sar); COMP_CWORD=3; _policycheck_completion policycheck sar --output; echo "${COMPREPLY[@]}"'
    assert run("bash", "-c", f". '{script}'; {line}", home=tmp_path).split() == ["sarif"]


@pytest.mark.parametrize("shell", ["fish"])
def test_fish_completes(script: Path, tmp_path: Path) -> None:
    said = run("fish", "-c", f"source '{script}'; complete --do-complete 'policycheck check --output sar'", home=tmp_path)
    assert [line.split("\t")[0] for line in said.splitlines()] == ["sarif"]
