"""Programs from npm, installed once into build/npm, and a clean copy of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_project import ROOT, files

Npm = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def npm() -> Npm:
    """`npm(package, program)`: the program's file, of a package written NAME@VERSION."""

    def install(package: str, program: str) -> Path:
        return install_package(package) / "node_modules" / ".bin" / program

    return install


def install_package(package: str) -> Path:
    """The folder in which a package from npm, written NAME@VERSION, is installed; whole or not at all, since several workers may do it at once."""
    folder = ROOT / "build" / "npm" / package.replace("/", "+")
    if not folder.is_dir():
        found = shutil.which("npm")
        assert found, "npm is needed; .ci/run installs it"
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
        command = [found, "install", "--prefix", str(made), "--no-audit", "--no-fund", "--ignore-scripts", package]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        try:
            made.rename(folder)
        except OSError:
            shutil.rmtree(made)
            assert folder.is_dir()
    return folder


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
