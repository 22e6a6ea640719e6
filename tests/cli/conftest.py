"""A folder with one policy and one job list, and the command line run in it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from policycheck.cli.app import run

ROOT = Path(__file__).resolve().parents[2]
POLICY = """\
policy: p
rules:
  - id: none-failed
    rule: no FAILED jobs within 24h
    severity: high
  - id: none-expired
    rule: no EXPIRED jobs within 24h
"""
AS_OF = "2026-11-20T06:00:00Z"
HOSTILE = "##[error]x\n::error::y\n \t::set-output name=a::b\x1b[2J\x1b[32m::warning::z \u202e##[group]"


def job(number: int, state: str = "COMPLETED", **more: object) -> dict[str, Any]:
    return {
        "BackupJobId": f"j{number}",
        "AccountId": "111122223333",
        "BackupVaultName": "prod",
        "BackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:prod",
        "ResourceArn": f"arn:aws:ec2:eu-west-1:111122223333:instance/i-{number}",
        "ResourceType": "EC2",
        "State": state,
        "CreationDate": "2026-11-20T03:00:00Z",
        "CompletionDate": "2026-11-20T04:00:00Z",
        "StartBy": "2026-11-20T11:00:00Z",
        "PercentDone": "100.0",
        "IamRoleArn": "arn:aws:iam::111122223333:role/service-role/AWSBackupDefaultServiceRole",
        **more,
    }


def save(path: Path, *jobs: Mapping[str, Any]) -> str:
    path.write_text(json.dumps({"BackupJobs": jobs}), encoding="utf-8")
    return path.name


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Outcome]
QUIET_VARIABLES = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "POLICYCHECK_TRACEBACK", "TERM", "COLUMNS")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """policy.yaml, ok.json (nothing wrong) and bad.json (i-2 failed), in the working directory."""
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    save(tmp_path / "ok.json", job(1))
    save(tmp_path / "bad.json", job(1), job(2, "FAILED", StatusMessage="Access denied."))
    monkeypatch.chdir(tmp_path)
    for name in QUIET_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def cli(folder: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    """Runs one command line in this process."""

    def call(*arguments: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = run(arguments)
        captured = capsysbinary.readouterr()
        return Outcome(code, captured.out.decode(), captured.err.decode())

    return call


@pytest.fixture
def check(cli: Cli) -> Cli:
    """`policycheck check policy.yaml --jobs LIST --as-of ...` and more."""

    def call(jobs: str, *arguments: str, policy: str = "policy.yaml", stdin: bytes = b"") -> Outcome:
        return cli("check", policy, "--jobs", jobs, "--as-of", AS_OF, *arguments, stdin=stdin)

    return call


@contextmanager
def standard_output(descriptor: int) -> Iterator[None]:
    """Within, standard output leads elsewhere, as after `>` of a shell: what a command writes there can be seen without starting a process."""
    sys.stdout.flush()
    kept, before = os.dup(1), sys.stdout
    os.dup2(descriptor, 1)
    try:
        with open(1, "w", encoding="utf-8", closefd=False) as sys.stdout:
            yield
    finally:
        sys.stdout = before
        os.dup2(kept, 1)
        os.close(kept)


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in QUIET_VARIABLES}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def start(*arguments: str, folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    """`python -m policycheck` in a process of its own."""
    command = [sys.executable, "-m", "policycheck", *arguments]
    return subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run_python(code: str, folder: Path) -> str:
    """What a program prints that runs in a fresh interpreter."""
    arguments: Sequence[str] = [sys.executable, "-c", code]
    done = subprocess.run(arguments, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
