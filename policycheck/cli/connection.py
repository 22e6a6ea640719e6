"""The options that say how AWS is reached: the AWS CLI's names and meanings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from policycheck.sources.connection import Connection

_PANEL = "Connection to AWS"

Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of your AWS configuration.", rich_help_panel=_PANEL)]
Regions = Annotated[
    list[str] | None,
    typer.Option("--region", metavar="REGION", help="An AWS Region, or all. Repeat for more. Without it: the configured Region.", rich_help_panel=_PANEL),
]
RoleArns = Annotated[
    list[str] | None,
    typer.Option("--role-arn", metavar="ARN", help="A role to take on; its account is fetched. Repeat for more accounts.", rich_help_panel=_PANEL),
]
AccountId = Annotated[
    str | None,
    typer.Option("--account-id", metavar="ID", help='List an account of the organization, or "*" for all of them.', rich_help_panel=_PANEL),
]
LongestJob = Annotated[
    str | None,
    typer.Option(
        "--longest-job",
        metavar="DURATION",
        help="Your claim that no job takes longer (8d): older ones are not fetched where no rule looks further back.",
        rich_help_panel=_PANEL,
    ),
]
EndpointUrl = Annotated[str | None, typer.Option("--endpoint-url", metavar="URL", help="Another endpoint than AWS's own.", rich_help_panel=_PANEL)]
CaBundle = Annotated[str | None, typer.Option("--ca-bundle", metavar="FILE", help="The CA certificates to trust.", rich_help_panel=_PANEL)]
NoVerifySsl = Annotated[bool, typer.Option("--no-verify-ssl", help="Do not verify certificates.", rich_help_panel=_PANEL)]
NoSignRequest = Annotated[bool, typer.Option("--no-sign-request", help="Do not sign requests; no credentials are loaded.", rich_help_panel=_PANEL)]
ReadTimeout = Annotated[int, typer.Option("--cli-read-timeout", metavar="SECONDS", help="How long to wait for an answer; 0: for ever.", rich_help_panel=_PANEL)]
ConnectTimeout = Annotated[
    int, typer.Option("--cli-connect-timeout", metavar="SECONDS", help="How long to wait for a connection; 0: for ever.", rich_help_panel=_PANEL)
]


def connect(
    *,
    profile: str | None = None,
    regions: Sequence[str] | None = None,
    role_arns: Sequence[str] | None = None,
    account_id: str | None = None,
    endpoint_url: str | None = None,
    ca_bundle: str | None = None,
    no_verify_ssl: bool = False,
    no_sign_request: bool = False,
    read_timeout: int = 60,
    connect_timeout: int = 60,
) -> Connection:
    """The connection these options describe; raises UsageError for a value that cannot be."""
    from policycheck.sources.connection import Connection

    return Connection(
        profile=profile,
        regions=tuple(regions or ()),
        role_arns=tuple(role_arns or ()),
        account_id=account_id,
        endpoint_url=endpoint_url,
        ca_bundle=ca_bundle,
        verify_ssl=not no_verify_ssl,
        sign_request=not no_sign_request,
        read_timeout=read_timeout,
        connect_timeout=connect_timeout,
    )
