"""The archive of a bundle: one form alone, so that the same contents are the same bytes and nothing can hide in it. What is not of that form is refused.

ZIP as in PKWARE's APPNOTE 6.3.3, by the standard library's zipfile: entries one after the other from the first byte on, deflated or stored, of one time and
one permission, without extra fields, comments, data descriptors, encryption or ZIP64. A reader that takes no more can be tricked by none of these.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from policycheck.errors import EvidenceError, UsageError
from policycheck.sources.contents import FREE_BYTES, MAX_BYTES, MAX_RATIO
from policycheck.text import clean_line, truncate

MOST_FILES = 60_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_LONGEST_NAME = 240
_MODE = 0o100644 << 16
_VERSION = 20
_UNIX = 3
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s2B2B4H3L5H2L"), struct.Struct("<4s4H2LH")
_SHOWN = 10


class Contents(Protocol):
    """The files of a bundle."""

    @property
    def names(self) -> Sequence[str]:
        """Relative, with `/`; sorted."""
        ...

    def read(self, name: str) -> bytes:
        """The bytes of one of them. Raises EvidenceError where it cannot be read."""
        ...


def pack(stream: IO[bytes], files: Iterable[tuple[str, bytes | Iterable[bytes]]], time: datetime) -> None:
    """Write an archive of these files, whole or in pieces, in their order, as if each had been changed at `time`.

    Raises:
        UsageError: there is more than an archive can hold.
    """
    try:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=False, compresslevel=6) as archive:
            for number, (name, content) in enumerate(files):
                if not is_safe(name):
                    raise ValueError(f"not the name of a file of a bundle: {name}")
                if number >= MOST_FILES:
                    raise UsageError(f"a bundle holds at most {MOST_FILES:,} files", hint="Fetch fewer accounts and Regions into one bundle.")
                entry = zipfile.ZipInfo(name, _dos_time(time))
                entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _MODE
                if isinstance(content, bytes):
                    archive.writestr(entry, content)
                else:
                    _write(archive, entry, content)
    except zipfile.LargeZipFile as error:
        raise UsageError(f"the bundle is too large: {clean_line(str(error))}", hint="Check fewer lists, accounts or Regions into one bundle.") from None


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, pieces: Iterable[bytes]) -> None:
    size = 0
    with archive.open(entry, "w") as file:
        for piece in _of_one_size(pieces):
            size += len(piece)
            if size * _ZIP_MARGIN > zipfile.ZIP64_LIMIT:
                raise zipfile.LargeZipFile("Filesize would require ZIP64 extensions")
            file.write(piece)


_ZIP_MARGIN = 1.05
"""By so much zipfile itself thinks that packing may make a file larger."""


def _of_one_size(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, so that what they are packed to does not hang on how they were made."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        while len(kept) >= _PIECE:
            yield bytes(kept[:_PIECE])
            del kept[:_PIECE]
    if kept:
        yield bytes(kept)


_PIECE = 2**20


def is_safe(name: str) -> bool:
    """Whether a name can be that of a file in a bundle: it leads to no other place on any system."""
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def _dos_time(time: datetime) -> tuple[int, int, int, int, int, int]:
    # The format has years from 1980 to 2107 and every other second.
    utc = min(max(time.astimezone(UTC), datetime(1980, 1, 1, tzinfo=UTC)), datetime(2107, 12, 31, tzinfo=UTC))
    return utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second // 2 * 2


def open_bundle(path: Path) -> Contents:
    """The files of a bundle, packed or in a folder.

    Raises:
        EvidenceError: it is no bundle, damaged, or of another form than the one that policycheck writes.
        UsageError: there is nothing of that name.
    """
    shown = clean_line(str(path))
    try:
        if path.is_dir():
            return Folder(path)
        with path.open("rb") as stream:
            return Archive(path, _check(stream, path.stat().st_size))
    except FileNotFoundError:
        raise UsageError("the bundle does not exist", place=shown) from None
    except OSError as error:
        raise EvidenceError(f"the bundle cannot be read: {error.strerror or type(error).__name__}", place=shown) from None
    except EvidenceError as error:
        error.place = error.place or shown
        raise


class Folder:
    """An unpacked bundle."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = list(path.rglob("*"))
        if len(found) > 2 * MOST_FILES:
            raise EvidenceError(f"the folder holds more than {MOST_FILES:,} files")
        files = [file for file in found if file.is_symlink() or not file.is_dir()]
        others = [file for file in files if file.is_symlink() or not file.is_file()]
        if others:
            raise EvidenceError(f"the folder contains entries that are not files: {_told(str(file.relative_to(path)) for file in others)}")
        self.names: Sequence[str] = sorted(file.relative_to(path).as_posix() for file in files)
        _require_names(self.names, hint="Move them out of the folder.")

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        try:
            return self._path.joinpath(*name.split("/")).read_bytes()
        except OSError as error:
            raise EvidenceError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from None


