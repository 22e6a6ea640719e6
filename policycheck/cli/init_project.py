"""What `policycheck init --directory` writes: a policy, its tests, a run file and a pipeline. A file that is there already is compared, never replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_note
from policycheck.cli.terminal import write_document
from policycheck.errors import UsageError
from policycheck.settings.options import RunOptions
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.drafting.project import ProjectFile, Sources
    from policycheck.drafting.trial import TriedDraft
    from policycheck.engine.backends.interface import Backend

NO_PIPELINE = "none"


def require_project(directory: Path, output: Path | None, ci: str, jobs: Sequence[str], *, force: bool) -> None:
    """Raise UsageError for options that contradict each other, a pipeline that there is not, or a folder that is none or holds the job lists."""
    from policycheck.cli.reports import spare_inputs
    from policycheck.drafting.project import PIPELINES, POLICIES
    from policycheck.policy.conditions import nearest

    if output is not None:
        raise UsageError("--directory and --output exclude each other", hint="--directory writes the policy and what belongs to it; --output the policy alone.")
    if force:
        raise UsageError("--force is for --output: a file of a project is never replaced", hint="Apply the difference that is printed, or remove the file.")
    if ci not in (*PIPELINES, NO_PIPELINE):
        near = nearest(ci, [*PIPELINES, NO_PIPELINE])
        hint = f"Did you mean {near}?" if near else f"Name one of {', '.join(PIPELINES)} or {NO_PIPELINE}."
        raise UsageError(f"there is no pipeline for {clean_line(ci)}", hint=hint)
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--directory: {clean_line(str(directory))} is not a folder")
    spare_inputs([("policy", directory / POLICIES / "policy.yaml")], jobs, jobs)


def write_project(tried: TriedDraft, options: RunOptions, directory: Path, ci: str, backend: Backend) -> None:
    """Write what is not there, and print to stdout how a file that is there would change; on stderr say what was done and what to do next."""
    from policycheck.drafting.project import POLICIES, ProjectFile, pipeline, run_file
    from policycheck.drafting.trial import load_text
    from policycheck.explaining.sampled_tests import write_tests
    from policycheck.formats.escape import defuse_commands

    name = tried.draft.policy
    files = [ProjectFile(f"{POLICIES}/{name}.yaml", tried.text)]
    if tests := write_tests(load_text(tried.text, name), backend):
        files.append(ProjectFile(f"{POLICIES}/{name}.test.yaml", tests))
    files.append(run_file(_sources(tried, options, directory)))
    if ci != NO_PIPELINE:
        files.append(pipeline(ci))
    # All are compared before any is written.
    differences = [file.difference(directory) for file in files]
    written = [_write(file, difference, directory, quiet=options.quiet) for file, difference in zip(files, differences, strict=True)]
    proposed = "".join(difference for difference in differences if difference)
    if proposed:
        write_document("".join(f"{defuse_commands(line)}\n" for line in proposed.splitlines()).encode())
    if not options.quiet:
        _tell_next(written[0], directory, ci, proposed=bool(proposed), fetched=not options.jobs)


def _write(file: ProjectFile, difference: str | None, directory: Path, *, quiet: bool) -> str:
    from policycheck.formats.output import write_atomically

    path = directory / file.name
    if difference is None:
        write_atomically(path, file.text.encode())
    if not quiet:
        did = "wrote" if difference is None else "kept, the difference is on stdout:" if difference else "unchanged:"
        show_note(f"policycheck: {did} {path.as_posix()}")
    return path.as_posix()


def _sources(tried: TriedDraft, options: RunOptions, directory: Path) -> Sources:
    """Where the run file says that jobs come from. What says who answers for AWS, or is of this machine alone (a profile), it does not say."""
    from policycheck.drafting.project import Sources

    if options.jobs:
        inside = [_inside(text, directory) for text in options.jobs]
        if not all(inside):
            return Sources(outside=options.jobs)
        return Sources(jobs=[text for text in inside if text], as_of=options.as_of or "", covers=options.covers or "")
    accounts = _inside(options.accounts, directory) if options.accounts else ""
    return Sources(
        # Not what was asked for: a Region that could not be read would be missing in every run.
        regions=tried.draft.scope.regions or options.region or (),
        role_arns=options.role_arn or (),
        accounts=accounts or "",
        account_id=options.account_id or "",
        role_external_id=options.role_external_id or "",
    )


def _inside(text: str, directory: Path) -> str | None:
    """A path as the run file names it; None where it cannot."""
    if text.startswith("s3://"):
        return text
    path = os.path.relpath(os.path.realpath(text), os.path.realpath(directory)) if text != "-" else ""
    return Path(path).as_posix() if path and not path.startswith(os.pardir) else None


def _tell_next(policy: str, directory: Path, ci: str, *, proposed: bool, fetched: bool) -> None:
    from policycheck.drafting.project import PIPELINES

    here = "" if directory.resolve() == Path.cwd() else f"Go to {directory.as_posix()}. "
    steps = [f"Read {policy}: remove the rules that you do not want. policycheck test shows what each finds."]
    if proposed:
        steps.append("Apply the difference if you want it: run the same command again and pipe it into patch -p1.")
    steps.append(f"{here}Run policycheck check: it exits with 1 until every finding is resolved or waived (policycheck waive).")
    if fetched:
        steps.append("Give the role of the pipeline what policycheck permissions prints.")
    if ci in PIPELINES:
        steps.append(f"Replace the placeholders in {(directory / PIPELINES[ci][1]).as_posix()}, as its first lines say, and commit the files.")
    steps.append("Keep evidence with policycheck check --bundle evidence.zip" + ("; gate a deployment with policycheck check --wait 30m." if fetched else "."))
    show_note("Next:")
    for number, step in enumerate(steps, 1):
        show_note(f"{number}. {step}")


def tell_unread(unread: Sequence[str]) -> None:
    """Warn of accounts and Regions that the policy says nothing of."""
    from policycheck.cli.diagnostics import show_warning

    for text in unread:
        show_warning(f"{text}. Fix that and run policycheck init again, or add it to the scope yourself.")
