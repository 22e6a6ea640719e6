"""What the GitHub Action runs: `install` makes the environment, `check` runs policycheck in it and tells the runner what came of it.

Standard library alone, because it runs before anything is installed. A shell sees no input: each reaches this script through one environment variable and
policycheck as one argument. What policycheck prints may quote job lists, so the runner is told to take none of it for a command; what is written to
GITHUB_OUTPUT is numbers, fixed words and paths. The runner's side of both: "Workflow commands for GitHub Actions" in GitHub's documentation.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

ACTION = Path(__file__).resolve().parent
CHECKOUT = ACTION.parent
OLDEST_PYTHON = (3, 11)

INPUTS: dict[str, dict[str, str]] = json.loads((ACTION / "inputs.json").read_text(encoding="utf-8"))
"""Inputs of `one` value, of many, one a line, and of a switch, each with the option it becomes. Written by `make docs` from the options."""
REPORTS = {"json": "result.json", "sarif": "results.sarif", "junit": "junit.xml", "markdown": "summary.md", "html": "report.html", "github": "annotations.txt"}
"""The file of each format, in the folder of reports."""
COMMENT = "comment.md"
COMMANDS: dict[str, tuple[str, ...]] = {"lint": ("config", "params", "waivers", "as-of"), "test": ("config",), "check": ()}
"""What the input `commands` may name, in the order they run in, and for all but the check the inputs that each takes beside the policies."""
LINT_ANNOTATIONS = "lint.txt"
COUNTS = ("rules", "passed", "failed", "waived", "inconclusive", "skipped", "findings", "findings_waived", "jobs")
"""Members of the result's `summary` that become outputs."""

PASS, FINDINGS, USAGE, EVIDENCE, BUG = range(5)
"""The exit codes of policycheck."""
MAX_COMMENT = 65_536
"""Characters GitHub takes in a comment."""
MAX_ANNOTATION = 4000
MAX_LINES = 200
"""Lines of what lint and tests print that the summary shows."""
MARKER = "<!-- policycheck -->"
"""First line of the comment, by which the next run finds the one to replace."""


class InputError(Exception):
    """An input that no command line can be made of."""


class Stopped(Exception):
    """The runner asks the step to end, by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def main(arguments: list[str]) -> int:
    """Run one of the two steps; its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        if arguments == ["install"]:
            return install()
        if arguments == ["check"]:
            return check()
    except InputError as error:
        _write_outputs({"result": "error", "exit-code": USAGE, "sarif": ""})
        _command("error", str(error))
        return USAGE
    except Stopped as stopped:
        _write_outputs({"result": "error", "exit-code": 128 + stopped.number, "sarif": ""})
        _command("error", "policycheck was stopped before it ended")
        return 128 + stopped.number
    print("usage: run.py install|check")
    return USAGE


