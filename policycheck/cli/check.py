"""`policycheck check`: evaluate policies against job lists and report. The main job."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli import connection as aws
from policycheck.cli.diagnostics import show_warning
from policycheck.cli.engine import DEFAULT_ENGINE, Engine, open_backend
from policycheck.cli.evidence import gather_aws, gather_files, parse_as_of, parse_covers, parse_longest_job
from policycheck.cli.gate import Poll, Wait, open_gate, parse_pace
from policycheck.cli.policies import Framework, Ignore, Params, ScopeFile, Select, Waivers, load, source_lines
from policycheck.cli.reports import FailOn, MinSeverity, Outputs, ask_for_answers, parse_fail_on, parse_outputs, parse_severity, report, spare_inputs
from policycheck.cli.settings import Config, NoConfig, Policies, Settings, settle
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from policycheck.policy.model import Policy
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence

Jobs = Annotated[
    list[str] | None,
    typer.Option(
        "--jobs", metavar="PATH", help="A saved job list: a file, a folder, or - for stdin. Repeat for more. Without it the jobs are fetched from AWS."
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="TIME|now", help="The instant everything is measured from, ISO 8601. Saved lists need it: they do not say when they were made."
    ),
]
Inventories = Annotated[
    list[str] | None,
    typer.Option("--inventory", metavar="NAME=PATH", help="An inventory of resources, by the name that rules give it: CSV, JSON or YAML. Repeat for more."),
]
Covers = Annotated[str | None, typer.Option("--covers", metavar="FROM..TO", help="Your claim of the time the saved lists cover completely.")]


def check(
    context: typer.Context,
    policies: Policies = None,
    jobs: Jobs = None,
    output: Outputs = None,
    as_of: AsOf = None,
    covers: Covers = None,
    param: Params = None,
    scope: ScopeFile = None,
    waivers: Waivers = None,
    inventory: Inventories = None,
    select: Select = None,
    ignore: Ignore = None,
    framework: Framework = None,
    wait: Wait = None,
    poll: Poll = None,
    fail_on: FailOn = "low",
    min_severity: MinSeverity = None,
    show_passed: Annotated[bool, typer.Option("--show-passed", help="Show the rules that passed as well.")] = False,
    junit_strict: Annotated[bool, typer.Option("--junit-strict", help="Leave out of JUnit what the common XSDs do not know (file, line).")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, warning or progress on stderr.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")] = False,
    config: Config = None,
    no_config: NoConfig = False,
    engine: Engine = DEFAULT_ENGINE,
    profile: aws.Profile = None,
    region: aws.Regions = None,
    role_arn: aws.RoleArns = None,
    account_id: aws.AccountId = None,
    longest_job: aws.LongestJob = None,
    endpoint_url: aws.EndpointUrl = None,
    ca_bundle: aws.CaBundle = None,
    no_verify_ssl: aws.NoVerifySsl = False,
    no_sign_request: aws.NoSignRequest = False,
    cli_read_timeout: aws.ReadTimeout = 60,
    cli_connect_timeout: aws.ConnectTimeout = 60,
) -> None:
    """Judge job lists against policies and report.

    What is not given here is taken from the run file, policycheck.yaml.

    Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or not enough; 4 a bug in policycheck.
    A gate (--wait) that is stopped ends with 130 or 143: that is no pass.
    """
    judge(settle(context))


def judge(settings: Settings) -> None:
    """Run one check and exit with its code."""
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

    from policycheck.formats.interface import Options

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
        write = partial(report, outputs=outputs, options=options, quiet=settings.quiet)
        raise typer.Exit(open_gate(settings, pace, policies, connection, threshold, write, backend, answers=answers))
    evidence = gather(settings, policies, connection, instant, claimed)

    from policycheck.pipeline import run

    result = run(policies, evidence, as_of=instant, fail_on=threshold, backend=backend, answers=answers)
    report(result, outputs, options, quiet=settings.quiet)
    raise typer.Exit(int(result.exit_code))


def connect(settings: Settings) -> Connection:
    """How AWS would be reached."""
    return aws.connect(
        profile=settings.profile,
        regions=settings.region,
        role_arns=settings.role_arn,
        account_id=settings.account_id,
        endpoint_url=settings.endpoint_url,
        ca_bundle=settings.ca_bundle,
        no_verify_ssl=settings.no_verify_ssl,
        no_sign_request=settings.no_sign_request,
        read_timeout=settings.cli_read_timeout,
        connect_timeout=settings.cli_connect_timeout,
    )


def _spare_inputs(settings: Settings, outputs: Sequence[tuple[str, Path | None]]) -> None:
    jobs = settings.jobs or ()
    others: list[str | Path] = [settings.scope] if isinstance(settings.scope, Path) else []
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
    from policycheck.sources.inventories import read_inventories

    inventories = read_inventories(settings.inventory or ())
    if settings.jobs:
        evidence = gather_files(settings.jobs, as_of=as_of, covers=covers, quiet=settings.quiet, policies=policies)
    else:
        longest_job = parse_longest_job(settings.longest_job, settings.jobs)
        evidence = gather_aws(connection, policies, as_of=as_of, longest_job=longest_job, quiet=settings.quiet)
    return replace(evidence, inventories=inventories)


def parse_times(jobs: Sequence[str] | None, as_of: str | None, covers: str | None, connection: Connection) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """The instant, and the claim of what files cover; raises UsageError where the options contradict the source."""
    from policycheck.policy.runfile import NOW
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
