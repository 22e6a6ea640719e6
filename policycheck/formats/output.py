"""Writing a report: the whole file or none of it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from policycheck.errors import UsageError
from policycheck.text import clean_line


def write_atomically(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Put `content`, whole or in pieces, at `path`: a reader sees the old file or the new one, never a part, whatever happens in between.

    Missing folders are created. A symbolic link keeps pointing where it does and its target is replaced; an existing file keeps its permissions. What is
    no regular file (`/dev/stdout`, a pipe) is written to as it is.

    Raises:
        UsageError: the file cannot be written; nothing is left behind.
    """
    pieces = [content] if isinstance(content, bytes) else _made(content)
    try:
        # Asked of the name as it is: what /dev/stdout leads to has no path where it is a pipe.
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                stream.writelines(pieces)
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, pieces)
    except _NotMadeError as failure:
        # What goes wrong while a document is made is no fault of the file.
        raise failure.error from None
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL in the path; RuntimeError: a loop of links
        place = clean_line(str(path))
        cause = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(f"cannot write {place}: {cause}", hint="name a file in a folder that you can write to", place=place) from error


class _NotMadeError(Exception):
    """A piece could not be made."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _made(pieces: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except Exception as error:
        raise _NotMadeError(error) from error


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    # Created by os.open rather than tempfile, so that the new file gets the permissions any new file gets here, not 0600.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        if target.is_file():
            temporary.chmod(target.stat().st_mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def _flush_folder(folder: Path) -> None:
    # A rename is on disk only once its folder is. Windows cannot open one.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
