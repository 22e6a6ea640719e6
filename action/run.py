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
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

ACTION = Path(__file__).resolve().parent
CHECKOUT = ACTION.parent
OLDEST_PYTHON = (3, 11)

INPUTS: dict[str, dict[str, str]] = json.loads((ACTION / "inputs.json").read_text(encoding="utf-8"))
"""Inputs of `one` value and of many, one a line, each with the option it becomes. Written by `make docs` from the options of `check`."""
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
COUNTS = ("rules", "passed", "failed", "waived", "inconclusive", "skipped", "findings", "findings_waived", "jobs")
"""Members of the result's `summary` that become outputs."""

PASS, FINDINGS, USAGE, EVIDENCE, BUG = range(5)
"""The exit codes of policycheck."""
MAX_COMMENT = 65_536
"""Characters GitHub takes in a comment."""
MAX_ANNOTATION = 4000
MAX_MARKER, MAX_NAME = 200, 150
LAST = "last"
"""What the input baseline says for the result that an earlier run kept."""


class InputError(Exception):
    """An input that no command line can be made of."""


def main(arguments: list[str]) -> int:
    """Run one of the two steps; its exit code."""
    try:
        if arguments == ["install"]:
            return install()
        if arguments == ["name"]:
            return name_kept_result()
        if arguments == ["check"]:
            return check()
    except InputError as error:
        _write_outputs({"result": "error", "exit-code": USAGE, "sarif": ""})
        _command("error", str(error))
        return USAGE
    print("usage: run.py install|name|check")
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
    venv.create(folder, clear=True, with_pip=True)
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
    return Path(os.environ["RUNNER_TEMP"], f"policycheck-{hashlib.sha256(identity.encode()).hexdigest()[:16]}")


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
    """Run `policycheck check` as the inputs say, then write outputs, step summary, comment and annotations; the exit code of policycheck."""
    workplace = Path(_one("working-directory") or ".")
    if not workplace.is_dir():
        raise InputError(f"working-directory: there is no folder {workplace}")
    reports = _report_folder(workplace)
    program = _program(environment_folder(), "policycheck")
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
            **{name: _path(reports / REPORTS[name]) for name in ("json", "junit", "markdown", "html", "comment")},
            "kept": keep_result(reports, code, result),
        }
    )
    _annotate(reports, code, printed)
    if withheld:
        _command("notice", withheld)
    return code


