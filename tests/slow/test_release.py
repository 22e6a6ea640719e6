"""What a release publishes: built, checked, installed and tried by the script that the release workflow runs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

import policycheck
from tests.test_project import PYPROJECT, ROOT

VERSION = policycheck.__version__
SCRIPT = ROOT / ".ci" / "release"

pytestmark = pytest.mark.slow


def release(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False)


def test_wheel_sdist_and_bill_of_materials_are_built_and_work(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    done = release(str(folder))
    assert done.returncode == 0, done.stdout
    names = {f"policycheck-{VERSION}-py3-none-any.whl", f"policycheck-{VERSION}.tar.gz", f"policycheck-{VERSION}.cdx.json"}
    assert {path.name for path in folder.iterdir()} == names
    bill = json.loads((folder / f"policycheck-{VERSION}.cdx.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("policycheck", VERSION)
    listed = {canonicalize_name(component["name"]) for component in bill["components"]}
    runtime = {canonicalize_name(text.split(">")[0]) for text in PYPROJECT["project"]["dependencies"]}
    assert runtime <= listed
    assert not {"pip", "pytest", "moto"} & listed


@pytest.mark.parametrize(("tag", "said"), [("v0.0.0", "must agree"), (VERSION, "must agree"), (f"v{VERSION}", "unreleased")])
def test_a_tag_that_is_not_the_version_or_not_ready_is_refused(tmp_path: Path, tag: str, said: str) -> None:
    if said == "unreleased" and f"## {VERSION} (unreleased)" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        return  # this version is being released
    done = release(str(tmp_path / "dist"), tag)
    assert done.returncode == 1
    assert said in done.stdout
    assert not (tmp_path / "dist").exists()


def test_metadata_that_an_index_refuses_is_found(tmp_path: Path) -> None:
    wheel = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", "Metadata-Version: 2.4\nName: x\nVersion: one\nDescription-Content-Type: text/markdown\n\ntext\n")
    done = subprocess.run([sys.executable, ROOT / ".ci" / "metadata.py", wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "version" in done.stderr


def test_each_job_of_the_release_has_only_the_permissions_it_needs() -> None:
    workflow = YAML(typ="safe", pure=True).load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "build": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "publish": {"id-token": "write"},
        "release": {"contents": "write"},
    }
    assert workflow["jobs"]["publish"]["environment"] == "pypi"
