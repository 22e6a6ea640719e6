"""How AWS is reached, as options say it: the AWS CLI's names and meanings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from policycheck.settings.options import RunOptions
    from policycheck.sources.connection import Connection, ListedAccount


def connect(options: RunOptions) -> Connection:
    """The connection these options describe. Raises UsageError for a value that cannot be, AccountsFileError for mistakes in the list of accounts."""
    from policycheck.sources.connection import Connection

    accounts: tuple[ListedAccount, ...] = ()
    left_out: tuple[str, ...] = ()
    if options.accounts is not None:
        from policycheck.sources.accounts import read_accounts

        accounts, left_out = read_accounts(options.accounts)
    return Connection(
        profiles=tuple(options.profile or ()),
        accounts=accounts,
        left_out=left_out,
        role_external_id=options.role_external_id,
        role_session_name=options.role_session_name,
        regions=tuple(options.region or ()),
        role_arns=tuple(options.role_arn or ()),
        account_id=options.account_id,
        endpoint_url=options.endpoint_url,
        ca_bundle=options.ca_bundle,
        verify_ssl=not options.no_verify_ssl,
        sign_request=not options.no_sign_request,
        read_timeout=options.cli_read_timeout,
        connect_timeout=options.cli_connect_timeout,
    )
