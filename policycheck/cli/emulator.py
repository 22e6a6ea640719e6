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
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="Port on 127.0.0.1; 0 selects a free port and prints it.")] = 0,
    jobs: Annotated[
        list[Path] | None,
        typer.Option("--jobs", metavar="FILE", help="Job lists as the AWS CLI saves them (JSON). Can be repeated. Default: a sample organization."),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="SPEC", help="Inject a fault: OPERATION:REQUESTS=KIND, such as ListBackupJobs:3=truncated. Can be repeated."),
    ] = None,
    disable_region: Annotated[
        list[str] | None, typer.Option("--disable-region", metavar="REGION", help="Opt-in Region that is not enabled in any account. Can be repeated.")
    ] = None,
    member: Annotated[
        list[str] | None,
        typer.Option(
            "--member",
            metavar="ID=NAME[:STATE]",
            help="Account of the organization, with or without jobs. STATE: ACTIVE (default), SUSPENDED and others. Can be repeated.",
        ),
    ] = None,
    account: Annotated[str, typer.Option("--account", metavar="ID", help="Management account. Default: the first account of the jobs.")] = "",
) -> None:
    """Serve an AWS Backup endpoint on 127.0.0.1 until interrupted. Requires the extra `emulator`.

    The address, and the variables that point the AWS CLI and every SDK at it, are printed to stdout.
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
            raise UsageError(f"--disable-region {region}: not an opt-in Region", hint=f"They are {', '.join(OPT_IN)}.")
    return frozenset(regions)


def _wait() -> None:
    """Until SIGINT or SIGTERM; both are how a server is meant to end."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
