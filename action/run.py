"""What the GitHub Action runs: `install` makes the environment, `name` says where the last result is kept, `check` runs
policycheck and tells the runner what came of it.

Standard library alone, because it runs before anything is installed. A shell sees no input: each reaches this script through one environment variable and
policycheck as one argument. What policycheck prints may quote job lists, so the runner is told to take none of it for a command; what is written to
GITHUB_OUTPUT is numbers, fixed words and paths.
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
if __name__ == "__main__":
    # Python is started with -I, and looks for no module beside the script.
    sys.path.insert(0, str(CHECKOUT))

from action.comments import write_comment  # noqa: E402
from action.identity import baseline_options, category, keep_result, name_kept_result  # noqa: E402
from action.workflow import InputError, annotate, append, print_line, read_input, read_lines, temporary_folder, write_outputs  # noqa: E402

OLDEST_PYTHON = (3, 11)

INPUTS: dict[str, dict[str, str]] = json.loads((ACTION / "inputs.json").read_text(encoding="utf-8"))
"""Inputs of `one` value, of many, one a line, and of a switch, each with the option it becomes. Written by `make docs` from the options."""
REPORTS = {
    "json": "result.json",
    "sarif": "results.sarif",
    "junit": "junit.xml",
    "markdown": "summary.md",
    "comment": "comment.md",
    "html": "report.html",
    "github": "annotations.txt",
}
"""The file of each format, in the folder of reports."""
COMMANDS: dict[str, tuple[str, ...]] = {"lint": ("config", "params", "waivers", "as-of"), "test": ("config",), "check": ()}
"""What the input `commands` may name, in the order they run in, and for all but the check the inputs that each takes beside the policies."""
LINT_ANNOTATIONS = "lint.txt"
BASELINE = ("baseline", "fail-on-new")
"""Inputs that become options by rules of their own: `last` is no file."""
COUNTS = ("rules", "passed", "failed", "waived", "inconclusive", "skipped", "findings", "findings_waived", "jobs")
"""Members of the result's `summary` that become outputs."""

PASS, FINDINGS, USAGE, EVIDENCE, BUG = range(5)
"""The exit codes of policycheck."""
MAX_LINES = 200
"""Lines of what lint and tests print that the summary shows."""


class Stopped(Exception):
    """The runner asks the step to end, by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def main(arguments: list[str]) -> int:
    """Run one of the steps; its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        if arguments == ["install"]:
            return install()
        if arguments == ["name"]:
            return name_kept_result()
        if arguments == ["check"]:
            return check()
    except InputError as error:
        write_outputs({"result": "error", "exit-code": USAGE, "sarif": ""})
        annotate("error", str(error))
        return USAGE
    except Stopped as stopped:
        write_outputs({"result": "error", "exit-code": 128 + stopped.number, "sarif": ""})
        annotate("error", "policycheck was stopped before it ended")
        return 128 + stopped.number
    print("usage: run.py install|name|check")
    return USAGE


