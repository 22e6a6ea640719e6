"""Where a run's job lists come from: saved files, or AWS."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from policycheck.cli.diagnostics import show_warning
from policycheck.cli.progress import show_progress
from policycheck.errors import UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.policy.model import Policy
    from policycheck.sources.connection import Connection
    from policycheck.sources.interface import Evidence
    from policycheck.sources.plan import FetchPlan


def gather_files(
    paths: Sequence[str], *, as_of: datetime, covers: tuple[datetime, datetime] | None, quiet: bool, policies: Sequence[Policy] = (), hashed: bool = False
) -> Evidence:
    """The lists of saved files; `policies` are those they are checked against, where that is known; `hashed` asks for the hashes of the files."""
    from policycheck.sources.files import read_job_files

    evidence = read_job_files(paths, as_of=as_of, covers=covers, stdin=sys.stdin.buffer, policies=policies, hashed=hashed)
    _warn(evidence, quiet=quiet)
    return evidence


def gather_aws(connection: Connection, policies: Sequence[Policy], *, as_of: datetime, longest_job: timedelta | None, quiet: bool) -> Evidence:
    """The lists these policies need, fetched now."""
    from policycheck.sources.plan import plan_fetch

    return _fetch(connection, plan_fetch(policies, as_of, longest_job), as_of=as_of, quiet=quiet)


def gather_all(connection: Connection, *, as_of: datetime, quiet: bool) -> Evidence:
    """Every list there is, as far back as AWS lists it, fetched now."""
    from policycheck.datasets import DATASETS
    from policycheck.sources.plan import FetchPlan

    return _fetch(connection, FetchPlan(tuple(DATASETS)), as_of=as_of, quiet=quiet)


def _fetch(connection: Connection, plan: FetchPlan, *, as_of: datetime, quiet: bool) -> Evidence:
    from policycheck.sources.aws import fetch_jobs

    with show_progress(quiet=quiet) as progress:
        evidence = fetch_jobs(connection, plan, as_of=as_of, progress=progress, keep_pages=False)
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
        return datetime.now(UTC)
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
        raise UsageError("--longest-job narrows what is fetched from AWS, and --jobs reads saved lists", hint="Leave out one or the other.")
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--longest-job {clean_line(text)}: {error}", hint="--longest-job 8d") from None
