"""Where policies are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from policycheck.errors import UsageError
from policycheck.policy.catalogue import find_policies, shipped_packs
from policycheck.policy.load import load_policies


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.yaml", "a.yml", "a.test.yaml", "a.test.yml", ".hidden.yaml", "notes.txt", "deep/c.yaml", "deep/.git.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.yaml").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*arguments: str) -> list[str]:
    return [name for _, name in find_policies(arguments)]


def test_file_is_named_as_it_was_given(folder: Path) -> None:
    assert names("b.yaml") == ["b.yaml"]
    assert names("./deep/../b.yaml") == ["deep/../b.yaml"]
    assert names("notes.txt") == ["notes.txt"]
    assert find_policies(["b.yaml"])[0][0] == (folder / "b.yaml").resolve()


def test_folder_gives_its_policies_sorted_and_no_tests(folder: Path) -> None:
    assert names(".") == ["a.yml", "b.yaml", "deep/c.yaml"]


def test_each_file_is_judged_once(folder: Path) -> None:
    assert names("deep", "deep/c.yaml", ".", str(folder / "b.yaml")) == ["deep/c.yaml", "a.yml", "b.yaml"]


def test_folder_without_policies_is_an_error(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UsageError, match="the folder empty holds no policy"):
        names("empty")


def test_unknown_name_is_an_error_that_names_the_packs(folder: Path) -> None:
    with pytest.raises(UsageError, match="there is no policy file, folder or shipped pack nothing-like-it") as caught:
        names("nothing-like-it")
    assert all(pack in caught.value.hint for pack in shipped_packs())


def test_misspelt_pack_is_suggested(folder: Path) -> None:
    pack = next(iter(shipped_packs()))
    with pytest.raises(UsageError) as caught:
        names(f"{pack}s")
    assert caught.value.hint == f"Did you mean {pack}?"


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("deep/cc.yaml", "deep/c.yaml"),
        ("./deep/c.yml", "./deep/c.yaml"),
        ("folder.yml", "folder.yaml"),
        ("deeep/", "deep"),
        ("a.test.yalm", ""),
        ("notes.text", ""),
        ("nowhere/c.yaml", ""),
    ],
)
def test_misspelt_path_is_suggested_as_it_was_given(argument: str, meant: str, folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        names(argument)
    assert caught.value.hint.startswith(f"Did you mean {meant}?" if meant else "The shipped packs are ")


def test_suggested_path_is_relative_to_the_folder_of_the_run_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    with pytest.raises(UsageError) as caught:
        find_policies(["deep/d.yaml"], folder)
    assert caught.value.hint == "Did you mean deep/c.yaml?"


def test_names_are_cleaned_for_the_terminal(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        names("\x1b[31mred")
    assert "\x1b" not in caught.value.message


def test_pack_goes_by_its_name(folder: Path) -> None:
    packs = shipped_packs()
    assert packs
    for name, path in packs.items():
        assert find_policies([name]) == [(path, f"policies/{path.name}")]


def test_file_of_a_packs_name_comes_first(folder: Path) -> None:
    pack = next(iter(shipped_packs()))
    (folder / pack).touch()
    assert names(pack) == [pack]


@pytest.mark.parametrize("pack", sorted(shipped_packs()))
def test_shipped_pack_loads(pack: str) -> None:
    (policy,) = load_policies(find_policies([pack]), {})
    assert policy.rules


def test_the_case_of_a_suffix_does_not_matter(folder: Path) -> None:
    for name in ("STRICT.YAML", "Loose.Yml", "deep/d.YML", "STRICT.TEST.YAML", "x.Test.yml", "deep/POLICYCHECK.YAML"):
        (folder / name).touch()
    assert names(".") == ["Loose.Yml", "STRICT.YAML", "a.yml", "b.yaml", "deep/c.yaml", "deep/d.YML"]


def test_no_policy_of_a_folder_is_passed_over(folder: Path) -> None:
    for name, text, message in (
        ("strict.yaml.txt", "", "deep/strict.yaml.txt is not read"),
        ("strict.YML ", "", "is not read"),
        ("policycheck.yaml", "policy: x\nrules: []\n", "deep/policycheck.yaml has rules, and the name of a run file"),
        ("strict.test.yaml", "policy: x\nrules: []\n", "deep/strict.test.yaml has rules, and the name of a test"),
    ):
        (folder / "deep" / name).write_text(text)
        with pytest.raises(UsageError, match=message):
            names(".")
        (folder / "deep" / name).unlink()
    (folder / "deep/gone.yaml").symlink_to("nowhere")
    (folder / "other").symlink_to("deep")
    (folder / "deep/up").symlink_to("..")
    assert "deep/gone.yaml" in names(".")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/linked").symlink_to("../deep")
    assert names("elsewhere") == ["elsewhere/linked/c.yaml", "elsewhere/linked/gone.yaml", "elsewhere/linked/up/a.yml", "elsewhere/linked/up/b.yaml"]