def install() -> int:
    """Install policycheck from the action's own checkout into an environment of its own, its dependencies at the versions and hashes of requirements.txt."""
    if sys.version_info < OLDEST_PYTHON:
        needed, found = (".".join(map(str, version[:2])) for version in (OLDEST_PYTHON, sys.version_info))
        annotate("error", f"policycheck needs Python {needed} or later and this is {found}: set the input python-version")
        return USAGE
    folder = environment_folder()
    if _ready(folder).is_file():
        print("policycheck is installed: an earlier step of this job did it")
        return 0
    code = _run_quoted([sys.executable, "-I", "-m", "venv", "--clear", str(folder)])[0]
    if code:
        hint = "Set the input python-version, or install what this Python lacks (python3-venv on Debian and Ubuntu)."
        annotate("error", f"policycheck could not be installed: {sys.executable} -m venv failed. {hint}")
        return code
    pip = [str(_program(folder, "python")), "-I", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for what in (["--require-hashes", *(f"--requirement={path}" for path in _requirements())], ["--no-deps", "--no-build-isolation", str(CHECKOUT)]):
        code = _run_quoted([*pip, *what])[0]
        if code:
            annotate("error", "policycheck could not be installed: see the log of this step")
            return code
    _ready(folder).touch()
    return 0


def environment_folder() -> Path:
    """Where this checkout is installed for this Python: one folder for all steps of a job that use the same."""
    identity = "\0".join((str(CHECKOUT), sys.executable, sys.version, *(path.read_text(encoding="utf-8") for path in _requirements())))
    return Path(temporary_folder(), f"policycheck-{hashlib.sha256(identity.encode()).hexdigest()[:16]}")


def _requirements() -> list[Path]:
    """What is installed: what policycheck needs, and the engine that the input names where that is one more."""
    of_engine = f"requirements-{read_input('engine')}.txt"
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
    workplace = Path(read_input("working-directory") or ".")
    if not workplace.is_dir():
        raise InputError(f"working-directory: there is no folder {workplace}")
    commands = _commands()
    reports = _report_folder(workplace)
    program = _program(environment_folder(), "policycheck")
    before, code = _test_policies([name for name in commands if name != "check"], str(program), reports, workplace)
    if code or "check" not in commands:
        if code and "check" in commands:
            # What the comment says was found in an earlier commit.
            write_comment(reports / REPORTS["comment"], "## policycheck\n\n**No rule was evaluated**, because lint or tests of the policies failed.\n")
        comment = _path(reports / REPORTS["comment"])
        write_outputs({"result": "error" if code else "", "exit-code": code, "directory": reports, "sarif": "", "comment": comment, **before})
        return code
    code, printed = _run_quoted([str(program), *command_line(reports)], workplace)
    result = _read_result(reports / REPORTS["json"])
    if code == PASS and (result is None or result.get("exit_code") != code):
        # No pass without the document that says so.
        printed.append("error: policycheck ended well and left no result")
        code = BUG
    _write_summary(reports, code, printed)
    handed_on, withheld = _sarif(reports, code, result)
    write_outputs(
        {
            "result": verdict(code, result),
            "exit-code": code,
            **{name.replace("_", "-"): _count(result, name) for name in COUNTS},
            "directory": reports,
            "sarif": handed_on,
            **{name: _path(reports / REPORTS[name]) for name in ("json", "junit", "markdown", "html", "comment")},
            "kept": keep_result(reports / REPORTS["json"], result, passed=code == PASS, found=code == FINDINGS),
            **before,
        }
    )
    _annotate(reports, code, printed)
    if withheld:
        annotate("notice", withheld)
    return code


def command_line(reports: Path) -> list[str]:
    """The arguments of policycheck: each value is its own argument, joined to its option so that none is taken for another option."""
    # Beside what the run file writes, which `--output` would replace.
    arguments = ["check", *(f"--add-output={name}={reports / file}" for name, file in REPORTS.items())]
    names = [name for table in INPUTS.values() for name in table if name not in BASELINE]
    return [*arguments, *_options(names), *baseline_options(_options(["fail-on-new"])), "--", *read_lines("policies")]


def _options(names: Iterable[str]) -> list[str]:
    """The options that these inputs become."""
    options: list[str] = []
    for name in names:
        if name in INPUTS["one"]:
            options += [f"{INPUTS['one'][name]}={value}" for value in [read_input(name)] if value]
        elif name in INPUTS["many"]:
            options += [f"{INPUTS['many'][name]}={value}" for value in read_lines(name)]
        elif read_input(name).lower() == "true":
            options.append(INPUTS["switch"][name])
        elif read_input(name).lower() not in {"", "false"}:
            raise InputError(f"{name}: must be true or false")
    return options


def _commands() -> list[str]:
    """What the input `commands` names, in the order of `COMMANDS`."""
    named = read_lines("commands") or ["check"]
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
        code, printed = _run_quoted([program, name, *outputs, *_options(COMMANDS[name]), "--", *read_lines("policies")], workplace)
        outcomes[name] = "fail" if code else "pass"
        # Indented, so that Markdown shows it as it is.
        said = "\n".join(f"    {line}" for line in printed[-MAX_LINES:])
        append("GITHUB_STEP_SUMMARY", f"## policycheck {name}\n\n**{'Fail' if code else 'Pass'}**\n\n{said}\n\n")
        if name == "lint" and annotations.is_file():
            _show_annotations(annotations.read_text(encoding="utf-8"))
        if code:
            annotate("error", f"policycheck {name} ended with exit code {code}, so no rule was evaluated: see the log of this step")
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


def _report_folder(workplace: Path) -> Path:
    named = read_input("output-directory")
    if not named:
        return Path(tempfile.mkdtemp(prefix="policycheck-reports-", dir=temporary_folder()))
    if not named.isprintable():
        raise InputError("output-directory: the name of the folder holds a character that cannot be printed")
    folder = Path(os.path.abspath(workplace / named))  # noqa: PTH100 - resolve() would follow links
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*REPORTS.values(), LINT_ANNOTATIONS):
            # A report of an earlier run must not pass for one of this run.
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"output-directory: {folder} cannot be written to: {error.strerror}") from error
    return folder


