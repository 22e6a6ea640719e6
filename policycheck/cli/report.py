"""`policycheck report`: render a saved result in any format, as the check that made it would have."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.options import shared_options
from policycheck.cli.reports import ask_for_answers, parse_outputs, parse_severity, redaction_key, spare_inputs, written_files
from policycheck.cli.reports import report as write_reports
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError
from policycheck.settings.options import RunOptions

if TYPE_CHECKING:
    from policycheck.result import Result


@shared_options("report")
def report(
    options: RunOptions,
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="Result that --output json wrote.")],
) -> None:
    """Render a saved result in other formats: the same bytes as the check would have written.

    The exit code does not depend on the verdict: 0 the reports were written; 2 the command is wrong, or the result lacks what a format shows; 3 the result
    cannot be used.
    """
    from policycheck.cli.baseline import parse_category, read_baseline
    from policycheck.cli.saved import read_result
    from policycheck.formats.interface import Options

    outputs = parse_outputs(options.output or [])
    shown = None if options.min_severity is None else parse_severity("--min-severity", options.min_severity)
    redact_key = redaction_key(redact=options.redact, quiet=options.quiet)
    spare_inputs(written_files(outputs), [result, *([options.baseline] if options.baseline else [])], ())
    category, baseline, loaded = parse_category(options.category), read_baseline(options), read_result(result)
    if ask_for_answers(outputs):
        _require_answers(loaded, [name for name, _ in outputs])
    display = Options(
        color=colored(sys.stdout, no_color=options.no_color),
        width=terminal_width(sys.stdout),
        verbose=options.verbose,
        show_passed=options.show_passed,
        min_severity=shown,
        junit_strict=options.junit_strict,
        category=category,
    )
    if baseline is not None:
        loaded, redact_key = baseline.compare(loaded, redact_key)
    write_reports(loaded, outputs, display, quiet=options.quiet, redact_key=redact_key)


def _require_answers(result: Result, names: list[str]) -> None:
    """Refuse formats that list every subject, of a result that does not say what each came to.

    Raises:
        UsageError: the result was written without answers.
    """
    from policycheck.formats.registry import FORMATS

    if any(rule.subjects and not rule.answers for rule in result.rules):
        asking = ", ".join(name for name in names if FORMATS[name].shows_answers)
        hint = "Make it with policycheck check --output json=FILE, or from Python with answers=True."
        raise UsageError(f"the result has no answer for each subject, which {asking} shows", hint=hint)
