"""What boto3 raises, as one clear line each: cause and hint, never a credential.

Source of the exceptions: botocore 1.44 and measurements against loopback endpoints. Imports botocore: import this module only where AWS is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from botocore import exceptions as b
from botocore.parsers import ResponseParserError

from policycheck.errors import FetchError, LastingError, PolicycheckError, UsageError
from policycheck.text import clean_line, truncate

_LOGIN = "log in again (`aws sso login`, `aws login`), then run the command again"
_CREDENTIALS = "name a --profile, set AWS_PROFILE or log in; `aws sts get-caller-identity` shows what is found"
_NETWORK = "run the command again; if this persists, check proxies and other systems between this machine and AWS"
_SETTINGS = "check the profile and the AWS_ variables"
_ONE_SESSION = "use a session that is already authenticated"
_LONGEST = 240
# Key ids (AKIA..., ASIA...), a password in a URL, and whatever is long enough for a key or a token and no ARN.
_SECRET = re.compile(r"(?P<arn>\barn:[\w-]+:[\w-]*:[\w-]*:\d*:[\w+=,.@/:-]+)|\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b|[A-Za-z0-9+/=_-]{40,}|(?<=://)[^/@\s]+@", re.ASCII)
_OS_ERROR = re.compile(r"\[Errno -?\d+\] ([^'\")>\]]+)")
_VERIFY = re.compile(r"certificate verify failed: ([^()]+)")


class UnknownClientError(LastingError):
    """AWS does not know the credentials: they are of no use anywhere, or the Region is not enabled in the account."""


class SignatureError(LastingError):
    """AWS does not accept the signature: the clock or the secret key is wrong. `date` is AWS's clock, where the answer tells it."""

    date: datetime | None = None


def scrub(text: object) -> str:
    """Text of others on one line, with everything in it that could be a credential left out."""
    return truncate(_SECRET.sub(lambda found: found["arn"] or "[...]", clean_line(str(text))), _LONGEST)


@contextmanager
def explained(operation: str = "", place: str = "", *, service: str = "backup") -> Iterator[None]:
    """Turn what boto3 raises within into FetchError or UsageError; what it never raises for a cause outside is a bug and stays what it is.

    Args:
        operation: what was asked, as the API names it; empty where boto3 is only set up, which fails in as many ways as there are settings.
        place: where; account and Region, or a role.
        service: the prefix of the IAM action.
    """
    try:
        yield
    except PolicycheckError:
        raise
    except Exception as error:
        explanation = explain(error, operation, place, service=service)
        if explanation is None:
            raise
        explanation.aws_exit_code = _aws_exit_code(error)
        raise explanation from None


def explain(error: Exception, operation: str = "", place: str = "", *, service: str = "backup") -> PolicycheckError | None:
    """The line for an exception; None for one that AWS has nothing to do with."""
    where = ", ".join(filter(None, (operation, place)))
    if isinstance(error, b.ClientError):
        return _explain_answer(error, operation, where, service)
    for row in _ROWS:
        if isinstance(error, row.types) and (row.only is None or row.only(error)):
            kind = UsageError if row.usage else LastingError if isinstance(error, _LASTING) else FetchError
            return kind(row.message.format_map(_Details(error)), hint=row.hint, place=where)
    if isinstance(error, b.BotoCoreError):
        return FetchError(f"boto3 gave up: {type(error).__name__}: {scrub(error)}", place=where)
    if not operation:
        return FetchError(f"boto3 cannot use its settings: {type(error).__name__}: {scrub(error)}", hint=_SETTINGS, place=where)
    return None


def _aws_exit_code(error: Exception) -> int:
    """What version 2 of the AWS CLI exits with: 252 parameters, 253 no credentials or no Region, 254 an error that AWS answered, else 255."""
    match error:
        case b.ParamValidationError():
            return 252
        case b.NoCredentialsError() | b.NoRegionError():
            return 253
        case b.ClientError():
            return 254
        case _:
            return 255


class _Details(Mapping[str, str]):
    """What a message may name of an exception: botocore's own arguments, scrubbed; `host` of whatever URL there is; `cause` below it."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._kwargs: Mapping[str, Any] = getattr(error, "kwargs", {})

    def __getitem__(self, name: str) -> str:
        match name:
            case "host":
                return _host(str(self._kwargs.get("endpoint_url") or self._kwargs.get("proxy_url") or ""))
            case "cause":
                return self._cause()
            case "filename":
                return truncate(clean_line(str(getattr(self._error, "filename", None) or "a file")), _LONGEST)
            case "path" | "profile":
                return truncate(clean_line(str(self._kwargs.get(name))), _LONGEST)
            case _:
                return scrub(self._kwargs.get(name, self._error))

    def __iter__(self) -> Iterator[str]:
        return iter(self._kwargs)

    def __len__(self) -> int:
        return len(self._kwargs)

    def _cause(self) -> str:
        text = str(self._kwargs.get("error", self._error))
        found = _VERIFY.search(text) or _OS_ERROR.search(text)
        return scrub(found[1].strip().lower() if found else text)


def _host(url: str) -> str:
    """Scheme, host and port: a query may hold a page token, and a name before the host a password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return scrub(f"{parts.scheme}://{host}" if host else "the endpoint")


