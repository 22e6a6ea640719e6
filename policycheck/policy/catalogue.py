"""Where policies are: files, folders, and the packs that ship with policycheck."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from policycheck.errors import UsageError
from policycheck.policy.conditions import nearest
from policycheck.resources import data_folder
from policycheck.text import clean_line

RUN_FILE = "policycheck.yaml"
"""The name of a run file; in a folder of policies it is none of them."""
_SUFFIX = re.compile(r"\.ya?ml", re.IGNORECASE)
"""The ends of names are compared without regard to case: editors and systems that know none write STRICT.YAML."""
_TEST = re.compile(r".+\.test\.ya?ml", re.IGNORECASE)
_MISNAMED = re.compile(r".+\.ya?ml(?:\.txt|[ .]+)", re.IGNORECASE)
"""What Windows makes of a policy, where it hides the ends of names."""
_RULES = re.compile(rb"""^(?:\{\s*)?["']?rules["']?[ \t]*:""", re.MULTILINE)
"""A key that policies have, and neither tests nor run files."""


def find_policies(arguments: Sequence[str], folder: Path | None = None) -> list[tuple[Path, str]]:
    """The policy files that POLICY arguments name, each once, with the name that diagnostics and reports use.

    An argument is a file, a folder (every .yaml and .yml in it, sorted, tests and run files left out) or the name of a shipped pack. A folder that has the
    name of a pack is named ./NAME or NAME/: the name alone means the same pack in every folder.
    Paths are relative to `folder`, or else to the working directory.

    Raises:
        UsageError: nothing of that name, or a folder without a policy, or with one that would be passed over.
    """
    found: dict[Path, str] = {}
    for argument in arguments:
        if not argument.strip():
            hint = "Name a file, a folder or a pack. To check every policy of the working directory, write a dot. Is a variable of the shell not set?"
            raise UsageError("the name of a policy is empty", hint=hint)
        path = Path(argument) if folder is None else Path(os.path.normpath(folder / argument))
        if path.is_dir() and not is_pack(argument):
            inside = files_below(path)
            _refuse_passed_over(inside)
            files = list(filter(is_policy, inside))
            if not files:
                raise UsageError(f"the folder {clean_line(argument)} holds no policy", hint="A policy is a .yaml file; NAME.test.yaml is a test.")
            for file in files:
                found.setdefault(file.resolve(), file.as_posix())
        elif path.exists() and not path.is_dir():
            found.setdefault(path.resolve(), path.as_posix())
        else:
            pack = find_pack(argument, wanted="policy file, folder or shipped pack", like=_near_policy(argument, path))
            found.setdefault(pack, f"policies/{pack.name}")
    return list(found.items())


def is_pack(argument: str) -> bool:
    """Whether an argument is the name of a shipped pack, whatever folder has that name."""
    return argument in shipped_packs()


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
    """Whether a file of a folder is taken for a policy, by its name; a link that leads nowhere is, so that whoever reads it says so."""
    other = is_test(file) or file.name.startswith(".") or is_run_file(file)
    return is_yaml(file) and not other and (file.is_file() or not file.exists())


def is_yaml(file: Path) -> bool:
    """Whether the name ends as that of YAML does, in any case."""
    return bool(_SUFFIX.fullmatch(file.suffix))


def is_test(file: Path) -> bool:
    """Whether the name is that of a test: NAME.test.yaml, in any case."""
    return bool(_TEST.fullmatch(file.name))


def is_run_file(file: Path) -> bool:
    """Whether the name is that of a run file, in any case."""
    return file.name.lower() == RUN_FILE


def files_below(folder: Path) -> list[Path]:
    """Every path in a folder that is no folder itself, sorted; links are followed, each folder once.

    Raises:
        UsageError: a folder in it cannot be looked into.
    """

    def refuse(error: OSError) -> None:
        where = os.fspath(error.filename) if isinstance(error.filename, str) else str(folder)
        raise UsageError(f"the folder {clean_line(where)} cannot be read: {(error.strerror or type(error).__name__).lower()}") from None

    found: list[Path] = []
    seen: set[Path] = set()
    for directory, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        here = Path(directory).resolve()
        if here in seen:  # a link may lead back up
            folders.clear()
            continue
        seen.add(here)
        # A folder is named by its own path rather than a link's, where both are met here.
        folders.sort(key=lambda name: (Path(directory, name).is_symlink(), name))
        found += (Path(directory) / name for name in names)
    return sorted(found)


def _refuse_passed_over(files: Sequence[Path]) -> None:
    """Refuse a policy whose name is not a policy's: what it forbids would pass, and nobody would hear of it."""
    for file in files:
        shown = clean_line(file.as_posix())
        if _MISNAMED.fullmatch(file.name) and not file.name.startswith("."):
            raise UsageError(f"{shown} is not read: its name does not end with .yaml", hint="Rename it, or move it out of the folder.")
        if (is_test(file) or is_run_file(file)) and file.is_file() and _holds_rules(file):
            what = "a test" if is_test(file) else "a run file"
            raise UsageError(f"{shown} has rules, and the name of {what}: it would not be read as a policy", hint="Give the policy another name.")


def _holds_rules(file: Path) -> bool:
    try:
        return bool(_RULES.search(file.read_bytes()))
    except OSError:
        return False
