"""What two outputs must have in common: JSON and YAML the same documents, text and table the same cells in the same places."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

_BORDER = re.compile(r"[+|-]*")


def read_json(text: str) -> Any:
    """What a document says, with whole and decimal numbers told apart; None of no document (a `--query` of which nothing is left)."""
    return _exact(json.loads(text)) if text.strip() else None


def read_yaml(text: str) -> Any:
    """The same of one YAML document."""
    (document,) = read_yaml_stream(text) if text.strip() else [None]
    return document


def read_yaml_stream(text: str) -> list[Any]:
    """What `--output yaml-stream` printed: one list of all pages."""
    from ruamel.yaml import YAML

    return [_exact(document) for document in YAML(typ="safe", pure=True).load_all(text)]


def read_text(text: str) -> list[list[str]]:
    """The cells of `--output text`, line by line."""
    return [line.split("\t") for line in text.splitlines()]


def read_table(text: str) -> list[list[str]]:
    """The cells of `--output table`, line by line; how wide a column is and how its borders are drawn is left out."""
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if not _BORDER.fullmatch(line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


READERS = {"json": read_json, "text": read_text, "table": read_table, "yaml": read_yaml, "yaml-stream": read_yaml_stream}
"""By the value of `--output`."""


def without_token(document: Any, keys: Sequence[str] = ("NextToken",)) -> Any:
    """The same without the token, for programs that may have asked for pages of another size."""
    return {name: value for name, value in document.items() if name not in keys} if isinstance(document, dict) else document


def _exact(value: Any) -> Any:
    match value:
        case dict():
            return {name: _exact(inner) for name, inner in value.items()}
        case list():
            return [_exact(inner) for inner in value]
        case bool() | None | str():
            return value
        case int() | float():
            return f"{type(value).__name__} {value!r}"
        case date():
            return f"time {value.isoformat()}"
        case _:
            raise TypeError(f"no JSON or YAML value: {value!r}")
