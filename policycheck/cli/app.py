"""The `policycheck` command: its subcommands, and what every error looks like and returns."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from policycheck.cli import completion
from policycheck.cli.diagnostics import show_error, show_note, show_traceback
from policycheck.cli.once import MAX_WIDTH, StrictCommand
from policycheck.cli.terminal import open_closed_streams, silence_stdout
from policycheck.errors import ExitCode, PolicycheckError, UsageError
from policycheck.text import clean_line, truncate
from policycheck.version import __version__

COMMANDS = (
    "check", "report", "init", "lint", "test", "packs", "explain", "rules", "waive",
    "backtest", "verify", "schema", "permissions", "", "fetch", "archive", "demo", "emulator",
)  # fmt: skip
"""In the order of the help: each is a function in the module of its name. At the empty name stand the list commands of the AWS CLI."""


def build_app(command: str | None = None) -> typer.Typer:
    """The command line with all its commands; or with this one alone, where it is one of `COMMANDS`: the modules of the others are not imported."""
    app = typer.Typer(
        name="policycheck",
        help="Check AWS Backup jobs against rules written as plain sentences.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name in (command,) if command and command in COMMANDS else COMMANDS:
        if name:
            app.command(name, cls=StrictCommand, context_settings={"max_content_width": MAX_WIDTH})(getattr(import_module(f"policycheck.cli.{name}"), name))
        else:
            import_module("policycheck.cli.listing").add_commands(app)
    return app


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"policycheck {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False,
    show_completion: completion.ShowCompletion = None,
    install_completion: completion.InstallCompletion = None,
) -> None:
    """Check AWS Backup jobs against rules written as plain sentences."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code, whatever goes wrong."""
    open_closed_streams()
    try:
        app = build_app(arguments[0] if arguments else None)
        _load_lists(app, arguments)
        command = typer.main.get_command(app)
        if completion.asks(arguments):
            return completion.answer(command)
        # typer itself would answer whatever the arguments say.
        os.environ.pop(completion.VARIABLE, None)
        # Nothing asked is nothing judged: help, and a code that no pipeline takes for a pass.
        code = command.main(args=list(arguments) or ["--help"], prog_name="policycheck", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        show_error(UsageError(error.format_message(), hint=f"See {context.command_path} --help." if context else ""))
        return _code(arguments, error, ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except PolicycheckError as error:
        show_error(error)
        return _code(arguments, error, error.exit_code)
    except (SystemExit, BrokenPipeError) as error:
        # typer turns a reader that has gone into SystemExit(1), which would say "findings".
        return _stop(error)
    except OSError as error:
        show_error(UsageError(error.strerror or type(error).__name__, place=str(error.filename or "")))
        _show_traceback(error)
        return _code(arguments, error, ExitCode.USAGE)
    except BaseException as error:  # what a dataframe engine raises when it panics is no Exception
        return _code(arguments, error, _show_bug(error))
    if code == INTERRUPTED:
        show_note("policycheck: interrupted")
    return int(code or 0) if arguments else ExitCode.USAGE


def _load_lists(app: typer.Typer, arguments: Sequence[str]) -> None:
    """Give the list command that is asked for its options."""
    if arguments and arguments[0] in COMMANDS:
        return
    from policycheck.cli import listing

    listing.load(app, arguments)


def _code(arguments: Sequence[str], error: BaseException, usual: int) -> int:
    """The exit code for an error, or the AWS CLI's where that is asked for."""
    from policycheck.cli import listing

    asked = listing.aws_exit_code(arguments, error)
    return usual if asked is None else asked


INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
_READER_GONE = 141
"""128 + SIGPIPE."""


def _stop(error: BaseException) -> int:
    cause = error if isinstance(error, OSError) else error.__context__
    if isinstance(cause, OSError) and cause.errno == errno.EPIPE:
        silence_stdout()
        return _READER_GONE
    return _show_bug(error)


def _show_bug(error: BaseException) -> int:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    message = truncate(clean_line(f"{type(error).__name__}: {error}"), 300)
    show_note(f"policycheck {__version__} has a bug: {message} ({place}). Please report this line; POLICYCHECK_TRACEBACK=1 shows the whole traceback.")
    _show_traceback(error)
    return ExitCode.BUG


def _show_traceback(error: BaseException) -> None:
    if os.environ.get("POLICYCHECK_TRACEBACK"):
        show_traceback(error)
