"""Which files a path that a user named stands for: itself, every file below a folder, or the objects below a prefix of S3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from policycheck.errors import JobFileError
from policycheck.sources.objects import Objects, is_object_url
from policycheck.text import clean_line

STDIN = "-"
"""What stands for standard input."""


def walk(paths: Sequence[str], objects: Objects, errors: list[JobFileError]) -> Iterator[str]:
    """The files to read, each once, named as the user named them; what cannot be looked into is added to `errors`."""
    seen: set[object] = set()
    for path in paths:
        for name in _files_of(path, objects, errors):
            identity = _identity(name)
            if identity not in seen:
                seen.add(identity)
                yield name


def _files_of(path: str, objects: Objects, errors: list[JobFileError]) -> list[str]:
    if not is_object_url(path):
        return _files_below(path, errors) if _is_folder(path) else [path]
    try:
        return objects.find(path)
    except JobFileError as error:
        errors.append(error)
        return []


def _is_folder(path: str) -> bool:
    if path in ("", STDIN):  # pathlib takes "" for the working directory
        return False
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def is_regular(path: str) -> bool:
    """Whether to read this entry of a folder; what cannot even be looked at is left to fail when it is opened."""
    try:
        return Path(path).is_file()
    except OSError:
        return True


def _identity(name: str) -> object:
    if name == STDIN:
        return STDIN
    try:
        status = Path(name).stat()
    except (OSError, ValueError):
        return name
    return status.st_dev, status.st_ino


def _files_below(folder: str, errors: list[JobFileError]) -> list[str]:
    broken: list[JobFileError] = []

    def refuse(error: OSError) -> None:
        where = os.fspath(error.filename) if isinstance(error.filename, str) else folder
        broken.append(JobFileError(f"cannot be read: {cause(error)}", place=clean_line(where)))

    found: list[str] = []
    seen: set[object] = set()
    for directory, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        # A link may lead back up.
        here = _identity(directory)
        folders[:] = [] if here in seen else [name for name in folders if not name.startswith(".")]
        if here in seen:
            continue
        seen.add(here)
        # os.path.join, since pathlib would drop the "./" the user wrote.
        shown = [os.path.join(directory, name) for name in names if not name.startswith(".")]  # noqa: PTH118
        found += filter(is_regular, shown)
        broken += [
            JobFileError("is not a readable file, but a broken link, a pipe or a device", hint="remove it, or name the files", place=clean_line(name))
            for name in shown
            if not is_regular(name)
        ]
    if not found and not broken:
        broken.append(
            JobFileError("is a folder without a file", hint="hidden files do not count; name the folder that holds the job lists", place=clean_line(folder))
        )
    errors += broken
    return sorted(found)


def cause(error: Exception) -> str:
    """Why the system refused."""
    return (error.strerror or type(error).__name__).lower() if isinstance(error, OSError) else str(error)
