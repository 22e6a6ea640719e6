"""The process as a shell sees it: closed streams, readers that leave, signals, and what is imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import AS_OF, environment, job, run_python, save, start

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


# Where all three are closed, standard input is one of them; alone it is below.
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, folder: Path) -> None:
    done = shell(f"policycheck {' '.join(CHECK)} bad.json {closed}", folder)
    assert done.returncode == 1
    assert done.stderr == ""
    assert bool(done.stdout) is (">" not in closed.replace("2>&-", ""))


def test_standard_input_that_is_closed_is_an_empty_list_file(folder: Path) -> None:
    assert shell(f"policycheck {' '.join(CHECK)} - <&-", folder).returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device here")
def test_full_disk(folder: Path) -> None:
    done = shell(f"policycheck {' '.join(CHECK)} ok.json > /dev/full", folder)
    assert (done.returncode, done.stderr) == (2, "error: cannot write to standard output: No space left on device\n")


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
    command = [sys.executable, "-m", "policycheck", *CHECK, "é.json", "--output", "text"]
    done = subprocess.run(command, cwd=folder, env=environment(PYTHONIOENCODING="ascii"), capture_output=True, check=False)
    assert done.returncode == 1
    assert "before as_of; é;" in done.stdout.decode()
    command = [sys.executable, "-m", "policycheck", *CHECK, "è.json"]
    done = subprocess.run(command, cwd=folder, env=environment(PYTHONIOENCODING="ascii"), capture_output=True, check=False)
    assert (done.returncode, done.stderr.partition(b"\n")[0]) == (3, b"error: \\xe8.json: does not exist")


# Imports


def loaded_after(arguments: list[str], names: list[str], folder: Path, *, then: list[str] | None = None) -> list[list[str]]:
    """The modules that are loaded after a command, and after another one in the same process."""
    code = (
        "import sys\n"
        "from policycheck.__main__ import main\n"
        f"for arguments in {[arguments] if then is None else [arguments, then]!r}:\n"
        "    sys.argv = ['policycheck', *arguments]\n"
        f"    main()\n    print('loaded:', *[name for name in {names!r} if name in sys.modules])"
    )
    return [line.split()[1:] for line in run_python(code, folder).splitlines() if line.startswith("loaded:")]


HEAVY = ["typer", "pydantic", "polars", "boto3", "botocore", "jinja2", "rich", "ruamel", "msgspec", "narwhals", "lark", "moto", "flask"]


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version_imports_nothing(option: str, folder: Path) -> None:
    assert loaded_after([option], HEAVY, folder) == [[]]


def test_help_imports_nothing_heavy(folder: Path) -> None:
    assert loaded_after(["check", "--help"], ["polars", "boto3", "botocore", "jinja2", "lark", "moto", "flask", "narwhals"], folder) == [[]]


def test_check_on_files_imports_what_it_needs(folder: Path) -> None:
    unneeded = ["boto3", "botocore", "jinja2", "rich", "moto", "flask", "duckdb", "pyspark", "pandas", "numpy"]
    markdown = [*CHECK, "bad.json", "-o", "markdown=r.md", "-q"]
    assert loaded_after([*CHECK, "bad.json"], unneeded, folder, then=markdown) == [[], ["jinja2"]]


def test_module_and_version(folder: Path) -> None:
    done = shell("policycheck --version", folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "policycheck 0.1.0\n", "")
