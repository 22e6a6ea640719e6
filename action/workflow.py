"""How a step of the action reads its inputs and tells the runner something.

The runner's side: "Workflow commands for GitHub Actions" in GitHub's documentation.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

MAX_ANNOTATION = 4000


class InputError(Exception):
    """An input that no command line can be made of."""


def read_input(name: str) -> str:
    """The value of an input."""
    return os.environ.get(f"INPUT_{name.upper().replace('-', '_')}", "").strip()


def read_lines(name: str) -> list[str]:
    """The values of an input, one a line."""
    # At line feeds alone: other separators may be part of a name.
    return [value for line in read_input(name).split("\n") if (value := line.strip())]


def temporary_folder() -> str:
    """The folder of the job that the runner empties."""
    # A runner sets RUNNER_TEMP; what runs workflows elsewhere may not.
    return os.environ.get("RUNNER_TEMP") or tempfile.gettempdir()


def append(variable: str, text: str) -> None:
    """Add to a file of the runner's; nothing where it names none."""
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8", newline="\n") as stream:  # noqa: PTH123 - Path.open reads no better
            stream.write(text)


def write_outputs(outputs: dict[str, Path | str | int]) -> None:
    """Set outputs of the step. Raises InputError where one cannot be printed."""
    lines = [f"{name}={value}" for name, value in outputs.items()]
    # A line break would start an output of somebody else's choice.
    if not all(line.isprintable() for line in lines):
        raise InputError("the folder of reports has a name that cannot be printed")
    append("GITHUB_OUTPUT", "".join(f"{line}\n" for line in lines))


def annotate(level: str, message: str) -> None:
    """An error, a warning or a notice in the log and on the page of the run."""
    escaped = message[:MAX_ANNOTATION].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print_line(f"::{level} title=policycheck::{escaped}")


def print_line(line: str) -> None:
    """A line of the log, whatever the encoding of the runner."""
    sys.stdout.buffer.write(f"{line}\n".encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
