"""Programs from npm, installed once into build/npm, and a clean copy of the checkout."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_project import ROOT, files

Npm = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def npm() -> Npm:
    """`npm(package, program)`: the program's file, of a package written NAME@VERSION."""

    def install(package: str, program: str) -> Path:
        folder = ROOT / "build" / "npm" / package.replace("/", "+")
        path = folder / "node_modules" / ".bin" / program
        if not path.exists():
            found = shutil.which("npm")
            assert found, "npm is needed; .ci/run installs it"
            command = [found, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", package]
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            assert done.returncode == 0, done.stderr
        return path

    return install


@pytest.fixture
def clean_copy(tmp_path: Path) -> Path:
    """The files of the checkout in another folder, without what was built or installed."""
    folder = tmp_path / "checkout"
    for path in files():
        if path.name == ".git":
            # In a linked worktree it is a file, and would make the copy one more work tree of the same repository.
            continue
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder
