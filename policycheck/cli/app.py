"""The `policycheck` command: its subcommands, and what every error looks like and returns."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from policycheck import __version__
from policycheck.cli import check, demo, lint, schema
from policycheck.cli.diagnostics import show_error
from policycheck.errors import ExitCode, PolicycheckError, UsageError

app = typer.Typer(
    name="policycheck",
    help="Judge what AWS Backup jobs did against policies that read like the sentence an auditor signs.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("check")(check.check)
app.command("lint")(lint.lint)
app.command("schema")(schema.schema)
app.command("demo")(demo.demo)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"policycheck {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: Annotated[bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Show the version and exit.")] = False) -> None:
    """Judge what AWS Backup jobs did against policies that read like the sentence an auditor signs."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code, whatever goes wrong."""
    if not arguments:
        arguments = ["--help"]
    try:
        code = typer.main.get_command(app).main(args=list(arguments), prog_name="policycheck", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        show_error(UsageError(error.format_message(), hint=f"See {context.command_path} --help." if context else ""))
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("policycheck: interrupted", err=True)
        return 130
    except BrokenPipeError:
        # The reader has gone: what it did not read is not our failure, but Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.EVIDENCE
    except PolicycheckError as error:
        show_error(error)
        return error.exit_code
    except Exception as error:
        return _show_bug(error)
    return int(code or 0)


def _show_bug(error: Exception) -> int:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    typer.echo(
        f"policycheck {__version__} has a bug: {message} ({place}). Please report this line; POLICYCHECK_TRACEBACK=1 shows the whole traceback.", err=True
    )
    if os.environ.get("POLICYCHECK_TRACEBACK"):
        traceback.print_exception(error)
    return ExitCode.BUG
