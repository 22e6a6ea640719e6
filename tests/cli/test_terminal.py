"""What a stream can show: its colours and its columns."""

from __future__ import annotations

import io
import os

import pytest

from policycheck.cli.terminal import colored, terminal_width
from tests.cli.conftest import QUIET_VARIABLES


class Terminal(io.StringIO):
    """A terminal that says how wide it is, as the system would."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 77


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in QUIET_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("columns", "told", "width"),
    [
        ("", 80, 80),
        ("", 200, 200),
        ("", 300, 200),
        ("", 60, 60),
        ("", 0, 100),
        ("72", 80, 72),
        ("0", 80, 80),
        ("wide", 80, 80),
        ("-5", 80, 80),
        ("999", 80, 200),
    ],
)
def test_width_of_a_terminal(columns: str, told: int, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((told if descriptor == 77 else 1, 24)))
    assert terminal_width(Terminal()) == width


def test_width_of_a_terminal_that_does_not_say() -> None:
    assert terminal_width(Terminal()) == 100


def test_width_of_a_pipe_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert terminal_width(io.StringIO()) == 100


@pytest.mark.parametrize(
    ("variables", "terminal", "option", "expected"),
    [
        ({}, True, False, True),
        ({}, False, False, False),
        ({"NO_COLOR": "1"}, True, False, False),
        ({"NO_COLOR": ""}, True, False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, True, False, False),
        ({"FORCE_COLOR": "1"}, False, False, True),
        ({"CLICOLOR_FORCE": "1"}, False, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False, False),
        ({"CLICOLOR_FORCE": ""}, False, False, False),
        ({"TERM": "dumb"}, True, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, False, True),
        ({"FORCE_COLOR": "1"}, True, True, False),
    ],
)
def test_colour(variables: dict[str, str], terminal: bool, option: bool, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert colored(Terminal() if terminal else io.StringIO(), no_color=option) is expected