def command_line(reports: Path) -> list[str]:
    """The arguments of policycheck: each value is its own argument, joined to its option so that none is taken for another option."""
    arguments = ["check", "--output=text", *(f"--output={name}={reports / file}" for name, file in REPORTS.items())]
    arguments += [f"{option}={value}" for name, option in INPUTS["one"].items() if (value := _one(name))]
    arguments += [f"--category={_one('category')}"] if _one("category") else []
    arguments += [f"{option}={value}" for name, option in INPUTS["many"].items() for value in _lines(name)]
    arguments += baseline_options()
    return [*arguments, "--", *_lines("policies")]


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
        return Path(tempfile.mkdtemp(prefix="policycheck-reports-", dir=os.environ["RUNNER_TEMP"]))
    if not named.isprintable():
        raise InputError("output-directory: the name of the folder holds a character that cannot be printed")
    folder = Path(os.path.abspath(workplace / named))  # noqa: PTH100 - resolve() would follow links
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in REPORTS.values():
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
    _print(f"::stop-commands::{token}")
    printed: list[str] = []
    try:
        with subprocess.Popen(command, cwd=folder, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            assert process.stdout is not None
            for line in process.stdout:
                printed.append(line.decode("utf-8", "replace").rstrip("\r\n"))
                _print(printed[-1])
        code = process.returncode
    except OSError as error:
        code = BUG
        printed.append(f"error: {command[0]} cannot be run: {error.strerror}")
        _print(printed[-1])
    finally:
        # On a line of its own, whatever was printed last.
        _print(f"\n::{token}::")
    return (code if code >= 0 else 128 - code), printed


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
        summary = f"## policycheck\n\n**Nothing was judged.** policycheck ended with exit code {code}.\n\n{said}\n"
    _write_comment(reports / REPORTS["comment"], summary)
    with open(os.environ["GITHUB_STEP_SUMMARY"], "a", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - Path.open reads no better
        stream.write(summary)


def _write_comment(path: Path, summary: str) -> None:
    """The comment with its marker, and which check it is of; where policycheck wrote none, what the summary says."""
    written = path.read_text(encoding="utf-8") if path.is_file() else summary
    name = re.sub(r"[^\w./, -]", "_", f"{policies_named()}, {category()}")[:MAX_NAME]
    end = f"\n`{name}`\n"
    path.write_text(f"{marker()}\n{shorten(written, MAX_COMMENT - MAX_MARKER - len(end) - 1)}{end}", encoding="utf-8", newline="\n")


def policies_named() -> str:
    """The policies of this check, as the inputs name them."""
    return ", ".join(_lines("policies")) or _one("config") or "policycheck.yaml"


def category() -> str:
    """What tells this check from others of the repository: the input, or the workflow's file and the job."""
    if _one("category"):
        return _one("category")
    # OWNER/REPOSITORY/.github/workflows/FILE.yml@REF; a workflow's name need not be its own.
    file = os.environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2].rpartition(".")[0]
    parts = file or os.environ.get("GITHUB_WORKFLOW", ""), os.environ.get("GITHUB_JOB", "")
    return "/".join(filter(None, (re.sub(r"[^A-Za-z0-9_.-]+", "-", part).strip("-")[:45] for part in parts))) or "check"


def identity() -> str:
    """16 hex digits that are those of this check in every run, and of no other of the repository."""
    named = "\0".join((policies_named(), _one("working-directory"), category()))
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def marker() -> str:
    """First line of the comment, by which the next run of the same check finds the one to replace. The digest tells it, the names are for people."""
    name = re.sub(r"[^\w./, ]", "_", f"{policies_named()}, {category()}")[:MAX_NAME]
    return f"<!-- policycheck: {name} {identity()} -->"


def kept_folder() -> Path:
    """Where the result that an earlier run kept is put, and the one of this run."""
    return Path(os.environ["RUNNER_TEMP"], f"policycheck-kept-{identity()}")


def name_kept_result() -> int:
    """Say where the kept result goes, and by which keys of the cache it is found: the newest one of this check."""
    prefix = f"policycheck-{identity()}-"
    run = f"{os.environ.get('GITHUB_RUN_ID', '')}-{os.environ.get('GITHUB_RUN_ATTEMPT', '')}"
    _write_outputs({"folder": kept_folder(), "key": f"{prefix}{run}", "prefix": prefix})
    return 0


def baseline_options() -> list[str]:
    """--baseline and --fail-on-new; of a first run, which has no last result, none: it is evaluated as without, and becomes the baseline."""
    named, on_new = _one("baseline"), _is_on("fail-on-new")
    if named == LAST:
        last = kept_folder() / REPORTS["json"]
        if not last.is_file():
            _command("notice", "No result of an earlier run is kept: this run is evaluated without a baseline, and its result is the baseline of the next.")
            return []
        named = str(last)
    return [*([f"--baseline={named}"] if named else []), *(["--fail-on-new"] if on_new else [])]


def keep_result(reports: Path, code: int, result: dict[str, Any] | None) -> str:
    """`true` where the result of this run is the next baseline: it saw what the last one saw, and has no new finding where such fail the run."""
    if _one("baseline") != LAST or result is None:
        return ""
    told = result.get("baseline")
    whole = not isinstance(told, dict) or not (told.get("lost") or told.get("not_seen"))
    ended_well = code == PASS or (code == FINDINGS and not (isinstance(told, dict) and told.get("fail_on_new")))
    if not (whole and ended_well):
        return ""
    kept_folder().mkdir(parents=True, exist_ok=True)
    (kept_folder() / REPORTS["json"]).write_bytes((reports / REPORTS["json"]).read_bytes())
    return "true"


def _is_on(name: str) -> bool:
    value = _one(name).lower()
    if value not in {"", "true", "false"}:
        raise InputError(f"{name}: write true or false")
    return value == "true"


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
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - Path.open reads no better
        stream.write("".join(f"{line}\n" for line in lines))


def _annotate(reports: Path, code: int, printed: list[str]) -> None:
    """The annotations that policycheck wrote; where it wrote none, one with its error."""
    try:
        annotations = (reports / REPORTS["github"]).read_text(encoding="utf-8")
    except OSError:
        _command("error", "\n".join(_error_lines(printed)) or f"policycheck ended with exit code {code}")
        return
    for line in annotations.split("\n"):
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
