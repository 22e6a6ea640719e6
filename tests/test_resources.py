from __future__ import annotations

from pathlib import Path

import pytest

from policycheck import resources
from policycheck.errors import PolicycheckError
from policycheck.resources import data_folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's package folder, empty."""
    folder = tmp_path / "policycheck"
    folder.mkdir()
    monkeypatch.setattr(resources, "_PACKAGE", folder)
    return folder


def test_a_wheel_has_them_inside_the_package(package: Path) -> None:
    (package / "_data" / "templates").mkdir(parents=True)
    assert data_folder("templates") == package / "_data" / "templates"


def test_a_checkout_has_them_at_its_top(package: Path) -> None:
    (package.parent / "pyproject.toml").touch()
    (package.parent / "policies").mkdir()
    assert data_folder("policies") == package.parent / "policies"


def test_a_folder_beside_an_installed_package_is_someone_elses(package: Path) -> None:
    (package.parent / "templates").mkdir()
    with pytest.raises(PolicycheckError, match="'templates'") as caught:
        data_folder("templates")
    assert caught.value.hint
    assert str(package) in caught.value.place


def test_this_installation_has_its_templates() -> None:
    assert (data_folder("templates") / "summary.md.j2").is_file()
