from __future__ import annotations

import pytest

from policycheck.formats.policy_uri import relative_path, relative_uri


@pytest.mark.parametrize(
    ("path", "root", "uri"),
    [
        ("policies/a.yaml", "", "policies/a.yaml"),
        ("./policies//a.yaml", "", "policies/a.yaml"),
        ("policies/../a.yaml", "", "a.yaml"),
        ("policies/ä b#1?.yaml", "", "policies/%C3%A4%20b%231%3F.yaml"),
        ("file:a.yaml", "", "file%3Aa.yaml"),
        ("100%.yaml", "", "100%25.yaml"),
        ("../other/a.yaml", "", "outside-the-repository/a.yaml"),
        ("..", "", "outside-the-repository/policy"),
        ("/home/someone/repo/policies/a.yaml", "/home/someone/repo", "policies/a.yaml"),
        ("/home/someone/repo-2/a.yaml", "/home/someone/repo", "outside-the-repository/a.yaml"),
        ("/home/someone/repo/../x/a.yaml", "/home/someone/repo", "outside-the-repository/a.yaml"),
        ("/tmp/x/a.yaml", "", "outside-the-repository/a.yaml"),
        ("/tmp/x/a.yaml", "relative/root", "outside-the-repository/a.yaml"),
        ("/", "/", "outside-the-repository/policy"),
        ("C:\\repo\\policies\\a.yaml", "C:\\repo", "policies/a.yaml"),
        ("C:\\other\\a.yaml", "C:\\repo", "outside-the-repository/a.yaml"),
        ("", "", "policy"),
        ("<stdin>", "", "%3Cstdin%3E"),
    ],
)
def test_a_path_becomes_a_safe_relative_uri(path: str, root: str, uri: str) -> None:
    assert relative_uri(path, root) == uri


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a b.yaml", "infra/backup/a b.yaml"),
        ("../a.yaml", "infra/a.yaml"),
        ("../../../a.yaml", "outside-the-repository/a.yaml"),
        ("/repo/infra/a.yaml", "infra/a.yaml"),
    ],
)
def test_a_relative_path_starts_where_the_run_does(path: str, shown: str) -> None:
    assert relative_path(path, "/repo", "infra/backup") == shown


def test_a_shipped_pack_is_told_by_its_place_in_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.formats.policy_uri._shipped", lambda: "/usr/lib/policycheck/_data/policies")
    assert relative_uri("/usr/lib/policycheck/_data/policies/soc2/backup.yaml", "/home/someone/repo") == "policies/soc2/backup.yaml"
