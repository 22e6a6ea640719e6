"""Texts that reach users, and the words that they do not use (tests/cases/words.yaml)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

TOP = Path(__file__).parents[1]
CASES = TOP / "tests" / "cases" / "words.yaml"
_FENCE = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)|(?<=\]\()[^)\s]+|<!--.*?-->")
_HELP = "docs/command-line.md"
_EXAMPLE_TEXTS = re.compile(r"^ *(?:- )?(?:title|why|fix|reason|description|name): (.*)$|(?:^| )#(.*)$", re.MULTILINE)
_PACK_TEXTS = re.compile(r"^ *(?:- )?(?:title|why|fix|reason|description): (.*)$|^ *#(.*)$", re.MULTILINE)


class Place(NamedTuple):
    """A text: a line of a page, or a literal of a module."""

    path: str
    line: int
    text: str


class Word(NamedTuple):
    word: str
    pattern: re.Pattern[str]
    instead: str
    exceptions: tuple[str, ...]
    left: dict[str, int]

    def found(self, text: str) -> int:
        for exception in self.exceptions:
            text = re.sub(exception, " ", text)
        return len(self.pattern.findall(text))


@cache
def words() -> tuple[Word, ...]:
    table: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(CASES.read_text(encoding="utf-8"))["words"]
    return tuple(
        Word(row["word"], re.compile(row["pattern"], re.IGNORECASE), row["instead"], tuple(row.get("except", ())), row.get("left", {})) for row in table
    )


def pages() -> Iterator[Place]:
    """The prose of every page, line by line; of the help, what a terminal shows."""
    for path in (*sorted((TOP / "docs").rglob("*.md")), TOP / "README.md", TOP / "CONTRIBUTING.md"):
        name = path.relative_to(TOP).as_posix()
        text = path.read_text(encoding="utf-8")
        if name != _HELP:
            text = _FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
        for number, line in enumerate(text.split("\n"), 1):
            yield Place(name, number, line if name == _HELP else _CODE.sub("_", line))


def packs() -> Iterator[Place]:
    """What shipped packs say to people: titles, reasons, fixes and comments."""
    for path in sorted((TOP / "policies").glob("*.yaml")):
        if path.name.endswith(".test.yaml"):
            continue
        text = path.read_text(encoding="utf-8")
        for found in _PACK_TEXTS.finditer(text):
            yield Place(path.relative_to(TOP).as_posix(), text.count("\n", 0, found.start()) + 1, found[1] or found[2])


def others() -> Iterator[Place]:
    """What `make help` says, what the action says of its inputs and outputs, and the texts of examples to copy: comments, titles and names of tests."""
    sources = [
        (TOP / "Makefile", re.compile(r"^[a-z-]+:.*## (.*)$", re.MULTILINE)),
        (TOP / "action.yml", re.compile(r"^ *(?:name|description): (.*)$", re.MULTILINE)),
        *((path, _EXAMPLE_TEXTS) for path in sorted((TOP / "examples").rglob("*.y*ml"))),
    ]
    for path, pattern in sources:
        text = path.read_text(encoding="utf-8")
        for found in pattern.finditer(text):
            yield Place(path.relative_to(TOP).as_posix(), text.count("\n", 0, found.start()) + 1, next(filter(None, found.groups()), ""))


def literals() -> Iterator[Place]:
    """The string literals of the package that are more than a word, without docstrings: messages, help, and what reports say."""
    for path in sorted((TOP / "policycheck").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip() and id(node) not in documentation:
                yield Place(path.relative_to(TOP).as_posix(), node.lineno, node.value)
