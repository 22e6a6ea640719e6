"""Which run file is read: the nearest one, no higher than the repository."""

from __future__ import annotations

import os
from pathlib import Path

from policycheck.errors import UsageError
from policycheck.policy.catalogue import RUN_FILE
from policycheck.text import clean_line

_MISNAMED = ("policycheck.yml", ".policycheck.yaml", ".policycheck.yml")
REPOSITORY = ".git"
_SHARED = 0o1002
"""Sticky and open to everybody: a folder like /tmp."""


def find_run_file(start: Path) -> Path | None:
    """The run file in this folder (absolute) or the nearest one above it.

    The search ends at the root of a repository, and before a folder that is shared with everybody, as /tmp is: what lies above is somebody else's.

    Raises:
        UsageError: there is a file whose name only looks like that of a run file.
    """
    for folder in (start, *start.parents):
        if folder != start and _is_shared(folder):
            return None
        if os.path.lexists(folder / RUN_FILE):
            return folder / RUN_FILE
        names = sorted(_names(folder))
        if spelled := next((name for name in names if name.lower() == RUN_FILE), None):
            return folder / spelled
        for name in names:
            if name.lower() in _MISNAMED:
                raise UsageError(
                    f"a run file is called {RUN_FILE}; {clean_line(name)} is not read",
                    place=shown(folder / name, start),
                    hint="Rename it, or name it with --config.",
                )
        if is_root(folder):
            return None
    return None


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _is_shared(folder: Path) -> bool:
    try:
        return folder.stat().st_mode & _SHARED == _SHARED
    except OSError:
        return True


def is_root(folder: Path) -> bool:
    """Whether a repository begins here."""
    return os.path.lexists(folder / REPOSITORY)


def shown(path: Path, start: Path) -> str:
    """The path relative to `start`."""
    return Path(os.path.relpath(path, start)).as_posix()
