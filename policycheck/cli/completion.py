"""Shell completion: the scripts for bash, zsh and fish, what they ask for, and what can stand in an option."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.errors import UsageError

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_POLICYCHECK_COMPLETE"
"""The variable by which a shell's script asks; typer makes its name from the program's."""


def asks(arguments: Sequence[str]) -> bool:
    """Whether a shell asks what could come next.

    Its script gives no arguments. A command line that has some is carried out whatever the environment says: an answer in its place would end with exit code 0.
    """
    return not arguments and bool(os.environ.get(VARIABLE))


def answer(command: Any) -> int:
    """Print what could come next; the exit code."""
    return _complete(command, os.environ[VARIABLE])


def _complete(command: Any, instruction: str) -> int:
    # typer registers its shells here and only where it adds options of its own, which take no shell as their value.
    from typer._completion_classes import completion_init
    from typer.completion import shell_complete

    completion_init()
    try:
        return shell_complete(command, {}, "policycheck", VARIABLE, instruction)
    except SystemExit as ended:  # the answer to fish, which asks first whether there is anything to offer
        return int(ended.code or 0)


def _show(context: typer.Context, value: str | None) -> None:
    if value:
        raise typer.Exit(_complete(context.command, f"source_{_shell('--show-completion', value)}"))


def _install(value: str | None) -> None:
    if value:
        from typer._completion_shared import install

        shell, path = install(shell=_shell("--install-completion", value), prog_name="policycheck", complete_var=VARIABLE)
        show_note(f"{shell} completes policycheck commands after its next start: {path}")
        raise typer.Exit


def _shell(option: str, value: str) -> str:
    if value not in SHELLS:
        raise UsageError(f"{option}: there is no completion for {value}", hint=f"The shells are {', '.join(SHELLS)}.")
    return value


def _shells(incomplete: str) -> list[str]:
    return _starting(incomplete, SHELLS)


ShowCompletion = Annotated[
    str | None,
    typer.Option(
        "--show-completion", metavar="SHELL", callback=_show, is_eager=True, autocompletion=_shells, help="Print the completion script of bash, zsh or fish."
    ),
]
InstallCompletion = Annotated[
    str | None,
    typer.Option(
        "--install-completion", metavar="SHELL", callback=_install, is_eager=True, autocompletion=_shells, help="Install completion for bash, zsh or fish."
    ),
]


def formats(incomplete: str) -> list[str]:
    """Formats that start so."""
    from policycheck.formats.registry import FORMATS

    return _starting(incomplete, FORMATS)


def packs(incomplete: str) -> list[str]:
    """Shipped packs that start so. Files are left to the shell, which completes them where nothing is offered."""
    from policycheck.policy.catalogue import shipped_packs

    return _starting(incomplete, shipped_packs())


def severities(incomplete: str) -> list[str]:
    """Values of --fail-on that start so."""
    from policycheck.result import Severity

    return _starting(incomplete, [*Severity, "never"])


def _starting(incomplete: str, known: Iterable[str]) -> list[str]:
    return [name for name in known if name.startswith(incomplete)]
