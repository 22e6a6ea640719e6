"""Microsoft's SARIF validator, with GitHub's rules switched on, over the golden files."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.sarif"))
VERSION = "5.7.0"
PLATFORMS = {"linux": ("linux", "Sarif.Multitool"), "darwin": ("darwin", "Sarif.Multitool"), "win32": ("win32", "Sarif.Multitool.exe")}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def multitool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("multitool")
    subprocess.run(
        [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", f"@microsoft/sarif-multitool@{VERSION}"],
        check=True,
        capture_output=True,
        timeout=600,
    )
    platform, name = PLATFORMS[sys.platform]
    program = folder / "node_modules" / "@microsoft" / f"sarif-multitool-{platform}" / name
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def problems(program: Path, path: Path, folder: Path) -> list[tuple[str, str, str]]:
    """(level, rule, message) of everything the validator says; its exit code says nothing."""
    output = folder / "validation.sarif"
    command = [
        str(program),
        "validate",
        str(path),
        "--rule-kind",
        "Sarif;Gh",
        "--level",
        "Error;Warning;Note",
        "--output",
        str(output),
        "--log",
        "ForceOverwrite",
    ]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    log: dict[str, Any] = json.loads(output.read_text(encoding="utf-8-sig"))
    (run,) = log["runs"]
    notifications = [note for invocation in run.get("invocations", []) for note in invocation.get("toolExecutionNotifications", [])]
    found = [(entry.get("level", "warning"), entry.get("ruleId", ""), json.dumps(entry["message"])) for entry in run.get("results", [])]
    return found + [(note.get("level", "warning"), "notification", json.dumps(note["message"])) for note in notifications]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_validator_finds_no_error(multitool: Path, path: Path, tmp_path: Path) -> None:
    assert [problem for problem in problems(multitool, path, tmp_path) if problem[0] == "error"] == []


def test_the_validator_would_find_one(multitool: Path, tmp_path: Path) -> None:
    log = json.loads((GOLDEN / "compared-sarif.sarif").read_text(encoding="utf-8"))
    for result in (result for run in log["runs"] for result in run["results"]):
        del result["locations"]
        result["ruleIndex"] = 99
    broken = tmp_path / "broken.sarif"
    broken.write_text(json.dumps(log), encoding="utf-8")
    rules = {rule for level, rule, _ in problems(multitool, broken, tmp_path) if level == "error"}
    assert rules
    assert any(rule.startswith("GH") for rule in rules)
