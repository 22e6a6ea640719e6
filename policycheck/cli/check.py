"""`policycheck check`: evaluate policies against job lists and report. The main job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from policycheck.cli.baseline import parse_category, read_baseline
from policycheck.cli.bundle import Bundling, begin_bundle
from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_warning
from policycheck.cli.evidence import gather_aws, gather_files, parse_as_of, parse_covers, parse_longest_job
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load, read_matrices, source_lines
from policycheck.cli.reports import ask_for_answers, parse_fail_on, parse_outputs, parse_severity, redaction_key, report, spare_inputs, written_files
from policycheck.cli.settings import settle
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError
from policycheck.period import Period
from policycheck.settings.merging import Settings
from policycheck.settings.options import RunOptions
from policycheck.settings.period import parse_period
from policycheck.text import clean_line

if TYPE_CHECKING:
    from datetime import datetime

    from policycheck.engine.backends.interface import Backend
    from policycheck.inventory import Inventory
    from policycheck.policy.model import Policy
    from policycheck.result import Result
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence


@shared_options("check")
def check(context: typer.Context, options: RunOptions) -> None:
    """Check jobs against policies and report the findings.

    The run file, policycheck.yaml, gives every value that you do not give here.

    Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or insufficient; 4 a bug in policycheck.
    A gate (--wait) that is stopped exits with 130 or 143, which is not a pass.
    """
    judge(settle(context, options))


def judge(settings: Settings) -> None:
    """Run one check and exit with its code."""
    from policycheck.formats.interface import Options
    from policycheck.gating.pace import parse_pace

    outputs = parse_outputs(settings.output or [], of_file=settings.has_outputs_of_file, added=settings.add_output or ())
    threshold = parse_fail_on(settings.fail_on)
    redact_key = redaction_key(redact=settings.redact, quiet=settings.quiet)
    shown = None if settings.min_severity is None else parse_severity("--min-severity", settings.min_severity)
    category, connection = parse_category(settings.category), connect(settings)
    pace = parse_pace(settings)
    baseline = read_baseline(settings, waits=pace is not None)
    require_fetch(settings, waits=pace is not None)
    instant, claimed = parse_times(settings.jobs, end_of_period(settings), settings.covers, connection)
    period = parse_period(settings.from_, instant, settings.every)
    _require_instant(settings, period, waits=pace is not None)
    parse_longest_job(settings.longest_job, settings.jobs)
    backend = open_backend(settings.engine)
    bundling = begin_bundle(settings, outputs, claimed, threshold)
    policies, matrices = load(settings), read_matrices(settings)
    if bundling is not None:
        bundling.require_lists(policies)
    _spare_inputs(settings, [*outputs, *([] if bundling is None else [("bundle", bundling.path)])])
    options = Options(
        color=colored(sys.stdout, no_color=settings.no_color),
        width=terminal_width(sys.stdout),
        verbose=settings.verbose,
        show_passed=settings.show_passed,
        min_severity=shown,
        junit_strict=settings.junit_strict,
        category=category,
        source_lines=source_lines(policies),
    )
    if not settings.quiet and not (settings.select or settings.ignore or settings.framework):
        _warn_of_spare_inventories(settings.inventory or (), policies)
    answers = ask_for_answers(outputs) or bundling is not None
    if pace is not None:
        from policycheck.cli.gate import open_gate

        write = partial(report, outputs=outputs, options=options, quiet=settings.quiet, redact_key=redact_key)
        raise typer.Exit(open_gate(settings, pace, policies, connection, threshold, write, backend, answers=answers))
    since = None if period is None else period.start
    evidence = gather(settings, policies, connection, instant, claimed, bundling, hashed=answers, since=since)
    narrowed = settings.framework or ()
    evaluated = evaluate(policies, evidence, period or instant, fail_on=threshold, backend=backend, answers=answers, frameworks=narrowed, matrices=matrices)
    try:
        result, still_key = (evaluated, redact_key) if baseline is None else baseline.compare(evaluated, redact_key)
        if still_key != redact_key:
            options = replace(options, source_lines={})
        report(result, outputs, options, quiet=settings.quiet, redact_key=still_key)
    finally:
        if bundling is not None:
            # A bundle is evidence of one run, and is evaluated again without another.
            bundling.write(policies, evidence, evaluated)
    raise typer.Exit(int(result.exit_code))


def evaluate(policies: Sequence[Policy], evidence: Evidence, when: datetime | Period, **asked: Any) -> Result:
    """The result at an instant, or over a period that ends with the evidence; `asked` as of `pipeline.run`."""
    if isinstance(when, Period):
        from policycheck.backtesting.steps import evaluate_period

        return evaluate_period(policies, evidence, when, **asked)
    from policycheck.pipeline import run

    return run(policies, evidence, as_of=when, **asked)


def end_of_period(settings: Settings) -> str | None:
    """The instant that everything is measured from, or the end of the period; raises UsageError where both are named, or an end without a beginning."""
    if settings.to is None:
        return settings.as_of
    if settings.from_ is None:
        raise UsageError("--to requires the beginning of the period, --from", hint="Add --from, or use --as-of for one time.")
    of_file = settings.run_file is not None and settings.as_of == settings.run_file.values.get("as_of")
    if settings.as_of is not None and not of_file:
        raise UsageError("--to and --as-of exclude each other", hint="Use one of the two.")
    return settings.to


def _require_instant(settings: Settings, period: Period | None, *, waits: bool) -> None:
    """Raise UsageError where a period is asked for together with what is about one instant."""
    if period is not None and waits:
        raise UsageError("--wait and --from exclude each other", hint="Use one of the two.")
    if period is not None and settings.bundle is not None:
        hint = "Omit --from. For a bundle of the end of the period, use --as-of."
        raise UsageError("--bundle and --from exclude each other: a bundle holds one evaluation", hint=hint)


def require_fetch(options: RunOptions, *, waits: bool = False) -> None:
    """Raise UsageError where a fetch is to be explained and there is none, or there are many."""
    if options.explain_fetch and (options.jobs or waits):
        problem = "--wait fetches repeatedly" if waits else "--jobs reads saved lists"
        raise UsageError(f"--explain-fetch requires one fetch from AWS: {problem}", hint="Use one of the two.")


def open_backend(name: str) -> Backend:
    """The engine of this name; raises UsageError where there is none, or it is not installed."""
    from policycheck.engine.backends.registry import open_engine

    return open_engine(clean_line(name))


def _spare_inputs(settings: Settings, outputs: Sequence[tuple[str, Path | None]]) -> None:
    jobs = settings.jobs or ()
    others: list[str | Path] = [path for path in (settings.scope, settings.baseline) if path]
    others += [settings.run_file.name] if settings.run_file else []
    others += [*(settings.waivers or ()), *(settings.controls or ()), *(text.partition("=")[2] for text in settings.inventory or ())]
    spare_inputs(written_files(outputs), [*(path for path, _ in settings.files), *jobs, *others], jobs)


def _warn_of_spare_inventories(arguments: Sequence[str], policies: Sequence[Policy]) -> None:
    """Say which inventories (NAME=PATH) no rule asks for: most are misspelled."""
    from policycheck.pipeline import asked_inventories
    from policycheck.policy.conditions import nearest

    asked = asked_inventories(policies)
    if asked is None:
        return
    for name in sorted({text.partition("=")[0] for text in arguments if "=" in text} - asked):
        near = nearest(name, sorted(asked))
        show_warning(f"the inventory {name} was given, but no rule uses it" + (f"; did you mean {near}?" if near else ""))


def gather(
    settings: Settings,
    policies: Sequence[Policy],
    connection: Connection,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    bundling: Bundling | None = None,
    *,
    hashed: bool = False,
    since: datetime | None = None,
) -> Evidence:
    """The evidence that these policies are judged on, read or fetched; kept as it came where there is a bundle to be made of it.

    `hashed` asks for the hashes of files of jobs; `since` is the first instant that is evaluated, where that is not as_of.
    """
    inventories: Mapping[str, Inventory] = {}
    if bundling is not None:
        inventories = bundling.inventories()
    elif settings.inventory:
        from policycheck.sources.inventories import read_inventories

        inventories = read_inventories(settings.inventory)
    if settings.jobs:
        evidence = gather_files(
            settings.jobs,
            as_of=as_of,
            covers=covers,
            quiet=settings.quiet,
            policies=policies,
            keep=None if bundling is None else bundling.files,
            connection=connection,
            hashed=hashed,
        )
    else:
        longest_job = parse_longest_job(settings.longest_job, settings.jobs)
        evidence = gather_aws(
            connection,
            policies,
            as_of=as_of,
            longest_job=longest_job,
            quiet=settings.quiet,
            keep_pages=bundling is not None,
            explain=settings.explain_fetch,
            since=since,
        )
    return replace(evidence, inventories=inventories)


def parse_times(jobs: Sequence[str] | None, as_of: str | None, covers: str | None, connection: Connection) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """The instant, and the claim of what files cover; raises UsageError where the options contradict the source."""
    from policycheck.settings.times import NOW
    from policycheck.sources.connection import Connection as Defaults

    if jobs:
        from policycheck.sources.objects import is_object_url

        of_s3 = any(map(is_object_url, jobs))
        # Where lists are in S3, a profile says by whose credentials they are read.
        if connection != (replace(Defaults(), profiles=connection.profiles[:1]) if of_s3 else Defaults()):
            hint = "Omit the options: --profile and the AWS_ variables determine how S3 is reached." if of_s3 else "Use one of the two."
            raise UsageError("--jobs reads saved job lists, so connection options cannot be used", hint=hint)
        if as_of is None:
            hint = "Use --as-of now, or the time it was saved: --as-of 2026-11-20T06:00:00Z"
            raise UsageError("--as-of is required: a saved job list does not record when it was saved", hint=hint)
        return parse_as_of(as_of), parse_covers(covers) if covers else None
    if covers:
        raise UsageError("--covers is for saved job lists: fetched lists record what they cover", hint="Name the lists with --jobs, or omit --covers.")
    return parse_as_of(as_of or NOW), None
