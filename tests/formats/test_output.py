from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from policycheck.errors import PolicycheckError
from policycheck.formats.output import write_atomically


def test_a_file_and_its_folders_are_created(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "report.xml"
    write_atomically(path, b"x\r\n")
    assert path.read_bytes() == b"x\r\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.xml"]


def test_a_new_file_has_the_permissions_new_files_have(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    write_atomically(tmp_path / "report", b"x")
    assert (tmp_path / "report").stat().st_mode == other.stat().st_mode


def test_an_existing_file_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old and longer")
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_keeps_its_place(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name here")
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(pipe, b"x")
        assert os.read(reader, 10) == b"x"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")

    def refuse(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PolicycheckError, match="No space left on device") as caught:
        write_atomically(path, b"new")
    assert caught.value.place == str(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]
    assert path.read_bytes() == b"old"


def test_pieces_are_written_one_after_the_other(tmp_path: Path) -> None:
    write_atomically(tmp_path / "report", (piece for piece in (b"a\n", b"", b"b\n")))
    assert (tmp_path / "report").read_bytes() == b"a\nb\n"


def test_a_document_that_cannot_be_made_is_no_fault_of_its_file_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ValueError("a bug")

    with pytest.raises(ValueError, match=r"^a bug$"):
        write_atomically(path, pieces())
    assert [entry.name for entry in tmp_path.iterdir()] == ["report"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["folder", "file/below", "nul\0byte", "n" * 300])
def test_a_place_that_takes_no_file_is_a_clear_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(PolicycheckError, match=r"^cannot write ") as caught:
        write_atomically(tmp_path / name, b"x")
    assert caught.value.hint
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_loop_of_links_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(PolicycheckError, match=r"^cannot write "):
        write_atomically(tmp_path / "a", b"x")
