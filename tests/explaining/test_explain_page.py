"""The page on explanations shows what the command prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_readme import execute, matches

TOP = Path(__file__).parents[2]
SESSIONS = [
    part.partition("\n")[::2]
    for block in re.findall(r"^```console\n(.*?)^```$", (TOP / "docs" / "explain.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


def test_the_page_shows_commands() -> None:
    assert len(SESSIONS) == 2


@pytest.mark.parametrize(("command", "shown"), SESSIONS)
def test_a_command_prints_what_the_page_shows(command: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(TOP / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    code, printed = execute(command)
    assert code == 0
    assert matches(shown, printed), printed
