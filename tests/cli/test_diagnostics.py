"""What is said on stderr, whatever text it quotes."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

import policycheck
from policycheck.cli.diagnostics import draw_caret, show_error, show_note, show_traceback, show_warning
from policycheck.errors import Diagnostic, EvidenceError, Location, PolicyError, UsageError
from tests.formats.runner_commands import commands
from tests.hostile import CORPUS
from tests.tables import each

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def show_bug(text: str) -> None:
    try:
        raise RuntimeError(text) from ValueError(text)
    except RuntimeError as error:
        error.add_note(text)
        show_traceback(error)


SAID: dict[str, Callable[[str], None]] = {
    "error": lambda text: show_error(UsageError(text, hint=text, place=text)),
    "evidence error": lambda text: show_error(EvidenceError(f"{text}: unreadable", place=text)),
    "policy error": lambda text: show_error(PolicyError([Diagnostic(Location(text, 3, 1, 3, len(text) + 1), text, text, text)] * 2)),
    "warning": show_warning,
    "note": show_note,
    "traceback": show_bug,
}


@each("text", CORPUS)
@pytest.mark.parametrize("kind", SAID)
def test_no_text_steers_a_terminal_or_a_runner(kind: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    SAID[kind](CORPUS[text])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert commands(err) == []
    assert {character for character in err if unicodedata.category(character) in INVISIBLE and character not in "\n\t"} == set()
    assert max(map(len, err.split("\n"))) <= 2000


@pytest.mark.parametrize(
    ("column", "end_column", "meant"),
    [(1, 6, "begin"), (400, 405, "meant"), (996, 1001, "final"), (390, 1001, None)],
)
def test_of_a_long_line_the_part_that_is_meant_is_shown(column: int, end_column: int, meant: str | None) -> None:
    source = "begin".ljust(399, ".") + "meant".ljust(596, ".") + "final"
    _, shown, under = draw_caret(source, 7, column, end_column)
    assert len(shown) <= len("7 | ") + 160
    assert len(under) <= len("  | ") + 160
    marked = "".join(character for character, caret in zip(shown, under, strict=False) if caret == "^")
    assert marked == meant or (meant is None and "meant" in marked)


WRITES = {"print", "echo", "secho", "print_exception", "print_exc", "print_stack"}
MAY_WRITE = {
    "__main__.py": "its own version",
    "cli/app.py": "its own version",
    "cli/diagnostics.py": "defuses what it says",
    "cli/emulator.py": "addresses and variables of our own",
    "cli/place_bars.py": "paints on terminals alone",
    "cli/progress.py": "writes to terminals alone",
    "cli/terminal.py": "writes what `printed` gave",
    "evidence/reperform.py": "a program of its own, in one file",
}


def test_nothing_else_writes_to_the_streams() -> None:
    """What is printed anywhere else would bypass what keeps text from being a command."""
    package = Path(policycheck.__file__).parent
    writers = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            stream = (
                isinstance(node, ast.Attribute) and node.attr in {"write", "writelines", "buffer"} and ast.unparse(node.value) in {"sys.stdout", "sys.stderr"}
            )
            if stream or name in WRITES or name == "Console":
                writers.add(path.relative_to(package).as_posix())
    assert writers <= set(MAY_WRITE)
    assert {"cli/diagnostics.py", "cli/terminal.py"} <= writers
