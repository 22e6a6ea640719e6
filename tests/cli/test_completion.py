"""Completion of bash, zsh and fish: the scripts that are printed, and what they get when they ask."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from policycheck.cli.completion import SHELLS, VARIABLE
from policycheck.formats.registry import FORMATS
from policycheck.policy.catalogue import shipped_packs
from tests.cli.conftest import Cli

Offers = Callable[..., list[str]]


@pytest.fixture
def offers(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Offers:
    """What bash is offered for the last of these words."""

    def ask(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("policycheck", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        monkeypatch.setenv(VARIABLE, "complete_bash")
        outcome = cli()
        assert (outcome.code, outcome.err) == (0, "")
        return outcome.out.split()

    return ask


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_asks_the_program_for_its_shell(cli: Cli, shell: str) -> None:
    outcome = cli("--show-completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{VARIABLE}=complete_{shell}" in outcome.out


def test_the_script_of_bash_is_valid(cli: Cli, folder: Path) -> None:
    script = folder / "completion.bash"
    script.write_text(cli("--show-completion", "bash").out, encoding="utf-8")
    subprocess.run(["bash", "-n", script], check=True)


def test_another_shell_is_refused(cli: Cli) -> None:
    outcome = cli("--show-completion", "tcsh")
    assert outcome.code == 2
    assert "bash, zsh, fish" in outcome.err


def test_installation_writes_into_the_home_folder(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    outcome = cli("--install-completion", "bash")
    assert outcome.code == 0
    assert VARIABLE in (folder / ".bash_completions" / "policycheck.sh").read_text(encoding="utf-8")
    assert "policycheck.sh" in (folder / ".bashrc").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("che",), ["check"]),
        (("check", "first"), ["first-steps"]),
        (("lint", "first"), ["first-steps"]),
        (("permissions", "first"), ["first-steps"]),
        (("check", "--output", "sar"), ["sarif"]),
        (("check", "--fail-on", "n"), ["never"]),
        (("check", "--fail-on", "h"), ["high"]),
        (("--show-completion", "f"), ["fish"]),
        (("check", "no-such-pack"), []),
    ],
)
def test_names_are_offered(offers: Offers, words: tuple[str, ...], offered: list[str]) -> None:
    assert offers(*words) == offered


def test_every_format_and_pack_is_offered(offers: Offers) -> None:
    assert offers("check", "--output", "") == list(FORMATS)
    assert offers("check", "") == list(shipped_packs())


def test_a_command_line_with_arguments_is_carried_out_whatever_the_environment_says(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "policycheck ")
    monkeypatch.setenv("COMP_CWORD", "1")
    monkeypatch.setenv(VARIABLE, "complete_bash")
    assert cli("check", "no-such-policy").code == 2


@pytest.mark.parametrize(("line", "code"), [("policycheck che", 0), ("policycheck nothing-like-it", 1)])
def test_fish_asks_first_whether_there_is_anything(cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str, code: int) -> None:
    for name, value in {VARIABLE: "complete_fish", "_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "is-args"}.items():
        monkeypatch.setenv(name, value)
    assert cli() == (code, "", "")


def test_a_shell_that_is_not_known_gets_no_success(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "complete_tcsh")
    assert cli().code == 1
