"""Sessions and clients of boto3, made of a connection: one session a profile, and each client once. boto3 is imported only when a session is opened."""

from __future__ import annotations

import getpass
import os
import warnings
from collections.abc import Mapping
from copy import copy
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from policycheck.errors import LastingError, PolicycheckError
from policycheck.sources.connection import ALL_REGIONS, Connection, partition_of
from policycheck.sources.identity import ACCOUNT, Identity, account_of_role
from policycheck.text import clean_line
from policycheck.version import __version__

SESSION_NAME = "policycheck"
"""RoleSessionName where nothing says another."""
ATTEMPTS = 8
"""Requests for one page, the first included. botocore's standard mode waits at most 1, 2, 4, 8, 16, 20 and 20 s between them when throttled (half of that on
average, 35 s in all) and 50 ms to 3.2 s otherwise."""
_CALLER = Identity()
_HOMES = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""A Region of each partition that is always enabled."""


class AwsSession:
    """The boto3 session of each profile and the clients made of them. Safe to use from several threads.

    Opening it resolves the credentials, so that a login that has ended, a profile that is not there or a code that is asked for shows once and at once. Of
    several profiles one that fails does not hinder the others: what needs it raises its error.
    """

    def __init__(self, connection: Connection) -> None:
        """Raises FetchError or UsageError where no profile gives credentials: see `aws_errors`."""
        self.connection = connection
        self._lock = Lock()
        self._turns: dict[object, Lock] = {}
        self._assumed: dict[Identity, Mapping[str, str] | PolicycheckError] = {}
        self._endpoints: dict[tuple[str | None, str], str] = {}
        self._sts: dict[str | None, Any] = {}
        self._profiles: dict[str | None, Any] = {}
        """By profile its boto3 session, or the error that it ended with."""
        profiles = connection.used_profiles
        for profile in profiles:
            try:
                self._profiles[profile] = self._open(profile)
            except PolicycheckError as error:
                if len(profiles) == 1:
                    raise
                error.place = f"profile {clean_line(str(profile))}" if profile else ""
                self._profiles[profile] = error
        failed = [error for error in self._profiles.values() if isinstance(error, PolicycheckError)]
        if len(failed) == len(profiles):
            raise failed[0]
        if not connection.verify_ssl:
            _silence_urllib3()

    def _open(self, profile: str | None) -> Any:
        import boto3

        from policycheck.sources.aws_errors import explained

        with explained():
            session = boto3.Session(profile_name=profile)
            if self.connection.sign_request:
                _resolve_credentials(session)
        return session

    def _boto3(self, profile: str | None) -> Any:
        """The session of a profile, of the first one where it is None; raises the error that it ended with."""
        found = self._profiles[profile if profile in self._profiles else self.connection.used_profiles[0]]
        if isinstance(found, PolicycheckError):
            raise copy(found)
        return found

    @property
    def _usual(self) -> Any:
        """The session of the first profile that has one."""
        return next(found for found in self._profiles.values() if not isinstance(found, PolicycheckError))

    def identities(self) -> tuple[Identity, ...]:
        """Who asks, each once, in the order named: profiles, or roles that one assumes."""
        connection = self.connection
        usual = connection.used_profiles[0]
        name = connection.role_session_name or os.environ.get("AWS_ROLE_SESSION_NAME") or SESSION_NAME
        if connection.accounts:
            named = partition_of(connection.regions)
            partition = named if named != "aws" else self._partition(self._usual)
            return tuple(
                Identity(
                    profile=entry.profile or (connection.profiles[0] if connection.profiles else None),
                    role_arn=entry.role_arn(partition),
                    external_id=entry.external_id or connection.role_external_id,
                    session_name=entry.session_name or name,
                    name=entry.name,
                )
                for entry in connection.accounts
            )
        if connection.role_arns:
            return tuple(Identity(usual, role, connection.role_external_id, name) for role in dict.fromkeys(connection.role_arns))
        return tuple(map(Identity, connection.used_profiles))

    @property
    def default_region(self) -> str | None:
        """The Region of the environment (AWS_REGION first, as in version 2 of the AWS CLI), else the first profile's."""
        return _default_region(self._usual)

    def regions(self, identity: Identity = _CALLER) -> tuple[str, ...]:
        """The Regions to ask, each once, in the order named; `all` takes those botocore knows for AWS Backup, disabled ones included. No request is made."""
        from botocore.utils import validate_region_name

        from policycheck.sources.aws_errors import explained

        # In which Regions a profile without credentials would be asked, the options may say.
        session = self._usual if self.connection.regions else self._boto3(identity.profile)
        named = tuple(dict.fromkeys(self.connection.regions))
        others = tuple(name for name in named if name != ALL_REGIONS)
        with explained():
            for name in others:
                validate_region_name(name)
            if ALL_REGIONS in named:
                known = session.get_available_regions("backup", partition_name=self._partition(session))
                return tuple(dict.fromkeys((*known, *others)))
            if not named and (default := _default_region(session)):
                named = (default,)
        if not named:
            whose = f"{identity.label}: " if identity.label and len(self._profiles) > 1 else ""
            error = LastingError(f"{whose}no Region is named", hint="name one with --region (or all), AWS_REGION or the profile's region")
            error.aws_exit_code = 253
            raise error
        return named

    def setting(self, name: str) -> str | None:
        """What the profile says of a setting of the AWS CLI (`output`, say). Raises FetchError where the configuration cannot be read."""
        from policycheck.sources.aws_errors import explained

        with explained():
            # boto3 has no public way to the settings that it does not use itself.
            value = self._usual._session.get_scoped_config().get(name)
        return value if isinstance(value, str) else None

    @staticmethod
    def _partition(session: Any) -> str:
        from botocore.exceptions import UnknownRegionError

        region = _default_region(session)
        try:
            return str(session.get_partition_for_region(region)) if region else "aws"
        except UnknownRegionError:
            return "aws"

    def backup_client(self, region: str, identity: Identity = _CALLER) -> Any:
        """A client for AWS Backup in one Region. Raises FetchError or UsageError."""
        client = self._client("backup", region, self.connection.endpoint_url, identity)
        self._endpoints[identity.profile, region] = str(client.meta.endpoint_url)
        return client

    def s3_client(self, region: str | None) -> Any:
        """A client for S3, at the endpoint of the environment or the profile, if these name one. Raises FetchError or UsageError."""
        return self._client("s3", region or self.default_region or _HOMES.get(self._partition(self._usual), "us-east-1"), None, _CALLER)

    @property
    def boto3_session(self) -> Any:
        """The first profile's session itself, for who takes credentials of it."""
        return self._usual

    def ca_bundle(self) -> str | None:
        """The file of CA certificates to trust beside the system's: of the option, the environment or the profile. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        with explained():
            # As in `setting`.
            return self.connection.ca_bundle or self._usual._session.get_config_variable("ca_bundle")

    def frozen_credentials(self) -> Any:
        """The caller's keys as they are now; None where requests are not signed. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        with explained():
            return self._usual.get_credentials().get_frozen_credentials() if self.connection.sign_request else None

    def foreign_host(self, region: str, identity: Identity = _CALLER) -> str:
        """The host that answered for AWS Backup in a Region, where it is none of AWS's own: whoever reads the result must know."""
        url = self._endpoints.get((identity.profile, region), "")
        return "" if not url or is_aws(url) else urlsplit(url).netloc.rpartition("@")[2]

    def caller_account(self, identity: Identity = _CALLER) -> str:
        """The account the credentials belong to, by GetCallerIdentity, which needs no permission. Raises FetchError."""
        return self._caller("Account", identity)

    def caller_arn(self) -> str:
        """Who the first profile's caller is, likewise. Raises FetchError."""
        return self._caller("Arn", Identity(self.connection.used_profiles[0]))

    def _caller(self, member: str, identity: Identity) -> str:
        from policycheck.sources.aws_errors import explained

        client = self._home_client("sts", identity)
        try:
            with explained("GetCallerIdentity", identity.label, service="sts"):
                return str(client.get_caller_identity()[member])
        finally:
            client.close()

    def configured_account(self, identity: Identity) -> str | None:
        """The account that the configuration names for a profile (`sso_account_id`, or that of `role_arn`), also where it gives no credentials."""
        import botocore.session
        from botocore.exceptions import BotoCoreError

        try:
            said = botocore.session.Session(profile=identity.profile).get_scoped_config()
        except (BotoCoreError, ValueError, OSError):
            return None
        account = str(said.get("sso_account_id") or account_of_role(str(said.get("role_arn"))) or "")
        return account if ACCOUNT.fullmatch(account) else None

    def session_token(self, identity: Identity = _CALLER) -> str | None:
        """The session token of the identity's credentials; None where they are an access key of long life. Raises FetchError."""
        if identity.role_arn is not None:
            return self._credentials(identity)["aws_session_token"]
        if not self.connection.sign_request:
            return None
        from policycheck.sources.aws_errors import explained

        with explained():
            token: str | None = self._boto3(identity.profile).get_credentials().get_frozen_credentials().token
        return token or None

    def region_statuses(self, identity: Identity = _CALLER) -> Mapping[str, str]:
        """RegionOptStatus (ENABLED, DISABLED, ...) by Region in the identity's account, by account:ListRegions. Raises FetchError."""
        from policycheck.sources.aws_errors import explained

        client = self._home_client("account", identity)
        try:
            with explained("ListRegions", service="account"):
                pages = client.get_paginator("list_regions").paginate()
                return {str(region.get("RegionName")): str(region.get("RegionOptStatus")) for page in pages for region in page.get("Regions", ())}
        finally:
            client.close()

    def organizations_client(self) -> Any:
        """A client for AWS Organizations, as the caller; whoever is done with it closes it. Raises FetchError."""
        return self._home_client("organizations", Identity(self.connection.used_profiles[0]))

    def _credentials(self, identity: Identity) -> Mapping[str, str]:
        """The keys of a role, assumed once, whether that succeeds or not; nothing for a profile's own."""
        if identity.role_arn is None:
            return {}
        # Whoever comes second waits for the first and takes what it got.
        with self._turn(identity):
            if identity not in self._assumed:
                try:
                    self._assumed[identity] = self._assume(identity, identity.role_arn)
                except PolicycheckError as error:
                    self._assumed[identity] = error
            known = self._assumed[identity]
        if isinstance(known, PolicycheckError):
            raise copy(known)
        return known

    def _turn(self, key: object) -> Lock:
        with self._lock:
            return self._turns.setdefault(key, Lock())

    def _assume(self, identity: Identity, role_arn: str) -> Mapping[str, str]:
        from policycheck.sources.aws_errors import explained

        asked = {"RoleArn": role_arn, "RoleSessionName": identity.session_name or SESSION_NAME}
        if identity.external_id is not None:
            asked["ExternalId"] = identity.external_id
        named = f"{clean_line(role_arn)} ({identity.name})" if identity.name else clean_line(role_arn)
        with explained("AssumeRole", named, service="sts"):
            given = self._assuming_client(identity.profile).assume_role(**asked)["Credentials"]
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
        return {ours: str(given[theirs]) for ours, theirs in names.items()}

    def _assuming_client(self, profile: str | None) -> Any:
        """The client by which a profile assumes its roles: one for all of them."""
        with self._turn(("sts", profile)):
            if profile not in self._sts:
                self._sts[profile] = self._home_client("sts", Identity(profile))
            return self._sts[profile]

    def close(self) -> None:
        """Close the connections that are still open; closing twice is fine."""
        while self._sts:
            self._sts.popitem()[1].close()

    def _home_client(self, service: str, identity: Identity) -> Any:
        """A client for a service that is asked about the caller, not about a Region's jobs."""
        url = self.connection.endpoint_url
        session = self._boto3(identity.profile)
        # Never the Region that is read: one that is not enabled would refuse for all of them.
        named = [region for region in (_default_region(session), *self.connection.regions) if region and region != ALL_REGIONS]
        region = next(iter(named), _HOMES.get(self._partition(session), "us-east-1"))
        # An interface endpoint of AWS Backup answers for nothing else; an emulator answers for all of AWS.
        return self._client(service, region, url if url and not is_aws(url) else None, identity)

    def _client(self, service: str, region: str, endpoint_url: str | None, identity: Identity) -> Any:
        from botocore import UNSIGNED
        from botocore.config import Config

        from policycheck.sources.aws_errors import explained

        connection, session, credentials = self.connection, self._boto3(identity.profile), self._credentials(identity)
        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            read_timeout=connection.read_timeout or None,
            connect_timeout=connection.connect_timeout or None,
            user_agent_extra=f"policycheck/{__version__}",
            signature_version=None if connection.sign_request else UNSIGNED,
        )
        # Making a client reads and fills caches that belong to the session.
        with self._lock, explained():
            return session.client(service, region_name=region, endpoint_url=endpoint_url, verify=connection.verify, config=config, **credentials)


def _default_region(session: Any) -> str | None:
    region: str | None = os.environ.get("AWS_REGION") or session.region_name
    return region


def _resolve_credentials(session: Any) -> None:
    from botocore.exceptions import NoCredentialsError

    credentials = session.get_credentials()
    if credentials is None:
        raise NoCredentialsError
    with warnings.catch_warnings():
        # Where a code is asked for and there is no terminal, the error says so.
        warnings.simplefilter("ignore", getpass.GetPassWarning)
        frozen = credentials.get_frozen_credentials()
    for name, value in (("access key id", frozen.access_key), ("secret access key", frozen.secret_key), ("session token", frozen.token)):
        # A value with a line break would end up, in parts, in the errors of whoever makes a header of it.
        if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable() and not any(map(str.isspace, value))):
            problem = "is not a text" if not isinstance(value, str) else "contains a space, a line break or an invalid character"
            raise LastingError(f"the {name} that was found {problem}", hint="copy the credentials again, on one line each, or log in again")


def is_aws(url: str) -> bool:
    """Whether a URL is of a host of AWS's own."""
    host = urlsplit(url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def _silence_urllib3() -> None:
    """The user asked not to verify, and the report says so once: not a warning for each request."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
