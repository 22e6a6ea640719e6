"""The sentence parser: Lark's LALR tables, built from `sentence.lark` and the vocabulary, and kept beside them because building takes over a second.

python -m policycheck.policy.grammar        writes the tables again
"""

from __future__ import annotations

import hashlib
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.policy.vocabulary import measure_rules, operator_rules, terminals

if TYPE_CHECKING:
    from lark import Lark

_GRAMMAR = Path(__file__).with_name("sentence.lark")
_TABLES = Path(__file__).with_name("sentence.tables")


def grammar() -> str:
    """The whole grammar: measures, operators and words included."""
    return f"{_GRAMMAR.read_text(encoding='utf-8')}\n{measure_rules()}\n{operator_rules()}\n{terminals()}\n"


def _header() -> bytes:
    """What the kept tables were built from; any other grammar or release of Lark builds its own."""
    from lark import __version__

    return f"lark {__version__} sha256 {hashlib.sha256(grammar().encode()).hexdigest()}\n".encode()


def build() -> Lark:
    """The parser, built from the grammar."""
    from lark import Lark

    return Lark(grammar(), parser="lalr", propagate_positions=True, maybe_placeholders=True)


@cache
def parser() -> Lark:
    """The parser, from the kept tables where they fit."""
    from lark import Lark

    if _TABLES.exists():
        header, _, tables = _TABLES.read_bytes().partition(b"\n")
        if header + b"\n" == _header():
            return Lark.load(io.BytesIO(tables))
    return build()


def tables_fit() -> bool:
    """Whether the kept tables were built from this grammar by the installed Lark."""
    return _TABLES.exists() and _TABLES.read_bytes().startswith(_header())


def write_tables() -> None:
    """Build the parser and keep its tables."""
    tables = io.BytesIO()
    build().save(tables)
    _TABLES.write_bytes(_header() + tables.getvalue())


if __name__ == "__main__":
    write_tables()
