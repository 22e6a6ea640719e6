"""`policycheck fetch`: add what is new in AWS's job lists to an archive."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.connection import connect
from policycheck.cli.diagnostics import show_note, show_warning
from policycheck.cli.fetch_account import explain_fetch
from policycheck.cli.options import shared_options
from policycheck.cli.policies import load
from policycheck.cli.progress import show_progress
from policycheck.cli.settings import settle
from policycheck.errors import ExitCode
from policycheck.settings.options import RunOptions

if TYPE_CHECKING:
    from policycheck.policy.model import Policy
    from policycheck.sources.archive.fetching import ArchivedFetch


@shared_options("fetch")
def fetch(
    context: typer.Context,
    options: RunOptions,
    archive: Annotated[str, typer.Option("--archive", metavar="DIR|s3://BUCKET/PREFIX", help="Archive, which is created if it does not exist.")],
    repair: Annotated[bool, typer.Option("--repair", help="Remove missing or damaged files from the archive, and fetch again what AWS lists.")] = False,
) -> None:
    """Add new jobs from AWS's job lists to an archive. Requires the extra `archive`.

    With policies: the lists that their rules need and, without --region, the Regions of their scope. Without policies: every list.

    Exit codes: 0 every list was read completely; 2 the command or a policy is wrong; 3 a list was not read, or the archive is damaged; 4 a bug in policycheck.
    """
    from policycheck.datasets import DATASETS, JOB_LISTS
    from policycheck.sources.archive.fetching import fetch_into
    from policycheck.sources.archive.tables import Archive
    from policycheck.sources.plan import plan_fetch

    settings = settle(context, options, spare=None)
    policies: list[Policy] = list(load(settings)) if settings.files else []
    plan = plan_fetch(policies, datetime.now(UTC))
    connection = connect(settings)
    if not connection.regions and plan.declared_regions:
        connection = replace(connection, regions=tuple(sorted(plan.declared_regions)))
    store = Archive(archive, connection)
    if repair:
        _repair(store)
    names = tuple(name for name in plan.datasets if name in JOB_LISTS) if policies else tuple(JOB_LISTS)
    if not settings.quiet and (others := [DATASETS[name].noun + "s" for name in plan.datasets if name not in JOB_LISTS]):
        show_warning(f"an archive holds job lists only: {' and '.join(others)} are not archived")
    with explain_fetch(wanted=settings.explain_fetch) as announce, show_progress(quiet=settings.quiet) as progress:
        done = fetch_into(store, connection, names, declared_regions=plan.declared_regions, progress=progress, announce=announce)
    if not settings.quiet:
        for warning in done.warnings:
            show_warning(warning)
        _tell(store.name, done)
    for row in done.failed:
        show_note(f"error: the {DATASETS[row.dataset].noun}s of {row.account or 'account unknown'}/{row.region} were not read: {row.error}")
    raise typer.Exit(int(ExitCode.EVIDENCE if done.failed else ExitCode.OK))


def _repair(store: object) -> None:
    from policycheck.sources.archive.tables import Archive
    from policycheck.sources.archive.upkeep import give_up_damaged

    assert isinstance(store, Archive)
    lines = give_up_damaged(store, datetime.now(UTC))
    for line in lines or ["no file in the archive is damaged"]:
        show_note(f"policycheck: repair: {line}")


def _tell(name: str, done: ArchivedFetch) -> None:
    complete = len(done.rows) - len(done.failed)
    show_note(
        f"policycheck: {name}: {done.jobs:,} {'job' if done.jobs == 1 else 'jobs'} listed, {done.added:,} new {'row' if done.added == 1 else 'rows'}; "
        f"{complete} of {len(done.rows)} lists read completely"
    )
