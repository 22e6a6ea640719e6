"""`policycheck emulator`: a local AWS Backup endpoint to test pipelines with."""

from __future__ import annotations

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policycheck.errors import UsageError

if TYPE_CHECKING:
    from policycheck.emulator.store import Store


def emulator(
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="The port on 127.0.0.1; 0 takes a free one and prints it.")] = 0,
    jobs: Annotated[
        list[Path] | None,
        typer.Option("--jobs", metavar="FILE", help="Job lists as the AWS CLI saves them (JSON). Repeat for more. Without it: a sample organization."),
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", metavar="SPEC", help="Go wrong: OPERATION:REQUESTS=KIND, ListBackupJobs:3=truncated. Repeat for more.")
    ] = None,
    disable_region: Annotated[
        list[str] | None, typer.Option("--disable-region", metavar="REGION", help="An opt-in Region that is not enabled in any account. Repeat for more.")
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member",
            metavar="ID=NAME[:STATE]",
            help="An account of the organization, with or without jobs; STATE: ACTIVE if not given, SUSPENDED, ... Repeat for more.",
        ),
    ] = None,
    account: Annotated[str, typer.Option("--account", metavar="ID", help="The management account; without it the first of the jobs.")] = "",
) -> None:
    """Serve an AWS Backup endpoint on 127.0.0.1 until it is interrupted. Needs the extra `emulator`.

    The address and the variables that point the AWS CLI and every SDK at it are printed on stdout.
    """
    from policycheck.emulator.members import Member
    from policycheck.emulator.server import serve

    if account and not (len(account) == 12 and account.isdecimal() and account.isascii()):
        raise UsageError(f"--account {account}: an account id is exactly 12 digits")
    if account and not jobs:
        raise UsageError("--account is for your own lists", hint="Name them with --jobs; the sample organization has its own management account.")
    store = _store(jobs or [], account)
    store.disabled_regions = _disabled(disable_region or [])
    store.organization = (*store.organization, *map(Member.parse, member or []))
    with serve(store, port=port, faults=fault or []) as endpoint:
        sys.stdout.write(f"{endpoint.url}\n")
        sys.stdout.writelines(f"export {name}={value}\n" for name, value in endpoint.environment.items())
        sys.stdout.flush()
        _wait()


def _store(jobs: list[Path], account: str) -> Store:
    from policycheck.emulator.organization import organization
    from policycheck.emulator.store import Store

    if jobs:
        return Store.of_files(jobs, management=account)
    return Store.of_organization(organization(datetime.now(UTC).replace(microsecond=0)))


def _disabled(regions: list[str]) -> frozenset[str]:
    from policycheck.emulator.regions import OPT_IN

    for region in regions:
        if region not in OPT_IN:
            raise UsageError(f"--disable-region {region}: no Region that has to be enabled", hint=f"They are {', '.join(OPT_IN)}.")
    return frozenset(regions)


def _wait() -> None:
    """Until SIGINT or SIGTERM; both are how a server is meant to end."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
