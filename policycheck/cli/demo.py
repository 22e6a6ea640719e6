"""`policycheck demo`: judge a sample organization with a shipped policy, and say what to try next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from policycheck.cli.check import load, parse_as_of, report, source_lines
from policycheck.cli.diagnostics import show_note
from policycheck.errors import ExitCode
from policycheck.result import Severity

DEMO_POLICY = "demo"


def demo(
    directory: Annotated[Path, typer.Option("--directory", metavar="DIR", help="Where the job lists and the reports go.")] = Path("policycheck-demo"),
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME|now", help="The instant the sample organization is made for.")] = "now",
) -> None:
    """Judge a sample organization: two accounts, two Regions, about 2,000 jobs over 30 days, many of them wrong.

    Finding violations is its success: the exit code is 0 when the sample's violations were found.
    """
    from policycheck.cli.terminal import colored, terminal_width
    from policycheck.emulator.organization import organization, write
    from policycheck.engine.backends.polars import PolarsBackend
    from policycheck.formats.interface import Options
    from policycheck.pipeline import run
    from policycheck.sources.files import read_job_files

    instant = parse_as_of(as_of).replace(microsecond=0)
    jobs = directory / "jobs"
    write(organization(instant), jobs)
    policies = load([DEMO_POLICY], [], None)
    evidence = read_job_files([str(jobs)], as_of=instant, covers=None, stdin=sys.stdin.buffer)
    result = run(policies, evidence, as_of=instant, fail_on=Severity.LOW, backend=PolarsBackend())
    files = {"junit": "junit.xml", "sarif": "results.sarif", "markdown": "summary.md", "json": "result.json"}
    outputs: list[tuple[str, Path | None]] = [("text", None), *((name, directory / file) for name, file in files.items())]
    options = Options(color=colored(sys.stdout, no_color=False), width=terminal_width(sys.stdout), source_lines=source_lines(policies))
    report(result, outputs, options, quiet=True)
    show_note("")
    for name, file in files.items():
        show_note(f"{name}: {directory / file}")
    stamp = instant.isoformat().replace("+00:00", "Z")
    show_note(f"Try next: policycheck check {DEMO_POLICY} --jobs {jobs} --as-of {stamp} --select no-failed-jobs --show-passed")
    if result.exit_code is not ExitCode.FINDINGS:
        raise typer.Exit(int(result.exit_code) or int(ExitCode.BUG))
