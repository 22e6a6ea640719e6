"""`policycheck check`: evaluate policies against job lists and report. The main job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_warning
from policycheck.cli.evidence import gather_aws, gather_files, parse_as_of, parse_covers, parse_longest_job
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load, source_lines
from policycheck.cli.reports import ask_for_answers, parse_fail_on, parse_outputs, parse_severity, report, spare_inputs
from policycheck.cli.settings import settle
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError
from policycheck.settings.merging import Settings
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line

if TYPE_CHECKING:
    from datetime import datetime

    from policycheck.engine.backends.interface import Backend
    from policycheck.inventory import Inventory
    from policycheck.policy.model import Policy
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence


@shared_options("check")
def check(context: typer.Context, options: RunOptions) -> None:
    """Judge job lists against policies and report.

    What is not given here is taken from the run file, policycheck.yaml.

    Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or not enough; 4 a bug in policycheck.
    A gate (--wait) that is stopped ends with 130 or 143: that is no pass.
    """
    judge(settle(context, options))


def judge(settings: Settings) -> None:
    """Run one check and exit with its code."""
    from policycheck.formats.interface import Options
    from policycheck.gating.pace import parse_pace

    outputs = parse_outputs(settings.output or [], of_file=settings.has_outputs_of_file)
    threshold = parse_fail_on(settings.fail_on)
    shown = None if settings.min_severity is None else parse_severity("--min-severity", settings.min_severity)
    connection = connect(settings)
    pace = parse_pace(settings)
    instant, claimed = parse_times(settings.jobs, settings.as_of, settings.covers, connection)
    parse_longest_job(settings.longest_job, settings.jobs)
    backend = open_backend(settings.engine)
    policies = load(settings)
    _spare_inputs(settings, outputs)
    options = Options(
        color=colored(sys.stdout, no_color=settings.no_color),
        width=terminal_width(sys.stdout),
        show_passed=settings.show_passed,
        min_severity=shown,
        junit_strict=settings.junit_strict,
        source_lines=source_lines(policies),
    )
    if not settings.quiet and not (settings.select or settings.ignore or settings.framework):
        _warn_of_spare_inventories(settings.inventory or (), policies)
    answers = ask_for_answers(outputs)
    if pace is not None:
        from policycheck.cli.gate import open_gate

        write = partial(report, outputs=outputs, options=options, quiet=settings.quiet)
        raise typer.Exit(open_gate(settings, pace, policies, connection, threshold, write, backend, answers=answers))
    evidence = gather(settings, policies, connection, instant, claimed)

    from policycheck.pipeline import run

    result = run(policies, evidence, as_of=instant, fail_on=threshold, backend=backend, answers=answers, frameworks=settings.framework or ())
    report(result, outputs, options, quiet=settings.quiet)
    raise typer.Exit(int(result.exit_code))


def open_backend(name: str) -> Backend:
    """The engine of this name; raises UsageError where there is none, or it is not installed."""
    from policycheck.engine.backends.registry import open_engine

    return open_engine(clean_line(name))


def _spare_inputs(settings: Settings, outputs: Sequence[tuple[str, Path | None]]) -> None:
    jobs = settings.jobs or ()
    others: list[str | Path] = [settings.scope] if settings.scope else []
    others += [settings.run_file.name] if settings.run_file else []
    others += [*(settings.waivers or ()), *(text.partition("=")[2] for text in settings.inventory or ())]
    spare_inputs(outputs, [*(path for path, _ in settings.files), *jobs, *others], jobs)


def _warn_of_spare_inventories(arguments: Sequence[str], policies: Sequence[Policy]) -> None:
    """Say which inventories (NAME=PATH) no rule asks for: most are misspelled."""
    from policycheck.pipeline import asked_inventories
    from policycheck.policy.conditions import nearest

    asked = asked_inventories(policies)
    if asked is None:
        return
    for name in sorted({text.partition("=")[0] for text in arguments if "=" in text} - asked):
        near = nearest(name, sorted(asked))
        show_warning(f"the inventory {name} was given and no rule asks for it" + (f"; did you mean {near}?" if near else ""))


def gather(settings: Settings, policies: Sequence[Policy], connection: Connection, as_of: datetime, covers: tuple[datetime, datetime] | None) -> Evidence:
    """The evidence that these policies are judged on, read or fetched."""
    inventories: Mapping[str, Inventory] = {}
    if settings.inventory:
        from policycheck.sources.inventories import read_inventories

        inventories = read_inventories(settings.inventory)
    if settings.jobs:
        evidence = gather_files(settings.jobs, as_of=as_of, covers=covers, quiet=settings.quiet, policies=policies)
    else:
        longest_job = parse_longest_job(settings.longest_job, settings.jobs)
        evidence = gather_aws(connection, policies, as_of=as_of, longest_job=longest_job, quiet=settings.quiet)
    return replace(evidence, inventories=inventories)


def parse_times(jobs: Sequence[str] | None, as_of: str | None, covers: str | None, connection: Connection) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """The instant, and the claim of what files cover; raises UsageError where the options contradict the source."""
    from policycheck.settings.times import NOW
    from policycheck.sources.connection import Connection as Defaults

    if jobs:
        if connection != Defaults():
            raise UsageError("--jobs reads saved lists, and the options of a connection are for AWS", hint="Leave out one or the other.")
        if as_of is None:
            hint = "--as-of now, or the time it was saved: --as-of 2026-11-20T06:00:00Z"
            raise UsageError("a saved list does not say when it was made: --as-of is needed", hint=hint)
        return parse_as_of(as_of), parse_covers(covers) if covers else None
    if covers:
        raise UsageError("--covers is a claim about saved lists; what is fetched says for itself what it covers", hint="Name the lists with --jobs.")
    return parse_as_of(as_of or NOW), None
