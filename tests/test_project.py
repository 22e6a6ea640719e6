"""The project around the package: what a clone, a wheel and a release must contain."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import policycheck

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)

# In pieces, so that this file does not name them either.
REGISTRIES = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("deb", "debian", "org"))]
NOT_OURS = {".git", ".hypothesis", ".venv", "build", "dist", "node_modules", "__pycache__"}


def pins() -> dict[str, str]:
    # Spark stands apart: half a gigabyte that few targets need.
    pinned = CONSTRAINTS + (ROOT / "action" / "requirements-spark.txt").read_text(encoding="utf-8")
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([\w.]+)", pinned, re.MULTILINE)}


def requirements() -> Iterator[Requirement]:
    project = PYPROJECT["project"]
    for text in [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]:
        yield Requirement(text)


def files() -> Iterator[Path]:
    """The files of the checkout; caches of tools and what was built are left out."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith("_cache")]
        yield from (Path(folder, name) for name in names)


@pytest.mark.parametrize(
    "name",
    [
        ".ci/run", ".editorconfig", ".github/workflows/ci.yml", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md",
        "constraints.txt", "docs", "policies", "policycheck", "policycheck/py.typed", "pyproject.toml", "templates", "tests",
    ],
)  # fmt: skip
def test_top_level_name_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_readme_shows_how_to_try_and_how_to_test() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme
    assert "make test" in readme


def test_every_make_target_is_documented_for_contributors() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {"demo", "test", "slow"} <= set(TARGETS)
    assert [target for target in TARGETS if target != "help" and f"| `make {target}` |" not in contributing] == []


def test_ci_tests_first_and_runs_every_check() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    assert re.findall(r"^make ([a-z-]+)$", script.read_text(encoding="utf-8"), re.MULTILINE) == [
        "test", "lint", "types", "layers", "docs-check", "site", "mutants", "conformance", "conformance-long", "assurance-year", "assurance-matrix",
        "conformance-spark", "slow",
    ]  # fmt: skip


def test_changelog_begins_with_the_version_of_the_package() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == policycheck.__version__


def test_no_file_names_a_package_registry() -> None:
    named = {
        str(path.relative_to(ROOT)): registry for path in files() for registry in REGISTRIES if registry.encode() in path.read_bytes()
    }  # fmt: skip
    assert named == {}


@pytest.mark.parametrize("address", ["://", "--index-url", "--extra-index-url", "--find-links", "--trusted-host", " @ ", "-e "])
def test_constraints_hold_no_address(address: str) -> None:
    assert address not in CONSTRAINTS


def test_constraints_pin_every_requirement_within_its_bounds() -> None:
    pinned = pins()
    outside = [str(requirement) for requirement in requirements() if pinned.get(canonicalize_name(requirement.name), "") not in requirement.specifier]
    assert outside == []


def test_every_constraint_has_a_hash() -> None:
    blocks = re.split(r"^(?=\S)", CONSTRAINTS, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==", CONSTRAINTS, re.MULTILINE))
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_actions_are_pinned_to_a_commit_and_name_its_version() -> None:
    files = [ROOT / "action.yml", *(path for folder in (".github", "examples") for path in (ROOT / folder).rglob("*.yml"))]
    used = [line for path in files for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line and "uses: ./" not in line]
    assert used
    assert [line for line in used if not re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def names_of(folder: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in files() if path.relative_to(ROOT).is_relative_to(folder)}


def build(target: str, source: Path, folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder], cwd=source, check=True, capture_output=True)
    (built,) = folder.iterdir()
    return built


@pytest.mark.slow
def test_wheel_carries_package_policies_templates_and_pipelines_and_nothing_else(tmp_path: Path) -> None:
    with zipfile.ZipFile(build("wheel", ROOT, tmp_path / "wheel")) as wheel:
        names = set(wheel.namelist())
        metadata = f"policycheck-{policycheck.__version__}.dist-info"
        assert wheel.read(f"{metadata}/entry_points.txt").decode() == "[console_scripts]\npolicycheck = policycheck.__main__:main\n"
    data = {f"policycheck/_data/{name}" for folder in ("policies", "templates", "examples/ci") for name in names_of(folder)}
    assert data
    assert {name for name in names if not name.startswith(metadata)} == data | names_of("policycheck")


@pytest.mark.slow
def test_sdist_is_complete_and_builds_the_same_wheel(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        # The first 3.11 releases know no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(tmp_path / "unpacked")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    kept = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {path.relative_to(ROOT).as_posix() for path in files()} - kept == set()
    ours, theirs = build("wheel", ROOT, tmp_path / "ours"), build("wheel", unpacked, tmp_path / "theirs")
    assert ours.read_bytes() == theirs.read_bytes()
