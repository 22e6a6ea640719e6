"""The archive of a bundle has one form; whatever else a ZIP can be is refused."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policycheck.errors import EvidenceError, UsageError
from policycheck.evidence.packing import open_bundle, pack

TIME = datetime(2026, 11, 20, 6, 0, 1, tzinfo=UTC)
FILES = [("a.json", b'{"x": 1}' * 20), ("lists/b.json", b"[]"), ("empty", b"")]


def packed(files: list[tuple[str, bytes]] | None = None) -> bytes:
    stream = io.BytesIO()
    pack(stream, FILES if files is None else files, TIME)
    return stream.getvalue()


def read(content: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "bundle.zip"
    path.write_bytes(content)
    found = open_bundle(path)
    return {name: found.read(name) for name in found.names}


def test_what_is_packed_reads_back_and_is_the_same_each_time(tmp_path: Path) -> None:
    assert packed() == packed()
    assert read(packed(), tmp_path) == dict(FILES)
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:  # and by any other program
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 11, 20, 6, 0, 0)}


def test_a_changed_bit_is_noticed_wherever_it_counts(tmp_path: Path) -> None:
    """Of a byte that ends packed data up to seven bits belong to nothing: they change no file."""
    content = packed()
    for place in range(0, len(content), 2):
        changed = bytearray(content)
        changed[place] ^= 1 << place // 2 % 8
        try:
            found = read(bytes(changed), tmp_path)
        except EvidenceError:
            continue
        assert found == dict(FILES)


def zipped(*entries: tuple[str, bytes], **changes: object) -> bytes:
    """An archive of the standard library's."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, (2026, 11, 20, 6, 0, 0))
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
            for key, value in changes.items():
                setattr(entry, key, value)
            archive.writestr(entry, content)
    return stream.getvalue()


def _renamed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return content.replace(old, new)


TRICKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"PK", "not a bundle"),
    "empty": (lambda: b"", "not a bundle"),
    "no files": (zipped, "without a file"),
    "cut": (lambda: packed()[:-30], "not a bundle"),
    "something before": (lambda: b"x" + packed(), "not a bundle"),
    "something after": (lambda: packed() + b"x", "not a bundle"),
    "traversal": (lambda: zipped(("../a.json", b"x")), "such names"),
    "deeper traversal": (lambda: zipped(("a/../../b.json", b"x")), "such names"),
    "absolute": (lambda: zipped(("/etc/passwd", b"x")), "such names"),
    "a drive": (lambda: zipped(("C:/x", b"x")), "such names"),
    "backslashes": (lambda: zipped(("a\\..\\b", b"x")), "such names"),
    "hidden": (lambda: zipped((".git/config", b"x")), "such names"),
    "a NUL": (lambda: _renamed(zipped(("a.json", b"x")), b"a.json", b"a\0json"), "such names"),
    "twice": (lambda: _renamed(zipped(("a.json", b"x"), ("b.json", b"y")), b"b.json", b"a.json"), "twice"),
    "twice but for case": (lambda: zipped(("a.json", b"x"), ("A.json", b"y")), "twice"),
    "a file as a folder": (lambda: zipped(("a", b"x"), ("a/b", b"y")), "below files"),
    "a link": (lambda: zipped(("a", b"/etc/passwd"), external_attr=0o120777 << 16), "links"),
    "a folder": (lambda: zipped(("a", b""), external_attr=0o040755 << 16), "links"),
    "a bomb": (lambda: zipped(("a", b"\0" * 40_000_000)), "unpack to 38 MiB"),
    "another packing": (lambda: zipped(("a", b"x" * 100), compress_type=zipfile.ZIP_BZIP2), "another way"),
    "other permissions": (lambda: zipped(("a", b"x"), external_attr=0o100755 << 16), "not packed as"),
    "a comment": (lambda: zipped(("a", b"x"), comment=b"hidden"), "not packed as"),
    "an extra field": (lambda: zipped(("a", b"x"), extra=struct.pack("<HH", 0x9999, 0)), "not packed as"),
    "a huge count": (lambda: packed()[:-14] + struct.pack("<2H", 65000, 65000) + packed()[-10:], "is not a bundle of policycheck: its directory names"),
}


@pytest.mark.parametrize("name", TRICKS)
def test_tricks_are_refused(name: str, tmp_path: Path) -> None:
    content, told = TRICKS[name]
    with pytest.raises(EvidenceError, match=told):
        read(content(), tmp_path)


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("a", b"x")))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + at] |= 1
    with pytest.raises(EvidenceError, match="encrypted"):
        read(bytes(content), tmp_path)


def test_what_stands_behind_packed_data_is_noticed(tmp_path: Path) -> None:
    content = zipped(("a", b"x" * 50))
    size = struct.unpack_from("<L", content, 18)[0]
    longer = bytearray(content[: 31 + size] + b"hidden" + content[31 + size :])
    struct.pack_into("<L", longer, 18, size + 6)
    directory = longer.index(b"PK\x01\x02")
    struct.pack_into("<L", longer, directory + 20, size + 6)
    struct.pack_into("<L", longer, len(longer) - 6, directory)
    with pytest.raises(EvidenceError, match="cannot be unpacked"):
        read(bytes(longer), tmp_path)


def test_a_folder_with_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(EvidenceError, match="not files: 'b'"):
        open_bundle(tmp_path)


def test_a_name_that_is_not_safe_is_never_written() -> None:
    with pytest.raises(ValueError, match="not the name"):
        packed([("../x", b"")])


def test_more_files_than_a_bundle_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policycheck.evidence.packing.MOST_FILES", 2)
    with pytest.raises(UsageError, match="at most 2 files"):
        packed()


def test_there_is_no_such_bundle(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the bundle does not exist"):
        open_bundle(tmp_path / "none.zip")
