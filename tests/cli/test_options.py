"""The shared options as commands have them: each where its declaration says, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from policycheck.cli.app import build_app, run
from policycheck.cli.options import shared_options
from policycheck.settings.merging import Settings
from policycheck.settings.option import AWS, EVALUATION, EVIDENCE, FIRST, OUTPUT
from policycheck.settings.options import OPTIONS, RunOptions

COMMANDS = ("check", "report", "init", "lint", "test", "explain", "permissions", "fetch", "backtest")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_the_options_that_are_declared_for_it(command: str) -> None:
    parameters = {parameter.name: parameter for parameter in getattr(typer.main.get_command(build_app()), "commands", {})[command].params}
    declared = {name: one for name, one in OPTIONS.items() if command in one.option.commands}
    assert parameters.keys() & OPTIONS.keys() - {"output"} == declared.keys() - {"output"}
    for name, one in declared.items():
        wanted = [name] if one.option.argument else [one.flag, *([one.option.short] if one.option.short else [])]
        assert (parameters[name].opts, parameters[name].default) == (wanted, one.default)


def test_every_declaration_is_of_a_command_that_there_is() -> None:
    assert {command for one in OPTIONS.values() for command in one.option.commands} == {*COMMANDS, "list"}
    assert {command for one in OPTIONS.values() for command in one.option.help_of} <= {*COMMANDS}


def test_check_has_every_option_and_settings_keep_each() -> None:
    assert [name for name, one in OPTIONS.items() if "check" not in one.option.commands] == []
    assert OPTIONS.keys() <= set(Settings.__struct_fields__)


def test_a_command_gets_what_is_given_and_the_defaults_of_what_it_does_not_take() -> None:
    kept: list[tuple[RunOptions, str]] = []
    small = typer.Typer(rich_markup_mode=None)

    @small.command()
    @shared_options("permissions", first=("region",))
    def command(options: RunOptions, own: str = "x") -> None:
        kept.append((options, own))

    built: Any = typer.main.get_command(small)
    built.main(["--region", "a", "--region", "b", "--own", "y", "p.yaml", "--config", "c"], standalone_mode=False)
    assert kept == [(RunOptions(policies=["p.yaml"], region=["a", "b"], config=Path("c")), "y")]
    assert [parameter.name for parameter in built.params][:2] == ["region", "own"]


def panels(command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int) -> dict[str, list[str]]:
    """The options of each panel, in the order of the help of a command."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= columns
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if head := re.fullmatch(r"([A-Z][A-Za-z ]+):", line):
            found[head[1]] = []
        elif option := re.match(r"  (?:-\w, )?(--[a-z-]+)", line):
            found[[*found][-1]].append(option[1])
    return found


@pytest.mark.parametrize("columns", [80, 100])
def test_the_help_of_check_has_five_options_first_and_the_others_in_panels(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = panels("check", monkeypatch, capsys, columns)
    assert [*found] == ["Arguments", FIRST, EVIDENCE, EVALUATION, OUTPUT, AWS, "Options"]
    assert found[FIRST] == ["--jobs", "--output", "--as-of", "--fail-on", "--region"]
    assert found["Options"] == ["--help"]
    for name in (EVIDENCE, EVALUATION, OUTPUT, AWS):
        assert found[name] == [one.flag for one in OPTIONS.values() if one.panel == name and not one.option.argument and one.flag not in found[FIRST]]


def test_the_own_options_of_a_command_stand_before_the_panels(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = panels("fetch", monkeypatch, capsys, 80)
    assert [*found] == ["Arguments", "Options", EVALUATION, OUTPUT, AWS]
    assert found["Options"] == ["--archive", "--repair", "--help"]


def test_help_run_file_and_action_say_the_same_of_an_option() -> None:
    for one in OPTIONS.values():
        told = [one.help_for("check"), *([one.help_of_key] if one.option.key and not one.option.key_help else [])]
        told += [one.help_of_input] if one.option.input is True else []
        assert all(text.startswith(one.option.help.removesuffix(".")) for text in told)
        assert one.repeats is ("Can be repeated." in told[0]) or one.option.argument
