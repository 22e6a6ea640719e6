"""`policycheck demo`: judge a sample organization with a shipped policy, and say what to try next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from policycheck.cli.check import load, report, source_lines
from policycheck.cli.diagnostics import show_note
from policycheck.errors import ExitCode
from policycheck.result import Severity

DEMO_POLICY = "demo"


def demo(
    directory: Annotated[Path, typer.Option("--directory", metavar="DIR", help="Where the job lists and the reports go.")] = Path("policycheck-demo"),
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
    import sys

    as_of = datetime.now(UTC).replace(microsecond=0)
    jobs = directory / "jobs"
    write(organization(as_of), jobs)
    policies = load([DEMO_POLICY], [], None)
    evidence = read_job_files([str(jobs)], as_of=as_of, covers=None, stdin=sys.stdin.buffer)
    result = run(policies, evidence, as_of=as_of, fail_on=Severity.LOW, backend=PolarsBackend())
    files = {"junit": "junit.xml", "sarif": "results.sarif", "markdown": "summary.md", "json": "result.json"}
    outputs: list[tuple[str, Path | None]] = [("text", None), *((name, directory / file) for name, file in files.items())]
    report(result, outputs, Options(color=colored(sys.stdout, no_color=False), width=terminal_width(sys.stdout), source_lines=source_lines(policies)), quiet=True)
    show_note("")
    for name, file in files.items():
        show_note(f"{name:<9} {directory / file}")
    stamp = as_of.isoformat().replace("+00:00", "Z")
    show_note(f"Try next: policycheck check {DEMO_POLICY} --jobs {jobs} --as-of {stamp} --select no-failed-jobs --show-passed")
    if result.exit_code is not ExitCode.FINDINGS:
        raise typer.Exit(int(result.exit_code) or int(ExitCode.BUG))
