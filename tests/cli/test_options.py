"""The shared options as commands have them: each where its declaration says, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from policycheck.cli.app import build_app
from policycheck.cli.options import shared_options
from policycheck.settings.merging import Settings
from policycheck.settings.options import OPTIONS, RunOptions

COMMANDS = ("check", "report", "init", "lint", "explain", "permissions", "fetch", "backtest")


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
