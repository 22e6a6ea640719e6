"""`policycheck demo`: an AWS Backup endpoint with a sample organization, fetched, judged and reported."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from policycheck.cli.connection import connect
from policycheck.cli.demo_archive import show_archive
from policycheck.cli.diagnostics import show_note
from policycheck.cli.evidence import parse_as_of
from policycheck.cli.fetch_account import explain_fetch
from policycheck.cli.policies import load, source_lines
from policycheck.cli.progress import show_progress
from policycheck.cli.reports import report
from policycheck.cli.terminal import colored, terminal_width
from policycheck.datasets import JOB_LISTS
from policycheck.errors import ExitCode
from policycheck.records import iso
from policycheck.result import Severity
from policycheck.settings.merging import Settings
from policycheck.settings.options import RunOptions

PACK = "demo"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "emulator"}
"""Of the emulator, which takes an account for a key id."""
_FILES = {"junit": "junit.xml", "sarif": "results.sarif", "markdown": "summary.md", "html": "report.html", "json": "result.json"}


def demo(
    directory: Annotated[Path, typer.Option("--directory", metavar="DIR", help="Folder for the job lists and reports.")] = Path("policycheck-demo"),
    as_of: Annotated[str, typer.Option("--as-of", metavar="TIME|now", help="Evaluation time of the sample organization.")] = "now",
) -> None:
    """Check a sample organization: two accounts, two Regions, about 2,000 jobs over 30 days, with many faults.

    A local AWS Backup endpoint serves it, and the jobs are fetched over HTTP as from AWS. The exit code is 0 if violations are found, as expected.
    """
    from policycheck.emulator.organization import organization, write
    from policycheck.emulator.server import serve
    from policycheck.emulator.store import Store
    from policycheck.engine.backends.registry import open_engine
    from policycheck.formats.interface import Options
    from policycheck.pipeline import run
    from policycheck.policy.catalogue import find_policies
    from policycheck.sources.aws import fetch_jobs
    from policycheck.sources.plan import plan_fetch

    instant = parse_as_of(as_of).replace(microsecond=0)
    sample = organization(instant)
    write(sample, directory / "jobs")
    policies = load(Settings(files=find_policies([PACK])))
    store = Store.of_organization(sample)
    with serve(store) as endpoint, _environment(endpoint.environment):
        accounts = directory / "accounts.yaml"
        accounts.write_text("".join(f"- {{account: {member.account}, name: {member.name}}}\n" for member in store.members), encoding="utf-8")
        connection = connect(RunOptions(region=list(store.regions), accounts=str(accounts), endpoint_url=endpoint.url))
        with explain_fetch(wanted=True) as announce, show_progress(quiet=False) as progress:
            plan = plan_fetch(policies, instant)
            evidence = fetch_jobs(connection, plan, as_of=instant, progress=progress, keep_pages=False, now=store.clock.now, announce=announce)
    show_note(f"Fetched {len(endpoint.requests)} answers from {endpoint.url}, a local AWS Backup endpoint.")
    if left := [f"{dataset.noun}s" for name, dataset in JOB_LISTS.items() if name not in plan.datasets]:
        show_note(f"Not fetched: {' and '.join(left)}, because no rule of the policy {PACK} is about them. {directory / 'jobs'} has them.")
    result = run(policies, evidence, as_of=instant, fail_on=Severity.LOW, backend=open_engine(), answers=True)
    options = Options(color=colored(sys.stdout, no_color=False), width=terminal_width(sys.stdout), source_lines=source_lines(policies))
    outputs: list[tuple[str, Path | None]] = [("text", None), *((name, directory / file) for name, file in _FILES.items())]
    report(result, outputs, options, quiet=True)
    for name, file in _FILES.items():
        show_note(f"{name}: {directory / file}")
    with _environment(_CREDENTIALS):
        show_archive(directory, instant)
    program = sys.argv[0] if Path(sys.argv[0]).name == "policycheck" else "policycheck"
    show_note(f"Try next: {program} check {PACK} --jobs {directory / 'jobs'} --as-of {iso(instant)} --select nothing-overdue --show-passed")
    show_note(f"or: {program} emulator")
    if result.exit_code is not ExitCode.FINDINGS:
        raise typer.Exit(int(result.exit_code) or int(ExitCode.BUG))


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """These variables in place of whatever AWS configuration and proxy the machine has; as it was before at the end."""
    kept = dict(os.environ)
    for name in kept:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            del os.environ[name]
    own = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
    os.environ.update({**variables, **own})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)
