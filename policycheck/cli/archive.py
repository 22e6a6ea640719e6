"""`policycheck archive`: what is in an archive, and upkeep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.cli.terminal import write_document
from policycheck.errors import ExitCode, UsageError
from policycheck.text import clean_line

if TYPE_CHECKING:
    from policycheck.sources.archive.tables import Archive
    from policycheck.sources.archive.upkeep import ArchiveStatus, ListStatus

_ACTIONS = ("status", "compact")


def archive(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="status: show what it holds and whether it is complete. compact: combine small files.")],
    path: Annotated[str, typer.Argument(metavar="DIR", help="Archive: a folder or s3://BUCKET/PREFIX.")],
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Profile of the AWS configuration, for S3.")] = None,
) -> None:
    """Show the status of an archive of job lists, or compact it. Requires the extra `archive`.

    status reads every file. compact loses no job; replaced files are deleted after a week.

    Exit codes: 0 done; 2 the command is wrong; 3 the archive does not exist or is damaged; 4 a bug in policycheck.
    """
    from policycheck.sources.archive.tables import Archive
    from policycheck.sources.connection import Connection

    if action not in _ACTIONS:
        raise UsageError(f"there is no action {clean_line(action)} of archives", hint=f"The actions are {', '.join(_ACTIONS)}.")
    store = Archive(path, Connection(profiles=(profile,) if profile else ()))
    if action == "compact":
        _compact(store)
        return
    _show_status(store)


def _compact(store: Archive) -> None:
    from policycheck.sources.archive.upkeep import compact

    lines = [f"{one.table}: {one.before:,} files, now {one.after:,}; {one.removed:,} replaced ones deleted\n" for one in compact(store)]
    write_document("".join(lines).encode())


def _show_status(store: Archive) -> None:
    from policycheck.sources.archive.job_files import repair_hint
    from policycheck.sources.archive.upkeep import read_status

    status = read_status(store, datetime.now(UTC))
    lines = [*_totals(store, status), "", *(line for one in status.lists for line in _lines(one))]
    if status.damage:
        lines += ["", *(f"damaged: {line}" for line in status.damage), f"help: {repair_hint(store)}"]
    write_document("".join(f"{clean_line(line)}\n" for line in lines).encode())
    if status.damage:
        raise typer.Exit(int(ExitCode.EVIDENCE))


def _totals(store: Archive, status: ArchiveStatus) -> Sequence[str]:
    from policycheck.sources.archive.reading import spell_bytes

    lines = [f"{store.name}: {status.fetches:,} {'fetch' if status.fetches == 1 else 'fetches'}"]
    for table in status.tables:
        days = f"{table.days:,} {'day' if table.days == 1 else 'days'}"
        lines.append(f"{table.dataset.noun}s: {table.rows:,} rows of {days} in {table.files:,} files, {spell_bytes(table.bytes)}")
    return lines


def _lines(one: ListStatus) -> Sequence[str]:
    from policycheck.datasets import DATASETS
    from policycheck.records import iso

    dataset, account, region = one.key
    name = f"{DATASETS[dataset].noun}s {account or 'account unknown'}/{region}"
    spans = [f"{iso(start.replace(microsecond=0))} to {iso(end.replace(microsecond=0))}" for start, end in one.intervals]
    gaps = [f"  gap: {iso(before[1].replace(microsecond=0))} to {iso(after[0].replace(microsecond=0))}" for before, after in pairwise(one.intervals)]
    lines = [f"{name}: {'covered ' + ', '.join(spans) if spans else 'nothing is covered'}", *gaps]
    return [*lines, *([f"  the last fetch failed: {one.failed}"] if one.failed else [])]
