"""How AWS is reached: the options of the command line, and the clients made of them. boto3 is imported only when a session is opened."""

from __future__ import annotations

import getpass
import os
import re
import warnings
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from policycheck.errors import LastingError, PolicycheckError, UsageError
from policycheck.text import clean_line
from policycheck.version import __version__

ALL_REGIONS = "all"
ORGANIZATION = "*"
SESSION_NAME = "policycheck"
ATTEMPTS = 8
"""Requests for one page, the first included. botocore's standard mode waits at most 1, 2, 4, 8, 16, 20 and 20 s between them when throttled (half of that on
average, 35 s in all) and 50 ms to 3.2 s otherwise. AWS Backup gives ListBackupJobs 20 requests a second for a whole account, other tools included."""

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/[\w+=,.@/-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Connection:
    """Whose jobs are fetched and how AWS is reached: the names and meanings of the AWS CLI's options, and `--role-arn`.

    Raises UsageError for a value that cannot be: an account id or role ARN of another form, a negative timeout, a CA bundle that is no file.
    """

    profile: str | None = None
    regions: tuple[str, ...] = ()
    """One list for each; `all` for every Region AWS Backup has; none for the Region of the environment or the profile."""
    role_arns: tuple[str, ...] = ()
    """Roles to take on, one account each; none for the caller's own account."""
    account_id: str | None = None
    """ByAccountId: an account of the organization, or `*` for all of them."""
    endpoint_url: str | None = None
    ca_bundle: str | None = None
    verify_ssl: bool = True
    sign_request: bool = True
    read_timeout: int = 60
    """Seconds; 0 waits for ever."""
    connect_timeout: int = 60

    def __post_init__(self) -> None:
        if self.account_id not in (None, ORGANIZATION) and not _ACCOUNT.fullmatch(str(self.account_id)):
            raise UsageError(
                f"--account-id {clean_line(str(self.account_id))}: an account id is exactly 12 digits", hint='"*" is every account of the organization'
            )
        for role in self.role_arns:
            if not _ROLE.fullmatch(role):
                raise UsageError(f"--role-arn {clean_line(role)}: not the ARN of a role", hint="arn:aws:iam::111122223333:role/AWSBackupAudit")
        if self.role_arns and not self.sign_request:
            raise UsageError("--role-arn needs signed requests", hint="leave out --no-sign-request")
        if self.role_arns and self.account_id:
            raise UsageError("--account-id and --role-arn exclude each other", hint="a role lists the jobs of its own account")
        for option, seconds in (("--cli-read-timeout", self.read_timeout), ("--cli-connect-timeout", self.connect_timeout)):
            if seconds < 0:
                raise UsageError(f"{option} {seconds}: a timeout is 0 or more seconds", hint="0 waits for ever")
        if self.endpoint_url is not None and not _is_url(self.endpoint_url):
            raise UsageError("--endpoint-url: not a URL", hint="https://host[:port]")
        if self.ca_bundle is not None and not Path(self.ca_bundle).is_file():
            raise UsageError(f"--ca-bundle {clean_line(self.ca_bundle)}: there is no such file")

    @property
    def verify(self) -> bool | str | None:
        """What botocore calls `verify`; None leaves it to the configuration."""
        return False if not self.verify_ssl else self.ca_bundle


_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""A Region of each partition that is always enabled."""

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


def account_of_role(role_arn: str) -> str | None:
    """The account a role ARN names."""
    found = _ROLE.fullmatch(role_arn)
    return found["account"] if found else None


class AwsSession:
    """One boto3 session and the clients made of it. Safe to use from several threads.

    Opening it resolves the credentials, so that a login that has ended, a profile that is not there or a code that is asked for shows once and at once.
    """

    def __init__(self, connection: Connection) -> None:
        """Raises FetchError or UsageError: see `aws_errors`."""
        import boto3

        from policycheck.sources.aws_errors import explained

        self.connection = connection
        self._lock = Lock()
        self._turns: dict[str, Lock] = {}
        self._assumed: dict[str, Mapping[str, str] | PolicycheckError] = {}
        self._endpoints: dict[str, str] = {}
        with explained():
            self._boto3 = boto3.Session(profile_name=connection.profile)
            if connection.sign_request:
                self._resolve_credentials()
        if not connection.verify_ssl:
            _silence_urllib3()

    def _resolve_credentials(self) -> None:
        from botocore.exceptions import NoCredentialsError

        credentials = self._boto3.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        with warnings.catch_warnings():
            # Where a code is asked for and there is no terminal, the error says so.
            warnings.simplefilter("ignore", getpass.GetPassWarning)
            frozen = credentials.get_frozen_credentials()
        for name, value in (("access key id", frozen.access_key), ("secret access key", frozen.secret_key), ("session token", frozen.token)):
            # A value with a line break would end up, in parts, in the errors of whoever makes a header of it.
            if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable() and not any(map(str.isspace, value))):
                problem = "is no text" if not isinstance(value, str) else "holds a space, a line break or a character that no key has"
                raise LastingError(f"the {name} that was found {problem}", hint="copy the credentials again, on one line each, or log in anew")

    @property
    def default_region(self) -> str | None:
        """The Region of the environment (AWS_REGION first, as in version 2 of the AWS CLI), else the profile's."""
        region: str | None = os.environ.get("AWS_REGION") or self._boto3.region_name
        return region

    def regions(self) -> tuple[str, ...]:
        """The Regions to ask, each once, in the order named; `all` takes those botocore knows for AWS Backup, disabled ones included. No request is made."""
        from botocore.utils import validate_region_name

        from policycheck.sources.aws_errors import explained

        named = tuple(dict.fromkeys(self.connection.regions))
        others = tuple(name for name in named if name != ALL_REGIONS)
        with explained():
            for name in others:
                validate_region_name(name)
            if ALL_REGIONS in named:
                known = self._boto3.get_available_regions("backup", partition_name=self._partition())
                return tuple(dict.fromkeys((*known, *others)))
            if not named and self.default_region:
                named = (self.default_region,)
        if not named:
            error = LastingError("no Region is named", hint="name one with --region (or all), AWS_REGION or the profile's region")
            error.aws_exit_code = 253
            raise error
        return named

    def setting(self, name: str) -> str | None:
        """What the profile says of a setting of the AWS CLI (`output`, say). Raises FetchError where the configuration cannot be read."""
        from policycheck.sources.aws_errors import explained

        with explained():
            # boto3 has no public way to the settings that it does not use itself.
            value = self._boto3._session.get_scoped_config().get(name)
        return value if isinstance(value, str) else None

    def _partition(self) -> str:
        from botocore.exceptions import UnknownRegionError

        try:
            return str(self._boto3.get_partition_for_region(self.default_region)) if self.default_region else "aws"
        except UnknownRegionError:
            return "aws"

    def backup_client(self, region: str, role_arn: str | None = None) -> Any:
        """A client for AWS Backup in one Region, as the caller or in a role. Raises FetchError or UsageError."""
        client = self._client("backup", region, self.connection.endpoint_url, self._credentials(role_arn))
        self._endpoints[region] = str(client.meta.endpoint_url)
        return client

    def foreign_host(self, region: str) -> str:
        """The host that answered for AWS Backup in a Region, where it is none of AWS's own: whoever reads the result must know."""
        url = self._endpoints.get(region, "")
        return "" if not url or _is_aws(url) else urlsplit(url).netloc.rpartition("@")[2]

    def caller_account(self, role_arn: str | None = None) -> str:
        """The account the credentials belong to, by GetCallerIdentity, which needs no permission. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        client = self._home_client("sts", self._credentials(role_arn))
        try:
            with explained("GetCallerIdentity", service="sts"):
                return str(client.get_caller_identity()["Account"])
        finally:
            client.close()

    def session_token(self, role_arn: str | None = None) -> str | None:
        """The session token of the caller's own credentials, or of a role's; None where they are an access key of long life. Raises FetchError."""
        if role_arn is not None:
            return self._credentials(role_arn)["aws_session_token"]
        if not self.connection.sign_request:
            return None
        from policycheck.sources.aws_errors import explained

        with explained():
            token: str | None = self._boto3.get_credentials().get_frozen_credentials().token
        return token or None

    def region_statuses(self, role_arn: str | None = None) -> Mapping[str, str]:
        """RegionOptStatus (ENABLED, DISABLED, ...) by Region in the caller's account, or a role's, by account:ListRegions. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        client = self._home_client("account", self._credentials(role_arn))
        try:
            with explained("ListRegions", service="account"):
                pages = client.get_paginator("list_regions").paginate()
                return {str(region.get("RegionName")): str(region.get("RegionOptStatus")) for page in pages for region in page.get("Regions", ())}
        finally:
            client.close()

    def caller_arn(self) -> str | None:
        """The ARN of the caller's identity, by GetCallerIdentity, which needs no permission; None where requests are not signed. Raises FetchError."""
        if not self.connection.sign_request:
            return None
        from policycheck.sources.aws_errors import explained

        client = self._home_client("sts", {})
        try:
            with explained("GetCallerIdentity", service="sts"):
                return str(client.get_caller_identity()["Arn"])
        finally:
            client.close()

    def object_store_options(self) -> dict[str, str]:
        """What a library for object stores needs to reach S3 as botocore would: credentials as they are now, Region and endpoint. Never to be shown.

        Raises FetchError: there are no credentials.
        """
        from policycheck.sources.aws_errors import explained

        region = self.default_region or _HOMES["aws"]
        client = self._client("s3", region, None, {})
        try:
            endpoint = str(client.meta.endpoint_url)
        finally:
            client.close()
        with explained():
            frozen = self._boto3.get_credentials().get_frozen_credentials()
        options = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key, "AWS_REGION": region}
        if frozen.token:
            options["AWS_SESSION_TOKEN"] = frozen.token
        if not _is_aws(endpoint):
            # Of an endpoint that is not AWS's own the library asks what is AWS's own to it: a path, and leave to go without TLS.
            options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
        # Two writers are told apart by S3's conditional writes: no table of locks is needed.
        return {**options, "aws_conditional_put": "etag"}

    def management_account(self) -> str:
        """The management account of the organization that the caller's account is in, by organizations:DescribeOrganization. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        client = self._home_client("organizations", {})
        try:
            with explained("DescribeOrganization", service="organizations"):
                return str(client.describe_organization().get("Organization", {}).get("MasterAccountId"))
        finally:
            client.close()

    def _credentials(self, role_arn: str | None) -> Mapping[str, str]:
        """The keys of a role, taken on once, whether that succeeds or not; nothing for the caller's own."""
        if role_arn is None:
            return {}
        with self._lock:
            turn = self._turns.setdefault(role_arn, Lock())
        # Whoever comes second waits for the first and takes what it got.
        with turn:
            if role_arn not in self._assumed:
                try:
                    self._assumed[role_arn] = self._assume(role_arn)
                except PolicycheckError as error:
                    self._assumed[role_arn] = error
            known = self._assumed[role_arn]
        if isinstance(known, PolicycheckError):
            raise copy(known)
        return known

    def _assume(self, role_arn: str) -> Mapping[str, str]:
        from policycheck.sources.aws_errors import explained

        client = self._home_client("sts", {})
        try:
            with explained("AssumeRole", clean_line(role_arn), service="sts"):
                given = client.assume_role(RoleArn=role_arn, RoleSessionName=SESSION_NAME)["Credentials"]
        finally:
            client.close()
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
        return {ours: str(given[theirs]) for ours, theirs in names.items()}

    def _home_client(self, service: str, credentials: Mapping[str, str]) -> Any:
        """A client for a service that is asked about the caller, not about a Region's jobs."""
        url = self.connection.endpoint_url
        # Never the Region that is read: one that is not enabled would refuse for all of them.
        named = [region for region in (self.default_region, *self.connection.regions) if region and region != ALL_REGIONS]
        region = next(iter(named), _HOMES.get(self._partition(), "us-east-1"))
        # An interface endpoint of AWS Backup answers for nothing else; an emulator answers for all of AWS.
        return self._client(service, region, url if url and not _is_aws(url) else None, credentials)

    def _client(self, service: str, region: str, endpoint_url: str | None, credentials: Mapping[str, str]) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        from policycheck.sources.aws_errors import explained

        connection = self.connection
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            read_timeout=connection.read_timeout or None,
            connect_timeout=connection.connect_timeout or None,
            user_agent_extra=f"policycheck/{__version__}",
            signature_version=None if connection.sign_request else UNSIGNED,
        )
        # Making a client reads and fills caches that belong to the session.
        with self._lock, explained():
            return self._boto3.client(service, region_name=region, endpoint_url=endpoint_url, verify=connection.verify, config=config, **credentials)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_aws(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def _silence_urllib3() -> None:
    """The user asked not to verify, and the report says so once: not a warning for each request."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
