"""Where a policy file is, as a relative path or URI that code scanning accepts."""

from __future__ import annotations

import os
import posixpath
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

from policycheck.errors import PolicycheckError
from policycheck.formats.cleaning import line
from policycheck.resources import data_folder

OUTSIDE = "outside-the-repository"


def relative_uri(path: str, root: str = "", folder: str = "") -> str:
    """`relative_path`, percent-encoded: a URI without a scheme."""
    return quote(relative_path(path, root, folder))


def relative_path(path: str, root: str = "", folder: str = "") -> str:
    """The path relative to the repository, normalised, with forward slashes; never absolute, never with `..`.

    A relative path starts in `folder`, itself relative to the repository's top. A path under `root`, that top, is relative to it; one of a shipped pack starts
    with `policies/`. Of any other path outside, only the file's name is told, in a folder that no repository has: a made-up place must not look like a real
    one, nor a person's home folder be published.
    """
    posix = _posix(line(path, "policy"))
    if not _is_absolute(posix):
        inside = posixpath.normpath(posixpath.join(_posix(folder), posix))
        return inside if _is_inside(inside) else f"{OUTSIDE}/{_name(posix)}"
    for top, prefix in ((root, ""), (_shipped(), "policies/")):
        tail = _below(posix, _posix(top))
        if tail:
            return prefix + tail
    return f"{OUTSIDE}/{_name(posix)}"


def _posix(path: str) -> str:
    # A backslash is part of a name on POSIX, unless a drive letter or a UNC prefix says that the path comes from Windows.
    windows = PureWindowsPath(path)
    return windows.as_posix() if windows.drive else path.replace(os.sep, "/")


def _is_absolute(path: str) -> bool:
    return PurePosixPath(path).is_absolute() or bool(PureWindowsPath(path).drive)


def _is_inside(path: str) -> bool:
    return path not in {".", ".."} and not path.startswith("../")


def _below(path: str, folder: str) -> str:
    if not folder or not _is_absolute(folder):
        return ""
    tail = posixpath.relpath(posixpath.normpath(path), posixpath.normpath(folder))
    return tail if _is_inside(tail) else ""


def _name(path: str) -> str:
    name = posixpath.basename(posixpath.normpath(path))
    return name if name not in {"", ".", "..", "/"} else "policy"


def _shipped() -> str:
    try:
        return str(data_folder("policies"))
    except PolicycheckError:
        return ""
