"""The settings of the command that is being run: what its command line says, and the run file it finds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.errors import UsageError
from policycheck.settings.merging import Settings, merge
from policycheck.settings.options import OPTIONS, RunOptions

if TYPE_CHECKING:
    from policycheck.settings.runfile import RunFile


def settle(context: typer.Context, options: RunOptions, spare: Sequence[str] | None = ()) -> Settings:
    """The settings of the command that is being run; `spare` are the policies where neither the command line nor the run file names any (None: none then).

    Raises:
        UsageError: no policy is named, or the run file cannot be found or used.
    """
    run_file = read_run_file(options.config, no_config=options.no_config, quiet=options.quiet)
    given = {name for name in context.params if name in OPTIONS and _is_given(context, name)}
    before = [str(argument.name).upper() for argument in context.command.params if argument.param_type_name == "argument" and argument.name != "policies"]
    settings = merge(options, given, run_file, command=" ".join([context.command_path, *before]), spare=spare)
    if not options.quiet:
        _tell_packs(options.policies or (run_file.policies if run_file else ()), Path() if options.policies or run_file is None else run_file.folder)
    return settings


def _tell_packs(policies: Sequence[str], folder: Path) -> None:
    """Say which of two is read, where a folder has the name of a pack."""
    from policycheck.policy.catalogue import is_pack

    for name in policies:
        if is_pack(name) and (folder / name).is_dir():
            show_note(f"policycheck: {name} is read as the shipped pack; write ./{name} for the folder of that name")


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and not source.name.startswith("DEFAULT")


def read_run_file(config: Path | None, *, no_config: bool, quiet: bool = False) -> RunFile | None:
    """The run file of this run; None where there is none. One that was found in a folder above is named on stderr.

    Raises:
        UsageError: --config and --no-config contradict each other.
        RunFileError: the file has mistakes.
    """
    from policycheck.settings.finding import find_run_file

    if no_config:
        if config is not None:
            raise UsageError("--config and --no-config exclude each other")
        return None
    working = Path.cwd()
    path = config or find_run_file(working)
    if path is None:
        return None
    from policycheck.formats.registry import FORMATS
    from policycheck.settings.runfile import load_run_file

    name = path.as_posix() if config else Path(os.path.relpath(path, working)).as_posix()
    if not config and path.parent != working and not quiet:
        show_note(f"policycheck: the run file is {name}")
    return load_run_file(path, name, list(FORMATS), working)
