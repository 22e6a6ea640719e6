"""The process as a shell sees it: closed streams, readers that leave, signals, and what is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from policycheck.cli.app import run
from tests.cli.conftest import AS_OF, environment, job, run_python, save, standard_output, start

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX streams and signals")
CHECK = ("check", "policy.yaml", "--as-of", AS_OF, "--jobs")


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of sh in which `policycheck` is the command."""
    script = f'policycheck() {{ "{sys.executable}" -m policycheck "$@"; }}\n{command}'
    return subprocess.run(["sh", "-c", script], cwd=folder, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("jobs", "code"), [("many.json", 1), pytest.param("ok.json", 0, marks=pytest.mark.slow)])
def test_reader_that_leaves_changes_nothing(jobs: str, code: int, folder: Path) -> None:
    """The verdict's code stays, and nobody sees a traceback: `check ... | head -1`."""
    save(folder / "many.json", *(job(number, "FAILED", StatusMessage="x" * 400) for number in range(300)))
    done = shell(f"{{ policycheck {' '.join(CHECK)} {jobs} -o json; echo code $? >&2; }} | true", folder)
    assert done.stderr.endswith(f"code {code}\n")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_reader_of_stderr_that_leaves_changes_nothing(folder: Path) -> None:
    done = shell(f"{{ {{ policycheck {' '.join(CHECK)} bad.json -o json=r.json; echo code $? >&3; }} 2>&1 | true; }} 3>&1", folder)
    assert done.stdout == "code 1\n"


def test_head_of_a_document(folder: Path) -> None:
    done = shell("policycheck schema | head -1", folder)
    assert (done.stdout, done.stderr) == ("{\n", "")


@pytest.mark.parametrize("closed", [pytest.param(">&-", marks=pytest.mark.slow), pytest.param("2>&-", marks=pytest.mark.slow), "<&- >&- 2>&-"])
def test_closed_streams(closed: str, folder: Path) -> None:
    done = shell(f"policycheck {' '.join(CHECK)} bad.json {closed}", folder)
    assert done.returncode == 1
    assert done.stderr == ""
    assert bool(done.stdout) is (">" not in closed.replace("2>&-", ""))


def test_streams_that_are_closed_are_none_to_python(folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    for name, jobs, code in [("stdout", "bad.json", 1), ("stderr", "bad.json", 1), ("stdin", "-", 3)]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, name, None)
            assert run([*CHECK, jobs]) == code
            getattr(sys, name).close()
        out, err = capsysbinary.readouterr()
        assert (bool(out), bool(err)) == (name == "stderr", name == "stdin")


FULL = Path("/dev/full")
NO_SPACE = "error: cannot write to standard output: No space left on device\n"


@pytest.mark.skipif(not FULL.exists(), reason="no such device here")
def test_full_disk(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FULL.open("wb") as stream, standard_output(stream.fileno()):
        assert run([*CHECK, "ok.json"]) == 2
    assert capsys.readouterr() == ("", NO_SPACE)


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="no such device here")
def test_the_interpreter_does_not_complain_of_a_full_disk_once_more(folder: Path) -> None:
    done = shell(f"policycheck {' '.join(CHECK)} ok.json > /dev/full", folder)
    assert (done.returncode, done.stderr) == (2, NO_SPACE)


def test_interrupt_while_reading_standard_input(folder: Path) -> None:
    process = start(*CHECK, "-", folder=folder, stdin=subprocess.PIPE)
    assert process.stdin is not None
    # More than a pipe holds: once this is written, the other side is reading.
    process.stdin.write(b" " * 1_000_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"policycheck: interrupted\n")


def test_ascii_terminals_get_utf_8_documents_and_escaped_talk(folder: Path) -> None:
    save(folder / "é.json", job(1, "FAILED", StatusMessage="é"))
    (folder / "è.yaml").write_text("ignore: [none-expired]\n", encoding="utf-8")
    command = [sys.executable, "-m", "policycheck", *CHECK, "é.json", "--output", "text", "--config", "è.yaml"]
    done = subprocess.run(command, cwd=folder, env=environment(PYTHONIOENCODING="ascii"), capture_output=True, check=False)
    assert done.returncode == 1
    assert "before as_of; é;" in done.stdout.decode()
    assert b"as \\xe8.yaml says" in done.stderr


# Imports


def loaded_after(commands: Sequence[Sequence[str]], names: list[str], folder: Path) -> list[set[str]]:
    """Which of the modules are loaded after each of the commands, in one process."""
    code = (
        "import sys\n"
        "from policycheck.__main__ import main\n"
        f"for arguments in {list(map(list, commands))!r}:\n"
        "    sys.argv = ['policycheck', *arguments]\n"
        f"    main()\n    print('loaded:', *[name for name in {names!r} if name in sys.modules])"
    )
    return [set(line.split()[1:]) for line in run_python(code, folder).splitlines() if line.startswith("loaded:")]


NEVER = ["boto3", "botocore", "rich", "moto", "flask", "duckdb", "pyspark", "pandas", "numpy"]
"""On files."""
CHECKING = ["polars", "narwhals", "lark"]
HEAVY = [*NEVER, *CHECKING, "jinja2", "typer", "pydantic", "ruamel", "msgspec"]


def test_a_command_imports_what_it_needs(folder: Path) -> None:
    """Each in the process of those before it, which may need less only."""
    commands = [["--version"], ["-V"], ["check", "--help"], [*CHECK, "bad.json"], [*CHECK, "bad.json", "-o", "markdown=r.md", "-q"]]
    version, short, usage, text, markdown = loaded_after(commands, HEAVY, folder)
    assert (version, short) == (set(), set())
    assert usage.isdisjoint([*NEVER, *CHECKING, "jinja2"])
    assert text.isdisjoint([*NEVER, "jinja2"])
    assert markdown - text == {"jinja2"}


NOT_ASKED_FOR = [
    *(f"policycheck.settings.{name}" for name in ("runfile", "schema")),
    *(f"policycheck.{name}" for name in ("policy.mistakes", "cli.gate", "gating.gate", "sources.inventories", "sources.aws", "engine.trace")),
]
"""Modules of ours for what most checks have not: a run file, a sentence with a mistake, a gate, an inventory, AWS."""


def test_check_imports_nothing_of_ours_that_it_is_not_asked_for(folder: Path) -> None:
    (folder / "policycheck.yaml").write_text("policies: [policy.yaml]\n", encoding="utf-8")
    with_file = ["check", *CHECK[2:], "bad.json"]
    assert loaded_after([[*CHECK, "bad.json", "--no-config"], with_file], NOT_ASKED_FOR, folder) == [set(), set(NOT_ASKED_FOR[:2])]


def test_no_search_for_cycles_is_made_in_a_small_check(folder: Path) -> None:
    code = (
        "import gc, sys\n"
        "from policycheck.__main__ import main\n"
        f"sys.argv = ['policycheck', *{[*CHECK, 'bad.json']!r}]\n"
        "found = []\n"
        "gc.callbacks.append(lambda phase, info: found.append(info))\n"
        "main()\nprint('searches:', len(found))"
    )
    assert run_python(code, folder).splitlines()[-1] == "searches: 0"


def test_module_and_version(folder: Path) -> None:
    done = shell("policycheck --version", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "policycheck 0.1.0\n", "")
