"""Whose jobs are fetched and how AWS is reached: what the options say, checked. No request is made here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from policycheck.errors import UsageError
from policycheck.sources.identity import ACCOUNT, EXTERNAL_ID, ROLE, SESSION_NAME
from policycheck.text import clean_line

ALL_REGIONS = "all"
ORGANIZATION = "*"


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """One account of a list of accounts (`--accounts`), checked; what it does not say is None."""

    account: str
    role: str
    """The ARN of the role to assume there, or its path and name."""
    external_id: str | None = field(default=None, repr=False)
    session_name: str | None = None
    name: str | None = None
    profile: str | None = None
    """The profile whose credentials assume the role."""

    def role_arn(self, partition: str) -> str:
        """The ARN of the role; `partition` is that of AWS which the account is in, if the list does not say."""
        return self.role if self.role.startswith("arn:") else f"arn:{partition}:iam::{self.account}:role/{self.role}"


def partition_of(regions: Sequence[str]) -> str:
    """The partition that Regions of these names are in; `aws` where nothing says another."""
    return next((partition for prefix, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov")) for region in regions if region.startswith(prefix)), "aws")


@dataclass(frozen=True, slots=True)
class Connection:
    """Whose jobs are fetched and how AWS is reached: the names and meanings of the AWS CLI's options, and which accounts.

    Raises UsageError for a value that cannot be: an account id or role ARN of another form, a negative timeout, a CA bundle that is no file.
    """

    profiles: tuple[str, ...] = ()
    """One account each; none for the credentials of the environment."""
    regions: tuple[str, ...] = ()
    """One list for each; `all` for every Region AWS Backup has; none for the Region of the environment or the profile."""
    role_arns: tuple[str, ...] = ()
    """Roles to assume, one account each; none for the caller's own account."""
    accounts: tuple[ListedAccount, ...] = ()
    """In place of `role_arns`: the accounts of a list, each with the role to assume there."""
    left_out: tuple[str, ...] = ()
    """Accounts that the list has and that are not asked, since it says of them that they are not active."""
    role_external_id: str | None = field(default=None, repr=False)
    """ExternalId for every role whose list does not say another."""
    role_session_name: str | None = None
    account_id: str | None = None
    """ByAccountId: an account of the organization, or `*` for all of them."""
    endpoint_url: str | None = None
    ca_bundle: str | None = None
    verify_ssl: bool = True
    sign_request: bool = True
    read_timeout: int = 60
    """Seconds; 0 waits indefinitely."""
    connect_timeout: int = 60

    def __post_init__(self) -> None:
        if self.account_id not in (None, ORGANIZATION) and not ACCOUNT.fullmatch(str(self.account_id)):
            raise UsageError(
                f"--account-id {clean_line(str(self.account_id))}: an account id is exactly 12 digits", hint='"*" is every account of the organization'
            )
        self._check_roles()
        for option, seconds in (("--cli-read-timeout", self.read_timeout), ("--cli-connect-timeout", self.connect_timeout)):
            if seconds < 0:
                raise UsageError(f"{option} {seconds}: a timeout is 0 or more seconds", hint="0 waits indefinitely")
        if self.endpoint_url is not None and not _is_url(self.endpoint_url):
            raise UsageError("--endpoint-url: not a URL", hint="https://host[:port]")
        if self.ca_bundle is not None and not Path(self.ca_bundle).is_file():
            raise UsageError(f"--ca-bundle {clean_line(self.ca_bundle)}: there is no such file")

    def _check_roles(self) -> None:
        for role in self.role_arns:
            if not ROLE.fullmatch(role):
                raise UsageError(f"--role-arn {clean_line(role)}: not the ARN of a role", hint="arn:aws:iam::111122223333:role/AWSBackupAudit")
        given = "--role-arn" if self.role_arns else "--accounts"
        if self.role_arns and self.accounts:
            raise UsageError("--accounts and --role-arn exclude each other", hint="Name every account and its role in the list of accounts.")
        if self.assumes_roles and not self.sign_request:
            raise UsageError(f"{given} requires signed requests", hint="omit --no-sign-request")
        if self.assumes_roles and self.account_id:
            raise UsageError(f"--account-id and {given} exclude each other", hint="a role lists the jobs of its own account")
        if len(self.profiles) > 1 and self.account_id:
            raise UsageError("--account-id takes one --profile", hint="Name the profile of the organization's management account.")
        if len(self.profiles) > 1 and self.assumes_roles:
            hint = "Name one --profile, or write the profile of each account into the list of accounts."
            raise UsageError(f"{given} takes one --profile: with several, it is unknown which of them assumes a role", hint=hint)
        for option, value, pattern in (
            ("--role-external-id", self.role_external_id, EXTERNAL_ID),
            ("--role-session-name", self.role_session_name, SESSION_NAME),
        ):
            if value is not None and not self.assumes_roles:
                raise UsageError(f"{option} requires a role", hint="Name them with --role-arn or --accounts.")
            if value is not None and not pattern.fullmatch(value):
                # Whoever mixes up options may have put a secret here.
                raise UsageError(
                    f"{option}: not a value that AWS takes", hint=f"Letters, digits and + = , . @ - only: {pattern.pattern.partition(']')[2]} of them."
                )

    @property
    def assumes_roles(self) -> bool:
        """Whether every account is read by a role that is assumed."""
        return bool(self.role_arns or self.accounts)

    @property
    def used_profiles(self) -> tuple[str | None, ...]:
        """The profiles whose credentials are needed, in the order named; None is the environment."""
        usual = self.profiles[:1] or (None,)
        if self.accounts:
            return tuple(dict.fromkeys(entry.profile or usual[0] for entry in self.accounts))
        return usual if self.role_arns else tuple(dict.fromkeys(self.profiles)) or (None,)

    @property
    def verify(self) -> bool | str | None:
        """What botocore calls `verify`; None leaves it to the configuration."""
        return False if not self.verify_ssl else self.ca_bundle


# Every Region of the partition `aws` that an account has without enabling it (AWS Account Management reference guide).
_ALWAYS_ENABLED = frozenset(
    "us-east-1 us-east-2 us-west-1 us-west-2 ca-central-1 sa-east-1 eu-west-1 eu-west-2 eu-west-3 eu-central-1 eu-north-1 ap-south-1 "
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2".split()
)


_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
"""How the names of Regions outside the partition `aws` begin: none of them has to be enabled."""


def is_opt_in(region: str) -> bool:
    """Whether a Region has to be enabled before an account can use it."""
    return region not in _ALWAYS_ENABLED and not region.startswith(_OTHER_PARTITIONS)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