@dataclass(frozen=True, slots=True)
class _Row:
    """What to say of some exceptions; the first row that fits counts."""

    types: tuple[type[Exception], ...]
    message: str
    hint: str = ""
    usage: bool = False
    only: Callable[[Exception], bool] | None = None


def _is_endpoint(error: Exception) -> bool:
    return str(error).startswith(("Invalid endpoint", "Invalid URL", "Invalid IPv6 URL", "Port "))


_NO_ENDPOINT = (b.UnknownEndpointError, b.EndpointProviderError, b.BaseEndpointResolverError)
_ROWS = (
    _Row((b.NoCredentialsError, b.NoAuthTokenError), "no AWS credentials were found", _CREDENTIALS),
    _Row((b.PartialCredentialsError,), "the credentials from {provider} are incomplete: {cred_var} is missing", _CREDENTIALS),
    _Row((b.ProfileNotFound,), "there is no profile {profile}", "`aws configure list-profiles` lists the profiles"),
    _Row((b.NoRegionError,), "no Region is named", "name one with --region (or all), AWS_REGION or the profile's region"),
    _Row((b.InvalidRegionError,), "{region_name} is not the name of a Region", "for example eu-west-1; `all` means every Region", usage=True),
    _Row((b.ConfigParseError,), "the configuration file {path} cannot be read: it is not in the form the AWS CLI writes", "`aws configure` writes it"),
    _Row((b.ConfigNotFound,), "the configuration file {path} does not exist", "see AWS_CONFIG_FILE"),
    _Row((b.SSOTokenLoadError, b.UnauthorizedSSOTokenError), "the SSO login has expired or does not exist", _LOGIN),
    _Row((b.TokenRetrievalError,), "the login of {provider} has expired or does not exist", _LOGIN),
    _Row((b.SSOError,), "the SSO login cannot be used ({cause})", _LOGIN),
    # `aws login` came after the oldest botocore that will do.
    _Row((getattr(b, "LoginError", b.SSOError),), "the login cannot be used ({cause})", _LOGIN),
    # A provider's own words may repeat what it printed, and that may be keys.
    _Row((b.CredentialRetrievalError,), "{provider} gave no credentials", "run the command of the profile yourself; its output is not repeated here"),
    _Row((b.MetadataRetrievalError,), "the instance or container gave no credentials", _CREDENTIALS),
    _Row((b.RefreshWithMFAUnsupportedError,), "the profile requires an MFA code, which cannot be requested again", _ONE_SESSION),
    _Row((b.MissingDependencyException,), "the profile's login requires a package that is not installed: {msg}", "pip install 'botocore[crt]'"),
    _Row((b.InvalidConfigError, b.InvalidRetryConfigurationError), "the AWS configuration is wrong: {error_msg}", _SETTINGS),
    _Row((b.SSLError,), "the certificate of {host} is not accepted: {cause}", "name the certificates you trust with --ca-bundle or AWS_CA_BUNDLE"),
    _Row((b.ProxyConnectionError,), "the proxy {host} cannot be reached", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"),
    _Row((b.InvalidProxiesConfigError,), "the configuration of the proxy is wrong", "check the proxy options of the profile"),
    _Row((b.ConnectTimeoutError,), "no connection to {host} in time", "check the network, or allow more time with --cli-connect-timeout"),
    _Row((b.ReadTimeoutError,), "{host} did not answer in time", "allow more time with --cli-read-timeout"),
    _Row((b.EndpointConnectionError,), "{host} cannot be reached: {cause}", "check the Region's name, --endpoint-url and the network"),
    _Row((b.ConnectionClosedError,), "{host} closed the connection before the answer was complete", _NETWORK),
    _Row((b.HTTPClientError, b.ConnectionError), "the connection failed: {cause}", _NETWORK),
    _Row((b.ParamValidationError,), "AWS Backup takes no such parameter: {report}", usage=True),
    _Row((b.PaginationError,), "the list does not end: {message}", "run the command again"),
    _Row(_NO_ENDPOINT, "this endpoint of AWS Backup does not exist: {cause}", "check --region and --endpoint-url"),
    _Row((ResponseParserError,), "the answer is not one of AWS: a web page, or cut off", _NETWORK),
    _Row((json.JSONDecodeError,), "the profile's credential_process does not print JSON", "run it yourself; its output is not repeated here"),
    _Row((ValueError,), "--endpoint-url (or AWS_ENDPOINT_URL) is not a URL", "https://host[:port]", usage=True, only=_is_endpoint),
    _Row((FileNotFoundError,), "{filename} does not exist: the profile, or AWS_WEB_IDENTITY_TOKEN_FILE, names it", _SETTINGS),
    _Row((PermissionError,), "{filename} cannot be read: the profile or an AWS_ variable names it", _SETTINGS),
    _Row((EOFError,), "the profile requires an MFA code, but there is no terminal to enter it", _ONE_SESSION),
)  # fmt: skip

_LASTING = (
    *(b.NoCredentialsError, b.NoAuthTokenError, b.PartialCredentialsError, b.ProfileNotFound, b.NoRegionError, b.ConfigParseError, b.ConfigNotFound),
    *(b.SSOError, b.TokenRetrievalError, getattr(b, "LoginError", b.SSOError), b.RefreshWithMFAUnsupportedError, b.MissingDependencyException),
    *(b.InvalidConfigError, b.InvalidRetryConfigurationError, b.SSLError, b.InvalidProxiesConfigError, FileNotFoundError, PermissionError, EOFError),
)
"""Exceptions whose cause lies in this machine's settings or in a login."""

_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "AuthorizationError"})
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN = frozenset({"UnrecognizedClientException", "UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken", "AuthFailure"})
_SIGNATURE = frozenset(
    {"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "IncompleteSignatureException", "RequestTimeTooSkewed", "RequestInTheFuture"}
)
_UNSIGNED = frozenset({"MissingAuthenticationToken", "MissingAuthenticationTokenException"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"})


def is_throttled(answer: Mapping[str, Any]) -> bool:
    """Whether botocore's parsed answer refuses a request for coming too fast."""
    code = answer.get("Error", {}).get("Code", "")
    return code in _THROTTLED or answer.get("ResponseMetadata", {}).get("HTTPStatusCode") == 429


def _explain_answer(error: Any, operation: str, where: str, service: str) -> FetchError:
    """The line for an error that AWS answered: a botocore ClientError."""
    details: Mapping[str, Any] = error.response.get("Error", {})
    metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
    code, status, attempts = str(details.get("Code", "")), int(metadata.get("HTTPStatusCode", 0)), int(metadata.get("RetryAttempts", 0)) + 1
    said = scrub(details.get("Message", ""))
    kind: type[FetchError] = LastingError if code in _DENIED | _EXPIRED | _UNSIGNED else FetchError
    if code in ("", str(status)) and status not in (429, *range(500, 600)):
        message, hint = f"the answer is not one of AWS (status {status})", _NETWORK
    elif code in _DENIED:
        action = f"{service}:{operation}"
        message = f"access denied: {action} is not allowed" + (f" ({said})" if said else "")
        hint = f"allow {action}, and let the role trust you" if service == "sts" else f"allow {action}; `policycheck permissions` prints all that a run needs"
    elif code in _EXPIRED:
        message, hint = "the session has expired", _LOGIN
    elif code in _UNKNOWN:
        kind, message = UnknownClientError, f"AWS does not know these credentials here ({code})"
        hint = "the Region might not be enabled in this account; otherwise, the key is deleted or from another partition"
    elif code in _UNSIGNED:
        message, hint = f"AWS does not answer a request without a signature ({code})", "omit --no-sign-request; otherwise, a proxy removed the signature"
    elif code in _SIGNATURE:
        # What AWS says of a signature repeats what was signed.
        message, hint = f"AWS does not accept the signature ({code})", "check this machine's clock and the secret key; a proxy might have changed the request"
        refused = SignatureError(message, hint=hint, place=where)
        refused.date = parse_date(metadata.get("HTTPHeaders", {}).get("date", ""))
        return refused
    elif code in _THROTTLED or status == 429:
        message, hint = f"AWS refused {attempts} times to take more requests ({scrub(code)})", "wait for other tools to finish, and run the command again"
    elif status >= 500:
        message = f"AWS failed {attempts} times to answer ({status if code in ('', str(status)) else f'{status} {scrub(code)}'})"
        hint = "run the command again; the AWS Health Dashboard shows outages"
    else:
        message, hint = f"AWS refused: {scrub(code) or status}" + (f": {said}" if said else ""), ""
    return kind(message, hint=hint, place=where)


def parse_date(text: str) -> datetime | None:
    """AWS's clock by the Date header of an answer, aware; None where it tells none."""
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return date if date.tzinfo is not None else None
