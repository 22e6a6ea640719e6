"""`policycheck check`: evaluate policies against job lists and report. The main job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.diagnostics import show_note, show_warning
from policycheck.cli.terminal import colored, terminal_width
from policycheck.errors import UsageError
from policycheck.policy.literals import parse_time
from policycheck.result import Result, Severity

if TYPE_CHECKING:
    from policycheck.formats.interface import Options
    from policycheck.policy.model import Policy, Rule, Scope

NEVER = "never"

_POLICIES = typer.Argument(metavar="[POLICY...]", help="Policy files, folders or names of shipped packs.")
_JOBS = typer.Option("--jobs", metavar="PATH", help="A saved job list: a file, a folder, or - for stdin. Repeat for more.")
_OUTPUT = typer.Option("--output", "-o", metavar="FORMAT[=PATH]", help="Report format, to stdout or to a file. Repeat for more. Formats: text, json, junit, sarif, markdown.")
_AS_OF = typer.Option("--as-of", metavar="TIME|now", help="The instant everything is measured from, ISO 8601. Saved lists need it: they do not say when they were made.")
_COVERS = typer.Option("--covers", metavar="FROM..TO", help="Your claim of the time the saved lists cover completely.")
_PARAM = typer.Option("--param", metavar="NAME=VALUE", help="Set a policy's parameter. Repeat for more.")
_SCOPE = typer.Option("--scope", metavar="FILE", help="The accounts and Regions that must be covered; replaces the policies' own scope.")
_SELECT = typer.Option("--select", metavar="ID", help="Judge these rules only (RULE or POLICY/RULE). Repeat for more.")
_IGNORE = typer.Option("--ignore", metavar="ID", help="Leave these rules out (RULE or POLICY/RULE). Repeat for more.")
_FAIL_ON = typer.Option("--fail-on", metavar="SEVERITY", help="The least severity that fails the run: critical, high, medium, low, info or never.")
_MIN = typer.Option("--min-severity", metavar="SEVERITY", help="Show only findings of this severity or worse; changes nothing else.")


def check(
    policies: Annotated[list[str] | None, _POLICIES] = None,
    jobs: Annotated[list[str] | None, _JOBS] = None,
    output: Annotated[list[str] | None, _OUTPUT] = None,
    as_of: Annotated[str | None, _AS_OF] = None,
    covers: Annotated[str | None, _COVERS] = None,
    param: Annotated[list[str] | None, _PARAM] = None,
    scope: Annotated[Path | None, _SCOPE] = None,
    select: Annotated[list[str] | None, _SELECT] = None,
    ignore: Annotated[list[str] | None, _IGNORE] = None,
    fail_on: Annotated[str, _FAIL_ON] = "low",
    min_severity: Annotated[str | None, _MIN] = None,
    show_passed: Annotated[bool, typer.Option("--show-passed", help="Show the rules that passed as well.")] = False,
    junit_strict: Annotated[bool, typer.Option("--junit-strict", help="Leave out of JUnit what the common XSDs do not know (file, line).")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary or warning on stderr.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; NO_COLOR does the same.")] = False,
) -> None:
    """Judge job lists against policies and report.

    Exit codes: 0 every rule passed; 1 findings; 2 the command or a policy is wrong; 3 the evidence is missing or not enough; 4 a bug in policycheck.
    """
    if not policies:
        raise UsageError("no policy is named", hint="policycheck check POLICY --jobs PATH --as-of now")
    if not jobs:
        raise UsageError("no job list is named", hint="Save one with `aws backup list-backup-jobs --output json > jobs.json` and name it with --jobs.")
    outputs = parse_outputs(output or [])
    threshold = None if fail_on == NEVER else parse_severity("--fail-on", fail_on)
    shown = None if min_severity is None else parse_severity("--min-severity", min_severity)
    instant = parse_as_of(as_of)
    claimed = parse_covers(covers) if covers else None
    loaded = select_rules(load(policies, param or [], scope), select or [], ignore or [])

    from policycheck.engine.backends.polars import PolarsBackend
    from policycheck.formats.interface import Options
    from policycheck.pipeline import run
    from policycheck.sources.files import read_job_files

    evidence = read_job_files(jobs, as_of=instant, covers=claimed, stdin=sys.stdin.buffer)
    if not quiet:
        for warning in evidence.warnings:
            show_warning(warning)
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


def load(policies: Sequence[str], params: Sequence[str], scope: Path | None) -> tuple[Policy, ...]:
    """The policies that the command line names, parameters and scope applied."""
    from policycheck.policy.catalogue import find_policies
    from policycheck.policy.load import load_policies, load_scope

    loaded = load_policies(find_policies(policies), parse_params(params))
    if scope is None:
        return loaded
    declared: Scope = load_scope(scope, scope.as_posix())
    return tuple(replace(policy, scope=declared) for policy in loaded)


def select_rules(policies: Sequence[Policy], select: Sequence[str], ignore: Sequence[str]) -> tuple[Policy, ...]:
    """The policies with the chosen rules; a choice that matches nothing is an error, and so is one that leaves nothing."""
    known = {name for policy in policies for rule in policy.rules for name in _names(policy, rule)}
    for choice in (*select, *ignore):
        if choice not in known:
            from policycheck.policy.conditions import nearest

            near = nearest(choice, known)
            raise UsageError(f"no rule is called {choice}", hint=f"Did you mean {near}?" if near else "")
    chosen = tuple(replace(policy, rules=tuple(rule for rule in policy.rules if _chosen(policy, rule, select, ignore))) for policy in policies)
    if not any(policy.rules for policy in chosen):
        raise UsageError("the selection leaves no rule to judge")
    return tuple(policy for policy in chosen if policy.rules)


def _names(policy: Policy, rule: Rule) -> tuple[str, str]:
    return rule.id, f"{policy.id}/{rule.id}"


def _chosen(policy: Policy, rule: Rule, select: Sequence[str], ignore: Sequence[str]) -> bool:
    names = _names(policy, rule)
    return (not select or any(name in select for name in names)) and not any(name in ignore for name in names)


def source_lines(policies: Sequence[Policy]) -> Mapping[tuple[str, int], str]:
    """The text of each rule's line, for carets in reports."""
    return {(policy.path, rule.location.line): policy.lines[rule.location.line - 1] for policy in policies for rule in policy.rules}


