"""`policycheck init`: a first policy from what the job lists hold, alone or with its tests, a run file and a pipeline."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.check import parse_times, require_fetch
from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_note
from policycheck.cli.evidence import gather_all, gather_files
from policycheck.cli.init_project import require_project, tell_unread, write_project
from policycheck.cli.options import shared_options
from policycheck.cli.terminal import is_kept, write_document
from policycheck.errors import UsageError
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.drafting.trial import TriedDraft
    from policycheck.sources.interface import Evidence

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_RULES_NAMED = 8


@shared_options("init", first=("jobs", "as_of", "covers"))
def init(
    options: RunOptions,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="DIR",
            help="Write a project into this folder: the policy, its tests, a run file and a pipeline. A file that exists is kept; the difference is printed.",
        ),
    ] = None,
    ci: Annotated[
        str, typer.Option("--ci", metavar="NAME", help="With --directory: the pipeline to write: github, gitlab, azure, circleci, jenkins or none.")
    ] = "github",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File of the policy. Default: stdout, unless --directory is given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --output if it exists.")] = False,
    policy_id: Annotated[str, typer.Option("--policy-id", metavar="NAME", help="ID of the policy.")] = "baseline",
) -> None:
    """Write a first policy from job lists: from their schedules, types, roles and vaults.

    Every limit is the longest interval of a schedule, plus an hour, plus the 95th percentile of Elapsed; comments explain each number. A rule for
    which the evidence is insufficient is omitted, and a comment says why.

    Exit codes: 0 the policy was written; 2 the command is wrong; 3 the lists are missing, or insufficient for any rule.
    """
    from policycheck.drafting.trial import draft_and_try
    from policycheck.engine.backends.registry import open_engine

    if not _ID.fullmatch(policy_id):
        raise UsageError(f"--policy-id {clean_line(policy_id)} is no id", hint="Letters, digits, dots, dashes and underscores: prod-backups.")
    if directory is not None:
        require_project(directory, output, ci, options.jobs or (), force=force)
    _spare(output, options.jobs, force=force)
    evidence, instant = _gather(options)
    backend = open_engine()
    tried = draft_and_try(evidence, as_of=instant, policy=policy_id, backend=backend)
    if not options.quiet:
        tell_unread(tried.unread)
    if directory is None:
        _write(tried.text, output)
    if not options.quiet:
        _tell(tried, output)
    if directory is not None:
        write_project(tried, options, directory, ci, backend)


def _spare(output: Path | None, jobs: list[str] | None, *, force: bool) -> None:
    """Refuse to write over a file that nobody gave up, or into the lists that are read."""
    from policycheck.cli.reports import require_folder, spare_inputs

    if output is None:
        return
    require_folder(output)
    spare_inputs([("policy", output)], jobs or (), jobs or ())
    # A device or a pipe is there to be written to.
    if not force and (output.is_file() or output.is_symlink()) and is_kept(output):
        raise UsageError(f"{clean_line(str(output))} already exists", hint="Name another file, or replace it with --force.")


def _gather(options: RunOptions) -> tuple[Evidence, datetime]:
    require_fetch(options)
    connection = connect(options)
    instant, claimed = parse_times(options.jobs, options.as_of, options.covers, connection)
    if options.jobs:
        return gather_files(options.jobs, as_of=instant, covers=claimed, quiet=options.quiet, connection=connection), instant
    return gather_all(connection, as_of=instant, quiet=options.quiet, explain=options.explain_fetch), instant


def _write(text: str, output: Path | None) -> None:
    from policycheck.formats.output import write_atomically

    if output is None:
        write_document(text.encode())
    else:
        write_atomically(output, text.encode())


def _tell(tried: TriedDraft, output: Path | None) -> None:
    """On stderr: what was written, and what it says of the lists it was drafted from."""
    rules, left = len(tried.draft.proposals), len(tried.draft.omissions)
    where = f" in {clean_line(str(output))}" if output is not None else ""
    note = f", {left} omitted (the comments say why)" if left else ""
    show_note(f"policycheck: {rules} {'rule' if rules == 1 else 'rules'}{where}{note}")
    if not tried.findings:
        show_note("policycheck: no findings with these lists")
        return
    findings = f"{tried.findings:,} {'finding' if tried.findings == 1 else 'findings'} in {tried.failed} {'rule' if tried.failed == 1 else 'rules'}"
    show_note(f"policycheck: {findings} with these lists; fix or waive them before you rely on the policy:")
    failed = [result for result in tried.results if result.findings]
    for result in failed[:_RULES_NAMED]:
        count = len(result.findings)
        show_note(f"{result.id}: {count:,} {'finding' if count == 1 else 'findings'} ({result.sentence})")
    if len(failed) > _RULES_NAMED:
        show_note(f"and {len(failed) - _RULES_NAMED} more {'rule' if len(failed) == _RULES_NAMED + 1 else 'rules'}")
