"""Every exception of boto3 is one line with a cause and a hint, and no line holds a credential."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore import exceptions as b
from botocore.parsers import ResponseParserError
from hypothesis import given
from hypothesis import strategies as st

from policycheck.errors import ExitCode, FetchError, LastingError, UsageError
from policycheck.sources.aws_errors import UnknownClientError, explain, explained, scrub
from tests.tables import each

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEBYaDkExample0123456789abcdefghijklmnopqrstuvwxyz=="
URL = f"https://user:pass@backup.eu-west-1.amazonaws.com/backup-jobs/?nextToken={TOKEN}"


def answer(code: str, status: int = 400, message: str = "said AWS", attempts: int = 1) -> b.ClientError:
    metadata = {"HTTPStatusCode": status, "RetryAttempts": attempts - 1}
    return b.ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "ListBackupJobs")


CASES: list[tuple[Exception, str, str]] = [
    (b.NoCredentialsError(), "no AWS credentials", "--profile"),
    (b.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), "AWS_SECRET_ACCESS_KEY is missing", "--profile"),
    (b.ProfileNotFound(profile="audit"), "no profile audit", "list-profiles"),
    (b.NoRegionError(), "no Region", "--region"),
    (b.ConfigParseError(path="/home/somebody/.aws/config"), "/home/somebody/.aws/config", "aws configure"),
    (b.ConfigNotFound(path="/nowhere"), "/nowhere", "AWS_CONFIG_FILE"),
    (b.SSOTokenLoadError(error_msg="gone"), "SSO login has expired", "aws sso login"),
    (b.UnauthorizedSSOTokenError(), "SSO login has expired", "aws sso login"),
    (b.TokenRetrievalError(provider="sso", error_msg="gone"), "login of sso has expired", "aws sso login"),
    (b.CredentialRetrievalError(provider="custom-process", error_msg=f"printed {SECRET}"), "custom-process gave no credentials", "yourself"),
    (b.MetadataRetrievalError(error_msg="404"), "instance or container", "--profile"),
    (b.RefreshWithMFAUnsupportedError(), "MFA", "session"),
    (b.InvalidConfigError(error_msg="role_arn without a source"), "role_arn without a source", "profile"),
    (b.InfiniteLoopConfigError(source_profile="a", visited_profiles=["a"]), "", ""),
    (b.EndpointConnectionError(endpoint_url=URL, error="<x>: Failed: [Errno 111] Connection refused"), "connection refused", "--endpoint-url"),
    (b.ConnectTimeoutError(endpoint_url=URL, error="x"), "no connection to https://backup.eu-west-1.amazonaws.com", "--cli-connect-timeout"),
    (b.ReadTimeoutError(endpoint_url=URL, error="x"), "did not answer in time", "--cli-read-timeout"),
    (b.ConnectionClosedError(endpoint_url=URL, error="x"), "closed the connection", "run the command again"),
    (b.SSLError(endpoint_url=URL, error="[SSL: X] certificate verify failed: self-signed certificate (_ssl.c:1006)"), "self-signed certificate", "--ca-bundle"),
    (b.ProxyConnectionError(proxy_url="http://user:pass@proxy:3128", error="x"), "the proxy http://proxy:3128", "HTTPS_PROXY"),
    (b.HTTPClientError(error="Could not find a suitable TLS CA certificate bundle"), "suitable TLS CA", "again"),
    (b.PaginationError(message="The same next token was received twice"), "does not end", "again"),
    (b.UnknownEndpointError(service_name="backup", region_name="x"), "this endpoint of AWS Backup does not exist", "--region"),
    (b.DataNotFoundError(data_path="x"), "DataNotFoundError", ""),
    (ResponseParserError("Unable to parse response"), "web page", "again"),
    (json.JSONDecodeError(f"Expecting value {SECRET}", SECRET, 0), "credential_process", "yourself"),
    (FileNotFoundError(2, "No such file", "/run/token"), "/run/token does not exist", "profile"),
    (PermissionError(13, "Permission denied", "/home/somebody/.aws/credentials"), "/home/somebody/.aws/credentials cannot be read", "profile"),
    (EOFError("EOF when reading a line"), "MFA code", "session"),
    (answer("ThrottlingException", attempts=8), "refused 8 times", "again"),
    (answer("TooManyRequestsException", 429, attempts=8), "refused 8 times", "again"),
    (answer("429", 429, attempts=8), "refused 8 times", "again"),
    (answer("ServiceUnavailableException", 503, attempts=8), "failed 8 times to answer (503 ServiceUnavailableException)", "Health"),
    (answer("502", 502, attempts=8), "failed 8 times to answer (502)", "Health"),
    (answer("AccessDeniedException", 403), "backup:ListBackupJobs is not allowed (said AWS)", "allow backup:ListBackupJobs"),
    (answer("ExpiredTokenException", 403), "session has expired", "log in again"),
    (answer("UnrecognizedClientException", 403), "does not know these credentials", "not be enabled"),
    (answer("InvalidClientTokenId", 403), "does not know these credentials", "not be enabled"),
    (answer("SignatureDoesNotMatch", 403, f"x-amz-security-token:{TOKEN}"), "signature", "clock"),
    (answer("MissingAuthenticationTokenException", 403), "without a signature", "--no-sign-request"),
    (answer("IncompleteSignatureException", 400, f"'{KEY_ID}/2026' not a valid key=value pair"), "signature", "clock"),
    (answer("403", 403, "<html>"), "not one of AWS (status 403)", "between this machine and AWS"),
    (answer("InvalidParameterValueException", 400, "Provided NextToken is invalid"), "InvalidParameterValueException: Provided NextToken", ""),
]
USAGE: list[tuple[Exception, str, str]] = [
    (b.InvalidRegionError(region_name="eu west"), "eu west is not the name of a Region", "eu-west-1"),
    (b.ParamValidationError(report="Unknown parameter in input"), "Unknown parameter", ""),
    (ValueError("Invalid endpoint: nonsense"), "not a URL", "https://"),
]


@each(("error", "cause", "hint"), CASES)
def test_an_exception_of_the_network_or_of_aws_is_one_line(error: Exception, cause: str, hint: str) -> None:
    found = explain(error, "ListBackupJobs", "111122223333/eu-west-1")
    assert isinstance(found, FetchError)
    assert found.exit_code is ExitCode.EVIDENCE
    assert cause in found.message
    assert hint in found.hint
    assert found.place == "ListBackupJobs, 111122223333/eu-west-1"
    assert not any("\n" in text for text in (found.message, found.hint, found.place))


@pytest.mark.parametrize(("error", "cause", "hint"), USAGE, ids=lambda value: type(value).__name__)
def test_an_option_that_cannot_be_is_a_mistake_of_the_command_line(error: Exception, cause: str, hint: str) -> None:
    found = explain(error)
    assert isinstance(found, UsageError)
    assert found.exit_code is ExitCode.USAGE
    assert cause in found.message
    assert hint in found.hint


@each("error", [error for error, _, _ in CASES + USAGE])
def test_no_line_holds_a_credential(error: Exception) -> None:
    found = explain(error, "ListBackupJobs")
    assert found is not None
    text = f"{found.message} {found.hint}"
    assert not [word for word in (KEY_ID, SECRET, TOKEN, "user:pass") if word in text]


def test_a_role_that_cannot_be_taken_on_names_the_action_of_sts() -> None:
    found = explain(answer("AccessDenied", 403), "AssumeRole", "arn:aws:iam::111122223333:role/Audit", service="sts")
    assert found is not None
    assert "sts:AssumeRole is not allowed" in found.message
    assert "trust" in found.hint


def test_credentials_that_aws_does_not_know_are_told_apart() -> None:
    assert isinstance(explain(answer("UnrecognizedClientException", 403)), UnknownClientError)
    assert not isinstance(explain(answer("AccessDeniedException", 403)), UnknownClientError)


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("a bug"), KeyError("a bug"), TypeError("a bug")])
def test_a_bug_stays_what_it_is(error: Exception) -> None:
    assert explain(error, "ListBackupJobs") is None
    with pytest.raises(type(error)), explained("ListBackupJobs"):
        raise error


@pytest.mark.parametrize("error", [ValueError("No closing quotation"), AttributeError("'list' object has no attribute 'get'"), OSError("a cause")])
def test_whatever_boto3_raises_while_it_is_set_up_comes_of_a_setting(error: Exception) -> None:
    with pytest.raises(FetchError, match="cannot use its settings") as caught, explained():
        raise error
    assert str(error) in caught.value.message


def test_the_explanation_takes_the_place_of_the_exception() -> None:
    with pytest.raises(FetchError) as caught, explained("ListBackupJobs"):
        raise b.NoCredentialsError
    assert caught.value.__suppress_context__


@given(st.text(), st.sampled_from([KEY_ID, SECRET, TOKEN]), st.text())
def test_a_credential_anywhere_in_a_text_is_left_out(before: str, secret: str, after: str) -> None:
    assert secret not in scrub(f"{before} {secret} {after}")


@pytest.mark.parametrize(
    "text",
    [
        "User: arn:aws:sts::111122223333:assumed-role/AWSBackupAuditorsOfTheWholeOrganization/policycheck is not authorized",
        "because no identity-based policy allows the backup:ListBackupJobs action",
    ],
)
def test_what_aws_says_of_permissions_is_kept(text: str) -> None:
    assert scrub(text) == text


def test_a_line_is_never_long() -> None:
    details: Any = explain(answer("ValidationException", 400, "word " * 1000))
    assert len(details.message) < 400


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        *((error, True) for error in (b.NoCredentialsError(), b.UnauthorizedSSOTokenError(), b.NoRegionError(), b.ProfileNotFound(profile="x"))),
        *((answer(code), True) for code in ("AccessDeniedException", "ExpiredToken", "UnrecognizedClientException", "SignatureDoesNotMatch")),
        *((answer(code, status), False) for code, status in (("ThrottlingException", 400), ("InternalFailure", 500), ("", 503), ("Strange", 400))),
        *((kind(endpoint_url=URL, error="x"), False) for kind in (b.EndpointConnectionError, b.ReadTimeoutError, b.ConnectionClosedError)),
        (b.MetadataRetrievalError(error_msg="404"), False),
    ],
    ids=str,
)
def test_what_does_not_mend_itself_is_told_apart(error: Exception, lasting: bool) -> None:
    """Where it is not certain, asking again may help."""
    assert isinstance(explain(error, "ListBackupJobs"), LastingError) is lasting
