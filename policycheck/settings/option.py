"""What is said of an option of the command line, once: see `settings.options`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

FIRST, EVIDENCE, EVALUATION, OUTPUT, AWS = "Most used", "Evidence", "Evaluation", "Output", "AWS"
"""The panels of a help, in their order."""


class Option(Struct, frozen=True, kw_only=True):
    """What is said of an option beside its name, type and default."""

    help: str
    """One text for the help, the run file and the action."""
    cli: str = ""
    """What the help says beside it."""
    action: str = ""
    """What the action says beside it."""
    panel: str = ""
    """The group that it stands with; where nothing is said, that of AWS or of the evaluation."""
    first_of: tuple[str, ...] = ()
    """Commands in whose help it stands at the top, among the few that most people need."""
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
    """What the run file says of it, where the help does not fit."""
    not_in_file: bool = False
    """Whether the run file refuses it by name: who writes that file must not choose who answers for AWS."""
    variable: str = ""
    """The environment variable that says the same."""
    input: bool | str = False
    """Whether the action has it as an input; a text says what action.yml says of it, where the help does not fit."""
