"""`policycheck backtest`: what policies would have said on the days of a period."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec.structs import replace

from policycheck.cli.check import end_of_period, gather, open_backend, parse_times
from policycheck.cli.connection import connect
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load
from policycheck.cli.settings import settle
from policycheck.cli.terminal import colored, terminal_width, write_document
from policycheck.errors import ExitCode, UsageError
from policycheck.settings.options import RunOptions
from policycheck.settings.period import parse_period
from policycheck.text import clean_line

_FORMATS = ("text", "json")


@shared_options("backtest")
def backtest(
    context: typer.Context,
    options: RunOptions,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="POLICY", help="Other version to compare with: policy files, folders or packs. Can be repeated."),
    ] = None,
    form: Annotated[str, typer.Option("--output", "-o", metavar="FORMAT", help="text or json.")] = "text",
) -> None:
    """Show on how many days of a period each rule would have failed, and how that compares with another version.

    A rule that would have failed does not change the exit code. Days with insufficient evidence are named and are not passes.

    Exit codes: 0 evaluated; 2 the command or a policy is wrong; 3 the evidence cannot be read, or is insufficient for every rule on every day; 4 a bug in
    policycheck.
    """
    from policycheck.backtesting.comparison import compare
    from policycheck.backtesting.report import write_json, write_text
    from policycheck.backtesting.steps import evaluate_period
    from policycheck.formats.escape import defuse_document
    from policycheck.formats.interface import clean_result
    from policycheck.policy.catalogue import find_policies
    from policycheck.result import Verdict

    if form not in _FORMATS:
        raise UsageError(f"there is no format {clean_line(form)} of backtests", hint=f"The formats are {', '.join(_FORMATS)}.")
    settings = settle(context, options)
    if settings.from_ is None:
        raise UsageError("a backtest requires the beginning of a period", hint="Add --from, such as --from 90d.")
    connection = connect(settings)
    end, claimed = parse_times(settings.jobs, end_of_period(settings), settings.covers, connection)
    period = parse_period(settings.from_, end, settings.every)
    if period is None:
        raise AssertionError("a period without a beginning")
    backend = open_backend(settings.engine)
    policies = load(settings)
    others = load(replace(settings, files=find_policies(against), foreign=True)) if against else ()
    evidence = gather(settings, [*policies, *others], connection, end, claimed, since=period.start)
    result = evaluate_period(policies, evidence, period, fail_on=None, backend=backend)
    difference = compare(result, evaluate_period(others, evidence, period, fail_on=None, backend=backend)) if others else None
    clean = clean_result(result)
    if form == "json":
        document = defuse_document(write_json(clean, period, difference), "application/json")
    else:
        color = colored(sys.stdout, no_color=settings.no_color)
        document = defuse_document(write_text(clean, period, difference, width=terminal_width(sys.stdout), color=color), "text/plain")
    write_document(document.encode())
    evaluated = any(one.verdict not in {Verdict.INCONCLUSIVE, Verdict.SKIPPED} for rule in result.rules for one in rule.spans)
    raise typer.Exit(ExitCode.OK if evaluated else ExitCode.EVIDENCE)