def install() -> int:
    """Install policycheck from the action's own checkout into an environment of its own, its dependencies at the versions and hashes of requirements.txt."""
    if sys.version_info < OLDEST_PYTHON:
        needed, found = (".".join(map(str, version[:2])) for version in (OLDEST_PYTHON, sys.version_info))
        _command("error", f"policycheck needs Python {needed} or later and this is {found}: set the input python-version")
        return USAGE
    folder = environment_folder()
    if _ready(folder).is_file():
        print("policycheck is installed: an earlier step of this job did it")
        return 0
    code = _run_quoted([sys.executable, "-I", "-m", "venv", "--clear", str(folder)])[0]
    if code:
        hint = "Set the input python-version, or install what this Python lacks (python3-venv on Debian and Ubuntu)."
        _command("error", f"policycheck could not be installed: {sys.executable} -m venv failed. {hint}")
        return code
    pip = [str(_program(folder, "python")), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for what in (["--require-hashes", *(f"--requirement={path}" for path in _requirements())], ["--no-deps", "--no-build-isolation", str(CHECKOUT)]):
        code = _run_quoted([*pip, *what])[0]
        if code:
            _command("error", "policycheck could not be installed: see the log of this step")
            return code
    _ready(folder).touch()
    return 0


def environment_folder() -> Path:
    """Where this checkout is installed for this Python: one folder for all steps of a job that use the same."""
    identity = "\0".join((str(CHECKOUT), sys.executable, sys.version, *(path.read_text(encoding="utf-8") for path in _requirements())))
    return Path(_temporary(), f"policycheck-{hashlib.sha256(identity.encode()).hexdigest()[:16]}")


def _temporary() -> str:
    # A runner sets RUNNER_TEMP; what runs workflows elsewhere may not.
    return os.environ.get("RUNNER_TEMP") or tempfile.gettempdir()


def _requirements() -> list[Path]:
    """What is installed: what policycheck needs, and the engine that the input names where that is one more."""
    of_engine = f"requirements-{_one('engine')}.txt"
    return [ACTION / "requirements.txt", *(path for path in ACTION.glob("requirements-*.txt") if path.name == of_engine)]


def _ready(folder: Path) -> Path:
    # Written last: an installation that was interrupted starts again.
    return folder / ".ready"


def _program(folder: Path, name: str) -> Path:
    return folder / "Scripts" / f"{name}.exe" if os.name == "nt" else folder / "bin" / name


def check() -> int:
    """Run lint and tests of the policies where the inputs ask for them, and `policycheck check`; the exit code of policycheck.

    The check leaves behind outputs, step summary, comment and annotations. It does not run where lint or tests fail.
    """
    workplace = Path(_one("working-directory") or ".")
    if not workplace.is_dir():
        raise InputError(f"working-directory: there is no folder {workplace}")
    commands = _commands()
    reports = _report_folder(workplace)
    program = _program(environment_folder(), "policycheck")
    before, code = _test_policies([name for name in commands if name != "check"], str(program), reports, workplace)
    if code or "check" not in commands:
        _write_outputs({"result": "error" if code else "", "exit-code": code, "directory": reports, "sarif": "", **before})
        return code
    code, printed = _run_quoted([str(program), *command_line(reports)], workplace)
    result = _read_result(reports / REPORTS["json"])
    if code == PASS and (result is None or result.get("exit_code") != code):
        # No pass without the document that says so.
        printed.append("error: policycheck ended well and left no result")
        code = BUG
    _write_summary(reports, code, printed)
    handed_on, withheld = _sarif(reports, code, result)
    _write_outputs(
        {
            "result": verdict(code, result),
            "exit-code": code,
            **{name.replace("_", "-"): _count(result, name) for name in COUNTS},
            "directory": reports,
            "sarif": handed_on,
            **{name: _path(reports / REPORTS[name]) for name in ("json", "junit", "markdown", "html")},
            "comment": _path(reports / COMMENT),
            **before,
        }
    )
    _annotate(reports, code, printed)
    if withheld:
        _command("notice", withheld)
    return code


def command_line(reports: Path) -> list[str]:
    """The arguments of policycheck: each value is its own argument, joined to its option so that none is taken for another option."""
    # Beside what the run file writes, which `--output` would replace.
    arguments = ["check", *(f"--add-output={name}={reports / file}" for name, file in REPORTS.items())]
    return [*arguments, *_options([*INPUTS["one"], *INPUTS["many"], *INPUTS["switch"]]), "--", *_lines("policies")]


def _options(names: Iterable[str]) -> list[str]:
    """The options that these inputs become."""
    options: list[str] = []
    for name in names:
        if name in INPUTS["one"]:
            options += [f"{INPUTS['one'][name]}={value}" for value in [_one(name)] if value]
        elif name in INPUTS["many"]:
            options += [f"{INPUTS['many'][name]}={value}" for value in _lines(name)]
        elif _one(name).lower() == "true":
            options.append(INPUTS["switch"][name])
        elif _one(name).lower() not in {"", "false"}:
            raise InputError(f"{name}: must be true or false")
    return options


def _commands() -> list[str]:
    """What the input `commands` names, in the order of `COMMANDS`."""
    named = _lines("commands") or ["check"]
    for name in named:
        if name not in COMMANDS:
            raise InputError(f"commands: there is no command {name!r}; name lint, test or check, one per line")
    return [name for name in COMMANDS if name in named]


def _test_policies(names: list[str], program: str, reports: Path, workplace: Path) -> tuple[dict[str, str], int]:
    """Lint and tests of the policies, up to the first that fails: pass or fail by the name of the output, and the exit code."""
    outcomes = {name: "" for name in COMMANDS if name != "check"}
    for name in names:
        annotations = reports / LINT_ANNOTATIONS
        outputs = ["--output=text", f"--output=github={annotations}"] if name == "lint" else []
        code, printed = _run_quoted([program, name, *outputs, *_options(COMMANDS[name]), "--", *_lines("policies")], workplace)
        outcomes[name] = "fail" if code else "pass"
        # Indented, so that Markdown shows it as it is.
        said = "\n".join(f"    {line}" for line in printed[-MAX_LINES:])
        _append("GITHUB_STEP_SUMMARY", f"## policycheck {name}\n\n**{'Fail' if code else 'Pass'}**\n\n{said}\n\n")
        if name == "lint" and annotations.is_file():
            _show_annotations(annotations.read_text(encoding="utf-8"))
        if code:
            _command("error", f"policycheck {name} ended with exit code {code}, so no rule was evaluated: see the log of this step")
            return outcomes, code
    return outcomes, 0


def verdict(code: int, result: dict[str, Any] | None) -> str:
    """pass, fail, inconclusive or error. It is the result's own verdict, which ignores `fail-on`; a run without enough evidence never passes."""
    if code in {PASS, FINDINGS} and result is not None:
        said = result.get("verdict")
        return said if said in {"pass", "fail", "inconclusive"} else "error"
    if code == EVIDENCE:
        return "fail" if result is not None and result.get("verdict") == "fail" else "inconclusive"
    return "error"


def _one(name: str) -> str:
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def _lines(name: str) -> list[str]:
    # At line feeds alone: other separators may be part of a name.
    return [value for line in _one(name).split("\n") if (value := line.strip())]


def _report_folder(workplace: Path) -> Path:
    named = _one("output-directory")
    if not named:
        return Path(tempfile.mkdtemp(prefix="policycheck-reports-", dir=_temporary()))
    if not named.isprintable():
        raise InputError("output-directory: the name of the folder holds a character that cannot be printed")
    folder = Path(os.path.abspath(workplace / named))  # noqa: PTH100 - resolve() would follow links
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*REPORTS.values(), COMMENT, LINT_ANNOTATIONS):
            # A report of an earlier run must not pass for one of this run.
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"output-directory: {folder} cannot be written to: {error.strerror}") from error
    return folder


