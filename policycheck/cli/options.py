"""The shared options as typer takes them. What they are is declared in `settings.options`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from policycheck.cli import completion
from policycheck.settings.option import FIRST
from policycheck.settings.options import OPTIONS, Declared, RunOptions


def typer_option(name: str, command: str) -> Any:
    """The annotation by which typer gives a command this option."""
    one = OPTIONS[name]
    option = one.option
    text = one.help_for(command)
    complete = getattr(completion, option.completion) if option.completion else None
    if option.argument:
        return Annotated[one.kind, typer.Argument(metavar=option.metavar, autocompletion=complete, help=text)]
    names = [one.flag, *([option.short] if option.short else [])]
    panel = FIRST if command in option.first_of else one.panel or None
    return Annotated[one.kind, typer.Option(*names, metavar=option.metavar, autocompletion=complete, help=text, rich_help_panel=panel)]


def shared_options(command: str, *, first: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorator: the function is a command that takes, beside its own parameters, the shared options of that command, as `options`.

    Args:
        command: its name, by which the options say that it has them.
        first: options that the help names before the command's own; the others follow those, in the order of their declaration.
    """
    taken = [one for one in OPTIONS.values() if command in one.option.commands]
    before, after = [OPTIONS[name] for name in first], [one for one in taken if one.name not in first]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            options = RunOptions(**{one.name: given.pop(one.name) for one in taken})
            function(options=options, **given)

        own = [parameter for parameter in inspect.signature(function, eval_str=True).parameters.values() if parameter.name != "options"]
        parameters = [*map(_parameter, before), *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *map(_parameter, after)]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        return run

    def _parameter(one: Declared) -> inspect.Parameter:
        return inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=one.default, annotation=typer_option(one.name, command))

    return decorate
