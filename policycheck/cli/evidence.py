"""Where a run's job lists come from: saved files, or AWS."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_warning
from policycheck.cli.fetch_account import explain_fetch
from policycheck.cli.progress import show_progress
from policycheck.errors import UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.policy.model import Policy
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence
    from policycheck.sources.plan import FetchPlan
    from policycheck.sources.raw import FileStore


def gather_files(
    paths: Sequence[str],
    *,
    as_of: datetime,
    covers: tuple[datetime, datetime] | None,
    quiet: bool,
    policies: Sequence[Policy] = (),
    keep: FileStore | None = None,
    connection: Connection | None = None,
    hashed: bool = False,
) -> Evidence:
    """The lists of saved files, or of an archive; `policies` are those they are checked against, where that is known. Files are put into `keep`.

    `hashed` asks for the hashes of the files.
    """
    from policycheck.sources.saved import read_saved

    evidence = read_saved(paths, as_of=as_of, covers=covers, stdin=sys.stdin.buffer, policies=policies, keep=keep, connection=connection, hashed=hashed)
    _warn(evidence, quiet=quiet)
    return evidence


def gather_aws(
    connection: Connection,
    policies: Sequence[Policy],
    *,
    as_of: datetime,
    longest_job: timedelta | None,
    quiet: bool,
    keep_pages: bool = False,
    explain: bool = False,
    since: datetime | None = None,
) -> Evidence:
    """The lists these policies need, fetched now; the answers are kept as received where that is asked for.

    `explain`: say what is asked, and what came of it. `since`: the first instant that is evaluated, where that is not as_of.
    """
    from policycheck.sources.plan import plan_fetch

    return _fetch(connection, plan_fetch(policies, as_of, longest_job, since=since), as_of=as_of, quiet=quiet, keep_pages=keep_pages, explain=explain)


def gather_all(connection: Connection, *, as_of: datetime, quiet: bool, explain: bool = False) -> Evidence:
    """Every list of jobs, as far back as AWS lists it, fetched now. `explain`: say what is asked, and what came of it."""
    from policycheck.datasets import JOB_LISTS
    from policycheck.sources.plan import FetchPlan

    return _fetch(connection, FetchPlan(tuple(JOB_LISTS)), as_of=as_of, quiet=quiet, explain=explain)


def _fetch(connection: Connection, plan: FetchPlan, *, as_of: datetime, quiet: bool, explain: bool, keep_pages: bool = False) -> Evidence:
    from policycheck.sources.aws import fetch_jobs

    with explain_fetch(wanted=explain) as announce, show_progress(quiet=quiet) as progress:
        evidence = fetch_jobs(connection, plan, as_of=as_of, progress=progress, keep_pages=keep_pages, identify=keep_pages, announce=announce)
    _warn(evidence, quiet=quiet)
    return evidence


def _warn(evidence: Evidence, *, quiet: bool) -> None:
    if not quiet:
        for warning in evidence.warnings:
            show_warning(warning)


def parse_as_of(text: str) -> datetime:
    """The instant; only here does a run read the clock."""
    from policycheck.policy.literals import parse_moment
    from policycheck.settings.times import NOW

    if text == NOW:
        # Whole milliseconds, as a saved result has them: what is evaluated again is evaluated at the same instant.
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
    try:
        return parse_moment(text)
    except ValueError as error:
        raise UsageError(f"--as-of {text}: {error}") from None


def parse_covers(text: str) -> tuple[datetime, datetime]:
    """FROM..TO; raises UsageError."""
    from policycheck.settings.times import parse_interval

    try:
        return parse_interval(text)
    except ValueError as error:
        raise UsageError(f"--covers {text}: {error}", hint="--covers 2026-10-20..2026-11-20T06:00:00Z") from None


def parse_longest_job(text: str | None, jobs: Sequence[str] | None) -> timedelta | None:
    """The claim that no job takes longer; raises UsageError where it is none, or nothing is fetched."""
    from policycheck.settings.times import parse_longest_job as parse

    if text is None:
        return None
    if jobs:
        raise UsageError("--longest-job and --jobs exclude each other: it narrows what is fetched from AWS", hint="Use one of the two.")
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--longest-job {clean_line(text)}: {error}", hint="--longest-job 8d") from None
