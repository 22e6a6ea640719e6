"""What is said of an option of the command line, once: see `settings.options`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Option(Struct, frozen=True, kw_only=True):
    """What is said of an option beside its name, type and default."""

    help: str
    metavar: str | None = None
    short: str | None = None
    """One letter: -o."""
    argument: bool = False
    """An argument, which has no name on the command line."""
    commands: tuple[str, ...] = ("check",)
    """Those that have it."""
    help_of: Mapping[str, str] = {}
    """The help of commands for which it is another."""
    completion: str = ""
    """The function of `cli.completion` that offers values."""
    aws: bool = False
    """Whether it says how AWS is reached and what is fetched."""
    key: str = ""
    """Its key in the run file, `sources.regions`."""
    key_help: str = ""
    not_in_file: bool = False
    """Whether the run file refuses it by name: who writes that file must not choose who answers for AWS."""
    variable: str = ""
    """The environment variable that says the same."""
    input: str = ""
    """What action.yml says of it; without it the action has no such input."""
