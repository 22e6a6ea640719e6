"""A folder with one policy and the tests a test writes for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from policycheck.testing.document import PolicyTest, load_tests
from policycheck.testing.runner import Outcome, run_tests
from tests.backends import BACKEND

POLICY = """\
policy: p
params: {vault: prod, window: 24h}
rules:
  - id: failed
    rule: no FAILED or EXPIRED EC2 jobs in vault ${vault} within ${window}
  - id: role
    rule: IAM role must contain AWSBackup
waivers:
  - {rule: role, match: {ResourceArn: {ends_with: /i-9}}, reason: old, owner: ops, granted: 2026-11-01, expires: 2026-12-01}
"""

Load = Callable[[str], tuple[PolicyTest, ...]]
Run = Callable[[str], tuple[Outcome, ...]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Load:
    def call(text: str) -> tuple[PolicyTest, ...]:
        (folder / "p.test.yaml").write_text(f"as_of: 2026-11-20T06:00:00Z\n{text}", encoding="utf-8")
        return load_tests([(folder / "p.test.yaml", "p.test.yaml")])

    return call


@pytest.fixture
def run(load: Load) -> Run:
    return lambda text: run_tests(load(text), BACKEND)
