"""Where policies are: files, folders, and the packs that ship with policycheck."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from policycheck.errors import UsageError
from policycheck.policy.conditions import nearest
from policycheck.resources import data_folder
from policycheck.text import clean_line

RUN_FILE = "policycheck.yaml"
"""The name of a run file; in a folder of policies it is none of them."""
_SUFFIXES = frozenset({".yaml", ".yml"})


def find_policies(arguments: Sequence[str], folder: Path | None = None) -> list[tuple[Path, str]]:
    """The policy files that POLICY arguments name, each once, with the name that diagnostics and reports use.

    An argument is a file, a folder (every .yaml and .yml in it, sorted, tests and run files left out) or the name of a shipped pack.
    Paths are relative to `folder`, or else to the working directory.

    Raises:
        UsageError: nothing of that name, or a folder without a policy.
    """
    found: dict[Path, str] = {}
    for argument in arguments:
        path = Path(argument) if folder is None else Path(os.path.normpath(folder / argument))
        if path.is_dir():
            files = [file for file in sorted(path.rglob("*")) if is_policy(file)]
            if not files:
                raise UsageError(f"the folder {clean_line(argument)} holds no policy", hint="A policy is a .yaml file; NAME.test.yaml is a test.")
            for file in files:
                found.setdefault(file.resolve(), file.as_posix())
        elif path.exists():
            found.setdefault(path.resolve(), path.as_posix())
        else:
            pack = find_pack(argument, wanted="policy file, folder or shipped pack", like=_near_policy(argument, path))
            found.setdefault(pack, f"policies/{pack.name}")
    return list(found.items())


def shipped_packs() -> dict[str, Path]:
    """The packs that ship with policycheck, by name."""
    return {file.stem: file for file in sorted(data_folder("policies").glob("*.yaml")) if is_policy(file)}


def find_pack(name: str, wanted: str = "shipped pack", like: str = "") -> Path:
    """The shipped pack of that name; raises UsageError, saying what was `wanted`, and the pack that may be meant, or what is `like` it."""
    packs = shipped_packs()
    if name in packs:
        return packs[name]
    near = nearest(name, [*packs, like] if like else packs)
    hint = f"Did you mean {near}?" if near else f"The shipped packs are {', '.join(packs)}."
    raise UsageError(f"there is no {wanted} {clean_line(name)}", hint=hint)


def _near_policy(argument: str, path: Path) -> str:
    """What the argument may be a misspelling of, written as it is: a policy or a folder that stands where it points; empty if nothing does."""
    try:
        there = [other.name for other in path.parent.iterdir() if is_policy(other) or (other.is_dir() and not other.name.startswith("."))]
    except (OSError, ValueError):
        return ""
    near = nearest(path.name, there)
    return clean_line(argument.rstrip("/").removesuffix(path.name) + near) if near else ""


def is_policy(file: Path) -> bool:
    """Whether a file of a folder is taken for a policy, by its name."""
    other = file.name.endswith((".test.yaml", ".test.yml")) or file.name.startswith(".") or file.name == RUN_FILE
    return file.suffix in _SUFFIXES and not other and file.is_file()