def parse_outputs(texts: Sequence[str]) -> list[tuple[str, Path | None]]:
    """FORMAT or FORMAT=PATH, text to stdout where none is given; at most one to stdout, each file once."""
    from policycheck.formats.registry import FORMATS
    from policycheck.policy.conditions import nearest

    outputs: list[tuple[str, Path | None]] = []
    for text in texts:
        name, separator, path = text.partition("=")
        if name not in FORMATS:
            near = nearest(name, FORMATS)
            raise UsageError(f"there is no format {name}", hint=f"Did you mean {near}?" if near else f"The formats are {', '.join(FORMATS)}.")
        if separator and not path:
            raise UsageError(f"--output {text} names no file", hint=f"Write {name}=report.{name}, or {name} alone for stdout.")
        outputs.append((name, Path(path) if separator else None))
    if sum(path is None for _, path in outputs) > 1:
        raise UsageError("only one format can go to stdout", hint="Write the others to files: --output sarif=results.sarif")
    paths = [path for _, path in outputs if path is not None]
    if len(set(paths)) < len(paths):
        raise UsageError("two formats would write the same file")
    return outputs or [("text", None)]


def parse_severity(option: str, text: str) -> Severity:
    try:
        return Severity(text.lower())
    except ValueError:
        never = f", {NEVER}" if option == "--fail-on" else ""
        raise UsageError(f"{option}: there is no severity {text}", hint=f"The severities are {', '.join(Severity)}{never}.") from None


def parse_as_of(text: str | None) -> datetime:
    """The instant; only here does a run read the clock."""
    if text is None:
        raise UsageError("a saved list does not say when it was made: --as-of is needed", hint="--as-of now, or the time it was saved: --as-of 2026-11-20T06:00:00Z")
    return datetime.now(UTC) if text == "now" else _parse_moment("--as-of", text)


def parse_covers(text: str) -> tuple[datetime, datetime]:
    start, separator, end = text.partition("..")
    if not separator:
        raise UsageError("--covers takes two times", hint="--covers 2026-10-20..2026-11-20T06:00:00Z")
    interval = _parse_moment("--covers", start), _parse_moment("--covers", end)
    if interval[0] > interval[1]:
        raise UsageError("--covers ends before it begins")
    return interval


def _parse_moment(option: str, text: str) -> datetime:
    try:
        moment = parse_time(text)
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
    if not 1970 < moment.year < 2300:
        raise UsageError(f"{option} {text}: the year is from 1971 to 2299")
    return moment


def parse_params(texts: Sequence[str]) -> dict[str, str]:
    params: dict[str, str] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name or not value:
            raise UsageError(f"--param {text}: a parameter is NAME=VALUE")
        if name in params:
            raise UsageError(f"--param {name} is given twice")
        params[name] = value
    return params


def report(result: Result, outputs: Sequence[tuple[str, Path | None]], options: Options, *, quiet: bool) -> None:
    """Write every report, files first; then a line on stderr where no text report says the same."""
    from policycheck.formats.output import write_atomically
    from policycheck.formats.registry import FORMATS

    documents = [(path, FORMATS[name].render(result, options if path is None else replace(options, color=False))) for name, path in outputs]
    for path, document in documents:
        if path is not None:
            write_atomically(path, _encode(document))
    for path, document in documents:
        if path is None:
            sys.stdout.buffer.write(_encode(document))
    sys.stdout.flush()
    if not quiet and ("text", None) not in outputs:
        summary = result.summary
        show_note(f"policycheck: {result.verdict}: {summary.findings} findings in {summary.failed} of {summary.rules} rules, {summary.inconclusive} inconclusive, {summary.jobs} jobs")


def _encode(document: str | bytes) -> bytes:
    return document if isinstance(document, bytes) else document.encode("utf-8")