def _run_quoted(command: list[str], folder: Path | None = None) -> tuple[int, list[str]]:
    """Run a program; its exit code and the lines it printed, which the log shows as they come and the runner takes none of for a command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INPUT_", "PYTHON"))}
    token = secrets.token_hex(16)
    _print(f"::stop-commands::{token}")
    printed: list[str] = []
    try:
        with subprocess.Popen(command, cwd=folder, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            try:
                _pass_on(process.stdout, printed)
            except Stopped as stopped:
                # policycheck ends by itself: a gate still writes its last reports.
                process.send_signal(stopped.number)
                _pass_on(process.stdout, printed)
        code = process.returncode
    except OSError as error:
        code = BUG
        printed.append(f"error: {command[0]} cannot be run: {error.strerror}")
        _print(printed[-1])
    finally:
        # On a line of its own, whatever was printed last.
        _print(f"\n::{token}::")
    return (code if code >= 0 else 128 - code), printed


def _pass_on(stream: Iterable[bytes], printed: list[str]) -> None:
    for line in stream:
        printed.append(line.decode("utf-8", "replace").rstrip("\r\n"))
        _print(printed[-1])


def _read_result(path: Path) -> dict[str, Any] | None:
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and isinstance(result.get("summary"), dict) else None


def _count(result: dict[str, Any] | None, name: str) -> int | str:
    count = result["summary"].get(name) if result else None
    return count if isinstance(count, int) else ""


def _sarif(reports: Path, code: int, result: dict[str, Any] | None) -> tuple[Path | str, str]:
    """The SARIF file to upload, or nothing and why: code scanning closes every alert that a file lacks, so one made from short evidence is not handed on."""
    if result is None or code == USAGE:
        return "", ""
    why = _gap(result) or ("" if code in {PASS, FINDINGS} else f"policycheck ended with exit code {code}")
    if why:
        return "", f"The output sarif is empty, because {why}: an upload would close alerts that this run could not judge."
    return _path(reports / REPORTS["sarif"]), ""


def _gap(result: dict[str, Any]) -> str:
    """What this run could not judge, in words; empty where it judged everything."""
    inconclusive = _count(result, "inconclusive")
    if inconclusive:
        return f"{inconclusive} of {_count(result, 'rules')} rules are inconclusive"
    if result.get("scope_uncovered") or any(not entry.get("complete") for entry in result.get("coverage", [])):
        return "the evidence is not complete"
    if any(rule.get("possible") for rule in result.get("rules", [])):
        return "too little is known of jobs that could violate a rule"
    return ""


def _write_summary(reports: Path, code: int, printed: list[str]) -> None:
    try:
        summary = (reports / REPORTS["markdown"]).read_text(encoding="utf-8")
    except OSError:
        # Indented, so that Markdown shows it as it is.
        said = "\n".join(f"    {line}" for line in _error_lines(printed))
        summary = f"## policycheck\n\n**Nothing was judged.** policycheck ended with exit code {code}.\n\n{said}\n"
    comment = shorten(f"{MARKER}\n{summary}", MAX_COMMENT)
    (reports / COMMENT).write_text(comment, encoding="utf-8", newline="\n")
    _append("GITHUB_STEP_SUMMARY", summary)


def _append(variable: str, text: str) -> None:
    """Add to a file of the runner's; nothing where it names none."""
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - Path.open reads no better
            stream.write(text)


