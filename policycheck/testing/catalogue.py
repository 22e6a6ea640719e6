"""Where tests are: beside the policies they are of."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from policycheck.errors import UsageError
from policycheck.policy.catalogue import files_below, find_policies, is_pack, is_policy, is_test
from policycheck.text import clean_line

_POLICY_KEY = re.compile(rb"""^(?:\{\s*)?["']?(?:policy|rules)["']?[ \t]*:""", re.MULTILINE)


def find_tests(arguments: Sequence[str]) -> list[tuple[Path, str]]:
    """The test files that arguments name, each once, with the name that diagnostics and reports use.

    An argument is a test file, a folder (every test in it), or a policy: a file or the name of a shipped pack. The tests of NAME.yaml are NAME.test.yaml and
    NAME.*.test.yaml beside it.

    Raises:
        UsageError: nothing of that name, or no test.
    """
    found: dict[Path, str] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir() and not is_pack(argument):
            files = [(file, file.as_posix()) for file in files_below(path) if is_test(file) and file.is_file()]
        elif is_test(path) and path.is_file():
            files = [(path, path.as_posix())]
        else:
            files = [pair for policy, name in find_policies([argument]) for pair in tests_of(policy, name)]
        if not files:
            raise UsageError(f"{clean_line(argument)} has no tests", hint="Put the tests of NAME.yaml into NAME.test.yaml in the same folder.")
        for file, name in files:
            found.setdefault(file.resolve(), name)
    return list(found.items())


def find_untested(arguments: Sequence[str], tested: Collection[Path]) -> list[str]:
    """The policies in the folders that arguments name and that no test is of, sorted.

    A folder may hold other YAML (waivers, workflows): only what begins a line with `policy:` or `rules:` counts.

    Args:
        tested: the policies that have a test.
    """
    known = {path.resolve() for path in tested}
    files = {file.resolve(): file for argument in arguments if not is_pack(argument) for file in _files(Path(argument)) if is_policy(file)}
    return sorted(file.as_posix() for path, file in files.items() if path not in known and _POLICY_KEY.search(file.read_bytes()))


def tests_of(policy: Path, name: str) -> list[tuple[Path, str]]:
    """The test files beside one policy."""
    folder = Path(name).parent
    own = re.compile(rf"{re.escape(policy.name.removesuffix(policy.suffix))}(?P<more>\..+)?\.test\.ya?ml", re.IGNORECASE)
    beside = [(found["more"] is not None, file) for file in _beside(policy) if (found := own.fullmatch(file.name)) and file.is_file()]
    return [(file, (folder / file.name).as_posix()) for _, file in sorted(beside)]


def _files(folder: Path) -> list[Path]:
    return files_below(folder) if folder.is_dir() else []


def _beside(policy: Path) -> list[Path]:
    try:
        return list(policy.parent.iterdir())
    except OSError:
        return []
