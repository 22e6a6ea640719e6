"""`policycheck lint`: load policies, say everything that is wrong with them, and everything that is suspicious."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.diagnostics import show_note
from policycheck.cli.evidence import parse_as_of
from policycheck.cli.fixing import fix_sentences
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load_all, usual_policies
from policycheck.cli.reports import NEVER, in_checkout, parse_outputs, spare_inputs, write_reports
from policycheck.cli.settings import settle
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import ExitCode, PolicyError, UsageError
from policycheck.formats.lint.registry import LINT_FORMATS
from policycheck.settings.merging import Settings
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line
from policycheck.version import __version__

if TYPE_CHECKING:
    from policycheck.formats.interface import Options
    from policycheck.formats.lint.interface import LintReport
    from policycheck.policy.lint.finding import Level

Outputs = Sequence[tuple[str, Path | None]]
Codes = Annotated[list[str] | None, typer.Option("--select", metavar="CODE", help="Check only these codes (PC101, or a prefix: PC1). Can be repeated.")]
NoCodes = Annotated[list[str] | None, typer.Option("--ignore", metavar="CODE", help="Do not check these codes (PC101, or a prefix: PC1). Can be repeated.")]
FailLevel = Annotated[str, typer.Option("--fail-on", metavar="LEVEL", help="Lowest level that fails the run: error, warning, info or never.")]
MinLevel = Annotated[
    str | None,
    typer.Option(
        "--min-severity", metavar="LEVEL", help="Show diagnostics of this level or higher. Default: warning, or info with --fail-on info. It changes no count."
    ),
]
*_FORMATS, _LAST_FORMAT = LINT_FORMATS
Reports = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="FORMAT[=PATH]", help=f"{', '.join(_FORMATS)} or {_LAST_FORMAT}, to stdout or to a file. Can be repeated."),
]


Fix = Annotated[bool, typer.Option("--fix", help="Replace each typed sentence with the sentence it is read as; comments and layout stay.")]


@shared_options("lint")
def lint(
    context: typer.Context,
    options: RunOptions,
    output_lint: Reports = None,
    select_codes: Codes = None,
    ignore_codes: NoCodes = None,
    fail_level: FailLevel = "warning",
    min_level: MinLevel = None,
    fix: Fix = False,
) -> None:
    """Check policy files and the run file, without a job list, for mistakes and for what is suspicious.

    Each diagnostic has a code with a page in docs/lint. `# policycheck: ignore[PC101] reason` at a rule suppresses it.

    Exit codes: 0 nothing at or above --fail-on; 1 findings; 2 the command or a policy is wrong.
    """
    from policycheck.formats.interface import Options
    from policycheck.settings.times import NOW

    settings = settle(context, options, spare=usual_policies())
    outputs = parse_outputs(output_lint or [], LINT_FORMATS)
    codes = _choose(select_codes or [], ignore_codes or [])
    fail_on = None if fail_level.lower() == NEVER else _parse_level("--fail-on", fail_level)
    shown = _parse_level("--min-severity", min_level or ("info" if fail_level.lower() == "info" else "warning"))
    read: list[str | Path] = [*(path for path, _ in settings.files), *(settings.waivers or ()), *([settings.run_file.name] if settings.run_file else [])]
    spare_inputs(outputs, read, ())
    look = in_checkout(Options(color=colored(sys.stdout, no_color=settings.no_color), width=terminal_width(sys.stdout)))
    try:
        found = _find(settings, codes, fix=fix)
    except PolicyError as error:
        _report_errors(error, [output for output in outputs if output[0] != "text"], look, parse_as_of(settings.as_of or NOW))
        raise
    report = replace(found, fail_on=fail_on, shown=shown)
    _write(report, outputs, look)
    if ("text", None) not in outputs:
        _tell(report)
    if report.failed:
        raise typer.Exit(int(ExitCode.FINDINGS))


def _write(report: LintReport, outputs: Outputs, look: Options) -> None:
    rendered = [(path, LINT_FORMATS[name], replace(look, color=look.color and path is None)) for name, path in outputs]
    write_reports([(path, entry, [entry.render(report, chosen)]) for path, entry, chosen in rendered])


def _report_errors(error: PolicyError, outputs: Outputs, look: Options, as_of: datetime) -> None:
    """The mistakes that keep files from loading, for programs; text has them on stderr."""
    from policycheck.formats.lint.interface import LintReport
    from policycheck.policy.lint.finding import POLICY_ERROR
    from policycheck.policy.lint.runner import policy_errors

    if outputs:
        _write(LintReport(policy_errors(error), (POLICY_ERROR,), 0, 0, as_of, __version__), outputs, look)


def _choose(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    from policycheck.policy.lint.runner import choose_codes
    from policycheck.policy.literals import BadValue

    try:
        return choose_codes(select, ignore)
    except ValueError as error:
        problem = BadValue.of(error)
        raise UsageError(problem.message, hint=problem.hint) from None


def _parse_level(option: str, text: str) -> Level:
    from policycheck.policy.conditions import nearest
    from policycheck.policy.lint.finding import Level

    try:
        return Level(text.lower())
    except ValueError:
        known = [*Level, NEVER] if option == "--fail-on" else list(Level)
        near = nearest(text, known)
        hint = f"Did you mean {near}?" if near else f"The levels are {', '.join(known)}."
        raise UsageError(f"{option}: there is no level {clean_line(text)}", hint=hint) from None


def _find(settings: Settings, codes: frozenset[str], *, fix: bool = False) -> LintReport:
    """Load the policies and check them; raises as `load_all` does, and where the engine cannot search for a pattern."""
    from policycheck.engine.backends.registry import open_engine
    from policycheck.formats.lint.interface import LintReport
    from policycheck.policy.lint.finding import Run
    from policycheck.policy.lint.runner import lint as run_checks
    from policycheck.settings.times import NOW
    from policycheck.testing.lint import find_in_tests, find_limits_below_schedule

    loaded, backend = load_all(settings), open_engine()
    if fix and fix_sentences(loaded, settings):
        loaded = load_all(settings)
    named = frozenset(text.partition("=")[0] for text in settings.inventory or ())
    run = Run(loaded, parse_as_of(settings.as_of or NOW), saved_lists=bool(settings.jobs), inventories=named or None)
    more = find_in_tests(run, settings.files, codes, backend)
    if "PC501" in codes:
        more["PC501"] = list(find_limits_below_schedule(run))
    findings = run_checks(run, codes, more, _waiver_lines(settings))
    rules = sum(len(policy.rules) for policy in loaded)
    return LintReport(findings, tuple(sorted(codes)), len(loaded), rules, run.as_of, __version__)


def _waiver_lines(settings: Settings) -> Mapping[str, Sequence[str]]:
    """The text of the waiver files, for carets; all of them were read already."""
    return {Path(text).as_posix(): re.split(r"\r\n|\r|\n", Path(text).read_text(encoding="utf-8-sig")) for text in settings.waivers or ()}


def _tell(report: LintReport) -> None:
    from policycheck.formats.lint.interface import count_line

    show_note(f"policycheck: {count_line(report)}")
