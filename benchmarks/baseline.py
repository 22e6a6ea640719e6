"""The baselines, run as a script in an interpreter of its own; nothing of policycheck is imported.

baseline.py import MODULES                 import the modules that this JSON file names
baseline.py decode MODULES SHAPE JOBS      the same, then decode the job list with msgspec
baseline.py try                            of the names on stdin, print those that can be imported
"""

import json
import sys
from typing import Any


def import_all(path: str) -> None:
    """Import every module a file names."""
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123  (pathlib is one of the modules whose import is measured)
        names = json.load(stream)
    for name in names:
        __import__(name)


def importable(names: list[str]) -> list[str]:
    """The names that can be imported."""
    found = []
    for name in names:
        try:
            __import__(name)
        except ImportError:
            continue
        found.append(name)
    return found


def decode(shape: dict[str, dict[str, str]], path: str) -> Any:
    """The answer in a file as structs: `shape` has, under the key of the list, the kind of each member by its dotted name."""
    import datetime

    import msgspec

    time = datetime.datetime | float | int
    kinds = {"time": time, "size": int, "integer": int, "boolean": bool}
    answer = []
    for key, members in shape.items():
        top: dict[str, object] = {}
        nested: dict[str, dict[str, object]] = {}
        for name, kind in members.items():
            head, _, tail = name.partition(".")
            (nested.setdefault(head, {}) if tail else top)[tail or head] = kinds.get(kind, str)
        top |= {head: _struct(head, below) for head, below in nested.items()}
        answer.append((key, list[_struct(key, top)]))  # type: ignore[misc]  # a type made at run time
    with open(path, "rb") as stream:  # noqa: PTH123  (as above)
        data = stream.read()
    return msgspec.json.decode(data, type=msgspec.defstruct("Answer", answer))


def _struct(name: str, members: dict[str, object]) -> type:
    import msgspec

    return msgspec.defstruct(name, [(member, kind | None, None) for member, kind in members.items()], gc=False)  # type: ignore[operator]  # as above


def main(task: str, *arguments: str) -> None:
    """Run one baseline."""
    if task == "try":
        json.dump(importable(json.load(sys.stdin)), sys.stdout)
        return
    modules, *rest = arguments
    import_all(modules)
    if task == "decode":
        shape, jobs = rest
        with open(shape, encoding="utf-8") as stream:  # noqa: PTH123  (as above)
            described = json.load(stream)
        decode(described, jobs)


if __name__ == "__main__":
    main(*sys.argv[1:])
