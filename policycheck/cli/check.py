"""`policycheck check`: evaluate policies against job lists and report. The main job."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli import connection as aws
from policycheck.cli.evidence import NOW, gather_aws, gather_files, parse_as_of, parse_covers
from policycheck.cli.policies import Ignore, Params, ScopeFile, Select, load, policy_files, select_rules, source_lines
from policycheck.cli.reports import FailOn, MinSeverity, Outputs, parse_fail_on, parse_outputs, parse_severity, report, spare_inputs
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from policycheck.policy.model import Policy
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence

Policies = Annotated[list[str] | None, typer.Argument(metavar="POLICY", help="Policy files, folders or names of shipped packs.")]
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
Covers = Annotated[str | None, typer.Option("--covers", metavar="FROM..TO", help="Your claim of the time the saved lists cover completely.")]


def check(
    policies: Policies = None,
    jobs: Jobs = None,
    output: Outputs = None,
    as_of: AsOf = None,
    covers: Covers = None,
    param: Params = None,
    scope: ScopeFile = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOn = "low",
    min_severity: MinSeverity = None,
    show_passed: Annotated[bool, typer.Option("--show-passed", help="Show the rules that passed as well.")] = False,
    junit_strict: Annotated[bool, typer.Option("--junit-strict", help="Leave out of JUnit what the common XSDs do not know (file, line).")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, warning or progress on stderr.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")] = False,
    profile: aws.Profile = None,
    region: aws.Regions = None,
    role_arn: aws.RoleArns = None,
    account_id: aws.AccountId = None,
    endpoint_url: aws.EndpointUrl = None,
    ca_bundle: aws.CaBundle = None,
    no_verify_ssl: aws.NoVerifySsl = False,
    no_sign_request: aws.NoSignRequest = False,
    cli_read_timeout: aws.ReadTimeout = 60,
    cli_connect_timeout: aws.ConnectTimeout = 60,
) -> None:
    """Judge job lists against policies and report.

    Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or not enough; 4 a bug in policycheck.
    """
    if not policies:
        raise UsageError("no policy is named", hint="policycheck check POLICY, or policycheck check POLICY --jobs PATH --as-of now")
    outputs = parse_outputs(output or [])
    threshold = parse_fail_on(fail_on)
    shown = None if min_severity is None else parse_severity("--min-severity", min_severity)
    connection = aws.connect(
        profile=profile,
        regions=region,
        role_arns=role_arn,
        account_id=account_id,
        endpoint_url=endpoint_url,
        ca_bundle=ca_bundle,
        no_verify_ssl=no_verify_ssl,
        no_sign_request=no_sign_request,
        read_timeout=cli_read_timeout,
        connect_timeout=cli_connect_timeout,
    )
    instant, claimed = _times(jobs, as_of, covers, connection)
    loaded = select_rules(load(policies, param or [], scope), select or [], ignore or [])
    spare_inputs(outputs, [*policy_files(policies), *(jobs or []), *([scope] if scope else [])], jobs or [])
    evidence = _gather(jobs, loaded, connection, instant, claimed, quiet=quiet)

    from policycheck.engine.backends.polars import PolarsBackend
    from policycheck.formats.interface import Options
    from policycheck.pipeline import run

    result = run(loaded, evidence, as_of=instant, fail_on=threshold, backend=PolarsBackend())
    options = Options(
        color=colored(sys.stdout, no_color=no_color),
        width=terminal_width(sys.stdout),
        show_passed=show_passed,
        min_severity=shown,
        junit_strict=junit_strict,
        source_lines=source_lines(loaded),
    )
    report(result, outputs, options, quiet=quiet)
    raise typer.Exit(int(result.exit_code))


def _gather(
    jobs: list[str] | None,
    policies: Sequence[Policy],
    connection: Connection,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    *,
    quiet: bool,
) -> Evidence:
    if jobs:
        return gather_files(jobs, as_of=as_of, covers=covers, quiet=quiet)
    return gather_aws(connection, policies, as_of=as_of, quiet=quiet)


def _times(jobs: list[str] | None, as_of: str | None, covers: str | None, connection: Connection) -> tuple[datetime, tuple[datetime, datetime] | None]:
    """The instant, and the claim of what files cover; raises UsageError where the options contradict the source."""
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