def shorten(document: str, limit: int) -> str:
    """At most `limit` characters of a Markdown document: whole lines of it, what they open closed again, and a line that says so."""
    if len(document) <= limit:
        return document
    closing = "</details>\n"
    notice = "\n**Shortened:** the step summary and the reports of this run have the rest.\n"
    kept: list[str] = []
    size = opened = 0
    for line in document.splitlines(keepends=True):
        opened += line.startswith("<details") - line.startswith("</details")
        size += len(line)
        if size + max(opened, 0) * len(closing) + len(notice) > limit:
            opened -= line.startswith("<details") - line.startswith("</details")
            break
        kept.append(line)
    return "".join(kept) + closing * max(opened, 0) + notice


def _path(path: Path) -> Path | str:
    return path if path.is_file() else ""


def _write_outputs(outputs: dict[str, Path | str | int]) -> None:
    lines = [f"{name}={value}" for name, value in outputs.items()]
    # A line break would start an output of somebody else's choice.
    if not all(line.isprintable() for line in lines):
        raise InputError("the folder of reports has a name that cannot be printed")
    _append("GITHUB_OUTPUT", "".join(f"{line}\n" for line in lines))


def _annotate(reports: Path, code: int, printed: list[str]) -> None:
    """The annotations that policycheck wrote; where it wrote none, one with its error."""
    try:
        annotations = (reports / REPORTS["github"]).read_text(encoding="utf-8")
    except OSError:
        _command("error", "\n".join(_error_lines(printed)) or f"policycheck ended with exit code {code}")
        return
    _show_annotations(annotations)


def _show_annotations(text: str) -> None:
    for line in text.split("\n"):
        if line:
            _print(line)


def _error_lines(printed: list[str]) -> list[str]:
    """The last message of policycheck, with its place and hint."""
    starts = [number for number, line in enumerate(printed) if re.match(r"error\b|policycheck\b.* has a bug", line)]
    return printed[starts[0] if starts else -1 :][:40]


def _command(name: str, message: str) -> None:
    escaped = message[:MAX_ANNOTATION].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    _print(f"::{name} title=policycheck::{escaped}")


def _print(line: str) -> None:
    sys.stdout.buffer.write(f"{line}\n".encode("utf-8", "replace"))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
