"""The programs that are compared: policycheck, the AWS CLI 1 from PyPI and, if there is one on the path, the AWS CLI 2. Real ones, on real command lines.

Each run has the environment that a test gives it and no more: no configuration, credentials, time zone or locale of the machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FORKING = Path(__file__).with_name("forking.py")
_BOTOCORE = "session client endpoint httpsession handlers parsers paginate".split()
_AWS_MAIN = "awscli.clidriver:main"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run left: its exit code, and what it wrote."""

    code: int
    stdout: str
    stderr: str


class Program(ABC):
    """A program that lists jobs: `run(["list-backup-jobs", ...])`."""

    name: str
    words: Sequence[str]
    """What stands before the name of the command."""

    @abstractmethod
    def run(self, arguments: Sequence[str], environment: Mapping[str, str], *, directory: Path, stdin: str = "") -> Done:
        """One run of it, to its end."""

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what it has started."""


class ForkedProgram(Program):
    """Runs of `sys.exit(main())` in forks of an interpreter that has imported it: several runs a second, and none sees another."""

    def __init__(self, name: str, words: Sequence[str], interpreter: str, main: str, preloaded: Sequence[str], home: Path) -> None:
        self.name = name
        self.words = words
        # HOME is read while awscli is imported: where ~/.aws/models is.
        environment = {"PATH": os.defpath, "PYTHONUTF8": "1", "HOME": str(home)}
        command = [interpreter, str(_FORKING), main, *preloaded]
        self._server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], *, directory: Path, stdin: str = "") -> Done:
        asked = {"arguments": [*self.words, *arguments], "environment": dict(environment), "directory": str(directory), "stdin": stdin}
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        line = self._server.stdout.readline()
        assert line, f"the server of {self.name} has ended"
        answer = json.loads(line)
        stdout, stderr = (answer[name].encode("latin-1").decode("utf-8") for name in ("stdout", "stderr"))
        return Done(answer["code"], stdout, stderr)

    def close(self) -> None:
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait(timeout=30)
        assert self._server.stdout
        self._server.stdout.close()


class PlainProgram(Program):
    """A process for each run."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.words = command

    def run(self, arguments: Sequence[str], environment: Mapping[str, str], *, directory: Path, stdin: str = "") -> Done:
        done = subprocess.run(
            [*self.words, *arguments], env=dict(environment), cwd=directory, input=stdin.encode(), capture_output=True, timeout=60, check=False
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def policycheck(home: Path) -> Program:
    """This checkout's own."""
    preloaded = ["policycheck.cli.app", "boto3", *(f"botocore.{name}" for name in _BOTOCORE)]
    return ForkedProgram("policycheck", ["policycheck"], sys.executable, "policycheck.__main__:main", preloaded, home)


def aws_1(home: Path) -> Program:
    """The AWS CLI 1 of this environment, a development dependency. It carries a botocore of its own, hence never in this process."""
    preloaded = ["awscli.handlers", *(f"botocore.{name}" for name in _BOTOCORE)]
    return ForkedProgram("aws 1", ["aws", "backup"], sys.executable, _AWS_MAIN, preloaded, home)


def plain_aws_1() -> Program:
    """The same, started anew for each run."""
    return PlainProgram("aws 1", [sys.executable, "-m", "awscli", "backup"])


def plain_policycheck() -> Program:
    """policycheck, started anew for each run."""
    return PlainProgram("policycheck", [sys.executable, "-m", "policycheck"])


def aws_2(home: Path) -> Program | None:
    """The AWS CLI 2 on the path; None without one. A distribution's is a Python program and is forked, Amazon's own is one file."""
    for folder in os.get_exec_path():
        found = shutil.which("aws", path=folder)
        if found and subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.startswith("aws-cli/2."):
            interpreter = _interpreter(Path(found))
            if interpreter is None:
                return PlainProgram("aws 2", [found, "backup"])
            preloaded = ["awscli.handlers", *(f"awscli.botocore.{name}" for name in _BOTOCORE)]
            return ForkedProgram("aws 2", ["aws", "backup"], interpreter, _AWS_MAIN, preloaded, home)
    return None


def _interpreter(program: Path) -> str | None:
    with program.open("rb") as stream:
        first = stream.readline(200)
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    return words[0] if len(words) == 1 and "python" in words[0] else None


def install_model(home: Path) -> None:
    """Give AWS CLIs with this HOME the API model that policycheck uses (`aws configure add-model` does the same): an older CLI would leave out members."""
    import gzip
    import importlib.util

    spec = importlib.util.find_spec("botocore")
    assert spec
    assert spec.origin
    source = Path(spec.origin).parent / "data" / "backup" / "2018-11-15"
    target = home / ".aws" / "models" / "backup" / "2018-11-15"
    target.mkdir(parents=True)
    for path in source.iterdir():
        if path.suffix == ".gz":
            (target / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        else:
            shutil.copy(path, target)