class Archive:
    """A bundle as it was packed."""

    def __init__(self, path: Path, entries: Mapping[str, zipfile.ZipInfo]) -> None:
        self._path, self._entries = path, entries
        self.names: Sequence[str] = sorted(entries)

    @property
    def time(self) -> tuple[int, ...]:
        """That of its entries."""
        return next(iter(self._entries.values())).date_time

    def read(self, name: str) -> bytes:
        """The bytes of a file. Nothing may follow them in the entry."""
        entry = self._entries[name]
        try:
            with self._path.open("rb") as stream:
                stream.seek(entry.header_offset + _LOCAL.size + len(name))
                packed = stream.read(entry.compress_size)
            if entry.compress_type == zipfile.ZIP_STORED:
                content, whole = packed, True
            else:
                unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
                content = unpacking.decompress(packed, entry.file_size + 1)
                whole = unpacking.eof and not unpacking.unused_data and not unpacking.unconsumed_tail
        except (zlib.error, OSError) as error:
            raise EvidenceError(f"{name} cannot be unpacked: {clean_line(str(error))}") from None
        if not whole or len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise EvidenceError(f"{name} cannot be unpacked: it was changed")
        return content


def _check(stream: BinaryIO, size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries of an archive, by name."""
    _require_end(stream, size)
    try:
        with zipfile.ZipFile(stream) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise EvidenceError(f"is not a complete archive: {clean_line(str(error))}") from None
    _require_names([entry.orig_filename for entry in entries])
    if bad := [entry.filename for entry in entries if entry.flag_bits & 0x1]:
        raise EvidenceError(f"the archive has encrypted entries: {_told(bad)}")
    if bad := [entry.filename for entry in entries if entry.external_attr >> 16 & 0o170000 != 0o100000]:
        raise EvidenceError(f"the archive has entries that are not files, such as links: {_told(bad)}")
    if bad := [entry.filename for entry in entries if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}]:
        raise EvidenceError(f"the archive has entries packed in another way: {_told(bad)}")
    whole = sum(entry.file_size for entry in entries)
    if whole > MAX_BYTES or (whole > FREE_BYTES and whole > MAX_RATIO * size):
        raise EvidenceError(f"the archive would unpack to {whole // 1024**2:,} MiB, too much for its size")
    _require_form(stream, entries, size)
    return {entry.filename: entry for entry in entries}


def _require_end(stream: BinaryIO, size: int) -> None:
    """Refuse an archive by its last bytes, before its directory is read."""
    stream.seek(max(size - _END.size, 0))
    tail = stream.read(_END.size)
    if len(tail) < _END.size or not tail.startswith(b"PK\x05\x06"):
        raise EvidenceError("is not a bundle: it does not end like an archive that policycheck wrote", hint="Copy or download the file again.")
    *_, count, length, start, _ = _END.unpack(tail)
    if count > MOST_FILES or length + start + _END.size != size:
        raise EvidenceError(f"is not a bundle of policycheck: its directory names {count:,} files and does not fill the archive")


def _require_names(names: Sequence[str], hint: str = "Do not unpack it.") -> None:
    if bad := [name for name in names if not is_safe(name)]:
        raise EvidenceError(f"a bundle has no files with such names: {_told(bad)}", hint=hint)
    # On some systems two names that differ in case are one file.
    counts = Counter(name.lower() for name in names)
    if twice := [name for name in names if counts[name.lower()] > 1]:
        raise EvidenceError(f"the bundle has files twice: {_told(twice)}")
    folders = {name[:at].lower() for name in names for at, sign in enumerate(name) if sign == "/"}
    if under := [name for name in names if name.lower() in folders]:
        raise EvidenceError(f"the bundle has files below files: {_told(under)}")


def _require_form(stream: BinaryIO, entries: Sequence[zipfile.ZipInfo], size: int) -> None:
    """Refuse whatever the archive holds beside its files: what `pack` writes of these entries is every byte that there is but for their contents."""
    if not entries:
        raise EvidenceError("is an archive without a file")
    times = {entry.date_time for entry in entries}
    at, directory = 0, b""
    for entry in entries:
        year, month, day, hour, minute, second = entry.date_time
        date, time = (year - 1980) << 9 | month << 5 | day, hour << 11 | minute << 5 | second // 2
        name = entry.filename.encode("ascii")
        common = (0, entry.compress_type, time, date, entry.CRC, entry.compress_size, entry.file_size)
        header = _LOCAL.pack(b"PK\x03\x04", _VERSION, *common, len(name), 0) + name
        stream.seek(at)
        if entry.header_offset != at or stream.read(len(header)) != header:
            raise _other_form(entry.filename)
        directory += _CENTRAL.pack(b"PK\x01\x02", _VERSION, _UNIX, _VERSION, 0, *common, len(name), 0, 0, 0, 0, _MODE, at) + name
        at += len(header) + entry.compress_size
    end = _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), at, 0)
    stream.seek(at)
    if len(times) > 1 or at + len(directory) + len(end) != size or stream.read() != directory + end:
        raise _other_form("its directory")


def _other_form(where: str) -> EvidenceError:
    hint = "Another program packed it, or it was changed. Unpack it yourself, and verify the folder."
    return EvidenceError(f"is not packed as policycheck packs a bundle: {where}", hint=hint)


def _told(names: Iterable[str]) -> str:
    found = [truncate(clean_line(name), 80) for name in names]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(repr(name) for name in found[:_SHOWN]) + more