def _run_quoted(command: list[str], folder: Path | None = None) -> tuple[int, list[str]]:
    """Run a program; its exit code and the lines it printed, which the log shows as they come and the runner takes none of for a command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INPUT_", "PYTHON"))}
    # Behind what the run file says.
    kept["POLICYCHECK_CATEGORY"] = category()
    token = secrets.token_hex(16)
    print_line(f"::stop-commands::{token}")
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
        print_line(printed[-1])
    finally:
        # On a line of its own, whatever was printed last.
        print_line(f"\n::{token}::")
    return (code if code >= 0 else 128 - code), printed


def _pass_on(stream: Iterable[bytes], printed: list[str]) -> None:
    for line in stream:
        printed.append(line.decode("utf-8", "replace").rstrip("\r\n"))
        print_line(printed[-1])


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
    """The SARIF file to upload, or nothing; and what a reader must know of it. Code scanning closes every alert of a category that a file lacks, so policycheck
    leaves out rules that are inconclusive, and says in the file where nothing of it may be uploaded."""
    if result is None or code == USAGE:
        return "", ""
    try:
        told = json.loads((reports / REPORTS["sarif"]).read_text(encoding="utf-8")).get("properties", {})
    except (OSError, ValueError):
        return "", ""
    why = told.get("policycheck/withheld") or ("" if code in {PASS, FINDINGS, EVIDENCE} else f"policycheck ended with exit code {code}")
    if why:
        return "", f"The output sarif is empty, because {why}: an upload would close alerts that this run could not evaluate."
    left_out = told.get("policycheck/leftOut")
    said = f"The SARIF file leaves out what could not be evaluated in full, whose alerts stay as they are: {', '.join(left_out)}." if left_out else ""
    return _path(reports / REPORTS["sarif"]), said


def _write_summary(reports: Path, code: int, printed: list[str]) -> None:
    try:
        summary = (reports / REPORTS["markdown"]).read_text(encoding="utf-8")
    except OSError:
        # Indented, so that Markdown shows it as it is.
        said = "\n".join(f"    {line}" for line in _error_lines(printed))
        summary = f"## policycheck\n\n**No rule was evaluated.** policycheck ended with exit code {code}.\n\n{said}\n"
    write_comment(reports / REPORTS["comment"], summary)
    append("GITHUB_STEP_SUMMARY", summary)


def _path(path: Path) -> Path | str:
    return path if path.is_file() else ""


def _annotate(reports: Path, code: int, printed: list[str]) -> None:
    """The annotations that policycheck wrote; where it wrote none, one with its error."""
    try:
        annotations = (reports / REPORTS["github"]).read_text(encoding="utf-8")
    except OSError:
        annotate("error", "\n".join(_error_lines(printed)) or f"policycheck ended with exit code {code}")
        return
    _show_annotations(annotations)


def _show_annotations(text: str) -> None:
    for line in text.split("\n"):
        if line:
            print_line(line)


def _error_lines(printed: list[str]) -> list[str]:
    """The last message of policycheck, with its place and hint."""
    starts = [number for number, line in enumerate(printed) if re.match(r"error\b|policycheck\b.* has a bug", line)]
    return printed[starts[0] if starts else -1 :][:40]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
