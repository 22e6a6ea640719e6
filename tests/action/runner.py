"""A composite action run as a GitHub Actions runner runs it: expressions, environment, files and commands.

Written from "Metadata syntax for GitHub Actions" and "Workflow commands for GitHub Actions" in GitHub's documentation, and knows nothing of what it runs. An
expression that is not one of the few shapes an action of ours may use is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "action.yml").read_text(encoding="utf-8"))
INPUTS: dict[str, dict[str, Any]] = ACTION["inputs"]
OUTPUTS: dict[str, dict[str, str]] = ACTION["outputs"]
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]

TOKEN = "ghs_of-the-job"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
COMMANDS = frozenset(
    """add-mask add-matcher add-path debug echo endgroup error group internal-set-repo-path notice remove-matcher save-state set-env set-output
    stop-commands warning""".split()
)


class Command(NamedTuple):
    """A line that the runner acts on."""

    name: str
    properties: dict[str, str]
    message: str


@dataclass
class Run:
    """What one run of the action left behind."""

    code: int
    log: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    """Of the action, as its caller sees them."""
    written: dict[str, str] = field(default_factory=dict)
    """What the steps wrote to GITHUB_OUTPUT."""
    summary: str = ""

    @property
    def commands(self) -> list[Command]:
        return list(read_commands(self.log))


def read_commands(log: str) -> Iterator[Command]:
    """The commands of a log. `::name properties::message` counts at the start of a line, white space aside, `##[name properties]message` anywhere in it; after
    stop-commands only the line with its token does."""
    token = ""
    for printed in re.split(r"\r\n|\n|\r", log):
        line = printed.lstrip()
        if token:
            if line.startswith(f"::{token}::"):
                token = ""
            continue
        match = re.match(r"::([^\s:]+)(?: (.*?))?::(.*)", line) or re.search(r"##\[([^\s\]]+)(?: (.*?))?\](.*)", line)
        if not match or match[1].lower() not in COMMANDS:
            continue
        command = Command(match[1].lower(), _properties(match[2] or ""), _unescape(match[3]))
        if command.name == "stop-commands":
            token = command.message
        yield command
    assert not token, "the log ends with commands stopped"


def _properties(text: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return {name.strip(): _unescape(value.replace("%3A", ":").replace("%2C", ",")) for name, _, value in pairs}


def _unescape(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def run_action(workspace: Path, temporary: Path, environment: Mapping[str, str], **inputs: str) -> Run:
    """Run every step of action.yml until one fails; input names are written with `_` for `-`."""
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    assert set(given) <= set(INPUTS)
    values = {name: given.get(name, str(entry.get("default", "")).replace("${{ github.token }}", TOKEN)) for name, entry in INPUTS.items()}
    steps: dict[str, dict[str, str]] = {}
    run = Run(0)
    for number, step in enumerate(STEPS):
        if not _condition(step, values, steps, failed=run.code != 0):
            continue
        if "uses" in step:
            steps[step.get("id", f"step {number}")] = _used(step, values, steps, temporary / "cache")
            continue
        assert step["shell"] == "bash"
        written, summary = _run_step(step, workspace, temporary / f"step-{number}", temporary, environment, values, steps, run)
        steps[step.get("id", f"step {number}")] = written
        run.written |= written
        run.summary += summary
    run.outputs = {name: _evaluate(entry["value"], values, steps) for name, entry in OUTPUTS.items()}
    return run


def _run_step(
    step: Mapping[str, Any], workspace: Path, own: Path, temporary: Path, environment: Mapping[str, str], values: Mapping[str, str],
    steps: Mapping[str, Mapping[str, str]], run: Run,
) -> tuple[dict[str, str], str]:  # fmt: skip
    own.mkdir(exist_ok=True)
    script, output, summary = own / "script.sh", own / "output", own / "summary"
    assert not EXPRESSION.search(step["run"]), "an expression in a script is an injection"
    script.write_text(step["run"], encoding="utf-8")
    output.write_text("")
    summary.write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
        cwd=workspace,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(own),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": environment.get("GITHUB_ACTION_PATH", str(ROOT)),
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(temporary),
            **environment,
            **{name: _evaluate(str(text), values, steps) for name, text in step.get("env", {}).items()},
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    run.code = run.code or done.returncode
    run.log += done.stdout.decode()
    return _read_outputs(output.read_text(encoding="utf-8")), summary.read_text(encoding="utf-8")


def _used(step: Mapping[str, Any], values: Mapping[str, str], steps: Mapping[str, Mapping[str, str]], cache: Path) -> dict[str, str]:
    if step["uses"].startswith("actions/cache/"):
        return _cached(step, {name: _evaluate(text, values, steps) for name, text in step["with"].items()}, cache)
    assert re.fullmatch(r"actions/setup-python@[0-9a-f]{40}", step["uses"])
    assert _evaluate(str(step["with"]["python-version"]), values, {})
    return {"python-path": sys.executable}


def _cached(step: Mapping[str, Any], given: Mapping[str, str], cache: Path) -> dict[str, str]:
    """What actions/cache does: a key is written once, and the newest one with a prefix is restored where there is none of the name."""
    kind = re.fullmatch(r"actions/cache/(save|restore)@[0-9a-f]{40}", step["uses"])
    assert kind, step["uses"]
    assert given["key"]
    assert given["path"]
    if kind[1] == "save":
        if not (cache / given["key"]).exists():
            shutil.copytree(given["path"], cache / given["key"])
        return {}
    known = sorted((folder for folder in (cache.iterdir() if cache.is_dir() else ())), key=lambda folder: folder.stat().st_mtime_ns)
    found = [folder for folder in known if folder.name == given["key"]] or [folder for folder in known if folder.name.startswith(given["restore-keys"])]
    # Another run has another machine.
    shutil.rmtree(given["path"], ignore_errors=True)
    if found:
        shutil.copytree(found[-1], given["path"])
    return {"cache-hit": str(bool(found)).lower()}


def _condition(step: Mapping[str, Any], values: Mapping[str, str], steps: Mapping[str, Mapping[str, str]], *, failed: bool) -> bool:
    """Whether a step runs: comparisons joined by `&&`, behind `!cancelled()` after a failure, too."""
    text = str(step.get("if", "")).strip()
    expression = EXPRESSION.fullmatch(text)
    parts = [part.strip() for part in (expression[1] if expression else text).split("&&") if part.strip()]
    if failed and "!cancelled()" not in parts:
        return False
    for part in parts:
        if part == "!cancelled()":
            continue
        match = re.fullmatch(r"([\w.-]+) (==|!=) '(\w*)'", part)
        assert match, text
        if (_evaluate(f"${{{{ {match[1]} }}}}", values, steps) == match[3]) is (match[2] == "!="):
            return False
    return True


def _evaluate(text: str, values: Mapping[str, str], steps: Mapping[str, Mapping[str, str]]) -> str:
    def value(match: re.Match[str]) -> str:
        kind, _, name = match[1].partition(".")
        if kind == "inputs":
            return values[name]
        step, outputs, name = name.split(".")
        assert (kind, outputs) == ("steps", "outputs"), text
        return steps.get(step, {}).get(name, "")

    return EXPRESSION.sub(value, text)


def _read_outputs(text: str) -> dict[str, str]:
    outputs = {}
    for line in text.split("\n")[:-1]:
        name, separator, value = line.partition("=")
        # The other form, NAME<<DELIMITER, is for values of many lines; there are none.
        assert separator and "<<" not in name, line
        assert name not in outputs, "an output is written twice"
        outputs[name] = value
    return outputs
